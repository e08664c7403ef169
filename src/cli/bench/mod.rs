//! `falaj bench`: size this machine, with figures beside its own limits.
//!
//! B1: every figure stands beside a limit measured in the same run, in turn with it, on the same processors, so that the ratio
//! holds anywhere. B2: the bus is the real one, over HTTP on both sides and a real disk, with a sender and agencies in a child
//! process; nothing in the bus knows that it is measured. B3: every measurement is bounded in time, and what it wrote is removed.
//!
//! In reading order: [`phases`] takes the measurements, [`bus`] is what is measured, [`limits`], [`disk`] and [`cpu`] say what the
//! machine could do, [`peer`] is the child, [`deployment`] what is sent; [`figures`] and [`report`] are the outcome.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::table;

mod bus;
mod cpu;
mod deployment;
mod disk;
mod figures;
mod limits;
mod peer;
mod phases;
mod report;

/// Agencies that a peer can be asked for.
const PEER_AGENCIES_MAX: u64 = 64;

/// Arguments of `falaj bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  falaj bench --quick\n  falaj bench --seconds 10 --json > figures.json\n\n\
                        Half a minute to a few minutes. It needs about 1 GB on the disk it measures, and gives it back.")]
pub struct BenchArgs {
    /// Length of one measurement, in seconds
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
    /// How often each measurement is taken; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    pub rounds: u64,
    /// One round of one second each: a first look
    #[arg(long, conflicts_with_all = ["seconds", "rounds"])]
    pub quick: bool,
    /// Folder on the disk to measure; a folder of the bench's own is made in it and removed
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Be the sender and so many agencies of another process
    #[arg(long, value_name = "N", hide = true, value_parser = clap::value_parser!(u64).range(1..=PEER_AGENCIES_MAX))]
    peer: Option<u64>,
}

/// Runs `falaj bench`.
pub async fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    if let Some(agencies) = args.peer {
        let agencies = usize::try_from(agencies).context("too many agencies")?;
        tokio::task::spawn_blocking(move || peer::serve(agencies)).await??;
        return Ok(ExitCode::SUCCESS);
    }
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build: its figures say nothing. Use cargo run --release -- bench.");
    }
    let plan = match args.quick {
        true => phases::Plan { each: Duration::from_secs(1), rounds: 1 },
        false => phases::Plan { each: Duration::from_secs(args.seconds), rounds: usize::try_from(args.rounds)? },
    };
    let folder = Folder::make(args.dir.join(format!("falaj-bench-{}", std::process::id())))?;
    let figures = tokio::select! {
        figures = phases::measure(&folder.0, plan) => figures?,
        _interrupted = tokio::signal::ctrl_c() => anyhow::bail!("interrupted; there are no figures"),
    };
    drop(folder);
    if args.json {
        table::line(&serde_json::to_string_pretty(&figures)?)?;
    } else {
        table::line(&report::preface(&figures))?;
        table::show(report::HEADER, &report::lines(&figures))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder of our own. Keeps B3.
struct Folder(PathBuf);

impl Folder {
    fn make(path: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("falaj: {} could not be removed: {error}", self.0.display());
        }
    }
}

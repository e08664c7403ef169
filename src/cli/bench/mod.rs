//! `falaj bench`: size this machine, with figures beside its own limits.
//!
//! B1: every figure stands beside a limit, or beside the same thing undisturbed, measured in the same run, in turn with it, on the
//! same processors, so that the ratio holds anywhere. B2: the bus is the real one, over HTTP on both sides and a real disk, with a
//! sender and agencies in a child process; nothing in the bus knows that it is measured. B3: every measurement is bounded in time, what
//! it started is ended, and what it wrote is removed, also where it is interrupted.
//!
//! In reading order: [`apparatus`] is what measures, [`bus`] (or, as a process of its own, [`process`]) what is measured. The parts:
//! [`core`] beside the limits of the machine ([`limits`], [`disk`], [`cpu`]), [`isolation`], [`lanes`], [`backlog`], [`broker`]. [`peer`] is
//! the child, [`deployment`] what is sent, [`fill`] how a ledger comes to a backlog; [`figures`] and [`report`] are the outcome.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use self::apparatus::{Bench, Plan};
use self::deployment::FAN_OUT;
use self::figures::Figures;
use super::table;

mod apparatus;
mod backlog;
mod broker;
mod bus;
mod core;
mod cpu;
mod deployment;
mod disk;
mod figures;
mod fill;
mod isolation;
mod lanes;
mod limits;
mod memory;
mod peer;
mod process;
mod report;

/// Agencies that a peer can be asked for.
const PEER_AGENCIES_MAX: u64 = 999;
/// Files that a process may need to have open at once.
const FILES_WANTED: u64 = 4096;
/// Deliveries of the backlog, where it is one part of many, and where it is asked for alone.
const BACKLOG: [u64; 2] = [200_000, 10_000_000];
/// The same for ordering keys.
const KEYS: [u64; 2] = [10_000, 100_000];

/// Arguments of `falaj bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  falaj bench --quick\n  falaj bench --seconds 10 --json > figures.json\n  \
                        falaj bench --only isolation\n  falaj bench --only backlog --backlog 10000000\n  \
                        FALAJ_AMQP__URL=amqp://bench:PASSWORD@127.0.0.1/bench falaj bench --amqp\n\n\
                        A minute (--quick) to several. It needs about 2 GB on the disk it measures, and gives it back; a backlog of \
                        ten million deliveries takes a few minutes and 4 GB.\n\
                        At a broker it needs a virtual host in which no bus works: it makes its queues there and deletes them. Its user \
                        may do everything there, and has the tag impersonator.")]
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
    /// Measure this part alone; may be given more than once
    #[arg(long, value_name = "PART", value_enum)]
    pub only: Vec<Part>,
    /// isolation: agencies
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u64).range(isolation::AGENCIES_MIN..=PEER_AGENCIES_MAX))]
    pub agencies: u64,
    /// lanes: ordering keys [default: 10000, and 100000 with --only lanes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..=100_000))]
    pub keys: Option<u64>,
    /// backlog: deliveries that wait [default: 200000, and 10000000 with --only backlog]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(backlog::DELIVERIES_MIN..=1_000_000_000))]
    pub backlog: Option<u64>,
    /// Measure the way in and out over a broker, and nothing else that is not asked for; without a URL at FALAJ_AMQP__URL
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    pub amqp: Option<String>,
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

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Accepting, delivering and latency, beside the machine's own limits
    Core,
    /// What one silent, one slow and one failing agency cost the others
    Isolation,
    /// What one blocked lane in a hundred costs the others
    Lanes,
    /// What millions of waiting deliveries cost
    Backlog,
}

impl BenchArgs {
    fn measures(&self, part: Part) -> bool {
        let all = self.only.is_empty() && self.amqp.is_none();
        all || self.only.contains(&part)
    }

    /// A size: as it was asked for, or by whether the part was.
    fn size(&self, part: Part, asked: Option<u64>, [with_others, alone]: [u64; 2]) -> u64 {
        asked.unwrap_or(if self.only.contains(&part) { alone } else { with_others })
    }
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
    if let Some(files) = files_max().filter(|files| *files < FILES_WANTED) {
        eprintln!("Only {files} files may be open at once, which may be too few: ulimit -n {FILES_WANTED}");
    }
    let plan = match args.quick {
        true => Plan { each: Duration::from_secs(1), rounds: 1 },
        false => Plan { each: Duration::from_secs(args.seconds), rounds: usize::try_from(args.rounds)? },
    };
    let folder = Folder::make(args.dir.join(format!("falaj-bench-{}", std::process::id())))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let interrupted = "interrupted; there are no figures";
    let place = match &args.amqp {
        Some(url) => Some(broker::Place::make(&folder.0, url).await?),
        None => None,
    };
    let figures = tokio::select! {
        figures = measure(&folder.0, plan, &args, place.as_ref()) => figures,
        _interrupt = tokio::signal::ctrl_c() => Err(anyhow::anyhow!(interrupted)),
        _terminate = terminate.recv() => Err(anyhow::anyhow!(interrupted)),
    };
    if let Some(place) = place {
        place.clear().await?;
    }
    let figures = figures?;
    drop(folder);
    if args.json {
        table::line(&serde_json::to_string_pretty(&figures)?)?;
    } else {
        table::line(&report::preface(&figures))?;
        table::show(report::HEADER, &report::lines(&figures))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes every part that is asked for, each in a folder of its own that goes before the next one comes.
async fn measure(
    folder: &Path,
    plan: Plan,
    args: &BenchArgs,
    place: Option<&broker::Place>,
) -> anyhow::Result<Figures> {
    let mut figures = Figures {
        version: env!("CARGO_PKG_VERSION"),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        envelope_bytes: deployment::sample().len(),
        fan_out: FAN_OUT,
        rounds: plan.rounds,
        core: None,
        isolation: None,
        lanes: None,
        backlog: None,
        amqp: None,
    };
    if args.measures(Part::Core) {
        let own = Folder::make(folder.join("core"))?;
        figures.core = Some(core::measure(&own.0, plan).await?);
    }
    if args.measures(Part::Isolation) {
        let own = Folder::make(folder.join("isolation"))?;
        let bench = Bench::set(&own.0, plan, usize::try_from(args.agencies)?)?;
        figures.isolation = Some(isolation::measure(&bench).await?);
    }
    if args.measures(Part::Lanes) {
        let own = Folder::make(folder.join("lanes"))?;
        let bench = Bench::set(&own.0, plan, FAN_OUT)?;
        figures.lanes = Some(lanes::measure(&bench, args.size(Part::Lanes, args.keys, KEYS)).await?);
    }
    if args.measures(Part::Backlog) {
        let own = Folder::make(folder.join("backlog"))?;
        let bench = Bench::set(&own.0, plan, 1)?;
        figures.backlog = Some(backlog::measure(&bench, args.size(Part::Backlog, args.backlog, BACKLOG)).await?);
    }
    if let Some(place) = place {
        let own = Folder::make(folder.join("amqp"))?;
        figures.amqp = Some(broker::measure(&own.0, plan, place).await?);
    }
    Ok(figures)
}

/// How many files this process may have open; `None` where the system does not say.
fn files_max() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
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

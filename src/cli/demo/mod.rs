//! `falaj demo`: the whole bus with mock agencies on this machine.
//!
//! X1: it posts to mock agencies of this machine and to nobody else, whatever a deployment says. X2: every person in it is
//! invented. X3: it is the real bus, over HTTP on both sides; what is shown is read from its ledger.
//!
//! In reading order: [`stage`] sets everything up, [`agencies`] are the mocks, [`traffic`] is what is sent; [`live`] runs until
//! Ctrl-C and draws on [`screen`], [`once`] sends one notification and ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

mod agencies;
mod live;
mod log;
mod once;
mod screen;
mod stage;
mod traffic;

/// Most envelopes a second that a demo sends.
const RATE_MAX: f64 = 1_000.0;

/// Arguments of `falaj demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  falaj demo            run until Ctrl-C, with addresses to try\n  \
                        falaj demo --once     one notification, a table, exit\n  \
                        falaj demo --fresh    forget what an earlier demo left\n\n\
                        It runs the deployment that comes with Falaj (schemas/, connectors/ and examples/ of the current \
                        folder); its agencies are mocks on ports 9101 to 9117 of this machine. What is left when it stops is \
                        delivered after the next start.")]
pub struct DemoArgs {
    /// Send one notification, show what each agency did with it, and exit; status 1 if one did not have it within a minute
    #[arg(long)]
    pub once: bool,
    /// Print what each agency did as JSON
    #[arg(long, requires = "once")]
    pub json: bool,
    /// Folder of the demo's own, for its ledger and log
    #[arg(long, value_name = "DIR", default_value = "falaj-demo")]
    pub dir: PathBuf,
    /// Forget what an earlier demo left in that folder
    #[arg(long)]
    pub fresh: bool,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Envelopes sent per second
    #[arg(long, value_name = "N", default_value = "4", value_parser = rate)]
    pub rate: f64,
    /// Folder with schemas/, connectors/ and examples/
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub deployment: PathBuf,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| (0.01..=RATE_MAX).contains(rate))
        .ok_or_else(|| format!("expected a number from 0.01 to {RATE_MAX}"))
}

/// Runs `falaj demo`.
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    if args.fresh {
        forget(&args.dir.join("ledger"))?;
    }
    match args.once {
        true => once::run(&args.deployment, &args.dir, args.json).await,
        false => live::run(&args).await,
    }
}

/// Removes a ledger that an earlier demo left.
fn forget(ledger: &std::path::Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(ledger) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", ledger.display()))
        }
        _ => Ok(()),
    }
}

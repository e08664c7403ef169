//! `falaj replay`: everything since a time again to one agency, in the order in which it was accepted.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::client::{Bus, BusArgs};
use super::redrive::{count, settled, show};
use super::{NO, table};

/// Arguments of `falaj replay`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "For an agency that has lost what it had. What was delivered or is dead is delivered again, each under its \
                        first webhook-id; newer deliveries of the agency wait until the replay has caught up. `falaj redrives` \
                        shows it, pauses it and ends it.\n\nExample:\n  falaj replay moi --since 2026-11-24T00:00:00+03:00 \
                        --wait --reason \"the register was restored from Monday's backup\"\n\nExit status 1 if it is refused, \
                        or with --wait if some were not delivered or not in time."
)]
pub struct ReplayArgs {
    /// The agency's id
    pub agency: String,
    /// From when on, RFC 3339: what was accepted at this time or later
    #[arg(long, value_name = "TIME")]
    pub since: String,
    /// Wait until all are delivered or have failed again, at most so long (10m if not given)
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10m",
          value_parser = super::duration)]
    pub wait: Option<Duration>,
    /// Why; it is recorded in the audit
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `falaj replay`.
pub async fn run(args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let ask = json!({ "agency": args.agency, "from": args.since, "reason": args.reason });
    let mut answer = bus.order(&["v1", "replays"], &ask).await?;
    if let (true, Some(wait)) = (answer.is_ok(), args.wait) {
        answer = settled(&bus, answer, Instant::now() + wait).await?;
    }
    if !answer.is_ok() {
        eprintln!("falaj: {}", answer.problem());
        return Ok(NO.into());
    }
    let job: Value = answer.read()?;
    if args.json {
        table::line(&String::from_utf8_lossy(&answer.body))?;
    } else {
        show(&job)?;
    }
    let good = args.wait.is_none() || is_through(&job);
    Ok(if good { ExitCode::SUCCESS } else { NO.into() })
}

/// Whether everything was led again and is delivered.
fn is_through(job: &Value) -> bool {
    job["state"] == "done" && count(job, "done") >= count(job, "made")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_through_when_all_of_it_is_delivered() {
        let job =
            |state: &str, made: u64, done: u64| is_through(&json!({ "state": state, "made": made, "done": done }));
        assert!(job("done", 3, 3) && job("done", 0, 0));
        assert!(!job("running", 3, 3) && !job("done", 3, 2) && !job("cancelled", 1, 1));
    }
}

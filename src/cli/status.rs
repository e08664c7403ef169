//! `falaj status`: what each agency did with one envelope.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

use super::client::{Answer, Bus, BusArgs, CallFault, Delivery, POLL, Receipt};
use super::{NO, table};

/// The wait between two looks, where the bus answers a long poll at once.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Arguments of `falaj status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  falaj status 0198c0de-5a1e-7c00-8000-000000000001\n  \
                        falaj status --source urn:qa:gov:hukoomi --id 2026-000123 --wait=30s\n\nExit status 1 if there is \
                        no such envelope, or with --wait if it ended with failures or not in time.")]
pub struct StatusArgs {
    /// Falaj's id of the envelope, from its receipt
    #[arg(required_unless_present = "source", conflicts_with_all = ["source", "event"])]
    pub envelope: Option<String>,
    /// CloudEvents source of the envelope, with --id
    #[arg(long, requires = "event")]
    pub source: Option<String>,
    /// CloudEvents id of the envelope, with --source
    #[arg(long = "id", id = "event", value_name = "ID", requires = "source")]
    pub event_id: Option<String>,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Wait until every agency has finished, at most so long (60s if not given)
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "60s",
          value_parser = super::duration)]
    pub wait: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `falaj status`.
pub async fn run(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let id = match (args.envelope, args.source, args.event_id) {
        (Some(id), _, _) => id,
        (None, Some(source), Some(event)) => match find(&bus, &source, &event).await? {
            Ok(id) => id,
            Err(why) => return no(&why),
        },
        _ => anyhow::bail!("name the envelope by its id, or by --source and --id"),
    };
    let answer = match args.wait {
        Some(wait) => settled(&bus, &id, Instant::now() + wait).await?,
        None => bus.envelope(&id, None).await?,
    };
    if !answer.is_ok() {
        return no(&answer.problem());
    }
    let receipt: Receipt = answer.read()?;
    if args.json {
        table::line(&String::from_utf8_lossy(&answer.body))?;
    } else {
        show(&receipt)?;
    }
    let good = args.wait.is_none() || receipt.state == "completed";
    Ok(if good { ExitCode::SUCCESS } else { NO.into() })
}

fn no(why: &str) -> anyhow::Result<ExitCode> {
    eprintln!("falaj: {why}");
    Ok(NO.into())
}

async fn find(bus: &Bus, source: &str, event: &str) -> anyhow::Result<Result<String, String>> {
    let answer = bus.find(source, event).await?;
    if !answer.is_ok() {
        return Ok(Err(answer.problem()));
    }
    let found: serde_json::Value = answer.read()?;
    let first = super::agencies::rows(&found).first().and_then(|row| row["id"].as_str());
    Ok(first.map(str::to_owned).ok_or_else(|| "no envelope of that source and id is kept here".to_owned()))
}

/// Asks until the envelope is settled or the deadline has passed; the last answer in either case.
pub(super) async fn settled(bus: &Bus, id: &str, deadline: Instant) -> Result<Answer, CallFault> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let began = Instant::now();
        let answer = bus.envelope(id, Some(left.min(POLL))).await?;
        let open = answer.is_ok() && answer.read::<Receipt>().is_ok_and(|receipt| !receipt.is_settled());
        if !open || Instant::now() >= deadline {
            return Ok(answer);
        }
        tokio::time::sleep(LOOK_AGAIN.saturating_sub(began.elapsed())).await;
    }
}

/// Writes an envelope with a table of its deliveries.
pub(super) fn show(receipt: &Receipt) -> anyhow::Result<()> {
    table::line(&table::plain(&format!("{}  {}  {}", receipt.id, receipt.ty, receipt.state)))?;
    table::line(&table::plain(&format!(
        "  source {}  id {}  accepted {}",
        receipt.source, receipt.event_id, receipt.accepted_at
    )))?;
    if receipt.deliveries.is_empty() {
        return table::line("  no agency subscribes to it");
    }
    let rows: Vec<_> = receipt.deliveries.iter().map(row).collect();
    table::show(["AGENCY", "STATE", "OUTCOME", "ATTEMPTS", "REFERENCE", "REASON"], &rows)
}

fn row(delivery: &Delivery) -> [String; 6] {
    let waiting = delivery.waiting.as_ref();
    let state = match waiting {
        Some(waiting) => format!("{}: {}", delivery.state, waiting.reason),
        None => delivery.state.clone(),
    };
    let reason = delivery.reason.clone().or_else(|| waiting.map(|waiting| waiting.sentence().to_owned()));
    [
        delivery.agency.clone(),
        state,
        delivery.outcome.clone().unwrap_or_default(),
        delivery.attempts.to_string(),
        delivery.reference.clone().unwrap_or_default(),
        reason.unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_says_why() {
        let text = r#"{"agency":"moi","state":"waiting","attempts":2,"waiting":{"reason":"retry","since":"x",
            "text":"The last attempt failed (503)."}}"#;
        let row = row(&serde_json::from_str(text).unwrap());
        assert_eq!(row, ["moi", "waiting: retry", "", "2", "", "The last attempt failed (503)."].map(str::to_owned));
    }
}

//! `falaj redrive` delivers dead letters again; `falaj redrives` shows how it goes, and stops it.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::client::{Answer, Bus, BusArgs};
use super::repair::shown;
use super::{NO, table};

/// The wait between two looks at a redrive.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Arguments of `falaj redrive`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What was overtaken by newer data of its subject is held back, unless it is named by --id with --force.\n\n\
                        Examples:\n  falaj redrive --agency moi --group 5f0c2a9be1d47733 --dry-run --reason \"register mended\"\n  \
                        falaj redrive --agency moi --rate 20 --wait --reason \"register mended\"\n\nExit status 1 if nothing \
                        is eligible, or with --wait if some were not delivered or not in time."
)]
pub struct RedriveArgs {
    /// Whose dead letters
    #[arg(long)]
    pub agency: String,
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub ty: Option<String>,
    /// Only of this error group, from `falaj dead-letters --groups`
    #[arg(long)]
    pub group: Option<String>,
    /// Only accepted at or after this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only accepted before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only this delivery; may be given again
    #[arg(long = "id", value_name = "DELIVERY")]
    pub ids: Vec<String>,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Also those named by --id that newer data has overtaken
    #[arg(long, requires = "ids")]
    pub force: bool,
    /// Deliveries a second at most
    #[arg(long, value_name = "N")]
    pub rate: Option<u32>,
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

/// Arguments of `falaj redrives`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  falaj redrives\n  falaj redrives 0198c0de-5a1e-7c00-8000-000000000001 --cancel --reason \
                        \"wrong group\"\n\nExit status 1 if there is no such redrive, or it is through."
)]
#[command(group(clap::ArgGroup::new("order").args(["pause", "resume", "cancel"]).requires_all(["redrive", "reason"])))]
pub struct RedrivesArgs {
    /// Only this one
    pub redrive: Option<String>,
    /// Stop it for now
    #[arg(long)]
    pub pause: bool,
    /// Let it go on
    #[arg(long)]
    pub resume: bool,
    /// End it; what it has made stays
    #[arg(long)]
    pub cancel: bool,
    /// Why; it is recorded in the audit
    #[arg(long, requires = "order")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `falaj redrive`.
pub async fn run(args: RedriveArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let mut answer = bus.order(&["v1", "redrives"], &ask(&args)).await?;
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
    let eligible = count(&job, "eligible");
    let good = eligible > 0 && (args.wait.is_none() || count(&job, "done") >= eligible);
    Ok(if good { ExitCode::SUCCESS } else { NO.into() })
}

fn ask(args: &RedriveArgs) -> Value {
    let mut ask = Map::new();
    let texts = [("type", &args.ty), ("group", &args.group), ("from", &args.from), ("to", &args.to)];
    for (name, text) in texts {
        ask.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
    }
    ask.extend(args.rate.map(|rate| ("rate_per_second".to_owned(), json!(rate))));
    ask.insert("agency".to_owned(), json!(args.agency));
    ask.insert("ids".to_owned(), json!(args.ids));
    ask.insert("dry_run".to_owned(), json!(args.dry_run));
    ask.insert("force".to_owned(), json!(args.force));
    ask.insert("reason".to_owned(), json!(args.reason));
    Value::Object(ask)
}

/// Looks until nothing of a redrive or replay is open or the deadline has passed; the last answer in either case.
pub(super) async fn settled(bus: &Bus, mut answer: Answer, deadline: Instant) -> anyhow::Result<Answer> {
    let first: Value = answer.read()?;
    let id = first["id"].as_str().unwrap_or_default().to_owned();
    let mut said = String::new();
    loop {
        let job: Value = answer.read()?;
        tell(&job, &mut said)?;
        if !is_open(&job) || Instant::now() >= deadline {
            return Ok(answer);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        answer = bus.read(&["v1", "redrives", &id], &[]).await?;
        if !answer.is_ok() {
            return Ok(answer);
        }
    }
}

/// Whether something is still to come of a redrive.
fn is_open(job: &Value) -> bool {
    let ended = count(job, "done") + count(job, "failed");
    match job["state"].as_str() {
        Some("running" | "paused") => true,
        _ => ended < count(job, "made"),
    }
}

/// Tells people at a terminal how far it is, when that has changed.
fn tell(job: &Value, said: &mut String) -> io::Result<()> {
    let mut out = io::stderr();
    let now = progress(job);
    if !out.is_terminal() || now == *said {
        return Ok(());
    }
    *said = now;
    writeln!(out, "{said}")
}

fn progress(job: &Value) -> String {
    let [eligible, made, done, failed] = ["eligible", "made", "done", "failed"].map(|name| count(job, name));
    format!("{made} of {eligible} begun, {done} delivered, {failed} failed")
}

/// Writes a redrive or replay with what it leaves out.
pub(super) fn show(job: &Value) -> anyhow::Result<()> {
    let id = job["id"].as_str().map_or_else(String::new, |id| format!("{id}  "));
    let state = job["state"].as_str().unwrap_or_default();
    let figures = match state {
        "planned" => format!("{} would be delivered again", count(job, "eligible")),
        _ => progress(job),
    };
    table::line(&table::plain(&format!("{id}{state}  {figures}")))?;
    let held: Vec<_> = job["held_back"].as_array().map(Vec::as_slice).unwrap_or_default().iter().map(left).collect();
    if held.is_empty() {
        return Ok(());
    }
    table::line("held back:")?;
    table::show(["DELIVERY", "WHY"], &held)
}

fn left(held: &Value) -> [String; 2] {
    let arabic = super::client::language() == crate::model::text::Language::Arabic;
    let why = held[if arabic { "text_ar" } else { "text" }].as_str().or(held["why"].as_str());
    [held["id"].as_str().unwrap_or_default().to_owned(), why.unwrap_or_default().to_owned()]
}

/// Runs `falaj redrives`.
pub async fn list(args: RedrivesArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let Some(id) = args.redrive.as_deref() else {
        let answer = bus.read(&["v1", "redrives"], &[]).await?;
        return shown(&answer, args.json, |found: &Value| {
            let rows: Vec<_> = super::agencies::rows(found).iter().map(row).collect();
            table::show(
                ["REDRIVE", "KIND", "AGENCY", "STATE", "ELIGIBLE", "DELIVERED", "FAILED", "BY", "REASON"],
                &rows,
            )
        });
    };
    let reason = args.reason.as_deref().unwrap_or_default();
    let body = json!({ "reason": reason });
    let answer = match (args.pause, args.resume, args.cancel) {
        (true, ..) => bus.order(&["v1", "redrives", id, "pause"], &body).await?,
        (_, true, _) => bus.order(&["v1", "redrives", id, "resume"], &body).await?,
        (.., true) => bus.end(&["v1", "redrives", id], &[("reason", reason)]).await?,
        _ => bus.read(&["v1", "redrives", id], &[]).await?,
    };
    shown(&answer, args.json, show)
}

/// A figure of a redrive or replay.
pub(super) fn count(job: &Value, name: &str) -> u64 {
    job[name].as_u64().unwrap_or_default()
}

fn row(job: &Value) -> [String; 9] {
    let text = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| count(job, name).to_string();
    [
        text("id"),
        text("kind"),
        text("agency"),
        text("state"),
        number("eligible"),
        number("done"),
        number("failed"),
        text("by"),
        text("reason"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_is_open_until_what_it_made_has_ended() {
        let job = |state: &str, made: u64, done: u64, failed: u64| {
            is_open(&json!({ "state": state, "eligible": 3, "made": made, "done": done, "failed": failed }))
        };
        assert!(job("running", 3, 3, 0), "it says itself when it is through");
        assert!(job("paused", 0, 0, 0));
        assert!(job("done", 3, 1, 1));
        assert!(!job("done", 3, 2, 1));
        assert!(!job("cancelled", 1, 1, 0));
    }
}

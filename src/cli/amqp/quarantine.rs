//! `falaj amqp quarantine`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{BrokerArgs, visit};
use crate::amqp::quarantine::{Act, Held, LOOK_MAX, Sorted, Which};
use crate::cli::{NO, table};
use crate::model::time::At;

/// Arguments of `falaj amqp quarantine`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "What came in over AMQP and is no event at all waits here; nobody could be answered. A payload is never shown.\n\n\
                        Examples:\n  falaj amqp quarantine\n  falaj amqp quarantine release 5f0c2a9be1d47733\n  \
                        falaj amqp quarantine release --all\n  \
                        falaj amqp quarantine drop 5f0c2a9be1d47733 --reason \"a test of the portal team\"\n\n\
                        Exit status 1 if what was named is not there."
)]
pub struct QuarantineArgs {
    /// What to do; list where nothing is said.
    #[command(subcommand)]
    pub command: Option<QuarantineCommand>,
    #[command(flatten)]
    /// How to list.
    pub list: ListArgs,
}

/// The commands of `falaj amqp quarantine`.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// Show what is there
    List(ListArgs),
    /// Lead messages back to where they came in, to be parsed again
    Release(ReleaseArgs),
    /// Throw messages away
    Drop(DropArgs),
}

/// Arguments of `falaj amqp quarantine list`.
#[derive(Debug, Clone, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    /// Which broker.
    pub broker: BrokerArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which messages.
#[derive(Debug, Clone, clap::Args)]
#[group(id = "which", required = true, multiple = false)]
pub struct Named {
    /// Ids, from the list; a message that came twice has one id
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All that are there now
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `falaj amqp quarantine release`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReleaseArgs {
    #[command(flatten)]
    /// Which.
    pub named: Named,
    #[command(flatten)]
    /// Where, and how it is shown.
    pub list: ListArgs,
}

/// Arguments of `falaj amqp quarantine drop`.
#[derive(Debug, Clone, clap::Args)]
pub struct DropArgs {
    #[command(flatten)]
    /// Which.
    pub named: Named,
    /// Why; it is said with what was dropped, on standard output: keep that
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    /// Where, and how it is shown.
    pub list: ListArgs,
}

/// Runs `falaj amqp quarantine`.
pub async fn run(args: QuarantineArgs) -> anyhow::Result<ExitCode> {
    let (act, list, reason) = match args.command {
        None => (Act::Look, args.list, None),
        Some(QuarantineCommand::List(list)) => (Act::Look, list, None),
        Some(QuarantineCommand::Release(ReleaseArgs { named, list })) => (Act::Release(named.which()), list, None),
        Some(QuarantineCommand::Drop(DropArgs { named, reason, list })) => {
            anyhow::ensure!(!reason.trim().is_empty(), "--reason says nothing; write why they are thrown away");
            (Act::Drop(named.which()), list, Some(reason))
        }
    };
    let config = list.broker.config()?;
    let visit = visit(&config).await?;
    let sorted = visit.quarantine(&act).await;
    visit.close().await;
    let sorted = sorted?;
    if list.json {
        table::line(&format!(
            "{:#}",
            json!({ "done": sorted.done, "left": sorted.left, "more": sorted.more, "reason": reason })
        ))?;
    } else {
        show(&act, &sorted, reason.as_deref())?;
    }
    let found = match &act {
        Act::Look | Act::Release(Which::All) | Act::Drop(Which::All) => true,
        Act::Release(Which::Ids(ids)) | Act::Drop(Which::Ids(ids)) => every(ids, &sorted.done),
    };
    Ok(if found { ExitCode::SUCCESS } else { NO.into() })
}

impl Named {
    fn which(self) -> Which {
        if self.all { Which::All } else { Which::Ids(self.ids) }
    }
}

/// Whether each id was found; says which were not.
fn every(ids: &[String], done: &[Held]) -> bool {
    let missing: Vec<&str> =
        ids.iter().filter(|id| !done.iter().any(|held| held.id == **id)).map(String::as_str).collect();
    if !missing.is_empty() {
        eprintln!("falaj: not in the quarantine: {}", table::plain(&missing.join(", ")));
    }
    missing.is_empty()
}

fn show(act: &Act, sorted: &Sorted, reason: Option<&str>) -> anyhow::Result<()> {
    let (rows, last) = match act {
        Act::Look => (&sorted.left, format!("{} in the quarantine", sorted.left.len())),
        Act::Release(_) => {
            (&sorted.done, format!("{} released, {} left in the quarantine", sorted.done.len(), sorted.left.len()))
        }
        Act::Drop(_) => {
            let reason = table::plain(reason.unwrap_or_default());
            (&sorted.done, format!("{} thrown away ({reason}), {} left", sorted.done.len(), sorted.left.len()))
        }
    };
    if !rows.is_empty() {
        let rows: Vec<_> = rows.iter().map(row).collect();
        table::show(["ID", "SINCE", "FROM", "MESSAGE ID", "ROUTING KEY", "CONTENT TYPE", "BYTES", "QUEUE"], &rows)?;
    }
    let more = if sorted.more { format!("; more than {LOOK_MAX} are there, look again") } else { String::new() };
    table::line(&format!("{last}{more}"))
}

fn row(held: &Held) -> [String; 8] {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let since =
        held.since.and_then(|s| i64::try_from(s).ok()).map_or_else(|| "-".to_owned(), |s| At(s * 1000).to_string());
    [
        held.id.clone(),
        since,
        text(&held.user),
        text(&held.message_id),
        held.routing_key.clone(),
        text(&held.content_type),
        held.bytes.to_string(),
        text(&held.queue),
    ]
}

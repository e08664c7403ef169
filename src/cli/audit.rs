//! `falaj audit`: who did what, when and why.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::client::{Bus, BusArgs};
use super::dead_letters::{Gathered, gather};
use super::{NO, table};

/// Arguments of `falaj audit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The latest stands first. The key must be an auditor's or an admin's.\n\nExamples:\n  falaj audit\n  \
                        falaj audit --max 1000 --json"
)]
pub struct AuditArgs {
    /// Show at most so many, the latest
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub max: usize,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `falaj audit`.
pub async fn run(args: AuditArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let entries = match gather(&bus, &["v1", "audit"], &[], "entries", args.max).await? {
        Gathered::All { rows, .. } => rows,
        Gathered::Refused(answer) => {
            eprintln!("falaj: {}", answer.problem());
            return Ok(NO.into());
        }
    };
    if args.json {
        table::line(&json!({ "entries": entries }).to_string())?;
    } else {
        let rows: Vec<_> = entries.iter().map(row).collect();
        table::show(["WHEN", "WHO", "WHAT", "ON", "WHY"], &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &Value) -> [String; 5] {
    ["at", "actor", "action", "target", "reason"].map(|name| entry[name].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_who_did_what_and_why() {
        let entry = json!({ "n": 1, "at": "t", "actor": "night shift", "action": "pause", "target": "moi", "reason": "الصيانة" });
        assert_eq!(row(&entry), ["t", "night shift", "pause", "moi", "الصيانة"].map(str::to_owned));
    }
}

//! `falaj ledger`: prove it sound, or take it elsewhere.
//!
//! Both read a snapshot, so they also run beside a bus that serves. No payload is printed.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use crate::ledger::{self, CheckReport};

/// Arguments of `falaj ledger`.
#[derive(Debug, clap::Args)]
pub struct LedgerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// What can be done with a ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Check every invariant and report each violation; exit status 1 if there is one
    Check {
        /// Data folder
        #[arg(long, value_name = "DIR", default_value = "falaj-data")]
        data: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write every envelope and delivery as JSON Lines to standard output
    Export {
        /// Data folder
        #[arg(long, value_name = "DIR", default_value = "falaj-data")]
        data: PathBuf,
    },
}

/// Runs `falaj ledger`.
pub async fn run(args: LedgerArgs) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(move || match args.command {
        LedgerCommand::Check { data, json } => check(&data, json),
        LedgerCommand::Export { data } => export(&data),
    })
    .await?
}

/// Proves the ledger's invariants. Exit status 0: they hold; 1: they do not, and every finding is printed.
pub fn check(folder: &Path, json: bool) -> anyhow::Result<ExitCode> {
    ensure_ledger(folder)?;
    let report = ledger::check(folder).with_context(|| format!("cannot check {}", folder.display()))?;
    let text = if json { serde_json::to_string_pretty(&report)? + "\n" } else { in_words(&report) };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A wrong folder is the commonest mistake; nothing is made in it.
fn ensure_ledger(folder: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        ledger::stands_in(folder),
        "there is no ledger in {}; name the data folder of a bus with --data",
        folder.display()
    );
    Ok(())
}

/// Writes everything but the payloads as JSON Lines on standard output.
pub fn export(folder: &Path) -> anyhow::Result<ExitCode> {
    ensure_ledger(folder)?;
    let mut out = BufWriter::new(io::stdout().lock());
    ledger::export(folder, false, &mut out).with_context(|| format!("cannot export {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn in_words(report: &CheckReport) -> String {
    let CheckReport { envelopes, deliveries, broken } = report;
    let read = format!("{envelopes} envelopes, {deliveries} deliveries");
    if broken.is_empty() {
        return format!("{read}: every invariant holds\n");
    }
    let findings: String = broken.iter().map(|finding| format!("  {finding}\n")).collect();
    format!("{read}: broken\n{findings}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_one_a_line() {
        let mut report = CheckReport { envelopes: 2, deliveries: 5, broken: vec![] };
        assert_eq!(in_words(&report), "2 envelopes, 5 deliveries: every invariant holds\n");
        report.broken = vec!["L1: x".into(), "L2: y".into()];
        assert_eq!(in_words(&report), "2 envelopes, 5 deliveries: broken\n  L1: x\n  L2: y\n");
    }
}

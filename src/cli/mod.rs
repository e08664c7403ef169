//! The command line: one file per command, each with its arguments and what it does.
//!
//! Exit status 0: done. 1: the answer is no (refused, not settled, out of order). 2: wrong usage or configuration, or the bus
//! could not be asked. What goes wrong is said once, on standard error, with what to do about it.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

pub mod agencies;
pub mod amqp;
pub mod audit;
pub mod bench;
pub mod check;
pub mod client;
pub mod dead_letters;
pub mod demo;
pub mod documents;
pub mod keys;
pub mod ledger;
pub mod mock_agency;
pub mod redrive;
pub mod repair;
pub mod replay;
pub mod screen;
pub mod send;
pub mod serve;
pub mod statistics;
pub mod status;
pub mod table;
pub mod top;

mod events;

/// Exit status where the answer is no.
pub const NO: u8 = 1;
/// Exit status of wrong usage or configuration, and where the bus could not be asked.
pub const TROUBLE: u8 = 2;

/// A government data-exchange bus: one accepted envelope, led durably to every agency that must act on it.
#[derive(Debug, Parser)]
#[command(name = "falaj", version, arg_required_else_help = true, propagate_version = true)]
#[command(after_help = "Try it: falaj demo\nExit status: 0 done, 1 the answer is no, 2 wrong usage or configuration.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole bus with mock agencies on this machine
    Demo(demo::DemoArgs),
    /// Run the bus
    Serve(serve::ServeArgs),
    /// Read a deployment and report every problem at once
    Check(check::CheckArgs),
    /// Make keys for those who call the bus
    Keys(keys::KeysArgs),
    /// Post envelopes and show what became of them
    Send(send::SendArgs),
    /// Show what each agency did with one envelope
    Status(status::StatusArgs),
    /// Show the agencies and their queues
    Agencies(agencies::AgenciesArgs),
    /// Watch the agencies and their queues live
    Top(top::TopArgs),
    /// Hold all deliveries to an agency until it is resumed
    Pause(repair::PauseArgs),
    /// Let out what an agency is to get by now, and hold what comes later until it is resumed
    Drain(repair::DrainArgs),
    /// Let deliveries to a paused or drained agency go on
    Resume(repair::ResumeArgs),
    /// Show what has failed and waits for a person
    DeadLetters(dead_letters::DeadLettersArgs),
    /// Deliver dead letters again
    Redrive(redrive::RedriveArgs),
    /// Deliver everything since a time to one agency again
    Replay(replay::ReplayArgs),
    /// Show redrives and replays; pause, resume or end one
    Redrives(redrive::RedrivesArgs),
    /// Try a failed or parked delivery again now
    Retry(repair::RetryArgs),
    /// Pass over a delivery: its subject's later ones go on, and the next one tells of the gap
    Skip(repair::SkipArgs),
    /// Withdraw a delivery: its subject's later ones go on as if it had never been
    Cancel(repair::CancelArgs),
    /// Let what waits behind a parked delivery go on; it becomes a dead letter and can be redriven
    Release(repair::ReleaseArgs),
    /// Show who did what, when and why
    Audit(audit::AuditArgs),
    /// Show how often which service was used in a month
    Statistics(statistics::StatisticsArgs),
    /// Plan and check what the broker needs for agencies that speak AMQP
    Amqp(amqp::AmqpArgs),
    /// Prove the ledger sound, or export it
    Ledger(ledger::LedgerArgs),
    /// Run a real receiver that verifies, deduplicates, checks order, and fails on request
    MockAgency(mock_agency::MockAgencyArgs),
    /// Size this machine: figures beside its own limits
    Bench(bench::BenchArgs),
    /// Print the HTTP interface as an OpenAPI 3.1 document
    #[command(after_help = "Example:\n  falaj openapi > openapi.json\n\n\
                      The same document comes from a running bus: GET /openapi.json; GET /docs is the page to read.")]
    Openapi,
    /// Print what each agency receives as an AsyncAPI 3.0 document
    Asyncapi(documents::AsyncApiArgs),
    /// Print the completions of a shell
    #[command(after_help = "Example: falaj completions bash > /etc/bash_completion.d/falaj")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

impl Cli {
    /// Does what was asked for, and says what went wrong.
    pub async fn run(self) -> ExitCode {
        match self.command.run().await {
            Ok(code) => code,
            // Whoever read our output has had enough: `falaj agencies | head -1`.
            Err(error) if table::is_closed(&error) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("falaj: {error:#}");
                TROUBLE.into()
            }
        }
    }
}

impl Command {
    async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Demo(args) => demo::run(args).await,
            Self::Serve(args) => serve::run(args).await,
            Self::Check(args) => check::run(args).await,
            Self::Keys(args) => keys::run(args).await,
            Self::Send(args) => send::run(args).await,
            Self::Status(args) => status::run(args).await,
            Self::Agencies(args) => agencies::run(args).await,
            Self::Top(args) => top::run(args).await,
            Self::Pause(args) => repair::pause(args).await,
            Self::Drain(args) => repair::drain(args).await,
            Self::Resume(args) => repair::resume(args).await,
            Self::DeadLetters(args) => dead_letters::run(args).await,
            Self::Redrive(args) => redrive::run(args).await,
            Self::Replay(args) => replay::run(args).await,
            Self::Redrives(args) => redrive::list(args).await,
            Self::Retry(args) => repair::delivery("retry", args.order).await,
            Self::Skip(args) => repair::delivery("skip", args.order).await,
            Self::Cancel(args) => repair::delivery("cancel", args.order).await,
            Self::Release(args) => repair::delivery("release", args.order).await,
            Self::Audit(args) => audit::run(args).await,
            Self::Statistics(args) => statistics::run(args).await,
            Self::Amqp(args) => amqp::run(args).await,
            Self::Ledger(args) => ledger::run(args).await,
            Self::MockAgency(args) => mock_agency::run(args).await,
            Self::Bench(args) => bench::run(args).await,
            Self::Openapi => documents::openapi().await,
            Self::Asyncapi(args) => documents::asyncapi(args).await,
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "falaj", &mut script);
                table::print(&String::from_utf8_lossy(&script))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Reads a duration such as `250ms`, `15s` or `5m` (for clap).
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let span = crate::model::time::Span::parse(text);
    span.map(|span| span.0).ok_or_else(|| "expected a duration such as 250ms, 15s, 5m, 2h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_of_the_manual_are_understood() {
        let lines = [
            "falaj demo --once",
            "falaj serve --config falaj.toml --data d --listen 127.0.0.1:0",
            "falaj check examples",
            "falaj keys new --role agency --agency moi",
            "falaj send a.json - --wait",
            "falaj send a.json --wait=5s --url http://x --key k",
            "falaj status --source urn:x --id 1 --wait --json",
            "falaj status 01890000-0000-7000-8000-000000000000",
            "falaj agencies moi",
            "falaj top",
            "falaj top --every 500ms --sort backlog --filter qp",
            "falaj top --once --json",
            "falaj pause moi --reason maintenance",
            "falaj drain moi --reason moving",
            "falaj resume moi --reason done --json",
            "falaj replay moi --since 2026-11-24T00:00:00Z --wait=1m --reason restored --json",
            "falaj demo --once --json",
            "falaj dead-letters --agency moi --group 0123456789abcdef --json",
            "falaj dead-letters --groups",
            "falaj redrive --agency moi --group 0123456789abcdef --dry-run --reason mended",
            "falaj redrive --agency moi --id 01890000-0000-7000-8000-000000000000 --force --rate 5 --wait --reason mended",
            "falaj redrives",
            "falaj redrives 01890000-0000-7000-8000-000000000000 --cancel --reason wrong",
            "falaj retry 01890000-0000-7000-8000-000000000000 --reason mended",
            "falaj skip 01890000-0000-7000-8000-000000000000 --reason obsolete",
            "falaj cancel 01890000-0000-7000-8000-000000000000 --reason withdrawn",
            "falaj release 01890000-0000-7000-8000-000000000000 --reason others-wait",
            "falaj audit --max 10",
            "falaj statistics --month 2026-09 --csv",
            "falaj statistics --envelope --month 2026-09 --source urn:x --portal metrash",
            "falaj amqp plan",
            "falaj amqp plan --format commands --config falaj.toml",
            "falaj amqp plan --json",
            "falaj amqp check --url amqp://x --all --json",
            "falaj amqp quarantine",
            "falaj amqp quarantine --json",
            "falaj amqp quarantine list --json",
            "falaj amqp quarantine release 5f0c2a9be1d47733 5f0c2a9be1d47734 --json",
            "falaj amqp quarantine release --all",
            "falaj amqp quarantine drop 5f0c2a9be1d47733 --reason test",
            "falaj ledger check --data d",
            "falaj mock-agency --listen 127.0.0.1:0 --unsigned --fail 0.3 --delay 200ms --refuse-types qa.gov.*",
            "falaj bench --json",
            "falaj openapi",
            "falaj asyncapi",
            "falaj asyncapi examples --agency moi",
            "falaj completions zsh",
        ];
        for line in lines {
            let parsed = Cli::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
        let lines = [
            "falaj",
            "falaj send",
            "falaj status",
            "falaj status --source urn:x",
            "falaj keys new --role agency",
            "falaj mock-agency --listen 127.0.0.1:0",
            "falaj mock-agency --unsigned --fail 1.5",
            "falaj send a.json --wait=soon",
            "falaj pause moi",
            "falaj drain moi",
            "falaj replay moi --reason restored",
            "falaj demo --json",
            "falaj retry 01890000-0000-7000-8000-000000000000",
            "falaj redrive --reason all",
            "falaj redrive --agency moi --force --reason all",
            "falaj redrives 01890000-0000-7000-8000-000000000000 --pause --cancel --reason x",
            "falaj redrives --cancel --reason x",
            "falaj statistics --month 2026-13",
            "falaj statistics --json --csv",
            "falaj statistics --source urn:x",
            "falaj amqp",
            "falaj amqp plan --format yaml",
            "falaj amqp plan --format table --json",
            "falaj amqp quarantine release",
            "falaj amqp quarantine release --all 5f0c2a9be1d47733",
            "falaj amqp quarantine drop --all",
        ];
        for line in lines {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}

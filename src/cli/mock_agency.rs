//! `falaj mock-agency`: a real receiver that verifies, deduplicates, checks order, and fails on request.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{NO, table};
use crate::connector::secret::Secret;
use crate::mock::{Behaviour, Line, Mock, MockOptions, Reply, Stats, What};
use crate::model::id::TypePattern;
use crate::telemetry::log;

/// Lines that may wait for the log; beyond, the agency waits.
const LINES_MAX: usize = 1_024;
/// How long the log may take to end.
const LOG_TIMEOUT: Duration = Duration::from_secs(2);
/// Secrets that may be valid at once.
const SECRETS_MAX: usize = 8;

/// Arguments of `falaj mock-agency`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("proof").required(true).multiple(false))]
#[command(after_help = "Examples:\n  falaj mock-agency --listen 127.0.0.1:9001 --secret whsec_... --agency moi\n  \
                        falaj mock-agency --unsigned --fail 0.3 --delay 200ms --log moi.jsonl\n  \
                        curl http://127.0.0.1:9001/stats\n  \
                        curl -H 'content-type: application/json' -d '{\"fail\":0.5}' http://127.0.0.1:9001/control\n\n\
                        A secret: echo whsec_$(openssl rand -base64 32)\n\
                        Exit status 1 if messages of one subject came out of order.")]
pub struct MockAgencyArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9001")]
    pub listen: SocketAddr,
    /// Secret that signs what it receives, from the agency's connector.toml; several, with commas, while it changes
    #[arg(long, env = "FALAJ_MOCK_SECRET", hide_env_values = true, value_delimiter = ',', group = "proof")]
    pub secret: Vec<String>,
    /// Take what is not signed
    #[arg(long, group = "proof")]
    pub unsigned: bool,
    /// Name that begins the references it gives out
    #[arg(long, value_name = "NAME", default_value = "mock")]
    pub agency: String,
    /// Share of requests that fail, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub fail: f64,
    /// Status of a failure
    #[arg(long, value_name = "STATUS", default_value_t = 503, value_parser = clap::value_parser!(u16).range(300..=599))]
    pub fail_status: u16,
    /// Retry-After of a failure
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub retry_after: Option<Duration>,
    /// Share of requests that are acted on and whose answer is then lost, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub lose: f64,
    /// Time before each answer
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = super::duration)]
    pub delay: Duration,
    /// Cut every connection for so long at first
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = super::duration)]
    pub down_for: Duration,
    /// What it answers
    #[arg(long, value_enum, default_value_t = ReplyArg::Applied)]
    pub outcome: ReplyArg,
    /// Types that it refuses, with commas; families as in connector.toml
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = pattern)]
    pub refuse_types: Vec<TypePattern>,
    /// Write one JSON line per request to this file (no payloads)
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Do not print each request
    #[arg(long, short)]
    pub quiet: bool,
}

/// What it can be told to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ReplyArg {
    /// 200, applied
    Applied,
    /// 200, refused
    Refused,
    /// 200, a person must do something first
    NeedsAction,
    /// 202, the outcome would follow
    Pending,
    /// 200, asks to be tried again
    Retry,
    /// 200, says nothing
    None,
}

impl From<ReplyArg> for Reply {
    fn from(reply: ReplyArg) -> Self {
        match reply {
            ReplyArg::Applied => Self::Applied,
            ReplyArg::Refused => Self::Refused,
            ReplyArg::NeedsAction => Self::NeedsAction,
            ReplyArg::Pending => Self::Pending,
            ReplyArg::Retry => Self::Retry,
            ReplyArg::None => Self::None,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// Parsed here and not by clap, which would repeat a wrong one on the screen.
fn secrets(texts: &[String]) -> anyhow::Result<Vec<Secret>> {
    ensure!(texts.len() <= SECRETS_MAX, "at most {SECRETS_MAX} secrets may be valid at once");
    texts.iter().map(|text| Secret::parse(text).context("--secret is not one")).collect()
}

fn pattern(text: &str) -> Result<TypePattern, String> {
    TypePattern::parse(text).map_err(|fault| fault.to_string())
}

/// Runs `falaj mock-agency` until Ctrl-C.
pub async fn run(args: MockAgencyArgs) -> anyhow::Result<ExitCode> {
    let secrets = secrets(&args.secret)?;
    log::start(log::Format::Auto, log::Target::Errors, None);
    let log = match &args.log {
        Some(path) => {
            let file = File::options().create(true).append(true).open(path).await;
            Some(file.with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => None,
    };
    let (lines, heard) = mpsc::channel(LINES_MAX);
    let listener = tokio::spawn(listen(heard, log, args.quiet));
    let mock = Mock::start(args.listen, options(&args, secrets, lines)).await;
    let mock = mock.with_context(|| format!("cannot listen on {}; name another address with --listen", args.listen))?;
    eprintln!("mock agency {} listens on {}; figures at {}stats; Ctrl-C ends it", args.agency, mock.url(), mock.url());
    told_to_end().await?;
    let stats = mock.stop().await;
    // The mock is gone and with it what speaks to the log, unless a connection hangs.
    if let Ok(ended) = tokio::time::timeout(LOG_TIMEOUT, listener).await {
        keep_going_if_closed(ended.context("the log failed")?)?;
    }
    conclude(&stats)
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_end() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.context("cannot listen for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

/// Nobody reads what is printed any more: no reason to hide how it went.
fn keep_going_if_closed(printed: anyhow::Result<()>) -> anyhow::Result<()> {
    printed.or_else(|error| if table::is_closed(&error) { Ok(()) } else { Err(error) })
}

fn options(args: &MockAgencyArgs, secrets: Vec<Secret>, lines: mpsc::Sender<Line>) -> MockOptions {
    MockOptions {
        agency: args.agency.clone(),
        secrets,
        behaviour: Behaviour {
            fail: args.fail,
            status: args.fail_status,
            retry_after_s: args.retry_after.map(|after| after.as_secs()),
            delay_ms: u64::try_from(args.delay.as_millis()).unwrap_or(u64::MAX),
            lose: args.lose,
            outcome: args.outcome.into(),
            refuse_types: args.refuse_types.clone(),
        },
        down_for: args.down_for,
        lines: (args.log.is_some() || !args.quiet).then_some(lines),
        ..MockOptions::default()
    }
}

/// Writes what the mock tells until it tells no more.
async fn listen(mut heard: mpsc::Receiver<Line>, log: Option<File>, quiet: bool) -> anyhow::Result<()> {
    let mut log = log.map(BufWriter::new);
    while let Some(line) = heard.recv().await {
        if let Some(log) = &mut log {
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            log.write_all(&text).await.context("cannot write the log")?;
            if heard.is_empty() {
                log.flush().await.context("cannot write the log")?;
            }
        }
        if !quiet {
            table::line(&readable(&line))?;
        }
    }
    Ok(())
}

fn readable(line: &Line) -> String {
    let what = match line.what {
        What::New => "new",
        What::Inversion => "OUT OF ORDER",
        What::Repeat => "repeat",
        What::Failed => "failed",
        What::Lost => "lost",
        What::BadSignature => "bad signature",
        What::Stale => "stale",
    };
    let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let text = format!(
        "{} {what:<13} {} sequence {} attempt {} lane {} {}",
        line.at,
        line.webhook_id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
        number(line.sequence),
        number(line.attempt.map(u64::from)),
        line.lane.as_deref().unwrap_or("-"),
        line.ty.as_deref().unwrap_or("-"),
    );
    table::plain(&text)
}

fn conclude(stats: &Stats) -> anyhow::Result<ExitCode> {
    keep_going_if_closed(table::line(&serde_json::to_string_pretty(stats)?))?;
    if stats.inversions == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("falaj: {} message(s) came out of order", stats.inversions);
    Ok(NO.into())
}

//! The log: one line per event on standard error, as text for a person at a terminal and as JSON for everything that reads lines.
//!
//! `FALAJ_LOG` (or `RUST_LOG`) is its filter, `info` by default. Spans are no part of it (T5); what they lend to a line is the trace
//! id, where traces are collected.

use std::fs::File;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::Mutex;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use super::export::Traces;
use super::{line, trace};

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object per line.
    Json,
    /// Text.
    Text,
}

/// Where lines go.
#[derive(Debug)]
pub enum Target {
    /// Standard error.
    Errors,
    /// A file.
    File(File),
}

impl Format {
    /// The words of the configuration.
    pub const WORDS: [&'static str; 3] = ["auto", "json", "text"];
}

impl FromStr for Format {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(()),
        }
    }
}

/// Starts the log of this process, with the traces beside it. A second start within one process (tests) keeps the first.
pub fn start(format: Format, target: Target, traces: Option<&Traces>) {
    let is_terminal = matches!(target, Target::Errors) && std::io::stderr().is_terminal();
    let is_text = format == Format::Text || (format == Format::Auto && is_terminal);
    let traced = traces.is_some();
    let lines = match (target, is_text) {
        (Target::Errors, true) => {
            let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal);
            lines.event_format(line::Text::new(traced, is_terminal)).boxed()
        }
        (Target::Errors, false) => {
            fmt::layer().with_writer(std::io::stderr).event_format(line::Json { traced }).boxed()
        }
        (Target::File(file), true) => {
            let lines = fmt::layer().with_writer(Mutex::new(file)).with_ansi(false);
            lines.event_format(line::Text::new(traced, false)).boxed()
        }
        (Target::File(file), false) => {
            fmt::layer().with_writer(Mutex::new(file)).event_format(line::Json { traced }).boxed()
        }
    };
    let log = Registry::default().with(traces.map(Traces::layer)).with(lines.with_filter(filter()));
    let _already_started = log.try_init();
}

/// What no filter can put into the log: the spans of the walk (T5), and what the AMQP library says, for that is whole messages with
/// their payload where one comes back (seen in lapin 4.12), and the broker's own words.
const NEVER: [&str; 2] = [trace::TARGET, "lapin"];

/// What is logged.
fn filter() -> EnvFilter {
    let filter = EnvFilter::try_from_env("FALAJ_LOG")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let off = NEVER.into_iter().filter_map(|target| format!("{target}=off").parse().ok());
    off.fold(filter, EnvFilter::add_directive)
}

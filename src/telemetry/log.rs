//! The log: one line per event on standard error, as text for a person at a terminal and as JSON for everything that reads lines.
//!
//! `FALAJ_LOG` (or `RUST_LOG`) is its filter, `info` by default. Spans are no part of it (T5); what they lend to a line is the trace
//! id, where traces are collected.

use std::fs::File;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::Mutex;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt as _};
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
    let log = Registry::default().with(traces.map(Traces::layer)).with(lines.with_filter(filter(asked())));
    let _already_started = log.try_init();
}

/// Whose lines are never written, at no level: the broker's client shows whole messages, and every frame that it sends or receives.
/// `amqp` says in words of ours what happens there.
const SILENT: [&str; 2] = ["lapin", "amq_protocol"];

/// What is logged where nothing is asked for. What a certificate lacks is told once, with the circuit that it opens, not by the
/// library at every try.
const USUAL: &str = "info,rustls_platform_verifier=off";

/// What the environment asks for.
fn asked() -> EnvFilter {
    EnvFilter::try_from_env("FALAJ_LOG")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| EnvFilter::new(USUAL))
}

/// What is logged of it. The spans of the walk never are (T5), nor what could hold a payload (T1): nothing asked for changes that.
fn filter<S: Subscriber>(asked: EnvFilter) -> impl Filter<S> {
    asked.and(filter_fn(|metadata: &Metadata<'_>| {
        let target = metadata.target();
        target != trace::TARGET && !SILENT.iter().any(|silent| target.starts_with(silent))
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Pad(Arc<Mutex<Vec<u8>>>);

    impl Write for Pad {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_can_ask_for_what_may_hold_a_payload() {
        let pad = Pad::default();
        let writer = pad.clone();
        let lines = fmt::layer().with_writer(move || writer.clone());
        let asked = EnvFilter::new("trace,lapin::returned_messages=trace,lapin[{frame}]=trace,falaj::trace=trace");
        let log = Registry::default().with(lines.with_filter(filter(asked)));
        tracing::subscriber::with_default(log, || {
            tracing::warn!(target: "lapin::returned_messages", message = "the payload");
            tracing::trace!(target: "amq_protocol_tcp", "the frame");
            let _span = tracing::info_span!(target: "falaj::trace", "walk").entered();
            tracing::trace!(target: "falaj::amqp::link", "said by us");
        });
        let text = String::from_utf8(pad.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("said by us"), "{text}");
        for silent in ["payload", "frame", "walk"] {
            assert!(!text.contains(silent), "{text}");
        }
    }
}

//! What the bus tells of itself: figures, log lines, traces.
//!
//! T1: no personal data: labels, fields and attributes are agencies, types, states and classes of the deployment, ids of ours, and
//! words of ours; never a subject, a name, data, a query string, or a text of an agency. T2: labels are bounded by the deployment and
//! the code, and those of an agency go when it leaves the deployment. T3: each event is counted once, when it happens; nothing
//! depends on somebody asking. T4: telling never blocks and never ends the bus: what cannot be told is dropped, and counted. T5: the
//! log's filter and the traces know nothing of each other. T6: where nobody collects traces, a span is one look at a flag.
//!
//! In reading order: [`label`] and [`metrics`] are what is counted; [`figures`] and
//! [`commits`] are what of it can be read back, for the history and for the dashboard;
//! [`process`] is what the system says of the process; [`exposition`] writes all of it as text; [`log`] and [`mod@line`] are the log;
//! [`trace`] names the spans of the walk, [`export`] sends them. What can be read at any moment (queues, holds, disk) is not kept
//! here: `http::scrape` reads it when it is asked.

pub mod commits;
pub mod export;
pub mod exposition;
pub mod figures;
pub mod label;
pub mod line;
pub mod log;
pub mod metrics;
pub mod process;
pub mod trace;

use std::time::Duration;

pub use label::{AgencyLabel, EndLabels, Name, ReasonLabel, TypeLabel, TypeName, Word};
pub use metrics::Metrics;

/// `[telemetry]`: how logs are written and where traces go.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The form of a log line.
    pub log_format: log::Format,
    /// The OTLP collector's address, without a path; no spans are made where it is absent.
    pub otlp: Option<String>,
    /// What the service is called in the traces.
    pub service_name: String,
    /// The share of the traces that begin here and are kept, 0 to 1. What comes with a trace is kept as its caller decided.
    pub sampling: f64,
}

/// How long the last spans may take to be sent when the bus stops.
const FLUSH: Duration = Duration::from_secs(3);

/// The log and the traces of this process, until [`Telemetry::stop`].
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<export::Traces>,
}

impl Telemetry {
    /// Starts the log, and the traces where there is a collector for them. Once per process: a second start (tests) keeps the first.
    ///
    /// # Errors
    /// The collector's address is not one, or this machine gives the exporter no thread or no TLS.
    pub fn start(settings: &Settings) -> Result<Self, export::ExportError> {
        let traces = settings.otlp.as_deref().map(|url| export::Traces::to(url, settings)).transpose()?;
        log::start(settings.log_format, log::Target::Errors, traces.as_ref());
        Ok(Self { traces })
    }

    /// Sends what is left, within a bound; the last thing of a stop.
    pub async fn stop(self) {
        let Some(traces) = self.traces else { return };
        // The exporter waits by itself: not on the threads that others need.
        if tokio::task::spawn_blocking(move || traces.stop(FLUSH)).await.is_err() {
            tracing::warn!("the last spans were not sent");
        }
    }
}

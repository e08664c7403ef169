//! Logs and metrics.
//!
//! T1: no personal data: labels are agencies, types, states and classes of the deployment, never subjects, ids or texts of an
//! envelope. T2: labels are bounded by the deployment. Logs go to standard error, as text on a terminal and JSON otherwise.

use std::io::IsTerminal;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::model::delivery::Finished;
use crate::model::id::{AgencyId, EventType};
use crate::model::outcome::Class;

/// Label of an agency.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AgencyLabel {
    /// Its id.
    pub agency: Name,
}

/// Labels of an end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndLabels {
    /// The agency's id.
    pub agency: Name,
    /// How it ended.
    pub state: Word,
}

/// Labels of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    /// The agency's id.
    pub agency: Name,
    /// How it was classed.
    pub class: Word,
}

/// Label of a type of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TypeLabel {
    /// The type.
    pub r#type: TypeName,
}

/// Labels of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AlarmLabels {
    /// The agency's id; empty where it is about the bus.
    pub agency: Option<Name>,
    /// What it is about.
    pub condition: Word,
}

/// Label of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// A stable word.
    pub reason: Word,
}

/// An agency as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(pub AgencyId);

/// A type as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypeName(pub EventType);

/// A word of ours as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word(pub &'static str);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_str().encode(encoder)
    }
}

impl EncodeLabelValue for TypeName {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_str().encode(encoder)
    }
}

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.encode(encoder)
    }
}

/// Everything that is counted as it happens; what can be read from the ledger is read when it is asked for.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Envelopes made durable.
    pub accepted: Family<TypeLabel, Counter>,
    /// Envelopes refused.
    pub refused: Family<ReasonLabel, Counter>,
    /// Envelopes that nobody subscribes to.
    pub without_recipients: Family<TypeLabel, Counter>,
    /// Filters that could not be decided.
    pub filter_errors: Family<AgencyLabel, Counter>,
    /// Deliveries that ended.
    pub settled: Family<EndLabels, Counter>,
    /// Attempts.
    pub attempts: Family<AttemptLabels, Counter>,
    /// Seconds from the last byte of a request to its durable answer.
    pub accept_seconds: Histogram,
    /// Seconds from acceptance to `delivered`.
    pub delivery_seconds: Family<AgencyLabel, Histogram>,
    /// Seconds of one attempt.
    pub attempt_seconds: Family<AgencyLabel, Histogram>,
    /// Seconds of one commit, sync included.
    pub commit_seconds: Histogram,
    /// 1 while an alarm is raised.
    pub alarms: Family<AlarmLabels, Gauge>,
}

const FAST: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const SLOW: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 21_600.0, 86_400.0];

fn fast() -> Histogram {
    Histogram::new(FAST)
}

fn slow() -> Histogram {
    Histogram::new(SLOW)
}

impl Metrics {
    /// Makes the metrics and a registry that knows them by their names.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            accepted: Family::default(),
            refused: Family::default(),
            without_recipients: Family::default(),
            filter_errors: Family::default(),
            settled: Family::default(),
            attempts: Family::default(),
            accept_seconds: fast(),
            delivery_seconds: Family::new_with_constructor(slow),
            attempt_seconds: Family::new_with_constructor(fast),
            commit_seconds: fast(),
            alarms: Family::default(),
        };
        let m = metrics.clone();
        registry.register("falaj_envelopes_accepted", "Envelopes made durable", m.accepted);
        registry.register("falaj_envelopes_refused", "Envelopes refused, by reason", m.refused);
        registry.register("falaj_envelopes_without_recipients", "Envelopes nobody subscribes to", m.without_recipients);
        registry.register("falaj_filter_errors", "Subscription filters that could not be decided", m.filter_errors);
        registry.register("falaj_deliveries_settled", "Deliveries that ended, by state", m.settled);
        registry.register("falaj_attempts", "Attempts, by class", m.attempts);
        registry.register("falaj_accept_duration_seconds", "From request to durable answer", m.accept_seconds);
        registry.register("falaj_delivery_duration_seconds", "From acceptance to delivered", m.delivery_seconds);
        registry.register("falaj_attempt_duration_seconds", "One attempt at an agency", m.attempt_seconds);
        registry.register("falaj_commit_duration_seconds", "One commit of the ledger, sync included", m.commit_seconds);
        registry.register("falaj_alarm", "1 while an alarm is raised, by agency and condition", m.alarms);
        metrics
    }

    /// Metrics that nobody reads, for tests and tools.
    pub fn unread() -> Self {
        Self::register(&mut Registry::default())
    }

    /// Shows whether an alarm is raised.
    pub fn alarm(&self, agency: Option<&AgencyId>, condition: &'static str, raised: bool) {
        let labels = AlarmLabels { agency: agency.cloned().map(Name), condition: Word(condition) };
        self.alarms.get_or_create(&labels).set(i64::from(raised));
    }

    /// Counts one attempt.
    pub fn attempt(&self, agency: &AgencyId, class: Class, seconds: f64) {
        let labels = AttemptLabels { agency: Name(agency.clone()), class: Word(class.as_str()) };
        self.attempts.get_or_create(&labels).inc();
        self.attempt_seconds.get_or_create(&AgencyLabel { agency: Name(agency.clone()) }).observe(seconds);
    }

    /// Counts one end.
    pub fn end(&self, agency: &AgencyId, state: Finished, seconds_since_accepted: f64) {
        let labels = EndLabels { agency: Name(agency.clone()), state: Word(state.as_str()) };
        self.settled.get_or_create(&labels).inc();
        if state == Finished::Delivered {
            let label = AgencyLabel { agency: Name(agency.clone()) };
            self.delivery_seconds.get_or_create(&label).observe(seconds_since_accepted);
        }
    }
}

/// Starts logging to standard error: `FALAJ_LOG` (or `RUST_LOG`) is the filter, `info` by default.
pub fn start_logging() {
    let filter = EnvFilter::try_from_env("FALAJ_LOG")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start within one process (tests) keeps the first.
    let _already_started = if std::io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
}

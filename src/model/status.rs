//! The one shape in which a sender sees an envelope: receipt, status, search results and events all use it.

use serde::Serialize;

use super::delivery::{DeliveryView, EnvelopeView, Finished, LastError, Standing};
use super::id::{AgencyId, DeliveryId, EnvelopeId, EventType};
use super::outcome::BusinessOutcome;
use super::text::Bilingual;
use super::time::At;

/// An envelope and what each agency did with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvelopeStatus {
    /// Falaj's id, a UUIDv7.
    pub id: EnvelopeId,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `id`.
    pub event_id: String,
    /// CloudEvents `type`.
    #[serde(rename = "type")]
    pub ty: EventType,
    /// CloudEvents `subject`, where the reader may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When the envelope was made durable.
    pub accepted_at: At,
    /// Where the envelope as a whole stands.
    pub state: EnvelopeState,
    /// One entry per delivery, in recipient order.
    pub deliveries: Vec<DeliveryStatus>,
}

/// Where an envelope as a whole stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvelopeState {
    /// Some agency has not finished.
    Open,
    /// All delivered, none refused.
    Completed,
    /// Finished everywhere, and somewhere not well.
    CompletedWithFailures,
}

/// One delivery as its sender sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryStatus {
    /// The delivery's id, a UUIDv7.
    pub id: DeliveryId,
    /// Who must act.
    pub agency: AgencyId,
    /// `waiting in_flight leased delivered dead expired skipped cancelled`.
    pub state: &'static str,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// What the agency did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<BusinessOutcome>,
    /// The agency's declared reason, or why the delivery ended without success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The agency's own file or case number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who ended it, where it was not the agency's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Attempts that counted.
    pub attempts: u32,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<At>,
    /// Class and status of the last failure; the agency's own text is not the sender's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastErrorStatus>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<At>,
}

/// The part of an error a sender may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastErrorStatus {
    /// How it was classed.
    pub class: &'static str,
    /// HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When.
    pub at: At,
}

/// Why a delivery waits, in one word and in one sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// `queued retry behind paused circuit_open throttled window parked unconfigured no_transport`.
    pub reason: &'static str,
    /// Since when.
    pub since: At,
    /// Until when at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<At>,
    /// Behind which delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<DeliveryId>,
    /// One English sentence.
    pub text: String,
    /// The same in Arabic.
    pub text_ar: String,
}

/// What holds a whole agency, whatever its lanes look like. `Open` holds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hold {
    /// Deliveries flow.
    #[default]
    Open,
    /// The agency or its subscription is no longer in the deployment.
    Unconfigured,
    /// The agency's transport is not served by this Falaj.
    NoTransport,
    /// A person paused it.
    Paused {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Since when.
        since: At,
    },
    /// The breaker is open.
    CircuitOpen {
        /// Until the next probe.
        until: At,
        /// Since when.
        since: At,
    },
    /// The agency asked for quiet.
    Throttled {
        /// Until when.
        until: At,
        /// Since when.
        since: At,
    },
    /// Outside the agency's service hours.
    Window {
        /// When they begin again.
        until: At,
        /// When they ended.
        since: At,
    },
}

impl EnvelopeStatus {
    /// The status of an envelope. `hold` says what holds an agency as a whole.
    pub fn of(view: &EnvelopeView, hold: impl Fn(&AgencyId) -> Hold) -> Self {
        Self {
            id: view.id,
            source: view.source.clone(),
            event_id: view.event_id.clone(),
            ty: view.ty.clone(),
            subject: view.subject.clone(),
            accepted_at: view.accepted_at,
            state: EnvelopeState::of(&view.deliveries),
            deliveries: view.deliveries.iter().map(|d| DeliveryStatus::of(d, &hold(&d.key.agency))).collect(),
        }
    }
}

impl EnvelopeState {
    /// The state that follows from the latest generation of each agency's deliveries.
    pub fn of(deliveries: &[DeliveryView]) -> Self {
        let latest = |d: &&DeliveryView| {
            !deliveries.iter().any(|other| other.key.agency == d.key.agency && other.key.slot > d.key.slot)
        };
        let mut state = Self::Completed;
        for delivery in deliveries.iter().filter(latest) {
            let Standing::Finished { state: finished, .. } = &delivery.standing else { return Self::Open };
            match delivery.report.outcome {
                Some(outcome) if !outcome.is_final() && *finished == Finished::Delivered => return Self::Open,
                Some(BusinessOutcome::Refused | BusinessOutcome::Unknown) => state = Self::CompletedWithFailures,
                _ if *finished != Finished::Delivered => state = Self::CompletedWithFailures,
                _ => {}
            }
        }
        state
    }
}

impl DeliveryStatus {
    /// The status of one delivery.
    pub fn of(view: &DeliveryView, hold: &Hold) -> Self {
        let mut status = Self {
            id: view.id,
            agency: view.key.agency.clone(),
            state: "waiting",
            waiting: Waiting::of(view, hold),
            outcome: view.report.outcome,
            reason: view.report.reason.clone(),
            reference: view.report.reference.clone(),
            by: None,
            attempts: view.attempts,
            next_attempt_at: None,
            last_error: view.last_error.as_ref().map(LastErrorStatus::of),
            settled_at: None,
        };
        match &view.standing {
            Standing::InFlight => status.state = "in_flight",
            Standing::Leased { .. } => status.state = "leased",
            Standing::Retry { due } => status.next_attempt_at = Some(*due),
            Standing::Finished { state, at, by, why } => {
                status.state = state.as_str();
                status.settled_at = Some(*at);
                status.by = (by != view.key.agency.as_str()).then(|| by.clone());
                status.reason = status.reason.or_else(|| why.clone());
            }
            Standing::Queued | Standing::Behind { .. } | Standing::Parked { .. } => {}
        }
        status
    }
}

impl LastErrorStatus {
    fn of(error: &LastError) -> Self {
        Self { class: error.class.as_str(), status: error.status, at: error.at }
    }
}

impl Waiting {
    /// Why a delivery is not delivered; `None` where it is being worked on or has ended.
    pub fn of(view: &DeliveryView, hold: &Hold) -> Option<Self> {
        let (reason, since, until, behind, text) = match (&view.standing, hold) {
            (Standing::InFlight | Standing::Leased { .. } | Standing::Finished { .. }, _) => return None,
            (Standing::Parked { since }, _) => ("parked", *since, None, None, parked(view)),
            (Standing::Behind { head }, _) => ("behind", view.since, None, Some(*head), behind_text(*head)),
            (_, Hold::Unconfigured) => ("unconfigured", view.since, None, None, unconfigured()),
            (_, Hold::NoTransport) => ("no_transport", view.since, None, None, no_transport()),
            (_, Hold::Paused { by, reason, since }) => ("paused", *since, None, None, paused(by, reason)),
            (_, Hold::CircuitOpen { until, since }) => ("circuit_open", *since, Some(*until), None, circuit(*until)),
            (_, Hold::Throttled { until, since }) => ("throttled", *since, Some(*until), None, throttled(*until)),
            (_, Hold::Window { until, since }) => ("window", *since, Some(*until), None, window(*until)),
            (Standing::Retry { due }, Hold::Open) => ("retry", view.since, Some(*due), None, retry(view, *due)),
            (Standing::Queued, Hold::Open) => ("queued", view.since, None, None, queued()),
        };
        Some(Self { reason, since, until, behind, text: text.en, text_ar: text.ar })
    }
}

fn queued() -> Bilingual {
    Bilingual::new("It waits for its turn.", "في انتظار دوره.")
}

fn retry(view: &DeliveryView, due: At) -> Bilingual {
    let what = view.last_error.as_ref().map_or_else(String::new, |error| match error.status {
        Some(status) => format!(" ({status})"),
        None => format!(" ({})", error.class.as_str()),
    });
    Bilingual::new(
        format!("The last attempt failed{what}; it is tried again at {due}."),
        format!("أخفقت المحاولة الأخيرة{what}، وستُعاد المحاولة في {due}."),
    )
}

fn behind_text(head: DeliveryId) -> Bilingual {
    Bilingual::new(
        format!("It keeps its order behind delivery {head}, which is not finished."),
        format!("ينتظر دوره بعد التسليم {head} الذي لم يكتمل بعد."),
    )
}

fn parked(view: &DeliveryView) -> Bilingual {
    let what = view.last_error.as_ref().and_then(|e| e.status).map_or_else(String::new, |s| format!(" ({s})"));
    Bilingual::new(
        format!("Every try failed{what}; it waits for an operator to retry, skip or cancel it."),
        format!("أخفقت جميع المحاولات{what}، وهو بانتظار أن يعيد المشغّل محاولته أو يتخطاه أو يلغيه."),
    )
}

fn unconfigured() -> Bilingual {
    Bilingual::new(
        "The agency or its subscription is no longer in the deployment; it waits until it is back.",
        "لم تعد الجهة أو اشتراكها ضمن الإعدادات، وسيبقى التسليم بانتظار عودتها.",
    )
}

fn no_transport() -> Bilingual {
    Bilingual::new(
        "This Falaj does not serve the agency's transport yet; it waits.",
        "وسيلة النقل الخاصة بالجهة غير متاحة بعد في هذا النظام، والتسليم بانتظارها.",
    )
}

fn paused(by: &str, reason: &str) -> Bilingual {
    Bilingual::new(
        format!("Deliveries to the agency were paused by {by}: {reason}"),
        format!("أوقف {by} التسليم إلى الجهة مؤقتًا: {reason}"),
    )
}

fn circuit(until: At) -> Bilingual {
    Bilingual::new(
        format!("The agency does not answer; the next probe is at {until}."),
        format!("الجهة لا تستجيب، وستُجرى محاولة الاستطلاع التالية في {until}."),
    )
}

fn throttled(until: At) -> Bilingual {
    Bilingual::new(
        format!("The agency asked not to be called before {until}."),
        format!("طلبت الجهة عدم الاتصال بها قبل {until}."),
    )
}

fn window(until: At) -> Bilingual {
    Bilingual::new(
        format!("It is outside the agency's service hours, which begin again at {until}."),
        format!("الوقت الحالي خارج ساعات عمل الجهة، وتُستأنف في {until}."),
    )
}

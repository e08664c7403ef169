//! The one shape in which a sender sees an envelope: receipt, status, search results and events all use it.

use serde::Serialize;

use super::cause::Cause;
use super::delivery::{DeliveryView, EnvelopeView, Finished, LastError, Standing};
use super::id::{AgencyId, DeliveryId, EnvelopeId, EventType, Seq};
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
    /// There is no way to it: the broker where its queue is cannot be reached.
    Unconnected {
        /// Why.
        cause: Cause,
        /// Since when.
        since: At,
    },
    /// It is paused.
    Paused {
        /// Who paused it.
        by: String,
        /// Why.
        reason: String,
        /// Since when.
        since: At,
        /// Whether Falaj did it itself, because the agency said that its receiver is gone.
        gone: bool,
    },
    /// It is paused for what was accepted after the order to drain it; what was accepted before goes on.
    Draining {
        /// The last in accept order that goes on.
        through: Seq,
        /// How many of these are left. With none the agency is drained.
        left: u64,
        /// Who drains it.
        by: String,
        /// Why.
        reason: String,
        /// Since when.
        since: At,
        /// What holds those that go on.
        rest: Box<Hold>,
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

impl Hold {
    /// What holds the deliveries of an agency that are not held by a person.
    pub fn below(self) -> Self {
        match self {
            Self::Paused { .. } => Self::Open,
            Self::Draining { rest, .. } => *rest,
            other => other,
        }
    }
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
        let hold = match hold {
            Hold::Draining { through, rest, .. } if view.key.seq <= *through => rest,
            hold => hold,
        };
        let (reason, since, until, behind, text) = match (&view.standing, hold) {
            (Standing::InFlight | Standing::Leased { .. } | Standing::Finished { .. }, _) => return None,
            (Standing::Parked { since }, _) => ("parked", *since, None, None, parked(view, *since)),
            (Standing::Behind { head }, _) => ("behind", view.since, None, Some(*head), behind_text(*head)),
            (_, Hold::Unconfigured) => ("unconfigured", view.since, None, None, unconfigured()),
            (_, Hold::Unconnected { cause, since }) => {
                ("no_transport", *since, None, None, unconnected(*cause, *since))
            }
            (_, Hold::NoTransport) => ("no_transport", view.since, None, None, no_transport()),
            (_, Hold::Paused { since, gone: true, .. }) => ("paused", *since, None, None, gone(*since)),
            (_, Hold::Paused { by, reason, since, .. }) => ("paused", *since, None, None, paused(by, reason, *since)),
            (_, Hold::Draining { by, reason, since, .. }) => {
                ("paused", *since, None, None, drained(by, reason, *since))
            }
            (_, Hold::CircuitOpen { until, since }) => {
                ("circuit_open", *since, Some(*until), None, circuit(view, *since, *until))
            }
            (_, Hold::Throttled { until, since }) => {
                ("throttled", *since, Some(*until), None, throttled(*since, *until))
            }
            (_, Hold::Window { until, since }) => ("window", *since, Some(*until), None, window(*since, *until)),
            (Standing::Retry { due }, Hold::Open) => ("retry", view.since, Some(*due), None, retry(view, *due)),
            (Standing::Queued, Hold::Open) => ("queued", view.since, None, None, queued()),
        };
        Some(Self { reason, since, until, behind, text: text.en, text_ar: text.ar })
    }
}

fn queued() -> Bilingual {
    Bilingual::new("It waits for its turn.", "في انتظار دوره.")
}

/// What failed last, as a clause with its word and the status of the answer: the very cause where it is known, else its class.
fn fault(error: &LastError) -> Bilingual {
    let clause = Cause::parse(&error.note).map_or_else(|| error.class.clause(), Cause::clause);
    let word = error.class.as_str();
    match error.status {
        Some(status) => Bilingual::new(
            format!("{} ({word}, status {status})", clause.en),
            format!("{} ({word}، الحالة {status})", clause.ar),
        ),
        None => Bilingual::new(format!("{} ({word})", clause.en), format!("{} ({word})", clause.ar)),
    }
}

fn retry(view: &DeliveryView, due: At) -> Bilingual {
    match view.last_error.as_ref().map(fault) {
        Some(Bilingual { en, ar }) => Bilingual::new(
            format!("The last attempt failed: {en}; it is tried again at {due}."),
            format!("أخفقت المحاولة الأخيرة: {ar}، وستُعاد المحاولة في {due}."),
        ),
        None => Bilingual::new(format!("It is tried again at {due}."), format!("ستُعاد المحاولة في {due}.")),
    }
}

fn behind_text(head: DeliveryId) -> Bilingual {
    Bilingual::new(
        format!("It keeps its order behind delivery {head}, which is not finished."),
        format!("ينتظر دوره بعد التسليم {head} الذي لم يكتمل بعد."),
    )
}

fn parked(view: &DeliveryView, since: At) -> Bilingual {
    let why = view.last_error.as_ref().map(fault);
    let (en, ar) = why.map_or_else(Default::default, |why| (format!(": {}", why.en), format!(": {}", why.ar)));
    Bilingual::new(
        format!("It has been parked since {since}{en}; it waits for an operator to retry, skip, cancel or release it."),
        format!("معلّق منذ {since}{ar}، وهو بانتظار أن يعيد المشغّل محاولته أو يتخطاه أو يلغيه أو يفرج عنه."),
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

fn unconnected(cause: Cause, since: At) -> Bilingual {
    let Bilingual { en, ar } = cause.clause();
    Bilingual::new(
        format!("There has been no way to the agency since {since}: {en}; it goes on by itself once there is one."),
        format!("تعذّر الوصول إلى الجهة منذ {since}: {ar}، وسيُستأنف التسليم تلقائيًا فور زوال السبب."),
    )
}

fn paused(by: &str, reason: &str, since: At) -> Bilingual {
    Bilingual::new(
        format!("Deliveries to the agency have been paused by {by} since {since}: {reason}"),
        format!("أوقف {by} التسليم إلى الجهة مؤقتًا في {since}: {reason}"),
    )
}

fn drained(by: &str, reason: &str, since: At) -> Bilingual {
    Bilingual::new(
        format!(
            "The agency has been drained by {by} since {since}: what was accepted before still goes out, and this one waits \
             (paused): {reason}"
        ),
        format!(
            "بدأ {by} تفريغ قائمة انتظار الجهة في {since}: يُسلَّم ما قُبل قبل ذلك، أما هذا التسليم فموقوف مؤقتًا: {reason}"
        ),
    )
}

fn gone(since: At) -> Bilingual {
    Bilingual::new(
        format!(
            "At {since} the agency said that its receiver is gone (status 410); deliveries to it are paused until an operator \
             resumes them."
        ),
        format!(
            "أفادت الجهة في {since} بأن نقطة الاستلام لديها لم تعد موجودة (الحالة 410)، والتسليم إليها موقوف مؤقتًا إلى أن \
             يستأنفه المشغّل."
        ),
    )
}

fn circuit(view: &DeliveryView, since: At, until: At) -> Bilingual {
    let last = view.last_error.as_ref().map(fault);
    let (en, ar) = last.map_or_else(Default::default, |last| {
        (format!(" The last attempt failed: {}.", last.en), format!(" وقد أخفقت المحاولة الأخيرة: {}.", last.ar))
    });
    Bilingual::new(
        format!("The agency has been out of reach since {since}; the next probe is at {until}.{en}"),
        format!("الجهة لا تستجيب منذ {since}، وستُجرى محاولة الاستطلاع التالية في {until}.{ar}"),
    )
}

fn throttled(since: At, until: At) -> Bilingual {
    Bilingual::new(
        format!("At {since} the agency asked not to be called before {until}."),
        format!("طلبت الجهة في {since} عدم الاتصال بها قبل {until}."),
    )
}

fn window(since: At, until: At) -> Bilingual {
    Bilingual::new(
        format!("Since {since} it has been outside the agency's service hours, which begin again at {until}."),
        format!("انتهت ساعات عمل الجهة في {since}، وتُستأنف في {until}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::DeliveryKey;
    use crate::model::id::Slot;
    use crate::model::outcome::{Class, Report};

    const SINCE: At = At(1_700_000_000_000);
    const UNTIL: At = At(1_700_000_060_000);

    fn view(standing: Standing, seq: u64, last: Option<(Class, Option<u16>)>) -> DeliveryView {
        let key = DeliveryKey { agency: AgencyId::parse("moi").unwrap(), seq: Seq(seq), slot: Slot(1) };
        let last_error = last.map(|(class, status)| LastError { class, status, note: "x".into(), at: SINCE });
        let id = DeliveryId::from_uuid(uuid::Uuid::nil());
        DeliveryView { id, key, standing, since: SINCE, report: Report::default(), attempts: 1, last_error }
    }

    fn why(view: &DeliveryView, hold: &Hold) -> (&'static str, String, String) {
        let waiting = Waiting::of(view, hold).unwrap();
        (waiting.reason, waiting.text, waiting.text_ar)
    }

    #[test]
    fn what_failed_is_named_by_word_and_status_in_both_languages() {
        for class in Class::ALL {
            let (_, en, ar) = why(&view(Standing::Retry { due: UNTIL }, 1, Some((class, Some(503)))), &Hold::Open);
            let (word, clause) = (class.as_str(), class.clause());
            assert_eq!(
                en,
                format!("The last attempt failed: {} ({word}, status 503); it is tried again at {UNTIL}.", clause.en)
            );
            assert_eq!(
                ar,
                format!("أخفقت المحاولة الأخيرة: {} ({word}، الحالة 503)، وستُعاد المحاولة في {UNTIL}.", clause.ar)
            );
        }
        let parked = view(Standing::Parked { since: SINCE }, 1, Some((Class::MessageFault, None)));
        let (reason, en, ar) = why(&parked, &Hold::Open);
        assert_eq!(reason, "parked");
        assert!(en.starts_with(&format!(
            "It has been parked since {SINCE}: the fault lies with this message (message_fault);"
        )));
        assert!(ar.starts_with(&format!("معلّق منذ {SINCE}: الخلل في هذه الرسالة نفسها (message_fault)،")), "{ar}");
        let open = Hold::CircuitOpen { until: UNTIL, since: SINCE };
        let (_, en, _) = why(&view(Standing::Queued, 1, None), &open);
        assert_eq!(en, format!("The agency has been out of reach since {SINCE}; the next probe is at {UNTIL}."));
        let (_, en, _) = why(&view(Standing::Retry { due: UNTIL }, 1, Some((Class::EndpointFault, None))), &open);
        assert!(en.ends_with("The last attempt failed: the agency did not answer as it should (endpoint_fault)."));
    }

    #[test]
    fn a_drain_holds_what_came_after_it_and_nothing_before() {
        let (by, reason) = ("operator".to_owned(), "a new register".to_owned());
        let rest = Box::new(Hold::CircuitOpen { until: UNTIL, since: SINCE });
        let hold = Hold::Draining { through: Seq(7), left: 2, by, reason, since: SINCE, rest };
        assert_eq!(why(&view(Standing::Queued, 7, None), &hold).0, "circuit_open");
        let (reason, en, ar) = why(&view(Standing::Queued, 8, None), &hold);
        assert_eq!(reason, "paused");
        assert!(en.contains("drained by operator") && en.ends_with("a new register"), "{en}");
        assert!(ar.contains("operator") && ar.ends_with("a new register"), "{ar}");
        assert_eq!(hold.below(), Hold::CircuitOpen { until: UNTIL, since: SINCE });
    }
}

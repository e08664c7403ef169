//! One delivery, once: from the claim to the settlement that somebody else stores.
//!
//! [`deliver`] asks the catalogue in force for the form, projects and sends; [`Back::settle`] decides by
//! [`crate::model::retry::after`]. Nothing here is stored, and neither data nor subject is ever logged.

use std::sync::Arc;
use std::time::Duration;

use tracing::{Instrument as _, Span, info, warn};

use crate::catalog::{Agency, Catalog, Subscription};
use crate::clock::Clock;
use crate::connector::{Connector, Parcel};
use crate::ledger::{Claimed, Ledger, Settlement};
use crate::mapping::{self, Form, MappingError, Message};
use crate::model::agency::{Limits, TransportKind};
use crate::model::delivery::{Attempt, BROKER, DeliveryKey, Finished, Transition, Tries};
use crate::model::id::{AgencyId, DeliveryId, FALAJ};
use crate::model::outcome::{Class, Outcome, Report};
use crate::model::retry::{self, Decision, Evidence, Policy};
use crate::model::time::At;
use crate::model::window::Window;
use crate::telemetry::{Metrics, trace};

/// How long a delivery without subscription rests before the catalogue is asked again.
const UNCONFIGURED_REST: Duration = Duration::from_secs(30);

/// What an owner's deliveries need; replaced as a whole when the deployment changes.
#[derive(Debug)]
pub struct Route {
    /// The deployment in force.
    pub catalog: Arc<Catalog>,
    /// The agency as that deployment has it.
    pub agency: Arc<Agency>,
    /// The way to it; `None` where this Falaj does not serve its transport.
    pub connector: Option<Arc<dyn Connector>>,
    /// Bytes of one message; projection only ever shrinks data, maps and templates may grow it.
    pub message_bytes_max: usize,
}

impl Route {
    /// Whether the agency fetches for itself.
    pub(super) fn is_fetched(&self) -> bool {
        self.agency.delivery.as_ref().is_some_and(|rules| rules.transport == TransportKind::Pull)
    }
}

/// The tools of a delivery.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Pseudonyms come from here.
    pub ledger: Ledger,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
}

/// A delivery that came back, before anything is decided about it.
#[derive(Debug)]
pub struct Back {
    /// What had been claimed.
    pub claimed: Claimed,
    /// When the try began.
    pub begun: At,
    /// When it ended.
    pub ended: At,
    /// What came of it.
    pub verdict: Verdict,
    /// Its span, where traces are collected.
    pub span: Span,
}

/// What came of a delivery.
#[derive(Debug)]
pub enum Verdict {
    /// The agency was not asked.
    Untried(Transition),
    /// Whether the agency may have it at all could not be decided: it was not asked, and asking the filter again would not help.
    Undecided {
        /// Why.
        note: String,
        /// What becomes of it.
        policy: Policy,
    },
    /// No message could be made of it, which is as if the agency had refused it; it was not asked.
    Unmade {
        /// Why.
        outcome: Outcome,
        /// How its tries are counted.
        policy: Policy,
    },
    /// It was asked.
    Tried {
        /// How it went.
        outcome: Outcome,
        /// How its tries are counted.
        policy: Policy,
        /// The disclosure in force.
        disclosure: u64,
        /// Whether a broker takes it for the agency, which says nothing by that.
        by_broker: bool,
    },
}

/// Delivers once.
pub async fn deliver(claimed: Claimed, route: Arc<Route>, connector: Arc<dyn Connector>, tools: Tools) -> Back {
    let begun = tools.clock.now();
    let (agency, envelope) = (&claimed.key.agency, &claimed.envelope);
    let span = trace::attempt(agency, &envelope.attributes, envelope.trace.as_deref(), number(&claimed));
    let verdict = attempt(&claimed, &route, &*connector, &tools, begun, &span).instrument(span.clone()).await;
    if let Verdict::Tried { outcome, .. } = &verdict {
        trace::came_back(&span, outcome);
    }
    Back { claimed, begun, ended: tools.clock.now(), verdict, span }
}

async fn attempt(
    claimed: &Claimed,
    route: &Route,
    connector: &dyn Connector,
    tools: &Tools,
    begun: At,
    span: &Span,
) -> Verdict {
    match trace::render().in_scope(|| make(claimed, route, &tools.ledger, begun)) {
        Ok((message, terms)) => {
            let parcel = parcel(claimed, message, span, begun);
            tried(connector.send(&parcel).instrument(trace::send()).await, terms)
        }
        Err(verdict) => *verdict,
    }
}

/// Which attempt it is, from 1.
pub(super) fn number(claimed: &Claimed) -> u32 {
    claimed.tries.counted.saturating_add(1)
}

/// What is in force for a delivery while it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// How its tries are counted.
    pub(super) policy: Policy,
    /// The disclosure under which it is sent.
    pub(super) disclosure: u64,
    /// Whether a broker takes it for the agency.
    pub(super) by_broker: bool,
}

impl Terms {
    pub(super) fn of(route: &Route, subscription: &Subscription) -> Self {
        let rules = route.agency.delivery.as_ref();
        let age_max = rules.map_or(Limits::default().age_max, |rules| rules.limits.age_max);
        Self {
            policy: Policy { age_max, exhausted: subscription.on_exhausted },
            disclosure: subscription.disclosure,
            by_broker: rules.is_some_and(|rules| rules.transport == TransportKind::Amqp),
        }
    }
}

/// Makes the message of a claimed delivery, or says what becomes of it without the agency being asked. Every transport begins
/// here.
pub(super) fn make(
    claimed: &Claimed,
    route: &Route,
    ledger: &Ledger,
    now: At,
) -> Result<(Message, Terms), Box<Verdict>> {
    let attributes = &claimed.envelope.attributes;
    if attributes.expiry().is_some_and(|expiry| expiry <= now) {
        return Err(Box::new(ended(Finished::Expired, "its expirytime passed")));
    }
    let Some(subscription) = route.catalog.subscription(&claimed.key.agency, &attributes.ty) else {
        return Err(Box::new(unconfigured(now)));
    };
    let terms = Terms::of(route, subscription);
    match prepare(claimed, subscription, route, ledger) {
        Ok(Prepared::Send(message)) => Ok((message, terms)),
        Ok(Prepared::Excluded) => Err(Box::new(ended(Finished::Skipped, "the subscription's filter excludes it"))),
        Ok(Prepared::Undecided(error)) => {
            let note = format!("whether the agency may have it cannot be decided: {error}");
            Err(Box::new(Verdict::Undecided { note, policy: terms.policy }))
        }
        Err(error) => Err(Box::new(Verdict::Unmade { outcome: unsendable(&error), policy: terms.policy })),
    }
}

/// The verdict on a lease that ran out: an endpoint fault, by the terms now in force.
pub(super) fn lapsed(claimed: &Claimed, route: &Route, now: At) -> Verdict {
    match route.catalog.subscription(&claimed.key.agency, &claimed.envelope.attributes.ty) {
        Some(subscription) => tried(lapse(), Terms::of(route, subscription)),
        None => unconfigured(now),
    }
}

fn tried(outcome: Outcome, Terms { policy, disclosure, by_broker }: Terms) -> Verdict {
    Verdict::Tried { outcome, policy, disclosure, by_broker }
}

fn unconfigured(now: At) -> Verdict {
    Verdict::Untried(Transition::Retry { due: now.plus(UNCONFIGURED_REST) })
}

fn ended(state: Finished, why: &str) -> Verdict {
    Verdict::Untried(Transition::Finish { state, why: Some(why.to_owned()) })
}

impl Back {
    /// Decides what becomes of it. `evidence` is what is known of the agency, `window` its service hours.
    pub fn settle(self, evidence: &Evidence, window: Option<&Window>) -> Done {
        // What is logged of it is logged within it.
        let span = self.span;
        let _within = span.enter();
        let bytes = self.claimed.envelope.data.len();
        let accepted_at = self.claimed.envelope.accepted_at;
        let key = self.claimed.key.clone();
        let settlement = match self.verdict {
            Verdict::Untried(transition) => untold(key, transition, None),
            Verdict::Undecided { note, policy } => {
                warn!(agency = %key.agency, delivery = %self.claimed.id, note, "given up without having been sent");
                let (transition, class) = (retry::give_up(policy, &note), Class::MessageFault);
                let at = self.begun;
                let fault = Attempt { at, ms: 0, class, status: None, note, answer: Vec::new(), counted: false };
                untold(key, transition, Some(fault))
            }
            Verdict::Unmade { outcome, policy } => {
                let id = self.claimed.id;
                let attempted = Attempted { key, id, tries: self.claimed.tries, begun: self.begun, ended: self.ended };
                attempted.settle(outcome, policy, None, evidence, window)
            }
            Verdict::Tried { outcome, policy, disclosure, by_broker } => {
                let id = self.claimed.id;
                let attempted = Attempted { key, id, tries: self.claimed.tries, begun: self.begun, ended: self.ended };
                let settlement = attempted.settle(outcome, policy, Some(disclosure), evidence, window);
                match settlement.transition {
                    Transition::Finish { state: Finished::Delivered, .. } if by_broker => {
                        Settlement { by: BROKER.to_owned(), ..settlement }
                    }
                    _ => settlement,
                }
            }
        };
        Done { settlement, accepted_at, bytes }
    }
}

/// The settlement of a delivery of which the agency was told nothing.
fn untold(key: DeliveryKey, transition: Transition, attempt: Option<Attempt>) -> Settlement {
    let (report, by) = (Report::default(), FALAJ.to_owned());
    Settlement { key, transition, attempt, report, disclosure: None, by, held: Duration::ZERO }
}

/// A delivery that was tried, and when.
#[derive(Debug)]
pub(super) struct Attempted {
    /// Which.
    pub(super) key: DeliveryKey,
    /// Its id, for the log.
    pub(super) id: DeliveryId,
    /// What it had been through before.
    pub(super) tries: Tries,
    /// When the try began.
    pub(super) begun: At,
    /// When it ended.
    pub(super) ended: At,
}

impl Attempted {
    /// Decides what becomes of it by [`retry::after`]; see [`Back::settle`]. `disclosure` is that under which it was sent, if it was.
    pub(super) fn settle(
        self,
        outcome: Outcome,
        policy: Policy,
        disclosure: Option<u64>,
        evidence: &Evidence,
        window: Option<&Window>,
    ) -> Settlement {
        let Self { key, id, tries, begun, ended } = self;
        let tries = Tries { first_at: tries.first_at.or(Some(begun)), ..tries };
        let decision = retry::after(&tries, &outcome, policy, evidence, ended, jitter());
        let Decision { mut transition, class, note, counted, ages, taken_back } = decision;
        let closed = until_reachable(&mut transition, window, ended);
        let held = match &transition {
            Transition::Retry { due } if !ages => due.since(ended) + taken_back,
            _ => closed,
        };
        let ms = u32::try_from(ended.since(begun).as_millis()).unwrap_or(u32::MAX);
        let Outcome { status, report, answer, .. } = outcome;
        let attempt = Attempt { at: begun, ms, class, status, note, answer, counted };
        log(&key.agency, id, &attempt, &transition);
        let by = match transition {
            Transition::Finish { state: Finished::Delivered, .. } => key.agency.to_string(),
            _ => FALAJ.to_owned(),
        };
        Settlement { key, transition, attempt: Some(attempt), report, disclosure, by, held }
    }
}

/// A settlement that waits for its commit.
#[derive(Debug)]
pub struct Done {
    /// What is to be stored.
    pub settlement: Settlement,
    /// When its envelope was accepted.
    pub accepted_at: At,
    /// Bytes of its data.
    pub bytes: usize,
}

enum Prepared {
    Send(Message),
    Excluded,
    Undecided(MappingError),
}

/// Asks an undecided filter again, and makes the message.
fn prepare(
    claimed: &Claimed,
    subscription: &Subscription,
    route: &Route,
    ledger: &Ledger,
) -> Result<Prepared, MappingError> {
    let stored = &claimed.envelope;
    if let Some(filter) = subscription.filter.as_ref().filter(|_| claimed.undecided) {
        match filter.passes(&stored.event()) {
            Ok(true) => {}
            Ok(false) => return Ok(Prepared::Excluded),
            Err(error) => return Ok(Prepared::Undecided(error)),
        }
    }
    let agency = &claimed.key.agency;
    let pseudonym = |subject: &str| ledger.pseudonym(agency, subject);
    let disclosed = mapping::disclose(&stored.attributes, subscription.subject, &subscription.attributes, &pseudonym);
    let data = stored.data_text();
    let id = claimed.id.to_string();
    // What is fetched has no headers to put attributes into.
    let form = if route.is_fetched() && matches!(subscription.form, Form::Binary) {
        &Form::Structured
    } else {
        &subscription.form
    };
    mapping::render(form, &subscription.fields, &disclosed, data, &id, route.message_bytes_max).map(Prepared::Send)
}

fn parcel(claimed: &Claimed, message: Message, span: &Span, now: At) -> Parcel {
    let attributes = &claimed.envelope.attributes;
    Parcel {
        message,
        webhook_id: claimed.webhook_id,
        id: claimed.id,
        key: claimed.key.clone(),
        attempt: number(claimed),
        sequence: claimed.key.seq.0,
        gap: claimed.gap,
        redrive: claimed.redrive,
        trace: trace::passed_on(span, attributes),
        correlation_id: attributes.correlation_id().map(str::to_owned),
        now,
    }
}

/// A message that could not be made is a fault of the message, as if the agency had refused it.
fn unsendable(error: &MappingError) -> Outcome {
    Outcome {
        class: Class::MessageFault,
        status: None,
        retry_after: None,
        report: Report::default(),
        note: error.to_string(),
        answer: Vec::new(),
    }
}

/// A fetched delivery of which nothing was heard in time.
fn lapse() -> Outcome {
    Outcome {
        class: Class::EndpointFault,
        status: None,
        retry_after: None,
        report: Report::default(),
        note: "the lease ran out".to_owned(),
        answer: Vec::new(),
    }
}

/// Puts a retry that would fall outside the service hours at their next beginning, and says how much of the time until then the
/// agency is closed: that much is no age.
fn until_reachable(transition: &mut Transition, window: Option<&Window>, now: At) -> Duration {
    match (transition, window) {
        (Transition::Retry { due }, Some(window)) => {
            *due = window.reachable_from(*due);
            window.closed_between(now, *due)
        }
        _ => Duration::ZERO,
    }
}

/// A random number of 0 to 1. It only spreads load, so a generator that fails is no fault: the wait is then the shortest.
fn jitter() -> f64 {
    let mut bits = [0_u8; 4];
    match aws_lc_rs::rand::fill(&mut bits) {
        Ok(()) => f64::from(u32::from_le_bytes(bits)) / f64::from(u32::MAX),
        Err(_) => 0.0,
    }
}

fn log(agency: &AgencyId, delivery: DeliveryId, attempt: &Attempt, transition: &Transition) {
    let Attempt { status, note, ms, .. } = attempt;
    let class = attempt.class.as_str();
    match transition {
        Transition::Finish { state: Finished::Delivered, .. } => {
            tracing::debug!(%agency, %delivery, class, ms, "delivered");
        }
        Transition::Finish { state, .. } => {
            warn!(%agency, %delivery, class, status, state = state.as_str(), note, "ended");
        }
        Transition::Retry { due } => {
            info!(%agency, %delivery, class, status, note, %due, "will be tried again");
        }
        Transition::Park => {
            warn!(%agency, %delivery, class, status, note, "parked; its lane waits for an operator");
        }
    }
}

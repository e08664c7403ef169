//! The agencies as the dashboard shows them: name, state and queue; the one place where it is decided what their states are called.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::say::{Html, Say, count, escape};
use super::session::Signed;
use super::state::Dashboard;
use super::why;
use crate::http::auth::{Caller, Sight};
use crate::http::error::Problem;
use crate::ledger::{Tally, Waits};
use crate::model::agency::TransportKind;
use crate::model::delivery::LastError;
use crate::model::id::AgencyId;
use crate::model::outcome::Class;
use crate::model::status::Hold;
use crate::model::time::At;

/// Dead letters of an agency that are counted; of more it is said that they are more.
pub(super) const DEAD_MAX: u64 = 10_000;

/// One agency's queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) id: AgencyId,
    pub(super) hold: Hold,
    /// The fault for which nothing is sent, where the agency answers and the way to it is wrong.
    pub(super) fault: Option<LastError>,
    pub(super) in_flight: u64,
    pub(super) tally: Tally,
    /// When the oldest of what waits was accepted.
    pub(super) oldest: Option<At>,
    /// Dead letters, counted up to [`DEAD_MAX`].
    pub(super) dead: u64,
    /// Whether the agency comes for them itself.
    pub(super) fetches: bool,
}

impl Queue {
    /// Flowing, and not under way.
    pub(super) fn ready(&self) -> u64 {
        self.tally.pending.saturating_sub(self.in_flight.saturating_sub(self.tally.leased))
    }

    /// Not finished.
    pub(super) fn unfinished(&self) -> u64 {
        let Tally { pending, retry, parked, behind, leased, .. } = self.tally;
        pending + retry + parked + behind + leased
    }

    pub(super) fn state(&self) -> State {
        State::of(&self.hold, self.fault.is_some())
    }

    /// What can be done to it.
    pub(super) fn acts(&self) -> &'static [&'static str] {
        match self.state() {
            State::Paused | State::Draining | State::Drained => &["resume"],
            _ => &["pause", "drain"],
        }
    }

    /// Why nothing goes on, or what is not well although something does.
    pub(super) fn why(&self, say: &Say) -> Option<Html> {
        let text = match &self.hold {
            Hold::Paused { by, reason, since, .. } => say.tell(
                "why-paused",
                [("by", by.as_str().into()), ("reason", reason.as_str().into()), ("age", say.age_within(since).into())],
            ),
            Hold::Draining { left, by, reason, .. } => say.tell(
                "why-draining",
                [("n", count(*left)), ("by", by.as_str().into()), ("reason", reason.as_str().into())],
            ),
            Hold::CircuitOpen { until, since } => {
                let left = ("left", say.span_within(&until.since(say.now)).into());
                match &self.fault {
                    Some(fault) => say.tell("why-misconfigured", [("fault", why::fault(*say, fault).into()), left]),
                    None => say.tell("why-circuit-open", [("age", say.age_within(since).into()), left]),
                }
            }
            Hold::Throttled { until, .. } => say.ts("why-throttled", &say.span_within(&until.since(say.now))),
            Hold::Window { until, .. } => say.ts("why-window", &say.span_within(&until.since(say.now))),
            Hold::Unconfigured => say.t("why-unconfigured"),
            Hold::NoTransport => say.t("why-no-transport"),
            Hold::Unconnected { cause, since } => say.tell(
                "why-unconnected",
                [("fault", say.pick(&cause.clause()).to_owned().into()), ("age", say.age_within(since).into())],
            ),
            Hold::Open => match (self.tally.parked, self.tally.retry) {
                (0, 0) if self.fetches && self.ready() > 0 => say.tn("why-fetch", self.ready()),
                (0, 0) => return None,
                (0, retry) => say.tn("why-retry", retry),
                (parked, _) => say.tell("why-parked", [("n", count(parked))]),
            },
        };
        Some(Html(escape(&text)))
    }
}

/// The state of an agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// It does not answer.
    CircuitOpen,
    /// It answers, and the way to it is wrong: an address, a certificate, a key.
    Misconfigured,
    /// It is not in the deployment any more.
    Unconfigured,
    /// Its transport is not served.
    NoTransport,
    /// A person holds it.
    Paused,
    /// A person holds what is accepted from some moment on.
    Draining,
    /// The same, and nothing is left of what was accepted before.
    Drained,
    /// It asked for quiet.
    Throttled,
    /// It is outside its service hours.
    Window,
    /// Deliveries flow.
    Open,
}

impl State {
    /// Worst first.
    pub(super) const ALL: [Self; 10] = [
        Self::CircuitOpen,
        Self::Misconfigured,
        Self::Unconfigured,
        Self::NoTransport,
        Self::Paused,
        Self::Draining,
        Self::Drained,
        Self::Throttled,
        Self::Window,
        Self::Open,
    ];

    /// `misconfigured` is whether an open circuit is so for a fault of configuration.
    pub(super) fn of(hold: &Hold, misconfigured: bool) -> Self {
        match hold {
            Hold::CircuitOpen { .. } if misconfigured => Self::Misconfigured,
            Hold::Open => Self::Open,
            Hold::Unconfigured => Self::Unconfigured,
            Hold::NoTransport | Hold::Unconnected { .. } => Self::NoTransport,
            Hold::Paused { .. } => Self::Paused,
            Hold::Draining { left: 0, .. } => Self::Drained,
            Hold::Draining { .. } => Self::Draining,
            Hold::CircuitOpen { .. } => Self::CircuitOpen,
            Hold::Throttled { .. } => Self::Throttled,
            Hold::Window { .. } => Self::Window,
        }
    }

    /// The word used in links, styles and texts.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unconfigured => "unconfigured",
            Self::NoTransport => "no-transport",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Drained => "drained",
            Self::CircuitOpen => "circuit-open",
            Self::Misconfigured => "misconfigured",
            Self::Throttled => "throttled",
            Self::Window => "window",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// How it is coloured: `bad`, `held`, `calm` or `good`.
    pub(super) fn tone(self) -> &'static str {
        match self {
            Self::CircuitOpen | Self::Misconfigured | Self::Unconfigured | Self::NoTransport => "bad",
            Self::Paused | Self::Draining | Self::Drained | Self::Throttled => "held",
            Self::Window => "calm",
            Self::Open => "good",
        }
    }
}

/// How many agencies are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) state: State,
    pub(super) agencies: u64,
}

/// The name of an agency in the reader's language; its id where it has none any more.
pub(super) fn name(dashboard: &Dashboard, id: &AgencyId, say: Say) -> String {
    dashboard.catalog.load().agency(id).map_or_else(|| id.to_string(), |agency| say.pick(&agency.name).to_owned())
}

/// Whether an agency comes for its deliveries itself.
pub(super) fn fetches(dashboard: &Dashboard, id: &AgencyId) -> bool {
    let catalog = dashboard.catalog.load();
    let rules = catalog.agency(id).and_then(|agency| agency.delivery.as_ref());
    rules.is_some_and(|rules| rules.transport == TransportKind::Pull)
}

/// Whether a caller may see an agency's queue (D1).
pub(super) fn sees(caller: &Caller, id: &AgencyId) -> bool {
    match caller.sight() {
        Sight::Own(own) => own == id,
        Sight::Masked | Sight::Clear => true,
    }
}

/// Agencies that something is delivered to, or waits for, with their tallies.
pub(super) fn receivers(dashboard: &Dashboard, caller: &Caller) -> BTreeMap<AgencyId, Tally> {
    let catalog = dashboard.catalog.load();
    let configured = catalog.agencies().filter(|agency| agency.delivery.is_some());
    let mut receivers: BTreeMap<AgencyId, Tally> =
        configured.map(|agency| (agency.id.clone(), Tally::default())).collect();
    receivers.extend(dashboard.ledger.tallies());
    receivers.retain(|id, _| sees(caller, id));
    receivers
}

/// How many agencies are in which state, worst first. Reads memory alone.
pub(super) fn counts(dashboard: &Dashboard, signed: &Signed) -> Vec<Count> {
    let mut counts: BTreeMap<State, u64> = BTreeMap::new();
    for id in receivers(dashboard, &signed.caller).into_keys() {
        let hold = dashboard.hold(&id);
        let misconfigured = fault(dashboard, &id, &hold).is_some();
        *counts.entry(State::of(&hold, misconfigured)).or_default() += 1;
    }
    counts.into_iter().map(|(state, agencies)| Count { state, agencies }).collect()
}

/// Whether what is shown is looked up now, or may be a moment old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fresh {
    /// For a page that somebody asked for.
    Now,
    /// For those who look on: many of them share one look.
    Lately,
}

/// The queues that a caller may see, by id.
pub(super) async fn queues(dashboard: &Dashboard, caller: &Caller, fresh: Fresh) -> Result<Vec<Queue>, Problem> {
    let receivers = receivers(dashboard, caller);
    let looked = match (fresh, caller.as_agency()) {
        (Fresh::Now, only) => Arc::new(dashboard.ledger.waits(only.cloned(), DEAD_MAX).await?),
        (Fresh::Lately, _) => dashboard.lately().await?,
    };
    let waits: HashMap<&AgencyId, &Waits> = looked.iter().map(|(id, waits)| (id, waits)).collect();
    let nothing = Waits::default();
    let queue = |(id, tally): (AgencyId, Tally)| {
        let waits = *waits.get(&id).unwrap_or(&&nothing);
        queue(dashboard, id, tally, waits)
    };
    Ok(receivers.into_iter().map(queue).collect())
}

fn queue(dashboard: &Dashboard, id: AgencyId, tally: Tally, waits: &Waits) -> Queue {
    let entry = dashboard.entry(&id);
    let in_flight = u64::try_from(entry.in_flight).unwrap_or(u64::MAX);
    let fetches = fetches(dashboard, &id);
    let fault = fault(dashboard, &id, &entry.hold);
    Queue { id, hold: entry.hold, fault, in_flight, tally, oldest: waits.oldest, dead: waits.dead, fetches }
}

/// The fault of configuration that keeps a circuit open, by the last attempt. Reads memory alone.
fn fault(dashboard: &Dashboard, id: &AgencyId, hold: &Hold) -> Option<LastError> {
    if !matches!(hold, Hold::CircuitOpen { .. }) {
        return None;
    }
    let last = dashboard.metrics.figures.latest(id)?;
    let is_astray = matches!(last.class, Class::ConfigurationFault | Class::Gone);
    is_astray.then_some(LastError { class: last.class, status: last.status, note: last.note, at: last.at })
}

/// One queue, where the caller may see it.
pub(super) async fn one(dashboard: &Dashboard, caller: &Caller, id: &str) -> Result<Queue, Problem> {
    let id = AgencyId::parse(id).map_err(|_| Problem::not_found())?;
    let tally = receivers(dashboard, caller).remove(&id).ok_or_else(Problem::not_found)?;
    let waits = dashboard.ledger.waits(Some(id.clone()), DEAD_MAX).await?;
    Ok(queue(dashboard, id, tally, &waits.into_iter().next().map(|(_, waits)| waits).unwrap_or_default()))
}

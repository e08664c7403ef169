//! Agencies and their queues in figures.
//!
//! An agency sees itself and no other. Figures are those of the ledger's tallies, kept in the same commits as what they count.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::auth::{Caller, Sight};
use super::body;
use super::error::Problem;
use super::path::Named;
use super::state::App;
use crate::catalog::{Agency, DeliveryRules};
use crate::ledger::{Actor, AgencyEvent, Happened, Tally};
use crate::model::agency::{Rate, TransportKind};
use crate::model::id::AgencyId;
use crate::model::outcome::Class;
use crate::model::status::Hold;
use crate::model::text::Bilingual;
use crate::model::time::{At, Span};

/// Questions to the ledger at once.
const ASKED_AT_ONCE: usize = 8;
/// Events of an agency that are shown with it, the latest.
const EVENTS_SHOWN: usize = 20;

/// One agency.
#[derive(Debug, Serialize)]
struct Line {
    id: AgencyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Bilingual>,
    /// `open unconfigured no_transport paused draining drained circuit_open throttled window`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How far a drain is.
    #[serde(skip_serializing_if = "Option::is_none")]
    draining: Option<Draining>,
    in_flight: usize,
    deliveries: Tally,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_accepted_at: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_age_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Rules>,
    publishes: Vec<String>,
    subscriptions: Vec<String>,
    /// What happened lately, newest first; of one agency alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<Event>>,
}

/// What a drain still lets out.
#[derive(Debug, Serialize)]
struct Draining {
    /// The last in accept order (`falaj-sequence`) that goes out.
    through: u64,
    /// Those that are not finished, parked ones included.
    left: u64,
    /// What holds these: a state of its own.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<At>,
}

/// What happened to an agency.
#[derive(Debug, Serialize)]
struct Event {
    n: u64,
    at: At,
    /// `opened closed gone paused draining drained resumed`.
    kind: &'static str,
    /// Who paused, drained or resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What opened the circuit, or said that nobody is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// The first probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<At>,
    /// The last in accept order that a drain lets out.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<u64>,
}

/// How an agency is reached.
#[derive(Debug, Serialize)]
struct Rules {
    transport: TransportKind,
    timeout: Span,
    in_flight: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    /// How long it may work on what it has fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<Span>,
    max_age: Span,
}

/// `GET /v1/agencies`
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let lines = match caller.sight() {
        Sight::Own(agency) => lines(&app, Some(agency)).await?,
        Sight::Masked | Sight::Clear => lines(&app, None).await?,
    };
    Ok(body::answer(StatusCode::OK, &serde_json::json!({ "agencies": lines })))
}

/// `GET /v1/agencies/{a}`
pub(super) async fn one(State(app): State<App>, caller: Caller, Named(id): Named<String>) -> Result<Response, Problem> {
    let id = AgencyId::parse(&id).map_err(|_| Problem::not_found())?;
    if matches!(caller.sight(), Sight::Own(agency) if *agency != id) {
        return Err(Problem::not_found());
    }
    shown(&app, &id).await
}

/// An answer with one agency.
pub(super) async fn shown(app: &App, id: &AgencyId) -> Result<Response, Problem> {
    let mut line = lines(app, Some(id)).await?.pop().ok_or_else(Problem::not_found)?;
    let events = app.ledger.events(id, None, EVENTS_SHOWN).await?;
    line.events = Some(events.into_iter().map(Event::of).collect());
    Ok(body::answer(StatusCode::OK, &line))
}

/// Whether anything is, or ever was, delivered to an agency; `None` if nobody knows it.
pub(super) fn receives(app: &App, id: &AgencyId) -> Option<bool> {
    let has_queue = app.ledger.tallies().iter().any(|(known, _)| known == id);
    let configured = app.catalog.load().agency(id).map(|agency| agency.delivery.is_some());
    if has_queue { Some(true) } else { configured }
}

/// The agencies of the deployment, and those that left it with deliveries behind them; all, or one.
async fn lines(app: &App, only: Option<&AgencyId>) -> Result<Vec<Line>, Problem> {
    let wanted = |id: &AgencyId| only.is_none_or(|only| only == id);
    let mut tallies: HashMap<AgencyId, Tally> = app.ledger.tallies().into_iter().filter(|(id, _)| wanted(id)).collect();
    let mut lines: Vec<Line> = {
        let catalog = app.catalog.load();
        let configured = catalog.agencies().filter(|agency| wanted(&agency.id));
        configured.map(|agency| configured_line(app, agency, tallies.remove(&agency.id).unwrap_or_default())).collect()
    };
    lines.extend(tallies.into_iter().map(|(id, tally)| line(app, id, tally)));
    lines.sort_by(|a, b| a.id.cmp(&b.id));
    let aged = stream::iter(lines).map(|line| with_age(app, line)).buffered(ASKED_AT_ONCE);
    aged.try_collect().await
}

fn configured_line(app: &App, agency: &Agency, tally: Tally) -> Line {
    let mut line = line(app, agency.id.clone(), tally);
    line.name = Some(agency.name.clone());
    line.delivery = agency.delivery.as_ref().map(Rules::of);
    line.publishes = agency.types.iter().map(ToString::to_string).collect();
    line.subscriptions = agency.subscriptions.iter().map(|wish| wish.pattern.to_string()).collect();
    if line.delivery.is_none() {
        // Nothing is delivered to a publisher, so nothing can hold it.
        line.state = "open";
    }
    line
}

fn line(app: &App, id: AgencyId, tally: Tally) -> Line {
    let entry = app.entry(&id);
    let mut line = Line {
        id,
        name: None,
        state: state(&entry.hold),
        since: None,
        until: None,
        by: None,
        reason: None,
        draining: None,
        in_flight: entry.in_flight,
        deliveries: tally,
        oldest_accepted_at: None,
        oldest_age_seconds: None,
        delivery: None,
        publishes: Vec::new(),
        subscriptions: Vec::new(),
        events: None,
    };
    match entry.hold {
        Hold::Open | Hold::Unconfigured | Hold::NoTransport => {}
        Hold::Paused { by, reason, since, .. } => {
            (line.by, line.reason, line.since) = (Some(by), Some(reason), Some(since));
        }
        Hold::Draining { through, left, by, reason, since, rest } => {
            (line.by, line.reason, line.since) = (Some(by), Some(reason), Some(since));
            line.draining = Some(Draining { through: through.0, left, state: state(&rest), until: until(&rest) });
        }
        Hold::CircuitOpen { since, .. }
        | Hold::Throttled { since, .. }
        | Hold::Window { since, .. }
        | Hold::Unconnected { since, .. } => {
            (line.until, line.since) = (until(&entry.hold), Some(since));
        }
    }
    line
}

/// Until when an agency is held, where that is known.
fn until(hold: &Hold) -> Option<At> {
    match hold {
        Hold::CircuitOpen { until, .. } | Hold::Throttled { until, .. } | Hold::Window { until, .. } => Some(*until),
        _ => None,
    }
}

impl Event {
    fn of(AgencyEvent { n, at, what, .. }: AgencyEvent) -> Self {
        let kind = what.as_str();
        let mut event = Self {
            n,
            at,
            kind,
            by: None,
            reason: None,
            class: None,
            status: None,
            note: None,
            until: None,
            through: None,
        };
        match what {
            Happened::Opened { class, status, note, until } => {
                (event.class, event.status) = (Some(class.as_str()), status);
                (event.note, event.until) = (Some(note), Some(until));
            }
            Happened::Gone { status, note } => {
                (event.class, event.status, event.note) = (Some(Class::Gone.as_str()), status, Some(note));
            }
            Happened::Draining { by: Actor { name, reason }, through } => {
                (event.by, event.reason, event.through) = (Some(name), Some(reason), Some(through.0));
            }
            Happened::Paused { by: Actor { name, reason } } | Happened::Resumed { by: Actor { name, reason } } => {
                (event.by, event.reason) = (Some(name), Some(reason));
            }
            Happened::Closed | Happened::Drained => {}
        }
        event
    }
}

/// The word for what holds an agency.
pub(super) fn state(hold: &Hold) -> &'static str {
    match hold {
        Hold::Open => "open",
        Hold::Unconfigured => "unconfigured",
        Hold::NoTransport | Hold::Unconnected { .. } => "no_transport",
        Hold::Paused { .. } => "paused",
        Hold::Draining { left: 0, .. } => "drained",
        Hold::Draining { .. } => "draining",
        Hold::CircuitOpen { .. } => "circuit_open",
        Hold::Throttled { .. } => "throttled",
        Hold::Window { .. } => "window",
    }
}

/// Deliveries that are not finished.
pub(super) fn unfinished(tally: &Tally) -> u64 {
    tally.pending + tally.retry + tally.parked + tally.behind + tally.leased
}

async fn with_age(app: &App, mut line: Line) -> Result<Line, Problem> {
    if unfinished(&line.deliveries) > 0 {
        line.oldest_accepted_at = app.ledger.oldest(&line.id).await?;
        line.oldest_age_seconds = line.oldest_accepted_at.map(|at| app.clock.now().since(at).as_secs());
    }
    Ok(line)
}

impl Rules {
    fn of(rules: &DeliveryRules) -> Self {
        let limits = &rules.limits;
        Self {
            transport: rules.transport,
            timeout: Span(limits.timeout),
            in_flight: limits.in_flight,
            rate: limits.rate,
            lease: (rules.transport == TransportKind::Pull).then_some(Span(rules.lease)),
            max_age: Span(limits.age_max),
        }
    }
}

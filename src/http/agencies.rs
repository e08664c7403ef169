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
use crate::ledger::Tally;
use crate::model::agency::{Rate, TransportKind};
use crate::model::id::AgencyId;
use crate::model::status::Hold;
use crate::model::text::Bilingual;
use crate::model::time::{At, Span};

/// Questions to the ledger at once.
const ASKED_AT_ONCE: usize = 8;

/// One agency.
#[derive(Debug, Serialize)]
struct Line {
    id: AgencyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Bilingual>,
    /// `open unconfigured no_transport paused circuit_open throttled window`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
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
    let line = lines(app, Some(id)).await?.pop().ok_or_else(Problem::not_found)?;
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
        in_flight: entry.in_flight,
        deliveries: tally,
        oldest_accepted_at: None,
        oldest_age_seconds: None,
        delivery: None,
        publishes: Vec::new(),
        subscriptions: Vec::new(),
    };
    match entry.hold {
        Hold::Open | Hold::Unconfigured | Hold::NoTransport => {}
        Hold::Paused { by, reason, since } => {
            (line.by, line.reason, line.since) = (Some(by), Some(reason), Some(since));
        }
        Hold::CircuitOpen { until, since } | Hold::Throttled { until, since } | Hold::Window { until, since } => {
            (line.until, line.since) = (Some(until), Some(since));
        }
    }
    line
}

/// The word for what holds an agency.
pub(super) fn state(hold: &Hold) -> &'static str {
    match hold {
        Hold::Open => "open",
        Hold::Unconfigured => "unconfigured",
        Hold::NoTransport => "no_transport",
        Hold::Paused { .. } => "paused",
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

//! Probes and metrics.
//!
//! `/healthz` says that the process lives and nothing else. `/readyz` says whether it would accept an envelope now. `/metrics` adds
//! to what was counted what can be read: the queues, their age, and who is held.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::agencies::unfinished;
use super::body;
use super::error::Problem;
use super::state::App;
use crate::ledger::{Health, Tally};
use crate::model::status::Hold;
use crate::telemetry::{AgencyLabel, EndLabels, Name, Word};

/// The media type of the OpenMetrics text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`
pub(super) async fn healthz() -> Response {
    body::answer(StatusCode::OK, &serde_json::json!({ "alive": true }))
}

/// `GET /readyz`
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let refusing = health(&app).refusing;
    let stopping = app.closing.is_cancelled().then_some("it is stopping");
    let catalog = app.catalog.load();
    // A wrong deployment in the folder is no reason to refuse work: the old one is in force. It is said all the same.
    let refused = app.reloads.as_ref().and_then(|reloads| reloads.state().refused).map_or(0, |problems| problems.len());
    let because: Vec<_> = [refusing, stopping].into_iter().flatten().collect();
    let status = if because.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let state = serde_json::json!({
        "ready": because.is_empty(),
        "because": because,
        "catalogue": catalog.revision,
        "refused_deployment_problems": refused,
    });
    body::answer(status, &state)
}

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    health(&app);
    let read = gauges(&app).await?;
    let mut text = String::with_capacity(16 * 1024);
    encode_registry(&mut text, &app.registry)
        .and_then(|()| encode_registry(&mut text, &read))
        .and_then(|()| encode_eof(&mut text))
        .map_err(|_| Problem::internal())?;
    Ok((StatusCode::OK, [(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// The ledger's health. Whoever asks takes the commit times since the last asking with it, so they are counted here.
fn health(app: &App) -> Health {
    let health = app.ledger.health();
    for commit in &health.commits {
        app.metrics.commit_seconds.observe(commit.as_secs_f64());
    }
    health
}

/// What can be read at this moment.
async fn gauges(app: &App) -> Result<Registry, Problem> {
    let deliveries = Family::<EndLabels, Gauge>::default();
    let oldest = Family::<AgencyLabel, Gauge>::default();
    let circuit = Family::<AgencyLabel, Gauge>::default();
    for (agency, tally) in app.ledger.tallies() {
        let label = AgencyLabel { agency: Name(agency.clone()) };
        for (state, count) in counts(&tally) {
            let labels = EndLabels { agency: Name(agency.clone()), state: Word(state) };
            deliveries.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let age = match unfinished(&tally) {
            0 => None,
            _ => app.ledger.oldest(&agency).await?.map(|at| app.clock.now().since(at).as_secs()),
        };
        oldest.get_or_create(&label).set(age.map_or(0, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX)));
        let is_open = matches!(app.board.hold(&agency), Hold::CircuitOpen { .. });
        circuit.get_or_create(&label).set(i64::from(is_open));
    }
    let mut registry = Registry::default();
    registry.register("falaj_deliveries", "Deliveries, by state", deliveries);
    registry.register("falaj_oldest_age_seconds", "Age of the oldest unfinished delivery", oldest);
    registry.register("falaj_circuit_open", "Whether the agency's breaker is open", circuit);
    Ok(registry)
}

fn counts(tally: &Tally) -> [(&'static str, u64); 10] {
    [
        ("pending", tally.pending),
        ("retry", tally.retry),
        ("parked", tally.parked),
        ("behind", tally.behind),
        ("leased", tally.leased),
        ("delivered", tally.delivered),
        ("dead", tally.dead),
        ("expired", tally.expired),
        ("skipped", tally.skipped),
        ("cancelled", tally.cancelled),
    ]
}

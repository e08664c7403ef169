//! Probes.
//!
//! `/healthz` says that the process lives and nothing else. `/readyz` says whether it would accept an envelope now.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::body;
use super::state::App;

/// `GET /healthz`
pub(super) async fn healthz() -> Response {
    body::answer(StatusCode::OK, &serde_json::json!({ "alive": true }))
}

/// `GET /readyz`
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let refusing = app.ledger.health().refusing;
    let stopping = app.closing.is_cancelled().then_some("it is stopping");
    let catalog = app.catalog.load();
    // A wrong deployment in the folder is no reason to refuse work: the old one is in force. It is said all the same.
    let refused = app.reloads.as_ref().and_then(|reloads| reloads.state().refused).map_or(0, |problems| problems.len());
    let because: Vec<_> = [refusing, stopping].into_iter().flatten().collect();
    let status = if because.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut state = serde_json::json!({
        "ready": because.is_empty(),
        "because": because,
        "catalogue": catalog.revision,
        "refused_deployment_problems": refused,
    });
    // A broker that is down is no reason to refuse what comes by HTTP; it is said all the same.
    if let Some(broker) = &app.broker {
        state["amqp"] = super::broker::state(broker, app.clock.now());
    }
    body::answer(status, &state)
}

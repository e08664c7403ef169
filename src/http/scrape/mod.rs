//! `GET /metrics`: what was counted as it happened (`telemetry::metrics`), and what can be read at this moment: the agencies with
//! their queues, their age and who is held ([`agencies`]), the bus itself ([`bus`]), and the broker ([`broker`]).
//!
//! A scrape is always answered: what cannot be read now (a ledger that was closed or broke) is left out, so that `falaj_accepting` can
//! say so.

use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use prometheus_client::registry::Registry;

use super::error::Problem;
use super::state::App;
use crate::telemetry::exposition::Format;
use crate::telemetry::process;

mod agencies;
mod broker;
mod bus;

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let format = Format::accepted(headers.get(ACCEPT).and_then(|value| value.to_str().ok()));
    let ledger = app.ledger.clone();
    // Both ask the file system.
    let asked = tokio::task::spawn_blocking(move || (ledger.size(), process::Reading::take())).await;
    let (size, process) = asked.map_err(|_| Problem::internal())?;
    let mut read = Registry::default();
    agencies::register(&app, &mut read).await;
    bus::register(&app, size, &mut read).await;
    broker::register(&app, &mut read);
    if let Some(process) = process {
        process.register(&mut read);
    }
    let text = format.write(&[&app.registry, &read]).map_err(|_| Problem::internal())?;
    Ok((StatusCode::OK, [(CONTENT_TYPE, format.media_type())], text).into_response())
}

/// A number as a gauge's value.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes far below 2^53")]
fn number(n: u64) -> f64 {
    n as f64
}

/// The same of what is counted in memory.
fn count(n: usize) -> f64 {
    number(n as u64)
}

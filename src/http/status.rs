//! Reading one envelope: at once, or when it is settled.

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::auth::Caller;
use super::error::{Problem, Shape};
use super::path::Named;
use super::state::App;
use super::{body, view};
use crate::model::id::{EnvelopeId, Seq};
use crate::model::status::{EnvelopeState, EnvelopeStatus};
use crate::model::time::Span;

/// What may be asked.
const SHAPE: Shape = Shape(
    "The query takes a time to wait, such as `?wait=30s`, and nothing else.",
    "لا يقبل الاستعلام سوى مدة الانتظار، مثل `?wait=30s`.",
);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    wait: Option<Span>,
}

/// `GET /v1/envelopes/{id}`
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Query(asked) = Query::<Asked>::try_from_uri(&uri).map_err(|_| Problem::shape(SHAPE))?;
    let (seq, mut status) = look(&app, &caller, &id).await?;
    if let Some(Span(wait)) = asked.wait
        && status.state == EnvelopeState::Open
    {
        let _place = app.watch_place()?;
        let deadline = Instant::now() + wait.min(app.settings.wait_max);
        let watch = app.wake.watch(seq);
        loop {
            // Listening begins before reading, so that no ring is missed.
            let heard = watch.heard();
            if !app.keys.knows(&caller) {
                return Err(Problem::no_key(true));
            }
            (_, status) = look(&app, &caller, &id).await?;
            let now = Instant::now();
            if status.state != EnvelopeState::Open || now >= deadline || app.closing.is_cancelled() {
                break;
            }
            tokio::select! {
                _rung_or_not = timeout_at(deadline.min(now + app.settings.recheck), heard) => {}
                () = app.closing.cancelled() => {}
            }
        }
    }
    Ok(body::answer(StatusCode::OK, &status))
}

/// An envelope as the caller may see it, with its place in accept order.
pub(super) async fn look(app: &App, caller: &Caller, id: &str) -> Result<(Seq, EnvelopeStatus), Problem> {
    let id = EnvelopeId::parse(id).ok_or_else(Problem::not_found)?;
    let found = app.ledger.envelope(id).await?.ok_or_else(Problem::not_found)?;
    let seq = found.seq;
    let status = view::status(app, caller.sight(), found).ok_or_else(Problem::not_found)?;
    Ok((seq, status))
}

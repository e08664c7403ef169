//! One envelope as Server-Sent Events: its status at once and at each change, until it is completed.
//!
//! `event: status`, `id:` a counter from 1, `data:` the same JSON as `GET /v1/envelopes/{id}`. A comment keeps the connection
//! alive. A stream ends when its envelope is completed, its key revoked or its Falaj stopped.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::auth::Caller;
use super::error::Problem;
use super::path::Named;
use super::state::App;
use super::status::look;
use crate::model::status::{EnvelopeState, EnvelopeStatus};
use crate::wake::Watch;

/// `GET /v1/envelopes/{id}/events`
pub(super) async fn events(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let place = app.watch_place()?;
    let (seq, _) = look(&app, &caller, &id).await?;
    let watch = app.wake.watch(seq);
    let heartbeat = KeepAlive::new().interval(app.settings.heartbeat).text("alive");
    let feed = Feed { app, caller, id, watch, last: None, count: 0, _place: place };
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    Ok(Sse::new(events).keep_alive(heartbeat).into_response())
}

/// What one reader follows.
struct Feed {
    app: App,
    caller: Caller,
    id: String,
    watch: Watch,
    last: Option<EnvelopeStatus>,
    count: u64,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// The next status that differs from the last one; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        if self.last.as_ref().is_some_and(|last| last.state != EnvelopeState::Open) {
            return None;
        }
        loop {
            // Listening begins before reading, so that no ring is missed.
            let heard = self.watch.heard();
            if !self.app.keys.knows(&self.caller) {
                return None;
            }
            let (_, status) = look(&self.app, &self.caller, &self.id).await.ok()?;
            if self.last.as_ref() != Some(&status) {
                self.count += 1;
                let event = Event::default().event("status").id(self.count.to_string()).json_data(&status).ok()?;
                self.last = Some(status);
                return Some(event);
            }
            tokio::select! {
                _rung_or_not = timeout(self.app.settings.recheck, heard) => {}
                () = self.app.closing.cancelled() => return None,
            }
        }
    }
}

//! What changes on a screen while one looks, as Server-Sent Events.
//!
//! A screen that changes is made of units: elements with an id, rendered alike in the page and here. A stream sends the units that
//! differ from what its reader has, and their order when it changed; nothing moves by itself in the browser. V1: a stream is bounded
//! in number (so many of a session, and the places of the HTTP interface's watches), in pace (a poor line is not filled) and in time (it ends with its session,
//! which it does not keep alive). V2: it sends what the page itself would show to the same reader, through the same functions.
//!
//! `event: units`, data `{"units": {"<id>": "<html>"}, "order": ["<id>"]}`; `event: over` when the session has ended.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::agency::Agency;
use super::blocked::Blocked;
use super::envelope::Envelope;
use super::fields::Fields;
use super::overview::Overview;
use super::page::{Glance, Page};
use super::redrives::{Redrive, Redrives};
use super::say::Say;
use super::session::Signed;
use super::state::Dashboard;
use super::system::System;
use crate::http::auth::Right;
use crate::http::error::{Kind, Problem};

/// The shortest time between two looks.
const PACE: Duration = Duration::from_secs(2);
/// Bytes a second that a stream takes of its reader's line in the long run.
const BYTES_PER_S: usize = 8 * 1024;
/// Units that a page says it has; a larger one gets all of them at first.
const SEEN_MAX: usize = 600;

/// An element that changes, with the id by which the browser finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) id: String,
    pub(super) html: String,
}

impl Unit {
    /// Renders one.
    pub(super) fn of(id: impl Into<String>, template: &impl Template) -> Result<Self, Problem> {
        let html = template.render().map_err(|error| {
            tracing::error!(%error, "a part of a page cannot be written");
            Problem::internal()
        })?;
        Ok(Self { id: id.into(), html })
    }

    fn hash(&self) -> u32 {
        let mut hasher = DefaultHasher::new();
        self.html.hash(&mut hasher);
        u32::try_from(hasher.finish() >> 32).unwrap_or_default()
    }
}

/// A screen that changes while one looks.
pub(super) trait Live {
    /// Its name in the address of its stream.
    const NAME: &'static str;
    /// Who may see it: the right of its page.
    const RIGHT: Right;

    /// Its units, as the page shows them for the same query.
    fn units(
        dashboard: &Dashboard,
        signed: &Signed,
        say: Say,
        asked: &Fields,
    ) -> impl Future<Output = Result<Vec<Unit>, Problem>> + Send;
}

/// Where a page's stream is. `units` are those that the page shows: they are not sent again.
pub(super) fn address<L: Live>(asked: &Fields, units: &[Unit]) -> String {
    let seen = if units.len() > SEEN_MAX { String::new() } else { seen(units) };
    asked
        .with("page", Some(L::NAME))
        .with("seen", Some(&seen).filter(|seen| !seen.is_empty()).map(String::as_str))
        .link("/dashboard/live")
}

fn seen(units: &[Unit]) -> String {
    let hashes: Vec<u8> = units.iter().flat_map(|unit| unit.hash().to_be_bytes()).collect();
    URL_SAFE_NO_PAD.encode(hashes)
}

/// `GET /dashboard/live?page=`
pub(super) async fn live(State(dashboard): State<Dashboard>, signed: Signed, page: Page) -> Result<Response, Problem> {
    match page.asked.text("page") {
        Overview::NAME => follow::<Overview>(dashboard, signed, page).await,
        Redrives::NAME => follow::<Redrives>(dashboard, signed, page).await,
        Redrive::NAME => follow::<Redrive>(dashboard, signed, page).await,
        Blocked::NAME => follow::<Blocked>(dashboard, signed, page).await,
        System::NAME => follow::<System>(dashboard, signed, page).await,
        Agency::NAME => follow::<Agency>(dashboard, signed, page).await,
        Envelope::NAME => follow::<Envelope>(dashboard, signed, page).await,
        _ => Err(Problem::not_found()),
    }
}

async fn follow<L: Live>(dashboard: Dashboard, signed: Signed, page: Page) -> Result<Response, Problem> {
    if !L::RIGHT.is_given_to(signed.caller.role) {
        return Err(Problem::new(Kind::NotAllowed, "Your role may not see this.", "لا يسمح دورك بالاطلاع على هذا."));
    }
    let own = signed.stream().ok_or_else(|| {
        Problem::new(Kind::Unavailable, "You follow too many pages at once.", "تتابع صفحات كثيرة في آنٍ واحد.")
            .retry_after(60)
    })?;
    let place = (dashboard.watch_place()?, own);
    let heartbeat = KeepAlive::new().interval(dashboard.settings.heartbeat).text("alive");
    let feed =
        Feed { dashboard, signed, page, has: HashMap::new(), order: Vec::new(), turn: Turn::First, _place: place };
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next::<L>().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    Ok(Sse::new(events).keep_alive(heartbeat).into_response())
}

/// Where a feed stands.
#[derive(Debug)]
enum Turn {
    /// It looks at once.
    First,
    /// It looks again after so long.
    After(Duration),
    /// It has said that the session is over.
    Over,
}

/// What one reader follows.
struct Feed {
    dashboard: Dashboard,
    signed: Signed,
    page: Page,
    /// What the reader has, by id.
    has: HashMap<String, u32>,
    order: Vec<String>,
    turn: Turn,
    _place: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Feed {
    /// The next event; `None` ends the stream.
    async fn next<L: Live>(&mut self) -> Option<Event> {
        loop {
            match self.turn {
                Turn::First => {}
                Turn::After(wait) => tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.dashboard.closing.cancelled() => return None,
                },
                Turn::Over => return None,
            }
            let now = self.dashboard.clock.now();
            if self.dashboard.sessions().look(&self.signed.place, self.dashboard.roots(), now, false).is_none() {
                self.turn = Turn::Over;
                return Some(Event::default().event("over").data("{}"));
            }
            let say = Say { now, ..self.page.say };
            let mut units = match L::units(&self.dashboard, &self.signed, say, &self.page.asked).await {
                Ok(units) => units,
                // It is told by the page when it is asked again.
                Err(_) => return None,
            };
            if matches!(self.turn, Turn::First) {
                self.believe(&units);
            }
            units.push(Glance::of(&self.dashboard, Some(&self.signed), say).unit().ok()?);
            let event = self.compare(units);
            let bytes = event.as_ref().map_or(0, String::len);
            self.turn = Turn::After(PACE.max(Duration::from_secs_f64(bytes as f64 / BYTES_PER_S as f64)));
            if let Some(data) = event {
                return Some(Event::default().event("units").data(data));
            }
        }
    }

    /// The page said what it has; what agrees is not sent again.
    fn believe(&mut self, units: &[Unit]) {
        let seen = URL_SAFE_NO_PAD.decode(self.page.asked.text("seen")).unwrap_or_default();
        if seen.len() != 4 * units.len() {
            return;
        }
        for (unit, hash) in units.iter().zip(seen.chunks_exact(4)) {
            if unit.hash().to_be_bytes() == hash {
                self.has.insert(unit.id.clone(), unit.hash());
            }
        }
        if self.has.len() == units.len() {
            self.order = units.iter().map(|unit| unit.id.clone()).collect();
        }
    }

    /// What the reader does not have yet, as the data of an event.
    fn compare(&mut self, units: Vec<Unit>) -> Option<String> {
        let order: Vec<String> = units.iter().map(|unit| unit.id.clone()).filter(|id| id != "glance").collect();
        let mut changed = serde_json::Map::new();
        for unit in units {
            let hash = unit.hash();
            if self.has.insert(unit.id.clone(), hash) != Some(hash) {
                changed.insert(unit.id, unit.html.into());
            }
        }
        self.has.retain(|id, _| id == "glance" || order.contains(id));
        let moved = order != self.order;
        if changed.is_empty() && !moved {
            return None;
        }
        let mut data = serde_json::json!({ "units": changed });
        if moved {
            data["order"] = order.clone().into();
            self.order = order;
        }
        Some(data.to_string())
    }
}

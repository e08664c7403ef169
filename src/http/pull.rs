//! The pull transport: an agency fetches its own deliveries under leases.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::auth::Caller;
use super::body;
use super::error::{Fault, Kind, Problem, Shape};
use super::path::Named;
use super::search::{parameter, without};
use super::state::App;
use crate::dispatch::handout::{Fetched, Handed, HandoutError};
use crate::model::id::{AgencyId, DeliveryId};
use crate::model::time::{At, Span};

/// Deliveries of one answer, where the query does not say.
pub(super) const MAX_DEFAULT: usize = 10;
/// Deliveries of one answer at most.
pub(super) const MAX_MAX: usize = 100;
/// The shortest wait between two looks.
const NAP: Duration = Duration::from_millis(5);
/// What may be asked.
const SHAPE: Shape = Shape(
    "The query takes how many deliveries at most and a time to wait, such as `?max=10&wait=30s`.",
    "يقبل الاستعلام الحد الأقصى لعدد عمليات التسليم ومدة الانتظار، مثل `?max=10&wait=30s`.",
);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    max: Option<String>,
    wait: Option<String>,
}

/// What an agency fetched.
#[derive(Debug, Serialize)]
struct Page {
    deliveries: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    id: DeliveryId,
    webhook_id: DeliveryId,
    lease: Uuid,
    lease_until: At,
    attempt: u32,
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<DeliveryId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redrive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
    /// The event as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<Box<RawValue>>,
    /// What a map or template made of it, in place of the event.
    #[serde(flatten)]
    made: Option<Made>,
}

#[derive(Debug, Serialize)]
struct Made {
    content_type: String,
    body: String,
}

/// `GET /v1/agencies/{a}/deliveries`
pub(super) async fn fetch(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    method: Method,
    uri: Uri,
) -> Result<Response, Problem> {
    if method != Method::GET {
        // A HEAD would lease what nobody gets to read.
        return Err(Problem::new(
            Kind::Method,
            "Deliveries are fetched by GET alone.",
            "لا تُجلب عمليات التسليم إلا بطريقة GET.",
        ));
    }
    let own = caller.as_agency().filter(|own| own.as_str() == id);
    let agency = own.ok_or_else(Problem::not_found)?;
    let Query(asked) = Query::<Asked>::try_from_uri(&uri).map_err(|_| Problem::shape(SHAPE))?;
    let mut faults: Vec<Fault> = Vec::new();
    let max = parameter(&mut faults, "max", asked.max, |text| text.parse().ok().filter(|n| (1..=MAX_MAX).contains(n)));
    let wait = parameter(&mut faults, "wait", asked.wait, Span::parse);
    without(faults)?;
    let handed = wait_for(&app, &caller, agency, max.unwrap_or(MAX_DEFAULT), wait).await?;
    let deliveries = handed.into_iter().map(line).collect::<Result<_, _>>()?;
    Ok(body::answer(StatusCode::OK, &Page { deliveries }))
}

/// Fetches, at once or as soon as there is something within the time.
async fn wait_for(
    app: &App,
    caller: &Caller,
    agency: &AgencyId,
    max: usize,
    wait: Option<Span>,
) -> Result<Vec<Handed>, Problem> {
    let fetch = async || app.handout.fetch(agency, max).await.map_err(refused);
    let Some(Span(wait)) = wait else { return fetch().await.map(|fetched| fetched.handed) };
    let _place = app.watch_place()?;
    let deadline = Instant::now() + wait.min(app.settings.wait_max);
    let bell = app.wake.fetchers(agency);
    loop {
        // Listening begins before looking, so that no ring is missed.
        let heard = std::sync::Arc::clone(&bell).notified_owned();
        if !app.keys.knows(caller) {
            return Err(Problem::no_key(true));
        }
        let Fetched { handed, again_at } = fetch().await?;
        let now = Instant::now();
        if !handed.is_empty() || now >= deadline || app.closing.is_cancelled() {
            return Ok(handed);
        }
        // What falls due meanwhile rings no bell.
        let due = again_at.map_or(app.settings.recheck, |at| at.since(app.clock.now()).max(NAP));
        tokio::select! {
            _rung_or_not = timeout_at(deadline.min(now + app.settings.recheck.min(due)), heard) => {}
            () = app.closing.cancelled() => {}
        }
    }
}

fn refused(error: HandoutError) -> Problem {
    match error {
        HandoutError::NotFetched => Problem::conflict(
            "The agency's transport is not `pull`; nothing is fetched here.",
            "وسيلة النقل الخاصة بهذه الجهة ليست «pull»، فلا تُجلب عمليات التسليم من هنا.",
        ),
        HandoutError::Ledger(error) => error.into(),
    }
}

fn line(handed: Handed) -> Result<Line, Problem> {
    let Handed { id, webhook_id, lease, until, attempt, sequence, gap, redrive, trace, message } = handed;
    let (traceparent, tracestate) = trace.map_or((None, None), |trace| (Some(trace.parent), trace.state));
    let text = String::from_utf8(message.body.into()).map_err(|_| Problem::internal())?;
    let is_event = message.content_type.starts_with("application/cloudevents+json");
    let (envelope, made) = if is_event {
        (Some(RawValue::from_string(text).map_err(|_| Problem::internal())?), None)
    } else {
        (None, Some(Made { content_type: message.content_type, body: text }))
    };
    Ok(Line {
        id,
        webhook_id,
        lease,
        lease_until: until,
        attempt,
        sequence,
        gap,
        redrive,
        traceparent,
        tracestate,
        envelope,
        made,
    })
}

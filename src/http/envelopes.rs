//! Posting envelopes, in the three modes of the CloudEvents HTTP binding.
//!
//! H1: 202 leaves after the commit and never before. H2: a batch is handed to the ledger item by item, in order, in one go; each
//! item is answered for itself. H3: a repeat gets the receipt of the first time.

use axum::extract::{Query, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::auth::Caller;
use super::error::{Kind, Problem, Shape, Written};
use super::state::App;
use super::{body, observe, view};
use crate::intake::{Accepted, Asker, Sender};
use crate::model::cloudevents::{self, EventFault};
use crate::model::envelope::Envelope;
use crate::model::status::EnvelopeStatus;
use crate::telemetry::trace;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// What may be asked.
const SHAPE: Shape = Shape("The query takes `?dry_run=true` and nothing else.", "لا يقبل الاستعلام سوى `?dry_run=true`.");
/// What a dry run takes.
const NO_BATCH: Shape = Shape("A dry run takes one event, not a batch.", "تقبل التجربة حدثًا واحدًا لا دفعة من الأحداث.");

/// The modes of the HTTP binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Structured,
    Batch,
    Binary,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    dry_run: bool,
}

/// `POST /v1/envelopes`
pub(super) async fn post(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    // Only a route without a gate can come here without a caller.
    let caller = parts.extensions.remove::<Caller>().ok_or_else(Problem::internal)?;
    let asked = asked(&parts.uri)?;
    let mode = mode(&parts.headers).inspect_err(|_| app.intake.refused("media_type"))?;
    let bounds = &app.settings.bounds;
    let body = body::read(&app, &parts.headers, body, bounds.body_bytes_max).await;
    let body = body.inspect_err(|problem| {
        if problem.status() == StatusCode::PAYLOAD_TOO_LARGE {
            app.intake.refused("too_large");
        }
    })?;
    if asked.dry_run {
        return dry_run(&app, &caller, mode, &parts, &body);
    }
    // An administrator may try, and sends nothing.
    let agency = caller.as_agency().ok_or_else(|| {
        Problem::new(
            Kind::NotAllowed,
            "Only an agency's key posts envelopes; this key may ask for `?dry_run=true`.",
            "لا تُرسل المظاريف إلا بمفتاح جهة؛ يتيح هذا المفتاح التجربة فقط عبر `?dry_run=true`.",
        )
    })?;
    let sender = Sender { agency: agency.clone() };
    if mode == Mode::Batch {
        return batch(&app, &parts, &body, &sender).await;
    }
    let accepted = app.intake.accept(one(mode, &parts, &body, bounds), &sender).await?;
    let status = if accepted.repeat { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = body::answer(status, &view::receipt(&accepted.view));
    let location = format!("/v1/envelopes/{}", accepted.view.id);
    response.headers_mut().insert(LOCATION, location.parse().expect("a path with a UUID is a legal header value"));
    Ok(response)
}

fn asked(uri: &Uri) -> Result<Asked, Problem> {
    if uri.query().is_none() {
        return Ok(Asked::default());
    }
    match Query::<Asked>::try_from_uri(uri) {
        Ok(Query(asked)) => Ok(asked),
        Err(_) => Err(Problem::shape(SHAPE)),
    }
}

/// Which mode a request is in, by its media type and headers.
fn mode(headers: &HeaderMap) -> Result<Mode, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let utf8 = || cloudevents::is_json_media_type(content_type);
    if essence.eq_ignore_ascii_case("application/cloudevents+json") && utf8() {
        return Ok(Mode::Structured);
    }
    if essence.eq_ignore_ascii_case("application/cloudevents-batch+json") && utf8() {
        return Ok(Mode::Batch);
    }
    if headers.contains_key("ce-specversion") || headers.contains_key("ce-type") || headers.contains_key("ce-id") {
        return Ok(Mode::Binary);
    }
    Err(Problem::new(
        Kind::MediaType,
        "Post `application/cloudevents+json`, `application/cloudevents-batch+json`, or `ce-*` headers with a JSON body.",
        "أرسل `application/cloudevents+json` أو `application/cloudevents-batch+json`، أو ترويسات `ce-*` مع متن JSON.",
    ))
}

/// Reads the one event of a request.
fn one(mode: Mode, parts: &Parts, body: &Bytes, bounds: &cloudevents::Bounds) -> Result<Envelope, EventFault> {
    let _parsing = trace::parse().entered();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let mut envelope = if mode == Mode::Binary {
        let headers = parts.headers.iter().map(|(name, value): (&HeaderName, _)| (name.as_str(), value.as_bytes()));
        cloudevents::binary(headers, text(CONTENT_TYPE), body, bounds)?
    } else {
        cloudevents::structured(body, bounds)?
    };
    cloudevents::follow(&mut envelope.attributes, text(TRACEPARENT), text(TRACESTATE));
    Ok(envelope)
}

async fn batch(app: &App, parts: &Parts, body: &Bytes, sender: &Sender) -> Result<Response, Problem> {
    let parsed = trace::parse().in_scope(|| cloudevents::batch(body, &app.settings.bounds));
    let items = parsed.map_err(|fault| {
        app.intake.refused("event");
        Problem::from(fault)
    })?;
    // Keeps H2: the futures are first polled in this order, and each hands its envelope over when it is.
    let answers = join_all(items.into_iter().map(|item| app.intake.accept(item, sender))).await;
    let language = observe::language(&parts.headers);
    let answers: Vec<Result<Accepted, Problem>> =
        answers.into_iter().map(|answer| answer.map_err(Problem::from)).collect();
    let status = if answers.iter().all(Result::is_ok) { StatusCode::ACCEPTED } else { StatusCode::MULTI_STATUS };
    let items = answers.iter().map(|answer| match answer {
        Ok(accepted) => Item::Accepted {
            status: if accepted.repeat { StatusCode::OK } else { StatusCode::ACCEPTED }.as_u16(),
            receipt: view::receipt(&accepted.view),
        },
        Err(problem) => Item::Refused(problem.written(language, None)),
    });
    Ok(body::answer(status, &Items { items: items.collect() }))
}

/// The answer to a batch.
#[derive(Debug, Serialize)]
struct Items<'a> {
    items: Vec<Item<'a>>,
}

/// One line of it: its status, and its receipt or problem.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Accepted {
        status: u16,
        #[serde(flatten)]
        receipt: EnvelopeStatus,
    },
    Refused(Written<'a>),
}

fn dry_run(app: &App, caller: &Caller, mode: Mode, parts: &Parts, body: &Bytes) -> Result<Response, Problem> {
    if mode == Mode::Batch {
        return Err(Problem::shape(NO_BATCH));
    }
    let asker = caller.as_agency().map_or(Asker::Admin, |agency| Asker::Agency(agency.clone()));
    let outcome = app.intake.dry_run(one(mode, parts, body, &app.settings.bounds), &asker)?;
    Ok(body::answer(StatusCode::OK, &outcome).into_response())
}

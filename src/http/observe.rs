//! Around every request: the language of problems, what may be kept of an answer, one line in the log, one count, and one span.
//!
//! They have method, route template, status, time and trace id. Neither path nor query are told: they carry ids and subjects.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, Entry};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::error::Problem;
use super::routes::routes;
use crate::model::cloudevents::is_traceparent;
use crate::model::text::Language;
use crate::telemetry::{Metrics, trace};

/// Characters of a path that a problem repeats as its `instance`.
const INSTANCE_CHARS_MAX: usize = 200;

/// The language the request's sender reads.
pub fn language(headers: &HeaderMap) -> Language {
    Language::accepted(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
}

/// What is observed: where it is counted, and the route templates that are words of ours.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Where requests are counted.
    pub metrics: Metrics,
    /// The same template, if it is one of a router's.
    pub known: fn(&str) -> Option<&'static str>,
}

/// The routes of this interface.
pub(super) fn known(template: &str) -> Option<&'static str> {
    static TEMPLATES: LazyLock<HashSet<&str>> = LazyLock::new(|| routes().map(|(_, path, _)| path).collect());
    TEMPLATES.get(template).copied()
}

/// A method as a word of ours.
fn verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// Runs a request, tells its problem if it has one, counts and logs it.
pub async fn observe(State(observed): State<Observed>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let uri = request.uri().clone();
    let route = request.extensions().get::<MatchedPath>().and_then(|route| (observed.known)(route.as_str()));
    // A path that is none of ours says nothing.
    let (route, method) = (route.unwrap_or("-"), verb(request.method()));
    let accepted = request.headers().get(ACCEPT_LANGUAGE).cloned();
    let trace = request.headers().get("traceparent").cloned();
    let span = {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        trace::request(method, route, header("traceparent"), header("tracestate"))
    };

    // Whatever a handler trips over, its caller gets an answer and its neighbours on the connection keep theirs.
    let running = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = running.await.unwrap_or_else(|_told_by_the_hook| {
        tracing::error!("a handler panicked");
        Problem::internal().into_response()
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let language = Language::accepted(accepted.as_ref().and_then(|value| value.to_str().ok()));
        let instance: String = uri.path().chars().take(INSTANCE_CHARS_MAX).collect();
        problem.write(&mut response, language, &instance);
    }

    // Answers name persons and change: nobody on the way may keep them.
    if let Entry::Vacant(place) = response.headers_mut().entry(CACHE_CONTROL) {
        place.insert(HeaderValue::from_static("no-store"));
    }

    let (status, took) = (response.status(), begun.elapsed());
    observed.metrics.request(route, method, class(status), took);
    trace::answered(&span, status.as_u16());
    // Where traces are collected the line has the id of the span's; else it has its caller's.
    let trace_id = trace_id(trace.as_ref()).filter(|_| span.is_disabled());
    let (status, ms) = (status.as_u16(), took.as_secs_f64() * 1e3);
    span.in_scope(|| match status {
        500.. => tracing::warn!(method, route, status, ms, trace_id, "request"),
        400.. => tracing::info!(method, route, status, ms, trace_id, "request"),
        _ => tracing::debug!(method, route, status, ms, trace_id, "request"),
    });
    response
}

/// The trace id of a `traceparent`.
fn trace_id(header: Option<&HeaderValue>) -> Option<&str> {
    let parent = header.and_then(|value| value.to_str().ok()).filter(|text| is_traceparent(text));
    parent.and_then(|text| text.split('-').nth(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_legal_trace_id_is_logged() {
        let legal = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(trace_id(Some(&legal)), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(trace_id(Some(&HeaderValue::from_static("00-28400000001-x"))), None);
        assert_eq!(trace_id(None), None);
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_tells_nothing() {
        use axum::Router;
        use axum::body::{Body, to_bytes};
        use axum::middleware::from_fn_with_state;
        use tower::ServiceExt as _;

        async fn trip() -> Response {
            panic!("the citizen's number")
        }
        let observed = Observed { metrics: Metrics::unread(), known };
        let router: Router =
            Router::new().route("/", axum::routing::get(trip)).layer(from_fn_with_state(observed, observe));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], "urn:falaj:problem:internal");
        assert!(!problem.to_string().contains("citizen"));
    }
}

//! Around every request: the language of problems, what may be kept of an answer, and one line in the log.
//!
//! The line has method, route template, status, time and trace id. Neither path nor query are written: they carry ids and
//! subjects.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, Entry};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;

use super::error::Problem;
use crate::model::cloudevents::is_traceparent;
use crate::model::text::Language;

/// Characters of a path that a problem repeats as its `instance`.
const INSTANCE_CHARS_MAX: usize = 200;

/// The language the request's sender reads.
pub(super) fn language(headers: &HeaderMap) -> Language {
    Language::accepted(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
}

/// Runs a request, tells its problem if it has one, and logs it.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let uri = request.uri().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let accepted = request.headers().get(ACCEPT_LANGUAGE).cloned();
    let trace = request.headers().get("traceparent").cloned();

    // Whatever a handler trips over, its caller gets an answer and its neighbours on the connection keep theirs.
    let mut response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_told_by_the_hook| {
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

    let status = response.status();
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let (trace, ms) = (trace_id(trace.as_ref()), begun.elapsed().as_secs_f64() * 1e3);
    if status.is_server_error() {
        tracing::warn!(%method, route, status = status.as_u16(), ms, trace, "request");
    } else if status.is_client_error() {
        tracing::info!(%method, route, status = status.as_u16(), ms, trace, "request");
    } else {
        tracing::debug!(%method, route, status = status.as_u16(), ms, trace, "request");
    }
    response
}

/// The trace id of a `traceparent`, or `-`.
fn trace_id(header: Option<&HeaderValue>) -> &str {
    let parent = header.and_then(|value| value.to_str().ok()).filter(|text| is_traceparent(text));
    parent.and_then(|text| text.split('-').nth(1)).unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_legal_trace_id_is_logged() {
        let legal = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(trace_id(Some(&legal)), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace_id(Some(&HeaderValue::from_static("00-28400000001-x"))), "-");
        assert_eq!(trace_id(None), "-");
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_tells_nothing() {
        use axum::Router;
        use axum::body::{Body, to_bytes};
        use tower::ServiceExt as _;

        async fn trip() -> Response {
            panic!("the citizen's number")
        }
        let router: Router =
            Router::new().route("/", axum::routing::get(trip)).layer(axum::middleware::from_fn(observe));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], "urn:falaj:problem:internal");
        assert!(!problem.to_string().contains("citizen"));
    }
}

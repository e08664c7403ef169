//! The spans of an envelope's walk, and W3C trace context from and to the wire.
//!
//! ```text
//!  POST /v1/envelopes            request    child of the request's traceparent
//!    parse                       its bytes become an envelope
//!    accept                      child of the request, or of the envelope's own traceparent where that names another trace
//!      schema · routing · commit
//!  (kept with the envelope)
//!      attempt                   one per try, hours or days later; its own context is what the agency gets
//!        render · send
//!  GET .../deliveries
//!      lease                     the same, where the agency fetches
//! ```
//!
//! S1: an attribute is a word of the deployment or of ours: agency, type, class, status, route; never a subject, an id of an envelope or
//! a query. S2: where nobody collects, every function here ends at a flag. S3: the envelope's own `traceparent` is never changed; the
//! context of its acceptance is kept beside it.

use std::str::FromStr;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::field::Empty;
use tracing::{Level, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::model::cloudevents::TRACESTATE_BYTES_MAX;
use crate::model::cloudevents::is_traceparent;
use crate::model::envelope::Attributes;
use crate::model::id::AgencyId;
use crate::model::outcome::Outcome;

/// The target of these spans and of nothing else: by it the collector's filter lets them in, and the log's keeps them out.
pub const TARGET: &str = "falaj::trace";

/// Bytes of a `traceparent` that is passed on; the standard's own has 55.
const PARENT_BYTES_MAX: usize = 128;

/// Trace context as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// `traceparent`.
    pub parent: String,
    /// `tracestate`, where there is one.
    pub state: Option<String>,
}

/// A request, under its route's template.
pub fn request(method: &'static str, route: &'static str, parent: Option<&str>, state: Option<&str>) -> Span {
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    );
    adopt(&span, parent, state);
    span
}

/// The request was answered.
pub fn answered(span: &Span, status: u16) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "error");
    }
}

/// Bytes become an envelope.
pub fn parse() -> Span {
    info_span!(target: TARGET, "parse")
}

/// An acceptance. An envelope that brings a trace of its own goes on in that, with a link to the request that brought it.
pub fn accept(sender: &AgencyId, attributes: Option<&Attributes>) -> Span {
    let span = info_span!(
        target: TARGET,
        "accept",
        falaj.sender = sender.as_str(),
        cloudevents.event_type = attributes.map(|attributes| attributes.ty.as_str()),
        falaj.recipients = Empty,
        falaj.result = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let request = Context::map_current(|context| context.span().span_context().clone());
    if let Some(own) = attributes.and_then(own)
        && own.trace_id() != request.trace_id()
    {
        // A span that has just been made takes a parent.
        let _cannot_fail = span.set_parent(Context::new().with_remote_span_context(own));
        span.add_link(request);
    }
    span
}

/// How an acceptance went: `accepted`, `repeated`, or the reason of the refusal.
pub fn accepted(span: &Span, result: &'static str, recipients: Option<usize>) {
    if !span.is_disabled() {
        span.record("falaj.result", result);
        span.record("falaj.recipients", recipients);
    }
}

/// The check against the schema.
pub fn schema() -> Span {
    info_span!(target: TARGET, "schema")
}

/// Who gets it.
pub fn routing() -> Span {
    info_span!(target: TARGET, "routing")
}

/// The wait for the commit.
pub fn commit() -> Span {
    info_span!(target: TARGET, "commit")
}

/// The context of the span that is open here, to be kept with an envelope; `None` where nobody collects.
pub fn here() -> Option<String> {
    // Asked first, because even to ask for the current span costs more than this (S2).
    let collects = tracing::span_enabled!(target: TARGET, Level::INFO);
    collects.then(|| carried(&Span::current())).flatten().map(|carried| carried.parent)
}

/// One try of a delivery, under the acceptance of its envelope. `kept` is what [`here`] said then.
pub fn attempt(agency: &AgencyId, attributes: &Attributes, kept: Option<&str>, n: u32) -> Span {
    let span = info_span!(
        target: TARGET,
        "attempt",
        otel.kind = "client",
        falaj.agency = agency.as_str(),
        cloudevents.event_type = attributes.ty.as_str(),
        falaj.attempt = n,
        falaj.class = Empty,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    );
    follow(&span, attributes, kept);
    span
}

/// A delivery that its agency fetched.
pub fn lease(agency: &AgencyId, attributes: &Attributes, kept: Option<&str>, n: u32) -> Span {
    let span = info_span!(
        target: TARGET,
        "lease",
        otel.kind = "producer",
        falaj.agency = agency.as_str(),
        cloudevents.event_type = attributes.ty.as_str(),
        falaj.attempt = n,
    );
    follow(&span, attributes, kept);
    span
}

/// The message is made.
pub fn render() -> Span {
    info_span!(target: TARGET, "render")
}

/// The exchange with the agency.
pub fn send() -> Span {
    info_span!(target: TARGET, "send")
}

/// How a try went.
pub fn came_back(span: &Span, outcome: &Outcome) {
    if span.is_disabled() {
        return;
    }
    span.record("falaj.class", outcome.class.as_str());
    span.record("http.response.status_code", outcome.status);
    if outcome.class != crate::model::outcome::Class::Done {
        span.record("otel.status_code", "error");
    }
}

/// A span's context as it travels; `None` where nobody collects.
pub fn carried(span: &Span) -> Option<Carried> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    let state = context.trace_state().header();
    context.is_valid().then(|| Carried {
        parent: format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags()),
        state: (!state.is_empty()).then_some(state),
    })
}

/// What an agency gets with a message, by whatever transport: the context of this very try where traces are collected, else what the
/// envelope brought. What is longer than anybody must take is left out: an odd trace must not cost the message.
pub fn passed_on(span: &Span, attributes: &Attributes) -> Option<Carried> {
    let own = |name| attributes.extension(name).map(str::to_owned);
    let brought = || Some(Carried { parent: own("traceparent")?, state: own("tracestate") });
    let passed = carried(span).or_else(brought).filter(|passed| passed.parent.len() <= PARENT_BYTES_MAX)?;
    Some(Carried { state: passed.state.filter(|state| state.len() <= TRACESTATE_BYTES_MAX), ..passed })
}

/// The id of the trace that is open here, for the log.
pub(super) fn current_id() -> Option<TraceId> {
    Context::map_current(|context| {
        let span = context.span();
        let context = span.span_context();
        context.is_valid().then(|| context.trace_id())
    })
}

/// The trace that an envelope brought.
fn own(attributes: &Attributes) -> Option<SpanContext> {
    remote(attributes.extension("traceparent")?, attributes.extension("tracestate"))
}

/// Puts a span under what was kept with an envelope, or else under what the envelope brought.
fn follow(span: &Span, attributes: &Attributes, kept: Option<&str>) {
    if span.is_disabled() {
        return;
    }
    let own = own(attributes);
    // The state is that of the envelope's trace, and goes with no other.
    let state = own.as_ref().map(|own| own.trace_state().clone());
    let kept = kept.and_then(|kept| remote(kept, None)).map(|kept| {
        let is_own = own.as_ref().is_some_and(|own| own.trace_id() == kept.trace_id());
        let state = state.filter(|_| is_own).unwrap_or_default();
        SpanContext::new(kept.trace_id(), kept.span_id(), kept.trace_flags(), true, state)
    });
    if let Some(parent) = kept.or(own) {
        let _cannot_fail = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

fn adopt(span: &Span, parent: Option<&str>, state: Option<&str>) {
    if span.is_disabled() {
        return;
    }
    if let Some(parent) = parent.and_then(|parent| remote(parent, state)) {
        let _cannot_fail = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Reads a `traceparent`; an illegal `tracestate` is as good as none (W3C Trace Context, 3.3.1).
fn remote(parent: &str, state: Option<&str>) -> Option<SpanContext> {
    if !is_traceparent(parent) {
        return None;
    }
    let mut parts = parent.split('-').skip(1);
    let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let state = state.and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    Some(SpanContext::new(TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, flags, true, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn trace_context_is_read_as_the_standard_says() {
        let context = remote(PARENT, Some("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")).unwrap();
        assert!(context.is_remote() && context.is_sampled() && context.is_valid());
        assert_eq!(context.trace_state().header(), "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
        // A later version may say more after the flags.
        let later =
            remote("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more", Some("no state at all")).unwrap();
        assert!(!later.is_sampled() && later.trace_state().header().is_empty());
        for wrong in ["", "00-0-0-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "28400000001"] {
            assert!(remote(wrong, None).is_none(), "{wrong}");
        }
    }

    #[test]
    fn where_nobody_collects_there_is_no_span() {
        let agency = AgencyId::parse("moi").unwrap();
        // Another test of this process may log.
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
            let spans = [request("GET", "/", Some(PARENT), None), accept(&agency, None), commit()];
            assert!(spans.iter().all(Span::is_disabled));
            assert_eq!(carried(&spans[0]), None);
            assert_eq!(here(), None);
            assert_eq!(current_id(), None);
        });
    }
}

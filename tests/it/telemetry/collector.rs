//! A real OTLP receiver: takes spans over HTTP as protobuf, and remembers them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bus::{DEADLINE, until};

/// A span as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) service: String,
    pub(super) trace: String,
    pub(super) id: String,
    /// Empty where it is the first of its trace.
    pub(super) parent: String,
    pub(super) state: String,
    pub(super) name: String,
    /// 1 internal, 2 server, 3 client, 4 producer.
    pub(super) kind: i32,
    /// 2 is an error.
    pub(super) status: i32,
    pub(super) attributes: BTreeMap<String, String>,
    /// Traces and spans.
    pub(super) links: Vec<(String, String)>,
}

impl Span {
    /// `traceparent` of it, sampled.
    pub(super) fn parent_of(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }

    /// An attribute.
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

type Shared = Arc<Mutex<Vec<Span>>>;

/// The receiver. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) url: String,
    spans: Shared,
    task: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Shared::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, spans, task }
    }

    /// Everything that came.
    pub(super) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the spans show something.
    pub(super) async fn until<T>(&self, what: &str, look: impl Fn(&[Span]) -> Option<T>) -> T {
        until(what, DEADLINE, || look(&self.spans())).await
    }
}

async fn take(State(spans): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).expect("an export request");
    let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
    for resource in request.resource_spans {
        let attributes = resource.resource.map(|resource| texts(&resource.attributes)).unwrap_or_default();
        let service = attributes.get("service.name").cloned().unwrap_or_default();
        let sent = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(sent.map(|span| read(service.clone(), span)));
    }
    StatusCode::OK
}

fn read(service: String, span: Wire) -> Span {
    Span {
        service,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        state: span.trace_state,
        name: span.name,
        kind: span.kind,
        status: span.status.map(|status| status.code).unwrap_or_default(),
        attributes: texts(&span.attributes),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(n)) => n.to_string(),
        Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
        Some(any_value::Value::DoubleValue(n)) => n.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Spans on their way to a collector, by OTLP over HTTP.
//!
//! X1: a thread of its own sends them; whoever ends a span never waits. X2: what waits is bounded ([`QUEUE_MAX`]); what finds no room
//! is dropped and counted. X3: a collector that is down, slow or wrong costs its spans, two lines in the log (when it begins and when it
//! is over) and nothing else. X4: stopping flushes within a bound.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter,
    SpanProcessor,
};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::{FilterFn, Filtered, filter_fn};
use tracing_subscriber::{Layer as _, Registry};

use super::label::{ResultLabel, Word};
use super::{Settings, trace};

/// Spans that wait to be sent, at most.
const QUEUE_MAX: usize = 4096;
/// Spans in one message to the collector.
const BATCH_MAX: usize = 512;
/// The longest a span waits for company.
const EVERY: Duration = Duration::from_secs(2);
/// How long one exchange with the collector may take.
const EXCHANGE: Duration = Duration::from_secs(5);
/// Where a collector takes spans, below its address.
const PATH: &str = "v1/traces";

// There is one exporter in a process, as there is one log.
static ON: AtomicBool = AtomicBool::new(false);
static QUEUED: AtomicUsize = AtomicUsize::new(0);
static SENT: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
#[error("the traces cannot be sent to [telemetry] otlp")]
pub struct ExportError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The way to a collector.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

/// The layer that makes spans of the walk into spans of a trace, and lets nothing else in.
pub(super) type TraceLayer = Filtered<OpenTelemetryLayer<Registry, SdkTracer>, FilterFn, Registry>;

impl Traces {
    /// Prepares it; nothing is connected yet.
    ///
    /// # Errors
    /// What is said of [`super::Telemetry::start`].
    pub fn to(url: &str, settings: &Settings) -> Result<Self, ExportError> {
        let exporter = OtlpExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/{PATH}", url.trim_end_matches('/')))
            .with_timeout(EXCHANGE)
            .build()
            .map_err(|error| ExportError(Box::new(error)))?;
        let batches = BatchConfigBuilder::default()
            // Ours is the bound; theirs never drops, so nothing is dropped uncounted.
            .with_max_queue_size(QUEUE_MAX + BATCH_MAX)
            .with_max_export_batch_size(BATCH_MAX)
            .with_scheduled_delay(EVERY)
            .build();
        let exporter = Counted { exporter, failing: AtomicBool::new(false) };
        let processor = Bounded(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build());
        let resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            // Who comes with a trace has decided; what begins here is decided by its id, so alike on every node.
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sampling))))
            .with_resource(resource)
            .build();
        ON.store(true, Relaxed);
        Ok(Self { provider })
    }

    /// What makes spans; see [`TraceLayer`].
    pub(super) fn layer(&self) -> TraceLayer {
        let walk: fn(&tracing::Metadata<'_>) -> bool =
            |metadata| metadata.is_span() && metadata.target() == trace::TARGET;
        OpenTelemetryLayer::new(self.provider.tracer("falaj"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(walk).with_max_level_hint(LevelFilter::INFO))
    }

    /// Sends what is left, for at most so long (X4). Blocks.
    pub fn stop(self, within: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(within) {
            tracing::warn!(%error, "the last spans were not sent in time");
        }
    }
}

/// Counts what became of spans, and says once that the collector fails, and once that it is well again (X3).
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let count = batch.len();
        async move {
            let result = self.exporter.export(batch).await;
            QUEUED.fetch_sub(count, Relaxed);
            let fate = if result.is_ok() { &SENT } else { &FAILED };
            fate.fetch_add(count as u64, Relaxed);
            match &result {
                Ok(()) if self.failing.swap(false, Relaxed) => tracing::info!("the trace collector takes spans again"),
                Err(error) if !self.failing.swap(true, Relaxed) => {
                    tracing::warn!(%error, "the trace collector takes no spans; they are lost, and nothing else is");
                }
                _ => {}
            }
            result
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Lets in what there is room for (X2).
#[derive(Debug)]
struct Bounded<P>(P);

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &opentelemetry::Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let room = QUEUED.fetch_update(Relaxed, Relaxed, |queued| (queued < QUEUE_MAX).then_some(queued + 1));
        if room.is_ok() {
            self.0.on_end(span);
        } else {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// What became of spans, as a metric; there is none where none are made.
#[derive(Debug)]
pub(super) struct Fates;

impl Collector for Fates {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if !ON.load(Relaxed) {
            return Ok(());
        }
        let help =
            "Spans of traces, by result (sent, failed: the collector did not take them, dropped: too many waited).";
        let mut family = encoder.encode_descriptor("falaj_trace_spans", help, None, MetricType::Counter)?;
        for (result, count) in [("sent", &SENT), ("failed", &FAILED), ("dropped", &DROPPED)] {
            let labels = ResultLabel { result: Word(result) };
            ConstCounter::new(count.load(Relaxed)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

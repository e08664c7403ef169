//! How a line of the log is written.
//!
//! A JSON line is one object: `timestamp` (RFC 3339, UTC), `level`, `target`, `message`, `trace_id` where there is one, then the fields
//! of the event under their own names. `examples/deploy/logging.md` lists them.

use std::fmt;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::trace;

/// Members that every line has; a field of one of these names gets an underscore.
const OWN: [&str; 4] = ["timestamp", "level", "target", "message"];
/// Where a library that logs by the `log` crate says who it is.
const LOG_TARGET: &str = "log.target";

/// A line as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json {
    /// Whether traces are collected.
    pub traced: bool,
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        out.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut out)?;
        write!(out, "\",\"level\":\"{}\",\"target\":", metadata.level())?;
        out.write_str(&json(fields.target.as_deref().unwrap_or(metadata.target())))?;
        write!(out, ",\"message\":{}", json(&fields.message))?;
        // What the event itself says goes first: it speaks of a request that may be another's.
        if !fields.has_trace
            && let Some(id) = self.traced.then(trace::current_id).flatten()
        {
            write!(out, ",\"trace_id\":\"{id}\"")?;
        }
        out.write_str(&fields.text)?;
        out.write_str("}\n")
    }
}

/// A line as text, with the trace id at its end.
#[derive(Debug)]
pub struct Text {
    form: Format<Full>,
    traced: bool,
}

impl Text {
    /// Text, with colour where it is wanted.
    pub fn new(traced: bool, colour: bool) -> Self {
        Self { form: fmt_full().with_target(false).with_ansi(colour), traced }
    }
}

fn fmt_full() -> Format<Full> {
    tracing_subscriber::fmt::format()
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(id) = self.traced.then(trace::current_id).flatten() else {
            return self.form.format_event(context, out, event);
        };
        let mut line = String::new();
        self.form.format_event(context, Writer::new(&mut line), event)?;
        writeln!(out, "{} trace_id={id}", line.trim_end_matches('\n'))
    }
}

/// The fields of an event, as the members of an object that follow others.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    target: Option<String>,
    has_trace: bool,
    text: String,
}

impl Fields {
    fn put(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        let name = field.name();
        if name.starts_with("log.") {
            return;
        }
        self.has_trace |= name == "trace_id";
        let own = if OWN.contains(&name) { "_" } else { "" };
        let name = name.strip_prefix("r#").unwrap_or(name);
        self.text.push_str(&format!(",\"{name}{own}\":{}", json(value)));
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            LOG_TARGET => self.target = Some(value.to_owned()),
            _ => self.put(field, value),
        }
    }

    /// An error with its causes, in one text.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        self.put(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.put(field, &text),
        }
    }
}

/// A value as JSON; what JSON cannot say is null.
fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Sink {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn logged(speak: impl FnOnce()) -> Vec<Value> {
        let sink = Sink::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(sink.clone()).event_format(Json { traced: false });
        tracing::subscriber::with_default(tracing_subscriber::Registry::default().with(layer), speak);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the outer one")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_line_is_one_object_with_its_fields() {
        let lines = logged(|| {
            let error = Outer(io::Error::other("the \"inner\"\none"));
            tracing::warn!(agency = %"moi", ms = 7_u64, ratio = f64::NAN, ok = true, error = &error as &dyn std::error::Error, "ended");
            tracing::info!(level = "x", none = None::<u64>, some = Some(1), "لغة \u{1b}[31m");
        });
        assert_eq!(lines.len(), 2);
        let line = &lines[0];
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "ended");
        assert_eq!(
            (line["agency"].as_str(), line["ms"].as_u64(), line["ok"].as_bool()),
            (Some("moi"), Some(7), Some(true))
        );
        assert_eq!(line["ratio"], Value::Null);
        assert_eq!(line["error"], "the outer one: the \"inner\"\none");
        assert_eq!(line["target"], "falaj::telemetry::line::tests");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!((&lines[1]["level"], &lines[1]["level_"]), (&"INFO".into(), &"x".into()));
        assert_eq!((lines[1].get("none"), &lines[1]["some"]), (None, &1.into()));
        assert_eq!(lines[1]["message"], "لغة \u{1b}[31m");
    }
}

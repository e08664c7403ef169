//! Events out of files: one event, a batch array, or JSON Lines. Each event keeps its bytes.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of one file that are read.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// One event to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// The file, and the event's number in it where there are several.
    pub(super) name: String,
    /// The event as it stands in the file.
    pub(super) body: Bytes,
    /// What orders it among others: `partitionkey`, else `subject`.
    pub(super) order: Option<String>,
}

/// Reads a file; `-` is standard input.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Event>> {
    let mut bytes = Vec::new();
    let mut name = path.display().to_string();
    if path.as_os_str() == "-" {
        "(standard input)".clone_into(&mut name);
        std::io::stdin()
            .lock()
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        file.take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    ensure!(bytes.len() as u64 <= FILE_BYTES_MAX, "{name} is larger than 1 GiB: split it");
    parse(&name, &Bytes::from(bytes))
}

#[derive(Deserialize)]
struct Key<'a> {
    #[serde(borrow, default)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    partitionkey: Option<Cow<'a, str>>,
}

fn parse(name: &str, bytes: &Bytes) -> anyhow::Result<Vec<Event>> {
    let text = std::str::from_utf8(bytes).with_context(|| format!("{name} is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw: Vec<&RawValue> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).with_context(|| format!("{name} is not a JSON array of events"))?
    } else {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        values.collect::<Result<_, _>>().with_context(|| format!("{name} is neither an event nor JSON Lines"))?
    };
    if raw.is_empty() {
        bail!("{name} holds no event");
    }
    let alone = raw.len() == 1;
    let event = |(n, raw): (usize, &&RawValue)| {
        let name = if alone { name.to_owned() } else { format!("{name}#{}", n + 1) };
        ensure!(raw.get().starts_with('{'), "{name} is not an event: an event is a JSON object");
        // What is wrong with an event is for the bus to say.
        let key: Key<'_> = serde_json::from_str(raw.get()).unwrap_or(Key { subject: None, partitionkey: None });
        let order = key.partitionkey.or(key.subject).map(Cow::into_owned);
        Ok(Event { name, body: bytes.slice_ref(raw.get().as_bytes()), order })
    };
    raw.iter().enumerate().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        parse("f", &Bytes::copy_from_slice(text.as_bytes())).unwrap().into_iter().map(|event| event.name).collect()
    }

    #[test]
    fn one_batch_or_lines() {
        assert_eq!(names(r#"{"id":"1"}"#), ["f"]);
        assert_eq!(names("\u{feff}{\"id\":\"1\"}\n{\"id\":\"2\"}\n"), ["f#1", "f#2"]);
        assert_eq!(names(r#" [{"id":"1"}, {"id":"2"}] "#), ["f#1", "f#2"]);
        assert_eq!(names("{\n \"id\": \"1\"\n}\n{\n}"), ["f#1", "f#2"], "pretty printed, one after the other");
        for text in ["", " ", "[]", "[1]", "x", "{\"a\":1", "[{}", "\"text\"", "{} x"] {
            assert!(parse("f", &Bytes::copy_from_slice(text.as_bytes())).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_and_order_are_kept() {
        let text = r#"[{ "subject":"a", "n":1.10 },{"subject":"a","partitionkey":"k"},{"subject":7}]"#;
        let events = parse("f", &Bytes::from_static(text.as_bytes())).unwrap();
        assert_eq!(events[0].body, r#"{ "subject":"a", "n":1.10 }"#.as_bytes());
        let orders: Vec<Option<&str>> = events.iter().map(|event| event.order.as_deref()).collect();
        assert_eq!(orders, [Some("a"), Some("k"), None]);
    }
}

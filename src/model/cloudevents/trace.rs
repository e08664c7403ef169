//! W3C Trace Context between an event and the message that brings it.

use super::shape::is_traceparent;
use crate::model::envelope::{AttributeValue, Attributes};

/// Bytes of a `tracestate` that is taken in or passed on; the standard asks for 512 at least.
pub const TRACESTATE_BYTES_MAX: usize = 512;

/// The message's `traceparent`, with its `tracestate`, becomes the event's where the event has none. An odd one is as good as none:
/// it must not cost the event.
pub fn follow(attributes: &mut Attributes, parent: Option<&str>, state: Option<&str>) {
    let extensions = &mut attributes.extensions;
    let Some(parent) = parent.filter(|parent| is_traceparent(parent) && !extensions.contains_key("traceparent")) else {
        return;
    };
    extensions.insert("traceparent".to_owned(), AttributeValue::Text(parent.to_owned()));
    if let Some(state) = state.filter(|state| is_tracestate(state)) {
        extensions.entry("tracestate".to_owned()).or_insert_with(|| AttributeValue::Text(state.to_owned()));
    }
}

/// Whether a `tracestate` can travel on: printable, and no longer than anybody must take.
fn is_tracestate(text: &str) -> bool {
    (1..=TRACESTATE_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

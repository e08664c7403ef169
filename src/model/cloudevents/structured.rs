//! Structured mode and batches: the event is one JSON object.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::draft::{Draft, Given};
use super::fault::{AttributeFault, EventFault};
use super::{Bounds, slice};
use crate::model::envelope::Envelope;
use crate::model::json::{self, JsonFault, Kind};

/// Reads a structured-mode event (`application/cloudevents+json`).
pub fn structured(body: &Bytes, bounds: &Bounds) -> Result<Envelope, EventFault> {
    let text = std::str::from_utf8(body).map_err(|_| EventFault::NotUtf8)?;
    event(body, text, bounds)
}

/// Splits a batch (`application/cloudevents-batch+json`); each item is read by itself, so that one bad event spares the rest.
pub fn batch(body: &Bytes, bounds: &Bounds) -> Result<Vec<Result<Envelope, EventFault>>, EventFault> {
    let text = std::str::from_utf8(body).map_err(|_| EventFault::NotUtf8)?;
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('[') {
        // Not an array: say what is wrong with the text first, if it is no JSON at all.
        json::check(text, bounds.depth_max)?;
        return Err(EventFault::NotAnArray);
    }
    // The split minds syntax alone; what else may be wrong with an item is for the item to answer.
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| match json::check(text, bounds.depth_max) {
        Err(fault) => EventFault::Json(fault),
        Ok(()) => EventFault::Json(JsonFault::Syntax { what: "an array of events was expected", offset: 0 }),
    })?;
    if items.len() > bounds.batch_max {
        return Err(EventFault::BatchTooLong { max: bounds.batch_max });
    }
    Ok(items.into_iter().map(|item| event(body, item.get(), bounds)).collect())
}

/// Reads one event that stands as `text` somewhere in `body`.
fn event(body: &Bytes, text: &str, bounds: &Bounds) -> Result<Envelope, EventFault> {
    // The event itself is one level above its data.
    json::check(text, bounds.depth_max.saturating_add(1))?;
    if json::kind(text) != Kind::Object {
        return Err(EventFault::NotAnObject);
    }
    let mut draft = Draft::new(bounds);
    let mut data = None;
    for (name, value) in json::members(text) {
        if name == "data" {
            data = Some(value);
            continue;
        }
        let given = match json::kind(value) {
            // A null attribute is unset.
            Kind::Null => continue,
            Kind::String => Given::Text(json::unescape(value)),
            Kind::True => Given::Boolean(true),
            Kind::False => Given::Boolean(false),
            // A fraction or an exponent does not parse, and neither does what needs more than 32 bits.
            Kind::Number => value.parse().map_or(Given::Other, Given::Integer),
            Kind::Object | Kind::Array => Given::Other,
        };
        draft.count()?;
        if name == "data_base64" {
            draft.faults.push(AttributeFault::base64());
        } else {
            draft.put(&name, given);
        }
    }
    let attributes = draft.finish()?;
    let data = data.ok_or(EventFault::NoData)?;
    Ok(Envelope { attributes, data: slice(body, data) })
}

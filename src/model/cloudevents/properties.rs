//! Binary mode of the AMQP binding: attributes are typed headers of the message, data is its body.

use std::borrow::Cow;

use bytes::Bytes;

use super::Bounds;
use super::binary::{data_of, media_type};
use super::draft::{Draft, Given};
use super::fault::{AttributeFault, EventFault};
use crate::model::envelope::Envelope;
use crate::model::time::At;

/// An attribute as a message carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property<'a> {
    /// A text as it is, without any escapes.
    Text(&'a [u8]),
    /// A whole number.
    Integer(i64),
    /// A flag.
    Boolean(bool),
    /// Seconds since 1970: a CloudEvents timestamp.
    Timestamp(u64),
    /// Something that no attribute can be.
    Other,
}

/// Reads an event whose attributes are typed (AMQP binding, section 3.1): the names come without their prefix.
pub fn properties<'a>(
    attributes: impl Iterator<Item = (&'a str, Property<'a>)>,
    content_type: Option<&str>,
    body: &Bytes,
    bounds: &Bounds,
) -> Result<Envelope, EventFault> {
    let content_type = media_type(content_type)?;
    let mut draft = Draft::new(bounds);
    for (name, value) in attributes {
        draft.count()?;
        if matches!(name, "datacontenttype" | "data") {
            draft.faults.push(AttributeFault::not_a_header(name));
            continue;
        }
        let given = match value {
            Property::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Given::Text(Cow::Borrowed(text)),
                Err(_) => {
                    draft.faults.push(AttributeFault::encoding(name));
                    continue;
                }
            },
            Property::Integer(number) => i32::try_from(number).map_or(Given::Other, Given::Integer),
            Property::Boolean(flag) => Given::Boolean(flag),
            Property::Timestamp(seconds) => match i64::try_from(seconds).ok().and_then(|s| s.checked_mul(1000)) {
                Some(ms) => Given::Text(Cow::Owned(At(ms).to_string())),
                None => Given::Other,
            },
            Property::Other => Given::Other,
        };
        draft.put(name, given);
    }
    draft.put("datacontenttype", Given::Text(Cow::Borrowed(content_type)));
    let attributes = draft.finish()?;
    Ok(Envelope { attributes, data: data_of(body, bounds)? })
}

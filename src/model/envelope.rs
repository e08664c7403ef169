//! The envelope: a CloudEvents 1.0.2 event as Falaj keeps it.
//!
//! E1: data is kept byte for byte as received. E2: identity is `source` + `id`. E3: equal content has an equal digest, whatever
//! the mode, the white space or the order of members; `traceparent` and `tracestate` are no content.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::id::EventType;
use super::json;
use super::time::At;

/// Extensions that do not count as content: they say how an envelope travelled, not what it says.
const TRAVEL: [&str; 2] = ["traceparent", "tracestate"];

/// The value of a CloudEvents attribute. In binary mode and in comparisons all are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// CloudEvents Boolean.
    Boolean(bool),
    /// CloudEvents Integer, 32 bits signed.
    Integer(i32),
    /// String, URI, URI-reference, timestamp or binary (base64), as text.
    Text(String),
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// The context attributes of an event. `specversion` is always `1.0`. Member order is the order in which they are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// `id`: unique within `source`.
    pub id: String,
    /// `source`: a URI-reference the sender may speak for.
    pub source: String,
    /// `type`.
    #[serde(rename = "type")]
    pub ty: EventType,
    /// `subject`: whom or what the event is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `time`: when it happened, RFC 3339, as written by the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `datacontenttype`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// `dataschema`: `<type>/<version>` as the sender named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    /// Extensions in alphabetical order.
    #[serde(default, flatten)]
    pub extensions: BTreeMap<String, AttributeValue>,
}

impl Attributes {
    /// An extension as text.
    pub fn extension(&self, name: &str) -> Option<&str> {
        match self.extensions.get(name) {
            Some(AttributeValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// What orders this envelope among others for one agency: `partitionkey`, else `subject`.
    pub fn order_key(&self) -> Option<&str> {
        self.extension("partitionkey").or(self.subject.as_deref())
    }

    /// `correlationid`, which ties the envelopes of one procedure together.
    pub fn correlation_id(&self) -> Option<&str> {
        self.extension("correlationid")
    }

    /// `expirytime`, after which nobody may receive the envelope any more.
    pub fn expiry(&self) -> Option<At> {
        self.extension("expirytime").and_then(At::parse)
    }
}

/// A parsed event: attributes, and data as the bytes that came.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The context attributes.
    pub attributes: Attributes,
    /// One JSON value, UTF-8, checked by [`json::check`]; kept byte for byte (E1).
    pub data: Bytes,
}

impl Envelope {
    /// Data as text.
    pub fn data_text(&self) -> &str {
        std::str::from_utf8(&self.data).expect("data was checked to be UTF-8 when it was parsed")
    }

    /// SHA-256 over the canonical content (E3).
    ///
    /// Hashed: each attribute but `traceparent` and `tracestate` as `name`, 0x1F, text, 0x1E in alphabetical order, then the
    /// canonical form of the data. U+0000 to U+001F cannot occur in attribute names or values, so no two contents share a form.
    pub fn digest(&self) -> Digest {
        let attributes = &self.attributes;
        let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(8 + attributes.extensions.len());
        pairs.push(("id", attributes.id.as_str().into()));
        pairs.push(("source", attributes.source.as_str().into()));
        pairs.push(("type", attributes.ty.as_str().into()));
        let optional =
            [("subject", &attributes.subject), ("time", &attributes.time), ("dataschema", &attributes.dataschema)];
        // No media type and this one say the same (JSON format, section 3.1), and binary mode always names one.
        pairs.push(("datacontenttype", attributes.datacontenttype.as_deref().unwrap_or("application/json").into()));
        pairs.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?.into()))));
        for (name, value) in attributes.extensions.iter().filter(|(name, _)| !TRAVEL.contains(&name.as_str())) {
            let text = match value {
                AttributeValue::Text(text) => text.as_str().into(),
                other => other.to_string().into(),
            };
            pairs.push((name, text));
        }
        pairs.sort_unstable_by_key(|(name, _)| *name);
        let mut form = Vec::with_capacity(self.data.len() + 512);
        for (name, value) in pairs {
            form.extend_from_slice(name.as_bytes());
            form.push(0x1f);
            form.extend_from_slice(value.as_bytes());
            form.push(0x1e);
        }
        json::canonical(self.data_text(), &mut form);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &form);
        Digest(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// SHA-256 of an envelope's content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

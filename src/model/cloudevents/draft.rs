//! The attributes of one event while they are read: each is checked as it comes, and all faults are kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Bounds;
use super::fault::{AttributeFault, EventFault};
use super::shape::{is_forbidden, is_json_media_type, is_timestamp, is_traceparent, is_uri_reference};
use crate::model::envelope::{AttributeValue, Attributes};
use crate::model::id::EventType;

/// A value as it was given.
pub(super) enum Given<'a> {
    /// A string, or a header.
    Text(Cow<'a, str>),
    /// An integer of 32 bits.
    Integer(i32),
    /// A boolean.
    Boolean(bool),
    /// Something no attribute can be.
    Other,
}

pub(super) struct Draft<'b> {
    bounds: &'b Bounds,
    count: usize,
    version: bool,
    id: Slot<String>,
    source: Slot<String>,
    ty: Slot<EventType>,
    subject: Slot<String>,
    time: Slot<String>,
    datacontenttype: Slot<String>,
    dataschema: Slot<String>,
    extensions: BTreeMap<String, AttributeValue>,
    pub(super) faults: Vec<AttributeFault>,
}

/// Given or not, and the value where it was legal.
struct Slot<T> {
    given: bool,
    value: Option<T>,
}

impl<T> Slot<T> {
    fn empty() -> Self {
        Self { given: false, value: None }
    }
}

impl<'b> Draft<'b> {
    pub(super) fn new(bounds: &'b Bounds) -> Self {
        Self {
            bounds,
            count: 0,
            version: false,
            id: Slot::empty(),
            source: Slot::empty(),
            ty: Slot::empty(),
            subject: Slot::empty(),
            time: Slot::empty(),
            datacontenttype: Slot::empty(),
            dataschema: Slot::empty(),
            extensions: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// Counts an attribute; more than allowed end the reading at once, so that faults are bounded (C5).
    pub(super) fn count(&mut self) -> Result<(), EventFault> {
        self.count += 1;
        let max = self.bounds.attributes_max;
        if self.count > max { Err(EventFault::TooManyAttributes { max }) } else { Ok(()) }
    }

    /// Takes an attribute under the name it came with.
    pub(super) fn put(&mut self, name: &str, value: Given<'_>) {
        let chars_max = self.bounds.name_chars_max;
        if name.is_empty()
            || name == "data"
            || name.len() > chars_max
            || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        {
            self.faults.push(AttributeFault::name(name, chars_max));
            return;
        }
        if self.has(name) {
            self.faults.push(AttributeFault::doubled(name));
            return;
        }
        match name {
            "specversion" => {
                self.version = true;
                if !matches!(value, Given::Text(text) if text == "1.0") {
                    self.faults.push(AttributeFault::specversion());
                }
            }
            "id" => self.id = self.text(name, value),
            "source" => {
                self.source = self.shaped(name, value, is_uri_reference, "a URI-reference", "مرجع URI صالحًا");
            }
            "type" => self.ty = self.event_type(value),
            "subject" => self.subject = self.text(name, value),
            "time" => self.time = self.timestamp(name, value),
            "datacontenttype" => {
                self.datacontenttype =
                    self.shaped(name, value, is_json_media_type, "a JSON media type", "نوع وسائط JSON");
            }
            "dataschema" => self.dataschema = self.text(name, value),
            _ => self.extend(name, value),
        }
    }

    /// Whether an attribute of this name was given.
    pub(super) fn has(&self, name: &str) -> bool {
        match name {
            "specversion" => self.version,
            "id" => self.id.given,
            "source" => self.source.given,
            "type" => self.ty.given,
            "subject" => self.subject.given,
            "time" => self.time.given,
            "datacontenttype" => self.datacontenttype.given,
            "dataschema" => self.dataschema.given,
            other => self.extensions.contains_key(other),
        }
    }

    fn extend(&mut self, name: &str, value: Given<'_>) {
        let value = match (name, value) {
            ("expirytime", value) => self.timestamp(name, value).value.map(AttributeValue::Text),
            ("dataref", value) => {
                let slot = self.shaped(name, value, is_uri_reference, "a URI-reference", "مرجع URI صالحًا");
                slot.value.map(AttributeValue::Text)
            }
            ("traceparent", value) => {
                let slot = self.shaped(name, value, is_traceparent, "a W3C trace parent", "معرّف تتبّع وفق معيار W3C");
                slot.value.map(AttributeValue::Text)
            }
            (
                "partitionkey" | "correlationid" | "causationid" | "sequence" | "tracestate" | "authtype" | "authid"
                | "dataclassification" | "dataregulation",
                value,
            ) => self.text(name, value).value.map(AttributeValue::Text),
            (_, Given::Text(text)) => self.legal(name, text).map(AttributeValue::Text),
            (_, Given::Integer(number)) => Some(AttributeValue::Integer(number)),
            (_, Given::Boolean(truth)) => Some(AttributeValue::Boolean(truth)),
            (_, Given::Other) => {
                self.faults.push(AttributeFault::not_simple(name));
                None
            }
        };
        if let Some(value) = value {
            self.extensions.insert(name.to_owned(), value);
        }
    }

    /// A string that is not empty.
    fn text(&mut self, name: &str, value: Given<'_>) -> Slot<String> {
        let value = match value {
            Given::Text(text) if text.is_empty() => {
                self.faults.push(AttributeFault::empty(name));
                None
            }
            Given::Text(text) => self.legal(name, text),
            Given::Integer(_) | Given::Boolean(_) | Given::Other => {
                self.faults.push(AttributeFault::not_text(name));
                None
            }
        };
        Slot { given: true, value }
    }

    /// A string of legal characters within the limit.
    fn legal(&mut self, name: &str, text: Cow<'_, str>) -> Option<String> {
        let bytes_max = self.bounds.value_bytes_max;
        if text.len() > bytes_max {
            self.faults.push(AttributeFault::too_long(name, bytes_max));
            return None;
        }
        let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !plain && text.chars().any(is_forbidden) {
            self.faults.push(AttributeFault::characters(name));
            return None;
        }
        Some(text.into_owned())
    }

    fn shaped(
        &mut self,
        name: &str,
        value: Given<'_>,
        is: fn(&str) -> bool,
        what: &str,
        what_ar: &str,
    ) -> Slot<String> {
        let mut slot = self.text(name, value);
        if slot.value.as_deref().is_some_and(|text| !is(text)) {
            self.faults.push(AttributeFault::format(name, what, what_ar));
            slot.value = None;
        }
        slot
    }

    fn timestamp(&mut self, name: &str, value: Given<'_>) -> Slot<String> {
        self.shaped(
            name,
            value,
            is_timestamp,
            "an RFC 3339 timestamp with an offset",
            "طابعًا زمنيًا وفق RFC 3339 مع فرق التوقيت",
        )
    }

    fn event_type(&mut self, value: Given<'_>) -> Slot<EventType> {
        let text = self.text("type", value);
        let parsed = text.value.and_then(|text| {
            let parsed = EventType::parse(&text).ok();
            if parsed.is_none() {
                let what = "reverse DNS: two or more labels of a-z, 0-9 and '-' joined by '.', 120 characters at most";
                let what_ar =
                    "بصيغة DNS المعكوسة: جزءان أو أكثر من a-z و0-9 و'-' تفصل بينها نقطة، بما لا يتجاوز 120 محرفًا";
                self.faults.push(AttributeFault::format("type", what, what_ar));
            }
            parsed
        });
        Slot { given: true, value: parsed }
    }

    /// The attributes, or everything that is wrong with them (C2).
    pub(super) fn finish(mut self) -> Result<Attributes, EventFault> {
        let required = [
            ("specversion", self.version),
            ("id", self.id.given),
            ("source", self.source.given),
            ("type", self.ty.given),
        ];
        self.faults.extend(required.iter().filter(|(_, given)| !given).map(|(name, _)| AttributeFault::required(name)));
        match (self.id.value, self.source.value, self.ty.value) {
            (Some(id), Some(source), Some(ty)) if self.faults.is_empty() => Ok(Attributes {
                id,
                source,
                ty,
                subject: self.subject.value,
                time: self.time.value,
                datacontenttype: self.datacontenttype.value,
                dataschema: self.dataschema.value,
                extensions: self.extensions,
            }),
            _ => Err(EventFault::Attributes(self.faults)),
        }
    }
}

//! The message one agency gets.

use std::borrow::Cow;

use bytes::Bytes;

use super::map::FieldMap;
use super::template::Template;
use super::{Fields, MappingError};
use crate::model::envelope::{AttributeValue, Attributes};
use crate::model::json;

/// Extensions that name persons or stores behind the sender, and leave only where a subscription lists them.
const RESERVED: [&str; 2] = ["authid", "dataref"];
/// The extension that orders in place of the subject, and is as personal.
const PARTITION_KEY: &str = "partitionkey";
/// The media type of an event in structured mode.
const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
/// The version of CloudEvents that is written.
const SPEC_VERSION: &str = "1.0";

/// The form in which a subscription sends.
#[derive(Debug)]
pub enum Form {
    /// CloudEvents structured mode with the projected data.
    Structured,
    /// CloudEvents binary mode: attributes as headers, projected data as body.
    Binary,
    /// A field map of CEL expressions, written as JSON, CSV or XML.
    Map(FieldMap),
    /// A MiniJinja template.
    Template(Template),
}

impl Form {
    /// The media type of its messages; `None` where it is that of the sender's data.
    pub fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Structured => Some(STRUCTURED),
            Self::Binary => None,
            Self::Map(map) => Some(map.content_type()),
            Self::Template(template) => Some(template.content_type()),
        }
    }
}

/// How `subject` and `partitionkey` travel to an agency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectForm {
    /// As they are.
    #[default]
    Clear,
    /// A keyed hash that differs per agency.
    Pseudonym,
    /// Not at all.
    Omit,
}

/// A message ready to be sent: what exactly the agency gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Media type of the body.
    pub content_type: String,
    /// Headers besides the content type (`ce-*`; in structured mode none), lower-case names, values legal in HTTP.
    pub headers: Vec<(String, String)>,
    /// The exact bytes.
    pub body: Bytes,
}

/// The attributes as one agency may see them, made by [`disclose`].
#[derive(Debug, Clone)]
pub struct Disclosed<'a>(pub Cow<'a, Attributes>);

/// Applies the subject form, and drops `authid` and `dataref` unless `listed` names them.
pub fn disclose<'a>(
    attributes: &'a Attributes,
    subject: SubjectForm,
    listed: &[String],
    pseudonym: &dyn Fn(&str) -> String,
) -> Disclosed<'a> {
    let mut out = Cow::Borrowed(attributes);
    for name in RESERVED {
        if attributes.extensions.contains_key(name) && !listed.iter().any(|listed| listed == name) {
            out.to_mut().extensions.remove(name);
        }
    }
    let key = attributes.extensions.get(PARTITION_KEY);
    if subject == SubjectForm::Clear || (attributes.subject.is_none() && key.is_none()) {
        return Disclosed(out);
    }
    let open = out.to_mut();
    open.extensions.remove(PARTITION_KEY);
    match subject {
        SubjectForm::Pseudonym => {
            open.subject = attributes.subject.as_deref().map(pseudonym);
            let key = key.map(|key| AttributeValue::Text(pseudonym(&key.to_string())));
            open.extensions.extend(key.map(|key| (PARTITION_KEY.to_owned(), key)));
        }
        SubjectForm::Clear | SubjectForm::Omit => open.subject = None,
    }
    Disclosed(out)
}

/// Makes the message for one agency: projects data and writes the form.
///
/// `data` is the envelope's own, whole; `delivery` is the delivery id as text (templates may show it). Every form but structured
/// mode has the `ce-*` headers: all of them in binary mode, else those that say which event it is.
pub fn render(
    form: &Form,
    fields: &Fields,
    attributes: &Disclosed<'_>,
    data: &str,
    delivery: &str,
    body_bytes_max: usize,
) -> Result<Message, MappingError> {
    let attributes = attributes.0.as_ref();
    let (content_type, headers, body) = match form {
        Form::Structured => {
            let body = structured(attributes, &fields.project(data));
            (STRUCTURED.to_owned(), Vec::new(), body)
        }
        Form::Binary => {
            let mut headers = identity_headers(attributes);
            headers.extend(attributes.dataschema.as_deref().map(|schema| header("dataschema", schema)));
            headers.extend(attributes.extensions.iter().map(|(name, value)| header(name, &value.to_string())));
            (data_content_type(attributes).to_owned(), headers, fields.project(data).into_bytes())
        }
        Form::Map(map) => (map.content_type().to_owned(), identity_headers(attributes), map.write(attributes, data)?),
        Form::Template(template) => {
            let body = template.write(attributes, &fields.project(data), delivery, body_bytes_max)?;
            (template.content_type().to_owned(), identity_headers(attributes), body)
        }
    };
    if body.len() > body_bytes_max {
        return Err(MappingError::TooLarge { max: body_bytes_max });
    }
    Ok(Message { content_type, headers, body: Bytes::from(body) })
}

/// The event in structured mode: attributes in the order of the specification, extensions by name, data last.
fn structured(attributes: &Attributes, projected: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(projected.len() + 512);
    out.extend_from_slice(b"{\"specversion\":");
    json::write_string(SPEC_VERSION, &mut out);
    let known = [
        ("id", Some(attributes.id.as_str())),
        ("source", Some(attributes.source.as_str())),
        ("type", Some(attributes.ty.as_str())),
        ("subject", attributes.subject.as_deref()),
        ("time", attributes.time.as_deref()),
        ("datacontenttype", attributes.datacontenttype.as_deref()),
        ("dataschema", attributes.dataschema.as_deref()),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            member(name, &mut out);
            json::write_string(value, &mut out);
        }
    }
    for (name, value) in &attributes.extensions {
        member(name, &mut out);
        match value {
            AttributeValue::Text(text) => json::write_string(text, &mut out),
            plain => out.extend_from_slice(plain.to_string().as_bytes()),
        }
    }
    member("data", &mut out);
    out.extend_from_slice(projected.as_bytes());
    out.push(b'}');
    out
}

fn member(name: &str, out: &mut Vec<u8>) {
    out.push(b',');
    json::write_string(name, out);
    out.push(b':');
}

/// The headers that say which event a message is about.
fn identity_headers(attributes: &Attributes) -> Vec<(String, String)> {
    let mut headers = vec![
        header("specversion", SPEC_VERSION),
        header("id", &attributes.id),
        header("source", &attributes.source),
        header("type", attributes.ty.as_str()),
    ];
    headers.extend(attributes.subject.as_deref().map(|subject| header("subject", subject)));
    headers.extend(attributes.time.as_deref().map(|time| header("time", time)));
    headers
}

/// A `ce-` header; its value percent-encoded as the HTTP binding 1.0.2, section 3.1.3.2, says: everything but U+0021 to U+007E,
/// and `"` and `%`.
fn header(name: &str, value: &str) -> (String, String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            0x21..=0x7e if byte != b'"' && byte != b'%' => encoded.push(char::from(byte)),
            _ => {
                encoded.push('%');
                encoded.push(char::from(HEX[usize::from(byte >> 4)]));
                encoded.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    (format!("ce-{name}"), encoded)
}

/// The media type of the data as the sender gave it, where it can stand in a header.
fn data_content_type(attributes: &Attributes) -> &str {
    let legal = |text: &&str| !text.is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    attributes.datacontenttype.as_deref().filter(legal).unwrap_or("application/json")
}

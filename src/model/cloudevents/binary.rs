//! Binary mode: attributes are `ce-*` headers, data is the body.

use std::borrow::Cow;

use bytes::Bytes;

use super::Bounds;
use super::draft::{Draft, Given};
use super::fault::{AttributeFault, EventFault};
use super::shape::is_json_media_type;
use crate::model::envelope::Envelope;
use crate::model::json;

/// Reads a binary-mode event: `ce-*` headers with percent-encoded values, the data as body.
///
/// `headers` are (lower-case name, value) pairs; `content_type` is the request's own.
pub fn binary<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    content_type: Option<&str>,
    body: &Bytes,
    bounds: &Bounds,
) -> Result<Envelope, EventFault> {
    let content_type = media_type(content_type)?;
    let mut draft = Draft::new(bounds);
    for (header, value) in headers {
        let Some(name) = header.strip_prefix("ce-") else { continue };
        draft.count()?;
        if matches!(name, "datacontenttype" | "data") {
            draft.faults.push(AttributeFault::not_a_header(name));
        } else if let Some(text) = decode(value) {
            draft.put(name, Given::Text(text));
        } else {
            draft.faults.push(AttributeFault::encoding(name));
        }
    }
    draft.put("datacontenttype", Given::Text(Cow::Borrowed(content_type)));
    let attributes = draft.finish()?;
    Ok(Envelope { attributes, data: data_of(body, bounds)? })
}

/// The media type of the data, which must be JSON.
pub(super) fn media_type(content_type: Option<&str>) -> Result<&str, EventFault> {
    let json = content_type.filter(|text| is_json_media_type(text)).ok_or(EventFault::DataNotJson)?;
    Ok(without_charset(json))
}

/// A body that is the data.
pub(super) fn data_of(body: &Bytes, bounds: &Bounds) -> Result<Bytes, EventFault> {
    let text = std::str::from_utf8(body).map_err(|_| EventFault::NotUtf8)?;
    if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() {
        return Err(EventFault::NoData);
    }
    json::check(text, bounds.depth_max)?;
    Ok(body.clone())
}

/// `application/json; charset=utf-8` says no more than `application/json`, and many clients add it unasked.
fn without_charset(content_type: &str) -> &str {
    match content_type.split_once(';') {
        Some((essence, parameters))
            if !parameters.contains(';') && parameters.trim_start().to_ascii_lowercase().starts_with("charset=") =>
        {
            essence.trim()
        }
        _ => content_type.trim(),
    }
}

/// Decodes a header value (HTTP binding, section 3.1.3.2): quotes taken off, one round of percent-decoding, then UTF-8.
pub fn decode(value: &[u8]) -> Option<Cow<'_, str>> {
    let value = value.trim_ascii();
    let quoted = value.len() >= 2 && value.starts_with(b"\"") && value.ends_with(b"\"");
    if !quoted && !value.contains(&b'%') {
        return std::str::from_utf8(value).ok().map(Cow::Borrowed);
    }
    let inner = if quoted { &value[1..value.len() - 1] } else { value };
    let mut decoded = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => decoded.push(bytes.next()?),
            b'%' => decoded.push(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?),
            other => decoded.push(other),
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

//! Shapes of attribute values, after the standards that define them.

use crate::model::time::At;

/// Whether a text is a URI-reference (RFC 3986): legal characters, a legal scheme if it has one, whole percent-escapes.
pub fn is_uri_reference(text: &str) -> bool {
    let head = text.find(['/', '?', '#']).map_or(text, |end| &text[..end]);
    let scheme_is_legal = match head.split_once(':') {
        Some((scheme, _)) => {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        }
        None => true,
    };
    let mut fragments = 0;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let legal = match byte {
            b'%' => {
                matches!((bytes.next(), bytes.next()), (Some(a), Some(b)) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
            }
            b'#' => {
                fragments += 1;
                fragments == 1
            }
            b'[' | b']' => text.contains("//"),
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*'
            | b'+' | b',' | b';' | b'=' => true,
            other => other.is_ascii_alphanumeric(),
        };
        if !legal {
            return false;
        }
    }
    scheme_is_legal
}

/// Whether a text is an RFC 3339 timestamp with an offset; `2024-01-01 00:00Z` and other relatives are not.
pub(super) fn is_timestamp(text: &str) -> bool {
    const SHAPE: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    if bytes.len() < SHAPE.len() + 1 {
        return false;
    }
    let (stem, rest) = bytes.split_at(SHAPE.len());
    let stem_is_legal = stem.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't'),
        other => byte == other,
    });
    let offset = match rest {
        [b'.', digits @ ..] => {
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 {
                return false;
            }
            &digits[count..]
        }
        other => other,
    };
    let offset_is_legal = match offset {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    stem_is_legal && offset_is_legal && At::parse(text).is_some()
}

/// Whether a media type is JSON in UTF-8: `application/json` or any `+json`; a charset, if given, must be UTF-8.
pub fn is_json_media_type(text: &str) -> bool {
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let is_json = match essence.split_once('/') {
        Some((kind, sub)) if token(kind) && token(sub) => {
            essence.eq_ignore_ascii_case("application/json") || ends_with_ignore_case(sub, "+json")
        }
        _ => false,
    };
    is_json
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

fn ends_with_ignore_case(text: &str, end: &str) -> bool {
    text.len() > end.len()
        && text.is_char_boundary(text.len() - end.len())
        && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

/// Whether a text is a `traceparent` (W3C Trace Context): version, trace id, parent id and flags in lower-case hex, neither id zero.
pub fn is_traceparent(text: &str) -> bool {
    let hex =
        |part: &str, len: usize| part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.split('-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && !zero(trace)
        && hex(parent, 16)
        && !zero(parent)
        && hex(flags, 2)
        && (version != "00" || parts.next().is_none())
}

/// Whether CloudEvents forbids a character in a String: controls and noncharacters.
pub(super) fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fdd0}'..='\u{fdef}') || (u32::from(c) & 0xfffe) == 0xfffe
}

//! Reading parts of a checked text as slices of it.

use std::borrow::Cow;

/// What kind of value a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number of any length.
    Number,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

/// The kind of a checked value, by its first character.
pub fn kind(value_text: &str) -> Kind {
    let bytes = value_text.as_bytes();
    match bytes.get(space_end(bytes, 0)) {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't') => Kind::True,
        Some(b'f') => Kind::False,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}

/// The members of an object in the order of the text: name unescaped, value as written, without space around it. Nothing for
/// another kind.
pub fn members(object_text: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    raw_members(object_text).map(|(name, value)| (unescape(name), value))
}

/// Like [`members`], with each name as it is written, in its quotes.
pub fn raw_members(object_text: &str) -> impl Iterator<Item = (&str, &str)> {
    let bytes = object_text.as_bytes();
    let mut at = opened(bytes, b'{');
    std::iter::from_fn(move || {
        let start = space_end(bytes, at?);
        if bytes.get(start) != Some(&b'"') {
            at = None;
            return None;
        }
        let name_end = string_end(bytes, start);
        let colon = space_end(bytes, name_end);
        if bytes.get(colon) != Some(&b':') {
            at = None;
            return None;
        }
        let value = space_end(bytes, colon + 1);
        let end = value_end(bytes, value);
        at = next(bytes, end);
        Some((&object_text[start..name_end], &object_text[value..end]))
    })
}

/// The elements of an array in order, each as written, without space around it. Nothing for another kind.
pub fn elements(array_text: &str) -> impl Iterator<Item = &str> {
    let bytes = array_text.as_bytes();
    let mut at = opened(bytes, b'[');
    std::iter::from_fn(move || {
        let start = space_end(bytes, at?);
        let end = value_end(bytes, start);
        if end == start {
            at = None;
            return None;
        }
        at = next(bytes, end);
        Some(&array_text[start..end])
    })
}

/// The value that a JSON Pointer (RFC 6901) leads to, as written; `None` if there is none or the pointer is not one.
pub fn find<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
    let mut here = text.trim_matches(SPACE);
    if pointer.is_empty() {
        return Some(here);
    }
    for token in pointer.strip_prefix('/')?.split('/') {
        let token = pointer_token(token)?;
        here = match kind(here) {
            Kind::Object => members(here).find(|(name, _)| *name == token)?.1,
            Kind::Array => elements(here).nth(index(&token)?)?,
            _ => return None,
        };
    }
    Some(here)
}

/// A reference token of a JSON Pointer with `~1` and `~0` turned into `/` and `~`; `None` for another use of `~`.
pub fn pointer_token(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(Cow::Owned(out))
}

/// An array index as RFC 6901 writes it: no sign, no leading zero.
fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (token.len() > 1 && token.starts_with('0')) { None } else { token.parse().ok() }
}

/// The text of a string token (`"…"`), its escapes resolved.
pub fn unescape(string_token: &str) -> Cow<'_, str> {
    let inner = string_token.strip_prefix('"').unwrap_or(string_token);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let Some(first) = inner.find('\\') else { return Cow::Borrowed(inner) };
    let mut out = String::with_capacity(inner.len());
    out.push_str(&inner[..first]);
    let mut rest = &inner[first..];
    while let Some(after) = rest.strip_prefix('\\') {
        rest = resolve(after, &mut out);
        let plain = rest.find('\\').unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    Cow::Owned(out)
}

/// Resolves one escape, of which the backslash is already gone; returns what follows it.
fn resolve<'a>(after: &'a str, out: &mut String) -> &'a str {
    let mut chars = after.chars();
    match chars.next() {
        Some('b') => out.push('\u{8}'),
        Some('f') => out.push('\u{c}'),
        Some('n') => out.push('\n'),
        Some('r') => out.push('\r'),
        Some('t') => out.push('\t'),
        Some('u') => return resolve_unicode(after, out),
        Some(other) => out.push(other),
        None => {}
    }
    chars.as_str()
}

fn resolve_unicode<'a>(after: &'a str, out: &mut String) -> &'a str {
    let unit = |from: usize| u32::from_str_radix(after.get(from..from + 4)?, 16).ok();
    let first = unit(1).unwrap_or(0xFFFD);
    if (0xD800..0xDC00).contains(&first)
        && let Some(second @ 0xDC00..0xE000) = unit(7)
    {
        out.push(char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).unwrap_or('\u{FFFD}'));
        return after.get(11..).unwrap_or_default();
    }
    out.push(char::from_u32(first).unwrap_or('\u{FFFD}'));
    after.get(5..).unwrap_or_default()
}

/// The same text without white space between its tokens.
pub fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    compact_into(text, &mut out);
    out
}

/// Appends the text without white space between its tokens.
pub fn compact_into(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.push_str(&text[from..at]);
                at = space_end(bytes, at);
                from = at;
            }
            _ => at += 1,
        }
    }
    out.push_str(&text[from..]);
}

/// The four characters RFC 8259 calls white space.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The index after any white space at `at`.
pub(super) fn space_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The first index from `at` on of a quote, a backslash or a control character; the length if there is none.
///
/// Looks at eight bytes at a time: most of a JSON text is the inside of strings.
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("the slice has 8 bytes"));
        // The lowest byte marked is always a true one: a borrow can only spoil bytes above it.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let hit = control | zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64));
        if hit != 0 {
            return at + hit.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// The index after the string that begins at `at`.
pub(super) fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            // What is escaped is ASCII in a checked text; stepping over the backslash alone keeps to character bounds in any.
            Some(b'\\') => at += if bytes.get(at + 1).is_some_and(u8::is_ascii) { 2 } else { 1 },
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// The index after the value that begins at `at`.
pub(super) fn value_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => string_end(bytes, at),
        Some(b'{' | b'[') => container_end(bytes, at),
        _ => {
            let scalar = |byte: &u8| !matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
            at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| scalar(byte)).count()
        }
    }
}

fn container_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'"' => string_end(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
                at + 1
            }
            _ => at + 1,
        };
    }
    bytes.len()
}

/// The index after the bracket that opens a container of the given kind.
fn opened(bytes: &[u8], bracket: u8) -> Option<usize> {
    let at = space_end(bytes, 0);
    (bytes.get(at) == Some(&bracket)).then_some(at + 1)
}

/// The index after the comma that follows a member or element; `None` at the end.
fn next(bytes: &[u8], end: usize) -> Option<usize> {
    let at = space_end(bytes, end);
    (bytes.get(at) == Some(&b',')).then_some(at + 1)
}

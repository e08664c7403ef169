//! Turning a checked text into somebody else's values, in one pass.

use std::borrow::Cow;

use super::scan::{Kind, kind, space_end, string_end, unescape, value_end};

/// Makes values of a kind of its own out of the parts of a text.
pub trait Build<'a> {
    /// What is made.
    type Value;

    /// A string, number, `true`, `false` or `null`, as written.
    fn scalar(&mut self, kind: Kind, raw: &'a str) -> Self::Value;
    /// An array of values already made.
    fn array(&mut self, elements: Vec<Self::Value>) -> Self::Value;
    /// An object of values already made, in the order of the text.
    fn object(&mut self, members: Vec<(Cow<'a, str>, Self::Value)>) -> Self::Value;
}

/// A container whose end has not come yet.
enum Open<'a, V> {
    Array(Vec<V>),
    Object(Vec<(Cow<'a, str>, V)>, Cow<'a, str>),
}

/// Builds the value of a checked text in one pass, without recursion; `None` for a text that did not pass the check.
pub fn build<'a, B: Build<'a>>(text: &'a str, builder: &mut B) -> Option<B::Value> {
    let bytes = text.as_bytes();
    let mut open: Vec<Open<'a, B::Value>> = Vec::new();
    let mut at = 0;
    loop {
        at = space_end(bytes, at);
        let mut done = match bytes.get(at)? {
            b'{' => {
                open.push(Open::Object(Vec::new(), Cow::Borrowed("")));
                at += 1;
                None
            }
            b'[' => {
                open.push(Open::Array(Vec::new()));
                at += 1;
                None
            }
            b',' => {
                at += 1;
                None
            }
            b'}' | b']' => {
                at += 1;
                Some(match open.pop()? {
                    Open::Array(elements) => builder.array(elements),
                    Open::Object(members, _) => builder.object(members),
                })
            }
            b'"' if names_next(&open, bytes, at) => {
                let end = string_end(bytes, at);
                if let Some(Open::Object(_, name)) = open.last_mut() {
                    *name = unescape(&text[at..end]);
                }
                at = space_end(bytes, end);
                if bytes.get(at) != Some(&b':') {
                    return None;
                }
                at += 1;
                None
            }
            _ => {
                let end = value_end(bytes, at);
                if end == at {
                    return None;
                }
                let raw = &text[at..end];
                at = end;
                Some(builder.scalar(kind(raw), raw))
            }
        };
        if let Some(value) = done.take() {
            match open.last_mut() {
                None => return Some(value),
                Some(Open::Array(elements)) => elements.push(value),
                Some(Open::Object(members, name)) => members.push((std::mem::take(name), value)),
            }
        }
    }
}

/// Whether the string at `at` is a member's name: it follows the brace or comma of an object.
fn names_next<V>(open: &[Open<'_, V>], bytes: &[u8], at: usize) -> bool {
    let before = bytes[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    matches!(open.last(), Some(Open::Object(..))) && matches!(before, Some(b'{' | b','))
}

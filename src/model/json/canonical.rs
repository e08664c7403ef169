//! The one form that equal values share.

use std::borrow::Cow;

use super::scan::{plain_end, space_end, unescape};

/// Writes the value in the one form that equal values share: members sorted by name, no white space, strings with the fewest
/// escapes, numbers as written. For a text that passed [`check`](super::check()).
///
/// Names are sorted by code point. Two texts that mean the same but write a number in two ways (`1.0`, `1`) have two forms.
pub fn canonical(text: &str, out: &mut Vec<u8>) {
    // Keeps J1's care for depth as well: what recursion would hold stands in `open`.
    let bytes = text.as_bytes();
    let mut writer = Writer { text, bytes, at: 0, open: Vec::new(), members: Vec::new() };
    while writer.at < bytes.len() {
        writer.token(out);
    }
    // A text that was cut off leaves containers open; they stay as they are.
}

/// A member of an open object: its name, and where it stands in the output.
struct Member<'a> {
    name: Cow<'a, str>,
    start: usize,
    end: usize,
}

/// An open container.
#[derive(Clone, Copy)]
enum Open {
    Array,
    Object {
        /// Where its members begin in [`Writer::members`].
        from: usize,
        /// Whether a name comes next.
        name_next: bool,
    },
}

struct Writer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
    /// Members of all open objects, innermost last.
    members: Vec<Member<'a>>,
}

impl<'a> Writer<'a> {
    fn token(&mut self, out: &mut Vec<u8>) {
        let byte = self.bytes[self.at];
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.at = space_end(self.bytes, self.at),
            b'"' => self.string(out),
            b'{' => {
                self.open.push(Open::Object { from: self.members.len(), name_next: true });
                self.copy(out);
            }
            b'[' => {
                self.open.push(Open::Array);
                self.copy(out);
            }
            b',' => {
                if let Some(Open::Object { name_next, .. }) = self.open.last_mut() {
                    *name_next = true;
                    self.end_member(out.len());
                }
                self.copy(out);
            }
            b'}' => {
                self.close_object(out);
                self.copy(out);
            }
            b']' => {
                self.open.pop();
                self.copy(out);
            }
            _ => self.copy(out),
        }
    }

    fn copy(&mut self, out: &mut Vec<u8>) {
        out.push(self.bytes[self.at]);
        self.at += 1;
    }

    fn string(&mut self, out: &mut Vec<u8>) {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'\\') => {
                    escaped = true;
                    self.at += if self.bytes.get(self.at + 1).is_some_and(u8::is_ascii) { 2 } else { 1 };
                }
                Some(b'"') | None => break,
                Some(_) => self.at += 1,
            }
        }
        self.at = (self.at + 1).min(self.bytes.len());
        let token = &self.text[start..self.at];
        let position = out.len();
        let plain = if escaped {
            let plain = unescape(token);
            write_string(&plain, out);
            plain
        } else {
            out.extend_from_slice(token.as_bytes());
            Cow::Borrowed(token.trim_matches('"'))
        };
        if let Some(Open::Object { name_next, .. }) = self.open.last_mut()
            && *name_next
        {
            *name_next = false;
            self.members.push(Member { name: plain, start: position, end: position });
        }
    }

    fn end_member(&mut self, end: usize) {
        if let Some(member) = self.members.last_mut() {
            member.end = end;
        }
    }

    /// Puts the members of the innermost object in order, where they are not already.
    fn close_object(&mut self, out: &mut Vec<u8>) {
        let Some(Open::Object { from, .. }) = self.open.pop() else { return };
        if self.members.len() > from {
            self.end_member(out.len());
        }
        let members = &mut self.members[from..];
        if !members.is_sorted_by(|a, b| a.name <= b.name) {
            let start = members.first().map_or(out.len(), |member| member.start);
            let written = out.split_off(start);
            members.sort_by(|a, b| a.name.cmp(&b.name));
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&written[member.start - start..member.end - start]);
            }
        }
        self.members.truncate(from);
    }
}

/// Writes a text as a JSON string with the fewest escapes: quote, backslash and what is below U+0020.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut from = 0;
    loop {
        let at = plain_end(bytes, from);
        out.extend_from_slice(&bytes[from..at]);
        let Some(&byte) = bytes.get(at) else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(other >> 4)]);
                out.push(HEX[usize::from(other & 15)]);
            }
        }
        from = at + 1;
    }
    out.push(b'"');
}

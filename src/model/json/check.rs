//! The door: is this text JSON that may be passed on?

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan::{plain_end, space_end, unescape};

/// Up to this many members an object's names are compared one by one; beyond it they go into a hash set.
const NAMES_COMPARED_MAX: usize = 16;

/// Why a text was refused. The offset is in bytes; the text itself is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not JSON (RFC 8259).
    #[error("not JSON: {what} at byte {offset}")]
    Syntax {
        /// What was expected or found.
        what: &'static str,
        /// Where.
        offset: usize,
    },
    /// An object has two members of one name (compared after unescaping).
    #[error("an object has two members of the same name, the second at byte {offset}")]
    DoubledKey {
        /// Where the second one begins.
        offset: usize,
    },
    /// Nested deeper than the limit.
    #[error("nested deeper than {max} levels at byte {offset}")]
    TooDeep {
        /// The limit.
        max: u16,
        /// Where it was passed.
        offset: usize,
    },
    /// A string has U+0000, which no register and no C program survives.
    #[error("a string has the character U+0000 at byte {offset}")]
    Nul {
        /// Where.
        offset: usize,
    },
    /// A `\u` escape is one half of a surrogate pair without the other.
    #[error("a string has a lone surrogate at byte {offset}")]
    LoneSurrogate {
        /// Where.
        offset: usize,
    },
}

/// Checks that a text is one JSON value: well formed, no doubled members at any depth, no U+0000, no lone surrogate.
///
/// `depth_max` counts arrays and objects within one another: a scalar has depth 0, `[]` has depth 1.
pub fn check(text: &str, depth_max: u16) -> Result<(), JsonFault> {
    Checker { text, bytes: text.as_bytes(), at: 0, open: Vec::new(), names: Vec::new(), depth_max }.run()
}

/// An array or object whose end has not come yet.
enum Open<'a> {
    Array,
    Object(Names<'a>),
}

/// The names an open object has so far.
struct Names<'a> {
    /// Where they begin in [`Checker::names`], as long as they are few.
    from: usize,
    /// All of them, once they are many.
    many: Option<HashSet<Cow<'a, str>>>,
}

struct Checker<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open<'a>>,
    /// Names of all open objects that have few, innermost last.
    names: Vec<Cow<'a, str>>,
    depth_max: u16,
}

impl<'a> Checker<'a> {
    // Keeps J1: one loop, one turn per value; what recursion would hold stands in `open`.
    fn run(mut self) -> Result<(), JsonFault> {
        self.space();
        loop {
            if !self.value()? {
                continue; // A container was opened and its first value comes next.
            }
            loop {
                self.space();
                match self.open.last() {
                    None if self.at == self.bytes.len() => return Ok(()),
                    None => return Err(self.syntax("text after the value")),
                    Some(Open::Array) => match self.peek() {
                        Some(b',') => {
                            self.at += 1;
                            self.space();
                            break;
                        }
                        Some(b']') => self.close(),
                        _ => return Err(self.syntax("expected ',' or ']'")),
                    },
                    Some(Open::Object(_)) => match self.peek() {
                        Some(b',') => {
                            self.at += 1;
                            self.space();
                            self.name()?;
                            break;
                        }
                        Some(b'}') => self.close(),
                        _ => return Err(self.syntax("expected ',' or '}'")),
                    },
                }
            }
        }
    }

    /// Reads a scalar or an empty container whole (`true`), or opens a container up to its first value (`false`).
    fn value(&mut self) -> Result<bool, JsonFault> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| true),
            Some(b'{') => {
                self.enter(Open::Object(Names { from: self.names.len(), many: None }))?;
                if self.peek() == Some(b'}') {
                    self.close();
                    return Ok(true);
                }
                self.name().map(|()| false)
            }
            Some(b'[') => {
                self.enter(Open::Array)?;
                if self.peek() == Some(b']') {
                    self.close();
                    return Ok(true);
                }
                Ok(false)
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| true),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.syntax("expected a value")),
        }
    }

    fn enter(&mut self, open: Open<'a>) -> Result<(), JsonFault> {
        if self.open.len() >= usize::from(self.depth_max) {
            return Err(JsonFault::TooDeep { max: self.depth_max, offset: self.at });
        }
        self.open.push(open);
        self.at += 1;
        self.space();
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        if let Some(Open::Object(names)) = self.open.pop() {
            self.names.truncate(names.from);
        }
    }

    /// Reads a member's name and the colon after it.
    fn name(&mut self) -> Result<(), JsonFault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.syntax("expected a member's name in quotes"));
        }
        let escaped = self.string()?;
        let name = if escaped {
            Cow::Owned(unescape(&self.text[start..self.at]).into_owned())
        } else {
            Cow::Borrowed(&self.text[start + 1..self.at - 1])
        };
        if !self.remember(name) {
            return Err(JsonFault::DoubledKey { offset: start });
        }
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.syntax("expected ':'"));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Adds a name to the innermost object; false if it was there.
    fn remember(&mut self, name: Cow<'a, str>) -> bool {
        let Some(Open::Object(seen)) = self.open.last_mut() else { return true };
        if let Some(many) = &mut seen.many {
            return many.insert(name);
        }
        let few = &self.names[seen.from..];
        if few.contains(&name) {
            return false;
        }
        if few.len() < NAMES_COMPARED_MAX {
            self.names.push(name);
        } else {
            let mut many: HashSet<_> = self.names.drain(seen.from..).collect();
            many.insert(name);
            seen.many = Some(many);
        }
        true
    }

    /// Reads a string; says whether it has escapes.
    fn string(&mut self) -> Result<bool, JsonFault> {
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0) => return Err(JsonFault::Nul { offset: self.at }),
                Some(_) => return Err(self.syntax("a control character within a string")),
                None => return Err(self.syntax("a string without end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonFault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let offset = self.at;
                match self.hex(offset)? {
                    0 => return Err(JsonFault::Nul { offset }),
                    0xD800..=0xDBFF => {
                        let paired = self.bytes.get(offset + 6..offset + 8) == Some(b"\\u")
                            && (0xDC00..=0xDFFF).contains(&self.hex(offset + 6)?);
                        if !paired {
                            return Err(JsonFault::LoneSurrogate { offset });
                        }
                        self.at += 12;
                    }
                    0xDC00..=0xDFFF => return Err(JsonFault::LoneSurrogate { offset }),
                    _ => self.at += 6,
                }
            }
            _ => return Err(self.syntax("an unknown escape")),
        }
        Ok(())
    }

    /// The four digits of the `\uXXXX` that begins at `offset`.
    fn hex(&self, offset: usize) -> Result<u32, JsonFault> {
        let digits = self.bytes.get(offset + 2..offset + 6).unwrap_or_default();
        let value = digits.iter().try_fold(0, |sum, &byte| Some(sum * 16 + char::from(byte).to_digit(16)?));
        match value {
            Some(value) if digits.len() == 4 => Ok(value),
            _ => Err(JsonFault::Syntax { what: "expected four hexadecimal digits", offset }),
        }
    }

    fn number(&mut self) -> Result<(), JsonFault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("expected a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str) -> Result<bool, JsonFault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.syntax("expected a value"));
        }
        self.at += word.len();
        Ok(true)
    }

    fn space(&mut self) {
        self.at = space_end(self.bytes, self.at);
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn syntax(&self, what: &'static str) -> JsonFault {
        JsonFault::Syntax { what, offset: self.at }
    }
}

//! The text of a schema file: parsed, with the line of every member remembered and doubled members found.
//!
//! T1: a member written twice is reported, where a parser would silently keep the last one. T2: every JSON Pointer has a line.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde_json::Value;

/// A schema file as it was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path relative to the deployment: `schemas/<type>/<version>.json`.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
}

/// Where things stand in a text.
#[derive(Debug, Default)]
pub(super) struct Places {
    lines: HashMap<String, u32>,
    /// Pointers of members that repeat a name of their object, with the line of the repetition.
    pub(super) doubled: Vec<(String, u32)>,
}

impl Places {
    /// The line, from 1, of the value at a pointer, or of the nearest thing around it.
    pub(super) fn line(&self, pointer: &str) -> u32 {
        let mut pointer = pointer;
        loop {
            match (self.lines.get(pointer), pointer.rfind('/')) {
                (Some(line), _) => return *line,
                (None, Some(end)) => pointer = &pointer[..end],
                (None, None) => return 1,
            }
        }
    }
}

/// Parses a text; the error is the line and what the parser says.
pub(super) fn parse(text: &str) -> Result<(Value, Places), (u32, String)> {
    let value = serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or_default().to_owned();
        (u32::try_from(error.line()).unwrap_or(u32::MAX), what)
    })?;
    let mut scan = Scan { text, at: 0, line: 1, places: Places::default() };
    scan.value(&mut String::new());
    Ok((value, scan.places))
}

/// Appends a reference token to a JSON Pointer (RFC 6901).
pub(super) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// Walks over a text that a parser has accepted, so its depth is bounded and its grammar is known.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    places: Places,
}

impl Scan<'_> {
    fn peek(&mut self) -> u8 {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | b',' | b':' => {}
                byte => return *byte,
            }
            self.at += 1;
        }
        0
    }

    fn value(&mut self, pointer: &mut String) {
        let first = self.peek();
        self.places.lines.entry(pointer.clone()).or_insert(self.line);
        match first {
            b'{' => self.object(pointer),
            b'[' => self.array(pointer),
            b'"' => drop(self.string()),
            _ => {
                let rest = &self.text.as_bytes()[self.at..];
                self.at += rest.iter().take_while(|b| !b" \t\r\n,]}".contains(b)).count();
            }
        }
    }

    fn object(&mut self, pointer: &mut String) {
        self.at += 1;
        let mut names = HashSet::new();
        let parent = pointer.len();
        while self.peek() == b'"' {
            let line = self.line;
            let name = self.string();
            push_token(pointer, &name);
            self.places.lines.insert(pointer.clone(), line);
            if !names.insert(name) {
                self.places.doubled.push((pointer.clone(), line));
            }
            self.value(pointer);
            pointer.truncate(parent);
        }
        self.at += 1;
    }

    fn array(&mut self, pointer: &mut String) {
        self.at += 1;
        let parent = pointer.len();
        let mut index = 0_usize;
        while !matches!(self.peek(), b']' | 0) {
            push_token(pointer, &index.to_string());
            self.value(pointer);
            pointer.truncate(parent);
            index += 1;
        }
        self.at += 1;
    }

    fn string(&mut self) -> String {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while bytes.get(self.at).is_some_and(|byte| *byte != b'"') {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(&self.text[start..self.at]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_line() {
        let text = "{\n  \"a\": [1,\n    {\"b/c\": \"x\\\"y\"}],\n\n  \"d\":\n  null\n}";
        let (value, places) = parse(text).unwrap();
        assert_eq!(value["a"][1]["b/c"], "x\"y");
        let lines = ["", "/a", "/a/0", "/a/1", "/a/1/b~1c", "/d", "/d/e/f", "/a/1/zz"].map(|p| places.line(p));
        assert_eq!(lines, [1, 2, 2, 3, 3, 5, 5, 3]);
        assert!(places.doubled.is_empty());
    }

    #[test]
    fn doubled_members_are_found_at_any_depth_and_behind_escapes() {
        let text = "{\"a\": 1,\n \"\\u0061\": 2,\n \"b\": [{\"x\": {\"y\": 1,\n \"y\": 2}}]}";
        let (_, places) = parse(text).unwrap();
        assert_eq!(places.doubled, [("/a".to_owned(), 2), ("/b/0/x/y".to_owned(), 4)]);
    }

    #[test]
    fn a_text_that_is_not_json_has_the_line_of_the_fault() {
        let (line, what) = parse("{\n \"a\": 1,\n}").unwrap_err();
        assert_eq!((line, what.as_str()), (3, "trailing comma"));
        assert!(parse("").is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}

//! TOML that is read with its places: every complaint knows its file, line and column, and all of them come at once.
//!
//! A table is asked for its keys one by one; [`Table::close`] complains about every key that nobody asked for. Both the
//! manifests and `falaj.toml` are read this way.

use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::hint;
use super::problem::{Problem, Problems};
use crate::model::text::Bilingual;
use crate::model::time::Span;

/// A text file, and where its lines begin.
#[derive(Debug)]
pub struct Page {
    /// Its name, as problems give it.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    starts: Vec<usize>,
}

impl Page {
    /// Takes a text.
    pub fn new(file: impl Into<PathBuf>, text: String) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: file.into(), text, starts }
    }

    /// Line and column (in characters) of a byte offset, both from 1.
    pub fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let end = self.text.floor_char_boundary(offset.max(start));
        let column = self.text[start..end].chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// Parses the text as TOML, with a bounded depth. Syntax errors are all reported; what could be read in spite of them is
    /// returned.
    pub fn parse(&self, problems: &mut Problems) -> Spanned<DeTable<'_>> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        for error in errors {
            let (line, column) = self.place(error.span().map_or(0, |span| span.start));
            // Only the first line: the rest may repeat the text, and a secret could stand in it.
            let what = error.message().lines().next().unwrap_or("syntax error").to_owned();
            let hint = "Mend the TOML syntax of this line (https://toml.io).";
            problems.error(Problem::new(&self.file, format!("not TOML: {what}"), hint).at(line, column));
        }
        table
    }
}

/// A value together with the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// One value of a document.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    page: &'a Page,
    path: String,
    span: Range<usize>,
    value: &'a DeValue<'a>,
}

impl<'a> Node<'a> {
    /// A problem with this value.
    pub fn fault(&self, what: impl Display, hint: impl Into<String>) -> Problem {
        let (line, column) = self.page.place(self.span.start);
        Problem::new(&self.page.file, format!("{}: {what}", self.path), hint).at(line, column)
    }

    /// The value's dotted name.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value itself.
    pub fn value(&self) -> &'a DeValue<'a> {
        self.value
    }

    /// Attaches this place to something.
    pub fn placed<T>(&self, value: T) -> Placed<T> {
        let (line, column) = self.page.place(self.span.start);
        Placed { value, line, column }
    }

    fn wrong_type(&self, wanted: &str, example: &str, problems: &mut Problems) {
        let found = self.value.type_str();
        problems.error(self.fault(format!("expected {wanted}, found a TOML {found}"), format!("Write {example}.")));
    }

    /// The text of a string.
    pub fn text(&self, problems: &mut Problems) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type("a string", "it between quotation marks", problems);
        }
        text
    }

    /// A whole number within bounds.
    pub fn whole(&self, range: std::ops::RangeInclusive<u64>, problems: &mut Problems) -> Option<u64> {
        let Some(number) = self.value.as_integer() else {
            self.wrong_type("a whole number", &format!("a number such as {}", range.start()), problems);
            return None;
        };
        let value = u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|value| range.contains(value));
        if value.is_none() {
            let hint = format!("It may be {} to {}.", range.start(), range.end());
            problems.error(self.fault(format!("{number} is out of bounds"), hint));
        }
        value
    }

    /// A positive number, whole or not.
    pub fn positive(&self, problems: &mut Problems) -> Option<f64> {
        let value: Option<f64> = match self.value {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let value = value.filter(|value| value.is_finite() && *value > 0.0);
        if value.is_none() {
            problems.error(self.fault("expected a number above zero", "Write a number such as 50 or 0.5."));
        }
        value
    }

    /// A duration within bounds, written `250ms 15s 5m 2h 7d`.
    pub fn duration(&self, min: Duration, max: Duration, problems: &mut Problems) -> Option<Duration> {
        let Some(Span(value)) = self.value.as_str().and_then(Span::parse) else {
            self.wrong_type("a duration", "a duration such as \"250ms\", \"15s\", \"5m\", \"2h\" or \"7d\"", problems);
            return None;
        };
        if value < min || value > max {
            let hint = format!("It may be {} to {}.", Span(min), Span(max));
            problems.error(self.fault(format!("{} is out of bounds", Span(value)), hint));
            return None;
        }
        Some(value)
    }

    /// One word of an enum that serde knows; `words` is for the hint.
    pub fn word<T: serde::de::DeserializeOwned>(&self, words: &[&str], problems: &mut Problems) -> Option<T> {
        let text = self.text(problems)?;
        let word = serde_json::from_value(serde_json::Value::String(text.to_owned())).ok();
        if word.is_none() || !words.contains(&text) {
            let hint = hint(text, words.iter().copied(), "");
            problems.error(self.fault(format!("\"{text}\" is not known here"), hint));
            return None;
        }
        word
    }

    /// A string that something parses.
    pub fn parsed<T, E: Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
        problems: &mut Problems,
    ) -> Option<T> {
        match parse(self.text(problems)?) {
            Ok(value) => Some(value),
            Err(error) => {
                problems.error(self.fault(error, "Write it in that form."));
                None
            }
        }
    }

    /// The items of an array.
    pub fn items(&self, problems: &mut Problems) -> Vec<Node<'a>> {
        let Some(array) = self.value.as_array() else {
            self.wrong_type("a list", "it between [ and ]", problems);
            return Vec::new();
        };
        let node = |(index, item): (usize, &'a Spanned<DeValue<'a>>)| Node {
            page: self.page,
            path: format!("{}[{index}]", self.path),
            span: item.span(),
            value: item.get_ref(),
        };
        array.iter().enumerate().map(node).collect()
    }

    /// The table that stands here.
    pub fn table(&self, problems: &mut Problems) -> Option<Table<'a>> {
        let Some(table) = self.value.as_table() else {
            self.wrong_type("a table", "it as { key = value } or [section]", problems);
            return None;
        };
        Some(Table { page: self.page, path: self.path.clone(), start: self.span.start, table, asked: Vec::new() })
    }

    /// `{ en = "...", ar = "..." }`, neither empty.
    pub fn bilingual(&self, problems: &mut Problems) -> Option<Bilingual> {
        let mut table = self.table(problems)?;
        let (en, ar) = (table.filled("en", problems), table.filled("ar", problems));
        table.close(problems);
        Some(Bilingual::new(en?.value, ar?.value))
    }
}

/// A table that is being read.
#[derive(Debug)]
pub struct Table<'a> {
    page: &'a Page,
    path: String,
    start: usize,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The table of a whole document.
    pub fn of(page: &'a Page, document: &'a Spanned<DeTable<'a>>) -> Self {
        Self { page, path: String::new(), start: 0, table: document.get_ref(), asked: Vec::new() }
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A key, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.asked.push(key);
        let value = self.table.get(key)?;
        Some(Node { page: self.page, path: self.name(key), span: value.span(), value: value.get_ref() })
    }

    /// A key that must be there; `example` goes into the hint.
    pub fn need(&mut self, key: &'static str, example: &str, problems: &mut Problems) -> Option<Node<'a>> {
        let node = self.take(key);
        if node.is_none() {
            problems.error(self.fault(format!("{} is missing", self.name(key)), format!("Add {example}.")));
        }
        node
    }

    /// A string that must be there and say something.
    pub fn filled(&mut self, key: &'static str, problems: &mut Problems) -> Option<Placed<String>> {
        let node = self.need(key, &format!("{key} = \"...\""), problems)?;
        let text = node.text(problems)?.trim();
        if text.is_empty() {
            problems.error(node.fault("is empty", "Say it in a few words."));
            return None;
        }
        Some(node.placed(text.to_owned()))
    }

    /// All keys with their values, in alphabetical order; none of them is unknown then.
    pub fn entries(&self) -> Vec<(&'a str, Node<'a>)> {
        let node = |(key, value): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| {
            let key: &'a str = key.get_ref();
            (key, Node { page: self.page, path: self.name(key), span: value.span(), value: value.get_ref() })
        };
        self.table.iter().map(node).collect()
    }

    /// A problem with the table as a whole.
    pub fn fault(&self, what: impl Display, hint: impl Into<String>) -> Problem {
        let (line, column) = self.page.place(self.start);
        Problem::new(&self.page.file, what.to_string(), hint).at(line, column)
    }

    /// Where the table begins.
    pub fn placed<T>(&self, value: T) -> Placed<T> {
        let (line, column) = self.page.place(self.start);
        Placed { value, line, column }
    }

    /// Complains about every key that nobody asked for.
    pub fn close(self, problems: &mut Problems) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                let (line, column) = self.page.place(key.span().start);
                let hint = hint(name, self.asked.iter().copied(), "Remove it.");
                let what = format!("{} is not a key that is known here", self.name(name));
                problems.error(Problem::new(&self.page.file, what, hint).at(line, column));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str, read: impl FnOnce(&mut Table<'_>, &mut Problems)) -> Vec<(u32, u32, String, String)> {
        let page = Page::new("x.toml", text.to_owned());
        let mut problems = Problems::default();
        let document = page.parse(&mut problems);
        let mut table = Table::of(&page, &document);
        read(&mut table, &mut problems);
        table.close(&mut problems);
        let (errors, _) = problems.finish();
        errors.into_iter().map(|p| (p.line.unwrap(), p.column.unwrap(), p.what, p.hint)).collect()
    }

    #[test]
    fn complaints_know_their_place() {
        let text = "# é\n[http]\nlisten = 5\ntimout = \"1s\"\n";
        let found = errors(text, |table, problems| {
            let mut http = table.take("http").unwrap().table(problems).unwrap();
            assert_eq!(http.take("listen").unwrap().text(problems), None);
            assert!(http.take("timeout").is_none());
            http.close(problems);
        });
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].0, found[0].1), (3, 10));
        assert_eq!((found[1].0, found[1].1), (4, 1));
        assert_eq!(found[1].3, "Did you mean \"timeout\"?");
    }

    #[test]
    fn syntax_errors_are_all_told_and_never_repeat_the_line() {
        let found = errors("a = whsec_abc\nb = = 2\n", |_, _| {});
        let syntax: Vec<_> = found.iter().filter(|f| f.2.starts_with("not TOML")).collect();
        assert!(syntax.len() >= 2, "{found:?}");
        assert!(found.iter().all(|f| !f.2.contains("whsec_abc")), "{found:?}");
        let deep = format!("a = {}", "[".repeat(100_000));
        let found = errors(&deep, |_, _| {});
        assert!(found.iter().any(|error| error.2.contains("cannot recurse")), "{:?}", &found[..5]);
    }

    #[test]
    fn bounds_are_told() {
        let found =
            errors("n = 2000\nd = \"3h\"\nw = \"pul\"\nname = { en = \"x\", ar = \" \" }", |table, problems| {
                assert_eq!(table.take("n").unwrap().whole(1..=1024, problems), None);
                let max = Duration::from_secs(3600);
                assert_eq!(table.take("d").unwrap().duration(Duration::ZERO, max, problems), None);
                assert_eq!(table.take("w").unwrap().word::<String>(&["webhook", "pull"], problems), None);
                assert_eq!(table.take("name").unwrap().bilingual(problems), None);
            });
        let hints: Vec<&str> = found.iter().map(|f| f.3.as_str()).collect();
        assert_eq!(
            hints,
            ["It may be 1 to 1024.", "It may be 0ms to 1h.", "Did you mean \"pull\"?", "Say it in a few words."]
        );
    }
}

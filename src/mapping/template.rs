//! Free-form text: MiniJinja templates, which are reviewed configuration and never come from outside.
//!
//! T1: a template sees the projected data, the disclosed attributes and the delivery id, nothing else. T2: what it prints is
//! escaped by the form its name says. T3: work, memory and output of one run are bounded. T4: an error names the place in the
//! template, never a value.
//!
//! Numbers print as they were written: whole numbers are numbers, a number with a fraction or an exponent is its digits as text
//! (`|float` computes with it). `null` and a missing attribute print as nothing.

use std::collections::HashSet;
use std::fmt;
use std::io;

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::{MappingError, Refused, csv, stack, xml};
use crate::model::envelope::{AttributeValue, Attributes};
use crate::model::json::{self, Build, Kind};

/// Bytes of a template.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Fuel of one run: about as many instructions, or 64 bytes of memory or output each.
const FUEL: u64 = 250_000;
/// Nesting of macros.
const RECURSION_MAX: usize = 32;
/// Nesting of what is written as JSON.
const DEPTH_MAX: usize = 128;
/// Characters of the template that an error repeats.
const EXCERPT_CHARS_MAX: usize = 80;
/// What a template may read.
const VARIABLES: [&str; 9] = ["data", "type", "source", "id", "subject", "time", "dataschema", "ext", "delivery_id"];
/// What it may call besides.
const FUNCTIONS: [&str; 3] = ["range", "dict", "caller"];

/// What helps where a text is no template.
const TEMPLATE_HINT: &str = "templates are MiniJinja: https://docs.rs/minijinja";

/// How a template escapes what it prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Xml,
    Json,
    Csv,
    None,
}

impl Escape {
    /// By the inner ending of the template's name.
    fn of(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".j2")?;
        match stem.rsplit_once('.')?.1 {
            "xml" | "html" => Some(Self::Xml),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "txt" => Some(Self::None),
            _ => None,
        }
    }

    fn auto(self) -> AutoEscape {
        match self {
            Self::Xml => AutoEscape::Custom("xml".into()),
            Self::Json => AutoEscape::Custom("json".into()),
            Self::Csv => AutoEscape::Custom("csv".into()),
            Self::None => AutoEscape::None,
        }
    }
}

/// A template, compiled.
pub struct Template {
    name: String,
    content_type: &'static str,
    environment: Box<Environment<'static>>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Template {
    /// Compiles a template; its name's ending says how it escapes and its media type (`x.xml.j2`, `.html.j2`, `.csv.j2`,
    /// `.json.j2`, `.txt.j2`).
    pub fn compile(name: &str, text: &str) -> Result<Self, Refused> {
        let Some(escape) = Escape::of(name) else {
            let what = format!("the name {name:?} does not say what the template writes");
            return Err(Refused::new(what, "end it with .xml.j2, .html.j2, .json.j2, .csv.j2 or .txt.j2"));
        };
        if text.len() > TEXT_BYTES_MAX {
            let what = format!("the template is larger than {TEXT_BYTES_MAX} bytes");
            return Err(Refused::new(what, "split it"));
        }
        let (environment, variables) = stack::deep(|| read(name, text, escape))
            .unwrap_or_else(|| Err(Refused::new("this cannot be read as a template", TEMPLATE_HINT)))?;
        let known =
            |variable: &String| VARIABLES.contains(&variable.as_str()) || FUNCTIONS.contains(&variable.as_str());
        let mut unknown: Vec<_> = variables.into_iter().filter(|name| !known(name)).collect();
        unknown.sort();
        if let Some(variable) = unknown.first() {
            let hint = format!("there are {}; fields are data.<name>, extensions ext.<name>", VARIABLES.join(", "));
            return Err(Refused {
                what: format!("there is no variable {variable}"),
                hint,
                position: find(text, variable),
            });
        }
        let content_type = match (escape, name.ends_with(".html.j2")) {
            (Escape::Xml, true) => "text/html; charset=utf-8",
            (Escape::Xml, false) => "application/xml; charset=utf-8",
            (Escape::Json, _) => "application/json",
            (Escape::Csv, _) => "text/csv; charset=utf-8",
            (Escape::None, _) => "text/plain; charset=utf-8",
        };
        Ok(Self { name: name.to_owned(), content_type, environment: Box::new(environment) })
    }

    /// The media type of what it writes.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// Runs the template over projected data.
    pub(super) fn write(
        &self,
        attributes: &Attributes,
        projected: &str,
        delivery: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, MappingError> {
        let template = self.environment.get_template(&self.name).expect("the template was added when it was compiled");
        let mut out = Bounded { bytes: Vec::new(), bytes_max, full: false };
        let result = template.render_captured_to(variables(attributes, projected, delivery), &mut out).map(drop);
        match result {
            _ if out.full => Err(MappingError::TooLarge { max: bytes_max }),
            Ok(()) => Ok(out.bytes),
            Err(error) => {
                Err(MappingError::Template { name: self.name.clone(), what: told(&error, template.source()) })
            }
        }
    }
}

/// Reads a template: itself, and the names it uses; on a thread of its own, for the sake of the stack.
fn read(name: &str, text: &str, escape: Escape) -> Result<(Environment<'static>, HashSet<String>), Refused> {
    let mut environment = environment(escape);
    environment.add_template_owned(name.to_owned(), text.to_owned()).map_err(|error| refused(&error, text))?;
    let template = environment.get_template(name).expect("the template was just added");
    let variables = template.undeclared_variables(false);
    Ok((environment, variables))
}

fn environment(escape: Escape) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION_MAX);
    environment.set_auto_escape_callback(move |_| escape.auto());
    environment.set_formatter(write_escaped);
    environment.set_debug(true);
    environment.remove_global("debug");
    environment.remove_global("namespace");
    environment.add_filter("tojson", |value: &Value| {
        let mut out = String::new();
        write_json(value, &mut out, 0).map(|()| Value::from_safe_string(out))
    });
    environment.add_filter("csv", |value: &Value| {
        let mut out = String::new();
        plain(value).map(|text| {
            csv::write_field(&text, &mut out);
            Value::from_safe_string(out)
        })
    });
    environment
}

// Keeps T2.
fn write_escaped(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let mut text = String::new();
    let form = match state.auto_escape() {
        AutoEscape::Custom(form) => &**form,
        _ => "",
    };
    match (value.as_str(), form) {
        (Some(safe), _) if value.is_safe() => return Ok(out.write_str(safe)?),
        (_, "json") => write_json(value, &mut text, 0)?,
        (_, "xml") => xml::write_text(&plain(value)?, &mut text),
        (_, "csv") => csv::write_field(&plain(value)?, &mut text),
        _ => text = plain(value)?,
    }
    Ok(out.write_str(&text)?)
}

/// A value as text shows it: true and false as XML and JSON spell them, nothing for null, lists and maps as JSON.
fn plain(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::None => Ok(String::new()),
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::String | ValueKind::Number => Ok(value.to_string()),
        _ => {
            let mut out = String::new();
            write_json(value, &mut out, 0).map(|()| out)
        }
    }
}

fn write_json(value: &Value, out: &mut String, depth: usize) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(Error::new(ErrorKind::InvalidOperation, "nested too deeply"));
    }
    match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => match f64::try_from(value.clone()) {
            Ok(float) if !float.is_finite() => {
                return Err(Error::new(ErrorKind::InvalidOperation, "a number is not finite"));
            }
            _ => out.push_str(&value.to_string()),
        },
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            if value.is_safe() && is_number(text) {
                out.push_str(text);
            } else {
                push_quoted(text, out);
            }
        }
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (index, element) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(&element, out, depth + 1)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_quoted(&key.to_string(), out);
                out.push(':');
                write_json(&value.get_item(&key)?, out, depth + 1)?;
            }
            out.push('}');
        }
        _ => return Err(Error::new(ErrorKind::InvalidOperation, "this cannot be written as JSON")),
    }
    Ok(())
}

fn push_quoted(text: &str, out: &mut String) {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    json::write_string(text, &mut quoted);
    out.push_str(std::str::from_utf8(&quoted).expect("a quoted text is UTF-8"));
}

fn is_number(text: &str) -> bool {
    json::kind(text) == Kind::Number && json::check(text, 0).is_ok()
}

// Keeps T1.
fn variables(attributes: &Attributes, projected: &str, delivery: &str) -> Value {
    let extension = |value: &AttributeValue| match value {
        AttributeValue::Boolean(value) => Value::from(*value),
        AttributeValue::Integer(value) => Value::from(*value),
        AttributeValue::Text(value) => Value::from(value.as_str()),
    };
    let extensions =
        Value::from_pairs(attributes.extensions.iter().map(|(name, value)| (name.clone(), extension(value))));
    let optional = |text: &Option<String>| text.as_deref().map_or(Value::from(()), Value::from);
    Value::from_pairs([
        ("data", json::build(projected, &mut ToJinja).unwrap_or(Value::from(()))),
        ("type", Value::from(attributes.ty.as_str())),
        ("source", Value::from(attributes.source.as_str())),
        ("id", Value::from(attributes.id.as_str())),
        ("subject", optional(&attributes.subject)),
        ("time", optional(&attributes.time)),
        ("dataschema", optional(&attributes.dataschema)),
        ("ext", extensions),
        ("delivery_id", Value::from(delivery)),
    ])
}

/// Makes template values out of a text.
struct ToJinja;

impl<'a> Build<'a> for ToJinja {
    type Value = Value;

    fn scalar(&mut self, kind: Kind, raw: &'a str) -> Value {
        match kind {
            Kind::String => Value::from(&*json::unescape(raw)),
            Kind::True => Value::from(true),
            Kind::False => Value::from(false),
            Kind::Number => number(raw),
            Kind::Null | Kind::Object | Kind::Array => Value::from(()),
        }
    }

    fn array(&mut self, elements: Vec<Value>) -> Value {
        Value::from(elements)
    }

    fn object(&mut self, members: Vec<(std::borrow::Cow<'a, str>, Value)>) -> Value {
        Value::from_pairs(members.into_iter().map(|(name, value)| (name.into_owned(), value)))
    }
}

/// A whole number of up to 64 bits is a number, any other its digits.
fn number(raw: &str) -> Value {
    match raw.parse::<i64>() {
        Ok(int) if raw != "-0" => Value::from(int),
        _ => raw
            .parse::<u64>()
            .ok()
            .filter(|_| raw != "-0")
            .map_or_else(|| Value::from_safe_string(raw.to_owned()), Value::from),
    }
}

/// Keeps T3: an output that cannot grow beyond a bound.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
    full: bool,
}

impl io::Write for &mut Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if part.len() > self.bytes_max - self.bytes.len() {
            self.full = true;
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps T4: the kind of error and the piece of template it happened in.
fn told(error: &Error, source: &str) -> String {
    let excerpt =
        error.range().and_then(|range| source.get(range)).map(str::trim).filter(|excerpt| !excerpt.is_empty());
    let line = error.line().unwrap_or_default();
    match excerpt.or_else(|| source.lines().nth(line.checked_sub(1)?).map(str::trim)) {
        Some(excerpt) => {
            let short: String = excerpt.chars().take(EXCERPT_CHARS_MAX).collect();
            format!("{} in {short} (line {line})", error.kind())
        }
        None => error.kind().to_string(),
    }
}

fn refused(error: &Error, text: &str) -> Refused {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let position = match error.range() {
        Some(range) => Some(position(text, range.start)),
        None => error.line().and_then(|line| Some((u32::try_from(line).ok()?, 1))),
    };
    Refused { what, hint: TEMPLATE_HINT.to_owned(), position }
}

/// Line and column of a byte, from 1, in characters.
fn position(text: &str, byte: usize) -> (u32, u32) {
    let before = text.get(..byte).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Where a name first stands in the template by itself.
fn find(text: &str, name: &str) -> Option<(u32, u32)> {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
    text.match_indices(name)
        .map(|(at, _)| at)
        .find(|&at| {
            !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next().filter(|c| *c != '.'))
        })
        .map(|at| position(text, at))
}

//! One schema file: what it says of itself, and everything that is wrong with it, found at once.
//!
//! P1: a problem names file, line and remedy. P2: a pattern runs in linear time, or it is refused. P3: what asserts nothing by
//! mistake (an unknown format, a misspelt keyword) is never passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use jsonschema::{Draft, ValidationOptions, Validator};
use serde_json::{Map, Value, json};

use super::library::{Library, URI_PREFIX, parse_name, pointers, split, walk};
use super::source::{self, Places, Source};
use super::version::About;
use crate::model::id::{EventType, Version};

/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The largest schema file, in bytes.
pub(super) const FILE_BYTES_MAX: usize = 1 << 20;
/// The most memory one compiled pattern may take, and its cache, in bytes.
const PATTERN_BYTES_MAX: usize = 4 << 20;
/// Problems of one kind shown for one file.
const SHOWN_MAX: usize = 50;

/// Keywords that carry no schema, beside those [`walk`] goes through.
const PLAIN_KEYWORDS: [&str; 34] = [
    "$comment",
    "$id",
    "$ref",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];
const SCHEMA_KEYWORDS: [&str; 19] = [
    "$defs",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "dependentSchemas",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords of the dialect that Falaj does not follow, so that reach and compatibility stay decidable.
const REFUSED: [&str; 5] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$vocabulary"];

/// One problem of a schema file, precise enough to go and mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaProblem {
    /// File, relative to the deployment.
    pub file: PathBuf,
    /// Line, from 1, where known.
    pub line: Option<u32>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// A file that could be read as a schema.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) ty: EventType,
    pub(super) version: Version,
    pub(super) uri: String,
    pub(super) file: PathBuf,
    pub(super) value: Arc<Value>,
    pub(super) places: Places,
    /// `None` where it is wrong.
    pub(super) about: Option<About>,
}

impl Document {
    /// Reads a file; problems go to the list, and `None` says that there is not even a document.
    pub(super) fn read(source: &Source, problems: &mut Vec<SchemaProblem>) -> Option<Self> {
        let mut problem = |line: Option<u32>, what: String, hint: &str| {
            problems.push(SchemaProblem { file: source.file.clone(), line, what, hint: hint.to_owned() });
        };
        let Some((ty, version)) = name_of(&source.file) else {
            let what = "the file is not named schemas/<type>/<version>.json".to_owned();
            problem(
                None,
                what,
                "Name the folder as the type, such as qa.gov.bill.paid, and the file as the version, such as 1.0.json.",
            );
            return None;
        };
        if source.text.len() > FILE_BYTES_MAX {
            let what = format!("the file is larger than {FILE_BYTES_MAX} bytes");
            problem(None, what, "Move shared definitions to an abstract schema and refer to them.");
            return None;
        }
        let (value, places) = match source::parse(&source.text) {
            Ok(parsed) => parsed,
            Err((line, what)) => {
                problem(Some(line), format!("the file is not JSON: {what}"), "Mend the JSON at this line.");
                return None;
            }
        };
        for (pointer, line) in places.doubled.iter().take(SHOWN_MAX) {
            problem(Some(*line), format!("{pointer} is written twice"), "Keep one of the two.");
        }
        if !value.is_object() {
            problem(Some(1), "a schema is a JSON object".to_owned(), "Begin the file with {.");
            return None;
        }
        let uri = format!("{URI_PREFIX}{ty}/{version}");
        let file = source.file.clone();
        let mut document = Self { ty, version, uri, file, value: Arc::new(value), places, about: None };
        document.about = document.read_about(problems);
        Some(document)
    }

    /// A problem of this document, at the line of a pointer.
    pub(super) fn problem(&self, pointer: &str, what: impl Into<String>, hint: impl Into<String>) -> SchemaProblem {
        let line = Some(self.places.line(pointer));
        SchemaProblem { file: self.file.clone(), line, what: what.into(), hint: hint.into() }
    }

    fn read_about(&self, problems: &mut Vec<SchemaProblem>) -> Option<About> {
        let Some(about) = self.value.get("x-falaj") else {
            let hint = "Add \"x-falaj\": { \"owner\": \"<agency>\", \"name\": { \"en\": \"...\", \"ar\": \"...\" } }.";
            problems.push(self.problem("", "x-falaj is missing", hint));
            return None;
        };
        let hint = "x-falaj has owner and name {en, ar}, and may have maturity (1 to 4), subject (required or optional), extensions \
                    (a list of attribute names) and abstract (true or false).";
        let before = problems.len();
        for error in ABOUT.iter_errors(about).take(SHOWN_MAX) {
            let pointer = format!("/x-falaj{}", error.instance_path());
            problems.push(self.problem(&pointer, format!("{pointer}: {error}"), hint));
        }
        if problems.len() > before {
            return None;
        }
        serde_json::from_value(about.clone())
            .map_err(|error| problems.push(self.problem("/x-falaj", format!("/x-falaj: {error}"), hint)))
            .ok()
    }

    /// Everything that is wrong with the schema itself; compiling it is the last proof and comes after.
    pub(super) fn lint(&self, library: &Library, found: &mut Findings) {
        if let Some(dialect) = self.value.get("$schema").filter(|dialect| dialect.as_str() != Some(DIALECT)) {
            let what = format!("$schema is {dialect}, which is not followed here");
            found.problems.push(self.problem("/$schema", what, format!("Write \"{DIALECT}\".")));
            return;
        }
        if self.value.get("$id").is_some_and(|id| id.as_str() != Some(&self.uri)) {
            let hint = format!("Write \"{}\", or leave it out.", self.uri);
            found.problems.push(self.problem("/$id", "$id is not the one of this type and version", hint));
        }
        for error in jsonschema::draft202012::meta::validator().iter_errors(&self.value).take(SHOWN_MAX) {
            let pointer = error.instance_path().as_str();
            let what = format!("{}: {error}", if pointer.is_empty() { "the schema" } else { pointer });
            let hint = match pointer.rsplit('/').next() {
                Some("type") => {
                    "A type is one of array, boolean, integer, null, number, object, string, or a list of them."
                }
                _ => "Write it as JSON Schema 2020-12 asks.",
            };
            found.problems.push(self.problem(pointer, what, hint));
        }
        walk(&self.value, &mut |pointer, schema| self.lint_schema(library, pointer, schema, found));
    }

    fn lint_schema(&self, library: &Library, pointer: &str, schema: &Map<String, Value>, found: &mut Findings) {
        for keyword in schema.keys().map(String::as_str) {
            let at = format!("{pointer}/{keyword}");
            if REFUSED.contains(&keyword) || (keyword == "$id" && !pointer.is_empty()) {
                let hint = "Refer by #/$defs/... within the file, or by falaj:/schemas/<type>/<version>#/$defs/... to another.";
                found.problems.push(self.problem(&at, format!("{at}: {keyword} is not used in this place"), hint));
            } else if !is_known(keyword) {
                let hint = match nearest(keyword) {
                    Some(near) => format!("Is {near} meant? A note of your own begins with x-."),
                    None => "A note of your own begins with x-.".to_owned(),
                };
                found.warnings.push(self.problem(
                    &at,
                    format!("{at}: no keyword of JSON Schema 2020-12; it asserts nothing"),
                    hint,
                ));
            }
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && !options().is_known_format(Draft::Draft202012, format)
        {
            let hint =
                "Use a format of JSON Schema 2020-12, such as date, date-time, email, uri or uuid, or a pattern.";
            found.problems.push(self.problem(
                &format!("{pointer}/format"),
                format!("{pointer}: unknown format \"{format}\""),
                hint,
            ));
        }
        let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
        for pattern in patterns.chain(schema.get("pattern").and_then(|pattern| match pattern {
            Value::String(pattern) => Some(pattern),
            _ => None,
        })) {
            if !found.patterns.entry(pattern.clone()).or_insert_with(|| is_linear(pattern)).to_owned() {
                let hint = "Patterns run in time that grows with the text alone: no look-around (?= ?! ?<), no back references, no huge counts.";
                found.problems.push(self.problem(
                    pointer,
                    format!("{pointer}: the pattern {pattern} cannot be used"),
                    hint,
                ));
            }
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            self.lint_reference(library, pointer, reference, found);
        }
    }

    fn lint_reference(&self, library: &Library, pointer: &str, reference: &str, found: &mut Findings) {
        let at = format!("{pointer}/$ref");
        let Some((uri, target)) = split(reference) else {
            let hint = "A reference is #/$defs/... or falaj:/schemas/<type>/<version>#/$defs/...; nothing is fetched.";
            found.problems.push(self.problem(&at, format!("{at}: \"{reference}\" cannot be followed"), hint));
            return;
        };
        let uri = if uri.is_empty() { self.uri.as_str() } else { uri };
        let Some(root) = library.root(uri) else {
            let hint = "Add the schema, or mend the type or the version in the reference.";
            found.problems.push(self.problem(&at, format!("{at}: no schema is registered as {uri}"), hint));
            return;
        };
        found.references.entry(self.uri.clone()).or_default().insert(uri.to_owned());
        let known = found.pointers.entry(uri.to_owned()).or_insert_with(|| pointers(root.value));
        if !known.contains(target) {
            let hint = "Mend the pointer; shared definitions stand in $defs.";
            found.problems.push(self.problem(&at, format!("{at}: \"{reference}\" points to no schema"), hint));
            return;
        }
        let node = library.root(&self.uri).and_then(|root| Some(root.at(root.value.pointer(pointer)?)));
        if node.is_some_and(|node| library.is_endless(node, &mut HashMap::new())) {
            let hint = "A schema may refer to itself only below properties or items.";
            found.problems.push(self.problem(&at, format!("{at}: the reference leads back to itself"), hint));
        }
    }
}

/// What linting found, and what it remembers from one document to the next.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<SchemaProblem>,
    pub(super) warnings: Vec<SchemaProblem>,
    /// Which documents a document refers to, by URI.
    pub(super) references: BTreeMap<String, BTreeSet<String>>,
    pointers: HashMap<String, BTreeSet<String>>,
    patterns: HashMap<String, bool>,
}

/// How every schema is compiled: formats assert, unknown ones are errors, patterns are linear, nothing is fetched.
pub(super) fn options<'i>() -> ValidationOptions<'i> {
    let patterns = jsonschema::PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(patterns)
        .offline()
}

/// `x-falaj`, described by a schema of its own so that all its problems show at once.
static ABOUT: LazyLock<Validator> = LazyLock::new(|| {
    let text = json!({"type": "string", "pattern": "\\S", "maxLength": 200});
    let schema = json!({
        "type": "object",
        "properties": {
            "owner": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}$"},
            "name": {
                "type": "object",
                "properties": {"en": text, "ar": text},
                "required": ["en", "ar"],
                "additionalProperties": false
            },
            "maturity": {"type": "integer", "minimum": 1, "maximum": 4},
            "subject": {"enum": ["required", "optional"]},
            "extensions": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9]{1,20}$"}, "uniqueItems": true, "maxItems": 64},
            "abstract": {"type": "boolean"}
        },
        "required": ["owner", "name"],
        "additionalProperties": false
    });
    options().build(&schema).expect("the schema of x-falaj is a constant")
});

/// `schemas/<type>/<version>.json` as its parts.
fn name_of(file: &std::path::Path) -> Option<(EventType, Version)> {
    let mut parts = file.iter().rev();
    let name = parts.next()?.to_str()?.strip_suffix(".json")?;
    let folder = parts.next()?.to_str()?;
    parse_name(&format!("{folder}/{name}"))
}

fn is_known(keyword: &str) -> bool {
    keyword.starts_with("x-") || PLAIN_KEYWORDS.contains(&keyword) || SCHEMA_KEYWORDS.contains(&keyword)
}

/// The keyword that was probably meant: the same but for case, or with two characters swapped, missing, added or changed.
fn nearest(keyword: &str) -> Option<&'static str> {
    if keyword == "definitions" {
        return Some("$defs");
    }
    let near = |known: &&str| known.eq_ignore_ascii_case(keyword) || distance(known, keyword) <= 2;
    PLAIN_KEYWORDS.iter().chain(&SCHEMA_KEYWORDS).find(|known| near(known)).copied()
}

/// Levenshtein's distance of two short names, in bytes.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let step = (row[j] + 1).min(row[j + 1] + 1).min(corner + usize::from(x != y));
            corner = std::mem::replace(&mut row[j + 1], step);
        }
    }
    row[b.len()]
}

fn is_linear(pattern: &str) -> bool {
    options().build(&json!({ "pattern": pattern })).is_ok()
}

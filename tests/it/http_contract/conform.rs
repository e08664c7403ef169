//! Every answer of every test is held against the OpenAPI document (D2).
//!
//! A route, status, media type, header or member that is not described fails the test that met it; so does a request that was taken
//! though its description refuses it. What is described and never met is found by [`super::walk`].

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use falaj::http::docs::openapi;
use falaj::http::routes::described;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::door::Answer;

/// The document as it is served.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::write(&described()));

/// Headers that say how an answer travels, not what it says.
const TRAVEL: [&str; 10] = [
    "allow",
    "cache-control",
    "content-length",
    "content-security-policy",
    "content-type",
    "referrer-policy",
    "vary",
    "x-content-type-options",
    "content-encoding",
    "content-language",
];

/// A request as far as its description speaks of it.
#[derive(Debug)]
pub struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    /// `None` where the body was a stream.
    pub body: Option<Bytes>,
}

/// What was met, by operation. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Met(Arc<Mutex<BTreeSet<String>>>);

impl Met {
    fn note(&self, what: String) {
        self.0.lock().unwrap().insert(what);
    }

    /// Whether something was met.
    pub fn has(&self, what: &str) -> bool {
        self.0.lock().unwrap().contains(what)
    }
}

/// An operation of the document, and what stood in the places of its path's names.
struct Found {
    operation: &'static Value,
    names: Vec<(String, String)>,
}

/// Holds an answer against the document; notes what was met.
pub fn check(asked: &Asked, answer: &Answer, met: &Met) {
    let place = format!("{} {} {}", asked.method, asked.uri.path(), answer.status);
    let Some(found) = find(asked.uri.path(), &asked.method) else {
        assert!(matches!(answer.status.as_u16(), 404 | 405), "{place}: the route is not described");
        assert_fits(&json!({ "$ref": "#/components/schemas/Problem" }), &answer.json(), &place, Side::Answer);
        return;
    };
    let id = found.operation["operationId"].as_str().unwrap();
    let status = answer.status.as_u16().to_string();
    let described = resolved(&found.operation["responses"][&status]);
    assert!(described.is_object(), "{place}: {id} does not describe this status");
    met.note(format!("{id} {status}"));
    headers(id, &status, described, answer, &place, met);
    content(id, described, answer, &place, met);
    if answer.status.is_success() || answer.status == StatusCode::NOT_MODIFIED {
        request(&found, id, asked, &place, met);
    }
}

/// What a reference leads to, or the thing itself.
pub fn resolved(value: &'static Value) -> &'static Value {
    value["$ref"].as_str().map_or(value, |to| DOCUMENT.pointer(&to[1..]).unwrap())
}

fn find(path: &str, method: &Method) -> Option<Found> {
    let segments: Vec<&str> = path.split('/').collect();
    let matches = |template: &str| -> Option<Vec<(String, String)>> {
        let parts: Vec<&str> = template.split('/').collect();
        if parts.len() != segments.len() {
            return None;
        }
        let mut names = Vec::new();
        for (part, segment) in parts.iter().zip(&segments) {
            match part.strip_prefix('{') {
                Some(name) => names.push((name.trim_end_matches('}').to_owned(), (*segment).to_owned())),
                None if part == segment => {}
                None => return None,
            }
        }
        Some(names)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let found = paths.iter().filter_map(|(template, item)| Some((matches(template)?, item)));
    let (names, item) = found.min_by_key(|(names, _)| names.len())?;
    let operation = item.get(method.as_str().to_ascii_lowercase())?;
    Some(Found { operation, names })
}

fn headers(id: &str, status: &str, described: &'static Value, answer: &Answer, place: &str, met: &Met) {
    let known = described["headers"].as_object().into_iter().flatten();
    for (name, value) in &answer.headers {
        let found = known.clone().find(|(known, _)| known.eq_ignore_ascii_case(name.as_str()));
        let Some((known, header)) = found else {
            assert!(TRAVEL.contains(&name.as_str()), "{place}: the header {name} is not described");
            continue;
        };
        met.note(format!("{id} {status} {known}"));
        let header = resolved(header);
        assert_fits(&header["schema"], &typed(&header["schema"], value.to_str().unwrap()), place, Side::Answer);
    }
    let must = match status {
        "401" => "www-authenticate",
        "503" if id != "isReady" => "retry-after",
        _ => return,
    };
    assert!(answer.headers.contains_key(must), "{place}: {must} is missing");
}

fn content(id: &str, described: &'static Value, answer: &Answer, place: &str, met: &Met) {
    let Some(content) = described["content"].as_object() else {
        assert!(answer.body.is_empty(), "{place}: a body is not described");
        return;
    };
    let sent = answer.headers["content-type"].to_str().unwrap();
    let described = content.get(sent).or_else(|| content.get(essence(sent)));
    let described = described.unwrap_or_else(|| panic!("{place}: the media type {sent} is not described"));
    let schema = &described["schema"];
    if !essence(sent).ends_with("json") {
        let text = std::str::from_utf8(&answer.body).unwrap();
        if let Some(event) = described.get("x-falaj-event") {
            for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
                let data = serde_json::from_str(data).unwrap();
                assert_fits(event, &data, place, Side::Answer);
                members(event, &data, met);
            }
        }
        return;
    }
    let body = answer.json();
    assert_fits(schema, &body, place, Side::Answer);
    members(schema, &body, met);
    if sent == "application/problem+json" {
        met.note(format!("{id} {}", body["type"].as_str().unwrap()));
    }
}

fn request(found: &Found, id: &str, asked: &Asked, place: &str, met: &Met) {
    let empty = Vec::new();
    let parameters = found.operation["parameters"].as_array().unwrap_or(&empty);
    let described = |place: &str, name: &str| {
        parameters.iter().find(|one| one["in"] == place && one["name"].as_str().unwrap().eq_ignore_ascii_case(name))
    };
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(&asked.uri).unwrap();
    let given = found.names.iter().map(|(name, value)| ("path", name.clone(), value.clone()));
    let given = given.chain(query.into_iter().map(|(name, value)| ("query", name, value)));
    let mut names: BTreeSet<(String, String)> = BTreeSet::new();
    for (kind, name, value) in given {
        let parameter = described(kind, &name);
        let parameter = parameter.unwrap_or_else(|| panic!("{place}: the {kind} parameter {name} is not described"));
        assert_fits(&parameter["schema"], &typed(&parameter["schema"], &value), place, Side::Request);
        met.note(format!("{id} {kind} {name}"));
        names.insert((kind.to_owned(), name));
    }
    for (name, value) in &asked.headers {
        if let Some(parameter) = described("header", name.as_str()) {
            assert_fits(&parameter["schema"], &json!(value.to_str().unwrap()), place, Side::Request);
            met.note(format!("{id} header {}", name.as_str()));
        }
    }
    for parameter in parameters.iter().filter(|one| one["required"] == true) {
        let name = (parameter["in"].as_str().unwrap().to_owned(), parameter["name"].as_str().unwrap().to_owned());
        assert!(names.contains(&name), "{place}: {name:?} is said to be required, and is not");
    }
    let (Some(content), Some(body)) = (found.operation["requestBody"]["content"].as_object(), &asked.body) else {
        return;
    };
    let sent = asked.headers["content-type"].to_str().unwrap();
    let described = content.get(essence(sent)).unwrap_or_else(|| panic!("{place}: {sent} is not described"));
    let body: Value = serde_json::from_slice(body).unwrap();
    if answer_is_per_item(id, sent) {
        return;
    }
    assert_fits(&described["schema"], &body, place, Side::Request);
    members(&described["schema"], &body, met);
    met.note(format!("{id} takes {}", essence(sent)));
}

/// A batch is taken although some of its items are not.
fn answer_is_per_item(id: &str, media_type: &str) -> bool {
    id == "postEnvelope" && essence(media_type) == "application/cloudevents-batch+json"
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap().trim()
}

/// A text as the value that a schema asks for.
fn typed(schema: &Value, text: &str) -> Value {
    let parsed = matches!(schema["type"].as_str(), Some("integer" | "boolean")).then(|| serde_json::from_str(text));
    parsed.and_then(Result::ok).unwrap_or_else(|| json!(text))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Request,
    Answer,
}

/// Validates, with every object of an answer closed: what is not described is not there.
fn assert_fits(schema: &Value, value: &Value, place: &str, side: Side) {
    static CLOSED: LazyLock<Value> = LazyLock::new(|| closed(&DOCUMENT["components"]["schemas"]));
    static COMPILED: LazyLock<Mutex<HashMap<(String, Side), &'static Validator>>> = LazyLock::new(Mutex::default);
    let key = (schema.to_string(), side);
    let known = COMPILED.lock().unwrap().get(&key).copied();
    let validator = known.unwrap_or_else(|| {
        let (schemas, schema) = match side {
            Side::Answer => (&*CLOSED, closed(schema)),
            Side::Request => (&DOCUMENT["components"]["schemas"], schema.clone()),
        };
        let whole = json!({ "allOf": [schema], "components": { "schemas": schemas } });
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator: &'static Validator = Box::leak(Box::new(options.build(&whole).unwrap()));
        COMPILED.lock().unwrap().insert(key, validator);
        validator
    });
    let faults: Vec<String> =
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{place}: not as described: {faults:#?}\n{value:#}");
}

/// A schema whose objects have the members that are described and no others.
fn closed(schema: &Value) -> Value {
    match schema {
        Value::Object(keywords) => {
            let mut out: Map<String, Value> =
                keywords.iter().map(|(name, value)| (name.clone(), closed(value))).collect();
            let is_described = keywords.get("type") == Some(&json!("object")) && keywords.contains_key("properties");
            if is_described {
                out.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(closed).collect(),
        other => other.clone(),
    }
}

/// Notes which described members a value has, by the name of their schema.
fn members(schema: &Value, value: &Value, met: &Met) {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = DOCUMENT.pointer(&name[1..]).unwrap();
        note_members(name.rsplit('/').next().unwrap(), schema, value, met);
    } else {
        note_members("", schema, value, met);
    }
}

fn note_members(name: &str, schema: &Value, value: &Value, met: &Met) {
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        if fits_at_first_sight(one, value) {
            members(one, value, met);
        }
    }
    if let (Some(properties), Some(given)) = (schema["properties"].as_object(), value.as_object()) {
        for (member, value) in given {
            if let Some(schema) = properties.get(member) {
                met.note(format!("{name}/{member}"));
                members(schema, value, met);
            }
        }
    }
    for item in value.as_array().into_iter().flatten() {
        members(&schema["items"], item, met);
    }
}

/// Whether the members that a schema requires are there.
fn fits_at_first_sight(schema: &Value, value: &Value) -> bool {
    let schema = schema["$ref"].as_str().map_or(schema, |name| DOCUMENT.pointer(&name[1..]).unwrap());
    let required = schema["required"].as_array().into_iter().flatten();
    required.into_iter().all(|name| value.get(name.as_str().unwrap()).is_some())
}

//! Loading a deployment's schemas: what is refused, where, and what is found afterwards.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{sound, source, text};
use crate::model::id::EventType;
use crate::schema::{Loaded, NoSchema, Registry, Source};

fn find(registry: &Registry, ty: &str, dataschema: Option<&str>) -> Result<String, NoSchema> {
    registry.find(&EventType::parse(ty).unwrap(), dataschema).map(|schema| schema.version.to_string())
}

/// Line and text of every problem.
fn problems(sources: Vec<Source>) -> Vec<String> {
    let show = |line: Option<u32>| line.map_or("-".to_owned(), |line| line.to_string());
    Registry::build(sources)
        .problems
        .iter()
        .map(|p| format!("{}:{} {}", p.file.display(), show(p.line), p.what))
        .collect()
}

#[test]
fn the_newest_version_applies_unless_one_is_named() {
    let registry = sound(vec![
        source("a.b/1.0", json!({})),
        source("a.b/1.10", json!({})),
        source("a.b/1.9", json!({})),
        source("a.c/1.0", json!({"x-falaj": {"owner": "moi", "name": {"en": "x", "ar": "س"}, "abstract": true}})),
    ]);
    assert_eq!(find(&registry, "a.b", None).unwrap(), "1.10");
    assert_eq!(find(&registry, "a.b", Some("a.b/1.9")).unwrap(), "1.9");
    assert_eq!(find(&registry, "a.b", Some("falaj:/schemas/a.b/1.0")).unwrap(), "1.0");
    for unknown in ["a.b/1.1", "a.b/2.0", "a.c/1.0", "a.b", "1.0", "", "a.b/01.0", "https://a/a.b/1.0"] {
        assert_eq!(find(&registry, "a.b", Some(unknown)), Err(NoSchema::UnknownVersion), "{unknown}");
    }
    assert_eq!(find(&registry, "a.x", None), Err(NoSchema::UnknownType));
    assert_eq!(find(&registry, "a.c", None), Err(NoSchema::UnknownType));
    assert_eq!(find(&registry, "a.c", Some("a.c/1.0")), Err(NoSchema::UnknownType));
    let all: Vec<String> = registry.all().map(|schema| schema.uri()).collect();
    assert_eq!(all, ["a.b/1.0", "a.b/1.9", "a.b/1.10", "a.c/1.0"].map(|name| format!("falaj:/schemas/{name}")));
}

#[test]
fn every_problem_of_every_file_is_reported_at_once() {
    let about = r#""x-falaj": {"owner": "moi", "name": {"en": "x", "ar": "س"}}"#;
    let found = problems(vec![
        text("a.b/1", "{}"),
        text("Bad/1.0", "{}"),
        text("a.json/1.0", "{\n \"type\": \"object\",\n}"),
        text("a.list/1.0", "[]"),
        text(
            "a.about/1.0",
            "{\n\"x-falaj\": {\n\"owner\": \"MOI\",\n\"name\": {\"en\": \"x\"},\n\"maturity\": 5,\n\"colour\": 1}}",
        ),
        text("a.none/1.0", "{}"),
        text("a.doubled/1.0", &format!("{{{about},\n\"properties\": {{\n\"a\": {{}},\n\"a\": {{}}}}}}")),
        text("a.id/1.0", &format!("{{{about},\n\"$id\": \"falaj:/schemas/a.id/2.0\"}}")),
        text("a.draft/1.0", &format!("{{{about},\n\"$schema\": \"http://json-schema.org/draft-07/schema#\"}}")),
        text("a.meta/1.0", &format!("{{{about},\n\"type\": \"objekt\",\n\"required\": \"a\"}}")),
        text(
            "a.pattern/1.0",
            &format!(
                "{{{about},\n\"properties\": {{\n\"a\": {{\"pattern\": \"^(?=a)b$\"}},\n\"b\": {{\"pattern\": \"(a)\\\\1\"}}}}}}"
            ),
        ),
        text("a.format/1.0", &format!("{{{about},\n\"format\": \"qid\"}}")),
        text(
            "a.ref/1.0",
            &format!(
                "{{{about},\n\"allOf\": [\n{{\"$ref\": \"https://evil.example/s.json\"}},\n{{\"$ref\": \"file:///etc/passwd\"}},\n\
                 {{\"$ref\": \"#/$defs/none\"}},\n{{\"$ref\": \"falaj:/schemas/a.x/1.0\"}},\n{{\"$ref\": \"#/x-falaj\"}}]}}"
            ),
        ),
        text(
            "a.circle/1.0",
            &format!(
                "{{{about},\n\"$defs\": {{\"a\": {{\n\"$ref\": \"#/$defs/b\"}}, \"b\": {{\n\"$ref\": \"#/$defs/a\"}}}}}}"
            ),
        ),
        text("a.dynamic/1.0", &format!("{{{about},\n\"$dynamicRef\": \"#a\"}}")),
    ]);
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn a_faulty_schema_does_not_accuse_those_that_refer_to_it() {
    let Loaded { registry, problems, .. } = Registry::build(vec![
        source("a.good/1.0", json!({"type": "object"})),
        source("a.user/1.0", json!({"$ref": "falaj:/schemas/a.faulty/1.0"})),
        source("a.faulty/1.0", json!({"type": 7})),
    ]);
    assert!(problems.iter().all(|problem| problem.file.ends_with("a.faulty/1.0.json")), "{problems:?}");
    assert!(!problems.is_empty());
    assert_eq!(registry.all().map(|schema| schema.ty.as_str()).collect::<Vec<_>>(), ["a.good"]);
}

#[test]
fn a_misspelt_keyword_is_a_warning() {
    let loaded = Registry::build(vec![source(
        "a.b/1.0",
        json!({"properties": {"a": {"maxLenght": 3}, "b": {"x-note": 1}}, "definitions": {}, "require": ["a"]}),
    )]);
    assert_eq!(loaded.problems, []);
    let said: Vec<_> = loaded
        .warnings
        .iter()
        .map(|w| (w.what.split(':').next().unwrap(), w.hint.split('.').next().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("/definitions", "Is $defs meant? A note of your own begins with x-"),
            ("/properties/a/maxLenght", "Is maxLength meant? A note of your own begins with x-"),
            ("/require", "Is required meant? A note of your own begins with x-"),
        ]
    );
}

#[test]
fn versions_of_one_type_are_all_abstract_or_none() {
    let about = |is_abstract: bool| json!({"x-falaj": {"owner": "moi", "name": {"en": "x", "ar": "س"}, "abstract": is_abstract}});
    assert_eq!(problems(vec![source("a.b/1.0", about(true)), source("a.b/1.1", about(false))]).len(), 1);
    assert_eq!(problems(vec![source("a.b/1.0", about(true)), source("a.b/1.1", about(true))]).len(), 0);
}

#[test]
fn a_folder_is_read_and_what_does_not_belong_there_is_named() {
    let root = std::env::temp_dir().join(format!("falaj-schema-{}", std::process::id()));
    let missing = Registry::load(&root);
    assert_eq!((missing.problems.len(), missing.warnings.len()), (0, 1));
    for (path, text) in [
        ("a.b/1.0.json", source("a.b/1.0", json!({})).text.into_bytes()),
        ("a.b/1.0.json.bak", b"x".to_vec()),
        ("a.b/.hidden", b"x".to_vec()),
        ("a.b/README.md", b"x".to_vec()),
        ("README.md", b"x".to_vec()),
        ("stray.json", b"{}".to_vec()),
        ("a.c/1.0.json", b"\xff\xfe".to_vec()),
        ("a.d/1.0.json", vec![b' '; (1 << 20) + 1]),
    ] {
        let path = root.join("schemas").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let loaded = Registry::load(&root);
    fs::remove_dir_all(&root).unwrap();
    let files: Vec<String> = loaded.problems.iter().map(|problem| problem.file.display().to_string()).collect();
    assert_eq!(
        files,
        ["schemas/a.b/1.0.json.bak", "schemas/a.c/1.0.json", "schemas/a.d/1.0.json", "schemas/stray.json"]
    );
    assert_eq!(loaded.registry.all().count(), 1);
}

/// The catalogue of a whole country: two thousand services over one set of shared definitions.
#[test]
fn two_thousand_types_load_in_moments() {
    let common = json!({
        "x-falaj": {"owner": "moi", "name": {"en": "x", "ar": "س"}, "abstract": true},
        "$defs": {
            "qid": {"type": "string", "pattern": "^[23][0-9]{10}$"},
            "address": {"type": "object", "properties": {"zone": {"type": "integer"}, "street": {"type": "string", "maxLength": 80}}}
        }
    });
    let mut sources = vec![source("qa.common/1.0", common)];
    for number in 0..2000 {
        sources.push(source(&format!("qa.service-{number}.done/1.0"), service(number)));
    }
    let start = Instant::now();
    let registry = sound(sources);
    let took = start.elapsed();
    assert_eq!(registry.all().count(), 2001);
    println!("2,000 types in {took:?}");
    assert!(
        took < Duration::from_secs(60),
        "a few seconds in an unoptimised build, not {took:?}: does the cost of one grow with the others?"
    );
}

fn service(number: usize) -> Value {
    json!({
        "type": "object",
        "properties": {
            "qid": {"$ref": "falaj:/schemas/qa.common/1.0#/$defs/qid"},
            "address": {"$ref": "falaj:/schemas/qa.common/1.0#/$defs/address"},
            "at": {"type": "string", "format": "date-time"},
            "amount": {"type": "string", "pattern": "^[0-9]{1,9}\\.[0-9]{2}$"},
            "kind": {"enum": ["new", "renewed", format!("kind-{number}")]},
            "notes": {"type": "array", "items": {"type": "string", "maxLength": 200}, "maxItems": 10}
        },
        "required": ["qid", "at"],
        "additionalProperties": false
    })
}

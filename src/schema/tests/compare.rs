//! Two versions of one major line: what breaks receivers, what breaks senders, what breaks nobody.

use std::sync::Arc;

use serde_json::{Value, json};

use super::source;
use crate::schema::{Registry, Schema, Severity, breaks};

/// Two versions side by side; what the registry itself says of the pair is not asked here.
pub(super) fn versions(old: Value, new: Value) -> (Arc<Schema>, Arc<Schema>) {
    let loaded = Registry::build(vec![source("a.b/1.0", old), source("a.b/1.1", new)]);
    let mut all = loaded.registry.all().cloned();
    match (all.next(), all.next()) {
        (Some(old), Some(new)) => (old, new),
        _ => panic!("{:?}", loaded.problems),
    }
}

/// `!pointer what` for what breaks receivers, `pointer what` for what breaks senders.
fn compare(old: Value, new: Value) -> Vec<String> {
    let (old, new) = versions(old, new);
    let mark = |severity| if severity == Severity::Error { "!" } else { "" };
    let what = |what: &str| what.split(", which ").next().unwrap().to_owned();
    breaks(&old, &new).iter().map(|b| format!("{}{} {}", mark(b.severity), b.pointer, what(&b.what))).collect()
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

#[test]
fn adding_an_optional_field_breaks_nobody() {
    let old = object(json!({"a": {"type": "string"}}), &["a"]);
    let new = object(json!({"a": {"type": "string", "description": "new words"}, "b": {"type": "integer"}}), &["a"]);
    assert_eq!(compare(old.clone(), new.clone()), [""; 0]);
    assert_eq!(compare(new, old), ["/data/b may no longer be given"]);
}

#[test]
fn a_required_field_stays_required_under_its_name() {
    let old = object(json!({"a": {}, "b": {}}), &["a"]);
    assert_eq!(
        compare(old.clone(), object(json!({"a": {}, "b": {}}), &[])),
        ["!/data/a was required and no longer is"]
    );
    assert_eq!(compare(old.clone(), object(json!({"a": {}, "b": {}}), &["a", "b"])), ["/data/b is required now"]);
    let renamed = compare(old, object(json!({"c": {}, "b": {}}), &["c"]));
    assert_eq!(
        renamed,
        ["!/data/a was required and no longer is", "/data/c is required now", "/data/a may no longer be given"]
    );
}

#[test]
fn widening_breaks_receivers_and_narrowing_senders() {
    for (wide, narrow, wider, narrower) in [
        (
            json!({"type": ["string", "null"]}),
            json!({"type": "string"}),
            "may now also be null",
            "may no longer be null",
        ),
        (json!({"type": "number"}), json!({"type": "integer"}), "may now also be number", "may no longer be number"),
        (
            json!({}),
            json!({"type": ["object", "array", "string", "number", "boolean"]}),
            "may now also be null",
            "may no longer be null",
        ),
        (json!({"enum": ["a", "b"]}), json!({"enum": ["a"]}), "may now also be \"b\"", "may no longer be \"b\""),
        (json!({"enum": ["a", "b"]}), json!({"const": "a"}), "may now also be \"b\"", "may no longer be \"b\""),
        (
            json!({"type": "string"}),
            json!({"enum": ["a"]}),
            "is no longer limited to its choices",
            "is now limited to choices",
        ),
        (
            json!({"type": "string"}),
            json!({"type": "string", "format": "date"}),
            "lost the format \"date\"",
            "has the format \"date\" now",
        ),
        (
            json!({"type": "string"}),
            json!({"type": "string", "pattern": "^a"}),
            "lost the pattern \"^a\"",
            "has the pattern \"^a\" now",
        ),
        (
            json!({"type": "string", "maxLength": 9}),
            json!({"type": "string", "maxLength": 8}),
            "is no longer held to maxLength 8",
            "is now held to maxLength 8",
        ),
        (
            json!({"type": "string"}),
            json!({"type": "string", "minLength": 1}),
            "is no longer held to minLength 1",
            "is now held to minLength 1",
        ),
        (
            json!({"type": "number", "minimum": 1}),
            json!({"type": "number", "exclusiveMinimum": 1}),
            "is no longer held to exclusiveMinimum 1",
            "is now held to exclusiveMinimum 1",
        ),
        (
            json!({"type": "integer", "multipleOf": 5}),
            json!({"type": "integer", "multipleOf": 10}),
            "is no longer held to multipleOf 10",
            "is now held to multipleOf 10",
        ),
        (
            json!({"type": "array", "maxItems": 3}),
            json!({"type": "array", "maxItems": 2}),
            "is no longer held to maxItems 2",
            "is now held to maxItems 2",
        ),
        (
            json!({"type": "array"}),
            json!({"type": "array", "uniqueItems": true}),
            "may now repeat an item",
            "may no longer repeat an item",
        ),
        (
            json!({"type": "object"}),
            json!({"type": "object", "minProperties": 2}),
            "is no longer held to minProperties 2",
            "is now held to minProperties 2",
        ),
        (
            json!({"type": "number", "minimum": 1}),
            json!({"type": "number", "minimum": 2}),
            "is no longer held to minimum 2",
            "is now held to minimum 2",
        ),
        (
            json!({"type": "number", "maximum": 9}),
            json!({"type": "number", "maximum": 8}),
            "is no longer held to maximum 8",
            "is now held to maximum 8",
        ),
        (
            json!({"type": "number", "exclusiveMaximum": 9}),
            json!({"type": "number", "exclusiveMaximum": 8}),
            "is no longer held to exclusiveMaximum 8",
            "is now held to exclusiveMaximum 8",
        ),
        (
            json!({"type": "number", "exclusiveMinimum": 1}),
            json!({"type": "number", "exclusiveMinimum": 2}),
            "is no longer held to exclusiveMinimum 2",
            "is now held to exclusiveMinimum 2",
        ),
        (
            json!({"type": "array", "minItems": 1}),
            json!({"type": "array", "minItems": 2}),
            "is no longer held to minItems 2",
            "is now held to minItems 2",
        ),
        (
            json!({"type": "object", "maxProperties": 3}),
            json!({"type": "object", "maxProperties": 2}),
            "is no longer held to maxProperties 2",
            "is now held to maxProperties 2",
        ),
        (
            json!({"type": "number", "maximum": 5}),
            json!({"type": "number", "exclusiveMaximum": 5}),
            "is no longer held to exclusiveMaximum 5",
            "is now held to exclusiveMaximum 5",
        ),
    ] {
        let (wide, narrow) = (object(json!({"a": wide}), &[]), object(json!({"a": narrow}), &[]));
        assert_eq!(compare(narrow.clone(), wide.clone()), [format!("!/data/a {wider}")]);
        assert_eq!(compare(wide, narrow), [format!("/data/a {narrower}")]);
    }
}

#[test]
fn the_same_said_in_other_words_breaks_nobody() {
    let plain = object(
        json!({"a": {"type": "string", "maxLength": 5}, "b": {"type": "array", "items": {"type": "integer"}}}),
        &["a", "b"],
    );
    let other = json!({
        "title": "Other words",
        "$defs": {"short": {"type": "string", "maxLength": 5}, "numbers": {"items": {"$ref": "#/$defs/number"}}, "number": {"type": "integer"}},
        "allOf": [{"properties": {"a": true}, "required": ["b", "a"]}],
        "type": ["object"],
        "properties": {"b": {"type": "array", "allOf": [{"$ref": "#/$defs/numbers"}]}, "a": {"$ref": "#/$defs/short", "examples": ["x"]}},
        "additionalProperties": false
    });
    assert_eq!(compare(plain.clone(), other.clone()), [""; 0]);
    assert_eq!(compare(other, plain), [""; 0]);
}

#[test]
fn parts_of_all_of_are_asked_one_by_one() {
    let old = json!({"type": "object", "allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "string"}}}]});
    let found = compare(old, json!({"type": "object"}));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "!/data/a was required and no longer is");
    assert!(found[1].starts_with("!/data/a may now also be null"), "{found:?}");
}

#[test]
fn a_choice_that_keeps_the_old_bounds_breaks_no_receiver() {
    let old = object(json!({"a": {"type": "string", "maxLength": 3, "pattern": "^[a-z]+$"}}), &[]);
    assert_eq!(
        compare(old.clone(), object(json!({"a": {"enum": ["abc", "d"]}}), &[])),
        ["/data/a is now limited to choices"]
    );
    let over = compare(old, object(json!({"a": {"enum": ["abc", "D"]}}), &[]));
    assert_eq!(over[0], "!/data/a may now also be \"D\"");
}

#[test]
fn what_cannot_be_compared_must_stand_as_it_stood() {
    let with = |keyword: &str, value: Value| {
        let mut schema = object(json!({"a": {"type": "string"}, "b": {"type": "string"}}), &[]);
        schema[keyword] = value;
        schema
    };
    let any_of = json!([{"required": ["a"]}, {"required": ["b"]}]);
    let mut more = with("anyOf", any_of.clone());
    more["properties"]["c"] = json!({});
    assert_eq!(compare(with("anyOf", any_of.clone()), more), [""; 0]);
    let found = compare(with("anyOf", any_of.clone()), with("anyOf", json!([{"required": ["a"]}])));
    assert_eq!(found, ["!/data anyOf changed: it cannot be decided whether it still fits"]);
    let condition = json!({"properties": {"a": {"const": "x"}}, "required": ["a"]});
    let mut old = with("if", condition.clone());
    old["then"] = json!({"required": ["b"]});
    let mut new = old.clone();
    new["else"] = json!({"properties": {"b": false}});
    assert_eq!(compare(old.clone(), new).len(), 1);
    assert_eq!(
        compare(old, with("then", json!({"required": ["b"]}))),
        ["!/data if changed: it cannot be decided whether it still fits"]
    );
}

#[test]
fn other_fields_are_compared_where_a_schema_is_laid_on_them() {
    let with = |other: Value| json!({"type": "object", "properties": {"a": {}}, "additionalProperties": other});
    assert_eq!(
        compare(with(json!({"type": "string"})), with(json!({}))),
        ["!/data/* may now also be null, boolean, number, array, object"]
    );
    let mut named = with(json!({"type": "string"}));
    named["properties"]["b"] = json!({"type": "integer"});
    let found = compare(with(json!({"type": "string"})), named);
    assert_eq!(found, ["!/data/b may now also be integer", "/data/b may no longer be string"]);
    assert_eq!(compare(with(json!(false)), with(json!(true))), [""; 0]);
    assert_eq!(compare(with(json!(true)), with(json!(false))), ["/data/* may no longer be given"]);
}

#[test]
fn trees_are_compared_without_going_round_for_ever() {
    let tree = |max: u32| {
        json!({"$defs": {"node": {"type": "object", "properties": {"name": {"type": "string", "maxLength": max},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["name"]}}, "$ref": "#/$defs/node"})
    };
    assert_eq!(compare(tree(5), tree(5)), [""; 0]);
    assert_eq!(compare(tree(5), tree(6)), ["!/data/name is no longer held to maxLength 5"]);
    assert_eq!(compare(tree(5), tree(4)), ["/data/name is now held to maxLength 4"]);
}

#[test]
fn the_subject_rule_and_the_extensions_count() {
    let about = |rest: Value| {
        let mut about = json!({"owner": "moi", "name": {"en": "x", "ar": "س"}});
        for (name, value) in rest.as_object().unwrap() {
            about[name] = value.clone();
        }
        json!({"x-falaj": about})
    };
    let (with, without) = (about(json!({"subject": "required"})), about(json!({})));
    assert_eq!(compare(with.clone(), without.clone()), ["!/subject was required and no longer is"]);
    assert_eq!(compare(without.clone(), with), ["/subject is required now"]);
    let (two, one) = (about(json!({"extensions": ["aa", "bb"]})), about(json!({"extensions": ["aa"]})));
    assert_eq!(compare(two.clone(), one.clone()), ["/bb is an extension that is no longer allowed"]);
    assert_eq!(compare(one.clone(), two), [""; 0]);
    assert_eq!(compare(without, one), ["/* is an extension that is no longer allowed"]);
}

/// 1.1 may drop an optional field; 1.2 may not bring its name back with another meaning, though 1.1 alone would allow that.
#[test]
fn a_version_is_compared_with_all_older_ones_of_its_line() {
    let loaded = Registry::build(vec![
        source("a.b/1.0", object(json!({"a": {"type": "string"}}), &[])),
        source("a.b/1.1", object(json!({}), &[])),
        source("a.b/1.2", object(json!({"a": {"type": "integer"}}), &[])),
        source("a.b/2.0", object(json!({"a": {"type": "array"}}), &["a"])),
    ]);
    let said: Vec<_> =
        loaded.problems.iter().map(|problem| format!("{} {}", problem.file.display(), problem.what)).collect();
    assert_eq!(said, ["schemas/a.b/1.2.json against 1.0: /data/a: may now also be integer, which breaks receivers"]);
    let line = loaded.problems[0].line.unwrap() as usize;
    let text = source("a.b/1.2", object(json!({"a": {"type": "integer"}}), &[])).text;
    assert!(text.lines().nth(line - 1).unwrap().contains("\"a\""));
    assert_eq!(loaded.warnings.iter().filter(|warning| warning.file.ends_with("2.0.json")).count(), 0);
}

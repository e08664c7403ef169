//! What a schema says about a place in the data.

use serde_json::{Value, json};

use super::{schema, sound, source};
use crate::schema::Reach::{self, Always, Never, Sometimes};

fn reaches(document: Value, expected: &[(&str, Reach)]) {
    let schema = schema(document);
    for (pointer, reach) in expected {
        assert_eq!(schema.reach(pointer), *reach, "{pointer}");
    }
}

#[test]
fn required_fields_are_always_there_all_the_way_down() {
    reaches(
        json!({
            "type": "object",
            "properties": {
                "address": {"type": "object", "properties": {"zone": {}, "unit": {}}, "required": ["zone"], "additionalProperties": false},
                "note": {"type": "object", "required": ["text"]},
                "loose": {"required": ["x"]},
                "gone": false,
                "a/b": {"type": "string"}
            },
            "required": ["address", "loose", "a/b"],
            "additionalProperties": false
        }),
        &[
            ("", Always),
            ("/address", Always),
            ("/address/zone", Always),
            ("/address/unit", Sometimes),
            ("/address/other", Never),
            ("/note", Sometimes),
            ("/note/text", Sometimes),
            ("/loose", Always),
            ("/loose/x", Sometimes),
            ("/gone", Never),
            ("/a~1b", Always),
            ("/a~1b/c", Never),
            ("/other", Never),
            ("no-pointer", Never),
        ],
    );
}

#[test]
fn a_value_that_may_be_something_else_is_not_always_an_object() {
    reaches(json!({"required": ["a"]}), &[("/a", Sometimes), ("/b", Sometimes)]);
    reaches(json!({"type": ["object", "null"], "required": ["a"]}), &[("/a", Sometimes)]);
    reaches(json!({"type": "string"}), &[("", Always), ("/a", Never)]);
    reaches(
        json!({"type": "object", "additionalProperties": {"type": "integer"}}),
        &[("/a", Sometimes), ("/a/b", Never)],
    );
}

#[test]
fn alternatives_are_all_tried() {
    reaches(
        json!({
            "type": "object",
            "oneOf": [
                {"properties": {"a": {"type": "string"}, "both": {}}, "required": ["a", "both"]},
                {"properties": {"b": {"type": "string"}, "both": {}, "a": false}, "required": ["b", "both"]},
                false
            ]
        }),
        &[("/a", Sometimes), ("/b", Sometimes), ("/both", Always), ("/b/x", Sometimes)],
    );
    reaches(
        json!({
            "type": "object",
            "properties": {"action": {"enum": ["charge", "refund"]}, "of": {"type": "string"}, "never": {}},
            "required": ["action"],
            "if": {"properties": {"action": {"const": "refund"}}},
            "then": {"required": ["of"], "properties": {"never": false}},
            "else": {"properties": {"of": false, "never": false}}
        }),
        &[("/action", Always), ("/of", Sometimes), ("/never", Never)],
    );
}

#[test]
fn parts_of_all_of_hold_together() {
    reaches(
        json!({
            "allOf": [{"type": "object", "properties": {"a": {"required": ["x"]}}}, {"required": ["a"]}, {"properties": {"a": {"type": "object"}}}],
            "unevaluatedProperties": false
        }),
        &[("/a/x", Always), ("/b", Never)],
    );
    reaches(json!({"const": {"a": [1, {"b": 2}]}}), &[("/a/1/b", Always), ("/a/0", Always), ("/a/2", Never)]);
    reaches(json!({"enum": [{"a": 1}, {"b": 1}]}), &[("/a", Sometimes), ("/c", Never)]);
}

#[test]
fn items_are_reached_by_index() {
    reaches(
        json!({"type": "object", "required": ["list", "pair"], "properties": {
            "list": {"type": "array", "items": {"type": "object", "required": ["x"], "additionalProperties": false, "properties": {"x": {}}},
                "minItems": 1, "maxItems": 3},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": false, "minItems": 1}
        }}),
        &[
            ("/list/0", Always),
            ("/list/0/x", Always),
            ("/list/2/x", Sometimes),
            ("/list/3", Never),
            ("/list/00", Never),
            ("/list/x", Never),
            ("/list/0/y", Never),
            ("/pair/0", Always),
            ("/pair/1", Never),
        ],
    );
}

#[test]
fn names_may_be_given_by_pattern() {
    reaches(
        json!({"type": "object", "patternProperties": {"^x_": {"type": "object"}}, "additionalProperties": false}),
        &[("/x_a", Sometimes), ("/y", Never), ("/x_a/b", Sometimes)],
    );
    reaches(json!({"type": "object", "propertyNames": {"enum": ["a"]}}), &[("/a", Sometimes), ("/b", Never)]);
}

#[test]
fn references_lead_to_other_documents_and_into_trees() {
    let registry = sound(vec![
        source(
            "a.b/1.0",
            json!({"type": "object", "properties": {"p": {"$ref": "falaj:/schemas/c.d/1.0#/$defs/person"}}, "required": ["p"]}),
        ),
        source(
            "c.d/1.0",
            json!({"$defs": {"person": {"type": "object", "properties": {
            "name": {"type": "string"}, "mother": {"$ref": "#/$defs/person"}}, "required": ["name"], "additionalProperties": false}}}),
        ),
    ]);
    let schema = registry.all().next().unwrap();
    assert_eq!(schema.reach("/p/name"), Always);
    assert_eq!(schema.reach(&format!("/p{}/name", "/mother".repeat(50))), Sometimes);
    assert_eq!(schema.reach("/p/mother/mother/x"), Never);
}

#[test]
fn too_many_combinations_are_answered_with_sometimes_soon() {
    let choice = json!({"anyOf": (0..4).map(|n| json!({"title": n.to_string()})).collect::<Vec<_>>()});
    let many: Vec<Value> = (0..30).map(|_| choice.clone()).collect();
    reaches(json!({"type": "object", "required": ["a"], "allOf": many}), &[("/a", Sometimes)]);
}

#[test]
fn what_is_given_is_there_and_brings_what_it_must_have() {
    let schema = schema(json!({
        "type": "object",
        "properties": {
            "to": {"type": "object", "properties": {"zone": {}, "unit": {}}, "required": ["zone"], "additionalProperties": false},
            "refund_of": {"type": "string"},
            "action": {"enum": ["charge", "refund"]}
        },
        "required": ["action"],
        "additionalProperties": false,
        "if": {"properties": {"action": {"const": "refund"}}, "required": ["action"]},
        "then": {"required": ["refund_of"]},
        "else": {"properties": {"refund_of": false}}
    }));
    for (pointer, given, reach) in [
        ("/to/zone", &[][..], Sometimes),
        ("/to/zone", &["/to"][..], Always),
        ("/to/zone", &["/t", "/to/zon", "/action"][..], Sometimes),
        ("/to/unit", &["/to"][..], Sometimes),
        ("/to/unit", &["/to", "/to/unit"][..], Always),
        ("/to", &["/to/unit"][..], Sometimes),
        ("/to/fax", &["/to", "/to/fax"][..], Never),
        ("/refund_of", &[][..], Sometimes),
        ("/refund_of", &["/refund_of"][..], Always),
    ] {
        assert_eq!(schema.reach_given(pointer, given), reach, "{pointer} given {given:?}");
    }
}

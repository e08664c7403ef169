//! A second opinion on compatibility: schemas made at random, one edit apart, and documents tried against both.
//!
//! The checker may refuse what is harmless; it may never call compatible what a document refutes (K1, K2).

use serde_json::{Map, Value, json};

use super::compare::versions;
use super::{schema, source};
use crate::schema::{Registry, Severity, breaks};

/// Pairs of versions, and documents tried on each.
const PAIRS: u64 = 400;
const DOCUMENTS: usize = 60;
const NAMES: [&str; 4] = ["a", "b", "c", "x_1"];
const TEXTS: [&str; 7] = ["", "a", "b", "ab", "abc", "2000-09-03", "x"];

/// Numbers that look random and are the same on every run (SplitMix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub(super) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len() as u64) as usize]
    }
}

pub(super) fn any_schema(dice: &mut Dice, depth: u32) -> Value {
    let deep = if depth == 0 { 6 } else { 11 };
    let mut schema = match dice.roll(deep) {
        0 => json!({"type": "string"}),
        1 => json!({"type": *dice.pick(&["integer", "number"])}),
        2 => json!({"type": "boolean"}),
        3 => json!({"enum": [any_value(dice, 0), any_value(dice, 0), any_value(dice, 0)]}),
        4 => json!({"type": ["string", *dice.pick(&["null", "integer", "object"])]}),
        5 => json!({}),
        6..=8 => any_object(dice, depth),
        9 => json!({"type": "array", "items": any_schema(dice, depth - 1)}),
        _ => json!({"$ref": *dice.pick(&["#/$defs/p", "#/$defs/q"])}),
    };
    for _ in 0..dice.roll(3) {
        assertion(dice, &mut schema, depth);
    }
    schema
}

pub(super) fn any_object(dice: &mut Dice, depth: u32) -> Value {
    let mut properties = Map::new();
    for name in NAMES {
        if dice.one_in(2) {
            properties.insert(name.to_owned(), any_schema(dice, depth - 1));
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if dice.one_in(2) {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

/// Adds, changes or removes one keyword.
fn assertion(dice: &mut Dice, schema: &mut Value, depth: u32) {
    let Some(members) = schema.as_object_mut() else { return };
    let number = json!(dice.roll(4));
    let below = depth.saturating_sub(1);
    let (keyword, value) = match dice.roll(26) {
        0 => ("minLength", number),
        1 => ("maxLength", number),
        2 => ("minimum", number),
        3 => ("maximum", number),
        4 => ("exclusiveMinimum", number),
        5 => ("exclusiveMaximum", number),
        6 => ("multipleOf", json!(dice.roll(3) + 1)),
        7 => ("minItems", number),
        8 => ("maxItems", number),
        9 => ("uniqueItems", json!(dice.one_in(2))),
        10 => ("format", json!("date")),
        11 => ("pattern", json!(*dice.pick(&["^a", "b"]))),
        12 => ("const", any_value(dice, 1)),
        13 | 14 => ("required", json!([*dice.pick(&NAMES)])),
        15 => (
            "additionalProperties",
            if dice.one_in(2) { json!(dice.one_in(2)) } else { any_schema(dice, below.min(1)) },
        ),
        16 => ("patternProperties", json!({"^x_": any_schema(dice, below.min(1))})),
        17 => ("minProperties", number),
        18 => ("maxProperties", number),
        19 => ("prefixItems", json!([any_schema(dice, below.min(1))])),
        20 => ("items", any_schema(dice, below.min(1))),
        21 => ("allOf", json!([any_schema(dice, below.min(1))])),
        22 => ("anyOf", json!([{"required": ["a"]}, {"type": *dice.pick(&["string", "object"])}])),
        23 => ("not", json!({"required": [*dice.pick(&NAMES)]})),
        24 => ("unevaluatedProperties", json!(false)),
        _ => ("if", json!({"required": ["b"]})),
    };
    if dice.one_in(4) {
        members.remove(keyword);
    } else {
        if keyword == "if" {
            members.insert("then".to_owned(), json!({"required": [*dice.pick(&NAMES)]}));
        }
        members.insert(keyword.to_owned(), value);
    }
}

/// Changes one thing somewhere in a schema.
fn edit(dice: &mut Dice, schema: &mut Value, depth: u32) {
    let below: Vec<String> = match schema.get("properties") {
        Some(Value::Object(properties)) => properties.keys().cloned().collect(),
        _ => Vec::new(),
    };
    match dice.roll(6) {
        0 => *schema = any_schema(dice, depth.min(1)),
        1 if schema["properties"].is_object() => {
            let name = *dice.pick(&NAMES);
            schema["properties"][name] = any_schema(dice, depth.min(1));
        }
        2 if !below.is_empty() => {
            let name = dice.pick(&below).clone();
            schema["properties"].as_object_mut().unwrap().remove(&name);
        }
        3 | 4 if !below.is_empty() => {
            let name = dice.pick(&below).clone();
            edit(dice, &mut schema["properties"][&name], depth.saturating_sub(1));
        }
        _ if schema.is_object() => assertion(dice, schema, depth),
        _ => {}
    }
}

fn any_value(dice: &mut Dice, depth: u32) -> Value {
    match dice.roll(if depth == 0 { 6 } else { 10 }) {
        0 => Value::Null,
        1 => json!(dice.one_in(2)),
        2 => json!(dice.roll(6) as i64 - 1),
        3 => json!(dice.roll(8) as f64 / 2.0),
        4 | 5 => json!(*dice.pick(&TEXTS)),
        6 => Value::Array((0..dice.roll(4)).map(|_| any_value(dice, depth - 1)).collect()),
        _ => {
            let mut members = Map::new();
            for name in NAMES.iter().chain(&["z"]) {
                if dice.one_in(3) {
                    members.insert((*name).to_owned(), any_value(dice, depth - 1));
                }
            }
            Value::Object(members)
        }
    }
}

/// A value that a schema probably allows.
pub(super) fn fitting(dice: &mut Dice, root: &Value, schema: &Value, depth: u32) -> Value {
    if depth == 0 || dice.one_in(12) {
        return any_value(dice, depth.min(1));
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return fitting(dice, root, root.pointer(&reference[1..]).unwrap(), depth - 1);
    }
    if let Some(values) = schema["enum"].as_array() {
        return dice.pick(values).clone();
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    let ty = match &schema["type"] {
        Value::String(ty) => ty.clone(),
        Value::Array(types) => dice.pick(types).as_str().unwrap().to_owned(),
        _ => return any_value(dice, depth.min(2)),
    };
    match ty.as_str() {
        "string" => json!(*dice.pick(&TEXTS)),
        "integer" => json!(dice.roll(6)),
        "number" => json!(dice.roll(12) as f64 / 2.0),
        "boolean" => json!(dice.one_in(2)),
        "array" => Value::Array((0..dice.roll(4)).map(|_| fitting(dice, root, &schema["items"], depth - 1)).collect()),
        "object" => {
            let mut members = Map::new();
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (name, below) in schema["properties"].as_object().into_iter().flatten() {
                if required.contains(&name.as_str()) || dice.one_in(2) {
                    members.insert(name.clone(), fitting(dice, root, below, depth - 1));
                }
            }
            let extra = dice.one_in(3).then(|| *dice.pick(&NAMES));
            for name in required.into_iter().chain(extra) {
                if !members.contains_key(name) {
                    members.insert(name.to_owned(), fitting(dice, root, &schema["additionalProperties"], depth - 1));
                }
            }
            Value::Object(members)
        }
        _ => Value::Null,
    }
}

/// The schema as receivers read it: fields they do not know are ignored.
fn opened(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let each = |value: &Value| match value {
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), opened(value))).collect())
        }
        Value::Array(items) => items.iter().map(opened).collect(),
        other => other.clone(),
    };
    let open = |(keyword, value): (&String, &Value)| {
        let value = match (keyword.as_str(), value) {
            ("additionalProperties", Value::Bool(false)) => json!(true),
            ("properties" | "patternProperties" | "$defs" | "allOf" | "prefixItems", value) => each(value),
            ("items" | "additionalProperties", value) => opened(value),
            (_, value) => value.clone(),
        };
        (keyword.clone(), value)
    };
    Value::Object(members.iter().map(open).collect())
}

/// Whether a schema, as made here, can be loaded at all.
pub(super) fn loads(document: &Value) -> bool {
    Registry::build(vec![source("a.b/1.0", document.clone())]).problems.is_empty()
}

#[test]
fn no_document_refutes_what_is_called_compatible() {
    let (mut receivers_fine, mut senders_fine, mut refuted) = (0, 0, 0);
    for seed in 0..PAIRS {
        let mut dice = Dice(seed);
        let mut old = any_object(&mut dice, 3);
        old["$defs"] = json!({"p": any_schema(&mut dice, 2), "q": any_schema(&mut dice, 1)});
        let mut new = old.clone();
        for _ in 0..=dice.roll(2) {
            match dice.roll(4) {
                0 => {
                    let name = *dice.pick(&["p", "q"]);
                    edit(&mut dice, &mut new["$defs"][name], 2);
                }
                _ => {
                    let defs = new.as_object_mut().unwrap().remove("$defs").unwrap();
                    edit(&mut dice, &mut new, 3);
                    if new.is_object() {
                        new["$defs"] = defs;
                    }
                }
            }
        }
        if !new.is_object() || !loads(&old) || !loads(&new) {
            continue;
        }
        let (old_schema, new_schema) = versions(old.clone(), new.clone());
        let open = schema(opened(&old));
        let found = breaks(&old_schema, &new_schema);
        let for_receivers = !found.iter().any(|b| b.severity == Severity::Error);
        let for_senders = found.is_empty();
        receivers_fine += u32::from(for_receivers && old != new);
        senders_fine += u32::from(for_senders && old != new);
        let mut broken = false;
        for _ in 0..DOCUMENTS {
            let root = if dice.one_in(2) { &old } else { &new };
            let document = fitting(&mut dice, root, root, 5);
            let (in_old, in_new) = (old_schema.is_valid(&document), new_schema.is_valid(&document));
            let read = !in_new || open.is_valid(&document);
            assert!(read || !for_receivers, "receivers break on {document}\nold {old}\nnew {new}\n{found:?}");
            assert!(!in_old || in_new || !for_senders, "senders break on {document}\nold {old}\nnew {new}\n{found:?}");
            broken |= !read;
        }
        refuted += u32::from(broken);
    }
    println!("{receivers_fine} pairs fine for receivers, {senders_fine} for all, {refuted} refuted by a document");
    assert!(receivers_fine > 30 && senders_fine > 10 && refuted > 20, "{receivers_fine} {senders_fine} {refuted}");
}

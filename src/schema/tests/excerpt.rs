//! Excerpts: what they say of the shipped kind of schema, and that no projection refutes one (X1).

use serde_json::{Value, json};

use super::oracle::{Dice, any_object, any_schema, fitting, loads};
use super::schema;
use crate::mapping::Fields;

/// Schemas made at random, and documents tried on each.
const SCHEMAS: u64 = 400;
const DOCUMENTS: usize = 40;

fn excerpt(document: Value, pointers: &[&str]) -> Value {
    schema(document).excerpt(pointers)
}

fn person() -> Value {
    json!({
        "title": "A person",
        "type": "object",
        "properties": {
            "qid": { "type": "string", "maxLength": 11 },
            "address": { "$ref": "#/$defs/address", "description": "The new one." },
            "income": { "type": "integer", "description": "Nobody's business." },
            "phones": { "type": "array", "items": { "type": "string" } }
        },
        "required": ["qid", "address"],
        "additionalProperties": false,
        "$defs": { "address": {
            "type": "object",
            "properties": { "zone": { "type": "integer", "minimum": 1 }, "street": { "type": "integer" } },
            "required": ["zone"]
        } }
    })
}

#[test]
fn an_excerpt_names_what_is_listed_and_nothing_else() {
    let cut = excerpt(person(), &["/qid", "/address/zone"]);
    let expected = json!({
        "title": "A person",
        "type": "object",
        "properties": {
            "qid": { "type": "string", "maxLength": 11 },
            "address": {
                "type": "object",
                "properties": { "zone": { "type": "integer", "minimum": 1 } },
                "required": ["zone"],
                "additionalProperties": false
            }
        },
        "required": ["address", "qid"],
        "additionalProperties": false
    });
    assert_eq!(cut, expected);
    let optional = excerpt(person(), &["/address/street", "/income"]);
    assert_eq!(optional.get("required"), None, "an address without a street is not sent at all");
    let all = excerpt(person(), &[""]);
    assert_eq!(all["properties"]["address"]["description"], "The new one.");
    assert_eq!(all["properties"]["address"]["properties"]["zone"]["minimum"], 1);
    assert!(!all.to_string().contains("$ref") && !all.to_string().contains("$defs"));
}

#[test]
fn an_index_leaves_an_array_of_what_it_picks() {
    let cut = excerpt(person(), &["/phones/0"]);
    assert_eq!(
        cut["properties"]["phones"],
        json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }] }, "maxItems": 1 })
    );
}

#[test]
fn a_tree_is_told_once_and_ends() {
    let tree = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "below": { "type": "array", "items": { "$ref": "#" } } },
        "required": ["name"]
    });
    let all = excerpt(tree.clone(), &[""]);
    assert_eq!(all["properties"]["below"]["items"], json!({}));
    let cut = excerpt(tree, &["/below/0/name"]);
    assert_eq!(cut["properties"]["below"]["items"]["anyOf"][0]["properties"]["name"], json!({ "type": "string" }));
}

#[test]
fn no_projection_refutes_an_excerpt() {
    let pointers = ["", "/a", "/b", "/a/b", "/a/c", "/b/0", "/c/a", "/c/1/a", "/x_1", "/z", "/a/b/c"];
    let (mut tried, mut strict) = (0, 0);
    for seed in 0..SCHEMAS {
        let mut dice = Dice(seed);
        let mut document = any_object(&mut dice, 3);
        document["$defs"] = json!({ "p": any_schema(&mut dice, 2), "q": any_schema(&mut dice, 1) });
        if !loads(&document) {
            continue;
        }
        let of = schema(document.clone());
        let listed: Vec<String> = (0..=dice.roll(3)).map(|_| (*dice.pick(&pointers)).to_owned()).collect();
        let names: Vec<&str> = listed.iter().map(String::as_str).collect();
        let cut = of.excerpt(&names);
        let fields = Fields::parse(&listed).unwrap();
        let check = jsonschema::draft7::new(&cut).unwrap_or_else(|error| panic!("{error}\n{cut}\nof {document}"));
        strict += u32::from(!check.is_valid(&json!({ "z": { "z": 1 } })));
        for _ in 0..DOCUMENTS {
            let data = fitting(&mut dice, &document, &document, 5);
            if !of.is_valid(&data) {
                continue;
            }
            let projected: Value = serde_json::from_str(&fields.project(&data.to_string())).unwrap();
            let fits = check.is_valid(&projected);
            assert!(fits, "{projected} of {data}\nis refused by {cut}\nof {document}\ncut to {listed:?}");
            tried += 1;
        }
    }
    println!("{tried} projections tried, {strict} excerpts refuse something");
    assert!(tried > 2_000 && strict > 100, "{tried} {strict}");
}

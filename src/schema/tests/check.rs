//! Checking envelopes: every fault at once, in both languages, without a value.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::schema;
use crate::model::envelope::{AttributeValue, Attributes, Envelope};
use crate::model::id::EventType;
use crate::schema::{VIOLATIONS_MAX, Violation};

fn envelope(data: &str) -> Envelope {
    let attributes = Attributes {
        id: "1".into(),
        source: "urn:x".into(),
        ty: EventType::parse("a.b").unwrap(),
        subject: None,
        time: None,
        datacontenttype: None,
        dataschema: None,
        extensions: BTreeMap::new(),
    };
    Envelope { attributes, data: data.to_owned().into() }
}

fn check(document: Value, data: &str) -> Vec<Violation> {
    schema(document).check(&envelope(data))
}

fn places(document: Value, data: &str) -> Vec<(String, String)> {
    check(document, data).into_iter().map(|violation| (violation.pointer, violation.keyword)).collect()
}

fn pair(pointer: &str, keyword: &str) -> (String, String) {
    (pointer.to_owned(), keyword.to_owned())
}

#[test]
fn every_wrong_field_is_named() {
    let document = json!({
        "type": "object",
        "properties": {
            "qid": {"type": "string", "pattern": "^[23][0-9]{10}$"},
            "address": {"type": "object", "properties": {"zone": {"type": "integer", "maximum": 99}}, "required": ["zone", "a/b"]},
            "on": {"type": "string", "format": "date"},
            "kinds": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": true}
        },
        "required": ["qid", "address"],
        "additionalProperties": false
    });
    let found = places(
        document,
        r#"{"qid": "1", "address": {"zone": 100}, "on": "soon", "kinds": ["a", "c", "c"], "extra": 1}"#,
    );
    for (pointer, keyword) in [
        ("/data/qid", "pattern"),
        ("/data/address/zone", "maximum"),
        ("/data/address/a~1b", "required"),
        ("/data/on", "format"),
        ("/data/kinds/1", "enum"),
        ("/data/kinds", "uniqueItems"),
        ("/data", "additionalProperties"),
    ] {
        assert!(found.contains(&pair(pointer, keyword)), "{pointer} {keyword} in {found:?}");
    }
    assert_eq!(found.len(), 8, "{found:?}");
}

/// Each keyword of the validator has a sentence of its own in both languages, and none repeats what the sender wrote.
#[test]
fn every_keyword_is_said_in_both_languages_without_a_value() {
    let secret = "28763500001";
    let number = "2876350000.5";
    let cases: Vec<(Value, String)> = vec![
        (json!({"required": ["zone"]}), "{}".into()),
        (json!({"type": "object"}), format!("\"{secret}\"")),
        (json!({"type": ["array", "null", "boolean"]}), format!("\"{secret}\"")),
        (json!({"type": "integer"}), number.into()),
        (json!({"enum": ["a", "b"]}), format!("\"{secret}\"")),
        (json!({"const": "a"}), format!("\"{secret}\"")),
        (json!({"pattern": "^[a-z]+$"}), format!("\"{secret}\"")),
        (json!({"format": "email"}), format!("\"{secret}\"")),
        (json!({"format": "date-time"}), format!("\"{secret}\"")),
        (json!({"format": "date"}), format!("\"{secret}\"")),
        (json!({"format": "time"}), format!("\"{secret}\"")),
        (json!({"format": "uuid"}), format!("\"{secret}\"")),
        (json!({"format": "uri"}), format!("\"{secret}\"")),
        (json!({"format": "duration"}), format!("\"{secret}\"")),
        (json!({"format": "ipv4"}), format!("\"{secret}\"")),
        (json!({"format": "ipv6"}), format!("\"{secret}\"")),
        (json!({"format": "hostname"}), "\"-28763500001\"".into()),
        (json!({"format": "json-pointer"}), format!("\"{secret}\"")),
        (json!({"maxLength": 3}), format!("\"{secret}\"")),
        (json!({"minLength": 30}), format!("\"{secret}\"")),
        (json!({"minLength": 1}), "\"\"".into()),
        (json!({"maximum": 5}), number.into()),
        (json!({"minimum": 9876543210123_u64}), number.into()),
        (json!({"exclusiveMaximum": 5}), number.into()),
        (json!({"exclusiveMinimum": 9876543210123_u64}), number.into()),
        (json!({"multipleOf": 7}), number.into()),
        (json!({"maxItems": 1}), format!("[\"{secret}\", 2]")),
        (json!({"minItems": 3}), format!("[\"{secret}\", 2]")),
        (json!({"uniqueItems": true}), format!("[\"{secret}\", \"{secret}\"]")),
        (json!({"contains": {"const": 1}}), format!("[\"{secret}\"]")),
        (json!({"prefixItems": [true], "items": false}), format!("[1, \"{secret}\"]")),
        (json!({"prefixItems": [true], "unevaluatedItems": false}), format!("[1, \"{secret}\"]")),
        (json!({"maxProperties": 0}), format!("{{\"{secret}\": \"{secret}\"}}")),
        (json!({"minProperties": 2}), format!("{{\"{secret}\": \"{secret}\"}}")),
        (json!({"propertyNames": {"maxLength": 3}}), format!("{{\"{secret}\": \"{secret}\"}}")),
        (json!({"additionalProperties": false}), format!("{{\"{secret}\": \"{secret}\"}}")),
        (json!({"additionalProperties": {"type": "null"}}), format!("{{\"{secret}\": \"{secret}\"}}")),
        (json!({"unevaluatedProperties": false}), format!("{{\"{secret}\": \"{secret}\"}}")),
        (json!({"properties": {"a": false}}), "{\"a\": 1}".into()),
        (json!({"anyOf": [{"type": "null"}, {"maxLength": 2}]}), format!("\"{secret}\"")),
        (json!({"oneOf": [{"type": "null"}, {"maxLength": 2}]}), format!("\"{secret}\"")),
        (json!({"oneOf": [{"type": "string"}, {"minLength": 2}]}), format!("\"{secret}\"")),
        (json!({"not": {"type": "string"}}), format!("\"{secret}\"")),
        (json!({"dependentRequired": {"a": ["b"]}}), "{\"a\": 1}".into()),
        (json!({"type": "string"}), "1e999".into()),
    ];
    let mut said = Vec::new();
    for (document, data) in cases {
        let found = check(document.clone(), &data);
        assert_eq!(found.len(), 1, "{document} {found:?}");
        let Violation { pointer, keyword, message } = &found[0];
        let all = format!("{pointer} {keyword} {} {}", message.en, message.ar);
        assert!(!all.contains("2876"), "{document}: {all}");
        assert!(message.ar.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c)), "{all}");
        said.push(format!("{document}\n  {pointer} {keyword}\n  {}\n  {}", message.en, message.ar));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn unexpected_names_are_repeated_only_when_they_are_plain_words() {
    let document =
        json!({"properties": {"a": {"properties": {"zone": {}, "street": {}}, "additionalProperties": false}}});
    let found = check(document, r#"{"a": {"zoone": 1, "28763500001": 2, "أحمد": 3}}"#);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].pointer, "/data/a");
    assert_eq!(found[0].message.en, "3 fields of this object are not expected: zoone. Known here are: street, zone.");
    assert_eq!(
        found[0].message.ar,
        "عدد الحقول غير المتوقعة في هذا الكائن: 3: zoone. الحقول المعروفة هنا: street, zone."
    );
}

#[test]
fn a_pointer_ends_before_a_name_that_only_the_sender_wrote() {
    let document = json!({
        "properties": {"اسم": {"type": "string"}},
        "additionalProperties": {"type": "object", "properties": {"n": {"type": "integer"}}}
    });
    let found = places(document.clone(), r#"{"28763500001": {"n": "x"}, "plain": {"n": "x"}, "اسم": 1}"#);
    assert!(found.contains(&pair("/data", "type")), "{found:?}");
    assert!(found.contains(&pair("/data/plain/n", "type")), "{found:?}");
    assert!(found.contains(&pair("/data/اسم", "type")), "{found:?}");
    assert_eq!(found.len(), 3);
}

#[test]
fn the_subject_and_the_extensions_are_part_of_the_check() {
    let about =
        json!({"owner": "moi", "name": {"en": "x", "ar": "س"}, "subject": "required", "extensions": ["correlationid"]});
    let schema = schema(json!({"x-falaj": about, "type": "object"}));
    let mut envelope = envelope("[]");
    envelope.attributes.extensions.insert("authid".into(), AttributeValue::Text("28763500001".into()));
    envelope.attributes.extensions.insert("correlationid".into(), AttributeValue::Integer(1));
    let found: Vec<_> =
        schema.check(&envelope).into_iter().map(|violation| (violation.pointer, violation.keyword)).collect();
    assert_eq!(found, [pair("/subject", "required"), pair("/authid", "extensions"), pair("/data", "type")]);
    envelope.attributes.subject = Some("s".into());
    envelope.attributes.extensions.remove("authid");
    envelope.data = "{}".into();
    assert_eq!(schema.check(&envelope), []);
}

#[test]
fn a_flood_of_errors_is_cut_and_says_so() {
    let document = json!({"items": {"type": "integer"}});
    let found = check(document, &format!("[{}\"x\"]", "\"x\",".repeat(5000)));
    assert_eq!(found.len(), VIOLATIONS_MAX + 1);
    assert_eq!(found[VIOLATIONS_MAX].keyword, "more");
    let exactly =
        check(json!({"items": {"type": "integer"}}), &format!("[{}\"x\"]", "\"x\",".repeat(VIOLATIONS_MAX - 1)));
    assert_eq!(exactly.len(), VIOLATIONS_MAX);
}

#[test]
fn numbers_keep_what_matters() {
    let integer = || json!({"type": "integer", "minimum": 0});
    assert_eq!(check(integer(), "123456789012345678901234567890"), []);
    assert_eq!(check(integer(), "1.0"), []);
    assert_eq!(places(integer(), "-123456789012345678901234567890"), [pair("/data", "minimum")]);
    assert_eq!(places(integer(), "1e400"), [pair("/data", "data")]);
    assert_eq!(places(integer(), &"[".repeat(500)), [pair("/data", "data")]);
}

/// Formats assert: a text that only looks like a date is refused.
#[test]
fn formats_assert() {
    for (format, good, bad) in [
        ("date", "2000-09-03", "2000-13-01"),
        ("date-time", "2000-09-03T07:30:00+03:00", "2000-09-03 07:30"),
        ("email", "a@b.qa", "a.b.qa"),
        ("uri", "https://hukoomi.gov.qa/x", "hukoomi"),
        ("uuid", "018f0000-0000-7000-8000-000000000000", "018f"),
        ("time", "07:30:00Z", "7:30"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
    ] {
        let document = json!({"format": format});
        assert_eq!(check(document.clone(), &format!("\"{good}\"")), [], "{format}");
        assert_eq!(places(document, &format!("\"{bad}\"")), [pair("/data", "format")], "{format}");
    }
}

/// A text made to make a backtracking engine run for years is answered at once.
#[test]
fn patterns_run_in_linear_time() {
    let start = Instant::now();
    assert_eq!(
        places(json!({"pattern": "^(a+)+$"}), &format!("\"{}!\"", "a".repeat(100_000))),
        [pair("/data", "pattern")]
    );
    assert!(start.elapsed().as_secs() < 5);
}

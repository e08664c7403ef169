use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::model::json::{self, Kind};

#[test]
fn only_what_is_listed_is_written() {
    for (pointers, expected) in [
        (&["/qid"][..], r#"{"qid":"28412345678"}"#),
        (&["/address/zone", "/qid"], r#"{"qid":"28412345678","address":{"zone":51}}"#),
        (
            &["/address", "/address/zone"],
            r#"{"address":{"zone":51,"street":"شارع \"الكورنيش\"","unit":null,"country":"QA"}}"#,
        ),
        (&["/account", "/address/unit"], r#"{"address":{"unit":null},"account":123456789012345678901234567890}"#),
        (&["/fees/1"], r#"{"fees":[{"code":"B","amount":20.00,"paid":false}]}"#),
        (&["/fees/1/amount", "/fees/0/amount"], r#"{"fees":[{"amount":1.10},{"amount":20.00}]}"#),
        (&["/fees/2", "/fees/01", "/fees/-"], "{}"),
        (&["/qid/0", "/qid/x", "/address/zone/x", "/missing", "/medical/dose"], "{}"),
        (&[], "{}"),
    ] {
        assert_eq!(fields(pointers).project(SAMPLE), expected, "{pointers:?}");
    }
    assert_eq!(everything().project(" [ 1.0 , \"a b\" ] "), r#"[1.0,"a b"]"#);
    assert_eq!(fields(&["/0"]).project("[1, 2]"), "[1]");
    assert_eq!(fields(&["/5"]).project("[1, 2]"), "[]");
    assert_eq!(fields(&["/5"]).project("\"text\""), "null");
    assert_eq!(everything().project(" \"text\" "), "\"text\"");
}

#[test]
fn names_are_compared_unescaped_and_written_as_they_came() {
    let data = r#"{"a\/b":1,"m~n":2,"\u0061":3,"":4}"#;
    assert_eq!(fields(&["/a~1b", "/m~0n", "/a", "/"]).project(data), r#"{"a\/b":1,"m~n":2,"\u0061":3,"":4}"#);
    assert_eq!(fields(&["/a"]).project(data), r#"{"\u0061":3}"#);
}

#[test]
fn pointers_are_checked_when_they_are_parsed() {
    let refused = |pointer: &str| Fields::parse(&[pointer.to_owned()]).unwrap_err();
    assert_eq!(refused("address.zone").hint, "write \"/address/zone\"");
    assert_eq!(refused("$.address").hint, "write \"/address\"");
    assert_eq!(refused("#/address").hint, "write \"/address\"");
    assert!(refused("/a~b").what.contains('~'));
    assert!(refused(&"/a".repeat(65)).what.contains("64 steps"));
    assert!(Fields::parse(&vec!["/a".to_owned(); 513]).is_err());
    let known = fields(&["/b", "/a"]);
    assert_eq!(known.pointers().collect::<Vec<_>>(), ["/b", "/a"]);
}

#[test]
fn covers_means_whole() {
    let known = fields(&["/a", "/b/c", "/d/0"]);
    for (pointer, expected) in [
        ("/a", true),
        ("/a/x/0", true),
        ("/b/c", true),
        ("/b/c/d", true),
        ("/d/0/x", true),
        ("/b", false),
        ("/b/d", false),
        ("/d", false),
        ("/d/1", false),
        ("", false),
        ("a", false),
    ] {
        assert_eq!(known.covers(pointer), expected, "{pointer}");
    }
    assert!(everything().covers("") && everything().covers("/x") && everything().is_everything());
    assert!(!known.is_everything());
}

#[test]
fn withheld_names_the_deepest_common_pointers() {
    let left = fields(&["/qid", "/address/zone", "/fees/0/code", "/name"]).withheld(SAMPLE);
    let expected = [
        "/address/street",
        "/address/unit",
        "/address/country",
        "/fees/0/amount",
        "/fees/0/paid",
        "/fees/1",
        "/account",
        "/medical",
    ];
    assert_eq!(left, expected);
    assert_eq!(fields(&["/medical/dose"]).withheld(r#"{"medical":{"diagnosis":1},"a/b":2}"#), ["/medical", "/a~1b"]);
    assert_eq!(fields(&["/a"]).withheld("5"), [""]);
    assert!(everything().withheld(SAMPLE).is_empty());
    assert!(fields(&["/a"]).withheld("{}").is_empty());
    let many: Vec<_> = (0..5000).map(|n| format!("\"k{n}\":0")).collect();
    assert_eq!(fields(&["/a"]).withheld(&format!("{{{}}}", many.join(","))).len(), 1000);
}

/// Every scalar and empty container, with the pointer that leads to it.
fn leaves(text: &str, at: String, out: &mut Vec<(String, String)>) {
    let before = out.len();
    match json::kind(text) {
        Kind::Object => {
            for (name, value) in json::members(text) {
                leaves(value, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Kind::Array => {
            for (index, value) in json::elements(text).enumerate() {
                leaves(value, format!("{at}/{index}"), out);
            }
        }
        _ => return out.push((at, text.to_owned())),
    }
    if out.len() == before {
        out.push((at, json::compact(text)));
    }
}

/// Some pointers of the text, others beside them.
fn pick(text: &str, choices: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    leaves(text, String::new(), &mut all);
    let mut picked = Vec::new();
    for (choice, (pointer, _)) in choices.iter().zip(&all) {
        match choice % 4 {
            0 => picked.push(pointer.clone()),
            1 => picked.extend(
                pointer.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()).map(|(parent, _)| parent.to_owned()),
            ),
            2 => picked.push(format!("{pointer}/x")),
            _ => {}
        }
    }
    picked
}

proptest! {
    /// Keeps F1 and F2: leaf by leaf, what is written is what is listed, digit for digit.
    #[test]
    fn a_projection_is_the_listed_leaves(text in crate::model::json::tests::checked_text(), choices in prop::collection::vec(any::<u8>(), 40)) {
        let pointers = pick(&text, &choices);
        let known = Fields::parse(&pointers).unwrap();
        let projected = known.project(&text);
        prop_assert!(json::check(&projected, 64).is_ok(), "{projected}");
        let (mut all, mut written) = (Vec::new(), Vec::new());
        leaves(&text, String::new(), &mut all);
        leaves(&projected, String::new(), &mut written);
        let listed: Vec<_> = all.iter().filter(|(pointer, _)| known.covers(pointer)).map(|(_, value)| value).collect();
        if listed.is_empty() {
            prop_assert!(["{}", "[]", "null"].contains(&projected.as_str()), "{projected}");
        } else {
            prop_assert_eq!(written.iter().map(|(_, value)| value).collect::<Vec<_>>(), listed);
        }
        let left = known.withheld(&text);
        if !matches!(json::kind(&text), Kind::Object | Kind::Array) {
            return Ok(());
        }
        for (pointer, _) in all.iter().filter(|(pointer, _)| !pointer.is_empty()) {
            let withheld = left.iter().any(|left| pointer == left || pointer.starts_with(&format!("{left}/")));
            prop_assert_eq!(withheld, !known.covers(pointer), "{}", pointer);
        }
    }

    #[test]
    fn everything_is_the_compact_text(text in crate::model::json::tests::checked_text()) {
        let projected = everything().project(&text);
        prop_assert_eq!(&projected, &json::compact(&text));
        let theirs = serde_json::from_str::<Value>(&text);
        if let Ok(theirs) = theirs {
            prop_assert_eq!(serde_json::from_str::<Value>(&projected).unwrap(), theirs);
        }
    }
}

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

const DEPTH: u16 = 64;

fn form(text: &str) -> String {
    check(text, DEPTH).unwrap();
    let mut out = Vec::new();
    canonical(text, &mut out);
    String::from_utf8(out).unwrap()
}

fn syntax(text: &str) -> (&'static str, usize) {
    match check(text, DEPTH) {
        Err(JsonFault::Syntax { what, offset }) => (what, offset),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_rfc_8259_allows_is_taken() {
    for text in [
        "null",
        " true ",
        "\r\n\tfalse",
        "0",
        "-0",
        "-0.0e-00",
        "1E+9",
        "123456789012345678901234567890.10",
        "1e999",
        "\"\"",
        "\"\u{7f}\u{80}\u{10ffff}سجل\"",
        r#""\"\\\/\b\f\n\r\tA\ud83d\ude00""#,
        "[]",
        "[ ]",
        "{}",
        "{ }",
        r#"{"a":{"a":[{"a":1},{"a":1}]},"b":[[],[{}]]}"#,
        r#" { "" : 1 , " " : [ 1 , 2 ] } "#,
    ] {
        assert_eq!(check(text, DEPTH), Ok(()), "{text}");
    }
}

#[test]
fn what_rfc_8259_forbids_is_refused_with_its_place() {
    for (text, offset) in [
        ("", 0),
        (" ", 1),
        ("\u{feff}1", 0),
        ("nul", 0),
        ("nulll", 4),
        ("01", 1),
        ("+1", 0),
        ("-", 1),
        (".5", 0),
        ("1.", 2),
        ("1e", 2),
        ("1e+", 3),
        ("NaN", 0),
        ("1 2", 2),
        ("[", 1),
        ("[1", 2),
        ("[1,]", 3),
        ("[,1]", 1),
        ("[1}", 2),
        ("]", 0),
        ("{", 1),
        ("{\"a\"", 4),
        ("{\"a\":", 5),
        ("{\"a\":1", 6),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("{\"a\" 1}", 5),
        ("{\"a\":1]", 6),
        ("'a'", 0),
        ("\"", 1),
        ("\"\\", 1),
        ("\"\\x\"", 1),
        ("\"\\u12\"", 1),
        ("\"\\u+041\"", 1),
        ("\"a\nb\"", 2),
        ("// x\n1", 0),
        ("\u{a0}1", 0),
        ("{\"a\":1}}", 7),
    ] {
        assert_eq!(syntax(text).1, offset, "{text}");
    }
}

#[test]
fn names_are_compared_after_unescaping_at_every_depth() {
    assert_eq!(check(r#"{"a":1,"a":2}"#, DEPTH), Err(JsonFault::DoubledKey { offset: 7 }));
    assert_eq!(check(r#"[{"x":{"a":1,"b":{},"\u0061":2}}]"#, DEPTH), Err(JsonFault::DoubledKey { offset: 20 }));
    assert_eq!(check(r#"{"😀":1,"\ud83d\ude00":2}"#, DEPTH), Err(JsonFault::DoubledKey { offset: 10 }));
    assert_eq!(check(r#"{"a":{"a":1},"A":{"a":1}}"#, DEPTH), Ok(()));
    for count in [15, 16, 17, 18, 40] {
        let names: Vec<_> = (0..count).map(|n| format!("\"k{n}\":{{\"k0\":0}}")).collect();
        let text = format!("{{{}}}", names.join(","));
        assert_eq!(check(&text, DEPTH), Ok(()), "{count}");
        for double in [0, count / 2, count - 1] {
            let doubled = format!("{},\"k{double}\":1}}", &text[..text.len() - 1]);
            assert_eq!(check(&doubled, DEPTH), Err(JsonFault::DoubledKey { offset: text.len() }), "{count} {double}");
        }
    }
}

#[test]
fn what_breaks_registers_is_refused() {
    assert_eq!(check(r#"["\u0000"]"#, DEPTH), Err(JsonFault::Nul { offset: 2 }));
    assert_eq!(check("\"a\0\"", DEPTH), Err(JsonFault::Nul { offset: 2 }));
    for text in
        [r#""\ud800""#, r#""\ud800x""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800\n""#, r#""\uDBFF\uE000""#]
    {
        assert_eq!(check(text, DEPTH), Err(JsonFault::LoneSurrogate { offset: 1 }), "{text}");
    }
}

#[test]
fn depth_is_bounded_and_needs_no_stack() {
    assert_eq!(check("1", 0), Ok(()));
    assert_eq!(check("[]", 0), Err(JsonFault::TooDeep { max: 0, offset: 0 }));
    assert_eq!(check("[{}]", 2), Ok(()));
    assert_eq!(check("[{\"a\":[]}]", 2), Err(JsonFault::TooDeep { max: 2, offset: 6 }));
    let deep = format!("{}{}", "[{\"a\":".repeat(30_000), "1".to_owned() + &"}]".repeat(30_000));
    assert_eq!(check(&deep, u16::MAX), Ok(()));
    assert_eq!(form_unchecked(&deep), deep);
    assert_eq!(compact(&deep), deep);
    assert_eq!(check(&"[".repeat(1 << 20), DEPTH), Err(JsonFault::TooDeep { max: DEPTH, offset: 64 }));
}

fn form_unchecked(text: &str) -> String {
    let mut out = Vec::new();
    canonical(text, &mut out);
    String::from_utf8(out).unwrap()
}

/// A megabyte of names in one object, and one of objects within objects, cost time in proportion, not its square.
#[test]
fn many_names_cost_no_square() {
    let names: Vec<_> = (0..100_000).map(|n| format!("\"k{n}\":0")).collect();
    let wide = format!("{{{}}}", names.join(","));
    let nested = format!("{}0{}", "{\"a\":0,\"b\":".repeat(60), "}".repeat(60));
    let many = format!("[{}]", vec![nested.as_str(); 1_000].join(","));
    let reversed: Vec<_> = names.iter().rev().map(String::as_str).collect();
    let reversed = format!("{{{}}}", reversed.join(","));
    let start = Instant::now();
    for text in [&wide, &many, &reversed] {
        check(text, DEPTH).unwrap();
        assert_eq!(form_unchecked(text).len(), text.len());
    }
    assert_eq!(form_unchecked(&wide), form_unchecked(&reversed));
    // A square would take minutes; seconds allow for an unoptimised build on a busy machine.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn faults_never_repeat_the_text() {
    for text in
        [r#"{"secret":1,"secret":2}"#, r#"{"secret":tru}"#, r#"["secret\u0000"]"#, r#"["secret\ud800"]"#, "secret"]
    {
        let fault = check(text, DEPTH).unwrap_err().to_string();
        assert!(!fault.contains("secret"), "{fault}");
    }
}

#[test]
fn equal_values_share_a_form() {
    for (text, expected) in [
        (" [ 1 , 1.10 , -0 , 1E+2 ] ", "[1,1.10,-0,1E+2]"),
        (r#"{"b":1,"a":{"d":[],"c":{}},"":0}"#, r#"{"":0,"a":{"c":{},"d":[]},"b":1}"#),
        (r#"{"\u0062":1, "a":"\u0041\/\u00e9\u001F\u000a\"\\"}"#, r#"{"a":"A/é\u001f\n\"\\","b":1}"#),
        // By code point, not by UTF-16 unit: U+FF61 before U+1F600.
        ("{\"\u{1f600}\":1,\"\u{ff61}\":2,\"اب\":3}", "{\"اب\":3,\"\u{ff61}\":2,\"\u{1f600}\":1}"),
        (r#"[{"b":1,"a":2},{"a":2,"b":1}]"#, r#"[{"a":2,"b":1},{"a":2,"b":1}]"#),
        (r#""\ud83d\ude00\b\f\t""#, r#""😀\b\f\t""#),
    ] {
        assert_eq!(form(text), expected);
        assert_eq!(form(expected), expected, "a form is its own form");
    }
}

#[test]
fn canonical_appends() {
    let mut out = b"before".to_vec();
    canonical(r#"{"b":1,"a":2}"#, &mut out);
    assert_eq!(out, br#"before{"a":2,"b":1}"#);
}

#[test]
fn members_and_elements_are_slices_of_the_text() {
    let text = r#" { "a" : 1.10 , "\u0062" : [ 1 , { "x" : "]" } ] , "c":"}\"," } "#;
    let found: Vec<_> = members(text).collect();
    assert_eq!(found[0], ("a".into(), "1.10"));
    assert_eq!(found[1], ("b".into(), r#"[ 1 , { "x" : "]" } ]"#));
    assert_eq!(found[2], ("c".into(), r#""}\",""#));
    assert_eq!(found.len(), 3);
    assert_eq!(raw_members(text).nth(1).unwrap().0, r#""\u0062""#);
    assert_eq!(elements(found[1].1).collect::<Vec<_>>(), ["1", r#"{ "x" : "]" }"#]);
    assert_eq!(members("{}").count() + members(" [1]").count() + elements("[ ]").count() + elements("{}").count(), 0);
}

#[test]
fn kinds_go_by_the_first_character() {
    for (text, expected) in [
        (" {}", Kind::Object),
        ("[]", Kind::Array),
        ("\"1\"", Kind::String),
        ("-1", Kind::Number),
        ("true", Kind::True),
        ("false", Kind::False),
        ("\nnull", Kind::Null),
    ] {
        assert_eq!(kind(text), expected);
    }
}

#[test]
fn pointers_follow_rfc_6901() {
    let text = r#"{"foo":["bar", {"x":[1.0]}],"":0,"a/b":1,"m~n":8,"é":2,"0":3}"#;
    for (pointer, expected) in [
        ("/foo", Some(r#"["bar", {"x":[1.0]}]"#)),
        ("/foo/0", Some("\"bar\"")),
        ("/foo/1/x/0", Some("1.0")),
        ("/", Some("0")),
        ("/a~1b", Some("1")),
        ("/m~0n", Some("8")),
        ("/é", Some("2")),
        ("/0", Some("3")),
        ("", Some(text)),
        ("foo", None),
        ("/foo/2", None),
        ("/foo/01", None),
        ("/foo/-", None),
        ("/foo/+1", None),
        ("/foo/0/x", None),
        ("/m~2n", None),
        ("/foo/99999999999999999999", None),
        ("/foo/", None),
    ] {
        assert_eq!(find(text, pointer), expected, "{pointer}");
    }
}

/// JSON texts of every kind, with space, escapes and numbers that no machine word holds.
pub(crate) fn json_text() -> impl Strategy<Value = String> {
    let space = prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
    let string = prop_oneof![
        "[a-c]{0,2}".prop_map(|s| format!("\"{s}\"")),
        "[\\PC\n\u{1}]{0,12}".prop_map(|s| Value::from(s).to_string()),
        Just(r#""\u0061\ud83d\ude00\/""#.to_owned()),
    ];
    let number = "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?";
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number,
        string.clone(),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let spaced = (space.clone(), inner, space.clone()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let member =
            (string.clone(), space.clone(), spaced.clone()).prop_map(|(name, s, value)| format!("{s}{name}:{value}"));
        prop_oneof![
            prop::collection::vec(spaced, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..5).prop_map(|items| format!("{{{}}}", items.join(","))),
        ]
    })
}

/// Like [`json_text`], only texts that pass [`check`].
pub(crate) fn checked_text() -> impl Strategy<Value = String> {
    json_text().prop_filter("passes the check", |text| check(text, DEPTH).is_ok())
}

/// The value with each number as the text it was written as.
fn as_written(text: &str) -> Value {
    match kind(text) {
        Kind::Object => members(text).map(|(name, value)| (name.into_owned(), as_written(value))).collect(),
        Kind::Array => elements(text).map(as_written).collect(),
        Kind::Number => Value::from(vec!["number", text.trim()]),
        _ => serde_json::from_str(text).unwrap(),
    }
}

fn agrees_with_serde(text: &str) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_str::<IgnoredAny>(text).is_ok();
    match check(text, 100) {
        Ok(()) => prop_assert!(theirs, "{text}"),
        Err(JsonFault::Syntax { .. }) => prop_assert!(!theirs, "{text}"),
        Err(_) => {}
    }
    Ok(())
}

proptest! {
    #[test]
    fn check_agrees_with_serde_json(text in json_text()) {
        let syntax = matches!(check(&text, 100), Err(JsonFault::Syntax { .. }));
        prop_assert!(!syntax);
        agrees_with_serde(&text)?;
    }

    #[test]
    fn check_agrees_with_serde_json_on_spoilt_texts(text in json_text(), at in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:0-9.eE+\\\\u \u{0}\u{1f}tn-]{0,2}", cut in 0..3_usize) {
        let chars: Vec<char> = text.chars().collect();
        let at = at.index(chars.len() + 1);
        let mut spoilt: String = chars[..at].iter().collect();
        spoilt.push_str(&with);
        spoilt.extend(chars.iter().skip(at + cut));
        agrees_with_serde(&spoilt)?;
    }

    /// Keeps J4.
    #[test]
    fn nothing_panics_on_any_text(text in "[\\[\\]{}\",:0-9.eE+\\\\ud8cé😀 \u{0}]{0,40}", pointer in "(/[a0~]{0,2}){0,3}") {
        let _ = check(&text, 3);
        form_unchecked(&text);
        compact(&text);
        let _ = (members(&text).count(), elements(&text).count(), unescape(&text).len(), find(&text, &pointer));
    }

    /// Keeps J2.
    #[test]
    fn forms_are_equal_exactly_if_values_are(a in checked_text(), b in checked_text()) {
        prop_assert_eq!(as_written(&form(&a)), as_written(&a));
        prop_assert_eq!(form(&a) == form(&b), as_written(&a) == as_written(&b));
        prop_assert_eq!(form(&as_written(&a).to_string()), form(&as_written(&form(&a)).to_string()));
        prop_assert_eq!(form(&compact(&a)), form(&a));
    }

    /// Keeps J3.
    #[test]
    fn compacting_changes_space_alone(text in checked_text()) {
        let compact = compact(&text);
        prop_assert_eq!(as_written(&compact), as_written(&text));
        prop_assert_eq!(super::compact(&compact), compact.clone());
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&as_written(&text).to_string()).unwrap()).unwrap();
        prop_assert_eq!(super::compact(&pretty), as_written(&text).to_string());
    }

    #[test]
    fn unescape_reads_what_serde_writes(text in "[\\PC\n\r\t\u{1}\"\\\\]{0,20}") {
        let token = serde_json::to_string(&text).unwrap();
        let mut ours = Vec::new();
        write_string(&text, &mut ours);
        prop_assert_eq!(unescape(&token), text.as_str());
        prop_assert_eq!(unescape(std::str::from_utf8(&ours).unwrap()), text.as_str());
        prop_assert_eq!(String::from_utf8(ours).unwrap(), token);
    }
}

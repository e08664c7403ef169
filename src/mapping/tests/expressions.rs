use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::*;

fn passes(text: &str, data: &str) -> Result<bool, String> {
    let filter = Filter::compile(text, &everything()).map_err(|refused| refused.what)?;
    filter.passes(&envelope(data)).map_err(|error| error.to_string())
}

fn refused(text: &str, known: &Fields) -> Refused {
    Filter::compile(text, known).expect_err(text.get(..40).unwrap_or(text))
}

#[test]
fn filters_read_data_and_attributes() {
    for (text, expected) in [
        ("data.address.country == \"QA\"", true),
        ("data[\"address\"].zone in [51, 52] && data.address.zone < 51.5", true),
        ("data.name.ar.startsWith('فاطمة')", true),
        ("data.address.street == 'شارع \"الكورنيش\"'", true),
        ("data.address.unit == null", true),
        ("has(data.address.floor)", false),
        ("has(data.address.floor) && data.address.floor > 3", false),
        ("!has(data.address.floor) || data.address.floor > 3", true),
        ("has(data.address) && has(data.address.zone)", true),
        ("data.fees.exists(f, f.amount > 10 && !f.paid)", true),
        ("data.fees.all(f, has(f.code))", true),
        ("data.fees[1].amount == 20", true),
        ("data.fees.map(f, f.code) == ['A', 'B']", true),
        ("data.fees.filter(f, f.paid).size() == 1", true),
        ("size(data.fees) == 2 && data.account > 1e20", true),
        ("data.qid.matches('^[23][0-9]{10}$')", true),
        ("matches(data.qid, '^2') && data.name.en.matches('tim') && !data.name.en.matches('^tim')", true),
        ("data.fees.exists(f, f.code.matches('^B$'))", true),
        ("{'a': [data.qid.matches('^9')]}.a[0]", false),
        ("type == 'qa.gov.person.address-changed' && source.endsWith('moi') && id == 'e-1'", true),
        ("subject == '28412345678' && time != null && dataschema == null", true),
        ("ext.sequence == 7 && ext.urgent && has(ext.correlationid) && !has(ext.other)", true),
        ("[1].exists(data, data == 1)", true),
        ("type(data.qid) == string", true),
        ("true ? data.address.zone == 51 : data.nothing == 1", true),
    ] {
        assert_eq!(passes(text, SAMPLE), Ok(expected), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_a_typed_error_without_values() {
    for (text, expected) in [
        ("data.name > 100", "found no matching overload for '_>_' applied to '(map, int)'"),
        ("data.nationality == 'QA'", "no such key: nationality"),
        ("data.qid", "the result is of type string and must be a bool"),
        ("data.qid == int(data.qid + 'x')", "int() does not take this value"),
        ("data.fees[7].paid", "no such key: 7"),
        ("data.address.zone / 0 == 1", "division by zero"),
        ("{'a': 1}[data.qid] == 1", "no such key"),
        ("data.qid + 1 == 2", "the operator \"add\" does not fit the types beside it"),
        ("data.fees.exists(f, f.code > 1)", "found no matching overload for '_>_' applied to '(string, int)'"),
        ("data.address.zone.matches('5')", "values of types that do not fit each other"),
        ("ext.absent == 1", "no such key: absent"),
    ] {
        let error = passes(text, SAMPLE).unwrap_err();
        assert!(error.ends_with(expected), "{text}: {error}");
    }
}

/// Keeps P4: with every value replaced by one that would be recognised, no error shows it.
#[test]
fn no_error_has_a_value() {
    let data = r#"{"a":"SECRET","n":424242,"m":{"SECRET":424242},"l":["SECRET",424242]}"#;
    let operands =
        ["data.a", "data.n", "data.m", "data.l", "data.l[0]", "data.m[data.a]", "{'x':1}[data.a]", "data.l[data.n]"];
    let functions = ["int", "uint", "double", "bool", "string", "bytes", "size", "type", "-", "!"];
    let operators = ["+", "-", "*", "/", "%", "<", ">=", "&&", "||", "in"];
    let mut failed = 0;
    let mut see = |text: &str| {
        if let Err(error) = passes(text, data) {
            failed += 1;
            assert!(!error.contains("SECRET") && !error.contains("424242"), "{text}: {error}");
        }
    };
    for left in operands {
        see(&format!("{left}.matches('x') && {left}.nothing"));
        functions.iter().for_each(|function| see(&format!("{function}({left})")));
        for right in operands {
            operators.iter().for_each(|operator| see(&format!("{left} {operator} {right}")));
            see(&format!("{left}.startsWith({right})"));
            see(&format!("{left}.exists(x, x + {right} == 1)"));
            see(&format!("{{{left}: 1, {right}: 2}}"));
        }
    }
    assert!(failed > 500, "{failed}");
}

#[test]
fn what_is_not_listed_cannot_be_read() {
    let known = fields(&["/qid", "/address/zone", "/fees/0"]);
    for text in [
        "data.medical.diagnosis == 'x'",
        "data['medical'].diagnosis == 'x'",
        "data.address == data.qid",
        "data[data.qid] == 1",
        "data.address[data.qid] == 1",
        "data.map(k, k)[0] == 'x'",
        "data == data",
        "'medical' in data",
        "has(data.medical)",
        "has(data.address.country)",
        "data.fees.exists(f, f.paid)",
        "data.fees[1].paid",
        "data.fees[-1].paid",
        "data.fees[data.address.zone].paid",
        "[data].exists(d, d.medical.diagnosis == 'x')",
        "[1].exists(x, data.medical == x)",
        ".data.medical == 'x'",
        "size(data) == 1",
        "string(type(data)) == 'map'",
    ] {
        let refused = refused(text, &known);
        assert!(
            refused.what.contains("do not list") || refused.what.contains("no variable"),
            "{text}: {}",
            refused.what
        );
    }
    for text in [
        "data.qid == '1'",
        "has(data.address) && has(data.address.zone)",
        "data.fees[0].paid",
        "data.address.zone == 1",
        "true",
    ] {
        Filter::compile(text, &known).expect(text);
    }
    let refused = refused("data.qid == '1' &&\n  data.name.en == 'x'", &known);
    assert_eq!(refused.what, "the expression reads /name/en, which the fields do not list");
    assert_eq!(refused.hint, "add \"/name/en\" to fields, or do without it");
    assert_eq!(refused.position.unwrap().0, 2);
}

#[test]
fn unknown_names_are_refused_when_loaded() {
    for (text, expected) in [
        ("address.zone == 1", "there is no variable address"),
        ("ext == {}", "ext cannot be read as a whole"),
        ("has(data.a) && now() > 1", "there is no function now"),
        ("data.a.matches(data.b)", "the pattern of matches() is not a literal"),
        ("data.a.matches('(')", "the pattern of matches() is not valid"),
        ("data.a.matches('(\\\\pL{1000}){1000}')", "the pattern of matches() is too large"),
        ("data.?a == 1", "this is not CEL"),
        ("Message{a: 1} == 1", "messages cannot be made here"),
        ("data.a ==", "this is not CEL"),
        ("", "this is not CEL"),
    ] {
        let refused = refused(text, &everything());
        assert!(refused.what.starts_with(expected), "{text}: {}", refused.what);
        assert!(!refused.hint.is_empty());
    }
    assert_eq!(refused("data.a == 1 &&\n b == 1", &everything()).position, Some((2, 2)));
    assert_eq!(refused("data.a ==\n ==", &everything()).position.unwrap().0, 2);
}

#[test]
fn reads_say_what_is_guarded() {
    let reads = |text: &str| -> Vec<(String, bool)> {
        let filter = Filter::compile(text, &everything()).unwrap();
        filter.reads().iter().map(|read| (read.pointer.clone(), read.guarded)).collect()
    };
    let read = |pointer: &str, guarded| (pointer.to_owned(), guarded);
    assert_eq!(reads("data.a.b == 1 && data.a.b < 3"), [read("/a/b", false)]);
    assert_eq!(reads("has(data.a) && data.a == 1 && data['c~/d'] == 1"), [read("/a", true), read("/c~0~1d", false)]);
    assert_eq!(reads("has(data.a.b) && data.a.b == 1"), [read("/a", false), read("/a/b", true)]);
    assert_eq!(reads("has(data.a) && has(data.a.b) && data.a.b == 1"), [read("/a", true), read("/a/b", true)]);
    assert_eq!(
        reads("data.l[0].x == 1 && data.l[data.n] == 1"),
        [read("/l/0/x", false), read("/l", false), read("/n", false)]
    );
    assert!(reads("subject == '1' && ext.sequence == 1").is_empty());
}

/// Keeps X2 and V3: none of these may take memory or time.
#[test]
fn bombs_are_refused_or_bounded() {
    let nested = "[1,2,3,4,5,6,7,8,9,0].map(a, [1,2,3].map(b, a*b)).size() > 0";
    let chained = "[[data.s].map(a, a+a)[0]].map(b, b+b).size() > 0";
    let wide = format!("data.n == 1{}", " || data.n == 1".repeat(100));
    let deep = format!("{}data.n{} == 1", "(".repeat(5_000), ")".repeat(5_000));
    let lists = format!("{}data.n{} == 1", "[".repeat(3_000), "]".repeat(3_000));
    let chain = format!("1{} == 1", "+1".repeat(4_000));
    let open = "(".repeat(8_000);
    let long = format!("data.s == '{}'", "a".repeat(9_000));
    for text in [nested, chained, &wide, &deep, &lists, &chain, &open, &long] {
        let refused = refused(text, &everything());
        assert!(!refused.what.is_empty() && refused.what.len() < 300, "{}", refused.what);
    }
    let mut numbers = String::from("0");
    (1..60_000).for_each(|n| write!(numbers, ",{n}").unwrap());
    let data = format!("{{\"n\":1,\"s\":\"{}\",\"l\":[{numbers}],\"m\":[{numbers}]}}", "x".repeat(200_000));
    let start = Instant::now();
    for text in [
        "data.l.exists(x, x in data.m)",
        "data.l.all(x, data.s.contains('y') || true)",
        "data.l.map(x, data.s + data.s).size() > 0",
        "data.l.map(x, data.m).size() > 0",
        "data.l.map(x, {'a': data.m, 'b': data.m}).size() > 0",
    ] {
        assert!(passes(text, &data).unwrap_err().ends_with("would cost too much on data of this size"), "{text}");
    }
    assert_eq!(passes("data.l.exists(x, x == data.n)", &data), Ok(true));
    assert_eq!(passes("data.l.map(x, x).size() == 60000", &data), Ok(true));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// Depth that the check allows does no harm either.
#[test]
fn deep_data_is_read() {
    let data = format!("{{\"a\":{}1{}}}", "[".repeat(60), "]".repeat(60));
    assert_eq!(passes("data.a == data.a && size(data.a) == 1", &data), Ok(true));
}

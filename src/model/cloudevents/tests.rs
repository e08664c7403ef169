use bytes::Bytes;

use super::*;
use crate::model::envelope::AttributeValue;
use crate::model::json::JsonFault;

const GOOD: &str =
    r#"{"specversion":"1.0","id":"1","source":"urn:qa:gov:moi","type":"qa.gov.person.moved","data":{"a":1.10}}"#;

fn read(text: &str) -> Result<crate::model::envelope::Envelope, EventFault> {
    structured(&Bytes::copy_from_slice(text.as_bytes()), &Bounds::default())
}

/// The good event with members added to it.
fn with(members: &str) -> String {
    GOOD.replacen('{', &format!("{{{members},"), 1)
}

fn faults(text: &str) -> Vec<(String, &'static str)> {
    match read(text) {
        Err(EventFault::Attributes(faults)) => faults.into_iter().map(|f| (f.pointer, f.keyword)).collect(),
        other => panic!("expected attribute faults, got {other:?}"),
    }
}

#[test]
fn data_is_the_slice_that_came() {
    let body =
        Bytes::from(with(r#""subject":"2880000001""#).replace(r#"{"a":1.10}"#, "{ \"a\" : 1.10 , \"b\":\"\\u0645\" }"));
    let envelope = structured(&body, &Bounds::default()).unwrap();
    assert_eq!(envelope.data_text(), "{ \"a\" : 1.10 , \"b\":\"\\u0645\" }");
    let range = body.as_ptr_range();
    assert!(range.contains(&envelope.data.as_ptr()), "the data was copied");
    assert_eq!(envelope.attributes.subject.as_deref(), Some("2880000001"));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let text = r#"{"specversion":1.0,"id":"","source":"not a uri","type":"Bad","time":"yesterday","subject":7,"Upper":"x",
        "float":1.5,"big":2147483648,"list":[],"object":{},"data_base64":"AA==","expirytime":"2024-01-01","data":{}}"#;
    let mut found = faults(text);
    found.sort();
    let expected = [
        ("/Upper", "name"),
        ("/big", "type"),
        ("/data_base64", "name"),
        ("/expirytime", "format"),
        ("/float", "type"),
        ("/id", "minLength"),
        ("/list", "type"),
        ("/object", "type"),
        ("/source", "format"),
        ("/specversion", "const"),
        ("/subject", "type"),
        ("/time", "format"),
        ("/type", "format"),
    ];
    assert_eq!(found, expected.map(|(pointer, keyword)| (pointer.to_owned(), keyword)));
}

#[test]
fn what_is_missing_is_named() {
    let required = ["/specversion", "/id", "/source", "/type"].map(|pointer| (pointer.to_owned(), "required"));
    assert_eq!(faults(r#"{"data":1}"#), required);
    assert_eq!(faults(r#"{"specversion":null,"id":null,"source":null,"type":null,"data":1}"#), required);
    assert_eq!(read(&GOOD.replace(r#","data":{"a":1.10}"#, "")).unwrap_err(), EventFault::NoData);
}

#[test]
fn no_fault_repeats_a_value() {
    let secret = "28400000001";
    let text = format!(
        r#"{{"specversion":"{secret}","id":"\u0007{secret}","source":"{secret} x","type":"{secret}","time":"{secret}","data":1}}"#
    );
    let fault = read(&text).unwrap_err();
    assert!(!format!("{fault:?} {fault}").contains(secret));
}

#[test]
fn a_null_attribute_is_unset_and_a_null_datum_is_data() {
    let envelope = read(&with(r#""subject":null,"ext":null"#)).unwrap();
    assert_eq!(envelope.attributes.subject, None);
    assert!(envelope.attributes.extensions.is_empty());
    assert_eq!(read(&GOOD.replace(r#"{"a":1.10}"#, "null")).unwrap().data_text(), "null");
}

#[test]
fn extensions_keep_their_type() {
    let envelope = read(&with(r#""flag":true,"count":-5,"word":"س","empty":"""#)).unwrap();
    let value = |name: &str| envelope.attributes.extensions[name].clone();
    assert_eq!(value("flag"), AttributeValue::Boolean(true));
    assert_eq!(value("count"), AttributeValue::Integer(-5));
    assert_eq!(value("word"), AttributeValue::Text("س".into()));
    assert_eq!(value("empty"), AttributeValue::Text(String::new()));
}

#[test]
fn hostile_json_is_refused() {
    let doubled = with(r#""subject":"a","s\u0075bject":"b""#);
    assert!(matches!(read(&doubled), Err(EventFault::Json(JsonFault::DoubledKey { .. }))));
    let within = GOOD.replace(r#"{"a":1.10}"#, r#"{"a":{"b":1,"b":2}}"#);
    assert!(matches!(read(&within), Err(EventFault::Json(JsonFault::DoubledKey { .. }))));
    let nul = with(r#""subject":"a\u0000b""#);
    assert!(matches!(read(&nul), Err(EventFault::Json(JsonFault::Nul { .. }))));
    let depth = |levels: usize| GOOD.replace(r#"{"a":1.10}"#, &format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    assert!(read(&depth(64)).is_ok());
    assert!(matches!(read(&depth(65)), Err(EventFault::Json(JsonFault::TooDeep { .. }))));
    assert!(matches!(read(&depth(200_000)), Err(EventFault::Json(JsonFault::TooDeep { .. }))));
    assert_eq!(read("[]").unwrap_err(), EventFault::NotAnObject);
    assert_eq!(
        structured(&Bytes::from_static(b"{\"id\":\"\xff\"}"), &Bounds::default()).unwrap_err(),
        EventFault::NotUtf8
    );
}

#[test]
fn bounds_hold() {
    let many = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!(r#""x{n}":1"#)).collect();
        with(&members.join(","))
    };
    assert!(read(&many(60)).is_ok());
    assert_eq!(read(&many(61)).unwrap_err(), EventFault::TooManyAttributes { max: 64 });
    assert!(read(&with(&format!(r#""{}":1"#, "a".repeat(20)))).is_ok());
    assert_eq!(faults(&with(&format!(r#""{}":1"#, "a".repeat(21)))), [(format!("/{}", "a".repeat(21)), "name")]);
    assert!(read(&with(&format!(r#""x":"{}""#, "a".repeat(4096)))).is_ok());
    assert_eq!(faults(&with(&format!(r#""x":"{}""#, "a".repeat(4097)))), [("/x".to_owned(), "maxLength")]);
    assert_eq!(faults(&with("\"x\":\"a\\u0085b\"")), [("/x".to_owned(), "format")]);
    assert_eq!(faults(&with("\"x\":\"\\ufdd0\"")), [("/x".to_owned(), "format")]);
}

#[test]
fn a_bad_item_spares_the_batch() {
    let doubled = GOOD.replace(r#"{"a":1.10}"#, r#"{"a":1,"a":2}"#);
    let body = Bytes::from(format!("[{GOOD}, 7, {doubled} ,{GOOD}]"));
    let items = batch(&body, &Bounds::default()).unwrap();
    assert_eq!(items.len(), 4);
    assert!(items[0].is_ok() && items[3].is_ok());
    assert_eq!(items[1].as_ref().unwrap_err(), &EventFault::NotAnObject);
    assert!(matches!(items[2], Err(EventFault::Json(JsonFault::DoubledKey { .. }))));

    let read = |text: &str| batch(&Bytes::copy_from_slice(text.as_bytes()), &Bounds::default());
    assert_eq!(read("[]").unwrap().len(), 0);
    assert_eq!(read("{}").unwrap_err(), EventFault::NotAnArray);
    assert!(matches!(read("[{}"), Err(EventFault::Json(JsonFault::Syntax { .. }))));
    assert!(matches!(read(""), Err(EventFault::Json(JsonFault::Syntax { .. }))));
    let many = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(read(&many(100)).unwrap().len(), 100);
    assert_eq!(read(&many(101)).unwrap_err(), EventFault::BatchTooLong { max: 100 });
}

fn from_headers(headers: &[(&str, &str)], content_type: &str) -> Result<crate::model::envelope::Envelope, EventFault> {
    let required = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "urn:qa:gov:moi"),
        ("ce-type", "qa.gov.person.moved"),
    ];
    let all = required.iter().chain(headers).map(|(name, value)| (*name, value.as_bytes()));
    binary(all, Some(content_type), &Bytes::from_static(b"{\"a\":1.10}"), &Bounds::default())
}

#[test]
fn binary_mode_says_the_same() {
    let envelope =
        from_headers(&[("ce-subject", "%D8%B3%20%22"), ("accept", "*/*")], "application/json; charset=UTF-8").unwrap();
    assert_eq!(envelope.attributes.subject.as_deref(), Some("س \""));
    let text = with(r#""subject":"س \"""#);
    assert_eq!(envelope.digest(), read(&text).unwrap().digest());
    assert_eq!(
        envelope.digest(),
        read(&text.replacen('{', r#"{"datacontenttype":"application/json","#, 1)).unwrap().digest()
    );
    let quoted = from_headers(&[("ce-subject", r#""a \"b\"""#)], "application/json").unwrap();
    assert_eq!(quoted.attributes.subject.as_deref(), Some(r#"a "b""#));
}

#[test]
fn binary_mode_is_as_strict() {
    let pointer = |headers: &[(&str, &str)]| match from_headers(headers, "application/json") {
        Err(EventFault::Attributes(faults)) => (faults[0].pointer.clone(), faults[0].keyword),
        other => panic!("expected attribute faults, got {other:?}"),
    };
    assert_eq!(pointer(&[("ce-id", "2")]), ("/id".into(), "name"));
    assert_eq!(pointer(&[("ce-x_y", "2")]), ("/x_y".into(), "name"));
    assert_eq!(pointer(&[("ce-subject", "%zz")]), ("/subject".into(), "format"));
    assert_eq!(pointer(&[("ce-subject", "%ff")]), ("/subject".into(), "format"));
    assert_eq!(pointer(&[("ce-subject", "a%00b")]), ("/subject".into(), "format"));
    assert_eq!(pointer(&[("ce-datacontenttype", "application/json")]), ("/datacontenttype".into(), "name"));
    assert_eq!(from_headers(&[], "text/plain").unwrap_err(), EventFault::DataNotJson);
    let required = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "a"), ("ce-type", "a.b")];
    let with_body = |body: &'static [u8]| {
        let headers = required.iter().map(|(name, value)| (*name, value.as_bytes()));
        binary(headers, Some("application/json"), &Bytes::from_static(body), &Bounds::default()).unwrap_err()
    };
    assert_eq!(with_body(b" "), EventFault::NoData);
    assert_eq!(with_body(b"\xff"), EventFault::NotUtf8);
    assert!(matches!(with_body(b"{"), EventFault::Json(JsonFault::Syntax { .. })));
}

#[test]
fn the_trace_of_a_message_becomes_the_events() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let followed = |own: Option<&str>, parent, state| {
        let own = own.map(|own| ("ce-traceparent", own));
        let mut attributes = from_headers(own.as_slice(), "application/json").unwrap().attributes;
        follow(&mut attributes, parent, state);
        let get = |name| attributes.extension(name).map(str::to_owned);
        (get("traceparent"), get("tracestate"))
    };
    let told = |parent: &str, state: Option<&str>| (Some(parent.to_owned()), state.map(str::to_owned));
    assert_eq!(followed(None, Some(PARENT), Some("a=b")), told(PARENT, Some("a=b")));
    // What is odd is as good as none, and a state without its parent means nothing.
    let long = "x".repeat(513);
    for odd in ["", "two\nlines", "a=é", &long] {
        assert_eq!(followed(None, Some(PARENT), Some(odd)), told(PARENT, None), "{odd}");
    }
    assert_eq!(followed(None, Some("garbage"), Some("a=b")), (None, None));
    assert_eq!(followed(None, None, Some("a=b")), (None, None));
    let own = PARENT.replace("4bf9", "5bf9");
    assert_eq!(followed(Some(&own), Some(PARENT), Some("a=b")), told(&own, None), "the event's own stays, and alone");
}

#[test]
fn shapes_follow_their_standards() {
    for good in
        ["urn:qa:gov:moi", "https://moi.gov.qa/a?b=c#d", "/relative", "moi", "http://[::1]/x", "a%20b", "//host"]
    {
        assert!(shape::is_uri_reference(good), "{good}");
    }
    for bad in ["a b", "1:x", ":x", "a%2", "a%zz", "a#b#c", "<x>", "a[b]", "وزارة", "a\\b", "\"a\""] {
        assert!(!shape::is_uri_reference(bad), "{bad}");
    }
    for good in ["2024-02-29T23:59:59Z", "2024-01-01t00:00:00.123456789+03:00", "2024-01-01T00:00:00-00:00"] {
        assert!(shape::is_timestamp(good), "{good}");
    }
    for bad in [
        "2023-02-29T00:00:00Z",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+0300",
        "2024-01-01T24:00:01Z",
        "2024-01-01T00:00:00Z[Asia/Qatar]",
        "２024-01-01T00:00:00Z",
    ] {
        assert!(!shape::is_timestamp(bad), "{bad}");
    }
    for good in
        ["application/json", "Application/JSON;charset=utf-8", "application/vnd.qa+json", "application/json; x=y"]
    {
        assert!(is_json_media_type(good), "{good}");
    }
    for bad in [
        "text/plain",
        "application/jsonx",
        "json",
        "application/+json",
        "a/b/c+json",
        "application/json;charset=latin1",
        "",
    ] {
        assert!(!is_json_media_type(bad), "{bad}");
    }
}

#[test]
fn typed_headers_say_the_same_as_text_and_are_taken_as_they_are() {
    let body = Bytes::from_static(b"{\"n\":1}");
    let read = |attributes: &[(&str, Property<'_>)]| {
        let required = [
            ("specversion", Property::Text(b"1.0")),
            ("id", Property::Text(b"50%41")),
            ("source", Property::Text(b"urn:x")),
            ("type", Property::Text(b"a.b")),
        ];
        let all = required.into_iter().chain(attributes.iter().copied());
        properties(all, Some("application/json; charset=utf-8"), &body, &Bounds::default())
    };
    let typed = read(&[
        ("time", Property::Timestamp(1_700_000_000)),
        ("n", Property::Integer(7)),
        ("f", Property::Boolean(true)),
    ]);
    let typed = typed.unwrap();
    assert_eq!(typed.attributes.id, "50%41", "nothing is decoded");
    assert_eq!(typed.attributes.time.as_deref(), Some("2023-11-14T22:13:20.000Z"));
    let text = read(&[
        ("time", Property::Text(b"2023-11-14T22:13:20.000Z")),
        ("n", Property::Text(b"7")),
        ("f", Property::Text(b"true")),
    ]);
    assert_eq!(typed.digest(), text.unwrap().digest());
    for (bad, keyword) in [
        (("subject", Property::Text(b"\xff")), "encoding"),
        (("n", Property::Integer(1 << 40)), "type"),
        (("n", Property::Other), "type"),
        (("id", Property::Text(b"twice")), "doubled"),
        (("datacontenttype", Property::Text(b"text/plain")), "name"),
    ] {
        let Err(EventFault::Attributes(faults)) = read(&[bad]) else { panic!("{bad:?} was taken") };
        assert_eq!(faults.len(), 1, "{keyword}: {faults:?}");
    }
    let one = [("specversion", Property::Text(b"1.0"))].into_iter();
    assert!(properties(one, Some("text/plain"), &body, &Bounds::default()).is_err());
}

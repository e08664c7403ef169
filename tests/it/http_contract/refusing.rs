use axum::body::Body;
use insta::assert_snapshot;

use super::door::{Door, event, request};

const CITIZEN: &str = "28400000001";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// Bodies that are no envelope, and what they are.
fn bad_events() -> Vec<(&'static str, String)> {
    let good = event("1", CITIZEN);
    let with = |members: &str| good.replacen('{', &format!("{{{members},"), 1);
    let data = |data: &str| good.replace(good.split_once("\"data\":").unwrap().1, &format!("{data}}}"));
    vec![
        ("not JSON", "{".into()),
        ("an empty body", String::new()),
        ("not an object", "[]".into()),
        ("nothing in it", "{}".into()),
        ("doubled attribute", with(r#""subject":"x""#)),
        ("doubled by escapes", with(r#""s\u0075bject":"x""#)),
        ("doubled in the data", data(r#"{"qid":"28400000001","zone":1,"zone":2}"#)),
        ("NUL in the data", data(r#"{"qid":"28400000001\u0000","zone":1}"#)),
        ("lone surrogate", data(r#"{"qid":"\ud800","zone":1}"#)),
        ("nested too deep", data(&format!("{}{}", "[".repeat(100), "]".repeat(100)))),
        ("nested absurdly deep", data(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))),
        (
            "many wrong attributes",
            with(r#""Upper":"x","a_b":"x","abcdefghijklmnopqrstu":1,"big":4294967296,"fraction":1.5,"list":[1],"object":{},"bell":"\u0007","data_base64":"AA==","expirytime":"soon","traceparent":"x""#)
                .replace("2023-11-14T22:13:19Z", "2023-11-14 22:13")
                .replace("\"1.0\"", "\"0.3\"")
                .replace("urn:qa:gov:portal", "urn:qa gov"),
        ),
        ("other data", data(r#""x""#).replace("\"subject\"", "\"datacontenttype\":\"text/xml\",\"subject\"")),
        ("too many attributes", with(&(0..64).map(|n| format!("\"x{n}\":1")).collect::<Vec<_>>().join(","))),
        ("no data", good.split_once(",\"data\"").unwrap().0.to_owned() + "}"),
        ("data against the schema", data(r#"{"qid":"1","zone":100,"stret":"x"}"#)),
        ("no subject", good.replace(r#""subject":"28400000001","#, "")),
        ("unknown type", good.replace("address-changed", "renamed")),
        ("unknown version", with(r#""dataschema":"qa.gov.person.address-changed/9.9""#)),
        ("another's type", good.replace("qa.gov.person.address-changed", "qa.gov.elsewhere.moved")),
        ("another's source", good.replace("urn:qa:gov:portal", "urn:qa:gov:moi")),
        ("another's everything", good.replace("qa.gov.person", "qa.gov.elsewhere").replace("urn:qa:gov:portal", "urn:x")),
    ]
}

#[tokio::test]
async fn every_bad_event_gets_a_clear_answer_and_nothing_is_stored() {
    let door = Door::open();
    let mut answers = String::new();
    for (name, body) in bad_events() {
        let answer = door.post("portal", &body).await;
        assert!(answer.status.is_client_error(), "{name}: {}", answer.status);
        let shown = door.shown(&answer);
        assert!(!shown.contains(CITIZEN), "{name}: the answer repeats a value: {shown}");
        answers.push_str(&format!("=== {name}\n{shown}\n\n"));
    }
    assert!(door.is_empty().await);
    assert_snapshot!("refused_events", answers);
}

#[tokio::test]
async fn every_bad_request_gets_a_clear_answer_and_nothing_is_stored() {
    let door = Door::open();
    let path = "/v1/envelopes";
    let good = || event("1", CITIZEN);
    let post = || request("POST", path, Some("portal"));
    let large = format!("{}{}", good(), " ".repeat(1 << 20));
    let not_utf8 = good().into_bytes().into_iter().map(|byte| if byte == b'C' { 0xff } else { byte }).chain([0xff]);
    let items = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    let streamed = Body::from_stream(futures_util::stream::iter(std::iter::repeat_n(
        Ok::<_, std::convert::Infallible>(vec![b' '; 1 << 16]),
        17,
    )));
    let requests = vec![
        ("no media type", post().body(Body::from(good()))),
        ("a form", post().header("content-type", "application/x-www-form-urlencoded").body(Body::from(good()))),
        ("plain JSON", post().header("content-type", "application/json").body(Body::from(good()))),
        (
            "latin 1",
            post().header("content-type", "application/cloudevents+json; charset=latin1").body(Body::from(good())),
        ),
        (
            "compressed",
            post().header("content-type", STRUCTURED).header("content-encoding", "gzip").body(Body::from(good())),
        ),
        ("not UTF-8", post().header("content-type", STRUCTURED).body(Body::from(not_utf8.collect::<Vec<u8>>()))),
        (
            "declared too large",
            post().header("content-type", STRUCTURED).header("content-length", large.len()).body(Body::from(large)),
        ),
        ("streamed too large", post().header("content-type", STRUCTURED).body(streamed)),
        ("101 in a batch", post().header("content-type", BATCH).body(Body::from(items(101)))),
        ("a batch that is none", post().header("content-type", BATCH).body(Body::from(good()))),
        ("a broken batch", post().header("content-type", BATCH).body(Body::from(format!("[{},", good())))),
        (
            "binary with other data",
            post().header("ce-specversion", "1.0").header("content-type", "text/plain").body(Body::from("x")),
        ),
        (
            "binary with bad headers",
            post()
                .header("ce-specversion", "1.0")
                .header("ce-id", "a")
                .header("ce-id", "b")
                .header("ce-subject", "%zz")
                .header("ce-x-y", "z")
                .header("ce-datacontenttype", "application/json")
                .header("content-type", "application/json")
                .body(Body::from("{}")),
        ),
        ("no key", request("POST", path, None).header("content-type", STRUCTURED).body(Body::from(good()))),
        (
            "an unknown key",
            request("POST", path, Some("nobody")).header("content-type", STRUCTURED).body(Body::from(good())),
        ),
        (
            "a viewer's key",
            request("POST", path, Some("viewer")).header("content-type", STRUCTURED).body(Body::from(good())),
        ),
        (
            "an admin's key",
            request("POST", path, Some("admin")).header("content-type", STRUCTURED).body(Body::from(good())),
        ),
        ("an unknown query", request("POST", "/v1/envelopes?dryrun=true", Some("portal")).body(Body::from(good()))),
        ("another method", request("DELETE", path, Some("portal")).body(Body::empty())),
        ("another path", request("GET", "/v2/envelopes?subject=28400000001", Some("portal")).body(Body::empty())),
    ];
    let mut answers = String::new();
    for (name, request) in requests {
        let answer = door.send(request.unwrap()).await;
        assert!(answer.status.is_client_error(), "{name}: {}", answer.status);
        let shown = door.shown(&answer);
        assert!(!shown.contains(CITIZEN), "{name}: the answer repeats a value: {shown}");
        answers.push_str(&format!("=== {name}\n{shown}\n\n"));
    }
    assert!(door.is_empty().await);
    assert_snapshot!("refused_requests", answers);
}

#[tokio::test]
async fn problems_speak_arabic_to_those_who_read_it() {
    let door = Door::open();
    let request = request("POST", "/v1/envelopes", Some("portal"))
        .header("content-type", STRUCTURED)
        .header("accept-language", "ar-QA, en;q=0.5")
        .body(Body::from(event("1", CITIZEN).replace("\"zone\":12", "\"zone\":\"x\"")))
        .unwrap();
    assert_snapshot!("refused_in_arabic", door.shown(&door.send(request).await));
}

/// Two agencies share one source by mistake: the right is the sender's own, and what others may do is not told.
#[tokio::test]
async fn an_agency_the_deployment_does_not_know_may_send_nothing() {
    let door = Door::open();
    for agency in ["moi", "stranger"] {
        let answer = door.post(agency, &event("1", CITIZEN)).await;
        assert_eq!(answer.status, 403);
        assert!(!String::from_utf8(answer.body.to_vec()).unwrap().contains("elsewhere"));
    }
    assert!(door.is_empty().await);
}

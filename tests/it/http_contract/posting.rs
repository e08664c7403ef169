use axum::body::Body;
use falaj::model::id::AgencyId;
use insta::assert_snapshot;

use super::door::{Door, NOW, event, request};

const CITIZEN: &str = "28400000001";

/// The same event in binary mode.
fn binary(id: &str, subject: &str) -> axum::http::Request<Body> {
    request("POST", "/v1/envelopes", Some("portal"))
        .header("content-type", "application/json; charset=utf-8")
        .header("ce-specversion", "1.0")
        .header("ce-id", id)
        .header("ce-source", "urn:qa:gov:portal")
        .header("ce-type", "qa.gov.person.address-changed")
        .header("ce-subject", subject)
        .header("ce-time", "2023-11-14T22:13:19Z")
        .body(Body::from(format!(r#"{{ "zone": 12, "street": "\u0634ارع الكورنيش", "qid": "{subject}" }}"#)))
        .unwrap()
}

#[tokio::test]
async fn an_envelope_is_accepted_and_every_repeat_gets_its_receipt() {
    let door = Door::open();
    let first = door.post("portal", &event("1", CITIZEN)).await;
    assert_snapshot!("accepted", door.shown(&first));

    let again = door.post("portal", &event("1", CITIZEN).replace("\":", "\" :\n")).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    assert_eq!(again.headers["location"], first.headers["location"]);
    let otherwise = door.send(binary("1", CITIZEN)).await;
    assert_eq!((otherwise.status.as_u16(), &otherwise.body), (200, &first.body));

    let clash = door.post("portal", &event("1", CITIZEN).replace("12", "13")).await;
    assert_snapshot!("clash", door.shown(&clash));
}

#[tokio::test]
async fn binary_mode_is_accepted() {
    let door = Door::open();
    let answer = door.send(binary("1", CITIZEN)).await;
    assert_eq!(answer.status, 202);
    assert_eq!(door.post("portal", &event("1", CITIZEN)).await.status, 200);
}

#[tokio::test]
async fn what_nobody_subscribes_to_is_completed_at_once() {
    let door = Door::open();
    let notice =
        r#"{"specversion":"1.0","id":"1","source":"urn:qa:gov:portal","type":"qa.gov.person.noticed","data":{}}"#;
    assert_snapshot!("without_recipients", door.shown(&door.post("portal", notice).await));
    let metrics = door.get("viewer", "/metrics").await;
    let text = std::str::from_utf8(&metrics.body).unwrap();
    assert!(text.contains(r#"falaj_envelopes_without_recipients_total{type="qa.gov.person.noticed"} 1"#), "{text}");
}

#[tokio::test]
async fn a_filter_that_cannot_be_decided_loses_no_envelope() {
    let door = Door::open();
    let manifest = "connectors/municipality/connector.toml";
    let text = std::fs::read_to_string(door.folder.path().join(manifest)).unwrap();
    door.folder.write(manifest, &text.replace("data.zone < 50", "100 / (data.zone - 12) > 1"));
    door.reload();
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    assert_eq!(receipt["deliveries"].as_array().unwrap().len(), 3);
    let claim = door.ledger.claim(&AgencyId::parse("municipality").unwrap(), 1, NOW).await.unwrap();
    assert!(claim.deliveries[0].undecided, "it is asked again before sending");
    let metrics = door.get("viewer", "/metrics").await;
    let text = std::str::from_utf8(&metrics.body).unwrap();
    assert!(text.contains(r#"falaj_filter_errors_total{agency="municipality"} 1"#), "{text}");
}

/// Story: a schema is withdrawn between a sender's first try and its repeat. The repeat must not look new, nor be refused.
#[tokio::test]
async fn a_repeat_gets_its_receipt_whatever_the_schemas_say_by_now() {
    let door = Door::open();
    let first = door.post("portal", &event("1", CITIZEN)).await;
    for agency in ["moi", "municipality", "utilities"] {
        std::fs::remove_dir_all(door.folder.path().join(format!("connectors/{agency}"))).unwrap();
    }
    door.folder.write(
        "schemas/qa.gov.person.address-changed/1.0.json",
        &super::deployment::ADDRESS_CHANGED
            .replace("\"owner\": \"moi\"", "\"owner\": \"portal\"")
            .replace("\"maximum\": 99", "\"maximum\": 9"),
    );
    door.reload();

    let again = door.post("portal", &event("1", CITIZEN)).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    assert_eq!(door.post("portal", &event("1", CITIZEN).replace("12", "13")).await.status, 409);
    assert_eq!(door.post("portal", &event("2", CITIZEN)).await.status, 422);
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    let door = Door::open();
    let batch = "application/cloudevents-batch+json";
    let post =
        async |items: &[String]| door.post_as("portal", "/v1/envelopes", batch, format!("[{}]", items.join(","))).await;
    let (one, two) = (event("1", CITIZEN), event("2", CITIZEN));
    let wrong = event("3", CITIZEN).replace("\"zone\":12", "\"zone\":\"x\",\"zonee\":1");
    let items = [
        one.clone(),
        wrong,
        r#"{"id":""}"#.to_owned(),
        one.replace("12", "13"),
        one.clone(),
        "7".to_owned(),
        two.clone(),
    ];
    assert_snapshot!("batch_of_all_kinds", door.shown(&post(&items).await));

    let all = post(&[one, two]).await;
    assert_eq!(all.status, 202, "repeats count as accepted");
    assert_eq!(all.json()["items"][0]["status"], 200);
    assert_snapshot!("batch_of_none", door.shown(&post(&[]).await));
}

/// H2: the order of a batch is the order of acceptance, also where there are many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_accepted_in_its_order() {
    let door = Door::open();
    let events: Vec<String> = (0..100).map(|n| event(&format!("e{n}"), CITIZEN)).collect();
    let body = format!("[{}]", events.join(","));
    let answer = door.post_as("portal", "/v1/envelopes", "application/cloudevents-batch+json", body).await;
    assert_eq!(answer.status, 202);
    let found = door.get("portal", "/v1/envelopes?limit=100").await.json();
    let ids: Vec<_> = found["envelopes"].as_array().unwrap().iter().rev().map(|e| e["event_id"].clone()).collect();
    let expected: Vec<_> = (0..100).map(|n| format!("e{n}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn the_trace_of_the_request_travels_with_the_envelope() {
    let door = Door::open();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sent = request("POST", "/v1/envelopes", Some("portal"))
        .header("content-type", "application/cloudevents+json")
        .header("traceparent", parent)
        .body(Body::from(event("1", CITIZEN)))
        .unwrap();
    let answer = door.send(sent).await;
    let id = falaj::model::id::EnvelopeId::parse(answer.json()["id"].as_str().unwrap()).unwrap();
    let stored = door.ledger.stored(id).await.unwrap().unwrap();
    assert_eq!(stored.attributes.extension("traceparent"), Some(parent));
    assert_eq!(stored.data, r#"{"qid":"28400000001","zone":12,"street":"شارع الكورنيش"}"#.as_bytes());
}

#[tokio::test]
async fn a_ledger_that_does_not_take_it_is_said_to_be_unavailable() {
    let door = Door::open();
    door.ledger.close().await;
    assert_snapshot!("unavailable", door.shown(&door.post("portal", &event("1", CITIZEN)).await));
    assert_snapshot!("not_ready", door.shown(&door.get("viewer", "/readyz").await));
}

use std::time::Duration;

use axum::body::Body;
use falaj::dispatch::board::Entry;
use falaj::ledger::Actor;
use falaj::model::delivery::Finished;
use falaj::model::id::AgencyId;
use falaj::model::outcome::{BusinessOutcome, Report};
use falaj::model::status::Hold;
use insta::assert_snapshot;

use super::door::{Door, NOW, event, request};

const CITIZEN: &str = "28400000001";

/// An envelope that one agency applied, another failed and a third has not got.
async fn one_envelope(door: &Door) -> String {
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    door.clock.advance(Duration::from_secs(90));
    let applied =
        Report { outcome: Some(BusinessOutcome::Applied), reason: None, reference: Some("MOI-77".to_owned()) };
    door.settle("moi", Finished::Delivered, applied).await;
    door.settle("utilities", Finished::Dead, Report::default()).await;
    format!("/v1/envelopes/{}", receipt["id"].as_str().unwrap())
}

#[tokio::test]
async fn everyone_sees_of_an_envelope_what_is_theirs() {
    let door = Door::open();
    let path = one_envelope(&door).await;
    assert_snapshot!("status_for_the_sender", door.shown(&door.get("portal", &path).await));
    assert_snapshot!("status_for_a_recipient", door.shown(&door.get("moi", &path).await));

    let pseudonym = door.ledger.pseudonym(&AgencyId::parse("utilities").unwrap(), CITIZEN);
    let theirs = door.get("utilities", &path).await.json();
    assert_eq!(theirs["subject"], pseudonym);
    assert_eq!(theirs["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(theirs["state"], "completed_with_failures", "the state follows from what is left");
    let omitted = door.get("municipality", &path).await.json();
    assert_eq!(omitted.get("subject"), None);
    assert_eq!(omitted["state"], "open");

    for (who, subject) in [("viewer", "***01"), ("operator", "***01"), ("auditor", CITIZEN), ("admin", CITIZEN)] {
        let seen = door.get(who, &path).await.json();
        assert_eq!(seen["subject"], subject, "{who}");
        assert_eq!(seen["deliveries"].as_array().unwrap().len(), 3, "{who}");
    }
    assert_snapshot!("status_for_a_stranger", door.shown(&door.get("stranger", &path).await));
    let nothing = door.get("stranger", "/v1/envelopes/01890a5d-ac96-774b-bcce-b302099a8057").await;
    assert_eq!(nothing.status, 404, "not there and not theirs look the same");
    for path in ["/v1/envelopes/%ff", "/v1/envelopes/x", "/v1/envelopes/01890A5DAC96774BBCCEB302099A8057"] {
        let answer = door.get("admin", path).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (404, &404.into()));
    }
}

#[tokio::test]
async fn what_waits_says_why() {
    let door = Door::open();
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    let actor = Actor { name: "operator".to_owned(), reason: "Maintenance".to_owned() };
    door.ledger.pause(&AgencyId::parse("moi").unwrap(), actor, NOW).await.unwrap();
    let path = format!("/v1/envelopes/{}", receipt["id"].as_str().unwrap());
    assert_snapshot!("status_while_paused", door.shown(&door.get("portal", &path).await));
}

#[tokio::test]
async fn a_search_finds_by_every_attribute_and_pages() {
    let door = Door::open();
    for n in 0..5 {
        door.post("portal", &event(&format!("{n}"), &format!("2840000000{n}"))).await;
        door.clock.advance(Duration::from_secs(60));
    }
    let found = async |who: &str, query: &str| {
        let answer = door.get(who, &format!("/v1/envelopes?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let envelopes = answer.json()["envelopes"].clone();
        envelopes.as_array().unwrap().iter().map(|e| e["event_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("portal", "").await, ["4", "3", "2", "1", "0"]);
    assert_eq!(found("portal", "source=urn:qa:gov:portal&id=3").await, ["3"]);
    assert_eq!(found("portal", "subject=28400000002").await, ["2"]);
    assert_eq!(found("portal", "type=qa.gov.person.address-changed&from=2023-11-14T22:16:20Z").await, ["4", "3"]);
    assert_eq!(found("portal", "to=2023-11-14T22:14:20Z").await, ["0"]);
    assert_eq!(found("portal", "state=completed").await, Vec::<String>::new());
    assert_eq!(found("stranger", "").await, Vec::<String>::new(), "an agency searches what it sent");
    assert_eq!(found("viewer", "").await.len(), 5);

    let mut path = "/v1/envelopes?limit=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = door.get("portal", &path).await.json();
        pages.push(page["envelopes"].as_array().unwrap().len());
        let Some(cursor) = page["cursor"].as_str() else { break };
        assert!(pages.len() < 10, "the pages do not end");
        path = format!("/v1/envelopes?limit=2&cursor={cursor}");
    }
    assert_eq!(pages.iter().sum::<usize>(), 5);
    assert_eq!(&pages[..3], [2, 2, 1]);
    assert_snapshot!("search", door.shown(&door.get("viewer", "/v1/envelopes?limit=1").await));
    let wrong = door.get("portal", "/v1/envelopes?type=X&state=done&from=today&cursor=x&limit=1000").await;
    assert_snapshot!("search_refused", door.shown(&wrong));
    assert_eq!(door.get("portal", "/v1/envelopes?qid=28400000001").await.status, 400);
}

#[tokio::test]
async fn agencies_show_their_queues() {
    let door = Door::open();
    one_envelope(&door).await;
    let hold = Hold::CircuitOpen { until: NOW.plus(Duration::from_secs(100)), since: NOW };
    door.board.write(&AgencyId::parse("utilities").unwrap(), Entry { hold, in_flight: 2 });
    assert_snapshot!("agencies", door.shown(&door.get("viewer", "/v1/agencies").await));
    assert_snapshot!("agency", door.shown(&door.get("municipality", "/v1/agencies/municipality").await));
    let own = door.get("municipality", "/v1/agencies").await.json();
    assert_eq!(own["agencies"].as_array().unwrap().len(), 1);
    for (who, path) in [("municipality", "moi"), ("admin", "nobody"), ("admin", "..%2F"), ("municipality", "nobody")] {
        assert_eq!(door.get(who, &format!("/v1/agencies/{path}")).await.status, 404, "{who} {path}");
    }
}

#[tokio::test]
async fn the_catalogue_speaks_both_languages() {
    let door = Door::open();
    assert_snapshot!("services_for_an_agency", door.shown(&door.get("moi", "/v1/services").await));
    let counted = door.get("viewer", "/v1/services").await.json();
    let counts: Vec<_> = counted["services"].as_array().unwrap().iter().map(|s| s["recipients"].clone()).collect();
    assert_eq!(counts, [0, 3, 0]);
    assert_snapshot!("schemas", door.shown(&door.get("moi", "/v1/schemas").await));
    let schema = door.get("moi", "/v1/schemas/qa.gov.person.address-changed/1.0").await;
    assert_eq!(schema.headers["content-type"], "application/schema+json");
    assert_eq!(schema.json()["properties"]["zone"]["maximum"], 99);
    for path in ["qa.gov.person.address-changed/1.1", "qa.gov.person.address-changed/01.0", "x/1.0"] {
        assert_eq!(door.get("moi", &format!("/v1/schemas/{path}")).await.status, 404);
    }
}

#[tokio::test]
async fn a_head_request_is_a_get_without_its_body() {
    let door = Door::open();
    let answer = door.send(request("HEAD", "/v1/services", Some("moi")).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    let answer = door.send(request("HEAD", "/v1/services", None).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 401);
}

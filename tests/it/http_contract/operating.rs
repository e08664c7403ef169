//! Pausing an agency, and what a person does to one delivery.

use axum::body::Body;
use falaj::model::delivery::Finished;
use falaj::model::id::AgencyId;
use falaj::model::outcome::Report;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::door::{Answer, Door, event, request};
use super::failing::{delivery, fail, park};

const CITIZEN: &str = "28400000001";
const OTHER: &str = "28400000002";

async fn order(door: &Door, who: &str, path: &str, reason: &str) -> Answer {
    door.post_as(who, path, "application/json", json!({ "reason": reason }).to_string()).await
}

async fn posted(door: &Door, id: &str, subject: &str) -> Value {
    door.post("portal", &event(id, subject)).await.json()
}

async fn waiting(door: &Door, receipt: &Value, agency: &str) -> Value {
    let path = format!("/v1/envelopes/{}", receipt["id"].as_str().unwrap());
    let status = door.get("portal", &path).await.json();
    let deliveries = status["deliveries"].as_array().unwrap();
    deliveries.iter().find(|delivery| delivery["agency"] == agency).unwrap()["waiting"].clone()
}

#[tokio::test]
async fn a_paused_agency_gets_nothing_and_says_who_paused_it_and_why() {
    let door = Door::open();
    let receipt = posted(&door, "1", CITIZEN).await;
    assert_snapshot!("paused", door.shown(&order(&door, "operator", "/v1/agencies/moi/pause", "صيانة السجل").await));
    let waits = waiting(&door, &receipt, "moi").await;
    assert_eq!(waits["reason"], "paused");
    let since = waits["since"].as_str().unwrap();
    let text = format!("Deliveries to the agency have been paused by operator since {since}: صيانة السجل");
    assert_eq!(waits["text"], text);
    assert_eq!(waits["text_ar"], format!("أوقف operator التسليم إلى الجهة مؤقتًا في {since}: صيانة السجل"));
    assert_eq!(waiting(&door, &receipt, "utilities").await["reason"], "queued", "another agency is not held");
    let moi = AgencyId::parse("moi").unwrap();
    assert!(door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap().deliveries.is_empty());

    assert_eq!(order(&door, "admin", "/v1/agencies/moi/pause", "longer").await.json()["by"], "admin");
    assert_snapshot!("resumed", door.shown(&order(&door, "operator", "/v1/agencies/moi/resume", "mended").await));
    assert_eq!(waiting(&door, &receipt, "moi").await["reason"], "queued");
    let again = order(&door, "operator", "/v1/agencies/moi/resume", "mended").await;
    assert_snapshot!("not_paused", door.shown(&again));
    assert_eq!(door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap().deliveries.len(), 1);
}

#[tokio::test]
async fn a_drained_agency_gets_what_was_accepted_before_and_shows_what_is_left() {
    let door = Door::open();
    let before = posted(&door, "1", CITIZEN).await;
    assert_snapshot!("draining", door.shown(&order(&door, "operator", "/v1/agencies/moi/drain", "صيانة السجل").await));
    let after = posted(&door, "2", OTHER).await;
    assert_eq!(waiting(&door, &before, "moi").await["reason"], "queued");
    let waits = waiting(&door, &after, "moi").await;
    let since = waits["since"].as_str().unwrap();
    let text = format!(
        "The agency has been drained by operator since {since}: what was accepted before still goes out, and this one waits \
         (paused): صيانة السجل"
    );
    assert_eq!((&waits["reason"], &waits["text"]), (&json!("paused"), &json!(text)));
    door.settle("moi", Finished::Delivered, Report::default()).await;
    assert_snapshot!("drained", door.shown(&door.get("viewer", "/v1/agencies/moi").await));
    let moi = AgencyId::parse("moi").unwrap();
    assert!(door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap().deliveries.is_empty());
    assert_eq!(order(&door, "operator", "/v1/agencies/moi/resume", "mended").await.json()["state"], "open");
    assert_eq!(door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap().deliveries.len(), 1);
}

#[tokio::test]
async fn an_order_needs_a_reason_and_somebody_to_obey() {
    let door = Door::open();
    let receipt = posted(&door, "1", CITIZEN).await;
    let one = format!("/v1/deliveries/{}/skip", delivery(&receipt, "moi"));
    for path in ["/v1/agencies/moi/pause", "/v1/agencies/moi/drain", "/v1/agencies/moi/resume", &one] {
        for body in ["{}", r#"{"reason":" "}"#, r#"{"reason":null}"#] {
            let answer = door.post_as("operator", path, "application/json", body).await;
            let problem = answer.json();
            assert_eq!((answer.status.as_u16(), &problem["errors"][0]["pointer"]), (400, &json!("/reason")), "{path}");
        }
        for body in [r#"{"reason":"x","why":"y"}"#, r#"{"reason":7}"#, "[]", ""] {
            assert_eq!(door.post_as("operator", path, "application/json", body).await.status, 400, "{path} {body}");
        }
        for reason in ["x".repeat(501), "bell \u{7}".to_owned()] {
            assert_eq!(order(&door, "operator", path, &reason).await.status, 400, "{path}");
        }
        assert_eq!(door.post_as("operator", path, "text/plain", "x").await.status, 415);
    }
    assert_snapshot!(
        "no_reason",
        door.shown(&door.post_as("operator", "/v1/agencies/moi/pause", "application/json", "{}").await)
    );
    let arabic = request("POST", "/v1/agencies/moi/pause", Some("operator"))
        .header("accept-language", "ar")
        .header("content-type", "application/json");
    assert_snapshot!("no_reason_in_arabic", door.shown(&door.send(arabic.body(Body::from("{}")).unwrap()).await));
    for path in ["/v1/agencies/nobody/pause", "/v1/agencies/%2e%2e/pause", "/v1/deliveries/x/retry"] {
        assert_eq!(order(&door, "operator", path, "why not").await.status, 404, "{path}");
    }
    let absent = "/v1/deliveries/01890a5d-ac96-774b-bcce-b302099a8057/retry";
    assert_eq!(order(&door, "operator", absent, "why not").await.status, 404);
    let publisher = order(&door, "operator", "/v1/agencies/portal/pause", "why not").await;
    assert_snapshot!("nothing_to_pause", door.shown(&publisher));
    assert!(door.ledger.audit(None, 10).await.unwrap().is_empty(), "what was refused was not done");
}

#[tokio::test]
async fn a_parked_delivery_can_be_tried_again_skipped_withdrawn_or_released() {
    let door = Door::open();
    for (verb, state) in [("retry", "waiting"), ("skip", "skipped"), ("cancel", "cancelled"), ("release", "dead")] {
        let subject = format!("2840000001{}", verb.len());
        let first = posted(&door, &format!("{verb}-1"), &subject).await;
        let second = posted(&door, &format!("{verb}-2"), &subject).await;
        park(&door, "moi", 422).await;
        assert_eq!(waiting(&door, &first, "moi").await["reason"], "parked", "{verb}");
        assert_eq!(waiting(&door, &second, "moi").await["reason"], "behind", "{verb}");
        let path = format!("/v1/deliveries/{}/{verb}", delivery(&first, "moi"));
        let answer = order(&door, "operator", &path, "the register is mended").await;
        assert_eq!(answer.json()["state"], state, "{verb}: {answer:?}");
        assert_snapshot!(format!("delivery_{verb}"), door.shown(&answer));
        let moi = AgencyId::parse("moi").unwrap();
        let claim = door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap();
        let claimed = &claim.deliveries[0];
        let head = if verb == "retry" { &first } else { &second };
        assert_eq!((claim.deliveries.len(), claimed.id.to_string()), (1, delivery(head, "moi")), "{verb}");
        let gap = matches!(verb, "skip" | "release").then(|| delivery(&first, "moi"));
        assert_eq!(claimed.gap.map(|id| id.to_string()), gap, "{verb}");
        door.ledger.give_back(vec![claimed.key.clone()]).await.unwrap();
        door.settle("moi", Finished::Delivered, Report::default()).await;
        door.settle("moi", Finished::Delivered, Report::default()).await;
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let door = Door::open();
    let receipt = posted(&door, "1", CITIZEN).await;
    let id = delivery(&receipt, "moi");
    let path = |verb: &str| format!("/v1/deliveries/{id}/{verb}");
    let flowing = order(&door, "operator", &path("retry"), "now").await;
    assert_snapshot!("retry_of_what_flows", door.shown(&flowing));
    assert_snapshot!("release_of_what_flows", door.shown(&order(&door, "operator", &path("release"), "now").await));

    let moi = AgencyId::parse("moi").unwrap();
    let claim = door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap();
    for verb in ["retry", "skip", "cancel", "release"] {
        let answer = order(&door, "operator", &path(verb), "now").await;
        let problem = answer.json();
        assert_eq!((answer.status.as_u16(), &problem["type"]), (409, &json!("urn:falaj:problem:in-flight")), "{verb}");
    }
    assert_snapshot!("in_flight", door.shown(&order(&door, "operator", &path("skip"), "now").await));
    door.ledger.give_back(claim.deliveries.into_iter().map(|claimed| claimed.key).collect()).await.unwrap();
    door.settle("moi", Finished::Delivered, Report::default()).await;
    for verb in ["retry", "skip", "cancel", "release"] {
        assert_eq!(order(&door, "operator", &path(verb), "now").await.status, 409, "{verb}");
    }
    assert_snapshot!("has_ended", door.shown(&order(&door, "operator", &path("cancel"), "now").await));
    // Another citizen's delivery waits for its next try: it can be tried now.
    posted(&door, "2", OTHER).await;
    let failed = fail(&door, "moi", 503).await;
    let answer = order(&door, "operator", &format!("/v1/deliveries/{failed}/retry"), "now").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap().deliveries.len(), 1);
}

//! Dead letters, redrives, replays and the audit.

use std::time::Duration;

use axum::body::Body;
use falaj::dispatch::jobs::Jobs;
use falaj::model::delivery::Finished;
use falaj::model::id::AgencyId;
use falaj::model::outcome::Report;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::door::{Answer, Door, event, request};
use super::failing::{delivery, kill, park};

/// The municipality keeps order too, and is told neither subject nor citizen.
const CITIZENS: [&str; 4] = ["28400000001", "28400000002", "28400000003", "28400000004"];

async fn post(door: &Door, who: &str, path: &str, body: Value) -> Answer {
    door.post_as(who, path, "application/json", body.to_string()).await
}

async fn posted(door: &Door, id: &str, subject: &str) -> Value {
    let receipt = door.post("portal", &event(id, subject)).await.json();
    door.clock.advance(Duration::from_secs(60));
    receipt
}

async fn jobs(door: &Door) -> u64 {
    Jobs::new(door.ledger.clone(), door.wake.clone(), door.clock.clone()).round().await.unwrap()
}

/// Three citizens' deliveries to the ministry: one dead by 422, one dead by 400, one parked by 422. The first was overtaken.
async fn failures(door: &Door) -> [String; 3] {
    let mut ids = Vec::new();
    for (n, status) in [(0, 422), (1, 400)] {
        ids.push(delivery(&posted(door, &format!("{n}"), CITIZENS[n]).await, "moi"));
        kill(door, "moi", status).await;
    }
    posted(door, "later", CITIZENS[0]).await;
    door.settle("moi", Finished::Delivered, Report::default()).await;
    ids.push(delivery(&posted(door, "2", CITIZENS[2]).await, "moi"));
    park(door, "moi", 422).await;
    ids.try_into().unwrap()
}

fn listed(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let page = answer.json();
    page["dead_letters"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn dead_letters_show_what_failed_and_what_it_has_in_common() {
    let door = Door::open();
    let [overtaken, dead, parked] = failures(&door).await;
    let all = door.get("viewer", "/v1/dead-letters").await;
    assert_snapshot!("dead_letters", door.shown(&all));
    assert!(!String::from_utf8_lossy(&all.body).contains("a text of the agency's own"));
    assert!(!String::from_utf8_lossy(&all.body).contains(CITIZENS[0]));
    assert_eq!(listed(&all), [&overtaken, &dead, &parked].map(Clone::clone));
    let groups = door.get("viewer", "/v1/dead-letters?groups=true&agency=moi").await;
    assert_snapshot!("dead_letter_groups", door.shown(&groups));
    let group = groups.json()["groups"][0]["group"].as_str().unwrap().to_owned();

    let asked = async |query: &str| listed(&door.get("operator", &format!("/v1/dead-letters?{query}")).await);
    assert_eq!(asked(&format!("group={group}")).await, [&overtaken, &parked].map(Clone::clone));
    assert_eq!(asked("agency=utilities").await, Vec::<String>::new());
    assert_eq!(
        asked("agency=moi&from=2023-11-14T22:14:20Z&to=2023-11-14T22:15:20Z").await,
        std::slice::from_ref(&dead)
    );
    assert_eq!(asked("type=qa.gov.person.noticed").await, Vec::<String>::new());
    let mut path = "/v1/dead-letters?limit=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = door.get("admin", &path).await;
        pages.push(listed(&page));
        let Some(cursor) = page.json()["cursor"].as_str().map(str::to_owned) else { break };
        assert!(pages.len() < 5, "the pages do not end");
        path = format!("/v1/dead-letters?limit=2&cursor={cursor}");
    }
    assert_eq!(pages, [vec![overtaken, dead], vec![parked]]);
    let wrong = "agency=X&type=x&group=g&from=today&to=now&cursor=c&limit=0&groups=maybe";
    assert_snapshot!(
        "dead_letters_refused",
        door.shown(&door.get("viewer", &format!("/v1/dead-letters?{wrong}")).await)
    );
    for query in ["groups=true&limit=1", "groups=true&agency=X", "qid=1", "agency=moi&agency=moi"] {
        assert_eq!(door.get("viewer", &format!("/v1/dead-letters?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_redrive_is_tried_dry_then_done_and_holds_back_what_was_overtaken() {
    let door = Door::open();
    let [overtaken, dead, parked] = failures(&door).await;
    let ask = json!({ "agency": "moi", "reason": "the register is mended" });
    let dry = json!({ "agency": "moi", "reason": "the register is mended", "dry_run": true });
    assert_snapshot!("redrive_tried_dry", door.shown(&post(&door, "operator", "/v1/redrives", dry).await));
    assert_eq!(listed(&door.get("viewer", "/v1/dead-letters").await).len(), 3, "a dry run does nothing");
    assert_eq!(door.get("viewer", "/v1/redrives").await.json(), json!({ "redrives": [] }));

    let begun = post(&door, "operator", "/v1/redrives", ask).await;
    assert_snapshot!("redrive_begun", door.shown(&begun));
    let path = begun.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(jobs(&door).await, 2);
    let claim = door.ledger.claim(&AgencyId::parse("moi").unwrap(), 10, door.clock.now()).await.unwrap();
    let mut claimed: Vec<(String, bool)> =
        claim.deliveries.iter().map(|claimed| (claimed.webhook_id.to_string(), claimed.redrive)).collect();
    claimed.sort();
    let mut expected = vec![(dead, true), (parked, false)];
    expected.sort();
    assert_eq!(claimed, expected, "a parked one is tried again, a dead one anew under the old webhook-id");
    door.ledger.give_back(claim.deliveries.into_iter().map(|claimed| claimed.key).collect()).await.unwrap();
    door.settle("moi", Finished::Delivered, Report::default()).await;
    jobs(&door).await;
    assert_snapshot!("redrive_through", door.shown(&door.get("viewer", &path).await));
    assert_eq!(listed(&door.get("viewer", "/v1/dead-letters").await), std::slice::from_ref(&overtaken));

    let forced = json!({ "agency": "moi", "ids": [overtaken], "force": true, "reason": "entered wrongly since" });
    let begun = post(&door, "admin", "/v1/redrives", forced).await.json();
    assert_eq!((&begun["eligible"], &begun["held_back"]), (&json!(1), &json!([])), "{begun}");
    assert_eq!(jobs(&door).await, 1);
    let list = door.get("auditor", "/v1/redrives").await.json();
    assert_eq!(list["redrives"].as_array().unwrap().len(), 2);
    assert_eq!(list["redrives"][0]["id"], begun["id"], "the newest stands first");
}

#[tokio::test]
async fn a_redrive_can_be_paused_and_ended() {
    let door = Door::open();
    failures(&door).await;
    let ask = json!({ "agency": "moi", "rate_per_second": 1, "reason": "slowly" });
    let begun = post(&door, "operator", "/v1/redrives", ask).await.json();
    let path = format!("/v1/redrives/{}", begun["id"].as_str().unwrap());
    let why = || json!({ "reason": "the ministry asked for it" });
    assert_snapshot!("redrive_paused", door.shown(&post(&door, "operator", &format!("{path}/pause"), why()).await));
    assert_eq!(jobs(&door).await, 0, "a paused job makes nothing");
    let resumed = post(&door, "operator", &format!("{path}/resume"), why()).await;
    assert_eq!(resumed.json()["state"], "running");
    let delete =
        |query: &str| request("DELETE", &format!("{path}{query}"), Some("operator")).body(Body::empty()).unwrap();
    assert_snapshot!("redrive_ended_without_reason", door.shown(&door.send(delete("")).await));
    let ended = door.send(delete("?reason=wrong%20group")).await;
    assert_eq!((ended.status.as_u16(), &ended.json()["state"]), (200, &json!("cancelled")));
    assert_eq!(jobs(&door).await, 0);
    for verb in ["pause", "resume"] {
        let late = post(&door, "operator", &format!("{path}/{verb}"), why()).await;
        assert_eq!(late.status, 409, "{verb}");
    }
    let late = post(&door, "operator", &format!("{path}/resume"), why()).await;
    assert_snapshot!("redrive_is_through", door.shown(&late));
    for path in ["x", "01890a5d-ac96-774b-bcce-b302099a8057", "01890A5DAC96774BBCCEB302099A8057"] {
        assert_eq!(door.get("viewer", &format!("/v1/redrives/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_redrive_names_every_field() {
    let door = Door::open();
    failures(&door).await;
    let wrong = json!({ "agency": "portal", "type": "x", "group": "all", "from": "today", "to": "now", "ids": ["1"],
        "rate_per_second": 0 });
    assert_snapshot!("redrive_refused", door.shown(&post(&door, "operator", "/v1/redrives", wrong).await));
    let nameless = post(&door, "operator", "/v1/redrives", json!({ "force": true })).await.json();
    let pointers: Vec<_> =
        nameless["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
    assert_eq!(pointers, ["/agency", "/force", "/reason"]);
    let many = json!({ "agency": "moi", "reason": "x", "ids": vec!["01890a5d-ac96-774b-bcce-b302099a8057"; 1001] });
    assert_eq!(post(&door, "operator", "/v1/redrives", many).await.json()["errors"][0]["keyword"], "maxItems");
    for body in
        [json!({ "agency": "moi", "reason": "x", "all": true }), json!({ "agency": 7, "reason": "x" }), json!([])]
    {
        assert_eq!(post(&door, "operator", "/v1/redrives", body.clone()).await.status, 400, "{body}");
    }
    let replay = json!({ "agency": "nobody", "from": "2100-01-01T00:00:00Z" });
    assert_snapshot!("replay_refused", door.shown(&post(&door, "operator", "/v1/replays", replay).await));
    assert_eq!(door.get("viewer", "/v1/redrives").await.json(), json!({ "redrives": [] }));
}

#[tokio::test]
async fn a_replay_leads_everything_again_in_order() {
    let door = Door::open();
    let mut expected = Vec::new();
    for (n, citizen) in CITIZENS.into_iter().enumerate() {
        expected.push(delivery(&posted(&door, &format!("{n}"), citizen).await, "moi"));
    }
    door.settle("moi", Finished::Delivered, Report::default()).await;
    let ask = json!({ "agency": "moi", "from": "2023-11-14T22:14:20Z", "reason": "the register lost a day" });
    let begun = post(&door, "admin", "/v1/replays", ask).await;
    assert_snapshot!("replay_begun", door.shown(&begun));
    jobs(&door).await;
    let claim = door.ledger.claim(&AgencyId::parse("moi").unwrap(), 10, door.clock.now()).await.unwrap();
    let again: Vec<String> = claim.deliveries.iter().map(|claimed| claimed.webhook_id.to_string()).collect();
    assert_eq!(again, expected[1..]);
}

#[tokio::test]
async fn the_audit_tells_who_did_what_and_why() {
    let door = Door::open();
    let [_, _, parked] = failures(&door).await;
    let why = |text: &str| json!({ "reason": text });
    post(&door, "operator", "/v1/agencies/moi/pause", why("صيانة السجل")).await;
    post(&door, "admin", "/v1/agencies/moi/resume", why("mended")).await;
    post(&door, "operator", &format!("/v1/deliveries/{parked}/skip"), why("entered by hand")).await;
    post(&door, "operator", "/v1/redrives", json!({ "agency": "moi", "reason": "mended" })).await;
    assert_snapshot!("audit", door.shown(&door.get("auditor", "/v1/audit").await));
    let first = door.get("admin", "/v1/audit?limit=3").await.json();
    let cursor = first["cursor"].as_str().unwrap();
    let second = door.get("admin", &format!("/v1/audit?limit=3&cursor={cursor}")).await.json();
    let count = |page: &Value| page["entries"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second)), (3, 1));
    assert_eq!(second["entries"][0]["action"], "pause", "the latest stands first");
    for query in ["cursor=x", "limit=101", "actor=operator"] {
        assert_eq!(door.get("auditor", &format!("/v1/audit?{query}")).await.status, 400, "{query}");
    }
}

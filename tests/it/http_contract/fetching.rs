//! The pull transport: leases, their outcomes, and what ends them.

use std::time::{Duration, Instant};

use axum::body::Body;
use falaj::http::Settings;
use falaj::model::delivery::Transition;
use falaj::model::id::AgencyId;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::door::{Answer, Door, event, request};
use super::failing::delivery;

const CITIZEN: &str = "28400000001";
const OTHER: &str = "28400000002";
const PATH: &str = "/v1/agencies/utilities/deliveries";
/// Longer than any test takes: only a ring can end the wait in time.
const NEVER: Duration = Duration::from_secs(600);
const DEADLINE: Duration = Duration::from_secs(20);

const FETCHES: &str = r#"
[agency]
id = "utilities"
name = { en = "Utilities", ar = "كهرماء" }

[delivery]
transport = "pull"
mode = "binary"
in_flight = 3
lease = "30s"

[[subscription]]
type = "qa.gov.person.address-changed"
fields = ["/zone", "/street"]
subject = "pseudonym"
purpose = { en = "Network planning", ar = "تخطيط الشبكة" }
legal_basis = "Law 10/2000"
"#;

/// A door behind which one agency fetches.
fn open() -> Door {
    let door = Door::with(Settings { recheck: NEVER, ..Settings::default() });
    fetches(&door, FETCHES);
    door
}

fn fetches(door: &Door, manifest: &str) {
    door.folder.write("connectors/utilities/connector.toml", manifest);
    door.reload();
}

async fn fetch(door: &Door, query: &str) -> Vec<Value> {
    let answer = door.get("utilities", &format!("{PATH}{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["deliveries"].as_array().unwrap().clone()
}

async fn report(door: &Door, fetched: &Value, outcome: Value) -> Answer {
    let mut outcome = outcome;
    outcome["lease"] = fetched["lease"].clone();
    let path = format!("/v1/deliveries/{}/outcome", fetched["id"].as_str().unwrap());
    door.post_as("utilities", &path, "application/json", outcome.to_string()).await
}

async fn state(door: &Door, receipt: &Value) -> Value {
    let path = format!("/v1/envelopes/{}", receipt["id"].as_str().unwrap());
    let status = door.get("portal", &path).await.json();
    let deliveries = status["deliveries"].as_array().unwrap();
    deliveries.iter().find(|delivery| delivery["agency"] == "utilities").unwrap().clone()
}

#[tokio::test]
async fn what_is_fetched_is_leased_and_is_what_its_subscription_lists() {
    let door = open();
    assert_eq!(fetch(&door, "").await, Vec::<Value>::new(), "nothing waits, and that is no error");
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    door.post("portal", &event("2", CITIZEN)).await;
    let answer = door.get("utilities", PATH).await;
    assert_snapshot!("fetched", door.shown(&answer).replace(&pseudonym(&door), "<pseudonym>"));
    assert!(!String::from_utf8_lossy(&answer.body).contains(CITIZEN), "the subject goes as a pseudonym");
    let leased = state(&door, &receipt).await;
    assert_eq!((&leased["state"], leased.get("waiting")), (&json!("leased"), None));
    assert_eq!(fetch(&door, "").await, Vec::<Value>::new(), "the second keeps its order behind the first");
    let agency = door.get("viewer", "/v1/agencies/utilities").await.json();
    assert_eq!((&agency["delivery"]["transport"], &agency["delivery"]["lease"]), (&json!("pull"), &json!("30s")));
    assert_eq!(agency["deliveries"]["leased"], 1);
    assert_eq!(
        door.post_as(
            "operator",
            &format!("/v1/deliveries/{}/skip", delivery(&receipt, "utilities")),
            "application/json",
            r#"{"reason":"x"}"#
        )
        .await
        .json()["type"],
        "urn:falaj:problem:in-flight"
    );
}

#[tokio::test]
async fn a_lease_is_given_to_who_can_read_it_and_answered_under_it() {
    let door = open();
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    let head = request("HEAD", PATH, Some("utilities")).body(Body::empty()).unwrap();
    assert_eq!(door.send(head).await.status, 405, "what nobody reads is not leased");
    assert_eq!(state(&door, &receipt).await["state"], "waiting");
    let fetched = fetch(&door, "").await.remove(0);
    let path = format!("/v1/deliveries/{}/outcome", delivery(&receipt, "utilities"));
    let told = door.post_as("utilities", &path, "application/json", r#"{"outcome":"applied"}"#).await;
    assert_snapshot!("told_without_lease", door.shown(&told));
    for lease in ["", "x", "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let told = json!({ "outcome": "applied", "lease": lease }).to_string();
        assert_eq!(door.post_as("utilities", &path, "application/json", told).await.status, 409, "{lease}");
    }
    for who in ["moi", "portal"] {
        let told = json!({ "outcome": "applied", "lease": fetched["lease"] }).to_string();
        assert_eq!(door.post_as(who, &path, "application/json", told).await.status, 404, "{who}");
    }
    assert_eq!(report(&door, &fetched, json!({ "outcome": "applied" })).await.status, 200);
}

fn pseudonym(door: &Door) -> String {
    door.ledger.pseudonym(&AgencyId::parse("utilities").unwrap(), CITIZEN)
}

#[tokio::test]
async fn the_agency_says_under_its_lease_what_it_did() {
    let door = open();
    let mut receipts = Vec::new();
    for (n, outcome) in ["applied", "refused", "needs_action", "received"].into_iter().enumerate() {
        receipts.push(door.post("portal", &event(&format!("{n}"), CITIZEN)).await.json());
        let fetched = fetch(&door, "").await.remove(0);
        let told = json!({ "outcome": outcome, "reason": "كما في السجل", "reference": format!("U-{n}") });
        let answer = report(&door, &fetched, told.clone()).await;
        assert_snapshot!(format!("told_{outcome}"), door.shown(&answer));
        let again = report(&door, &fetched, told).await;
        assert_eq!((again.status.as_u16(), &again.body), (200, &answer.body), "the answer may have been lost");
        let otherwise = report(&door, &fetched, json!({ "outcome": "applied", "reference": "other" })).await;
        assert_eq!(otherwise.status, 409, "{outcome}");
    }
    let pending = state(&door, &receipts[3]).await;
    assert_eq!((&pending["state"], &pending["outcome"]), (&json!("delivered"), &json!("pending")));
    let path = format!("/v1/deliveries/{}/outcome", delivery(&receipts[3], "utilities"));
    let later = door.post_as("utilities", &path, "application/json", r#"{"outcome":"applied"}"#).await;
    assert_eq!(later.json()["outcome"], "applied", "what was received is reported later without a lease");
    let unleased = door.post_as("utilities", &path, "application/json", r#"{"outcome":"received"}"#).await;
    assert_eq!(unleased.status, 400);
}

#[tokio::test]
async fn an_agency_may_ask_for_it_again_later() {
    let door = open();
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    let fetched = fetch(&door, "").await.remove(0);
    let answer = report(&door, &fetched, json!({ "outcome": "retry", "reason": "the register is closed" })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let waits = state(&door, &receipt).await;
    assert_eq!((&waits["waiting"]["reason"], &waits["last_error"]["class"]), (&json!("retry"), &json!("retry_asked")));
    assert_eq!(fetch(&door, "").await, Vec::<Value>::new(), "not before its time");
    door.clock.advance(Duration::from_secs(6));
    let again = fetch(&door, "").await.remove(0);
    assert_eq!((&again["id"], &again["attempt"]), (&fetched["id"], &json!(2)));
    assert_ne!(again["lease"], fetched["lease"]);
    assert_eq!(report(&door, &fetched, json!({ "outcome": "applied" })).await.status, 409, "its lease is over");
    assert_eq!(report(&door, &again, json!({ "outcome": "applied" })).await.status, 200);
}

#[tokio::test]
async fn a_lease_that_ran_out_settles_nothing() {
    let door = open();
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    let fetched = fetch(&door, "").await.remove(0);
    door.clock.advance(Duration::from_secs(30));
    let late = report(&door, &fetched, json!({ "outcome": "applied" })).await;
    assert_snapshot!("told_too_late", door.shown(&late));
    let agency = AgencyId::parse("utilities").unwrap();
    let lapsed = door.ledger.expired_leases(&agency, 10, door.clock.now()).await.unwrap();
    assert_eq!(lapsed.len(), 1);
    let settlement = falaj::ledger::Settlement {
        key: lapsed[0].key.clone(),
        transition: Transition::Retry { due: door.clock.now() },
        attempt: None,
        report: Default::default(),
        disclosure: None,
        by: "falaj".to_owned(),
        held: Duration::ZERO,
    };
    door.ledger.settle(vec![settlement], door.clock.now()).await.unwrap();
    let again = fetch(&door, "").await.remove(0);
    assert_eq!(report(&door, &fetched, json!({ "outcome": "applied" })).await.status, 409);
    assert_eq!(report(&door, &again, json!({ "outcome": "applied" })).await.status, 200);
    assert_eq!(state(&door, &receipt).await["state"], "delivered");
}

#[tokio::test]
async fn no_more_is_handed_out_than_the_agency_takes_at_once() {
    let door = open();
    for n in 0..8 {
        door.post("portal", &event(&format!("{n}"), &format!("2840000000{n}"))).await;
    }
    let first = fetch(&door, "?max=2").await;
    assert_eq!(first.len(), 2);
    assert_eq!(fetch(&door, "").await.len(), 1, "in_flight is 3");
    assert_eq!(fetch(&door, "").await.len(), 0);
    report(&door, &first[0], json!({ "outcome": "applied" })).await;
    assert_eq!(fetch(&door, "").await.len(), 1);
    fetches(&door, &FETCHES.replace("in_flight = 3", "in_flight = 100\nrate = { per_second = 0.001, burst = 1 }"));
    assert_eq!(fetch(&door, "").await.len(), 1, "a bucket of one");
    assert_eq!(fetch(&door, "").await.len(), 0);
    door.clock.advance(Duration::from_secs(1000));
    assert_eq!(fetch(&door, "").await.len(), 1, "one in a thousand seconds");
}

#[tokio::test]
async fn what_cannot_be_handed_out_is_settled_as_if_it_were_sent() {
    let door = open();
    let expiring = event("1", CITIZEN).replace("\"time\"", "\"expirytime\":\"2023-11-14T22:14:00Z\",\"time\"");
    let expired = door.post("portal", &expiring).await.json();
    let other = door.post("portal", &event("2", OTHER)).await.json();
    door.clock.advance(Duration::from_secs(60));
    let fetched = fetch(&door, "").await;
    assert_eq!(fetched.len(), 1);
    assert_eq!(fetched[0]["id"], delivery(&other, "utilities"));
    assert_eq!(state(&door, &expired).await["state"], "expired");
    // A template that fails on this envelope is the message's fault.
    report(&door, &fetched[0], json!({ "outcome": "applied" })).await;
    let template = FETCHES.replace("mode = \"binary\"", "mode = \"template\"") + "template = \"bad.txt.j2\"\n";
    door.folder.write("connectors/utilities/bad.txt.j2", "{{ data.street.missing.deeper }}\n");
    fetches(&door, &template);
    let third = door.post("portal", &event("3", CITIZEN)).await.json();
    assert_eq!(fetch(&door, "").await.len(), 0);
    let waits = state(&door, &third).await;
    assert_eq!(
        (&waits["waiting"]["reason"], &waits["last_error"]["class"]),
        (&json!("retry"), &json!("message_fault"))
    );
}

#[tokio::test]
async fn a_template_is_handed_out_as_text() {
    let door = open();
    let template = FETCHES.replace("mode = \"binary\"", "mode = \"template\"") + "template = \"zone.txt.j2\"\n";
    door.folder.write("connectors/utilities/zone.txt.j2", "منطقة {{ data.zone }}\n");
    fetches(&door, &template);
    door.post("portal", &event("1", CITIZEN)).await;
    let fetched = fetch(&door, "").await.remove(0);
    assert_eq!(fetched["body"], "منطقة 12");
    assert!(fetched["content_type"].as_str().unwrap().starts_with("text/plain"), "{fetched}");
    assert_eq!(fetched.get("envelope"), None);
}

#[tokio::test]
async fn fetching_is_for_the_agency_itself_and_waits_for_the_bell() {
    let door = open();
    for (who, path) in [("moi", PATH), ("portal", PATH), ("utilities", "/v1/agencies/moi/deliveries")] {
        assert_eq!(door.get(who, path).await.status, 404, "{who} {path}");
    }
    for who in ["viewer", "operator", "auditor", "admin"] {
        assert_eq!(door.get(who, PATH).await.status, 403, "{who}");
    }
    assert_snapshot!("not_fetched", door.shown(&door.get("moi", "/v1/agencies/moi/deliveries").await));
    for query in ["max=0", "max=101", "max=x", "wait=soon", "wiat=1s", "max=1&max=2"] {
        assert_eq!(door.get("utilities", &format!("{PATH}?{query}")).await.status, 400, "{query}");
    }
    assert_eq!(fetch(&door, "?wait=50ms").await.len(), 0);

    let begun = Instant::now();
    let long = format!("{PATH}?wait=60s&max=100");
    let (one, posted) = tokio::join!(door.get("utilities", &long), async {
        tokio::task::yield_now().await;
        door.post("portal", &event("1", CITIZEN)).await
    });
    assert_eq!(posted.status, 202);
    assert_eq!(one.json()["deliveries"].as_array().unwrap().len(), 1);
    assert!(begun.elapsed() < DEADLINE, "it waited for its time instead of the bell");
    let (last, ()) = tokio::join!(door.get("utilities", &long), async { door.closing.cancel() });
    assert_eq!(last.json(), json!({ "deliveries": [] }));
    assert!(begun.elapsed() < DEADLINE);
}

#[tokio::test]
async fn a_paused_agency_fetches_nothing_and_may_still_report() {
    let door = open();
    door.post("portal", &event("1", CITIZEN)).await;
    let fetched = fetch(&door, "").await.remove(0);
    door.post("portal", &event("2", OTHER)).await;
    let pause = door.post_as("operator", "/v1/agencies/utilities/pause", "application/json", r#"{"reason":"x"}"#).await;
    assert_eq!(pause.json()["state"], "paused");
    assert_eq!(fetch(&door, "").await.len(), 0);
    assert_eq!(report(&door, &fetched, json!({ "outcome": "applied" })).await.status, 200);
    door.post_as("operator", "/v1/agencies/utilities/resume", "application/json", r#"{"reason":"x"}"#).await;
    assert_eq!(fetch(&door, "").await.len(), 1);
    let watch = request("GET", &format!("{PATH}?wait=1s"), Some("utilities")).body(Body::empty()).unwrap();
    assert_eq!(door.send(watch).await.status, 200);
}

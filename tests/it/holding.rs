//! Agencies that are held: drained by a person, or paused because their receiver is gone. And what is never sent at all.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::bus::{ADMIN_KEY, Bus, DEADLINE, Reaction, Request, Thing, falaj, until_async};

async fn agency(bus: &Bus) -> Value {
    bus.admin.get("/v1/agencies/a").await.body
}

async fn in_state(bus: &Bus, state: &str) -> Value {
    until_async(&format!("the agency is {state}"), DEADLINE, || async {
        let agency = agency(bus).await;
        (agency["state"] == state).then_some(agency)
    })
    .await
}

/// What happened, oldest first.
fn events(agency: &Value) -> Vec<&str> {
    agency["events"].as_array().unwrap().iter().rev().map(|event| event["kind"].as_str().unwrap()).collect()
}

async fn shell(bus: &Bus, args: &[&str]) -> Output {
    let url = format!("http://{}", bus.address());
    let mut command = falaj(args);
    command.args(["--url", &url, "--key", ADMIN_KEY]).env("LC_ALL", "C.UTF-8");
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
}

#[tokio::test]
async fn a_drained_agency_gets_what_was_accepted_before_and_waits_for_the_rest_through_a_restart() {
    let fails_once = |request: &Request| match (request.event_id.as_str(), request.nth) {
        ("early.1", 1) => Reaction::Status(500),
        _ => Reaction::Status(200),
    };
    let mut bus = Bus::builder().agency("a").reacts(fails_once).agency("b").build().await;
    let early = [bus.post(&Thing::new("early", 1)).await, bus.post(&Thing::new("early", 2)).await];
    bus.wait_delivery(&early[0].id, "a", "retry").await;
    let ordered = shell(&bus, &["drain", "a", "--reason", "the register moves", "--json"]).await;
    let ordered: Value = serde_json::from_slice(&ordered.stdout).unwrap();
    assert_eq!(ordered["state"], "draining", "{ordered}");
    assert_eq!((&ordered["draining"]["left"], &ordered["draining"]["state"]), (&json!(2), &json!("open")), "{ordered}");
    let late = bus.post(&Thing::new("late", 1)).await;
    let waits = bus.wait_delivery(&late.id, "a", "paused").await;
    let text = waits["waiting"]["text"].as_str().unwrap();
    assert!(text.contains("drained by administrator") && text.ends_with("the register moves"), "{text}");
    bus.wait_delivery(&late.id, "b", "delivered").await;
    assert_eq!(
        bus.delivery(&early[0].id, "a").await["waiting"]["reason"],
        "retry",
        "before the mark nothing is paused"
    );

    bus.restart().await;
    assert_eq!(agency(&bus).await["state"], "draining");
    for receipt in &early {
        bus.wait_delivery(&receipt.id, "a", "delivered").await;
    }
    let drained = in_state(&bus, "drained").await;
    assert_eq!(drained["draining"]["left"], 0);
    assert_eq!(events(&drained), ["draining", "drained"]);
    assert_eq!(bus.delivery(&late.id, "a").await["waiting"]["reason"], "paused");
    assert_eq!(bus.receiver("a").log().events("late"), Vec::<&str>::new());

    let resumed = shell(&bus, &["resume", "a", "--reason", "it has moved"]).await;
    assert!(resumed.status.success());
    bus.wait_delivery(&late.id, "a", "delivered").await;
    let table = shell(&bus, &["agencies", "a"]).await;
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    for word in ["draining", "drained", "resumed", "administrator", "it has moved"] {
        assert!(table.contains(word), "{table}");
    }
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_pauses_its_agency_until_a_person_resumes_it() {
    let gone = Arc::new(AtomicBool::new(true));
    let is_gone = Arc::clone(&gone);
    let react = move |_: &Request| Reaction::Status(if is_gone.load(Ordering::SeqCst) { 410 } else { 200 });
    let mut bus = Bus::builder().agency("a").reacts(react).build().await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    let paused = in_state(&bus, "paused").await;
    assert_eq!((&paused["by"], events(&paused)), (&json!("falaj"), vec!["gone"]), "{paused}");
    assert_eq!(paused["events"][0]["status"], 410);
    // The agency is paused first, and then the attempt is written down: nothing else goes out in between.
    let waits = until_async("the attempt is written down", DEADLINE, || async {
        let waits = bus.wait_delivery(&receipt.id, "a", "paused").await;
        (!waits["last_error"].is_null()).then_some(waits)
    })
    .await;
    assert_eq!((&waits["attempts"], &waits["last_error"]["class"]), (&json!(0), &json!("gone")));
    let text = waits["waiting"]["text"].as_str().unwrap();
    assert!(text.contains("its receiver is gone (status 410)"), "{text}");
    bus.restart().await;
    let other = bus.post(&Thing::new("other", 1)).await;
    assert_eq!(bus.wait_delivery(&other.id, "a", "paused").await["attempts"], 0);
    let audit = bus.admin.get("/v1/audit").await.body;
    assert_eq!((&audit["entries"][0]["actor"], &audit["entries"][0]["action"]), (&json!("falaj"), &json!("pause")));
    gone.store(false, Ordering::SeqCst);
    let resumed = bus.admin.post_json("/v1/agencies/a/resume", &json!({ "reason": "it has a receiver again" })).await;
    assert_eq!(resumed.status, 200, "{}", resumed.text);
    bus.wait_settled(&other.id).await;
    // What had failed is due a while after its failure.
    let retry = format!("/v1/deliveries/{}/retry", receipt.delivery("a"));
    let _delivered_by_itself = bus.admin.post_json(&retry, &json!({ "reason": "at once" })).await;
    bus.wait_settled(&receipt.id).await;
    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1", "citizen.1"]);
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// Keys that do not fit any more are no fault of any message: the circuit opens, nothing is counted, and it is said once.
#[tokio::test]
async fn a_wrong_way_opens_the_circuit_and_counts_against_no_message() {
    let mut bus = Bus::builder().agency("a").reacts(|_| Reaction::Status(401)).build().await;
    let receipts = [bus.post(&Thing::new("one", 1)).await, bus.post(&Thing::new("two", 1)).await];
    let open = in_state(&bus, "circuit_open").await;
    assert_eq!(events(&open), ["opened"], "{open}");
    assert_eq!(
        (&open["events"][0]["class"], &open["events"][0]["status"]),
        (&json!("configuration_fault"), &json!(401))
    );
    assert_eq!(open["events"][0]["note"], "status 401");
    for receipt in &receipts {
        let waits = bus.wait_delivery(&receipt.id, "a", "circuit_open").await;
        assert_eq!(waits["attempts"], 0, "{waits}");
    }
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// A filter that fails on an envelope decides nothing: nothing is disclosed, and trying again would not help.
#[tokio::test]
async fn what_a_filter_cannot_decide_is_parked_at_once_and_never_sent() {
    let mut bus = Bus::builder().agency("a").build_stopped().await;
    let manifest = bus.deployment.path().join("connectors/a/connector.toml");
    let text = std::fs::read_to_string(manifest).unwrap();
    let text = text.replace("fields = [", "when = \"10 / (data.n - 1) > 0\"\nfields = [");
    bus.deployment.write("connectors/a/connector.toml", &text);
    bus.start().await;
    let undecided = bus.post(&Thing::new("citizen", 1)).await;
    let parked = bus.wait_delivery(&undecided.id, "a", "parked").await;
    assert_eq!((&parked["attempts"], &parked["last_error"]["class"]), (&json!(0), &json!("message_fault")), "{parked}");
    let letters = bus.admin.get("/v1/dead-letters?agency=a").await.body;
    let note = letters["dead_letters"][0]["error"]["note"].as_str().unwrap();
    assert!(note.starts_with("whether the agency may have it cannot be decided: "), "{note}");
    let decided = bus.post(&Thing::new("other", 3)).await;
    assert_eq!(bus.wait_settled(&decided.id).await["state"], "completed");
    assert_eq!(bus.receiver("a").log().arrivals.len(), 1, "what cannot be decided is not sent");
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

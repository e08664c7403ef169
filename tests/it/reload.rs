//! A running bus takes up a changed deployment by itself, keeps the old one when the new one is wrong, and says so; a revoked key
//! is revoked whatever else is wrong.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bus::{AgencyFiles, Bus, Reaction, Receiver, SECRET, Signal, Thing, until_async};

/// What is promised.
const TAKEN_UP: Duration = Duration::from_secs(5);
/// What a busy machine may add to it before a test fails.
const BUSY: Duration = Duration::from_secs(3);
/// A manifest that is wrong in every respect but its name.
const WRONG: &str = "[agency]\nid = \"a\"\nnam = 1\n";

async fn readyz(bus: &Bus) -> Value {
    let answer = bus.admin.get("/readyz").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

/// Waits until the bus says that it has looked at what stands in the folder: taken it up, or found so many problems.
async fn looked_at(bus: &Bus, before: &Value, refused: bool) -> Value {
    until_async("the changed deployment is looked at", TAKEN_UP + BUSY, || async {
        let now = readyz(bus).await;
        let problems = now["refused_deployment_problems"].as_u64().unwrap_or_else(|| panic!("{now}"));
        let taken_up = now["catalogue"] != before["catalogue"];
        (if refused { problems > 0 } else { problems == 0 && taken_up }).then_some(now)
    })
    .await
}

#[tokio::test]
async fn a_changed_manifest_is_taken_up_by_itself() {
    let mut bus = Bus::builder().agency("a").build().await;
    let before = readyz(&bus).await;
    let newcomer = Receiver::start("newcomer", SECRET).await;
    let changed = Instant::now();
    bus.deployment.write_agency(&AgencyFiles { id: "newcomer".to_owned(), url: newcomer.url(), ..bus.files("a") });
    let before = looked_at(&bus, &before, false).await;
    assert!(changed.elapsed() < TAKEN_UP + BUSY, "{:?}", changed.elapsed());

    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    bus.wait_settled(&receipt.id).await;
    assert_eq!(newcomer.log().events("citizen"), ["citizen.1"]);
    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1"]);

    // An agency moves, and what it could not get at its old address follows it.
    bus.receiver("a").react(|_| Reaction::Close);
    let receipt = bus.post(&Thing::new("citizen", 2)).await;
    bus.receiver("a").arrival(2).await;
    let moved = Receiver::start("a", SECRET).await;
    bus.deployment.write_agency(&AgencyFiles { url: moved.url(), ..bus.files("a") });
    looked_at(&bus, &before, false).await;
    assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    let log = moved.log();
    assert_eq!(log.events("citizen"), ["citizen.2"]);
    assert_eq!(log.arrivals[0].webhook_id, bus.receiver("a").log().arrivals[1].webhook_id);
    bus.kill9().await;
    bus.ledger_check().await;
}

/// On a hang-up at once: three changes in less time than looking every two seconds would need.
#[tokio::test]
async fn a_hang_up_takes_a_change_up_at_once() {
    let mut bus = Bus::builder().agency("a").build().await;
    let mut before = readyz(&bus).await;
    let begun = Instant::now();
    for in_flight in 1..=3 {
        bus.deployment.write_agency(&AgencyFiles { in_flight, ..bus.files("a") });
        bus.signal(Signal::Hup);
        before = looked_at(&bus, &before, false).await;
        let agency = bus.admin.get("/v1/agencies/a").await.body;
        assert_eq!(agency["delivery"]["in_flight"], in_flight, "{agency}");
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    bus.kill9().await;
    bus.ledger_check().await;
}

#[tokio::test]
async fn a_wrong_deployment_never_replaces_a_right_one() {
    let mut bus = Bus::builder().agency("a").build().await;
    let before = readyz(&bus).await;
    bus.deployment.write("connectors/a/connector.toml", WRONG);
    let now = looked_at(&bus, &before, true).await;
    assert_eq!(now["ready"], true, "the old one is in force");
    assert_eq!(now["catalogue"], before["catalogue"]);
    let log = std::fs::read_to_string(bus.log_file()).unwrap();
    let said = |line: &&str| line.contains("\"ERROR\"") && line.contains("connectors/a/connector.toml");
    assert!(log.lines().filter(said).count() > 0, "{log}");
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");

    // It would not start with it, and says why.
    bus.kill9().await;
    let output = bus.start_in_vain().await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("connectors/a/connector.toml"));

    bus.deployment.write_agency(&bus.files("a"));
    bus.start().await;
    assert_eq!(readyz(&bus).await["catalogue"], before["catalogue"]);
    bus.kill9().await;
    bus.ledger_check().await;
}

#[tokio::test]
async fn a_key_is_revoked_whatever_else_is_wrong() {
    let mut bus = Bus::builder().agency("a").build().await;
    let before = readyz(&bus).await;
    bus.deployment.write("connectors/a/connector.toml", WRONG);
    looked_at(&bus, &before, true).await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;

    bus.deployment.write_keys(false);
    let revoked = Instant::now();
    until_async("the key opens nothing", TAKEN_UP + BUSY, || async {
        let answer = bus.publisher.get(&format!("/v1/envelopes/{}", receipt.id)).await;
        (answer.status == 401).then_some(())
    })
    .await;
    println!("revoked after {:?}", revoked.elapsed());
    assert_eq!(bus.publisher.offer(&Thing::new("citizen", 2)).await.unwrap().status, 401);
    assert_eq!(bus.admin.get("/v1/agencies").await.status, 200, "other keys are untouched");

    bus.deployment.write_keys(true);
    until_async("the key opens again", TAKEN_UP + BUSY, || async {
        (bus.publisher.offer(&Thing::new("citizen", 2)).await.unwrap().status != 401).then_some(())
    })
    .await;
    bus.kill9().await;
    bus.ledger_check().await;
}

/// What waits for an agency that leaves the deployment waits until it is back, and says so.
#[tokio::test]
async fn what_waits_for_an_agency_that_left_is_delivered_when_it_is_back() {
    let mut bus = Bus::builder().agency("a").fails(1).agency("b").build().await;
    let before = readyz(&bus).await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    bus.wait_delivery(&receipt.id, "a", "retry").await;
    bus.deployment.remove("connectors/a");
    let without = looked_at(&bus, &before, false).await;
    let delivery = bus.wait_delivery(&receipt.id, "a", "unconfigured").await;
    assert!(!delivery["waiting"]["text_ar"].as_str().unwrap().is_empty());
    let later = bus.post(&Thing::new("citizen", 2)).await;
    assert_eq!(later.body["deliveries"].as_array().unwrap().len(), 1, "recipients are fixed when it is accepted");
    bus.wait_settled(&later.id).await;

    // It has been due for a while when the agency is back; a restart in between changes nothing.
    bus.restart().await;
    assert_eq!(bus.delivery(&receipt.id, "a").await["waiting"]["reason"], "unconfigured");
    bus.deployment.write_agency(&bus.files("a"));
    looked_at(&bus, &without, false).await;
    assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1", "citizen.1"]);
    assert_eq!(bus.receiver("b").log().events("citizen"), ["citizen.1", "citizen.2"]);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// An owner outlives its agency until what it has in flight is stored; what waits is told the truth all the same.
#[tokio::test]
async fn an_agency_that_left_has_left_even_while_it_works() {
    let mut bus = Bus::builder().agency("a").holds().build().await;
    let before = readyz(&bus).await;
    let first = bus.post(&Thing::new("citizen", 1)).await;
    let next = bus.post(&Thing::new("citizen", 2)).await;
    bus.receiver("a").arrival(1).await;
    bus.deployment.remove("connectors/a");
    let without = looked_at(&bus, &before, false).await;
    bus.receiver("a").release();
    assert_eq!(bus.wait_settled(&first.id).await["state"], "completed");
    assert_eq!(bus.delivery(&next.id, "a").await["waiting"]["reason"], "unconfigured");
    bus.deployment.write_agency(&bus.files("a"));
    looked_at(&bus, &without, false).await;
    assert_eq!(bus.wait_settled(&next.id).await["state"], "completed");
    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1", "citizen.2"]);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

//! Figures over time with the real binary and real envelopes: what it counts survives a kill, is what its ledger proves, and comes
//! out of every door the same.

use std::process::Output;

use serde_json::{Value, json};

use crate::bus::{ADMIN_KEY, Bus, Reaction, Request, Thing, falaj};

/// Runs `falaj statistics`.
async fn statistics(bus: &Bus, args: &[&str]) -> Output {
    let url = format!("http://{}", bus.address());
    let mut command = falaj([&["statistics"], args].concat());
    command.args(["--url", &url, "--key", ADMIN_KEY]).env("LC_ALL", "C.UTF-8");
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
}

async fn table(bus: &Bus) -> Value {
    let output = statistics(bus, &["--json"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Sums over the last hour of an agency: came, delivered, tried, and seconds watched.
async fn history(bus: &Bus) -> [u64; 4] {
    let history = bus.admin.get("/v1/agencies/b/history?range=hour").await.body;
    let points = history["points"].as_array().expect("a history has points");
    let sum = |pointer: &str| points.iter().filter_map(|point| point.pointer(pointer)?.as_u64()).sum();
    ["/came", "/ended/delivered", "/attempts/done", "/watched_seconds"].map(sum)
}

#[tokio::test]
async fn what_was_done_is_counted_once_whatever_happens() {
    let react = |request: &Request| match request.event_id.as_str() {
        "refused.1" => Reaction::Status(422),
        _ => Reaction::Status(if request.nth == 1 && request.event_id == "slow.1" { 500 } else { 200 }),
    };
    let mut bus = Bus::builder().agency("a").reacts(react).agency("b").build().await;
    for n in 1..=30 {
        bus.post(&Thing::new("busy", n)).await;
    }
    bus.post_again(&Thing::new("busy", 7)).await;
    let refused = bus.post(&Thing::new("refused", 1)).await;
    let slow = bus.post(&Thing::new("slow", 1)).await;
    let last = bus.post(&Thing::new("busy", 31)).await;
    bus.wait_settled(&last.id).await;
    bus.wait_delivery(&refused.id, "a", "retry").await;
    bus.restart().await;
    bus.wait_settled(&slow.id).await;
    let found = table(&bus).await;
    assert_eq!(
        (&found["accepted"], &found["transactions"], &found["with_failures"]),
        (&33.into(), &32.into(), &0.into())
    );

    // Passed over by a person: it is completed now, with failures.
    bus.wait_delivery(&refused.id, "a", "retry").await;
    let path = format!("/v1/deliveries/{}/skip", refused.delivery("a"));
    assert_eq!(bus.admin.post_json(&path, &json!({ "reason": "not ours" })).await.status, 200);
    bus.wait_settled(&refused.id).await;
    let found = table(&bus).await;
    let service = &found["services"][0];
    assert_eq!(
        (&service["type"], &service["rank"], &service["maturity"]),
        (&"qa.test.thing.changed".into(), &1.into(), &4.into())
    );
    assert_eq!(
        (&service["transactions"], &service["with_failures"], &service["success_percent"]),
        (&33.into(), &1.into(), &97.0.into())
    );
    assert!(service["mean_seconds"].as_f64().is_some());

    let sheet = statistics(&bus, &["--csv"]).await;
    let sheet = String::from_utf8(sheet.stdout).unwrap();
    assert!(
        sheet.starts_with('\u{feff}') && sheet.contains(",qa.test.thing.changed,Thing changed,تغيّر الشيء,pub,4,33,"),
        "{sheet}"
    );
    let shown = statistics(&bus, &[]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("97.0 %") && shown.contains("33 transactions"), "{shown}");
    // This month goes on: nothing of it is published.
    let month = found["month"].as_str().unwrap();
    assert_eq!(statistics(&bus, &["--envelope", "--month", month]).await.status.code(), Some(1));
    let before = statistics(&bus, &["--envelope"]).await;
    let before: Value = serde_json::from_slice(&before.stdout).unwrap();
    assert_eq!(
        (&before["type"], &before["data"]["transactions"]),
        (&"qa.gov.statistics.month-closed".into(), &0.into())
    );

    // An ordered stop writes what was watched of the minute; the next life shows it.
    bus.restart().await;
    let before = history(&bus).await;
    for n in 32..=36 {
        let receipt = bus.post(&Thing::new("busy", n)).await;
        bus.wait_settled(&receipt.id).await;
    }
    bus.stop().await;
    bus.start().await;
    let after = history(&bus).await;
    let rise: Vec<u64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    assert_eq!(rise[..3], [5, 5, 5], "{before:?} {after:?}");
    assert!(rise[3] >= 1, "{before:?} {after:?}");
    bus.stop().await;
    bus.ledger_check().await;
    bus.assert_sound();
}

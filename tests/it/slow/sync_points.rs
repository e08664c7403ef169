//! A cut at every sync point: a shim between the bus and its syncs shows what a disk would hold at each of them.
//!
//! Harder than a real cut: of what was not synced nothing survives, or a random half of its sectors. And the two sides of
//! the promise that a 202 gives: it never leaves before its sync, and never after a sync that failed.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::shim::{Image, Shim};
use crate::bus::{Bus, DEADLINE, Dice, Folder, Reaction, Thing, ledger_check, until, until_async};

/// Envelopes that are accepted one by one, each with syncs of its own.
const ENVELOPES: u64 = 24;
/// Sync points that are looked at; more would only repeat.
const POINTS_MAX: usize = 90;
/// How long a held answer is watched.
const HELD: Duration = Duration::from_millis(400);

async fn bus(shim: &Shim, data: &Path) -> Bus {
    // One message in four fails once, so that lanes get stuck and free again between the syncs.
    let react = |request: &crate::bus::Request| match (request.event_id.ends_with('3'), request.nth) {
        (true, 1) => Reaction::Status(422),
        _ => Reaction::Status(200),
    };
    let mut builder = Bus::builder().agency("a").reacts(react).agency("b").data(data);
    for (name, value) in shim.env(data) {
        builder = builder.env(name, &value);
    }
    builder.build().await
}

/// Proves a ledger sound, and returns the ids of the envelopes that it exports. Not by the command line: there are many images.
fn examine(data: &Path) -> HashSet<String> {
    let report = falaj::ledger::check(data).unwrap_or_else(|fault| panic!("{}: {fault}", data.display()));
    assert_eq!(report.broken, Vec::<String>::new(), "{}", data.display());
    let mut text = Vec::new();
    falaj::ledger::export(data, false, &mut text).expect("a ledger that was checked can be exported");
    // What is counted and what happened to agencies stands on lines of its own, which are of no envelope.
    let id = |line: &[u8]| {
        let line: serde_json::Value = serde_json::from_slice(line).expect("JSON Lines");
        line["id"].as_str().map(str::to_owned)
    };
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).filter_map(id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_at_every_sync_point_loses_nothing() {
    let mut dice = Dice::for_test("sync_points");
    let begun = Instant::now();
    let (shim, folder) = (Shim::new(), Folder::new("images"));
    let data = folder.path().join("data");
    let mut bus = bus(&shim, &data).await;
    let before = shim.points().len();
    let mut accepted: Vec<(String, SystemTime)> = Vec::new();
    for n in 1..=ENVELOPES {
        let thing = Thing::new(&format!("citizen-{}", n % 5), n).noted("n".repeat(300));
        let receipt = bus.post(&thing).await;
        accepted.push((receipt.id, SystemTime::now()));
    }
    for (id, _) in &accepted {
        bus.wait_settled(id).await;
    }
    bus.kill9().await;
    bus.assert_sound();

    let points = shim.points();
    assert!(points.len() >= before + accepted.len(), "{} syncs for {} acceptances", points.len(), accepted.len());
    let mut image = Image::default();
    let mut looked_at = 0;
    for (number, point) in points.iter().enumerate() {
        if number >= before && looked_at < POINTS_MAX {
            // Between the last sync and this one, and with a part of what this one was about to make durable.
            let torn = image.torn(&shim, point, &mut dice);
            for (name, image) in [("lost", &image), ("torn", &torn)] {
                let cut = folder.path().join(format!("{}-{name}", point.number));
                image.write(&cut);
                let there = examine(&cut);
                if looked_at == 0 && name == "lost" {
                    // The images do lag behind: nothing was accepted when this sync began.
                    assert!(there.is_empty(), "{there:?}");
                }
                let promised = accepted.iter().filter(|(_, at)| *at < point.at);
                let lost: Vec<_> = promised.filter(|(id, _)| !there.contains(id)).collect();
                assert!(lost.is_empty(), "cut before sync {} ({name}): {lost:?}", point.number);
                std::fs::remove_dir_all(&cut).unwrap();
            }
            looked_at += 1;
        }
        image.advance(&shim, point);
    }
    let all = folder.path().join("all");
    image.write(&all);
    let there = examine(&all);
    assert!(accepted.iter().all(|(id, _)| there.contains(id)));
    println!("{looked_at} sync points, {} images, in {:?}", 2 * looked_at, begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acceptance_leaves_before_its_sync() {
    let (shim, folder) = (Shim::new(), Folder::new("held"));
    let data = folder.path().join("data");
    let mut bus = bus(&shim, &data).await;
    shim.ask("hold", true);
    let publisher = bus.publisher.clone();
    let thing = Thing::new("citizen", 1);
    let mut offer = tokio::spawn(async move { publisher.offer(&thing).await });
    until("a sync is held", DEADLINE, || shim.holds().then_some(())).await;
    let early = tokio::time::timeout(HELD, &mut offer).await;
    assert!(early.is_err(), "answered although nothing was synced: {early:?}");
    assert!(bus.receiver("a").log().arrivals.is_empty(), "sent although nothing was synced");
    shim.ask("hold", false);
    let receipt = offer.await.unwrap().unwrap().receipt(202);
    bus.wait_settled(&receipt.id).await;
    bus.stop().await;
    ledger_check(&data).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_is_never_an_acceptance() {
    let (shim, folder) = (Shim::new(), Folder::new("failed"));
    let data = folder.path().join("data");
    let mut bus = bus(&shim, &data).await;
    let kept = Thing::new("kept", 1);
    let receipt = bus.post(&kept).await;
    bus.wait_settled(&receipt.id).await;

    shim.ask("fail", true);
    let doubtful = Thing::new("doubtful", 1);
    let answer = bus.publisher.offer(&doubtful).await.unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text);
    until_async("readyz says so", DEADLINE, || async {
        (bus.publisher.get("/readyz").await.status == 503).then_some(())
    })
    .await;
    // After a failed sync nobody knows what the disk holds: a later one that succeeds would prove nothing.
    shim.ask("fail", false);
    let answer = bus.publisher.offer(&Thing::new("late", 1)).await.unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text);

    bus.kill9().await;
    ledger_check(&data).await;
    bus.start().await;
    assert_eq!(bus.post_again(&kept).await.id, receipt.id);
    // Its sender was told to come again: it may have been kept after all, and is there once.
    let first = bus.publisher.offer(&doubtful).await.unwrap();
    assert!(matches!(first.status, 200 | 202), "{}", first.text);
    let second = bus.post_again(&doubtful).await;
    assert_eq!(first.body["id"], second.id);
    bus.wait_settled(&second.id).await;
    assert_eq!(bus.receiver("b").log().events("doubtful").len(), 1);
    bus.stop().await;
    bus.assert_sound();
    ledger_check(&data).await;
}

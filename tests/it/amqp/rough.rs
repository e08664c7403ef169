//! A broker that runs out of memory or disk, and one that is killed: nothing accepted is lost, order is kept, and nobody notices whom
//! it does not concern.

use std::time::{Duration, Instant};

use super::town::fetcher;
use super::{Node, Stream, Town, broken, missing, repeats};
use crate::bus::{Bus, Dice, Load, Offered, Thing, until, until_async};

/// How long it may take until everything has arrived after the last fault: circuits must have closed again.
const ARRIVES: Duration = Duration::from_secs(180);
/// Kills of the broker.
const KILLS: usize = 2;
/// What is posted over HTTP meanwhile.
const LOAD: Offered =
    Offered { senders: 6, subjects: 60, envelopes: 3_000, note_bytes: 300, pause_max: Duration::from_millis(60) };
/// What is published over AMQP meanwhile: subjects and their changes.
const SENT: (u32, u32) = (20, 60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_memory_or_disk_blocks_and_only_its_own_agencies_wait() {
    let node = Node::own().await;
    let mut town = Town::build(&node, &[fetcher("moi")], Bus::builder().agency("web")).await;
    let reader = Stream::read(&town, "moi");
    let mut n = 0;
    for (resource, raise, clear) in [
        ("memory", ["set_vm_memory_high_watermark", "0.0000001"], ["set_vm_memory_high_watermark", "0.6"]),
        ("disk", ["set_disk_free_limit", "1000000GB"], ["set_disk_free_limit", "50MB"]),
    ] {
        node.ctl(raise).await;
        let begun = Instant::now();
        let mut ids = Vec::new();
        // The broker says so to whoever publishes.
        until_async(&format!("it is blocked for {resource}"), ARRIVES, || {
            n += 1;
            let thing = Thing::new("citizen", n);
            ids.push(thing.id.clone());
            let town = &town;
            async move {
                let receipt = town.bus.post(&thing).await;
                town.bus.wait_delivery(&receipt.id, "web", "delivered").await;
                let standing = town.standing("publish").await;
                (standing["state"] == "blocked").then(|| assert_eq!(standing["detail"], resource))
            }
        })
        .await;
        n += 1;
        let thing = Thing::new("citizen", n);
        let receipt = town.bus.post(&thing).await;
        town.bus.wait_delivery(&receipt.id, "web", "delivered").await;
        ids.push(thing.id);
        let waits = town.bus.delivery(&receipt.id, "moi").await;
        assert_eq!(waits["state"], "waiting", "{waits}");
        assert_eq!(waits["attempts"], 0, "an outage costs no attempt: {waits}");
        println!("blocked for {resource}: {} envelopes in {:?}", ids.len(), begun.elapsed());
        node.ctl(clear).await;
        town.wait_connected().await;
        until("moi has all", ARRIVES, || {
            missing(&reader.arrived(), ids.iter().map(String::as_str)).is_empty().then_some(())
        })
        .await;
    }
    assert_eq!(broken(&reader.arrived()), Vec::<String>::new());
    drop(reader);
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_under_load_loses_nothing_and_reorders_nothing() {
    let mut node = Node::own().await;
    let mut town = Town::build(&node, &[fetcher("moi"), fetcher("qcb")], Bus::builder().agency("web")).await;
    let readers = ["moi", "qcb"].map(|agency| Stream::read(&town, agency));
    let load = Load::start(&town.bus.publisher, &LOAD, &mut Dice::for_test("broker"));
    let mut sender = Stream::send(&town, SENT.0, SENT.1, Duration::from_millis(8));
    let came = |readers: &[Stream; 2]| readers.each_ref().map(|reader| reader.arrived().len());
    for kill in 1..=KILLS {
        let before = came(&readers);
        // In the middle of it, on all sides.
        until("both have more", ARRIVES, || {
            let now = came(&readers);
            (now[0] > before[0] + 100 && now[1] > before[1] + 100).then_some(())
        })
        .await;
        node.kill9();
        town.wait_log(&["the broker is not there as it should be"]).await;
        node = node.start().await;
        town.wait_connected().await;
        println!("kill {kill}: {:?} had come", came(&readers));
    }
    sender.ends(ARRIVES).await;
    let book = load.finish().await;
    assert_eq!(book.faults, Vec::<String>::new());
    let confirmed = sender.lines();
    assert_eq!(confirmed.len(), (SENT.0 * SENT.1) as usize);
    // What the broker confirmed to a sender is in the ledger, and what is in the ledger reaches everybody.
    for reader in &readers {
        until("everything has come", ARRIVES, || {
            let ids = book.ids().chain(confirmed.iter().map(String::as_str));
            missing(&reader.arrived(), ids).is_empty().then_some(())
        })
        .await;
        let arrived = reader.arrived();
        assert_eq!(broken(&arrived), Vec::<String>::new());
        println!("{} came, {} of them again", arrived.len(), repeats(&arrived));
    }
    until("web has all", ARRIVES, || {
        let all = book.acked.len() + confirmed.len();
        town.bus.receiver("web").look(|log| (log.arrivals.len() >= all).then_some(()))
    })
    .await;
    drop(readers);
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

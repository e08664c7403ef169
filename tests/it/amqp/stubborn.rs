//! Connections that are cut, a bus that is killed, a ledger that takes nothing for a while: what an agency has published is accepted
//! once, in the order in which it was published, and reaches everybody.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use super::stream::Arrived;
use super::town::fetcher;
use super::{Client, Node, Stream, Town, broken, missing, repeats};
use crate::bus::{Bus, Thing, until};

/// How long it may take until everything has arrived after the last cut.
const ARRIVES: Duration = Duration::from_secs(180);
/// What is published: subjects, and their changes.
const SENT: (u32, u32) = (12, 60);
/// How often all of Falaj's connections are cut while it is read.
const CUTS: usize = 5;

/// Events that were accepted in another order than that of their numbers.
fn overtaken(arrived: &[Arrived]) -> Vec<String> {
    let mut changes: HashMap<&str, Vec<(u64, &str)>> = HashMap::new();
    for one in arrived {
        changes.entry(&one.subject).or_default().push((one.sequence, &one.event_id));
    }
    let number = |id: &str| id.rsplit('.').next().and_then(|n| n.parse::<u64>().ok()).expect("an event is numbered");
    let mut wrong = Vec::new();
    for changes in changes.values_mut() {
        changes.sort_unstable();
        changes.dedup();
        let pairs = changes.iter().zip(changes.iter().skip(1));
        wrong.extend(
            pairs.filter(|(one, next)| number(one.1) >= number(next.1)).map(|(one, next)| format!("{one:?} {next:?}")),
        );
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_that_is_read_over_cut_connections_is_accepted_once_and_in_order() {
    let node = Node::shared().await;
    let mut town = Town::build(node, &[fetcher("moi"), fetcher("qcb")], Bus::builder()).await;
    // The worst for the order: everything lies in the queue before the first of it is read.
    town.bus.kill9().await;
    let mut sender = Stream::send(&town, SENT.0, SENT.1, Duration::ZERO);
    sender.ends(ARRIVES).await;
    let sent = sender.lines();
    town.place.wait_messages(node, "falaj.in", sent.len() as u64).await;
    let readers = ["moi", "qcb"].map(|agency| Stream::read(&town, agency));
    town.bus.start().await;
    let came = || readers.iter().map(|reader| reader.arrived().len()).min().unwrap_or(0);
    for cut in 1..=CUTS {
        let enough = cut * sent.len() / (CUTS + 2);
        until("some more have come", ARRIVES, || (came() >= enough).then_some(())).await;
        // Every other time the bus itself goes, in the middle of commits.
        match cut % 2 {
            0 => town.bus.restart().await,
            _ => town.place.throw_out("falaj").await,
        }
    }
    for reader in &readers {
        until("everything has come", ARRIVES, || {
            missing(&reader.arrived(), sent.iter().map(String::as_str)).is_empty().then_some(())
        })
        .await;
        let arrived = reader.arrived();
        assert_eq!(broken(&arrived), Vec::<String>::new());
        assert_eq!(overtaken(&arrived), Vec::<String>::new());
        println!("{} came, {} of them again", arrived.len(), repeats(&arrived));
    }
    for queue in ["falaj.in", "falaj.quarantine", "falaj.dead"] {
        town.place.wait_messages(node, queue, 0).await;
    }
    drop(readers);
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_ledger_takes_nothing_all_stays_in_the_queue_in_its_order() {
    let node = Node::shared().await;
    let mut town = Town::build(node, &[fetcher("moi")], Bus::builder()).await;
    town.bus.stop().await;
    // No disk has so much.
    let config = std::fs::read_to_string(town.bus.deployment.config()).expect("our own file");
    town.bus.deployment.write("falaj.toml", &format!("{config}\n[store]\ndisk_floor = \"1000TiB\"\n"));
    town.bus.start().await;
    town.wait_connected().await;
    let mut sender = Client::connect(&town.place, "pub");
    let things: Vec<Thing> = (1..=12).flat_map(|n| ["a", "b", "c"].map(|subject| Thing::new(subject, n))).collect();
    for thing in &things {
        sender.must(town.event(thing, json!({ "reply_to": "receipts" })));
    }
    town.wait_log(&["messages go back to the queue", "falaj.in"]).await;
    town.place.wait_messages(node, "falaj.in", things.len() as u64).await;
    for queue in ["falaj.quarantine", "falaj.reply.pub", "falaj.out.moi"] {
        assert_eq!(town.place.messages(node, queue).await, 0, "{queue}");
    }
    town.bus.stop().await;
    town.place.wait_messages(node, "falaj.in", things.len() as u64).await;

    town.bus.deployment.write("falaj.toml", &config);
    town.bus.start().await;
    let reader = Stream::read(&town, "moi");
    until("moi has all", ARRIVES, || {
        missing(&reader.arrived(), things.iter().map(|thing| thing.id.as_str())).is_empty().then_some(())
    })
    .await;
    let arrived = reader.arrived();
    assert_eq!((broken(&arrived), overtaken(&arrived)), (Vec::new(), Vec::new()));
    for _ in &things {
        assert_eq!(sender.get("falaj.reply.pub")["headers"]["falaj-status"], 202);
    }
    town.place.wait_messages(node, "falaj.in", 0).await;
    assert_eq!(town.place.messages(node, "falaj.quarantine").await, 0);
    drop(reader);
    town.bus.stop().await;
    town.bus.ledger_check().await;
}

/// The broker gives an unroutable message back with all that is in it: none of it may reach the log, however much is logged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_gives_back_is_shown_to_nobody() {
    let node = Node::shared().await;
    let mut town = Town::build(node, &[fetcher("moi")], Bus::builder().env("FALAJ_LOG", "trace")).await;
    let mut moi = Client::connect(&town.place, "moi");
    let mut sender = Client::connect(&town.place, "pub");
    sender.must(town.event(&Thing::new("name-of-a-person", 1).noted("word-of-a-person"), json!({ "reply_to": "x" })));
    assert_eq!(sender.get("falaj.reply.pub")["headers"]["falaj-status"], 202);
    let came = moi.get("falaj.out.moi");
    assert!(came["body"].as_str().unwrap().contains("word-of-a-person"), "{came}");

    town.place.delete_queue("falaj.out.moi").await;
    town.bus.post(&Thing::new("name-of-a-person", 2).noted("word-of-a-person")).await;
    town.wait_log(&["the broker returned a message", "falaj.out.moi"]).await;
    town.wait_log(&["configuration_fault", "\"moi\"", "the queue is missing"]).await;
    town.bus.stop().await;
    let log = std::fs::read_to_string(town.bus.log_file()).expect("a log");
    for secret in ["name-of-a-person", "word-of-a-person", "p@ss", "p%40ss"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    town.bus.ledger_check().await;
}

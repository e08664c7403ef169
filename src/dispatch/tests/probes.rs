//! Probes: one head that always fails keeps no circuit open for others, and what is an outage is none of a message's.

use std::time::Duration;

use super::town::{Memory, Sent, Town, answer};
use crate::model::outcome::{Class, Outcome};
use crate::model::time::At;

const START: At = At(1_800_000_000_000);
const STEP: Duration = Duration::from_secs(5);
/// The head that fails whatever happens.
const BAD: &str = "citizen-bad";

/// The first hour.
fn is_down(at: At) -> bool {
    at.since(START) < Duration::from_secs(3600)
}

fn bad_500(at: At, subject: &str, _: &mut Memory) -> Outcome {
    let fails = is_down(at) || subject == BAD;
    if fails { answer(Class::EndpointFault, Some(500), None) } else { answer(Class::Done, Some(200), None) }
}

fn bad_404(at: At, subject: &str, _: &mut Memory) -> Outcome {
    let fails = is_down(at) || subject == BAD;
    if fails { answer(Class::ConfigurationFault, Some(404), None) } else { answer(Class::Done, Some(200), None) }
}

/// The way is right from the beginning, but for one head.
fn only_bad_404(_: At, subject: &str, _: &mut Memory) -> Outcome {
    if subject == BAD {
        answer(Class::ConfigurationFault, Some(404), None)
    } else {
        answer(Class::Done, Some(200), None)
    }
}

/// A log that nobody reads. What is first logged on a thread without any log is taken for unwanted on all threads, also on that of
/// a test which reads it.
fn unread_log() -> tracing::subscriber::DefaultGuard {
    tracing::subscriber::set_default(tracing_subscriber::registry())
}

fn after_the_outage(sent: Vec<Sent>) -> Vec<Sent> {
    sent.into_iter().filter(|one| !is_down(one.at)).collect()
}

#[tokio::test]
async fn a_circuit_closes_within_two_probes_although_one_head_always_fails() {
    let _logging = unread_log();
    // The story: a probe was always the head that had been due the longest, so one that always failed kept the circuit open.
    for (name, script) in [("probes-500", bad_500 as super::town::Script), ("probes-404", bad_404)] {
        let mut town = Town::start(name, START, &[("a", "", script)]);
        town.post(&["a"], [BAD.to_owned()]).await;
        town.rest().await;
        town.post(&["a"], (0..20).map(|n| format!("citizen-{n}"))).await;
        town.rest().await;
        while is_down(town.clock.now()) {
            town.pass(STEP).await;
        }
        for _ in 0..2 * 300 / STEP.as_secs() {
            town.pass(STEP).await;
        }
        let sent = after_the_outage(town.sent("a"));
        let first = sent.iter().position(|one| one.class == Class::Done).unwrap();
        assert!(first < 2, "{name}: closed by probe {}: {sent:?}", first + 1);
        assert_eq!(town.tally("a").delivered, 20, "{name}");
        assert_eq!(town.events("a").await, ["opened", "closed"], "{name}");
        town.close().await;
    }
}

#[tokio::test]
async fn one_citizen_with_a_wrong_way_parks_and_never_holds_up_another() {
    let _logging = unread_log();
    // It is all there is at first, so it opens the circuit; whoever comes then is tried at once, and closes it.
    let mut town = Town::start("probes-alone", START, &[("a", "", only_bad_404)]);
    let bad = town.post(&["a"], [BAD.to_owned()]).await.remove(0);
    town.rest().await;
    assert_eq!(town.standing(&bad, "a").await.1.unwrap().reason, "circuit_open");
    for n in 0..30 {
        let view = town.post(&["a"], [format!("citizen-{n}")]).await.remove(0);
        town.rest().await;
        assert_eq!(town.standing(&view, "a").await.0, "delivered", "citizen {n} at {}", town.clock.now());
        town.pass(STEP).await;
    }
    let waits = town.standing(&bad, "a").await.1.unwrap();
    assert_eq!(waits.reason, "parked", "{waits:?}");
    assert!(waits.text.contains("(message_fault, status 404)"), "{waits:?}");
    assert_eq!(town.sent("a").iter().filter(|one| one.subject == BAD).count(), 4, "one held, and three quick tries");
    assert_eq!(town.events("a").await, ["opened", "closed"]);
    town.close().await;
}

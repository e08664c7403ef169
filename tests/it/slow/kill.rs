//! `kill -9` at random moments under load, during starts too: nothing accepted is lost, order is kept, repeats are bounded.

use std::time::{Duration, Instant};

use crate::bus::{Bus, DEADLINE, Dice, Load, Offered, Reaction, Request, Thing, Witness, missing, repeats, until};

/// Lives that end by a kill.
const KILLS: u32 = 32;
/// First starts that end by a kill.
const FIRST_STARTS: u32 = 12;
/// How long a life lasts at least, and at most.
const LIFE: (Duration, Duration) = (Duration::from_millis(30), Duration::from_millis(900));
/// What is given to the senders.
const LOAD: Offered =
    Offered { senders: 24, subjects: 200, envelopes: 6_000, note_bytes: 600, pause_max: Duration::from_millis(100) };
/// The agencies, each with its limit of deliveries in flight.
const AGENCIES: [(&str, u32); 5] = [("swift", 16), ("wide", 64), ("narrow", 2), ("shaky", 16), ("sluggish", 16)];

/// Fails the first try of every second message, in the ways of a shaky agency, as long as a lane is short: each failure costs its
/// lane five seconds. Mostly by its own words rather than by 5xx, which would open the circuit and leave little to be killed.
fn shaky(request: &Request) -> Reaction {
    let dice = request.webhook_id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let fails = [".1", ".3", ".5"].iter().any(|number| request.event_id.ends_with(number));
    match (fails && request.nth == 1, dice % 8) {
        (true, 0..=4) => Reaction::Status(422),
        (true, 5 | 6) => Reaction::Status(500),
        (true, _) => Reaction::Close,
        (false, _) => Reaction::Status(200),
    }
}

fn sluggish(request: &Request) -> Reaction {
    let dice = request.webhook_id.bytes().fold(3_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    Reaction::Late(Duration::from_millis(10 + dice % 90), 200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_random_moments_loses_nothing_and_keeps_order() {
    let mut dice = Dice::for_test("kill");
    let begun = Instant::now();
    let mut builder = Bus::builder();
    for (agency, in_flight) in AGENCIES {
        builder = builder.agency(agency).in_flight(in_flight);
    }
    let mut bus = builder.build_stopped().await;
    bus.receiver("shaky").react(shaky);
    bus.receiver("sluggish").react(sluggish);

    let load = Load::start(&bus.publisher, &LOAD, &mut dice);
    for kill in 1..=KILLS {
        if kill % 4 == 0 {
            bus.start_and_kill(dice.between(Duration::ZERO, Duration::from_millis(150))).await;
        } else {
            bus.start().await;
            tokio::time::sleep(dice.between(LIFE.0, LIFE.1)).await;
            bus.kill9().await;
        }
        bus.ledger_check().await;
        bus.assert_sound();
    }
    let killed = begun.elapsed();

    bus.start().await;
    let book = load.finish().await;
    assert_eq!(book.faults, Vec::<String>::new());
    for receiver in bus.receivers() {
        until(&format!("{} has taken all", receiver.agency), DEADLINE, || {
            receiver.look(|log| Witness::new("", log).lost(book.ids()).is_empty()).then_some(())
        })
        .await;
    }
    let lost = missing(&bus.publisher, book.acked.values().cloned().collect()).await;
    assert_eq!(lost, Vec::<String>::new());
    bus.stop().await;
    bus.ledger_check().await;
    bus.assert_sound();

    let mut repeated = Vec::new();
    for (agency, in_flight) in AGENCIES {
        let log = bus.receiver(agency).log();
        assert_eq!(Witness::new(agency, &log).invented(|id| book.offered.contains(id)), Vec::<&str>::new());
        let (repeats, bound) = (repeats(&log), (KILLS * in_flight) as usize);
        assert!(repeats <= bound, "{agency}: {repeats} repeats, {bound} could be in flight");
        repeated.push(repeats);
    }
    println!(
        "{KILLS} kills in {killed:?}, all in {:?}: {} accepted, {} calls unanswered, {} offered again, repeats {repeated:?}",
        begun.elapsed(),
        book.acked.len(),
        book.unanswered,
        book.repeated
    );
    assert!((book.acked.len() as u64) < LOAD.envelopes, "the load had ended before the kills did");
    // The kills hit senders and deliveries in the middle; else this proved nothing.
    assert!(book.unanswered >= u64::from(KILLS) / 4, "{} calls were cut", book.unanswered);
    assert!(repeated.iter().sum::<usize>() > 0, "no delivery was cut");
    assert!(book.acked.len() >= 100, "{} envelopes are no load", book.acked.len());
}

/// A start that dies leaves a ledger that opens, or none: also the very first one, which makes it.
#[tokio::test]
async fn a_first_start_that_dies_harms_nothing() {
    let mut dice = Dice::for_test("first_start");
    for _ in 0..FIRST_STARTS {
        let mut bus = Bus::builder().agency("a").build_stopped().await;
        bus.start_and_kill(dice.between(Duration::ZERO, Duration::from_millis(120))).await;
        bus.start().await;
        let receipt = bus.post(&Thing::new("citizen", 1)).await;
        bus.wait_settled(&receipt.id).await;
        bus.kill9().await;
        bus.ledger_check().await;
    }
}

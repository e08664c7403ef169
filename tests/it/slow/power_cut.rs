//! Simulated power cuts under load: what was accepted is there afterwards, with its receipt.
//!
//! The same cuts are shown a store that lies about its syncs, and the bus itself over syncs that do nothing: they must notice
//! both, and must not accuse a store that does not lie.

use std::time::{Duration, Instant};

use super::island::Island;
use super::notebook::Notebook;
use super::shim::Shim;
use crate::bus::{Bus, Client, DEADLINE, Dice, Load, Offered, Witness, ledger_check, missing, repeats, until};

/// Cuts that the bus must live through.
const CUTS: u32 = 24;
/// Cuts that a lie must not live through.
const CUTS_OF_A_LIE: u32 = 3;
/// Acceptances that each life must see before its cut, so that every cut is under load.
const ACCEPTED_MIN: usize = 8;
/// How long after these the cut may come.
const LIFE_MAX: Duration = Duration::from_millis(400);
/// How long the store may go on after the cut, with no power below it.
const AFTER_MAX: Duration = Duration::from_millis(60);
/// Room for all lives; each sender waits for its answers.
const LOAD: Offered =
    Offered { senders: 8, subjects: 100, envelopes: 20_000, note_bytes: 600, pause_max: Duration::ZERO };
/// The agencies, each with its limit of deliveries in flight.
const AGENCIES: [(&str, u32); 3] = [("a", 16), ("b", 4), ("c", 32)];

/// What is put on the island.
trait Store {
    /// Who posts to it.
    fn client(&self) -> &Client;
    /// Starts it over what is there.
    async fn start(&mut self);
    /// Pulls its network cable.
    fn unplug(&self);
    /// Ends it without a word.
    async fn die(&mut self);
}

impl Store for Bus {
    fn client(&self) -> &Client {
        &self.publisher
    }
    async fn start(&mut self) {
        Self::start(self).await;
    }
    fn unplug(&self) {
        Self::unplug(self);
    }
    async fn die(&mut self) {
        self.kill9().await;
    }
}

impl Store for Notebook {
    fn client(&self) -> &Client {
        Self::client(self)
    }
    async fn start(&mut self) {
        Self::start(self).await;
    }
    fn unplug(&self) {
        Self::unplug(self);
    }
    async fn die(&mut self) {
        Self::die(self).await;
    }
}

/// Cuts the power so many times under load; returns every accepted envelope that was not there afterwards.
async fn cut(store: &mut impl Store, island: &Island, load: &Load, dice: &mut Dice, cuts: u32) -> Vec<String> {
    let mut lost = Vec::new();
    for _ in 0..cuts {
        let switch = island.arm();
        let begun = Instant::now();
        store.start().await;
        let before = load.book().acked.len();
        until("acceptances under load", DEADLINE, || (load.book().acked.len() >= before + ACCEPTED_MIN).then_some(()))
            .await;
        tokio::time::sleep(dice.between(Duration::ZERO, LIFE_MAX)).await;
        // A machine without power says nothing to anybody. Here it would: a sync that is under way while ext4 shuts down may report
        // success without having written (jbd2 finds no transaction left to wait for), so the cable goes first.
        store.unplug();
        switch.cut();
        tokio::time::sleep(dice.between(Duration::ZERO, AFTER_MAX)).await;
        store.die().await;
        // Nothing was accepted since the cable went: what the senders know now is what must be there.
        let accepted = load.book().since(begun);
        island.mount_again();
        store.start().await;
        lost.extend(missing(store.client(), accepted).await);
        store.die().await;
        // A sender that repeats and is told something else has found out too.
        lost.append(&mut load.book().faults);
        if !lost.is_empty() {
            break;
        }
    }
    lost
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_under_load_lose_nothing() {
    let mut dice = Dice::for_test("power_cut");
    let begun = Instant::now();
    let island = Island::new();
    let data = island.path().join("data");
    let mut builder = Bus::builder().data(&data);
    for (agency, in_flight) in AGENCIES {
        builder = builder.agency(agency).in_flight(in_flight);
    }
    let mut bus = builder.build_stopped().await;
    let load = Load::start(&bus.publisher, &LOAD, &mut dice);
    let lost = cut(&mut bus, &island, &load, &mut dice, CUTS).await;
    assert_eq!(lost, Vec::<String>::new(), "accepted and lost");
    ledger_check(&data).await;

    bus.start().await;
    let book = load.finish().await;
    assert_eq!(book.faults, Vec::<String>::new());
    let lost = missing(&bus.publisher, book.acked.values().cloned().collect()).await;
    assert_eq!(lost, Vec::<String>::new(), "accepted and lost by a later cut");
    for receiver in bus.receivers() {
        until(&format!("{} has taken all", receiver.agency), DEADLINE, || {
            receiver.look(|log| Witness::new("", log).lost(book.ids()).is_empty()).then_some(())
        })
        .await;
    }
    bus.stop().await;
    ledger_check(&data).await;
    bus.assert_sound();
    let mut repeated = Vec::new();
    for (agency, in_flight) in AGENCIES {
        // Each cut is followed by a kill, and the start that looks for what was lost by another.
        let (repeats, bound) = (repeats(&bus.receiver(agency).log()), (2 * CUTS * in_flight) as usize);
        assert!(repeats <= bound, "{agency}: {repeats} repeats, {bound} could be in flight");
        repeated.push(repeats);
    }
    println!(
        "{CUTS} cuts in {:?}: {} accepted, {} refused, {} calls unanswered, repeats {repeated:?}",
        begun.elapsed(),
        book.acked.len(),
        book.refused,
        book.unanswered
    );
}

/// Three cuts of a store that answers before it has synced, or after.
async fn cut_notebook(synced: bool) -> (Vec<String>, usize) {
    let mut dice = Dice::for_test("notebook");
    let island = Island::new();
    let mut notebook = Notebook::new(&island.path(), synced);
    let load = Load::start(notebook.client(), &LOAD, &mut dice);
    let lost = cut(&mut notebook, &island, &load, &mut dice, CUTS_OF_A_LIE).await;
    let accepted = load.book().acked.len();
    (lost, accepted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cuts_notice_a_store_that_lies() {
    let (lost, accepted) = cut_notebook(false).await;
    assert!(!lost.is_empty(), "{accepted} were accepted without a sync, and a power cut lost none of them");
}

/// The bus itself, over syncs that do nothing: what it promises rests on them, and the cuts would notice if they were left out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cuts_notice_a_bus_that_does_not_sync() {
    let mut dice = Dice::for_test("lie");
    let (island, shim) = (Island::new(), Shim::new());
    shim.ask("lie", true);
    let data = island.path().join("data");
    let mut builder = Bus::builder().agency("a").data(&data);
    for (name, value) in shim.env(&data) {
        builder = builder.env(name, &value);
    }
    let mut bus = builder.build_stopped().await;
    let load = Load::start(&bus.publisher, &LOAD, &mut dice);
    let lost = cut(&mut bus, &island, &load, &mut dice, CUTS_OF_A_LIE).await;
    let accepted = load.book().acked.len();
    assert!(!lost.is_empty(), "{accepted} were accepted without a sync, and a power cut lost none of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cuts_do_not_accuse_a_store_that_syncs() {
    let (lost, accepted) = cut_notebook(true).await;
    assert_eq!(lost, Vec::<String>::new(), "of {accepted}");
}

//! A disk that fills up: below the floor nothing is accepted and everything accepted goes on; and where there is no floor and the
//! disk is really full, a write that failed is never an acceptance.

use std::fs::File;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::island::Island;
use crate::bus::{Bus, DEADLINE, Dice, Load, Offered, Thing, Witness, ledger_check, missing, until, until_async};

/// The floor in these tests.
const FLOOR: u64 = 512 << 20;

/// A file that takes room away; what is left is at most so many bytes.
fn ballast(island: &Island, left: u64) {
    let disk = statvfs(island.path()).unwrap();
    let take = (disk.f_bavail * disk.f_frsize).saturating_sub(left);
    let file = File::create(island.path().join("ballast")).unwrap();
    fallocate(&file, FallocateFlags::empty(), 0, take).unwrap();
    file.sync_all().unwrap();
}

fn throw_away(island: &Island) {
    std::fs::remove_file(island.path().join("ballast")).unwrap();
    let free = || statvfs(island.path()).map(|disk| disk.f_bavail * disk.f_frsize).unwrap();
    assert!(free() > FLOOR, "{} bytes are free", free());
}

#[tokio::test]
async fn below_the_floor_nothing_is_accepted_and_all_else_goes_on() {
    let island = Island::new();
    let data = island.path().join("data");
    let mut bus = Bus::builder().agency("a").holds().data(&data).build().await;
    let mut accepted = vec![bus.post(&Thing::new("citizen", 1)).await, bus.post(&Thing::new("citizen", 2)).await];
    ballast(&island, FLOOR / 2);
    let mut n = 0;
    let refusal = loop {
        n += 1;
        assert!(n < 1_000, "a thousand envelopes below the floor");
        let answer = bus.publisher.offer(&Thing::new("late", n)).await.unwrap();
        match answer.status {
            202 => accepted.push(answer.receipt(202)),
            _ => break answer,
        }
        // The disk is looked at once a second.
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(refusal.status, 503, "{}", refusal.text);
    let ready = bus.admin.get("/readyz").await;
    assert_eq!((ready.status, &ready.body["ready"]), (503, &false.into()), "{}", ready.text);

    bus.receiver("a").release();
    for receipt in &accepted {
        assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    }
    assert_eq!(bus.publisher.offer(&Thing::new("late", n)).await.unwrap().status, 503);
    // Room again: no restart is needed.
    throw_away(&island);
    let receipt = until_async("accepted again", DEADLINE, || async {
        let answer = bus.publisher.offer(&Thing::new("late", n)).await.unwrap();
        (answer.status == 202).then(|| answer.receipt(202))
    })
    .await;
    bus.wait_settled(&receipt.id).await;
    bus.stop().await;
    bus.assert_sound();
    ledger_check(&data).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_never_an_acceptance() {
    let mut dice = Dice::for_test("disk_full");
    let island = Island::new();
    let data = island.path().join("data");
    let mut bus = Bus::builder().agency("a").data(&data).env("FALAJ_STORE__DISK_FLOOR", "0").build().await;
    ballast(&island, 12 << 20);
    let offered =
        Offered { senders: 4, subjects: 40, envelopes: 100_000, note_bytes: 20_000, pause_max: Duration::ZERO };
    let load = Load::start(&bus.publisher, &offered, &mut dice);
    until("writes fail", DEADLINE, || (load.book().refused >= 20).then_some(())).await;
    bus.kill9().await;
    throw_away(&island);
    ledger_check(&data).await;

    bus.start().await;
    let book = load.finish().await;
    assert_eq!(book.faults, Vec::<String>::new());
    assert!(book.acked.len() > 20, "{} were accepted before it was full", book.acked.len());
    assert_eq!(missing(&bus.publisher, book.acked.values().cloned().collect()).await, Vec::<String>::new());
    until("all is delivered", DEADLINE, || {
        bus.receiver("a").look(|log| Witness::new("a", log).lost(book.ids()).is_empty()).then_some(())
    })
    .await;
    println!("{} accepted, {} refused", book.acked.len(), book.refused);
    bus.stop().await;
    bus.assert_sound();
    ledger_check(&data).await;
}

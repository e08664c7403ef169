//! The ledger's keepers: one bus at a time has it open, and its check can say no.

use crate::bus::{Bus, Thing, falaj};

/// A second bus over an open ledger refuses to start, says why, and disturbs nobody.
#[tokio::test]
async fn two_buses_never_share_a_ledger() {
    let mut bus = Bus::builder().agency("a").build().await;
    let output = bus.start_in_vain().await;
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("another"), "{said}");
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    bus.stop().await;
    bus.ledger_check().await;
}

/// Every other test ends with a check; here is what it says of a ledger from which a row was taken, and of one with a row too many.
#[tokio::test]
async fn the_check_notices_what_was_tampered_with() {
    let mut bus = Bus::builder().agency("a").holds().build().await;
    for n in 1..=3 {
        bus.post(&Thing::new("citizen", n)).await;
    }
    bus.receiver("a").arrival(1).await;
    bus.kill9().await;
    bus.ledger_check().await;

    for (tampering, says) in [
        ("DELETE FROM pending WHERE seq = (SELECT max(seq) FROM pending)", "L1"),
        ("INSERT INTO pending VALUES (4711, 1, 1, 1)", ""),
        ("UPDATE envelope SET data = CAST('{\"n\":4}' AS BLOB) WHERE seq = (SELECT max(seq) FROM envelope)", "L7"),
        ("DELETE FROM young", "identity"),
    ] {
        let copy = bus.deployment.path().join("tampered");
        std::fs::create_dir(&copy).unwrap();
        for entry in std::fs::read_dir(bus.deployment.data()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
        let ledger = rusqlite::Connection::open(copy.join("ledger.db")).unwrap();
        assert!(ledger.execute(tampering, []).unwrap() > 0, "{tampering}");
        drop(ledger);
        let output = falaj(["ledger", "check", "--data"]).arg(&copy).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{tampering}: {said}");
        assert!(said.contains(says), "{tampering}: {said}");
        std::fs::remove_dir_all(copy).unwrap();
    }
}

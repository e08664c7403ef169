//! Acceptance: one identity once, one commit for all that waits, and when nothing is accepted.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use super::*;

#[tokio::test]
async fn a_receipt_names_every_delivery_and_leads_back() {
    let mut house = House::new();
    let receipt = house.accept("s1", &["a", "b"]).await;
    assert_eq!(receipt.deliveries.len(), 2);
    assert_eq!(receipt.deliveries[1].key, key("b", 1));
    assert!(receipt.deliveries.iter().all(|delivery| delivery.standing == Standing::Queued));
    assert_eq!(house.view(&receipt).await, receipt);
    let (delivery, whole) = house.ledger().delivery(receipt.deliveries[1].id).await.unwrap().unwrap();
    assert_eq!((delivery, whole), (receipt.deliveries[1].clone(), receipt.clone()));
    let stored = house.ledger().stored(receipt.id).await.unwrap().unwrap();
    assert_eq!(&stored.data[..], b"{\"n\": 1.10}");
    assert_eq!(stored.attributes.correlation_id(), Some("case-1"));
    house.prove().await;
}

#[tokio::test]
async fn an_id_that_was_never_given_leads_nowhere() {
    let mut house = House::new();
    let receipt = house.accept("s1", &["a"]).await;
    let other = uuid::Uuid::from_u128(receipt.id.uuid().as_u128() ^ (1 << 30));
    let (ledger, other) = (house.ledger(), crate::model::id::EnvelopeId::from_uuid(other));
    assert!(ledger.envelope(other).await.unwrap().is_none());
    assert!(ledger.stored(other).await.unwrap().is_none());
    // The envelope's own id is no delivery's.
    let id = crate::model::id::DeliveryId::from_uuid(receipt.id.uuid());
    assert!(ledger.delivery(id).await.unwrap().is_none());
    house.prove().await;
}

#[tokio::test]
async fn a_repeat_gets_the_receipt_of_then_and_other_content_is_a_clash() {
    let mut house = House::new();
    let first = house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 1).await, [1]);
    house.deliver("a", 1).await;
    let same = envelope("e1", "s1", &["a", "b"]);
    let digest = same.digest;
    assert_eq!(house.ledger().accept(same, house.now).await.unwrap(), Acceptance::Repeat(first.clone()));
    let known = house.ledger().known("urn:test", "e1", &digest).await.unwrap();
    assert_eq!(known, Some(Acceptance::Repeat(first.clone())));
    let other = envelope("e1", "s2", &["a"]);
    let digest = other.digest;
    assert_eq!(house.ledger().accept(other, house.now).await.unwrap(), Acceptance::Clash { id: first.id });
    let known = house.ledger().known("urn:test", "e1", &digest).await.unwrap();
    assert_eq!(known, Some(Acceptance::Clash { id: first.id }));
    assert_eq!(house.ledger().known("urn:test", "e9", &digest).await.unwrap(), None);
    house.prove().await;
}

#[tokio::test]
async fn what_waits_together_shares_commits_and_one_identity_is_taken_once() {
    let house = House::new();
    let (commits, operations) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, counted) = (Arc::clone(&commits), Arc::clone(&operations));
    house.ledger().each_commit(move |_| {
        seen.fetch_add(1, Relaxed);
    });
    // A second observer takes nothing from the first.
    house.ledger().each_commit(move |commit| {
        counted.fetch_add(commit.operations, Relaxed);
    });
    let all = (0..300).map(|n| {
        // Every identity comes three times.
        let new = envelope(&format!("e{}", n % 100), "s1", &["a", "b"]);
        let (ledger, now) = (house.ledger().clone(), house.now);
        tokio::spawn(async move { ledger.accept(new, now).await.unwrap() })
    });
    let all: Vec<_> = all.collect();
    let (mut new, mut repeats) = (0, 0);
    for one in all {
        match one.await.unwrap() {
            Acceptance::New(_) => new += 1,
            Acceptance::Repeat(_) => repeats += 1,
            Acceptance::Clash { .. } => panic!("the same content cannot clash"),
        }
    }
    assert_eq!((new, repeats), (100, 200));
    let commits = commits.load(Relaxed);
    assert!(commits < 150, "{commits} commits for 300 operations");
    assert_eq!(operations.load(Relaxed), 300);
    assert_eq!(house.tally("b").pending, 100);
    house.prove().await;
}

#[tokio::test]
async fn nobody_to_send_to_is_complete_at_once() {
    let mut house = House::new();
    let receipt = house.accept("s1", &[]).await;
    assert!(receipt.deliveries.is_empty());
    house.prove().await;
}

#[tokio::test]
async fn an_agency_named_twice_is_refused_and_nothing_is_written() {
    let mut house = House::new();
    let refused = house.ledger().accept(envelope("e1", "s1", &["a", "a"]), house.now).await;
    assert!(matches!(refused, Err(LedgerError::Store(_))));
    assert_eq!(house.accept("s1", &["a"]).await.seq, Seq(1));
    house.prove().await;
}

#[tokio::test]
async fn time_never_goes_back() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.now = At(5);
    let later = house.accept("s1", &["a"]).await;
    assert_eq!(later.accepted_at, At(1_000_000));
    house.prove().await;
}

#[tokio::test]
async fn below_the_floor_nothing_is_accepted_but_deliveries_go_on() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    let House { ledger, folder, now, .. } = house;
    drop(ledger);
    let full = Ledger::open(Options { disk_floor_bytes: u64::MAX, ..options(&folder.0) }).unwrap();
    let refused = full.accept(envelope("e9", "s1", &["a"]), now).await;
    assert!(matches!(refused, Err(LedgerError::DiskLow)));
    assert!(full.health().refusing.is_some());
    assert_eq!(full.claim(&agency("a"), 9, now).await.unwrap().deliveries.len(), 1);
    full.settle(vec![settlement(key("a", 1), DELIVERED, now)], now).await.unwrap();
    House { ledger: Some(full), ear: Arc::default(), folder, next: 9, now }.prove().await;
}

#[tokio::test]
async fn after_a_failed_commit_the_ledger_writes_no_more() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    // The store breaks under the running ledger: a table is gone.
    let side = rusqlite::Connection::open(house.folder.0.join("ledger.db")).unwrap();
    side.execute_batch("ALTER TABLE pending RENAME TO pending_gone").unwrap();
    let failed = house.ledger().accept(envelope("e2", "s1", &["a"]), house.now).await;
    assert!(matches!(failed, Err(LedgerError::Store(_))), "{failed:?}");
    side.execute_batch("ALTER TABLE pending_gone RENAME TO pending").unwrap();
    drop(side);
    let refused = house.ledger().accept(envelope("e3", "s1", &["a"]), house.now).await;
    assert!(matches!(refused, Err(LedgerError::Poisoned)));
    let refused = house.ledger().claim(&agency("a"), 1, house.now).await;
    assert!(matches!(refused, Err(LedgerError::Poisoned)));
    assert!(house.ledger().health().refusing.is_some());
    house.crash();
    assert_eq!(house.seqs("a", 9).await, [1], "what had failed is not there, what was accepted is");
    house.prove().await;
}

#[tokio::test]
async fn a_folder_has_one_ledger_and_a_closed_one_answers() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    let second = Ledger::open(options(&house.folder.0));
    assert!(matches!(second, Err(OpenError::InUse(_))));
    house.ledger().close().await;
    assert!(matches!(house.ledger().accept(envelope("e2", "s", &["a"]), house.now).await, Err(LedgerError::Closed)));
    assert!(matches!(house.ledger().search(Query::default()).await, Err(LedgerError::Closed)));
    house.ledger().close().await;
    house.crash();
    house.prove().await;
}

#[tokio::test]
async fn a_ledger_of_a_newer_falaj_is_left_alone() {
    let mut house = House::new();
    house.ledger = None;
    let side = rusqlite::Connection::open(house.folder.0.join("ledger.db")).unwrap();
    side.execute("UPDATE meta SET value = 3 WHERE key = 'format'", []).unwrap();
    let newer = Ledger::open(options(&house.folder.0));
    assert!(matches!(newer, Err(OpenError::Newer { found: 3, known: 2 })));
    side.execute("UPDATE meta SET value = 2 WHERE key = 'format'", []).unwrap();
    drop(side);
    house.crash();
    house.prove().await;
}

/// L8, on the text: a wall clock has no place here, whoever asks for it.
#[test]
fn nothing_here_reads_the_clock() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for word in ["SystemTime", "Timestamp::now", "crate::clock", "strftime", "CURRENT_TIMESTAMP"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
            read += 1;
        }
    }
    assert!(read > 15);
}

//! Where it may die: one test per place, as far as the ledger is concerned. A dropped ledger leaves what it had committed.

use super::*;

#[tokio::test]
async fn before_the_accept_commits_the_sender_repeats_and_it_is_new() {
    let mut house = House::new();
    {
        let mut accept = Box::pin(house.ledger().accept(envelope("e1", "s1", &["a"]), house.now));
        drop(std::future::Future::poll(accept.as_mut(), &mut std::task::Context::from_waker(std::task::Waker::noop())));
    }
    house.crash();
    let again = house.ledger().accept(envelope("e1", "s1", &["a"]), house.now).await.unwrap();
    // Either nothing was committed, or all of it.
    assert!(matches!(again, Acceptance::New(_) | Acceptance::Repeat(_)));
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.prove().await;
}

#[tokio::test]
async fn after_the_accept_the_sender_repeats_and_gets_the_same_receipt() {
    let mut house = House::new();
    let receipt = house.accept("s1", &["a", "b"]).await;
    house.crash();
    let again = house.ledger().accept(envelope("e1", "s1", &["a", "b"]), house.now).await.unwrap();
    assert_eq!(again, Acceptance::Repeat(receipt));
    assert_eq!(house.seqs("b", 9).await, [1]);
    house.prove().await;
}

#[tokio::test]
async fn after_a_claim_it_is_offered_again_under_the_same_id() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    let before = house.claim("a", 9).await.remove(0);
    house.crash();
    let after = house.claim("a", 9).await.remove(0);
    assert_eq!((after.id, after.webhook_id), (before.id, before.webhook_id));
    assert_eq!(after.envelope.data, before.envelope.data);
    assert_eq!(after.envelope.attributes, before.envelope.attributes);
    house.prove().await;
}

#[tokio::test]
async fn after_a_settlement_there_is_nothing_to_do() {
    let mut house = House::new();
    let receipt = house.accept("s1", &["a"]).await;
    house.seqs("a", 9).await;
    assert_eq!(house.deliver("a", 1).await, [Seq(1)]);
    house.crash();
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    let standing = house.view(&receipt).await.deliveries.remove(0).standing;
    assert!(matches!(standing, Standing::Finished { state: Finished::Delivered, .. }));
    house.prove().await;
}

#[tokio::test]
async fn a_page_in_memory_is_nothing_that_can_be_lost() {
    let mut house = House::new();
    for _ in 0..5 {
        house.accept("s1", &["a"]).await;
    }
    house.seqs("a", 9).await;
    house.crash();
    for seq in 1..=5 {
        assert_eq!(house.seqs("a", 9).await, [seq]);
        house.deliver("a", seq).await;
        house.crash();
    }
    house.prove().await;
}

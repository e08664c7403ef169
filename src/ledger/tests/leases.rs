//! Leases: one test per rule.

use uuid::Uuid;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

async fn lease(house: &House, want: usize) -> Vec<Leased> {
    house.ledger().lease(&agency("a"), want, MINUTE, house.now).await.unwrap()
}

async fn under(house: &House, lease: Uuid, seq: u64, transition: Transition) -> bool {
    let settlement = settlement(key("a", seq), transition, house.now);
    house.ledger().settle_lease(lease, settlement, house.now).await.unwrap()
}

fn seqs(leased: &[Leased]) -> Vec<u64> {
    leased.iter().map(|leased| leased.claimed.key.seq.0).collect()
}

#[tokio::test]
async fn leases_keep_the_order_of_their_lanes() {
    let mut house = House::new();
    for subject in ["s1", "s1", "s2"] {
        house.accept(subject, &["a"]).await;
    }
    let leased = lease(&house, 9).await;
    assert_eq!(seqs(&leased), [1, 3]);
    assert_eq!(leased[0].until, house.now.plus(MINUTE));
    assert!(lease(&house, 9).await.is_empty());
    assert_eq!(house.seqs("a", 9).await, [0; 0], "a claim gets nothing of a leased lane either");
    assert_eq!((house.tally("a").leased, house.tally("a").behind), (2, 1));
    assert!(under(&house, leased[0].lease, 1, DELIVERED).await);
    let next = lease(&house, 9).await;
    assert_eq!(seqs(&next), [2]);
    assert!(under(&house, next[0].lease, 2, DELIVERED).await);
    assert!(under(&house, leased[1].lease, 3, DELIVERED).await);
    assert_eq!(house.tally("a"), Tally { delivered: 3, ..Tally::default() });
    house.prove().await;
}

#[tokio::test]
async fn a_lease_survives_a_crash_with_its_token() {
    let mut house = House::new();
    let view = house.accept("s1", &["a"]).await;
    house.accept("s1", &["a"]).await;
    let leased = lease(&house, 1).await;
    house.crash();
    assert!(lease(&house, 9).await.is_empty());
    let until = leased[0].until;
    assert_eq!(house.view(&view).await.deliveries[0].standing, Standing::Leased { until });
    assert!(under(&house, leased[0].lease, 1, DELIVERED).await);
    assert_eq!(seqs(&lease(&house, 9).await), [2]);
    house.prove().await;
}

#[tokio::test]
async fn only_the_token_in_force_settles_and_only_once() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.accept("s2", &["a"]).await;
    let leased = lease(&house, 2).await;
    assert!(!under(&house, Uuid::nil(), 1, DELIVERED).await);
    assert!(!under(&house, leased[1].lease, 1, DELIVERED).await, "another delivery's");
    assert!(under(&house, leased[0].lease, 1, Transition::Retry { due: house.now }).await);
    assert!(!under(&house, leased[0].lease, 1, DELIVERED).await, "settled");
    let again = lease(&house, 1).await;
    assert_eq!((again[0].claimed.tries.counted, again[0].claimed.key.seq.0), (1, 1));
    assert!(!under(&house, leased[0].lease, 1, DELIVERED).await, "the one before");
    assert!(under(&house, again[0].lease, 1, DELIVERED).await);
    house.prove().await;
}

#[tokio::test]
async fn a_late_outcome_is_refused_and_what_ran_out_is_offered_again() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.accept("s1", &["a"]).await;
    let leased = lease(&house, 1).await;
    house.now = leased[0].until;
    assert!(!under(&house, leased[0].lease, 1, DELIVERED).await, "its time is over");
    assert!(lease(&house, 9).await.is_empty(), "its fault is not settled yet");
    let out = house.ledger().expired_leases(&agency("a"), 9, house.now).await.unwrap();
    assert_eq!((out.len(), out[0].key.clone()), (1, key("a", 1)));
    assert!(house.ledger().expired_leases(&agency("a"), 9, house.now).await.unwrap().is_empty(), "in flight");
    house.fail("a", 1, 0).await;
    let again = lease(&house, 9).await;
    assert_eq!((seqs(&again), again[0].claimed.tries.counted), (vec![1], 1));
    assert!(!under(&house, leased[0].lease, 1, DELIVERED).await);
    house.prove().await;
}

#[tokio::test]
async fn what_ran_out_is_found_again_after_a_crash() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    let leased = lease(&house, 1).await;
    house.now = leased[0].until;
    let out = house.ledger().expired_leases(&agency("a"), 9, house.now).await.unwrap();
    assert_eq!(out.len(), 1);
    house.crash();
    let out = house.ledger().expired_leases(&agency("a"), 9, house.now).await.unwrap();
    assert_eq!(out.len(), 1);
    house.settle("a", 1, Transition::Park).await;
    assert_eq!((house.tally("a").parked, house.tally("a").leased), (1, 0));
    house.prove().await;
}

#[tokio::test]
async fn what_is_leased_is_nobody_elses() {
    let mut house = House::new();
    let view = house.accept("s1", &["a"]).await;
    let id = view.deliveries[0].id;
    let leased = lease(&house, 1).await;
    for operation in [Operation::Retry, Operation::Skip, Operation::Cancel, Operation::Release] {
        let operated = house.ledger().operate(id, operation, actor(), house.now).await.unwrap().unwrap();
        assert!(matches!(operated, Operated::InFlight(_)), "{operation:?}");
    }
    let report = house.ledger().report(id, BusinessOutcome::Applied, Report::default(), "a", house.now).await.unwrap();
    assert!(matches!(report, Some(Reported::Conflict(_))), "not without the lease: {report:?}");
    house.now = leased[0].until;
    let operated = house.ledger().operate(id, Operation::Cancel, actor(), house.now).await.unwrap().unwrap();
    assert!(matches!(operated, Operated::Done(_)), "it is in nobody's hands any more");
    assert!(house.ledger().expired_leases(&agency("a"), 9, house.now).await.unwrap().is_empty());
    house.prove().await;
}

#[tokio::test]
async fn what_is_leased_does_not_expire_under_the_agencys_hands() {
    let mut house = House::new();
    let mut new = envelope("e1", "s1", &["a"]);
    let at = At(house.now.0 + 100);
    new.envelope.attributes.extensions.insert("expirytime".into(), AttributeValue::Text(at.to_string()));
    new.digest = new.envelope.digest();
    house.ledger().accept(new, house.now).await.unwrap();
    let leased = lease(&house, 1).await;
    house.now = At(leased[0].until.0 - 1);
    assert!(house.ledger().expire(house.now, 9).await.unwrap().is_empty());
    house.now = leased[0].until;
    assert_eq!(house.ledger().expire(house.now, 9).await.unwrap(), [Seq(1)]);
    assert_eq!(house.tally("a"), Tally { expired: 1, ..Tally::default() });
    house.prove().await;
}

#[tokio::test]
async fn a_leased_delivery_tells_of_a_gap() {
    let mut house = House::new();
    let lost = house.accept("s1", &["a"]).await.deliveries[0].id;
    let leased = lease(&house, 1).await;
    assert!(under(&house, leased[0].lease, 1, dead()).await);
    for _ in 0..2 {
        house.accept("s1", &["a"]).await;
    }
    let leased = lease(&house, 1).await;
    assert_eq!(leased[0].claimed.gap, Some(lost));
    assert!(under(&house, leased[0].lease, 2, DELIVERED).await);
    assert_eq!(lease(&house, 1).await[0].claimed.gap, None);
    house.prove().await;
}

#[tokio::test]
async fn leases_that_nobody_heard_of_are_taken_back() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    for polls in 1..=2 {
        // Its envelope is not in memory, so that the second poll waits for it.
        house.crash();
        let name = agency("a");
        let mut lent = Box::pin(house.ledger().lease(&name, 9, MINUTE, house.now));
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        // Polled a few times, so that it is on its way, and dropped.
        for _ in 0..polls {
            assert!(lent.as_mut().poll(&mut context).is_pending());
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(lent);
        // An acceptance is committed after what the writer was asked before.
        house.accept("s9", &["b"]).await;
        house.accept("s9", &["b"]).await;
        assert_eq!(house.tally("a").leased, 0);
    }
    assert_eq!(seqs(&lease(&house, 9).await), [1]);
    house.prove().await;
}

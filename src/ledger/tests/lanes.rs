//! The interleavings that break such designs, one test each.

use std::future::Future;

use super::*;

#[tokio::test]
async fn a_lane_is_freed_by_the_settling_commit() {
    let mut house = House::new();
    for _ in 0..2 {
        house.accept("s1", &["a"]).await;
    }
    house.accept("s2", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [1, 3], "one of a lane at a time, others beside it");
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    house.deliver("a", 1).await;
    assert_eq!(house.seqs("a", 9).await, [2]);
    house.prove().await;
}

#[tokio::test]
async fn a_failing_head_takes_the_page_behind_it_in_one_commit() {
    let mut house = House::new();
    for _ in 0..3 {
        house.accept("s1", &["a"]).await;
    }
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.fail("a", 1, 100).await;
    let tally = house.tally("a");
    assert_eq!((tally.pending, tally.retry, tally.behind), (0, 1, 2));
    assert_eq!(house.seqs("a", 9).await, [0; 0], "not due, and nothing overtakes it");
    let claim = house.ledger().claim(&agency("a"), 9, house.now).await.unwrap();
    assert_eq!(claim.next_due, Some(At(house.now.0 + 100)));
    house.now.0 += 100;
    for seq in 1..=3 {
        assert_eq!(house.seqs("a", 9).await, [seq]);
        house.deliver("a", seq).await;
    }
    assert_eq!(house.tally("a"), Tally { delivered: 3, ..Tally::default() });
    house.prove().await;
}

#[tokio::test]
async fn what_comes_after_a_stuck_head_goes_behind_it_in_seq_order() {
    let mut house = House::new();
    for _ in 0..2 {
        house.accept("s1", &["a"]).await;
    }
    house.seqs("a", 1).await;
    house.fail("a", 1, 100).await;
    house.check();
    house.accept("s1", &["a"]).await;
    house.accept("s2", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [4], "another lane is not delayed");
    // The scan has passed 2 and 3: they are behind with the next commit, at the latest that of 4.
    house.deliver("a", 4).await;
    assert_eq!(house.tally("a").behind, 2);
    house.now.0 += 100;
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [0; 0], "nothing of a stuck lane is offered while its head is in flight");
    for seq in [1, 2, 3, 5] {
        house.deliver("a", seq).await;
        let next = house.seqs("a", 9).await;
        assert!(next.len() <= 1);
        if seq == 5 {
            assert!(next.is_empty());
        }
    }
    house.prove().await;
}

#[tokio::test]
async fn rows_on_their_way_behind_are_there_before_the_head_ends() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.fail("a", 1, 0).await;
    house.accept("s1", &["a"]).await;
    // One claim takes the head and meets its successor; the very next commit ends the head.
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.deliver("a", 1).await;
    assert_eq!(house.seqs("a", 9).await, [2]);
    house.prove().await;
}

#[tokio::test]
async fn parked_heads_wait_and_other_lanes_flow() {
    let mut house = House::new();
    for subject in ["s1", "s1", "s2"] {
        house.accept(subject, &["a"]).await;
    }
    house.seqs("a", 1).await;
    house.settle("a", 1, Transition::Park).await;
    assert_eq!(house.seqs("a", 9).await, [3]);
    house.now.0 += 1_000_000_000;
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    assert_eq!(house.tally("a").parked, 1);
    house.prove().await;
}

#[tokio::test]
async fn a_hot_lane_cannot_fill_the_page() {
    let mut house = House::new();
    for _ in 0..30 {
        house.accept("hot", &["a"]).await;
    }
    house.accept("cool", &["a"]).await;
    let mut got = house.seqs("a", 2).await;
    assert_eq!(got, [1]);
    let mut claims = 0;
    while got.last() != Some(&31) {
        claims += 1;
        assert!(claims < 10, "the page of 8 rows is full of a hot lane");
        let claim = house.ledger().claim(&agency("a"), 2, house.now).await.unwrap();
        got.extend(claim.deliveries.iter().map(|claimed| claimed.key.seq.0));
        assert!(claim.more || got.last() == Some(&31), "there was more, and the claim did not say so");
        assert!(!claim.deliveries.is_empty(), "one claim waits for the moves that stand in its way");
    }
    house.check();
    for seq in 1..=30 {
        if seq > 1 {
            assert_eq!(house.seqs("a", 2).await, [seq]);
        }
        house.deliver("a", seq).await;
    }
    house.deliver("a", 31).await;
    assert_eq!(house.tally("a").delivered, 31);
    house.prove().await;
}

#[tokio::test]
async fn a_busy_head_is_due_at_once_after_a_crash() {
    let mut house = House::new();
    for _ in 0..6 {
        house.accept("hot", &["a"]).await;
    }
    assert_eq!(house.seqs("a", 2).await, [1]);
    house.accept("other", &["b"]).await;
    assert!(house.tally("a").behind > 0, "it spilled");
    house.crash();
    let mut got = house.seqs("a", 9).await;
    assert_eq!(got, [1]);
    house.deliver("a", 1).await;
    house.crash();
    got = house.seqs("a", 9).await;
    assert_eq!(got, [2], "a promoted head is due at once too");
    house.prove().await;
}

#[tokio::test]
async fn without_order_nothing_waits_for_anything() {
    let mut house = House::new();
    for _ in 0..3 {
        house.accept("", &["a"]).await;
    }
    assert_eq!(house.seqs("a", 9).await, [1, 2, 3]);
    house.fail("a", 1, 100).await;
    house.settle("a", 2, dead()).await;
    house.accept("", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [4]);
    assert_eq!(house.tally("a").behind, 0);
    house.prove().await;
}

#[tokio::test]
async fn what_is_given_back_is_offered_again_in_its_order() {
    let mut house = House::new();
    for subject in ["s1", "s1", "s2"] {
        house.accept(subject, &["a"]).await;
    }
    assert_eq!(house.seqs("a", 9).await, [1, 3]);
    house.ledger().give_back(vec![key("a", 1), key("a", 3)]).await.unwrap();
    assert_eq!(house.seqs("a", 9).await, [1, 3]);
    house.prove().await;
}

#[tokio::test]
async fn a_gap_survives_an_empty_lane_until_a_success_has_carried_it() {
    let mut house = House::new();
    let lost = house.accept("s1", &["a"]).await.deliveries[0].id;
    house.seqs("a", 1).await;
    house.settle("a", 1, dead()).await;
    house.crash();
    house.accept("s1", &["a"]).await;
    house.accept("s2", &["a"]).await;
    house.accept("s1", &["a"]).await;
    let claimed = house.claim("a", 9).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.gap).collect::<Vec<_>>(), [Some(lost), None]);
    house.fail("a", 2, 0).await;
    let again = house.claim("a", 9).await;
    assert_eq!(again[0].gap, Some(lost), "a failure has told nobody");
    house.deliver("a", 2).await;
    let next = house.claim("a", 9).await;
    assert_eq!((next[0].key.seq, next[0].gap), (Seq(4), None));
    house.prove().await;
}

#[tokio::test]
async fn due_heads_and_flowing_ones_share_the_places() {
    let mut house = House::new();
    for n in 0..8 {
        house.accept(&format!("s{n}"), &["a"]).await;
    }
    assert_eq!(house.seqs("a", 4).await, [1, 2, 3, 4]);
    for seq in 1..=4 {
        house.fail("a", seq, 0).await;
    }
    let got = house.seqs("a", 4).await;
    assert_eq!(got.iter().filter(|seq| **seq > 4).count(), 2, "half of the places for what flows: {got:?}");
    let mut rest = house.seqs("a", 9).await;
    rest.extend(got);
    rest.sort_unstable();
    assert_eq!(rest, [1, 2, 3, 4, 5, 6, 7, 8], "all of them where nothing else asks");
    house.prove().await;
}

#[tokio::test]
async fn with_too_many_stuck_lanes_nothing_more_is_read() {
    let mut house = House::new();
    house.ledger = None;
    house.ledger = Some(Ledger::open(Options { stuck_max: 2, ..options(&house.folder.0) }).unwrap());
    for n in 0..6 {
        house.accept(&format!("s{n}"), &["a"]).await;
    }
    assert_eq!(house.seqs("a", 3).await, [1, 2, 3]);
    for seq in 1..=3 {
        house.fail("a", seq, 1000).await;
    }
    let claim = house.ledger().claim(&agency("a"), 9, house.now).await.unwrap();
    assert!(claim.deliveries.is_empty() && !claim.more);
    house.now.0 += 1000;
    let two = house.claim("a", 2).await.into_iter().map(|claimed| claimed.key).collect::<Vec<_>>();
    assert_eq!(two.len(), 2);
    house.ledger().give_back(two).await.unwrap();
    let heads = house.seqs("a", 1).await;
    house.settle("a", heads[0], Transition::Park).await;
    assert_eq!(house.seqs("a", 9).await.len(), 5, "a parked lane holds up nobody");
    house.prove().await;
}

#[tokio::test]
async fn what_is_not_in_flight_cannot_be_settled_and_spoils_nothing() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.accept("s2", &["a"]).await;
    let wrong = vec![settlement(key("a", 1), DELIVERED, house.now)];
    assert!(matches!(house.ledger().settle(wrong, house.now).await, Err(LedgerError::NotInFlight)));
    house.seqs("a", 1).await;
    let half = vec![settlement(key("a", 1), DELIVERED, house.now), settlement(key("a", 2), DELIVERED, house.now)];
    assert!(matches!(house.ledger().settle(half, house.now).await, Err(LedgerError::NotInFlight)));
    let twice = vec![settlement(key("a", 1), DELIVERED, house.now); 2];
    assert!(matches!(house.ledger().settle(twice, house.now).await, Err(LedgerError::NotInFlight)));
    house.deliver("a", 1).await;
    let again = vec![settlement(key("a", 1), DELIVERED, house.now)];
    assert!(matches!(house.ledger().settle(again, house.now).await, Err(LedgerError::NotInFlight)));
    assert_eq!(house.tally("a").delivered, 1);
    house.prove().await;
}

#[tokio::test]
async fn a_claim_that_nobody_waits_for_any_more_takes_nothing() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    let name = agency("a");
    // Dropped before, while and after the writer answers: what was claimed is given back in each case.
    for pause_us in (0..400).step_by(20) {
        let mut claim = Box::pin(house.ledger().claim(&name, 9, house.now));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let heard = claim.as_mut().poll(&mut context);
        std::thread::sleep(Duration::from_micros(pause_us));
        drop(claim);
        if let std::task::Poll::Ready(heard) = heard {
            let keys = heard.unwrap().deliveries.into_iter().map(|claimed| claimed.key).collect();
            house.ledger().give_back(keys).await.unwrap();
        }
    }
    let mut got = house.seqs("a", 9).await;
    if got.is_empty() {
        // The last one was given back after this claim was served.
        got = house.seqs("a", 9).await;
    }
    assert_eq!(got, [1]);
    house.prove().await;
}

#[tokio::test]
async fn tries_are_remembered_and_time_held_is_no_age() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.fail("a", 1, 100).await;
    house.now.0 += 150;
    let tries = house.claim("a", 1).await.remove(0).tries;
    assert_eq!((tries.counted, tries.in_a_row, tries.held_ms), (1, 1, 50), "due at 100, offered at 150");
    assert_eq!((tries.last, tries.first_at), (Some(Class::EndpointFault), Some(At(1_000_000))));
    let mut throttled = settlement(key("a", 1), Transition::Retry { due: At(house.now.0 + 1000) }, house.now);
    throttled.attempt = throttled.attempt.map(|attempt| Attempt { class: Class::Throttle, counted: false, ..attempt });
    house.ledger().settle(vec![throttled], house.now).await.unwrap();
    house.crash();
    house.now.0 += 1000;
    let tries = house.claim("a", 1).await.remove(0).tries;
    assert_eq!((tries.counted, tries.in_a_row, tries.held_ms), (1, 1, 1050));
    assert_eq!(tries.last, Some(Class::Throttle));
    house.prove().await;
}

#[tokio::test]
async fn an_undecided_filter_is_said_with_the_delivery() {
    let mut house = House::new();
    let mut new = envelope("e1", "s1", &["a", "b"]);
    new.recipients[1].undecided = true;
    house.ledger().accept(new, house.now).await.unwrap();
    assert!(!house.claim("a", 1).await[0].undecided);
    assert!(house.claim("b", 1).await[0].undecided);
    house.crash();
    assert!(house.claim("b", 1).await[0].undecided);
    house.prove().await;
}

#[tokio::test]
async fn what_a_settlement_calls_held_is_no_age_beside_what_was_overdue() {
    let mut house = House::new();
    house.accept("s", &["a"]).await;
    house.claim("a", 1).await;
    let retry = Transition::Retry { due: At(house.now.0 + 10_000) };
    let held = Settlement { held: Duration::from_secs(8), ..settlement(key("a", 1), retry, house.now) };
    house.ledger().settle(vec![held], house.now).await.unwrap();
    house.now.0 += 15_000;
    let tries = house.claim("a", 1).await.remove(0).tries;
    assert_eq!((tries.counted, tries.held_ms), (1, 8_000 + 5_000), "closed for eight seconds, and five overdue");
    house.deliver("a", 1).await;
    house.prove().await;
}

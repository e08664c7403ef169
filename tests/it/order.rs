//! Order per subject, through failures and restarts. One citizen's blocked lane delays nobody else. What takes more than one
//! retry is in [`crate::slow`].

use crate::bus::{Bus, Reaction, Request, Thing};

/// Deliveries of one subject in the order of their numbers, with how often each was tried.
fn tries(bus: &Bus, subject: &str) -> Vec<(String, usize)> {
    let mut tries: Vec<(String, usize)> = Vec::new();
    for event in bus.receiver("a").log().events(subject) {
        match tries.last_mut() {
            Some((last, count)) if last == event => *count += 1,
            _ => tries.push((event.to_owned(), 1)),
        }
    }
    tries
}

#[tokio::test]
async fn a_failing_head_holds_its_lane_through_a_restart_and_no_other() {
    let react = |request: &Request| match (request.event_id.as_str(), request.nth) {
        ("blocked.1", 1) => Reaction::Status(500),
        _ => Reaction::Status(200),
    };
    let mut bus = Bus::builder().agency("a").reacts(react).build().await;
    let mut blocked = Vec::new();
    for n in 1..=3 {
        blocked.push(bus.post(&Thing::new("blocked", n)).await);
    }
    let head = bus.wait_delivery(&blocked[0].id, "a", "retry").await;
    assert_eq!(head["last_error"]["status"], 500);
    assert!(head["next_attempt_at"].is_string());
    let behind = bus.wait_delivery(&blocked[1].id, "a", "behind").await;
    assert_eq!(behind["waiting"]["behind"], blocked[0].delivery("a"), "it says behind which");
    for text in ["text", "text_ar"] {
        assert!(!behind["waiting"][text].as_str().unwrap().is_empty());
    }

    // Others flow, also those that come while the lane is blocked, and before and after a restart.
    for n in 1..=4 {
        let receipt = bus.post(&Thing::new("other", n)).await;
        assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
        if n == 2 {
            bus.restart().await;
            assert_eq!(
                bus.delivery(&blocked[0].id, "a").await,
                head,
                "from its first moment it says what it said before"
            );
            assert_eq!(bus.delivery(&blocked[1].id, "a").await["waiting"]["reason"], "behind");
        }
    }
    assert_eq!(tries(&bus, "blocked"), [("blocked.1".to_owned(), 1)], "the others were quicker than its wait");

    for receipt in &blocked {
        assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    }
    let expected = [("blocked.1", 2), ("blocked.2", 1), ("blocked.3", 1)].map(|(id, tries)| (id.to_owned(), tries));
    assert_eq!(tries(&bus, "blocked"), expected);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// The first failure is tried again after about five seconds, and a close without an answer is a failure.
#[tokio::test]
async fn failures_are_tried_again_by_themselves() {
    let close_once = |request: &Request| match request.nth {
        1 => Reaction::Close,
        _ => Reaction::Status(200),
    };
    let mut bus = Bus::builder().agency("a").fails(1).agency("b").reacts(close_once).build().await;
    let mut receipts = Vec::new();
    for n in 1..=2 {
        receipts.push(bus.post(&Thing::new("citizen", n)).await);
    }
    for receipt in &receipts {
        let status = bus.wait_settled(&receipt.id).await;
        assert_eq!(status["state"], "completed");
        for delivery in status["deliveries"].as_array().unwrap() {
            assert_eq!(delivery["attempts"], 2, "{delivery}");
        }
    }
    for agency in ["a", "b"] {
        let log = bus.receiver(agency).log();
        assert_eq!(log.events("citizen"), ["citizen.1", "citizen.1", "citizen.2", "citizen.2"]);
        let attempts: Vec<u32> = log.arrivals.iter().map(|arrival| arrival.attempt).collect();
        assert_eq!(attempts, [1, 2, 1, 2]);
    }
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// An agency that asks for quiet is left alone that long, and loses neither order nor attempts.
#[tokio::test]
async fn a_throttling_agency_is_not_asked_before_its_time() {
    let react = |request: &Request| match (request.event_id.as_str(), request.nth) {
        ("citizen.1", 1) => Reaction::Throttle(2),
        _ => Reaction::Status(200),
    };
    let mut bus = Bus::builder().agency("a").reacts(react).build().await;
    let first = bus.post(&Thing::new("citizen", 1)).await;
    bus.receiver("a").arrival(1).await;
    let asked = std::time::Instant::now();
    let delivery = bus.wait_delivery(&first.id, "a", "throttled").await;
    assert!(delivery["waiting"]["until"].is_string());
    let other = bus.post(&Thing::new("other", 1)).await;
    let status = bus.wait_settled(&first.id).await;
    assert!(asked.elapsed().as_millis() >= 1_900, "asked again after {:?}", asked.elapsed());
    assert_eq!(status["deliveries"][0]["state"], "delivered");
    bus.wait_settled(&other.id).await;
    assert_eq!(tries(&bus, "citizen"), [("citizen.1".to_owned(), 2)]);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

//! Lanes that stay blocked for longer than one retry: order through several of them, and parking.

use crate::bus::{Bus, DEADLINE, Reaction, Request, Thing, until_async};

#[tokio::test]
async fn a_lane_keeps_its_order_through_retries_parking_and_restarts() {
    let failing = |request: &Request| match (request.event_id.as_str(), request.nth) {
        ("blocked.1", 1..=2) => Reaction::Status(500),
        _ => Reaction::Status(200),
    };
    let refusing = |request: &Request| match request.event_id.as_str() {
        "blocked.1" => Reaction::Status(422),
        _ => Reaction::Status(200),
    };
    let mut bus = Bus::builder().agency("failing").reacts(failing).agency("refusing").reacts(refusing).build().await;
    let mut blocked = Vec::new();
    for n in 1..=3 {
        blocked.push(bus.post(&Thing::new("blocked", n)).await);
    }
    for tried in 1..=2 {
        for agency in ["failing", "refusing"] {
            until_async(&format!("try {tried} is stored"), DEADLINE, || async {
                let delivery = bus.delivery(&blocked[0].id, agency).await;
                (delivery["attempts"] == tried && delivery["state"] == "waiting").then_some(())
            })
            .await;
        }
        // A restart forgets neither what failed, nor when it is due, nor who waits behind it.
        let before = bus.delivery(&blocked[0].id, "failing").await;
        bus.restart().await;
        assert_eq!(bus.delivery(&blocked[0].id, "failing").await, before);
        let other = bus.post(&Thing::new("other", tried)).await;
        bus.wait_settled(&other.id).await;
    }

    // The one that lives again gets all three, in order; the one that refuses is asked three times, and its lane is parked.
    bus.wait_delivery(&blocked[2].id, "failing", "delivered").await;
    let events = ["blocked.1", "blocked.1", "blocked.1", "blocked.2", "blocked.3"];
    assert_eq!(bus.receiver("failing").log().events("blocked"), events);
    bus.wait_delivery(&blocked[0].id, "refusing", "parked").await;
    bus.restart().await;
    assert_eq!(bus.delivery(&blocked[0].id, "refusing").await["waiting"]["reason"], "parked");
    for receipt in &blocked[1..] {
        let behind = bus.delivery(&receipt.id, "refusing").await;
        assert_eq!(behind["waiting"]["behind"], blocked[0].delivery("refusing"));
    }
    let other = bus.post(&Thing::new("other", 3)).await;
    bus.wait_settled(&other.id).await;
    assert_eq!(bus.receiver("refusing").log().events("blocked"), ["blocked.1", "blocked.1", "blocked.1"]);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

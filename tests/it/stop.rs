//! An ordered stop: what runs ends well, nothing is repeated, and who asks meanwhile is told the truth.

use crate::bus::{Bus, Signal, Thing};

#[tokio::test]
async fn an_ordered_stop_waits_for_what_runs_and_repeats_nothing() {
    let mut bus = Bus::builder().agency("a").holds().build().await;
    let first = bus.post(&Thing::new("citizen", 1)).await;
    let second = bus.post(&Thing::new("citizen", 2)).await;
    bus.receiver("a").arrival(1).await;
    bus.signal(Signal::Term);
    // It stops accepting first: whoever asks now gets no acceptance, and the delivery in flight goes on.
    crate::bus::until_async("new envelopes are not accepted", crate::bus::DEADLINE, || async {
        match bus.publisher.offer(&Thing::new("late", 1)).await {
            Ok(answer) => (!matches!(answer.status, 200 | 202)).then_some(()),
            Err(_refused) => Some(()),
        }
    })
    .await;
    bus.receiver("a").release();
    bus.ends().await;

    bus.start().await;
    assert_eq!(bus.status(&first.id).await["state"], "completed");
    bus.wait_settled(&second.id).await;
    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1", "citizen.2"]);
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// An agency that never answers cannot keep the bus from stopping; what it was sent is offered again.
#[tokio::test]
async fn a_hanging_agency_does_not_hold_up_the_stop() {
    let grace = ("FALAJ_HTTP__SHUTDOWN_GRACE", "1s");
    let mut bus = Bus::builder().agency("a").holds().timeout("120s").env(grace.0, grace.1).build().await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    let first = bus.receiver("a").arrival(1).await;
    bus.stop().await;
    bus.receiver("a").release();
    bus.start().await;
    bus.wait_settled(&receipt.id).await;
    let log = bus.receiver("a").log();
    assert_eq!(log.events("citizen"), ["citizen.1", "citizen.1"]);
    assert_eq!(log.arrivals[1].webhook_id, first.webhook_id);
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

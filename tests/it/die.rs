//! Where it may die: one test for each line, with `kill -9` of the real binary at that very place.
//!
//! The places are reached without hooks in the bus: a stopped process reads nothing, a deaf agency hears nothing, a holding one
//! does not answer.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bus::{Bus, End, Signal, Thing};

/// The bytes of a posted envelope, as a sender writes them that we can cut off anywhere.
fn request(bus: &Bus, thing: &Thing) -> Vec<u8> {
    let (host, body, key) = (bus.address(), thing.json(), crate::bus::PUBLISHER_KEY);
    format!(
        "POST /v1/envelopes HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/cloudevents+json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn send(bus: &Bus, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(bus.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

/// Before accept commits: the sender repeats, it is new.
#[tokio::test]
async fn before_the_accept_commits() {
    let mut bus = Bus::builder().agency("a").build().await;

    // It dies with half of the request read.
    let half = Thing::new("citizen", 1);
    let bytes = request(&bus, &half);
    let _sender = send(&bus, &bytes[..bytes.len() - 10]).await;
    bus.restart().await;
    let receipt = bus.post(&half).await;
    bus.wait_settled(&receipt.id).await;

    // It dies with the whole request at its door.
    let whole = Thing::new("citizen", 2);
    bus.signal(Signal::Stop);
    let _sender = send(&bus, &request(&bus, &whole)).await;
    bus.restart().await;
    let receipt = bus.post(&whole).await;
    bus.wait_settled(&receipt.id).await;

    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1", "citizen.2"]);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// After accept commits, before the sender has read its answer: it repeats, and gets the same receipt.
#[tokio::test]
async fn after_the_accept_commits() {
    let mut bus = Bus::builder().agency("a").holds().build().await;
    let thing = Thing::new("citizen", 1);
    let _sender_that_never_reads = send(&bus, &request(&bus, &thing)).await;
    // What reaches an agency has been committed.
    let first = bus.receiver("a").arrival(1).await;
    bus.restart().await;

    let receipt = bus.post_again(&thing).await;
    let again = bus.post_again(&thing).await;
    assert_eq!(receipt.id, again.id);
    assert_eq!(receipt.delivery("a"), first.webhook_id, "it is the delivery the first offer made");
    bus.receiver("a").release();
    let status = bus.wait_settled(&receipt.id).await;
    assert_eq!(status["state"], "completed");
    assert_eq!(status["deliveries"].as_array().unwrap().len(), 1);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// After a claim, before anything was sent: it is offered again, and the agency notices nothing.
#[tokio::test]
async fn after_the_claim() {
    let mut bus = Bus::builder().agency("a").build().await;
    bus.receiver("a").deafen().await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    bus.wait_delivery(&receipt.id, "a", "in_flight").await;
    bus.kill9_at_once();
    bus.receiver("a").hear().await;
    bus.start().await;

    bus.wait_settled(&receipt.id).await;
    let log = bus.receiver("a").log();
    assert_eq!(log.events("citizen"), ["citizen.1"]);
    assert_eq!(log.arrivals[0].attempt, 1, "an attempt that nobody saw is none");
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// After the send, before the agency's answer: the agency sees the same `webhook-id` again.
#[tokio::test]
async fn after_the_send() {
    let mut bus = Bus::builder().agency("a").holds().agency("b").build().await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    let next = bus.post(&Thing::new("citizen", 2)).await;
    bus.receiver("a").arrival(1).await;
    bus.kill9().await;
    bus.receiver("a").release();
    bus.start().await;

    bus.wait_settled(&receipt.id).await;
    bus.wait_settled(&next.id).await;
    let log = bus.receiver("a").log();
    assert_eq!(log.events("citizen"), ["citizen.1", "citizen.1", "citizen.2"]);
    assert_eq!(log.arrivals[0].webhook_id, log.arrivals[1].webhook_id);
    assert_eq!(log.arrivals[0].sequence, log.arrivals[1].sequence);
    assert_eq!(log.arrivals[0].event, log.arrivals[1].event);
    assert_eq!(log.arrivals[0].ended.unwrap().1, End::Cut);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// After the agency's answer, before the settle commits: the agency, which has acted, sees the same `webhook-id` again.
#[tokio::test]
async fn before_the_settle_commits() {
    let mut bus = Bus::builder().agency("a").holds().build().await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    let next = bus.post(&Thing::new("citizen", 2)).await;
    bus.receiver("a").arrival(1).await;
    bus.signal(Signal::Stop);
    bus.receiver("a").release();
    let answered = |log: &crate::bus::Log| log.arrivals[0].ended.filter(|(_, end)| end.is_success());
    bus.receiver("a").until("the answer is given", answered).await;
    bus.restart().await;

    let status = bus.wait_settled(&receipt.id).await;
    assert_eq!(status["deliveries"][0]["state"], "delivered");
    assert_eq!(status["deliveries"][0]["attempts"], 1, "the first attempt was never stored");
    bus.wait_settled(&next.id).await;
    let log = bus.receiver("a").log();
    assert_eq!(log.events("citizen"), ["citizen.1", "citizen.1", "citizen.2"]);
    assert_eq!(log.arrivals[0].webhook_id, log.arrivals[1].webhook_id);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// After the settle: nothing is left to do.
#[tokio::test]
async fn after_the_settle() {
    let mut bus = Bus::builder().agency("a").build().await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    let before = bus.wait_settled(&receipt.id).await;
    bus.restart().await;

    assert_eq!(bus.status(&receipt.id).await, before);
    // The lane's next delivery would come after a repeat of the first, if there were one.
    let next = bus.post(&Thing::new("citizen", 2)).await;
    bus.wait_settled(&next.id).await;
    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1", "citizen.2"]);
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

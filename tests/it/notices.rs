//! A sender that subscribes hears of its own envelopes as of any other: through the lanes, across crashes, once each.

use serde_json::{Value, json};

use crate::bus::{ADMIN_KEY, DEADLINE};
use crate::bus::{Bus, End, Log, SECRET, Signal, Thing, until_async};

/// The publisher's manifest: it sends things, and is posted to. With a subscription to what Falaj tells, or without.
fn manifest(url: &str, subscription: &str) -> String {
    format!(
        "[agency]\nid = \"pub\"\nname = {{ en = \"Portal\", ar = \"البوابة\" }}\n\n\
         [publishes]\ntypes = [\"qa.test.thing.changed\"]\nsources = [\"urn:qa:test:pub\", \"urn:falaj*\"]\n\n\
         [delivery]\ntransport = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n\n{subscription}"
    )
}

/// Everything Falaj tells.
const TOLD: &str = "[[subscription]]\ntype = \"falaj.*\"\n\
                    fields = [\"/agency\", \"/state\", \"/envelope\", \"/event_id\", \"/deliveries\"]\n\
                    purpose = { en = \"Follow-up\", ar = \"متابعة\" }\nlegal_basis = \"Law 1/2001\"\n";

async fn portal(agencies: &[&str], subscription: &str) -> Bus {
    let mut builder = Bus::builder();
    for agency in agencies {
        builder = builder.agency(agency).holds();
    }
    let mut bus = builder.agency("pub").build_stopped().await;
    bus.deployment.write("connectors/pub/connector.toml", &manifest(&bus.receiver("pub").url(), subscription));
    bus.start().await;
    bus
}

/// What is told of an envelope: `agency state`, or the state of the whole.
fn words(log: &Log, envelope: &str) -> Vec<String> {
    let word = |event: &Value| match event["data"]["agency"].as_str() {
        Some(agency) => format!("{agency} {}", event["data"]["state"].as_str().unwrap()),
        None => event["data"]["state"].as_str().unwrap().to_owned(),
    };
    log.of(envelope).map(|arrival| word(&arrival.event)).collect()
}

#[tokio::test]
async fn a_portal_hears_of_each_agency_and_then_of_the_whole_whatever_dies_meanwhile() {
    let mut bus = portal(&["a", "b"], TOLD).await;
    bus.receiver("pub").react(|_| crate::bus::Reaction::Hold);
    let first = bus.post(&Thing::new("citizen", 1)).await;
    bus.receiver("b").release();
    // Its notice is at the portal, which does not answer; then everything dies.
    let held = bus.receiver("pub").arrival(1).await;
    bus.kill9().await;
    bus.receiver("pub").release();
    bus.receiver("a").release();
    bus.start().await;
    bus.wait_settled(&first.id).await;
    let all = |log: &Log| (log.of(&first.id).filter(|arrival| arrival.ended.is_some()).count() == 4).then_some(());
    bus.receiver("pub").until("everything about the first was told", all).await;
    let log = bus.receiver("pub").log();
    assert_eq!(words(&log, &first.id), ["b delivered", "b delivered", "a delivered", "completed"]);
    assert_eq!((&log.arrivals[1].webhook_id, log.arrivals[0].ended.unwrap().1), (&held.webhook_id, End::Cut));
    assert_eq!(log.arrivals[1].event, held.event);
    let event = &held.event;
    assert_eq!(
        (&event["type"], &event["source"], &event["correlationid"], &event["causationid"]),
        (&json!("falaj.delivery.settled"), &json!("urn:falaj"), &json!("citizen.1"), &json!("citizen.1"))
    );
    assert_eq!(event["id"], format!("{}.settled", first.delivery("b")));
    assert_eq!(event["data"]["envelope"]["id"], first.id);
    assert!(!event["data"]["envelope"].to_string().contains("subject"), "{event}");
    let metrics = bus.admin.get("/metrics").await.text;
    let counted = "falaj_envelopes_accepted_total{type=\"falaj.envelope.completed\"} 1";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");

    // It dies when all is settled and the portal has heard nothing.
    bus.receiver("pub").deafen().await;
    let second = bus.post(&Thing::new("citizen", 2)).await;
    assert_eq!(bus.wait_settled(&second.id).await["state"], "completed");
    bus.kill9_at_once();
    bus.receiver("pub").hear().await;
    bus.start().await;
    let whole = |log: &Log| words(log, &second.id).contains(&"completed".to_owned()).then_some(());
    bus.receiver("pub").until("the second is told of as a whole", whole).await;
    let mut told = words(&bus.receiver("pub").log(), &second.id);
    told[..2].sort();
    assert_eq!(told, ["a delivered", "b delivered", "completed"]);

    // Notices are envelopes: found, delivered, counted; and nothing is told of them.
    let found = until_async("every notice is settled", DEADLINE, || async {
        let found = bus.admin.get("/v1/envelopes").await.body;
        let list = found["envelopes"].as_array().cloned().unwrap_or_default();
        (list.len() == 8 && list.iter().all(|one| one["state"] == "completed")).then_some(list)
    })
    .await;
    let of = |ty: &str| found.iter().filter(|one| one["type"] == ty).count();
    assert_eq!((of("falaj.delivery.settled"), of("falaj.envelope.completed")), (4, 2));
    bus.kill9().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

#[tokio::test]
async fn a_sender_that_does_not_subscribe_costs_nothing_and_may_begin_to() {
    let other =
        TOLD.replace("falaj.*", "qa.test.thing.changed").replace("\"/agency\", \"/state\", \"/envelope\", ", "");
    let other = other.replace("\"/event_id\", \"/deliveries\"", "\"/n\"");
    let mut bus = portal(&["a"], &other).await;
    bus.receiver("a").release();
    for n in 1..=3 {
        let receipt = bus.post(&Thing::new("citizen", n)).await;
        bus.wait_settled(&receipt.id).await;
    }
    let sequences: Vec<u64> = bus.receiver("a").log().arrivals.iter().map(|arrival| arrival.sequence).collect();
    assert_eq!(sequences, [1, 2, 3], "something was written between them");

    bus.deployment.write("connectors/pub/connector.toml", &manifest(&bus.receiver("pub").url(), TOLD));
    bus.signal(Signal::Hup);
    let mut n = 3;
    let told = until_async("the new subscription is in force", DEADLINE, || {
        n += 1;
        let (bus, thing) = (&bus, Thing::new("citizen", n));
        async move {
            let receipt = bus.post(&thing).await;
            // What was accepted for the old subscription, and not sent before it went, waits until it is back.
            bus.wait_delivery(&receipt.id, "a", "delivered").await;
            let found = bus.admin.get("/v1/envelopes?type=falaj.envelope.completed").await;
            found.text.contains("falaj.envelope.completed").then_some(receipt.id)
        }
    })
    .await;
    let whole = |log: &Log| words(log, &told).contains(&"completed".to_owned()).then_some(());
    bus.receiver("pub").until("it is told of what happened since", whole).await;
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

#[tokio::test]
async fn nobody_speaks_as_falaj() {
    let bus = portal(&[], TOLD).await;
    let offer = |ty: &str, source: &str| {
        let event = json!({
            "specversion": "1.0", "id": "x.settled", "source": source, "type": ty, "subject": "x", "data": { "n": 1 },
        });
        let client = bus.publisher.clone();
        async move {
            let body = Some(("application/cloudevents+json", event.to_string()));
            client.call("POST", "/v1/envelopes", body).await.unwrap().status
        }
    };
    assert_eq!(offer("falaj.delivery.settled", "urn:qa:test:pub").await, 403);
    assert_eq!(offer("qa.test.thing.changed", "urn:falaj").await, 403, "its manifest would let it");
    assert_eq!(offer("qa.test.thing.changed", "urn:falajx").await, 202);
    // An admin may ask what would be.
    let dry = json!({
        "specversion": "1.0", "id": "x", "source": "urn:falaj", "type": "falaj.envelope.completed", "subject": "x",
        "data": { "state": "completed" },
    });
    let body = Some(("application/cloudevents+json", dry.to_string()));
    let answer = bus.publisher.with_key(ADMIN_KEY).call("POST", "/v1/envelopes?dry_run=true", body).await.unwrap();
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.text.contains("/data/deliveries") || answer.text.contains("deliveries"), "{}", answer.text);
}

//! What agencies and Falaj say to each other over the broker, seen from the agency's side.

use serde_json::{Value, json};

use super::town::{Fetcher, SOURCE, TYPE, fetcher};
use super::{Client, Node, Town};
use crate::bus::{ADMIN_KEY, Bus, Thing};

fn answer(client: &mut Client) -> (Value, Value) {
    let message = client.get("falaj.reply.pub");
    client.must(json!({ "do": "ack", "tag": message["tag"] }));
    let body: Value = serde_json::from_str(message["body"].as_str().expect("a body")).expect("JSON");
    (message, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_gets_a_receipt_or_hears_what_is_wrong() {
    let node = Node::shared().await;
    let mut town = Town::build(node, &[fetcher("moi")], Bus::builder()).await;
    let mut sender = Client::connect(&town.place, "pub");
    let thing = Thing::new("citizen", 1);
    let asks = json!({ "reply_to": "wherever", "correlation_id": "c-1" });

    // Structured; accepted.
    sender.must(town.event(&thing, asks.clone()));
    let (message, receipt) = answer(&mut sender);
    assert_eq!(
        (&message["headers"]["falaj-status"], &message["properties"]["correlation_id"]),
        (&json!(202), &json!("c-1"))
    );
    assert_eq!(message["properties"]["user_id"], town.place.name("falaj"), "the broker vouches for Falaj, too");
    assert_eq!((&receipt["event_id"], &receipt["deliveries"][0]["agency"]), (&json!("citizen.1"), &json!("moi")));

    // The same in binary mode is the same envelope; the correlation is the message's own id where it has no other.
    let headers = json!({
        "cloudEvents:specversion": "1.0", "cloudEvents:id": thing.id, "cloudEvents:source": SOURCE, "cloudEvents:type": TYPE,
        "cloudEvents:subject": "citizen",
    });
    let binary = |body: &str| {
        json!({
            "do": "publish", "exchange": "falaj.in", "key": TYPE, "body": body, "headers": headers,
            "properties": {
                "user_id": town.place.name("pub"), "message_id": "b-1", "content_type": "application/json", "reply_to": "x",
            },
        })
    };
    sender.must(binary("{ \"note\": \"\", \"n\": 1 }"));
    let (message, again) = answer(&mut sender);
    assert_eq!(
        (&message["headers"]["falaj-status"], &message["properties"]["correlation_id"]),
        (&json!(200), &json!("b-1"))
    );
    assert_eq!(again["id"], receipt["id"]);
    sender.must(binary("{ \"n\": 2 }"));
    let (message, clash) = answer(&mut sender);
    assert_eq!((&message["headers"]["falaj-status"], &clash["type"]), (&json!(409), &json!("urn:falaj:problem:clash")));

    // A wrong field is named by its place.
    let mut wrong: Value = serde_json::from_str(&Thing::new("citizen", 2).json()).expect("JSON");
    wrong["data"]["n"] = json!("two");
    let mut event = town.event(&Thing::new("citizen", 2), asks);
    event["body"] = wrong.to_string().into();
    sender.must(event);
    let (message, problem) = answer(&mut sender);
    assert_eq!(message["properties"]["content_type"], "application/problem+json");
    assert_eq!((&problem["status"], &problem["errors"][0]["pointer"]), (&json!(422), &json!("/data/n")));
    assert!(!message["body"].as_str().unwrap().contains("two"), "a value is never repeated");

    // Whoever does not say who it is, or does not wait for an answer, is not heard and not dropped.
    sender.must(town.event(&Thing::new("citizen", 3), json!({ "user_id": null, "reply_to": "falaj.reply.pub" })));
    let mut event = town.event(&Thing::new("citizen", 4), json!({}));
    event["body"] = "no event".into();
    sender.must(event);
    town.place.wait_messages(node, "falaj.quarantine", 2).await;
    let output = town.command(&["amqp", "quarantine", "--json"]).output().expect("the binary runs");
    let list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let users: Vec<&Value> = list["left"].as_array().unwrap().iter().map(|held| &held["user"]).collect();
    assert_eq!(users, [&Value::Null, &json!(town.place.name("pub"))]);
    let known = town.bus.publisher.get(&format!("/v1/envelopes?source={SOURCE}&id=citizen.3")).await;
    assert_eq!(known.body["envelopes"], json!([]), "{}", known.text);

    // Released, it is looked at again, and is as wrong as before.
    let released = town.command(&["amqp", "quarantine", "release", "--all"]).output().expect("the binary runs");
    assert!(released.status.success());
    town.place.wait_messages(node, "falaj.quarantine", 2).await;
    town.bus.stop().await;
    town.bus.ledger_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_gets_its_deliveries_in_order_and_says_what_it_did() {
    let node = Node::shared().await;
    let binary = Fetcher { id: "qcb", mode: "binary", ordered: false };
    let mut town = Town::build(node, &[fetcher("moi"), binary], Bus::builder()).await;
    let mut moi = Client::connect(&town.place, "moi");
    let mut receipts = Vec::new();
    for n in 1..=4 {
        receipts.push(town.bus.post(&Thing::new("مواطن", n).noted("ملاحظة")).await);
    }

    // Structured, in order, with everything to recognise it by.
    let mut first = Value::Null;
    for (n, receipt) in receipts.iter().enumerate() {
        let message = moi.get("falaj.out.moi");
        let (properties, headers) = (&message["properties"], &message["headers"]);
        assert_eq!(properties["message_id"], receipt.delivery("moi"));
        assert_eq!(properties["content_type"], "application/cloudevents+json; charset=utf-8");
        assert_eq!(
            (&properties["delivery_mode"], &properties["user_id"]),
            (&json!(2), &json!(town.place.name("falaj")))
        );
        assert_eq!((&headers["falaj-attempt"], &headers["falaj-sequence"]), (&json!(1), &json!(n + 1)));
        let event: Value = serde_json::from_str(message["body"].as_str().unwrap()).expect("JSON");
        assert_eq!(
            (&event["subject"], &event["data"]["n"], &event["data"]["note"]),
            (&json!("مواطن"), &json!(n + 1), &json!("ملاحظة"))
        );
        let say = |outcome: &str, reason: Value| {
            let mut said = json!({ "delivery": properties["message_id"], "outcome": outcome, "reason": reason });
            said.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            json!({
                "do": "publish", "exchange": "falaj.outcome", "key": "moi", "body": said.to_string(),
                "properties": { "user_id": town.place.name("moi"), "content_type": "application/json" },
            })
        };
        match n {
            0 => {
                moi.must(say("applied", Value::Null));
                moi.must(json!({ "do": "ack", "tag": message["tag"] }));
            }
            1 => {
                moi.must(say("refused", json!("غير مسجل")));
                moi.must(json!({ "do": "ack", "tag": message["tag"] }));
            }
            // Rejected, and never explained.
            2 => {
                moi.must(json!({ "do": "reject", "tag": message["tag"] }));
                first = message;
            }
            // Taken without a word.
            _ => {
                moi.must(json!({ "do": "ack", "tag": message["tag"] }));
            }
        }
    }
    let outcome = async |receipt: usize| {
        crate::bus::until_async("an outcome", crate::bus::DEADLINE, || async {
            let delivery = town.bus.delivery(&receipts[receipt].id, "moi").await;
            delivery["outcome"].is_string().then_some(delivery)
        })
        .await
    };
    assert_eq!(outcome(0).await["outcome"], "applied");
    let refused = outcome(1).await;
    assert_eq!((&refused["outcome"], &refused["reason"]), (&json!("refused"), &json!("غير مسجل")));
    let returned = outcome(2).await;
    assert_eq!(
        (&returned["state"], &returned["outcome"], &returned["by"]),
        (&json!("delivered"), &json!("refused"), &json!("broker"))
    );
    assert!(returned["reason"].as_str().unwrap().contains("rejected"), "{returned}");
    assert_eq!(town.bus.delivery(&receipts[3].id, "moi").await["outcome"], Value::Null);

    // Binary: the attributes are headers, the body is the data alone.
    let mut qcb = Client::connect(&town.place, "qcb");
    let message = qcb.get("falaj.out.qcb");
    assert_eq!(message["headers"]["cloudEvents:subject"], "مواطن");
    assert_eq!(
        (&message["headers"]["cloudEvents:type"], &message["headers"]["cloudEvents:specversion"]),
        (&json!(TYPE), &json!("1.0"))
    );
    assert_eq!(message["body"], "{\"n\":1,\"note\":\"ملاحظة\"}");

    // What was rejected waits for a person, and is sent again when one says so: under the same name, and marked.
    let url = format!("http://{}", town.bus.address());
    let shell = |args: &[&str]| {
        let mut command = town.command(args);
        command.args(["--url", &url, "--key", ADMIN_KEY, "--json"]);
        let output = command.output().expect("the binary runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let letters = shell(&["dead-letters", "--agency", "moi"]);
    let letters = letters["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let id = letters[0]["id"].as_str().unwrap();
    shell(&["redrive", "--agency", "moi", "--id", id, "--force", "--reason", "the register is mended"]);
    let again = moi.get("falaj.out.moi");
    assert_eq!(again["properties"]["message_id"], first["properties"]["message_id"], "it is the same delivery");
    assert_eq!(again["headers"]["falaj-redrive"], true);
    assert_ne!(again["headers"]["falaj-delivery"], first["headers"]["falaj-delivery"], "and another try of it");
    moi.must(json!({ "do": "ack", "tag": again["tag"] }));

    drop((moi, qcb));
    town.bus.stop().await;
    town.bus.ledger_check().await;
}

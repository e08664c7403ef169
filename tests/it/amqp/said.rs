//! What agencies say they did, over the broker: heard from the agency whose delivery it is, and from nobody else.

use serde_json::{Value, json};

use super::town::{Fetcher, fetcher};
use super::{Client, Node, Town};
use crate::bus::{ADMIN_KEY, Bus, DEADLINE, Thing, until_async};

/// A report as an agency sends it.
struct Says<'a> {
    delivery: &'a str,
    outcome: &'a str,
    reason: Option<&'a str>,
}

impl Says<'_> {
    /// Sends it as somebody, and returns the answer: status and body.
    fn by(&self, client: &mut Client, town: &Town, who: &str) -> (Value, Value) {
        self.tell(client, town, who, json!({ "reply_to": "answers" }));
        let message = client.get(&format!("falaj.reply.{who}"));
        client.must(json!({ "do": "ack", "tag": message["tag"] }));
        let body = serde_json::from_str(message["body"].as_str().expect("a body")).expect("JSON");
        (message["headers"]["falaj-status"].clone(), body)
    }

    fn tell(&self, client: &mut Client, town: &Town, who: &str, more: Value) {
        let Says { delivery, outcome, reason } = self;
        let mut body = json!({ "delivery": delivery, "outcome": outcome, "reason": reason });
        let mut properties = json!({ "user_id": town.place.name(who), "content_type": "application/json" });
        properties.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        for object in [&mut body, &mut properties] {
            object.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        }
        client.must(json!({
            "do": "publish", "exchange": "falaj.outcome", "key": who, "body": body.to_string(), "properties": properties,
        }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_is_heard_once_from_whom_it_concerns() {
    let node = Node::shared().await;
    let other = Fetcher { ordered: false, ..fetcher("qcb") };
    let mut town = Town::build(node, &[fetcher("moi"), other], Bus::builder()).await;
    let (mut moi, mut qcb) = (Client::connect(&town.place, "moi"), Client::connect(&town.place, "qcb"));
    let receipt = town.bus.post(&Thing::new("citizen", 1)).await;
    let message = moi.get("falaj.out.moi");
    let delivery = message["properties"]["message_id"].as_str().expect("an id").to_owned();
    let says = |outcome, reason| Says { delivery: &delivery, outcome, reason };

    // Nobody else may say it, not even by its id; and no other words are heard.
    let (status, problem) = says("applied", None).by(&mut qcb, &town, "qcb");
    assert_eq!((&status, &problem["type"]), (&json!(404), &json!("urn:falaj:problem:not-found")), "{problem}");
    let (status, problem) = says("done", None).by(&mut moi, &town, "moi");
    assert_eq!(status, 400, "{problem}");
    let long = "x".repeat(2_000);
    let (status, problem) = says("refused", Some(&long)).by(&mut moi, &town, "moi");
    assert_eq!(status, 400, "{problem}");
    assert_eq!(town.bus.delivery(&receipt.id, "moi").await["outcome"], Value::Null);

    // What needs a person may be said before the last word; the last word stands.
    let (status, view) = says("needs_action", Some("صورة الهوية غير واضحة")).by(&mut moi, &town, "moi");
    assert_eq!(
        (&status, &view["outcome"], &view["reason"]),
        (&json!(200), &json!("needs_action"), &json!("صورة الهوية غير واضحة"))
    );
    let (status, view) = says("applied", None).by(&mut moi, &town, "moi");
    assert_eq!((&status, &view["outcome"]), (&json!(200), &json!("applied")));
    let (status, again) = says("applied", None).by(&mut moi, &town, "moi");
    assert_eq!((&status, &again), (&json!(200), &view));
    let (status, problem) = says("refused", Some("too late")).by(&mut moi, &town, "moi");
    assert_eq!(status, 409, "{problem}");
    assert_eq!(town.bus.delivery(&receipt.id, "moi").await["outcome"], "applied");

    // Rejecting it in the queue after that says nothing new, and makes no dead letter of what was applied.
    moi.must(json!({ "do": "reject", "tag": message["tag"] }));
    town.wait_log(&["what came back says nothing new", &delivery]).await;
    assert_eq!(town.bus.delivery(&receipt.id, "moi").await["outcome"], "applied");

    // Whoever does not say who it is, or does not wait for the answer, finds its report with the operator.
    Says { delivery: &delivery, outcome: "refused", reason: None }.tell(
        &mut qcb,
        &town,
        "qcb",
        json!({ "user_id": null, "reply_to": "x" }),
    );
    says("refused", None).tell(&mut qcb, &town, "qcb", json!({}));
    town.place.wait_messages(node, "falaj.quarantine", 2).await;
    town.place.wait_messages(node, "falaj.dead", 0).await;
    drop((moi, qcb));
    town.bus.stop().await;
    town.bus.ledger_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rejected_frees_its_lane_and_is_sent_again_on_request() {
    let node = Node::shared().await;
    let mut town = Town::build(node, &[fetcher("moi")], Bus::builder()).await;
    let mut moi = Client::connect(&town.place, "moi");
    let first = town.bus.post(&Thing::new("citizen", 1)).await;
    let message = moi.get("falaj.out.moi");
    moi.must(json!({ "do": "reject", "tag": message["tag"] }));
    let view = until_async("it is back", DEADLINE, || async {
        let view = town.bus.delivery(&first.id, "moi").await;
        (view["outcome"] == "refused").then_some(view)
    })
    .await;
    assert_eq!((&view["state"], &view["by"], &view["attempts"]), (&json!("delivered"), &json!("broker"), &json!(1)));
    // The next one of its lane comes all the same.
    let second = town.bus.post(&Thing::new("citizen", 2)).await;
    let next = moi.get("falaj.out.moi");
    assert_eq!(next["properties"]["message_id"], second.delivery("moi"));
    moi.must(json!({ "do": "ack", "tag": next["tag"] }));

    let letters = town.bus.admin.get("/v1/dead-letters?agency=moi").await.body;
    let letters = letters["dead_letters"].as_array().expect("a list").clone();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let url = format!("http://{}", town.bus.address());
    let mut again =
        town.command(&["redrive", "--agency", "moi", "--id", letters[0]["id"].as_str().expect("an id"), "--force"]);
    again.args(["--reason", "the register is mended", "--url", &url, "--key", ADMIN_KEY]);
    let output = again.output().expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let again = moi.get("falaj.out.moi");
    assert_eq!(again["properties"]["message_id"], message["properties"]["message_id"]);
    assert_eq!(again["headers"]["falaj-redrive"], true, "{again}");
    moi.must(json!({ "do": "ack", "tag": again["tag"] }));
    let says = Says {
        delivery: message["properties"]["message_id"].as_str().expect("an id"),
        outcome: "applied",
        reason: None,
    };
    let (status, view) = says.by(&mut moi, &town, "moi");
    assert_eq!((&status, &view["outcome"]), (&json!(200), &json!("applied")), "{view}");
    assert_eq!(town.bus.admin.get("/v1/dead-letters?agency=moi").await.body["dead_letters"], json!([]));
    drop(moi);
    town.bus.stop().await;
    town.bus.ledger_check().await;
}

//! What an agency was told that it would find in its queue, and what it finds there.

use serde_json::{Value, json};

use super::{Client, Fetcher, Node, Town, fetcher};
use crate::bus::{Bus, Folder, Thing};
use crate::documents::{TYPE, assert_fits, lint_asyncapi, payload, said};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const STATE: &str = "qa=portal,rojo=00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agency_consumes_is_what_it_was_told() {
    let fetchers = [fetcher("plain"), Fetcher { mode: "binary", ..fetcher("headed") }];
    let mut town = Town::build(Node::shared().await, &fetchers, Bus::builder()).await;
    let document = town.bus.admin.get("/asyncapi.json").await.body;
    let folder = Folder::new("asyncapi-of-a-broker");
    folder.write("all.json", &document.to_string());
    let linted = lint_asyncapi(&folder.path().join("all.json")).await;
    assert!(linted.status.success(), "{}", said(&linted));
    let mut sender = Client::connect(&town.place, "pub");
    let mut event = town.event(&Thing::new("مواطن 1", 1), json!({}));
    event["headers"] = json!({ "traceparent": PARENT, "tracestate": STATE });
    sender.must(event);
    for Fetcher { id, .. } in fetchers {
        let channel = &document["channels"][id];
        let mut agency = Client::connect(&town.place, id);
        let got = agency.get(channel["address"].as_str().unwrap());
        let message = &channel["messages"][TYPE];
        let body: Value = serde_json::from_str(got["body"].as_str().unwrap()).unwrap();
        assert_fits(&payload(message), &body, id);
        assert_eq!(got["properties"]["content_type"], message["contentType"], "{id}");
        let schema = jsonschema::draft7::options().should_validate_formats(true).build(&message["headers"]).unwrap();
        assert_fits(&schema, &got["headers"], id);
        // What came with the message goes on with the delivery.
        let trace = (&got["headers"]["traceparent"], &got["headers"]["tracestate"]);
        assert_eq!(trace, (&json!(PARENT), &json!(STATE)), "{id}");
        // Extensions travel as they come, under no name that could be told beforehand.
        let brought = ["cloudEvents:traceparent", "cloudEvents:tracestate"];
        for name in got["headers"].as_object().unwrap().keys().filter(|name| !brought.contains(&name.as_str())) {
            assert!(message["headers"]["properties"].get(name).is_some(), "{id}: {name} is not described");
        }
    }
    town.bus.stop().await;
}

//! What comes while one looks.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use falaj::model::delivery::Finished;
use falaj::model::outcome::Report;
use futures_util::StreamExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::desk::{Desk, Office};
use crate::http_contract::door::event;

const DEADLINE: Duration = Duration::from_secs(20);

/// Follows what a page says it follows.
async fn follow(desk: &Desk<'_>, page: &str) -> BodyDataStream {
    let (_, rest) = page.split_once("data-live=\"").expect("the page is live");
    let address = rest.split('"').next().unwrap().replace("&#38;", "&");
    let request = desk.request("GET", &address).header("accept", "text/event-stream").body(Body::empty()).unwrap();
    let response = desk.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body().into_data_stream()
}

/// The next event: its name and its data.
async fn next(stream: &mut BodyDataStream) -> (String, Value) {
    let mut text = String::new();
    tokio::time::timeout(DEADLINE, async {
        while !text.ends_with("\n\n") || text.starts_with(':') {
            if text.starts_with(':') {
                text.clear();
            }
            let piece = stream.next().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    })
    .await
    .expect("an event comes in time");
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    (field("event:"), serde_json::from_str(&field("data:")).unwrap_or_default())
}

#[tokio::test]
async fn only_what_changed_is_sent_and_the_order_with_it() {
    let office = Office::open();
    let mut desk = office.desk("operator").await;
    let page = desk.page("/dashboard").await;
    let mut stream = follow(&desk, &page).await;
    let (_, first) = next(&mut stream).await;
    // The page has the rows; the glance is always sent at first.
    assert_eq!(first["units"].as_object().unwrap().keys().collect::<Vec<_>>(), ["glance"]);
    office.door.post("portal", &event("e-1", "28400000017")).await;
    office.door.settle("moi", Finished::Delivered, Report::default()).await;
    office.door.clock.advance(Duration::from_secs(300));
    let mut units = serde_json::Map::new();
    let mut order = Value::Null;
    while !units.contains_key("a-municipality") || order.is_null() {
        let (name, data) = next(&mut stream).await;
        assert_eq!(name, "units");
        units.extend(data["units"].as_object().unwrap().clone());
        if data["order"].is_array() {
            order = data["order"].clone();
        }
    }
    assert!(units["a-municipality"].as_str().unwrap().starts_with("<tr id=\"a-municipality\""));
    let plain = units["a-municipality"].as_str().unwrap().replace(['\u{2068}', '\u{2069}'], "");
    assert!(plain.contains("5 min"), "{plain}");
    // The ministry is through; those who wait come before it.
    assert_eq!(order, serde_json::json!(["a-municipality", "a-utilities", "a-moi", "total"]));
    // It is what the page shows.
    assert!(desk.page("/dashboard").await.contains(units["a-municipality"].as_str().unwrap().trim()));
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_does_not_keep_it() {
    let office = Office::open();
    let mut desk = office.desk("viewer").await;
    let page = desk.page("/dashboard").await;
    let mut stream = follow(&desk, &page).await;
    next(&mut stream).await;
    // Looked at all the while, and nobody did anything.
    office.door.clock.advance(Duration::from_secs(61 * 60));
    loop {
        let (name, _) = next(&mut stream).await;
        if name == "over" {
            break;
        }
    }
    assert!(tokio::time::timeout(DEADLINE, stream.next()).await.unwrap().is_none(), "it ends");
    let refused = desk.request("GET", "/dashboard/live?page=overview").header("accept", "text/event-stream");
    let response = desk.router().oneshot(refused.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_screen_that_is_none_or_not_ones_own_is_not_followed() {
    let office = Office::open();
    let mut moi = office.desk("moi").await;
    assert_eq!(moi.get("/dashboard/live?page=blocked").await.status, 403);
    assert_eq!(moi.get("/dashboard/live?page=nothing").await.status, 404);
}

//! What is refused everywhere: without a key, to another role, of another form, and when the ledger is closed.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use falaj::http::Settings;
use serde_json::{Value, json as value};

use super::super::conform::{DOCUMENT, resolved};
use super::super::door::{Door, event, request};
use super::super::failing::delivery;
use super::{Step, Walk, get};

/// An id that nothing has.
const NOTHING: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// Bytes that no command has.
const LARGE: usize = 1 << 21;

/// An operation with a path that leads to nothing, and whose key may ask.
struct Any {
    method: String,
    path: String,
    id: &'static str,
    operation: &'static Value,
    who: Option<&'static str>,
}

impl Any {
    fn describes(&self, status: &str) -> bool {
        self.operation["responses"].get(status).is_some()
    }

    fn refuses(&self, kind: &str) -> bool {
        let responses = self.operation["responses"].as_object().unwrap().values();
        let urn = value!(format!("urn:falaj:problem:{kind}"));
        responses
            .map(|response| {
                &resolved(response)["content"]["application/problem+json"]["schema"]["properties"]["type"]["enum"]
            })
            .any(|kinds| kinds.as_array().is_some_and(|kinds| kinds.contains(&urn)))
    }

    fn takes(&self) -> Option<&'static str> {
        let content = self.operation["requestBody"]["content"].as_object()?;
        let preferred = content.keys().find(|media_type| media_type.contains("cloudevents+json"));
        preferred.or_else(|| content.keys().next()).map(String::as_str)
    }

    fn step(&self, who: Option<&'static str>, query: &str) -> Step<'_> {
        Step { who, method: &self.method, target: format!("{}{query}", self.path), headers: Vec::new(), body: None }
    }

    fn with_body(&self, media_type: &str, body: &str) -> Step<'_> {
        let headers = vec![("content-type", media_type.to_owned())];
        Step { headers, body: Some(body.to_owned()), ..self.step(self.who, "") }
    }
}

fn all() -> Vec<Any> {
    let mut all = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let roles: Vec<&str> =
                operation["x-falaj-roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
            let open = operation["x-falaj-right"] == "anyone";
            let who = match roles.first() {
                _ if open => None,
                // The agency that fetches; the one that sends where something is posted.
                Some(&"agency") if operation["x-falaj-right"] == "post" => Some("portal"),
                Some(&"agency") => Some("utilities"),
                Some(&role) => Some(role),
                None => None,
            };
            let path = path
                .replace("/agencies/{id}", "/agencies/utilities")
                .replace("{id}", NOTHING)
                .replace("{type}", "qa.gov.nothing.here")
                .replace("{version}", "1.0")
                .replace("{name}", "clash");
            let id = operation["operationId"].as_str().unwrap();
            all.push(Any { method: method.to_ascii_uppercase(), path, id, operation, who });
        }
    }
    all
}

/// Goes through all of it; the ledger is closed at the end.
pub async fn go_through(walk: &mut Walk) {
    let all = all();
    for any in &all {
        if any.refuses("no-key") {
            walk.expect(401, any.step(None, "")).await;
        }
        if any.refuses("not-allowed") {
            let roles = any.operation["x-falaj-roles"].as_array().unwrap();
            let others = [("agency", "moi"), ("viewer", "viewer")];
            let other = others.into_iter().find(|(role, _)| !roles.contains(&value!(role))).unwrap();
            walk.expect(403, any.step(Some(other.1), "")).await;
        }
        if any.refuses("not-found") {
            lead_to_nothing(walk, any).await;
        }
        if any.refuses("bad-request") {
            let media_type = any.takes();
            let step = match media_type {
                Some("application/json") => any.with_body("application/json", "[]"),
                _ => any.step(any.who, "?nothing=1"),
            };
            walk.expect(400, step).await;
        }
        if let Some(media_type) = any.takes() {
            walk.expect(415, any.with_body("text/plain", "x")).await;
            walk.expect(413, any.with_body(media_type, &" ".repeat(LARGE))).await;
            walk.door.send(never_ending(any, media_type)).await;
        }
    }
    too_many_wait(walk).await;
    // Where nothing waits, or an id cannot be one, the answer needs no ledger.
    let waits = walk.door.post("portal", &event("waits", "28400000008")).await.json();
    let (envelope, delivery) = (waits["id"].as_str().unwrap(), delivery(&waits, "utilities"));
    walk.door.ledger.close().await;
    for mut any in all.into_iter().filter(|any| any.refuses("unavailable")) {
        let id = if any.path.starts_with("/v1/deliveries/") { &delivery } else { envelope };
        any.path = any.path.replace(NOTHING, id);
        closed(walk, &any).await;
    }
}

async fn lead_to_nothing(walk: &Walk, any: &Any) {
    let path = any.path.replace("/agencies/utilities", "/agencies/nobody").replace("/clash", "/nothing");
    let path = if any.id == "getAsyncApi" { format!("{path}?agency=nobody") } else { path };
    let query = match any.id {
        "endRedrive" => "?reason=x",
        "readOpenData" | "readOpenDataAsCsv" => "?month=2030-01",
        _ => "",
    };
    let mut step = Step { target: format!("{path}{query}"), ..any.step(any.who, "") };
    if any.takes().is_some() {
        step.headers = vec![("content-type", "application/json".to_owned())];
        let body = if any.id == "reportOutcome" { value!({ "outcome": "applied" }) } else { value!({ "reason": "x" }) };
        step.body = Some(body.to_string());
    }
    walk.expect(404, step).await;
}

/// A body that begins and does not go on.
fn never_ending(any: &Any, media_type: &str) -> axum::http::Request<Body> {
    use futures_util::StreamExt as _;
    let begun = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
    let builder = request(&any.method, &any.path, any.who).header("content-type", media_type);
    builder.body(Body::from_stream(begun.chain(futures_util::stream::pending()))).unwrap()
}

async fn too_many_wait(walk: &Walk) {
    let mut door = Door::with(Settings { watches_max: 0, recheck: Duration::from_millis(200), ..Settings::default() });
    door.met = walk.door.met.clone();
    let receipt = door.post("portal", &event("1", "28400000001")).await.json();
    let path = format!("/v1/envelopes/{}", receipt["id"].as_str().unwrap());
    for path in [format!("{path}?wait=1s"), format!("{path}/events")] {
        assert_eq!(door.send(get("portal", path).request()).await.status, 503);
    }
}

async fn closed(walk: &Walk, any: &Any) {
    let query = if any.id == "endRedrive" { "?reason=x" } else { "" };
    let step = match any.id {
        "postEnvelope" => any.with_body("application/cloudevents+json", &event("closed", "28400000009")),
        "reportOutcome" => any.with_body("application/json", r#"{"outcome":"applied"}"#),
        "startRedrive" => any.with_body("application/json", r#"{"agency":"moi","reason":"x"}"#),
        "startReplay" => {
            any.with_body("application/json", r#"{"agency":"moi","from":"2023-11-14T22:00:00Z","reason":"x"}"#)
        }
        _ if any.takes().is_some() => any.with_body("application/json", r#"{"reason":"x"}"#),
        _ => any.step(any.who, query),
    };
    let status = walk.make(&step).await.status.as_u16();
    assert!(status == 503, "{} {}: {status}", any.method, any.path);
    assert!(any.describes("503"));
}

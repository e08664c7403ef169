use axum::body::Body;
use falaj::dispatch::board::Entry;
use falaj::http::auth::Right;
use falaj::http::{Settings, routes};
use falaj::model::id::AgencyId;
use falaj::model::status::Hold;
use insta::assert_snapshot;

use super::door::{Door, NOW, event, request};

/// A path of a route with something in the place of its names.
fn filled(path: &str) -> String {
    let filled: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
    filled.join("/")
}

/// A scrape is answered also where nothing can be read any more: it says so.
#[tokio::test]
async fn metrics_outlive_the_ledger() {
    let door = Door::open();
    door.post("portal", &event("1", "28400000001")).await;
    door.ledger.close().await;
    let answer = door.get("viewer", "/metrics").await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains("falaj_accepting 0"), "{text}");
    assert!(text.contains(r#"falaj_deliveries{agency="moi",state="pending"} 1"#), "{text}");
}

/// A1: default deny, proved over the very table that the router is built of.
#[tokio::test]
async fn every_route_but_probes_and_documents_refuses_whoever_has_no_key() {
    let door = Door::open();
    let mut open = Vec::new();
    let mut closed = 0;
    for (method, path, right) in routes() {
        let answer = door.send(request(method.as_str(), &filled(path), None).body(Body::empty()).unwrap()).await;
        if right == Right::Anyone {
            open.push(path);
            let expected = if path.contains('{') { 404 } else { 200 };
            assert_eq!(answer.status, expected, "{path}");
        } else {
            closed += 1;
            assert_eq!(answer.status, 401, "{method} {path}");
            assert!(answer.headers.contains_key("www-authenticate"));
            let unknown = request(method.as_str(), &filled(path), Some("nobody")).body(Body::empty()).unwrap();
            assert_eq!(door.send(unknown).await.status, 401, "{method} {path}");
        }
    }
    assert_eq!(open, ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/problems/{name}"]);
    assert!(closed >= 11);
}

#[tokio::test]
async fn probes_say_how_it_stands() {
    let door = Door::open();
    assert_snapshot!("alive", door.shown(&door.get("nobody", "/healthz").await));
    assert_snapshot!("ready", door.shown(&door.get("nobody", "/readyz").await));
    door.closing.cancel();
    assert_eq!(door.get("nobody", "/readyz").await.status, 503);
    assert_eq!(door.get("nobody", "/healthz").await.status, 200);
}

#[tokio::test]
async fn metrics_are_for_those_who_watch_and_name_no_person() {
    let door = Door::open();
    door.post("portal", &event("1", "28400000001")).await;
    door.post("portal", "{}").await;
    let hold = Hold::CircuitOpen { until: NOW, since: NOW };
    door.board.write(&AgencyId::parse("moi").unwrap(), Entry { hold, in_flight: 0 });
    assert_eq!(door.get("portal", "/metrics").await.status, 403);
    assert_eq!(door.get("nobody", "/metrics").await.status, 401);
    let answer = door.get("viewer", "/metrics").await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for line in [
        r#"falaj_envelopes_accepted_total{type="qa.gov.person.address-changed"} 1"#,
        r#"falaj_envelopes_refused_total{reason="event"} 1"#,
        r#"falaj_deliveries{agency="moi",state="pending"} 1"#,
        r#"falaj_oldest_age_seconds{agency="moi"} 0"#,
        r#"falaj_circuit_open{agency="moi"} 1"#,
        r#"falaj_circuit_open{agency="utilities"} 0"#,
        r#"falaj_held{agency="moi",reason="circuit_open"} 1"#,
        r#"falaj_held{agency="utilities",reason="circuit_open"} 0"#,
        r#"falaj_next_probe_timestamp_seconds{agency="moi"} 1700000000"#,
        r#"falaj_http_requests_total{route="/v1/envelopes",method="POST",class="2xx"} 1"#,
        r#"falaj_http_requests_total{route="/metrics",method="GET",class="4xx"} 2"#,
        "falaj_accepting 1",
        "falaj_accept_duration_seconds_count 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let commits = text.lines().find_map(|line| line.strip_prefix("falaj_commit_duration_seconds_count ")).unwrap();
    assert!(commits.parse::<u64>().unwrap() >= 1);
    assert!(!text.contains("28400000001") && !text.contains("urn:qa"));
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(!text.contains("# EOF"));

    let asking =
        request("GET", "/metrics", Some("viewer")).header("accept", "application/openmetrics-text;version=1.0.0");
    let answer = door.send(asking.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);

    let open = Door::with(Settings { metrics_open: true, ..Settings::default() });
    let answer = open.send(request("GET", "/metrics", None).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
}

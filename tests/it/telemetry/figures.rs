//! Figures: complete, of the right form, and gone with their agency.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{Sample, post, samples, scrape};
use crate::bus::{Bus, DEADLINE, Signal, Thing, until_async};

/// The value of a series that has these labels and no others.
fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has = |sample: &&Sample| {
        sample.name == name
            && sample.labels.len() == labels.len()
            && labels.iter().all(|(label, value)| sample.labels.iter().any(|(l, v)| l == label && v == value))
    };
    samples.iter().find(has).map(|sample| sample.value)
}

/// `promtool check metrics`, which also knows what a name should be like.
fn promtool(text: &str) -> String {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed; tests/run sees to it");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    format!("{}{}", if output.status.success() { "" } else { "failed: " }, String::from_utf8_lossy(&said))
}

#[tokio::test]
async fn an_operator_finds_every_figure_and_promtool_finds_no_fault() {
    let bus = Bus::builder().agency("a").agency("b").holds().in_flight(3).build().await;
    let receipt = bus.post(&Thing::new("s1", 1)).await;
    bus.post_again(&Thing::new("s1", 1)).await;
    bus.wait_delivery(&receipt.id, "a", "delivered").await;
    bus.receiver("b").arrival(1).await;
    let (status, _) = post(&bus, &json!({ "specversion": "1.0" }), &[]).await;
    assert_eq!(status, 400);
    bus.admin.post_json("/v1/agencies/a/pause", &json!({ "reason": "a test" })).await;

    let text = until_async("in flight on the board", DEADLINE, || async {
        let text = scrape(&bus).await;
        text.contains(r#"falaj_in_flight{agency="b"} 1"#).then_some(text)
    })
    .await;
    assert_eq!(promtool(&text), "", "{text}");
    let read = samples(&text);
    let is = |name: &str, labels: &[(&str, &str)], expected: f64| {
        assert_eq!(value(&read, name, labels), Some(expected), "{name} {labels:?} in\n{text}");
    };
    let (a, b) = (("agency", "a"), ("agency", "b"));
    is("falaj_envelopes_accepted_total", &[("type", "qa.test.thing.changed")], 1.0);
    is("falaj_envelopes_repeated_total", &[], 1.0);
    is("falaj_envelopes_refused_total", &[("reason", "event")], 1.0);
    is("falaj_accept_duration_seconds_count", &[], 1.0);
    is("falaj_deliveries", &[a, ("state", "delivered")], 1.0);
    is("falaj_deliveries", &[b, ("state", "pending")], 1.0);
    is("falaj_deliveries_settled_total", &[a, ("state", "delivered")], 1.0);
    is("falaj_deliveries_settled_total", &[b, ("state", "delivered")], 0.0);
    is("falaj_attempts_total", &[a, ("class", "done")], 1.0);
    is("falaj_attempts_total", &[b, ("class", "gone")], 0.0);
    is("falaj_delivery_duration_seconds_count", &[a], 1.0);
    is("falaj_attempt_duration_seconds_count", &[a], 1.0);
    is("falaj_circuit_open", &[a], 0.0);
    is("falaj_held", &[a, ("reason", "paused")], 1.0);
    is("falaj_held", &[b, ("reason", "paused")], 0.0);
    is("falaj_in_flight_limit", &[b], 3.0);
    is("falaj_oldest_age_seconds", &[a], 0.0);
    assert!(value(&read, "falaj_oldest_age_seconds", &[b]).unwrap() > 0.0);
    assert!(value(&read, "falaj_held_since_timestamp_seconds", &[a]).unwrap() > 1.7e9);
    is("falaj_accepting", &[], 1.0);
    is("falaj_places", &[], 1024.0);
    is("falaj_places_free", &[], 1024.0);
    is("falaj_disk_floor_bytes", &[], f64::from(512 << 20));
    is("falaj_deployment_problems", &[], 0.0);
    is("falaj_deployment_agencies", &[], 3.0);
    is("falaj_jobs", &[("state", "running")], 0.0);
    is("falaj_watches", &[], 0.0);
    is(
        "falaj_build_info",
        &[("version", env!("CARGO_PKG_VERSION")), ("os", "linux"), ("arch", std::env::consts::ARCH)],
        1.0,
    );
    let posted = [("route", "/v1/envelopes"), ("method", "POST"), ("class", "2xx")];
    is("falaj_http_requests_total", &posted, 2.0);
    is("falaj_http_request_duration_seconds_count", &posted[..2], 3.0);
    for name in [
        "falaj_disk_free_bytes",
        "falaj_ledger_bytes",
        "falaj_wal_bytes",
        "falaj_writer_queue_limit",
        "falaj_in_flight_bytes",
        "falaj_in_flight_bytes_limit",
        "falaj_http_connections",
        "falaj_deployment_loaded_timestamp_seconds",
        "falaj_commit_duration_seconds_count",
        "falaj_commit_operations_sum",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_threads",
        "process_start_time_seconds",
    ] {
        let found = value(&read, name, &[]);
        assert!(found.is_some_and(|value| value > 0.0), "{name} is {found:?} in\n{text}");
    }
    // Each says what it is, and in which unit.
    for line in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = line.split_once(' ').unwrap();
        assert!(help.len() > 10 && help.ends_with('.') && !help.ends_with(".."), "{line}");
        if name.ends_with("_seconds") || name.ends_with("_seconds_total") {
            assert!(help.to_lowercase().contains("seconds"), "{line}");
        }
        if name.ends_with("_bytes") {
            assert!(help.to_lowercase().contains("bytes"), "{line}");
        }
    }
}

/// A commit is counted when it is made: it matters neither who asks for the health, nor how often, nor whether anybody does.
#[tokio::test]
async fn each_commit_is_counted_once_whoever_asks() {
    let bus = Bus::builder().agency("a").build().await;
    for n in 1..=5 {
        let receipt = bus.post(&Thing::new("s", n)).await;
        bus.wait_settled(&receipt.id).await;
        // Whoever asks takes nothing from the next one.
        bus.admin.get("/readyz").await;
    }
    let commits = |text: &str| {
        let read = samples(text);
        let of = |name| value(&read, name, &[]).unwrap();
        (
            of("falaj_commit_duration_seconds_count"),
            of("falaj_commit_operations_count"),
            of("falaj_commit_operations_sum"),
        )
    };
    let (first, sized, operations) = commits(&scrape(&bus).await);
    // Five acceptances and five settlements, one after the other.
    assert!(first >= 10.0 && operations >= 10.0, "{first} {operations}");
    assert_eq!(first, sized);
    // The janitor may have come by; nothing was forgotten.
    assert!(commits(&scrape(&bus).await).0 >= first);
}

#[tokio::test]
async fn series_go_with_their_agency() {
    let bus = Bus::builder().agency("a").agency("b").build().await;
    let receipt = bus.post(&Thing::new("s", 1)).await;
    bus.wait_settled(&receipt.id).await;
    let text = scrape(&bus).await;
    assert!(text.contains(r#"agency="b""#), "{text}");
    bus.deployment.remove("connectors/b");
    bus.signal(Signal::Hup);
    let text = until_async("no series of b", DEADLINE, || async {
        let text = scrape(&bus).await;
        (!text.contains(r#"agency="b""#)).then_some(text)
    })
    .await;
    assert!(text.contains(r#"falaj_deliveries{agency="a",state="delivered"} 1"#), "{text}");
    assert!(text.contains(r#"falaj_deployment_reloads_total{result="taken_up"} 1"#), "{text}");
    assert_eq!(promtool(&text), "");
}

#[tokio::test]
async fn what_an_agency_left_behind_is_still_shown() {
    let bus = Bus::builder().agency("a").agency("b").reacts(|_| crate::bus::Reaction::Close).build().await;
    let receipt = bus.post(&Thing::new("s", 1)).await;
    bus.wait_delivery(&receipt.id, "b", "retry").await;
    bus.deployment.remove("connectors/b");
    bus.signal(Signal::Hup);
    let text = super::scraped(&bus, r#"falaj_held{agency="b",reason="unconfigured"} 1"#).await;
    assert!(text.contains(r#"falaj_deliveries{agency="b",state="retry"} 1"#), "{text}");
    assert!(!text.contains(r#"falaj_attempts_total{agency="b""#), "what was counted is gone: {text}");
}

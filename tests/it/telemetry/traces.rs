//! Traces: one notification is one trace, from its sender's request to every agency, through restarts.

use serde_json::{Value, json};

use super::collector::{Collector, Span};
use super::{post, scrape};
use crate::bus::{Bus, DEADLINE, Reaction, Thing, host, until_async};
use crate::repair::{fetch, with_fetcher};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const STATE: &str = "qa=portal,rojo=00f067aa0ba902b7";
/// The trace of an event whose sender traces it by the event alone.
const OWN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn event(id: &str, own: Option<&str>) -> Value {
    let mut event: Value = serde_json::from_str(&Thing::new("28400000001", 1).json()).unwrap();
    event["id"] = json!(id);
    if let Some(own) = own {
        event["traceparent"] = json!(own);
    }
    event
}

fn named<'a>(spans: &'a [Span], trace: &str, name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.trace == trace && span.name == name).collect()
}

fn one<'a>(spans: &'a [Span], trace: &str, name: &str) -> &'a Span {
    let found = named(spans, trace, name);
    assert_eq!(found.len(), 1, "{name} in {spans:#?}");
    found[0]
}

#[tokio::test]
async fn one_notification_is_one_trace_from_its_sender_to_every_agency() {
    let collector = Collector::start().await;
    let mut bus = Bus::builder()
        .env("FALAJ_TELEMETRY__OTLP", &collector.url)
        .env("FALAJ_TELEMETRY__SERVICE_NAME", "falaj under test")
        .env("FALAJ_TELEMETRY__SAMPLING", "0")
        .agency("a")
        .agency("b")
        .reacts(|request| if request.nth == 1 { Reaction::Close } else { Reaction::Status(200) })
        .build()
        .await;
    // Its sender has decided to trace it, whatever our own share is.
    let (status, receipt) = post(&bus, &event("1", None), &[("traceparent", PARENT), ("tracestate", STATE)]).await;
    assert_eq!(status, 202);
    let id = receipt["id"].as_str().unwrap();
    bus.wait_delivery(id, "a", "delivered").await;
    bus.wait_delivery(id, "b", "retry").await;
    let both = |spans: &[Span]| (named(spans, TRACE, "attempt").len() == 2).then_some(());
    collector.until("the first attempts", both).await;
    // The next process knows the trace from the ledger alone.
    bus.restart().await;
    bus.wait_settled(id).await;

    let tree = |spans: &[Span]| (named(spans, TRACE, "attempt").len() >= 3).then(|| spans.to_vec());
    let spans = collector.until("three attempts", tree).await;
    let request = one(&spans, TRACE, "POST /v1/envelopes");
    assert_eq!((request.parent.as_str(), request.kind, request.state.as_str()), ("00f067aa0ba902b7", 2, STATE));
    assert_eq!((request.get("http.route"), request.get("http.response.status_code")), ("/v1/envelopes", "202"));
    assert_eq!(request.service, "falaj under test");
    assert_eq!(one(&spans, TRACE, "parse").parent, request.id);
    let accept = one(&spans, TRACE, "accept");
    assert_eq!(accept.parent, request.id);
    assert_eq!((accept.get("falaj.result"), accept.get("falaj.recipients")), ("accepted", "2"));
    for step in ["schema", "routing", "commit"] {
        assert_eq!(one(&spans, TRACE, step).parent, accept.id, "{step}");
    }

    let attempts = named(&spans, TRACE, "attempt");
    assert_eq!(attempts.len(), 3, "{attempts:#?}");
    assert!(attempts.iter().all(|attempt| attempt.parent == accept.id && attempt.kind == 3), "{attempts:#?}");
    for agency in ["a", "b"] {
        let of: Vec<_> = attempts.iter().filter(|attempt| attempt.get("falaj.agency") == agency).collect();
        let arrivals = bus.receiver(agency).log().arrivals;
        assert_eq!(of.len(), arrivals.len(), "{agency}");
        for arrival in &arrivals {
            // What the agency was sent is the very span of that try, and its sender's state.
            let (parent, state) = &arrival.trace;
            assert_eq!(state.as_deref(), Some(STATE));
            let sent: Vec<_> = of.iter().filter(|span| Some(span.parent_of()) == *parent).collect();
            assert_eq!(sent.len(), 1, "{arrival:#?} {of:#?}");
            // What it brought itself travels in the event, untouched.
            assert_eq!(arrival.event["traceparent"], PARENT);
        }
    }
    let failed: Vec<_> = attempts.iter().filter(|attempt| attempt.status == 2).collect();
    assert_eq!(failed.len(), 1, "{attempts:#?}");
    assert_eq!(failed[0].get("falaj.class"), "endpoint_fault");
    let well = attempts.iter().find(|attempt| attempt.get("falaj.agency") == "a").unwrap();
    assert_eq!((well.get("falaj.class"), well.get("http.response.status_code")), ("done", "200"));
    for step in ["render", "send"] {
        let steps = named(&spans, TRACE, step);
        assert!(steps.iter().all(|step| attempts.iter().any(|attempt| attempt.id == step.parent)), "{steps:#?}");
        assert_eq!(steps.len(), 3);
    }
    // S1: nobody is named.
    for span in &spans {
        let said = format!("{span:?}");
        assert!(!said.contains("28400000001") && !said.contains("urn:qa") && !said.contains(id), "{said}");
    }
    bus.stop().await;
    bus.ledger_check().await;
    bus.assert_sound();
}

#[tokio::test]
async fn an_event_with_a_trace_of_its_own_stays_in_it() {
    let collector = Collector::start().await;
    let bus = Bus::builder()
        .env("FALAJ_TELEMETRY__OTLP", &collector.url)
        .env("FALAJ_TELEMETRY__SAMPLING", "1.0")
        .agency("a")
        .build()
        .await;
    let (_, receipt) = post(&bus, &event("1", Some(OWN)), &[("traceparent", PARENT)]).await;
    bus.wait_settled(receipt["id"].as_str().unwrap()).await;
    let own = &OWN[3..35];
    let both = |spans: &[Span]| {
        let whole = !named(spans, own, "attempt").is_empty() && !named(spans, TRACE, "POST /v1/envelopes").is_empty();
        whole.then(|| spans.to_vec())
    };
    let spans = collector.until("both traces", both).await;
    let (request, accept) = (one(&spans, TRACE, "POST /v1/envelopes"), one(&spans, own, "accept"));
    assert_eq!(accept.parent, "b7ad6b7169203331");
    assert_eq!(accept.links, [(request.trace.clone(), request.id.clone())]);
    assert_eq!(one(&spans, own, "attempt").parent, accept.id);
    let arrival = bus.receiver("a").arrival(1).await;
    assert_eq!(arrival.event["traceparent"], OWN);
    assert_eq!(arrival.trace.0, Some(one(&spans, own, "attempt").parent_of()));
    // A question that brings no trace begins one.
    bus.admin.get("/v1/agencies").await;
    let begun = |spans: &[Span]| spans.iter().find(|span| span.name == "GET /v1/agencies").cloned();
    let request = collector.until("a trace that begins here", begun).await;
    assert_eq!((request.parent.as_str(), request.trace != TRACE && request.trace != own), ("", true));
}

#[tokio::test]
async fn an_agency_that_fetches_finds_the_trace_in_the_answer() {
    let collector = Collector::start().await;
    let builder = Bus::builder().env("FALAJ_TELEMETRY__OTLP", &collector.url).env("FALAJ_TELEMETRY__SAMPLING", "0");
    let (bus, fetcher) = with_fetcher(builder).await;
    post(&bus, &event("1", None), &[("traceparent", PARENT), ("tracestate", STATE)]).await;
    let fetched = fetch(&fetcher).await;
    let leased = |spans: &[Span]| (!named(spans, TRACE, "lease").is_empty()).then(|| spans.to_vec());
    let spans = collector.until("the lease", leased).await;
    let lease = one(&spans, TRACE, "lease");
    assert_eq!((lease.parent.as_str(), lease.get("falaj.agency")), (&*one(&spans, TRACE, "accept").id, "fetcher"));
    assert_eq!((&fetched["traceparent"], &fetched["tracestate"]), (&json!(lease.parent_of()), &json!(STATE)));
    assert_eq!(fetched["envelope"]["traceparent"], PARENT, "what the event brought itself is untouched");
}

#[tokio::test]
async fn without_a_collector_what_the_event_brought_is_passed_on() {
    let bus = Bus::builder().agency("a").build().await;
    post(&bus, &event("1", None), &[("traceparent", PARENT), ("tracestate", STATE)]).await;
    let arrival = bus.receiver("a").arrival(1).await;
    assert_eq!(arrival.trace, (Some(PARENT.to_owned()), Some(STATE.to_owned())));
    post(&bus, &event("2", Some(OWN)), &[]).await;
    assert_eq!(bus.receiver("a").arrival(2).await.trace, (Some(OWN.to_owned()), None));
    post(&bus, &event("3", None), &[]).await;
    assert_eq!(bus.receiver("a").arrival(3).await.trace, (None, None));
    let text = scrape(&bus).await;
    assert!(!text.contains("falaj_trace_spans"), "no spans are made, and none are counted");
}

/// X3, X4: a collector that refuses, or that listens and never answers, costs spans and nothing else; not even a stop.
#[tokio::test]
async fn a_collector_in_trouble_is_nobody_elses_trouble() {
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = tokio::net::TcpListener::bind((host(), 0)).await.unwrap();
    let urls = [&deaf, &gone].map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    drop(gone);
    for (url, refuses) in urls.iter().zip([false, true]) {
        let mut bus = Bus::builder()
            .env("FALAJ_TELEMETRY__OTLP", url)
            .env("FALAJ_TELEMETRY__SAMPLING", "1.0")
            .agency("a")
            .build()
            .await;
        for n in 1..=20 {
            let receipt = bus.post(&Thing::new("s", n)).await;
            bus.wait_settled(&receipt.id).await;
        }
        if refuses {
            let log = bus.log_file();
            until_async("the log says it once", DEADLINE, || async {
                let text = std::fs::read_to_string(&log).unwrap();
                (text.matches("the trace collector takes no spans").count() == 1).then_some(())
            })
            .await;
            let text = scrape(&bus).await;
            assert!(text.contains(r#"falaj_trace_spans_total{result="sent"} 0"#), "{text}");
            assert!(!text.contains(r#"falaj_trace_spans_total{result="failed"} 0"#), "{text}");
        }
        let begun = std::time::Instant::now();
        bus.stop().await;
        // The flush is bounded by 3 s; the rest is an ordinary stop on a busy machine.
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
        bus.ledger_check().await;
    }
}

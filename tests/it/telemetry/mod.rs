//! What the bus tells of itself, as those see it who listen: Prometheus, a trace collector, a reader of logs, a person at a console.

mod collector;
mod console;
mod figures;
mod lines;
mod rules;
mod traces;

use serde_json::Value;

use crate::bus::{Bus, DEADLINE, PUBLISHER_KEY, until_async};

/// A series of a scrape: its name, its labels, its value.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// Reads a scrape in the text format.
fn samples(text: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}"))).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = if value == "+Inf" { f64::INFINITY } else { value.parse().ok()? };
    let Some((name, labels)) = series.split_once('{') else {
        return Some(Sample { name: series.to_owned(), labels: Vec::new(), value });
    };
    // No value here holds a quote or a comma: labels are words of the deployment.
    let label = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
    };
    let labels = labels.strip_suffix('}')?.split(',').filter(|pair| !pair.is_empty()).map(label);
    Some(Sample { name: name.to_owned(), labels: labels.collect::<Option<_>>()?, value })
}

/// A scrape.
async fn scrape(bus: &Bus) -> String {
    let answer = bus.admin.get("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// Scrapes until a text is there.
async fn scraped(bus: &Bus, wanted: &str) -> String {
    until_async(&format!("{wanted} in a scrape"), DEADLINE, || async {
        let text = scrape(bus).await;
        text.lines().any(|line| line.starts_with(wanted)).then_some(text)
    })
    .await
}

/// Posts an event with headers of its own; returns status and body.
async fn post(bus: &Bus, event: &Value, headers: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("http://{}/v1/envelopes", bus.address());
    let mut request = reqwest::Client::new()
        .post(url)
        .header("authorization", format!("Bearer {PUBLISHER_KEY}"))
        .header("content-type", "application/cloudevents+json")
        .body(event.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("the bus answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("the whole answer");
    (status, serde_json::from_str(&text).expect("JSON"))
}

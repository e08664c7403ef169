//! The walk: every call that is described is made, every answer that is described is had, and the first of each is kept as a sample.
//!
//! [`story`] tells what an operator's day could be, [`refusals`] goes through what is refused everywhere. What a new route needs here
//! is one line in the story; the test below says which operation, status, parameter or member was never met.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use falaj::http::Settings;
use falaj::http::docs::samples::{self, Call, Reply, Sample};
use serde_json::Value;

use super::conform::{DOCUMENT, resolved};
use super::door::{Answer, Door, request};

mod pretty;
mod refusals;
mod story;

/// Where samples are kept.
const SAMPLES: &str = "src/http/docs/samples.http";
/// Write them anew, where this is set.
const WRITE: &str = "FALAJ_WRITE_SAMPLES";
/// Headers of an answer that a sample shows.
const SHOWN: [&str; 7] =
    ["content-disposition", "content-type", "etag", "link", "location", "retry-after", "www-authenticate"];
/// What nobody can bring about on purpose.
const UNMET: &str = "500";

/// A door with a notebook.
struct Walk {
    door: Door,
    samples: Vec<Sample>,
}

/// A call to be made.
struct Step<'a> {
    who: Option<&'a str>,
    method: &'a str,
    target: String,
    headers: Vec<(&'a str, String)>,
    body: Option<String>,
}

fn get<'a>(who: &'a str, target: impl Into<String>) -> Step<'a> {
    Step { who: Some(who), method: "GET", target: target.into(), headers: Vec::new(), body: None }
}

fn post<'a>(who: &'a str, target: impl Into<String>, media_type: &str, body: impl Into<String>) -> Step<'a> {
    let headers = vec![("content-type", media_type.to_owned())];
    Step { who: Some(who), method: "POST", target: target.into(), headers, body: Some(body.into()) }
}

fn json<'a>(who: &'a str, target: impl Into<String>, body: &Value) -> Step<'a> {
    post(who, target, "application/json", body.to_string())
}

impl Step<'_> {
    fn request(&self) -> Request<Body> {
        let mut builder = request(self.method, &self.target, self.who);
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        builder.body(self.body.clone().map_or_else(Body::empty, Body::from)).unwrap()
    }
}

impl Walk {
    /// Makes a call and keeps it as a sample of an operation or a kind of problem: `postEnvelope`, `postEnvelope batch`, `clash`.
    async fn keep(&mut self, title: &str, step: Step<'_>) -> Answer {
        let answer = self.make(&step).await;
        let (of, name) = title.split_once(' ').unwrap_or((title, ""));
        let text = std::str::from_utf8(&answer.body).unwrap();
        let shown = answer.headers.iter().filter(|(name, _)| SHOWN.contains(&name.as_str()));
        let reply = Reply {
            status: answer.status.as_u16(),
            headers: shown.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
            body: (!text.is_empty()).then(|| pretty::body(&answer, text)).flatten(),
        };
        let headers: BTreeMap<String, String> =
            step.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let body = step.body.as_deref().map(pretty::json);
        let call = Call { method: step.method.to_owned(), target: step.target, headers, body };
        self.samples.push(Sample { of: of.to_owned(), name: name.to_owned(), call, answer: reply });
        answer
    }

    /// Makes the next calls at another door; what is met there counts as well. Returns the one before.
    fn go_to(&mut self, mut door: Door) -> Door {
        door.met = self.door.met.clone();
        std::mem::replace(&mut self.door, door)
    }

    /// Makes a call.
    async fn make(&self, step: &Step<'_>) -> Answer {
        self.door.send(step.request()).await
    }

    /// Makes a call that must be answered so.
    async fn expect(&self, status: u16, step: Step<'_>) -> Answer {
        let answer = self.make(&step).await;
        assert_eq!(answer.status, status, "{} {}: {}", step.method, step.target, String::from_utf8_lossy(&answer.body));
        answer
    }
}

#[tokio::test]
async fn all_that_is_described_is_met_and_every_sample_is_still_said() {
    let settings = Settings {
        recheck: Duration::from_millis(200),
        body_read_timeout: Duration::from_millis(50),
        ..Settings::default()
    };
    let mut walk = Walk { door: Door::with(settings), samples: Vec::new() };
    story::tell(&mut walk).await;
    refusals::go_through(&mut walk).await;
    let unmet = unmet(&walk);
    assert!(unmet.is_empty(), "described and never met:\n{}", unmet.join("\n"));

    let written = pretty::redacted(&walk.door, &samples::write(&walk.samples));
    assert_eq!(samples::write(&samples::parse(&written)), written, "samples are read back as they are written");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLES);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, &written).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    if kept != written {
        let line = kept.lines().zip(written.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let near: Vec<&str> = written.lines().skip(line.saturating_sub(5)).take(12).collect();
        panic!(
            "{SAMPLES} differs from line {}; if that is meant, write it anew: {WRITE}=1 cargo test --test it walk\n{}",
            line + 1,
            near.join("\n")
        );
    }
}

/// A sample that nobody can make a call of is worse than none.
#[test]
fn every_operation_and_every_problem_has_a_sample() {
    for operation in operations() {
        let id = operation["operationId"].as_str().unwrap();
        let first = samples::samples(id).first();
        let first = first.unwrap_or_else(|| panic!("{id} has no sample; add it to {}", file!()));
        assert!((200..300).contains(&first.answer.status) && first.name.is_empty(), "{id}: the first is no success");
    }
    for kind in falaj::http::error::Kind::ALL {
        let sample = samples::samples(kind.slug()).first().unwrap_or_else(|| panic!("{} has no sample", kind.slug()));
        assert_eq!(sample.answer.status, kind.status().as_u16());
    }
    for call in falaj::http::routes::described() {
        let named = call.operation.samples.iter().map(|(name, _)| *name);
        let named: Vec<&str> = [""].into_iter().chain(named).collect();
        let kept: Vec<&str> = samples::samples(call.operation.id).iter().map(|sample| &*sample.name).collect();
        assert_eq!(kept, named, "{}: the samples that are named are not those that are kept", call.operation.id);
    }
}

fn operations() -> impl Iterator<Item = &'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.values().flat_map(|item| item.as_object().unwrap().values())
}

/// Everything that is described and was not met.
fn unmet(walk: &Walk) -> Vec<String> {
    let mut unmet = Vec::new();
    let mut ask = |what: String| {
        if !walk.door.met.has(&what) {
            unmet.push(what);
        }
    };
    for operation in operations() {
        let id = operation["operationId"].as_str().unwrap();
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status == UNMET {
                continue;
            }
            let response = resolved(response);
            ask(format!("{id} {status}"));
            for header in response["headers"].as_object().into_iter().flatten() {
                ask(format!("{id} {status} {}", header.0));
            }
            let problem = &response["content"]["application/problem+json"]["schema"];
            for urn in problem["properties"]["type"]["enum"].as_array().into_iter().flatten() {
                ask(format!("{id} {}", urn.as_str().unwrap()));
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            ask(format!("{id} {} {}", parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap()));
        }
        for (media_type, _) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            if media_type != "application/cloudevents-batch+json" {
                ask(format!("{id} takes {media_type}"));
            }
        }
    }
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        for member in schema["properties"].as_object().into_iter().flatten() {
            ask(format!("{name}/{}", member.0));
        }
    }
    unmet
}

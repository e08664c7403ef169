//! The log: its form, and what never stands in it, nor in figures or spans.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};

use serde_json::{Value, json};

use super::collector::Collector;
use super::{post, scrape};
use crate::bus::{Bus, DEADLINE, Reaction, SECRET, Thing, until_async};

/// What everything that concerns a person bears here.
const MARK: &str = "Mark77";
/// An agency whose map reads a value as what it is not.
const MAPPED: &str = "mapped";

fn marked(id: &str, note: Value) -> Value {
    let mut event: Value = serde_json::from_str(&Thing::new(&format!("subject-{MARK}"), 1).json()).unwrap();
    event["id"] = json!(format!("{id}-{MARK}"));
    event["correlationid"] = json!(format!("case-{MARK}"));
    event["data"]["note"] = note;
    event
}

/// Every member of a line of JSON that the log has.
fn lines(bus: &Bus) -> Vec<Value> {
    let text = fs::read_to_string(bus.log_file()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not a line: {line}"))).collect()
}

fn says(lines: &[Value], message: &str) -> bool {
    lines.iter().any(|line| line["message"] == message)
}

/// A citizen's number, name and data go through everything that can happen to them, and nothing that is told names them.
#[tokio::test]
async fn nothing_that_is_told_names_a_person() {
    let collector = Collector::start().await;
    let status = Arc::new(AtomicU16::new(422));
    let answers = Arc::clone(&status);
    let bus = Bus::builder()
        .env("FALAJ_LOG", "debug")
        .env("FALAJ_TELEMETRY__OTLP", &collector.url)
        .env("FALAJ_TELEMETRY__SAMPLING", "1.0")
        .agency("well")
        .agency("flaky")
        .reacts(|request| Reaction::Status(if request.nth == 1 { 500 } else { 200 }))
        .agency("strict")
        .reacts(move |_| Reaction::Status(answers.load(SeqCst)))
        .build_stopped()
        .await;
    bus.deployment.write(
        &format!("connectors/{MAPPED}/connector.toml"),
        &format!(
            "[agency]\nid = \"{MAPPED}\"\nname = {{ en = \"Mapped\", ar = \"محوّلة\" }}\n\n\
             [delivery]\ntransport = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n\n\
             [[subscription]]\ntype = \"qa.test.thing.changed\"\nfields = [\"/n\", \"/note\"]\nmap = {{ n = \"has(data.note) ? int(data.note) : 0\" }}\n\
             purpose = {{ en = \"Proofs\", ar = \"إثباتات\" }}\nlegal_basis = \"Law 1/2001\"\n",
            bus.receiver("well").url()
        ),
    );
    let mut bus = bus;
    bus.start().await;

    // Accepted, delivered, tried again, parked.
    let note = json!(format!("فاطمة {MARK}"));
    let (code, receipt) = post(&bus, &marked("1", note.clone()), &[]).await;
    assert_eq!(code, 202, "{receipt}");
    let id = receipt["id"].as_str().unwrap();
    // Refused: the wrong field holds a name; the whole is no JSON; another content under the same id.
    let mut wrong = marked("2", note);
    wrong["data"]["n"] = json!(format!("number-{MARK}"));
    assert_eq!(post(&bus, &wrong, &[]).await.0, 422);
    assert_eq!(post(&bus, &json!(format!("no event {MARK}")), &[]).await.0, 400);
    assert_eq!(post(&bus, &marked("1", json!("another")), &[]).await.0, 409);
    // Asked for in every way that names it.
    for path in [
        format!("/v1/envelopes?subject=subject-{MARK}"),
        format!("/v1/envelopes?correlationid=case-{MARK}"),
        format!("/v1/envelopes/{MARK}"),
        format!("/{MARK}?q={MARK}"),
    ] {
        bus.admin.get(&path).await;
    }
    bus.admin.with_key(&format!("a key that is none {MARK}")).get("/v1/agencies").await;

    bus.wait_delivery(id, "well", "delivered").await;
    bus.wait_delivery(id, "flaky", "delivered").await;
    let parked = bus.wait_delivery(id, "strict", "parked").await;
    bus.wait_delivery(id, MAPPED, "parked").await;
    // Mended and delivered again, by a person who says why.
    status.store(200, SeqCst);
    let order = json!({ "agency": "strict", "reason": format!("for {MARK}") });
    let answer = bus.admin.post_json("/v1/redrives", &order).await;
    assert!(matches!(answer.status, 200..300), "{}", answer.text);
    let retry = format!("/v1/deliveries/{}/retry", parked["id"].as_str().unwrap());
    bus.admin.post_json(&retry, &json!({ "reason": format!("for {MARK}") })).await;
    bus.wait_delivery(id, "strict", "delivered").await;

    let metrics = scrape(&bus).await;
    collector.until("spans of all that", |spans| (spans.len() > 30).then_some(())).await;
    bus.stop().await;
    let lines = lines(&bus);
    for message in [
        "listening",
        "request",
        "delivered",
        "will be tried again",
        "parked; its lane waits for an operator",
        "stopped",
    ] {
        assert!(says(&lines, message), "{message} is not in the log");
    }
    let telling = fs::read_to_string(bus.log_file()).unwrap();
    let spans = format!("{:?}", collector.spans());
    for (what, text) in [("log", &telling), ("metrics", &metrics), ("spans", &spans)] {
        let found: Vec<&str> = text.lines().filter(|line| line.contains(MARK) || line.contains("فاطمة")).collect();
        assert_eq!(found, Vec::<&str>::new(), "{what}");
    }
    // Where traces are collected, what happens to a delivery is found by its trace.
    let traces: BTreeSet<&str> = collector_traces(&lines);
    let known: BTreeSet<String> = collector.spans().into_iter().map(|span| span.trace).collect();
    assert!(!traces.is_empty() && traces.iter().all(|trace| known.contains(*trace)), "{traces:?}");
}

/// The trace ids of lines about deliveries.
fn collector_traces(lines: &[Value]) -> BTreeSet<&str> {
    lines.iter().filter(|line| line["delivery"].is_string()).filter_map(|line| line["trace_id"].as_str()).collect()
}

#[tokio::test]
async fn a_line_of_text_is_for_a_person() {
    let bus =
        Bus::builder().env("FALAJ_TELEMETRY__LOG_FORMAT", "text").env("FALAJ_LOG", "debug").agency("a").build().await;
    let receipt = bus.post(&Thing::new("s", 1)).await;
    bus.wait_settled(&receipt.id).await;
    let text = until_async("the line of the delivery", DEADLINE, || async {
        let text = fs::read_to_string(bus.log_file()).unwrap();
        text.contains("delivered agency=a").then_some(text)
    })
    .await;
    assert!(text.lines().all(|line| !line.starts_with('{') && !line.contains('\u{1b}')), "{text}");
}

/// The table of fields is complete: what a line may say stands in it, and nothing else does.
#[test]
fn every_field_of_the_log_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("examples/deploy/logging.md")).unwrap();
    let named =
        |line: &str| line.strip_prefix("| `").and_then(|rest| rest.split_once('`')).map(|(name, _)| name.to_owned());
    let documented: BTreeSet<String> = table.lines().filter_map(named).collect();
    let mut used: BTreeSet<String> = ["timestamp", "level", "target", "message"].map(str::to_owned).into();
    for source in sources(&root.join("src")) {
        let text = fs::read_to_string(&source).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        // The mock agency has a sentence of its own.
        if !source.ends_with("mock/receive.rs") {
            used.extend(fields(code));
        }
    }
    let missing: Vec<_> = used.difference(&documented).collect();
    assert!(missing.is_empty(), "say in examples/deploy/logging.md what these fields of log lines mean: {missing:?}");
    let idle: Vec<_> = documented.difference(&used).collect();
    assert!(idle.is_empty(), "no line says {idle:?} any more");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The names of the fields in every call of a logging macro: what stands before a `=`, or is a variable by itself.
fn fields(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for macro_name in ["error!(", "warn!(", "info!(", "debug!("] {
        for (at, _) in code.match_indices(macro_name) {
            let is_ours = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if is_ours {
                found.extend(arguments(&code[at + macro_name.len()..]).iter().filter_map(|argument| field(argument)));
            }
        }
    }
    found
}

/// The arguments of a call, split at its own commas.
fn arguments(code: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut arguments = vec![String::new()];
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(c);
    }
    arguments
}

fn field(argument: &str) -> Option<String> {
    let argument = argument.trim();
    if argument.starts_with('"') || argument.is_empty() {
        return None;
    }
    let name = argument.split(" = ").next().unwrap().trim_start_matches(['%', '?']);
    // A field of a struct is told under its last name.
    let name = name.rsplit('.').next().unwrap().trim().trim_start_matches("r#");
    name.chars().all(|c| c.is_ascii_lowercase() || c == '_').then(|| name.to_owned())
}

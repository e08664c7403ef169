//! What persons repair, from a shell and over HTTP, with the real binary: parked lanes, gaps, redrives, leases, pauses.

use std::fmt::Write as _;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_lc_rs::digest;
use falaj::clock::Clock;
use falaj::model::time::At;
use serde_json::{Value, json};

use crate::bus::{ADMIN_KEY, Builder, Bus, Client, DEADLINE, Reaction, Request, Thing, falaj, until_async};

const FETCHER_KEY: &str = "test-key-of-the-fetching-agency";

/// Runs a command as an operator does.
async fn shell(bus: &Bus, args: &[&str]) -> Output {
    let url = format!("http://{}", bus.address());
    let mut command = falaj(args);
    command.args(["--url", &url, "--key", ADMIN_KEY]).env("LC_ALL", "C.UTF-8");
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
}

/// The JSON a command prints; it must end with this status.
async fn asked(bus: &Bus, status: i32, args: &[&str]) -> Value {
    let output = shell(bus, &[args, &["--json"]].concat()).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "falaj {args:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// What stands in the parked and dead lines, by CloudEvents subject and number.
async fn letters(bus: &Bus) -> Vec<Value> {
    let found = asked(bus, 0, &["dead-letters", "--agency", "a"]).await;
    found["dead_letters"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_refused_citizen_waits_for_a_person_and_nobody_else_does() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let react = move |request: &Request| {
        let refused = ["poison.", "lost.1", "lone."].iter().any(|start| request.event_id.starts_with(start));
        Reaction::Status(if refused && !is_mended.load(Ordering::SeqCst) { 422 } else { 200 })
    };
    let mut bus = Bus::builder().agency("a").reacts(react).build().await;
    let mut poison = Vec::new();
    for n in 1..=3 {
        poison.push(bus.post(&Thing::new("poison", n)).await);
    }
    let lost = [bus.post(&Thing::new("lost", 1)).await, bus.post(&Thing::new("lost", 2)).await];
    let lone = bus.post(&Thing::new("lone", 1)).await;
    for n in 1..=5 {
        let receipt = bus.post(&Thing::new("other", n)).await;
        assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    }
    for receipt in [&poison[0], &lost[0], &lone] {
        let parked = bus.wait_delivery(&receipt.id, "a", "parked").await;
        assert_eq!((&parked["attempts"], &parked["last_error"]["status"]), (&json!(3), &json!(422)));
    }
    assert_eq!(bus.delivery(&poison[2].id, "a").await["waiting"]["reason"], "behind");

    // An operator sees what they have in common.
    let groups = asked(&bus, 0, &["dead-letters", "--groups", "--agency", "a"]).await;
    assert_eq!(groups["groups"].as_array().unwrap().len(), 1, "{groups}");
    assert_eq!((&groups["groups"][0]["parked"], &groups["groups"][0]["status"]), (&json!(3), &json!(422)));
    let group = groups["groups"][0]["group"].as_str().unwrap();
    let table = shell(&bus, &["dead-letters", "--group", group]).await;
    assert_eq!(String::from_utf8_lossy(&table.stdout).matches("parked").count(), 3);

    // Two citizens' later changes must not wait: what is released is a dead letter, and the next one tells of the gap.
    for receipt in [&lost[0], &lone] {
        let id = receipt.delivery("a");
        assert_eq!(asked(&bus, 0, &["release", &id, "--reason", "others wait"]).await["state"], "dead");
        assert_eq!(asked(&bus, 1, &["release", &id, "--reason", "again"]).await, Value::Null, "an end never changes");
    }
    bus.wait_delivery(&lost[1].id, "a", "delivered").await;
    let log = bus.receiver("a").log();
    let next = log.arrivals.iter().find(|arrival| arrival.event_id == "lost.2").unwrap();
    assert_eq!(next.gap.as_deref(), Some(lost[0].delivery("a").as_str()));

    // The agency is mended: the parked citizen goes on in order.
    mended.store(true, Ordering::SeqCst);
    let retried = asked(&bus, 0, &["retry", &poison[0].delivery("a"), "--reason", "the register is mended"]).await;
    assert_eq!(retried["agency"], "a");
    for receipt in &poison {
        assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    }
    let order = ["poison.1", "poison.1", "poison.1", "poison.1", "poison.2", "poison.3"];
    assert_eq!(bus.receiver("a").log().events("poison"), order);

    // What died is redriven, but for what newer data has overtaken.
    let redrive = ["redrive", "--agency", "a", "--reason", "the register is mended"];
    let plan = asked(&bus, 0, &[&redrive[..], &["--dry-run"]].concat()).await;
    assert_eq!((&plan["state"], &plan["eligible"]), (&json!("planned"), &json!(1)));
    assert_eq!(plan["held_back"][0]["id"], lost[0].delivery("a"));
    assert_eq!(plan["held_back"][0]["why"], "overtaken");
    assert_eq!(letters(&bus).await.len(), 2, "a dry run does nothing");
    let done = asked(&bus, 0, &[&redrive[..], &["--wait"]].concat()).await;
    assert_eq!((&done["done"], &done["failed"]), (&json!(1), &json!(0)), "{done}");
    let log = bus.receiver("a").log();
    let again: Vec<_> = log.arrivals.iter().filter(|arrival| arrival.event_id == "lone.1").collect();
    assert_eq!(again.len(), 4);
    assert_eq!(again[3].webhook_id, lone.delivery("a"), "a redrive keeps its first webhook-id");
    assert_eq!(bus.wait_settled(&lone.id).await["state"], "completed", "its envelope ended well after all");
    asked(&bus, 1, &redrive).await;
    assert_eq!(letters(&bus).await.len(), 1);

    let audit = asked(&bus, 0, &["audit"]).await;
    let actions: Vec<&str> =
        audit["entries"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(&actions[actions.len() - 4..], ["redrive", "retry", "release", "release"]);
    bus.stop().await;
    bus.ledger_check().await;
}

#[tokio::test]
async fn a_skip_leaves_a_gap_and_a_withdrawal_leaves_none() {
    let react = |request: &Request| match request.event_id.as_str() {
        "skipped.1" | "withdrawn.1" => Reaction::Status(500),
        _ => Reaction::Status(200),
    };
    let mut bus = Bus::builder().agency("a").reacts(react).build().await;
    for (subject, verb, state) in [("skipped", "skip", "skipped"), ("withdrawn", "cancel", "cancelled")] {
        let first = bus.post(&Thing::new(subject, 1)).await;
        let second = bus.post(&Thing::new(subject, 2)).await;
        let third = bus.post(&Thing::new(subject, 3)).await;
        bus.wait_delivery(&first.id, "a", "retry").await;
        let id = first.delivery("a");
        let ended = asked(&bus, 0, &[verb, &id, "--reason", "entered by hand"]).await;
        assert_eq!((&ended["state"], &ended["by"]), (&json!(state), &json!("administrator")));
        for receipt in [&second, &third] {
            bus.wait_settled(&receipt.id).await;
        }
        let log = bus.receiver("a").log();
        let gaps: Vec<Option<&str>> =
            log.arrivals.iter().filter(|one| one.subject == subject).map(|one| one.gap.as_deref()).collect();
        let told = (verb == "skip").then_some(id.as_str());
        assert_eq!(gaps, [None, told, None], "{verb}");
        assert_eq!(bus.status(&first.id).await["state"], "completed_with_failures");
    }
    bus.stop().await;
    bus.ledger_check().await;
}

#[tokio::test]
async fn a_pause_outlives_a_restart_and_concerns_one_agency() {
    let mut bus = Bus::builder().agency("a").agency("b").build().await;
    let paused = asked(&bus, 0, &["pause", "a", "--reason", "صيانة السجل"]).await;
    assert_eq!((&paused["state"], &paused["by"]), (&json!("paused"), &json!("administrator")));
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    bus.wait_delivery(&receipt.id, "b", "delivered").await;
    bus.restart().await;
    let second = bus.post(&Thing::new("citizen", 2)).await;
    bus.wait_delivery(&second.id, "b", "delivered").await;
    for receipt in [&receipt, &second] {
        let waits = bus.delivery(&receipt.id, "a").await;
        assert_eq!(waits["waiting"]["reason"], "paused");
        assert!(waits["waiting"]["text"].as_str().unwrap().ends_with(": صيانة السجل"), "{waits}");
    }
    assert_eq!(bus.receiver("a").log().arrivals.len(), 0);
    asked(&bus, 0, &["resume", "a", "--reason", "mended"]).await;
    for receipt in [&receipt, &second] {
        assert_eq!(bus.wait_settled(&receipt.id).await["state"], "completed");
    }
    assert_eq!(bus.receiver("a").log().events("citizen"), ["citizen.1", "citizen.2"]);
    asked(&bus, 1, &["resume", "a", "--reason", "mended"]).await;
    asked(&bus, 1, &["pause", "nobody", "--reason", "why not"]).await;
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// A job is a promise like any other: it goes on where it stood.
#[tokio::test]
async fn a_redrive_goes_on_after_a_crash() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let react = move |request: &Request| {
        let passes = is_mended.load(Ordering::SeqCst) || request.event_id.starts_with("pulse.");
        Reaction::Status(if passes { 200 } else { 500 })
    };
    let mut bus = Bus::builder().agency("a").reacts(react).build_stopped().await;
    // Unordered and short of patience: what fails dies after its second try.
    let manifest = std::fs::read_to_string(bus.deployment.path().join("connectors/a/connector.toml")).unwrap();
    let impatient = manifest.replace("[delivery]\n", "[delivery]\nretry = { max_age = \"1s\" }\n");
    bus.deployment.write("connectors/a/connector.toml", &(impatient + "order = \"none\"\n"));
    bus.start().await;
    let mut receipts = Vec::new();
    for n in 1..=4 {
        receipts.push(bus.post(&Thing::new("citizen", n)).await);
    }
    for receipt in &receipts {
        bus.wait_delivery(&receipt.id, "a", "retry").await;
    }
    // Only an agency that is seen to live lets anything die of age.
    let pulse = bus.post(&Thing::new("pulse", 1)).await;
    bus.wait_settled(&pulse.id).await;
    for receipt in &receipts {
        bus.wait_delivery(&receipt.id, "a", "dead").await;
    }
    mended.store(true, Ordering::SeqCst);
    let tried = bus.receiver("a").log().arrivals.len();
    let begun = asked(&bus, 0, &["redrive", "--agency", "a", "--rate", "1", "--reason", "mended"]).await;
    assert_eq!((&begun["eligible"], &begun["state"]), (&json!(4), &json!("running")));
    bus.receiver("a").arrival(tried + 1).await;
    bus.restart().await;
    let path = format!("/v1/redrives/{}", begun["id"].as_str().unwrap());
    let job = until_async("the redrive is through", DEADLINE, || async {
        let job = bus.admin.get(&path).await.body;
        (job["done"] == 4).then_some(job)
    })
    .await;
    assert_eq!((&job["state"], &job["made"], &job["failed"]), (&json!("done"), &json!(4), &json!(0)));
    for receipt in &receipts {
        let status = bus.wait_settled(&receipt.id).await;
        assert_eq!(status["state"], "completed");
        assert_eq!(status["deliveries"].as_array().unwrap().len(), 2, "the end of the first try stays: {status}");
    }
    let log = bus.receiver("a").log();
    let redriven = &log.arrivals[tried..];
    assert!((4..=5).contains(&redriven.len()), "at most what was in flight is repeated: {redriven:?}");
    assert!(redriven.iter().all(|one| receipts.iter().any(|receipt| receipt.delivery("a") == one.webhook_id)));
    asked(&bus, 1, &["redrives", begun["id"].as_str().unwrap(), "--cancel", "--reason", "too late"]).await;
    bus.stop().await;
    bus.ledger_check().await;
}

/// A bus with an agency that fetches, and a client of its own.
pub async fn with_fetcher(builder: Builder) -> (Bus, Client) {
    let mut bus = builder.agency("a").build_stopped().await;
    bus.deployment.write(
        "connectors/fetcher/connector.toml",
        "[agency]\nid = \"fetcher\"\nname = { en = \"Fetcher\", ar = \"جهة تجلب بنفسها\" }\n\n\
         [delivery]\ntransport = \"pull\"\nlease = \"3s\"\n\n\
         [[subscription]]\ntype = \"qa.test.thing.changed\"\nfields = [\"/n\"]\n\
         purpose = { en = \"Proofs\", ar = \"إثباتات\" }\nlegal_basis = \"Law 1/2001\"\n",
    );
    let hash = digest::digest(&digest::SHA256, FETCHER_KEY.as_bytes());
    let hex = hash.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut keys = std::fs::read_to_string(bus.deployment.config()).unwrap();
    write!(keys, "[[auth.keys]]\nname = \"fetcher\"\nrole = \"agency\"\nagency = \"fetcher\"\nsha256 = \"{hex}\"\n")
        .unwrap();
    bus.deployment.write("falaj.toml", &keys);
    bus.start().await;
    let fetcher = bus.publisher.with_key(FETCHER_KEY);
    (bus, fetcher)
}

/// Fetches, and waits until there is something.
pub async fn fetch(fetcher: &Client) -> Value {
    until_async("something is fetched", DEADLINE, || async {
        let answer = fetcher.get("/v1/agencies/fetcher/deliveries?wait=10s").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["deliveries"].as_array().unwrap().first().cloned()
    })
    .await
}

async fn report(fetcher: &Client, fetched: &Value, outcome: &str) -> u16 {
    let path = format!("/v1/deliveries/{}/outcome", fetched["id"].as_str().unwrap());
    fetcher.post_json(&path, &json!({ "lease": fetched["lease"], "outcome": outcome })).await.status
}

#[tokio::test]
async fn an_agency_fetches_under_leases_and_a_late_answer_counts_for_nothing() {
    let (mut bus, fetcher) = with_fetcher(Bus::builder()).await;
    let first = bus.post(&Thing::new("citizen", 1)).await;
    let second = bus.post(&Thing::new("citizen", 2)).await;
    let fetched = fetch(&fetcher).await;
    assert_eq!(fetched["envelope"]["id"], "citizen.1");
    assert_eq!(fetched["envelope"]["data"], json!({ "n": 1 }), "the listed fields and no others");
    assert_eq!(bus.wait_delivery(&first.id, "fetcher", "leased").await["attempts"], 0);
    assert_eq!(bus.wait_delivery(&second.id, "fetcher", "behind").await["waiting"]["behind"], fetched["id"]);

    // Nothing is heard in time: a fault like any other.
    let lapsed = bus.wait_delivery(&first.id, "fetcher", "retry").await;
    assert_eq!((&lapsed["attempts"], &lapsed["last_error"]["class"]), (&json!(1), &json!("endpoint_fault")));
    assert_eq!(report(&fetcher, &fetched, "applied").await, 409);
    let again = fetch(&fetcher).await;
    assert_eq!((&again["id"], &again["attempt"]), (&fetched["id"], &json!(2)));
    assert_eq!(report(&fetcher, &fetched, "applied").await, 409, "the first lease is none any more");
    assert_eq!(report(&fetcher, &again, "applied").await, 200);
    assert_eq!(bus.delivery(&first.id, "fetcher").await["outcome"], "applied");

    // A lease and its place in the lane outlive a crash.
    let next = fetch(&fetcher).await;
    assert_eq!(next["envelope"]["id"], "citizen.2");
    bus.restart().await;
    let standing = bus.delivery(&second.id, "fetcher").await;
    assert!(standing["state"] == "leased" || standing["waiting"]["reason"] == "retry", "{standing}");
    let again = fetch(&fetcher).await;
    assert_eq!(again["id"], next["id"]);
    assert_eq!(report(&fetcher, &again, "refused").await, 200);
    assert_eq!(bus.wait_settled(&second.id).await["state"], "completed_with_failures");
    bus.stop().await;
    bus.assert_sound();
    bus.ledger_check().await;
}

/// What is given back for a retry reaches whoever waits for it when it is due, and not at the next look around.
#[tokio::test]
async fn a_retry_reaches_a_waiting_fetcher_when_it_is_due() {
    let (mut bus, fetcher) = with_fetcher(Bus::builder()).await;
    let receipt = bus.post(&Thing::new("citizen", 1)).await;
    let fetched = fetch(&fetcher).await;
    assert_eq!(report(&fetcher, &fetched, "retry").await, 200);
    let waits = bus.wait_delivery(&receipt.id, "fetcher", "retry").await;
    let text = waits["waiting"]["text"].as_str().unwrap();
    assert!(text.contains("the agency asked for another try later (retry_asked)"), "{text}");
    let due = At::parse(waits["next_attempt_at"].as_str().unwrap()).unwrap();
    let answer = fetcher.get("/v1/agencies/fetcher/deliveries?wait=30s").await;
    let now = Clock::system().now();
    assert_eq!(answer.body["deliveries"][0]["id"], fetched["id"], "{}", answer.text);
    assert!(now >= due && now.since(due) < Duration::from_secs(2), "due at {due}, and there at {now}");
    bus.stop().await;
    bus.ledger_check().await;
}

//! A day of the bus, so that everything that is described happens once.

use std::time::Duration;

use falaj::dispatch::board::Entry;
use falaj::dispatch::jobs::Jobs;
use falaj::http::Settings;
use falaj::http::error::{Kind, Problem};
use falaj::ledger::{Activity, Cut, Happened, Movement};
use falaj::model::delivery::Finished;
use falaj::model::id::AgencyId;
use falaj::model::outcome::{BusinessOutcome, Class, Report};
use falaj::model::status::Hold;
use falaj::model::text::Language;
use falaj::model::time::At;
use falaj::statistics::Terms;
use serde_json::{Value, json as value};

use super::super::door::{Door, NOW, event};
use super::super::failing::{delivery, fail, kill, park};
use super::{Call, Reply, Sample, Step, Walk, get, json, post};

const CITIZEN: &str = "28400000001";
const STRUCTURED: &str = "application/cloudevents+json";
const DAY: Duration = Duration::from_secs(86_400);
const BATCH: &str = "application/cloudevents-batch+json";

/// The trace of a request, as its sender's tracing writes it.
const TRACE: [(&str, &str); 2] =
    [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("tracestate", "portal=1")];

const FETCHES: &str = r#"
[agency]
id = "utilities"
name = { en = "Utilities", ar = "كهرماء" }

[delivery]
transport = "pull"
lease = "60s"
rate = { per_second = 50, burst = 100 }

[[subscription]]
type = "qa.gov.person.address-changed"
fields = ["/zone", "/street"]
subject = "pseudonym"
purpose = { en = "Network planning", ar = "تخطيط الشبكة" }
legal_basis = "Law 10/2000"
"#;

const SHARED: &str = r#"{
  "x-falaj": { "owner": "portal", "name": { "en": "Shared definitions", "ar": "تعريفات مشتركة" }, "abstract": true },
  "$defs": { "zone": { "type": "integer" } }
}"#;

pub async fn tell(walk: &mut Walk) {
    walk.door.folder.write("schemas/qa.gov.person.shared/1.0.json", SHARED);
    walk.door.reload();
    sending(walk).await;
    trying(walk).await;
    wrong_envelopes(walk).await;
    queues(walk).await;
    failing_ones(walk).await;
    again(walk).await;
    one_delivery(walk).await;
    fetching(walk).await;
    over_time(walk).await;
    by_month(walk).await;
    reading(walk).await;
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

/// A citizen that nobody else has, so that lanes stay apart.
fn citizen(n: u32) -> String {
    format!("284000010{n:02}")
}

async fn posted(walk: &Walk, name: &str, subject: &str) -> Value {
    walk.expect(202, post("portal", "/v1/envelopes", STRUCTURED, event(name, subject))).await.json()
}

async fn settle_all(walk: &Walk) {
    for agency in ["moi", "municipality", "utilities"] {
        walk.door.settle(agency, Finished::Delivered, Report::default()).await;
    }
}

async fn sending(walk: &mut Walk) {
    let first = event("metrash-417", CITIZEN);
    let receipt = walk.keep("postEnvelope", post("portal", "/v1/envelopes", STRUCTURED, first.clone())).await.json();
    walk.door.clock.advance(Duration::from_secs(2));
    let applied = Report {
        outcome: Some(BusinessOutcome::Applied),
        reason: Some("Registered.".to_owned()),
        reference: Some("MOI-2023-77".to_owned()),
    };
    walk.door.settle("moi", Finished::Delivered, applied).await;
    settle_all_but_moi(walk).await;
    let path = format!("/v1/envelopes/{}", id(&receipt));
    walk.keep("getEnvelope", get("portal", format!("{path}?wait=30s"))).await;
    walk.keep("followEnvelope", get("portal", format!("{path}/events"))).await;
    walk.keep("postEnvelope repeated", post("portal", "/v1/envelopes", STRUCTURED, first)).await;

    let data = format!(r#"{{"qid":"{CITIZEN}","zone":14,"street":"شارع الكورنيش"}}"#);
    let mut binary = post("portal", "/v1/envelopes", "application/json", data);
    let attributes = [
        ("ce-specversion", "1.0"),
        ("ce-id", "metrash-418"),
        ("ce-source", "urn:qa:gov:portal"),
        ("ce-type", "qa.gov.person.address-changed"),
        ("ce-subject", CITIZEN),
        ("ce-time", "2023-11-14T22:14:19Z"),
        ("ce-dataschema", "qa.gov.person.address-changed/1.0"),
    ];
    binary.headers.extend(attributes.into_iter().chain(TRACE).map(|(name, value)| (name, value.to_owned())));
    walk.keep("postEnvelope binary", binary).await;
    settle_all(walk).await;
    let (one, two) = (event("metrash-419", &citizen(1)), event("metrash-420", &citizen(2)));
    walk.keep("postEnvelope batch", post("portal", "/v1/envelopes", BATCH, format!("[{one},{two}]"))).await;
    let wrong = event("metrash-421", &citizen(3)).replace("\"zone\":12", "\"zone\":\"x\"");
    walk.keep("postEnvelope partly", post("portal", "/v1/envelopes", BATCH, format!("[{one},{wrong}]"))).await;
    settle_all(walk).await;

    // All attributes that have a name, once.
    let full = event("metrash-422", &citizen(4)).replacen(
        '{',
        "{\"datacontenttype\":\"application/json\",\"dataschema\":\"qa.gov.person.address-changed/1.0\",\
         \"partitionkey\":\"a\",\"correlationid\":\"SN-2023-417\",\"causationid\":\"x\",\
         \"expirytime\":\"2024-01-01T00:00:00Z\",\"priority\":1,\
         \"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\",",
        1,
    );
    walk.expect(202, post("portal", "/v1/envelopes", STRUCTURED, full)).await;
    settle_all(walk).await;
    let search = "/v1/envelopes?type=qa.gov.person.address-changed&state=completed&limit=1";
    let page = walk.keep("searchEnvelopes", get("viewer", search)).await.json();
    let cursor = page["cursor"].as_str().unwrap();
    let all = "source=urn:qa:gov:portal&id=metrash-422&correlationid=SN-2023-417&from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z";
    walk.expect(200, get("portal", format!("/v1/envelopes?{all}&subject={}", citizen(4)))).await;
    walk.expect(200, get("portal", format!("/v1/envelopes?cursor={cursor}"))).await;
}

async fn settle_all_but_moi(walk: &Walk) {
    for agency in ["municipality", "utilities"] {
        walk.door.settle(agency, Finished::Delivered, Report::default()).await;
    }
}

async fn trying(walk: &mut Walk) {
    let path = "/v1/envelopes?dry_run=true";
    walk.keep("postEnvelope tried", post("portal", path, STRUCTURED, event("metrash-423", CITIZEN))).await;
    let far = event("far", CITIZEN).replace("\"zone\":12", "\"zone\":70");
    walk.expect(200, post("portal", path, STRUCTURED, far)).await;
    // A filter that cannot be decided, and a template that fails.
    let manifest = "connectors/municipality/connector.toml";
    let text = std::fs::read_to_string(walk.door.folder.path().join(manifest)).unwrap();
    walk.door.folder.write(manifest, &text.replace("data.zone < 50", "100 / (data.zone - 12) > 1"));
    walk.door.folder.write("connectors/municipality/address.txt.j2", "{{ data.street.missing.deeper }}\n");
    walk.door.reload();
    walk.expect(200, post("admin", path, STRUCTURED, event("undecided", CITIZEN))).await;
    walk.door.folder.write(manifest, &text);
    walk.door.folder.write("connectors/municipality/address.txt.j2", "{{ data.zone }}\n");
    walk.door.reload();
}

async fn wrong_envelopes(walk: &mut Walk) {
    let path = "/v1/envelopes";
    let good = || event("metrash-430", CITIZEN);
    let envelope = |body: String| post("portal", path, STRUCTURED, body);
    let clash = event("metrash-417", CITIZEN).replace("\"zone\":12", "\"zone\":13");
    walk.keep("clash", envelope(clash)).await;
    walk.keep("bad-event", envelope(good().replace("\"1.0\"", "\"0.3\"").replace("urn:qa", "urn qa"))).await;
    walk.keep("schema", envelope(good().replace("\"zone\":12", "\"zone\":100,\"stret\":\"x\""))).await;
    walk.keep("not-allowed", envelope(good().replace("person.address-changed", "elsewhere.moved"))).await;
    walk.keep("media-type", post("portal", path, "text/xml", "<event/>")).await;
    let mut large = envelope(" ".repeat(1 << 21));
    let answer = walk.make(&large).await;
    large.body = Some("...".to_owned());
    note(walk, "too-large", large, answer.status.as_u16(), &answer.json());
    walk.keep("no-key", Step { who: None, ..get("", path) }).await;
    walk.keep("bad-request", get("portal", "/v1/envelopes?state=done&limit=1000")).await;
    walk.keep("not-found", get("portal", "/v1/envelopes/01890a5d-ac96-774b-bcce-b302099a8057")).await;
    walk.keep("method-not-allowed", Step { method: "DELETE", ..get("portal", path) }).await;
    // These two need a slow line and a fault: they are told as they would be.
    let timeout = Problem::new(Kind::Timeout, "The body did not arrive in time.", "");
    let told = value!(timeout.written(Language::English, Some(path)));
    note(walk, "timeout", envelope("...".to_owned()), 408, &told);
    let told = value!(Problem::internal().written(Language::English, Some(path)));
    note(walk, "internal", get("portal", path), 500, &told);
    let closed = Door::open();
    closed.ledger.close().await;
    let answer = closed.send(envelope(good()).request()).await;
    note(walk, "unavailable", envelope(good()), 503, &answer.json());
}

/// Keeps an answer that was had elsewhere.
fn note(walk: &mut Walk, of: &str, step: Step<'_>, status: u16, body: &Value) {
    let headers = step.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let call = Call { method: step.method.to_owned(), target: step.target, headers, body: step.body };
    let reply = Reply {
        status,
        headers: [("content-type".to_owned(), "application/problem+json".to_owned())].into(),
        body: Some(serde_json::to_string_pretty(body).unwrap()),
    };
    walk.samples.push(Sample { of: of.to_owned(), name: String::new(), call, answer: reply });
}

fn why(reason: &str) -> Value {
    value!({ "reason": reason })
}

async fn queues(walk: &mut Walk) {
    posted(walk, "queue-1", CITIZEN).await;
    walk.keep("pauseAgency", json("operator", "/v1/agencies/moi/pause", &why("Migration until noon"))).await;
    let hold = Hold::CircuitOpen { until: NOW.plus(Duration::from_secs(100)), since: NOW };
    let utilities = AgencyId::parse("utilities").unwrap();
    walk.door.board.write(&utilities, Entry { hold, in_flight: 0 });
    let receipt = posted(walk, "queue-2", &citizen(5)).await;
    walk.expect(200, get("portal", format!("/v1/envelopes/{}", id(&receipt)))).await;
    walk.keep("listAgencies", get("moi", "/v1/agencies")).await;
    walk.expect(200, get("viewer", "/v1/agencies")).await;
    walk.keep("resumeAgency", json("operator", "/v1/agencies/moi/resume", &why("The migration is done"))).await;
    walk.keep("conflict", json("operator", "/v1/agencies/moi/resume", &why("Once more"))).await;
    walk.expect(409, json("operator", "/v1/agencies/portal/pause", &why("x"))).await;
    walk.door.board.write(&utilities, Entry { hold: Hold::Open, in_flight: 0 });
    walk.keep("drainAgency", json("operator", "/v1/agencies/moi/drain", &why("The register moves tonight"))).await;
    walk.expect(409, json("operator", "/v1/agencies/portal/drain", &why("x"))).await;
    let moi = AgencyId::parse("moi").unwrap();
    let until = NOW.plus(Duration::from_secs(100));
    walk.door.board.write(&moi, Entry { hold: Hold::Throttled { until, since: NOW }, in_flight: 0 });
    walk.expect(200, get("viewer", "/v1/agencies/moi")).await;
    walk.door.board.write(&moi, Entry { hold: Hold::Open, in_flight: 0 });
    walk.expect(200, json("operator", "/v1/agencies/moi/resume", &why("It has moved"))).await;
    let opened =
        Happened::Opened { class: Class::EndpointFault, status: Some(503), note: "status 503".to_owned(), until };
    walk.door.ledger.note_event(&moi, opened, walk.door.clock.now()).await.unwrap();
    walk.keep("getAgency", get("viewer", "/v1/agencies/moi")).await;
    settle_all(walk).await;
}

async fn jobs(walk: &Walk) {
    let door = &walk.door;
    Jobs::new(door.ledger.clone(), door.wake.clone(), door.clock.clone()).round().await.unwrap();
}

/// One dead and overtaken, one dead, one parked, and one that waits for its next try.
async fn failing_ones(walk: &mut Walk) {
    for (n, status) in [(6, 422), (7, 400)] {
        posted(walk, &format!("dead-{n}"), &citizen(n)).await;
        settle_all_but_moi(walk).await;
        kill(&walk.door, "moi", status).await;
    }
    posted(walk, "later", &citizen(6)).await;
    settle_all(walk).await;
    posted(walk, "parked", &citizen(8)).await;
    settle_all_but_moi(walk).await;
    park(&walk.door, "moi", 422).await;
    let page = walk.keep("listDeadLetters", get("viewer", "/v1/dead-letters?agency=moi&limit=2")).await.json();
    let cursor = page["cursor"].as_str().unwrap().to_owned();
    let groups = walk.keep("listDeadLetters grouped", get("viewer", "/v1/dead-letters?groups=true&agency=moi")).await;
    let group = groups.json()["groups"][0]["group"].as_str().unwrap().to_owned();
    let all = format!(
        "group={group}&type=qa.gov.person.address-changed&from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z&cursor={cursor}"
    );
    walk.expect(200, get("viewer", format!("/v1/dead-letters?{all}"))).await;
}

async fn again(walk: &mut Walk) {
    let reason = "The register is mended";
    let ask = value!({ "agency": "moi", "reason": reason });
    let dry = value!({ "agency": "moi", "dry_run": true, "reason": reason });
    walk.keep("startRedrive", json("operator", "/v1/redrives", &ask)).await;
    walk.keep("startRedrive tried", json("operator", "/v1/redrives", &dry)).await;
    let letters = walk.expect(200, get("viewer", "/v1/dead-letters")).await.json();
    let dead = id(&letters["dead_letters"][0]);
    let full = value!({
        "agency": "moi", "type": "qa.gov.person.address-changed", "from": "2023-11-14T00:00:00Z",
        "to": "2023-11-15T00:00:00Z", "ids": [dead], "force": true, "rate_per_second": 1, "reason": reason,
        "group": letters["dead_letters"][0]["group"],
    });
    let slow = walk.expect(202, json("operator", "/v1/redrives", &full)).await.json();
    let path = format!("/v1/redrives/{}", id(&slow));
    walk.keep("pauseRedrive", json("operator", format!("{path}/pause"), &why("The ministry asked for it"))).await;
    walk.keep("resumeRedrive", json("operator", format!("{path}/resume"), &why("They are ready"))).await;
    walk.keep("getRedrive", get("viewer", path.clone())).await;
    let end = Step { method: "DELETE", ..get("operator", format!("{path}?reason=wrong%20group")) };
    walk.keep("endRedrive", end).await;
    for verb in ["pause", "resume"] {
        walk.expect(409, json("operator", format!("{path}/{verb}"), &why("late"))).await;
    }
    jobs(walk).await;
    settle_all(walk).await;
    jobs(walk).await;
    let through = walk.expect(200, get("viewer", "/v1/redrives")).await.json();
    let done = through["redrives"].as_array().unwrap().iter().find(|job| job["state"] == "done");
    let done = format!("/v1/redrives/{}?reason=late", id(done.expect("the first redrive is through")));
    walk.expect(409, Step { method: "DELETE", ..get("operator", done) }).await;
    let replay = value!({ "agency": "moi", "from": "2023-11-14T22:13:20Z", "reason": "The register lost a day" });
    walk.keep("startReplay", json("admin", "/v1/replays", &replay)).await;
    walk.keep("listRedrives", get("viewer", "/v1/redrives")).await;
    // The agency's live deliveries wait until it has caught up.
    for round in 0.. {
        let redrives = walk.expect(200, get("viewer", "/v1/redrives")).await.json();
        if redrives["redrives"][0]["state"] == "done" {
            break;
        }
        assert!(round < 50, "the replay does not end: {redrives}");
        jobs(walk).await;
        settle_all(walk).await;
    }
}

async fn one_delivery(walk: &mut Walk) {
    let verbs = [
        ("retry", "retryDelivery", "The register is mended"),
        ("skip", "skipDelivery", "Entered by hand"),
        ("cancel", "cancelDelivery", "The portal withdrew it"),
        ("release", "releaseDelivery", "Others wait behind it"),
    ];
    for (n, (verb, operation, reason)) in (10..).zip(verbs) {
        let receipt = posted(walk, verb, &citizen(n)).await;
        let behind = posted(walk, &format!("{verb}-behind"), &citizen(n)).await;
        settle_all_but_moi(walk).await;
        park(&walk.door, "moi", 422).await;
        walk.expect(200, get("portal", format!("/v1/envelopes/{}", id(&behind)))).await;
        let path = format!("/v1/deliveries/{}/{verb}", delivery(&receipt, "moi"));
        walk.keep(operation, json("operator", path.clone(), &why(reason))).await;
        let moi = AgencyId::parse("moi").unwrap();
        let claim = walk.door.ledger.claim(&moi, 10, walk.door.clock.now()).await.unwrap();
        let claimed = &claim.deliveries[0];
        let in_flight = format!("/v1/deliveries/{}/{verb}", claimed.id);
        let step = json("operator", in_flight, &why(reason));
        if verb == "retry" {
            walk.keep("in-flight", step).await;
        } else {
            walk.expect(409, step).await;
        }
        if verb == "retry" {
            let outcome = format!("/v1/deliveries/{}/outcome", claimed.id);
            walk.expect(202, json("moi", outcome, &value!({ "outcome": "applied" }))).await;
        }
        walk.door.ledger.give_back(claim.deliveries.into_iter().map(|claimed| claimed.key).collect()).await.unwrap();
        settle_all(walk).await;
        settle_all(walk).await;
        walk.expect(409, json("operator", path, &why(reason))).await;
    }
    let receipt = posted(walk, "tried-again", &citizen(15)).await;
    settle_all_but_moi(walk).await;
    fail(&walk.door, "moi", 503).await;
    walk.expect(200, get("portal", format!("/v1/envelopes/{}", id(&receipt)))).await;
    walk.door.clock.advance(Duration::from_secs(2 * 3600));
    settle_all(walk).await;
}

async fn fetching(walk: &mut Walk) {
    let manifest = "connectors/utilities/connector.toml";
    walk.expect(409, get("moi", "/v1/agencies/moi/deliveries")).await;
    walk.door.folder.write(manifest, FETCHES);
    walk.door.reload();
    let path = "/v1/agencies/utilities/deliveries";
    let mut traced = post("portal", "/v1/envelopes", STRUCTURED, event("metrash-500", CITIZEN));
    traced.headers.extend(TRACE.map(|(name, value)| (name, value.to_owned())));
    walk.expect(202, traced).await;
    let fetched = walk.keep("fetchDeliveries", get("utilities", format!("{path}?max=10&wait=30s"))).await.json();
    let told = value!({
        "outcome": "applied", "reason": "Network updated", "reference": "U-2023-17",
        "lease": fetched["deliveries"][0]["lease"],
    });
    let outcome = format!("/v1/deliveries/{}/outcome", id(&fetched["deliveries"][0]));
    walk.keep("reportOutcome", json("utilities", outcome.clone(), &told)).await;
    walk.expect(409, json("utilities", outcome, &value!({ "outcome": "refused" }))).await;

    // One that was passed over, and one that a person asked for again.
    posted(walk, "gap-1", &citizen(20)).await;
    posted(walk, "gap-2", &citizen(20)).await;
    park(&walk.door, "utilities", 422).await;
    let dead = walk.expect(200, get("viewer", "/v1/dead-letters?agency=utilities")).await.json();
    let skipped = format!("/v1/deliveries/{}/release", id(&dead["dead_letters"][0]));
    walk.expect(200, json("operator", skipped, &why("x"))).await;
    let gap = walk.expect(200, get("utilities", path)).await.json();
    assert!(gap["deliveries"][0]["gap"].is_string(), "{gap}");
    // A redrive waits for what its lane has in hand.
    let told = value!({ "outcome": "applied", "lease": gap["deliveries"][0]["lease"] });
    let outcome = format!("/v1/deliveries/{}/outcome", id(&gap["deliveries"][0]));
    walk.expect(200, json("utilities", outcome, &told)).await;
    posted(walk, "dead", &citizen(22)).await;
    kill(&walk.door, "utilities", 422).await;
    let ask = value!({ "agency": "utilities", "reason": "x" });
    walk.expect(202, json("operator", "/v1/redrives", &ask)).await;
    jobs(walk).await;
    let redriven = walk.expect(200, get("utilities", path)).await.json();
    let again = redriven["deliveries"].as_array().unwrap().iter().any(|one| one["redrive"] == true);
    assert!(again, "{redriven}");

    let with_template = FETCHES.replace("transport", "mode = \"template\"\ntransport") + "template = \"zone.txt.j2\"\n";
    walk.door.folder.write("connectors/utilities/zone.txt.j2", "منطقة {{ data.zone }}\n");
    walk.door.folder.write(manifest, &with_template);
    walk.door.reload();
    posted(walk, "template", &citizen(21)).await;
    walk.expect(200, get("utilities", path)).await;
    walk.expect(200, get("viewer", "/v1/agencies/utilities")).await;
    settle_all_but_utilities(walk).await;
}

async fn settle_all_but_utilities(walk: &Walk) {
    for agency in ["moi", "municipality"] {
        walk.door.settle(agency, Finished::Delivered, Report::default()).await;
    }
}

/// Two minutes that were watched.
async fn over_time(walk: &mut Walk) {
    let now = walk.door.clock.now();
    let moi = AgencyId::parse("moi").unwrap();
    let cuts = [2, 1].map(|ago| {
        let mut activity = Activity {
            movement: Movement { sent: 0, came: 20, ended: [19, 1, 0, 0, 0] },
            attempts: [19, 1, 1, 1, 1, 1, 1],
            oldest_seconds: 75,
            waiting: 4,
            in_flight: 2,
            open_seconds: 30,
            ..Activity::default()
        };
        (1..20).for_each(|n| activity.attempt_ms.record(n));
        (1..20).for_each(|n| activity.delivery_ms.record(100 * n));
        let minute = At((now.0 / 60_000 - ago) * 60_000);
        Cut { minute, seconds: 60, bus: activity.clone(), agencies: vec![(moi.clone(), activity)] }
    });
    walk.door.ledger.record_history(cuts.to_vec()).await.unwrap();
    walk.keep("readHistory", get("operator", "/v1/agencies/moi/history?range=hour")).await;
}

/// Two months at a bus of their own: one service that is used, and one so rarely that open data leave it out.
async fn by_month(walk: &mut Walk) {
    let statistics = Terms {
        open: true,
        licence: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
        ..Terms::default()
    };
    let before = walk.go_to(Door::with(Settings { statistics, ..Settings::default() }));
    let notice = |n: u32| {
        format!(
            r#"{{"specversion":"1.0","id":"n{n}","source":"urn:qa:gov:portal","type":"qa.gov.person.noticed","data":{{}}}}"#
        )
    };
    for n in 0..7 {
        posted(walk, &format!("november-{n}"), &citizen(n)).await;
    }
    for n in 0..9 {
        walk.expect(202, post("portal", "/v1/envelopes", STRUCTURED, notice(n))).await;
    }
    walk.door.clock.advance(Duration::from_secs(90));
    settle_all(walk).await;
    walk.door.clock.advance(30 * DAY);
    for n in 0..12 {
        posted(walk, &format!("december-{n}"), &citizen(30 + n)).await;
    }
    walk.expect(202, post("portal", "/v1/envelopes", STRUCTURED, notice(9))).await;
    walk.door.clock.advance(Duration::from_secs(60));
    settle_all(walk).await;
    walk.door.clock.advance(31 * DAY);
    let table = "/v1/statistics/services";
    walk.keep("readServiceStatistics", get("viewer", format!("{table}?month=2023-12"))).await;
    let headers = vec![("accept", "text/csv".to_owned())];
    walk.expect(200, Step { headers, ..get("viewer", table) }).await;
    walk.keep("readServiceStatisticsAsCsv", get("viewer", format!("{table}.csv?month=2023-12"))).await;
    walk.keep("readOpenData", get("viewer", "/v1/statistics/open-data.json?month=2023-12")).await;
    walk.keep("readOpenDataAsCsv", get("viewer", "/v1/statistics/open-data.csv?month=2023-12")).await;
    for ending in ["json", "csv"] {
        walk.expect(404, get("viewer", format!("/v1/statistics/open-data.{ending}?month=2030-01"))).await;
    }
    walk.go_to(before);
}

async fn reading(walk: &mut Walk) {
    let page = walk.keep("readAudit", get("auditor", "/v1/audit?limit=2")).await.json();
    walk.expect(200, get("auditor", format!("/v1/audit?cursor={}", page["cursor"].as_str().unwrap()))).await;
    walk.keep("listServices", get("moi", "/v1/services")).await;
    walk.expect(200, get("viewer", "/v1/services")).await;
    walk.keep("listSchemas", get("moi", "/v1/schemas")).await;
    walk.keep("getSchema", get("moi", "/v1/schemas/qa.gov.person.address-changed/1.0")).await;
    walk.keep("isAlive", Step { who: None, ..get("", "/healthz") }).await;
    walk.keep("isReady", Step { who: None, ..get("", "/readyz") }).await;
    walk.keep("readMetrics", get("viewer", "/metrics")).await;
    let headers = vec![("accept", "application/openmetrics-text".to_owned())];
    walk.expect(200, Step { headers, ..get("viewer", "/metrics") }).await;
    let documents = [
        ("getOpenApi", None, "/openapi.json"),
        ("getAsyncApi", Some("moi"), "/asyncapi.json?agency=moi"),
        ("readDocs", None, "/docs?lang=en"),
        ("readProblem", None, "/docs/problems/schema?lang=ar"),
    ];
    for (operation, who, path) in documents {
        let first = walk.keep(operation, Step { who, ..get("", path) }).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let headers = vec![("if-none-match", tag)];
        walk.expect(304, Step { who, headers, ..get("", path) }).await;
    }
    walk.door.closing.cancel();
    walk.expect(503, Step { who: None, ..get("", "/readyz") }).await;
}

//! A week of outages in seconds: delivery outlives its agencies.
//!
//! Every hour twelve envelopes about forty citizens go to six agencies. One is down for three days, one fails for ten minutes
//! every three hours, one takes eight requests per half hour and asks for quiet, one is open Sunday to Thursday from 07:00 to
//! 14:30, one cannot take one citizen's messages, one is well. Nothing is lost, nothing overtakes, nothing gives up.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::town::{Memory, Sent, Town, answer};
use crate::model::outcome::{Class, Outcome};
use crate::model::time::At;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const STEP: Duration = Duration::from_secs(300);
const PER_HOUR: u64 = 12;
const CITIZENS: u64 = 40;
/// The citizen whose messages one agency cannot take.
const UNLUCKY: &str = "citizen-7";
/// Sunday, 22 November 2026, midnight in Doha.
const SUNDAY: &str = "2026-11-22T00:00:00+03:00";

fn start() -> At {
    At::parse(SUNDAY).unwrap()
}

/// Milliseconds since the beginning of the week.
fn into_week(at: At) -> i64 {
    at.0 - start().0
}

fn fine() -> Outcome {
    answer(Class::Done, Some(200), None)
}

fn refused() -> Outcome {
    answer(Class::EndpointFault, None, None)
}

/// From Monday noon to Thursday noon.
fn is_down(at: At) -> bool {
    (36 * HOUR..108 * HOUR).contains(&into_week(at))
}

/// The first ten minutes of every third hour.
fn is_flapping(at: At) -> bool {
    into_week(at) % (3 * HOUR) < 10 * MINUTE && into_week(at) < 168 * HOUR
}

/// Sunday to Thursday, 07:00 to 14:30, by plain arithmetic.
fn is_office_hour(at: At) -> bool {
    let (day, minute) = (into_week(at) / (24 * HOUR) % 7, into_week(at) % (24 * HOUR) / MINUTE);
    day < 5 && (7 * 60..14 * 60 + 30).contains(&minute)
}

fn well(_: At, _: &str, _: &mut Memory) -> Outcome {
    fine()
}

fn down(at: At, _: &str, _: &mut Memory) -> Outcome {
    if is_down(at) { refused() } else { fine() }
}

fn flaps(at: At, _: &str, _: &mut Memory) -> Outcome {
    if is_flapping(at) { refused() } else { fine() }
}

fn throttles(at: At, _: &str, memory: &mut Memory) -> Outcome {
    let half_hour = into_week(at) / (30 * MINUTE);
    let count = memory.counts.entry(half_hour).or_default();
    *count += 1;
    let rest = (half_hour + 1) * 30 * MINUTE - into_week(at);
    if *count <= 8 {
        fine()
    } else {
        answer(Class::Throttle, Some(429), Some(Duration::from_millis(rest.cast_unsigned())))
    }
}

/// Each day one citizen's messages fail from 13:00 on, and in the first minutes of the morning: the last retry of the afternoon
/// spans the night, or the weekend.
fn keeps_hours(at: At, subject: &str, _: &mut Memory) -> Outcome {
    let (day, minute) = (into_week(at) / (24 * HOUR), into_week(at) % (24 * HOUR) / MINUTE);
    let first_at_one = |day: i64| format!("citizen-{}", (day * 24 + 13).cast_unsigned() * PER_HOUR % CITIZENS);
    let afternoon = minute >= 13 * 60 && subject == first_at_one(day);
    let morning = minute < 7 * 60 + 4 && (0..5).any(|day| subject == first_at_one(day));
    if afternoon || morning { refused() } else { fine() }
}

fn picky(_: At, subject: &str, _: &mut Memory) -> Outcome {
    if subject == UNLUCKY { answer(Class::MessageFault, Some(422), None) } else { fine() }
}

/// What was logged, a line of JSON each.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines of a message.
    fn lines(&self, message: &str) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|line: &serde_json::Value| line["message"] == message)
            .collect()
    }

    /// How often a message was logged, by agency.
    fn count(&self, message: &str) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for line in self.lines(message) {
            *counts.entry(line["agency"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Whom alarms were about, and what.
    fn alarms(&self, message: &str) -> Vec<String> {
        let about = |line: &serde_json::Value| {
            format!("{} {}", line["agency"].as_str().unwrap_or("the bus"), line["condition"].as_str().unwrap())
        };
        let mut alarms: Vec<String> = self.lines(message).iter().map(about).collect();
        alarms.sort();
        alarms
    }
}

/// Every citizen's deliveries arrived in accept order, each once.
fn assert_order(agency: &str, sent: &[Sent]) {
    let mut last: HashMap<&str, u64> = HashMap::new();
    for one in sent.iter().filter(|one| one.class == Class::Done) {
        let before = last.insert(&one.subject, one.sequence);
        assert!(before < Some(one.sequence), "{agency}: {before:?} before {one:?}");
    }
}

#[tokio::test]
async fn a_week_of_outages_costs_only_time() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let hours = "[delivery.window]\nzone = \"Asia/Qatar\"\nhours = [\"07:00-14:30\"]";
    let keeps = format!("retry = {{ max_age = \"2h\" }}\n{hours}");
    let mut town = Town::start(
        "week",
        start(),
        &[
            ("down", "retry = { max_age = \"1d\" }", down),
            ("flapping", "retry = { max_age = \"1h\" }", flaps),
            ("office", &keeps, keeps_hours),
            ("picky", "", picky),
            ("throttling", "retry = { max_age = \"1h\" }", throttles),
            ("well", "", well),
        ],
    );
    let mut posted = 0;
    let steps = i64::try_from(STEP.as_millis()).unwrap();
    for step in 0..168 * HOUR / steps {
        let hour = step * steps / HOUR;
        if step * steps % HOUR == 0 {
            let first = posted;
            posted += PER_HOUR;
            let views = town.post((first..posted).map(|n| format!("citizen-{}", n % CITIZENS))).await;
            town.rest().await;
            // Whoever is well notices nothing: what was accepted at this hour is there at this hour.
            assert_eq!(town.tally("well").delivered, posted, "hour {hour}");
            if hour == 68 {
                // Tuesday, 20:00.
                tuesday_evening(&town, &views).await;
            }
        }
        town.pass(STEP).await;
    }
    // Until Monday, so that the week's end is worked off.
    for _ in 0..30 * HOUR / steps {
        town.pass(STEP).await;
    }
    assert_week(&town, &log, posted);
    town.close().await;
}

async fn tuesday_evening(town: &Town, views: &[crate::model::delivery::EnvelopeView]) {
    let last = views.last().unwrap();
    assert_eq!(town.standing(last, "well").await.0, "delivered");
    assert_eq!(town.standing(last, "flapping").await.0, "delivered", "20:00 is not one of its hours");
    let waiting = async |agency| town.standing(last, agency).await.1.unwrap();
    let outage = waiting("down").await;
    assert_eq!(outage.reason, "circuit_open");
    assert!(outage.text.starts_with("The agency does not answer; the next probe is at 2026-11-24T17:0"), "{outage:?}");
    assert!(outage.since <= At(start().0 + 36 * HOUR + 10 * MINUTE), "{outage:?}");
    let window = waiting("office").await;
    assert_eq!(window.reason, "window");
    assert_eq!(window.text, "It is outside the agency's service hours, which begin again at 2026-11-25T04:00:00.000Z.");
    assert_eq!(window.text_ar, "الوقت الحالي خارج ساعات عمل الجهة، وتُستأنف في 2026-11-25T04:00:00.000Z.");
    assert_eq!(window.since, At::parse("2026-11-24T14:30:00+03:00").unwrap());
    let quiet = waiting("throttling").await;
    assert_eq!(quiet.reason, "throttled");
    assert_eq!(quiet.text, "The agency asked not to be called before 2026-11-24T17:30:00.000Z.");
}

fn assert_week(town: &Town, log: &Log, posted: u64) {
    let unlucky = (0..posted).filter(|n| format!("citizen-{}", n % CITIZENS) == UNLUCKY).count() as u64;
    for agency in ["down", "flapping", "office", "throttling", "well"] {
        let tally = town.tally(agency);
        let all = crate::ledger::Tally { delivered: posted, ..Default::default() };
        assert_eq!(tally, all, "{agency}: nothing is lost, and nothing gave up");
    }
    let picky = town.tally("picky");
    assert_eq!((picky.delivered, picky.parked, picky.behind), (posted - unlucky, 1, unlucky - 1), "{picky:?}");
    for agency in ["down", "flapping", "office", "picky", "throttling", "well"] {
        assert_order(agency, &town.sent(agency));
    }

    let well = town.sent("well");
    assert!(well.iter().all(|one| into_week(one.at) % HOUR == 0), "delivered at the hour it was accepted");
    assert_eq!(well.len() as u64, posted);

    // An outage is probed, one head at a time, and no more often than every five minutes in the end.
    let probes = town.sent("down").iter().filter(|one| is_down(one.at)).count();
    assert!((700..=72 * 12 + 60).contains(&probes), "{probes} attempts in three days");

    let office = town.sent("office");
    assert!(office.iter().all(|one| is_office_hour(one.at)), "an attempt outside the window");
    // Its age may be two hours: the five afternoons that failed got older than that by closed hours alone.
    let mornings = office.iter().filter(|one| one.class == Class::EndpointFault && into_week(one.at) / HOUR % 24 == 7);
    assert!(mornings.count() >= 5, "a retry that spans the night is tried in the morning, and lives on");

    let throttling = town.sent("throttling");
    for (n, one) in throttling.iter().enumerate().filter(|(_, one)| one.class == Class::Throttle) {
        let until = one.at.plus(one.retry_after.unwrap());
        let early = throttling[n..].iter().find(|later| later.at > one.at && later.at < until);
        assert!(early.is_none(), "asked for quiet at {}, asked again: {early:?}", one.at);
    }
    assert!(throttling.iter().filter(|one| one.class == Class::Throttle).count() > 100);

    let picked = town.sent("picky").iter().filter(|one| one.subject == UNLUCKY).count();
    assert_eq!(picked, 3, "three tries in all");

    let expected: HashMap<String, usize> = [("down".to_owned(), 1), ("flapping".to_owned(), 56)].into();
    assert_eq!(log.count("circuit opened"), expected, "once per outage");
    assert_eq!(log.count("circuit closed"), expected, "once per recovery");

    // Neither closed hours nor what flaps nor what asks for quiet gets anybody out of bed.
    let raised = ["down circuit_open", "down oldest_age", "picky oldest_age", "picky parked"];
    assert_eq!(log.alarms("alarm raised"), raised, "once each");
    assert_eq!(log.alarms("alarm cleared"), raised[..2], "once each");
}

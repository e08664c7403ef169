//! A week of outages in seconds: delivery outlives its agencies.
//!
//! Every hour twelve envelopes about forty citizens go to eight agencies. One is down for three days, one fails for ten minutes
//! every three hours, one takes eight requests per half hour and asks for quiet, one is open Sunday to Thursday from 07:00 to
//! 14:30, one cannot take one citizen's messages, one loses its receiver for half a day, one fails while it is drained, one is well.
//! Two more get little: one a single envelope, and is down for three days from that moment; one, among others' envelopes, one that
//! it fails at. Nothing is lost, nothing overtakes, nothing gives up but what is given up for its own sake.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::town::{Memory, Sent, Town, answer};
use crate::ledger::{Actor, Drain, Operated, Operation};
use crate::model::delivery::EnvelopeView;
use crate::model::id::AgencyId;
use crate::model::outcome::{Class, Outcome};
use crate::model::time::At;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const STEP: Duration = Duration::from_secs(300);
const PER_HOUR: u64 = 12;
const CITIZENS: u64 = 40;
/// The citizen whose messages one agency cannot take.
const UNLUCKY: &str = "citizen-7";
/// The citizen whose messages make another one fail.
const POISON: &str = "citizen-poison";
/// Those who get what comes every hour.
const SUBSCRIBERS: [&str; 8] = ["down", "draining", "flapping", "leaving", "office", "picky", "throttling", "well"];
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

/// From Tuesday, 00:00 to 04:00; it is drained from 02:00 to 08:00.
fn is_moving(at: At) -> bool {
    (48 * HOUR..52 * HOUR).contains(&into_week(at))
}

fn moves(at: At, _: &str, _: &mut Memory) -> Outcome {
    if is_moving(at) { answer(Class::EndpointFault, Some(502), None) } else { fine() }
}

/// Without a receiver on Friday from 06:00 on; it has one again from 10:00 on, and is resumed at noon.
fn leaves(at: At, _: &str, _: &mut Memory) -> Outcome {
    if (126 * HOUR..130 * HOUR).contains(&into_week(at)) { answer(Class::Gone, Some(410), None) } else { fine() }
}

fn is_poisoned(_: At, subject: &str, _: &mut Memory) -> Outcome {
    if subject == POISON { answer(Class::EndpointFault, Some(500), None) } else { fine() }
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
            ("draining", "retry = { max_age = \"1h\" }", moves),
            ("flapping", "retry = { max_age = \"1h\" }", flaps),
            ("leaving", "", leaves),
            ("lonely", "retry = { max_age = \"1h\" }", down),
            ("office", &keeps, keeps_hours),
            ("picky", "", picky),
            ("poisoned", "", is_poisoned),
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
            let views = town.post(&SUBSCRIBERS, (first..posted).map(|n| format!("citizen-{}", n % CITIZENS))).await;
            town.rest().await;
            // Whoever is well notices nothing: what was accepted at this hour is there at this hour.
            assert_eq!(town.tally("well").delivered, posted, "hour {hour}");
            match hour {
                36 => drop(town.post(&["lonely"], ["citizen-1".to_owned()]).await),
                50 => drain(&town, views.last().unwrap()).await,
                // Tuesday, 20:00.
                68 => tuesday_evening(&town, &views).await,
                56 => drained(&town, views.last().unwrap(), posted).await,
                129 => gone(&town, views.last().unwrap()).await,
                132 => resume(&town, "leaving").await,
                _ => {}
            }
        }
        // Within one step, so that the hours stay where they are.
        let passed = if step * steps == 70 * HOUR { poison(&mut town).await } else { Duration::ZERO };
        town.pass(STEP - passed).await;
    }
    // Until Monday, so that the week's end is worked off.
    for _ in 0..30 * HOUR / steps {
        town.pass(STEP).await;
    }
    assert_week(&town, &log, posted);
    town.close().await;
}

async fn tuesday_evening(town: &Town, views: &[EnvelopeView]) {
    let last = views.last().unwrap();
    assert_eq!(town.standing(last, "well").await.0, "delivered");
    assert_eq!(town.standing(last, "flapping").await.0, "delivered", "20:00 is not one of its hours");
    let waiting = async |agency| town.standing(last, agency).await.1.unwrap();
    let outage = town.head(last, "down").await;
    assert_eq!(outage.reason, "circuit_open");
    let since = At(start().0 + 36 * HOUR);
    let text = format!("The agency has been out of reach since {since}; the next probe is at 2026-11-24T17:0");
    assert!(outage.text.starts_with(&text), "{outage:?}");
    let fault = "The last attempt failed: the agency's system refused the connection (endpoint_fault).";
    assert!(outage.text.ends_with(fault), "{outage:?}");
    assert_eq!(outage.since, since, "{outage:?}");
    let window = waiting("office").await;
    assert_eq!(window.reason, "window");
    let text = "Since 2026-11-24T11:30:00.000Z it has been outside the agency's service hours, which begin again at \
                2026-11-25T04:00:00.000Z.";
    assert_eq!(window.text, text);
    assert_eq!(
        window.text_ar,
        "انتهت ساعات عمل الجهة في 2026-11-24T11:30:00.000Z، وتُستأنف في 2026-11-25T04:00:00.000Z."
    );
    assert_eq!(window.since, At::parse("2026-11-24T14:30:00+03:00").unwrap());
    let quiet = waiting("throttling").await;
    assert_eq!(quiet.reason, "throttled");
    let text = "At 2026-11-24T17:00:00.000Z the agency asked not to be called before 2026-11-24T17:30:00.000Z.";
    assert_eq!(quiet.text, text);
}

fn person(reason: &str) -> Actor {
    Actor { name: "operator".into(), reason: reason.into() }
}

async fn resume(town: &Town, agency: &str) {
    let id = AgencyId::parse(agency).unwrap();
    assert!(town.ledger.resume(&id, person("it is back"), town.clock.now()).await.unwrap().is_some());
    town.ordered(agency).await;
}

/// Two hours into its trouble an agency is drained.
async fn drain(town: &Town, last: &EnvelopeView) {
    let id = AgencyId::parse("draining").unwrap();
    let pause = town.ledger.drain(&id, person("it moves"), town.clock.now()).await.unwrap();
    assert_eq!(pause.drain, Some(Drain { through: last.seq, left: 3 * PER_HOUR }));
    town.ordered("draining").await;
    assert_eq!(town.head(last, "draining").await.reason, "circuit_open", "before the mark it says its own reason");
}

/// Six hours later what came before the order is there, and what came after it is not.
async fn drained(town: &Town, last: &EnvelopeView, posted: u64) {
    let pause = town.ledger.paused(&AgencyId::parse("draining").unwrap()).unwrap();
    assert_eq!(pause.drain.unwrap().left, 0);
    assert_eq!(town.tally("draining").delivered, posted - 6 * PER_HOUR);
    let waits = town.head(last, "draining").await;
    assert_eq!(waits.reason, "paused");
    assert!(waits.text.ends_with("and this one waits (paused): it moves"), "{waits:?}");
    resume(town, "draining").await;
    assert_eq!(town.tally("draining").delivered, posted);
    assert_eq!(town.events("draining").await, ["opened", "draining", "closed", "drained", "resumed"]);
}

/// Three hours after its receiver went an agency is paused, and is not asked any more.
async fn gone(town: &Town, last: &EnvelopeView) {
    let asked = town.sent("leaving").iter().filter(|one| one.class == Class::Gone).count();
    assert!(
        (2..=PER_HOUR as usize).contains(&asked),
        "asked {asked} times by those that were on their way, and no more"
    );
    let waits = town.head(last, "leaving").await;
    assert_eq!(waits.reason, "paused");
    let text = "At 2026-11-27T03:00:00.000Z the agency said that its receiver is gone (status 410); deliveries to it are paused \
                until an operator resumes them.";
    assert_eq!(waits.text, text);
    let pause = town.ledger.paused(&AgencyId::parse("leaving").unwrap()).unwrap();
    assert_eq!((pause.gone, pause.actor.name.as_str()), (true, "falaj"));
    assert_eq!(town.events("leaving").await, ["gone"]);
    let audit = town.ledger.audit(None, 1).await.unwrap().remove(0);
    assert_eq!((audit.actor.as_str(), audit.action.as_str(), audit.target.as_str()), ("falaj", "pause", "leaving"));
}

/// One citizen's message fails while twenty-five others pass between each two of its tries. Returns the time it took.
async fn poison(town: &mut Town) -> Duration {
    let poisoned = town.post(&["poisoned"], [POISON.to_owned()]).await.remove(0);
    let mut took = Duration::ZERO;
    for seconds in [7, 37] {
        town.post(&["poisoned"], (0..25).map(|n| format!("citizen-{n}"))).await;
        town.rest().await;
        took += Duration::from_secs(seconds);
        town.pass(Duration::from_secs(seconds)).await;
    }
    let waits = town.standing(&poisoned, "poisoned").await.1.unwrap();
    assert_eq!(waits.reason, "parked", "{waits:?}");
    assert!(waits.text.contains("the fault lies with this message (message_fault, status 500)"), "{waits:?}");
    let view = town.ledger.envelope(poisoned.id).await.unwrap().unwrap();
    let error = view.deliveries[0].last_error.clone().unwrap();
    assert_eq!((view.deliveries[0].attempts, error.class), (3, Class::MessageFault));
    assert_eq!(error.note, "status 500: this message alone, 25 others passed meanwhile");
    // Mended by hand, so that it is out of the way.
    let id = view.deliveries[0].id;
    let cancelled = town.ledger.operate(id, Operation::Cancel, person("entered by hand"), town.clock.now()).await;
    assert!(matches!(cancelled, Ok(Some(Operated::Done(_)))));
    took
}

fn assert_week(town: &Town, log: &Log, posted: u64) {
    let unlucky = (0..posted).filter(|n| format!("citizen-{}", n % CITIZENS) == UNLUCKY).count() as u64;
    for agency in SUBSCRIBERS.into_iter().filter(|agency| *agency != "picky") {
        let tally = town.tally(agency);
        let all = crate::ledger::Tally { delivered: posted, ..Default::default() };
        assert_eq!(tally, all, "{agency}: nothing is lost, and nothing gave up");
    }
    let picky = town.tally("picky");
    assert_eq!((picky.delivered, picky.parked, picky.behind), (posted - unlucky, 1, unlucky - 1), "{picky:?}");
    for agency in SUBSCRIBERS {
        assert_order(agency, &town.sent(agency));
    }

    let well = town.sent("well");
    assert!(well.iter().all(|one| into_week(one.at) % HOUR == 0), "delivered at the hour it was accepted");
    assert_eq!(well.len() as u64, posted);

    // An outage is probed, one head at a time, and no more often than every five minutes in the end.
    let probes = town.sent("down").iter().filter(|one| is_down(one.at)).count();
    assert!((700..=72 * 12 + 60).contains(&probes), "{probes} attempts in three days");

    // One delivery is all there is, and it outlives three days with an age of one hour: nobody answered meanwhile.
    let lonely = town.sent("lonely");
    assert_eq!(town.tally("lonely"), crate::ledger::Tally { delivered: 1, ..Default::default() });
    let last = lonely.last().unwrap();
    assert!((108 * HOUR..108 * HOUR + 10 * MINUTE).contains(&into_week(last.at)), "within a probe: {last:?}");
    assert!(lonely.len() < 72 * 12, "{} attempts", lonely.len());
    let poisoned = town.tally("poisoned");
    assert_eq!((poisoned.delivered, poisoned.cancelled), (50, 1), "{poisoned:?}");
    assert_eq!(town.sent("poisoned").iter().filter(|one| one.subject == POISON).count(), 3);

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

    let opened = [("down", 1), ("draining", 1), ("flapping", 56), ("lonely", 1)];
    let expected: HashMap<String, usize> = opened.map(|(agency, count)| (agency.to_owned(), count)).into();
    assert_eq!(log.count("circuit opened"), expected, "once per outage");
    assert_eq!(log.count("circuit closed"), expected, "once per recovery");

    // Neither closed hours nor what flaps nor what asks for quiet gets anybody out of bed.
    let raised = [
        "down circuit_open",
        "down oldest_age",
        "draining circuit_open",
        "leaving gone",
        "lonely circuit_open",
        "lonely oldest_age",
        "picky oldest_age",
        "picky parked",
    ];
    assert_eq!(log.alarms("alarm raised"), raised, "once each");
    assert_eq!(log.alarms("alarm cleared"), raised[..6], "once each");
}

//! S1-S3: what is counted by type and day. Every test ends with the proof of the counts against the envelopes.

use rusqlite::Connection;

use super::*;
use crate::model::calendar::Day;
use crate::model::window::Zone;

const HOUR: i64 = 3_600_000;

fn at(text: &str) -> At {
    At::parse(text).unwrap()
}

/// Accepted, completed, failed, and milliseconds to completion.
type Counts = (u64, u64, u64, u64);

impl House {
    async fn counts(&self) -> Vec<(String, Counts)> {
        let all = |number| Day::read(number).unwrap();
        let days = self.ledger().service_days(all(19_700_101), all(20_991_231)).await.unwrap();
        let line = |day: ServiceDay| {
            let ServiceCounts { accepted, completed, failed, completed_ms } = day.counts;
            assert_eq!(day.ty.as_str(), "qa.gov.test.changed");
            (day.day.to_string(), (accepted, completed, failed, completed_ms))
        };
        days.into_iter().map(line).collect()
    }

    async fn redrive_all(&self) {
        let query = DeadQuery { agency: Some(agency("a")), ..DeadQuery::default() };
        let ask = RedriveAsk { query, force: false, rate_per_second: None, actor: actor() };
        let job = self.ledger().redrive(ask, self.now).await.unwrap();
        self.ledger().work_job(job.id, 100, self.now).await.unwrap().unwrap();
    }

    async fn end(&self, transition: Transition) {
        let claimed = self.claim("a", 1).await.remove(0);
        let settled = settlement(claimed.key, transition, self.now);
        self.ledger().settle(vec![settled], self.now).await.unwrap();
    }
}

fn day(name: &str, counts: Counts) -> (String, Counts) {
    (name.to_owned(), counts)
}

#[tokio::test]
async fn an_envelope_counts_when_it_comes_and_when_it_is_complete() {
    let mut house = House::new();
    house.now = at("2026-09-30T23:00:00+03:00");
    let view = house.accept("s1", &["a", "b"]).await;
    house.accept("s2", &[]).await;
    assert_eq!(house.counts().await, [day("2026-09-30", (2, 1, 0, 0))], "nobody had to act on the second");
    assert_eq!(house.seqs("a", 9).await, [view.seq.0]);
    house.deliver("a", view.seq.0).await;
    house.now.0 += 2 * HOUR;
    assert_eq!(house.seqs("b", 9).await, [view.seq.0]);
    house.deliver("b", view.seq.0).await;
    let two_hours = u64::try_from(2 * HOUR).unwrap();
    assert_eq!(house.counts().await, [day("2026-09-30", (2, 1, 0, 0)), day("2026-10-01", (0, 1, 0, two_hours))]);
    house.crash();
    assert_eq!(house.counts().await.len(), 2);
    house.prove().await;
}

#[tokio::test]
async fn what_waits_for_an_outcome_is_complete_when_it_has_one() {
    let mut house = House::new();
    house.now = at("2026-09-01T10:00:00+03:00");
    let view = house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [view.seq.0]);
    let pending = Settlement {
        report: reported(BusinessOutcome::Pending),
        ..settlement(key("a", view.seq.0), DELIVERED, house.now)
    };
    house.ledger().settle(vec![pending], house.now).await.unwrap();
    assert_eq!(house.counts().await, [day("2026-09-01", (1, 0, 0, 0))]);
    house.now = at("2026-09-03T10:00:00+03:00");
    let id = view.deliveries[0].id;
    house.ledger().report(id, BusinessOutcome::Refused, Report::default(), "a", house.now).await.unwrap();
    assert_eq!(house.counts().await, [day("2026-09-01", (1, 0, 0, 0)), day("2026-09-03", (0, 0, 1, 0))]);
    house.prove().await;
}

#[tokio::test]
async fn what_is_led_again_keeps_its_day_and_its_result_is_the_last() {
    // Keeps S2: a repair in October neither empties September nor counts a service twice.
    let mut house = House::new();
    house.now = at("2026-09-10T10:00:00+03:00");
    let view = house.accept("s1", &["a"]).await;
    house.end(dead()).await;
    assert_eq!(house.counts().await, [day("2026-09-10", (1, 0, 1, 0))]);

    house.now = at("2026-10-02T10:00:00+03:00");
    house.redrive_all().await;
    assert_eq!(house.counts().await, [day("2026-09-10", (1, 0, 1, 0))], "while it is open it counts as before");
    house.check();
    house.crash();
    house.end(DELIVERED).await;
    let took = u64::try_from(house.now.0 - view.accepted_at.0).unwrap();
    assert_eq!(house.counts().await, [day("2026-09-10", (1, 1, 0, took))]);

    // A replay of what went well changes nothing, whenever it is.
    house.now = at("2026-10-05T10:00:00+03:00");
    let job = house.ledger().replay(agency("a"), at("2026-09-01T00:00:00Z"), actor(), house.now).await.unwrap();
    house.ledger().work_job(job.id, 100, house.now).await.unwrap().unwrap();
    house.check();
    house.end(DELIVERED).await;
    assert_eq!(house.counts().await, [day("2026-09-10", (1, 1, 0, took))]);
    house.prove().await;
}

#[tokio::test]
async fn a_failure_after_a_success_takes_its_time_back() {
    let mut house = House::new();
    house.now = at("2026-09-10T10:00:00+03:00");
    house.accept("s1", &["a"]).await;
    house.now.0 += HOUR;
    house.end(DELIVERED).await;
    let hour = u64::try_from(HOUR).unwrap();
    assert_eq!(house.counts().await, [day("2026-09-10", (1, 1, 0, hour))]);
    house.now = at("2026-09-12T10:00:00+03:00");
    let job = house.ledger().replay(agency("a"), at("2026-09-01T00:00:00Z"), actor(), house.now).await.unwrap();
    house.ledger().work_job(job.id, 100, house.now).await.unwrap().unwrap();
    house.end(dead()).await;
    assert_eq!(house.counts().await, [day("2026-09-10", (1, 0, 1, 0))]);
    house.check();
    // The first replay learns that it is through; before that a second one would be the same.
    house.ledger().work_job(job.id, 100, house.now).await.unwrap().unwrap();
    let job = house.ledger().replay(agency("a"), at("2026-09-01T00:00:00Z"), actor(), house.now).await.unwrap();
    house.ledger().work_job(job.id, 100, house.now).await.unwrap().unwrap();
    house.end(DELIVERED).await;
    assert_eq!(house.counts().await, [day("2026-09-10", (1, 1, 0, 48 * hour))], "it has come well, two days after");
    house.prove().await;
}

#[tokio::test]
async fn counts_outlive_what_was_counted() {
    let mut house = House::new();
    house.now = at("2026-09-10T10:00:00+03:00");
    for subject in ["s1", "s2", "s3"] {
        house.accept(subject, &["a"]).await;
    }
    house.end(DELIVERED).await;
    house.end(dead()).await;
    house.now.0 += HOUR;
    house.redrive_all().await;
    house.end(DELIVERED).await;
    house.end(DELIVERED).await;
    let before = house.counts().await;
    assert_eq!(before[0].1.1, 3);
    assert_eq!(house.ledger().sweep(At(house.now.0 + 1), 2).await.unwrap(), 2);
    assert_eq!(house.counts().await, before);
    house.check();
    assert_eq!(house.ledger().sweep(At(house.now.0 + 1), 9).await.unwrap(), 1);
    assert_eq!(house.counts().await, before);
    house.accept("s1", &["a"]).await;
    assert_eq!(house.counts().await[0].1.0, 4);
    house.prove().await;
}

#[tokio::test]
async fn a_count_that_is_off_by_one_is_found() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.end(DELIVERED).await;
    house.ledger().close().await;
    let connection = Connection::open(house.folder.0.join("ledger.db")).unwrap();
    for column in ["accepted", "completed", "failed", "ms", "old_accepted", "old_completed"] {
        connection.execute(&format!("UPDATE service_day SET {column} = {column} + 1"), []).unwrap();
        let report = super::check(&house.folder.0).unwrap();
        assert!(report.broken.iter().any(|finding| finding.starts_with("S1")), "{column}: {:?}", report.broken);
        connection.execute(&format!("UPDATE service_day SET {column} = {column} - 1"), []).unwrap();
    }
    connection.execute("DELETE FROM service_day", []).unwrap();
    assert!(!super::check(&house.folder.0).unwrap().broken.is_empty());
}

#[tokio::test]
async fn a_ledger_that_has_counted_keeps_its_zone() {
    // Keeps S3.
    let mut house = House::new();
    let other =
        |folder: &Path| Options { calendar: Calendar::new(Zone::parse("Asia/Tokyo").unwrap()), ..options(folder) };
    house.ledger = None;
    house.ledger = Some(Ledger::open(other(&house.folder.0)).unwrap());
    house.ledger = None;
    house.ledger = Some(Ledger::open(options(&house.folder.0)).unwrap());
    house.accept("s1", &["a"]).await;
    house.ledger = None;
    let refused = Ledger::open(other(&house.folder.0)).unwrap_err();
    assert!(
        matches!(&refused, OpenError::Zone { known, asked } if known == "Asia/Qatar" && asked == "Asia/Tokyo"),
        "{refused}"
    );
    house.ledger = Some(Ledger::open(options(&house.folder.0)).unwrap());
    house.prove().await;
}

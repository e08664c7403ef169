//! The historian with the clock in hand, over a real ledger.

use std::path::PathBuf;

use bytes::Bytes;

use super::*;
use crate::dispatch::board::Entry;
use crate::ledger::{Acceptance, NewEnvelope, Options, Recipient, Resolution, Settlement};
use crate::model::calendar::Calendar;
use crate::model::delivery::{Finished, Transition};
use crate::model::envelope::{Attributes, Envelope};
use crate::model::id::EventType;
use crate::model::outcome::{Class, Report};
use crate::model::status::Hold;

/// The beginning of a minute.
const T0: At = At(1_764_000_000_000);

struct Desk {
    folder: PathBuf,
    ledger: Ledger,
    figures: Figures,
    board: Board,
    clock: Clock,
    historian: Historian,
    next: u32,
}

impl Drop for Desk {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn moi() -> AgencyId {
    AgencyId::parse("moi").unwrap()
}

impl Desk {
    fn open(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("falaj-history-{name}-{}", std::process::id()));
        let options = Options {
            folder: folder.clone(),
            batch_max: 256,
            gather: Duration::ZERO,
            disk_floor_bytes: 0,
            page_max: 64,
            lane_rows_max: 4,
            stuck_max: 100,
            young_max: 64,
            calendar: Calendar::default(),
        };
        let ledger = Ledger::open(options).unwrap();
        let (figures, board, clock) = (Figures::default(), Board::new(), Clock::manual(T0.plus(seconds(20))));
        board.write(&moi(), Entry::default());
        let historian = Historian::new(ledger.clone(), figures.clone(), board.clone(), clock.clone());
        Self { folder, ledger, figures, board, clock, historian, next: 0 }
    }

    async fn accept(&mut self) {
        self.next += 1;
        let attributes = Attributes {
            id: self.next.to_string(),
            source: "urn:test".into(),
            ty: EventType::parse("qa.gov.test.changed").unwrap(),
            subject: None,
            time: None,
            datacontenttype: None,
            dataschema: None,
            extensions: Default::default(),
        };
        let envelope = Envelope { attributes, data: Bytes::from_static(b"{}") };
        let new = NewEnvelope {
            digest: envelope.digest(),
            envelope,
            schema: "qa.gov.test.changed/1.0".into(),
            sender: AgencyId::parse("portal").unwrap(),
            recipients: vec![Recipient { agency: moi(), ordered: false, undecided: false }],
            trace: None,
        };
        assert!(matches!(self.ledger.accept(new, self.clock.now()).await.unwrap(), Acceptance::New(_)));
    }

    /// Delivers one as its owner would.
    async fn deliver(&self) {
        let now = self.clock.now();
        let claimed = self.ledger.claim(&moi(), 1, now).await.unwrap().deliveries.remove(0);
        let settlement = Settlement {
            key: claimed.key,
            transition: Transition::Finish { state: Finished::Delivered, why: None },
            attempt: None,
            report: Report::default(),
            disclosure: None,
            by: "moi".into(),
            held: Duration::ZERO,
        };
        self.ledger.settle(vec![settlement], now).await.unwrap();
        self.figures.attempt(&moi(), Class::Done, 0.004);
        self.figures.delivered(&moi(), 2.0);
    }

    async fn history(&self, agency: &str) -> Vec<(i64, u32, Activity)> {
        let agency = AgencyId::parse(agency).unwrap();
        let to = T0.plus(seconds(86_400));
        let points = self.ledger.history(&agency, T0, to, Resolution::Minute).await.unwrap();
        points.into_iter().map(|point| ((point.at.0 - T0.0) / MINUTE_MS, point.seconds, point.activity)).collect()
    }
}

#[tokio::test]
async fn a_minute_says_what_came_what_left_and_what_waits() {
    let mut desk = Desk::open("minute");
    for _ in 0..3 {
        desk.accept().await;
    }
    desk.deliver().await;
    desk.clock.advance(seconds(40));
    desk.historian.turn().await;
    desk.deliver().await;
    desk.clock.advance(seconds(60));
    desk.historian.turn().await;
    let history = desk.history("moi").await;
    let [(0, 40, first), (1, 60, second)] = &history[..] else { panic!("{history:?}") };
    assert_eq!((first.movement.came, first.delivered(), first.waiting, first.oldest_seconds), (3, 1, 2, 40));
    assert_eq!((second.movement.came, second.delivered(), second.waiting, second.oldest_seconds), (0, 1, 1, 100));
    assert_eq!((second.attempts[0], second.attempt_ms.percentile(95)), (1, Some(4)));
    assert!(second.delivery_ms.percentile(50).unwrap() >= 2000);
    assert_eq!(desk.history("portal").await[0].2.movement.sent, 3, "whoever sends has a history as well");
    let bus = desk.ledger.history_of_bus(T0, T0.plus(seconds(120)), Resolution::Minute).await.unwrap();
    assert_eq!((bus[0].activity.movement.sent, bus[0].activity.movement.came, bus[0].activity.waiting), (3, 3, 2));
}

#[tokio::test]
async fn nothing_is_said_of_who_was_idle_and_idle_is_no_gap() {
    let mut desk = Desk::open("idle");
    desk.accept().await;
    desk.deliver().await;
    for wait in [40, 60, 60] {
        desk.clock.advance(seconds(wait));
        desk.historian.turn().await;
    }
    let history = desk.history("moi").await;
    assert_eq!(history.len(), 3);
    assert!(history[1].2.is_nothing() && history[2].2.is_nothing());
    let pulse = desk.ledger.pulse(T0.plus(seconds(180))).await.unwrap();
    assert_eq!(pulse.watched.iter().filter(|watched| **watched).count(), 3);
    assert_eq!(pulse.agencies[&moi()].iter().filter(|beat| beat.came > 0).count(), 1);
}

#[tokio::test]
async fn a_look_that_comes_too_late_leaves_a_gap_and_nothing_slips_into_the_next_minute() {
    // Keeps M2: the machine slept for ten minutes.
    let mut desk = Desk::open("late");
    desk.accept().await;
    desk.deliver().await;
    desk.clock.advance(seconds(600));
    desk.historian.turn().await;
    assert_eq!(desk.history("moi").await, []);
    desk.accept().await;
    desk.clock.advance(seconds(40));
    desk.historian.turn().await;
    let history = desk.history("moi").await;
    let [(10, 40, only)] = &history[..] else { panic!("{history:?}") };
    assert_eq!((only.movement.came, only.tried()), (1, 0));
}

#[tokio::test]
async fn an_open_circuit_is_counted_in_seconds() {
    let mut desk = Desk::open("open");
    desk.accept().await;
    let now = desk.clock.now();
    let open = Entry { hold: Hold::CircuitOpen { until: now.plus(seconds(30)), since: now }, in_flight: 0 };
    desk.board.update(&moi(), open, now);
    desk.clock.advance(seconds(40));
    desk.historian.turn().await;
    desk.clock.advance(Duration::from_millis(20_500));
    desk.board.update(&moi(), Entry::default(), desk.clock.now());
    desk.clock.advance(Duration::from_millis(39_500));
    desk.historian.turn().await;
    let open: Vec<_> = desk.history("moi").await.iter().map(|(.., activity)| activity.open_seconds).collect();
    assert_eq!(open, [40, 20]);
}

#[tokio::test]
async fn what_cannot_be_written_now_is_written_with_the_next_minute() {
    // Keeps M1. The ledger answers, and does not write: its disk is full.
    let mut desk = Desk::open("full");
    desk.accept().await;
    desk.ledger.close().await;
    let mut options = Options {
        folder: desk.folder.clone(),
        batch_max: 256,
        gather: Duration::ZERO,
        disk_floor_bytes: u64::MAX,
        page_max: 64,
        lane_rows_max: 4,
        stuck_max: 100,
        young_max: 64,
        calendar: Calendar::default(),
    };
    desk.ledger = Ledger::open(options.clone()).unwrap();
    let (ledger, figures, board) = (desk.ledger.clone(), desk.figures.clone(), desk.board.clone());
    desk.historian = Historian::new(ledger, figures, board, desk.clock.clone());
    desk.figures.attempt(&moi(), Class::Throttle, 0.001);
    for wait in [40, 60] {
        desk.clock.advance(seconds(wait));
        desk.historian.turn().await;
    }
    assert_eq!((desk.history("moi").await, desk.historian.unwritten.len()), (vec![], 2));
    // There is room again.
    desk.ledger.close().await;
    options.disk_floor_bytes = 0;
    desk.ledger = Ledger::open(options).unwrap();
    desk.historian.ledger = desk.ledger.clone();
    desk.clock.advance(seconds(60));
    desk.historian.turn().await;
    let history = desk.history("moi").await;
    assert_eq!(history.iter().map(|(minute, ..)| *minute).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((history[0].2.tried(), desk.historian.unwritten.len()), (1, 0));
}

#[tokio::test]
async fn a_stop_writes_the_rest_of_the_minute() {
    let mut desk = Desk::open("stop");
    desk.accept().await;
    let historian = Historian::new(desk.ledger.clone(), desk.figures.clone(), desk.board.clone(), desk.clock.clone());
    desk.accept().await;
    let stop = CancellationToken::new();
    let task = tokio::spawn(historian.run(stop.clone()));
    while desk.clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    desk.clock.advance(seconds(15));
    stop.cancel();
    task.await.unwrap();
    let history = desk.history("moi").await;
    let [(0, 15, only)] = &history[..] else { panic!("{history:?}") };
    assert_eq!((only.movement.came, only.waiting), (1, 2));
}

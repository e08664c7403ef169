//! The ledger as its callers know it. Every test ends with [`House::prove`].

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::model::calendar::Calendar;
use crate::model::delivery::{Attempt, BROKER, DeliveryKey, EnvelopeView, Finished, Standing, Transition, Tries};
use crate::model::envelope::{AttributeValue, Attributes, Envelope};
use crate::model::id::{AgencyId, EventType, Seq, Slot};
use crate::model::notice;
use crate::model::outcome::{BusinessOutcome, Class, Report};
use crate::model::time::At;

mod accept;
mod bounces;
mod drains;
mod history;
mod jobs;
mod lanes;
mod leases;
mod model;
mod notices;
mod outcomes;
mod places;
mod repair;
mod search;
mod services;
mod sweeps;
mod young;

/// A folder of its own, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("falaj-ledger-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_owned(),
        batch_max: 256,
        gather: Duration::from_millis(2),
        disk_floor_bytes: 0,
        page_max: 8,
        lane_rows_max: 2,
        stuck_max: 100,
        young_max: 3,
        calendar: Calendar::default(),
    }
}

/// The one who sends in tests, and whether it hears of its envelopes.
#[derive(Default)]
struct Ear {
    listens: AtomicBool,
    /// Of completed envelopes alone.
    is_brief: AtomicBool,
    /// For whom it was rung, once for each notice.
    rung: Mutex<Vec<(EventType, Vec<AgencyId>)>>,
}

impl Listeners for Ear {
    fn any(&self) -> bool {
        self.listens.load(Ordering::SeqCst)
    }

    /// Everybody does, Falaj too: it must not depend on this that there are no notices of notices.
    fn listens(&self, _sender: &AgencyId) -> bool {
        self.any()
    }

    fn recipient(&self, notice: &Envelope, sender: &AgencyId) -> Option<Recipient> {
        assert_eq!(sender.as_str(), "sender", "only the sender is told");
        let wanted = !self.is_brief.load(Ordering::SeqCst) || notice.attributes.ty.as_str() == notice::COMPLETED;
        wanted.then(|| Recipient { agency: sender.clone(), ordered: true, undecided: false })
    }

    fn written(&self, ty: &EventType, recipients: &[AgencyId]) {
        self.rung.lock().unwrap().push((ty.clone(), recipients.to_vec()));
    }
}

fn open(folder: &Path, ear: &Arc<Ear>) -> Ledger {
    let listeners: Arc<dyn Listeners> = Arc::clone(ear) as _;
    Ledger::open_telling(options(folder), Some(Notices { source: notice::SOURCE.into(), listeners })).unwrap()
}

/// A ledger with what tests need around it. Agencies are `a`, `b` and `c`, all ordered. Nobody listens.
struct House {
    ledger: Option<Ledger>,
    ear: Arc<Ear>,
    folder: Folder,
    next: u32,
    now: At,
}

impl House {
    fn new() -> Self {
        let folder = Folder::new();
        let ear = Arc::new(Ear::default());
        let ledger = open(&folder.0, &ear);
        Self { ledger: Some(ledger), ear, folder, next: 0, now: At(1_000_000) }
    }

    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    /// Drops the ledger without closing it and opens it again: what a crash leaves is what was committed.
    fn crash(&mut self) {
        self.ledger = None;
        self.ledger = Some(open(&self.folder.0, &self.ear));
    }

    /// From now on the sender hears of its envelopes, or does not.
    fn listen(&self, listens: bool) {
        self.ear.listens.store(listens, Ordering::SeqCst);
    }

    /// Delivers every notice to the sender, lane by lane; returns what it got, in accept order.
    async fn hear(&self) -> Vec<Arc<Stored>> {
        let mut heard: Vec<Arc<Stored>> = Vec::new();
        let mut idle = 0;
        // A claim may find nothing while rows are on their way behind a head.
        while idle < 3 {
            let claimed = self.claim("sender", 5).await;
            idle = if claimed.is_empty() { idle + 1 } else { 0 };
            for claimed in claimed {
                let envelope = Arc::clone(&claimed.envelope);
                let subject = &envelope.attributes.subject;
                let in_order =
                    |before: &Arc<Stored>| before.attributes.subject != *subject || before.seq < envelope.seq;
                assert!(heard.iter().all(in_order), "notices of one envelope came out of order");
                self.ledger().settle(vec![settlement(claimed.key, DELIVERED, self.now)], self.now).await.unwrap();
                heard.push(envelope);
            }
        }
        heard.sort_by_key(|notice| notice.seq);
        heard
    }

    async fn accept(&mut self, subject: &str, to: &[&str]) -> EnvelopeView {
        self.next += 1;
        let new = envelope(&format!("e{}", self.next), subject, to);
        match self.ledger().accept(new, self.now).await.unwrap() {
            Acceptance::New(view) => view,
            other => panic!("{other:?}"),
        }
    }

    async fn claim(&self, name: &str, want: usize) -> Vec<Claimed> {
        self.ledger().claim(&agency(name), want, self.now).await.unwrap().deliveries
    }

    /// Seqs that a claim gets.
    async fn seqs(&self, name: &str, want: usize) -> Vec<u64> {
        self.claim(name, want).await.iter().map(|claimed| claimed.key.seq.0).collect()
    }

    async fn settle(&self, name: &str, seq: u64, transition: Transition) -> Vec<Seq> {
        self.ledger().settle(vec![settlement(key(name, seq), transition, self.now)], self.now).await.unwrap()
    }

    async fn deliver(&self, name: &str, seq: u64) -> Vec<Seq> {
        self.settle(name, seq, DELIVERED).await
    }

    async fn fail(&self, name: &str, seq: u64, after_ms: i64) {
        self.settle(name, seq, Transition::Retry { due: At(self.now.0 + after_ms) }).await;
    }

    async fn view(&self, view: &EnvelopeView) -> EnvelopeView {
        self.ledger().envelope(view.id).await.unwrap().unwrap()
    }

    fn tally(&self, name: &str) -> Tally {
        self.ledger().tallies().into_iter().find(|(id, _)| id.as_str() == name).unwrap().1
    }

    fn check(&self) {
        let report = super::check(&self.folder.0).unwrap();
        assert_eq!(report.broken, Vec::<String>::new());
    }

    /// The end of a test.
    async fn prove(self) {
        self.check();
        self.ledger().close().await;
        self.check();
    }
}

const DELIVERED: Transition = Transition::Finish { state: Finished::Delivered, why: None };

fn dead() -> Transition {
    Transition::Finish { state: Finished::Dead, why: Some("given up".into()) }
}

fn actor() -> Actor {
    Actor { name: "operator".into(), reason: "because".into() }
}

fn agency(name: &str) -> AgencyId {
    AgencyId::parse(name).unwrap()
}

fn key(name: &str, seq: u64) -> DeliveryKey {
    // Agencies `a`, `b`, `c` are recipients in this order wherever tests name more than one.
    DeliveryKey { agency: agency(name), seq: Seq(seq), slot: Slot(u16::from(name.as_bytes()[0] - b'a') + 1) }
}

fn envelope(id: &str, subject: &str, to: &[&str]) -> NewEnvelope {
    let attributes = Attributes {
        id: id.into(),
        source: "urn:test".into(),
        ty: EventType::parse("qa.gov.test.changed").unwrap(),
        subject: (!subject.is_empty()).then(|| subject.into()),
        time: None,
        datacontenttype: None,
        dataschema: None,
        extensions: [("correlationid".to_owned(), AttributeValue::Text("case-1".into()))].into(),
    };
    let envelope = Envelope { attributes, data: Bytes::from_static(b"{\"n\": 1.10}") };
    NewEnvelope {
        trace: None,
        digest: envelope.digest(),
        envelope,
        schema: "qa.gov.test.changed/1.0".into(),
        sender: agency("sender"),
        recipients: to
            .iter()
            .map(|name| Recipient { agency: agency(name), ordered: !subject.is_empty(), undecided: false })
            .collect(),
    }
}

fn settlement(key: DeliveryKey, transition: Transition, now: At) -> Settlement {
    let done = transition == DELIVERED;
    let attempt = Attempt {
        at: now,
        ms: 7,
        class: if done { Class::Done } else { Class::EndpointFault },
        status: Some(if done { 200 } else { 503 }),
        note: if done { String::new() } else { "status 503".into() },
        answer: vec![],
        counted: true,
    };
    let by = key.agency.as_str().to_owned();
    Settlement {
        key,
        transition,
        attempt: Some(attempt),
        report: Report::default(),
        disclosure: None,
        by,
        held: Duration::ZERO,
    }
}

fn reported(outcome: BusinessOutcome) -> Report {
    Report { outcome: Some(outcome), reason: None, reference: Some("file 7".into()) }
}

//! A town of agencies on a simulated clock: real ledger, owners, janitor and alarms, and connectors that follow a script.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alarm;
use crate::catalog::Catalog;
use crate::catalog::reload::Watcher;
use crate::clock::Clock;
use crate::connector::egress::Egress;
use crate::connector::webhook::WebhookClient;
use crate::connector::{Connector, Parcel};
use crate::dispatch::board::Entry;
use crate::dispatch::deliver::{Route, Tools};
use crate::dispatch::owner::Owner;
use crate::dispatch::places::Pool;
use crate::dispatch::{Board, Handout, Setup};
use crate::janitor::{Janitor, KEEP_EVENTS, Rounds};
use crate::ledger::{Acceptance, Ledger, NewEnvelope, Options, Recipient, Tally};
use crate::model::calendar::Calendar;
use crate::model::delivery::EnvelopeView;
use crate::model::envelope::{Attributes, Envelope};
use crate::model::id::{AgencyId, EventType};
use crate::model::outcome::{Class, Outcome, Report};
use crate::model::status::{EnvelopeStatus, Waiting};
use crate::model::time::At;
use crate::telemetry::Metrics;
use crate::wake::Wake;

const TYPE: &str = "qa.gov.person.moved";

/// How an agency acts at a time on a try: the time, the subject, and how many requests it had before.
pub(super) type Script = fn(At, &str, &mut Memory) -> Outcome;

/// What a scripted agency remembers.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Requests, by whatever the script counts them.
    pub(super) counts: HashMap<i64, u32>,
}

/// One request that an agency got.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) at: At,
    pub(super) subject: String,
    pub(super) sequence: u64,
    pub(super) class: Class,
    pub(super) retry_after: Option<Duration>,
}

/// An agency that acts by its script.
#[derive(Debug)]
struct Scripted {
    script: Script,
    state: Mutex<(Memory, Vec<Sent>)>,
}

impl Connector for Scripted {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        let body: serde_json::Value = serde_json::from_slice(&parcel.message.body).unwrap();
        let subject = body["subject"].as_str().unwrap().to_owned();
        let (memory, sent) = &mut *self.state.lock().unwrap();
        let outcome = (self.script)(parcel.now, &subject, memory);
        let (class, retry_after) = (outcome.class, outcome.retry_after);
        sent.push(Sent { at: parcel.now, subject, sequence: parcel.sequence, class, retry_after });
        Box::pin(std::future::ready(outcome))
    }
}

/// An outcome of a class.
pub(super) fn answer(class: Class, status: Option<u16>, retry_after: Option<Duration>) -> Outcome {
    let note = status.map_or_else(|| "connect: refused".to_owned(), |status| format!("status {status}"));
    Outcome { class, status, retry_after, report: Report::default(), note, answer: Vec::new() }
}

/// A scripted agency: its id, further lines of `[delivery]`, and how it acts.
pub(super) type Cast<'a> = (&'a str, &'a str, Script);

/// The town.
pub(super) struct Town {
    pub(super) clock: Clock,
    pub(super) folder: PathBuf,
    pub(super) ledger: Ledger,
    pub(super) board: Board,
    wake: Wake,
    agencies: BTreeMap<AgencyId, Arc<Scripted>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    /// Owners keep working as long as their routes are held.
    _routes: Vec<watch::Sender<Arc<Route>>>,
    next: u64,
}

impl Town {
    pub(super) fn start(name: &str, now: At, cast: &[Cast<'_>]) -> Self {
        let folder = std::env::temp_dir().join(format!("falaj-{name}-{}", std::process::id()));
        let _not_there = std::fs::remove_dir_all(&folder);
        let root = folder.join("deployment");
        let catalog = deployment(&root, cast);
        let clock = Clock::manual(now);
        let ledger = Ledger::open(Options {
            folder: folder.join("data"),
            batch_max: 256,
            gather: Duration::ZERO,
            disk_floor_bytes: 0,
            page_max: 64,
            lane_rows_max: 4,
            stuck_max: 10_000,
            young_max: 64,
            calendar: Calendar::default(),
        })
        .unwrap();
        let (wake, board, stop) = (Wake::new(), Board::new(), CancellationToken::new());
        let tools = Tools { ledger: ledger.clone(), clock: clock.clone(), metrics: Metrics::unread() };
        let catalog = Arc::new(ArcSwap::from_pointee(catalog));
        let setup = Setup {
            handout: Handout::new(tools.clone(), Arc::clone(&catalog), wake.clone(), 1 << 20),
            tools,
            catalog,
            wake: wake.clone(),
            board: board.clone(),
            client: WebhookClient::new(Egress::default()).unwrap(),
            broker: None,
            places: 64,
            in_flight_bytes_max: 1 << 20,
            message_bytes_max: 1 << 20,
            grace: Duration::from_secs(5),
        };
        let (pool, catalog) = (Pool::new(setup.places, setup.in_flight_bytes_max), setup.catalog.load_full());
        let (mut agencies, mut routes, mut tasks) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (id, _, script) in cast {
            let id = AgencyId::parse(id).unwrap();
            // An owner keeps its line up to date; the supervisor, who is not here, opens it.
            board.write(&id, Entry::default());
            let connector = Arc::new(Scripted { script: *script, state: Mutex::default() });
            agencies.insert(id.clone(), Arc::clone(&connector));
            let (sender, route) = watch::channel(Arc::new(Route {
                catalog: Arc::clone(&catalog),
                agency: Arc::clone(catalog.agency(&id).unwrap()),
                connector: Some(connector),
                message_bytes_max: setup.message_bytes_max,
            }));
            routes.push(sender);
            tasks.push(tokio::spawn(Owner::new(id, &setup, route, pool.agency()).run(stop.clone())));
        }
        let janitor = Janitor {
            ledger: ledger.clone(),
            wake: wake.clone(),
            clock: clock.clone(),
            rounds: Rounds {
                every: Duration::from_secs(3600),
                batch: 100,
                keep_completed: Duration::from_secs(30 * 86_400),
                outcome_deadline: Duration::from_secs(30 * 86_400),
                keep_events: KEEP_EVENTS,
            },
        };
        tasks.push(tokio::spawn(janitor.run(stop.clone())));
        let alarms = alarm::Watch {
            ledger: ledger.clone(),
            catalog: Arc::clone(&setup.catalog),
            board: board.clone(),
            reloads: Watcher::new(root, Arc::clone(&setup.catalog), now).reloads(),
            clock: clock.clone(),
            metrics: Metrics::unread(),
            limits: alarm::Limits {
                every: Duration::from_secs(1800),
                clear_after: Duration::from_secs(3600),
                oldest_age: Duration::from_secs(8 * 3600),
                circuit_open: Duration::from_secs(1800),
                parked: 0,
                dead_per_hour: 0,
                disk_free_bytes: 0,
                broker_down: Duration::ZERO,
            },
            broker: None,
            outbox: None,
        };
        tasks.push(tokio::spawn(alarms.run(stop.clone())));
        Self { clock, folder, ledger, board, wake, agencies, stop, tasks, _routes: routes, next: 0 }
    }

    /// Posts an envelope about each of these subjects to these agencies, all at once.
    pub(super) async fn post(&mut self, to: &[&str], subjects: impl IntoIterator<Item = String>) -> Vec<EnvelopeView> {
        let recipients: Vec<Recipient> = to
            .iter()
            .map(|agency| Recipient { agency: AgencyId::parse(agency).unwrap(), ordered: true, undecided: false })
            .collect();
        let accepts: Vec<_> = subjects
            .into_iter()
            .map(|subject| {
                self.next += 1;
                self.ledger.accept(envelope(self.next, &subject, recipients.clone()), self.clock.now())
            })
            .collect();
        let accepted = futures_util::future::join_all(accepts).await;
        self.wake.ring(self.agencies.keys());
        accepted
            .into_iter()
            .map(|accepted| match accepted.unwrap() {
                Acceptance::New(view) => view,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// Moves the clock, and waits until everybody has done what there is to do at the new time.
    pub(super) async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.rest().await;
    }

    /// Waits until everybody waits for the clock: every task sleeps, nothing is under way. Three times in a row, because a bell
    /// that has rung wakes at the next turn only.
    pub(super) async fn rest(&self) {
        let begun = std::time::Instant::now();
        let mut quiet = 0;
        while quiet < 3 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never comes to rest at {}", self.clock.now());
            tokio::task::yield_now().await;
            let idle = self.agencies.keys().all(|agency| self.board.read(agency).in_flight == 0);
            quiet = if idle && self.clock.sleepers() == self.tasks.len() { quiet + 1 } else { 0 };
        }
    }

    /// What an agency got, in order.
    pub(super) fn sent(&self, agency: &str) -> Vec<Sent> {
        self.agencies[agency].state.lock().unwrap().1.clone()
    }

    /// Where an envelope stands with an agency, and why it waits there.
    pub(super) async fn standing(&self, view: &EnvelopeView, agency: &str) -> (&'static str, Option<Waiting>) {
        let view = self.ledger.envelope(view.id).await.unwrap().unwrap();
        let status = EnvelopeStatus::of(&view, |agency| self.board.hold(agency));
        let delivery = status.deliveries.into_iter().find(|delivery| delivery.agency.as_str() == agency).unwrap();
        (delivery.state, delivery.waiting)
    }

    /// The same of the delivery that holds the lane, where it waits behind another.
    pub(super) async fn head(&self, view: &EnvelopeView, agency: &str) -> Waiting {
        let waiting = self.standing(view, agency).await.1.unwrap();
        let Some(head) = waiting.behind else { return waiting };
        let (head, _) = self.ledger.delivery(head).await.unwrap().unwrap();
        Waiting::of(&head, &self.board.hold(&head.key.agency)).unwrap()
    }

    /// What happened to an agency, oldest first.
    pub(super) async fn events(&self, agency: &str) -> Vec<&'static str> {
        let events = self.ledger.events(&AgencyId::parse(agency).unwrap(), None, 1000).await.unwrap();
        events.iter().rev().map(|event| event.what.as_str()).collect()
    }

    /// What a person orders about an agency has been done: its owner looks again.
    pub(super) async fn ordered(&self, agency: &str) {
        self.wake.ring([&AgencyId::parse(agency).unwrap()]);
        self.rest().await;
    }

    /// Everything that an agency has or had.
    pub(super) fn tally(&self, agency: &str) -> Tally {
        self.ledger.tallies().into_iter().find(|(id, _)| id.as_str() == agency).unwrap().1
    }

    /// Stops everybody and proves the ledger's invariants.
    pub(super) async fn close(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
        self.ledger.close().await;
        let report = crate::ledger::check(&self.folder.join("data")).unwrap();
        assert_eq!(report.broken, Vec::<String>::new());
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn envelope(n: u64, subject: &str, recipients: Vec<Recipient>) -> NewEnvelope {
    let envelope = Envelope {
        attributes: Attributes {
            id: n.to_string(),
            source: "urn:qa:gov:portal".into(),
            ty: EventType::parse(TYPE).unwrap(),
            subject: Some(subject.into()),
            time: None,
            datacontenttype: None,
            dataschema: None,
            extensions: BTreeMap::new(),
        },
        data: Bytes::from(format!("{{\"zone\":{}}}", n % 90 + 1)),
    };
    let (digest, schema) = (envelope.digest(), format!("{TYPE}/1.0"));
    NewEnvelope { envelope, digest, schema, sender: AgencyId::parse("portal").unwrap(), recipients, trace: None }
}

fn deployment(root: &std::path::Path, cast: &[Cast<'_>]) -> Catalog {
    let write = |path: String, text: String| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        format!("schemas/{TYPE}/1.0.json"),
        format!(
            r#"{{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "falaj:/schemas/{TYPE}/1.0",
            "x-falaj": {{"owner": "portal", "name": {{"en": "Moved", "ar": "انتقال"}}, "maturity": 4, "subject": "required"}},
            "title": "Moved", "type": "object", "properties": {{"zone": {{"type": "integer"}}}}, "required": ["zone"],
            "additionalProperties": false}}"#
        ),
    );
    write(
        "connectors/portal/connector.toml".into(),
        format!(
            "[agency]\nid = \"portal\"\nname = {{ en = \"Portal\", ar = \"البوابة\" }}\n\n[publishes]\n\
             types = [\"{TYPE}\"]\nsources = [\"urn:qa:gov:portal\"]\n"
        ),
    );
    for (id, rules, _) in cast {
        let text = format!(
            "[agency]\nid = \"{id}\"\nname = {{ en = \"{id}\", ar = \"جهة\" }}\n\n[delivery]\ntransport = \"webhook\"\n\
             url = \"http://127.0.0.1:9/\"\n{rules}\n\n[[subscription]]\ntype = \"{TYPE}\"\nfields = [\"/zone\"]\n\
             purpose = {{ en = \"Register\", ar = \"السجل\" }}\nlegal_basis = \"Law 21/2015\"\n"
        );
        write(format!("connectors/{id}/connector.toml"), text);
    }
    Catalog::load(root).unwrap().catalog
}

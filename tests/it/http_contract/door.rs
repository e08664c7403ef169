//! The router with all its parts, and answers as text that can be compared.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use falaj::catalog::reload::Watcher;
use falaj::catalog::{Catalog, Current};
use falaj::clock::Clock;
use falaj::dispatch::board::{Board, Entry};
use falaj::dispatch::deliver::Tools;
use falaj::dispatch::handout::Handout;
use falaj::http::auth::KeyRing;
use falaj::http::{App, Parts, Settings, router};
use falaj::intake::Intake;
use falaj::ledger::{Ledger, Options, Settlement};
use falaj::model::agency::{KeyEntry, Role};
use falaj::model::calendar::Calendar;
use falaj::model::delivery::{Attempt, Finished, Transition};
use falaj::model::id::AgencyId;
use falaj::model::outcome::{Class, Report};
use falaj::model::status::Hold;
use falaj::model::time::At;
use falaj::telemetry::Metrics;
use falaj::wake::Wake;
use prometheus_client::registry::Registry;
use regex::{Captures, Regex};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::conform::{self, Asked, Met};
use super::deployment::Folder;

/// 2023-11-14T22:13:20Z.
pub const NOW: At = At(1_700_000_000_000);
/// Headers of an answer that are part of the contract.
const SHOWN: [&str; 7] =
    ["allow", "content-language", "content-type", "location", "retry-after", "www-authenticate", "cache-control"];

/// The interface with everything behind it.
pub struct Door {
    pub router: Router,
    pub app: App,
    pub ledger: Ledger,
    pub catalog: Current,
    pub wake: Wake,
    pub board: Board,
    pub clock: Clock,
    pub keys: KeyRing,
    pub closing: CancellationToken,
    pub folder: Folder,
    /// What was met of what is described.
    pub met: Met,
    ids: Mutex<HashMap<String, usize>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The key of a name: an agency's id, or a role.
pub fn key(name: &str) -> String {
    format!("test key of {name}, long enough")
}

fn entry(name: &str, role: Role) -> KeyEntry {
    let hash = digest::digest(&digest::SHA256, key(name).as_bytes());
    let sha256 = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let agency = (role == Role::Agency).then(|| AgencyId::parse(name).unwrap());
    KeyEntry { name: name.to_owned(), role, agency, sha256 }
}

impl Door {
    /// Opens a door with the usual settings.
    pub fn open() -> Self {
        Self::with(Settings { recheck: Duration::from_millis(200), ..Settings::default() })
    }

    /// Opens a door.
    pub fn with(settings: Settings) -> Self {
        Self::made(settings, false).0
    }

    /// Opens a door that knows how reloads went; whoever gets the watcher turns it.
    pub fn watched() -> (Self, Watcher) {
        Self::made(Settings::default(), true)
    }

    fn made(mut settings: Settings, watched: bool) -> (Self, Watcher) {
        let folder = Folder::with_deployment();
        settings.samples = Some(folder.path().join("examples"));
        let loaded = Catalog::load(folder.path()).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let catalog: Current = Arc::new(ArcSwap::from_pointee(loaded.catalog));
        let watcher = Watcher::new(folder.path().to_owned(), catalog.clone(), NOW);
        let ledger = Ledger::open(options(&folder)).unwrap();
        let (wake, board, clock) = (Wake::new(), Board::new(), Clock::manual(NOW));
        for agency in ["moi", "municipality", "utilities"] {
            board.write(&AgencyId::parse(agency).unwrap(), Entry { hold: Hold::Open, in_flight: 0 });
        }
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let counting = metrics.clone();
        ledger.each_commit(move |commit| counting.commit(commit.took, commit.operations));
        let keys = KeyRing::new(&[
            entry("portal", Role::Agency),
            entry("moi", Role::Agency),
            entry("municipality", Role::Agency),
            entry("utilities", Role::Agency),
            entry("stranger", Role::Agency),
            entry("viewer", Role::Viewer),
            entry("operator", Role::Operator),
            entry("auditor", Role::Auditor),
            entry("admin", Role::Admin),
        ]);
        let closing = CancellationToken::new();
        let tools = Tools { ledger: ledger.clone(), clock: clock.clone(), metrics: metrics.clone() };
        let handout = Handout::new(tools, catalog.clone(), wake.clone(), 1 << 20);
        let app = App::new(Parts {
            intake: Intake::new(catalog.clone(), ledger.clone(), wake.clone(), clock.clone(), metrics.clone()),
            ledger: ledger.clone(),
            reloads: watched.then(|| watcher.reloads()),
            catalog: catalog.clone(),
            board: board.clone(),
            broker: None,
            handout,
            wake: wake.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            metrics,
            registry: Arc::new(registry),
            settings,
            closing: closing.clone(),
        });
        let router = router(app.clone());
        let (met, ids) = (Met::default(), Mutex::default());
        (Self { router, app, ledger, catalog, wake, board, clock, keys, closing, folder, met, ids }, watcher)
    }

    /// Takes up what now stands in the deployment's folder.
    pub fn reload(&self) {
        let loaded = Catalog::load(self.folder.path()).unwrap_or_else(|problems| panic!("{problems:#?}"));
        self.catalog.store(Arc::new(loaded.catalog));
    }

    /// Sends a request as it is, and holds the answer against what is described.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = request.into_parts();
        let (method, uri, headers) = (parts.method.clone(), parts.uri.clone(), parts.headers.clone());
        let (body, whole) = match body.size_hint().exact() {
            Some(_) => {
                let bytes = to_bytes(body, 1 << 24).await.unwrap();
                (Body::from(bytes.clone()), Some(bytes))
            }
            None => (body, None),
        };
        let response = self.router.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
        let (parts, body) = response.into_parts();
        let answer =
            Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, 1 << 24).await.unwrap() };
        if method != Method::HEAD {
            conform::check(&Asked { method, uri, headers, body: whole }, &answer, &self.met);
        }
        answer
    }

    /// Reads with somebody's key.
    pub async fn get(&self, who: &str, path: &str) -> Answer {
        self.send(request("GET", path, Some(who)).body(Body::empty()).unwrap()).await
    }

    /// Posts an event in structured mode.
    pub async fn post(&self, who: &str, event: &str) -> Answer {
        self.post_as(who, "/v1/envelopes", "application/cloudevents+json", event.to_owned()).await
    }

    /// Posts a body of some media type.
    pub async fn post_as(&self, who: &str, path: &str, media_type: &str, body: impl Into<Body>) -> Answer {
        let request = request("POST", path, Some(who)).header("content-type", media_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Everything the ledger counts; nothing where nothing was stored.
    pub async fn is_empty(&self) -> bool {
        let found = self.get("admin", "/v1/envelopes").await.json();
        found["envelopes"].as_array().unwrap().is_empty() && self.ledger.tallies().is_empty()
    }

    /// Ends everything an agency has to do now, as the dispatcher would.
    pub async fn settle(&self, agency: &str, state: Finished, report: Report) {
        let agency = AgencyId::parse(agency).unwrap();
        let now = self.clock.now();
        let claim = self.ledger.claim(&agency, 100, now).await.unwrap();
        let seqs: Vec<_> = claim.deliveries.iter().map(|claimed| claimed.key.seq).collect();
        let settlements = claim.deliveries.into_iter().map(|claimed| Settlement {
            key: claimed.key,
            transition: Transition::Finish { state, why: (state == Finished::Dead).then(|| "status 400".to_owned()) },
            attempt: Some(attempt(state, now)),
            report: report.clone(),
            disclosure: None,
            by: agency.to_string(),
            held: Duration::ZERO,
        });
        self.ledger.settle(settlements.collect(), now).await.unwrap();
        self.wake.changed(seqs);
    }

    /// An answer as text, with ids numbered and hashes hidden.
    pub fn shown(&self, answer: &Answer) -> String {
        let mut text = format!("{}\n", answer.status);
        for name in SHOWN {
            if let Some(value) = answer.headers.get(name) {
                writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
            }
        }
        text.push('\n');
        match serde_json::from_slice::<Value>(&answer.body) {
            Ok(mut json) => {
                // Whether objects keep their order is for other crates to decide; snapshots are by name.
                json.sort_all_objects();
                text.push_str(&serde_json::to_string_pretty(&json).unwrap());
            }
            Err(_) => text.push_str(std::str::from_utf8(&answer.body).unwrap()),
        }
        self.redact(&text)
    }

    /// Hides what differs from run to run.
    pub fn redact(&self, text: &str) -> String {
        static UUID: LazyLock<Regex> =
            LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
        static HASH: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9a-f]{16,}").unwrap());
        let mut ids = self.ids.lock().unwrap();
        let text = UUID.replace_all(text, |found: &Captures<'_>| {
            if found[0].bytes().all(|byte| matches!(byte, b'0' | b'-')) {
                return "<no id>".to_owned();
            }
            let next = ids.len() + 1;
            format!("<id {}>", ids.entry(found[0].to_owned()).or_insert(next))
        });
        HASH.replace_all(&text, "<hash>").into_owned()
    }
}

fn attempt(state: Finished, now: At) -> Attempt {
    let (class, status, note) = match state {
        Finished::Delivered => (Class::Done, 200, ""),
        _ => (Class::MessageFault, 400, "status 400"),
    };
    Attempt {
        at: now,
        ms: 3,
        class,
        status: Some(status),
        note: note.to_owned(),
        answer: Vec::new(),
        counted: state != Finished::Delivered,
    }
}

/// A request with somebody's key.
pub fn request(method: &str, path: &str, who: Option<&str>) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    match who {
        Some(who) => builder.header("authorization", format!("Bearer {}", key(who))),
        None => builder,
    }
}

/// A good event of a citizen.
pub fn event(id: &str, subject: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"urn:qa:gov:portal","type":"qa.gov.person.address-changed","subject":"{subject}","time":"2023-11-14T22:13:19Z","data":{{"qid":"{subject}","zone":12,"street":"شارع الكورنيش"}}}}"#
    )
}

fn options(folder: &Folder) -> Options {
    Options {
        folder: folder.path().join("data"),
        batch_max: 256,
        gather: Duration::ZERO,
        disk_floor_bytes: 0,
        page_max: 512,
        lane_rows_max: 4,
        stuck_max: 10_000,
        young_max: 64,
        calendar: Calendar::default(),
    }
}

//! What every handler may reach.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::auth::KeyRing;
use super::error::{Kind, Problem};
use crate::amqp;
use crate::catalog::Current;
use crate::catalog::reload::Reloads;
use crate::clock::Clock;
use crate::dispatch::board::{Board, Entry, held};
use crate::dispatch::handout::Handout;
use crate::intake::Intake;
use crate::ledger::Ledger;
use crate::model::cloudevents::Bounds;
use crate::model::id::AgencyId;
use crate::model::status::Hold;
use crate::statistics::Terms;
use crate::telemetry::Metrics;
use crate::wake::Wake;

/// The bounds of the interface; all of them come from the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bounds on events.
    pub bounds: Bounds,
    /// From a request's headers to the last byte of its body. 30 s.
    pub body_read_timeout: Duration,
    /// Long polls and event streams at once. 1024.
    pub watches_max: usize,
    /// The longest `?wait=`. 60 s.
    pub wait_max: Duration,
    /// How often a watch asks the ledger without being rung for. 5 s.
    pub recheck: Duration,
    /// Silence after which an event stream says that it is alive. 15 s.
    pub heartbeat: Duration,
    /// Whether `/metrics` asks for no key (`[metrics] open`).
    pub metrics_open: bool,
    /// On which terms statistics are given (`[statistics]`).
    pub statistics: Terms,
    /// The folder with a sample envelope of each type, `<type>.json`; `None` where there are none.
    pub samples: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            body_read_timeout: Duration::from_secs(30),
            watches_max: 1024,
            wait_max: Duration::from_secs(60),
            recheck: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
            metrics_open: false,
            statistics: Terms::default(),
            samples: None,
        }
    }
}

/// What the composition root hands over.
#[derive(Debug)]
pub struct Parts {
    /// The way in.
    pub intake: Intake,
    /// The truth.
    pub ledger: Ledger,
    /// The deployment in force.
    pub catalog: Current,
    /// How the last reload went; `None` where nothing is reloaded.
    pub reloads: Option<Reloads>,
    /// Who is held, and why.
    pub board: Board,
    /// How the broker stands, where there is one.
    pub broker: Option<amqp::View>,
    /// What is handed out to agencies that fetch.
    pub handout: Handout,
    /// The bells.
    pub wake: Wake,
    /// The time.
    pub clock: Clock,
    /// Who may do what.
    pub keys: KeyRing,
    /// What is counted.
    pub metrics: Metrics,
    /// The same, by name.
    pub registry: Arc<Registry>,
    /// Bounds.
    pub settings: Settings,
    /// Cancelled when the process stops: long polls answer and streams end.
    pub closing: CancellationToken,
}

/// The state of the router. Clones share it.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    watches: Arc<Semaphore>,
}

impl App {
    /// Takes the parts.
    pub fn new(parts: Parts) -> Self {
        let watches = Arc::new(Semaphore::new(parts.settings.watches_max));
        Self(Arc::new(Inner { parts, watches }))
    }

    /// An agency's line on the board, with its pause as the ledger has it: a pause is seen by whoever asks after it was answered.
    pub fn entry(&self, agency: &AgencyId) -> Entry {
        let Entry { hold, in_flight } = self.board.read(agency);
        Entry { hold: held(self.ledger.paused(agency), hold.below()), in_flight }
    }

    /// What holds an agency.
    pub fn hold(&self, agency: &AgencyId) -> Hold {
        self.entry(agency).hold
    }

    /// Long polls and event streams that are open.
    pub fn watches(&self) -> usize {
        self.settings.watches_max.saturating_sub(self.0.watches.available_permits())
    }

    /// A place among the long polls and event streams, held until the permit is dropped.
    pub fn watch_place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.0.watches).try_acquire_owned().map_err(|_| {
            Problem::new(
                Kind::Unavailable,
                "Too many requests are waiting for changes; ask again without waiting, or later.",
                "عدد الطلبات التي تنتظر التغييرات كبير جدًا؛ أعد الطلب بلا انتظار أو في وقت لاحق.",
            )
            .retry_after(5)
        })
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

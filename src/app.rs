//! The composition root: makes every part, joins them, and stops them in order.
//!
//! The order of a stop is the promise: first nothing new comes in, then nothing new is claimed, then what runs is finished and
//! stored within the grace period, and the ledger closes last. Nothing imports this module but the command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::alarm;
use crate::amqp::topology::PlanFault;
use crate::broker;
use crate::catalog::reload::Reloads;
use crate::catalog::{Catalog, Current, Problem};
use crate::clock::Clock;
use crate::config::Config;
use crate::connector::egress::Egress;
use crate::connector::webhook::WebhookClient;
use crate::dashboard::{self, Dashboard};
use crate::dispatch::deliver::Tools;
use crate::dispatch::{Board, Dispatcher, Handout, Setup};
use crate::history::Historian;
use crate::http;
use crate::http::auth::KeyRing;
use crate::identity::Groups;
use crate::intake::Intake;
use crate::janitor::{Janitor, KEEP_EVENTS, Rounds};
use crate::ledger::{Ledger, LedgerError, Notices, OpenError, Options};
use crate::telemetry::Metrics;
use crate::wake::Wake;

mod edge;
mod follow;
mod notices;
mod parts;

use edge::{AtBroker, Edge};

/// The folder of a deployment in which there may be sample envelopes.
const SAMPLES: &str = "examples";
/// How long the last minute of the history may take to be written at a stop.
const LAST_CUT: Duration = Duration::from_secs(5);

/// What an [`App`] is started from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// The folder with `schemas/` and `connectors/`.
    pub root: PathBuf,
    /// The file the keys are read from again when it changes.
    pub config_file: Option<PathBuf>,
    /// The time.
    pub clock: Clock,
}

/// Why an [`App`] did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The deployment is wrong.
    #[error("the deployment has {} problems; `falaj check` shows them all", .0.len())]
    Deployment(Vec<Problem>),
    /// The deployment and the broker's address do not go together.
    #[error("the broker cannot serve this deployment")]
    Broker(#[from] PlanFault),
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened")]
    Ledger(#[from] OpenError),
    /// The ledger does not take a first write.
    #[error("the ledger cannot be written")]
    Write(#[from] LedgerError),
    /// The identity provider is not wholly set up.
    #[error("[oidc] has {} problems; `falaj check` shows them all", .0.len())]
    Identity(Vec<Problem>),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The running bus.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    ledger: Ledger,
    board: Board,
    catalog: Current,
    reloads: Reloads,
    stops: Stops,
    tasks: Tasks,
    grace: Duration,
}

/// One token per step of the stop.
#[derive(Debug, Default)]
struct Stops {
    /// Nothing new comes in.
    doors: CancellationToken,
    /// Nothing new is claimed.
    work: CancellationToken,
    /// Nothing more is published.
    broker: CancellationToken,
    /// Watching and sweeping end.
    upkeep: CancellationToken,
}

#[derive(Debug)]
struct Tasks {
    server: JoinHandle<()>,
    dispatcher: JoinHandle<()>,
    broker: Option<AtBroker>,
    historian: JoinHandle<()>,
    upkeep: Vec<JoinHandle<()>>,
}

impl App {
    /// Opens the ledger, loads the deployment, starts dispatch, upkeep and HTTP; it listens when this returns.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let Settings { config, root, config_file, clock } = settings;
        let catalog = load(&root).await?;
        // Listening comes before the ledger: an address in use is the commonest mistake and must not touch the data.
        let listener = listen(config.http.listen).await?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address: config.http.listen, source })?;
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        follow::follow(&metrics, &catalog.load());
        let (wake, board, keys) = (Wake::new(), Board::new(), KeyRing::new(&config.auth.keys));
        let (groups, provider) = (Groups::new(&config.auth.groups), parts::provider(&config)?);
        let telling = notices::notices(&config.notices.source, &catalog, &wake, &metrics);
        let ledger = open(parts::options(&config), telling).await?;
        ledger.register_disclosures(follow::disclosures(&catalog.load())).await?;
        let (counting, bell) = (metrics.clone(), wake.clone());
        ledger.each_commit(move |commit| counting.commit(commit.took, commit.operations));
        ledger.when_unheard(move |agency| bell.ring([agency]));

        let stops = Stops::default();

        let watcher = parts::watcher(&root, &config, config_file, &catalog, (&keys, &groups), &clock);
        let reloads = watcher.reloads();
        let client = WebhookClient::new(Egress { deny: config.egress.deny.clone() })
            .map_err(|error| StartError::Client(Box::new(error)))?;
        let edge = Edge::new(&config, &catalog.load())?;
        if edge.is_none() {
            follow::warn_of_no_broker(&catalog.load());
        }
        let view = edge.as_ref().map(Edge::view);
        let (outbox, postman) = parts::alarm_post(&config, &client, &clock).unzip();
        let alarms = alarm::Watch {
            ledger: ledger.clone(),
            catalog: Arc::clone(&catalog),
            board: board.clone(),
            reloads: reloads.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            limits: parts::alarm_limits(&config),
            broker: view.clone(),
            outbox,
        };
        let tools = Tools { ledger: ledger.clone(), clock: clock.clone(), metrics: metrics.clone() };
        let message_bytes_max = config.dispatch.message_bytes_max;
        let handout = Handout::new(tools.clone(), Arc::clone(&catalog), wake.clone(), message_bytes_max);
        let dispatcher = Dispatcher::new(Setup {
            tools,
            catalog: Arc::clone(&catalog),
            wake: wake.clone(),
            board: board.clone(),
            handout: handout.clone(),
            client,
            broker: edge.as_ref().map(Edge::client),
            places: config.dispatch.in_flight_total,
            in_flight_bytes_max: config.dispatch.in_flight_bytes_max,
            message_bytes_max,
            grace: config.http.shutdown_grace,
        });
        let janitor = Janitor {
            ledger: ledger.clone(),
            wake: wake.clone(),
            clock: clock.clone(),
            rounds: Rounds {
                every: config.retention.sweep_every,
                batch: config.retention.sweep_max,
                keep_completed: config.retention.completed,
                outcome_deadline: config.outcomes.deadline,
                keep_events: KEEP_EVENTS,
            },
        };
        let historian = Historian::new(ledger.clone(), metrics.figures.clone(), board.clone(), clock.clone());
        let intake = Intake::new(Arc::clone(&catalog), ledger.clone(), wake.clone(), clock.clone(), metrics.clone());
        let intake = intake.reserving(&config.notices.source);
        let consumers = edge.as_ref().map(|edge| broker::Doors {
            intake: intake.clone(),
            ledger: ledger.clone(),
            catalog: Arc::clone(&catalog),
            board: board.clone(),
            wake: wake.clone(),
            clock: clock.clone(),
            bounds: config.limits,
            link: edge.consume.clone(),
            publisher: edge.publisher.clone(),
            figures: edge.figures.clone(),
        });
        let doors = http::App::new(http::Parts {
            intake,
            ledger: ledger.clone(),
            catalog: Arc::clone(&catalog),
            reloads: Some(reloads.clone()),
            board: board.clone(),
            broker: view,
            handout,
            wake,
            clock: clock.clone(),
            keys,
            metrics: metrics.clone(),
            registry: Arc::new(registry),
            settings: http::Settings {
                bounds: config.limits,
                body_read_timeout: config.http.body_timeout,
                metrics_open: config.metrics.open,
                statistics: parts::terms(&config),
                samples: Some(root.join(SAMPLES)),
                ..http::Settings::default()
            },
            closing: stops.doors.clone(),
        });
        let pages = Dashboard::new(doors.clone(), parts::dashboard_settings(&config, groups, provider));
        let router = http::router(doors).merge(dashboard::router(pages));
        let server = http::Server {
            connections_max: config.http.connections_max,
            header_read_timeout: config.http.header_timeout,
            drain_timeout: config.http.shutdown_grace,
            connections: metrics.connections.clone(),
            ..http::Server::default()
        };

        let at_broker = edge.zip(consumers).map(|(edge, doors)| edge.start(doors, &catalog, &reloads, &stops));
        let (at_broker, keeping) = at_broker.unzip();
        let reading = clock.clone();
        let mut tasks = Tasks {
            dispatcher: tokio::spawn(dispatcher.run(reloads.subscribe(), stops.work.clone())),
            historian: tokio::spawn(historian.run(stops.upkeep.clone())),
            upkeep: vec![
                tokio::spawn(janitor.run(stops.upkeep.clone())),
                tokio::spawn(alarms.run(stops.upkeep.clone())),
                tokio::spawn(follow::record_disclosures(Arc::clone(&catalog), ledger.clone(), reloads.subscribe())),
                tokio::spawn(follow::count_reloads(Arc::clone(&catalog), metrics, reloads.subscribe())),
                tokio::spawn(watcher.run(move || reading.now(), stops.upkeep.clone())),
            ],
            broker: at_broker,
            server: server.start(listener, router, stops.doors.clone()),
        };
        tasks.upkeep.extend(keeping.into_iter().flatten());
        tasks.upkeep.extend(postman.map(|postman| tokio::spawn(postman.run())));
        info!(%address, revision = catalog.load().revision, "listening");
        let grace = config.http.shutdown_grace;
        Ok(Self { address, ledger, board, catalog, reloads, stops, tasks, grace })
    }

    /// Where it listens; the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The board.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The deployment in force.
    pub fn catalog(&self) -> &Current {
        &self.catalog
    }

    /// Takes up a changed deployment at once.
    pub fn reload(&self) {
        self.reloads.reload_now();
    }

    /// Stops in order. What is running gets the grace period; what does not finish is offered again at the next start.
    pub async fn stop(self) {
        info!("stopping: nothing new comes in");
        self.stops.doors.cancel();
        self.stops.work.cancel();
        // Both have their own deadline; the margin is for the commits in between.
        let margin = self.grace + Duration::from_secs(10);
        let (doors, publish) = self.tasks.broker.map(|broker| (broker.doors, broker.publish)).unzip();
        let ends = |what, task| async move {
            if tokio::time::timeout(margin, task).await.is_err() {
                warn!(what, "did not stop in time");
            }
        };
        ends("server", self.tasks.server).await;
        if let Some(doors) = doors {
            ends("broker", doors).await;
        }
        ends("dispatcher", self.tasks.dispatcher).await;
        // Receipts and deliveries are through: nobody publishes any more.
        self.stops.broker.cancel();
        if let Some(publish) = publish {
            ends("publisher", publish).await;
        }
        self.stops.upkeep.cancel();
        // What was watched of this minute is written, now that nothing happens any more.
        if tokio::time::timeout(LAST_CUT, self.tasks.historian).await.is_err() {
            warn!("the last minute of the history was not written in time");
        }
        for task in self.tasks.upkeep {
            task.abort();
        }
        self.ledger.close().await;
        info!("stopped");
    }
}

async fn load(root: &Path) -> Result<Current, StartError> {
    let folder = root.to_owned();
    let loaded = tokio::task::spawn_blocking(move || Catalog::load(&folder)).await.map_err(gone)?;
    let loaded = loaded.map_err(StartError::Deployment)?;
    for warning in &loaded.warnings {
        warn!(file = %warning.file.display(), line = warning.line, hint = warning.hint, "{}", warning.what);
    }
    Ok(Arc::new(ArcSwap::from_pointee(loaded.catalog)))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

async fn open(options: Options, notices: Notices) -> Result<Ledger, StartError> {
    Ok(tokio::task::spawn_blocking(move || Ledger::open_telling(options, Some(notices))).await.map_err(gone)??)
}

fn gone(error: tokio::task::JoinError) -> StartError {
    StartError::Client(Box::new(error))
}

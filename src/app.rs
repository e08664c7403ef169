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
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::alarm;
use crate::alarm::post::{Outbox, Postman};
use crate::amqp::topology::{Keep, PlanFault};
use crate::amqp::{self, Figures, Link, Publisher, Role};
use crate::broker;
use crate::catalog::reload::{ReloadState, Reloads, Watcher};
use crate::catalog::{Agency, Catalog, Current, Problem};
use crate::clock::Clock;
use crate::config::{Config, KeyReloader};
use crate::connector::amqp::AmqpClient;
use crate::connector::egress::Egress;
use crate::connector::webhook::{WebhookClient, WebhookTarget};
use crate::dashboard::{self, Dashboard};
use crate::dispatch::deliver::Tools;
use crate::dispatch::{Board, Dispatcher, Handout, Setup};
use crate::history::Historian;
use crate::http;
use crate::http::auth::KeyRing;
use crate::identity::{Groups, Provider};
use crate::intake::Intake;
use crate::janitor::{Janitor, KEEP_EVENTS, Rounds};
use crate::ledger::{Disclosure, Ledger, LedgerError, Notices, OpenError, Options};
use crate::model::agency::TransportKind;
use crate::model::calendar::Calendar;
use crate::statistics::Terms;
use crate::telemetry::Metrics;
use crate::wake::Wake;

mod notices;

/// How long the exchange with the receiver of alarms may take.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(15);

/// See [`Options::young_max`]: some ten megabytes.
const YOUNG_MAX: usize = 65_536;
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
    /// What consumes from the broker, and what keeps the connection that publishes.
    broker: Option<(JoinHandle<()>, JoinHandle<()>)>,
    historian: JoinHandle<()>,
    upkeep: Vec<JoinHandle<()>>,
}

/// Both connections to the broker, before they are made.
struct Edge {
    publisher: Publisher,
    consume: Link,
    figures: Figures,
}

impl Edge {
    fn new(settings: amqp::Settings) -> Self {
        let (settings, figures) = (Arc::new(settings), Figures::default());
        let publisher = Publisher::new(Link::new(Role::Publish, Arc::clone(&settings)), figures.clone());
        Self { publisher, consume: Link::new(Role::Consume, settings), figures }
    }

    fn view(&self) -> amqp::View {
        amqp::View {
            publish: self.publisher.link().status().clone(),
            consume: self.consume.status().clone(),
            figures: self.figures.clone(),
        }
    }
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
        follow(&metrics, &catalog.load());
        let (wake, board, keys) = (Wake::new(), Board::new(), KeyRing::new(&config.auth.keys));
        let (groups, provider) = (Groups::new(&config.auth.groups), provider(&config)?);
        let telling = notices::notices(&config.notices.source, &catalog, &wake, &metrics);
        let ledger = open(options(&config), telling).await?;
        ledger.register_disclosures(disclosures(&catalog.load())).await?;
        let (counting, bell) = (metrics.clone(), wake.clone());
        ledger.each_commit(move |commit| counting.commit(commit.took, commit.operations));
        ledger.when_unheard(move |agency| bell.ring([agency]));

        let stops = Stops::default();

        let watcher = watcher(&root, &config, config_file, &catalog, (&keys, &groups), &clock);
        let reloads = watcher.reloads();
        let client = WebhookClient::new(Egress { deny: config.egress.deny.clone() })
            .map_err(|error| StartError::Client(Box::new(error)))?;
        let edge = config.amqp.settings().map(Edge::new);
        let plan = edge.as_ref().map(|_| broker::plan::plan(&config.amqp, &catalog.load())).transpose()?;
        if edge.is_none() {
            warn_of_no_broker(&catalog.load());
        }
        let view = edge.as_ref().map(Edge::view);
        let (outbox, postman) = alarm_post(&config, &client, &clock).unzip();
        let alarms = alarm::Watch {
            ledger: ledger.clone(),
            catalog: Arc::clone(&catalog),
            board: board.clone(),
            reloads: reloads.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            limits: alarm_limits(&config),
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
            broker: edge.as_ref().map(|edge| AmqpClient::new(edge.publisher.clone())),
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
                statistics: terms(&config),
                samples: Some(root.join(SAMPLES)),
                ..http::Settings::default()
            },
            closing: stops.doors.clone(),
        });
        let pages = Dashboard::new(doors.clone(), dashboard_settings(&config, groups, provider));
        let router = http::router(doors).merge(dashboard::router(pages));
        let server = http::Server {
            connections_max: config.http.connections_max,
            header_read_timeout: config.http.header_timeout,
            drain_timeout: config.http.shutdown_grace,
            connections: metrics.connections.clone(),
            ..http::Server::default()
        };

        let links = edge.as_ref().map(|edge| (edge.publisher.link().clone(), edge.consume.clone()));
        let reading = clock.clone();
        let mut tasks = Tasks {
            dispatcher: tokio::spawn(dispatcher.run(reloads.subscribe(), stops.work.clone())),
            historian: tokio::spawn(historian.run(stops.upkeep.clone())),
            upkeep: vec![
                tokio::spawn(janitor.run(stops.upkeep.clone())),
                tokio::spawn(alarms.run(stops.upkeep.clone())),
                tokio::spawn(record_disclosures(Arc::clone(&catalog), ledger.clone(), reloads.subscribe())),
                tokio::spawn(count_reloads(Arc::clone(&catalog), metrics, reloads.subscribe())),
                tokio::spawn(watcher.run(move || reading.now(), stops.upkeep.clone())),
            ],
            broker: edge.zip(consumers).map(|(edge, doors)| {
                let publish = edge.publisher.link().clone().run(stops.broker.clone());
                (tokio::spawn(doors.run(stops.doors.clone())), tokio::spawn(publish))
            }),
            server: server.start(listener, router, stops.doors.clone()),
        };
        if let (Some((publish, consume)), Some(plan)) = (links, plan) {
            let (plans, latest) = watch::channel(Arc::new(plan));
            let keep = Keep::new(consume, publish.status().clone(), latest);
            tasks.upkeep.push(tokio::spawn(keep.run(stops.upkeep.clone())));
            let follow = broker::plan::follow(config.amqp.clone(), Arc::clone(&catalog), reloads.subscribe(), plans);
            tasks.upkeep.push(tokio::spawn(follow));
        }
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
        let (doors, publish) = self.tasks.broker.unzip();
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

fn options(config: &Config) -> Options {
    let store = &config.store;
    Options {
        folder: store.path.clone(),
        batch_max: store.batch_max,
        gather: store.gather,
        disk_floor_bytes: store.disk_floor_bytes,
        page_max: store.page_max,
        lane_rows_max: store.lane_rows_max,
        stuck_max: store.stuck_max,
        young_max: YOUNG_MAX,
        calendar: Calendar::new(config.statistics.zone.clone()),
    }
}

/// The way out for notices of alarms, where there is an address for them.
fn alarm_post(config: &Config, client: &WebhookClient, clock: &Clock) -> Option<(Outbox, Postman)> {
    let url = config.alarms.url.clone()?;
    let secrets = config.alarms.secret.iter().cloned().collect();
    let connector = client.connector(WebhookTarget { url, secrets, timeout: NOTICE_TIMEOUT });
    Some(Postman::new(Arc::new(connector), clock.clone()))
}

/// The identity provider, where there is one. It is not asked yet.
fn provider(config: &Config) -> Result<Option<Provider>, StartError> {
    let settings = config.oidc.settings().map_err(|faults| StartError::Identity(faults.all()))?;
    settings.map(Provider::new).transpose().map_err(|error| StartError::Client(Box::new(error)))
}

fn dashboard_settings(config: &Config, groups: Groups, provider: Option<Provider>) -> dashboard::Settings {
    let pages = &config.dashboard;
    dashboard::Settings {
        lasting: dashboard::Lasting {
            idle: pages.session_idle,
            whole: pages.session_whole,
            sessions_max: pages.sessions_max,
        },
        tries: dashboard::Tries {
            per_address: pages.sign_in_failures,
            in_all: pages.sign_in_failures_total,
            within: pages.sign_in_within,
        },
        https: pages.https,
        proxies: pages.proxies.clone(),
        config: config.shown(),
        groups,
        provider: provider.map(Arc::new),
    }
}

fn terms(config: &Config) -> Terms {
    let statistics = &config.statistics;
    let (open, small_count) = (statistics.open, statistics.small_count as u64);
    Terms { open, small_count, licence: statistics.licence.clone() }
}

fn alarm_limits(config: &Config) -> alarm::Limits {
    let alarms = &config.alarms;
    alarm::Limits {
        every: alarms.every,
        clear_after: alarms.clear_after,
        oldest_age: alarms.oldest_age,
        circuit_open: alarms.circuit_open,
        parked: alarms.parked as u64,
        dead_per_hour: alarms.dead_per_hour as u64,
        disk_free_bytes: alarms.disk_free_bytes,
        broker_down: alarms.broker_down,
    }
}

/// Agencies that speak AMQP wait where there is no broker; that is said at the start.
fn warn_of_no_broker(catalog: &Catalog) {
    let speaks =
        |agency: &&Arc<Agency>| agency.delivery.as_ref().is_some_and(|rules| rules.transport == TransportKind::Amqp);
    let waiting: Vec<&str> = catalog.agencies().filter(speaks).map(|agency| agency.id.as_str()).collect();
    if !waiting.is_empty() {
        warn!(agencies = waiting.join(" "), "transport = \"amqp\", and [amqp] url is not set: their deliveries wait");
    }
}

/// The watcher looks at the keys first and by themselves: nothing that is wrong elsewhere holds back a revocation.
fn watcher(
    root: &Path,
    config: &Config,
    config_file: Option<PathBuf>,
    catalog: &Current,
    (keys, groups): (&KeyRing, &Groups),
    clock: &Clock,
) -> Watcher {
    let watcher = Watcher::new(root.to_owned(), Arc::clone(catalog), clock.now());
    let Some(file) = config_file else { return watcher };
    let mut reloader = KeyReloader::new(file, config.auth.clone());
    let (ring, groups) = (keys.clone(), groups.clone());
    watcher.each_poll(move || {
        if let Some(auth) = reloader.poll() {
            info!(keys = auth.keys.len(), groups = auth.groups.len(), "keys changed");
            ring.replace(&auth.keys);
            groups.replace(&auth.groups);
        }
    })
}

/// Counts the agencies and types of the deployment in force.
fn follow(metrics: &Metrics, catalog: &Catalog) {
    let receivers = catalog.agencies().filter(|agency| agency.delivery.is_some()).map(|agency| agency.id.clone());
    let types = catalog.schemas.all().map(|schema| schema.ty.clone());
    metrics.follow(receivers, types);
}

/// Counts reloads, and from each that is taken up the agencies and types it has.
async fn count_reloads(catalog: Current, metrics: Metrics, mut reloads: watch::Receiver<ReloadState>) {
    while reloads.changed().await.is_ok() {
        let is_taken_up = reloads.borrow_and_update().refused.is_none();
        metrics.reload(is_taken_up);
        if is_taken_up {
            follow(&metrics, &catalog.load());
        }
    }
}

/// Records the disclosures of every deployment that comes into force.
async fn record_disclosures(catalog: Current, ledger: Ledger, mut reloads: watch::Receiver<ReloadState>) {
    while reloads.changed().await.is_ok() {
        if let Err(error) = ledger.register_disclosures(disclosures(&catalog.load())).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "the disclosures of the new deployment are not recorded yet"
            );
        }
    }
}

fn disclosures(catalog: &Catalog) -> Vec<Disclosure> {
    let of = |agency: &Arc<Agency>| {
        let id = agency.id.clone();
        agency
            .subscriptions
            .iter()
            .map(move |subscription| Disclosure {
                digest: subscription.disclosure,
                agency: id.clone(),
                pattern: subscription.pattern.to_string(),
                fields: subscription.fields.pointers().map(str::to_owned).collect(),
                purpose: subscription.purpose.en.clone(),
                purpose_ar: subscription.purpose.ar.clone(),
                legal_basis: subscription.legal_basis.clone(),
            })
            .collect::<Vec<_>>()
    };
    catalog.agencies().flat_map(of).collect()
}

//! `falaj.toml`: how this bus runs. All of it is optional.
//!
//! G1: every setting stands once, in [`settings`], with its default, its bounds and what it is for; file, environment, command
//! line and the reference are all read from there. G2: flags override the environment, the environment overrides the file. G3: a
//! name that is not known is an error that names the nearest one. G4: keys and groups can be read by themselves, so that no fault
//! elsewhere holds back a revocation. Nothing here opens a port or a store.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::amqp::{Address, Settings};
use crate::identity::{Base, Issuer, Password};
use crate::model::agency::{GroupEntry, KeyEntry};
use crate::model::cloudevents::Bounds;
use crate::model::secret::Secret;
use crate::model::window::Zone;
use crate::telemetry;

mod environment;
mod keys;
mod kind;
mod load;
mod oidc;
mod reference;
mod settings;
mod shown;
#[cfg(test)]
mod tests;

pub use keys::{KeyReloader, Keys, load_keys};
pub use load::Override;
pub use oidc::OidcFaults;
pub use shown::Shown;

/// The file's name, looked for in the current folder where none is given.
pub const FILE: &str = "falaj.toml";

/// How a bus runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The deployment: `schemas/` and `connectors/` stand in it. The folder of the file, else the current one.
    pub root: PathBuf,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// `[http]`.
    pub http: Http,
    /// `[store]`.
    pub store: Store,
    /// `[retention]`.
    pub retention: Retention,
    /// `[limits]`: bounds on what is received.
    pub limits: Bounds,
    /// `[egress]`.
    pub egress: Egress,
    /// `[metrics]`.
    pub metrics: Metrics,
    /// `[telemetry]`: the log and the traces.
    pub telemetry: telemetry::Settings,
    /// `[amqp]`.
    pub amqp: Amqp,
    /// `[outcomes]`.
    pub outcomes: Outcomes,
    /// `[notices]`.
    pub notices: Notices,
    /// `[dispatch]`.
    pub dispatch: Dispatch,
    /// `[alarms]`.
    pub alarms: Alarms,
    /// `[dashboard]`.
    pub dashboard: Dashboard,
    /// `[oidc]`.
    pub oidc: Oidc,
    /// `[statistics]`.
    pub statistics: Statistics,
    /// `[auth]`.
    pub auth: Auth,
}

/// `[http]`: the interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// From connecting, or from the last answer, to the last byte of a request's head.
    pub header_timeout: Duration,
    /// From the head of a request to the last byte of its body.
    pub body_timeout: Duration,
    /// Connections at once.
    pub connections_max: usize,
    /// How long requests and deliveries may go on when the bus is told to stop.
    pub shutdown_grace: Duration,
}

/// `[store]`: the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The data folder.
    pub path: PathBuf,
    /// Operations that may share one commit.
    pub batch_max: usize,
    /// How long a lone operation waits for company.
    pub gather: Duration,
    /// Free disk space, in bytes, below which nothing is accepted any more.
    pub disk_floor_bytes: u64,
    /// Waiting deliveries of one agency that are held in memory.
    pub page_max: usize,
    /// Deliveries of one lane in that page before it spills.
    pub lane_rows_max: usize,
    /// Stuck lanes of one agency beyond which no more of its deliveries are begun.
    pub stuck_max: usize,
}

/// `[retention]`: how long things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Envelopes, and their identities, after they are completed.
    pub completed: Duration,
    /// How often what is older is swept away.
    pub sweep_every: Duration,
    /// Envelopes forgotten in one commit.
    pub sweep_max: usize,
}

/// `[egress]`: where the bus never connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    /// Networks; every resolved address is compared with them.
    pub deny: Vec<IpNet>,
}

/// `[metrics]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Whether `/metrics` may be read without a key.
    pub open: bool,
}

/// `[amqp]`: the broker at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amqp {
    /// Its address; no broker where it is absent. `Debug` shows it without its password.
    pub url: Option<Address>,
    /// A PEM file: the authorities that its certificate may be signed by.
    pub ca: Option<PathBuf>,
    /// A PEM file: Falaj's own certificate.
    pub cert: Option<PathBuf>,
    /// A PEM file: its key.
    pub key: Option<PathBuf>,
    /// How long a connection may be silent.
    pub heartbeat: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the broker may take to confirm a message.
    pub publish_timeout: Duration,
    /// Messages of one queue that are being worked on, in either direction.
    pub in_flight: usize,
    /// Messages that the broker sends ahead.
    pub prefetch: u16,
    /// Deliveries that one agency's queue holds.
    pub messages_max: usize,
    /// Bytes that a queue holds.
    pub bytes_max: u64,
    /// Times that a delivery is offered to an agency's consumers.
    pub offers_max: usize,
}

impl Amqp {
    /// What a connection to the broker needs; `None` where there is no broker.
    pub fn settings(&self) -> Option<Settings> {
        Some(Settings {
            address: self.url.clone()?,
            ca: self.ca.clone(),
            identity: self.cert.clone().zip(self.key.clone()),
            heartbeat: self.heartbeat,
            connect_timeout: self.connect_timeout,
            publish_timeout: self.publish_timeout,
            in_flight: self.in_flight,
            prefetch: self.prefetch,
        })
    }
}

/// `[outcomes]`: what agencies do with what they got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcomes {
    /// How long an outcome may stay open before it counts as unknown.
    pub deadline: Duration,
}

/// `[notices]`: what senders are told of their envelopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices {
    /// Their `source`.
    pub source: String,
}

/// `[dispatch]`: how much is under way at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// Deliveries in flight, all agencies together; one agency holds a quarter of them at most.
    pub in_flight_total: usize,
    /// Bytes of messages in flight.
    pub in_flight_bytes_max: usize,
    /// Bytes of one message after projection, map or template.
    pub message_bytes_max: usize,
}

/// `[alarms]`: what a person is told of, from where on, and where notices go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarms {
    /// Where notices are posted; none are sent where it is absent.
    pub url: Option<String>,
    /// What signs them.
    pub secret: Option<Secret>,
    /// Time between two looks.
    pub every: Duration,
    /// How long a condition must not have held before its alarm is cleared.
    pub clear_after: Duration,
    /// Age of the oldest unfinished delivery of an agency.
    pub oldest_age: Duration,
    /// How long an agency may not answer.
    pub circuit_open: Duration,
    /// Parked lanes of one agency.
    pub parked: usize,
    /// Deliveries to one agency that are given up in an hour.
    pub dead_per_hour: usize,
    /// Free bytes there should be on the store's disk.
    pub disk_free_bytes: u64,
    /// How long the broker may not be as it should be.
    pub broker_down: Duration,
}

/// `[dashboard]`: the pages for operators and agencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    /// After how long without being used a session ends.
    pub session_idle: Duration,
    /// After how long it ends in any case.
    pub session_whole: Duration,
    /// Sessions at once.
    pub sessions_max: usize,
    /// Keys that open nothing from one address, within [`Dashboard::sign_in_within`].
    pub sign_in_failures: usize,
    /// The same from all addresses together; from there on each may fail once.
    pub sign_in_failures_total: usize,
    /// In which time they are counted.
    pub sign_in_within: Duration,
    /// Whether people come by https alone.
    pub https: bool,
    /// Proxies that are believed about whom they speak for.
    pub proxies: Vec<IpNet>,
}

/// `[oidc]`: an identity provider that people sign in to the dashboard with. [`Oidc::settings`] makes one whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Who it is; without it there is none.
    pub issuer: Option<Issuer>,
    /// What it calls this bus.
    pub client_id: Option<String>,
    /// What proves to it that this bus asks.
    pub client_secret: Option<Password>,
    /// The file with that.
    pub client_secret_file: Option<PathBuf>,
    /// Where people open the dashboard.
    pub redirect_base: Option<Base>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim with a person's groups.
    pub groups_claim: String,
    /// The file with the authorities of its certificate.
    pub ca: Option<PathBuf>,
}

/// `[statistics]`: how services are counted, and who may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Whose days and months they are counted by.
    pub zone: Zone,
    /// Whether open data may be read without a key.
    pub open: bool,
    /// Open data leave out counts below this.
    pub small_count: usize,
    /// Under which licence open data are given.
    pub licence: Option<String>,
}

/// `[auth]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auth {
    /// `[[auth.keys]]`: who may call.
    pub keys: Vec<KeyEntry>,
    /// `[[auth.groups]]`: who of the identity provider's people may do what in the dashboard.
    pub groups: Vec<GroupEntry>,
}

impl Config {
    /// The commented reference `falaj.toml`: every setting with its default; parsing it gives the defaults.
    pub fn reference() -> String {
        reference::write()
    }
}

impl Default for Config {
    fn default() -> Self {
        settings::defaults()
    }
}

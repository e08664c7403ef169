//! One connection to the broker, kept: made, watched, made again.
//!
//! The supervisor is the only one who connects. Whoever uses the connection takes it as it is now, with everything timed, and finds
//! another one after it was lost; nothing that stood on the old one is carried over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::tcp::AsyncTcpStream;
use lapin::types::LongString;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism};
use lapin::{Connection, ConnectionProperties, Event};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::settings::Settings;
use super::state::{State, Status};
use super::{fault, tls};

/// The first wait after a failed or lost connection; it doubles.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest one.
const BACKOFF_MAX: Duration = Duration::from_secs(15);
/// A connection that lasted for so long begins the waits anew.
const LASTED: Duration = Duration::from_secs(10);
/// How often a connection is looked at of which nothing is heard.
const LOOK: Duration = Duration::from_millis(500);
/// How long somebody waits until what must be there has been looked for.
pub(super) const LOOK_MAX: Duration = Duration::from_secs(20);
/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(2);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Deliveries, receipts and problems go out.
    Publish,
    /// Envelopes, outcomes and rejections come in.
    Consume,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Publish, Self::Consume];

    /// The word used in JSON, metrics and the broker's own lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}

/// A kept connection. Clones share it.
#[derive(Debug, Clone)]
pub struct Link(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    role: Role,
    settings: Arc<Settings>,
    status: Status,
    live: watch::Sender<Option<Live>>,
    looked: watch::Sender<Looked>,
}

/// When the broker was last looked at for what must be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Looked {
    /// Over which connection.
    epoch: u64,
    /// Rises with every look.
    count: u64,
}

/// The connection as it is now.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// Rises with every connection.
    pub(super) epoch: u64,
    pub(super) connection: Arc<Connection>,
}

impl Link {
    /// A link that is not connected yet; [`Link::run`] keeps it.
    pub fn new(role: Role, settings: Arc<Settings>) -> Self {
        Self(Arc::new(Shared {
            role,
            settings,
            status: Status::new(),
            live: watch::Sender::new(None),
            looked: watch::Sender::default(),
        }))
    }

    /// What it is for.
    pub fn role(&self) -> Role {
        self.0.role
    }

    /// How the broker is reached.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.0.settings
    }

    /// How it stands.
    pub fn status(&self) -> &Status {
        &self.0.status
    }

    /// The connection, if there is one.
    pub(super) fn live(&self) -> Option<Live> {
        self.0.live.borrow().clone()
    }

    /// Waits for a connection.
    pub(super) async fn connected(&self) -> Live {
        let mut live = self.0.live.subscribe();
        match live.wait_for(Option::is_some).await.map(|live| live.clone()) {
            Ok(Some(live)) => live,
            // The sender is kept by this very handle.
            _ => std::future::pending().await,
        }
    }

    /// Waits for another connection than that of this epoch.
    pub(super) async fn other_than(&self, epoch: u64) {
        let mut live = self.0.live.subscribe();
        let other = live.wait_for(|live| live.as_ref().is_some_and(|live| live.epoch != epoch)).await.is_ok();
        if !other {
            // The sender is kept by this very handle.
            std::future::pending::<()>().await;
        }
    }

    /// What must be there was looked for over the connection of this epoch, and made where it could be.
    pub(super) fn look(&self, epoch: u64) {
        self.0.looked.send_modify(|looked| *looked = Looked { epoch, count: looked.count + 1 });
    }

    /// Waits until that was done once for the connection of this epoch, but not for ever.
    pub(super) async fn looked_over(&self, epoch: u64) {
        let mut looked = self.0.looked.subscribe();
        let _in_time = timeout(LOOK_MAX, looked.wait_for(|looked| looked.epoch >= epoch)).await.is_ok();
    }

    /// Waits until it is done the next time, but not for ever.
    pub(super) async fn next_look(&self) {
        let mut looked = self.0.looked.subscribe();
        let before = looked.borrow_and_update().count;
        let _in_time = timeout(LOOK_MAX, looked.wait_for(|looked| looked.count > before)).await.is_ok();
    }

    /// Keeps the connection until the stop, and closes it then.
    pub async fn run(self, stop: CancellationToken) {
        let (mut wait, mut epoch) = (BACKOFF, 0);
        loop {
            let connection = tokio::select! {
                () = stop.cancelled() => break,
                made = connect(&self.0.settings, format!("falaj {}", self.0.role.as_str())) => made,
            };
            match connection {
                Ok(connection) => {
                    epoch += 1;
                    let begun = Instant::now();
                    let stopped = self.hold(Live { epoch, connection: Arc::new(connection) }, &stop).await;
                    if stopped {
                        break;
                    }
                    if begun.elapsed() >= LASTED {
                        wait = BACKOFF;
                    }
                }
                Err((state, what)) => self.comes_to(state, Some(what)),
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(jittered(wait)) => wait = (wait * 2).min(BACKOFF_MAX),
            }
        }
        self.0.status.set(State::Closed, Some("stopped".to_owned()));
    }

    /// Says once what state it has come to.
    fn comes_to(&self, state: State, what: Option<String>) {
        let (role, broker) = (self.0.role.as_str(), &self.0.settings.address);
        let detail = what.as_deref().unwrap_or("");
        if !self.0.status.set(state, what.clone()) {
            return;
        }
        match state {
            State::Connected => info!(role, %broker, "connected to the broker"),
            state => warn!(role, %broker, state = state.as_str(), detail, "the broker is not there as it should be"),
        }
    }

    /// Watches a connection until it is lost or the stop comes; returns whether it was the stop.
    async fn hold(&self, live: Live, stop: &CancellationToken) -> bool {
        let connection = Arc::clone(&live.connection);
        let mut events = Box::pin(connection.events_listener());
        self.0.live.send_replace(Some(live));
        let blocked = connection.status().blocked();
        self.comes_to(if blocked { State::Blocked } else { State::Connected }, None);
        let mut last = None;
        let stopped = loop {
            let event = tokio::select! {
                () = stop.cancelled() => break true,
                event = events.next() => event,
                () = tokio::time::sleep(LOOK) => None,
            };
            match event {
                Some(Event::ConnectionBlocked(reason)) => self.comes_to(State::Blocked, Some(resource(&reason))),
                Some(Event::ConnectionUnblocked) => self.comes_to(State::Connected, None),
                // It may be about a channel alone.
                Some(Event::Error(error)) => last = Some(error),
                _ => {}
            }
            if !connection.status().connected() {
                break false;
            }
        };
        self.0.live.send_replace(None);
        if stopped {
            // What cannot be closed in order ends with the process.
            let _closed = timeout(CLOSING, connection.close(200, "stopping".into())).await;
        } else {
            let (state, what) = last.map_or((State::Closed, "closed".to_owned()), |e| fault::of_connection(&e));
            // A connection that stood once and is refused now was closed for a reason that the next one will tell.
            let state = if state == State::Unreachable { State::Closed } else { state };
            self.comes_to(state, Some(what));
        }
        stopped
    }
}

/// Makes a connection that has this name at the broker, or says why not.
pub(super) async fn connect(settings: &Arc<Settings>, name: String) -> Result<Connection, (State, String)> {
    let settings = Arc::clone(settings);
    let limit = settings.connect_timeout;
    let properties = ConnectionProperties::default().with_connection_name(LongString::from(name));
    let runtime = lapin::runtime::default_runtime().map_err(|error| fault::of_connection(&error))?;
    let made = Connection::connector(
        uri(&settings),
        runtime,
        async move |uri, runtime| {
            let stream = async {
                let places: Vec<_> =
                    tokio::net::lookup_host((uri.authority.host.as_str(), uri.authority.port)).await?.collect();
                let stream = AsyncTcpStream::connect(&runtime, places).await?;
                match uri.scheme {
                    AMQPScheme::AMQP => Ok(stream),
                    AMQPScheme::AMQPS => stream.into_rustls(&tls::connector(&settings)?, &uri.authority.host).await,
                }
            };
            // The library goes on with an attempt that nobody waits for; it ends by itself.
            let timed = timeout(limit, stream).await;
            Ok(timed.unwrap_or_else(|_elapsed| Err(std::io::ErrorKind::TimedOut.into()))?)
        },
        properties,
    );
    match timeout(limit, made).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(fault::of_connection(&error)),
        Err(_elapsed) => Err((State::Unreachable, fault::TIMEOUT.to_owned())),
    }
}

/// The address as the library wants it.
fn uri(settings: &Settings) -> AMQPUri {
    let address = &settings.address;
    let external = address.user.is_none() && settings.identity.is_some();
    let heartbeat = u16::try_from(settings.heartbeat.as_secs()).unwrap_or(u16::MAX);
    AMQPUri {
        scheme: if address.tls { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: address.user.clone().unwrap_or_default(),
                password: address.password.clone().unwrap_or_default(),
            },
            host: address.host.clone(),
            port: address.port,
        },
        vhost: address.vhost.clone(),
        query: AMQPQueryString {
            heartbeat: Some(heartbeat),
            auth_mechanism: external.then_some(SASLMechanism::External),
            ..AMQPQueryString::default()
        },
    }
}

/// What the broker is short of; of its own words only what is known.
fn resource(reason: &str) -> String {
    let known = ["memory", "disk"].into_iter().find(|known| reason.contains(known));
    known.unwrap_or("a resource").to_owned()
}

/// Half of a wait to all of it, so that not everybody comes at once.
fn jittered(wait: Duration) -> Duration {
    let mut bits = [0_u8; 2];
    match aws_lc_rs::rand::fill(&mut bits) {
        Ok(()) => wait / 2 + (wait / 2).mul_f64(f64::from(u16::from_le_bytes(bits)) / f64::from(u16::MAX)),
        Err(_) => wait,
    }
}

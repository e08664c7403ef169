//! An agency's end of a webhook: a real HTTP server that verifies, remembers, and reacts as the test says.
//!
//! It is built on hyper alone and shares nothing with the bus, so that no error can cancel itself out.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::log::{Arrival, End, Log};
use super::signature;
use super::wait::{DEADLINE, until};

/// The largest request that is read.
const BODY_BYTES_MAX: usize = 4 << 20;

/// What a reaction may depend on.
#[derive(Debug, Clone)]
pub struct Request {
    /// `webhook-id`.
    pub webhook_id: String,
    /// CloudEvents `id`.
    pub event_id: String,
    /// How often this `webhook-id` has come, from 1.
    pub nth: u32,
}

/// What the receiver does with a request.
#[derive(Debug, Clone, Copy)]
pub enum Reaction {
    /// Answers this status at once.
    Status(u16),
    /// Answers this status after a while.
    Late(Duration, u16),
    /// Answers 503 with this `Retry-After` in seconds.
    Throttle(u32),
    /// Answers 200 when [`Receiver::release`] is called, at once if it was called before.
    Hold,
    /// Closes the connection without an answer.
    Close,
}

type React = dyn Fn(&Request) -> Reaction + Send + Sync;

/// A receiver; dropping it closes it.
#[derive(Debug)]
pub struct Receiver {
    /// The agency it stands for.
    pub agency: String,
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    ear: Mutex<Ear>,
}

/// Whether it accepts connections, or lets them queue in the kernel.
#[derive(Debug)]
enum Ear {
    Open(JoinHandle<()>),
    Deaf(#[expect(dead_code, reason = "held open, so that connections queue")] TcpListener),
    Closed,
}

struct Shared {
    secret: String,
    log: Mutex<Log>,
    version: watch::Sender<u64>,
    released: watch::Sender<bool>,
    react: Mutex<Arc<React>>,
    unplugged: AtomicBool,
    /// The far ports of the connections that are open.
    peers: Mutex<HashSet<u16>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("peers", &self.peers).finish_non_exhaustive()
    }
}

/// An address of this machine that nobody else uses: a port of it stays free for whoever left it, and refuses meanwhile. A port of the
/// common address is soon somebody else's, who may even answer.
pub fn host() -> Ipv4Addr {
    static NUMBER: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 1 + NUMBER.fetch_add(1, Ordering::Relaxed) % 254, high, low)
}

impl Receiver {
    /// Listens on a free port and answers 200 to all.
    pub async fn start(agency: &str, secret: &str) -> Self {
        let listener = TcpListener::bind((host(), 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            secret: secret.to_owned(),
            log: Mutex::default(),
            version: watch::Sender::new(0),
            released: watch::Sender::new(false),
            react: Mutex::new(Arc::new(|_: &Request| Reaction::Status(200))),
            unplugged: AtomicBool::new(false),
            peers: Mutex::default(),
        });
        let ear = Mutex::new(Ear::Open(tokio::spawn(accept(listener, Arc::clone(&shared)))));
        Self { agency: agency.to_owned(), addr, shared, ear }
    }

    /// Where the bus should post.
    pub fn url(&self) -> String {
        format!("http://{}/falaj", self.addr)
    }

    /// Reacts so from now on.
    pub fn react(&self, react: impl Fn(&Request) -> Reaction + Send + Sync + 'static) {
        *lock(&self.shared.react) = Arc::new(react);
    }

    /// Answers what is held, and holds nothing any more.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// What it has seen.
    pub fn log(&self) -> Log {
        lock(&self.shared.log).clone()
    }

    /// Looks at what it has seen, without copying it.
    pub fn look<T>(&self, look: impl FnOnce(&Log) -> T) -> T {
        look(&lock(&self.shared.log))
    }

    /// Waits until the log shows something; returns what `look` found.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Log) -> Option<T>) -> T {
        let mut version = self.shared.version.subscribe();
        let seen = async {
            loop {
                version.borrow_and_update();
                if let Some(found) = look(&lock(&self.shared.log)) {
                    return found;
                }
                version.changed().await.expect("the receiver lives");
            }
        };
        match tokio::time::timeout(DEADLINE, seen).await {
            Ok(found) => found,
            Err(_) => panic!("agency {}: waited {DEADLINE:?} in vain: {what}; log: {:#?}", self.agency, self.log()),
        }
    }

    /// Waits for the `count`-th arrival, counted from 1, and returns it.
    pub async fn arrival(&self, count: usize) -> Arrival {
        self.until(&format!("arrival {count}"), |log| log.arrivals.get(count - 1).cloned()).await
    }

    /// Pulls its network cable, or puts it back: what comes meanwhile is neither seen nor answered.
    pub fn unplug(&self, unplugged: bool) {
        self.shared.unplugged.store(unplugged, Ordering::SeqCst);
    }

    /// Lets connections queue in the kernel from now on: they are made, and nobody reads them.
    pub async fn deafen(&self) {
        self.hang_up().await;
        let listener = TcpListener::bind(self.addr).await.expect("its own port is free again");
        *lock(&self.ear) = Ear::Deaf(listener);
    }

    /// Closes every connection and refuses new ones.
    pub async fn hang_up(&self) {
        let ear = std::mem::replace(&mut *lock(&self.ear), Ear::Closed);
        if let Ear::Open(task) = ear {
            task.abort();
            let _aborted = task.await;
        }
        until("the receiver's connections are closed", DEADLINE, || (self.connections() == 0).then_some(())).await;
    }

    /// Accepts connections again. Those that queued meanwhile are reset, unread.
    pub async fn hear(&self) {
        self.hang_up().await;
        let listener = TcpListener::bind(self.addr).await.expect("its own port is free again");
        *lock(&self.ear) = Ear::Open(tokio::spawn(accept(listener, Arc::clone(&self.shared))));
    }

    /// Waits until everything that a dead bus had sent has been read or thrown away, so that none of it is seen after what the
    /// next bus sends.
    pub async fn settle_connections(&self) {
        // Connections are accepted in order: once this one is, those of the dead bus have been.
        let barrier = TcpStream::connect(self.addr).await.expect("the receiver listens");
        let port = barrier.local_addr().expect("connected").port();
        until("the barrier is accepted", DEADLINE, || lock(&self.shared.peers).contains(&port).then_some(())).await;
        drop(barrier);
        until("connections of the dead bus are closed", DEADLINE, || (self.connections() == 0).then_some(())).await;
    }

    fn connections(&self) -> usize {
        lock(&self.shared.peers).len()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Ear::Open(task) = &*lock(&self.ear) {
            task.abort();
        }
    }
}

/// A connection is listed for as long as it lives.
struct Peer {
    shared: Arc<Shared>,
    port: u16,
}

impl Drop for Peer {
    fn drop(&mut self) {
        lock(&self.shared.peers).remove(&self.port);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, from)) = listener.accept().await else { continue };
        lock(&shared.peers).insert(from.port());
        let peer = Peer { shared: Arc::clone(&shared), port: from.port() };
        connections.spawn(async move {
            let service = service_fn(|request| receive(Arc::clone(&peer.shared), request));
            let _either_side_closed =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct ClosedOnPurpose;

/// Notes the end of an arrival, also when the connection goes and this future with it.
struct Open {
    shared: Arc<Shared>,
    number: usize,
    end: End,
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.shared.log).end(self.number, self.end);
        self.shared.version.send_modify(|version| *version += 1);
    }
}

async fn receive(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, ClosedOnPurpose> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(Body::new(body), BODY_BYTES_MAX).await else {
        // The bus died while it was writing: nothing has arrived.
        return Err(ClosedOnPurpose);
    };
    if shared.unplugged.load(Ordering::SeqCst) {
        // Until the bus closes the connection.
        std::future::pending::<()>().await;
    }
    let headers: HashMap<&str, &str> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?"))).collect();
    let arrival = match read(&shared.secret, &headers, &body) {
        Ok(arrival) => arrival,
        Err(fault) => {
            lock(&shared.log).faults.push(fault);
            shared.version.send_modify(|version| *version += 1);
            return Ok(answer(401));
        }
    };
    let (mut seen, react) = (
        Request { webhook_id: arrival.webhook_id.clone(), event_id: arrival.event_id.clone(), nth: 0 },
        Arc::clone(&lock(&shared.react)),
    );
    let (number, nth) = lock(&shared.log).begin(arrival);
    seen.nth = nth;
    let mut open = Open { shared: Arc::clone(&shared), number, end: End::Cut };
    shared.version.send_modify(|version| *version += 1);
    let (status, retry_after) = match react(&seen) {
        Reaction::Status(status) => (status, None),
        Reaction::Late(wait, status) => {
            tokio::time::sleep(wait).await;
            (status, None)
        }
        Reaction::Throttle(seconds) => (503, Some(seconds)),
        Reaction::Hold => {
            let mut released = shared.released.subscribe();
            let _lives_as_long_as_we = released.wait_for(|released| *released).await;
            (200, None)
        }
        Reaction::Close => {
            open.end = End::Closed;
            return Err(ClosedOnPurpose);
        }
    };
    open.end = End::Answered(status);
    let mut answer = answer(status);
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert("retry-after", seconds.into());
    }
    Ok(answer)
}

/// Reads a structured CloudEvent with the headers every delivery has, or says what is wrong with it.
fn read(secret: &str, headers: &HashMap<&str, &str>, body: &[u8]) -> Result<Arrival, String> {
    let header = |name: &str| headers.get(name).copied().ok_or_else(|| format!("the header {name} is missing"));
    let webhook_id = header("webhook-id")?.to_owned();
    if let Some(fault) =
        signature::fault(secret, &webhook_id, header("webhook-timestamp")?, header("webhook-signature")?, body)
    {
        return Err(fault);
    }
    let number = |name: &str| -> Result<u64, String> {
        header(name)?.parse().map_err(|_| format!("{name} is no number: {:?}", headers.get(name)))
    };
    let event: Value = serde_json::from_slice(body).map_err(|fault| format!("the body is no JSON: {fault}"))?;
    let attribute = |name: &str| {
        event[name].as_str().map(str::to_owned).ok_or_else(|| format!("the event of {webhook_id} has no {name}"))
    };
    Ok(Arrival {
        sequence: number("falaj-sequence")?,
        attempt: u32::try_from(number("falaj-attempt")?).map_err(|_| "falaj-attempt is huge".to_owned())?,
        gap: headers.get("falaj-gap").map(|gap| (*gap).to_owned()),
        subject: attribute("subject")?,
        event_id: attribute("id")?,
        webhook_id,
        event,
        trace: ["traceparent", "tracestate"].map(|name| headers.get(name).map(|text| (*text).to_owned())).into(),
        began: 0,
        ended: None,
    })
}

fn answer(status: u16) -> hyper::Response<Body> {
    hyper::Response::builder().status(status).body(Body::empty()).expect("a status between 200 and 599")
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

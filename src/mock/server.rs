//! Connections and routes of a mock agency.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::MockHandle;
use super::behaviour::{Behaviour, Change};
use super::book::{Line, Stats};
use super::receive::{Cut, Shared};
use crate::clock::Clock;
use crate::connector::secret::Secret;

/// How long running answers may take when it stops.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECTIONS_MAX: usize = 4_096;
const BODY_BYTES_MAX: usize = 16 << 20;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The wait after an accept that failed (no file handles left, as a rule).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a mock agency is set up.
#[derive(Debug, Clone)]
pub struct MockOptions {
    /// Begins the references it gives out.
    pub agency: String,
    /// Any of them verifies a signature. Without one, everything is taken unsigned.
    pub secrets: Vec<Secret>,
    /// What it does at first.
    pub behaviour: Behaviour,
    /// How long it cuts every connection at first.
    pub down_for: Duration,
    /// How many messages, and how many lanes, it remembers.
    pub remember_max: usize,
    /// Who wants to hear of each request. A slow listener slows the agency down.
    pub lines: Option<mpsc::Sender<Line>>,
    /// Where it gets the time from (for signatures).
    pub clock: Clock,
}

impl Default for MockOptions {
    fn default() -> Self {
        Self {
            agency: "mock".to_owned(),
            secrets: Vec::new(),
            behaviour: Behaviour::default(),
            down_for: Duration::ZERO,
            remember_max: 1_000_000,
            lines: None,
            clock: Clock::system(),
        }
    }
}

/// The mock agency.
#[derive(Debug)]
pub struct Mock;

impl Mock {
    /// Starts one; port 0 takes a free one, see [`MockHandle::addr`]. It runs until the handle is dropped or stopped.
    pub async fn start(addr: SocketAddr, options: MockOptions) -> io::Result<MockHandle> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (stop, connections) = (CancellationToken::new(), TaskTracker::new());
        let shared = Arc::new(Shared::new(options));
        let host = Host { router: router(&shared), shared: Arc::clone(&shared), stop: stop.clone() };
        connections.spawn(accept(listener, host, connections.clone()));
        Ok(MockHandle { addr, shared, stop, connections })
    }
}

#[derive(Debug, Clone)]
struct Host {
    router: Router,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut on purpose")]
struct OnPurpose;

fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/stats", get(stats))
        .route("/control", get(behaviour).post(control))
        .fallback_service(post(receive).with_state(Arc::clone(shared)))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::clone(shared))
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    shared.receive(&headers, &body).await
}

async fn stats(State(shared): State<Arc<Shared>>) -> Json<Stats> {
    Json(shared.stats())
}

async fn behaviour(State(shared): State<Arc<Shared>>) -> Json<Behaviour> {
    Json(shared.behaviour())
}

async fn control(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(change): Json<Change>,
) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        return (StatusCode::FORBIDDEN, "only from this machine").into_response();
    }
    shared.change(change);
    Json(shared.behaviour()).into_response()
}

async fn accept(listener: TcpListener, host: Host, connections: TaskTracker) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.expect("the semaphore is never closed");
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = host.stop.cancelled() => return,
            (permit, accepted) = next => match accepted {
                Ok((stream, peer)) => {
                    let host = host.clone();
                    connections.spawn(async move {
                        serve(stream, peer, host).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, host: Host) {
    // Only latency is lost where it fails.
    let _without = stream.set_nodelay(true);
    let stop = host.stop.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let host = host.clone();
        async move {
            let ours = matches!(request.uri().path(), "/stats" | "/control");
            if host.shared.is_down() && !ours {
                return Err(OnPurpose);
            }
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let Ok(response) = host.router.oneshot(request).await.map_err(|never: Infallible| never);
            if response.extensions().get::<Cut>().is_some() { Err(OnPurpose) } else { Ok(response) }
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A broken connection is the business of the one at the other end.
        _ended = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ended = connection.await;
        }
    }
}

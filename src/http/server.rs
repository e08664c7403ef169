//! The accept loop.
//!
//! S1: connections are bounded: the permit is taken before the connection is. S2: a client that does not send its headers in time
//! is left. S3: stopping is ordered: no new connection, running requests are answered, and what is left at the deadline is cut.
//! S4: a failing accept (no descriptors left) slows the loop down and does not end it.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Rest after a failed accept.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Who stands at the other end of a request's connection: a client, or the proxy before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// How the server serves; all of it comes from the configuration.
#[derive(Debug, Clone)]
pub struct Server {
    /// Connections at once. 4096.
    pub connections_max: usize,
    /// From the first wait for a request to its last header; also how long an idle connection is kept. 30 s.
    pub header_read_timeout: Duration,
    /// Headers of one request. 128: room for 64 attributes in binary mode.
    pub headers_max: usize,
    /// From the order to stop until what still runs is cut. 20 s.
    pub drain_timeout: Duration,
    /// Shows how many connections are open.
    pub connections: Gauge,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            header_read_timeout: Duration::from_secs(30),
            headers_max: 128,
            drain_timeout: Duration::from_secs(20),
            connections: Gauge::default(),
        }
    }
}

/// One connection on the gauge, until it is dropped.
struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Server {
    /// Serves until `stop` is cancelled; the handle ends when the last connection is closed.
    pub fn start(self, listener: TcpListener, router: Router, stop: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(self.run(listener, router, stop))
    }

    async fn run(self, listener: TcpListener, router: Router, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.connections_max));
        let connections = TaskTracker::new();
        let cut = CancellationToken::new();
        loop {
            // Keeps S1.
            let place = tokio::select! {
                () = stop.cancelled() => break,
                place = Arc::clone(&places).acquire_owned() => place.expect("the semaphore is never closed"),
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection =
                        self.clone().serve(stream, Peer(peer.ip()), router.clone(), stop.clone(), cut.clone());
                    let open = Open::new(&self.connections);
                    connections.spawn(async move {
                        connection.await;
                        drop((place, open));
                    });
                }
                Err(error) => {
                    // Keeps S4.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
        drop(listener);
        connections.close();
        if tokio::time::timeout(self.drain_timeout, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections are cut at the end of the grace period");
            cut.cancel();
            connections.wait().await;
        }
    }

    async fn serve(
        self,
        stream: TcpStream,
        peer: Peer,
        router: Router,
        stop: CancellationToken,
        cut: CancellationToken,
    ) {
        // Answers are small and whole: waiting for more to send only costs time. A socket without it still serves.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request.map(Body::new))
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.header_read_timeout).max_headers(self.headers_max);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

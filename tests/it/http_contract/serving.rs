use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use falaj::http::{Server, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::door::{Door, event, key};

const DEADLINE: Duration = Duration::from_secs(20);

struct Served {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

async fn serve(server: Server, router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    Served { address, done: server.start(listener, router, stop.clone()), stop }
}

/// A route that answers when it is told to.
fn slow(release: CancellationToken, entered: CancellationToken) -> Router {
    Router::new().route(
        "/",
        get(|| async move {
            entered.cancel();
            release.cancelled().await;
            "answered"
        }),
    )
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // A connection that is cut has said what it said.
    let _end = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut text)).await.expect("the connection ends");
    text
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn an_envelope_comes_in_over_a_real_connection() {
    let door = Door::open();
    let served = serve(Server::default(), door.router.clone()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let body = event("1", "28400000001");
    let head = format!(
        "POST /v1/envelopes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/cloudevents+json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        key("portal"),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (one, two) = body.split_at(100);
    stream.write_all(one.as_bytes()).await.unwrap();
    tokio::task::yield_now().await;
    stream.write_all(two.as_bytes()).await.unwrap();
    let answer = read_all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    served.stop.cancel();
    served.done.await.unwrap();
}

#[tokio::test]
async fn stopping_answers_what_runs_and_takes_nothing_new() {
    let (release, entered) = (CancellationToken::new(), CancellationToken::new());
    let served = serve(Server::default(), slow(release.clone(), entered.clone())).await;
    let mut running = TcpStream::connect(served.address).await.unwrap();
    let idle = TcpStream::connect(served.address).await.unwrap();
    running.write_all(GET).await.unwrap();
    entered.cancelled().await;
    served.stop.cancel();
    assert_eq!(read_all(idle).await, "", "an idle connection is closed");
    release.cancel();
    assert!(read_all(running).await.ends_with("answered"));
    served.done.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn what_outlives_the_grace_period_is_cut() {
    let (release, entered) = (CancellationToken::new(), CancellationToken::new());
    let server = Server { drain_timeout: Duration::from_millis(50), ..Server::default() };
    let served = serve(server, slow(release, entered.clone())).await;
    let mut running = TcpStream::connect(served.address).await.unwrap();
    running.write_all(GET).await.unwrap();
    entered.cancelled().await;
    served.stop.cancel();
    tokio::time::timeout(DEADLINE, served.done).await.expect("the server ends").unwrap();
    assert_eq!(read_all(running).await, "");
}

#[tokio::test]
async fn a_client_that_dawdles_is_left() {
    let server = Server { header_read_timeout: Duration::from_millis(50), ..Server::default() };
    let settings = Settings { body_read_timeout: Duration::from_millis(50), ..Settings::default() };
    let served = serve(server, Door::with(settings).router.clone()).await;
    let begun = Instant::now();
    let mut headers = TcpStream::connect(served.address).await.unwrap();
    headers.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    read_all(headers).await;
    let mut body = TcpStream::connect(served.address).await.unwrap();
    let head = format!(
        "POST /v1/envelopes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/cloudevents+json\r\n\
         content-length: 100\r\n\r\n{{",
        key("portal")
    );
    body.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(body).await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(begun.elapsed() < DEADLINE);
    served.stop.cancel();
}

#[tokio::test]
async fn connections_are_bounded() {
    let (release, entered) = (CancellationToken::new(), CancellationToken::new());
    let server = Server { connections_max: 1, ..Server::default() };
    let served = serve(server, slow(release.clone(), entered.clone())).await;
    let mut first = TcpStream::connect(served.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    entered.cancelled().await;
    let mut second = TcpStream::connect(served.address).await.unwrap();
    second.write_all(GET).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.read_u8()).await;
    assert!(early.is_err(), "the second connection was served beyond the limit");
    release.cancel();
    assert!(read_all(first).await.ends_with("answered"));
    let byte = tokio::time::timeout(DEADLINE, second.read_u8()).await.expect("its turn comes").unwrap();
    assert_eq!(byte, b'H');
    served.stop.cancel();
}

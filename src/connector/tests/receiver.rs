//! Receivers out of bare sockets, and parcels for them.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::connector::egress::Egress;
use crate::connector::webhook::{Webhook, WebhookClient, WebhookTarget};
use crate::connector::{Connector, Parcel};
use crate::mapping::Message;
use crate::model::delivery::DeliveryKey;
use crate::model::id::{AgencyId, DeliveryId, Seq, Slot};
use crate::model::outcome::Outcome;
use crate::model::time::At;

/// Long enough for anything on one busy machine.
pub(super) const PATIENT: Duration = Duration::from_secs(20);
/// The time of every parcel: Sun, 06 Nov 1994 08:49:30 GMT.
pub(super) const NOW: At = At(784_111_770_000);

/// Listens on a free port and lets `behave` do as it likes with each connection.
pub(super) async fn receiver<F, T>(behave: F) -> SocketAddr
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream));
        }
    });
    addr
}

/// Answers every request on a connection with the same bytes.
pub(super) async fn answers(answer: impl Into<String>) -> SocketAddr {
    let answer: String = answer.into();
    receiver(move |mut stream| {
        let answer = answer.clone();
        async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await
}

/// Reads one request: its head as text and its body. `None` when the other side has closed.
pub(super) async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// A header's value in the text of a head.
pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let pair = |line: &'a str| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
    head.lines().find_map(pair)
}

pub(super) fn parcel() -> Parcel {
    let id = DeliveryId::from_uuid(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001));
    Parcel {
        message: Message {
            content_type: "application/cloudevents+json".to_owned(),
            headers: Vec::new(),
            body: Bytes::from_static(br#"{"specversion":"1.0"}"#),
        },
        webhook_id: id,
        id,
        key: DeliveryKey { agency: AgencyId::parse("moi").unwrap(), seq: Seq(1), slot: Slot(1) },
        attempt: 1,
        sequence: 42,
        gap: None,
        redrive: false,
        trace: None,
        correlation_id: None,
        now: NOW,
    }
}

pub(super) fn target(url: impl Into<String>) -> WebhookTarget {
    WebhookTarget { url: url.into(), secrets: Vec::new(), timeout: PATIENT }
}

pub(super) fn webhook(target: WebhookTarget) -> Webhook {
    WebhookClient::new(Egress::default()).unwrap().connector(target)
}

/// Sends one parcel to an address over http.
pub(super) async fn send_to(addr: SocketAddr) -> Outcome {
    webhook(target(format!("http://{addr}/falaj"))).send(&parcel()).await
}

/// The same, with little patience.
pub(super) async fn send_impatiently(addr: SocketAddr, timeout: Duration) -> Outcome {
    let target = WebhookTarget { timeout, ..target(format!("http://{addr}/falaj")) };
    webhook(target).send(&parcel()).await
}

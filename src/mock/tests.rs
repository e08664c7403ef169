//! The mock agency over real connections, with Falaj's own connector at the other end.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::connector::egress::Egress;
use crate::connector::secret::Secret;
use crate::connector::webhook::{Webhook, WebhookClient, WebhookTarget};
use crate::connector::{Connector, Parcel};
use crate::mapping::Message;
use crate::model::delivery::DeliveryKey;
use crate::model::id::{AgencyId, DeliveryId, Seq, Slot, TypePattern};
use crate::model::outcome::{BusinessOutcome, Class};
use crate::model::time::At;

const NOW: At = At(1_700_000_000_000);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn here() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn mock(options: MockOptions) -> MockHandle {
    let secrets = vec![Secret::parse(SECRET).unwrap()];
    Mock::start(here(), MockOptions { secrets, clock: Clock::manual(NOW), ..options }).await.unwrap()
}

fn webhook(mock: &MockHandle, secret: &str) -> Webhook {
    let secrets = vec![Secret::parse(secret).unwrap()];
    let target = WebhookTarget { url: mock.url(), secrets, timeout: Duration::from_secs(20) };
    WebhookClient::new(Egress::default()).unwrap().connector(target)
}

fn parcel(id: u128, subject: &str, sequence: u64) -> Parcel {
    let body = serde_json::json!({ "specversion": "1.0", "type": "qa.gov.x", "subject": subject });
    Parcel {
        message: Message {
            content_type: "application/cloudevents+json".to_owned(),
            headers: Vec::new(),
            body: Bytes::from(body.to_string()),
        },
        webhook_id: DeliveryId::from_uuid(Uuid::from_u128(id)),
        id: DeliveryId::from_uuid(Uuid::from_u128(id)),
        key: DeliveryKey { agency: AgencyId::parse("moi").unwrap(), seq: Seq(sequence), slot: Slot(1) },
        attempt: 1,
        sequence,
        gap: None,
        redrive: false,
        trace: None,
        correlation_id: None,
        now: NOW,
    }
}

#[tokio::test]
async fn acts_once_and_answers_the_same_again() {
    let mock = mock(MockOptions { agency: "moi".into(), ..MockOptions::default() }).await;
    let webhook = webhook(&mock, SECRET);
    let first = webhook.send(&parcel(1, "a", 1)).await;
    assert_eq!((first.class, first.report.outcome), (Class::Done, Some(BusinessOutcome::Applied)));
    assert!(first.report.reference.as_ref().unwrap().starts_with("moi-"));
    let again = webhook.send(&Parcel { attempt: 2, ..parcel(1, "a", 1) }).await;
    assert_eq!(again.report, first.report);
    let stats = mock.stop().await;
    assert_eq!((stats.received, stats.distinct, stats.repeats, stats.inversions), (2, 1, 1, 0));
    assert_eq!(stats.by_type["qa.gov.x"], 1);
}

#[tokio::test]
async fn turns_away_what_is_not_signed_or_old() {
    let mock = mock(MockOptions::default()).await;
    let other = webhook(&mock, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk=").send(&parcel(1, "a", 1)).await;
    assert_eq!((other.class, other.status), (Class::ConfigurationFault, Some(401)));
    let old = Parcel { now: At(NOW.0 - 301_000), ..parcel(1, "a", 1) };
    assert_eq!(webhook(&mock, SECRET).send(&old).await.status, Some(401));
    let stats = mock.stats();
    assert_eq!((stats.bad_signatures, stats.stale, stats.received, stats.distinct), (1, 1, 0, 0));
}

#[tokio::test]
async fn sees_inversions_in_both_modes() {
    let mock = mock(MockOptions::default()).await;
    let webhook = webhook(&mock, SECRET);
    for (id, subject, sequence) in [(1, "a", 5), (2, "b", 3), (3, "a", 4)] {
        webhook.send(&parcel(id, subject, sequence)).await;
    }
    let mut binary = parcel(4, "", 2);
    binary.message.headers = [("ce-specversion", "1.0"), ("ce-type", "qa.gov.y"), ("ce-partitionkey", "a")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    webhook.send(&binary).await;
    let stats = mock.stats();
    assert_eq!((stats.distinct, stats.inversions, stats.unordered), (4, 2, 0));
    assert_eq!(stats.by_type["qa.gov.y"], 1);
}

#[tokio::test]
async fn fails_loses_refuses_and_goes_down_as_it_is_told() {
    let mock = mock(MockOptions::default()).await;
    let webhook = webhook(&mock, SECRET);
    mock.change(Change { fail: Some(1.0), status: Some(429), retry_after_s: Some(7), ..Change::default() });
    let outcome = webhook.send(&parcel(1, "a", 1)).await;
    assert_eq!((outcome.class, outcome.retry_after), (Class::Throttle, Some(Duration::from_secs(7))));
    assert_eq!(mock.stats().distinct, 0, "a failure is not acted on");

    mock.change(Change { fail: Some(0.0), lose: Some(1.0), ..Change::default() });
    let outcome = webhook.send(&parcel(1, "a", 1)).await;
    assert_eq!((outcome.class, outcome.status), (Class::EndpointFault, None));
    assert_eq!(mock.stats().distinct, 1, "it acted, and the answer was lost");

    let refuse_types = Some(vec![TypePattern::parse("qa.gov.*").unwrap()]);
    mock.change(Change { lose: Some(0.0), refuse_types, ..Change::default() });
    let outcome = webhook.send(&parcel(1, "a", 1)).await;
    assert_eq!(outcome.report.outcome, Some(BusinessOutcome::Refused));

    mock.change(Change { down_ms: Some(60_000), ..Change::default() });
    assert_eq!(webhook.send(&parcel(2, "a", 2)).await.class, Class::EndpointFault);
    mock.change(Change { down_ms: Some(0), ..Change::default() });
    assert_eq!(webhook.send(&parcel(2, "a", 2)).await.class, Class::Done);
    let stats = mock.stop().await;
    assert_eq!((stats.failed, stats.lost, stats.repeats, stats.distinct), (1, 1, 1, 2));
}

#[tokio::test]
async fn is_controlled_and_read_over_http_while_it_is_down() {
    let mock = mock(MockOptions { down_for: Duration::from_secs(60), ..MockOptions::default() }).await;
    let client = crate::connector::tls::client(|| reqwest::Client::builder().no_proxy()).unwrap();
    let control = format!("{}control", mock.url());
    let post = |body: &'static str| client.post(&control).header("content-type", "application/json").body(body).send();
    assert_eq!(post(r#"{"fial":0.5}"#).await.unwrap().status(), 422);
    let answer = post(r#"{"down_ms":0,"outcome":"pending"}"#).await.unwrap();
    assert_eq!(answer.status(), 200);
    let outcome = webhook(&mock, SECRET).send(&parcel(1, "a", 1)).await;
    assert_eq!((outcome.status, outcome.report.outcome), (Some(202), Some(BusinessOutcome::Pending)));
    let text = client.get(format!("{}stats", mock.url())).send().await.unwrap().text().await.unwrap();
    let stats: Stats = serde_json::from_str(&text).unwrap();
    assert_eq!(stats, mock.stats());
    assert_eq!(stats.distinct, 1);
}

#[tokio::test]
async fn tells_without_payloads() {
    let (told, mut heard) = tokio::sync::mpsc::channel(4);
    let mock = mock(MockOptions { lines: Some(told), ..MockOptions::default() }).await;
    webhook(&mock, SECRET).send(&parcel(1, "29912345678", 9)).await;
    let line = heard.recv().await.unwrap();
    assert_eq!((line.what, line.sequence, line.attempt), (What::New, Some(9), Some(1)));
    let text = serde_json::to_string(&line).unwrap();
    assert!(!text.contains("29912345678"), "{text}");
}

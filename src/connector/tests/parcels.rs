//! What leaves, and how ordinary answers are understood.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::receiver::{NOW, answers, header, parcel, receiver, request, send_to, target, webhook};
use crate::connector::secret::Secret;
use crate::connector::signature::{Signed, Signer, TOLERANCE};
use crate::connector::webhook::WebhookTarget;
use crate::connector::{Connector, Parcel};
use crate::mapping::Message;
use crate::model::id::DeliveryId;
use crate::model::outcome::{BusinessOutcome, Class};
use crate::telemetry::trace::Carried;

fn trace(parent: &str, state: &str) -> Option<Carried> {
    Some(Carried { parent: parent.to_owned(), state: Some(state.to_owned()) })
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn a_parcel_leaves_whole_and_signed() {
    let (told, mut heard) = mpsc::channel(1);
    let addr = receiver(move |mut stream| {
        let told = told.clone();
        async move {
            told.send(request(&mut stream).await.unwrap()).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    })
    .await;
    let secrets = ["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        .map(|text| Secret::parse(text).unwrap());
    let gap = DeliveryId::from_uuid(Uuid::from_u128(9));
    let sent = Parcel {
        message: Message {
            content_type: "application/json; charset=utf-8".to_owned(),
            headers: vec![("ce-subject".into(), "29912345678".into()), ("webhook-id".into(), "forged".into())],
            body: Bytes::from("{\"name\":\"مريم\"}"),
        },
        attempt: 3,
        gap: Some(gap),
        redrive: true,
        trace: trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "qa=portal"),
        ..parcel()
    };
    let target = WebhookTarget { secrets: secrets.to_vec(), ..target(format!("http://{addr}/falaj?for=moi")) };
    let outcome = webhook(target).send(&sent).await;
    assert_eq!((outcome.class, outcome.status), (Class::Done, Some(200)));

    let (head, body) = heard.recv().await.unwrap();
    assert_eq!(body, sent.message.body);
    assert!(head.starts_with("POST /falaj?for=moi HTTP/1.1\r\n"), "{head}");
    let id = sent.webhook_id.to_string();
    let gap = gap.to_string();
    let expected = [
        ("webhook-id", id.as_str()),
        ("webhook-timestamp", "784111770"),
        ("falaj-attempt", "3"),
        ("falaj-sequence", "42"),
        ("falaj-gap", &gap),
        ("falaj-redrive", "true"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "qa=portal"),
        ("content-type", "application/json; charset=utf-8"),
        ("ce-subject", "29912345678"),
        ("user-agent", concat!("Falaj/", env!("CARGO_PKG_VERSION"))),
    ];
    for (name, value) in expected {
        assert_eq!(header(&head, name), Some(value), "{name}");
    }
    let signature = header(&head, "webhook-signature").unwrap();
    assert_eq!(signature.split(' ').count(), 2);
    for secret in secrets {
        let signed = Signed { id: &id, timestamp: "784111770", signature, body: &body };
        assert_eq!(Signer::new(&[secret]).verify(&signed, NOW, TOLERANCE), Ok(()));
    }
    for absent in ["cookie", "referer", "accept-encoding", "authorization"] {
        assert_eq!(header(&head, absent), None, "{absent}");
    }
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_sent() {
    let (told, mut heard) = mpsc::channel(1);
    let addr = receiver(move |mut stream| {
        let told = told.clone();
        async move {
            told.send(request(&mut stream).await.unwrap().0).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    })
    .await;
    let sent = Parcel { trace: trace("two\r\nlines: 1", "a=b"), ..parcel() };
    assert_eq!(webhook(target(format!("http://{addr}/"))).send(&sent).await.class, Class::Done);
    let head = heard.recv().await.unwrap();
    for absent in ["webhook-signature", "falaj-gap", "falaj-redrive", "traceparent", "tracestate", "lines"] {
        assert_eq!(header(&head, absent), None, "{absent}");
    }
}

#[tokio::test]
async fn a_connection_serves_many_parcels() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let addr = receiver(move |mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let webhook = webhook(target(format!("http://{addr}/")));
    for _ in 0..10 {
        assert_eq!(webhook.send(&parcel()).await.class, Class::Done);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_agency_says_what_it_did() {
    let body = r#"{"outcome":"refused","reason":"الرقم غير مسجل","reference":"M-1"}"#;
    let addr = answers(format!("HTTP/1.1 422 No\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    let outcome = send_to(addr).await;
    assert_eq!((outcome.class, outcome.status), (Class::Done, Some(422)));
    assert_eq!(outcome.report.outcome, Some(BusinessOutcome::Refused));
    assert_eq!(outcome.report.reason.as_deref(), Some("الرقم غير مسجل"));
    assert_eq!(outcome.report.reference.as_deref(), Some("M-1"));
    assert_eq!(outcome.answer, body.as_bytes());

    let outcome = send_to(answers("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await).await;
    assert_eq!((outcome.class, outcome.report.outcome), (Class::Done, Some(BusinessOutcome::Pending)));
}

#[tokio::test]
async fn both_forms_of_retry_after_are_counted_from_the_answer() {
    let answer = |value: &str| format!("HTTP/1.1 503 Busy\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
    let outcome = send_to(answers(answer("120")).await).await;
    assert_eq!((outcome.class, outcome.retry_after), (Class::Throttle, Some(Duration::from_secs(120))));
    let outcome = send_to(answers(answer("Sun, 06 Nov 1994 09:49:30 GMT")).await).await;
    assert_eq!(outcome.class, Class::Throttle);
    let wait = outcome.retry_after.unwrap();
    assert!(wait > Duration::from_secs(3570) && wait <= Duration::from_secs(3600), "{wait:?}");
    let outcome = send_to(answers(answer("soon")).await).await;
    assert_eq!((outcome.class, outcome.retry_after), (Class::EndpointFault, None));
}

#[tokio::test]
async fn a_header_that_http_cannot_carry_is_the_messages_fault() {
    let mut sent = parcel();
    sent.message.headers.push(("ce-subject".into(), "a\nb".into()));
    let outcome = webhook(target("http://127.0.0.1:9/")).send(&sent).await;
    assert_eq!((outcome.class, outcome.status), (Class::MessageFault, None));
}

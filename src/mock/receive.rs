//! One request: verify, fail if asked to, act, answer.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::{hmac, rand};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::behaviour::{Behaviour, Change, Dice, Reply};
use super::book::{Book, Entry, Line, Stats, What};
use super::server::MockOptions;
use crate::clock::Clock;
use crate::connector::signature::{SignatureFault, Signed, Signer, TOLERANCE};
use crate::model::id::DeliveryId;
use crate::model::time::At;

/// The longest wait before an answer.
const DELAY_MAX: Duration = Duration::from_secs(600);

/// Marks an answer that is to be lost with its connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut;

/// What all connections of one mock share.
#[derive(Debug)]
pub(super) struct Shared {
    agency: String,
    signer: Signer,
    clock: Clock,
    lane_key: hmac::Key,
    dice: Dice,
    behaviour: RwLock<Behaviour>,
    down_until: RwLock<Option<Instant>>,
    book: Mutex<Book>,
    lines: Option<mpsc::Sender<Line>>,
}

/// The attributes a receiver needs, from the body (structured) or the headers (binary).
#[derive(Debug, Default, Deserialize)]
struct About<'a> {
    #[serde(borrow, default, rename = "type")]
    ty: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    partitionkey: Option<Cow<'a, str>>,
}

impl Shared {
    pub(super) fn new(options: MockOptions) -> Self {
        let mut key = [0_u8; 32];
        rand::fill(&mut key).expect("the system has randomness");
        let shared = Self {
            agency: options.agency,
            signer: Signer::new(&options.secrets),
            clock: options.clock,
            lane_key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            dice: Dice::default(),
            behaviour: RwLock::new(options.behaviour),
            down_until: RwLock::new(None),
            book: Mutex::new(Book::new(options.remember_max)),
            lines: options.lines,
        };
        let down_ms = u64::try_from(options.down_for.as_millis()).unwrap_or(u64::MAX);
        shared.change(Change { down_ms: Some(down_ms), ..Change::default() });
        shared
    }

    pub(super) fn stats(&self) -> Stats {
        self.book().stats.clone()
    }

    pub(super) fn behaviour(&self) -> Behaviour {
        self.behaviour.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: Change) {
        if let Some(ms) = change.down_ms {
            let until = Instant::now().checked_add(Duration::from_millis(ms)).filter(|_| ms > 0);
            *self.down_until.write().unwrap_or_else(PoisonError::into_inner) = until;
        }
        self.behaviour.write().unwrap_or_else(PoisonError::into_inner).change(&change);
    }

    /// Whether connections are being cut at the moment.
    pub(super) fn is_down(&self) -> bool {
        self.down_until.read().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives one message.
    pub(super) async fn receive(&self, headers: &HeaderMap, body: &Bytes) -> Response {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut line = Line {
            at: self.clock.now(),
            webhook_id: text("webhook-id").and_then(DeliveryId::parse),
            sequence: text("falaj-sequence").and_then(|n| n.parse().ok()),
            attempt: text("falaj-attempt").and_then(|n| n.parse().ok()),
            lane: None,
            ty: None,
            what: What::BadSignature,
        };
        if let Err(fault) = self.verify(&text, body, line.at) {
            line.what = self.turn_away(fault);
            self.tell(line).await;
            return (StatusCode::UNAUTHORIZED, fault.to_string()).into_response();
        }
        self.book().stats.received += 1;
        let Some(id) = line.webhook_id else {
            return (StatusCode::BAD_REQUEST, "webhook-id is not the id of a delivery").into_response();
        };
        let about = about(&text, body);
        let lane = about.partitionkey.as_deref().or(about.subject.as_deref()).map(|key| self.lane(key));
        line.lane = lane.map(|lane| format!("{lane:016x}"));
        line.ty = about.ty.as_deref().map(str::to_owned);

        let behaviour = self.behaviour();
        if behaviour.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(behaviour.delay_ms).min(DELAY_MAX)).await;
        }
        let reply = behaviour.reply(about.ty.as_deref());
        let fails = self.dice.falls(behaviour.fail);
        if fails || reply == Reply::Retry {
            self.book().stats.failed += 1;
            self.tell(Line { what: What::Failed, ..line }).await;
            return if fails { failure(&behaviour) } else { self.answer(reply, id) };
        }
        let redrive = text("falaj-redrive") == Some("true");
        let entry = Entry { id, sequence: line.sequence, lane, redrive, ty: about.ty.as_deref() };
        line.what = self.book().act(entry);
        if line.what == What::Inversion {
            tracing::error!(webhook_id = %id, sequence = line.sequence, lane = line.lane, "ORDER INVERSION");
        }
        let mut response = self.answer(reply, id);
        if self.dice.falls(behaviour.lose) {
            self.book().stats.lost += 1;
            line.what = if line.what == What::Inversion { What::Inversion } else { What::Lost };
            response.extensions_mut().insert(Cut);
        }
        self.tell(line).await;
        response
    }

    fn turn_away(&self, fault: SignatureFault) -> What {
        let stats = &mut self.book().stats;
        match fault {
            SignatureFault::Stale => {
                stats.stale += 1;
                What::Stale
            }
            SignatureFault::Timestamp | SignatureFault::Mismatch => {
                stats.bad_signatures += 1;
                What::BadSignature
            }
        }
    }

    /// Keeps M1.
    fn verify<'a>(&self, text: &impl Fn(&str) -> Option<&'a str>, body: &Bytes, now: At) -> Result<(), SignatureFault> {
        if self.signer.is_empty() {
            return Ok(());
        }
        let header = |name| text(name).ok_or(SignatureFault::Mismatch);
        let signed = Signed {
            id: header("webhook-id")?,
            timestamp: header("webhook-timestamp")?,
            signature: header("webhook-signature")?,
            body,
        };
        self.signer.verify(&signed, now, TOLERANCE)
    }

    fn lane(&self, key: &str) -> u64 {
        let tag = hmac::sign(&self.lane_key, key.as_bytes());
        u64::from_be_bytes(tag.as_ref()[..8].try_into().expect("a tag has 32 bytes"))
    }

    /// The same for every repeat: the reference follows from the id.
    fn answer(&self, reply: Reply, id: DeliveryId) -> Response {
        let status = if reply == Reply::Pending { StatusCode::ACCEPTED } else { StatusCode::OK };
        let Some(word) = reply.word() else { return status.into_response() };
        let mut body = serde_json::json!({ "outcome": word });
        match reply {
            Reply::Refused => body["reason"] = "the mock agency was told to refuse this".into(),
            Reply::NeedsAction => body["reason"] = "the mock agency was told to wait for a person".into(),
            _ => {}
        }
        if reply != Reply::Retry {
            body["reference"] = format!("{}-{:08x}", self.agency, id.uuid().as_u128() as u32).into();
        }
        (status, [(header::CONTENT_TYPE, "application/json")], Body::from(body.to_string())).into_response()
    }

    async fn tell(&self, line: Line) {
        if let Some(lines) = &self.lines {
            // Nobody listens any more: what happened stays in the figures.
            let _unheard = lines.send(line).await;
        }
    }
}

fn about<'a>(text: &impl Fn(&str) -> Option<&'a str>, body: &'a Bytes) -> About<'a> {
    if text("ce-specversion").is_some() {
        let header = |name| text(name).map(Cow::Borrowed);
        return About { ty: header("ce-type"), subject: header("ce-subject"), partitionkey: header("ce-partitionkey") };
    }
    // A template's text has no attributes: its order cannot be checked.
    serde_json::from_slice(body).unwrap_or_default()
}

fn failure(behaviour: &Behaviour) -> Response {
    let status = StatusCode::from_u16(behaviour.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = (status, "the mock agency was told to fail").into_response();
    if let Some(seconds) = behaviour.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

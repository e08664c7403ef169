//! The quarantine: what came in and could not be parsed, until a person looks at it.
//!
//! Q1: nothing leaves it but by a person's word. Q2: a payload is measured and hashed, and never shown nor kept. Q3: what is
//! released is moved by the broker itself (reject without requeue), in one step that it confirms to itself: there is no moment at
//! which it is in both places or in none. Looking takes each message for a moment and gives it back; the broker counts that.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use serde::Serialize;
use tokio::time::timeout;

use super::names::QUARANTINE;
use super::topology::AskFault;

/// Messages that one look goes through.
pub const LOOK_MAX: usize = 10_000;
/// How long the broker may take for one step.
const STEP: Duration = Duration::from_secs(30);
/// Characters of a text of others that are kept.
const TEXT_CHARS_MAX: usize = 200;

/// What is to be done with what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Look,
    /// These go back to where they came from.
    Release(Which),
    /// These are thrown away.
    Drop(Which),
}

/// Which messages are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All that are there now.
    All,
    /// Those with one of these ids.
    Ids(Vec<String>),
}

/// One message in the quarantine, without its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Names it: 16 hex digits over sender, message id and payload. The same message twice has the same id.
    pub id: String,
    /// Who sent it, as the broker has verified; `None` where the sender did not say.
    pub user: Option<String>,
    /// The sender's own id of it.
    pub message_id: Option<String>,
    /// What the sender says it is.
    pub content_type: Option<String>,
    /// Under which routing key it came.
    pub routing_key: String,
    /// The queue that it was rejected from.
    pub queue: Option<String>,
    /// Since when it is here, in seconds since 1970.
    pub since: Option<u64>,
    /// Bytes of its payload.
    pub bytes: usize,
    /// How often it has been looked at.
    pub looks: Option<u64>,
}

/// What was found, and done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sorted {
    /// What was released, or thrown away.
    pub done: Vec<Held>,
    /// What is left.
    pub left: Vec<Held>,
    /// Whether there is more than one look goes through.
    pub more: bool,
}

/// The quarantine, opened.
pub(super) struct Quarantine {
    channel: Channel,
}

impl Quarantine {
    pub(super) async fn open(connection: &Connection) -> Result<Self, AskFault> {
        Ok(Self { channel: step(connection.create_channel()).await? })
    }

    /// Goes through it once. What is not meant is given back, in its order, when the channel closes.
    pub(super) async fn sort(self, act: &Act) -> Result<Sorted, AskFault> {
        let mut sorted = Sorted::default();
        for number in 0.. {
            let got = step(self.channel.basic_get(QUARANTINE.into(), BasicGetOptions::default())).await?;
            let Some(message) = got else { break };
            if number == LOOK_MAX {
                sorted.more = true;
                break;
            }
            let held = held(&message);
            match act {
                Act::Release(which) if which.means(&held) => {
                    step(message.delivery.acker.reject(BasicRejectOptions { requeue: false })).await?;
                    sorted.done.push(held);
                }
                Act::Drop(which) if which.means(&held) => {
                    step(message.delivery.acker.ack(BasicAckOptions::default())).await?;
                    sorted.done.push(held);
                }
                _ => sorted.left.push(held),
            }
        }
        // The answer says that the broker has heard all of it.
        step(self.channel.close(200, "looked".into())).await?;
        Ok(sorted)
    }
}

impl Which {
    fn means(&self, held: &Held) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&held.id),
        }
    }
}

async fn step<T>(asked: impl Future<Output = lapin::Result<T>>) -> Result<T, AskFault> {
    timeout(STEP, asked).await.map_err(|_| AskFault::Silence)?.map_err(AskFault::Broken)
}

/// Keeps Q2.
fn held(message: &BasicGetMessage) -> Held {
    let properties = &message.properties;
    let text = |text: &str| text.chars().take(TEXT_CHARS_MAX).collect::<String>();
    let user = properties.user_id().as_ref().map(|user| user.as_str());
    let message_id = properties.message_id().as_ref().map(|id| id.as_str());
    let mut hash = Context::new(&SHA256);
    for part in [user.unwrap_or_default().as_bytes(), message_id.unwrap_or_default().as_bytes(), &message.data] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let id = hash.finish().as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let headers = properties.headers().as_ref();
    let death = headers.and_then(last_death);
    Held {
        id,
        user: user.map(text),
        message_id: message_id.map(text),
        content_type: properties.content_type().as_ref().map(|kind| text(kind.as_str())),
        routing_key: text(message.routing_key.as_str()),
        queue: death.and_then(|death| word(death, "queue")).map(|queue| text(&queue)),
        since: death.and_then(|death| number(death, "time")),
        bytes: message.data.len(),
        looks: headers.and_then(|headers| number(headers, "x-delivery-count")),
    }
}

/// The latest entry of `x-death`, which the broker writes: its last station before this one.
fn last_death(headers: &FieldTable) -> Option<&FieldTable> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    match deaths.as_slice().first()? {
        AMQPValue::FieldTable(death) => Some(death),
        _ => None,
    }
}

fn word(table: &FieldTable, name: &str) -> Option<String> {
    match table.inner().get(name)? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn number(table: &FieldTable, name: &str) -> Option<u64> {
    match *table.inner().get(name)? {
        AMQPValue::Timestamp(number) => Some(number),
        AMQPValue::LongLongInt(number) => u64::try_from(number).ok(),
        AMQPValue::LongInt(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

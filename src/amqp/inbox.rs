//! Consuming: a queue, read in order, with a bound on what is out, and nothing acknowledged but by whoever has dealt with it.
//!
//! A session stands on one channel. When it ends, by whatever, everything that was out on it and not acknowledged goes back to the
//! head of its queue, in its order.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::time::timeout;
use tracing::{info, warn};

use super::fault;
use super::link::Link;
use super::message::Incoming;
use super::state::State;

/// How long one step with the broker may take.
const STEP: Duration = Duration::from_secs(10);
/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(2);

/// A queue that is read.
#[derive(Debug, Clone)]
pub struct Inbox {
    link: Link,
    queue: &'static str,
    prefetch: u16,
}

/// Reading, while it lasts.
#[derive(Debug)]
pub struct Session {
    link: Link,
    queue: &'static str,
    channel: Channel,
    consumer: Consumer,
}

/// Why a session ended or could not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session with the broker ended: {0}")]
pub struct Ended(pub State);

impl Inbox {
    /// Reads `queue`, of which at most `prefetch` messages are out at once.
    pub fn new(link: Link, queue: &'static str, prefetch: u16) -> Self {
        Self { link, queue, prefetch }
    }

    /// Waits for a connection and begins to read. Nobody reads a queue that is just being made: RabbitMQ 3.10 ends the whole
    /// connection where both meet (541, seen at a quorum queue).
    pub async fn open(&self) -> Result<Session, Ended> {
        let live = self.link.connected().await;
        self.link.looked_over(live.epoch).await;
        let begun = async {
            let channel = live.connection.create_channel().await?;
            channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
            let (options, tag) = (BasicConsumeOptions::default(), self.queue);
            let consumer = channel.basic_consume(self.queue.into(), tag.into(), options, FieldTable::default()).await?;
            Ok::<_, lapin::Error>((channel, consumer))
        };
        match timeout(STEP, begun).await {
            Ok(Ok((channel, consumer))) => {
                if self.link.status().clear(self.queue) {
                    info!(queue = self.queue, "the broker's queue is read again");
                }
                Ok(Session { link: self.link.clone(), queue: self.queue, channel, consumer })
            }
            Ok(Err(error)) => {
                let state = self.mark(fault::of_place(&error));
                if state == State::Missing {
                    self.link.next_look().await;
                }
                Err(Ended(state))
            }
            Err(_elapsed) => Err(Ended(State::Closed)),
        }
    }

    fn mark(&self, state: Option<State>) -> State {
        let Some(state) = state else { return State::Closed };
        if self.link.status().mark(self.queue, state) {
            warn!(queue = self.queue, state = state.as_str(), "the broker's queue cannot be read");
        }
        state
    }
}

impl Session {
    /// The next message.
    pub async fn next(&mut self) -> Result<Incoming, Ended> {
        match self.consumer.next().await {
            Some(Ok(delivery)) => Ok(Incoming::of(delivery)),
            Some(Err(_)) => Err(Ended(State::Closed)),
            None => {
                // Cancelled by the broker: the queue was deleted, or its node is gone.
                if self.link.live().is_some() && self.link.status().mark(self.queue, State::Missing) {
                    warn!(queue = self.queue, "the broker's queue is gone");
                }
                Err(Ended(State::Missing))
            }
        }
    }

    /// Acknowledges a message, or all up to it.
    pub async fn ack(&self, tag: u64, all_before: bool) -> Result<(), Ended> {
        step(self.channel.basic_ack(tag, BasicAckOptions { multiple: all_before })).await
    }

    /// Gives a message up: the broker moves it where the queue's arguments say, or drops it.
    pub async fn reject(&self, tag: u64) -> Result<(), Ended> {
        step(self.channel.basic_reject(tag, BasicRejectOptions { requeue: false })).await
    }

    /// Puts a message back to the head of its queue.
    pub async fn put_back(&self, tag: u64) -> Result<(), Ended> {
        step(self.channel.basic_nack(tag, BasicNackOptions { multiple: false, requeue: true })).await
    }

    /// Ends it: what is out goes back.
    pub async fn close(self) {
        let _closed = timeout(CLOSING, self.channel.close(200, "done".into())).await;
    }
}

async fn step(step: impl Future<Output = lapin::Result<()>>) -> Result<(), Ended> {
    match timeout(STEP, step).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Ended(State::Closed)),
    }
}

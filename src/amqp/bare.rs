//! Plain calls of the client library, with nothing of ours around them: what this broker and this client can do at most.
//!
//! For `falaj bench` alone, in a virtual host of its own. Nothing that a bus is made of is here: no time limits but one, no
//! returned messages, no second try.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    ExchangeDeleteOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::link::{Link, Role};
use super::settings::Settings;
use super::state::State;
use super::topology::{self, AskFault, Item, ItemKind, ItemState, Plan};

/// Messages that are published and not confirmed, and messages that the broker sends ahead.
const WINDOW: u16 = 256;
/// Messages that share an acknowledgement at most.
const SHARED: usize = 64;
/// How long one call may take: declaring, deleting, the last confirmations.
const LIMIT: Duration = Duration::from_secs(30);

/// Why a plain call failed.
#[derive(Debug, thiserror::Error)]
pub enum BareFault {
    /// No connection.
    #[error("the broker cannot be reached: {0} ({1})")]
    Down(State, String),
    /// Somebody uses the virtual host.
    #[error(
        "the virtual host has a queue {0} already: the bench needs one of its own, for it deletes what it made there"
    )]
    Used(String),
    /// It could not be made.
    #[error("{0} could not be made: {1}")]
    Unmade(String, String),
    /// It could not be asked.
    #[error(transparent)]
    Ask(#[from] AskFault),
    /// The broker or the library said no.
    #[error("the broker did not do as it was told: {0}")]
    Call(#[from] lapin::Error),
    /// The broker took a message, and refused it.
    #[error("the broker refused a message: a queue is full or missing")]
    Refused,
    /// Nothing was heard.
    #[error("the broker was silent for {} s", LIMIT.as_secs())]
    Silent,
}

/// One connection, with nothing on it yet.
#[derive(Debug)]
pub struct Bare {
    link: Link,
    stop: CancellationToken,
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A message to be published again and again.
#[derive(Debug, Clone)]
pub struct Plain {
    /// The exchange.
    pub exchange: &'static str,
    /// The routing key.
    pub key: String,
    /// Media type of the body.
    pub content_type: String,
    /// Who says that it says so.
    pub user: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl Plain {
    fn properties(&self) -> BasicProperties {
        let properties =
            BasicProperties::default().with_delivery_mode(2).with_content_type(self.content_type.as_str().into());
        match &self.user {
            Some(user) => properties.with_user_id(user.as_str().into()),
            None => properties,
        }
    }

    async fn publish(
        &self,
        channel: &Channel,
        body: &[u8],
    ) -> Result<impl Future<Output = lapin::Result<Confirmation>> + use<>, lapin::Error> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        channel.basic_publish(self.exchange.into(), self.key.as_str().into(), options, body, self.properties()).await
    }
}

/// Whether a message has arrived.
fn confirmed(said: lapin::Result<Confirmation>) -> Result<(), BareFault> {
    match said? {
        Confirmation::Ack(None) => Ok(()),
        _ => Err(BareFault::Refused),
    }
}

impl Bare {
    /// Connects.
    pub async fn connect(settings: &Arc<Settings>) -> Result<Self, BareFault> {
        let (link, stop) = (Link::new(Role::Publish, Arc::clone(settings)), CancellationToken::new());
        let bare = Self { link: link.clone(), stop: stop.clone() };
        tokio::spawn(link.run(stop));
        if timeout(settings.connect_timeout, bare.link.connected()).await.is_err() {
            let standing = bare.link.status().connection();
            return Err(BareFault::Down(standing.state, standing.detail.unwrap_or_else(|| "no answer".to_owned())));
        }
        Ok(bare)
    }

    async fn channel(&self) -> Result<Channel, BareFault> {
        let channel = self.link.connected().await.connection.create_channel().await?;
        channel.basic_qos(WINDOW, BasicQosOptions::default()).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    }

    /// Makes all of a plan, in a virtual host in which none of its queues is.
    pub async fn make(&self, plan: &Plan) -> Result<(), BareFault> {
        let connection = self.link.connected().await.connection;
        let found = topology::check(&connection, plan).await?;
        let used = |item: &&Item| item.kind == ItemKind::Queue && item.state != ItemState::Missing;
        if let Some(item) = found.items.iter().find(used) {
            return Err(BareFault::Used(item.name.clone()));
        }
        let made = topology::declare(&connection, plan).await?;
        match made.wrong().next() {
            Some(item) => Err(BareFault::Unmade(item.name.clone(), item.state.to_string())),
            None => Ok(()),
        }
    }

    /// Forgets what is in the queues.
    pub async fn empty(&self, plan: &Plan) -> Result<(), BareFault> {
        within(async {
            let channel = self.channel().await?;
            for queue in &plan.queues {
                channel.queue_purge(queue.name.as_str().into(), QueuePurgeOptions::default()).await?;
            }
            Ok(())
        })
        .await
    }

    /// Deletes all that [`Bare::make`] made.
    pub async fn delete(&self, plan: &Plan) -> Result<(), BareFault> {
        within(async {
            let channel = self.channel().await?;
            for queue in &plan.queues {
                channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default()).await?;
            }
            for exchange in &plan.exchanges {
                channel.exchange_delete(exchange.name.into(), ExchangeDeleteOptions::default()).await?;
            }
            Ok(())
        })
        .await
    }

    /// Publishes until a moment, each message with the body that `body` makes of its number from 1; returns how many are confirmed.
    pub async fn flood(&self, plain: &Plain, body: impl Fn(u64) -> Bytes, end: Instant) -> Result<u64, BareFault> {
        let channel = self.channel().await?;
        let (mut sent, mut waiting) = (0, VecDeque::with_capacity(WINDOW.into()));
        while Instant::now() < end {
            if waiting.len() >= usize::from(WINDOW)
                && let Some(oldest) = waiting.pop_front()
            {
                within(async { confirmed(oldest.await) }).await?;
            }
            sent += 1;
            waiting.push_back(plain.publish(&channel, &body(sent)).await?);
        }
        for oldest in waiting {
            within(async { confirmed(oldest.await) }).await?;
        }
        Ok(sent)
    }

    /// Takes what comes in a queue until the stop, and acknowledges it; `taken` counts.
    pub async fn take(&self, queue: &str, taken: &AtomicU64, stop: &CancellationToken) -> Result<(), BareFault> {
        let channel = self.channel().await?;
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(queue.into(), "bench".into(), options, FieldTable::default()).await?;
        let mut chunks = consumer.ready_chunks(SHARED);
        loop {
            let chunk = tokio::select! {
                () = stop.cancelled() => break,
                chunk = chunks.next() => chunk.unwrap_or_default(),
            };
            let count = chunk.len() as u64;
            let Some(last) = chunk.into_iter().next_back() else { break };
            last?.acker.ack(BasicAckOptions { multiple: true }).await?;
            taken.fetch_add(count, Ordering::Relaxed);
        }
        channel.close(200, "done".into()).await?;
        Ok(())
    }

    /// Takes what comes in a queue, publishes a copy for each of `copies` over `out`, and acknowledges it when all are confirmed.
    pub async fn relay(
        &self,
        queue: &str,
        out: &Self,
        copies: &[Plain],
        stop: &CancellationToken,
    ) -> Result<(), BareFault> {
        let channel = self.channel().await?;
        let mut ways = Vec::with_capacity(copies.len());
        for _ in copies {
            ways.push(out.channel().await?);
        }
        let options = BasicConsumeOptions::default();
        let mut consumer = channel.basic_consume(queue.into(), "bench".into(), options, FieldTable::default()).await?;
        let mut under_way = FuturesOrdered::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(done) = under_way.next(), if !under_way.is_empty() => {
                    let (delivery, said): (Delivery, Vec<lapin::Result<Confirmation>>) = done;
                    said.into_iter().try_for_each(confirmed)?;
                    delivery.acker.ack(BasicAckOptions::default()).await?;
                }
                delivery = consumer.next(), if under_way.len() < usize::from(WINDOW) => {
                    let Some(delivery) = delivery.transpose()? else { break };
                    let mut confirming = Vec::with_capacity(copies.len());
                    for (copy, way) in copies.iter().zip(&ways) {
                        confirming.push(copy.publish(way, &copy.body).await?);
                    }
                    under_way.push_back(async move { (delivery, futures_util::future::join_all(confirming).await) });
                }
            }
        }
        channel.close(200, "done".into()).await?;
        Ok(())
    }
}

async fn within<T>(call: impl Future<Output = Result<T, BareFault>>) -> Result<T, BareFault> {
    timeout(LIMIT, call).await.unwrap_or(Err(BareFault::Silent))
}

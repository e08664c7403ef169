//! Asking for the plan, and declaring it, over a connection.
//!
//! A declaration that is refused closes its channel: another one is opened for the next question, so that one item never hides
//! another. First it is asked passively, which tells whether it is there and nothing more; then actively, where the broker
//! compares the arguments. Keeps B4.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Connection, ErrorKind};
use tokio::time::timeout;

use super::plan::{Argument, Binding, Exchange, ExchangeKind, Plan, Queue};
use super::report::{Difference, Figures, Item, ItemKind, ItemState, Report};

/// How long one question may take: a quorum queue is only there when its members have agreed on it.
const ANSWER: Duration = Duration::from_secs(30);

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AskFault {
    /// The broker did not answer.
    #[error("the broker did not answer within {} s", ANSWER.as_secs())]
    Silence,
    /// The connection is broken, or the broker refused to go on.
    #[error("the broker could not be asked")]
    Broken(#[source] lapin::Error),
}

/// Declares what is missing, as far as this user may, and tells how each item stands. It can be called again at any time.
pub async fn declare(connection: &Connection, plan: &Plan) -> Result<Report, AskFault> {
    Asker { connection, channel: None, makes: true }.go(plan).await
}

/// Tells how each item stands and makes nothing. Bindings cannot be asked for over AMQP.
pub async fn check(connection: &Connection, plan: &Plan) -> Result<Report, AskFault> {
    Asker { connection, channel: None, makes: false }.go(plan).await
}

struct Asker<'a> {
    connection: &'a Connection,
    channel: Option<Channel>,
    /// Whether what is missing is made.
    makes: bool,
}

/// What the broker made of one question.
enum Answer {
    Yes(Option<Figures>),
    /// It is not there.
    NotFound,
    /// It is there with another argument.
    Other(String),
    /// This user may not.
    Refused,
}

impl Asker<'_> {
    async fn go(mut self, plan: &Plan) -> Result<Report, AskFault> {
        let mut items = Vec::with_capacity(plan.exchanges.len() + plan.queues.len() + plan.bindings.len());
        for exchange in &plan.exchanges {
            let (state, figures) = self.item(&Thing::Exchange(exchange)).await?;
            items.push(Item { kind: ItemKind::Exchange, name: exchange.name.to_owned(), state, figures });
        }
        for queue in &plan.queues {
            let (state, figures) = self.item(&Thing::Queue(queue)).await?;
            items.push(Item { kind: ItemKind::Queue, name: queue.name.clone(), state, figures });
            // At once: whatever is published until then would be returned.
            for binding in plan.bindings.iter().filter(|binding| binding.queue == queue.name) {
                let state = if self.makes { self.bind(binding).await? } else { ItemState::Unasked };
                let Binding { exchange, queue, key } = binding;
                let name = format!("{exchange} -> {queue} ({key})");
                items.push(Item { kind: ItemKind::Binding, name, state, figures: None });
            }
        }
        if let Some(channel) = self.channel.take() {
            // Nothing hangs on it.
            let _closed = timeout(ANSWER, channel.close(200, "done".into())).await;
        }
        Ok(Report { vhost: plan.vhost.clone(), items })
    }

    async fn item(&mut self, thing: &Thing<'_>) -> Result<(ItemState, Option<Figures>), AskFault> {
        let (there, figures) = match self.ask(thing, true).await? {
            Answer::Yes(figures) => (true, figures),
            Answer::NotFound => (false, None),
            Answer::Other(_) | Answer::Refused => return Ok((ItemState::Forbidden { there: None }, None)),
        };
        if !there && !self.makes {
            return Ok((ItemState::Missing, None));
        }
        let state = match self.ask(thing, false).await? {
            Answer::Yes(_) if there => ItemState::Present,
            Answer::Yes(figures) => return Ok((ItemState::Declared, figures)),
            Answer::NotFound => ItemState::Missing,
            Answer::Refused => ItemState::Forbidden { there: Some(there) },
            Answer::Other(said) => ItemState::Differs(Difference::parse(&said).unwrap_or_default()),
        };
        Ok((state, figures))
    }

    async fn bind(&mut self, binding: &Binding) -> Result<ItemState, AskFault> {
        Ok(match self.ask(&Thing::Binding(binding), false).await? {
            // Binding again what is bound is no error and no change; which of them it was is not told.
            Answer::Yes(_) => ItemState::Declared,
            Answer::NotFound => ItemState::Missing,
            Answer::Other(_) | Answer::Refused => ItemState::Forbidden { there: None },
        })
    }

    async fn ask(&mut self, thing: &Thing<'_>, passive: bool) -> Result<Answer, AskFault> {
        let channel = match self.channel.take() {
            Some(channel) => channel,
            None => within(self.connection.create_channel()).await?.map_err(AskFault::Broken)?,
        };
        match within(thing.declare(&channel, passive)).await? {
            Ok(figures) => {
                self.channel = Some(channel);
                Ok(Answer::Yes(figures))
            }
            Err(error) => answer(error),
        }
    }
}

async fn within<T>(asked: impl Future<Output = T>) -> Result<T, AskFault> {
    timeout(ANSWER, asked).await.map_err(|_| AskFault::Silence)
}

/// What a refusal means; anything that is not about the item itself ends the asking.
fn answer(error: lapin::Error) -> Result<Answer, AskFault> {
    let ErrorKind::ProtocolError(said) = error.kind() else { return Err(AskFault::Broken(error)) };
    let text = said.get_message().to_string();
    match said.kind() {
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => Ok(Answer::NotFound),
        AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => Ok(Answer::Other(text)),
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED | AMQPSoftError::RESOURCELOCKED) => Ok(Answer::Refused),
        _ => Err(AskFault::Broken(error)),
    }
}

/// What can be declared.
enum Thing<'a> {
    Exchange(&'a Exchange),
    Queue(&'a Queue),
    Binding(&'a Binding),
}

impl Thing<'_> {
    async fn declare(&self, channel: &Channel, passive: bool) -> lapin::Result<Option<Figures>> {
        match self {
            Self::Exchange(exchange) => {
                let kind = match exchange.kind {
                    ExchangeKind::Direct => lapin::ExchangeKind::Direct,
                    ExchangeKind::Topic => lapin::ExchangeKind::Topic,
                    ExchangeKind::Fanout => lapin::ExchangeKind::Fanout,
                };
                let options = ExchangeDeclareOptions { passive, durable: true, ..ExchangeDeclareOptions::default() };
                channel.exchange_declare(exchange.name.into(), kind, options, FieldTable::default()).await?;
                Ok(None)
            }
            Self::Queue(queue) => {
                let options = QueueDeclareOptions { passive, durable: true, ..QueueDeclareOptions::default() };
                let found = channel.queue_declare(queue.name.as_str().into(), options, arguments(queue)).await?;
                Ok(Some(Figures { messages: found.message_count(), consumers: found.consumer_count() }))
            }
            Self::Binding(Binding { exchange, queue, key }) => {
                let (queue, exchange, key) = (queue.as_str().into(), (*exchange).into(), key.as_str().into());
                channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await?;
                Ok(None)
            }
        }
    }
}

fn arguments(queue: &Queue) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in &queue.arguments {
        let value = match value {
            Argument::Text(text) => AMQPValue::LongString(LongString::from(*text)),
            Argument::Number(number) => AMQPValue::LongLongInt(i64::try_from(*number).unwrap_or(i64::MAX)),
            Argument::Flag(flag) => AMQPValue::Boolean(*flag),
        };
        table.insert((*name).into(), value);
    }
    table
}

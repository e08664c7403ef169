//! The ways to agencies. A connector carries one message once and says what came of it; it decides nothing.
//!
//! C1: sending never panics and always ends within the agency's timeout, however the other side behaves. C2: of an answer no
//! more than a bounded part is read. C3: no secret, address or text of an agency reaches a note. C4: nothing is connected to
//! that `[egress] deny` names, whatever a name resolves to.
//!
//! Nothing here retries, stores, or reads the time of day: an attempt brings its own `now`.

use std::future::Future;
use std::pin::Pin;

use crate::mapping::Message;
use crate::model::delivery::DeliveryKey;
use crate::model::id::DeliveryId;
use crate::model::outcome::Outcome;
use crate::model::time::At;
use crate::telemetry::trace::Carried;

pub mod amqp;
pub mod egress;
pub mod secret;
pub mod signature;
pub mod tls;
pub mod webhook;

mod answer;
mod fault;
mod retry_after;

#[cfg(test)]
mod tests;

pub use amqp::Way;

/// One message on its way to one agency.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// What is sent.
    pub message: Message,
    /// `webhook-id`: the id of the delivery's first generation, the same on every attempt.
    pub webhook_id: DeliveryId,
    /// The id of this very generation.
    pub id: DeliveryId,
    /// Which delivery (for logs).
    pub key: DeliveryKey,
    /// `falaj-attempt`, from 1.
    pub attempt: u32,
    /// `falaj-sequence`: accept order.
    pub sequence: u64,
    /// `falaj-gap`: the skipped or dead predecessor the agency has not heard of.
    pub gap: Option<DeliveryId>,
    /// `falaj-redrive`: whether a person asked for this generation.
    pub redrive: bool,
    /// `traceparent`, with its `tracestate`: the attempt's own where traces are collected, else what the envelope brought.
    pub trace: Option<Carried>,
    /// `correlationid` of the envelope.
    pub correlation_id: Option<String>,
    /// When the attempt begins (signature timestamp).
    pub now: At,
}

/// A way to one agency. Sending never panics and always ends within the agency's timeout.
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// Sends once.
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

    /// The way to the agency, where one can tell without trying whether there is any. `None`: only a try tells.
    fn way(&self) -> Option<Way> {
        None
    }
}

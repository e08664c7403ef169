//! The AMQP connector: a message goes into the agency's own queue at the broker.
//!
//! Delivered is what the broker has confirmed. From there on the agency fetches at its own pace, so nothing it does is part of the
//! attempt: an outcome follows by message, a rejection comes back by the broker, or neither. The order of the queue is the order in
//! which deliveries were confirmed, and of one lane there is never more than one on its way.
//!
//! Attributes are headers `cloudEvents:...` (AMQP binding), ours have the names that they have in a webhook. `message_id` is the
//! webhook's id, the same on every attempt; `falaj-delivery` names this very generation, so that a rejection finds it again.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::answer::failed;
use super::{Connector, Parcel};
use crate::amqp::{self, Outgoing, Outlet, PublishFault, Publisher, State, Value, names};
use crate::model::cause::Cause;
use crate::model::cloudevents;
use crate::model::id::AgencyId;
use crate::model::outcome::{Class, Outcome, Report};

/// When a queue that is full, or a broker that takes nothing now, is worth another try.
const REST: Duration = Duration::from_secs(5);
/// How an attribute's header begins in HTTP, and at the broker.
const PREFIXES: (&str, &str) = ("ce-", "cloudEvents:");

/// The way to all agencies that speak AMQP.
#[derive(Debug, Clone)]
pub struct AmqpClient(Publisher);

/// The way to one of them.
#[derive(Debug)]
pub struct Amqp {
    outlet: Outlet,
    agency: AgencyId,
    timeout: Duration,
}

impl AmqpClient {
    /// Publishes through `publisher`.
    pub fn new(publisher: Publisher) -> Self {
        Self(publisher)
    }

    /// The connector of one agency; all connectors of an agency share its channel. Needs a runtime.
    pub fn connector(&self, agency: &AgencyId, timeout: Duration) -> Amqp {
        Amqp { outlet: self.0.outlet(&names::out_queue(agency)), agency: agency.clone(), timeout }
    }
}

impl Connector for Amqp {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async move {
            match self.outlet.publish(self.message(parcel), self.timeout).await {
                Ok(()) => Outcome {
                    class: Class::Done,
                    status: None,
                    retry_after: None,
                    report: Report::default(),
                    note: String::new(),
                    answer: Vec::new(),
                },
                Err(fault) => judge(&fault),
            }
        })
    }

    fn way(&self) -> Option<Way> {
        Some(Way(self.outlet.way()))
    }
}

impl Amqp {
    fn message(&self, parcel: &Parcel) -> Outgoing {
        let mut headers: Vec<(String, Value)> =
            parcel.message.headers.iter().filter_map(|(name, value)| attribute(name, value)).collect();
        let mut put = |name: &str, value| headers.push((name.to_owned(), value));
        put("falaj-attempt", Value::Integer(parcel.attempt.into()));
        put("falaj-sequence", Value::Integer(parcel.sequence.cast_signed()));
        put(names::DELIVERY, Value::Text(parcel.id.to_string()));
        if let Some(gap) = parcel.gap {
            put("falaj-gap", Value::Text(gap.to_string()));
        }
        if parcel.redrive {
            put("falaj-redrive", Value::Boolean(true));
        }
        if let Some(trace) = &parcel.trace {
            put("traceparent", Value::Text(trace.parent.clone()));
            if let Some(state) = &trace.state {
                put("tracestate", Value::Text(state.clone()));
            }
        }
        Outgoing {
            exchange: names::OUT,
            routing_key: self.agency.to_string(),
            message_id: parcel.webhook_id.to_string(),
            correlation_id: parcel.correlation_id.clone(),
            content_type: parcel.message.content_type.clone(),
            timestamp_s: parcel.now.0.div_euclid(1000).try_into().unwrap_or(0),
            headers,
            body: parcel.message.body.clone(),
        }
    }
}

/// An attribute's header as the AMQP binding has it: under its own prefix, and not percent-encoded.
fn attribute(name: &str, value: &str) -> Option<(String, Value)> {
    let name = name.strip_prefix(PREFIXES.0)?;
    let value = cloudevents::decode(value.as_bytes())?;
    Some((format!("{}{name}", PREFIXES.1), Value::Text(value.into_owned())))
}

/// Whether there is a way to an agency at all, which its connector knows without trying.
#[derive(Debug, Clone)]
pub struct Way(amqp::Way);

impl Way {
    /// Why there is none, if there is none, and for how long there has been none.
    pub fn closed(&self) -> Option<(Cause, Duration)> {
        self.0.closed().map(|standing| (missing(standing.state), standing.age()))
    }

    /// Waits until that may have changed since it was taken or last waited for.
    pub async fn changed(&mut self) {
        self.0.changed().await;
    }
}

/// What a message that was not confirmed means for the agency.
fn judge(fault: &PublishFault) -> Outcome {
    let cause = match fault {
        PublishFault::Nacked => Cause::QueueFull,
        PublishFault::Blocked => Cause::BrokerBlocked,
        PublishFault::Returned => Cause::QueueMissing,
        PublishFault::Place(State::Refused) => Cause::PublishRefused,
        PublishFault::Place(_) => Cause::ExchangeMissing,
        PublishFault::Down(state) => missing(*state),
        PublishFault::Unknown(_) => Cause::Unconfirmed,
    };
    let outcome = failed(cause, None);
    Outcome { retry_after: (outcome.class == Class::Throttle).then_some(REST), ..outcome }
}

/// Why there is no way to the broker.
fn missing(state: State) -> Cause {
    match state {
        State::Refused => Cause::BrokerAccess,
        State::Tls => Cause::BrokerTls,
        State::Blocked => Cause::BrokerBlocked,
        _ => Cause::BrokerDown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_carried_as_they_are() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            attribute("ce-subject", "%D9%82%D8%B7%D8%B1%20100%25"),
            Some(("cloudEvents:subject".into(), text("قطر 100%")))
        );
        assert_eq!(attribute("ce-type", "qa.gov.a.b"), Some(("cloudEvents:type".into(), text("qa.gov.a.b"))));
        assert_eq!(attribute("webhook-id", "forged"), None);
    }

    #[test]
    fn only_what_the_broker_confirmed_is_delivered_and_only_what_is_full_throttles() {
        let class = |fault| judge(&fault).class;
        assert_eq!(class(PublishFault::Nacked), Class::Throttle);
        assert_eq!(class(PublishFault::Blocked), Class::Throttle);
        assert_eq!(class(PublishFault::Returned), Class::ConfigurationFault);
        assert_eq!(class(PublishFault::Unknown("timeout")), Class::EndpointFault);
        for state in State::ALL {
            let expected = match state {
                State::Refused | State::Tls => Class::ConfigurationFault,
                State::Blocked => Class::Throttle,
                _ => Class::EndpointFault,
            };
            assert_eq!(class(PublishFault::Down(state)), expected, "{state}");
        }
    }
}

//! Messages that the fixtures of a connector make, written by the same functions that sending uses.
//!
//! The signature is real, under the example secret of Standard Webhooks, so that a receiver can be tried with it.

use serde_json::{Map, Value, json};

use super::message::About;
use crate::amqp::names;
use crate::catalog::fixtures::{self, DELIVERY, PSEUDONYM};
use crate::connector::signature::Signer;
use crate::mapping::{Form, Message, disclose, render};
use crate::model::agency::TransportKind;
use crate::model::cloudevents;
use crate::model::envelope::Envelope;
use crate::model::secret::Secret;

/// Examples of one message at most.
const EXAMPLES_MAX: usize = 2;
/// Bytes of an example at most.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The secret that the examples of Standard Webhooks are signed with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// When the examples were sent, in seconds since 1970.
const TIMESTAMP: &str = "1763800447";
/// The lease of an example, and its end.
const LEASE: (&str, &str) = ("00000000-0000-4000-8000-000000000000", "2026-11-22T08:34:07.000Z");

/// The examples of a message; none where no fixture makes one.
pub(super) fn write(about: &About<'_>) -> Vec<Value> {
    let envelopes = about.catalog.samples(about.id()).filter_map(|text| fixtures::read(about.catalog, text).ok());
    let own = envelopes.filter(|envelope| envelope.attributes.ty == *about.ty);
    let messages = own.filter_map(|envelope| made(about, &envelope));
    let examples = messages.take(EXAMPLES_MAX).enumerate();
    examples.map(|(at, message)| example(about, &message, &format!("fixture-{}", at + 1))).collect()
}

/// The message that an envelope makes; `None` where it passes by, or fails.
fn made(about: &About<'_>, envelope: &Envelope) -> Option<Message> {
    let subscription = about.subscription;
    if let Some(filter) = &subscription.filter
        && !filter.passes(envelope).unwrap_or(false)
    {
        return None;
    }
    let pseudonym = |_: &str| PSEUDONYM.to_owned();
    let attributes = disclose(&envelope.attributes, subscription.subject, &subscription.attributes, &pseudonym);
    render(about.form(), &subscription.fields, &attributes, envelope.data_text(), DELIVERY, BODY_BYTES_MAX).ok()
}

fn example(about: &About<'_>, message: &Message, name: &str) -> Value {
    let text = String::from_utf8_lossy(&message.body).into_owned();
    let is_json = match about.form() {
        Form::Structured | Form::Binary => true,
        Form::Map(map) => map.targets().1,
        Form::Template(_) => false,
    };
    let body = |text: String| match is_json {
        true => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        false => Value::String(text),
    };
    if about.transport == TransportKind::Pull {
        let mut payload = json!({
            "id": DELIVERY,
            "webhook_id": DELIVERY,
            "lease": LEASE.0,
            "lease_until": LEASE.1,
            "attempt": 1,
            "sequence": 417,
        });
        match about.form() {
            Form::Structured | Form::Binary => payload["envelope"] = body(text),
            Form::Map(_) | Form::Template(_) => {
                payload["content_type"] = message.content_type.clone().into();
                payload["body"] = text.into();
            }
        }
        return json!({ "name": name, "payload": payload });
    }
    json!({ "name": name, "headers": headers(about, message), "payload": body(text) })
}

fn headers(about: &About<'_>, message: &Message) -> Value {
    let mut headers = Map::new();
    let mut put = |name: &str, value: Value| drop(headers.insert(name.to_owned(), value));
    put("falaj-attempt", 1.into());
    put("falaj-sequence", 417.into());
    if about.transport == TransportKind::Amqp {
        put(names::DELIVERY, DELIVERY.into());
        for (name, value) in &message.headers {
            let name = name.strip_prefix("ce-").unwrap_or(name);
            let value = cloudevents::decode(value.as_bytes()).map_or(Value::Null, |text| text.into_owned().into());
            put(&format!("cloudEvents:{name}"), value);
        }
    } else {
        put("webhook-id", DELIVERY.into());
        put("webhook-timestamp", TIMESTAMP.parse::<u64>().unwrap_or_default().into());
        message.headers.iter().for_each(|(name, value)| put(name, value.clone().into()));
    }
    if about.is_signed() {
        let secrets: Vec<Secret> = Secret::parse(SECRET).into_iter().collect();
        let signature = Signer::new(&secrets).sign(DELIVERY, TIMESTAMP, &message.body);
        headers.extend(signature.map(|signature| ("webhook-signature".to_owned(), signature.into())));
    }
    Value::Object(headers)
}

//! What travels: messages as Falaj publishes and consumes them.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};

/// Bytes of a property: the protocol's own limit.
const PROPERTY_BYTES_MAX: usize = 255;
/// Who says so in every message.
const APP: &str = "falaj";
/// The prefixes of CloudEvents attributes (AMQP binding, section 3.1.3.1).
const PREFIXES: [&str; 2] = ["cloudEvents:", "cloudEvents_"];

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Integer(i64),
    /// A flag.
    Boolean(bool),
}

/// A message to be published: persistent, and confirmed by the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The exchange.
    pub exchange: &'static str,
    /// The routing key.
    pub routing_key: String,
    /// Names it, the same whenever it is published again.
    pub message_id: String,
    /// What it belongs to; left out where the protocol cannot carry it.
    pub correlation_id: Option<String>,
    /// Media type of the body.
    pub content_type: String,
    /// Seconds since 1970.
    pub timestamp_s: u64,
    /// Headers; those with illegal names are left out.
    pub headers: Vec<(String, Value)>,
    /// The body.
    pub body: Bytes,
}

impl Outgoing {
    /// The properties; `user` is Falaj's own, which the broker compares with the connection's.
    pub(super) fn properties(&self, user: Option<&str>) -> BasicProperties {
        let mut headers = FieldTable::default();
        for (name, value) in &self.headers {
            let Some(name) = short(name) else { continue };
            let value = match value {
                Value::Text(text) => AMQPValue::LongString(LongString::from(text.as_str())),
                Value::Integer(number) => AMQPValue::LongLongInt(*number),
                Value::Boolean(flag) => AMQPValue::Boolean(*flag),
            };
            headers.insert(name, value);
        }
        let mut properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_app_id(APP.into())
            .with_timestamp(self.timestamp_s)
            .with_headers(headers);
        let put = |properties, text: Option<&str>, with: fn(BasicProperties, ShortString) -> BasicProperties| match text
            .and_then(short)
        {
            Some(text) => with(properties, text),
            None => properties,
        };
        properties = put(properties, Some(&self.content_type), BasicProperties::with_content_type);
        properties = put(properties, Some(&self.message_id), BasicProperties::with_message_id);
        properties = put(properties, self.correlation_id.as_deref(), BasicProperties::with_correlation_id);
        put(properties, user, BasicProperties::with_user_id)
    }
}

fn short(text: &str) -> Option<ShortString> {
    if text.is_empty() || text.len() > PROPERTY_BYTES_MAX { None } else { ShortString::try_new(text).ok() }
}

/// The value of a CloudEvents attribute in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// A text, or bytes that should be one.
    Text(&'a [u8]),
    /// A whole number.
    Integer(i64),
    /// A flag.
    Boolean(bool),
    /// Seconds since 1970.
    Timestamp(u64),
    /// Something that no attribute is.
    Other,
}

/// Why and from where a message came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// The broker's word: `rejected`, `delivery_limit`, `expired`, `maxlen`; anything else is `unknown`.
    pub reason: &'static str,
    /// The queue it came from.
    pub queue: String,
}

/// A consumed message. It is the broker's until it is acknowledged.
#[derive(Debug)]
pub struct Incoming {
    /// Names it within its session.
    pub tag: u64,
    /// Whether it had been delivered before.
    pub redelivered: bool,
    /// The body.
    pub body: Bytes,
    properties: BasicProperties,
}

impl Incoming {
    pub(super) fn of(delivery: Delivery) -> Self {
        let Delivery { delivery_tag, redelivered, properties, data, .. } = delivery;
        Self { tag: delivery_tag, redelivered, body: data.into(), properties }
    }

    /// The media type of the body.
    pub fn content_type(&self) -> &str {
        text(self.properties.content_type()).unwrap_or_default()
    }

    /// How the body is encoded.
    pub fn content_encoding(&self) -> Option<&str> {
        text(self.properties.content_encoding())
    }

    /// The sender's name for it.
    pub fn message_id(&self) -> Option<&str> {
        text(self.properties.message_id())
    }

    /// What the sender will know the answer by.
    pub fn correlation_id(&self) -> Option<&str> {
        text(self.properties.correlation_id())
    }

    /// Whether the sender wants an answer.
    pub fn wants_answer(&self) -> bool {
        text(self.properties.reply_to()).is_some()
    }

    /// Who published it: compared by the broker with the user of the connection. Absent: nobody knows.
    pub fn user(&self) -> Option<&str> {
        text(self.properties.user_id())
    }

    /// A header, where it is a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.properties.headers().as_ref()?.inner().get(name)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            AMQPValue::ShortString(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The CloudEvents attributes among the headers, without their prefix.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, Attribute<'_>)> {
        let headers = self.properties.headers().iter().flat_map(|headers| headers.inner());
        headers.filter_map(|(name, value)| {
            let name = PREFIXES.into_iter().find_map(|prefix| name.as_str().strip_prefix(prefix))?;
            Some((name, attribute(value)))
        })
    }

    /// Why and from where it came back, if it did: the latest of its deaths.
    pub fn death(&self) -> Option<Death> {
        let AMQPValue::FieldArray(deaths) = self.properties.headers().as_ref()?.inner().get("x-death")? else {
            return None;
        };
        let AMQPValue::FieldTable(latest) = deaths.as_slice().first()? else { return None };
        let member = |name: &str| match latest.inner().get(name) {
            Some(AMQPValue::LongString(text)) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
            _ => None,
        };
        let reason = member("reason").unwrap_or_default();
        let known = ["rejected", "delivery_limit", "expired", "maxlen"].into_iter().find(|known| *known == reason);
        Some(Death { reason: known.unwrap_or("unknown"), queue: member("queue").unwrap_or_default() })
    }
}

fn text(property: &Option<ShortString>) -> Option<&str> {
    property.as_ref().map(ShortString::as_str).filter(|text| !text.is_empty())
}

fn attribute(value: &AMQPValue) -> Attribute<'_> {
    match value {
        AMQPValue::LongString(text) => Attribute::Text(text.as_bytes()),
        AMQPValue::ShortString(text) => Attribute::Text(text.as_str().as_bytes()),
        AMQPValue::Boolean(flag) => Attribute::Boolean(*flag),
        AMQPValue::ShortShortInt(number) => Attribute::Integer((*number).into()),
        AMQPValue::ShortShortUInt(number) => Attribute::Integer((*number).into()),
        AMQPValue::ShortInt(number) => Attribute::Integer((*number).into()),
        AMQPValue::ShortUInt(number) => Attribute::Integer((*number).into()),
        AMQPValue::LongInt(number) => Attribute::Integer((*number).into()),
        AMQPValue::LongUInt(number) => Attribute::Integer((*number).into()),
        AMQPValue::LongLongInt(number) => Attribute::Integer(*number),
        AMQPValue::Timestamp(seconds) => Attribute::Timestamp(*seconds),
        _ => Attribute::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(headers: &[(&str, AMQPValue)]) -> Incoming {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert((*name).into(), value.clone());
        }
        let mut delivery = Delivery::mock(7, "falaj.in".into(), "a.b".into(), true, b"{}".to_vec());
        delivery.properties = BasicProperties::default().with_headers(table).with_user_id("moi".into());
        Incoming::of(delivery)
    }

    #[test]
    fn attributes_are_found_under_both_prefixes_and_keep_their_types() {
        let message = incoming(&[
            ("cloudEvents:type", AMQPValue::LongString("a.b".into())),
            ("cloudEvents_n", AMQPValue::ShortInt(7)),
            ("cloudEvents:flag", AMQPValue::Boolean(true)),
            ("cloudEvents:time", AMQPValue::Timestamp(1_700_000_000)),
            ("cloudEvents:odd", AMQPValue::Void),
            ("type", AMQPValue::LongString("no attribute".into())),
        ]);
        let mut found: Vec<_> = message.attributes().collect();
        found.sort_by_key(|(name, _)| *name);
        let expected = [
            ("flag", Attribute::Boolean(true)),
            ("n", Attribute::Integer(7)),
            ("odd", Attribute::Other),
            ("time", Attribute::Timestamp(1_700_000_000)),
            ("type", Attribute::Text(b"a.b")),
        ];
        assert_eq!(found, expected);
        assert_eq!((message.user(), message.tag, message.redelivered), (Some("moi"), 7, true));
    }

    #[test]
    fn the_latest_death_counts_and_only_known_words_of_it() {
        let death = |reason: &str, queue: &str| {
            let mut table = FieldTable::default();
            table.insert("reason".into(), AMQPValue::LongString(reason.into()));
            table.insert("queue".into(), AMQPValue::LongString(queue.into()));
            AMQPValue::FieldTable(table)
        };
        let deaths = vec![death("rejected", "falaj.out.moi"), death("expired", "other")];
        let message = incoming(&[("x-death", AMQPValue::FieldArray(deaths.into()))]);
        assert_eq!(message.death(), Some(Death { reason: "rejected", queue: "falaj.out.moi".into() }));
        let odd = incoming(&[("x-death", AMQPValue::FieldArray(vec![death("by citizen 7", "q")].into()))]);
        assert_eq!(odd.death().unwrap().reason, "unknown");
        assert_eq!(incoming(&[("x-death", AMQPValue::Void)]).death(), None);
    }

    #[test]
    fn what_the_protocol_cannot_carry_is_left_out() {
        let message = Outgoing {
            exchange: "falaj.out",
            routing_key: "moi".into(),
            message_id: "id".into(),
            correlation_id: Some("ك".repeat(200)),
            content_type: "application/json".into(),
            timestamp_s: 7,
            headers: vec![("x".repeat(256), Value::Boolean(true)), ("falaj-attempt".into(), Value::Integer(1))],
            body: Bytes::new(),
        };
        let properties = message.properties(Some("falaj"));
        assert_eq!(properties.correlation_id(), &None);
        assert_eq!(properties.headers().as_ref().unwrap().inner().len(), 1);
        assert_eq!(properties.delivery_mode(), &Some(2), "persistent");
        assert_eq!(properties.user_id().as_ref().map(ShortString::as_str), Some("falaj"));
    }
}

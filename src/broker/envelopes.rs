//! `falaj.in`: an event in a message, in structured or binary mode, on its way to the intake.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::answer::Asked;
use super::reader::{Begun, Verdict};
use super::speaker::speaker;
use super::start::Door;
use crate::amqp::figures::Consumed;
use crate::amqp::message::Attribute;
use crate::amqp::{Incoming, names};
use crate::http::error::{Kind, Problem};
use crate::intake::{Accepted, Refusal, Sender};
use crate::model::cloudevents::{self, Bounds, EventFault, Property};
use crate::model::envelope::Envelope;
use crate::model::id::AgencyId;
use crate::model::status::{EnvelopeStatus, Hold};

/// What a message turned out to be, before anybody is asked.
type Read = Result<Result<Envelope, EventFault>, Problem>;

impl Door {
    /// Reads a message, and says what is to be done with it.
    pub(super) fn begin_envelope(self: &Arc<Self>, message: Incoming, hasher: &RandomState) -> Begun {
        let asked = Asked::of(&message);
        let speaker = speaker(&self.catalog.load(), &message);
        let read = read(&message, &self.bounds);
        // Keeps B3: the key is that of all its lanes, whoever they lead to.
        let key = match &read {
            Ok(Ok(envelope)) => envelope.attributes.order_key().map(|key| hasher.hash_one(key)),
            _ => None,
        };
        let door = Arc::clone(self);
        let work = async move {
            let agency = match speaker {
                Ok(agency) => agency.id.clone(),
                Err(problem) => {
                    door.intake.refused("speaker");
                    return door.refuse(None, &asked, problem).await;
                }
            };
            match read {
                Ok(envelope) => door.accept(agency, envelope, &asked).await,
                Err(problem) => {
                    door.intake.refused(if problem.kind() == Kind::TooLarge { "too_large" } else { "media_type" });
                    door.refuse(Some(&agency), &asked, problem).await
                }
            }
        };
        Begun { key, work: Box::pin(work) }
    }

    async fn accept(&self, agency: AgencyId, envelope: Result<Envelope, EventFault>, asked: &Asked) -> Verdict {
        let sender = Sender { agency };
        match self.intake.accept(envelope, &sender).await {
            Ok(Accepted { view, repeat }) => {
                let status = if repeat { 200 } else { 202 };
                self.answer(&sender.agency, asked, status, &EnvelopeStatus::of(&view, |_| Hold::Open)).await;
                Verdict::Done(if repeat { Consumed::Repeated } else { Consumed::Taken })
            }
            Err(Refusal::Unavailable(_)) => Verdict::Later,
            Err(refusal) => self.refuse(Some(&sender.agency), asked, refusal.into()).await,
        }
    }
}

/// Reads the event of a message.
fn read(message: &Incoming, bounds: &Bounds) -> Read {
    if message.body.len() > bounds.body_bytes_max {
        return Err(Problem::too_large(bounds.body_bytes_max));
    }
    if message.content_encoding().is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Problem::new(
            Kind::MediaType,
            "The body must come without a content encoding.",
            "يجب إرسال متن الرسالة بلا ترميز محتوى.",
        ));
    }
    let content_type = message.content_type();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| essence.eq_ignore_ascii_case(name) && cloudevents::is_json_media_type(content_type);
    if is("application/cloudevents+json") {
        return Ok(cloudevents::structured(&message.body, bounds).map(|envelope| follow(envelope, message)));
    }
    if is("application/cloudevents-batch+json") {
        return Err(Problem::new(
            Kind::MediaType,
            format!("A message to `{}` carries one event; send each of them in a message of its own.", names::IN),
            format!("تحمل الرسالة المرسلة إلى `{}` حدثًا واحدًا؛ أرسل كل حدث في رسالة مستقلة.", names::IN),
        ));
    }
    if message.attributes().any(|(name, _)| matches!(name, "specversion" | "type" | "id")) {
        let attributes = message.attributes().map(|(name, value)| (name, property(value)));
        let read = cloudevents::properties(attributes, Some(content_type), &message.body, bounds);
        return Ok(read.map(|envelope| follow(envelope, message)));
    }
    Err(Problem::new(
        Kind::MediaType,
        "Send the content type `application/cloudevents+json`, or headers `cloudEvents:...` with a JSON body.",
        "أرسل نوع المحتوى `application/cloudevents+json`، أو ترويسات `cloudEvents:...` مع متن JSON.",
    ))
}

/// The trace of a message is its event's, where that has none.
fn follow(mut envelope: Envelope, message: &Incoming) -> Envelope {
    cloudevents::follow(&mut envelope.attributes, message.header("traceparent"), message.header("tracestate"));
    envelope
}

fn property(value: Attribute<'_>) -> Property<'_> {
    match value {
        Attribute::Text(text) => Property::Text(text),
        Attribute::Integer(number) => Property::Integer(number),
        Attribute::Boolean(flag) => Property::Boolean(flag),
        Attribute::Timestamp(seconds) => Property::Timestamp(seconds),
        Attribute::Other => Property::Other,
    }
}

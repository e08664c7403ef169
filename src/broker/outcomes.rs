//! `falaj.outcome`: what an agency says it did with a delivery that it got, by whatever transport.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use serde::Deserialize;

use super::answer::Asked;
use super::reader::{Begun, Verdict};
use super::speaker::speaker;
use super::start::Door;
use crate::amqp::Incoming;
use crate::amqp::figures::Consumed;
use crate::http::error::{Kind, Problem, Shape};
use crate::intake::report::{REASON_CHARS_MAX, REFERENCE_CHARS_MAX, fits};
use crate::intake::{Heard, Told, Unheard};
use crate::model::cloudevents::is_json_media_type;
use crate::model::id::DeliveryId;
use crate::model::json;
use crate::model::outcome::BusinessOutcome;
use crate::model::status::DeliveryStatus;

/// Bytes of a report.
const BYTES_MAX: usize = 16 * 1024;
/// Levels it may nest.
const DEPTH_MAX: u16 = 8;
/// What a report looks like.
const SHAPE: Shape = Shape(
    "Send `{\"delivery\": \"<its id, or the message_id it came with>\", \"outcome\": \"applied|refused|needs_action\", \
     \"reason\"?, \"reference\"?}`. A reason has at most 1000 characters, a reference 200.",
    "أرسل `{\"delivery\": \"<معرّفها، أو message_id الذي وصلت به>\", \"outcome\": \"applied|refused|needs_action\", \
     \"reason\"?, \"reference\"?}`. ولا يزيد السبب على 1000 محرف والمرجع على 200.",
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    delivery: String,
    outcome: Word,
    reason: Option<String>,
    reference: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Applied,
    Refused,
    NeedsAction,
    Retry,
}

impl Door {
    /// Reads a report, and says what is to be done with it.
    pub(super) fn begin_outcome(self: &Arc<Self>, message: Incoming, hasher: &RandomState) -> Begun {
        let asked = Asked::of(&message);
        let speaker = speaker(&self.catalog.load(), &message);
        let read = read(&message);
        // What an agency says of one delivery is heard in the order in which it was said.
        let key = read.as_ref().ok().map(|told| hasher.hash_one(told.delivery));
        let door = Arc::clone(self);
        let work = async move {
            let agency = match speaker {
                Ok(agency) => agency.id.clone(),
                Err(problem) => return door.refuse(None, &asked, problem).await,
            };
            let told = match read {
                Ok(told) => told,
                Err(problem) => return door.refuse(Some(&agency), &asked, problem).await,
            };
            let (status, view, what) = match door.intake.report(&agency, told).await {
                Ok(Heard::Recorded(view)) => (200, view, Consumed::Taken),
                Ok(Heard::Repeat(view)) => (200, view, Consumed::Repeated),
                Ok(Heard::Noted(view)) => (202, view, Consumed::Taken),
                Err(Unheard::Unavailable(_)) => return Verdict::Later,
                Err(unheard) => return door.refuse(Some(&agency), &asked, unheard.into()).await,
            };
            let hold = door.board.hold(&agency);
            door.answer(&agency, &asked, status, &DeliveryStatus::of(&view, &hold)).await;
            Verdict::Done(what)
        };
        Begun { key, work: Box::pin(work) }
    }
}

fn read(message: &Incoming) -> Result<Told, Problem> {
    if message.body.len() > BYTES_MAX {
        return Err(Problem::too_large(BYTES_MAX));
    }
    let plain = message.content_encoding().is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    if !plain || !is_json_media_type(message.content_type()) {
        return Err(Problem::new(
            Kind::MediaType,
            "The content type must be `application/json`, without a content encoding.",
            "يجب أن يكون نوع المحتوى `application/json` بلا ترميز محتوى.",
        ));
    }
    let shape = || Problem::shape(SHAPE);
    let text = std::str::from_utf8(&message.body).map_err(|_| shape())?;
    json::check(text, DEPTH_MAX).map_err(|_| shape())?;
    // What serde would say repeats values.
    let written: Written = serde_json::from_str(text).map_err(|_| shape())?;
    let Written { delivery, outcome, reason, reference } = written;
    if !fits(reason.as_deref(), REASON_CHARS_MAX) || !fits(reference.as_deref(), REFERENCE_CHARS_MAX) {
        return Err(shape());
    }
    let delivery = DeliveryId::parse(&delivery).ok_or_else(Problem::not_found)?;
    let outcome = match outcome {
        Word::Applied => Some(BusinessOutcome::Applied),
        Word::Refused => Some(BusinessOutcome::Refused),
        Word::NeedsAction => Some(BusinessOutcome::NeedsAction),
        Word::Retry => None,
    };
    Ok(Told { delivery, outcome, reason, reference })
}

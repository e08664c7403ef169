//! What Falaj tells a sender of its envelopes: how a delivery ended, and that an envelope is complete.
//!
//! N1: a notice is an envelope like any other, so lanes, retries and dead letters are the same. N2: it holds what its reader may see
//! of the status and nothing else: no subject, no data, never an agency's own text beyond its declared reason and reference. N3: its
//! id follows from what happened, so that the same change is the same event. N4: notices of one envelope have one order key, its id.
//!
//! Nothing here decides who gets one.

use bytes::Bytes;
use serde::Serialize;

use super::delivery::DeliveryView;
use super::envelope::{AttributeValue, Attributes, Envelope};
use super::id::{DeliveryId, EnvelopeId, EventType};
use super::status::{DeliveryStatus, EnvelopeState, EnvelopeStatus, Hold};
use super::time::At;

/// A delivery ended, or a final outcome of it came later.
pub const SETTLED: &str = "falaj.delivery.settled";
/// Nothing more is expected of any agency.
pub const COMPLETED: &str = "falaj.envelope.completed";
/// The version of both types' schemas that is written.
pub const VERSION: &str = "1.0";
/// The `source` of notices, where the configuration names no other.
pub const SOURCE: &str = "urn:falaj";
/// Deliveries that a completed envelope lists; the rest is counted, and can be read.
pub const LISTED_MAX: usize = 256;

/// The envelope that a notice is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Falaj's id of it.
    pub id: EnvelopeId,
    /// When it was accepted.
    pub accepted_at: At,
    /// Its attributes.
    pub attributes: &'a Attributes,
}

/// What happened to it.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// This delivery ended.
    Ended(&'a DeliveryView),
    /// The final outcome of this delivery came after it had ended.
    Outcome(&'a DeliveryView),
    /// It is complete.
    Completed {
        /// Whether something did not go well.
        failed: bool,
        /// Its first deliveries, at most [`LISTED_MAX`].
        deliveries: &'a [DeliveryView],
        /// How many there are.
        count: usize,
        /// How often it may have been opened again: by redrives, and by agencies that had the first word after a broker's confirmation.
        /// This tells one completion from the next.
        reopened: usize,
    },
}

/// Data of [`SETTLED`].
#[derive(Serialize)]
struct Settled<'a> {
    #[serde(flatten)]
    delivery: DeliveryStatus,
    envelope: Original<'a>,
}

/// The envelope of a delivery.
#[derive(Serialize)]
struct Original<'a> {
    id: EnvelopeId,
    source: &'a str,
    event_id: &'a str,
    #[serde(rename = "type")]
    ty: &'a EventType,
    accepted_at: At,
}

/// Data of [`COMPLETED`].
#[derive(Serialize)]
struct Completed {
    #[serde(flatten)]
    envelope: EnvelopeStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries_omitted: Option<usize>,
}

/// The notice of a change.
pub fn notice(source: &str, about: About<'_>, change: Change<'_>, now: At) -> Envelope {
    let (ty, id, data) = match change {
        Change::Ended(delivery) => (SETTLED, settled_id(delivery.id), settled(about, delivery)),
        Change::Outcome(delivery) => (SETTLED, outcome_id(delivery.id), settled(about, delivery)),
        Change::Completed { failed, deliveries, count, reopened } => {
            (COMPLETED, completed_id(about.id, reopened), completed(about, failed, deliveries, count))
        }
    };
    let original = about.attributes;
    let procedure = original.correlation_id().unwrap_or(&original.id);
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    let attributes = Attributes {
        id,
        source: source.to_owned(),
        ty: EventType::parse(ty).expect("the types of notices are types"),
        // Keeps N2 and N4: the envelope is the subject, never whom it was about.
        subject: Some(about.id.to_string()),
        time: Some(now.to_string()),
        datacontenttype: Some("application/json".to_owned()),
        dataschema: None,
        extensions: [("correlationid".to_owned(), text(procedure)), ("causationid".to_owned(), text(&original.id))]
            .into(),
    };
    Envelope { attributes, data }
}

fn settled(about: About<'_>, delivery: &DeliveryView) -> Bytes {
    let Attributes { id, source, ty, .. } = about.attributes;
    let envelope = Original { id: about.id, source, event_id: id, ty, accepted_at: about.accepted_at };
    json(&Settled { delivery: DeliveryStatus::of(delivery, &Hold::Open), envelope })
}

fn completed(about: About<'_>, failed: bool, deliveries: &[DeliveryView], count: usize) -> Bytes {
    let Attributes { id, source, ty, .. } = about.attributes.clone();
    let deliveries: Vec<_> =
        deliveries.iter().take(LISTED_MAX).map(|delivery| DeliveryStatus::of(delivery, &Hold::Open)).collect();
    let omitted = count.saturating_sub(deliveries.len());
    json(&Completed {
        envelope: EnvelopeStatus {
            id: about.id,
            source,
            event_id: id,
            ty,
            subject: None,
            accepted_at: about.accepted_at,
            state: if failed { EnvelopeState::CompletedWithFailures } else { EnvelopeState::Completed },
            deliveries,
        },
        deliveries_omitted: (omitted > 0).then_some(omitted),
    })
}

fn json(data: &impl Serialize) -> Bytes {
    serde_json::to_vec(data).expect("a status is written as JSON").into()
}

fn settled_id(delivery: DeliveryId) -> String {
    format!("{delivery}.settled")
}

fn outcome_id(delivery: DeliveryId) -> String {
    format!("{delivery}.outcome")
}

fn completed_id(envelope: EnvelopeId, reopened: usize) -> String {
    format!("{envelope}.completed.{reopened}")
}

/// What a notice is about, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A delivery.
    Delivery(DeliveryId),
    /// An envelope.
    Envelope(EnvelopeId),
}

/// Reads the id of a notice; `None` if it is none (N3).
pub fn told(id: &str) -> Option<Told> {
    let (thing, change) = id.split_once('.')?;
    match change {
        "settled" | "outcome" => DeliveryId::parse(thing).map(Told::Delivery),
        _ => {
            let reopened = change.strip_prefix("completed.")?;
            reopened.parse::<usize>().ok()?;
            EnvelopeId::parse(thing).map(Told::Envelope)
        }
    }
}

/// The schema that a notice satisfies, `<type>/<version>`.
pub fn schema(ty: &EventType) -> String {
    format!("{ty}/{VERSION}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::super::delivery::{DeliveryKey, Finished, LastError, Standing};
    use super::super::id::{AgencyId, Seq, Slot};
    use super::super::outcome::{BusinessOutcome, Class, Report};
    use super::*;

    const CITIZEN: &str = "28400000017";

    fn attributes(extensions: &[(&str, &str)]) -> Attributes {
        Attributes {
            id: "portal-7".into(),
            source: "urn:qa:gov:portal".into(),
            ty: EventType::parse("qa.gov.person.moved").unwrap(),
            subject: Some(CITIZEN.into()),
            time: None,
            datacontenttype: None,
            dataschema: None,
            extensions: extensions
                .iter()
                .map(|(name, value)| ((*name).to_owned(), AttributeValue::Text((*value).to_owned())))
                .collect(),
        }
    }

    fn about(attributes: &Attributes) -> About<'_> {
        About { id: EnvelopeId::from_uuid(Uuid::from_u128(7)), accepted_at: At(0), attributes }
    }

    fn delivery(slot: u16) -> DeliveryView {
        let agency = AgencyId::parse("moi").unwrap();
        DeliveryView {
            id: DeliveryId::from_uuid(Uuid::from_u128(100 + u128::from(slot))),
            standing: Standing::Finished { state: Finished::Delivered, at: At(5), by: agency.to_string(), why: None },
            key: DeliveryKey { agency, seq: Seq(1), slot: Slot(slot) },
            since: At(5),
            report: Report {
                outcome: Some(BusinessOutcome::Refused),
                reason: Some("no such person".into()),
                reference: Some("F-1".into()),
            },
            attempts: 2,
            last_error: Some(LastError {
                class: Class::EndpointFault,
                status: Some(500),
                note: format!("their text about {CITIZEN}"),
                at: At(3),
            }),
        }
    }

    fn data(notice: &Envelope) -> Value {
        serde_json::from_slice(&notice.data).unwrap()
    }

    #[test]
    fn the_end_of_a_delivery_is_told_as_the_status_tells_it() {
        let attributes = attributes(&[("correlationid", "case-1")]);
        let notice = notice(SOURCE, about(&attributes), Change::Ended(&delivery(1)), At(6));
        let said = &notice.attributes;
        let envelope = "00000000-0000-0000-0000-000000000007";
        assert_eq!(
            (said.ty.as_str(), said.source.as_str(), said.subject.as_deref()),
            (SETTLED, SOURCE, Some(envelope))
        );
        assert_eq!(said.id, "00000000-0000-0000-0000-000000000065.settled");
        assert_eq!(
            (said.extension("correlationid"), said.extension("causationid")),
            (Some("case-1"), Some("portal-7"))
        );
        assert_eq!(
            data(&notice),
            json!({
                "id": "00000000-0000-0000-0000-000000000065", "agency": "moi", "state": "delivered", "outcome": "refused",
                "reason": "no such person", "reference": "F-1", "attempts": 2, "settled_at": At(5),
                "last_error": { "class": "endpoint_fault", "status": 500, "at": At(3) },
                "envelope": {
                    "id": envelope, "source": "urn:qa:gov:portal", "event_id": "portal-7", "type": "qa.gov.person.moved",
                    "accepted_at": At(0),
                },
            })
        );
        // Keeps N2: neither whom it was about, nor what the agency's machine said.
        assert!(!format!("{notice:?}").contains(CITIZEN) && !notice.data_text().contains(CITIZEN));
        crate::model::json::check(notice.data_text(), 64).unwrap();
    }

    #[test]
    fn without_a_procedure_of_its_own_the_envelope_is_the_procedure() {
        let notice = notice(SOURCE, about(&attributes(&[])), Change::Outcome(&delivery(1)), At(6));
        assert_eq!(notice.attributes.correlation_id(), Some("portal-7"));
        assert_eq!(notice.attributes.id, "00000000-0000-0000-0000-000000000065.outcome");
    }

    #[test]
    fn a_completed_envelope_lists_a_bounded_number_of_deliveries() {
        let attributes = attributes(&[]);
        let deliveries: Vec<DeliveryView> = (1..=300).map(delivery).collect();
        let told = |deliveries: &[DeliveryView], failed| {
            let change = Change::Completed { failed, deliveries, count: deliveries.len(), reopened: 3 };
            notice(SOURCE, about(&attributes), change, At(6))
        };
        let many = told(&deliveries, true);
        assert_eq!(many.attributes.id, "00000000-0000-0000-0000-000000000007.completed.3");
        let said = data(&many);
        assert_eq!(
            (said["state"].as_str(), said["deliveries_omitted"].as_u64()),
            (Some("completed_with_failures"), Some(44))
        );
        assert_eq!(said["deliveries"].as_array().unwrap().len(), LISTED_MAX);
        assert_eq!(said.get("subject"), None);
        let few = data(&told(&deliveries[..2], false));
        assert_eq!((few["state"].as_str(), few.get("deliveries_omitted")), (Some("completed"), None));
        assert_eq!(few["deliveries"][1]["reference"], "F-1");
    }

    #[test]
    fn an_id_says_what_it_is_about_and_nothing_else_is_one() {
        let (delivery, envelope) =
            (DeliveryId::from_uuid(Uuid::from_u128(9)), EnvelopeId::from_uuid(Uuid::from_u128(9)));
        assert_eq!(told(&settled_id(delivery)), Some(Told::Delivery(delivery)));
        assert_eq!(told(&outcome_id(delivery)), Some(Told::Delivery(delivery)));
        assert_eq!(told(&completed_id(envelope, 12)), Some(Told::Envelope(envelope)));
        for other in [
            "",
            "x.settled",
            &format!("{delivery}"),
            &format!("{delivery}.completed"),
            &format!("{envelope}.completed.x"),
        ] {
            assert_eq!(told(other), None, "{other}");
        }
    }
}

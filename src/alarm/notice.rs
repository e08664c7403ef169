//! The notice of an alarm: a CloudEvent in structured mode, in both languages.

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use super::condition::Alarm;
use crate::mapping::Message;
use crate::model::time::At;

/// Who says it.
const SOURCE: &str = "urn:falaj";
/// When an alarm begins.
pub const RAISED: &str = "falaj.alarm.raised";
/// When it ends.
pub const CLEARED: &str = "falaj.alarm.cleared";

/// The message that tells of an alarm. `id` is the event's own; `subject` names the alarm, the same when it is raised and cleared.
pub fn message(alarm: &Alarm, id: Uuid) -> Message {
    let text = alarm.text();
    let whom = alarm.agency.as_ref().map_or("falaj", |agency| agency.as_str());
    let event = json!({
        "specversion": "1.0",
        "id": id.to_string(),
        "source": SOURCE,
        "type": if alarm.raised { RAISED } else { CLEARED },
        "subject": format!("{whom}/{}", alarm.condition.as_str()),
        "time": alarm.at,
        "datacontenttype": "application/json",
        "data": {
            "agency": alarm.agency,
            "condition": alarm.condition.as_str(),
            "since": alarm.since,
            "value": alarm.value,
            "limit": alarm.limit,
            "unit": alarm.condition.unit(),
            "text": text.en,
            "text_ar": text.ar,
        },
    });
    Message {
        content_type: "application/cloudevents+json; charset=utf-8".to_owned(),
        headers: Vec::new(),
        body: Bytes::from(event.to_string()),
    }
}

/// A UUIDv7 (RFC 9562) of a time and 80 random bits.
pub fn event_id(at: At, random: [u8; 10]) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::condition::Condition;
    use super::*;
    use crate::model::id::AgencyId;

    #[test]
    fn a_notice_is_a_cloudevent_in_both_languages() {
        let at = At::parse("2026-11-24T17:00:00Z").unwrap();
        let alarm = Alarm {
            agency: Some(AgencyId::parse("moi").unwrap()),
            condition: Condition::CircuitOpen,
            raised: true,
            since: at,
            at,
            value: 960,
            limit: 900,
        };
        let id = event_id(at, [0xff; 10]);
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        let message = message(&alarm, id);
        let bounds = crate::model::cloudevents::Bounds::default();
        let envelope = crate::model::cloudevents::structured(&message.body, &bounds).unwrap();
        assert_eq!(
            (envelope.attributes.ty.as_str(), envelope.attributes.subject.as_deref()),
            (RAISED, Some("moi/circuit_open"))
        );
        let data: serde_json::Value = serde_json::from_str(envelope.data_text()).unwrap();
        assert_eq!(data["text"], "moi: the agency has not answered for 16m, longer than 15m.");
        assert_eq!(data["text_ar"], "الجهة moi: لا تستجيب منذ 16m، أي أكثر من 15m.");
        let cleared = Alarm { raised: false, ..alarm };
        assert_eq!(cleared.text().en, "moi: the agency answers again.");
    }
}

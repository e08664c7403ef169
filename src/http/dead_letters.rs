//! What has failed and waits for a person: dead and parked deliveries, one by one or by what their errors have in common.
//!
//! An error's note is Falaj's own and names no person; an agency's answer is not shown here. The cursor is opaque: base64url of a
//! version byte and the delivery where the page ended.

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::body;
use super::error::{Fault, Problem, Shape};
use super::search::{PAGE_DEFAULT, limit, parameter, without};
use super::state::App;
use crate::ledger::{DeadGroup, DeadLetter, DeadQuery};
use crate::model::delivery::LastError;
use crate::model::id::{AgencyId, DeliveryId, EnvelopeId, EventType};
use crate::model::outcome::Class;
use crate::model::status::DeliveryStatus;
use crate::model::time::At;

/// Version of the cursor's layout.
const CURSOR_VERSION: u8 = 1;
/// Hex digits of an error group.
pub(super) const GROUP_DIGITS: usize = 16;
/// Questions to the ledger at once.
const ASKED_AT_ONCE: usize = 8;
/// What may be asked.
const SHAPE: Shape = Shape(
    "The query takes `agency type group from to cursor limit`, or `groups=true` with `agency` alone, each at most once.",
    "يقبل الاستعلام المعاملات `agency type group from to cursor limit`، أو `groups=true` مع `agency` وحده، كلًّا منها مرة واحدة على الأكثر.",
);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    agency: Option<String>,
    #[serde(rename = "type")]
    ty: Option<String>,
    group: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
    groups: Option<String>,
}

/// One dead or parked delivery.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    delivery: DeliveryStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<EnvelopeId>,
    #[serde(rename = "type")]
    ty: EventType,
    accepted_at: At,
    group: String,
    /// Whether a later one of its lane has been delivered since.
    overtaken: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<LastError>,
}

/// One error group.
#[derive(Debug, Serialize)]
struct Group {
    group: String,
    agency: AgencyId,
    note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    dead: u64,
    parked: u64,
    oldest_accepted_at: At,
}

/// `GET /v1/dead-letters`
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let Query(asked) = Query::<Asked>::try_from_uri(&uri).map_err(|_| Problem::shape(SHAPE))?;
    if asked.groups.as_deref() == Some("true") {
        return groups(&app, asked).await;
    }
    let query = query(asked)?;
    let limit = query.limit;
    let found = app.ledger.dead_letters(query).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|letter| write_cursor(letter.delivery.id));
    let lines: Vec<Line> =
        stream::iter(found).map(|letter| line(&app, letter)).buffered(ASKED_AT_ONCE).try_collect().await?;
    let mut page = serde_json::json!({ "dead_letters": lines });
    if let Some(next) = next {
        page["cursor"] = next.into();
    }
    Ok(body::answer(StatusCode::OK, &page))
}

async fn groups(app: &App, asked: Asked) -> Result<Response, Problem> {
    let Asked { agency, ty, group, from, to, cursor, limit, groups: _ } = asked;
    if [ty, group, from, to, cursor, limit].iter().any(Option::is_some) {
        return Err(Problem::shape(SHAPE));
    }
    let mut faults = Vec::new();
    let agency = parameter(&mut faults, "agency", agency, |text| AgencyId::parse(text).ok());
    without(faults)?;
    let groups: Vec<Group> = app.ledger.dead_groups(agency).await?.into_iter().map(Group::of).collect();
    Ok(body::answer(StatusCode::OK, &serde_json::json!({ "groups": groups })))
}

fn query(asked: Asked) -> Result<DeadQuery, Problem> {
    let mut faults: Vec<Fault> = Vec::new();
    let flag = |text: &str| (text == "false").then_some(());
    parameter(&mut faults, "groups", asked.groups, flag);
    let query = DeadQuery {
        agency: parameter(&mut faults, "agency", asked.agency, |text| AgencyId::parse(text).ok()),
        ty: parameter(&mut faults, "type", asked.ty, |text| EventType::parse(text).ok()),
        group: parameter(&mut faults, "group", asked.group, group),
        from: parameter(&mut faults, "from", asked.from, At::parse),
        to: parameter(&mut faults, "to", asked.to, At::parse),
        ids: Vec::new(),
        after: parameter(&mut faults, "cursor", asked.cursor, read_cursor),
        limit: parameter(&mut faults, "limit", asked.limit, limit).unwrap_or(PAGE_DEFAULT),
    };
    without(faults).map(|()| query)
}

/// Reads the name of an error group.
pub(super) fn group(text: &str) -> Option<String> {
    let legal = text.len() == GROUP_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    legal.then(|| text.to_owned())
}

async fn line(app: &App, letter: DeadLetter) -> Result<Line, Problem> {
    let DeadLetter { delivery, ty, accepted_at, group, overtaken } = letter;
    let envelope = app.ledger.delivery(delivery.id).await?.map(|(_, envelope)| envelope.id);
    let status = DeliveryStatus::of(&delivery, &app.hold(&delivery.key.agency));
    let status = DeliveryStatus { last_error: None, ..status };
    Ok(Line { delivery: status, envelope, ty, accepted_at, group, overtaken, error: delivery.last_error })
}

impl Group {
    fn of(group: DeadGroup) -> Self {
        let DeadGroup { group, agency, note, class, status, dead, parked, oldest } = group;
        Self { group, agency, note, class, status, dead, parked, oldest_accepted_at: oldest }
    }
}

fn write_cursor(after: DeliveryId) -> String {
    let mut bytes = [CURSOR_VERSION; 17];
    bytes[1..].copy_from_slice(after.uuid().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(text: &str) -> Option<DeliveryId> {
    let bytes: [u8; 17] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let [CURSOR_VERSION, place @ ..] = bytes else { return None };
    Some(DeliveryId::from_uuid(Uuid::from_bytes(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_no_other_text_is_one() {
        let id = DeliveryId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let cursor = write_cursor(id);
        assert_eq!(read_cursor(&cursor), Some(id));
        for bad in ["", "AQ", &cursor[1..], &format!("{cursor}A"), &cursor.replacen('A', "B", 1)] {
            assert_eq!(read_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_group_is_sixteen_hex_digits() {
        assert!(group("0123456789abcdef").is_some());
        for bad in ["", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdefa", "0123456789abcdeg"] {
            assert_eq!(group(bad), None, "{bad}");
        }
    }
}

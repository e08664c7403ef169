//! Searching envelopes, newest first, a page at a time.
//!
//! An agency searches among the envelopes it sent. The cursor is opaque: base64url of a version byte and the place where the page
//! ended, as eight bytes.

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::auth::{Caller, Sight};
use super::error::{Fault, Kind, Problem, Shape};
use super::state::App;
use super::{body, view};
use crate::ledger;
use crate::model::id::{EventType, Seq};
use crate::model::status::{EnvelopeState, EnvelopeStatus};
use crate::model::time::At;

/// Version of the cursor's layout.
const CURSOR_VERSION: u8 = 1;
/// Envelopes on a page, where the query does not say.
pub(super) const PAGE_DEFAULT: usize = 50;
/// Envelopes on a page at most.
pub(super) const PAGE_MAX: usize = 100;
/// Bytes of a query parameter at most.
pub(super) const PARAMETER_BYTES_MAX: usize = 4096;
/// What may be asked.
const SHAPE: Shape = Shape(
    "The query takes `source id type subject correlationid state from to cursor limit`, each at most once.",
    "يقبل الاستعلام المعاملات `source id type subject correlationid state from to cursor limit`، كلًّا منها مرة واحدة على الأكثر.",
);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    source: Option<String>,
    id: Option<String>,
    #[serde(rename = "type")]
    ty: Option<String>,
    subject: Option<String>,
    correlationid: Option<String>,
    state: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// `GET /v1/envelopes`
pub(super) async fn search(State(app): State<App>, caller: Caller, uri: Uri) -> Result<Response, Problem> {
    let Query(asked) = Query::<Asked>::try_from_uri(&uri).map_err(|_| Problem::shape(SHAPE))?;
    let mut query = query(asked)?;
    if let Sight::Own(agency) = caller.sight() {
        query.sender = Some(agency.clone());
    }
    let found = app.ledger.search(query).await?;
    let envelopes: Vec<EnvelopeStatus> =
        found.envelopes.into_iter().filter_map(|envelope| view::status(&app, caller.sight(), envelope)).collect();
    let mut page = serde_json::json!({ "envelopes": envelopes });
    if let Some(next) = found.next {
        page["cursor"] = write_cursor(next).into();
    }
    Ok(body::answer(StatusCode::OK, &page))
}

/// The query as the ledger takes it, or everything that is wrong with it.
fn query(asked: Asked) -> Result<ledger::Query, Problem> {
    let mut faults = Vec::new();
    let texts = [&asked.source, &asked.id, &asked.subject, &asked.correlationid];
    if texts.into_iter().flatten().any(|text| text.len() > PARAMETER_BYTES_MAX) {
        faults.push(Fault::new("?", "maxLength", "A parameter is too long.", "إحدى المعاملات أطول من المسموح."));
    }
    let query = ledger::Query {
        source: asked.source,
        event_id: asked.id,
        ty: parameter(&mut faults, "type", asked.ty, |text| EventType::parse(text).ok()),
        subject: asked.subject,
        correlation_id: asked.correlationid,
        mark: None,
        recipient: None,
        standing: None,
        group: None,
        without_notices: false,
        state: parameter(&mut faults, "state", asked.state, state),
        from: parameter(&mut faults, "from", asked.from, At::parse),
        to: parameter(&mut faults, "to", asked.to, At::parse),
        sender: None,
        before: parameter(&mut faults, "cursor", asked.cursor, read_cursor),
        limit: parameter(&mut faults, "limit", asked.limit, limit).unwrap_or(PAGE_DEFAULT),
    };
    without(faults).map(|()| query)
}

/// A query without faults, or the problem with all of them.
pub(super) fn without(faults: Vec<Fault>) -> Result<(), Problem> {
    if faults.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(
        Kind::BadRequest,
        "Parameters of the query are wrong; every one is listed.",
        "بعض معاملات الاستعلام غير صحيحة، وجميعها مذكورة أدناه.",
    );
    Err(problem.errors(faults))
}

/// Reads one parameter, or notes that it cannot be read.
pub(super) fn parameter<T>(
    faults: &mut Vec<Fault>,
    name: &str,
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let parsed = parse(text.as_deref()?);
    if parsed.is_none() {
        let message = format!("`{name}` cannot be read.");
        faults.push(Fault::new(&format!("?{name}"), "format", message, format!("تعذّرت قراءة المعامل «{name}».")));
    }
    parsed
}

fn state(text: &str) -> Option<EnvelopeState> {
    match text {
        "open" => Some(EnvelopeState::Open),
        "completed" => Some(EnvelopeState::Completed),
        "completed_with_failures" => Some(EnvelopeState::CompletedWithFailures),
        _ => None,
    }
}

/// How many stand on a page.
pub(super) fn limit(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| (1..=PAGE_MAX).contains(count))
}

fn write_cursor(before: Seq) -> String {
    let mut bytes = [CURSOR_VERSION; 9];
    bytes[1..].copy_from_slice(&before.0.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(text: &str) -> Option<Seq> {
    let bytes: [u8; 9] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let [CURSOR_VERSION, place @ ..] = bytes else { return None };
    Some(Seq(u64::from_be_bytes(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_no_other_text_is_one() {
        for seq in [0, 1, 70_000, u64::MAX] {
            assert_eq!(read_cursor(&write_cursor(Seq(seq))), Some(Seq(seq)));
        }
        for bad in ["", "AQ", "AgAAAAAAAAAB", "!!!!!!!!!!!!", "AQAAAAAAAAABAA"] {
            assert_eq!(read_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let text = || Some("nonsense".to_owned());
        let asked = Asked {
            ty: text(),
            state: text(),
            from: text(),
            to: text(),
            cursor: text(),
            limit: text(),
            ..Asked::default()
        };
        let problem = query(asked).unwrap_err();
        assert_eq!(problem.status(), 400);
        let written = serde_json::to_value(problem.written(Default::default(), None)).unwrap();
        let pointers: Vec<_> =
            written["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
        assert_eq!(pointers, ["?type", "?state", "?from", "?to", "?cursor", "?limit"]);
        for (text, count) in [("0", None), ("1", Some(1)), ("100", Some(100)), ("101", None), ("-1", None)] {
            assert_eq!(limit(text), count);
        }
    }
}

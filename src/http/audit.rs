//! Who did what, when, on what and why: the latest first, a page at a time.

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use super::error::{Problem, Shape};
use super::search::{PAGE_DEFAULT, limit, parameter, without};
use super::state::App;
use crate::ledger::AuditEntry;
use crate::model::means::Means;
use crate::model::time::At;

/// Version of the cursor's layout: it, and the entry's number as eight bytes.
const CURSOR_VERSION: u8 = 1;
/// What may be asked.
const SHAPE: Shape = Shape(
    "The query takes `cursor` and `limit`, each at most once.",
    "يقبل الاستعلام المعاملين `cursor` و`limit`، كلًّا منهما مرة واحدة على الأكثر.",
);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    cursor: Option<String>,
    limit: Option<String>,
}

#[derive(Debug, Serialize)]
struct Line {
    n: u64,
    at: At,
    actor: String,
    /// By which means the actor was known: `key`, `oidc` or `falaj` itself.
    means: &'static str,
    action: String,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Value>,
}

/// `GET /v1/audit`
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let Query(asked) = Query::<Asked>::try_from_uri(&uri).map_err(|_| Problem::shape(SHAPE))?;
    let mut faults = Vec::new();
    let before = parameter(&mut faults, "cursor", asked.cursor, read_cursor);
    let limit = parameter(&mut faults, "limit", asked.limit, limit).unwrap_or(PAGE_DEFAULT);
    without(faults)?;
    let entries = app.ledger.audit(before, limit).await?;
    let next = entries.last().filter(|_| entries.len() == limit).map(|entry| write_cursor(entry.n));
    let lines: Vec<Line> = entries.into_iter().map(Line::of).collect();
    let mut page = serde_json::json!({ "entries": lines });
    if let Some(next) = next {
        page["cursor"] = next.into();
    }
    Ok(body::answer(StatusCode::OK, &page))
}

impl Line {
    fn of(entry: AuditEntry) -> Self {
        let AuditEntry { n, at, actor, action, target, reason, detail } = entry;
        let detail = detail.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
        let means = Means::of(&actor).as_str();
        Self { n, at, actor, means, action, target, reason, detail }
    }
}

fn write_cursor(before: u64) -> String {
    let mut bytes = [CURSOR_VERSION; 9];
    bytes[1..].copy_from_slice(&before.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(text: &str) -> Option<u64> {
    let bytes: [u8; 9] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let [CURSOR_VERSION, number @ ..] = bytes else { return None };
    Some(u64::from_be_bytes(number))
}

//! Bodies, in and out: read within bounds, written as JSON.

use axum::body::{Body, BodyDataStream};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Kind, Problem, Shape};
use super::state::App;
use crate::model::json;

/// Bytes of a body that is a command to Falaj rather than an envelope.
const COMMAND_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one that may list ids.
const LIST_BYTES_MAX: usize = 64 * 1024;
/// Levels such a body may nest.
const COMMAND_DEPTH_MAX: u16 = 8;

/// Reads a whole body within `bytes_max` bytes and the configured time.
pub async fn read(app: &App, headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(
            Kind::MediaType,
            "The body must come without a content encoding.",
            "يجب إرسال متن الطلب بلا ترميز محتوى.",
        ));
    }
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > bytes_max) {
        return Err(Problem::too_large(bytes_max));
    }
    let gathered = gather(body.into_data_stream(), bytes_max, declared.unwrap_or(0));
    tokio::time::timeout(app.settings.body_read_timeout, gathered).await.unwrap_or_else(|_elapsed| {
        Err(Problem::new(Kind::Timeout, "The body did not arrive in time.", "لم يصل متن الطلب في الوقت المحدد."))
    })
}

/// Most bodies come in one piece and are not copied.
async fn gather(mut pieces: BodyDataStream, bytes_max: usize, expected: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut whole: Option<BytesMut> = None;
    while let Some(piece) = pieces.next().await {
        let piece = piece
            .map_err(|_broken| Problem::new(Kind::BadRequest, "The body broke off.", "انقطع متن الطلب قبل اكتماله."))?;
        let so_far = whole.as_ref().map_or(first.len(), BytesMut::len);
        if so_far + piece.len() > bytes_max {
            return Err(Problem::too_large(bytes_max));
        }
        match &mut whole {
            Some(whole) => whole.extend_from_slice(&piece),
            None if first.is_empty() => first = piece,
            None => {
                let mut joined = BytesMut::with_capacity(expected.max(first.len() + piece.len()));
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&piece);
                whole = Some(joined);
            }
        }
    }
    Ok(whole.map_or(first, BytesMut::freeze))
}

/// Reads a command: `application/json`, small, of the shape `T`. `shape` says so to those who miss it.
pub(super) async fn command<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    shape: Shape,
) -> Result<T, Problem> {
    parse(app, headers, body, shape, COMMAND_BYTES_MAX).await
}

/// Reads a command that may list ids, and is larger for it.
pub(super) async fn list<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    shape: Shape,
) -> Result<T, Problem> {
    parse(app, headers, body, shape, LIST_BYTES_MAX).await
}

async fn parse<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    shape: Shape,
    bytes_max: usize,
) -> Result<T, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !crate::model::cloudevents::is_json_media_type(content_type) {
        return Err(Problem::new(
            Kind::MediaType,
            "The body must be `application/json`.",
            "يجب أن يكون متن الطلب من النوع `application/json`.",
        ));
    }
    let bytes = read(app, headers, body, bytes_max).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Problem::shape(shape))?;
    json::check(text, COMMAND_DEPTH_MAX).map_err(|_| Problem::shape(shape))?;
    // What serde would say repeats values.
    serde_json::from_str(text).map_err(|_| Problem::shape(shape))
}

/// An answer in JSON.
pub(super) fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Problem::internal().into_response()
        }
    }
}

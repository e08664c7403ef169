//! Pages travel compressed where the browser takes it.
//!
//! What is secret in a page is under a mask that changes each time (see [`super::session`]), so its length tells nothing.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;

pub(super) use crate::http::gzip::{compress, is_taken};

/// The whole body of an answer, for whoever may send it compressed.
#[derive(Debug, Clone)]
pub(super) struct Whole(pub(super) Bytes);

/// Sends an answer compressed, if it is a whole one and the browser takes it.
pub(super) fn pack(response: &mut Response, taken: bool) {
    let Some(Whole(bytes)) = response.extensions_mut().remove::<Whole>() else { return };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding, cookie"));
    if let Some(packed) = Some(()).filter(|()| taken).and_then(|()| compress(&bytes, Compression::fast())) {
        *response.body_mut() = Body::from(packed);
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().remove(CONTENT_LENGTH);
    }
}

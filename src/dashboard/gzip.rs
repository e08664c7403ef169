//! Pages and files travel compressed where the browser takes it: a page of fifty kilobytes is six on a poor line.
//!
//! What is secret in a page is under a mask that changes each time (see [`super::session`]), so its length tells nothing.

use std::io::Write as _;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes below which nothing is gained.
const WORTH_IT: usize = 1024;

/// The whole body of an answer, for whoever may send it compressed.
#[derive(Debug, Clone)]
pub(super) struct Whole(pub(super) Bytes);

/// Whether a browser takes gzip.
pub(super) fn is_taken(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|text| text.split(',')).any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().unwrap_or(0.0) <= 0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Compresses; `None` where nothing is gained.
pub(super) fn compress(bytes: &[u8], level: Compression) -> Option<Bytes> {
    if bytes.len() < WORTH_IT {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < bytes.len()).then(|| packed.into())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_say_whether_they_take_it() {
        for (text, taken) in [
            ("gzip, deflate, br", true),
            ("GZIP;q=0.5", true),
            ("br", false),
            ("gzip;q=0", false),
            ("*;q=0", false),
            ("", false),
        ] {
            let headers = [(ACCEPT_ENCODING, HeaderValue::from_str(text).unwrap())].into_iter().collect();
            assert_eq!(is_taken(&headers), taken, "{text}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }

    #[test]
    fn what_is_small_stays_as_it_is_and_what_is_not_comes_back_the_same() {
        use std::io::Read as _;
        assert_eq!(compress(b"small", Compression::best()), None);
        let text = "a row of a table ".repeat(500);
        let packed = compress(text.as_bytes(), Compression::fast()).unwrap();
        let mut back = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut back).unwrap();
        assert!(back == text && packed.len() < text.len() / 10);
    }
}

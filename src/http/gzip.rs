//! Pages, files and documents travel compressed where the reader takes it: a page of fifty kilobytes is six on a poor line.

use std::io::Write as _;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes below which nothing is gained.
const WORTH_IT: usize = 1024;

/// Whether a browser takes gzip.
pub fn is_taken(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|text| text.split(',')).any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().unwrap_or(0.0) <= 0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Compresses; `None` where nothing is gained.
pub fn compress(bytes: &[u8], level: Compression) -> Option<Bytes> {
    if bytes.len() < WORTH_IT {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < bytes.len()).then(|| packed.into())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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

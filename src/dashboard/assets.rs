//! Our files: one style, one script, four fonts. Each has its content's hash in its address and is kept by browsers for ever.
//!
//! The fonts are IBM Plex Sans Arabic 1.101, cut down to Arabic and Latin and renamed, under the licence in `assets/OFL.txt`.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;

use super::gzip;

use crate::http::error::Problem;
use crate::http::path::Named;

/// Digits of the hash in an address.
const HASH_DIGITS: usize = 12;
/// A file that changes has another address.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

struct Asset {
    name: &'static str,
    address: String,
    kind: &'static str,
    content: Bytes,
    packed: Option<Bytes>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let woff = "font/woff2";
    let mut assets = vec![
        asset("arabic-400.woff2", woff, include_bytes!("assets/falaj-sans-arabic-400.woff2").as_slice().into()),
        asset("arabic-600.woff2", woff, include_bytes!("assets/falaj-sans-arabic-600.woff2").as_slice().into()),
        asset("latin-400.woff2", woff, include_bytes!("assets/falaj-sans-latin-400.woff2").as_slice().into()),
        asset("latin-600.woff2", woff, include_bytes!("assets/falaj-sans-latin-600.woff2").as_slice().into()),
        asset("icon.svg", "image/svg+xml", include_bytes!("assets/icon.svg").as_slice().into()),
        asset(
            "dashboard.js",
            "text/javascript; charset=utf-8",
            include_bytes!("assets/dashboard.js").as_slice().into(),
        ),
    ];
    let style = assets.iter().fold(include_str!("assets/dashboard.css").to_owned(), |style, asset| {
        style.replace(&format!("url({})", asset.name), &format!("url({})", asset.address))
    });
    assets.push(asset("dashboard.css", "text/css; charset=utf-8", style.into_bytes()));
    assets
});

fn asset(name: &'static str, kind: &'static str, content: Vec<u8>) -> Asset {
    let hash = digest::digest(&digest::SHA256, &content);
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).take(HASH_DIGITS / 2).collect();
    let packed = if kind.starts_with("font/") { None } else { gzip::compress(&content, Compression::best()) };
    Asset { name, address: format!("/dashboard/assets/{hash}.{name}"), kind, content: content.into(), packed }
}

/// The address of a file.
pub(super) fn address(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.address)
}

/// `GET /dashboard/assets/{file}`
pub(super) async fn get(headers: HeaderMap, Named(file): Named<String>) -> Result<Response, Problem> {
    let named = |asset: &&Asset| asset.address.rsplit('/').next() == Some(&file);
    let asset = ASSETS.iter().find(named).ok_or_else(Problem::not_found)?;
    let packed = asset.packed.as_ref().filter(|_| gzip::is_taken(&headers));
    let mut response = (StatusCode::OK, packed.unwrap_or(&asset.content).clone()).into_response();
    if packed.is_some() {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_names_its_fonts_by_address() {
        let style = ASSETS.iter().find(|asset| asset.name == "dashboard.css").unwrap();
        let style = std::str::from_utf8(&style.content).unwrap();
        let named: Vec<_> = style.split("url(").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
        assert_eq!(named.len(), 4);
        assert!(named.iter().all(|address| ASSETS.iter().any(|asset| asset.address == *address)), "{named:?}");
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for text in
            [include_str!("assets/dashboard.css"), include_str!("assets/dashboard.js"), include_str!("assets/icon.svg")]
        {
            let elsewhere = text.replace("http://www.w3.org/", "");
            assert!(!elsewhere.contains("http:") && !elsewhere.contains("https:") && !elsewhere.contains("//cdn"));
        }
    }

    #[test]
    fn a_first_visit_is_light() {
        let all = ASSETS.iter().map(|asset| asset.packed.as_ref().unwrap_or(&asset.content).len());
        let all: usize = all.sum();
        assert!(all < 100 * 1024, "{all} bytes of files, every font counted");
    }
}

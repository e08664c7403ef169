//! Handing the documents out: written once, named by their content, asked for again only when they change.
//!
//! S1: what stands here is the same for everybody and carries no data of the deployment. S2: a page loads nothing and runs nothing:
//! its style stands within it and is allowed by its hash.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::extract::{Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::Compression;
use serde::Deserialize;

use super::openapi;
use super::page::{self, STYLE};
use crate::asyncapi::{self, Of};
use crate::http::auth::{Caller, Sight};
use crate::http::error::{Kind, Problem, Shape};
use crate::http::path::Named;
use crate::http::routes::described;
use crate::http::state::App;
use crate::http::{gzip, observe};
use crate::model::id::AgencyId;
use crate::model::text::Language;

/// Bytes of a hash that name a document.
const TAG_BYTES: usize = 12;
/// What may be asked.
const SHAPE: Shape =
    Shape("The query takes `?lang=en` or `?lang=ar` and nothing else.", "لا يقبل الاستعلام سوى `?lang=ar` أو `?lang=en`.");
/// A document changes with the program alone, and is asked about again all the same: answering 304 costs nothing.
const KEPT: &str = "public, max-age=300";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    lang: Option<String>,
}

/// A document as it is handed out.
#[derive(Debug)]
struct Document {
    body: Bytes,
    packed: Option<Bytes>,
    tag: HeaderValue,
}

impl Document {
    /// A document, named by its content.
    fn new(text: String, level: Compression) -> Self {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        Self { tag: tag(hash.as_ref()), packed: gzip::compress(text.as_bytes(), level), body: text.into() }
    }

    /// The answer: the document, or that the caller has it.
    fn answer(&self, asked: &HeaderMap, media_type: &'static str, kept: &'static str) -> Response {
        if has(asked, &self.tag) {
            return not_modified(&self.tag, kept);
        }
        let packed = self.packed.as_ref().filter(|_| gzip::is_taken(asked));
        let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, kept), (VARY, "accept-encoding")];
        let mut response = (StatusCode::OK, headers, packed.unwrap_or(&self.body).clone()).into_response();
        response.headers_mut().insert(ETAG, self.tag.clone());
        if packed.is_some() {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// An entity tag; a weak one, for what is compressed has the same.
fn tag(hash: &[u8]) -> HeaderValue {
    let text = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..TAG_BYTES]));
    text.parse().expect("base64 in quotes is a legal header value")
}

/// Whether the caller names this tag (RFC 9110, section 13.1.2: compared weakly).
fn has(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let named = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut named = named.flat_map(|list| list.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let own = tag.as_bytes().strip_prefix(b"W/").unwrap_or(tag.as_bytes());
    named.any(|one| one == "*" || own == one.as_bytes())
}

/// The answer to a caller who has the document.
fn not_modified(tag: &HeaderValue, kept: &'static str) -> Response {
    let mut response = (StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, kept)]).into_response();
    response.headers_mut().insert(ETAG, tag.clone());
    response
}

/// `GET /openapi.json`
pub(in crate::http) async fn get_openapi(headers: HeaderMap) -> Response {
    static DOCUMENT: LazyLock<Document> =
        LazyLock::new(|| Document::new(openapi::write(&described()).to_string(), Compression::best()));
    DOCUMENT.answer(&headers, "application/json", KEPT)
}

/// What may be asked of the channels.
const AGENCY: Shape = Shape("The query takes `?agency=...` and nothing else.", "لا يقبل الاستعلام سوى `?agency=...`.");
/// Changes with the deployment, and differs by key.
const OWN: &str = "private, no-cache";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    agency: Option<String>,
}

/// `GET /asyncapi.json`
pub(in crate::http) async fn get_asyncapi(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let Query(asked) = Query::<Whose>::try_from_uri(&uri).map_err(|_| Problem::shape(AGENCY))?;
    let catalog = app.catalog.load_full();
    let known = |text: String| {
        let id = AgencyId::parse(&text).ok();
        id.filter(|id| catalog.agency(id).is_some()).ok_or_else(Problem::not_found)
    };
    let agency = asked.agency.map(known).transpose()?;
    let own = match caller.sight() {
        Sight::Own(own) if agency.as_ref().is_some_and(|agency| agency != own) => return Err(Problem::not_found()),
        Sight::Own(own) => Some(own.clone()),
        Sight::Masked | Sight::Clear => None,
    };
    let mut hash = digest::Context::new(&digest::SHA256);
    let (own_name, name) = (own.as_ref().map_or("", AgencyId::as_str), agency.as_ref().map_or("", AgencyId::as_str));
    for part in [env!("CARGO_PKG_VERSION"), &catalog.revision, own_name, name] {
        hash.update(part.as_bytes());
        hash.update(b"\n");
    }
    let tag = tag(hash.finish().as_ref());
    if has(&headers, &tag) {
        return Ok(not_modified(&tag, OWN));
    }
    // It takes its time where the deployment is large.
    let written = tokio::task::spawn_blocking(move || {
        let of = own.as_ref().map_or(Of::Overseen(agency.as_ref()), Of::Own);
        let document = Document::new(asyncapi::write(&catalog, of).to_string(), Compression::fast());
        Document { tag, ..document }
    });
    let document = written.await.map_err(|_| Problem::internal())?;
    Ok(document.answer(&headers, "application/json", OWN))
}

/// `GET /docs`
pub(in crate::http) async fn get_page(headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    static PAGES: LazyLock<[Document; 2]> = LazyLock::new(|| {
        let calls = described();
        [Language::English, Language::Arabic]
            .map(|language| Document::new(page::write(&calls, language), Compression::best()))
    });
    let language = language(&headers, &uri)?;
    Ok(html(&PAGES[usize::from(language == Language::Arabic)], &headers, language))
}

/// `GET /docs/problems/{name}`
pub(in crate::http) async fn get_problem(
    headers: HeaderMap,
    Named(name): Named<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.slug() == name).ok_or_else(Problem::not_found)?;
    let language = language(&headers, &uri)?;
    Ok(html(&Document::new(page::write_problem(kind, language), Compression::fast()), &headers, language))
}

fn language(headers: &HeaderMap, uri: &Uri) -> Result<Language, Problem> {
    let Query(asked) = Query::<Asked>::try_from_uri(uri).map_err(|_| Problem::shape(SHAPE))?;
    match asked.lang.as_deref() {
        None => Ok(observe::language(headers)),
        Some("en") => Ok(Language::English),
        Some("ar") => Ok(Language::Arabic),
        Some(_) => Err(Problem::shape(SHAPE)),
    }
}

fn html(document: &Document, asked: &HeaderMap, language: Language) -> Response {
    // Keeps S2.
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        policy.parse().expect("a policy is a legal header value")
    });
    let mut response = document.answer(asked, "text/html; charset=utf-8", KEPT);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding, accept-language"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_any_list_of_them() {
        let tag = tag(b"twelve bytes and more");
        let asked = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, value.parse().unwrap());
            has(&headers, &tag)
        };
        let own = tag.to_str().unwrap().trim_start_matches("W/");
        for yes in [own.to_owned(), format!("W/{own}"), format!("\"x\", {own}"), "*".to_owned()] {
            assert!(asked(&yes), "{yes}");
        }
        for no in ["", "\"x\"", &own[1..]] {
            assert!(!asked(no), "{no}");
        }
        assert!(!has(&HeaderMap::new(), &tag));
    }
}

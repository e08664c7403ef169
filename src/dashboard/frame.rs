//! Around every request to the dashboard: who reads, how errors look, and what the browser may do with an answer.
//!
//! F1: whatever goes wrong is a page in the reader's language, a panic too. F2: every answer has the strict headers; a page needs no
//! inline script or style and nothing from elsewhere.

use std::panic::AssertUnwindSafe;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;

use super::fields::Fields;
use super::page::{Page, Theme, html};
use super::say::Say;
use super::session::Signed;
use super::state::Dashboard;
use super::{cookie, gzip};
use crate::http::error::{Kind, Problem};
use crate::http::observe::language;
use crate::model::text::Language;

/// What a page may load, send and be framed by: its own files, its own server, nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How somebody reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    pub(super) say: Say,
    pub(super) theme: Theme,
}

impl Reader {
    /// As the query says, else as it is remembered, else as the browser says.
    fn of(dashboard: &Dashboard, headers: &HeaderMap, wishes: (Option<Language>, Option<Theme>)) -> Self {
        let language = wishes
            .0
            .or_else(|| cookie::read(headers, cookie::LANGUAGE).and_then(read_language))
            .unwrap_or_else(|| language(headers));
        let theme =
            wishes.1.or_else(|| cookie::read(headers, cookie::THEME).and_then(Theme::parse)).unwrap_or_default();
        Self { say: Say { language, now: dashboard.clock.now() }, theme }
    }
}

fn read_language(text: &str) -> Option<Language> {
    [Language::English, Language::Arabic].into_iter().find(|language| language.tag() == text)
}

/// Whether a request came over https, as far as is known.
pub(super) fn is_secure(dashboard: &Dashboard, headers: &HeaderMap) -> bool {
    // A client that says so of itself only gets a cookie that it keeps more strictly.
    let forwarded =
        headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
    dashboard.inner().settings.https || forwarded
}

/// Runs a request; the answer is a page in any case.
pub(super) async fn frame(State(dashboard): State<Dashboard>, mut request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let asked = Fields::read(uri.query().unwrap_or_default());
    let wishes = (asked.get("lang").and_then(read_language), asked.get("theme").and_then(Theme::parse));
    let reader = Reader::of(&dashboard, request.headers(), wishes);
    let secure = is_secure(&dashboard, request.headers());
    let gzip = gzip::is_taken(request.headers());
    request.extensions_mut().insert(reader);

    // Keeps F1.
    let ran = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = ran.unwrap_or_else(|_told_by_the_hook| {
        tracing::error!("a page panicked");
        Problem::internal().into_response()
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let signed = response.extensions_mut().remove::<Signed>();
        response = told(&dashboard, reader, signed, &uri, &problem);
    }
    gzip::pack(&mut response, gzip);
    let headers = response.headers_mut();
    if let Some(language) = wishes.0 {
        headers.append(SET_COOKIE, cookie::wish(cookie::LANGUAGE, language.tag(), secure));
    }
    if let Some(theme) = wishes.1 {
        headers.append(SET_COOKIE, cookie::wish(cookie::THEME, theme.as_str(), secure));
    }
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(reader.say.language.tag()));
    harden(headers);
    response
}

/// Keeps F2.
fn harden(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Forms of this origin must be able to say where they come from; nobody else learns what was looked at.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// What went wrong, as a page.
#[derive(Debug, Template)]
#[template(path = "problem.html", config = "src/dashboard/askama.toml")]
struct Told<'a> {
    page: Page,
    status: u64,
    title: &'a str,
    detail: &'a str,
    faults: Vec<&'a str>,
    back: bool,
}

fn told(dashboard: &Dashboard, reader: Reader, signed: Option<Signed>, uri: &Uri, problem: &Problem) -> Response {
    let language = reader.say.language;
    let own = match problem.kind() {
        Kind::NoKey => Some((reader.say.t("session-over"), reader.say.t("session-over-detail"))),
        _ => None,
    };
    let faults = problem.faults().iter().map(|fault| match language {
        Language::English => fault.message.as_str(),
        Language::Arabic => fault.message_ar.as_str(),
    });
    let screen = Told {
        page: Page::new(dashboard, reader, signed, uri),
        status: problem.status().as_u16().into(),
        title: own.as_ref().map_or(problem.kind().title(language), |(title, _)| title),
        detail: own.as_ref().map_or(problem.detail(language), |(_, detail)| detail),
        faults: faults.collect(),
        back: problem.kind() != Kind::NoKey,
    };
    let mut response = match html(&screen) {
        Ok(response) => response,
        Err(problem) => return problem.status().into_response(),
    };
    *response.status_mut() = problem.status();
    if let Some(seconds) = problem.retry_after_s() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

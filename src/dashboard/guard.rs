//! Before every page and action: a session, a right, and for what is posted the origin and the session's token.
//!
//! U1: a route says its right in the one table, and its guard stands before its handler. U2: nothing that is posted is looked at
//! before it is known to come from a page of this origin, and, but for signing in, of this very session. U3: a form is read here, once
//! and within bounds; handlers get its fields.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::cookie::Secret;
use super::fields::Fields;
use super::frame::is_secure;
use super::session::Signed;
use super::state::Dashboard;
use crate::http::auth::Right;
use crate::http::body;
use crate::http::error::{Kind, Problem};

/// Bytes of a form.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// The name of the field with the session's token.
pub(super) const TOKEN: &str = "token";

/// The fields of what was posted.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(pub(super) Fields);

/// Lets a request through with who is signed in, or not at all.
pub(super) async fn guard(
    State((dashboard, right)): State<(Dashboard, Right)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, mut posted) = request.into_parts();
    let posting = parts.method != Method::GET && parts.method != Method::HEAD;
    // Keeps U2.
    if posting && !is_same_origin(&parts.headers) {
        return Err(forbidden(
            "The form did not come from a page of this dashboard.",
            "لم يُرسَل النموذج من إحدى صفحات هذه اللوحة.",
        ));
    }
    let signed = signed(&dashboard, &parts.headers);
    if right != Right::Anyone {
        let Some(signed) = &signed else { return refused(&dashboard, &parts, posting) };
        if !right.is_given_to(signed.caller.role) {
            let problem = forbidden("Your role may not do this.", "لا يسمح دورك بهذا الإجراء.");
            return Ok(with(problem.into_response(), signed.clone()));
        }
    }
    if posting {
        let fields = match read(&dashboard, &parts.headers, posted).await {
            Ok(fields) => fields,
            Err(problem) => return Ok(maybe_with(problem.into_response(), signed)),
        };
        posted = axum::body::Body::empty();
        let wrote = signed.as_ref().is_some_and(|signed| signed.wrote(fields.text(TOKEN)));
        if right != Right::Anyone && !wrote {
            let problem = forbidden(
                "The form is of another session. Open the page again and repeat what you wanted to do.",
                "النموذج من جلسة أخرى. أعد فتح الصفحة وكرر الإجراء.",
            );
            return Ok(maybe_with(problem.into_response(), signed));
        }
        parts.extensions.insert(Form(fields));
    }
    if let Some(signed) = &signed {
        parts.extensions.insert(signed.clone());
    }
    Ok(maybe_with(next.run(Request::from_parts(parts, posted)).await, signed))
}

fn forbidden(detail: &str, detail_ar: &str) -> Problem {
    Problem::new(Kind::NotAllowed, detail, detail_ar)
}

/// Problems are told on a page of the one who is signed in.
fn with(mut response: Response, signed: Signed) -> Response {
    if response.extensions().get::<Problem>().is_some() {
        response.extensions_mut().insert(signed);
    }
    response
}

fn maybe_with(response: Response, signed: Option<Signed>) -> Response {
    match signed {
        Some(signed) => with(response, signed),
        None => response,
    }
}

/// Nobody is signed in: a page leads to signing in and back; what is posted or streamed is refused.
fn refused(dashboard: &Dashboard, parts: &Parts, posting: bool) -> Result<Response, Problem> {
    let streamed =
        parts.headers.get("accept").is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
    if posting || streamed {
        return Err(Problem::no_key(false));
    }
    let place = parts.uri.path_and_query().map_or("", |place| place.as_str());
    let had_one = Secret::Session.read(&parts.headers, is_secure(dashboard, &parts.headers)).is_some();
    let over = if had_one { "1" } else { "" };
    let next = if place == "/dashboard" { "" } else { place };
    let fields: Fields = [("over", over), ("next", next)].into_iter().collect();
    Ok(Redirect::to(&fields.link("/dashboard/sign-in")).into_response())
}

/// Who is signed in.
fn signed(dashboard: &Dashboard, headers: &HeaderMap) -> Option<Signed> {
    let id = Secret::Session.read(headers, is_secure(dashboard, headers))?;
    // A stream is not something done: it must not keep a session that nobody sits before.
    let streamed = headers.get("accept").is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
    dashboard.sessions().find(id, dashboard.roots(), dashboard.clock.now(), !streamed)
}

/// Whether the browser says that a page of this origin posted this. Every browser says one of the two; what says neither is no
/// browser, or hides something.
fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site.as_bytes() == b"same-origin";
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok());
    // `null` is an origin that hides; it has no scheme.
    let Some(origin) = origin.filter(|origin| origin.scheme().is_some()) else { return false };
    let Some(origin) = origin.authority().map(Authority::as_str) else { return false };
    // No page can set either of these.
    ["x-forwarded-host", HOST.as_str()].into_iter().filter_map(text).any(|host| host.eq_ignore_ascii_case(origin))
}

async fn read(dashboard: &Dashboard, headers: &HeaderMap, posted: axum::body::Body) -> Result<Fields, Problem> {
    let form = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !form.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::new(Kind::MediaType, "Only forms are taken here.", "لا تُقبل هنا سوى النماذج."));
    }
    let bytes = body::read(dashboard, headers, posted, FORM_BYTES_MAX).await?;
    Ok(Fields::read(&String::from_utf8_lossy(&bytes)))
}

impl FromRequestParts<Dashboard> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Dashboard) -> Result<Self, Problem> {
        // Only a route without a guard can come here without one.
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}

impl FromRequestParts<Dashboard> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Dashboard) -> Result<Self, Problem> {
        parts.extensions.remove::<Self>().ok_or_else(Problem::internal)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_a_page_of_this_origin_posts() {
        for (pairs, same) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://bus.example"), ("host", "bus.example")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://bus.example"), ("host", "bus.example")], true),
            (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], true),
            (&[("origin", "https://bus.example"), ("host", "inner:8080"), ("x-forwarded-host", "bus.example")], true),
            (&[("origin", "https://bus.example.evil"), ("host", "bus.example")], false),
            (&[("origin", "null"), ("host", "null")], false),
            (&[("host", "bus.example")], false),
        ] {
            assert_eq!(is_same_origin(&headers(pairs)), same, "{pairs:?}");
        }
    }
}

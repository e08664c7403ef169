//! Signing in with a key, and signing out.

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use std::net::{IpAddr, Ipv4Addr};

use super::cookie;
use super::frame::is_secure;
use super::guard::Form;
use super::page::{Page, html};
use super::session::{Proof, SessionFault, Signed};
use super::state::Dashboard;
use crate::http::error::{Kind, Problem};
use crate::http::server::Peer;

/// Bytes of a place to go on to.
const NEXT_BYTES_MAX: usize = 2048;

/// The screen.
#[derive(Debug, Template)]
#[template(path = "sign_in.html", config = "src/dashboard/askama.toml")]
struct SignIn {
    page: Page,
    next: String,
    /// What is told above the form, and whether it is bad news.
    note: Option<(String, bool)>,
}

/// `GET /dashboard/sign-in`
pub(super) async fn form(page: Page) -> Result<Response, Problem> {
    if page.signed().is_some() {
        return Ok(Redirect::to(&within(page.asked.text("next"))).into_response());
    }
    let note = match (page.asked.get("over"), page.asked.get("out")) {
        (Some(_), _) => Some((page.t("session-over-detail").into_owned(), false)),
        (_, Some(_)) => Some((page.t("sign-in-out").into_owned(), false)),
        _ => None,
    };
    html(&SignIn { next: page.asked.text("next").to_owned(), note, page })
}

/// `POST /dashboard/sign-in`
pub(super) async fn sign_in(
    State(dashboard): State<Dashboard>,
    Asker(address): Asker,
    headers: HeaderMap,
    page: Page,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (now, failures) = (dashboard.clock.now(), &dashboard.inner().failures);
    let wait = failures.wait(address, now);
    if !wait.is_zero() {
        tracing::warn!(%address, "too many failures to sign in");
        let note = page.ts("sign-in-wait", &page.span(&wait)).into_owned();
        let mut response = again(page, &form, StatusCode::TOO_MANY_REQUESTS, note)?;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        return Ok(response);
    }
    let Some((print, caller)) = dashboard.keys.identify(form.text("key")) else {
        failures.failed(address, now);
        tracing::warn!(%address, "a key that opens nothing was tried");
        let note = page.t("sign-in-wrong").into_owned();
        return again(page, &form, StatusCode::UNAUTHORIZED, note);
    };
    tracing::info!(name = caller.name, role = ?caller.role, "signed in");
    let id = dashboard.sessions().begin(caller, Proof::Key(print), now).map_err(|fault| match fault {
        SessionFault::TooMany => Problem::new(
            Kind::Unavailable,
            "Too many people are signed in. Try again later.",
            "عدد المسجلين حاليًا بلغ حده الأقصى. حاول لاحقًا.",
        )
        .retry_after(60),
        SessionFault::NoRandom => Problem::internal(),
    })?;
    if let Some(before) = page.signed() {
        dashboard.sessions().end(&before.place);
    }
    let mut response = Redirect::to(&within(form.text("next"))).into_response();
    response.headers_mut().append(SET_COOKIE, cookie::session(&id, is_secure(&dashboard, &headers)));
    Ok(response)
}

/// `POST /dashboard/sign-out`
pub(super) async fn sign_out(State(dashboard): State<Dashboard>, signed: Signed, headers: HeaderMap) -> Response {
    dashboard.sessions().end(&signed.place);
    tracing::info!(name = signed.caller.name, "signed out");
    let mut response = Redirect::to("/dashboard/sign-in?out=1").into_response();
    response.headers_mut().append(SET_COOKIE, cookie::no_session(is_secure(&dashboard, &headers)));
    // Pages that browsers keep whole, to go back to, are no longer anybody's; `no-store` does not reach those.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}

/// The form again; what was typed is not repeated.
fn again(page: Page, form: &super::fields::Fields, status: StatusCode, note: String) -> Result<Response, Problem> {
    let mut response = html(&SignIn { next: form.text("next").to_owned(), note: Some((note, true)), page })?;
    *response.status_mut() = status;
    Ok(response)
}

/// Where to go on to: a page of the dashboard and nothing else.
pub(super) fn within(asked: &str) -> String {
    let inside = asked.strip_prefix("/dashboard").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let plain = asked.len() <= NEXT_BYTES_MAX && asked.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let elsewhere = ["/dashboard/sign-in", "/dashboard/sign-out", "/dashboard/live"];
    let to = inside && plain && !elsewhere.iter().any(|path| asked.starts_with(path));
    if to { asked.to_owned() } else { "/dashboard".to_owned() }
}

/// The address somebody asks from: the connection's, or what a proxy that is believed says.
pub(super) struct Asker(IpAddr);

impl FromRequestParts<Dashboard> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Dashboard) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address);
        let believed =
            |address: &IpAddr| dashboard.inner().settings.proxies.iter().any(|network| network.contains(address));
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let mut hops: Vec<IpAddr> =
            forwarded.flat_map(|text| text.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
        // The last is whom the nearest proxy saw; further ones count as long as proxies that are believed say them.
        let mut address = peer.to_canonical();
        while believed(&address) {
            let Some(before) = hops.pop() else { break };
            address = before.to_canonical();
        }
        Ok(Self(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_within_the_dashboard_and_nowhere_else() {
        for good in ["/dashboard", "/dashboard?state=paused", "/dashboard/dead-letters?agency=moi&group=0f"] {
            assert_eq!(within(good), good);
        }
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/dashboardx",
            "/dashboard.evil",
            "/\\evil.example",
            "/dashboard/\\evil",
            "/dashboard/sign-in",
            "/dashboard/live?page=overview",
            "/v1/audit",
            "/dashboard/x\r\nset-cookie: a=b",
            &format!("/dashboard/{}", "x".repeat(NEXT_BYTES_MAX)),
        ] {
            assert_eq!(within(bad), "/dashboard", "{bad}");
        }
    }
}

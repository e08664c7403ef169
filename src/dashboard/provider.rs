//! Signing in with the identity provider: there, and back.
//!
//! The way there is posted, so that no other site sends anybody on it; its answer is a page that leads on, because a form's answer may
//! not redirect to another site (`form-action`), and a provider may send on to a third. The way back is a GET from another site: what
//! it brings counts only where this browser began ([`super::pending`]). Whatever goes wrong is told on the page for signing in,
//! under an address without what the provider sent.

use askama::Template;
use axum::extract::State;
use axum::http::header::{REFRESH, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};

use super::cookie::Secret;
use super::fields::Fields;
use super::frame::is_secure;
use super::guard::Form;
use super::page::{Page, html};
use super::pending::UnderWay;
use super::session::Proof;
use super::sign_in::{Asker, Trouble, let_in, told, within};
use super::state::Dashboard;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::identity::{Fault, Person, Provider};
use crate::model::means;

/// The page on the way to the provider.
#[derive(Debug, Template)]
#[template(path = "leave.html", config = "src/dashboard/askama.toml")]
struct Leave {
    page: Page,
    url: String,
    /// `in` or `out`.
    way: &'static str,
}

/// `POST /dashboard/sign-in/provider`
pub(super) async fn begin(
    State(dashboard): State<Dashboard>,
    Asker(address): Asker,
    headers: HeaderMap,
    page: Page,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (provider, now) = (provider(&dashboard)?, dashboard.clock.now());
    let next = within(form.text("next"));
    if !dashboard.inner().failures.wait(address, now).is_zero() {
        return Ok(told(Trouble::Wait, &next));
    }
    let asked = match provider.ask(page.lang(), form.get("anew").is_some(), now).await {
        Ok(asked) => asked,
        Err(fault) => return Ok(failed(&fault, &next)),
    };
    let cookie = dashboard.inner().pending.begin(&asked.state, asked.opening, next, address, now);
    let cookie = cookie.map_err(|_no_random| Problem::internal())?;
    let secure = is_secure(&dashboard, &headers) || provider.is_https();
    let mut response = leave(page, asked.url, "in")?;
    response.headers_mut().append(SET_COOKIE, Secret::SignIn.set(&cookie, secure));
    Ok(response)
}

/// `GET /dashboard/sign-in/return`
pub(super) async fn back(
    State(dashboard): State<Dashboard>,
    Asker(address): Asker,
    headers: HeaderMap,
    page: Page,
) -> Result<Response, Problem> {
    let (provider, now) = (provider(&dashboard)?, dashboard.clock.now());
    let cookie = Secret::SignIn.read(&headers, is_secure(&dashboard, &headers));
    let way = once(&page.asked, "state").zip(cookie).and_then(|(state, cookie)| {
        // Whatever is wrong with the rest, this sign-in is over.
        dashboard.inner().pending.take(state, cookie, now)
    });
    let Some(UnderWay { opening, next, .. }) = way else { return Ok(told(Trouble::Lost, "")) };
    let mut response = match (page.asked.get("error"), once(&page.asked, "code")) {
        (None, Some(code)) => match provider.answer(&opening, code, once(&page.asked, "iss"), now).await {
            Ok(person) => enter(&dashboard, &headers, &page, person, &next)?,
            Err(fault) => {
                if matches!(fault, Fault::Code(_)) {
                    // Only who began here can come here: nobody else's page makes an address fail.
                    dashboard.inner().failures.failed(address, now);
                }
                failed(&fault, &next)
            }
        },
        (error, _) => refused(error.unwrap_or_default(), &next),
    };
    Secret::SignIn.remove(&headers, response.headers_mut());
    Ok(response)
}

/// `GET /dashboard/sign-in/out`: the provider has let go.
pub(super) async fn let_go() -> Redirect {
    Redirect::to("/dashboard/sign-in?out=1")
}

/// A page that leads to an address of the provider, by itself and by a link.
fn leave(page: Page, url: String, way: &'static str) -> Result<Response, Problem> {
    let refresh = HeaderValue::from_str(&format!("0;url={url}")).map_err(|_| Problem::internal())?;
    let mut response = html(&Leave { page, url, way })?;
    response.headers_mut().insert(REFRESH, refresh);
    Ok(response)
}

/// Out of the provider too, where that is possible.
pub(super) async fn out(dashboard: &Dashboard, page: Page) -> Result<Response, Problem> {
    let url = match &dashboard.inner().settings.provider {
        Some(provider) => provider.leave(page.lang(), dashboard.clock.now()).await,
        None => None,
    };
    match url {
        Some(url) => leave(page.signed_out(), url, "out"),
        None => Ok(Redirect::to("/dashboard/sign-in?out=here").into_response()),
    }
}

/// Lets a person in whose groups may do something here.
fn enter(
    dashboard: &Dashboard,
    headers: &HeaderMap,
    page: &Page,
    person: Person,
    next: &str,
) -> Result<Response, Problem> {
    let Some(granted) = dashboard.inner().settings.groups.grant(&person.groups) else {
        tracing::warn!(name = %means::logged(&person.actor), groups = person.groups.len(), "none of a person's groups has a role");
        return Ok(told(Trouble::NoRole, next));
    };
    let caller = Caller { name: person.actor, role: granted.role, agency: granted.agency };
    let secure = is_secure(dashboard, headers)
        || dashboard.inner().settings.provider.as_ref().is_some_and(|provider| provider.is_https());
    let_in(dashboard, page, caller, Proof::Person(person.groups), next, secure)
}

/// The provider says no. Only the names of the standards are logged, not what somebody put into the address.
fn refused(error: &str, next: &str) -> Response {
    const KNOWN: [&str; 11] = [
        "access_denied",
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    ];
    let error = KNOWN.into_iter().find(|known| *known == error).unwrap_or("unknown");
    tracing::warn!(error, "the identity provider did not sign somebody in");
    let trouble = match error {
        "server_error" | "temporarily_unavailable" => Trouble::Down,
        "invalid_request" | "unauthorized_client" | "unsupported_response_type" | "invalid_scope" => Trouble::Wrong,
        _ => Trouble::Denied,
    };
    told(trouble, next)
}

/// Nobody is signed in, for a reason that is not theirs.
fn failed(fault: &Fault, next: &str) -> Response {
    tracing::warn!(error = fault as &dyn std::error::Error, "signing in with the identity provider failed");
    let trouble = match fault {
        Fault::Down(_) => Trouble::Down,
        Fault::Busy => Trouble::Busy,
        Fault::Code(_) => Trouble::Lost,
        Fault::Unusable(_) | Fault::Client(_) | Fault::Token(_) | Fault::Elsewhere | Fault::NoRandom => Trouble::Wrong,
    };
    told(trouble, next)
}

fn provider(dashboard: &Dashboard) -> Result<&Provider, Problem> {
    dashboard.inner().settings.provider.as_deref().ok_or_else(Problem::not_found)
}

/// A parameter that must not come twice (RFC 6749, section 3.1).
fn once<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let mut all = fields.all(name);
    let first = all.next();
    first.filter(|_| all.next().is_none())
}

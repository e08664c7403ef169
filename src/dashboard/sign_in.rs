//! The page for signing in, signing in with a key, and signing out.
//!
//! However somebody comes, [`let_in`] begins their session: a new one each time, and the one before in that browser ends, so that nobody
//! goes on in a session that somebody else began.

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::cookie::Secret;
use super::fields::Fields;
use super::frame::is_secure;
use super::guard::Form;
use super::page::{Page, html};
use super::provider;
use super::session::{Proof, SessionFault, Signed};
use super::state::Dashboard;
use crate::http::auth::Caller;
use crate::http::error::{Kind, Problem};
use crate::http::server::Peer;
use crate::model::means::{self, Means};

/// Bytes of a place to go on to.
const NEXT_BYTES_MAX: usize = 2048;

/// Why signing in with the identity provider came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It says no.
    Denied,
    /// It says yes, and none of the groups has a role here.
    NoRole,
    /// The answer belongs to nothing that this browser began lately.
    Lost,
    /// It does not answer.
    Down,
    /// Its answer cannot be believed, or it is not set up for this bus.
    Wrong,
    /// Too many at once.
    Busy,
    /// Too many failures before.
    Wait,
}

impl Trouble {
    const ALL: [Self; 7] = [Self::Denied, Self::NoRole, Self::Lost, Self::Down, Self::Wrong, Self::Busy, Self::Wait];

    /// Its word: in the address, and in the names of its texts.
    fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NoRole => "no-role",
            Self::Lost => "lost",
            Self::Down => "down",
            Self::Wrong => "wrong",
            Self::Busy => "busy",
            Self::Wait => "wait",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Denied | Self::NoRole => StatusCode::FORBIDDEN,
            Self::Lost => StatusCode::BAD_REQUEST,
            Self::Down | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Wrong => StatusCode::BAD_GATEWAY,
            Self::Wait => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// Leads to the page that tells it, away from an address in which a code or an error may stand.
pub(super) fn told(trouble: Trouble, next: &str) -> Response {
    let next = if next == "/dashboard" { "" } else { next };
    let fields: Fields = [("next", next), ("trouble", trouble.word())].into_iter().collect();
    Redirect::to(&fields.link("/dashboard/sign-in")).into_response()
}

/// The screen.
#[derive(Debug, Template)]
#[template(path = "sign_in.html", config = "src/dashboard/askama.toml")]
struct SignIn {
    page: Page,
    next: String,
    /// What is told above the form, and whether it is bad news.
    note: Option<(String, bool)>,
    /// What came of the identity provider.
    trouble: Option<&'static str>,
    /// Whether there is one.
    provider: bool,
    /// Whether it should ask anew who somebody is.
    anew: bool,
}

impl SignIn {
    fn new(page: Page, next: &str, note: Option<(String, bool)>, trouble: Option<Trouble>) -> Self {
        let (provider, next) = (page.provider(), next.to_owned());
        let trouble = trouble.filter(|_| provider);
        let anew = matches!(trouble, Some(Trouble::Denied | Trouble::NoRole));
        Self { page, next, note, trouble: trouble.map(Trouble::word), provider, anew }
    }
}

/// `GET /dashboard/sign-in`
pub(super) async fn form(page: Page) -> Result<Response, Problem> {
    if page.signed().is_some() {
        return Ok(Redirect::to(&within(page.asked.text("next"))).into_response());
    }
    let note = match (page.asked.get("over"), page.asked.get("out")) {
        (Some(_), _) => Some((page.t("session-over-detail").into_owned(), false)),
        (_, Some("here")) => Some((page.t("sign-in-out-here").into_owned(), false)),
        (_, Some(_)) => Some((page.t("sign-in-out").into_owned(), false)),
        _ => None,
    };
    let trouble = Trouble::ALL.into_iter().find(|trouble| Some(trouble.word()) == page.asked.get("trouble"));
    let next = page.asked.text("next").to_owned();
    let screen = SignIn::new(page, &next, note, trouble);
    let mut response = html(&screen)?;
    if screen.trouble.is_some() {
        *response.status_mut() = trouble.map_or(StatusCode::OK, Trouble::status);
    }
    Ok(response)
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
        let note = page.ts("sign-in-wait", &page.span_within(&wait)).into_owned();
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
    let secure = is_secure(&dashboard, &headers);
    let_in(&dashboard, &page, caller, Proof::Key(print), form.text("next"), secure)
}

/// Begins a session, whatever it goes back to, and leads on.
pub(super) fn let_in(
    dashboard: &Dashboard,
    page: &Page,
    caller: Caller,
    proof: Proof,
    next: &str,
    secure: bool,
) -> Result<Response, Problem> {
    let (name, role) = (means::logged(&caller.name).into_owned(), caller.role);
    let id = dashboard.sessions().begin(caller, proof, dashboard.clock.now()).map_err(|fault| match fault {
        SessionFault::TooMany => Problem::new(
            Kind::Unavailable,
            "Too many people are signed in. Try again later.",
            "عدد المسجلين حاليًا بلغ حده الأقصى. حاول لاحقًا.",
        )
        .retry_after(60),
        SessionFault::NoRandom => Problem::internal(),
    })?;
    tracing::info!(name, ?role, "signed in");
    if let Some(before) = page.signed() {
        dashboard.sessions().end(&before.place);
    }
    let mut response = Redirect::to(&within(next)).into_response();
    response.headers_mut().append(SET_COOKIE, Secret::Session.set(&id, secure));
    Ok(response)
}

/// `POST /dashboard/sign-out`: here, and at the identity provider where the session came from it.
pub(super) async fn sign_out(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    headers: HeaderMap,
    page: Page,
) -> Result<Response, Problem> {
    dashboard.sessions().end(&signed.place);
    tracing::info!(name = %means::logged(&signed.caller.name), "signed out");
    let mut response = match Means::of(&signed.caller.name) {
        Means::Provider => provider::out(&dashboard, page).await?,
        Means::Key | Means::Falaj => Redirect::to("/dashboard/sign-in?out=1").into_response(),
    };
    Secret::Session.remove(&headers, response.headers_mut());
    // Pages that browsers keep whole, to go back to, are no longer anybody's; `no-store` does not reach those.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// The form again; what was typed is not repeated.
fn again(page: Page, form: &Fields, status: StatusCode, note: String) -> Result<Response, Problem> {
    let mut response = html(&SignIn::new(page, form.text("next"), Some((note, true)), None))?;
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
pub(super) struct Asker(pub(super) IpAddr);

impl FromRequestParts<Dashboard> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Dashboard) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address);
        let believed =
            |address: &IpAddr| dashboard.inner().settings.proxies.iter().any(|network| network.contains(address));
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let mut hops: Vec<Option<IpAddr>> = forwarded.flat_map(|text| text.split(',')).map(hop).collect();
        // The last is whom the nearest proxy saw; further ones count as long as proxies that are believed say them. What is no
        // address ends it: the next would be the asker's own word.
        let mut address = peer.to_canonical();
        while believed(&address) {
            let Some(Some(before)) = hops.pop() else { break };
            address = before.to_canonical();
        }
        Ok(Self(address))
    }
}

/// An address as a proxy writes it, with a port or without.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let whole = text.parse::<SocketAddr>().map(|address| address.ip());
    whole.or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse()).ok()
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

//! A person before the dashboard: a browser's cookies and forms, without the browser.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use falaj::dashboard::{self, Dashboard, Settings};
use falaj::http::server::Peer;
use regex::Regex;
use tower::ServiceExt as _;

use crate::http_contract::door::{Answer, Door, key};

/// The dashboard over a bus.
pub struct Office {
    pub door: Door,
    router: Router,
}

/// Somebody before it.
pub struct Desk<'a> {
    office: &'a Office,
    cookies: BTreeMap<String, String>,
    /// Whether its browser says where its forms come from.
    pub origin: Option<&'static str>,
    /// Where it asks from.
    pub address: [u8; 4],
}

impl Office {
    pub fn open() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        Self::over(Door::open(), settings)
    }

    /// The dashboard over a door.
    pub fn over(door: Door, settings: Settings) -> Self {
        let router = dashboard::router(Dashboard::new(door.app.clone(), settings));
        Self { router: door.router.clone().merge(router), door }
    }

    /// Somebody who is not signed in.
    pub fn visitor(&self) -> Desk<'_> {
        Desk { office: self, cookies: BTreeMap::new(), origin: Some("http://bus.example"), address: [10, 0, 0, 1] }
    }

    /// Somebody who has signed in with the key of a name.
    pub async fn desk(&self, who: &str) -> Desk<'_> {
        let mut desk = self.visitor();
        let answer = desk.post("/dashboard/sign-in", &[("key", &key(who))]).await;
        assert_eq!(answer.status, 303, "{}", text(&answer));
        desk
    }
}

impl Desk<'_> {
    /// Opens a page, without following where it leads.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    /// Opens a page that must be there.
    pub async fn page(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        text(&answer)
    }

    /// Posts fields as they are.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.send("POST", path, Some(form.join("&"))).await
    }

    /// Opens a page, fills its form in, and posts it with what is hidden in it.
    pub async fn fill(&mut self, page: &str, fields: &[(&str, &str)]) -> Answer {
        static FORM: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?s)<form class="stack" method="post" action="([^"]+)">(.*?)</form>"#).unwrap()
        });
        static HIDDEN: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r#"type="hidden" name="([^"]+)" value="([^"]*)""#).unwrap());
        let html = self.page(page).await;
        let form = FORM.captures(&html).unwrap_or_else(|| panic!("{page} has no form: {html}"));
        let hidden: Vec<(String, String)> =
            HIDDEN.captures_iter(&form[2]).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
        let all: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(fields.iter().copied()).collect();
        let action = form[1].to_owned();
        self.post(&action, &all).await
    }

    /// Types a name into the box of the page that finds.
    pub async fn fill_box(&mut self, name: &str) -> Answer {
        let page = self.page("/dashboard/find").await;
        let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
        let token = rest.split('"').next().unwrap().to_owned();
        self.post("/dashboard/find", &[("token", &token), ("q", name)]).await
    }

    /// A cookie it has.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// A request as a browser sends it.
    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).header("host", "bus.example");
        request = request.extension(Peer(self.address.into()));
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(origin) = self.origin.filter(|_| method == "POST") {
            request = request.header("origin", origin);
        }
        request
    }

    /// Sends a request and keeps the cookies of its answer.
    pub async fn send(&mut self, method: &str, path: &str, form: Option<String>) -> Answer {
        let mut request = self.request(method, path);
        if form.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let response = self
            .office
            .router
            .clone()
            .oneshot(request.body(Body::from(form.unwrap_or_default())).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The router itself, for what does not end by itself.
    pub fn router(&self) -> Router {
        self.office.router.clone()
    }
}

/// An answer's body.
pub fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// Where an answer leads.
pub fn leads(answer: &Answer) -> &str {
    answer.headers.get(LOCATION).map_or("", |place| place.to_str().unwrap())
}

/// A page without the marks that keep apart what runs in different directions.
pub fn unmarked(page: &str) -> String {
    page.replace(['\u{2068}', '\u{2069}'], "")
}

/// A page without what differs from run to run.
pub fn shown(door: &Door, page: &str) -> String {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"name="token" value="[^"]+""#).unwrap());
    static ASSET: LazyLock<Regex> = LazyLock::new(|| Regex::new("assets/[0-9a-f]{12}").unwrap());
    static SEEN: LazyLock<Regex> = LazyLock::new(|| Regex::new("seen=[A-Za-z0-9_-]+").unwrap());
    static LANE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"<code dir="ltr">[0-9a-f]{8}</code>"#).unwrap());
    let page = TOKEN.replace_all(page, r#"name="token" value="<token>""#);
    let page = ASSET.replace_all(&page, "assets/<hash>");
    let page = SEEN.replace_all(&page, "seen=<seen>");
    // A lane's name hangs on the key of the ledger.
    let page = LANE.replace_all(&page, r#"<code dir="ltr"><lane></code>"#);
    door.redact(&unmarked(&page))
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

//! A browser before both: cookies, forms, redirects and refreshes. To the bus it speaks as through a proxy that ends TLS.

use std::collections::BTreeMap;

use regex::Regex;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, REFRESH, SET_COOKIE};
use reqwest::{Client, Method, Url};

use super::node::BASE;

/// Steps of one walk.
const STEPS_MAX: usize = 20;

/// What was answered.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    /// Where it leads by itself, as it says.
    pub fn leads(&self) -> Option<Url> {
        let text = |name| self.headers.get(name).map(|value: &reqwest::header::HeaderValue| value.to_str().unwrap());
        let to = text(LOCATION).or_else(|| text(REFRESH).map(|refresh| refresh.strip_prefix("0;url=").unwrap()));
        to.map(|to| self.url.join(to).unwrap())
    }

    /// The target of the form that has all of these in it.
    fn form(&self, with: &str) -> Option<(Url, Vec<(String, String)>)> {
        let form = Regex::new(r#"(?s)<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>"#).unwrap();
        let hidden = Regex::new(r#"type="hidden" name="([^"]+)" value="([^"]*)""#).unwrap();
        let found = form.captures_iter(&self.text).find(|found| found[0].contains(with))?;
        let fields = hidden.captures_iter(&found[2]).map(|field| (field[1].to_owned(), field[2].to_owned())).collect();
        Some((self.url.join(&found[1].replace("&amp;", "&")).unwrap(), fields))
    }
}

/// A browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// Where the bus really listens.
    bus: String,
    jar: BTreeMap<(String, String), String>,
}

impl Browser {
    pub fn new(bus: &str) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { client, bus: bus.to_owned(), jar: BTreeMap::new() }
    }

    /// A cookie of the bus.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.get(&("bus.example".to_owned(), name.to_owned())).map(String::as_str)
    }

    /// Puts a cookie of the bus in its place.
    pub fn put(&mut self, name: &str, value: &str) {
        self.jar.insert(("bus.example".to_owned(), name.to_owned()), value.to_owned());
    }

    /// Opens an address, without following where it leads.
    pub async fn get(&mut self, url: &str) -> Page {
        self.send(Method::GET, Url::parse(url).unwrap(), None).await
    }

    /// Opens a page of the bus.
    pub async fn open(&mut self, path: &str) -> Page {
        self.get(&format!("{BASE}{path}")).await
    }

    /// Posts fields.
    pub async fn post(&mut self, url: Url, fields: &[(&str, &str)]) -> Page {
        let mut form = Url::parse("form:").unwrap();
        form.query_pairs_mut().extend_pairs(fields);
        self.send(Method::POST, url, Some(form.query().unwrap_or_default().to_owned())).await
    }

    /// Fills in the form of a page that has something in it, and posts it with what is hidden in it.
    pub async fn fill(&mut self, page: &Page, with: &str, fields: &[(&str, &str)]) -> Page {
        let (url, hidden) = page.form(with).unwrap_or_else(|| panic!("no form with {with}: {}", page.text));
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        self.post(url, &all).await
    }

    /// Goes where a page leads, and on, until one stays or leads to an address that begins so.
    pub async fn follow(&mut self, mut page: Page, until: &str) -> Page {
        for _ in 0..STEPS_MAX {
            match page.leads() {
                Some(url) if !until.is_empty() && url.as_str().starts_with(until) => return page,
                Some(url) => page = self.get(url.as_str()).await,
                None => return page,
            }
        }
        panic!("it leads on and on: {}", page.url);
    }

    /// Walks through the provider's forms as somebody who agrees to everything; returns the address that leads back.
    pub async fn at_provider(&mut self, url: &str, who: &str) -> String {
        let back = format!("{BASE}/dashboard/sign-in/return");
        let mut page = self.get(url).await;
        for _ in 0..STEPS_MAX {
            page = self.follow(page, &back).await;
            if let Some(to) = page.leads() {
                return to.into();
            }
            assert!(page.status < 400, "{} {}", page.url, page.text);
            let asks = |what: &str| page.text.contains(what);
            page = if asks("value=\"login\"") {
                self.fill(&page, "value=\"login\"", &[("login", who), ("password", "any")]).await
            } else if asks("name=\"xsrf\"") {
                // It knew somebody else here until now.
                self.fill(&page, "name=\"xsrf\"", &[]).await
            } else {
                self.fill(&page, "value=\"consent\"", &[]).await
            };
        }
        panic!("the provider asks on and on");
    }

    /// Begins to sign in; returns where the provider is.
    pub async fn begin(&mut self, next: &str) -> Url {
        let page = self.open(&format!("/dashboard/sign-in?next={next}")).await;
        let page = self.fill(&page, "sign-in/provider", &[]).await;
        assert_eq!(page.status, 200, "{:?}", page.leads());
        page.leads().expect("it leads to the provider")
    }

    /// Signs in with the provider; returns what the bus answers to whoever comes back.
    pub async fn sign_in(&mut self, who: &str, next: &str) -> Page {
        let url = self.begin(next).await;
        let back = self.at_provider(url.as_str(), who).await;
        self.get(&back).await
    }

    async fn send(&mut self, method: Method, url: Url, form: Option<String>) -> Page {
        let host = url.host_str().unwrap().to_owned();
        let is_bus = url.as_str().starts_with(BASE);
        let to = if is_bus { url.as_str().replacen(BASE, &self.bus, 1) } else { url.to_string() };
        let mut request = self.client.request(method, to);
        if is_bus {
            request = request.header("host", "bus.example").header("x-forwarded-proto", "https");
        }
        if let Some(form) = form {
            request = request.header("origin", url.origin().ascii_serialization());
            request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        }
        let own = self.jar.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.jar.remove(&(host.clone(), name.to_owned()));
            } else {
                self.jar.insert((host.clone(), name.to_owned()), value.to_owned());
            }
        }
        Page { url, status, headers, text: response.text().await.unwrap_or_default() }
    }
}

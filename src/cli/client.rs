//! The bus as a caller sees it: its address, a key, and answers read with a bound.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::connector::tls;
use crate::model::text::Language;

/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 16 << 20;
/// The longest the bus is asked to hold one long poll.
pub const POLL: Duration = Duration::from_secs(30);
/// The longest one call may take beyond its long poll.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEY_CHARS_MAX: usize = 512;

/// Where the bus is and who calls.
#[derive(Debug, Clone, clap::Args)]
pub struct BusArgs {
    /// Address of the bus
    #[arg(long, env = "FALAJ_URL", default_value = "http://127.0.0.1:8080", hide_env_values = true)]
    pub url: String,
    /// Key to call it with; other users of this machine can read it in the list of processes, so rather set FALAJ_KEY
    #[arg(long, env = "FALAJ_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// File that holds the key; it comes before --key and FALAJ_KEY
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// A bus to call.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    base: Url,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, where it was given so.
    pub retry_after: Option<Duration>,
    /// The body, JSON as a rule.
    pub body: Bytes,
}

/// An envelope's receipt or status, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
pub struct Receipt {
    /// Falaj's id.
    pub id: String,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `id`.
    pub event_id: String,
    /// CloudEvents `type`.
    #[serde(rename = "type")]
    pub ty: String,
    /// When it was accepted, RFC 3339.
    pub accepted_at: String,
    /// `open`, `completed` or `completed_with_failures`.
    pub state: String,
    /// What each agency did.
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
}

/// One delivery of a receipt.
#[derive(Debug, Clone, Deserialize)]
pub struct Delivery {
    /// The agency.
    pub agency: String,
    /// Where it stands.
    pub state: String,
    /// Why it waits.
    pub waiting: Option<Waiting>,
    /// What the agency did.
    pub outcome: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The agency's own number.
    pub reference: Option<String>,
    /// Attempts that counted.
    #[serde(default)]
    pub attempts: u32,
}

/// Why a delivery waits.
#[derive(Debug, Clone, Deserialize)]
pub struct Waiting {
    /// One word.
    pub reason: String,
    /// One English sentence.
    #[serde(default)]
    pub text: String,
    /// The same in Arabic.
    #[serde(default)]
    pub text_ar: String,
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What kind.
    pub title: String,
    /// What exactly.
    pub detail: Option<String>,
    /// Every wrong field.
    pub errors: Vec<FieldError>,
}

/// One wrong field.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct FieldError {
    /// JSON Pointer relative to the envelope in structured form.
    pub pointer: String,
    /// The rule that it breaks.
    pub keyword: String,
    /// One English sentence.
    pub message: String,
    /// The same in Arabic.
    pub message_ar: String,
}

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallFault {
    /// Nothing listens there, or nobody knows the name.
    #[error(
        "cannot connect to the bus at {0}: is it running there? start one with `falaj serve`, or name another with --url"
    )]
    Connect(String),
    /// The answer did not come, or not whole; the call may have been heard.
    #[error("the bus at {0} broke off its answer")]
    Broken(String),
    /// The answer is larger than is read.
    #[error("the bus at {0} answered more than {ANSWER_MAX} bytes")]
    TooLong(String),
}

impl Bus {
    /// Prepares calls; nothing is connected yet.
    pub fn new(args: &BusArgs) -> anyhow::Result<Self> {
        let mut base = Url::parse(&args.url).with_context(|| format!("--url {} is not a URL", args.url))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            bail!("--url {} is not an http or https URL", args.url);
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let key = match &args.key_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                Some(text.trim().to_owned())
            }
            None => args.key.clone(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(language().tag()));
        if let Some(key) = key {
            let value = (key.len() <= KEY_CHARS_MAX).then(|| HeaderValue::from_str(&format!("Bearer {key}")).ok());
            let mut value = value.flatten().context("the key is not one: it is a single line of plain characters")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let builder = || {
            ClientBuilder::new()
                .user_agent(concat!("falaj-cli/", env!("CARGO_PKG_VERSION")))
                .default_headers(headers.clone())
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .tcp_nodelay(true)
                .connect_timeout(CONNECT_TIMEOUT)
        };
        Ok(Self { client: tls::client(builder).context("cannot prepare HTTP")?, base })
    }

    /// Posts one event in structured mode.
    pub async fn post(&self, event: Bytes) -> Result<Answer, CallFault> {
        let url = self.at(&["v1", "envelopes"]);
        let request = self.client.request(Method::POST, url).timeout(CALL_TIMEOUT);
        self.call(request.header(CONTENT_TYPE, "application/cloudevents+json").body(event)).await
    }

    /// Reads an envelope's status; with `wait` (in whole seconds), when it is settled or that time has passed.
    pub async fn envelope(&self, id: &str, wait: Option<Duration>) -> Result<Answer, CallFault> {
        let mut url = self.at(&["v1", "envelopes", id]);
        if let Some(wait) = wait {
            url.query_pairs_mut().append_pair("wait", &format!("{}s", wait.as_millis().div_ceil(1000)));
        }
        let timeout = CALL_TIMEOUT + wait.unwrap_or_default();
        self.call(self.client.request(Method::GET, url).timeout(timeout)).await
    }

    /// Finds an envelope by its identity.
    pub async fn find(&self, source: &str, id: &str) -> Result<Answer, CallFault> {
        let mut url = self.at(&["v1", "envelopes"]);
        url.query_pairs_mut().append_pair("source", source).append_pair("id", id);
        self.call(self.client.request(Method::GET, url).timeout(CALL_TIMEOUT)).await
    }

    /// Reads all agencies, or one.
    pub async fn agencies(&self, agency: Option<&str>) -> Result<Answer, CallFault> {
        let path: Vec<&str> = ["v1", "agencies"].into_iter().chain(agency).collect();
        self.call(self.client.request(Method::GET, self.at(&path)).timeout(CALL_TIMEOUT)).await
    }

    /// Reads what stands at a path.
    pub async fn read(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Answer, CallFault> {
        self.ask(Method::GET, segments, query, None).await
    }

    /// Orders something: posts JSON.
    pub async fn order(&self, segments: &[&str], body: &serde_json::Value) -> Result<Answer, CallFault> {
        self.ask(Method::POST, segments, &[], Some(body)).await
    }

    /// Ends what stands at a path.
    pub async fn end(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Answer, CallFault> {
        self.ask(Method::DELETE, segments, query, None).await
    }

    async fn ask(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, &str)],
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, CallFault> {
        let mut url = self.at(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.request(method, url).timeout(CALL_TIMEOUT);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        self.call(request).await
    }

    fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The address without a path or query, as it may be shown.
    fn place(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Result<Answer, CallFault> {
        let lost = |error: &reqwest::Error| match error.is_connect() {
            true => CallFault::Connect(self.place()),
            false => CallFault::Broken(self.place()),
        };
        let mut response = request.send().await.map_err(|error| lost(&error))?;
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(CallFault::TooLong(self.place()));
            }
            body.extend_from_slice(&chunk);
        }
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Answer { status: response.status().as_u16(), retry_after, body: body.into() })
    }
}

impl Answer {
    /// Whether the bus said yes.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reads the body.
    pub fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body).with_context(|| {
            format!("what answered (status {}) is not a Falaj of this version; check --url", self.status)
        })
    }

    /// The problem in readable form: title, detail, and every wrong field on a line of its own.
    pub fn problem(&self) -> String {
        let problem: Problem = serde_json::from_slice(&self.body).unwrap_or_default();
        let title = if problem.title.is_empty() { "no reason given" } else { &problem.title };
        let mut text = format!("{} {title}", self.status);
        if let Some(detail) = problem.detail.filter(|detail| *detail != problem.title) {
            text.push_str(": ");
            text.push_str(&detail);
        }
        let width = problem.errors.iter().map(|error| error.pointer.chars().count()).max().unwrap_or(0);
        for error in &problem.errors {
            let pointer = if error.pointer.is_empty() { "(whole envelope)" } else { &error.pointer };
            let message = pick(language(), &error.message, &error.message_ar);
            text.push_str(&format!("\n    {pointer:<width$}  {message} [{}]", error.keyword));
        }
        match self.status {
            401 => text.push_str("\n    give a key with --key-file or FALAJ_KEY; `falaj keys new` makes one"),
            403 => text.push_str(
                "\n    the key may not do this: see its role, and for a sender [publishes] in connector.toml",
            ),
            _ => {}
        }
        text.lines().map(super::table::plain).collect::<Vec<_>>().join("\n")
    }
}

impl Waiting {
    /// The sentence in the language of the shell.
    pub fn sentence(&self) -> &str {
        pick(language(), &self.text, &self.text_ar)
    }
}

/// The language of the shell (`LC_ALL`, `LC_MESSAGES`, `LANG`): what the bus says is shown in it.
pub fn language() -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    spoken(set.as_deref())
}

fn spoken(locale: Option<&str>) -> Language {
    let tag = locale.and_then(|locale| locale.split(['_', '.', '@', '-']).next());
    if tag == Some("ar") { Language::Arabic } else { Language::English }
}

fn pick<'a>(language: Language, en: &'a str, ar: &'a str) -> &'a str {
    if language == Language::Arabic && !ar.is_empty() { ar } else { en }
}

impl Receipt {
    /// Whether nothing is open any more.
    pub fn is_settled(&self) -> bool {
        self.state != "open"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(url: &str) -> BusArgs {
        BusArgs { url: url.to_owned(), key: None, key_file: None }
    }

    #[test]
    fn paths_are_kept_and_escaped() {
        let bus = Bus::new(&args("http://gate.example:81/bus")).unwrap();
        assert_eq!(bus.at(&["v1", "agencies", "a/b"]).as_str(), "http://gate.example:81/bus/v1/agencies/a%2Fb");
        assert_eq!(bus.place(), "http://gate.example:81");
        for url in ["", "falaj", "ftp://x/", "mailto:x@y"] {
            assert!(Bus::new(&args(url)).is_err(), "{url}");
        }
        let key = Some("a\nb".to_owned());
        assert!(Bus::new(&BusArgs { key, ..args("http://x") }).is_err());
    }

    #[test]
    fn the_shell_says_which_language() {
        for (locale, language) in [
            (Some("ar_QA.UTF-8"), Language::Arabic),
            (Some("ar"), Language::Arabic),
            (Some("en_GB.UTF-8"), Language::English),
            (Some("arn_CL"), Language::English),
            (Some("C"), Language::English),
            (None, Language::English),
        ] {
            assert_eq!(spoken(locale), language, "{locale:?}");
        }
        assert_eq!(pick(Language::Arabic, "late", "متأخر"), "متأخر");
        assert_eq!(pick(Language::Arabic, "late", ""), "late");
    }

    #[test]
    fn problems_name_every_field() {
        let body = r#"{"title":"Schema","status":422,"detail":"2 fields are wrong","errors":[
            {"pointer":"/data/qid","keyword":"pattern","message":"11 digits"},
            {"pointer":"","keyword":"required","message":"subject \u001b[2J"}]}"#;
        let text = Answer { status: 422, retry_after: None, body: body.into() }.problem();
        assert!(text.starts_with("422 Schema: 2 fields are wrong\n    /data/qid"), "{text}");
        assert!(text.contains("(whole envelope)") && !text.contains('\u{1b}'), "{text}");
        let text = Answer { status: 502, retry_after: None, body: "<html>".into() }.problem();
        assert_eq!(text, "502 no reason given");
    }
}

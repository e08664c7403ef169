//! A sender: posts envelopes, reads their status, and follows the bus to the port of its next life.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

/// The type every test speaks of.
pub const TYPE: &str = "qa.test.thing.changed";
/// The source the test's publisher may speak for.
pub const SOURCE: &str = "urn:qa:test:pub";
/// How long one call may take, long polls included.
const TIMEOUT: Duration = Duration::from_secs(40);

/// One envelope. Its identity is subject and number, so that a repeat is the same text again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// CloudEvents `id`.
    pub id: String,
    /// CloudEvents `subject`.
    pub subject: String,
    /// The number of this change of the subject.
    pub n: u64,
    /// Fills the body.
    pub note: String,
}

impl Thing {
    /// The `n`-th change of a subject.
    pub fn new(subject: &str, n: u64) -> Self {
        Self { id: format!("{subject}.{n}"), subject: subject.to_owned(), n, note: String::new() }
    }

    /// The same with a note.
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// The envelope in structured form.
    pub fn json(&self) -> String {
        json!({
            "specversion": "1.0", "id": self.id, "source": SOURCE, "type": TYPE, "subject": self.subject,
            "datacontenttype": "application/json", "data": { "n": self.n, "note": self.note },
        })
        .to_string()
    }
}

/// An answer of the bus.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null where it is not JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

/// Why a sender does not know what became of its call.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The bus was taken down meanwhile.
    #[error("the bus is down")]
    Down,
    /// The connection failed.
    #[error("no answer")]
    Broken(#[from] reqwest::Error),
}

/// What a sender gets on acceptance.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Falaj's id of the envelope.
    pub id: String,
    /// The whole receipt.
    pub body: Value,
}

impl Receipt {
    /// The id of the delivery to an agency.
    pub fn delivery(&self, agency: &str) -> String {
        let deliveries = self.body["deliveries"].as_array().expect("a receipt lists its deliveries");
        let found = deliveries.iter().find(|delivery| delivery["agency"] == agency);
        found.and_then(|delivery| delivery["id"].as_str()).expect("the agency is a recipient").to_owned()
    }
}

/// Calls the bus with one key. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: watch::Receiver<Option<String>>,
    key: String,
}

impl Client {
    /// A client of the bus whose address `base` tells; `None` while it is down.
    pub fn new(base: watch::Receiver<Option<String>>, key: &str) -> Self {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().expect("a client");
        Self { http, base, key: key.to_owned() }
    }

    /// The same connections with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Where the bus is, once it is up.
    pub async fn up(&self) -> String {
        let mut base = self.base.clone();
        let known = base.wait_for(Option::is_some).await.ok().and_then(|known| known.clone());
        match known {
            Some(base) => base,
            // The test is over, and its senders with it.
            None => std::future::pending().await,
        }
    }

    /// Waits until the bus goes or comes, or a moment has passed: after a call that failed.
    pub async fn breathe(&self) {
        let mut base = self.base.clone();
        base.mark_unchanged();
        let _either = tokio::time::timeout(Duration::from_millis(50), base.changed()).await;
    }

    /// Calls the bus. Once the bus is said to be down, no answer is read any more, also not one that was on its way.
    pub async fn call(&self, method: &str, path: &str, body: Option<(&str, String)>) -> Result<Answer, NoAnswer> {
        let known = self.up().await;
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request =
            self.http.request(method, format!("{known}{path}")).header("authorization", format!("Bearer {}", self.key));
        if let Some((media_type, text)) = body {
            request = request.header("content-type", media_type).body(text);
        }
        let exchange = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let text = response.text().await?;
            Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
        };
        let mut base = self.base.clone();
        tokio::select! {
            biased;
            _ = base.wait_for(|base| base.as_ref() != Some(&known)) => Err(NoAnswer::Down),
            answer = exchange => answer,
        }
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await.expect("the bus answers")
    }

    /// Posts JSON.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(("application/json", body.to_string()))).await.expect("the bus answers")
    }

    /// Offers an envelope; an error means that its sender does not know what became of it.
    pub async fn offer(&self, thing: &Thing) -> Result<Answer, NoAnswer> {
        self.call("POST", "/v1/envelopes", Some(("application/cloudevents+json", thing.json()))).await
    }
}

impl Answer {
    /// The receipt in an answer of this status.
    pub fn receipt(self, status: u16) -> Receipt {
        assert_eq!(self.status, status, "{}", self.text);
        let id = self.body["id"].as_str().expect("a receipt has an id").to_owned();
        Receipt { id, body: self.body }
    }
}

//! The webhook connector: Standard Webhooks over reqwest.
//!
//! No redirects, proxies, cookies or referers: a message goes to the address in the manifest or nowhere. What does not change
//! from message to message (address, keys) is prepared once per agency; a body is never copied.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Body, Client, ClientBuilder, Method, Request, Url};
use tokio::time::{Instant, timeout};

use super::answer::{READ_MAX, Read, failed, judge};
use super::egress::{Egress, Guard};
use super::fault;
use super::secret::Secret;
use super::signature::Signer;
use super::{Connector, Parcel, tls};
use crate::model::cause::Cause;
use crate::model::outcome::Outcome;

/// The longest a connection may take to stand; an agency's own timeout may end it sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Common servers close an idle connection after 5 s (Apache, Node.js): one that is dropped a little earlier never meets a
/// message on its way.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Idle connections kept per agency: as many as an agency may have in flight at the most.
const IDLE_MAX: usize = 1024;

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const FALAJ_ATTEMPT: HeaderName = HeaderName::from_static("falaj-attempt");
const FALAJ_SEQUENCE: HeaderName = HeaderName::from_static("falaj-sequence");
const FALAJ_GAP: HeaderName = HeaderName::from_static("falaj-gap");
const FALAJ_REDRIVE: HeaderName = HeaderName::from_static("falaj-redrive");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What a webhook needs to know of its agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Where to post.
    pub url: String,
    /// Newest first; all of them sign. Empty: unsigned.
    pub secrets: Vec<Secret>,
    /// The whole exchange.
    pub timeout: Duration,
}

/// Posts to one agency. All webhooks share one client and so one connection pool.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    /// What is wrong with the address; every sending then fails with it.
    url: Result<Url, Cause>,
    signer: Signer,
    timeout: Duration,
}

/// The shared HTTP client with the egress guard in its resolver.
#[derive(Debug, Clone)]
pub struct WebhookClient {
    client: Client,
    egress: Arc<Egress>,
}

impl WebhookClient {
    /// Builds the client.
    pub fn new(egress: Egress) -> Result<Self, reqwest::Error> {
        let egress = Arc::new(egress);
        let guard = Guard::new(Arc::clone(&egress));
        let builder = || {
            ClientBuilder::new()
                .user_agent(concat!("Falaj/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                // Every try is ours to decide and to count.
                .retry(reqwest::retry::never())
                .tcp_nodelay(true)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(IDLE_MAX)
                .dns_resolver(guard.clone())
        };
        Ok(Self { client: tls::client(builder)?, egress })
    }

    /// The connector of one agency. A wrong address shows when something is sent, as a configuration fault.
    pub fn connector(&self, target: WebhookTarget) -> Webhook {
        Webhook {
            client: self.client.clone(),
            url: address(&target.url, &self.egress),
            signer: Signer::new(&target.secrets),
            timeout: target.timeout,
        }
    }
}

impl Connector for Webhook {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.post(parcel))
    }
}

impl Webhook {
    async fn post(&self, parcel: &Parcel) -> Outcome {
        let url = match &self.url {
            Ok(url) => url.clone(),
            Err(cause) => return failed(*cause, None),
        };
        let Some(headers) = headers(parcel, &self.signer) else {
            return failed(Cause::IllegalHeader, None);
        };
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(Body::from(parcel.message.body.clone()));

        let began = Instant::now();
        let mut read = Read::default();
        let fault = match timeout(self.timeout, exchange(&self.client, request, &mut read)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(fault::of(&error)),
            Err(_elapsed) => Some(Cause::Timeout),
        };
        judge(&read, fault, parcel.now.plus(began.elapsed()))
    }
}

/// Posts and reads as much of the answer as is wanted, into `read`, so that what was read outlives an interruption.
async fn exchange(client: &Client, request: Request, read: &mut Read) -> Result<(), reqwest::Error> {
    let mut response = client.execute(request).await?;
    read.status = Some(response.status().as_u16());
    read.retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    while let Some(chunk) = response.chunk().await? {
        let room = READ_MAX - read.body.len();
        read.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if read.body.len() == READ_MAX {
            // Keeps C2. The rest is not worth a connection: dropping the response closes it.
            break;
        }
    }
    Ok(())
}

/// The address, if it may and can be posted to. An IP address in it is checked here, because the resolver never sees it.
fn address(text: &str, egress: &Egress) -> Result<Url, Cause> {
    let url = Url::parse(text).map_err(|_| Cause::InvalidUrl)?;
    let credentials = !url.username().is_empty() || url.password().is_some();
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https") && !credentials);
    let host = host.ok_or(Cause::InvalidUrl)?;
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(literal) if !egress.permits(literal) => Err(Cause::Denied),
        _ => Ok(url),
    }
}

/// The message's headers, then ours, which none of the message's can replace. `None` where one is not legal in HTTP.
fn headers(parcel: &Parcel, signer: &Signer) -> Option<HeaderMap> {
    let message = &parcel.message;
    let mut headers = HeaderMap::with_capacity(message.headers.len() + 10);
    for (name, value) in &message.headers {
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&message.content_type).ok()?);

    let id = parcel.webhook_id.to_string();
    let timestamp = parcel.now.0.div_euclid(1000).to_string();
    if let Some(signature) = signer.sign(&id, &timestamp, &message.body) {
        headers.insert(WEBHOOK_SIGNATURE, HeaderValue::try_from(signature).ok()?);
    }
    headers.insert(WEBHOOK_ID, HeaderValue::try_from(id).ok()?);
    headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::try_from(timestamp).ok()?);
    headers.insert(FALAJ_ATTEMPT, HeaderValue::from(parcel.attempt));
    headers.insert(FALAJ_SEQUENCE, HeaderValue::from(parcel.sequence));
    if let Some(gap) = parcel.gap {
        headers.insert(FALAJ_GAP, HeaderValue::try_from(gap.to_string()).ok()?);
    }
    if parcel.redrive {
        headers.insert(FALAJ_REDRIVE, HeaderValue::from_static("true"));
    }
    // A sender's odd trace must not cost the message: what HTTP cannot carry is left out.
    if let Some(trace) = &parcel.trace
        && let Ok(parent) = HeaderValue::from_str(&trace.parent)
    {
        headers.insert(TRACEPARENT, parent);
        if let Some(state) = trace.state.as_deref().and_then(|state| HeaderValue::from_str(state).ok()) {
            headers.insert(TRACESTATE, state);
        }
    }
    Some(headers)
}

//! What this machine could do at most, measured with the same parts: the same server without a ledger, and the same HTTP client
//! without a bus.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cpu;
use super::deployment::{self, SENDER};
use super::peer::{Load, Loaded, Order, Peer};
use crate::catalog::Catalog;
use crate::http::Server;
use crate::http::auth::KeyRing;
use crate::mapping;
use crate::model::agency::KeyEntry;
use crate::model::cloudevents::{self, Bounds};
use crate::model::id::AgencyId;

/// Posts under way per agency in the plain loop: enough for the processors to be the limit.
const PLAIN_IN_FLIGHT: usize = 32;
/// How long the server may take to stop.
const STOP: Duration = Duration::from_secs(1);

/// How much a server without a ledger looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Not at all: it reads the body and answers.
    Never,
    /// Key, event, rights, schema, recipients, digest: everything but the ledger.
    Thoroughly,
}

#[derive(Debug, Clone)]
struct Door {
    catalog: Arc<Catalog>,
    keys: KeyRing,
    bounds: Bounds,
    looks: Looks,
}

/// Has the peer post to a server that stores nothing.
pub async fn answer(
    peer: &Peer,
    catalog: &Arc<Catalog>,
    key: &KeyEntry,
    looks: Looks,
    load: impl FnOnce(std::net::SocketAddr) -> Load,
) -> anyhow::Result<Loaded> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on this machine")?;
    let addr = listener.local_addr()?;
    let keys = KeyRing::new(std::slice::from_ref(key));
    let door = Door { catalog: Arc::clone(catalog), keys, bounds: Bounds::default(), looks };
    let router = Router::new().route("/v1/envelopes", post(take)).with_state(door);
    let stop = CancellationToken::new();
    let server = Server { drain_timeout: STOP, ..Server::default() }.start(listener, router, stop.clone());
    let loaded = peer.ask(Order::Flood(load(addr))).await;
    stop.cancel();
    server.await?;
    loaded
}

async fn take(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    match door.looks {
        Looks::Never => StatusCode::ACCEPTED.into_response(),
        Looks::Thoroughly => match door.check(&headers, &body) {
            Ok(digest) => (StatusCode::ACCEPTED, digest).into_response(),
            Err(what) => (StatusCode::BAD_REQUEST, what).into_response(),
        },
    }
}

impl Door {
    /// Everything that intake does before it hands an envelope to the ledger.
    fn check(&self, headers: &HeaderMap, body: &Bytes) -> Result<String, &'static str> {
        let key = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let caller = key.and_then(|key| self.keys.find(key)).ok_or("no key")?;
        let sender = caller.as_agency().and_then(|id| self.catalog.agency(id)).ok_or("no agency")?;
        let envelope = cloudevents::structured(body, &self.bounds).map_err(|_| "no event")?;
        let attributes = &envelope.attributes;
        if !sender.may_send(attributes.ty.as_str()) || !sender.may_speak_for(&attributes.source) {
            return Err("no right");
        }
        let schema = self.catalog.schemas.find(&attributes.ty, attributes.dataschema.as_deref());
        if !schema.map_err(|_| "no schema")?.check(&envelope).is_empty() {
            return Err("the data does not fit");
        }
        if self.catalog.recipients(&envelope).len() != deployment::FAN_OUT {
            return Err("other recipients");
        }
        Ok(envelope.digest().to_string())
    }
}

/// What a plain loop did.
#[derive(Debug, Clone, Copy)]
pub struct Plain {
    /// Posts answered, per second.
    pub per_s: f64,
    /// Processor time of this process per post, in microseconds.
    pub cpu_us: Option<f64>,
}

/// Posts what the agencies would get, with nothing but reqwest.
pub async fn plain(peer: &Peer, catalog: &Catalog, long: Duration) -> anyhow::Result<Plain> {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().context("cannot prepare HTTP")?;
    let mut tasks = JoinSet::new();
    let (begun, used) = (Instant::now(), cpu::used());
    let end = begun + long;
    for number in 1..=deployment::FAN_OUT {
        let message = message(catalog, number)?;
        let url = reqwest::Url::parse(&format!("http://{}/falaj", peer.sinks[number - 1]))?;
        for _ in 0..PLAIN_IN_FLIGHT {
            tasks.spawn(post_until(client.clone(), url.clone(), message.clone(), end));
        }
    }
    let mut posts = 0;
    while let Some(done) = tasks.join_next().await {
        posts += done.context("a plain post failed")??;
    }
    let per_s = posts as f64 / begun.elapsed().as_secs_f64();
    Ok(Plain { per_s, cpu_us: cpu::since(used, posts) })
}

async fn post_until(
    client: reqwest::Client,
    url: reqwest::Url,
    message: mapping::Message,
    end: Instant,
) -> anyhow::Result<u64> {
    let mut posts = 0;
    while Instant::now() < end {
        let request = client.post(url.clone()).header(CONTENT_TYPE, &message.content_type).body(message.body.clone());
        let response = request.send().await?;
        if !response.status().is_success() {
            bail!("the bench's own agency answered {}", response.status());
        }
        response.bytes().await?;
        posts += 1;
    }
    Ok(posts)
}

/// Exactly what an agency gets of the sample.
pub fn message(catalog: &Catalog, number: usize) -> anyhow::Result<mapping::Message> {
    let envelope = cloudevents::structured(&deployment::sample().into(), &Bounds::default())?;
    let id = AgencyId::parse(&deployment::agency(number))?;
    let subscription =
        catalog.subscription(&id, &envelope.attributes.ty).context("the bench's agency subscribes to nothing")?;
    let attributes = mapping::disclose(&envelope.attributes, subscription.subject, &[], &str::to_owned);
    let data = envelope.data_text();
    Ok(mapping::render(&subscription.form, &subscription.fields, &attributes, data, SENDER, data.len() * 2)?)
}

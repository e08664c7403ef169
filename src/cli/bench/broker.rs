//! The same over a broker: envelopes in, deliveries out, and both at once, each in turn with plain calls of the same client at the same
//! broker.
//!
//! Here sender and agencies are in this process, for the bus and for the plain calls alike, and the broker is wherever it is. B4: the
//! virtual host is the bench's own: where a queue of a bus is there already nothing is begun, and what was made is deleted again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::apparatus::Plan;
use super::bus::{self, Bus};
use super::deployment::{self, FAN_OUT, Reach, SENDER, TYPE};
use super::figures::{median, ratio};
use super::limits;
use crate::amqp::bare::{Bare, BareFault, Plain};
use crate::amqp::topology;
use crate::amqp::{Address, Settings, names};
use crate::broker;
use crate::catalog::Catalog;
use crate::cli::keys;
use crate::config::{Amqp, Config};
use crate::model::agency::{KeyEntry, Role};
use crate::model::id::AgencyId;

/// Where the address comes from when none is given.
const VARIABLE: &str = "FALAJ_AMQP__URL";
/// How much longer than its load a measurement may take.
const TAIL: Duration = Duration::from_secs(120);

/// In and out over a broker. All rates are per second and medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Brokered {
    /// Envelopes published, consumed, accepted durably and acknowledged; plainly: consumed and acknowledged.
    #[serde(rename = "in")]
    pub way_in: Pair,
    /// Deliveries out of a backlog: claimed, cut, published, confirmed, settled; plainly: published and confirmed.
    #[serde(rename = "out")]
    pub way_out: Pair,
    /// Both at once, in deliveries; plainly: consumed, copied, confirmed, and acknowledged then.
    pub flow: Pair,
}

/// A figure beside its limit.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Pair {
    /// Falaj.
    pub per_s: f64,
    /// The same client without Falaj.
    pub limit_per_s: f64,
    /// `per_s / limit_per_s`.
    pub ratio: f64,
}

/// Rates of one round: Falaj's and the plain ones.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    way_in: (f64, f64),
    way_out: (f64, f64),
    flow: (f64, f64),
}

/// Where it is measured: exchanges and queues of the bench's own.
#[derive(Debug)]
pub struct Place {
    amqp: Amqp,
    settings: Arc<Settings>,
    plan: topology::Plan,
    catalog: Catalog,
}

impl Place {
    /// Makes them, at the address that is given or that of the environment; `folder` is for files that may go with it.
    pub async fn make(folder: &Path, url: &str) -> anyhow::Result<Self> {
        let given = match url.is_empty() {
            true => std::env::var(VARIABLE).with_context(|| format!("give --amqp a URL, or set {VARIABLE}"))?,
            false => url.to_owned(),
        };
        let address = Address::parse(&given).context("the address of the broker is not one")?;
        let amqp = Amqp { url: Some(address), ..Config::default().amqp };
        let settings = Arc::new(amqp.settings().context("there is no broker")?);
        let folder = folder.join("place");
        deployment::write(&folder, Reach::Queued).context("cannot write the bench's deployment")?;
        let loaded =
            Catalog::load(&folder).map_err(|problems| anyhow!("the bench's deployment is wrong: {problems:?}"))?;
        let place = Self { plan: broker::plan::plan(&amqp, &loaded.catalog)?, amqp, settings, catalog: loaded.catalog };
        place.connect().await?.make(&place.plan).await?;
        Ok(place)
    }

    /// Deletes them.
    pub async fn clear(self) -> anyhow::Result<()> {
        let cleared = async { self.connect().await?.delete(&self.plan).await };
        cleared.await.context("the bench's exchanges and queues could not be deleted")
    }

    async fn empty(&self) -> Result<(), BareFault> {
        self.connect().await?.empty(&self.plan).await
    }

    async fn connect(&self) -> Result<Bare, BareFault> {
        Bare::connect(&self.settings).await
    }
}

/// Takes all measurements below `folder`.
pub async fn measure(folder: &Path, plan: Plan, place: &Place) -> anyhow::Result<Brokered> {
    let (_key, entry) = keys::generate(Role::Agency, Some(AgencyId::parse(SENDER)?), None)?;
    let bench = Bench { plan, folder: folder.to_owned(), place, entry };
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        rounds.push(bench.round(number).await?);
    }
    let pair = |of: fn(&Round) -> (f64, f64)| {
        let seen = |which: fn((f64, f64)) -> f64| median(rounds.iter().map(|round| which(of(round))));
        let (per_s, limit_per_s) = (seen(|both| both.0), seen(|both| both.1));
        Pair { per_s, limit_per_s, ratio: ratio(per_s, limit_per_s) }
    };
    Ok(Brokered {
        way_in: pair(|round| round.way_in),
        way_out: pair(|round| round.way_out),
        flow: pair(|round| round.flow),
    })
}

/// A bench under way.
struct Bench<'a> {
    plan: Plan,
    folder: PathBuf,
    place: &'a Place,
    entry: KeyEntry,
}

/// Those who take from queues, until they are stopped.
struct Takers {
    taken: Arc<AtomicU64>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<Result<(), BareFault>>>,
}

impl Takers {
    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

impl Bench<'_> {
    async fn round(&self, number: usize) -> anyhow::Result<Round> {
        let say = |what: &str| eprintln!("round {number} of {}: {what}", self.plan.rounds);
        let mut round = Round::default();
        say("accepting over AMQP, plainly");
        round.way_in.1 = self.plain_in().await?;
        say("accepting over AMQP");
        self.place.empty().await?;
        self.forget()?;
        round.way_in.0 = self.falaj_in().await?;
        say("delivering over AMQP, plainly");
        round.way_out.1 = self.plain_out().await?;
        say("delivering over AMQP");
        self.place.empty().await?;
        round.way_out.0 = self.falaj_out().await?;
        say("both at once over AMQP, plainly");
        self.place.empty().await?;
        round.flow.1 = self.plain_flow().await?;
        say("both at once over AMQP");
        self.place.empty().await?;
        self.forget()?;
        round.flow.0 = self.falaj_flow().await?;
        Ok(round)
    }

    async fn connect(&self) -> anyhow::Result<Arc<Bare>> {
        Ok(Arc::new(self.place.connect().await?))
    }

    /// Takes from queues, all over one connection.
    async fn takers(&self, queues: impl IntoIterator<Item = String>) -> anyhow::Result<Takers> {
        let mut takers = Takers { taken: Arc::default(), stop: CancellationToken::new(), tasks: Vec::new() };
        let bare = self.connect().await?;
        for queue in queues {
            let (bare, taken, stop) = (Arc::clone(&bare), Arc::clone(&takers.taken), takers.stop.clone());
            takers.tasks.push(tokio::spawn(async move { bare.take(&queue, &taken, &stop).await }));
        }
        Ok(takers)
    }

    async fn agencies_take(&self) -> anyhow::Result<Takers> {
        self.takers((1..=FAN_OUT).map(|number| format!("{}.{}", names::OUT, deployment::agency(number)))).await
    }

    /// Publishes envelopes for the length of one measurement.
    async fn flood(&self) -> anyhow::Result<u64> {
        let envelope = Plain {
            exchange: names::IN,
            key: TYPE.to_owned(),
            content_type: "application/cloudevents+json".to_owned(),
            user: Some(SENDER.to_owned()),
            body: Bytes::new(),
        };
        let template = deployment::ENVELOPE.trim_end();
        let body = |number: u64| Bytes::from(deployment::numbered(template, number, number));
        let sender = self.connect().await?;
        sender
            .flood(&envelope, body, Instant::now() + self.plan.each)
            .await
            .context("the sender: its user needs the tag impersonator (rabbitmqctl set_user_tags USER impersonator)")
    }

    async fn plain_in(&self) -> anyhow::Result<f64> {
        let taker = self.takers([names::IN.to_owned()]).await?;
        let begun = Instant::now();
        let sent = self.flood().await?;
        bus::until("envelopes came", || taker.taken(), sent, TAIL).await?;
        let rate = sent as f64 / begun.elapsed().as_secs_f64();
        taker.stop().await?;
        Ok(rate)
    }

    /// Leaves its ledger as a backlog.
    async fn falaj_in(&self) -> anyhow::Result<f64> {
        let bus = self.bus(Reach::Waiting).await?;
        let begun = Instant::now();
        let sent = self.flood().await?;
        bus::until("deliveries were made", || bus.made(), sent * FAN_OUT as u64, TAIL).await?;
        let rate = sent as f64 / begun.elapsed().as_secs_f64();
        bus.stop().await;
        Ok(rate)
    }

    async fn plain_out(&self) -> anyhow::Result<f64> {
        let takers = self.agencies_take().await?;
        let sender = self.connect().await?;
        let (begun, mut sending) = (Instant::now(), Vec::new());
        let end = begun + self.plan.each;
        for copy in self.copies()? {
            let sender = Arc::clone(&sender);
            sending.push(tokio::spawn(async move { sender.flood(&copy, |_| copy.body.clone(), end).await }));
        }
        let mut sent = 0;
        for sending in sending {
            sent += sending.await??;
        }
        let rate = sent as f64 / begun.elapsed().as_secs_f64();
        takers.stop().await?;
        Ok(rate)
    }

    async fn falaj_out(&self) -> anyhow::Result<f64> {
        let takers = self.agencies_take().await?;
        let bus = self.bus(Reach::Queued).await?;
        let stretch = bus.deliver(bus.made(), self.plan.each).await?;
        bus.stop().await;
        takers.stop().await?;
        Ok(stretch.deliveries as f64 / stretch.seconds)
    }

    async fn plain_flow(&self) -> anyhow::Result<f64> {
        let takers = self.agencies_take().await?;
        let (incoming, outgoing) = (self.connect().await?, self.connect().await?);
        let (copies, stop) = (self.copies()?, CancellationToken::new());
        let stopped = stop.clone();
        let relay = tokio::spawn(async move { incoming.relay(names::IN, &outgoing, &copies, &stopped).await });
        let rate = self.flow(&takers).await;
        stop.cancel();
        relay.await??;
        takers.stop().await?;
        rate
    }

    async fn falaj_flow(&self) -> anyhow::Result<f64> {
        let takers = self.agencies_take().await?;
        let bus = self.bus(Reach::Queued).await?;
        let rate = self.flow(&takers).await;
        bus.stop().await;
        takers.stop().await?;
        rate
    }

    /// From the first envelope published to the last delivery taken.
    async fn flow(&self, takers: &Takers) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let total = self.flood().await? * FAN_OUT as u64;
        bus::until("deliveries came", || takers.taken(), total, TAIL).await?;
        Ok(total as f64 / begun.elapsed().as_secs_f64())
    }

    async fn bus(&self, reach: Reach<'_>) -> anyhow::Result<Bus> {
        deployment::write(&self.folder, reach).context("cannot write the bench's deployment")?;
        Bus::start_at(&self.folder, &self.entry, self.place.amqp.clone()).await
    }

    /// What each agency gets of the sample.
    fn copies(&self) -> anyhow::Result<Vec<Plain>> {
        let copy = |number: usize| {
            let message = limits::message(&self.place.catalog, number)?;
            Ok(Plain {
                exchange: names::OUT,
                key: deployment::agency(number),
                content_type: message.content_type,
                user: None,
                body: message.body,
            })
        };
        (1..=FAN_OUT).map(copy).collect()
    }

    /// Forgets the ledger.
    fn forget(&self) -> anyhow::Result<()> {
        bus::forget(&self.folder)
    }
}

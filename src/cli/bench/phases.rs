//! The measurements, each bounded in time, limits and figures in turn.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::bus::{self, Bus};
use super::deployment::{self, FAN_OUT, Reach};
use super::figures::{self, Accept, Deliver, Figures, Flow, Latency, Round, Sync, ratio};
use super::limits::{self, Looks};
use super::peer::{Load, Loaded, Order, Peer};
use super::{cpu, disk};
use crate::catalog::Catalog;
use crate::cli::keys;
use crate::model::agency::{KeyEntry, Role};
use crate::model::id::AgencyId;

/// Connections that post as fast as answers come: enough for commits to be shared.
const CONNECTIONS: usize = 256;
/// Connections that post at a steady pace.
const PACE_CONNECTIONS: usize = 32;
/// The pace at which latency is measured, in envelopes a second.
const PACE_PER_S: u32 = 200;
/// How much longer than its load a flow may take to deliver everything.
const FLOW_TAIL: Duration = Duration::from_secs(60);

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Length of one measurement.
    pub each: Duration,
    /// How often each is taken.
    pub rounds: usize,
}

/// A bench under way.
struct Bench {
    plan: Plan,
    folder: PathBuf,
    peer: Peer,
    catalog: Arc<Catalog>,
    key: String,
    entry: KeyEntry,
}

/// Takes all measurements below `folder`, which is left as it was found.
pub async fn measure(folder: &Path, plan: Plan) -> anyhow::Result<Figures> {
    let peer = Peer::start(FAN_OUT)?;
    let folder = folder.join("bus");
    deployment::write(&folder, Reach::Posted(&peer.sinks)).context("cannot write the bench's deployment")?;
    let loaded = Catalog::load(&folder).map_err(|problems| anyhow!("the bench's deployment is wrong: {problems:?}"))?;
    let (key, entry) = keys::generate(Role::Agency, Some(AgencyId::parse(deployment::SENDER)?), None)?;
    let bench = Bench { plan, folder, peer, catalog: Arc::new(loaded.catalog), key, entry };
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        rounds.push(bench.round(number).await?);
    }
    let paced = bench.latency().await?;
    Ok(sum_up(&rounds, &paced))
}

impl Bench {
    async fn round(&self, number: usize) -> anyhow::Result<Round> {
        let say = |what: &str| eprintln!("round {number} of {}: {what}", self.plan.rounds);
        let mut round = Round::default();

        say("the disk");
        let long = self.plan.each / 2;
        let single = disk::sync(&self.folder, 1, long).context("cannot write to the disk")?;
        let grouped = disk::sync(&self.folder, disk::GROUP, long).context("cannot write to the disk")?;
        round.sync_per_s = single.records as f64 / single.seconds;
        round.sync = single.times;
        round.grouped_per_s = grouped.records as f64 / grouped.seconds;

        say("answering without storing");
        round.bare_per_s = rate(&self.answer(Looks::Never).await?);
        round.checked_per_s = rate(&self.answer(Looks::Thoroughly).await?);

        say("accepting");
        self.fresh()?;
        let (bus, used) = (Bus::start(&self.folder, Reach::Waiting, &self.entry).await?, cpu::used());
        let loaded = self.flood(&bus).await?;
        round.accept_cpu_us = cpu::since(used, loaded.accepted);
        round.accept_per_s = rate(&loaded);
        round.accept = loaded.answer;
        bus.stop().await;

        say("posting plainly");
        let plain = limits::plain(&self.peer, &self.catalog, self.plan.each).await?;
        (round.plain_per_s, round.plain_cpu_us) = (plain.per_s, plain.cpu_us);

        say("delivering");
        let bus = Bus::start(&self.folder, Reach::Posted(&self.peer.sinks), &self.entry).await?;
        let stretch = bus.deliver(loaded.accepted * FAN_OUT as u64, self.plan.each).await?;
        (round.deliver_per_s, round.deliver_cpu_us) = (stretch.deliveries as f64 / stretch.seconds, stretch.cpu_us);
        bus.stop().await;

        say("both at once");
        self.fresh()?;
        let bus = Bus::start(&self.folder, Reach::Posted(&self.peer.sinks), &self.entry).await?;
        let (begun, used) = (Instant::now(), cpu::used());
        let loaded = self.flood(&bus).await?;
        let delivered = bus.until(loaded.accepted * FAN_OUT as u64, FLOW_TAIL).await?;
        round.flow_per_s = delivered as f64 / begun.elapsed().as_secs_f64();
        round.flow_cpu_us = cpu::since(used, delivered);
        bus.stop().await;
        Ok(round)
    }

    async fn latency(&self) -> anyhow::Result<Loaded> {
        eprintln!("accept to arrival at {PACE_PER_S} envelopes a second");
        self.fresh()?;
        let bus = Bus::start(&self.folder, Reach::Posted(&self.peer.sinks), &self.entry).await?;
        // The first connections to the agencies are not what is measured.
        let warm = Load { ms: 300, ..self.load(bus.addr(), PACE_CONNECTIONS) };
        let warmed = self.peer.ask(Order::Pace { load: warm, per_s: PACE_PER_S }).await?;
        let ms = u64::try_from((self.plan.each * 2).as_millis()).unwrap_or(u64::MAX);
        let first = warmed.accepted + u64::try_from(PACE_CONNECTIONS).unwrap_or(0) + 1;
        let load = Load { ms, first, ..self.load(bus.addr(), PACE_CONNECTIONS) };
        let paced = self.peer.ask(Order::Pace { load, per_s: PACE_PER_S }).await?;
        bus.stop().await;
        if paced.missing > 0 {
            return Err(anyhow!("{} deliveries did not arrive in time", paced.missing));
        }
        Ok(paced)
    }

    async fn answer(&self, looks: Looks) -> anyhow::Result<Loaded> {
        limits::answer(&self.peer, &self.catalog, &self.entry, looks, |addr| self.load(addr, CONNECTIONS)).await
    }

    async fn flood(&self, bus: &Bus) -> anyhow::Result<Loaded> {
        self.peer.ask(Order::Flood(self.load(bus.addr(), CONNECTIONS))).await
    }

    fn load(&self, addr: std::net::SocketAddr, connections: usize) -> Load {
        Load {
            addr,
            key: self.key.clone(),
            template: deployment::ENVELOPE.trim_end().to_owned(),
            first: 1,
            connections,
            ms: u64::try_from(self.plan.each.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Forgets the ledger, so that every measurement begins with an empty one.
    fn fresh(&self) -> anyhow::Result<()> {
        let data = bus::data(&self.folder);
        match std::fs::remove_dir_all(&data) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot empty {}", data.display()))
            }
            _ => Ok(()),
        }
    }
}

fn rate(loaded: &Loaded) -> f64 {
    ratio(loaded.accepted as f64, loaded.seconds)
}

fn sum_up(rounds: &[Round], paced: &Loaded) -> Figures {
    let of = |figure: fn(&Round) -> f64| figures::of(rounds, figure);
    let maybe = |figure: fn(&Round) -> Option<f64>| figures::maybe(rounds, figure);
    let (accept, checked) = (of(|round| round.accept_per_s), of(|round| round.checked_per_s));
    let (deliver, plain) = (of(|round| round.deliver_per_s), of(|round| round.plain_per_s));
    let flow = of(|round| round.flow_per_s);
    Figures {
        version: env!("CARGO_PKG_VERSION"),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        envelope_bytes: deployment::sample().len(),
        fan_out: FAN_OUT,
        rounds: rounds.len(),
        accept: Accept {
            per_s: accept,
            limit_per_s: checked,
            bare_per_s: of(|round| round.bare_per_s),
            ratio: ratio(accept, checked),
            p50_ms: of(|round| round.accept.p50_ms),
            p99_ms: of(|round| round.accept.p99_ms),
            cpu_us: maybe(|round| round.accept_cpu_us),
        },
        deliver: Deliver {
            per_s: deliver,
            limit_per_s: plain,
            ratio: ratio(deliver, plain),
            cpu_us: maybe(|round| Some(round.accept_cpu_us? / FAN_OUT as f64 + round.deliver_cpu_us?)),
            cpu_alone_us: maybe(|round| round.deliver_cpu_us),
            limit_cpu_us: maybe(|round| round.plain_cpu_us),
        },
        flow: Flow { per_s: flow, envelopes_per_s: flow / FAN_OUT as f64, cpu_us: maybe(|round| round.flow_cpu_us) },
        latency: Latency {
            p50_ms: paced.arrival.p50_ms,
            p99_ms: paced.arrival.p99_ms,
            accept_p50_ms: paced.answer.p50_ms,
            accept_p99_ms: paced.answer.p99_ms,
            at_per_s: PACE_PER_S,
            deliveries: paced.arrival.samples,
        },
        sync: Sync {
            p50_ms: of(|round| round.sync.p50_ms),
            p99_ms: of(|round| round.sync.p99_ms),
            per_s: of(|round| round.sync_per_s),
            grouped_per_s: of(|round| round.grouped_per_s),
            group: disk::GROUP,
        },
    }
}

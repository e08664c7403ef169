//! What the bus does beside what the machine could: each figure in turn with its limit, bounded in time.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::apparatus::{Bench, CONNECTIONS, PACE_CONNECTIONS, PACE_PER_S, Plan};
use super::deployment::{self, FAN_OUT, Reach};
use super::figures::{self, Accept, Core, Deliver, Flow, Latency, Round, Sync, ratio};
use super::limits::{self, Looks};
use super::peer::Loaded;
use super::{cpu, disk};
use crate::catalog::Catalog;

/// How much longer than its load a flow may take to deliver everything.
const FLOW_TAIL: Duration = Duration::from_secs(60);

/// Takes all measurements below `folder`.
pub async fn measure(folder: &Path, plan: Plan) -> anyhow::Result<Core> {
    let bench = Bench::set(folder, plan, FAN_OUT)?;
    deployment::write(folder, Reach::Posted(&bench.peer.sinks)).context("cannot write the bench's deployment")?;
    let loaded = Catalog::load(folder).map_err(|problems| anyhow!("the bench's deployment is wrong: {problems:?}"))?;
    let catalog = Arc::new(loaded.catalog);
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        rounds.push(bench.round(number, &catalog).await?);
    }
    let paced = bench.latency().await?;
    Ok(sum_up(&rounds, &paced))
}

impl Bench {
    async fn round(&self, number: usize, catalog: &Arc<Catalog>) -> anyhow::Result<Round> {
        let say = |what: &str| self.say(number, what);
        let mut round = Round::default();

        say("the disk");
        let long = self.plan.each / 2;
        let single = disk::sync(&self.folder, 1, long).context("cannot write to the disk")?;
        let grouped = disk::sync(&self.folder, disk::GROUP, long).context("cannot write to the disk")?;
        round.sync_per_s = single.records as f64 / single.seconds;
        round.sync = single.times;
        round.grouped_per_s = grouped.records as f64 / grouped.seconds;

        say("answering without storing");
        round.bare_per_s = rate(&self.answer(catalog, Looks::Never).await?);
        round.checked_per_s = rate(&self.answer(catalog, Looks::Thoroughly).await?);

        say("accepting");
        deployment::write(&self.folder, Reach::Waiting)?;
        let (bus, used) = (self.fresh_bus().await?, cpu::used());
        let loaded = self.flood(self.load(bus.addr(), CONNECTIONS)).await?;
        round.accept_cpu_us = cpu::since(used, loaded.accepted);
        round.accept_per_s = rate(&loaded);
        round.accept = loaded.answer;
        bus.stop().await;

        say("posting plainly");
        let plain = limits::plain(&self.peer, catalog, self.plan.each).await?;
        (round.plain_per_s, round.plain_cpu_us) = (plain.per_s, plain.cpu_us);

        say("delivering");
        deployment::write(&self.folder, Reach::Posted(&self.peer.sinks))?;
        let bus = self.bus().await?;
        let stretch = bus.deliver(loaded.accepted * FAN_OUT as u64, self.plan.each).await?;
        (round.deliver_per_s, round.deliver_cpu_us) = (stretch.deliveries as f64 / stretch.seconds, stretch.cpu_us);
        bus.stop().await;

        say("both at once");
        let bus = self.fresh_bus().await?;
        let (begun, used) = (Instant::now(), cpu::used());
        let loaded = self.flood(self.load(bus.addr(), CONNECTIONS)).await?;
        let delivered = bus.until(loaded.accepted * FAN_OUT as u64, FLOW_TAIL).await?;
        round.flow_per_s = delivered as f64 / begun.elapsed().as_secs_f64();
        round.flow_cpu_us = cpu::since(used, delivered);
        bus.stop().await;
        Ok(round)
    }

    async fn latency(&self) -> anyhow::Result<Loaded> {
        eprintln!("accept to arrival at {PACE_PER_S} envelopes a second");
        let bus = self.fresh_bus().await?;
        let paced = self.pace(self.load(bus.addr(), PACE_CONNECTIONS)).await?;
        bus.stop().await;
        if paced.missing > 0 {
            return Err(anyhow!("{} deliveries did not arrive in time", paced.missing));
        }
        Ok(paced)
    }

    async fn answer(&self, catalog: &Arc<Catalog>, looks: Looks) -> anyhow::Result<Loaded> {
        limits::answer(&self.peer, catalog, &self.entry, looks, |addr| self.load(addr, CONNECTIONS)).await
    }
}

fn rate(loaded: &Loaded) -> f64 {
    ratio(loaded.accepted as f64, loaded.seconds)
}

fn sum_up(rounds: &[Round], paced: &Loaded) -> Core {
    let of = |figure: fn(&Round) -> f64| figures::of(rounds, figure);
    let maybe = |figure: fn(&Round) -> Option<f64>| figures::maybe(rounds, figure);
    let (accept, checked) = (of(|round| round.accept_per_s), of(|round| round.checked_per_s));
    let (deliver, plain) = (of(|round| round.deliver_per_s), of(|round| round.plain_per_s));
    let flow = of(|round| round.flow_per_s);
    Core {
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

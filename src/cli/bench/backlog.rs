//! What a large backlog costs: millions of deliveries wait for agencies that are down, while the others go on.
//!
//! The bus is a process of its own, as it is served: its memory is read from the kernel, it is killed as a crash would kill it, and
//! it is started again over what waits. Then one agency comes back, and is delivered to at its configured rate.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;

use super::apparatus::{Bench, CONNECTIONS};
use super::deployment::{self, FAN_OUT, Receiver, TYPE};
use super::figures::{median, ratio};
use super::fill::{self, Backlog};
use super::peer::{Load, Loaded, Order};
use super::process::Process;
use super::{bus, disk};
use crate::catalog::Catalog;

/// Agencies that are down; each envelope of the backlog waits for all of them.
pub const DEAD: usize = 20;
/// The fewest deliveries with which the agency that comes back has enough to take while it is measured.
pub const DELIVERIES_MIN: u64 = DEAD as u64 * RATE as u64 * 5;
/// The group whose type the backlog has.
const GROUP: usize = 0;
/// Where nobody listens: the port that no program of a user may take.
const NOWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 1);
/// Deliveries a second that the agency that comes back is configured to take.
const RATE: u32 = 500;
/// How long the first delivery after a start may take.
const FIRST_MAX: Duration = Duration::from_secs(120);
/// How often it is looked whether it has come.
const LOOK: Duration = Duration::from_millis(2);
/// How long the agency that came back has been delivered to before its rate is measured: a burst, and a careful beginning.
const SETTLE: Duration = Duration::from_secs(1);
/// The shortest time over which its rate is measured.
const DRAIN_MIN: Duration = Duration::from_secs(2);
/// Bytes of disk that an envelope of the backlog takes, and each of its deliveries.
const ENVELOPE_BYTES: u64 = 2_500;
const DELIVERY_BYTES: u64 = 64;
/// What everything else may take.
const SPARE_BYTES: u64 = 2 << 30;

/// What was seen, as it is printed.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// Deliveries that waited.
    pub deliveries: u64,
    /// For so many agencies.
    pub agencies: usize,
    /// Deliveries accepted a second while it was filled in, without HTTP.
    pub filled_per_s: f64,
    /// Envelopes accepted a second meanwhile, for other agencies.
    pub accept_per_s: f64,
    /// The same with nothing waiting.
    pub empty_per_s: f64,
    /// `accept_per_s / empty_per_s`.
    pub ratio: f64,
    /// Resident memory of the bus after that, in MiB.
    pub rss_mib: Option<f64>,
    /// The most that was resident at once until the end, in MiB.
    pub peak_mib: Option<f64>,
    /// From the start after a crash until it listened.
    pub ready_ms: f64,
    /// From that start until the first delivery arrived.
    pub first_ms: f64,
    /// Deliveries a second to the agency that came back.
    pub drain_per_s: f64,
    /// Its configured rate.
    pub rate_per_s: u32,
    /// `drain_per_s / rate_per_s`.
    pub drain_ratio: f64,
}

/// Takes the measurement with at least so many deliveries waiting.
pub async fn measure(bench: &Bench, deliveries: u64) -> anyhow::Result<Waiting> {
    let envelopes = deliveries.div_ceil(DEAD as u64);
    room(bench, envelopes)?;
    let data = bus::data(&bench.folder);
    town(bench, false)?;
    let mut empty = Vec::new();
    for number in 1..=bench.plan.rounds {
        bench.say(number, "accepting with nothing waiting");
        bench.empty()?;
        let bus = Process::start(&bench.folder, &bench.entry).await?;
        empty.push(rate(&bench.flood(bench.load(bus.addr, CONNECTIONS)).await?));
        bus.kill();
    }

    bench.empty()?;
    bench.say(1, &format!("filling in {envelopes} envelopes for {DEAD} agencies that are down"));
    let loaded = Catalog::load(&bench.folder);
    let catalog = loaded.map_err(|problems| anyhow::anyhow!("the bench's deployment is wrong: {problems:?}"))?.catalog;
    let template = deployment::ENVELOPE.trim_end().replace(TYPE, &deployment::group_type(GROUP));
    let backlog = Backlog { template, envelopes, subjects: 100_000 };
    let filled = fill::fill(&data, &catalog, &backlog, |what| bench.say(1, what)).await?;

    let bus = Process::start(&bench.folder, &bench.entry).await?;
    let (mut full, mut first) = (Vec::new(), envelopes);
    for number in 1..=bench.plan.rounds {
        bench.say(number, "accepting with all of it waiting");
        let loaded = bench.flood(Load { first, ..bench.load(bus.addr, CONNECTIONS) }).await?;
        // Every request that was begun has its own number.
        first += loaded.accepted + CONNECTIONS as u64;
        full.push(rate(&loaded));
    }
    let (rss_mib, mut peak_mib) =
        (bus.memory().map(|memory| memory.rss_mib), bus.memory().map(|memory| memory.peak_mib));

    bench.say(1, "killing it, and starting it again with one agency back");
    bus.kill();
    town(bench, true)?;
    bench.peer.ask(Order::Behave(Vec::new())).await?;
    let bus = Process::start(&bench.folder, &bench.entry).await?;
    let first_ms = first_arrival(bench, &bus).await?;
    let drain_per_s = drain(bench, envelopes).await?;
    let peak_after = bus.memory().map(|memory| memory.peak_mib);
    peak_mib = peak_mib.into_iter().chain(peak_after).max_by(f64::total_cmp);
    let ready_ms = bus.ready.as_secs_f64() * 1e3;
    bus.kill();

    let (accept_per_s, empty_per_s) = (median(full), median(empty));
    Ok(Waiting {
        deliveries: filled.deliveries,
        agencies: DEAD,
        filled_per_s: ratio(filled.deliveries as f64, filled.seconds),
        accept_per_s,
        empty_per_s,
        ratio: ratio(accept_per_s, empty_per_s),
        rss_mib,
        peak_mib,
        ready_ms,
        first_ms,
        drain_per_s,
        rate_per_s: RATE,
        drain_ratio: ratio(drain_per_s, f64::from(RATE)),
    })
}

/// The deployment: agencies that are down, the first of them back if it is so, and those that the load goes to, which fetch.
fn town(bench: &Bench, one_is_back: bool) -> anyhow::Result<()> {
    let dead = (0..DEAD).map(|n| {
        let back = one_is_back && n == 0;
        let addr = if back { bench.peer.sinks[0] } else { NOWHERE.into() };
        let id = format!("dead-{:02}", n + 1);
        Receiver { per_second: Some(RATE), ..Receiver::plain(id, deployment::group_type(GROUP), Some(addr)) }
    });
    let living = (1..=FAN_OUT).map(|n| Receiver::plain(deployment::agency(n), TYPE.to_owned(), None));
    deployment::write_town(&bench.folder, &dead.chain(living).collect::<Vec<_>>())
        .context("cannot write the deployment")
}

/// Refuses what the disk has no room for, before an hour is spent on it.
fn room(bench: &Bench, envelopes: u64) -> anyhow::Result<()> {
    let needed = envelopes * (ENVELOPE_BYTES + DEAD as u64 * DELIVERY_BYTES) + SPARE_BYTES;
    let free = disk::free_bytes(&bench.folder).unwrap_or(u64::MAX);
    if free < needed {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        bail!(
            "the backlog needs {:.1} GiB of disk, {:.1} are free; ask for a smaller one with --backlog, or name another disk with --dir",
            gib(needed),
            gib(free)
        );
    }
    Ok(())
}

fn rate(loaded: &Loaded) -> f64 {
    ratio(loaded.accepted as f64, loaded.seconds)
}

/// Milliseconds from the start of the bus until something arrived at the agency that is back.
async fn first_arrival(bench: &Bench, bus: &Process) -> anyhow::Result<f64> {
    while taken(bench).await? == 0 {
        if bus.started.elapsed() > FIRST_MAX {
            bail!("nothing was delivered within {} s of the start", FIRST_MAX.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(bus.started.elapsed().as_secs_f64() * 1e3)
}

/// Deliveries a second to the agency that is back, of the so many that wait for it.
async fn drain(bench: &Bench, envelopes: u64) -> anyhow::Result<f64> {
    bench.say(1, "delivering what waited for it");
    tokio::time::sleep(SETTLE).await;
    let (begun, before) = (Instant::now(), taken(bench).await?);
    let mut after = before;
    while begun.elapsed() < bench.plan.each.max(DRAIN_MIN) && after < envelopes {
        tokio::time::sleep(LOOK).await;
        after = taken(bench).await?;
    }
    Ok(ratio((after - before) as f64, begun.elapsed().as_secs_f64()))
}

async fn taken(bench: &Bench) -> anyhow::Result<u64> {
    Ok(bench.peer.ask(Order::Count).await?.taken.first().copied().unwrap_or(0))
}

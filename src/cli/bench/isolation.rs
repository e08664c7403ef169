//! What three agencies in trouble cost the others: one that never answers, one that is slow, one that fails every second time.
//!
//! The same load goes to the same agencies twice in each round, once with everybody well. A flood shows how much the others are
//! delivered, a steady pace how late. The three count in neither.

use serde::Serialize;

use super::apparatus::{Bench, CONNECTIONS, PACE_CONNECTIONS};
use super::deployment::{self, FAN_OUT, Receiver};
use super::figures::{median, ratio};
use super::peer::{Load, Manner, Order};

/// How late the slow one answers, in milliseconds.
const SLOW_MS: u64 = 500;
/// Agencies in trouble, each in a group of its own.
const TROUBLE: [Manner; 3] = [Manner::Silent, Manner::Slow(SLOW_MS), Manner::Flaky];
/// The fewest agencies with which the three stand in different groups.
pub const AGENCIES_MIN: u64 = (TROUBLE.len() * FAN_OUT) as u64;

/// What was seen, as it is printed. Rates are deliveries a second to the healthy agencies; times are from sending to arrival there.
#[derive(Debug, Clone, Serialize)]
pub struct Isolation {
    /// Agencies.
    pub agencies: usize,
    /// Those of them that are well.
    pub healthy: usize,
    /// While three are in trouble.
    pub per_s: f64,
    /// While everybody is well.
    pub clean_per_s: f64,
    /// `per_s / clean_per_s`.
    pub ratio: f64,
    /// Half arrived sooner.
    pub p50_ms: f64,
    /// One in a hundred arrived later.
    pub p99_ms: f64,
    /// The same while everybody is well.
    pub clean_p50_ms: f64,
    /// The same while everybody is well.
    pub clean_p99_ms: f64,
    /// `p99_ms / clean_p99_ms`.
    pub p99_ratio: f64,
    /// Deliveries to healthy agencies that did not arrive in time.
    pub missing: u64,
}

/// One run.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    missing: u64,
}

/// The group of an agency, from 0; so many agencies that the last group may be larger.
fn group(n: usize, groups: usize) -> usize {
    (n / FAN_OUT).min(groups - 1)
}

/// Who is in trouble: the first of each of the first groups.
fn in_trouble(n: usize) -> Option<Manner> {
    n.is_multiple_of(FAN_OUT).then(|| TROUBLE.get(n / FAN_OUT).copied()).flatten()
}

/// Takes the measurement, with a peer of so many agencies.
pub async fn measure(bench: &Bench) -> anyhow::Result<Isolation> {
    let sinks = &bench.peer.sinks;
    let groups = sinks.len() / FAN_OUT;
    let receiver = |(n, addr): (usize, &std::net::SocketAddr)| {
        Receiver::plain(deployment::agency(n + 1), deployment::group_type(group(n, groups)), Some(*addr))
    };
    deployment::write_town(&bench.folder, &sinks.iter().enumerate().map(receiver).collect::<Vec<_>>())?;
    let (mut clean, mut troubled) = (Vec::new(), Vec::new());
    for number in 1..=bench.plan.rounds {
        bench.say(number, "agencies that are all well");
        clean.push(run(bench, groups, false).await?);
        bench.say(number, "the same with one silent, one slow, one failing");
        troubled.push(run(bench, groups, true).await?);
    }
    let of = |runs: &[Run], figure: fn(&Run) -> f64| median(runs.iter().map(figure));
    let (per_s, clean_per_s) = (of(&troubled, |run| run.per_s), of(&clean, |run| run.per_s));
    let (p99_ms, clean_p99_ms) = (of(&troubled, |run| run.p99_ms), of(&clean, |run| run.p99_ms));
    Ok(Isolation {
        agencies: sinks.len(),
        healthy: sinks.len() - TROUBLE.len(),
        per_s,
        clean_per_s,
        ratio: ratio(per_s, clean_per_s),
        p50_ms: of(&troubled, |run| run.p50_ms),
        p99_ms,
        clean_p50_ms: of(&clean, |run| run.p50_ms),
        clean_p99_ms,
        p99_ratio: ratio(p99_ms, clean_p99_ms),
        missing: troubled.iter().chain(&clean).map(|run| run.missing).sum(),
    })
}

async fn run(bench: &Bench, groups: usize, troubled: bool) -> anyhow::Result<Run> {
    let agencies = bench.peer.sinks.len();
    let manner = |n| in_trouble(n).filter(|_| troubled).unwrap_or_default();
    bench.peer.ask(Order::Behave((0..agencies).map(manner).collect())).await?;
    let load = |addr, connections| Load {
        template: deployment::grouped(),
        groups: groups as u64,
        untimed: (0..agencies).filter(|n| in_trouble(*n).is_some()).map(|n| deployment::agency(n + 1)).collect(),
        ..bench.load(addr, connections)
    };

    let bus = bench.fresh_bus().await?;
    let before = healthy(bench).await?;
    let flooded = bench.flood(load(bus.addr(), CONNECTIONS)).await?;
    let per_s = ratio((healthy(bench).await? - before) as f64, flooded.seconds);
    bus.stop().await;

    let bus = bench.fresh_bus().await?;
    let paced = bench.pace(load(bus.addr(), PACE_CONNECTIONS)).await?;
    bus.stop().await;
    let arrival = paced.arrival;
    Ok(Run { per_s, p50_ms: arrival.p50_ms, p99_ms: arrival.p99_ms, missing: paced.missing })
}

/// What the agencies that are well have taken.
async fn healthy(bench: &Bench) -> anyhow::Result<u64> {
    let taken = bench.peer.ask(Order::Count).await?.taken;
    Ok(taken.iter().enumerate().filter(|(n, _)| in_trouble(*n).is_none()).map(|(_, taken)| taken).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_are_in_trouble_in_three_groups() {
        let agencies = usize::try_from(AGENCIES_MIN).unwrap();
        let who: Vec<(usize, Manner)> = (0..agencies).filter_map(|n| Some((n, in_trouble(n)?))).collect();
        assert_eq!(who, [(0, Manner::Silent), (5, Manner::Slow(500)), (10, Manner::Flaky)]);
        assert_eq!([0, 4, 5, 14].map(|n| group(n, 3)), [0, 0, 1, 2]);
        assert_eq!(group(17, 3), 2, "those left over go to the last group");
    }
}

//! What blocked lanes cost the others: of every hundred keys one is poison, which every agency refuses or fails on for ever.
//!
//! A backlog over all keys, several times over, is delivered twice from the same ledger, once with nothing poisoned. The first
//! time round blocks the lanes; measured is the second, when what follows in them must make way. Only the others count.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;

use super::apparatus::Bench;
use super::bus;
use super::deployment::{self, FAN_OUT, Reach};
use super::figures::{median, ratio};
use super::fill::{self, Backlog};
use super::peer::{Manner, Order};
use crate::catalog::Catalog;

/// Of so many keys one is poison.
const ONE_IN: u64 = 100;
/// How often it is looked how far it has come.
const LOOK: Duration = Duration::from_millis(20);
/// The longest it may stand still before something must be wrong.
const STALL: Duration = Duration::from_secs(30);

/// What was seen, as it is printed. Rates are deliveries a second of keys that are not poisoned.
#[derive(Debug, Clone, Serialize)]
pub struct Lanes {
    /// Ordering keys.
    pub keys: u64,
    /// Those of them that are poisoned.
    pub poisoned: u64,
    /// With them.
    pub per_s: f64,
    /// With none.
    pub clean_per_s: f64,
    /// `per_s / clean_per_s`.
    pub ratio: f64,
}

/// Takes the measurement.
pub async fn measure(bench: &Bench, keys: u64) -> anyhow::Result<Lanes> {
    deployment::write(&bench.folder, Reach::Posted(&bench.peer.sinks))?;
    let loaded = Catalog::load(&bench.folder);
    let catalog = loaded.map_err(|problems| anyhow::anyhow!("the bench's deployment is wrong: {problems:?}"))?.catalog;
    bench.say(1, &format!("filling in a backlog over {keys} keys"));
    let seed = bench.folder.join("seed");
    // Something is left when the measured stretch ends, so that it has no tail.
    let envelopes = keys * 2 + keys.div_ceil(5);
    let backlog = Backlog { template: deployment::ENVELOPE.trim_end().to_owned(), envelopes, subjects: keys };
    fill::fill(&seed, &catalog, &backlog, |what| bench.say(1, what)).await?;
    let (mut clean, mut poisoned) = (Vec::new(), Vec::new());
    for number in 1..=bench.plan.rounds {
        bench.say(number, "delivering with every lane open");
        clean.push(run(bench, &seed, keys, false).await?);
        bench.say(number, "delivering with one lane in a hundred blocked");
        poisoned.push(run(bench, &seed, keys, true).await?);
    }
    let (per_s, clean_per_s) = (median(poisoned), median(clean));
    Ok(Lanes { keys, poisoned: keys / ONE_IN, per_s, clean_per_s, ratio: ratio(per_s, clean_per_s) })
}

/// Deliveries of the others per second, over their second time round.
async fn run(bench: &Bench, seed: &Path, keys: u64, poisoned: bool) -> anyhow::Result<f64> {
    bench.peer.ask(Order::Behave(vec![Manner::Choosy { poisoned }; FAN_OUT])).await?;
    bench.empty()?;
    copy(seed, &bus::data(&bench.folder))?;
    let bus = bench.bus().await?;
    let round = (keys - keys.div_ceil(ONE_IN)) * FAN_OUT as u64;
    let first = until(bench, round).await?;
    let begun = Instant::now();
    let second = until(bench, round * 2).await?;
    let per_s = ratio((second - first) as f64, begun.elapsed().as_secs_f64());
    bus.stop().await;
    Ok(per_s)
}

/// Waits until the agencies have taken so many deliveries of the others; returns how many they have.
async fn until(bench: &Bench, total: u64) -> anyhow::Result<u64> {
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        let taken = bench.peer.ask(Order::Count).await?.taken.iter().sum();
        if taken >= total {
            return Ok(taken);
        }
        if taken > last {
            (last, moved) = (taken, Instant::now());
        }
        if moved.elapsed() > STALL {
            bail!("{taken} of {total} deliveries arrived, and then none for {} s", STALL.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Copies a ledger that nobody has open.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot copy {} to {}", from.display(), to.display());
    std::fs::create_dir_all(to).with_context(failed)?;
    for entry in std::fs::read_dir(from).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        std::fs::copy(entry.path(), to.join(entry.file_name())).with_context(failed)?;
    }
    Ok(())
}

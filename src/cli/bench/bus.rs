//! The bus under measurement: the whole composition over a data folder of its own, in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::cpu;
use crate::app::{App, Settings};
use crate::clock::Clock;
use crate::config::{Amqp, Config};
use crate::ledger::Tally;
use crate::model::agency::KeyEntry;

/// How long a stop waits for what is under way.
const GRACE: Duration = Duration::from_secs(1);
/// How often the ledger's figures are looked at.
const LOOK: Duration = Duration::from_millis(10);
/// The longest a backlog may take without one delivery before something must be wrong.
const STALL: Duration = Duration::from_secs(20);

/// A bus that runs.
pub struct Bus {
    app: App,
}

/// What a stretch of delivering came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stretch {
    /// Deliveries settled.
    pub deliveries: u64,
    /// In this time, in seconds.
    pub seconds: f64,
    /// Processor time of this process per delivery, in microseconds.
    pub cpu_us: Option<f64>,
}

impl Bus {
    /// Starts a bus below `folder`, over whatever deployment and ledger are there, with the defaults of every setting; only that it
    /// does not wait for agencies that never answer when it is stopped.
    pub async fn start(folder: &Path, key: &KeyEntry) -> anyhow::Result<Self> {
        Self::start_at(folder, key, Config::default().amqp).await
    }

    /// The same with a broker.
    pub async fn start_at(folder: &Path, key: &KeyEntry, amqp: Amqp) -> anyhow::Result<Self> {
        let mut config = Config { root: folder.to_owned(), amqp, ..Config::default() };
        config.http.listen = (Ipv4Addr::LOCALHOST, 0).into();
        config.http.shutdown_grace = GRACE;
        config.store.path = data(folder);
        config.auth.keys = vec![key.clone()];
        let settings = Settings { config, root: folder.to_owned(), config_file: None, clock: Clock::system() };
        Ok(Self { app: App::start(settings).await.context("the bus does not start")? })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.app.address()
    }

    /// Deliveries settled well, in all.
    pub fn delivered(&self) -> u64 {
        self.app.ledger().tallies().iter().map(|(_, tally)| tally.delivered).sum()
    }

    /// Deliveries that wait or are settled well, in all.
    pub fn made(&self) -> u64 {
        let all = |tally: &Tally| tally.pending + tally.retry + tally.behind + tally.delivered;
        self.app.ledger().tallies().iter().map(|(_, tally)| all(tally)).sum()
    }

    /// Waits until so many deliveries are settled, or until so long has passed since the first of them; returns the stretch.
    pub async fn deliver(&self, total: u64, long: Duration) -> anyhow::Result<Stretch> {
        let first = self.until(self.delivered() + 1, STALL).await?;
        let (begun, used) = (Instant::now(), cpu::used());
        while self.delivered() < total && begun.elapsed() < long {
            tokio::time::sleep(LOOK).await;
        }
        let deliveries = self.delivered() - first;
        Ok(Stretch { deliveries, seconds: begun.elapsed().as_secs_f64(), cpu_us: cpu::since(used, deliveries) })
    }

    /// Waits until at least so many deliveries are settled.
    pub async fn until(&self, total: u64, long: Duration) -> anyhow::Result<u64> {
        until("deliveries arrived", || self.delivered(), total, long).await
    }

    /// Stops it.
    pub async fn stop(self) {
        self.app.stop().await;
    }
}

/// Waits until a count has come to a total.
pub async fn until(what: &str, count: impl Fn() -> u64, total: u64, long: Duration) -> anyhow::Result<u64> {
    let begun = Instant::now();
    loop {
        let counted = count();
        if counted >= total {
            return Ok(counted);
        }
        if begun.elapsed() > long {
            bail!("{counted} of {total} {what} within {} s", long.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Forgets the ledger of a bus below `folder`, so that a measurement begins with an empty one.
pub fn forget(folder: &Path) -> anyhow::Result<()> {
    let data = data(folder);
    match std::fs::remove_dir_all(&data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {}", data.display()))
        }
        _ => Ok(()),
    }
}

/// The data folder of a bus below `folder`.
pub fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

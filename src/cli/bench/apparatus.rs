//! What every measurement is taken with: a folder, a peer that sends and receives, a key, and the bus over them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::bus::{self, Bus};
use super::deployment;
use super::peer::{Load, Loaded, Order, Peer};
use crate::cli::keys;
use crate::model::agency::{KeyEntry, Role};
use crate::model::id::AgencyId;

/// Connections that post as fast as answers come: enough for commits to be shared.
pub const CONNECTIONS: usize = 256;
/// Connections that post at a steady pace.
pub const PACE_CONNECTIONS: usize = 32;
/// The pace at which latency is measured, in envelopes a second.
pub const PACE_PER_S: u32 = 200;
/// How long a pace is kept before what it is measured, in milliseconds: the first connections to the agencies are not meant.
const WARM_MS: u64 = 300;

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Length of one measurement.
    pub each: Duration,
    /// How often each is taken.
    pub rounds: usize,
}

/// A bench under way.
#[derive(Debug)]
pub struct Bench {
    /// How long and how often.
    pub plan: Plan,
    /// A folder of its own.
    pub folder: PathBuf,
    /// The other ends.
    pub peer: Peer,
    /// The sender's key.
    pub key: String,
    /// Its entry.
    pub entry: KeyEntry,
}

impl Bench {
    /// Sets up below `folder`, with so many agencies at the other end.
    pub fn set(folder: &Path, plan: Plan, agencies: usize) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let (key, entry) = keys::generate(Role::Agency, Some(AgencyId::parse(deployment::SENDER)?), None)?;
        Ok(Self { plan, folder: folder.to_owned(), peer: Peer::start(agencies)?, key, entry })
    }

    /// Tells a person who waits what is measured now.
    pub fn say(&self, round: usize, what: &str) {
        eprintln!("round {round} of {}: {what}", self.plan.rounds);
    }

    /// Starts a bus over the deployment and the ledger that stand there.
    pub async fn bus(&self) -> anyhow::Result<Bus> {
        Bus::start(&self.folder, &self.entry).await
    }

    /// Starts a bus over the deployment that stands there and an empty ledger.
    pub async fn fresh_bus(&self) -> anyhow::Result<Bus> {
        self.empty()?;
        self.bus().await
    }

    /// Forgets the ledger, so that a measurement begins with an empty one.
    pub fn empty(&self) -> anyhow::Result<()> {
        bus::forget(&self.folder)
    }

    /// The plain load, for the length of one measurement.
    pub fn load(&self, addr: SocketAddr, connections: usize) -> Load {
        Load {
            addr,
            key: self.key.clone(),
            template: deployment::ENVELOPE.trim_end().to_owned(),
            first: 1,
            connections,
            ms: u64::try_from(self.plan.each.as_millis()).unwrap_or(u64::MAX),
            groups: 1,
            untimed: Vec::new(),
        }
    }

    /// Posts as fast as answers come.
    pub async fn flood(&self, load: Load) -> anyhow::Result<Loaded> {
        self.peer.ask(Order::Flood(load)).await
    }

    /// Posts at a steady pace for the length of two measurements, and times what arrives.
    pub async fn pace(&self, load: Load) -> anyhow::Result<Loaded> {
        let order = |load| Order::Pace { load, per_s: PACE_PER_S };
        let warmed = self.peer.ask(order(Load { ms: WARM_MS, ..load.clone() })).await?;
        let ms = u64::try_from((self.plan.each * 2).as_millis()).unwrap_or(u64::MAX);
        let first = warmed.accepted + u64::try_from(PACE_CONNECTIONS).unwrap_or(0) + 1;
        self.peer.ask(order(Load { ms, first, ..load })).await
    }
}

//! One look at the whole bus: the figures that conditions are judged by.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::dispatch::Board;
use crate::ledger::{Ledger, LedgerError, Tally};
use crate::model::id::AgencyId;
use crate::model::status::Hold;
use crate::model::time::At;

/// Everything that is judged, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When.
    pub at: At,
    /// Each agency of the deployment, and each that has deliveries.
    pub agencies: BTreeMap<AgencyId, Look>,
    /// Free bytes on the store's disk.
    pub disk_free_bytes: u64,
    /// Whether the ledger refuses to accept.
    pub refusing: bool,
    /// Problems of a refused deployment; zero where it is in force.
    pub refused_problems: usize,
    /// For how long the broker has not been as it should be; zero where it is, or where there is none.
    pub broker_down: Duration,
}

/// One agency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Age of the oldest unfinished delivery, without closed hours.
    pub oldest: Duration,
    /// How the way to it is.
    pub circuit: Circuit,
    /// Whether it said that its receiver is gone, and is paused for it.
    pub gone: bool,
    /// Unfinished deliveries.
    pub waiting: u64,
    /// Parked lanes.
    pub parked: u64,
    /// Deliveries given up, ever.
    pub dead: u64,
    /// Unfinished deliveries that have nowhere to go.
    pub unconfigured: u64,
}

/// How the way to an agency is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Circuit {
    /// It is asked.
    #[default]
    Closed,
    /// It has not answered for so long, without closed hours.
    Open(Duration),
    /// It is outside its service hours: nobody knows.
    Unknown,
}

impl Snapshot {
    /// Looks at every agency. `refused_problems` is what the last reload said, `disk` free bytes and whether accept is refused.
    pub async fn take(
        ledger: &Ledger,
        catalog: &Catalog,
        board: &Board,
        disk: (u64, bool),
        refused_problems: usize,
        now: At,
    ) -> Result<Self, LedgerError> {
        let tallies: BTreeMap<AgencyId, Tally> = ledger.tallies().into_iter().collect();
        let configured = catalog.agencies().filter(|agency| agency.delivery.is_some()).map(|agency| agency.id.clone());
        let ids: BTreeSet<AgencyId> = tallies.keys().cloned().chain(configured).collect();
        let mut agencies = BTreeMap::new();
        for id in ids {
            let tally = tallies.get(&id).cloned().unwrap_or_default();
            let unfinished = tally.pending + tally.retry + tally.parked + tally.behind + tally.leased;
            let oldest = if unfinished > 0 { ledger.oldest(&id).await? } else { None };
            let rules = catalog.agency(&id).and_then(|agency| agency.delivery.as_ref());
            let window = rules.and_then(|rules| rules.window.as_deref());
            let age = |since: At| {
                let closed = window.map_or(Duration::ZERO, |window| window.closed_between(since, now));
                now.since(since).saturating_sub(closed)
            };
            let circuit = match board.hold(&id).below() {
                Hold::CircuitOpen { since, .. } => Circuit::Open(age(since)),
                Hold::Window { .. } => Circuit::Unknown,
                _ => Circuit::Closed,
            };
            let look = Look {
                oldest: oldest.map_or(Duration::ZERO, age),
                circuit,
                gone: ledger.paused(&id).is_some_and(|pause| pause.gone),
                waiting: unfinished,
                parked: tally.parked,
                dead: tally.dead,
                unconfigured: if rules.is_none() { unfinished } else { 0 },
            };
            agencies.insert(id, look);
        }
        let (disk_free_bytes, refusing) = disk;
        Ok(Self { at: now, agencies, disk_free_bytes, refusing, refused_problems, broker_down: Duration::ZERO })
    }
}

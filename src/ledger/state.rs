//! What the writer owns: its statements, every agency's flow, the counters, and the next place in accept order.
//!
//! A turn changes this memory while its transaction is open. That is safe because nothing reads it before the commit, and
//! after a failed commit the ledger is poisoned and reads it never again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, OptionalExtension};

use super::activity::Movement;
use super::cache::Cache;
use super::codes::{self, COUNTS, Count};
use super::flow::Flow;
use super::id::{self, column};
use super::jobs::Hold;
use super::notices::Notices;
use super::pause::Held;
use super::recipients::{self, Entry};
use super::service::{Counted, Services};
use super::shared::{Body, Counts, Names, Shared, lock};
use super::sql::Sql;
use super::types::Options;
use super::young::Merging;
use crate::model::delivery::Finished;
use crate::model::id::{AgencyId, EventType, Slot};
use crate::model::outcome::BusinessOutcome;

/// Envelopes whose open deliveries are counted in memory; the others are counted from their rows.
const OPEN_MAX: usize = 100_000;

/// What is still open of an envelope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    /// Who sent it: `agency.n`.
    pub(super) sender: i64,
    /// Deliveries that are not finished, or wait for a final outcome.
    pub(super) count: usize,
    /// Whether one of the others did not go well.
    pub(super) failed: bool,
    /// When the envelope was accepted.
    pub(super) at: i64,
    /// Its type's number.
    pub(super) ty: i64,
}

/// What the open transaction changes for one agency.
#[derive(Debug, Default)]
struct Change {
    counts: Counts,
    movement: Movement,
}

/// See the module.
pub(super) struct State<'c> {
    pub(super) sql: Sql<'c>,
    /// For what is read as readers read it, in the open transaction.
    pub(super) connection: &'c Connection,
    /// Who hears of its envelopes.
    pub(super) notices: Option<Notices>,
    /// Notices that the open transaction wrote.
    pub(super) told: Vec<Arc<Body>>,
    pub(super) shared: Arc<Shared>,
    pub(super) options: Options,
    pub(super) flows: HashMap<i64, Flow>,
    pub(super) types: HashMap<EventType, i64>,
    pub(super) names: Arc<Names>,
    pub(super) counts: HashMap<i64, Counts>,
    changed: BTreeMap<i64, Change>,
    /// Counts by type and day.
    pub(super) services: Services,
    pub(super) open: Cache<u64, Left>,
    pub(super) next_seq: u64,
    /// Agencies that are held.
    pub(super) pauses: HashMap<AgencyId, Held>,
    /// Whether the open transaction changed that.
    pub(super) show_pauses: bool,
    /// Agencies under a replay, which alone is offered.
    pub(super) holds: HashMap<i64, Hold>,
    /// The latest seq that was swept.
    pub(super) swept_max: u64,
    /// The latest time that was handed in; time stands still rather than go back.
    pub(super) latest: i64,
    /// Rows gathered over a turn, so that they are inserted in key order: agency, seq, slot, lane.
    pub(super) new_pending: Vec<(i64, u64, u16, i64)>,
    /// What is on its way into the indexes.
    pub(super) merging: Merging,
}

impl<'c> State<'c> {
    /// Reads what the writer must know from the store.
    pub(super) fn load(
        connection: &'c Connection,
        shared: Arc<Shared>,
        options: Options,
        notices: Option<Notices>,
    ) -> rusqlite::Result<Self> {
        let types = connection
            .prepare("SELECT id, n FROM type")?
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
            .filter_map(|row| row.map(|(id, n)| Some((EventType::parse(&id).ok()?, n))).transpose())
            .collect::<rusqlite::Result<_>>()?;
        let last: Option<(i64, i64)> = connection
            .query_row("SELECT seq, at FROM envelope ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let floor = |key: &str| -> rusqlite::Result<i64> {
            let value =
                connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
            Ok(value.unwrap_or(0))
        };
        let next = last.map_or(1, |(seq, _)| seq + 1).max(floor("seq_floor")?);
        let names = shared.names();
        let counts = lock(&shared.counts).clone();
        let services = Services::new(options.calendar.clone());
        let next_seq = next.max(1).cast_unsigned();
        let merging = Merging::begin(connection, &lock(&shared.young), next_seq)?;
        Ok(Self {
            sql: Sql::prepare(connection)?,
            connection,
            notices,
            told: Vec::new(),
            options,
            flows: HashMap::new(),
            types,
            names,
            counts,
            changed: BTreeMap::new(),
            services,
            open: Cache::new(OPEN_MAX),
            pauses: super::pause::read(connection)?,
            show_pauses: false,
            holds: super::jobs::read_holds(connection)?,
            next_seq,
            swept_max: floor("swept_max")?.cast_unsigned(),
            latest: last.map_or(0, |(_, at)| at).max(floor("at_floor")?),
            new_pending: Vec::new(),
            merging,
            shared,
        })
    }

    /// The flow of an agency.
    pub(super) fn flow(&mut self, agency: i64) -> &mut Flow {
        let Options { page_max, lane_rows_max, .. } = self.options;
        self.flows.entry(agency).or_insert_with(|| Flow::new(page_max, lane_rows_max))
    }

    /// The time, never earlier than what was seen before.
    pub(super) fn clamp(&mut self, now: i64) -> i64 {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Counts in the open transaction.
    pub(super) fn count(&mut self, agency: i64, what: Count, by: i64) {
        self.counts.entry(agency).or_insert([0; COUNTS])[what as usize] += by;
        self.changed.entry(agency).or_default().counts[what as usize] += by;
    }

    /// Notes what came to an agency or left it in the open transaction.
    pub(super) fn moved(&mut self, agency: i64, note: impl FnOnce(&mut Movement)) {
        note(&mut self.changed.entry(agency).or_default().movement);
    }

    /// How many there are.
    pub(super) fn counted(&self, agency: i64, what: Count) -> i64 {
        self.counts.get(&agency).map_or(0, |counts| counts[what as usize])
    }

    /// Writes the gathered rows and counters and merges what is due; the last part of a transaction.
    pub(super) fn flush(&mut self) -> rusqlite::Result<()> {
        self.new_pending.sort_unstable();
        for (agency, seq, slot, lane) in self.new_pending.drain(..) {
            self.sql.insert_pending.execute((agency, column(seq), slot, lane))?;
        }
        for (agency, change) in &self.changed {
            for (state, n) in (0_i64..).zip(&change.counts).filter(|(_, n)| **n != 0) {
                self.sql.add_tally.execute((agency, state, n))?;
            }
        }
        self.services.flush(&mut self.sql)?;
        self.merge()
    }

    /// Shows the counters of a committed transaction, and lets go of what it merged.
    pub(super) fn publish(&mut self) {
        self.merged();
        if std::mem::take(&mut self.show_pauses) {
            self.shared.pauses.write().unwrap_or_else(PoisonError::into_inner).clone_from(&self.pauses);
        }
        let (mut shown, mut movements) = (lock(&self.shared.counts), lock(&self.shared.movements));
        for (agency, change) in std::mem::take(&mut self.changed) {
            if let Some(counts) = self.counts.get(&agency) {
                shown.insert(agency, *counts);
            }
            movements.entry(agency).or_default().add(&change.movement);
        }
    }

    /// The number of an agency, given at its first envelope.
    pub(super) fn intern(&mut self, id: &AgencyId) -> rusqlite::Result<i64> {
        if let Some(n) = self.names.n(id) {
            return Ok(n);
        }
        let n = self.names.next();
        self.sql.insert_agency.execute((n, id.as_str()))?;
        let mut names = (*self.names).clone();
        names.insert(n, id.clone());
        self.names = Arc::new(names);
        *self.shared.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&self.names);
        Ok(n)
    }

    /// The number of a type, given at its first envelope.
    pub(super) fn intern_type(&mut self, id: &EventType) -> rusqlite::Result<i64> {
        if let Some(n) = self.types.get(id) {
            return Ok(*n);
        }
        let n = self.types.values().max().map_or(1, |n| n + 1);
        self.sql.insert_type.execute((n, id.as_str()))?;
        self.types.insert(id.clone(), n);
        Ok(n)
    }

    /// The duties of an envelope, with every generation of each.
    pub(super) fn duties(&mut self, seq: u64) -> rusqlite::Result<Option<Duties>> {
        let row = self.sql.envelope_row.query_row([column(seq)], |row| {
            let form: Vec<u8> = row.get(1)?;
            Ok((row.get(0)?, form, row.get(2)?, row.get(3)?))
        });
        let Some((at, form, ty, sender)) = row.optional()? else { return Ok(None) };
        let Some(entries) = recipients::read(&form) else { return Ok(None) };
        let later = self.sql.redriven_of.query_map([column(seq)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Some(Duties { at, ty, sender, entries, later: later.collect::<rusqlite::Result<_>>()? }))
    }

    /// One more delivery of an envelope is through. Its row is written. Returns whether it was the last.
    pub(super) fn through(&mut self, seq: u64, slot: u16, failed: bool, at: i64) -> rusqlite::Result<bool> {
        let left = match self.open.get_mut(&seq) {
            Some(left) => {
                left.count -= 1;
                left.failed |= failed;
                *left
            }
            None => {
                let Some(duties) = self.duties(seq)? else { return Ok(false) };
                if !duties.is_latest(slot) {
                    return Ok(false);
                }
                let left = self.count_left(seq, &duties)?;
                // What has later generations is counted from its rows each time.
                if duties.later.is_empty() {
                    self.open.insert(seq, left, 1);
                }
                left
            }
        };
        if left.count > 0 {
            return Ok(false);
        }
        self.open.remove(&seq);
        self.sql.insert_completed.execute((at, column(seq), left.failed))?;
        self.count_completed(Counted { seq, ty: left.ty, at: left.at }, left.failed, at)?;
        self.tell_completed(seq, left.failed)?;
        Ok(true)
    }

    /// Counts from the rows what is open of an envelope. The latest generation of a duty speaks for it.
    pub(super) fn count_left(&mut self, seq: u64, duties: &Duties) -> rusqlite::Result<Left> {
        let (at, ty) = (duties.at, duties.ty);
        let mut left = Left { sender: duties.sender, count: duties.entries.len(), failed: false, at, ty };
        let mut rows = self.sql.settled_of.query([column(seq)])?;
        while let Some(row) = rows.next()? {
            if !duties.is_latest(row.get(0)?) {
                continue;
            }
            let outcome: Option<i64> = row.get(4)?;
            let outcome = outcome.and_then(codes::read_outcome);
            let state = codes::read_finished(row.get(3)?).unwrap_or(Finished::Dead);
            left.count -= usize::from(!waits(state, outcome));
            left.failed |= has_failed(state, outcome);
        }
        Ok(left)
    }

    /// Writes a gap: `place` ended without having reached its agency, and the lane goes on.
    pub(super) fn mark_gap(&mut self, agency: i64, lane: i64, seq: u64, slot: u16) -> rusqlite::Result<()> {
        if !id::is_ordered(lane) {
            return Ok(());
        }
        let Some(duties) = self.duties(seq)? else { return Ok(()) };
        let Some((_, first)) = duties.entry(slot) else { return Ok(()) };
        let new = self.sql.insert_gap.execute((agency, lane, column(seq), first, duties.at))?;
        self.count(agency, Count::Untold, i64::try_from(new).unwrap_or(0));
        Ok(())
    }
}

/// Who must get an envelope, and the generations of each duty.
#[derive(Debug)]
pub(super) struct Duties {
    /// When the envelope was accepted.
    pub(super) at: i64,
    /// Its type's number.
    pub(super) ty: i64,
    /// Its sender's.
    pub(super) sender: i64,
    /// The first generations; slots from 1.
    pub(super) entries: Vec<Entry>,
    /// Later ones: slot and first slot, rising.
    pub(super) later: Vec<(u16, u16)>,
}

impl Duties {
    /// The recipient of a slot, and the slot of its first generation.
    pub(super) fn entry(&self, slot: u16) -> Option<(Entry, u16)> {
        let first = match usize::from(slot) <= self.entries.len() {
            true => slot,
            false => self.later.iter().find(|(later, _)| *later == slot)?.1,
        };
        Some((*self.entries.get(usize::from(first).checked_sub(1)?)?, first))
    }

    /// The latest generation of the duty that a slot belongs to.
    pub(super) fn latest(&self, slot: u16) -> u16 {
        let first = self.later.iter().find(|(later, _)| *later == slot).map_or(slot, |(_, first)| *first);
        self.later.iter().rev().find(|(_, of)| *of == first).map_or(first, |(later, _)| *later)
    }

    /// Whether a slot is the latest generation of its duty.
    pub(super) fn is_latest(&self, slot: u16) -> bool {
        self.latest(slot) == slot
    }

    /// Every slot.
    pub(super) fn slots(&self) -> Vec<u16> {
        (1..).take(self.entries.len()).chain(self.later.iter().map(|(slot, _)| *slot)).collect()
    }

    /// The slot of the next generation; `None` if an envelope can have no more.
    pub(super) fn next_slot(&self) -> Option<u16> {
        let last = self.later.last().map_or(self.entries.len(), |(slot, _)| usize::from(*slot));
        u16::try_from(last + 1).ok().filter(|slot| *slot <= Slot::MAX)
    }
}

/// Whether a delivery still waits for a final outcome.
pub(super) fn waits(state: Finished, outcome: Option<BusinessOutcome>) -> bool {
    state == Finished::Delivered && outcome.is_some_and(|outcome| !outcome.is_final())
}

/// Whether a delivery that is through did not go well.
pub(super) fn has_failed(state: Finished, outcome: Option<BusinessOutcome>) -> bool {
    state != Finished::Delivered || matches!(outcome, Some(BusinessOutcome::Refused | BusinessOutcome::Unknown))
}

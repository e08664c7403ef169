//! How many of which service: exact counts by type and local day, in the commits that change them, without a person, a sender or an
//! agency in them.
//!
//! S1: for each type and day the counts are what its envelopes say: those that are kept, and those that were kept until they were
//! forgotten. S2: an envelope counts as accepted on the day of its acceptance and as completed on the day on which it first was. Led
//! again it keeps that day, and its result there is what it came to last. S3: days are those of one time zone for the life of a
//! ledger.
//!
//! ```text
//! service_day   (day, type) accepted, completed, failed, ms | old_accepted, old_completed, old_failed, old_ms
//! reopened      seq, day, failed, ms: envelopes that were opened again after they were complete, as they are counted
//! ```
//!
//! `ms` sums up the time from acceptance to completion of what was completed well; `old_` is the part of a count whose envelopes are
//! forgotten.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::check::Findings;
use super::error::{LedgerError, OpenError};
use super::handle::Ledger;
use super::id::column;
use super::read::{Lens, corrupt};
use super::sql::Sql;
use super::state::State;
use crate::model::calendar::{Bounds, Calendar, Day};
use crate::model::id::EventType;
use crate::model::time::At;
use crate::model::window::Zone;

/// What is counted of one type on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// Envelopes accepted.
    pub accepted: u64,
    /// Envelopes completed, and every agency did its part.
    pub completed: u64,
    /// Envelopes completed with failures.
    pub failed: u64,
    /// Milliseconds from acceptance to completion, summed up over `completed`.
    pub completed_ms: u64,
}

/// The counts of one type on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDay {
    /// The type.
    pub ty: EventType,
    /// The local day.
    pub day: Day,
    /// Its counts.
    pub counts: ServiceCounts,
}

/// Accepted, completed, failed, milliseconds.
type Row = [i64; 4];

/// A change of one row: of its counts, and of the forgotten part of them.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    counts: Row,
    old: Row,
}

/// How an envelope's completion is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Completion {
    day: Day,
    failed: bool,
    /// From acceptance to completion.
    ms: i64,
}

impl Completion {
    fn row(self) -> Row {
        if self.failed { [0, 0, 1, 0] } else { [0, 1, 0, self.ms] }
    }
}

/// One envelope that is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) seq: u64,
    /// Its type's number.
    pub(super) ty: i64,
    /// When it was accepted.
    pub(super) at: i64,
}

/// What the writer counts in the open transaction.
#[derive(Debug)]
pub(super) struct Services {
    calendar: Calendar,
    today: Bounds,
    changed: BTreeMap<(Day, i64), Change>,
}

impl Services {
    pub(super) fn new(calendar: Calendar) -> Self {
        let today = calendar.bounds(At(0));
        Self { calendar, today, changed: BTreeMap::new() }
    }

    fn day(&mut self, at: i64) -> Day {
        if !self.today.hold(At(at)) {
            self.today = self.calendar.bounds(At(at));
        }
        self.today.day
    }

    fn add(&mut self, day: Day, ty: i64, row: Row, sign: i64) {
        let counts = &mut self.changed.entry((day, ty)).or_default().counts;
        counts.iter_mut().zip(row).for_each(|(count, n)| *count += sign * n);
    }

    fn forget(&mut self, day: Day, ty: i64, row: Row) {
        let old = &mut self.changed.entry((day, ty)).or_default().old;
        old.iter_mut().zip(row).for_each(|(count, n)| *count += n);
    }

    /// Writes what changed; the last part of a transaction.
    pub(super) fn flush(&mut self, sql: &mut Sql<'_>) -> rusqlite::Result<()> {
        for ((day, ty), Change { counts: [a, b, c, d], old: [e, f, g, h] }) in std::mem::take(&mut self.changed) {
            sql.add_service_day.execute((day.number(), ty, a, b, c, d, e, f, g, h))?;
        }
        Ok(())
    }
}

impl State<'_> {
    /// An envelope was accepted.
    pub(super) fn count_accepted(&mut self, envelope: Counted) {
        let day = self.services.day(envelope.at);
        self.services.add(day, envelope.ty, [1, 0, 0, 0], 1);
    }

    /// An envelope is complete, for the first time or again.
    pub(super) fn count_completed(&mut self, envelope: Counted, failed: bool, at: i64) -> rusqlite::Result<()> {
        let ms = at.saturating_sub(envelope.at).max(0);
        let before = self.counted_before(envelope.seq)?;
        let Some(before) = before else {
            let now = Completion { day: self.services.day(at), failed, ms };
            self.services.add(now.day, envelope.ty, now.row(), 1);
            return Ok(());
        };
        // Keeps S2: what went well twice keeps its time as well.
        if before.failed != failed {
            let now = Completion { failed, ms, ..before };
            self.services.add(now.day, envelope.ty, before.row(), -1);
            self.services.add(now.day, envelope.ty, now.row(), 1);
            self.sql.set_reopened.execute((column(envelope.seq), now.day.number(), now.failed, now.ms))?;
        }
        Ok(())
    }

    /// An envelope that was completed at `at` is open again.
    pub(super) fn count_reopened(&mut self, envelope: Counted, failed: bool, at: i64) -> rusqlite::Result<()> {
        if self.counted_before(envelope.seq)?.is_none() {
            let ms = at.saturating_sub(envelope.at).max(0);
            let day = self.services.day(at);
            self.sql.set_reopened.execute((column(envelope.seq), day.number(), failed, ms))?;
        }
        Ok(())
    }

    /// An envelope that was completed at `at` is about to be forgotten.
    pub(super) fn count_forgotten(&mut self, envelope: Counted, failed: bool, at: i64) -> rusqlite::Result<()> {
        let accepted = self.services.day(envelope.at);
        self.services.forget(accepted, envelope.ty, [1, 0, 0, 0]);
        let completion = match self.counted_before(envelope.seq)? {
            Some(before) => {
                self.sql.delete_reopened.execute([column(envelope.seq)])?;
                before
            }
            None => Completion { day: self.services.day(at), failed, ms: at.saturating_sub(envelope.at).max(0) },
        };
        self.services.forget(completion.day, envelope.ty, completion.row());
        Ok(())
    }

    fn counted_before(&mut self, seq: u64) -> rusqlite::Result<Option<Completion>> {
        self.sql.select_reopened.query_row([column(seq)], |row| read_completion(row, 0)).optional()
    }
}

/// Reads the columns `day, failed, ms` from `first` on.
fn read_completion(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Completion> {
    let day = Day::read(row.get(first)?).ok_or_else(|| corrupt("a day that is none"))?;
    Ok(Completion { day, failed: row.get(first + 1)?, ms: row.get(first + 2)? })
}

/// Holds a ledger to the zone that its days are of (S3); a ledger that has counted nothing takes any.
pub(super) fn settle_zone(connection: &Connection, calendar: &Calendar) -> Result<(), OpenError> {
    let known = read_zone(connection)?;
    if known.as_deref() == Some(calendar.zone()) {
        return Ok(());
    }
    let counted: bool = connection.query_row("SELECT EXISTS (SELECT 1 FROM service_day)", [], |row| row.get(0))?;
    match known {
        Some(known) if counted => Err(OpenError::Zone { known, asked: calendar.zone().to_owned() }),
        _ => {
            let text = "INSERT INTO meta (key, value) VALUES ('zone', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            connection.execute(text, [calendar.zone()])?;
            Ok(())
        }
    }
}

fn read_zone(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = 'zone'", [], |row| row.get(0)).optional()
}

/// Proves S1 from the rows.
pub(super) fn prove(connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
    let zone = read_zone(connection)?.and_then(|name| Zone::parse(&name).ok());
    let Some(calendar) = zone.map(Calendar::new) else {
        findings.add(|| "S3: the ledger's time zone is missing, or none that is known".to_owned());
        return Ok(());
    };
    let mut kept: BTreeMap<(Day, i64), Row> = BTreeMap::new();
    let mut today = calendar.bounds(At(0));
    let mut day = |at: i64| {
        if !today.hold(At(at)) {
            today = calendar.bounds(At(at));
        }
        today.day
    };
    let mut add = |day: Day, ty: i64, row: Row| {
        let sum = kept.entry((day, ty)).or_default();
        sum.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
    };
    let mut select = connection.prepare("SELECT at, type FROM envelope ORDER BY seq")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        add(day(row.get(0)?), row.get(1)?, [1, 0, 0, 0]);
    }
    let mut select = connection.prepare(
        "SELECT e.type, e.at, c.at, c.failed, c.seq, r.failed FROM completed c JOIN envelope e ON e.seq = c.seq
         LEFT JOIN reopened r ON r.seq = c.seq ORDER BY c.at",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (accepted, at, failed): (i64, i64, bool) = (row.get(1)?, row.get(2)?, row.get(3)?);
        match row.get::<_, Option<bool>>(5)? {
            None => add(day(at), row.get(0)?, Completion { day: day(at), failed, ms: (at - accepted).max(0) }.row()),
            Some(counted) if counted != failed => {
                let seq: i64 = row.get(4)?;
                findings.add(|| format!("S2: seq {seq} came to another result than it is counted with"));
            }
            Some(_) => {}
        }
    }
    let mut select = connection.prepare(
        "SELECT e.type, r.day, r.failed, r.ms FROM reopened r JOIN envelope e ON e.seq = r.seq ORDER BY r.seq",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let completion = read_completion(row, 1)?;
        add(completion.day, row.get(0)?, completion.row());
    }
    compare(connection, kept, findings)
}

/// Compares the counts with what is kept.
fn compare(
    connection: &Connection,
    mut kept: BTreeMap<(Day, i64), Row>,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare(
        "SELECT s.day, s.type, t.id, s.accepted, s.completed, s.failed, s.ms, s.old_accepted, s.old_completed, s.old_failed,
            s.old_ms FROM service_day s JOIN type t ON t.n = s.type",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let day = Day::read(row.get(0)?).ok_or_else(|| corrupt("a day that is none"))?;
        let name: String = row.get(2)?;
        let counts: Row = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
        let old: Row = [row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?];
        let left: Row = std::array::from_fn(|at| counts[at] - old[at]);
        let expected = kept.remove(&(day, row.get(1)?)).unwrap_or_default();
        if left != expected || old.iter().any(|n| *n < 0) {
            findings.add(|| {
                format!("S1: {name} on {day} has {counts:?}, {old:?} of it forgotten; its envelopes say {expected:?}")
            });
        }
    }
    for ((day, ty), expected) in kept.into_iter().filter(|(_, row)| *row != [0; 4]) {
        findings.add(|| format!("S1: type {ty} has no counts on {day}; its envelopes say {expected:?}"));
    }
    Ok(())
}

impl Lens<'_> {
    fn service_days(&self, from: Day, to: Day) -> rusqlite::Result<Vec<ServiceDay>> {
        let mut select = self.connection.prepare_cached(
            "SELECT t.id, s.day, s.accepted, s.completed, s.failed, s.ms FROM service_day s JOIN type t ON t.n = s.type
             WHERE s.day >= ?1 AND s.day <= ?2 ORDER BY s.day, t.id",
        )?;
        let days = select.query_map((from.number(), to.number()), |row| {
            let ty: String = row.get(0)?;
            let count = |place: usize| row.get::<_, i64>(place).map(|n| u64::try_from(n).unwrap_or(0));
            Ok(ServiceDay {
                ty: EventType::parse(&ty).map_err(|_| corrupt("a type that is none"))?,
                day: Day::read(row.get(1)?).ok_or_else(|| corrupt("a day that is none"))?,
                counts: ServiceCounts {
                    accepted: count(2)?,
                    completed: count(3)?,
                    failed: count(4)?,
                    completed_ms: count(5)?,
                },
            })
        })?;
        days.collect()
    }
}

impl Ledger {
    /// The counts of every type and day from one day to another, both included, by day. A type that was not counted on a day is
    /// left out of it.
    pub async fn service_days(&self, from: Day, to: Day) -> Result<Vec<ServiceDay>, LedgerError> {
        self.read(move |lens| lens.service_days(from, to)).await
    }
}

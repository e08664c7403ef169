//! What an agency reports later, by the id of a delivery that it has.
//!
//! A delivery that still waits for a final outcome takes one; one that is finished otherwise changes no more (L6). One that a broker
//! took for its agency takes any first word: the agency has said nothing until then. One that is not finished although the agency has it (its answer was lost) is ended by the report, unless it waits behind another: an
//! agency cannot have had that one.

use rusqlite::OptionalExtension;

use super::codes::{self, Count, LEASED};
use super::flow::Place;
use super::id::{Address, column};
use super::settle::{End, Spot};
use super::state::{State, has_failed, waits};
use crate::model::delivery::{BROKER, Finished};
use crate::model::outcome::{BusinessOutcome, Report};
use crate::model::time::At;

/// What a report did, and to which generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Nobody,
    Noted,
    Recorded(u16),
    Repeat(u16),
    Conflict(u16),
}

/// A later report.
#[derive(Debug)]
pub(super) struct Later {
    pub(super) address: Address,
    pub(super) outcome: BusinessOutcome,
    pub(super) report: Report,
    pub(super) by: String,
}

impl State<'_> {
    /// Takes a report.
    pub(super) fn report(&mut self, later: Later, now: At) -> rusqlite::Result<Verdict> {
        let now = At(self.clamp(now.0));
        let Address { at, seq, slot } = later.address;
        let Some(duties) = self.duties(seq)?.filter(|duties| duties.at == at.0) else { return Ok(Verdict::Nobody) };
        let Some((entry, _)) = duties.entry(slot) else { return Ok(Verdict::Nobody) };
        // The agency knows the first generation's id; what it says is about the latest.
        let slot = duties.latest(slot);
        let spot = Spot { agency: entry.agency, lane: entry.lane, seq, slot };
        let own = self.names.id(entry.agency).is_some_and(|id| id.as_str() == later.by);
        let by = (!own).then(|| later.by.clone());
        if let Some(flight) = self.flow(entry.agency).flight_mut((seq, slot)) {
            flight.note = Some((Report { outcome: Some(later.outcome), ..later.report }, later.by));
            return Ok(Verdict::Noted);
        }
        let settled = self.sql.select_settled.query_row((column(seq), slot), |row| {
            let silent = row.get::<_, Option<String>>(5)?.as_deref() == Some(BROKER);
            Ok((row.get::<_, i64>(2)?, row.get::<_, Option<i64>>(3)?, At(row.get(4)?), silent))
        });
        match settled.optional()? {
            Some((state, outcome, at, silent)) => {
                let before = Before { outcome: outcome.and_then(codes::read_outcome), at, silent };
                let delivered = codes::read_finished(state) == Some(Finished::Delivered);
                if delivered { self.follow(spot, later, before, by, now) } else { Ok(Verdict::Conflict(slot)) }
            }
            None => self.end_by_report(spot, later, by, now),
        }
    }

    /// A report after the delivery.
    fn follow(
        &mut self,
        spot: Spot,
        later: Later,
        before: Before,
        by: Option<String>,
        now: At,
    ) -> rusqlite::Result<Verdict> {
        let last = self.sql.last_outcome.query_row((column(spot.seq), spot.slot), |row| Ok((row.get(0)?, row.get(1)?)));
        let (n, current) = match last.optional()? {
            Some((n, code)) => (n, codes::read_outcome(code)),
            None => (0, before.outcome),
        };
        match current {
            Some(current) if current == later.outcome => return Ok(Verdict::Repeat(spot.slot)),
            Some(current) if current.is_final() => return Ok(Verdict::Conflict(spot.slot)),
            // The agency's first word. That it applied what it has changes nothing.
            None if before.silent && later.outcome != BusinessOutcome::Applied => {
                let report = Report { outcome: Some(later.outcome), ..later.report };
                self.judge_again(spot, before.at, report, by, now)?;
                return Ok(Verdict::Recorded(spot.slot));
            }
            // An answer without an outcome counts as done: it may still be said in full, not contradicted.
            None if later.outcome != BusinessOutcome::Applied => return Ok(Verdict::Conflict(spot.slot)),
            _ => {}
        }
        self.write_outcome(spot, n + 1, later.outcome, later.report, by, now)?;
        if later.outcome.is_final() {
            self.tell_outcome(spot.seq, spot.slot)?;
        }
        if current.is_some() && later.outcome.is_final() {
            self.sql.delete_open_outcome.execute((before.at.0, column(spot.seq), spot.slot))?;
            self.through(spot.seq, spot.slot, has_failed(Finished::Delivered, Some(later.outcome)), now.0)?;
        }
        Ok(Verdict::Recorded(spot.slot))
    }

    /// Takes an outcome of a delivery whose envelope may be complete already, and judges the envelope again.
    pub(super) fn judge_again(
        &mut self,
        spot: Spot,
        delivered_at: At,
        report: Report,
        by: Option<String>,
        now: At,
    ) -> rusqlite::Result<()> {
        let (seq, slot) = (column(spot.seq), spot.slot);
        let Some((duties, outcome)) = self.duties(spot.seq)?.zip(report.outcome) else { return Ok(()) };
        self.reopen(spot.seq, &duties)?;
        let n: Option<i64> = self.sql.last_outcome.query_row((seq, slot), |row| row.get(0)).optional()?;
        self.write_outcome(spot, n.unwrap_or(0) + 1, outcome, report, by, now)?;
        if waits(Finished::Delivered, Some(outcome)) {
            self.sql.insert_open_outcome.execute((delivered_at.0, seq, slot))?;
            return Ok(());
        }
        self.tell_outcome(spot.seq, slot)?;
        self.sql.delete_open_outcome.execute((delivered_at.0, seq, slot))?;
        self.through(spot.seq, slot, has_failed(Finished::Delivered, Some(outcome)), now.0)?;
        Ok(())
    }

    pub(super) fn write_outcome(
        &mut self,
        spot: Spot,
        n: i64,
        outcome: BusinessOutcome,
        report: Report,
        by: Option<String>,
        now: At,
    ) -> rusqlite::Result<()> {
        let code = codes::outcome(outcome);
        let row = (column(spot.seq), spot.slot, n, now.0, code, report.reason, report.reference, by);
        self.sql.insert_outcome.execute(row)?;
        Ok(())
    }

    /// The agency has a delivery whose answer never came.
    fn end_by_report(&mut self, spot: Spot, later: Later, by: Option<String>, now: At) -> rusqlite::Result<Verdict> {
        // L4: what is handed out is settled under its lease alone.
        let leased = self.stuck_head(spot)?.is_some_and(|head| head.state == LEASED);
        let left = if leased { None } else { self.leave(spot, now)? };
        let Some(attempts) = left else { return Ok(Verdict::Conflict(spot.slot)) };
        // An earlier one of its lane may still flow: should it die, it is overtaken.
        self.pass(spot)?;
        let report = Report { outcome: Some(later.outcome), ..later.report };
        let (state, why, ms) = (Finished::Delivered, None, None);
        self.end(spot, End { state, why, report, by, attempts, ms, disclosure: None, fault: None }, now)?;
        Ok(Verdict::Recorded(spot.slot))
    }

    /// Takes an unfinished delivery that is not in flight out of where it stands, unless it is behind another; returns its
    /// counted attempts.
    pub(super) fn leave(&mut self, spot: Spot, now: At) -> rusqlite::Result<Option<u32>> {
        if let Some(head) = self.stuck_head(spot)? {
            self.promote(spot, Count::of_stuck(head.state), now)?;
            return Ok(Some(head.attempts));
        }
        let pending: Option<u16> =
            self.sql.has_pending.query_row((spot.agency, column(spot.seq)), |row| row.get(0)).optional()?;
        if pending != Some(spot.slot) {
            return Ok(None);
        }
        self.flow(spot.agency).forget(spot.row());
        self.leave_pending(spot)?;
        Ok(Some(0))
    }

    /// The stuck row of a lane.
    pub(super) fn stuck_row(&mut self, agency: i64, lane: i64) -> rusqlite::Result<Option<StuckRow>> {
        let row = self.sql.select_stuck.query_row((agency, lane), |row| {
            let place = (row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, u16>(1)?);
            let (state, attempts, due) = (row.get(2)?, row.get(3)?, At(row.get(4)?));
            Ok(StuckRow { place, state, attempts, due, lease: row.get(5)?, tried: row.get(6)? })
        });
        row.optional()
    }

    /// The stuck row of which `spot` is the head.
    pub(super) fn stuck_head(&mut self, spot: Spot) -> rusqlite::Result<Option<StuckRow>> {
        Ok(self.stuck_row(spot.agency, spot.lane)?.filter(|row| row.place == (spot.seq, spot.slot)))
    }
}

/// What was known of a delivery before a report.
#[derive(Debug)]
struct Before {
    /// The outcome in the agency's answer.
    outcome: Option<BusinessOutcome>,
    /// When it was delivered.
    at: At,
    /// Whether a broker took it, so that there was no answer of the agency's.
    silent: bool,
}

/// What decides about a stuck row.
#[derive(Debug)]
pub(super) struct StuckRow {
    pub(super) place: Place,
    pub(super) state: i64,
    /// Attempts that count.
    pub(super) attempts: u32,
    /// Attempts.
    pub(super) tried: u32,
    /// When it is due, or until when it is leased.
    pub(super) due: At,
    /// The fencing token.
    pub(super) lease: Option<Vec<u8>>,
}

impl StuckRow {
    /// Whether it is in an agency's hands.
    pub(super) fn is_leased(&self, now: At) -> bool {
        self.state == LEASED && self.due > now
    }
}

//! Settling: what becomes of deliveries that were in flight, and how lanes go on.
//!
//! Keeps L1: every delivery leaves one place and enters one other in the same commit. Keeps L2: a successor becomes head in
//! the commit that ends its predecessor, and in no other. Keeps L6: an end is inserted, never updated.

use std::collections::HashSet;
use std::time::Duration;

use super::codes::{self, BUSY, Count, DIED, PARKED, READY, RETRY};
use super::dead::Fault;
use super::flow::{Flight, Place, Row, Spill};
use super::id::{column, is_ordered};
use super::shared::lock;
use super::state::{State, has_failed, waits};
use super::types::Settlement;
use crate::model::delivery::{Attempt, Finished, Transition, Tries};
use crate::model::id::Seq;
use crate::model::outcome::Report;
use crate::model::time::At;

/// Attempts of one delivery that are kept, the latest ones.
const ATTEMPT_ROWS_MAX: u32 = 100;

/// Where a delivery stands in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) agency: i64,
    pub(super) lane: i64,
    pub(super) seq: u64,
    pub(super) slot: u16,
}

impl Spot {
    pub(super) fn row(self) -> Row {
        Row { seq: self.seq, slot: self.slot, lane: self.lane }
    }
}

/// How a delivery ends.
#[derive(Debug)]
pub(super) struct End {
    pub(super) state: Finished,
    pub(super) why: Option<String>,
    pub(super) report: Report,
    /// `None`: the agency itself.
    pub(super) by: Option<String>,
    pub(super) attempts: u32,
    pub(super) ms: Option<u32>,
    pub(super) disclosure: Option<u64>,
    /// The last error, where it ends as dead.
    pub(super) fault: Option<Fault>,
}

impl End {
    /// An end by somebody else than the agency, without an answer.
    pub(super) fn by(by: &str, state: Finished, why: &str, attempts: u32) -> Self {
        let (by, why) = (Some(by.to_owned()), Some(why.to_owned()));
        Self { state, why, report: Report::default(), by, attempts, ms: None, disclosure: None, fault: None }
    }
}

impl State<'_> {
    /// Moves what the scans found behind stuck heads, and lanes that are too busy for the page. The first part of every
    /// transaction, so that rows enter `behind` in seq order and before anything else happens to their lanes.
    pub(super) fn apply_moves(&mut self) -> rusqlite::Result<()> {
        let agencies: Vec<i64> = self.flows.iter().filter(|(_, flow)| flow.has_moves()).map(|(n, _)| *n).collect();
        for agency in agencies {
            for Row { seq, slot, lane } in self.flow(agency).take_moves() {
                self.put_behind(Spot { agency, lane, seq, slot })?;
            }
            for Spill { lane, head: (seq, slot), in_flight, rest } in self.flow(agency).take_spills() {
                let spot = Spot { agency, lane, seq, slot };
                self.leave_pending(spot)?;
                let now = At(self.latest);
                let state = if in_flight { BUSY } else { READY };
                self.write_head(spot, state, now, now, &Tries::default(), 0, None, None)?;
                self.count(agency, Count::Retry, 1);
                for (seq, slot) in rest {
                    self.put_behind(Spot { agency, lane, seq, slot })?;
                }
            }
        }
        Ok(())
    }

    /// Settles deliveries that are in flight; `None`, and nothing done, if one of them is not.
    pub(super) fn settle(&mut self, settlements: Vec<Settlement>, now: At) -> rusqlite::Result<Option<Vec<Seq>>> {
        let mut named = HashSet::new();
        let mut agencies = Vec::with_capacity(settlements.len());
        for settlement in &settlements {
            let place = (settlement.key.seq.0, settlement.key.slot.0);
            let agency = self.names.n(&settlement.key.agency);
            let flies = agency.and_then(|n| self.flows.get(&n)).is_some_and(|flow| flow.flight(place).is_some());
            let (Some(agency), true, true) = (agency, flies, named.insert(place)) else { return Ok(None) };
            agencies.push(agency);
        }
        let now = At(self.clamp(now.0));
        let mut completed = Vec::new();
        for (settlement, agency) in settlements.into_iter().zip(agencies) {
            let seq = settlement.key.seq;
            if self.settle_one(agency, settlement, now)? {
                completed.push(seq);
            }
        }
        let mut flying = lock(&self.shared.flying);
        named.iter().for_each(|place| {
            flying.remove(place);
        });
        Ok(Some(completed))
    }

    fn settle_one(&mut self, agency: i64, settlement: Settlement, now: At) -> rusqlite::Result<bool> {
        let place = (settlement.key.seq.0, settlement.key.slot.0);
        let Settlement { key, mut transition, attempt, mut report, disclosure, by, held } = settlement;
        let note = self.flow(agency).flight_mut(place).and_then(|flight| flight.note.take());
        let mut by = (by != key.agency.as_str()).then_some(by);
        if let Some((noted, who)) = note {
            // The agency said what it did while its answer was under way: that settles it, whatever the answer was.
            transition = Transition::Finish { state: Finished::Delivered, why: None };
            by = (who != key.agency.as_str()).then_some(who);
            report = noted;
        }
        match transition {
            Transition::Finish { state, why } => {
                let Some(flight) = self.flow(agency).finish(place) else { return Ok(false) };
                let spot = Spot { agency, lane: flight.lane, seq: place.0, slot: place.1 };
                let tries = after(&flight, attempt.as_ref(), 0);
                let ms = attempt.as_ref().map(|attempt| attempt.ms);
                let fault = match state {
                    Finished::Dead => Some(self.last_fault(spot, attempt.as_ref(), flight.stuck)?),
                    _ => None,
                };
                let clean = flight.tried == 0 && state == Finished::Delivered;
                if let Some(attempt) =
                    attempt.filter(|attempt| !clean || attempt.class != crate::model::outcome::Class::Done)
                {
                    self.write_attempt(spot, flight.tried + 1, attempt, disclosure)?;
                }
                if flight.stuck {
                    self.promote(spot, flight.counted(), now)?;
                } else {
                    self.leave_pending(spot)?;
                }
                if state == Finished::Delivered && flight.gap.is_some() {
                    self.tell(spot)?;
                }
                self.end(spot, End { state, why, report, by, attempts: tries.counted, ms, disclosure, fault }, now)
            }
            Transition::Retry { due } => self.strand(agency, place, RETRY, due, held, attempt, disclosure, now),
            Transition::Park => self.strand(agency, place, PARKED, now, held, attempt, disclosure, now),
        }
    }

    /// A delivery becomes, or stays, the stuck head of its lane.
    #[expect(clippy::too_many_arguments, reason = "one row, written once")]
    fn strand(
        &mut self,
        agency: i64,
        place: Place,
        state: i64,
        due: At,
        held: Duration,
        attempt: Option<Attempt>,
        disclosure: Option<u64>,
        now: At,
    ) -> rusqlite::Result<bool> {
        let Some((flight, rest)) = self.flow(agency).strand(place) else { return Ok(false) };
        let spot = Spot { agency, lane: flight.lane, seq: place.0, slot: place.1 };
        // A fault that does not count is none of this delivery's: until it is tried again it does not age (promise 6).
        let counts = attempt.as_ref().is_none_or(|attempt| attempt.counted);
        let wait = due.since(now);
        let held = if counts { held } else { held.max(wait) };
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let tries = Tries { wait_ms: ms(wait.saturating_sub(held)), ..after(&flight, attempt.as_ref(), ms(held)) };
        let tried = flight.tried + u32::from(attempt.is_some());
        if flight.stuck {
            self.count(agency, flight.counted(), -1);
        } else {
            self.leave_pending(spot)?;
        }
        let group = if state == PARKED {
            let fault = self.last_fault(spot, attempt.as_ref(), flight.stuck)?;
            self.close_job_open(spot, false)?;
            Some(self.group(&fault)?)
        } else {
            None
        };
        self.write_head(spot, state, due, now, &tries, tried, attempt.as_ref(), group)?;
        self.count(agency, Count::of_stuck(state), 1);
        for (seq, slot) in rest {
            self.put_behind(Spot { seq, slot, ..spot })?;
        }
        if let Some(attempt) = attempt {
            self.write_attempt(spot, tried, attempt, disclosure)?;
        }
        Ok(false)
    }

    /// A row leaves `pending`.
    pub(super) fn leave_pending(&mut self, spot: Spot) -> rusqlite::Result<()> {
        self.sql.delete_pending.execute((spot.agency, column(spot.seq)))?;
        self.count(spot.agency, Count::Pending, -1);
        Ok(())
    }

    pub(super) fn put_behind(&mut self, spot: Spot) -> rusqlite::Result<()> {
        self.leave_pending(spot)?;
        self.sql.insert_behind.execute((spot.agency, spot.lane, column(spot.seq), spot.slot))?;
        self.count(spot.agency, Count::Behind, 1);
        Ok(())
    }

    /// The head of a stuck lane ended: the next one becomes head, or the lane is no longer stuck.
    pub(super) fn promote(&mut self, spot: Spot, counted: Count, now: At) -> rusqlite::Result<()> {
        let lane = (spot.agency, spot.lane);
        let next =
            self.sql.first_behind.query_map(lane, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u16>(1)?)))?.next();
        self.count(spot.agency, counted, -1);
        match next.transpose()? {
            Some((seq, slot)) => {
                self.sql.delete_behind.execute((spot.agency, spot.lane, seq, slot))?;
                self.count(spot.agency, Count::Behind, -1);
                let state = match self.aside(spot.agency, spot.lane, seq)? {
                    Some((state, _)) => {
                        self.sql.restore_aside.execute((spot.agency, spot.lane, seq))?;
                        self.sql.delete_aside.execute((spot.agency, spot.lane, seq))?;
                        state
                    }
                    None => {
                        self.sql.promote_stuck.execute((spot.agency, spot.lane, seq, slot, READY, now.0))?;
                        READY
                    }
                };
                self.count(spot.agency, Count::of_stuck(state), 1);
            }
            None => {
                self.sql.delete_stuck.execute(lane)?;
            }
        }
        Ok(())
    }

    /// State and counted attempts of a head that was set aside.
    pub(super) fn aside(&mut self, agency: i64, lane: i64, seq: i64) -> rusqlite::Result<Option<(i64, u32)>> {
        self.sql.aside_state.query_map((agency, lane, seq), |row| Ok((row.get(0)?, row.get(1)?)))?.next().transpose()
    }

    /// Writes how a delivery ended; it has left where it stood. Returns whether its envelope is complete.
    pub(super) fn end(&mut self, spot: Spot, end: End, now: At) -> rusqlite::Result<bool> {
        let outcome = end.report.outcome;
        self.sql.insert_settled.execute((
            column(spot.seq),
            spot.slot,
            spot.agency,
            spot.lane,
            codes::finished(end.state),
            outcome.map(codes::outcome),
            end.attempts,
            end.ms,
            now.0,
            end.by,
            end.why,
            end.report.reason,
            end.report.reference,
            end.disclosure.map(u64::cast_signed),
        ))?;
        self.count(spot.agency, Count::of(end.state), 1);
        self.drain_by(spot, -1, now)?;
        self.moved(spot.agency, |movement| movement.end(end.state));
        match end.state {
            Finished::Delivered => self.arrived(spot)?,
            Finished::Dead => {
                self.mark_gap(spot.agency, spot.lane, spot.seq, spot.slot)?;
                self.write_letter(spot, &end.fault.unwrap_or_default(), DIED, now)?;
            }
            Finished::Skipped => self.mark_gap(spot.agency, spot.lane, spot.seq, spot.slot)?,
            Finished::Expired | Finished::Cancelled => {}
        }
        self.close_job_open(spot, end.state == Finished::Delivered)?;
        self.tell_ended(spot.seq, spot.slot)?;
        if waits(end.state, outcome) {
            self.sql.insert_open_outcome.execute((now.0, column(spot.seq), spot.slot))?;
            return Ok(false);
        }
        self.through(spot.seq, spot.slot, has_failed(end.state, outcome), now.0)
    }

    /// A delivery that told of a gap arrived: the agency has heard of all that was lost before it.
    fn tell(&mut self, spot: Spot) -> rusqlite::Result<()> {
        let told = self.sql.tell_gaps.execute((spot.agency, spot.lane, column(spot.seq)))?;
        self.count(spot.agency, Count::Untold, -i64::try_from(told).unwrap_or(0));
        Ok(())
    }

    /// A delivery arrived: it is no gap any more if it was one, and overtakes the dead letters of its lane.
    fn arrived(&mut self, spot: Spot) -> rusqlite::Result<()> {
        if !is_ordered(spot.lane) {
            return Ok(());
        }
        if self.counted(spot.agency, Count::Untold) > 0 {
            let found = self.sql.delete_gap.execute((spot.agency, spot.lane, column(spot.seq)))?;
            self.count(spot.agency, Count::Untold, -i64::try_from(found).unwrap_or(0));
        }
        if self.counted(spot.agency, Count::Letters) > 0 && self.sql.dead_of_lane.exists((spot.agency, spot.lane))? {
            self.pass(spot)?;
        }
        Ok(())
    }

    /// Remembers that a lane has delivered up to here.
    pub(super) fn pass(&mut self, spot: Spot) -> rusqlite::Result<()> {
        if is_ordered(spot.lane) {
            self.sql.pass.execute((spot.agency, spot.lane, column(spot.seq)))?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one row, written once")]
    pub(super) fn write_head(
        &mut self,
        spot: Spot,
        state: i64,
        due: At,
        now: At,
        tries: &Tries,
        tried: u32,
        fault: Option<&Attempt>,
        group: Option<i64>,
    ) -> rusqlite::Result<()> {
        self.sql.insert_stuck.execute(rusqlite::params![
            spot.agency,
            spot.lane,
            column(spot.seq),
            spot.slot,
            state,
            due.0,
            now.0,
            tries.counted,
            tried,
            tries.in_a_row,
            tries.last.map(codes::class),
            tries.first_at.map(|at| at.0),
            tries.held_ms.cast_signed(),
            fault.map(|fault| codes::class(fault.class)),
            fault.and_then(|fault| fault.status),
            fault.map(|fault| fault.note.as_str()),
            fault.map(|fault| fault.at.0),
            group,
            tries.wait_ms.cast_signed(),
        ])?;
        Ok(())
    }

    pub(super) fn write_attempt(
        &mut self,
        spot: Spot,
        n: u32,
        attempt: Attempt,
        disclosure: Option<u64>,
    ) -> rusqlite::Result<()> {
        self.sql.insert_attempt.execute((
            column(spot.seq),
            spot.slot,
            n,
            attempt.at.0,
            codes::class(attempt.class),
            attempt.status,
            attempt.ms,
            attempt.note,
            attempt.answer,
            attempt.counted,
            disclosure.map(u64::cast_signed),
        ))?;
        if n > ATTEMPT_ROWS_MAX {
            self.sql.delete_attempt.execute((column(spot.seq), spot.slot, n - ATTEMPT_ROWS_MAX))?;
        }
        Ok(())
    }
}

/// What a delivery has been through after one more attempt.
fn after(flight: &Flight, attempt: Option<&Attempt>, held_ms: u64) -> Tries {
    let before = &flight.tries;
    let Some(attempt) = attempt else { return before.clone() };
    Tries {
        counted: before.counted + u32::from(attempt.counted),
        in_a_row: if before.last == Some(attempt.class) { before.in_a_row + 1 } else { 1 },
        last: Some(attempt.class),
        first_at: before.first_at.or(Some(attempt.at)),
        last_at: Some(attempt.at),
        held_ms: before.held_ms + held_ms,
        wait_ms: 0,
    }
}

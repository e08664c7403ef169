//! Leading a delivery again: its next generation enters its lane before all that come after it.
//!
//! Keeps L2: nothing enters a lane that is in flight or leased, and what was head waits behind, with all that it had been through.
//! Keeps L6: the generation before stays as it ended.

use rusqlite::OptionalExtension;

use super::accept::Head;
use super::codes::{BUSY, Count, LEASED, READY};
use super::id::column;
use super::jobs::Work;
use super::service::Counted;
use super::settle::Spot;
use super::state::{Duties, State};
use crate::model::delivery::{Finished, Tries};
use crate::model::time::At;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Led {
    /// The next generation stands in its lane.
    Made,
    /// Its lane is in flight or leased: nothing was done.
    Out,
    /// Its envelope can have no more deliveries: nothing was done.
    Exhausted,
}

impl State<'_> {
    /// Makes the next generation of a delivery that has ended. `spot` is its latest one.
    pub(super) fn lead_again(&mut self, work: &Work, duties: &Duties, spot: Spot, now: At) -> rusqlite::Result<Led> {
        let Some(slot) = duties.next_slot() else { return Ok(Led::Exhausted) };
        let Some((_, first)) = duties.entry(spot.slot) else { return Ok(Led::Exhausted) };
        let next = Spot { slot, ..spot };
        if !self.enter(next, now)? {
            return Ok(Led::Out);
        }
        self.reopen(spot.seq, duties)?;
        self.run_on(spot.seq)?;
        self.take_letter(spot.agency, spot.lane, spot.seq)?;
        self.take_delivered(spot)?;
        let row = (column(spot.seq), slot, spot.agency, first, now.0, &work.actor, work.n);
        self.sql.insert_redriven.execute(row)?;
        self.moved(spot.agency, |movement| movement.came += 1);
        self.open_for_job(work.n, next)?;
        self.drain_by(next, 1, now)?;
        Ok(Led::Made)
    }

    /// Puts an earlier delivery into a lane; `false`, and nothing done, if the lane is out.
    fn enter(&mut self, spot: Spot, now: At) -> rusqlite::Result<bool> {
        let Spot { agency, lane, seq, slot } = spot;
        if self.flow(agency).lane_flies(lane) {
            return Ok(false);
        }
        let Some(head) = self.stuck_row(agency, lane)? else {
            let rest = self.flow(agency).drop_lane(lane);
            self.write_head(spot, READY, now, now, &Tries::default(), 0, None, None)?;
            self.count(agency, Count::Retry, 1);
            for (seq, slot) in rest {
                self.put_behind(Spot { seq, slot, ..spot })?;
            }
            return Ok(true);
        };
        // Also what ran out: its fault is to be settled first.
        if head.state == LEASED {
            return Ok(false);
        }
        if head.place.0 < seq {
            self.sql.insert_behind.execute((agency, lane, column(seq), slot))?;
        } else {
            if head.tried > 0 || !matches!(head.state, READY | BUSY) {
                self.sql.insert_aside.execute((agency, lane))?;
            }
            self.sql.delete_stuck.execute((agency, lane))?;
            self.sql.insert_behind.execute((agency, lane, column(head.place.0), head.place.1))?;
            self.write_head(spot, READY, now, now, &Tries::default(), 0, None, None)?;
            self.count(agency, Count::of_stuck(head.state), -1);
            self.count(agency, Count::Retry, 1);
        }
        self.count(agency, Count::Behind, 1);
        Ok(true)
    }

    /// A sweep may have been through with the envelope: its time runs on for the next generation too.
    fn run_on(&mut self, seq: u64) -> rusqlite::Result<()> {
        let head: String = self.sql.select_head.query_row([column(seq)], |row| row.get(0))?;
        if let Some(expiry) = Head::read(&head)?.attributes.expiry() {
            self.sql.insert_expiry.execute((expiry.0, column(seq)))?;
        }
        Ok(())
    }

    /// An envelope is open again. What opens it (a next generation, an outcome) is not written yet.
    pub(super) fn reopen(&mut self, seq: u64, duties: &Duties) -> rusqlite::Result<()> {
        self.open.remove(&seq);
        if self.count_left(seq, duties)?.count > 0 {
            return Ok(());
        }
        let at: i64 = self.sql.completed_at.query_row([column(seq)], |row| row.get(0))?;
        let row = column(seq);
        let mut completed =
            self.sql.take_completed.query_row((at, row), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if completed.is_none() {
            // The clock went back over a restart: it stands under another time.
            completed = self.sql.reopen.query_row([row], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        }
        let Some((at, failed)) = completed else { return Ok(()) };
        self.count_reopened(Counted { seq, ty: duties.ty, at: duties.at }, failed, at)
    }

    /// What was delivered is led again: its lane has delivered up to here, and the next generation is the one that is reported on.
    fn take_delivered(&mut self, spot: Spot) -> rusqlite::Result<()> {
        let end = self
            .sql
            .select_settled
            .query_row((column(spot.seq), spot.slot), |row| Ok((row.get::<_, i64>(2)?, row.get::<_, i64>(4)?)))?;
        if super::codes::read_finished(end.0) == Some(Finished::Delivered) {
            self.pass(spot)?;
            self.sql.delete_open_outcome.execute((end.1, column(spot.seq), spot.slot))?;
        }
        Ok(())
    }
}

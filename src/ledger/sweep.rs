//! Sweeps: what time alone ends. Each is bounded and called again while there is more.

use rusqlite::OptionalExtension;

use super::accept::{Head, lookups};
use super::codes::{self, Count};
use super::id::{column, is_ordered};
use super::service::Counted;
use super::settle::{End, Spot};
use super::shared::lock;
use super::state::State;
use super::types::Disclosure;
use crate::model::delivery::Finished;
use crate::model::id::{FALAJ, Seq};
use crate::model::outcome::{BusinessOutcome, Report};
use crate::model::time::At;

/// Why an expired delivery ended.
const EXPIRED: &str = "expirytime passed";

impl State<'_> {
    /// Ends unfinished deliveries of expired envelopes wherever they stand, unless they are in flight.
    pub(super) fn expire(&mut self, now: At, limit: u32) -> rusqlite::Result<Vec<Seq>> {
        let now = At(self.clamp(now.0));
        let in_flight = self.flows.values().map(super::flow::Flow::in_flight).sum::<usize>();
        let leased = self.counts.values().map(|counts| counts[Count::Leased as usize]).sum::<i64>();
        let in_flight = u32::try_from(in_flight.saturating_add_signed(leased as isize)).unwrap_or(limit);
        // Envelopes in flight are passed over and stay; as many more are read, so that they never hide the others.
        let rows: Vec<(i64, i64)> = self
            .sql
            .expired
            .query_map((now.0, limit.saturating_add(in_flight)), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut touched = Vec::new();
        for (at, seq) in rows {
            let seq = seq.cast_unsigned();
            let (ended, flies) = self.expire_one(seq, now)?;
            if !flies {
                self.sql.delete_expiry.execute((at, column(seq)))?;
            }
            if ended || !flies {
                touched.push(Seq(seq));
            }
            if touched.len() >= limit as usize {
                break;
            }
        }
        Ok(touched)
    }

    /// Returns whether a delivery ended and whether one is in flight.
    fn expire_one(&mut self, seq: u64, now: At) -> rusqlite::Result<(bool, bool)> {
        let (mut ended, mut flies) = (false, false);
        let Some(duties) = self.duties(seq)? else { return Ok((false, false)) };
        for slot in duties.slots() {
            let Some((entry, _)) = duties.entry(slot) else { continue };
            let spot = Spot { agency: entry.agency, lane: entry.lane, seq, slot };
            if self.is_out(spot, now)? {
                flies = true;
            } else if let Some(attempts) = self.leave_anywhere(spot, now)? {
                self.end(spot, End::by(FALAJ, Finished::Expired, EXPIRED, attempts), now)?;
                ended = true;
            }
        }
        Ok((ended, flies))
    }

    /// Whether a delivery is in flight or leased: nobody else ends it now.
    pub(super) fn is_out(&mut self, spot: Spot, now: At) -> rusqlite::Result<bool> {
        if self.flow(spot.agency).flight((spot.seq, spot.slot)).is_some() {
            return Ok(true);
        }
        if self.counted(spot.agency, Count::Leased) == 0 {
            return Ok(false);
        }
        Ok(self.stuck_head(spot)?.is_some_and(|head| head.is_leased(now)))
    }

    /// Takes an unfinished delivery that is not in flight out of where it stands; `None` if it is finished.
    pub(super) fn leave_anywhere(&mut self, spot: Spot, now: At) -> rusqlite::Result<Option<u32>> {
        if let Some(attempts) = self.leave(spot, now)? {
            return Ok(Some(attempts));
        }
        let row = (spot.agency, spot.lane, column(spot.seq), spot.slot);
        if self.sql.delete_behind.execute(row)? == 0 {
            return Ok(None);
        }
        self.count(spot.agency, Count::Behind, -1);
        let aside = self.aside(spot.agency, spot.lane, column(spot.seq))?;
        if aside.is_some() {
            self.sql.delete_aside.execute((spot.agency, spot.lane, column(spot.seq)))?;
        }
        Ok(Some(aside.map_or(0, |(_, attempts)| attempts)))
    }

    /// Gives up waiting for final outcomes of what was delivered before `before`.
    pub(super) fn close_overdue(&mut self, before: At, now: At, limit: u32) -> rusqlite::Result<Vec<Seq>> {
        let now = At(self.clamp(now.0));
        let rows: Vec<(i64, i64, u16)> = self
            .sql
            .overdue_outcomes
            .query_map((before.0, limit), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut touched = Vec::new();
        for (at, seq, slot) in rows {
            let last = self.sql.last_outcome.query_row((seq, slot), |row| row.get(0)).optional()?;
            let seq = seq.cast_unsigned();
            let spot = Spot { agency: 0, lane: 0, seq, slot };
            let n: i64 = last.unwrap_or(0);
            let by = Some(FALAJ.to_owned());
            self.write_outcome(spot, n + 1, BusinessOutcome::Unknown, Report::default(), by, now)?;
            self.sql.delete_open_outcome.execute((at, column(seq), slot))?;
            self.tell_outcome(seq, slot)?;
            self.through(seq, slot, true, now.0)?;
            touched.push(Seq(seq));
        }
        Ok(touched)
    }

    /// Forgets envelopes that were complete before `before`.
    pub(super) fn sweep(&mut self, before: At, limit: u32) -> rusqlite::Result<usize> {
        let rows: Vec<(i64, i64, String, bool, i64, i64)> = self
            .sql
            .swept
            .query_map((before.0, limit), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        if rows.is_empty() {
            return Ok(0);
        }
        // The next seq and time must not fall back when the newest envelope goes.
        self.sql.set_meta.execute(("seq_floor", column(self.next_seq)))?;
        self.sql.set_meta.execute(("at_floor", self.latest))?;
        for (at, seq, head, failed, accepted_at, ty) in &rows {
            let counted = Counted { seq: seq.cast_unsigned(), ty: *ty, at: *accepted_at };
            self.count_forgotten(counted, *failed, *at)?;
            self.forget(*at, counted.seq, head)?;
            self.swept_max = self.swept_max.max(seq.cast_unsigned());
        }
        self.sql.set_meta.execute(("swept_max", column(self.swept_max)))?;
        Ok(rows.len())
    }

    fn forget(&mut self, at: i64, seq: u64, head: &str) -> rusqlite::Result<()> {
        let row = column(seq);
        self.forget_settled(seq)?;
        let Head { attributes, .. } = Head::read(head)?;
        let keys = &self.shared.keys;
        let identity = keys.identity(&attributes.source, &attributes.id);
        let lookups = lookups(keys, &attributes);
        self.leave_indexes(seq, identity, lookups)?;
        if let Some(expiry) = attributes.expiry() {
            self.sql.delete_expiry.execute((expiry.0, row))?;
        }
        for delete in [
            &mut self.sql.delete_settled,
            &mut self.sql.delete_attempts,
            &mut self.sql.delete_outcomes,
            &mut self.sql.delete_redriven,
            &mut self.sql.delete_envelope,
        ] {
            delete.execute([row])?;
        }
        self.sql.delete_completed.execute((at, row))?;
        self.open.remove(&seq);
        lock(&self.shared.bodies).remove(&seq);
        Ok(())
    }

    /// Takes what ended out of the counters, with the gaps and dead letters that it left.
    fn forget_settled(&mut self, seq: u64) -> rusqlite::Result<()> {
        let ends: Vec<(i64, i64, i64, Option<i64>)> = self
            .sql
            .settled_of
            .query_map([column(seq)], |row| Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (agency, lane, state, outcome) in ends {
            let Some(state) = codes::read_finished(state) else { continue };
            self.count(agency, Count::of(state), -1);
            match state {
                Finished::Dead | Finished::Skipped => {
                    let gaps = self.sql.delete_gap.execute((agency, lane, column(seq)))?;
                    self.count(agency, Count::Untold, -i64::try_from(gaps).unwrap_or(0));
                    self.take_letter(agency, lane, seq)?;
                }
                // It may have come back.
                Finished::Delivered if outcome.and_then(codes::read_outcome) == Some(BusinessOutcome::Refused) => {
                    self.take_letter(agency, lane, seq)?;
                }
                Finished::Delivered | Finished::Expired | Finished::Cancelled => {}
            }
            self.forget_passed(agency, lane, seq)?;
        }
        Ok(())
    }

    /// Forgets how far a lane has delivered when there is nothing left that this could overtake: no dead letter, and nothing that still
    /// flows and may die (what was reported on is delivered before what flows ahead of it). `swept` is about to go.
    fn forget_passed(&mut self, agency: i64, lane: i64, swept: u64) -> rusqlite::Result<()> {
        if !is_ordered(lane) {
            return Ok(());
        }
        let passed = self.sql.select_passed.query_row((agency, lane), |row| row.get::<_, i64>(0)).optional()?;
        let Some(passed) = passed else { return Ok(()) };
        let gone = passed == column(swept) || !self.sql.envelope_row.exists([passed])?;
        if gone
            && !self.sql.dead_of_lane.exists((agency, lane))?
            && !self.sql.has_stuck.exists((agency, lane))?
            && !self.sql.pending_before.exists((agency, passed))?
        {
            self.sql.delete_passed.execute((agency, lane))?;
        }
        Ok(())
    }

    /// Records disclosures that are not there yet.
    pub(super) fn register_disclosures(&mut self, disclosures: &[Disclosure]) -> rusqlite::Result<()> {
        for disclosure in disclosures {
            let fields = serde_json::Value::from(disclosure.fields.clone()).to_string();
            self.sql.insert_disclosure.execute((
                disclosure.digest.cast_signed(),
                disclosure.agency.as_str(),
                &disclosure.pattern,
                fields,
                &disclosure.purpose,
                &disclosure.purpose_ar,
                &disclosure.legal_basis,
            ))?;
        }
        Ok(())
    }
}

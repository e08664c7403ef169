//! Claiming: due heads, then the page, then `pending` in order. Reads committed rows only and writes none.
//!
//! Keeps L2: of a lane that has a `stuck` row only that row's delivery is offered, and of any lane one delivery at a time. K1: due
//! heads and what flows share what is claimed half and half, and neither starves the other, also where one is claimed at a time:
//! an odd place goes to each of them in turn.

use super::codes::{self, Count};
use super::flow::{Flight, Flow, Gap, Met, Place, Row};
use super::id::{SEQ_MAX, column, is_ordered};
use super::shared::lock;
use super::sql::Sql;
use super::state::State;
use crate::model::delivery::Tries;
use crate::model::id::AgencyId;
use crate::model::time::At;

/// One claimed delivery, before its envelope is loaded.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) place: Place,
    pub(super) tries: Tries,
    pub(super) gap: Option<Gap>,
}

/// What a claim found.
#[derive(Debug, Default)]
pub(super) struct Grants {
    pub(super) rows: Vec<Grant>,
    pub(super) next_due: Option<At>,
    pub(super) more: bool,
    pub(super) to_try: usize,
}

/// Different deliveries to try that are counted; whoever asks wants to know of fewer.
const TO_TRY_MAX: usize = 3;

/// What may take off: a due head, or a row of the page.
pub(super) struct Head {
    pub(super) row: Row,
    pub(super) stuck: bool,
    pub(super) tries: Tries,
    pub(super) tried: u32,
}

impl State<'_> {
    /// Claims up to `want` deliveries of an agency.
    pub(super) fn claim(&mut self, agency: &AgencyId, want: usize, now: At) -> rusqlite::Result<Grants> {
        let Some(n) = self.names.n(agency) else { return Ok(Grants::default()) };
        if self.pauses.get(agency).is_some_and(|held| held.mark.is_none()) {
            return Ok(Grants::default());
        }
        let now = self.clamp(now.0);
        let mut grants = Grants::default();
        let (mut heads, more_heads) = self.due_heads(n, want, now)?;
        // Keeps K1. What a replay leads again goes first.
        let odd = want % 2 == 1;
        let to_heads = !self.flow(n).odd_flows || self.holds.contains_key(&n);
        let share = want / 2 + usize::from(odd && to_heads);
        let rest = heads.split_off(heads.len().min(share));
        for head in heads {
            self.take_off(n, head, &mut grants)?;
        }
        self.claim_flowing(n, want, &mut grants)?;
        let mut rest = rest.into_iter();
        for head in rest.by_ref().take(want - grants.rows.len()) {
            self.take_off(n, head, &mut grants)?;
        }
        if odd && !grants.rows.is_empty() {
            let flow = self.flow(n);
            flow.odd_flows = !flow.odd_flows;
        }
        grants.to_try = self.left_to_try(n)?;
        grants.more = more_heads || rest.next().is_some() || self.flows_more(n);
        if self.counted(n, Count::Retry) > 0 {
            let due = self.sql.next_due.query_map((n, now), |row| row.get(0))?.next().transpose()?;
            grants.next_due = due.map(At);
        }
        lock(&self.shared.flying).extend(grants.rows.iter().map(|grant| grant.place));
        Ok(grants)
    }

    /// Heads that are due and not in flight, the longest due first, and whether there are more than `want`.
    fn due_heads(&mut self, n: i64, want: usize, now: i64) -> rusqlite::Result<(Vec<Head>, bool)> {
        let mut heads = Vec::new();
        if self.counted(n, Count::Retry) == 0 {
            return Ok((heads, false));
        }
        let until = self.until(n);
        let flow = self.flows.get(&n);
        let mut rows = self.sql.due_stuck.query((n, now))?;
        while let Some(row) = rows.next()? {
            let place = (row.get::<_, i64>(1)?.cast_unsigned(), row.get(2)?);
            if place.0 > until || flow.is_some_and(|flow| flow.flight(place).is_some()) {
                continue;
            }
            if heads.len() == want {
                return Ok((heads, true));
            }
            heads.push(read_head(row, place, now)?);
        }
        Ok((heads, false))
    }

    fn claim_flowing(&mut self, n: i64, want: usize, grants: &mut Grants) -> rusqlite::Result<()> {
        if grants.rows.len() >= want {
            return Ok(());
        }
        let until = self.until(n);
        while grants.rows.len() < want {
            let Some(row) = self.flow(n).next_ready(until) else { break };
            self.take_off(n, Head { row, stuck: false, tries: Tries::default(), tried: 0 }, grants)?;
        }
        if !self.may_read_on(n) {
            return Ok(());
        }
        let has_stuck = [Count::Retry, Count::Parked, Count::Leased].iter().any(|what| self.counted(n, *what) > 0);
        let has_untold = self.counted(n, Count::Untold) > 0;
        self.flow(n);
        let Some(flow) = self.flows.get_mut(&n) else { return Ok(()) };
        let Sql { scan_pending, has_stuck: stuck_lane, select_gap, .. } = &mut self.sql;
        let mut rows = scan_pending.query((n, column(flow.cursor), column(until.min(SEQ_MAX))))?;
        while grants.rows.len() < want && flow.has_room() {
            let Some(row) = rows.next()? else {
                // Nothing up to the bound comes later than this.
                if until < SEQ_MAX {
                    flow.cursor = flow.cursor.max(until);
                }
                break;
            };
            let row = Row { seq: row.get::<_, i64>(0)?.cast_unsigned(), slot: row.get(1)?, lane: row.get(2)? };
            if flow.meet(row) == Met::Kept {
                continue;
            }
            if has_stuck && stuck_lane.exists((n, row.lane))? {
                flow.move_behind(row);
                continue;
            }
            let gap = if has_untold { read_gap(select_gap, n, row)? } else { None };
            start(flow, Head { row, stuck: false, tries: Tries::default(), tried: 0 }, gap, grants);
        }
        Ok(())
    }

    /// The seq up to which an agency's deliveries are offered: all, but under a replay or a drain.
    fn until(&self, n: i64) -> u64 {
        let replayed = self.holds.get(&n).map_or(u64::MAX, |hold| hold.cursor);
        self.mark(n).map_or(replayed, |mark| mark.min(replayed))
    }

    /// How many different deliveries there are to try, now or later, as far as they are counted: heads, and lanes that flow.
    fn left_to_try(&mut self, n: i64) -> rusqlite::Result<usize> {
        let until = self.until(n);
        if until <= SEQ_MAX {
            let row = (n, column(until), i64::try_from(TO_TRY_MAX).unwrap_or(i64::MAX));
            let heads: i64 = self.sql.heads_to_try.query_row(row, |row| row.get(0))?;
            let flowing: i64 = self.sql.flowing_to_try.query_row(row, |row| row.get(0))?;
            return Ok(usize::try_from(heads + flowing).unwrap_or(0).min(TO_TRY_MAX));
        }
        let count = |what| usize::try_from(self.counted(n, what)).unwrap_or(0);
        let (lanes, known) =
            self.flows.get(&n).map_or((0, 0), |flow| (flow.lanes_flowing(TO_TRY_MAX), flow.pending_known()));
        let unread = count(Count::Pending).saturating_sub(known);
        Ok((count(Count::Retry) + lanes + unread).min(TO_TRY_MAX))
    }

    /// Whether `pending` has rows that the page does not know, and may be read.
    fn may_read_on(&self, n: i64) -> bool {
        let known = self.flows.get(&n).map_or(0, Flow::pending_known);
        let stuck_max = i64::try_from(self.options.stuck_max).unwrap_or(i64::MAX);
        self.counted(n, Count::Pending) > i64::try_from(known).unwrap_or(i64::MAX)
            // Under a replay the heads that are held would hold up what must go before them.
            && (self.counted(n, Count::Retry) <= stuck_max || self.holds.contains_key(&n))
    }

    /// Whether another claim could find something that flows: now, or after the moves that are under way.
    fn flows_more(&self, n: i64) -> bool {
        let until = self.until(n);
        let Some(flow) = self.flows.get(&n) else { return until == u64::MAX && self.counted(n, Count::Pending) > 0 };
        flow.has_ready(until) || (until > flow.cursor && self.may_read_on(n) && (flow.has_room() || flow.has_moves()))
    }

    fn take_off(&mut self, n: i64, head: Head, grants: &mut Grants) -> rusqlite::Result<()> {
        let untold = self.counted(n, Count::Untold) > 0;
        let gap = if untold { read_gap(&mut self.sql.select_gap, n, head.row)? } else { None };
        start(self.flow(n), head, gap, grants);
        Ok(())
    }
}

fn start(flow: &mut Flow, head: Head, gap: Option<Gap>, grants: &mut Grants) {
    let Head { row, stuck, tries, tried } = head;
    let place = (row.seq, row.slot);
    flow.start(place, Flight { lane: row.lane, stuck, leased: false, tries: tries.clone(), tried, gap, note: None });
    grants.rows.push(Grant { place, tries, gap });
}

/// The latest lost predecessor of a row that its agency has not heard of.
pub(super) fn read_gap(select: &mut rusqlite::Statement<'_>, n: i64, of: Row) -> rusqlite::Result<Option<Gap>> {
    if !is_ordered(of.lane) {
        return Ok(None);
    }
    let gap = |row: &rusqlite::Row<'_>| {
        Ok(Gap { seq: row.get::<_, i64>(0)?.cast_unsigned(), slot: row.get(1)?, at: row.get(2)? })
    };
    select.query_map((n, of.lane, column(of.seq)), gap)?.next().transpose()
}

pub(super) fn read_head(row: &rusqlite::Row<'_>, (seq, slot): Place, now: i64) -> rusqlite::Result<Head> {
    let due: i64 = row.get(3)?;
    let (first_at, last_at): (Option<i64>, Option<i64>) = (row.get(8)?, row.get(10)?);
    let held: i64 = row.get(9)?;
    // What was due and not sent was held by its agency or by us: it does not age (promise 6).
    let overdue = if first_at.is_some() { (now - due).max(0) } else { 0 };
    let tries = Tries {
        counted: row.get(4)?,
        in_a_row: row.get(6)?,
        last: row.get::<_, Option<i64>>(7)?.and_then(codes::read_class),
        first_at: first_at.map(At),
        last_at: last_at.filter(|_| first_at.is_some()).map(At),
        held_ms: (held + overdue).cast_unsigned(),
        wait_ms: row.get::<_, i64>(11)?.cast_unsigned(),
    };
    Ok(Head { row: Row { seq, slot, lane: row.get(0)? }, stuck: true, tries, tried: row.get(5)? })
}

//! Claiming: due heads first, then the page, then `pending` in order. Reads committed rows only and writes none.
//!
//! Keeps L2: of a lane that has a `stuck` row only that row's delivery is offered, and of any lane one delivery at a time.

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
}

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
        if self.pauses.contains_key(agency) {
            return Ok(Grants::default());
        }
        let now = self.clamp(now.0);
        let mut grants = Grants::default();
        let (mut heads, more_heads) = self.due_heads(n, want, now)?;
        // Half of the places at most while something flows, so that neither starves the other.
        let first = heads.len().min(want.div_ceil(2));
        let rest = heads.split_off(first);
        for head in heads {
            self.take_off(n, head, &mut grants)?;
        }
        self.claim_flowing(n, want, &mut grants)?;
        let mut rest = rest.into_iter();
        for head in rest.by_ref().take(want - grants.rows.len()) {
            self.take_off(n, head, &mut grants)?;
        }
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
            let Some(row) = rows.next()? else { break };
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

    /// The seq up to which an agency's deliveries are offered: all, but under a replay.
    fn until(&self, n: i64) -> u64 {
        self.holds.get(&n).map_or(u64::MAX, |hold| hold.cursor)
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
    let first_at: Option<i64> = row.get(8)?;
    let held: i64 = row.get(9)?;
    // What was due and not sent was held by its agency or by us: it does not age (promise 6).
    let overdue = if first_at.is_some() { (now - due).max(0) } else { 0 };
    let tries = Tries {
        counted: row.get(4)?,
        in_a_row: row.get(6)?,
        last: row.get::<_, Option<i64>>(7)?.and_then(codes::read_class),
        first_at: first_at.map(At),
        held_ms: (held + overdue).cast_unsigned(),
    };
    Ok(Head { row: Row { seq, slot, lane: row.get(0)? }, stuck: true, tries, tried: row.get(5)? })
}

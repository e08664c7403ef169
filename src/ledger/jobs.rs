//! Jobs: redrives of dead letters, and replays of everything since a time to one agency. Both survive a restart.
//!
//! A job goes through its deliveries in accept order, a bounded step at a time; each step is one commit, which decides again what is
//! eligible and moves the job's cursor. What it makes is the next generation of a delivery, led back into its lane before all that
//! come after it ([`super::again`]), so a job never reorders a lane. R1: a dead letter that its lane has overtaken is led again only
//! where a person named it and insists. R2: made = done + failed + open, in every commit. R3: while a replay is not through,
//! nothing of its agency beyond the replay's cursor is offered: live deliveries wait until it has caught up.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::again::Led;
use super::codes::Count;
use super::dead::{Letter, Sought};
use super::error::LedgerError;
use super::handle::Ledger;
use super::id::column;
use super::recipients;
use super::repair::{Actor, JobOperation};
use super::settle::Spot;
use super::state::State;
use crate::model::delivery::Finished;
use crate::model::time::At;

/// `job.kind`.
pub(super) const REDRIVE: i64 = 1;
/// `job.kind`.
pub(super) const REPLAY: i64 = 2;
/// `job.state`.
pub(super) const RUNNING: i64 = 1;
/// `job.state`.
pub(super) const PAUSED: i64 = 2;
/// `job.state`.
pub(super) const DONE: i64 = 3;
/// `job.state`.
pub(super) const CANCELLED: i64 = 4;

/// Deliveries that one step makes at most.
const STEP_MAX: usize = 1000;
/// Candidates that one step looks at at most.
const LOOKS_MAX: usize = 2000;
/// Heads of an agency that were never tried, beyond which a job makes no more: the agency is not to drown in stuck rows.
const UNTRIED_MAX: i64 = 1000;
/// What a job left out that is kept.
pub(super) const HELD_MAX: i64 = 1000;

/// Why a dead letter is left out; `job_held.why`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Overtaken = 1,
    InFlight = 2,
    AlreadyRedriven = 3,
    SlotsExhausted = 4,
    NotDead = 5,
}

impl Why {
    /// The word in answers.
    pub(super) fn word(code: i64) -> &'static str {
        match code {
            1 => "overtaken",
            2 => "in_flight",
            3 => "already_redriven",
            4 => "slots_exhausted",
            _ => "not_dead",
        }
    }
}

/// An agency under a replay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    /// What is offered: up to here.
    pub(super) cursor: u64,
}

/// The agencies under a replay.
pub(super) fn read_holds(connection: &Connection) -> rusqlite::Result<HashMap<i64, Hold>> {
    let mut select = connection.prepare("SELECT agency, cursor FROM job WHERE state < 3 AND kind = ?1")?;
    let holds =
        select.query_map([REPLAY], |row| Ok((row.get(0)?, Hold { cursor: row.get::<_, i64>(1)?.cast_unsigned() })))?;
    holds.collect()
}

/// A job as a step needs it.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) n: i64,
    kind: i64,
    pub(super) agency: i64,
    state: i64,
    cursor: u64,
    until: u64,
    ty: Option<i64>,
    group: Option<i64>,
    picks: Option<Vec<(u64, u16)>>,
    force: bool,
    rate: Option<u32>,
    paced_us: i64,
    pub(super) actor: String,
    created_at: i64,
    made: usize,
    left_out: usize,
}

impl Work {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let picks: Option<String> = row.get(8)?;
        Ok(Self {
            n: row.get(0)?,
            kind: row.get(1)?,
            agency: row.get(2)?,
            state: row.get(3)?,
            cursor: row.get::<_, i64>(4)?.cast_unsigned(),
            until: row.get::<_, i64>(5)?.cast_unsigned(),
            ty: row.get(6)?,
            group: row.get(7)?,
            picks: picks.and_then(|text| serde_json::from_str(&text).ok()),
            force: row.get(9)?,
            rate: row.get(10)?,
            paced_us: row.get(11)?,
            actor: row.get(12)?,
            created_at: row.get(13)?,
            made: 0,
            left_out: 0,
        })
    }

    /// How many the rate allows now; a second's worth at most, so that time without work is not made up for.
    fn allowed(&mut self, now: At) -> usize {
        let Some(rate) = self.rate else { return usize::MAX };
        let second = 1_000_000;
        let now = now.0.saturating_mul(1000);
        self.paced_us = self.paced_us.max(now - second);
        usize::try_from((now - self.paced_us).saturating_mul(i64::from(rate)) / second).unwrap_or(0)
    }

    /// One was made.
    fn pace(&mut self) {
        self.made += 1;
        if let Some(rate) = self.rate {
            self.paced_us += 1_000_000 / i64::from(rate.max(1));
        }
    }
}

/// What a step does after one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// The next one.
    Next,
    /// Nothing more in this step: its lane is in flight, or an earlier delivery has not gone out yet.
    Wait,
}

impl State<'_> {
    fn job(&mut self, id: Uuid) -> rusqlite::Result<Option<Work>> {
        self.sql.select_job.query_row([&id.as_bytes()[..]], Work::read).optional()
    }

    /// One step of a job; `false` if there is no such job.
    pub(super) fn work_job(&mut self, id: Uuid, limit: usize, now: At) -> rusqlite::Result<bool> {
        let now = At(self.clamp(now.0));
        let Some(mut work) = self.job(id)? else { return Ok(false) };
        if work.state != RUNNING {
            return Ok(true);
        }
        let allowed = work.allowed(now).min(limit).min(STEP_MAX).min(self.room(&work)?);
        let through = match work.kind {
            REPLAY => self.replay_step(&mut work, allowed, now)?,
            _ => self.redrive_step(&mut work, allowed, now)?,
        };
        work.state = if through { DONE } else { RUNNING };
        let (made, left_out) = (i64::try_from(work.made).unwrap_or(0), i64::try_from(work.left_out).unwrap_or(0));
        let row = (work.n, work.state, column(work.cursor), work.paced_us, made, left_out);
        self.sql.step_job.execute(row)?;
        if work.kind == REPLAY {
            match through {
                true => self.holds.remove(&work.agency),
                false => self.holds.insert(work.agency, Hold { cursor: work.cursor }),
            };
        }
        Ok(true)
    }

    /// How many more heads that were never tried the agency may have.
    fn room(&mut self, work: &Work) -> rusqlite::Result<usize> {
        let row = (work.agency, column(work.until), UNTRIED_MAX);
        let untried: i64 = self.sql.untried_heads.query_row(row, |row| row.get(0))?;
        Ok(usize::try_from(UNTRIED_MAX - untried).unwrap_or(0))
    }

    /// Returns whether the redrive is through.
    fn redrive_step(&mut self, work: &mut Work, allowed: usize, now: At) -> rusqlite::Result<bool> {
        for _ in 0..LOOKS_MAX {
            let Some((seq, slot)) = self.next_letter(work)? else { return Ok(true) };
            if work.made >= allowed || self.redrive_one(work, seq, slot, now)? == After::Wait {
                return Ok(false);
            }
            work.cursor = seq;
        }
        Ok(false)
    }

    /// The next candidate of a redrive: the next one named, or the next dead letter that it is about.
    fn next_letter(&mut self, work: &Work) -> rusqlite::Result<Option<(u64, u16)>> {
        if let Some(picks) = &work.picks {
            return Ok(picks.iter().find(|(seq, _)| *seq > work.cursor).copied());
        }
        let sought = Sought { ty: work.ty, group: work.group, low: work.cursor + 1, high: work.until + 1 };
        Ok(self.first_letter(work, sought)?.map(|letter| letter.place))
    }

    fn first_letter(&mut self, work: &Work, sought: Sought) -> rusqlite::Result<Option<Letter>> {
        let (low, high) = (column(sought.low), column(sought.high));
        let row = (work.agency, low, high, sought.ty, sought.group, 1, work.created_at);
        let dead = self.sql.next_dead.query_row(row, |row| Letter::read(work.agency, row)).optional()?;
        let parked = self.sql.next_parked.query_row(row, |row| Letter::read(work.agency, row)).optional()?;
        Ok(dead.into_iter().chain(parked).min_by_key(|letter| letter.place))
    }

    fn redrive_one(&mut self, work: &mut Work, seq: u64, slot: u16, now: At) -> rusqlite::Result<After> {
        let sought = Sought { ty: None, group: None, low: seq, high: seq + 1 };
        let letter = self.first_letter(work, sought)?.filter(|letter| letter.place == (seq, slot));
        let Some(duties) = self.duties(seq)? else { return Ok(After::Next) };
        let Some((entry, _)) = duties.entry(slot) else { return Ok(After::Next) };
        let spot = Spot { agency: entry.agency, lane: entry.lane, seq, slot };
        let why = match letter {
            None if self.is_out(spot, now)? => Why::InFlight,
            None if !duties.is_latest(slot) => Why::AlreadyRedriven,
            None => Why::NotDead,
            // Redriving a parked one is retry now.
            Some(letter) if letter.parked => {
                if let Some(head) = self.stuck_head(spot)? {
                    self.retry_now(spot, &head, now)?;
                    self.open_for_job(work.n, spot)?;
                    work.pace();
                }
                return Ok(After::Next);
            }
            // Keeps R1.
            Some(letter) if letter.overtaken && !work.force => Why::Overtaken,
            Some(_) => match self.lead_again(work, &duties, spot, now)? {
                Led::Made => {
                    work.pace();
                    return Ok(After::Next);
                }
                Led::Out => return Ok(After::Wait),
                Led::Exhausted => Why::SlotsExhausted,
            },
        };
        self.hold_back(work, spot, why)?;
        Ok(After::Next)
    }

    fn hold_back(&mut self, work: &mut Work, spot: Spot, why: Why) -> rusqlite::Result<()> {
        let row = (work.n, column(spot.seq), spot.slot, why as i64, HELD_MAX);
        work.left_out += self.sql.insert_held.execute(row)?;
        Ok(())
    }

    /// Returns whether the replay has caught up.
    fn replay_step(&mut self, work: &mut Work, allowed: usize, now: At) -> rusqlite::Result<bool> {
        let rows: Vec<(u64, Vec<u8>)> = self
            .sql
            .scan_envelopes
            .query_map((column(work.cursor), column(work.until), i64::try_from(LOOKS_MAX).unwrap_or(1)), |row| {
                Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let last = rows.len() < LOOKS_MAX;
        for (seq, form) in rows {
            let entries = recipients::read(&form).unwrap_or_default();
            if let Some(n) = entries.iter().position(|entry| entry.agency == work.agency) {
                let first = u16::try_from(n + 1).unwrap_or(u16::MAX);
                if work.made >= allowed || self.replay_one(work, seq, first, now)? == After::Wait {
                    return Ok(false);
                }
            }
            work.cursor = seq;
        }
        if last {
            work.cursor = work.until;
        }
        Ok(last && self.has_caught_up(work)?)
    }

    fn replay_one(&mut self, work: &mut Work, seq: u64, first: u16, now: At) -> rusqlite::Result<After> {
        let Some(duties) = self.duties(seq)? else { return Ok(After::Next) };
        let slot = duties.latest(first);
        let Some((entry, _)) = duties.entry(slot) else { return Ok(After::Next) };
        let spot = Spot { agency: entry.agency, lane: entry.lane, seq, slot };
        let end = self.sql.select_settled.query_row((column(seq), slot), |row| row.get::<_, i64>(2)).optional()?;
        let end = end.and_then(super::codes::read_finished);
        // What is on its way goes its way; what a person or time took out stays out.
        if !matches!(end, Some(Finished::Delivered | Finished::Dead)) {
            work.left_out += 1;
            return Ok(After::Next);
        }
        // What was accepted before it goes before it.
        if self.sql.pending_before.exists((work.agency, column(seq)))? {
            return Ok(After::Wait);
        }
        match self.lead_again(work, &duties, spot, now)? {
            Led::Made => work.pace(),
            Led::Out => return Ok(After::Wait),
            Led::Exhausted => self.hold_back(work, spot, Why::SlotsExhausted)?,
        }
        Ok(After::Next)
    }

    /// Whether everything that the replay is about was tried, or waits behind what was.
    fn has_caught_up(&mut self, work: &Work) -> rusqlite::Result<bool> {
        let row = (work.agency, column(work.until));
        Ok(!self.sql.pending_before.exists((work.agency, column(work.until) + 1))?
            && !self.sql.fresh_heads.exists(row)?)
    }

    /// A delivery is of a job from now on, until it ends or is parked.
    pub(super) fn open_for_job(&mut self, job: i64, spot: Spot) -> rusqlite::Result<()> {
        // One that an earlier job made and that is on its way still is this one's now.
        self.close_job_open(spot, false)?;
        self.sql.insert_job_open.execute((column(spot.seq), spot.slot, job))?;
        self.count(spot.agency, Count::JobOpen, 1);
        Ok(())
    }

    /// A delivery ended or was parked: its job, if it is of one, counts it. Keeps R2.
    pub(super) fn close_job_open(&mut self, spot: Spot, delivered: bool) -> rusqlite::Result<()> {
        if self.counted(spot.agency, Count::JobOpen) == 0 {
            return Ok(());
        }
        let job = self.sql.take_job_open.query_map((column(spot.seq), spot.slot), |row| row.get::<_, i64>(0))?.next();
        if let Some(job) = job.transpose()? {
            self.count(spot.agency, Count::JobOpen, -1);
            self.sql.count_job.execute((job, delivered, !delivered))?;
        }
        Ok(())
    }

    /// Pauses, resumes or cancels; `false` if there is no such job.
    fn operate_job(&mut self, id: Uuid, operation: JobOperation, actor: &Actor, now: At) -> rusqlite::Result<bool> {
        let now = At(self.clamp(now.0));
        let Some(work) = self.job(id)? else { return Ok(false) };
        let (state, action) = match (operation, work.state) {
            (JobOperation::Pause, RUNNING) => (PAUSED, "redrive_pause"),
            (JobOperation::Resume, PAUSED) => (RUNNING, "redrive_resume"),
            (JobOperation::Cancel, RUNNING | PAUSED) => (CANCELLED, "redrive_cancel"),
            _ => return Ok(true),
        };
        self.sql.set_job_state.execute((work.n, state))?;
        if state == CANCELLED && work.kind == REPLAY {
            self.holds.remove(&work.agency);
        }
        self.record(actor, action, &id.to_string(), (word(work.state), word(state)), now)?;
        Ok(true)
    }
}

/// The word of a job's state in the audit.
fn word(state: i64) -> &'static str {
    match state {
        RUNNING => "running",
        PAUSED => "paused",
        DONE => "done",
        _ => "cancelled",
    }
}

impl Ledger {
    /// One bounded step of a running job: decides eligibility again in the commit that makes each next generation. Returns the
    /// job as it then stands; the caller rings for its agency and comes again.
    pub async fn work_job(&self, id: Uuid, limit: usize, now: At) -> Result<Option<super::repair::Job>, LedgerError> {
        match self.deed(move |state| state.work_job(id, limit, now)).await? {
            true => self.job(id).await,
            false => Ok(None),
        }
    }

    /// Pauses, resumes or cancels a job; `None` if there is no such job, unchanged if it is through. A paused replay still holds
    /// its agency's live deliveries; a cancelled one lets them go, and leaves out what it has not led again yet.
    pub async fn operate_job(
        &self,
        id: Uuid,
        operation: JobOperation,
        actor: Actor,
        now: At,
    ) -> Result<Option<super::repair::Job>, LedgerError> {
        match self.deed(move |state| state.operate_job(id, operation, &actor, now)).await? {
            true => self.job(id).await,
            false => Ok(None),
        }
    }
}

//! Asking for jobs: what a redrive would do, making redrives and replays, and reading how they stand.

use rusqlite::{OptionalExtension, Row};
use uuid::Uuid;

use super::dead::{PAGE_MAX, Sought};
use super::error::LedgerError;
use super::flow::Place;
use super::handle::Ledger;
use super::id::{SEQ_MAX, column};
use super::jobs::{self, HELD_MAX, Hold, REDRIVE, REPLAY, Why};
use super::read::{Lens, corrupt};
use super::recipients;
use super::repair::{Actor, HeldBack, Job, JobKind, JobState, RedriveAsk};
use super::state::State;
use crate::model::delivery::{Finished, Standing};
use crate::model::id::AgencyId;
use crate::model::time::At;

/// Jobs that are listed.
const JOBS_MAX: usize = 1000;
/// Envelopes that one read counts for a replay.
const COUNT_ROWS: usize = 10_000;
/// Dead letters that one read counts for a redrive.
const PLAN_ROWS: usize = 10_000;

/// What a redrive is about, and what it would do now.
#[derive(Debug, Default)]
struct Plan {
    eligible: u64,
    /// The first of them.
    held: Vec<(Place, Why)>,
    /// What was named, in accept order.
    picks: Option<Vec<Place>>,
}

impl Plan {
    fn hold(&mut self, place: Place, why: Why) {
        if self.held.len() < PAGE_MAX {
            self.held.push((place, why));
        }
    }
}

impl Lens<'_> {
    /// What a redrive would do now.
    fn plan(&self, ask: &RedriveAsk, agency: &AgencyId) -> rusqlite::Result<(Option<Sought>, Plan)> {
        let mut plan = Plan::default();
        let sought = self.sought(&ask.query)?;
        let (Some(n), Some(sought)) = (self.names.n(agency), sought) else { return Ok((sought, plan)) };
        if !ask.query.ids.is_empty() {
            self.plan_picks(ask, n, sought, &mut plan)?;
            return Ok((Some(sought), plan));
        }
        let mut part = sought;
        loop {
            let letters = self.letters(n, part, PLAN_ROWS)?;
            for letter in &letters {
                match letter.overtaken {
                    true => plan.hold(letter.place, Why::Overtaken),
                    false => plan.eligible += 1,
                }
            }
            match letters.last() {
                Some(last) if letters.len() == PLAN_ROWS => part.low = last.place.0 + 1,
                _ => return Ok((Some(sought), plan)),
            }
        }
    }

    /// Ids that lead nowhere, or to another agency, are nothing to this one.
    fn plan_picks(&self, ask: &RedriveAsk, n: i64, sought: Sought, plan: &mut Plan) -> rusqlite::Result<()> {
        let mut picks = Vec::new();
        for id in ask.query.ids.iter().take(PAGE_MAX) {
            let Some(address) = self.keys.read_delivery(*id) else { continue };
            if self.owner(address)? != Some(n) {
                continue;
            }
            let place = (address.seq, address.slot);
            match self.letter(address, sought)? {
                Some(letter) if letter.overtaken && !ask.force => plan.hold(place, Why::Overtaken),
                Some(_) => picks.push(place),
                None => plan.hold(place, self.why_not(place)?),
            }
        }
        picks.sort_unstable();
        picks.dedup();
        plan.eligible = picks.len() as u64;
        plan.picks = Some(picks);
        Ok(())
    }

    /// Why what is no dead letter is none.
    fn why_not(&self, place: Place) -> rusqlite::Result<Why> {
        let line = self.line(place.0)?.ok_or_else(|| corrupt("a delivery without its envelope"))?;
        let deliveries = self.view(line)?.deliveries;
        let delivery = deliveries.iter().find(|delivery| delivery.key.slot.0 == place.1);
        Ok(match delivery.map(|delivery| &delivery.standing) {
            Some(Standing::InFlight | Standing::Leased { .. }) => Why::InFlight,
            Some(Standing::Finished { state: Finished::Dead, .. }) => Why::AlreadyRedriven,
            _ => Why::NotDead,
        })
    }

    /// How many envelopes up to `until` an agency was to get, among some thousand after `from`; and the last one read.
    fn count_for(&self, agency: i64, from: u64, until: u64) -> rusqlite::Result<(u64, Option<u64>)> {
        let mut select = self.connection.prepare_cached(
            "SELECT seq, recipients FROM envelope WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
        )?;
        let limit = i64::try_from(COUNT_ROWS).unwrap_or(1);
        let mut rows = select.query((column(from), column(until), limit))?;
        let (mut count, mut read, mut last) = (0, 0, None);
        while let Some(row) = rows.next()? {
            let form: Vec<u8> = row.get(1)?;
            let entries = recipients::read(&form).ok_or_else(|| corrupt("recipients of an unknown version"))?;
            count += u64::from(entries.iter().any(|entry| entry.agency == agency));
            read += 1;
            last = Some(row.get::<_, i64>(0)?.cast_unsigned());
        }
        Ok((count, last.filter(|_| read == COUNT_ROWS)))
    }

    fn job(&self, id: Uuid) -> rusqlite::Result<Option<Job>> {
        let text = format!("SELECT {JOB} FROM job WHERE id = ?1");
        let mut select = self.connection.prepare_cached(&text)?;
        let found = select.query_row([&id.as_bytes()[..]], |row| self.read_job(row)).optional()?;
        found.map(|(n, job)| self.with_held(n, job)).transpose()
    }

    fn jobs(&self, running: bool, limit: usize) -> rusqlite::Result<Vec<Job>> {
        let only = if running { "WHERE state = 1" } else { "" };
        let text = format!("SELECT {JOB} FROM job {only} ORDER BY n DESC LIMIT ?1");
        let mut select = self.connection.prepare_cached(&text)?;
        let limit = i64::try_from(limit.clamp(1, JOBS_MAX)).unwrap_or(1);
        let found: Vec<(i64, Job)> =
            select.query_map([limit], |row| self.read_job(row))?.collect::<rusqlite::Result<_>>()?;
        found.into_iter().map(|(n, job)| self.with_held(n, job)).collect()
    }

    fn open_jobs(&self) -> rusqlite::Result<Vec<Job>> {
        let text = format!("SELECT {JOB} FROM job WHERE state < 3 ORDER BY n LIMIT ?1");
        let mut select = self.connection.prepare_cached(&text)?;
        let limit = i64::try_from(JOBS_MAX).unwrap_or(1);
        select.query_map([limit], |row| self.read_job(row).map(|(_, job)| job))?.collect()
    }

    fn read_job(&self, row: &Row<'_>) -> rusqlite::Result<(i64, Job)> {
        let kind = match row.get::<_, i64>(2)? {
            REPLAY => JobKind::Replay { from: At(row.get(5)?), until: At(row.get(6)?) },
            _ => JobKind::Redrive,
        };
        let state = match row.get::<_, i64>(4)? {
            jobs::RUNNING => JobState::Running,
            jobs::PAUSED => JobState::Paused,
            jobs::DONE => JobState::Done,
            _ => JobState::Cancelled,
        };
        let count = |n: usize| row.get::<_, i64>(n).map(i64::cast_unsigned);
        let job = Job {
            id: Uuid::from_bytes(row.get(1)?),
            kind,
            agency: self.names.id(row.get(3)?).cloned().ok_or_else(|| corrupt("an agency without a name"))?,
            state,
            eligible: count(7)?,
            made: count(8)?,
            done: count(9)?,
            failed: count(10)?,
            held_back: Vec::new(),
            rate_per_second: row.get(11)?,
            actor: Actor { name: row.get(12)?, reason: row.get(13)? },
            created_at: At(row.get(14)?),
        };
        Ok((row.get(0)?, job))
    }

    fn with_held(&self, n: i64, mut job: Job) -> rusqlite::Result<Job> {
        // What was swept since has no time to make an id of, and is left out.
        let mut select = self.connection.prepare_cached(
            "SELECT h.seq, h.slot, h.why, e.at FROM job_held h JOIN envelope e ON e.seq = h.seq WHERE h.job = ?1
             ORDER BY h.seq, h.slot LIMIT ?2",
        )?;
        let held = select.query_map((n, HELD_MAX), |row| {
            let id = self.keys.delivery_id(At(row.get(3)?), row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?);
            Ok(HeldBack { id, why: Why::word(row.get(2)?) })
        })?;
        job.held_back = held.collect::<rusqlite::Result<_>>()?;
        Ok(job)
    }
}

/// The columns of a job.
const JOB: &str =
    "n, id, kind, agency, state, from_at, until_at, eligible, made, done, failed, rate, actor, reason, created_at";

/// A job that is to be made.
#[derive(Debug)]
struct NewJob {
    id: Uuid,
    kind: i64,
    agency: AgencyId,
    /// After this seq.
    cursor: u64,
    until: u64,
    from_at: At,
    until_at: At,
    ty: Option<i64>,
    group: Option<i64>,
    force: bool,
    rate: Option<u32>,
    plan: Plan,
    actor: Actor,
}

impl State<'_> {
    fn make_job(&mut self, new: NewJob, now: At) -> rusqlite::Result<Uuid> {
        let now = At(self.clamp(now.0));
        let agency = self.intern(&new.agency)?;
        let second = 1_000_000;
        // The first one may go at once.
        let paced = now.0.saturating_mul(1000) - second / i64::from(new.rate.unwrap_or(1).max(1));
        let picks = new.plan.picks.as_ref().and_then(|picks| serde_json::to_string(picks).ok());
        let row = rusqlite::params![
            &new.id.as_bytes()[..],
            new.kind,
            agency,
            column(new.cursor),
            column(new.until),
            new.from_at.0,
            new.until_at.0,
            new.ty,
            new.group,
            picks,
            new.force,
            new.rate,
            paced,
            new.plan.eligible.cast_signed(),
            new.actor.name,
            new.actor.reason,
            now.0,
        ];
        let n: i64 = self.sql.insert_job.query_row(row, |row| row.get(0))?;
        for ((seq, slot), why) in new.plan.held {
            self.sql.insert_held.execute((n, column(seq), slot, why as i64, HELD_MAX))?;
        }
        let action = if new.kind == REPLAY { "replay" } else { "redrive" };
        let after = format!("{} to {}", new.plan.eligible, new.agency);
        self.record(&new.actor, action, &new.id.to_string(), ("", &after), now)?;
        if new.kind == REPLAY {
            self.holds.insert(agency, Hold { cursor: new.cursor });
        }
        Ok(new.id)
    }

    /// Makes a replay, or names the one that the agency is under. The last envelope accepted by now is its last.
    fn make_replay(&mut self, mut new: NewJob, now: At) -> rusqlite::Result<Uuid> {
        let agency = self.intern(&new.agency)?;
        let active = self.sql.active_replay.query_row([agency], |row| row.get(0)).optional()?;
        if let Some(id) = active {
            return Ok(Uuid::from_bytes(id));
        }
        new.until = self.next_seq - 1;
        new.until_at = At(self.clamp(now.0));
        self.make_job(new, now)
    }
}

impl Ledger {
    /// What a redrive would do; nothing is written. `eligible` and `held_back` of the job are filled.
    ///
    /// # Errors
    /// [`LedgerError::Store`] if the query names no agency.
    pub async fn plan_redrive(&self, ask: RedriveAsk, now: At) -> Result<Job, LedgerError> {
        let agency = agency_of(&ask)?;
        let (of, asked) = (agency.clone(), ask.clone());
        let (eligible, held) = self
            .read(move |lens| {
                let (_, plan) = lens.plan(&asked, &of)?;
                let held = plan.held.into_iter().map(|((seq, slot), why)| {
                    let at = lens.line(seq)?.map(|line| line.at).unwrap_or_default();
                    Ok(HeldBack { id: lens.keys.delivery_id(at, seq, slot), why: Why::word(why as i64) })
                });
                Ok((plan.eligible, held.collect::<rusqlite::Result<Vec<_>>>()?))
            })
            .await?;
        Ok(Job {
            id: Uuid::nil(),
            kind: JobKind::Redrive,
            agency,
            state: JobState::Running,
            eligible,
            made: 0,
            done: 0,
            failed: 0,
            held_back: held,
            rate_per_second: ask.rate_per_second,
            actor: ask.actor,
            created_at: now,
        })
    }

    /// Makes a redrive a persisted job; [`Ledger::work_job`] does it. It is about what is dead or parked now. It is done when all is
    /// made; what it made is counted on.
    ///
    /// # Errors
    /// [`LedgerError::Store`] if the query names no agency.
    pub async fn redrive(&self, ask: RedriveAsk, now: At) -> Result<Job, LedgerError> {
        let agency = agency_of(&ask)?;
        let (of, asked) = (agency.clone(), ask.clone());
        let (sought, plan) = self.read(move |lens| lens.plan(&asked, &of)).await?;
        let nothing = Sought { ty: None, group: None, low: 1, high: 1 };
        let Sought { ty, group, low, high } = sought.unwrap_or(nothing);
        let id = super::lease::token();
        let new = NewJob {
            id,
            kind: REDRIVE,
            agency,
            cursor: low.saturating_sub(1),
            until: high.saturating_sub(1).min(SEQ_MAX),
            from_at: At(0),
            until_at: At(0),
            ty,
            group,
            force: ask.force && !ask.query.ids.is_empty(),
            rate: ask.rate_per_second,
            plan,
            actor: ask.actor,
        };
        self.made(self.deed(move |state| state.make_job(new, now)).await?).await
    }

    /// Makes a persisted job that leads everything since `from` to one agency again, in accept order: what it was delivered, and
    /// what died. Live deliveries of the agency wait until it has caught up. An agency is under one replay at a time: asked for
    /// another one, this returns the one under way.
    pub async fn replay(&self, agency: AgencyId, from: At, actor: Actor, now: At) -> Result<Job, LedgerError> {
        let low = self.read(move |lens| lens.first_at(from)).await?;
        let cursor = low.saturating_sub(1);
        let mut plan = Plan::default();
        if let Some(n) = self.shared().names().n(&agency) {
            let mut last = cursor;
            loop {
                let (count, more) = self.read(move |lens| lens.count_for(n, last, SEQ_MAX)).await?;
                plan.eligible += count;
                let Some(more) = more else { break };
                last = more;
            }
        }
        let new = NewJob {
            id: super::lease::token(),
            kind: REPLAY,
            agency,
            cursor,
            until: cursor,
            from_at: from,
            until_at: now,
            ty: None,
            group: None,
            force: false,
            rate: None,
            plan,
            actor,
        };
        self.made(self.deed(move |state| state.make_replay(new, now)).await?).await
    }

    async fn made(&self, id: Uuid) -> Result<Job, LedgerError> {
        let job = self.job(id).await?;
        job.ok_or_else(|| LedgerError::Store(std::sync::Arc::new(corrupt("a job that was made is gone"))))
    }

    /// One job.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, LedgerError> {
        self.read(move |lens| lens.job(id)).await
    }

    /// Jobs that run or are paused, without what they leave out; at most 1,000.
    pub async fn open_jobs(&self) -> Result<Vec<Job>, LedgerError> {
        self.read(|lens| lens.open_jobs()).await
    }

    /// The latest jobs, newest first; `running` alone: those that have work left.
    pub async fn jobs(&self, running: bool, limit: usize) -> Result<Vec<Job>, LedgerError> {
        self.read(move |lens| lens.jobs(running, limit)).await
    }
}

/// Whose dead letters a redrive is about.
fn agency_of(ask: &RedriveAsk) -> Result<AgencyId, LedgerError> {
    let missing = || LedgerError::Store(std::sync::Arc::new(corrupt("a redrive names its agency")));
    ask.query.agency.clone().ok_or_else(missing)
}

//! Leases: deliveries that an agency fetches, each with a fencing token and a time by which it must answer.
//!
//! A lease is a state of the `stuck` row, so it is durable before it is handed out, survives a restart and keeps its lane (L2). L4:
//! only the token in force, before its time is over, settles; when the time is over the delivery is in nobody's hands, and
//! [`Ledger::expired_leases`] hands it to its owner, who settles the fault.

use std::sync::mpsc;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::claim::{Grant, Grants, Head, read_gap, read_head};
use super::codes::{Count, READY, RETRY};
use super::error::LedgerError;
use super::flow::{Flight, Place};
use super::handle::Ledger;
use super::hear::{ROUNDS_MAX, key};
use super::op::{Ask, Op, Write, task};
use super::repair::Leased;
use super::settle::Spot;
use super::shared::lock;
use super::state::State;
use super::types::{Claimed, Settlement};
use crate::model::delivery::DeliveryKey;
use crate::model::id::AgencyId;
use crate::model::time::At;

/// Deliveries handed out at once.
const WANT_MAX: usize = 1000;

/// A delivery handed out, before its envelope is loaded.
#[derive(Debug)]
struct Let {
    grant: Grant,
    spot: Spot,
    token: Uuid,
}

/// A random name that nobody guesses.
pub(super) fn token() -> Uuid {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("the system's random numbers do not run out");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

impl State<'_> {
    /// Hands out what a claim would get, each under a lease.
    fn lease(&mut self, agency: &AgencyId, want: usize, until: At, now: At) -> rusqlite::Result<(Vec<Let>, bool)> {
        let Grants { rows, more, .. } = self.claim(agency, want, now)?;
        let Some(n) = self.names.n(agency) else { return Ok((Vec::new(), false)) };
        let now = At(self.clamp(now.0));
        let mut given = Vec::with_capacity(rows.len());
        for grant in rows {
            let Some((flight, rest)) = self.flow(n).strand(grant.place) else { continue };
            let spot = Spot { agency: n, lane: flight.lane, seq: grant.place.0, slot: grant.place.1 };
            let token = token();
            if flight.stuck {
                self.count(n, Count::Retry, -1);
            } else {
                self.leave_pending(spot)?;
                self.write_head(spot, READY, now, now, &flight.tries, 0, None, None)?;
            }
            let held = flight.tries.held_ms.cast_signed();
            self.sql.lease_stuck.execute((n, spot.lane, until.0, now.0, held, &token.as_bytes()[..]))?;
            self.count(n, Count::Leased, 1);
            for (seq, slot) in rest {
                self.put_behind(Spot { seq, slot, ..spot })?;
            }
            lock(&self.shared.flying).remove(&grant.place);
            given.push(Let { grant, spot, token });
        }
        // What the claim met of stuck lanes goes behind before anything else happens to it.
        self.apply_moves()?;
        Ok((given, more))
    }

    /// Takes back leases that nobody heard of: nothing happened to their deliveries.
    fn take_back(&mut self, given: Vec<Let>) -> rusqlite::Result<()> {
        let now = At(self.latest);
        for Let { spot, token, .. } in given {
            let Some(head) = self.stuck_head(spot)? else { continue };
            let flies = self.flow(spot.agency).flight((spot.seq, spot.slot)).is_some();
            if head.lease.as_deref() != Some(&token.as_bytes()[..]) || flies {
                continue;
            }
            let state = if head.tried > 0 { RETRY } else { READY };
            self.sql.unlease_stuck.execute((spot.agency, spot.lane, state, now.0))?;
            self.count(spot.agency, Count::Leased, -1);
            self.count(spot.agency, Count::Retry, 1);
        }
        Ok(())
    }

    /// Leases that ran out, each in flight from now on.
    fn run_out(&mut self, agency: &AgencyId, limit: usize, now: At) -> rusqlite::Result<Vec<Grant>> {
        let Some(n) = self.names.n(agency).filter(|n| self.counted(*n, Count::Leased) > 0) else {
            return Ok(Vec::new());
        };
        let now = self.clamp(now.0);
        let in_flight = self.flow(n).in_flight();
        let rows = i64::try_from(limit.saturating_add(in_flight)).unwrap_or(i64::MAX);
        let flow = self.flows.get(&n);
        let mut heads = Vec::new();
        let mut found = self.sql.run_out.query((n, now, rows))?;
        while let Some(row) = found.next()? {
            let place = (row.get::<_, i64>(1)?.cast_unsigned(), row.get(2)?);
            if heads.len() < limit && flow.is_none_or(|flow| flow.flight(place).is_none()) {
                heads.push(read_head(row, place, row.get(3)?)?);
            }
        }
        drop(found);
        let mut grants = Vec::with_capacity(heads.len());
        for head in heads {
            grants.push(self.take_in(n, head)?);
        }
        lock(&self.shared.flying).extend(grants.iter().map(|grant| grant.place));
        Ok(grants)
    }

    /// A leased delivery is in flight from now on.
    fn take_in(&mut self, n: i64, head: Head) -> rusqlite::Result<Grant> {
        let Head { row, tries, tried, .. } = head;
        let gap = match self.counted(n, Count::Untold) > 0 {
            true => read_gap(&mut self.sql.select_gap, n, row)?,
            false => None,
        };
        let place: Place = (row.seq, row.slot);
        let flight = Flight { lane: row.lane, stuck: true, leased: true, tries: tries.clone(), tried, gap, note: None };
        self.flow(n).start(place, flight);
        Ok(Grant { place, tries, gap })
    }

    /// Settles a delivery under its lease; `false`, and nothing done, if that is not the one in force.
    fn settle_lease(&mut self, lease: Uuid, settlement: Settlement, now: At) -> rusqlite::Result<bool> {
        let now = At(self.clamp(now.0));
        let DeliveryKey { agency, seq, slot } = &settlement.key;
        let Some(duties) = self.duties(seq.0)? else { return Ok(false) };
        let Some((entry, _)) = duties.entry(slot.0).filter(|(entry, _)| self.names.id(entry.agency) == Some(agency))
        else {
            return Ok(false);
        };
        let spot = Spot { agency: entry.agency, lane: entry.lane, seq: seq.0, slot: slot.0 };
        let flies = self.flow(spot.agency).flight((spot.seq, spot.slot)).is_some();
        let Some(head) = self.stuck_head(spot)?.filter(|head| head.is_leased(now) && !flies) else { return Ok(false) };
        // Keeps L4.
        let in_force = head
            .lease
            .as_deref()
            .is_some_and(|token| aws_lc_rs::constant_time::verify_slices_are_equal(token, lease.as_bytes()).is_ok());
        if !in_force {
            return Ok(false);
        }
        let place = (spot.seq, spot.slot);
        let head = self.sql.head_row.query_row((spot.agency, spot.lane), |row| read_head(row, place, row.get(3)?))?;
        self.take_in(spot.agency, head)?;
        Ok(self.settle(vec![settlement], now)?.is_some())
    }
}

/// What was handed out, until its caller has it. A caller can go away at any moment, also between the answer and its hearing it:
/// then it is undone.
#[derive(Debug)]
struct Unheard<T> {
    given: Vec<T>,
    undo: Option<Undo<T>>,
}

/// How it is undone.
type Undo<T> = (mpsc::Sender<Op>, fn(Vec<T>) -> Op);

impl<T> Unheard<T> {
    fn heard(&mut self) {
        self.undo = None;
    }
}

impl<T> Drop for Unheard<T> {
    fn drop(&mut self) {
        let given = std::mem::take(&mut self.given);
        if let (Some((ops, undo)), false) = (self.undo.take(), given.is_empty())
            && ops.send(undo(given)).is_err()
        {
            tracing::debug!("the ledger closed before leases that nobody heard of were taken back; they run out");
        }
    }
}

/// Takes leases back.
fn take_back(given: Vec<Let>) -> Op {
    let (reply, _nobody) = oneshot::channel();
    Op::Write(Write::Deed(task(move |state: &mut State<'_>| state.take_back(given), reply)), None)
}

/// Gives run-out leases back.
fn give_back(given: Vec<(AgencyId, Grant)>) -> Op {
    let keys = given.iter().map(|(agency, grant)| key(agency, grant.place)).collect();
    Op::Ask(Ask::GiveBack { keys, reply: None }, None)
}

impl Ledger {
    /// Hands out up to `want` deliveries, 1,000 at most, under leases of `length`, in the order of their lanes. A lease is durable
    /// before it is returned, counts as an attempt, and keeps its lane. Leases that ran out are not handed out again before they
    /// are settled: see [`Ledger::expired_leases`].
    pub async fn lease(
        &self,
        agency: &AgencyId,
        want: usize,
        length: Duration,
        now: At,
    ) -> Result<Vec<Leased>, LedgerError> {
        let want = want.min(WANT_MAX);
        let until = now.plus(length);
        let mut rounds = 0;
        let mut unheard = loop {
            let (asked, ops) = (agency.clone(), self.ops()?);
            let lease = move |state: &mut State<'_>| {
                let (given, more) = state.lease(&asked, want, until, now)?;
                Ok((Unheard { given, undo: Some((ops, take_back as _)) }, more))
            };
            let (unheard, more) = self.deed(lease).await?;
            rounds += 1;
            // Where a round found only rows that had to move first, the next one may find more.
            if want == 0 || !more || !unheard.given.is_empty() || rounds == ROUNDS_MAX {
                break unheard;
            }
        };
        let claimed = self.load(agency, unheard.given.iter().map(|lent| lent.grant.clone()).collect()).await?;
        unheard.heard();
        let leases = claimed.into_iter().zip(&unheard.given);
        Ok(leases.map(|(claimed, lent)| Leased { claimed, lease: lent.token, until }).collect())
    }

    /// When the next head of an agency falls due after `now`, if one is waiting.
    pub async fn next_due(&self, agency: &AgencyId, now: At) -> Result<Option<At>, LedgerError> {
        let Some(n) = self.shared().names().n(agency) else { return Ok(None) };
        self.read(move |lens| lens.next_due(n, now)).await
    }

    /// Leases of an agency that ran out by `now`, at most `limit`, each as a claim in flight: the caller settles it with
    /// [`Ledger::settle`], as an endpoint fault.
    pub async fn expired_leases(&self, agency: &AgencyId, limit: usize, now: At) -> Result<Vec<Claimed>, LedgerError> {
        let (asked, ops) = (agency.clone(), self.ops()?);
        let look = move |state: &mut State<'_>| {
            let grants = state.run_out(&asked, limit.min(WANT_MAX), now)?;
            let given = grants.into_iter().map(|grant| (asked.clone(), grant)).collect();
            Ok(Unheard { given, undo: Some((ops, give_back as _)) })
        };
        let mut unheard = self.look(look).await?;
        let claimed = self.load(agency, unheard.given.iter().map(|(_, grant)| grant.clone()).collect()).await?;
        unheard.heard();
        Ok(claimed)
    }

    /// Settles a leased delivery under its token; `false` if the lease is not the current one any more, or its time is over (409).
    pub async fn settle_lease(&self, lease: Uuid, settlement: Settlement, now: At) -> Result<bool, LedgerError> {
        self.deed(move |state| state.settle_lease(lease, settlement, now)).await
    }
}

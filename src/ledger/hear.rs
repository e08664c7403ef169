//! The caller's side of a claim and of an acceptance: asking, hearing, and loading what was granted.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::accept::{Accepted, Ready};
use super::claim::{Grant, Grants};
use super::error::LedgerError;
use super::flow::Place;
use super::handle::{Inner, Ledger};
use super::op::{Ask, Op, Write};
use super::read::{Lens, corrupt};
use super::recipients::UNDECIDED;
use super::shared::{Body, lock};
use super::types::{Claim, Claimed};
use crate::model::delivery::DeliveryKey;
use crate::model::id::{AgencyId, Seq, Slot};
use crate::model::time::At;

/// Pages of moving rows that one claim waits for.
pub(super) const ROUNDS_MAX: u32 = 16;

/// A claim on its way. Whoever asked may go away at any moment, also between the answer and its hearing it.
struct Asked<'a> {
    inner: &'a Inner,
    agency: &'a AgencyId,
    answer: oneshot::Receiver<Result<Grants, LedgerError>>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        // From here on the writer sees that nobody listens; what it had answered before is given back here.
        self.answer.close();
        if let Ok(Ok(grants)) = self.answer.try_recv() {
            let keys = grants.rows.iter().map(|grant| key(self.agency, grant.place)).collect();
            drop(Unheard { inner: self.inner, keys });
        }
    }
}

/// An acceptance on its way. What is committed is committed, also if its caller goes away before it hears of it.
struct Accepting<'a> {
    inner: &'a Inner,
    answer: oneshot::Receiver<Result<Accepted, LedgerError>>,
}

impl Drop for Accepting<'_> {
    fn drop(&mut self) {
        // From here on the writer sees that nobody listens; what it had answered before is told here.
        self.answer.close();
        if let Ok(Ok(Accepted::New(body))) = self.answer.try_recv() {
            self.inner.shared.unheard(&body);
        }
    }
}

pub(super) fn key(agency: &AgencyId, (seq, slot): Place) -> DeliveryKey {
    DeliveryKey { agency: agency.clone(), seq: Seq(seq), slot: Slot(slot) }
}

/// Gives deliveries back that were claimed for a caller who is gone before it got them.
struct Unheard<'a> {
    inner: &'a Inner,
    keys: Vec<DeliveryKey>,
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        if !keys.is_empty() && self.inner.send(Op::Ask(Ask::GiveBack { keys, reply: None }, None)).is_err() {
            tracing::debug!("the ledger closed before claimed deliveries were given back; they are offered again");
        }
    }
}

impl Ledger {
    /// Hands an envelope in, and hears what became of it.
    pub(super) async fn accepted(&self, ready: Box<Ready>, now: At) -> Result<Accepted, LedgerError> {
        let answer = self.0.hand_in(|reply| Write::Accept { ready, now, reply }).await?;
        let mut accepting = Accepting { inner: &self.0, answer };
        (&mut accepting.answer).await.map_err(|_| LedgerError::Closed)?
    }

    /// Claims up to `want` deliveries of an agency that may be sent now: due heads, then `pending` in order.
    pub async fn claim(&self, agency: &AgencyId, want: usize, now: At) -> Result<Claim, LedgerError> {
        let Grants { rows, next_due, more, to_try } = self.grants(agency, want, now).await?;
        let keys = rows.iter().map(|grant| key(agency, grant.place)).collect();
        let mut unheard = Unheard { inner: &self.0, keys };
        let deliveries = self.load(agency, rows).await?;
        unheard.keys.clear();
        Ok(Claim { deliveries, next_due, more, to_try })
    }

    /// Loads what was granted.
    pub(super) async fn load(&self, agency: &AgencyId, rows: Vec<Grant>) -> Result<Vec<Claimed>, LedgerError> {
        let bodies = self.bodies(rows.iter().map(|grant| grant.place.0).collect()).await?;
        let firsts = self.firsts(&rows, &bodies).await?;
        let mut deliveries = Vec::with_capacity(rows.len());
        for (grant, body) in rows.into_iter().zip(bodies) {
            let (seq, slot) = grant.place;
            let keys = &self.0.shared.keys;
            let first = firsts.get(&grant.place).copied().unwrap_or(slot);
            let flags = body.recipients.get(usize::from(first) - 1).map_or(0, |entry| entry.flags);
            deliveries.push(Claimed {
                key: key(agency, grant.place),
                id: keys.delivery_id(body.stored.accepted_at, seq, slot),
                webhook_id: keys.delivery_id(body.stored.accepted_at, seq, first),
                redrive: first != slot,
                undecided: flags & UNDECIDED != 0,
                tries: grant.tries,
                gap: grant.gap.map(|gap| keys.delivery_id(At(gap.at), gap.seq, gap.slot)),
                envelope: Arc::clone(&body.stored),
            });
        }
        Ok(deliveries)
    }

    /// The first slots of those grants that are later generations.
    async fn firsts(&self, rows: &[Grant], bodies: &[Arc<Body>]) -> Result<HashMap<Place, u16>, LedgerError> {
        let is_later = |(grant, body): &(&Grant, &Arc<Body>)| usize::from(grant.place.1) > body.recipients.len();
        let later: Vec<Place> = rows.iter().zip(bodies).filter(is_later).map(|(grant, _)| grant.place).collect();
        if later.is_empty() {
            return Ok(HashMap::new());
        }
        let firsts = move |lens: &Lens<'_>| {
            let first = |(seq, slot): Place| {
                let found = lens.later(seq)?.into_iter().find(|(later, _)| *later == slot);
                found.map(|(_, first)| ((seq, slot), first)).ok_or_else(|| corrupt("a delivery of no generation"))
            };
            later.into_iter().map(first).collect()
        };
        self.0.read(firsts).await
    }

    /// Asks again where a claim found only rows that had to move first: each round moves a page of them.
    async fn grants(&self, agency: &AgencyId, want: usize, now: At) -> Result<Grants, LedgerError> {
        let mut rounds = 0;
        loop {
            let permit = self.0.room().await?;
            let (reply, answer) = oneshot::channel();
            self.0.send(Op::Ask(Ask::Claim { agency: agency.clone(), want, now, reply }, Some(permit)))?;
            let mut asked = Asked { inner: &self.0, agency, answer };
            let grants = (&mut asked.answer).await.map_err(|_| LedgerError::Closed)??;
            rounds += 1;
            if want == 0 || !grants.more || !grants.rows.is_empty() || rounds == ROUNDS_MAX {
                return Ok(grants);
            }
        }
    }

    /// Loads envelopes, from memory where they are there still.
    async fn bodies(&self, seqs: Vec<u64>) -> Result<Vec<Arc<Body>>, LedgerError> {
        let shared = &self.0.shared;
        let mut found: Vec<Option<Arc<Body>>> = {
            let mut kept = lock(&shared.bodies);
            seqs.iter().map(|seq| kept.get_mut(seq).map(|body| Arc::clone(body))).collect()
        };
        let missing: Vec<u64> =
            seqs.iter().zip(&found).filter(|(_, body)| body.is_none()).map(|(seq, _)| *seq).collect();
        if !missing.is_empty() {
            let load = move |lens: &Lens<'_>| {
                let body = |seq: u64| lens.body(seq)?.ok_or_else(|| corrupt("a delivery without its envelope"));
                missing.into_iter().map(body).collect::<rusqlite::Result<Vec<_>>>()
            };
            let mut loaded = self.0.read(load).await?.into_iter().map(Arc::new);
            for body in found.iter_mut().filter(|body| body.is_none()) {
                *body = loaded.next();
            }
            // The other recipients of these envelopes are not far.
            for body in found.iter().flatten() {
                if lock(&shared.bodies).get_mut(&body.stored.seq.0).is_none() {
                    shared.keep(Arc::clone(body));
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}

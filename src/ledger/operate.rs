//! What a person does to one delivery: retry now, skip, cancel, release. Each is one commit with its entry in the audit.
//!
//! What is in flight or leased is nobody's to touch (409 `in_flight`); what has ended never changes (L6).

use rusqlite::OptionalExtension;

use super::codes::{self, Count, PARKED, RETRY};
use super::error::LedgerError;
use super::handle::Ledger;
use super::id::{Address, column};
use super::repair::{Actor, Operated, Operation};
use super::report::StuckRow;
use super::settle::{End, Spot};
use super::state::State;
use crate::model::delivery::Finished;
use crate::model::id::DeliveryId;
use crate::model::time::At;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upshot {
    Nobody,
    Done,
    InFlight,
    NotApplicable,
}

/// The word of an operation in the audit.
fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Retry => "retry",
        Operation::Skip => "skip",
        Operation::Cancel => "cancel",
        Operation::Release => "release",
    }
}

/// The word of a stuck state in the audit.
fn stands(state: i64) -> &'static str {
    match state {
        PARKED => "parked",
        RETRY => "retry",
        codes::LEASED => "leased",
        _ => "queued",
    }
}

impl State<'_> {
    /// Does something to one delivery.
    fn operate(&mut self, address: Address, operation: Operation, actor: &Actor, now: At) -> rusqlite::Result<Upshot> {
        let now = At(self.clamp(now.0));
        let Address { at, seq, slot } = address;
        let Some(duties) = self.duties(seq)?.filter(|duties| duties.at == at.0) else { return Ok(Upshot::Nobody) };
        let Some((entry, _)) = duties.entry(slot) else { return Ok(Upshot::Nobody) };
        let spot = Spot { agency: entry.agency, lane: entry.lane, seq, slot };
        if self.is_out(spot, now)? {
            return Ok(Upshot::InFlight);
        }
        if self.sql.select_settled.query_row((column(seq), slot), |_| Ok(())).optional()?.is_some() {
            return Ok(Upshot::NotApplicable);
        }
        let head = self.stuck_head(spot)?;
        let before = match &head {
            Some(head) => stands(head.state),
            None => "queued",
        };
        let after = match (operation, head) {
            (Operation::Retry, Some(head)) => {
                self.retry_now(spot, &head, now)?;
                "retry"
            }
            (Operation::Release, Some(head)) if head.state == PARKED => {
                let fault = self.last_fault(spot, None, true)?;
                self.promote(spot, Count::Parked, now)?;
                let end = End::by(&actor.name, Finished::Dead, &actor.reason, head.attempts);
                self.end(spot, End { fault: Some(fault), ..end }, now)?;
                Finished::Dead.as_str()
            }
            (Operation::Skip, _) => self.withdraw(spot, Finished::Skipped, actor, now)?,
            (Operation::Cancel, _) => self.withdraw(spot, Finished::Cancelled, actor, now)?,
            (Operation::Retry | Operation::Release, _) => return Ok(Upshot::NotApplicable),
        };
        let id = self.shared.keys.delivery_id(at, seq, slot);
        self.record(actor, word(operation), &id.to_string(), (before, after), now)?;
        Ok(Upshot::Done)
    }

    fn withdraw(&mut self, spot: Spot, state: Finished, actor: &Actor, now: At) -> rusqlite::Result<&'static str> {
        let attempts = self.leave_anywhere(spot, now)?.unwrap_or(0);
        self.end(spot, End::by(&actor.name, state, &actor.reason, attempts), now)?;
        Ok(state.as_str())
    }

    /// A head is due at once, and its tries begin anew. Its attempts go on being numbered.
    pub(super) fn retry_now(&mut self, spot: Spot, head: &StuckRow, now: At) -> rusqlite::Result<()> {
        let state = if head.tried > 0 { RETRY } else { codes::READY };
        self.sql.anew_stuck.execute((spot.agency, spot.lane, state, now.0))?;
        self.count(spot.agency, Count::of_stuck(head.state), -1);
        self.count(spot.agency, Count::of_stuck(state), 1);
        Ok(())
    }
}

impl Ledger {
    /// Does something to one delivery; `None` if there is no such delivery.
    pub async fn operate(
        &self,
        id: DeliveryId,
        operation: Operation,
        actor: Actor,
        now: At,
    ) -> Result<Option<Operated>, LedgerError> {
        let Some(address) = self.shared().keys.read_delivery(id) else { return Ok(None) };
        let operated = match self.deed(move |state| state.operate(address, operation, &actor, now)).await? {
            Upshot::Nobody => return Ok(None),
            Upshot::Done => Operated::Done,
            Upshot::InFlight => Operated::InFlight,
            Upshot::NotApplicable => Operated::NotApplicable,
        };
        Ok(self.delivery(id).await?.map(|(delivery, _)| operated(delivery)))
    }
}

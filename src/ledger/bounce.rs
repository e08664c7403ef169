//! What comes back from an agency's queue: it was delivered when the broker took it, and the agency rejected it there, or was
//! offered it too often.
//!
//! Keeps L6: it stays delivered; that it came back is an outcome, `refused`, brought by the broker. Beside that it is a dead letter,
//! so that a person sees it and can lead it again. It leaves no gap: who rejected it has heard of it.
//!
//! A dead letter is overtaken once its lane has delivered a later one. Whoever comes back has been delivered before, and what its
//! lane delivered since is looked for among the next rows of `settled`; where they are too many to look through, or some of them
//! were swept, it counts as overtaken: then a redrive must name it and insist.

use rusqlite::OptionalExtension;

use super::codes::{self, Count, RETURNED, RETURNED_UNSURE};
use super::dead::Fault;
use super::error::LedgerError;
use super::handle::Ledger;
use super::id::{Address, column, is_ordered};
use super::settle::{End, Spot};
use super::state::State;
use super::types::Bounced;
use crate::model::delivery::{BROKER, DeliveryView, Finished};
use crate::model::id::DeliveryId;
use crate::model::outcome::{BusinessOutcome, Report};
use crate::model::time::At;

/// Ends that are looked at for a later one of the same lane: some milliseconds.
const LOOKS_MAX: usize = 5000;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Nobody,
    Recorded,
    Repeat,
    InFlight,
    Stale,
}

/// How a delivery had ended, and what was said of it since.
struct Ended {
    state: Option<Finished>,
    at: At,
    by: Option<String>,
    outcome: Option<BusinessOutcome>,
}

impl State<'_> {
    /// A delivery came back. `why` is the broker's word for it.
    pub(super) fn bounce(&mut self, address: Address, why: &str, now: At) -> rusqlite::Result<Verdict> {
        let now = At(self.clamp(now.0));
        let Address { at, seq, slot } = address;
        let Some(duties) = self.duties(seq)?.filter(|duties| duties.at == at.0) else { return Ok(Verdict::Nobody) };
        let Some((entry, _)) = duties.entry(slot) else { return Ok(Verdict::Nobody) };
        let spot = Spot { agency: entry.agency, lane: entry.lane, seq, slot };
        if !duties.is_latest(slot) {
            return Ok(Verdict::Stale);
        }
        if self.flow(spot.agency).flight((seq, slot)).is_some() {
            return Ok(Verdict::InFlight);
        }
        let letter: Option<u16> =
            self.sql.select_dead.query_row((spot.agency, column(seq)), |row| row.get(0)).optional()?;
        let reason = format!("returned by the broker: {why}");
        let report = |reason| Report { outcome: Some(BusinessOutcome::Refused), reason, reference: None };
        let by = || Some(BROKER.to_owned());
        let Some(Ended { state, at, by: ended_by, outcome }) = self.ended(spot)? else {
            // The broker took it, and its confirmation was lost.
            if !self.take_lost(spot, report(Some(reason)), now)? {
                return Ok(Verdict::Stale);
            }
            return self.list(spot, why, now);
        };
        match (state, outcome) {
            (Some(Finished::Delivered), Some(BusinessOutcome::Refused)) if letter == Some(slot) => {
                return Ok(Verdict::Repeat);
            }
            // It refused it in its own words before.
            (Some(Finished::Delivered), Some(BusinessOutcome::Refused)) => {}
            (Some(Finished::Delivered), None) if ended_by.as_deref() == Some(BROKER) => {
                self.judge_again(spot, at, report(Some(reason)), by(), now)?;
            }
            (Some(Finished::Delivered), Some(BusinessOutcome::Pending | BusinessOutcome::NeedsAction)) => {
                self.judge_again(spot, at, report(Some(reason)), by(), now)?;
            }
            _ => return Ok(Verdict::Stale),
        }
        self.list(spot, why, now)
    }

    /// Makes a dead letter of what came back.
    fn list(&mut self, spot: Spot, why: &str, now: At) -> rusqlite::Result<Verdict> {
        let returned = self.returned(spot)?;
        self.write_letter(spot, &Fault::returned(why), returned, now)?;
        Ok(Verdict::Recorded)
    }

    fn ended(&mut self, spot: Spot) -> rusqlite::Result<Option<Ended>> {
        let place = (column(spot.seq), spot.slot);
        let settled = self.sql.select_settled.query_row(place, |row| {
            let outcome = row.get::<_, Option<i64>>(3)?.and_then(codes::read_outcome);
            let state = codes::read_finished(row.get(2)?);
            Ok(Ended { state, at: At(row.get(4)?), by: row.get(5)?, outcome })
        });
        let Some(mut ended) = settled.optional()? else { return Ok(None) };
        let last: Option<i64> = self.sql.last_outcome.query_row(place, |row| row.get(1)).optional()?;
        ended.outcome = last.map_or(ended.outcome, codes::read_outcome);
        Ok(Some(ended))
    }

    /// Ends a head that was sent and that its agency had in its queue although nobody knew; `false` if it is none. Whatever else is
    /// unfinished has yet to be sent (again), and may come back then.
    fn take_lost(&mut self, spot: Spot, report: Report, now: At) -> rusqlite::Result<bool> {
        // L4: what is handed out is settled under its lease alone.
        let head = self.stuck_head(spot)?.filter(|head| head.tried > 0 && head.state != codes::LEASED);
        let Some(head) = head else { return Ok(false) };
        self.promote(spot, Count::of_stuck(head.state), now)?;
        let (state, why, ms, by) = (Finished::Delivered, None, None, Some(BROKER.to_owned()));
        let attempts = head.attempts;
        self.end(spot, End { state, why, report, by, attempts, ms, disclosure: None, fault: None }, now)?;
        Ok(true)
    }

    /// `dead.returned` of what came back.
    fn returned(&mut self, spot: Spot) -> rusqlite::Result<i64> {
        if !is_ordered(spot.lane) {
            return Ok(RETURNED);
        }
        let mut later = None;
        let mut looks = 0;
        {
            let mut rows = self.sql.settled_after.query((column(spot.seq), LOOKS_MAX as i64))?;
            while let Some(row) = rows.next()? {
                looks += 1;
                let delivered = codes::read_finished(row.get(3)?) == Some(Finished::Delivered);
                if delivered && (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?) == (spot.agency, spot.lane) {
                    later = Some(row.get::<_, i64>(0)?.cast_unsigned());
                    break;
                }
            }
        }
        match later {
            Some(seq) => self.pass(Spot { seq, ..spot })?,
            // Or it may be among those that were swept since.
            None if looks == LOOKS_MAX || self.swept_max > spot.seq => return Ok(RETURNED_UNSURE),
            None => {}
        }
        Ok(RETURNED)
    }
}

impl Ledger {
    /// A delivery came back from its agency's queue; `id` names its very generation, `why` is the broker's word. It stays delivered,
    /// becomes `refused`, and is a dead letter. `None` where there is no such delivery.
    pub async fn bounce(&self, id: DeliveryId, why: &str, now: At) -> Result<Option<Bounced>, LedgerError> {
        let Some(address) = self.shared().keys.read_delivery(id) else { return Ok(None) };
        let why = why.to_owned();
        let bounced = match self.deed(move |state| state.bounce(address, &why, now)).await? {
            Verdict::Nobody => return Ok(None),
            Verdict::InFlight => return Ok(Some(Bounced::InFlight)),
            Verdict::Recorded => Bounced::Recorded as fn(DeliveryView) -> Bounced,
            Verdict::Repeat => Bounced::Repeat as _,
            Verdict::Stale => Bounced::Stale as _,
        };
        Ok(self.delivery(id).await?.map(|(delivery, _)| bounced(delivery)))
    }
}

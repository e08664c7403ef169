//! Notices: what Falaj tells a sender of its envelopes, written in the commits in which it happens.
//!
//! T1: whatever ends a delivery, says its final outcome or completes an envelope passes [`State::tell_ended`],
//! [`State::tell_outcome`] or [`State::tell_completed`] in the same transaction, so that what happened and its notice are durable
//! together or not at all. T2: only the sender of the envelope is told, and only what its subscription asks for at that moment. T3:
//! there are no notices of notices. T4: where nobody listens, nothing is read and nothing is written.
//!
//! A notice is an envelope of its own, with a seq, an identity and a lane; what delivers it does not know that it is one.

use std::sync::Arc;

use super::accept::{Accepted, Ready};
use super::check::Findings;
use super::id::column;
use super::read::{Lens, Line, corrupt};
use super::shared::Body;
use super::state::State;
use super::types::{NewEnvelope, Recipient};
use crate::model::envelope::Envelope;
use crate::model::id::{AgencyId, EventType, FALAJ};
use crate::model::notice::{self, About, Change, LISTED_MAX, Told};
use crate::model::time::At;

/// Who hears of what becomes of its envelopes: the ledger's one question to the deployment in force.
///
/// The writer asks in an open transaction: every answer comes from memory, at once, and none of them calls the ledger.
pub trait Listeners: Send + Sync {
    /// Whether anybody subscribes to notices. Asked at every end.
    fn any(&self) -> bool;
    /// Whether this agency does.
    fn listens(&self, sender: &AgencyId) -> bool;
    /// The sender as recipient of a notice about its own envelope; `None` where its subscription does not ask for this one.
    fn recipient(&self, notice: &Envelope, sender: &AgencyId) -> Option<Recipient>;
    /// Called after the commit for each notice, with those who must get it: their owners may have something to do.
    fn written(&self, ty: &EventType, recipients: &[AgencyId]);
}

/// How notices are written.
#[derive(Clone)]
pub struct Notices {
    /// Their `source`.
    pub source: String,
    /// Who gets them.
    pub listeners: Arc<dyn Listeners>,
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notices").field("source", &self.source).finish_non_exhaustive()
    }
}

/// What happened, before it is read from the rows that say so.
#[derive(Debug, Clone, Copy)]
enum What {
    Ended { slot: u16 },
    Outcome { slot: u16 },
    Completed { failed: bool },
}

impl State<'_> {
    /// A delivery ended; its rows are written.
    pub(super) fn tell_ended(&mut self, seq: u64, slot: u16) -> rusqlite::Result<()> {
        self.give_notice(seq, What::Ended { slot })
    }

    /// The final outcome of a delivery came after its end; its row is written.
    pub(super) fn tell_outcome(&mut self, seq: u64, slot: u16) -> rusqlite::Result<()> {
        self.give_notice(seq, What::Outcome { slot })
    }

    /// An envelope is complete.
    pub(super) fn tell_completed(&mut self, seq: u64, failed: bool) -> rusqlite::Result<()> {
        self.give_notice(seq, What::Completed { failed })
    }

    fn give_notice(&mut self, seq: u64, what: What) -> rusqlite::Result<()> {
        let Some((notices, sender)) = self.listener(seq)? else { return Ok(()) };
        let now = At(self.latest);
        let lens = self.lens();
        let line = lens.line(seq)?.ok_or_else(|| corrupt("a delivery without its envelope"))?;
        // Keeps T3.
        if line.head.attributes.ty.is_own() {
            return Ok(());
        }
        let envelope = lens.notice(&notices.source, &line, what, now)?;
        let (id, trace) = (lens.keys.envelope_id(line.at, seq), line.head.trace);
        // Keeps T2.
        let Some(recipient) = notices.listeners.recipient(&envelope, &sender) else { return Ok(()) };
        let new = NewEnvelope {
            digest: envelope.digest(),
            schema: notice::schema(&envelope.attributes.ty),
            sender: AgencyId::parse(FALAJ).expect("Falaj's own name is a name"),
            recipients: vec![recipient],
            trace,
            envelope,
        };
        let ready = Ready::new(&self.shared.keys, new).map_err(corrupt)?;
        match self.accept(ready, now)? {
            Accepted::New(body) => self.told.push(body),
            // An id follows from what happened, and nothing happens twice: only a stranger could have taken it.
            Accepted::Repeat(_) | Accepted::Clash { .. } => {
                tracing::error!(envelope = %id, "the identity of a notice is taken; its sender is not told");
            }
        }
        Ok(())
    }

    /// The sender of an envelope, if it is to be told anything. Keeps T4.
    fn listener(&mut self, seq: u64) -> rusqlite::Result<Option<(Notices, AgencyId)>> {
        let Some(notices) = self.notices.as_ref().filter(|notices| notices.listeners.any()) else { return Ok(None) };
        let sender: i64 = match self.open.get_mut(&seq) {
            Some(left) => left.sender,
            None => self.sql.select_sender.query_row([column(seq)], |row| row.get(0))?,
        };
        let sender = self.names.id(sender).filter(|sender| notices.listeners.listens(sender));
        Ok(sender.map(|sender| (notices.clone(), sender.clone())))
    }

    /// What readers see, in the open transaction.
    fn lens(&self) -> Lens<'_> {
        let names = Arc::clone(&self.names);
        Lens { connection: self.connection, keys: &self.shared.keys, names, shared: None }
    }

    /// The transaction is committed: its notices are kept at hand, and whoever must deliver them is woken.
    pub(super) fn announce(&mut self) {
        let Some(notices) = &self.notices else { return };
        for body in std::mem::take(&mut self.told) {
            let recipients = body.recipients.iter().filter_map(|entry| self.names.id(entry.agency).cloned());
            notices.listeners.written(&body.stored.attributes.ty, &recipients.collect::<Vec<_>>());
            self.shared.keep(body);
        }
    }
}

impl Lens<'_> {
    fn notice(&self, source: &str, line: &Line, what: What, now: At) -> rusqlite::Result<Envelope> {
        let id = self.keys.envelope_id(line.at, line.seq);
        let about = About { id, accepted_at: line.at, attributes: &line.head.attributes };
        let delivery = |slot| {
            let ended = self.ended(line, slot, slot)?.pop();
            ended.ok_or_else(|| corrupt("a delivery ended and has no end"))
        };
        Ok(match what {
            What::Ended { slot } => notice::notice(source, about, Change::Ended(&delivery(slot)?), now),
            What::Outcome { slot } => notice::notice(source, about, Change::Outcome(&delivery(slot)?), now),
            What::Completed { failed } => {
                let redrives = self.later(line.seq)?.len();
                let reopened = redrives + self.reworded(line.seq)?;
                let listed = u16::try_from(LISTED_MAX).unwrap_or(u16::MAX);
                let deliveries = self.ended(line, 1, listed)?;
                let count = line.recipients.len() + redrives;
                let change = Change::Completed { failed, deliveries: &deliveries, count, reopened };
                notice::notice(source, about, change, now)
            }
        })
    }
}

impl Lens<'_> {
    /// How many deliveries that a broker took got another first word than `applied`: each may have opened its envelope again.
    fn reworded(&self, seq: u64) -> rusqlite::Result<usize> {
        let mut select = self.connection.prepare_cached(
            "SELECT count(DISTINCT o.slot) FROM outcome o JOIN settled s ON s.seq = o.seq AND s.slot = o.slot
             WHERE o.seq = ?1 AND s.by = 'broker' AND o.outcome <> 1",
        )?;
        select.query_row([column(seq)], |row| row.get::<_, u32>(0)).map(|count| count as usize)
    }
}

/// Proves what rows alone can say of a notice: Falaj sent it and nobody else sends any, it goes to the sender of the envelope that it
/// is about, that one is no notice, and what it says to have ended has.
pub(super) fn prove(lens: &Lens<'_>, body: &Body, findings: &mut Findings) -> rusqlite::Result<()> {
    let stored = &body.stored;
    let own = stored.attributes.ty.is_own();
    if own != (stored.sender.as_str() == FALAJ) {
        findings.add(|| format!("notice: envelope {} (seq {}) is Falaj's by half", stored.id, stored.seq));
    }
    if !own {
        return Ok(());
    }
    let address = notice::told(&stored.attributes.id).and_then(|told| match told {
        Told::Delivery(id) => lens.keys.read_delivery(id),
        Told::Envelope(id) => lens.keys.read_envelope(id),
    });
    let Some(address) = address.filter(|address| address.seq < stored.seq.0) else {
        findings.add(|| format!("notice: envelope {} (seq {}) is about nothing before it", stored.id, stored.seq));
        return Ok(());
    };
    // What it is about may have been swept before it.
    let Some(line) = lens.line(address.seq)?.filter(|line| line.at == address.at) else { return Ok(()) };
    let of_sender = body.recipients.iter().all(|entry| entry.agency == line.sender);
    if line.head.attributes.ty.is_own() || !of_sender || body.recipients.is_empty() {
        findings.add(|| {
            format!(
                "notice: envelope {} (seq {}) goes to another than the sender of what it tells of",
                stored.id, stored.seq
            )
        });
    }
    if address.slot > 0 && lens.ended(&line, address.slot, address.slot)?.is_empty() {
        findings.add(|| format!("notice: envelope {} (seq {}) tells of what has not ended", stored.id, stored.seq));
    }
    Ok(())
}

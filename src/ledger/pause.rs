//! Pause, drain and resume: an agency whose deliveries are held, by a person or because its receiver is gone.
//!
//! It costs nothing: its `pending` is simply not read. What is in flight settles as ever, and what falls due meanwhile does not age
//! (promise 6): time between due and claimed is time held.
//!
//! A drain is a pause that begins after what is accepted by now. H1: what has a seq up to its mark is offered as ever, through
//! retries and lanes, and redrives of it too; what comes later waits. H2: what is left up to the mark is counted in the commits
//! that end it, so that the end of a drain is seen once, in the commit that brings it.

use std::collections::HashMap;
use std::sync::PoisonError;

use rusqlite::Connection;

use super::codes::{Count, UNFINISHED};
use super::error::LedgerError;
use super::event::Happened;
use super::handle::Ledger;
use super::id::column;
use super::repair::{Actor, Drain, Pause};
use super::settle::Spot;
use super::shared::lock;
use super::state::State;
use crate::model::id::{AgencyId, Seq};
use crate::model::time::At;

/// Who pauses an agency whose receiver is gone.
const FALAJ: &str = "falaj";

/// An agency that is held, as the writer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    actor: Actor,
    since: At,
    gone: bool,
    /// A drain: what has this seq or a lower one goes on.
    pub(super) mark: Option<u64>,
}

impl Held {
    /// What it is called in the audit.
    fn word(held: Option<&Self>) -> &'static str {
        match held {
            None => "flowing",
            Some(Self { mark: Some(_), .. }) => "draining",
            Some(Self { mark: None, .. }) => "paused",
        }
    }

    fn pause(self, left: i64) -> Pause {
        let left = u64::try_from(left).unwrap_or(0);
        let drain = self.mark.map(|mark| Drain { through: Seq(mark), left });
        Pause { actor: self.actor, since: self.since, gone: self.gone, drain }
    }
}

/// The agencies that are held.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<HashMap<AgencyId, Held>> {
    let mut pauses = HashMap::new();
    let mut select = connection
        .prepare("SELECT a.id, p.actor, p.reason, p.at, p.gone, p.mark FROM pause p JOIN agency a ON a.n = p.agency")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if let Ok(agency) = AgencyId::parse(&row.get::<_, String>(0)?) {
            let actor = Actor { name: row.get(1)?, reason: row.get(2)? };
            let mark = row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned);
            pauses.insert(agency, Held { actor, since: At(row.get(3)?), gone: row.get(4)?, mark });
        }
    }
    Ok(pauses)
}

impl State<'_> {
    /// The seq up to which a drain lets an agency's deliveries out.
    pub(super) fn mark(&self, agency: i64) -> Option<u64> {
        if self.pauses.is_empty() {
            return None;
        }
        self.pauses.get(self.names.id(agency)?)?.mark
    }

    /// Holds an agency, or holds it otherwise than before.
    fn hold(&mut self, agency: &AgencyId, held: Held, action: &str, now: At) -> rusqlite::Result<Pause> {
        let n = self.intern(agency)?;
        let Held { actor, since, gone, mark } = &held;
        self.sql.insert_pause.execute((n, &actor.name, &actor.reason, since.0, gone, mark.map(column)))?;
        let before = self.pauses.get(agency);
        // Somebody else, or another reason, is for the audit; the agency was held before.
        let happened = (Held::word(before) != Held::word(Some(&held)) || mark.is_some()).then(|| match mark {
            Some(mark) => Happened::Draining { by: actor.clone(), through: Seq(*mark) },
            None => Happened::Paused { by: actor.clone() },
        });
        let change = (Held::word(before), Held::word(Some(&held)));
        let (actor, drains) = (actor.clone(), mark.is_some());
        self.record(&actor, action, agency.as_str(), change, now)?;
        if let Some(happened) = happened.filter(|_| !gone) {
            self.happen(n, &happened, now)?;
        }
        // All that is unfinished now was accepted by now.
        let unfinished = UNFINISHED.iter().map(|what| self.counted(n, *what)).sum::<i64>();
        let left = if drains { unfinished } else { 0 };
        self.count(n, Count::Draining, left - self.counted(n, Count::Draining));
        self.pauses.insert(agency.clone(), held.clone());
        self.show_pauses = true;
        if drains && left == 0 {
            self.happen(n, &Happened::Drained, now)?;
        }
        Ok(held.pause(left))
    }

    fn pause(&mut self, agency: &AgencyId, actor: Actor, now: At) -> rusqlite::Result<Pause> {
        let now = At(self.clamp(now.0));
        let before = self.pauses.get(agency).filter(|held| held.mark.is_none());
        let since = before.map_or(now, |held| held.since);
        self.hold(agency, Held { actor, since, gone: false, mark: None }, "pause", now)
    }

    fn drain(&mut self, agency: &AgencyId, actor: Actor, now: At) -> rusqlite::Result<Pause> {
        let now = At(self.clamp(now.0));
        let mark = Some(self.next_seq - 1);
        self.hold(agency, Held { actor, since: now, gone: false, mark }, "drain", now)
    }

    /// Returns whether the agency went on until now.
    fn gone(&mut self, agency: &AgencyId, happened: &Happened, reason: String, now: At) -> rusqlite::Result<bool> {
        if self.pauses.get(agency).is_some_and(|held| held.mark.is_none()) {
            return Ok(false);
        }
        let now = At(self.clamp(now.0));
        let n = self.intern(agency)?;
        self.happen(n, happened, now)?;
        let actor = Actor { name: FALAJ.to_owned(), reason };
        self.hold(agency, Held { actor, since: now, gone: true, mark: None }, "pause", now)?;
        Ok(true)
    }

    fn resume(&mut self, agency: &AgencyId, actor: &Actor, now: At) -> rusqlite::Result<Option<Pause>> {
        let now = At(self.clamp(now.0));
        let Some(held) = self.pauses.remove(agency) else { return Ok(None) };
        let n = self.intern(agency)?;
        self.sql.delete_pause.execute([n])?;
        self.record(actor, "resume", agency.as_str(), (Held::word(Some(&held)), "flowing"), now)?;
        self.happen(n, &Happened::Resumed { by: actor.clone() }, now)?;
        let left = self.counted(n, Count::Draining);
        self.count(n, Count::Draining, -left);
        self.show_pauses = true;
        Ok(Some(held.pause(left)))
    }

    /// A delivery ended (-1), or its next generation was made (1): a drain counts what is left up to its mark. Keeps H2.
    pub(super) fn drain_by(&mut self, spot: Spot, by: i64, now: At) -> rusqlite::Result<()> {
        if self.mark(spot.agency).is_none_or(|mark| mark < spot.seq) {
            return Ok(());
        }
        self.count(spot.agency, Count::Draining, by);
        match by < 0 && self.counted(spot.agency, Count::Draining) == 0 {
            true => self.happen(spot.agency, &Happened::Drained, now),
            false => Ok(()),
        }
    }
}

impl Ledger {
    /// Pauses an agency: nothing of it is claimed or leased until it is resumed. Survives a restart. Pausing again changes who and
    /// why; pausing what drains ends the drain.
    pub async fn pause(&self, agency: &AgencyId, actor: Actor, now: At) -> Result<Pause, LedgerError> {
        let agency = agency.clone();
        self.deed(move |state| state.pause(&agency, actor, now)).await
    }

    /// Drains an agency: what is accepted by now still goes out, what is accepted later waits as if it were paused, until it is
    /// resumed. Survives a restart. Draining again takes in what was accepted since.
    pub async fn drain(&self, agency: &AgencyId, actor: Actor, now: At) -> Result<Pause, LedgerError> {
        let agency = agency.clone();
        self.deed(move |state| state.drain(&agency, actor, now)).await
    }

    /// Pauses an agency in Falaj's own name, because it said that its receiver is gone; `false`, and nothing done, where it is
    /// paused already. `happened` is what showed it, `reason` one sentence.
    pub async fn gone(
        &self,
        agency: &AgencyId,
        happened: Happened,
        reason: String,
        now: At,
    ) -> Result<bool, LedgerError> {
        let agency = agency.clone();
        self.deed(move |state| state.gone(&agency, &happened, reason, now)).await
    }

    /// Resumes an agency; `None` if it was not paused.
    pub async fn resume(&self, agency: &AgencyId, actor: Actor, now: At) -> Result<Option<Pause>, LedgerError> {
        let agency = agency.clone();
        self.deed(move |state| state.resume(&agency, &actor, now)).await
    }

    /// The pause in force. Read from memory.
    pub fn paused(&self, agency: &AgencyId) -> Option<Pause> {
        let shared = self.shared();
        let held = shared.pauses.read().unwrap_or_else(PoisonError::into_inner).get(agency).cloned()?;
        let n = shared.names().n(agency)?;
        let left = lock(&shared.counts).get(&n).map_or(0, |counts| counts[Count::Draining as usize]);
        Some(held.pause(left))
    }
}

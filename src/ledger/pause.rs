//! Pause and resume: an agency whose deliveries a person holds.
//!
//! It costs nothing: its `pending` is simply not read. What is in flight settles as ever, and what falls due meanwhile does not age
//! (promise 6): time between due and claimed is time held.

use std::collections::HashMap;
use std::sync::PoisonError;

use rusqlite::Connection;

use super::error::LedgerError;
use super::handle::Ledger;
use super::repair::{Actor, Pause};
use super::state::State;
use crate::model::id::AgencyId;
use crate::model::time::At;

/// The pauses in force, by agency.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<HashMap<AgencyId, Pause>> {
    let mut pauses = HashMap::new();
    let mut select =
        connection.prepare("SELECT a.id, p.actor, p.reason, p.at FROM pause p JOIN agency a ON a.n = p.agency")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if let Ok(agency) = AgencyId::parse(&row.get::<_, String>(0)?) {
            let actor = Actor { name: row.get(1)?, reason: row.get(2)? };
            pauses.insert(agency, Pause { actor, since: At(row.get(3)?) });
        }
    }
    Ok(pauses)
}

impl State<'_> {
    fn pause(&mut self, agency: &AgencyId, actor: Actor, now: At) -> rusqlite::Result<Pause> {
        let now = At(self.clamp(now.0));
        let n = self.intern(agency)?;
        let before = self.pauses.get(agency).map(|pause| pause.since);
        let pause = Pause { actor, since: before.unwrap_or(now) };
        let Pause { actor, since } = &pause;
        self.sql.insert_pause.execute((n, &actor.name, &actor.reason, since.0))?;
        let was = if before.is_some() { "paused" } else { "flowing" };
        self.record(actor, "pause", agency.as_str(), (was, "paused"), now)?;
        self.pauses.insert(agency.clone(), pause.clone());
        self.show_pauses = true;
        Ok(pause)
    }

    fn resume(&mut self, agency: &AgencyId, actor: &Actor, now: At) -> rusqlite::Result<Option<Pause>> {
        let now = At(self.clamp(now.0));
        let Some(pause) = self.pauses.remove(agency) else { return Ok(None) };
        let n = self.intern(agency)?;
        self.sql.delete_pause.execute([n])?;
        self.record(actor, "resume", agency.as_str(), ("paused", "flowing"), now)?;
        self.show_pauses = true;
        Ok(Some(pause))
    }
}

impl Ledger {
    /// Pauses an agency: nothing of it is claimed or leased until it is resumed. Survives a restart. Pausing again changes who and
    /// why.
    pub async fn pause(&self, agency: &AgencyId, actor: Actor, now: At) -> Result<Pause, LedgerError> {
        let agency = agency.clone();
        self.deed(move |state| state.pause(&agency, actor, now)).await
    }

    /// Resumes an agency; `None` if it was not paused.
    pub async fn resume(&self, agency: &AgencyId, actor: Actor, now: At) -> Result<Option<Pause>, LedgerError> {
        let agency = agency.clone();
        self.deed(move |state| state.resume(&agency, &actor, now)).await
    }

    /// The pause in force. Read from memory.
    pub fn paused(&self, agency: &AgencyId) -> Option<Pause> {
        self.shared().pauses.read().unwrap_or_else(PoisonError::into_inner).get(agency).cloned()
    }
}

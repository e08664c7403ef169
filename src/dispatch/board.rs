//! What the interfaces may read of the dispatcher: who is held and why, and how much is under way.
//!
//! Lines are opened and closed by the supervisor, as agencies come and go, and kept up to date by the agencies' owners; HTTP reads
//! them, and nothing is decided from them. An owner that outlives its agency, until what it has in flight is stored, cannot bring
//! the line back.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::places::Pool;
use crate::ledger::{Actor, Drain, Pause};
use crate::model::id::AgencyId;
use crate::model::status::Hold;

/// The board. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Lines>);

#[derive(Debug, Default)]
struct Lines {
    agencies: RwLock<HashMap<AgencyId, Entry>>,
    pool: OnceLock<Pool>,
}

/// One agency's line on the board.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// What holds it.
    pub hold: Hold,
    /// Deliveries under way: being sent, or under a lease.
    pub in_flight: usize,
}

/// What holds an agency with its pause, if there is one; `below` is what holds it otherwise.
pub fn held(pause: Option<Pause>, below: Hold) -> Hold {
    let Some(Pause { actor: Actor { name: by, reason }, since, gone, drain }) = pause else { return below };
    match drain {
        None => Hold::Paused { by, reason, since, gone },
        Some(Drain { through, left }) => Hold::Draining { through, left, by, reason, since, rest: Box::new(below) },
    }
}

impl Board {
    /// An empty board.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows the pool of places; the first one counts.
    pub fn show(&self, pool: &Pool) {
        self.0.pool.get_or_init(|| pool.clone());
    }

    /// The pool of places, to be read; `None` where nothing is dispatched.
    pub fn pool(&self) -> Option<&Pool> {
        self.0.pool.get()
    }

    /// An agency's line; an agency nobody owns is not configured.
    pub fn read(&self, agency: &AgencyId) -> Entry {
        let lines = self.0.agencies.read().unwrap_or_else(PoisonError::into_inner);
        lines.get(agency).cloned().unwrap_or(Entry { hold: Hold::Unconfigured, in_flight: 0 })
    }

    /// What holds an agency.
    pub fn hold(&self, agency: &AgencyId) -> Hold {
        self.read(agency).hold
    }

    /// Brings an agency's line up to date, if it has one.
    pub fn update(&self, agency: &AgencyId, entry: Entry) {
        if let Some(line) = self.0.agencies.write().unwrap_or_else(PoisonError::into_inner).get_mut(agency) {
            *line = entry;
        }
    }

    /// Opens an agency's line, or writes it anew.
    pub fn write(&self, agency: &AgencyId, entry: Entry) {
        self.0.agencies.write().unwrap_or_else(PoisonError::into_inner).insert(agency.clone(), entry);
    }

    /// Takes an agency off the board.
    pub fn remove(&self, agency: &AgencyId) {
        self.0.agencies.write().unwrap_or_else(PoisonError::into_inner).remove(agency);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_taken_off_stays_off() {
        let (board, moi) = (Board::new(), AgencyId::parse("moi").unwrap());
        assert_eq!(board.hold(&moi), Hold::Unconfigured);
        board.write(&moi, Entry::default());
        board.update(&moi, Entry { hold: Hold::Open, in_flight: 3 });
        assert_eq!(board.read(&moi).in_flight, 3);
        board.remove(&moi);
        board.update(&moi, Entry::default());
        assert_eq!(board.hold(&moi), Hold::Unconfigured);
    }
}

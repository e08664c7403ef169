//! What the interfaces may read of the dispatcher: who is held and why, and how much is under way.
//!
//! Lines are opened and closed by the supervisor, as agencies come and go, and kept up to date by the agencies' owners; HTTP reads
//! them, and nothing is decided from them. An owner that outlives its agency, until what it has in flight is stored, cannot bring
//! the line back. A line also knows how long the agency's circuit was open, to the millisecond, for the history.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use super::places::Pool;
use crate::ledger::{Actor, Drain, Pause};
use crate::model::id::AgencyId;
use crate::model::status::Hold;
use crate::model::time::At;

/// The board. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Lines>);

#[derive(Debug, Default)]
struct Lines {
    agencies: RwLock<HashMap<AgencyId, Line>>,
    pool: OnceLock<Pool>,
}

#[derive(Debug, Default)]
struct Line {
    entry: Entry,
    /// How long the circuit was open, without the time since `open_from`.
    was_open: Duration,
    open_from: Option<At>,
    /// When it was last seen to be open no more.
    left_at: At,
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
        let entry = lines.get(agency).map(|line| line.entry.clone());
        entry.unwrap_or(Entry { hold: Hold::Unconfigured, in_flight: 0 })
    }

    /// What holds an agency.
    pub fn hold(&self, agency: &AgencyId) -> Hold {
        self.read(agency).hold
    }

    /// How long each agency's circuit has been open up to `now`, since its line was opened. Only ever rises.
    pub fn open_times(&self, now: At) -> Vec<(AgencyId, Duration)> {
        let lines = self.0.agencies.read().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|(agency, line)| (agency.clone(), line.was_open + line.is_open(now))).collect()
    }

    /// Brings an agency's line up to date, if it has one.
    pub fn update(&self, agency: &AgencyId, entry: Entry, now: At) {
        if let Some(line) = self.0.agencies.write().unwrap_or_else(PoisonError::into_inner).get_mut(agency) {
            line.follow(&entry.hold, now);
            line.entry = entry;
        }
    }

    /// Opens an agency's line, or writes it anew.
    pub fn write(&self, agency: &AgencyId, entry: Entry) {
        let line = Line { entry, ..Line::default() };
        self.0.agencies.write().unwrap_or_else(PoisonError::into_inner).insert(agency.clone(), line);
    }

    /// Takes an agency off the board.
    pub fn remove(&self, agency: &AgencyId) {
        self.0.agencies.write().unwrap_or_else(PoisonError::into_inner).remove(agency);
    }
}

impl Line {
    /// How long the circuit has been open, if it is.
    fn is_open(&self, now: At) -> Duration {
        self.open_from.map_or(Duration::ZERO, |from| now.since(from))
    }

    /// A pause or the end of the service hours hides an open circuit: that time is none of its own.
    fn follow(&mut self, hold: &Hold, now: At) {
        match (self.open_from, open_since(hold)) {
            (None, Some(since)) => self.open_from = Some(if since < self.left_at { now } else { since }),
            (Some(_), None) => {
                self.was_open += self.is_open(now);
                (self.open_from, self.left_at) = (None, now);
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// Since when a circuit is open, also of what a drain still lets out.
fn open_since(hold: &Hold) -> Option<At> {
    match hold {
        Hold::CircuitOpen { since, .. } => Some(*since),
        Hold::Draining { rest, .. } => open_since(rest),
        _ => None,
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
        board.update(&moi, Entry { hold: Hold::Open, in_flight: 3 }, At(0));
        assert_eq!(board.read(&moi).in_flight, 3);
        board.remove(&moi);
        board.update(&moi, Entry::default(), At(0));
        assert_eq!(board.hold(&moi), Hold::Unconfigured);
    }

    #[test]
    fn the_time_of_an_open_circuit_adds_up() {
        let (board, moi) = (Board::new(), AgencyId::parse("moi").unwrap());
        let open =
            |since| Entry { hold: Hold::CircuitOpen { until: At(since + 10_000), since: At(since) }, in_flight: 0 };
        let times = |now| board.open_times(At(now)).into_iter().map(|(_, time)| time.as_millis()).collect::<Vec<_>>();
        board.write(&moi, Entry::default());
        assert_eq!(times(500), [0]);
        board.update(&moi, open(1000), At(1000));
        assert_eq!(times(1700), [700]);
        // A probe failed: it is open since the same moment.
        board.update(&moi, Entry { in_flight: 1, ..open(1000) }, At(12_000));
        board.update(&moi, Entry::default(), At(15_000));
        assert_eq!(times(99_000), [14_000]);
        board.update(&moi, open(100_000), At(100_001));
        assert_eq!(times(100_100), [14_100]);
        let closed = Entry { hold: Hold::Window { since: At(101_000), until: At(200_000) }, in_flight: 0 };
        board.update(&moi, closed, At(101_000));
        board.update(&moi, open(100_000), At(200_000));
        assert_eq!(times(200_500), [15_500], "the night was not counted");
    }
}

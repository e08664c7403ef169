//! Attempts and durations per agency in a form that can be read back: what the history of an agency is made of.
//!
//! Counting is a look-up and two additions; nobody waits for whoever reads. F1: what is counted is read once, by one reader. F2:
//! there are as many lines as agencies that were ever tried. F3: of the attempts themselves the last few are remembered, without a
//! word of the agency's and without a person.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::model::delivery::{Attempt, DeliveryKey};
use crate::model::histogram::{self, BUCKETS, Histogram};
use crate::model::id::AgencyId;
use crate::model::outcome::Class;
use crate::model::time::At;

/// Attempts of one agency that are remembered.
const LAST_MAX: usize = 20;

/// The lines of all agencies. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Figures(Arc<RwLock<HashMap<AgencyId, Arc<Line>>>>);

/// What was counted of one agency since it was last read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Attempts, in the order of [`Class::ALL`].
    pub attempts: [u64; Class::ALL.len()],
    /// Durations of attempts, in milliseconds.
    pub attempt_ms: Histogram,
    /// From acceptance to delivered, in milliseconds.
    pub delivery_ms: Histogram,
}

/// One of the last attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// Of which delivery.
    pub key: DeliveryKey,
    /// When its envelope was accepted.
    pub accepted_at: At,
    /// When it began.
    pub at: At,
    /// How long it took, in milliseconds.
    pub ms: u32,
    /// How it was classed.
    pub class: Class,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What failed, in words of ours.
    pub note: String,
}

#[derive(Debug)]
struct Line {
    last: Mutex<VecDeque<Last>>,
    attempts: [AtomicU64; Class::ALL.len()],
    attempt_ms: Buckets,
    delivery_ms: Buckets,
}

#[derive(Debug)]
struct Buckets([AtomicU32; BUCKETS]);

impl Figures {
    /// Counts one attempt.
    pub fn attempt(&self, agency: &AgencyId, class: Class, seconds: f64) {
        self.with(agency, |line| {
            if let Some(place) = Class::ALL.iter().position(|known| *known == class) {
                line.attempts[place].fetch_add(1, Relaxed);
            }
            line.attempt_ms.record(seconds);
        });
    }

    /// Counts one delivery that arrived.
    pub fn delivered(&self, agency: &AgencyId, seconds: f64) {
        self.with(agency, |line| line.delivery_ms.record(seconds));
    }

    /// Remembers an attempt that is stored.
    pub fn remember(&self, key: &DeliveryKey, accepted_at: At, attempt: &Attempt) {
        let Attempt { at, ms, class, status, .. } = *attempt;
        let last = Last { key: key.clone(), accepted_at, at, ms, class, status, note: attempt.note.clone() };
        self.with(&key.agency, |line| {
            let mut kept = line.last.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == LAST_MAX {
                kept.pop_front();
            }
            kept.push_back(last);
        });
    }

    /// The last attempts of an agency since this process began, the newest first.
    pub fn last(&self, agency: &AgencyId) -> Vec<Last> {
        let lines = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let last = lines.get(agency).map(|line| line.last.lock().unwrap_or_else(PoisonError::into_inner).clone());
        last.map(|last| last.into_iter().rev().collect()).unwrap_or_default()
    }

    /// The last attempt of an agency.
    pub fn latest(&self, agency: &AgencyId) -> Option<Last> {
        let lines = self.0.read().unwrap_or_else(PoisonError::into_inner);
        lines.get(agency)?.last.lock().unwrap_or_else(PoisonError::into_inner).back().cloned()
    }

    /// Takes what was counted since the last time, of every agency of which there is something.
    pub fn take(&self) -> Vec<(AgencyId, Counted)> {
        let lines: Vec<_> = {
            let lines = self.0.read().unwrap_or_else(PoisonError::into_inner);
            lines.iter().map(|(agency, line)| (agency.clone(), Arc::clone(line))).collect()
        };
        let taken = lines.into_iter().map(|(agency, line)| (agency, line.take()));
        taken.filter(|(_, counted)| *counted != Counted::default()).collect()
    }

    fn with(&self, agency: &AgencyId, count: impl FnOnce(&Line)) {
        if let Some(line) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(agency) {
            return count(line);
        }
        let mut lines = self.0.write().unwrap_or_else(PoisonError::into_inner);
        count(lines.entry(agency.clone()).or_default());
    }
}

impl Default for Line {
    fn default() -> Self {
        Self {
            last: Mutex::default(),
            attempts: std::array::from_fn(|_| AtomicU64::new(0)),
            attempt_ms: Buckets::new(),
            delivery_ms: Buckets::new(),
        }
    }
}

impl Line {
    fn take(&self) -> Counted {
        Counted {
            attempts: std::array::from_fn(|place| self.attempts[place].swap(0, Relaxed)),
            attempt_ms: self.attempt_ms.take(),
            delivery_ms: self.delivery_ms.take(),
        }
    }
}

impl Buckets {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU32::new(0)))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "durations are not negative and saturate"
    )]
    fn record(&self, seconds: f64) {
        self.0[histogram::bucket((seconds * 1e3).round() as u64)].fetch_add(1, Relaxed);
    }

    fn take(&self) -> Histogram {
        let mut taken = Histogram::default();
        for (bucket, count) in self.0.iter().enumerate() {
            // Most are empty, and a read costs less than a swap.
            if count.load(Relaxed) > 0 {
                taken.add(bucket, u64::from(count.swap(0, Relaxed)));
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_read_once() {
        let (figures, moi) = (Figures::default(), AgencyId::parse("moi").unwrap());
        figures.attempt(&moi, Class::EndpointFault, 0.25);
        figures.attempt(&moi, Class::Done, 0.002);
        figures.delivered(&moi, 3.0);
        let taken = figures.take();
        let [(agency, counted)] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!((agency, counted.attempts), (&moi, [1, 0, 0, 0, 0, 1, 0]));
        assert_eq!((counted.attempt_ms.percentile(50), counted.attempt_ms.count()), (Some(2), 2));
        let arrived = counted.delivery_ms.percentile(50).unwrap();
        assert!((3000..3200).contains(&arrived), "{arrived}");
        assert!(figures.take().is_empty(), "nothing is read twice");
        figures.attempt(&moi, Class::Done, 0.0);
        assert_eq!(figures.take()[0].1.attempt_ms.percentile(99), Some(0));
    }

    #[test]
    fn the_last_attempts_are_remembered_newest_first() {
        let (figures, moi) = (Figures::default(), AgencyId::parse("moi").unwrap());
        let key = DeliveryKey { agency: moi.clone(), seq: crate::model::id::Seq(1), slot: crate::model::id::Slot(1) };
        for n in 0..30 {
            let attempt = Attempt {
                at: At(n),
                ms: 3,
                class: Class::EndpointFault,
                status: Some(503),
                note: "status 503".into(),
                answer: b"a text of the agency's".to_vec(),
                counted: true,
            };
            figures.remember(&key, At(0), &attempt);
        }
        let last = figures.last(&moi);
        assert_eq!((last.len(), last[0].at, last[19].at), (LAST_MAX, At(29), At(10)));
        assert_eq!(figures.latest(&moi).as_ref(), last.first());
        assert!(!format!("{last:?}").contains("a text"));
        assert!(figures.take().is_empty(), "to remember is not to count");
        assert!(figures.last(&AgencyId::parse("moph").unwrap()).is_empty());
    }

    #[test]
    fn nothing_that_many_count_is_lost() {
        let (figures, moi) = (Figures::default(), AgencyId::parse("moi").unwrap());
        let sum = std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5000).for_each(|_| figures.attempt(&moi, Class::Done, 0.001)));
            }
            let taken = || figures.take().into_iter().map(|(_, counted)| counted.attempts[0]).sum::<u64>();
            (0..100).map(|_| taken()).sum::<u64>()
        });
        let rest: u64 = figures.take().into_iter().map(|(_, counted)| counted.attempts[0]).sum();
        assert_eq!(sum + rest, 20_000);
    }
}

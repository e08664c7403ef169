//! Attempts and durations per agency in a form that can be read back: what the history of an agency is made of.
//!
//! Counting is a look-up and two additions; nobody waits for whoever reads. F1: what is counted is read once, by one reader. F2:
//! there are as many lines as agencies that were ever tried.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::histogram::{self, BUCKETS, Histogram};
use crate::model::id::AgencyId;
use crate::model::outcome::Class;

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

#[derive(Debug)]
struct Line {
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

//! How long the ledger's commits took in the last minutes, in a form that can be read back.
//!
//! A commit is one short lock. Nothing older than the window is kept, and nothing of what was committed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::histogram::Histogram;

/// Minutes that are kept.
pub const MINUTES: u64 = 10;

/// The last commits. Clones share them.
#[derive(Debug, Clone)]
pub struct Commits {
    began: Instant,
    minutes: Arc<Mutex<VecDeque<Minute>>>,
}

#[derive(Debug, Default)]
struct Minute {
    number: u64,
    /// In microseconds: a commit on a good disk takes less than a millisecond.
    took_us: Histogram,
    longest: Duration,
    operations: u64,
}

/// What the last minutes came to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lately {
    /// Commits.
    pub commits: u64,
    /// Operations that they held.
    pub operations: u64,
    /// Half of them took no longer, from their begin to the end of their sync.
    pub p50: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Default for Commits {
    fn default() -> Self {
        Self { began: Instant::now(), minutes: Arc::default() }
    }
}

impl Commits {
    /// Counts a commit that has just ended.
    pub fn record(&self, took: Duration, operations: usize) {
        self.record_at(self.began.elapsed(), took, operations);
    }

    /// The last minutes; `None` where nothing was committed in them.
    pub fn lately(&self) -> Option<Lately> {
        self.lately_at(self.began.elapsed())
    }

    fn record_at(&self, since_begun: Duration, took: Duration, operations: usize) {
        let number = since_begun.as_secs() / 60;
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.back().is_none_or(|last| last.number < number) {
            minutes.push_back(Minute { number, ..Minute::default() });
            while minutes.front().is_some_and(|first| first.number + MINUTES <= number) {
                minutes.pop_front();
            }
        }
        if let Some(minute) = minutes.back_mut() {
            minute.took_us.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            minute.longest = minute.longest.max(took);
            minute.operations += u64::try_from(operations).unwrap_or(0);
        }
    }

    fn lately_at(&self, since_begun: Duration) -> Option<Lately> {
        let now = since_begun.as_secs() / 60;
        let minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut took_us, mut lately) = (Histogram::default(), Lately::default());
        for minute in minutes.iter().filter(|minute| minute.number + MINUTES > now) {
            took_us.merge(&minute.took_us);
            lately.operations += minute.operations;
            lately.longest = lately.longest.max(minute.longest);
        }
        lately.commits = took_us.count();
        // The bound of a bucket may lie above the longest of all.
        let took = |per_cent| Some(Duration::from_micros(took_us.percentile(per_cent)?).min(lately.longest));
        (lately.p50, lately.p99) = (took(50)?, took(99)?);
        Some(lately)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_of_the_last_minutes_are_told_and_older_ones_forgotten() {
        let commits = Commits::default();
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(commits.lately_at(at(0)), None);
        commits.record_at(at(5), Duration::from_secs(9), 1);
        for n in 0..99 {
            commits.record_at(at(60 + n), Duration::from_micros(300), 4);
        }
        commits.record_at(at(170), Duration::from_millis(40), 4);
        let lately = commits.lately_at(at(600)).unwrap();
        assert_eq!((lately.commits, lately.operations, lately.longest), (100, 400, Duration::from_millis(40)));
        let near = |took: Duration| (300..320).contains(&took.as_micros());
        assert!(near(lately.p50) && near(lately.p99), "{lately:?}");
        assert_eq!(
            commits.lately_at(at(599)).unwrap().longest,
            Duration::from_secs(9),
            "the first minute is the tenth"
        );
        assert_eq!(commits.lately_at(at(3600)), None);
    }
}

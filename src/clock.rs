//! The one place where the time is read, and the one way to wait for a time.
//!
//! Everything below the composition root gets a [`Clock`] or a `now`; tests hold a [`Clock::manual`] in their hand. Whoever waits
//! for a time of the trade (a retry, a probe, an opening, a sweep) waits by its clock, so that a week passes in seconds where a
//! test moves the hand. Waits for the machine itself (a socket, a lock) are no business of a clock.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::model::time::At;

/// The longest single sleep of the machine's clock: after it the clock is read again, so that a clock that was set is noticed.
const NAP: Duration = Duration::from_secs(60);

/// A source of the current time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<Hand>),
}

/// A clock that somebody moves by hand.
#[derive(Debug)]
struct Hand {
    now: watch::Sender<At>,
    sleepers: Mutex<Sleepers>,
}

/// Who waits for which time.
#[derive(Debug, Default)]
struct Sleepers {
    next: u64,
    waiting: BTreeSet<(At, u64)>,
}

impl Hand {
    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One sleeper's entry; leaves with it.
struct Asleep<'a> {
    hand: &'a Hand,
    entry: (At, u64),
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.hand.sleepers().waiting.remove(&self.entry);
    }
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `at` until it is moved.
    pub fn manual(at: At) -> Self {
        Self(Source::Manual(Arc::new(Hand { now: watch::Sender::new(at), sleepers: Mutex::default() })))
    }

    /// The current time.
    pub fn now(&self) -> At {
        match &self.0 {
            Source::System => {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                At(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Manual(hand) => *hand.now.borrow(),
        }
    }

    /// Waits until the clock shows `at` or later. May be dropped at any time.
    pub async fn sleep_until(&self, at: At) {
        match &self.0 {
            Source::System => loop {
                let left = at.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(NAP)).await;
            },
            Source::Manual(hand) => {
                let mut now = hand.now.subscribe();
                let _asleep = {
                    let mut sleepers = hand.sleepers();
                    let entry = (at, sleepers.next);
                    sleepers.next += 1;
                    sleepers.waiting.insert(entry);
                    Asleep { hand, entry }
                };
                // The clock itself keeps the sender.
                let _now = now.wait_for(|now| *now >= at).await;
            }
        }
    }

    /// Waits for a while. A machine's clock that is set meanwhile neither shortens nor lengthens it.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System => tokio::time::sleep(duration).await,
            Source::Manual(_) => self.sleep_until(self.now().plus(duration)).await,
        }
    }

    /// Moves a manual clock forward and wakes whose time has come; the machine's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(hand) = &self.0 {
            hand.now.send_modify(|now| *now = now.plus(by));
        }
    }

    /// How many wait for a manual clock to reach a time that has not come; those whose time has come are awake already.
    pub fn sleepers(&self) -> usize {
        match &self.0 {
            Source::System => 0,
            Source::Manual(hand) => {
                let now = *hand.now.borrow();
                hand.sleepers().waiting.range((At(now.0.saturating_add(1)), 0)..).count()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_moved_hand_wakes_whose_time_has_come() {
        let clock = Clock::manual(At(1000));
        let (mut soon, mut later) = (Box::pin(clock.sleep_until(At(1500))), Box::pin(clock.sleep_until(At(2000))));
        assert!((&mut soon).now_or_never().is_none() && (&mut later).now_or_never().is_none());
        assert_eq!(clock.sleepers(), 2);
        clock.advance(Duration::from_millis(499));
        assert!((&mut soon).now_or_never().is_none());
        clock.advance(Duration::from_millis(1));
        assert_eq!(clock.sleepers(), 1, "who is to wake is no sleeper");
        assert!((&mut soon).now_or_never().is_some());
        drop(later);
        assert_eq!(clock.sleepers(), 0, "who left waits no more");
        assert!(clock.sleep_until(At(1)).now_or_never().is_some(), "the past is no wait");
        assert!(clock.sleep(Duration::ZERO).now_or_never().is_some());
    }

    #[tokio::test]
    async fn the_machine_sleeps_by_itself() {
        let clock = Clock::system();
        let begun = clock.now();
        clock.sleep_until(begun.plus(Duration::from_millis(20))).await;
        assert!(clock.now().since(begun) >= Duration::from_millis(20));
        let begun = std::time::Instant::now();
        clock.sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }
}

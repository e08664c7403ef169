//! The numbers that stand for words in stored rows. A number once given is never given again.

use crate::model::delivery::Finished;
use crate::model::outcome::{BusinessOutcome, Class};

/// The newest stored format this program knows.
pub(super) const FORMAT: u32 = 2;

/// `stuck.state`: failed, and due again.
pub(super) const RETRY: i64 = 1;
/// `stuck.state`: became head when the one before it ended; never tried.
pub(super) const READY: i64 = 2;
/// `stuck.state`: head of a lane with too many rows for the page.
pub(super) const BUSY: i64 = 3;
/// `stuck.state`: waits for a person. `state < 4` is what falls due.
pub(super) const PARKED: i64 = 4;
/// `stuck.state`: handed out under a lease.
pub(super) const LEASED: i64 = 5;

/// `dead.returned`: it died.
pub(super) const DIED: i64 = 0;
/// `dead.returned`: it came back, and what its lane delivered after it is known.
pub(super) const RETURNED: i64 = 1;
/// `dead.returned`: it came back, and its lane was not searched to the end: it counts as overtaken.
pub(super) const RETURNED_UNSURE: i64 = 2;

/// What is counted per agency; the place in an array of counters and `tally.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Pending = 0,
    Retry = 1,
    Parked = 2,
    Behind = 3,
    Delivered = 4,
    Dead = 5,
    Expired = 6,
    Skipped = 7,
    Cancelled = 8,
    /// Lost deliveries that the agency has not heard of; not shown.
    Untold = 9,
    Leased = 10,
    /// Dead letters of ordered lanes; not shown.
    Letters = 11,
    /// Open deliveries of jobs; not shown.
    JobOpen = 12,
    /// Unfinished deliveries at or before the mark of a drain; shown with it.
    Draining = 13,
}

/// How many kinds of counters there are.
pub(super) const COUNTS: usize = 14;

/// The counters of what is not finished.
pub(super) const UNFINISHED: [Count; 5] = [Count::Pending, Count::Retry, Count::Parked, Count::Behind, Count::Leased];

impl Count {
    /// Where an end is counted.
    pub(super) fn of(state: Finished) -> Self {
        match state {
            Finished::Delivered => Self::Delivered,
            Finished::Dead => Self::Dead,
            Finished::Expired => Self::Expired,
            Finished::Skipped => Self::Skipped,
            Finished::Cancelled => Self::Cancelled,
        }
    }

    /// Where a stuck row is counted.
    pub(super) fn of_stuck(state: i64) -> Self {
        match state {
            PARKED => Self::Parked,
            LEASED => Self::Leased,
            _ => Self::Retry,
        }
    }
}

/// `settled.state`.
pub(super) fn finished(state: Finished) -> i64 {
    match state {
        Finished::Delivered => 1,
        Finished::Dead => 2,
        Finished::Expired => 3,
        Finished::Skipped => 4,
        Finished::Cancelled => 5,
    }
}

/// Reads `settled.state`.
pub(super) fn read_finished(code: i64) -> Option<Finished> {
    Finished::ALL.into_iter().find(|state| finished(*state) == code)
}

/// `outcome`.
pub(super) fn outcome(outcome: BusinessOutcome) -> i64 {
    match outcome {
        BusinessOutcome::Applied => 1,
        BusinessOutcome::Refused => 2,
        BusinessOutcome::NeedsAction => 3,
        BusinessOutcome::Pending => 4,
        BusinessOutcome::Unknown => 5,
    }
}

/// Reads `outcome`.
pub(super) fn read_outcome(code: i64) -> Option<BusinessOutcome> {
    use BusinessOutcome::{Applied, NeedsAction, Pending, Refused, Unknown};
    [Applied, Refused, NeedsAction, Pending, Unknown].into_iter().find(|word| outcome(*word) == code)
}

/// `class`.
pub(super) fn class(class: Class) -> i64 {
    match class {
        Class::Done => 1,
        Class::MessageFault => 2,
        Class::ConfigurationFault => 3,
        Class::Gone => 4,
        Class::Throttle => 5,
        Class::EndpointFault => 6,
        Class::RetryAsked => 7,
    }
}

/// Reads `class`.
pub(super) fn read_class(code: i64) -> Option<Class> {
    Class::ALL.into_iter().find(|word| class(*word) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_number_of_its_own_and_is_read_back() {
        for state in Finished::ALL {
            assert_eq!(read_finished(finished(state)), Some(state));
        }
        for word in Class::ALL {
            assert_eq!(read_class(class(word)), Some(word));
        }
        for code in 1..=5 {
            assert_eq!(read_outcome(code).map(outcome), Some(code));
        }
        assert_eq!((read_finished(0), read_class(0), read_outcome(0)), (None, None, None));
    }
}

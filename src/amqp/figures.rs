//! What is counted at the broker, for whoever reads it: how publishing and consuming went.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::names::{DEAD, IN, OUTCOME};

/// What became of a published message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The broker has it.
    Confirmed = 0,
    /// The broker refused it: the queue is full.
    Nacked = 1,
    /// No queue takes it.
    Returned = 2,
    /// Nothing was heard of it, or it never left.
    Unknown = 3,
}

/// What became of a consumed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumed {
    /// Taken in.
    Taken = 0,
    /// It had been taken in before.
    Repeated = 1,
    /// Refused, and the sender was told.
    Refused = 2,
    /// Refused, and moved to the quarantine: nobody asked to be told.
    Quarantined = 3,
    /// Put back: it could not be taken in for a passing reason.
    Requeued = 4,
}

/// The words of [`Published`], in order.
pub const PUBLISHED: [&str; 4] = ["confirmed", "nacked", "returned", "unknown"];
/// The words of [`Consumed`], in order.
pub const CONSUMED: [&str; 5] = ["taken", "repeated", "refused", "quarantined", "requeued"];
/// The queues that are consumed from.
pub const QUEUES: [&str; 3] = [IN, OUTCOME, DEAD];

/// The figures. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Figures(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    published: [AtomicU64; PUBLISHED.len()],
    consumed: [[AtomicU64; CONSUMED.len()]; QUEUES.len()],
}

impl Figures {
    /// Counts a published message.
    pub fn published(&self, what: Published) {
        self.0.published[what as usize].fetch_add(1, Relaxed);
    }

    /// Counts a message consumed from one of [`QUEUES`].
    pub fn consumed(&self, queue: &str, what: Consumed) {
        if let Some(n) = QUEUES.iter().position(|known| *known == queue) {
            self.0.consumed[n][what as usize].fetch_add(1, Relaxed);
        }
    }

    /// What was published, by its end.
    pub fn all_published(&self) -> [(&'static str, u64); PUBLISHED.len()] {
        std::array::from_fn(|n| (PUBLISHED[n], self.0.published[n].load(Relaxed)))
    }

    /// What was consumed: queue, end, count.
    pub fn all_consumed(&self) -> Vec<(&'static str, &'static str, u64)> {
        let of = |queue: usize, end: usize| self.0.consumed[queue][end].load(Relaxed);
        let lines = |queue: usize| (0..CONSUMED.len()).map(move |end| (QUEUES[queue], CONSUMED[end], of(queue, end)));
        (0..QUEUES.len()).flat_map(lines).collect()
    }
}

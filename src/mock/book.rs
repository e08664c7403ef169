//! What a receiver must remember to keep M2 and M3: the ids it acted on, and how far each lane has come. Pure.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::id::DeliveryId;
use crate::model::time::At;

/// Types that are counted by name; the rest share one name.
const TYPES_MAX: usize = 1_000;
const OTHER_TYPES: &str = "(other)";

/// What a mock agency has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Requests with a signature that held (or without one, where none is asked for).
    pub received: u64,
    /// Messages acted on.
    pub distinct: u64,
    /// Messages that came again after they were acted on.
    pub repeats: u64,
    /// Requests answered with a failure on purpose.
    pub failed: u64,
    /// Answers lost on purpose.
    pub lost: u64,
    /// New messages whose sequence was lower than an earlier one of their lane.
    pub inversions: u64,
    /// Redriven messages that came after later ones of their lane, as a person asked for.
    pub redriven_late: u64,
    /// New messages whose lane could not be told, or for which there was no room; their order was not checked.
    pub unordered: u64,
    /// Requests without a signature that holds.
    pub bad_signatures: u64,
    /// Signed requests whose timestamp was too far from now.
    pub stale: u64,
    /// Messages acted on, by type.
    pub by_type: BTreeMap<String, u64>,
}

/// What happened to one request; one line of the log. No payload, no subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When.
    pub at: At,
    /// `webhook-id`.
    pub webhook_id: Option<DeliveryId>,
    /// `falaj-sequence`.
    pub sequence: Option<u64>,
    /// `falaj-attempt`.
    pub attempt: Option<u32>,
    /// The lane as a keyed hash, in hex; the key lives as long as the process.
    pub lane: Option<String>,
    /// The event's type.
    #[serde(rename = "type")]
    pub ty: Option<String>,
    /// What came of it.
    pub what: What,
}

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Acted on.
    New,
    /// Acted on, and out of order.
    Inversion,
    /// Known already.
    Repeat,
    /// Failed on purpose.
    Failed,
    /// Acted on (or known already), and the answer lost on purpose.
    Lost,
    /// The signature does not hold.
    BadSignature,
    /// The timestamp is too far from now.
    Stale,
}

/// A message, as far as the book needs to know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) id: DeliveryId,
    pub(super) sequence: Option<u64>,
    pub(super) lane: Option<u64>,
    pub(super) redrive: bool,
    pub(super) ty: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct Book {
    pub(super) stats: Stats,
    remember_max: usize,
    acted: HashSet<DeliveryId>,
    /// The same ids in the order in which they came, to forget the oldest.
    ages: VecDeque<DeliveryId>,
    /// The highest sequence acted on, by lane.
    lanes: HashMap<u64, u64>,
}

impl Book {
    /// `remember_max` bounds both the ids and the lanes that are remembered.
    pub(super) fn new(remember_max: usize) -> Self {
        Self {
            stats: Stats::default(),
            remember_max,
            acted: HashSet::new(),
            ages: VecDeque::new(),
            lanes: HashMap::new(),
        }
    }

    /// Acts on a message, unless it was acted on before. Keeps M2 and M3.
    pub(super) fn act(&mut self, entry: Entry<'_>) -> What {
        if !self.acted.insert(entry.id) {
            self.stats.repeats += 1;
            return What::Repeat;
        }
        self.ages.push_back(entry.id);
        if self.ages.len() > self.remember_max
            && let Some(oldest) = self.ages.pop_front()
        {
            self.acted.remove(&oldest);
        }
        self.stats.distinct += 1;
        self.count_type(entry.ty);
        self.order(entry)
    }

    fn order(&mut self, entry: Entry<'_>) -> What {
        let (Some(lane), Some(sequence)) = (entry.lane, entry.sequence) else {
            self.stats.unordered += 1;
            return What::New;
        };
        let room = self.lanes.len() < self.remember_max;
        match self.lanes.get_mut(&lane) {
            Some(last) if *last < sequence => *last = sequence,
            Some(_) if entry.redrive => self.stats.redriven_late += 1,
            Some(_) => {
                self.stats.inversions += 1;
                return What::Inversion;
            }
            None if room => {
                self.lanes.insert(lane, sequence);
            }
            None => self.stats.unordered += 1,
        }
        What::New
    }

    fn count_type(&mut self, ty: Option<&str>) {
        let known = |ty: &&str| self.stats.by_type.contains_key(*ty) || self.stats.by_type.len() < TYPES_MAX;
        let name = ty.filter(known).unwrap_or(OTHER_TYPES);
        match self.stats.by_type.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.stats.by_type.insert(name.to_owned(), 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn entry(id: u128, lane: u64, sequence: u64) -> Entry<'static> {
        Entry {
            id: DeliveryId::from_uuid(Uuid::from_u128(id)),
            sequence: Some(sequence),
            lane: Some(lane),
            redrive: false,
            ty: Some("qa.gov.x"),
        }
    }

    #[test]
    fn repeats_are_known_and_inversions_seen() {
        let mut book = Book::new(10);
        assert_eq!(book.act(entry(1, 7, 1)), What::New);
        assert_eq!(book.act(entry(2, 7, 5)), What::New);
        assert_eq!(book.act(entry(1, 7, 1)), What::Repeat, "a repeat out of order is no inversion");
        assert_eq!(book.act(entry(3, 8, 2)), What::New, "another lane goes its own way");
        assert_eq!(book.act(entry(4, 7, 4)), What::Inversion);
        assert_eq!(book.act(entry(5, 7, 5)), What::Inversion, "one sequence belongs to one message");
        assert_eq!(book.act(Entry { redrive: true, ..entry(6, 7, 3) }), What::New);
        assert_eq!(book.act(Entry { lane: None, ..entry(7, 7, 1) }), What::New);
        let stats = &book.stats;
        assert_eq!((stats.distinct, stats.repeats, stats.inversions), (7, 1, 2));
        assert_eq!((stats.redriven_late, stats.unordered), (1, 1));
        assert_eq!(stats.by_type["qa.gov.x"], 7);
    }

    #[test]
    fn memory_is_bounded() {
        let mut book = Book::new(2);
        for n in 1..=5 {
            assert_eq!(book.act(entry(u128::from(n), n, n)), What::New);
        }
        assert_eq!((book.acted.len(), book.ages.len(), book.lanes.len()), (2, 2, 2));
        assert_eq!(book.stats.unordered, 3);
        assert_eq!(book.act(entry(1, 1, 1)), What::Inversion, "forgotten ids count as new, and their lane still knows");
    }
}

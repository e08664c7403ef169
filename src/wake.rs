//! Bells between those who change the ledger and those who wait for it.
//!
//! A ring is a hint without data: whoever wakes asks the ledger, and asks on a timer as well. A lost ring costs time, never a
//! message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::model::id::{AgencyId, Seq};

/// The bells. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Mutex<Bells>>);

#[derive(Debug, Default)]
struct Bells {
    agencies: HashMap<AgencyId, Arc<Notify>>,
    /// Bells of those who fetch: everyone who waits wakes.
    fetchers: HashMap<AgencyId, Arc<Notify>>,
    envelopes: HashMap<Seq, (Arc<Notify>, usize)>,
}

impl Wake {
    /// No bells yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bell of an agency: it rings when there may be something to deliver.
    pub fn agency(&self, agency: &AgencyId) -> Arc<Notify> {
        Arc::clone(self.lock().agencies.entry(agency.clone()).or_default())
    }

    /// The bell of those who wait to fetch an agency's deliveries. Whoever waits when it rings wakes; nothing is kept.
    pub fn fetchers(&self, agency: &AgencyId) -> Arc<Notify> {
        Arc::clone(self.lock().fetchers.entry(agency.clone()).or_default())
    }

    /// Rings for agencies that may have something to do. A ring that nobody hears is kept for the next who listens.
    pub fn ring<'a>(&self, agencies: impl IntoIterator<Item = &'a AgencyId>) {
        let bells = self.lock();
        for agency in agencies {
            if let Some(bell) = bells.agencies.get(agency) {
                bell.notify_one();
            }
            if let Some(bell) = bells.fetchers.get(agency) {
                bell.notify_waiters();
            }
        }
    }

    /// Listens for changes of one envelope until the watch is dropped.
    pub fn watch(&self, seq: Seq) -> Watch {
        let mut bells = self.lock();
        let (bell, watchers) = bells.envelopes.entry(seq).or_default();
        *watchers += 1;
        let bell = Arc::clone(bell);
        drop(bells);
        Watch { wake: self.clone(), seq, bell }
    }

    /// Rings for envelopes whose deliveries changed.
    pub fn changed(&self, seqs: impl IntoIterator<Item = Seq>) {
        let bells = self.lock();
        if bells.envelopes.is_empty() {
            return;
        }
        for seq in seqs {
            if let Some((bell, _)) = bells.envelopes.get(&seq) {
                bell.notify_waiters();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Bells> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch over one envelope. Call [`Watch::heard`] before reading the status and await it afterwards, so no ring is missed.
#[derive(Debug)]
pub struct Watch {
    wake: Wake,
    seq: Seq,
    bell: Arc<Notify>,
}

impl Watch {
    /// Resolves at the next ring after this call.
    pub fn heard(&self) -> tokio::sync::futures::OwnedNotified {
        Arc::clone(&self.bell).notified_owned()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut bells = self.wake.lock();
        if let Some((_, watchers)) = bells.envelopes.get_mut(&self.seq) {
            *watchers -= 1;
            if *watchers == 0 {
                bells.envelopes.remove(&self.seq);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_ring_that_nobody_hears_is_kept() {
        let wake = Wake::new();
        let (moi, other) = (AgencyId::parse("moi").unwrap(), AgencyId::parse("other").unwrap());
        let bell = wake.agency(&moi);
        wake.ring([&other]);
        assert!(bell.notified().now_or_never().is_none(), "another agency's ring was heard");
        wake.ring([&moi]);
        wake.ring([&moi]);
        assert!(bell.notified().now_or_never().is_some(), "the ring was lost");
        assert!(bell.notified().now_or_never().is_none(), "two rings are one hint");
    }

    #[tokio::test]
    async fn all_who_wait_to_fetch_hear_one_ring_beside_the_owner() {
        let wake = Wake::new();
        let moi = AgencyId::parse("moi").unwrap();
        let (bell, fetchers) = (wake.agency(&moi), wake.fetchers(&moi));
        let (one, two) = (Arc::clone(&fetchers).notified_owned(), Arc::clone(&fetchers).notified_owned());
        wake.ring([&moi]);
        assert!(one.now_or_never().is_some() && two.now_or_never().is_some());
        assert!(bell.notified().now_or_never().is_some(), "a fetcher took the owner's ring");
        assert!(fetchers.notified().now_or_never().is_none(), "a ring before waiting is over");
    }

    #[tokio::test]
    async fn a_ring_between_listening_and_waiting_is_heard_by_every_watch() {
        let wake = Wake::new();
        let (one, two, other) = (wake.watch(Seq(1)), wake.watch(Seq(1)), wake.watch(Seq(2)));
        let (first, second, third) = (one.heard(), two.heard(), other.heard());
        wake.changed([Seq(1), Seq(3)]);
        assert!(first.now_or_never().is_some());
        assert!(second.now_or_never().is_some());
        assert!(third.now_or_never().is_none());
        assert!(one.heard().now_or_never().is_none(), "a ring before listening is over");
    }

    #[test]
    fn a_watch_leaves_nothing_behind() {
        let wake = Wake::new();
        let (one, two) = (wake.watch(Seq(1)), wake.watch(Seq(1)));
        drop(one);
        assert_eq!(wake.lock().envelopes.len(), 1);
        drop(two);
        assert!(wake.lock().envelopes.is_empty());
    }
}

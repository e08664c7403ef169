//! Places: how many deliveries may be in flight, in all and per agency.
//!
//! Every agency has one place of its own, so that nobody waits for others altogether; the rest come from a shared pool, of which
//! one agency gets at most a quarter. A place is taken before the work is, and never waited for: whoever gets none goes on with
//! what it has. While the data in flight weighs more than its bound, the pool gives no places, and each agency goes on with its own;
//! so the bound is passed by one claim per agency at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The share of the pool that one agency may hold: one in so many.
const SHARE: usize = 4;

/// The pool all agencies share. Clones are the same pool.
#[derive(Debug, Clone)]
pub struct Pool {
    shared: Arc<Semaphore>,
    total: usize,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl Pool {
    /// A pool of `total` places beside each agency's own one, for at most `bytes_max` bytes of data.
    pub fn new(total: usize, bytes_max: usize) -> Self {
        Self { shared: Arc::new(Semaphore::new(total)), total, bytes: Arc::default(), bytes_max }
    }

    /// The places of one agency.
    pub fn agency(&self) -> Places {
        Places { pool: self.clone(), own: false, shared: Vec::new(), bytes: 0 }
    }

    /// Places that agencies share.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Of those, how many nobody holds.
    pub fn free(&self) -> usize {
        self.shared.available_permits()
    }

    /// Bytes of data in flight.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// The bytes from which on the pool gives no places.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// The most places one agency with an in-flight limit can hold.
    pub fn cap(&self, in_flight: usize) -> usize {
        in_flight.min((self.total / SHARE).max(1))
    }
}

/// The places that one agency holds. Dropping it returns them.
#[derive(Debug)]
pub struct Places {
    pool: Pool,
    own: bool,
    shared: Vec<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Drop for Places {
    fn drop(&mut self) {
        self.unload(self.bytes);
    }
}

impl Places {
    /// How many are held.
    pub fn held(&self) -> usize {
        usize::from(self.own) + self.shared.len()
    }

    /// Takes what can be had without waiting, up to the limit; returns how many were taken.
    pub fn take(&mut self, in_flight: usize) -> usize {
        let before = self.held();
        let cap = self.pool.cap(in_flight);
        if before < cap && !self.own {
            self.own = true;
        }
        while self.held() < cap && self.pool.bytes.load(Relaxed) < self.pool.bytes_max {
            let Ok(permit) = Arc::clone(&self.pool.shared).try_acquire_owned() else { break };
            self.shared.push(permit);
        }
        self.held() - before
    }

    /// Takes note of data that is in flight now.
    pub fn load(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.pool.bytes.fetch_add(bytes, Relaxed);
    }

    /// Takes note of data that is in flight no more.
    pub fn unload(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.pool.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Returns `count` places, the shared ones first.
    pub fn give_back(&mut self, count: usize) {
        let shared = count.min(self.shared.len());
        self.shared.truncate(self.shared.len() - shared);
        if count > shared {
            self.own = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_a_quarter_and_everybody_has_one() {
        let pool = Pool::new(8, 1);
        let mut greedy = [pool.agency(), pool.agency(), pool.agency(), pool.agency(), pool.agency(), pool.agency()];
        let taken: Vec<usize> = greedy.iter_mut().map(|places| places.take(100)).collect();
        assert_eq!(taken, [2, 2, 2, 2, 2, 2]);
        let pool = Pool::new(4, 1);
        let mut many: Vec<Places> = (0..9).map(|_| pool.agency()).collect();
        assert!(many.iter_mut().all(|places| places.take(16) == 1));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let pool = Pool::new(16, 1);
        let mut a = pool.agency();
        assert_eq!(a.take(3), 3);
        assert_eq!(a.take(3), 0);
        a.give_back(2);
        assert_eq!(a.held(), 1);
        assert_eq!(a.take(3), 2);
        a.give_back(3);
        assert_eq!(a.held(), 0);
        drop(a);
        assert_eq!(pool.shared.available_permits(), 16);
    }

    #[test]
    fn heavy_data_leaves_each_agency_its_own_place() {
        let pool = Pool::new(64, 1000);
        let (mut heavy, mut light) = (pool.agency(), pool.agency());
        assert_eq!(heavy.take(4), 4);
        heavy.load(1000);
        assert_eq!(light.take(4), 1);
        heavy.unload(1);
        assert_eq!(light.take(4), 3);
        light.load(1);
        drop(heavy);
        assert_eq!(pool.bytes.load(Relaxed), 1);
    }
}

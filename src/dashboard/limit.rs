//! How often somebody may try to sign in.
//!
//! Only failures count. So many in a while are let pass from one address, then none of its keys is looked at until some time has gone by.
//! So many are let pass from all together; then an address may fail only once, so that many guess slowly, and whoever fails from many
//! addresses keeps out nobody who comes from another with the right key. What is remembered of addresses is bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::time::At;

/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 4096;

/// From where on tries are refused.
#[derive(Debug, Clone, Copy)]
pub struct Tries {
    /// Failures of one address.
    pub per_address: usize,
    /// Failures of all together; from there on one address may fail once.
    pub in_all: usize,
    /// The time in which they are counted.
    pub within: Duration,
}

/// Counts failures. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Failures {
    tries: Tries,
    counted: Arc<Mutex<Counted>>,
}

#[derive(Debug, Default)]
struct Counted {
    all: Window,
    addresses: HashMap<IpAddr, Window>,
}

/// Failures since a time.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    since: At,
    failures: usize,
}

impl Window {
    /// What is left of it.
    fn at(self, now: At, within: Duration) -> Self {
        if self.failures > 0 && now.since(self.since) < within { self } else { Self { since: now, failures: 0 } }
    }
}

impl Failures {
    pub(super) fn new(tries: Tries) -> Self {
        Self { tries, counted: Arc::default() }
    }

    /// How long this address must wait before its next try is looked at; zero if it may try.
    pub(super) fn wait(&self, address: IpAddr, now: At) -> Duration {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counted.addresses.get(&network(address)).copied().unwrap_or_default();
        let wait = |window: Window, max: usize| {
            let window = window.at(now, self.tries.within);
            if window.failures < max {
                Duration::ZERO
            } else {
                self.tries.within.saturating_sub(now.since(window.since))
            }
        };
        let has_failed = own.at(now, self.tries.within).failures > 0;
        let all = if has_failed { wait(counted.all, self.tries.in_all) } else { Duration::ZERO };
        wait(own, self.tries.per_address).max(all)
    }

    /// A try failed.
    pub(super) fn failed(&self, address: IpAddr, now: At) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let within = self.tries.within;
        counted.all = counted.all.at(now, within);
        counted.all.failures += 1;
        if counted.addresses.len() >= ADDRESSES_MAX {
            counted.addresses.retain(|_, window| now.since(window.since) < within);
            if counted.addresses.len() >= ADDRESSES_MAX {
                // Whoever comes from so many addresses at once is forgiven what they failed; 256 bits are not guessed by it.
                counted.addresses.clear();
            }
        }
        let own = counted.addresses.entry(network(address)).or_default();
        *own = own.at(now, within);
        own.failures += 1;
    }
}

/// Whoever has one address of an IPv6 network has them all: a /64 counts as one.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIES: Tries = Tries { per_address: 3, in_all: 5, within: Duration::from_secs(60) };

    #[test]
    fn failures_of_one_address_do_not_hold_another() {
        let failures = Failures::new(TRIES);
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        for _ in 0..3 {
            assert_eq!(failures.wait(one, At(1_000)), Duration::ZERO);
            failures.failed(one, At(1_000));
        }
        assert_eq!(failures.wait(one, At(31_000)), Duration::from_secs(30));
        assert_eq!(failures.wait(two, At(31_000)), Duration::ZERO);
        assert_eq!(failures.wait(one, At(61_000)), Duration::ZERO);
    }

    #[test]
    fn failures_of_many_addresses_hold_whoever_fails_and_keep_out_nobody_else() {
        let failures = Failures::new(TRIES);
        for last in 1..=5_u8 {
            failures.failed(IpAddr::from([10, 0, 0, last]), At(0));
        }
        let ninth = IpAddr::from([10, 0, 0, 9]);
        assert_eq!(failures.wait(IpAddr::from([10, 0, 0, 1]), At(0)), Duration::from_secs(60));
        assert_eq!(failures.wait(ninth, At(0)), Duration::ZERO);
        failures.failed(ninth, At(0));
        assert_eq!(failures.wait(ninth, At(0)), Duration::from_secs(60), "once");
    }

    #[test]
    fn a_network_of_addresses_is_one() {
        let failures = Failures::new(TRIES);
        for last in 1..=3_u16 {
            failures.failed(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]), At(0));
        }
        assert!(failures.wait("2001:db8:0:1::99".parse().unwrap(), At(0)) > Duration::ZERO);
        assert_eq!(failures.wait("2001:db8:0:2::1".parse().unwrap(), At(0)), Duration::ZERO);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::new(Tries { in_all: usize::MAX, ..TRIES });
        for n in 0..10_000_u32 {
            failures.failed(IpAddr::from(n.to_be_bytes()), At(0));
        }
        assert!(failures.counted.lock().unwrap().addresses.len() <= ADDRESSES_MAX);
    }
}

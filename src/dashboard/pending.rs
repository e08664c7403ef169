//! Sign-ins that are under way at the identity provider.
//!
//! P1: an answer counts once, within a while, and only in the browser that began: it must bring the state in its address and the
//! cookie that goes with it. Of both only the SHA-256 is kept. P2: they are bounded, for each address and in all; the newest push out
//! the oldest, so that whoever begins many disturbs those who took long, not those who are about to begin. Nothing here reads the
//! clock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time;

use super::limit::network;
use super::session::{Place, SessionFault, place, random};
use crate::identity::Opening;
use crate::model::time::At;

/// How long somebody may take at the provider.
pub(super) const LASTS: Duration = Duration::from_secs(600);
/// Sign-ins of one address; behind one there may be a whole ministry.
const PER_ADDRESS_MAX: usize = 128;
/// Sign-ins in all.
const IN_ALL_MAX: usize = 4096;

/// One that is under way.
#[derive(Debug, Clone)]
pub(super) struct UnderWay {
    pub(super) opening: Opening,
    /// Where to go on to.
    pub(super) next: String,
    browser: Place,
    address: IpAddr,
    begun: At,
    /// The how manyeth.
    number: u64,
}

/// Those that are under way. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(Arc<Mutex<Ways>>);

#[derive(Debug, Default)]
struct Ways {
    begun: u64,
    under_way: HashMap<Place, UnderWay>,
}

impl Ways {
    fn remove_oldest(&mut self, of: impl Fn(&UnderWay) -> bool) {
        let oldest = self.under_way.iter().filter(|(_, way)| of(way)).min_by_key(|(_, way)| way.number);
        if let Some(place) = oldest.map(|(place, _)| *place) {
            self.under_way.remove(&place);
        }
    }
}

impl Pending {
    /// Remembers one; returns what the browser must bring back as its cookie.
    pub(super) fn begin(
        &self,
        state: &str,
        opening: Opening,
        next: String,
        address: IpAddr,
        now: At,
    ) -> Result<String, SessionFault> {
        let (cookie, address) = (random()?, network(address));
        let mut ways = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ways.under_way.retain(|_, way| now.since(way.begun) < LASTS);
        // Keeps P2.
        if ways.under_way.values().filter(|way| way.address == address).count() >= PER_ADDRESS_MAX {
            ways.remove_oldest(|way| way.address == address);
        }
        if ways.under_way.len() >= IN_ALL_MAX {
            ways.remove_oldest(|_| true);
        }
        ways.begun += 1;
        let number = ways.begun;
        let way = UnderWay { opening, next, browser: place(&cookie), address, begun: now, number };
        ways.under_way.insert(place(state), way);
        Ok(cookie)
    }

    /// The one that an answer belongs to. It is gone then (P1); an answer without its cookie takes nothing away.
    pub(super) fn take(&self, state: &str, cookie: &str, now: At) -> Option<UnderWay> {
        let mut ways = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways.under_way.get(&place(state))?;
        constant_time::verify_slices_are_equal(&way.browser, &place(cookie)).ok()?;
        ways.under_way.remove(&place(state)).filter(|way| now.since(way.begun) < LASTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn begin(pending: &Pending, state: &str, address: IpAddr, now: At) -> String {
        pending.begin(state, Opening::of_a_test(), "/dashboard".to_owned(), address, now).unwrap()
    }

    #[test]
    fn an_answer_counts_once_in_time_and_in_its_browser() {
        let pending = Pending::default();
        let cookie = begin(&pending, "one", HOME, At(0));
        let other = begin(&pending, "two", HOME, At(0));
        assert_ne!(cookie, other);
        for (state, wrong) in [("one", other.as_str()), ("one", ""), ("three", cookie.as_str()), ("", &cookie)] {
            assert!(pending.take(state, wrong, At(1)).is_none(), "{state}");
        }
        assert_eq!(pending.take("one", &cookie, At(1)).unwrap().next, "/dashboard");
        assert!(pending.take("one", &cookie, At(1)).is_none(), "twice");
        assert!(pending.take("two", &other, At(600_000)).is_none(), "too late");
        assert!(!format!("{pending:?}").contains(&cookie));
    }

    #[test]
    fn who_begins_many_disturbs_the_oldest() {
        let pending = Pending::default();
        let first = begin(&pending, "first", HOME, At(0));
        let guest = begin(&pending, "guest", IpAddr::from([10, 0, 0, 2]), At(0));
        for n in 0..PER_ADDRESS_MAX {
            begin(&pending, &format!("{n}"), HOME, At(1));
        }
        assert!(pending.take("first", &first, At(2)).is_none());
        assert!(pending.take("guest", &guest, At(2)).is_some(), "another address is not disturbed");
        for n in 0..2 * IN_ALL_MAX {
            let address = IpAddr::from([10, 1, (n / 256) as u8, n as u8]);
            begin(&pending, &format!("flood {n}"), address, At(3));
        }
        let newest = begin(&pending, "newest", HOME, At(3));
        assert_eq!(pending.0.lock().unwrap().under_way.len(), IN_ALL_MAX);
        assert!(pending.take("newest", &newest, At(4)).is_some());
    }
}

//! How each agency goes: what comes and goes a minute, how much of it arrives, how long it takes, and the line of its last hour.
//!
//! Figures are those of whole minutes that were written down, so that one look at the ledger serves everybody for a minute.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::state::Dashboard;
use crate::ledger::{Beat, Ends, LedgerError, Pulse};
use crate::model::id::AgencyId;
use crate::model::time::At;

/// Minutes over which what comes and goes is averaged.
const LATELY: usize = 5;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// How soon it is looked again for the minute that has just passed, where it is not yet written.
const AGAIN: Duration = Duration::from_secs(5);

/// How one agency goes, or all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Vitals {
    /// Deliveries that came, a minute.
    pub(super) came: f64,
    /// Deliveries that arrived, a minute.
    pub(super) went: f64,
    /// How those ended that ended in the last hour.
    pub(super) ends: Ends,
    /// Deliveries that arrived in each of the last 60 minutes.
    pub(super) hour: Vec<u64>,
}

impl Vitals {
    /// Adds another agency's.
    pub(super) fn merge(&mut self, more: &Self) {
        self.came += more.came;
        self.went += more.went;
        self.ends.merge(&more.ends);
        self.hour.resize(self.hour.len().max(more.hour.len()), 0);
        self.hour.iter_mut().zip(&more.hour).for_each(|(sum, n)| *sum += n);
    }

    /// Of those that ended in the last hour, which part arrived.
    pub(super) fn success(&self) -> Option<f64> {
        self.ends.success_share()
    }

    /// From acceptance to delivered: 95 of 100 took no longer in the last hour.
    pub(super) fn p95(&self) -> Option<Duration> {
        self.ends.delivery_ms.percentile(95).map(Duration::from_millis)
    }
}

/// Every agency that had something to say in the last hour.
#[derive(Debug, Default)]
pub(super) struct Look {
    taken_at: At,
    /// Whether it knows the minute before it was taken.
    whole: bool,
    agencies: HashMap<AgencyId, Vitals>,
}

impl Look {
    fn new(taken_at: At, Pulse { watched, agencies, mut ends, .. }: Pulse) -> Self {
        let vitals = |(id, beats): (AgencyId, Vec<Beat>)| {
            let (came, went) = lately(&watched, &beats);
            let hour = beats.iter().map(|beat| beat.delivered).collect();
            let ends = ends.remove(&id).unwrap_or_default();
            (id, Vitals { came, went, ends, hour })
        };
        let agencies = agencies.into_iter().map(vitals).collect();
        Self { taken_at, whole: watched.last().copied().unwrap_or(false), agencies }
    }

    /// One agency; nothing where it had nothing to say.
    pub(super) fn of(&self, agency: &AgencyId) -> Option<&Vitals> {
        self.agencies.get(agency)
    }

    /// Whether another look would show the same.
    fn holds(&self, now: At) -> bool {
        let minute = |at: At| at.0.div_euclid(MINUTE_MS);
        minute(self.taken_at) == minute(now) && now >= self.taken_at && (self.whole || now.since(self.taken_at) < AGAIN)
    }
}

/// The look of this minute, shared by all who ask in it.
pub(super) async fn look(dashboard: &Dashboard, now: At) -> Result<Arc<Look>, LedgerError> {
    let mut last = dashboard.inner().vitals.lock().await;
    if let Some(look) = last.as_ref().filter(|look| look.holds(now)) {
        return Ok(Arc::clone(look));
    }
    let look = Arc::new(Look::new(now, dashboard.ledger.pulse(now).await?));
    *last = Some(Arc::clone(&look));
    Ok(look)
}

/// What came and went a minute, over the last minutes that were watched.
fn lately(watched: &[bool], beats: &[Beat]) -> (f64, f64) {
    let minutes = watched.iter().zip(beats).rev().filter(|(watched, _)| **watched).take(LATELY);
    let (count, came, went) = minutes
        .fold((0_u32, 0, 0), |(count, came, went), (_, beat)| (count + 1, came + beat.came, went + beat.delivered));
    let a_minute = |n: u64| if count == 0 { 0.0 } else { n as f64 / f64::from(count) };
    (a_minute(came), a_minute(went))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_that_nobody_watched_do_not_count() {
        let beats: Vec<Beat> = [(100, 100), (5, 0), (7, 6), (0, 0), (9, 9), (3, 3), (6, 2)]
            .map(|(came, delivered)| Beat { came, delivered, ..Beat::default() })
            .into();
        let watched = [true, true, true, false, true, true, true];
        assert_eq!(lately(&watched, &beats), (6.0, 4.0));
        assert_eq!(lately(&[false; 7], &beats), (0.0, 0.0));
        assert_eq!(lately(&watched[..1], &beats[..1]), (100.0, 100.0));
    }

    #[test]
    fn a_look_serves_its_minute_once_the_minute_before_is_known() {
        let at = |ms: i64| At(60_000 * 10 + ms);
        let pulse = |known| Pulse { watched: vec![true, known], ..Pulse::default() };
        let whole = Look::new(at(100), pulse(true));
        assert!(whole.holds(at(59_999)) && !whole.holds(at(60_000)) && !whole.holds(at(0)));
        let early = Look::new(at(100), pulse(false));
        assert!(early.holds(at(5_000)) && !early.holds(at(5_100)));
    }

    #[test]
    fn all_together_is_the_sum_of_each() {
        let mut one = Vitals { came: 1.0, went: 0.5, hour: vec![1, 2], ..Vitals::default() };
        one.ends = Ends { delivered: 3, otherwise: 1, ..Ends::default() };
        let mut all = Vitals::default();
        assert_eq!((all.success(), all.p95()), (None, None));
        all.merge(&one);
        all.merge(&one);
        assert_eq!((all.came, all.went, all.hour.as_slice()), (2.0, 1.0, &[2, 4][..]));
        assert_eq!(all.success(), Some(0.75));
    }
}

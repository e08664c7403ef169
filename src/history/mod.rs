//! The historian: looks at the bus once a minute and writes down what happened to each agency.
//!
//! It reads what others count (the ledger's movements and tallies, the figures of the telemetry, the board) and asks nobody to wait.
//! M1: each minute is one commit, and a minute that cannot be written is kept and written with the next, up to a bound. M2: a look
//! that comes too late to say of which minute it speaks is dropped: the minute is a gap, never a guess. M3: what cannot be known of
//! a minute (a queue's length between two looks) is not made up: it is what was seen at the look.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::dispatch::Board;
use crate::ledger::{Activity, Cut, Ledger, LedgerError, Movement, Tally};
use crate::model::id::AgencyId;
use crate::model::time::At;
use crate::telemetry::figures::{Counted, Figures};

/// The length of a minute in milliseconds.
const MINUTE_MS: i64 = 60_000;
/// How late a look may come and still speak of the minute before it.
const LATE_MAX: Duration = Duration::from_secs(30);
/// Minutes that wait for the ledger at the most.
const UNWRITTEN_MAX: usize = 60;

/// The historian.
#[derive(Debug)]
pub struct Historian {
    ledger: Ledger,
    figures: Figures,
    board: Board,
    clock: Clock,
    /// When it last looked, and what had moved and been open by then.
    looked_at: At,
    moved: HashMap<AgencyId, Movement>,
    open: HashMap<AgencyId, Duration>,
    unwritten: VecDeque<Cut>,
}

impl Historian {
    /// A historian who begins to watch now.
    pub fn new(ledger: Ledger, figures: Figures, board: Board, clock: Clock) -> Self {
        let looked_at = clock.now();
        let moved = ledger.movements().into_iter().collect();
        Self { ledger, figures, board, clock, looked_at, moved, open: HashMap::new(), unwritten: VecDeque::new() }
    }

    /// Looks at the end of each minute until the stop, and once more then.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let next = At((self.looked_at.0.div_euclid(MINUTE_MS) + 1) * MINUTE_MS);
            tokio::select! {
                () = stop.cancelled() => {
                    self.turn().await;
                    return;
                }
                () = self.clock.sleep_until(next) => self.turn().await,
            }
        }
    }

    /// Looks once, and writes what is known.
    pub async fn turn(&mut self) {
        match self.look().await {
            Ok(cut) => self.unwritten.extend(cut),
            Err(LedgerError::Closed) => return,
            Err(cause) => warn!(error = &cause as &dyn std::error::Error, "cannot look; the history has a gap"),
        }
        while self.unwritten.len() > UNWRITTEN_MAX {
            self.unwritten.pop_front();
            warn!("a minute of the history could not be written");
        }
        if self.unwritten.is_empty() {
            return;
        }
        match self.ledger.record_history(self.unwritten.iter().cloned().collect()).await {
            Ok(()) => self.unwritten.clear(),
            Err(LedgerError::Closed) => {}
            Err(cause) => debug!(error = &cause as &dyn std::error::Error, "the history is written later"),
        }
    }

    /// What happened since the last look; `None` where nobody can say of which minute.
    async fn look(&mut self) -> Result<Option<Cut>, LedgerError> {
        let now = self.clock.now();
        let minute = At(self.looked_at.0.div_euclid(MINUTE_MS) * MINUTE_MS);
        let end = At(minute.0 + MINUTE_MS);
        let seconds = now.since(self.looked_at).as_millis().div_ceil(1000);
        let went_back = now < self.looked_at;
        self.looked_at = now;
        // Taken whether it is used or not: what is dropped must not turn up in the next minute.
        let mut agencies = self.gather(now);
        if went_back || now.since(end) > LATE_MAX {
            warn!(%minute, "looked too late to say what happened when; the history has a gap");
            return Ok(None);
        }
        self.queues(&mut agencies, now).await?;
        agencies.retain(|_, activity| !activity.is_nothing());
        let mut bus = Activity::default();
        let (mut waiting, mut in_flight) = (0, 0);
        for activity in agencies.values() {
            bus.merge(activity);
            waiting += activity.waiting;
            in_flight += activity.in_flight;
        }
        (bus.waiting, bus.in_flight) = (waiting, in_flight);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        Ok((seconds > 0).then(|| Cut { minute, seconds, bus, agencies: agencies.into_iter().collect() }))
    }

    /// What has moved, been tried and been open since the last look.
    fn gather(&mut self, now: At) -> BTreeMap<AgencyId, Activity> {
        let mut agencies: BTreeMap<AgencyId, Activity> = BTreeMap::new();
        for (agency, movement) in self.ledger.movements() {
            let before = self.moved.insert(agency.clone(), movement).unwrap_or_default();
            agencies.entry(agency).or_default().movement = movement.since(&before);
        }
        for (agency, Counted { attempts, attempt_ms, delivery_ms }) in self.figures.take() {
            let activity = agencies.entry(agency).or_default();
            (activity.attempts, activity.attempt_ms, activity.delivery_ms) = (attempts, attempt_ms, delivery_ms);
        }
        let open: HashMap<_, _> = self.board.open_times(now).into_iter().collect();
        for (agency, time) in &open {
            // In whole seconds of the sum, so that no part of one is lost between two looks.
            let before = self.open.get(agency).map_or(0, Duration::as_secs);
            let seconds = time.as_secs().saturating_sub(before);
            if seconds > 0 {
                agencies.entry(agency.clone()).or_default().open_seconds = seconds;
            }
        }
        self.open = open;
        agencies
    }

    /// How the queues stand.
    async fn queues(&self, agencies: &mut BTreeMap<AgencyId, Activity>, now: At) -> Result<(), LedgerError> {
        let mut queued = Vec::new();
        for (agency, Tally { pending, retry, parked, behind, leased, .. }) in self.ledger.tallies() {
            let unfinished = pending + retry + parked + behind + leased;
            if unfinished == 0 {
                continue;
            }
            let activity = agencies.entry(agency.clone()).or_default();
            activity.in_flight = (self.board.read(&agency).in_flight as u64).min(unfinished);
            activity.waiting = unfinished - activity.in_flight;
            queued.push(agency);
        }
        for (agency, at) in self.ledger.oldest_of(queued).await? {
            agencies.entry(agency).or_default().oldest_seconds = now.since(at).as_secs();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

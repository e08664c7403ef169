//! The janitor: ends what expired, closes what was never reported, and forgets what is past its retention: completed envelopes and
//! old events.
//!
//! J1: every sweep is bounded and lets others have the ledger in between. J2: nothing that is open is ever forgotten. J3: identity
//! is kept as long as its envelope is, so a repeat is recognised until the envelope itself is forgotten. J4: what is counted by
//! service outlives what was counted.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError};
use crate::model::id::Seq;
use crate::model::time::At;
use crate::wake::Wake;

/// How long what happened to agencies is kept.
pub const KEEP_EVENTS: Duration = Duration::from_secs(90 * 86_400);
/// The rest between two batches of one sweep.
const REST: Duration = Duration::from_millis(20);

/// How long the minutes of the history are kept, and how long its hours.
const KEEP_MINUTES: Duration = Duration::from_secs(48 * 3600);
const KEEP_HOURS: Duration = Duration::from_secs(35 * 86_400);

/// When the janitor comes, and what is old.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Time between two rounds.
    pub every: Duration,
    /// Envelopes one sweep may touch in one commit.
    pub batch: usize,
    /// Completed envelopes are kept this long, their identity with them.
    pub keep_completed: Duration,
    /// An agency that took a delivery reports its outcome within this time.
    pub outcome_deadline: Duration,
    /// What happened to agencies is kept this long, and of each agency no more than the ledger keeps.
    pub keep_events: Duration,
}

/// The janitor.
#[derive(Debug, Clone)]
pub struct Janitor {
    /// Where it sweeps.
    pub ledger: Ledger,
    /// Whom it tells.
    pub wake: Wake,
    /// What time it is.
    pub clock: Clock,
    /// When it comes.
    pub rounds: Rounds,
}

impl Janitor {
    /// Makes its rounds until the stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            match self.round(&stop).await {
                Ok(()) | Err(LedgerError::Closed) => {}
                Err(cause) => warn!(error = &cause as &dyn std::error::Error, "a sweep failed; it is tried again"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep(self.rounds.every) => {}
            }
        }
    }

    /// One round of all sweeps.
    pub async fn round(&self, stop: &CancellationToken) -> Result<(), LedgerError> {
        let now = self.clock.now();
        while !stop.is_cancelled() {
            let touched = self.ledger.expire(now, self.rounds.batch).await?;
            if self.announce(&touched) {
                break;
            }
        }
        while !stop.is_cancelled() {
            let touched =
                self.ledger.close_overdue(minus(now, self.rounds.outcome_deadline), now, self.rounds.batch).await?;
            if self.announce(&touched) {
                break;
            }
        }
        let mut forgotten = 0;
        while !stop.is_cancelled() {
            let count = self.ledger.sweep(minus(now, self.rounds.keep_completed), self.rounds.batch).await?;
            forgotten += count;
            if count < self.rounds.batch {
                break;
            }
            tokio::time::sleep(REST).await;
        }
        while !stop.is_cancelled() {
            let swept = self.ledger.sweep_events(minus(now, self.rounds.keep_events), self.rounds.batch).await?;
            if swept < self.rounds.batch {
                break;
            }
            tokio::time::sleep(REST).await;
        }
        if forgotten > 0 {
            info!(envelopes = forgotten, "forgot completed envelopes past their retention");
        }
        while !stop.is_cancelled() {
            let gone =
                self.ledger.sweep_history(minus(now, KEEP_MINUTES), minus(now, KEEP_HOURS), self.rounds.batch).await?;
            if gone < self.rounds.batch {
                break;
            }
            tokio::time::sleep(REST).await;
        }
        Ok(())
    }

    /// Rings for the envelopes touched; returns whether the sweep is through.
    fn announce(&self, touched: &[Seq]) -> bool {
        self.wake.changed(touched.iter().copied());
        touched.len() < self.rounds.batch
    }
}

fn minus(at: At, duration: Duration) -> At {
    At(at.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}

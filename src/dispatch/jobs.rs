//! The jobs: redrives and replays that persons asked for, worked off a bounded step at a time.
//!
//! B1: what a job has made is durable; a restart goes on where it stood. B2: jobs take turns, and let others have the ledger
//! between two rounds. B3: a job that cannot be worked holds up no other.
//!
//! Nothing here decides what may be redriven, or how many a second: the ledger does, in the commit that makes each delivery.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::ledger::{Job, JobState, Ledger, LedgerError};
use crate::wake::Wake;

/// Jobs that are worked on in turn; the others wait for these.
const JOBS_MAX: usize = 64;
/// Deliveries made in one step at most.
const STEP_MAX: usize = 256;
/// The rest between two rounds, as long as there is something to make.
const REST: Duration = Duration::from_millis(20);
/// The rest after a round in which nothing was made.
const IDLE: Duration = Duration::from_millis(250);

/// Works the jobs.
#[derive(Debug)]
pub struct Jobs {
    ledger: Ledger,
    wake: Wake,
    clock: Clock,
}

impl Jobs {
    /// Nothing known yet: what there is to do stands in the ledger.
    pub fn new(ledger: Ledger, wake: Wake, clock: Clock) -> Self {
        Self { ledger, wake, clock }
    }

    /// Works until the stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let rest = match self.round().await {
                Ok(0) | Err(LedgerError::Closed) => IDLE,
                Ok(_) => REST,
                Err(cause) => {
                    warn!(
                        error = &cause as &dyn std::error::Error,
                        "the jobs cannot be read; they are asked for again"
                    );
                    IDLE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// One step of every running job (B2); returns how many deliveries were made.
    ///
    /// # Errors
    /// The ledger does not say what is running.
    pub async fn round(&self) -> Result<u64, LedgerError> {
        let mut made = 0;
        for job in self.ledger.jobs(true, JOBS_MAX).await? {
            match self.step(&job).await {
                Ok(more) => made += more,
                // Keeps B3.
                Err(cause) => {
                    warn!(job = %job.id, error = &cause as &dyn std::error::Error, "a step failed; it is tried again");
                }
            }
        }
        Ok(made)
    }

    async fn step(&self, before: &Job) -> Result<u64, LedgerError> {
        let Some(job) = self.ledger.work_job(before.id, STEP_MAX, self.clock.now()).await? else { return Ok(0) };
        let made = job.made.saturating_sub(before.made);
        let is_through = job.state == JobState::Done;
        if made > 0 || is_through {
            // Also what waited for a replay may go on now.
            self.wake.ring([&job.agency]);
        }
        if is_through {
            info!(job = %job.id, agency = %job.agency, made = job.made, held_back = job.held_back.len(), "a job is through");
        }
        Ok(made)
    }
}

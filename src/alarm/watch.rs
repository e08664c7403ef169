//! The watch: looks, judges and tells, again and again.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::condition::{Alarm, Limits};
use super::judge::Judge;
use super::look::Snapshot;
use super::post::Outbox;
use crate::amqp;
use crate::catalog::Current;
use crate::catalog::reload::Reloads;
use crate::clock::Clock;
use crate::dispatch::Board;
use crate::ledger::{Ledger, LedgerError};
use crate::telemetry::Metrics;

/// The watch over the bus.
#[derive(Debug)]
pub struct Watch {
    /// Queues, disk and store.
    pub ledger: Ledger,
    /// The deployment in force.
    pub catalog: Current,
    /// Who is held.
    pub board: Board,
    /// Whether a deployment was refused.
    pub reloads: Reloads,
    /// The time.
    pub clock: Clock,
    /// Where alarms show as figures.
    pub metrics: Metrics,
    /// From where on something is an alarm.
    pub limits: Limits,
    /// How the broker stands, where there is one.
    pub broker: Option<amqp::View>,
    /// Where notices go, if anywhere.
    pub outbox: Option<Outbox>,
}

impl Watch {
    /// Looks every so often until the stop; first after that time, when the owners of a started bus have found their feet.
    pub async fn run(self, stop: CancellationToken) {
        let mut judge = Judge::new(self.limits.clone());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep(self.limits.every) => {}
            }
            match self.turn(&mut judge).await {
                Ok(()) | Err(LedgerError::Closed) => {}
                Err(cause) => warn!(error = &cause as &dyn std::error::Error, "cannot look for alarms; it looks again"),
            }
        }
    }

    /// Looks once.
    pub async fn turn(&self, judge: &mut Judge) -> Result<(), LedgerError> {
        let health = self.ledger.health();
        let refused = self.reloads.state().refused.map_or(0, |problems| problems.len());
        let disk = (health.disk_free_bytes, health.refusing.is_some());
        let catalog = self.catalog.load_full();
        let mut look = Snapshot::take(&self.ledger, &catalog, &self.board, disk, refused, self.clock.now()).await?;
        look.broker_down = self.broker.as_ref().map_or(Duration::ZERO, amqp::View::wrong_for);
        let alarms = judge.judge(&look);
        let standing = judge.standing(&look).map(|(agency, condition, raised)| (agency, condition.as_str(), raised));
        self.metrics.alarms(standing);
        for alarm in alarms {
            self.tell(alarm);
        }
        Ok(())
    }

    fn tell(&self, alarm: Alarm) {
        let Alarm { agency, condition, value, limit, .. } = &alarm;
        let (agency, condition) = (agency.as_ref().map(tracing::field::display), condition.as_str());
        let text = alarm.text().en;
        if alarm.raised {
            warn!(agency, condition, value, limit, text, "alarm raised");
        } else {
            info!(agency, condition, value, limit, text, "alarm cleared");
        }
        if let Some(outbox) = &self.outbox {
            outbox.put(alarm);
        }
    }
}

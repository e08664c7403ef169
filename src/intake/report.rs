//! What an agency reports about a delivery after it got it, whatever the report came by.

use super::accept::Intake;
use crate::ledger::{LedgerError, Reported};
use crate::model::delivery::{DeliveryView, Finished, Standing};
use crate::model::id::{AgencyId, DeliveryId};
use crate::model::outcome::{BusinessOutcome, Report};

/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 1000;
/// Characters of a reference.
pub const REFERENCE_CHARS_MAX: usize = 200;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The delivery's id, or its `webhook-id`.
    pub delivery: DeliveryId,
    /// What the agency did; `None`: it asks for another try.
    pub outcome: Option<BusinessOutcome>,
    /// Why.
    pub reason: Option<String>,
    /// Its own file or case number.
    pub reference: Option<String>,
}

/// A report that was taken, with the delivery as it now stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It is recorded.
    Recorded(DeliveryView),
    /// It had been recorded before.
    Repeat(DeliveryView),
    /// The delivery is on its way: the report settles it when its answer comes.
    Noted(DeliveryView),
}

/// Why a report was not taken. Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// The agency has no such delivery.
    #[error("the agency has no such delivery")]
    NotFound,
    /// Only what is leased can be given back.
    #[error("the delivery cannot be given back for another try")]
    NoRetry {
        /// Whether it is delivered already.
        delivered: bool,
    },
    /// It is handed out under a lease, and is reported on under that alone.
    #[error("the delivery is leased")]
    Leased,
    /// Another final outcome was recorded before.
    #[error("the final outcome {0:?} was recorded before")]
    Final(BusinessOutcome),
    /// Its state takes no report.
    #[error("the delivery takes no report in its state")]
    State,
    /// The ledger does not take it now.
    #[error("the ledger does not record")]
    Unavailable(#[from] LedgerError),
}

/// Whether a text of an agency is no longer than it may be, and has no characters that steer a terminal.
pub fn fits(text: Option<&str>, chars_max: usize) -> bool {
    text.is_none_or(|text| text.chars().count() <= chars_max && !text.chars().any(is_unwelcome))
}

/// Whether a character has no place in a text of a person.
pub fn is_unwelcome(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

impl Intake {
    /// Takes a report of an agency about one of its own deliveries; any other is as if it were not there.
    pub async fn report(&self, agency: &AgencyId, told: Told) -> Result<Heard, Unheard> {
        let found = self.ledger.delivery(told.delivery).await?;
        let (delivery, envelope) = found.filter(|(d, _)| d.key.agency == *agency).ok_or(Unheard::NotFound)?;
        let Some(outcome) = told.outcome else {
            let delivered = matches!(delivery.standing, Standing::Finished { state: Finished::Delivered, .. });
            return Err(Unheard::NoRetry { delivered });
        };
        let report = Report { outcome: Some(outcome), reason: told.reason, reference: told.reference };
        let reported = self.ledger.report(delivery.id, outcome, report, agency.as_str(), self.clock.now()).await?;
        match reported.ok_or(Unheard::NotFound)? {
            Reported::Recorded(delivery) => {
                self.wake.changed([envelope.seq]);
                // The report may have freed a lane.
                self.wake.ring([agency]);
                Ok(Heard::Recorded(delivery))
            }
            Reported::Repeat(delivery) => Ok(Heard::Repeat(delivery)),
            Reported::Noted => Ok(Heard::Noted(delivery)),
            Reported::Conflict(delivery) => Err(contradiction(&delivery)),
        }
    }
}

fn contradiction(delivery: &DeliveryView) -> Unheard {
    if matches!(delivery.standing, Standing::Leased { .. }) {
        return Unheard::Leased;
    }
    delivery.report.outcome.filter(|outcome| outcome.is_final()).map_or(Unheard::State, Unheard::Final)
}

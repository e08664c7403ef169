//! `falaj.dead`: what an agency rejected in its queue, or was offered too often, on its way back to the ledger.

use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use super::reader::{Begun, Verdict};
use super::start::Door;
use crate::amqp::figures::Consumed;
use crate::amqp::{Incoming, names};
use crate::ledger::Bounced;
use crate::model::id::DeliveryId;

/// A broker may bring back what the ledger has not stored as sent yet: how long it is asked again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often.
const ASK_AGAIN: Duration = Duration::from_millis(100);

impl Door {
    /// Reads what came back, and says what is to be done with it.
    pub(super) fn begin_return(self: &Arc<Self>, message: Incoming) -> Begun {
        let door = Arc::clone(self);
        let own = self.user.as_deref().is_none_or(|own| message.user() == Some(own));
        let delivery = message.header(names::DELIVERY).and_then(DeliveryId::parse).filter(|_| own);
        let why = message.death().map_or("unknown", |death| death.reason);
        let work = async move {
            match delivery {
                Some(delivery) => door.take_back(delivery, why).await,
                None => {
                    error!("a message came back that Falaj never sent; it is rejected");
                    Verdict::Quarantine
                }
            }
        };
        Begun { key: delivery.map(|id| id.uuid().as_u64_pair().1), work: Box::pin(work) }
    }

    async fn take_back(&self, id: DeliveryId, why: &'static str) -> Verdict {
        let begun = tokio::time::Instant::now();
        loop {
            let bounced = match self.ledger.bounce(id, why, self.clock.now()).await {
                Ok(bounced) => bounced,
                Err(_) => return Verdict::Later,
            };
            match bounced {
                Some(Bounced::Recorded(view)) => {
                    warn!(agency = %view.key.agency, delivery = %id, why, "a delivery came back from its agency's queue");
                    self.wake.changed([view.key.seq]);
                    // It may have freed a lane.
                    self.wake.ring([&view.key.agency]);
                    return Verdict::Done(Consumed::Taken);
                }
                Some(Bounced::Repeat(_)) => return Verdict::Done(Consumed::Repeated),
                Some(Bounced::Stale(view)) => {
                    info!(agency = %view.key.agency, delivery = %id, why, "what came back says nothing new");
                    return Verdict::Done(Consumed::Repeated);
                }
                Some(Bounced::InFlight) if begun.elapsed() < PATIENCE => tokio::time::sleep(ASK_AGAIN).await,
                Some(Bounced::InFlight) => return Verdict::Later,
                None => {
                    warn!(delivery = %id, why, "a delivery came back of which nothing is kept any more");
                    return Verdict::Done(Consumed::Repeated);
                }
            }
        }
    }
}

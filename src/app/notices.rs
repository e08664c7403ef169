//! Who is told what happens to its envelopes: the ledger's question, answered by the deployment in force.

use std::sync::Arc;

use crate::catalog::Current;
use crate::ledger::{Listeners, Notices, Recipient};
use crate::model::envelope::Envelope;
use crate::model::id::{AgencyId, EventType};
use crate::telemetry::Metrics;
use crate::wake::Wake;

/// Joins the deployment, the bells and the counters.
struct Subscribers {
    catalog: Current,
    wake: Wake,
    metrics: Metrics,
}

/// How notices are written under `source`.
pub(super) fn notices(source: &str, catalog: &Current, wake: &Wake, metrics: &Metrics) -> Notices {
    let subscribers = Subscribers { catalog: Arc::clone(catalog), wake: wake.clone(), metrics: metrics.clone() };
    Notices { source: source.to_owned(), listeners: Arc::new(subscribers) }
}

impl Listeners for Subscribers {
    fn any(&self) -> bool {
        self.catalog.load().has_listeners()
    }

    fn listens(&self, sender: &AgencyId) -> bool {
        self.catalog.load().listens(sender)
    }

    fn recipient(&self, notice: &Envelope, sender: &AgencyId) -> Option<Recipient> {
        let catalog = self.catalog.load();
        let found = catalog.recipient(notice, sender)?;
        if found.undecided {
            self.metrics.undecided(sender);
        }
        let ordered = found.subscription.ordered && notice.attributes.order_key().is_some();
        Some(Recipient { agency: sender.clone(), ordered, undecided: found.undecided })
    }

    fn written(&self, ty: &EventType, recipients: &[AgencyId]) {
        self.metrics.written(ty);
        self.wake.ring(recipients);
    }
}

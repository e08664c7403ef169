//! Acceptance: rights, schema, recipients, one commit, a bell.

use std::sync::Arc;
use std::time::Instant;

use super::refusal::Refusal;
use crate::catalog::{Catalog, Current};
use crate::clock::Clock;
use crate::ledger::{Acceptance, Ledger, NewEnvelope, Recipient};
use crate::model::cloudevents::EventFault;
use crate::model::delivery::EnvelopeView;
use crate::model::envelope::{Digest, Envelope};
use crate::model::id::{AgencyId, Slot};
use crate::schema::Schema;
use crate::telemetry::{AgencyLabel, Metrics, Name, ReasonLabel, TypeLabel, TypeName, Word};
use crate::wake::Wake;

/// The one way in. Clones share everything.
#[derive(Debug, Clone)]
pub struct Intake {
    pub(super) catalog: Current,
    pub(super) ledger: Ledger,
    wake: Wake,
    clock: Clock,
    metrics: Metrics,
}

/// Who hands an envelope in, as the door it came by has authenticated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The agency.
    pub agency: AgencyId,
}

/// An envelope that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The envelope as it was at acceptance: the receipt.
    pub view: EnvelopeView,
    /// Whether it had been accepted before.
    pub repeat: bool,
}

/// A schema said no; before the sender hears it, the ledger is asked whether the envelope is an old one (I2).
struct Doubt {
    envelope: Envelope,
    digest: Digest,
    refusal: Refusal,
}

impl Intake {
    /// Puts the way in together.
    pub fn new(catalog: Current, ledger: Ledger, wake: Wake, clock: Clock, metrics: Metrics) -> Self {
        Self { catalog, ledger, wake, clock, metrics }
    }

    /// Accepts an envelope, or says why not. Nothing is awaited before the ledger has it in its queue (I3).
    pub async fn accept(&self, envelope: Result<Envelope, EventFault>, sender: &Sender) -> Result<Accepted, Refusal> {
        let begun = Instant::now();
        let answer = self.take(envelope, sender).await;
        match &answer {
            Ok(Accepted { view, repeat: false }) => {
                let label = TypeLabel { r#type: TypeName(view.ty.clone()) };
                self.metrics.accepted.get_or_create(&label).inc();
                if view.deliveries.is_empty() {
                    self.metrics.without_recipients.get_or_create(&label).inc();
                }
                self.metrics.accept_seconds.observe(begun.elapsed().as_secs_f64());
            }
            Ok(Accepted { repeat: true, .. }) => {}
            Err(refusal) => self.refused(refusal.reason()),
        }
        answer
    }

    /// Counts a refusal, also one that was spoken at the door before there was an envelope.
    pub fn refused(&self, reason: &'static str) {
        self.metrics.refused.get_or_create(&ReasonLabel { reason: Word(reason) }).inc();
    }

    async fn take(&self, envelope: Result<Envelope, EventFault>, sender: &Sender) -> Result<Accepted, Refusal> {
        let prepared = {
            let catalog = self.catalog.load();
            let envelope = envelope?;
            may_send(&catalog, &envelope, &sender.agency)?;
            self.prepare(&catalog, envelope, sender)?
        };
        let new = match prepared {
            Ok(new) => new,
            Err(doubt) => return self.resolve(*doubt).await,
        };
        match self.ledger.accept(new, self.clock.now()).await? {
            Acceptance::New(view) => {
                self.wake.ring(view.deliveries.iter().map(|delivery| &delivery.key.agency));
                Ok(Accepted { view, repeat: false })
            }
            Acceptance::Repeat(view) => Ok(Accepted { view, repeat: true }),
            Acceptance::Clash { id } => Err(Refusal::Clash { id }),
        }
    }

    /// Checks the envelope against its schema and fixes who gets it.
    fn prepare(
        &self,
        catalog: &Catalog,
        envelope: Envelope,
        sender: &Sender,
    ) -> Result<Result<NewEnvelope, Box<Doubt>>, Refusal> {
        let digest = envelope.digest();
        let schema = match applicable(catalog, &envelope) {
            Ok(schema) => schema_name(schema),
            Err(refusal) => return Ok(Err(Box::new(Doubt { envelope, digest, refusal }))),
        };
        let recipients = self.recipients(catalog, &envelope)?;
        Ok(Ok(NewEnvelope { envelope, digest, schema, sender: sender.agency.clone(), recipients }))
    }

    fn recipients(&self, catalog: &Catalog, envelope: &Envelope) -> Result<Vec<Recipient>, Refusal> {
        let has_key = envelope.attributes.order_key().is_some();
        let matches = catalog.recipients(envelope);
        let max = usize::from(Slot::MAX);
        if matches.len() > max {
            return Err(Refusal::TooManyRecipients { ty: envelope.attributes.ty.clone(), max });
        }
        for undecided in matches.iter().filter(|found| found.undecided) {
            let label = AgencyLabel { agency: Name(undecided.agency.id.clone()) };
            self.metrics.filter_errors.get_or_create(&label).inc();
        }
        let recipients = matches.into_iter().map(|found| Recipient {
            agency: found.agency.id.clone(),
            ordered: found.subscription.ordered && has_key,
            undecided: found.undecided,
        });
        Ok(recipients.collect())
    }

    async fn resolve(&self, doubt: Doubt) -> Result<Accepted, Refusal> {
        let attributes = &doubt.envelope.attributes;
        match self.ledger.known(&attributes.source, &attributes.id, &doubt.digest).await? {
            Some(Acceptance::New(view) | Acceptance::Repeat(view)) => Ok(Accepted { view, repeat: true }),
            Some(Acceptance::Clash { id }) => Err(Refusal::Clash { id }),
            None => Err(doubt.refusal),
        }
    }
}

/// Whether the sender may send the type and speak for the source; both are answered at once.
pub(super) fn may_send(catalog: &Catalog, envelope: &Envelope, sender: &AgencyId) -> Result<(), Refusal> {
    let attributes = &envelope.attributes;
    let agency = catalog.agency(sender);
    let type_allowed = agency.is_some_and(|agency| agency.may_send(attributes.ty.as_str()));
    let source_allowed = agency.is_some_and(|agency| agency.may_speak_for(&attributes.source));
    if type_allowed && source_allowed {
        return Ok(());
    }
    Err(Refusal::NotAllowed {
        sender: sender.clone(),
        ty: attributes.ty.clone(),
        type_allowed,
        source_name: attributes.source.clone(),
        source_allowed,
    })
}

/// The schema that applies to the envelope and that the envelope satisfies.
pub(super) fn applicable<'a>(catalog: &'a Catalog, envelope: &Envelope) -> Result<&'a Arc<Schema>, Refusal> {
    let attributes = &envelope.attributes;
    let schema = catalog
        .schemas
        .find(&attributes.ty, attributes.dataschema.as_deref())
        .map_err(|why| Refusal::NoSchema { ty: attributes.ty.clone(), why })?;
    let violations = schema.check(envelope);
    if violations.is_empty() { Ok(schema) } else { Err(Refusal::Invalid { schema: schema_name(schema), violations }) }
}

/// `<type>/<version>`.
pub(super) fn schema_name(schema: &Schema) -> String {
    format!("{}/{}", schema.ty, schema.version)
}

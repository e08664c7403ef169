//! Acceptance: rights, schema, recipients, one commit, a bell.

use std::sync::Arc;
use std::time::Instant;

use tracing::Instrument as _;

use super::refusal::Refusal;
use crate::catalog::{Catalog, Current};
use crate::clock::Clock;
use crate::ledger::{Acceptance, Ledger, NewEnvelope, Recipient};
use crate::model::cloudevents::EventFault;
use crate::model::delivery::EnvelopeView;
use crate::model::envelope::{Digest, Envelope};
use crate::model::id::{AgencyId, Slot};
use crate::model::notice;
use crate::schema::Schema;
use crate::telemetry::{Metrics, trace};
use crate::wake::Wake;

/// The one way in. Clones share everything.
#[derive(Debug, Clone)]
pub struct Intake {
    pub(super) catalog: Current,
    pub(super) ledger: Ledger,
    pub(super) wake: Wake,
    pub(super) clock: Clock,
    metrics: Metrics,
    /// The source that is Falaj's own.
    own: Arc<str>,
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
        Self { catalog, ledger, wake, clock, metrics, own: notice::SOURCE.into() }
    }

    /// Names the source that is Falaj's own, where it is another one: nobody else speaks for it, whatever a manifest says.
    pub fn reserving(self, source: &str) -> Self {
        Self { own: source.into(), ..self }
    }

    /// Accepts an envelope, or says why not. Nothing is awaited before the ledger has it in its queue (I3).
    pub async fn accept(&self, envelope: Result<Envelope, EventFault>, sender: &Sender) -> Result<Accepted, Refusal> {
        let begun = Instant::now();
        let span = trace::accept(&sender.agency, envelope.as_ref().ok().map(|envelope| &envelope.attributes));
        let answer = self.take(envelope, sender).instrument(span.clone()).await;
        match &answer {
            Ok(Accepted { view, repeat: false }) => {
                let recipients = view.deliveries.len();
                self.metrics.accepted(&view.ty, recipients > 0, begun.elapsed().as_secs_f64());
                trace::accepted(&span, "accepted", Some(recipients));
            }
            Ok(Accepted { repeat: true, .. }) => {
                self.metrics.repeated();
                trace::accepted(&span, "repeated", None);
            }
            Err(refusal) => {
                self.refused(refusal.reason());
                trace::accepted(&span, refusal.reason(), None);
            }
        }
        answer
    }

    /// Counts a refusal, also one that was spoken at the door before there was an envelope.
    pub fn refused(&self, reason: &'static str) {
        self.metrics.refused(reason);
    }

    async fn take(&self, envelope: Result<Envelope, EventFault>, sender: &Sender) -> Result<Accepted, Refusal> {
        let prepared = {
            let catalog = self.catalog.load();
            let envelope = envelope?;
            self.may_send(&catalog, &envelope, &sender.agency)?;
            self.prepare(&catalog, envelope, sender)?
        };
        let new = match prepared {
            Ok(new) => new,
            Err(doubt) => return self.resolve(*doubt).await,
        };
        match self.ledger.accept(new, self.clock.now()).instrument(trace::commit()).await? {
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
        let schema = match trace::schema().in_scope(|| applicable(catalog, &envelope)) {
            Ok(schema) => schema_name(schema),
            Err(refusal) => return Ok(Err(Box::new(Doubt { envelope, digest, refusal }))),
        };
        let recipients = trace::routing().in_scope(|| self.recipients(catalog, &envelope))?;
        let trace = trace::here();
        Ok(Ok(NewEnvelope { envelope, digest, schema, sender: sender.agency.clone(), recipients, trace }))
    }

    fn recipients(&self, catalog: &Catalog, envelope: &Envelope) -> Result<Vec<Recipient>, Refusal> {
        let has_key = envelope.attributes.order_key().is_some();
        let matches = catalog.recipients(envelope);
        let max = usize::from(Slot::MAX);
        if matches.len() > max {
            return Err(Refusal::TooManyRecipients { ty: envelope.attributes.ty.clone(), max });
        }
        for undecided in matches.iter().filter(|found| found.undecided) {
            self.metrics.undecided(&undecided.agency.id);
        }
        let recipients = matches.into_iter().map(|found| Recipient {
            agency: found.agency.id.clone(),
            ordered: found.subscription.ordered && has_key,
            undecided: found.undecided,
        });
        Ok(recipients.collect())
    }

    /// Whether the sender may send the type and speak for the source; both are answered at once. What is Falaj's own is nobody's.
    pub(super) fn may_send(&self, catalog: &Catalog, envelope: &Envelope, sender: &AgencyId) -> Result<(), Refusal> {
        let attributes = &envelope.attributes;
        let agency = catalog.agency(sender);
        let may_send = agency.is_some_and(|agency| agency.may_send(attributes.ty.as_str()));
        let may_speak = agency.is_some_and(|agency| agency.may_speak_for(&attributes.source));
        let type_allowed = may_send && !attributes.ty.is_own();
        let source_allowed = may_speak && attributes.source != *self.own;
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

    async fn resolve(&self, doubt: Doubt) -> Result<Accepted, Refusal> {
        let attributes = &doubt.envelope.attributes;
        match self.ledger.known(&attributes.source, &attributes.id, &doubt.digest).await? {
            Some(Acceptance::New(view) | Acceptance::Repeat(view)) => Ok(Accepted { view, repeat: true }),
            Some(Acceptance::Clash { id }) => Err(Refusal::Clash { id }),
            None => Err(doubt.refusal),
        }
    }
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

//! What would happen to an envelope, without anything happening.
//!
//! The same rights and the same schema checks as acceptance. An agency's own wording of a message is its own: a body made by a
//! map or a template, or one that shows its pseudonym of the subject, is for that agency and for admins.

use serde::Serialize;
use serde_json::value::RawValue;

use super::accept::{Intake, applicable, schema_name};
use super::refusal::Refusal;
use crate::catalog::Match;
use crate::mapping::{Form, SubjectForm, disclose, render};
use crate::model::cloudevents::EventFault;
use crate::model::envelope::Envelope;
use crate::model::id::{AgencyId, EventType};
use crate::model::text::Bilingual;

/// Stands where a delivery's id will stand.
const DELIVERY_PLACEHOLDER: &str = "00000000-0000-0000-0000-000000000000";

/// Bytes of a rendered message that a dry run makes at most.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// An agency, under its own rights.
    Agency(AgencyId),
    /// An administrator, who sends nothing and sees everything.
    Admin,
}

/// What would happen.
#[derive(Debug, Serialize)]
pub struct DryRun {
    /// Always `true`: this is no receipt.
    pub dry_run: bool,
    /// The type.
    #[serde(rename = "type")]
    pub ty: EventType,
    /// The schema version it was checked against, `<type>/<version>`.
    pub dataschema: String,
    /// Who would get it, and what.
    pub recipients: Vec<Would>,
    /// Who subscribes to the type and would not get it.
    pub others: Vec<Other>,
}

/// What one agency would receive.
#[derive(Debug, Serialize)]
pub struct Would {
    /// The agency.
    pub agency: AgencyId,
    /// Media type of the message; absent where the message cannot be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The projection of data.
    pub data: Box<RawValue>,
    /// The exact bytes as text, where the asker may see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// JSON Pointers into data that the agency does not get.
    pub withheld: Vec<String>,
    /// Whether the subscription's filter could not be decided on this envelope.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
    /// Why the message cannot be made of this envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Bilingual>,
}

/// An agency that would not get it.
#[derive(Debug, Serialize)]
pub struct Other {
    /// The agency.
    pub agency: AgencyId,
    /// Why.
    pub reason: Bilingual,
}

impl Intake {
    /// Says what would happen to an envelope. Stores nothing, wakes nobody, counts nothing.
    pub fn dry_run(&self, envelope: Result<Envelope, EventFault>, asker: &Asker) -> Result<DryRun, Refusal> {
        let envelope = envelope?;
        let catalog = self.catalog.load();
        if let Asker::Agency(agency) = asker {
            self.may_send(&catalog, &envelope, agency)?;
        }
        let schema = applicable(&catalog, &envelope)?;
        let others = catalog.passed_over(&envelope).into_iter();
        Ok(DryRun {
            dry_run: true,
            ty: envelope.attributes.ty.clone(),
            dataschema: schema_name(schema),
            recipients: catalog.recipients(&envelope).iter().map(|found| self.would(found, &envelope, asker)).collect(),
            others: others.map(|passed| Other { agency: passed.agency.id.clone(), reason: passed.reason }).collect(),
        })
    }

    fn would(&self, found: &Match<'_>, envelope: &Envelope, asker: &Asker) -> Would {
        let (agency, subscription) = (&found.agency.id, found.subscription);
        let pseudonym = |subject: &str| self.ledger.pseudonym(agency, subject);
        let attributes = disclose(&envelope.attributes, subscription.subject, &subscription.attributes, &pseudonym);
        let message = render(
            &subscription.form,
            &subscription.fields,
            &attributes,
            envelope.data_text(),
            DELIVERY_PLACEHOLDER,
            MESSAGE_BYTES_MAX,
        );
        let is_own = match asker {
            Asker::Admin => true,
            Asker::Agency(asker) => asker == agency,
        };
        let is_open = matches!(subscription.form, Form::Structured | Form::Binary)
            && subscription.subject != SubjectForm::Pseudonym;
        let (content_type, body, fault) = match message {
            Ok(message) => {
                let body = (is_own || is_open).then(|| String::from_utf8_lossy(&message.body).into_owned());
                (Some(message.content_type), body, None)
            }
            Err(error) if is_own => {
                (None, None, Some(Bilingual::new(error.to_string(), "تعذّر إعداد الرسالة لهذه الجهة.")))
            }
            Err(_) => {
                let fault = Bilingual::new(
                    "The agency's message cannot be made of this envelope.",
                    "تعذّر إعداد رسالة هذه الجهة من هذا المظروف.",
                );
                (None, None, Some(fault))
            }
        };
        let data = subscription.fields.project(envelope.data_text());
        Would {
            agency: agency.clone(),
            content_type,
            data: RawValue::from_string(data).expect("a projection of checked JSON is JSON"),
            body,
            withheld: subscription.fields.withheld(envelope.data_text()),
            undecided: found.undecided,
            fault,
        }
    }
}

//! Why an envelope was not accepted.

use crate::ledger::LedgerError;
use crate::model::cloudevents::EventFault;
use crate::model::id::{AgencyId, EnvelopeId, EventType};
use crate::schema::{NoSchema, Violation};

/// Why an envelope was not accepted. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no CloudEvent as Falaj takes it.
    #[error("not a CloudEvent")]
    Event(#[from] EventFault),
    /// The sender may not send the type, or not speak for the source, or neither.
    #[error("{sender} may not send this")]
    NotAllowed {
        /// Who sent it.
        sender: AgencyId,
        /// The type.
        ty: EventType,
        /// Whether the sender may send it.
        type_allowed: bool,
        /// The source.
        source_name: String,
        /// Whether the sender may speak for it.
        source_allowed: bool,
    },
    /// No schema applies to the type.
    #[error("no schema applies to {ty}")]
    NoSchema {
        /// The type.
        ty: EventType,
        /// Why.
        why: NoSchema,
    },
    /// It does not satisfy its schema.
    #[error("{} violations of {schema}", violations.len())]
    Invalid {
        /// The schema, `<type>/<version>`.
        schema: String,
        /// What is wrong; never empty.
        violations: Vec<Violation>,
    },
    /// Another content was accepted under the same `source` and `id`.
    #[error("another content has this identity")]
    Clash {
        /// The envelope that has it.
        id: EnvelopeId,
    },
    /// More agencies subscribe than one envelope can go to.
    #[error("more than {max} agencies subscribe to {ty}")]
    TooManyRecipients {
        /// The type.
        ty: EventType,
        /// The limit.
        max: usize,
    },
    /// The ledger does not take it now.
    #[error("the ledger does not accept")]
    Unavailable(#[from] LedgerError),
}

impl Refusal {
    /// A stable word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::NotAllowed { .. } => "not_allowed",
            Self::NoSchema { .. } => "no_schema",
            Self::Invalid { .. } => "schema",
            Self::Clash { .. } => "clash",
            Self::TooManyRecipients { .. } => "too_many_recipients",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

//! Labels. What a label may be is a type, so that no text of anybody becomes one (T1, T2).

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::model::id::{AgencyId, EventType};

/// Label of an agency.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AgencyLabel {
    /// Its id.
    pub agency: Name,
}

/// Labels of an end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndLabels {
    /// The agency's id.
    pub agency: Name,
    /// How it ended.
    pub state: Word,
}

/// Labels of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    /// The agency's id.
    pub agency: Name,
    /// How it was classed.
    pub class: Word,
}

/// Labels of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HoldLabels {
    /// The agency's id.
    pub agency: Name,
    /// What holds it.
    pub reason: Word,
}

/// Label of a type of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TypeLabel {
    /// The type.
    pub r#type: TypeName,
}

/// Labels of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AlarmLabels {
    /// The agency's id; none where it is about the bus.
    pub agency: Option<Name>,
    /// What it is about.
    pub condition: Word,
}

/// Label of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// A stable word.
    pub reason: Word,
}

/// Label of a state that is not an agency's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StateLabel {
    /// A stable word.
    pub state: Word,
}

/// Label of how something went.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResultLabel {
    /// A stable word.
    pub result: Word,
}

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The template of its path, never the path.
    pub route: Word,
    /// Its method.
    pub method: Word,
    /// The class of its status: `2xx`.
    pub class: Word,
}

/// Labels of the time that a request took.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The template of its path, never the path.
    pub route: Word,
    /// Its method.
    pub method: Word,
}

/// Labels of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct JobLabels {
    /// The agency's id.
    pub agency: Name,
    /// `redrive` or `replay`.
    pub kind: Word,
    /// A stable word.
    pub state: Word,
}

/// An agency as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(pub AgencyId);

/// A type as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypeName(pub EventType);

/// A word of ours as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word(pub &'static str);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_str().encode(encoder)
    }
}

impl EncodeLabelValue for TypeName {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_str().encode(encoder)
    }
}

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.encode(encoder)
    }
}

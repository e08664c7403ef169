//! A delivery: the duty to bring one envelope to one agency, and every state it can stand in.

use serde::{Deserialize, Serialize};

use super::id::{AgencyId, DeliveryId, EnvelopeId, EventType, Seq, Slot};
use super::outcome::{Class, Report};
use super::time::At;

/// Who ended a delivery that a broker took for its agency: the agency itself has said nothing yet.
pub const BROKER: &str = "broker";

/// Which delivery: the agency, the envelope's place in accept order, and the delivery's number within the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// Who must act.
    pub agency: AgencyId,
    /// Which envelope.
    pub seq: Seq,
    /// Which generation of the duty.
    pub slot: Slot,
}

/// The five ways a delivery can end. A finished state never changes (L6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finished {
    /// The agency has it.
    Delivered,
    /// Given up; a person may redrive it.
    Dead,
    /// Its `expirytime` passed before the agency had it.
    Expired,
    /// A person passed over it; the lane went on and remembers a gap.
    Skipped,
    /// A person withdrew it.
    Cancelled,
}

impl Finished {
    /// Every end, for tables and metrics.
    pub const ALL: [Self; 5] = [Self::Delivered, Self::Dead, Self::Expired, Self::Skipped, Self::Cancelled];

    /// The word used in JSON, metrics and the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Expired => "expired",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What the last failed attempt of a delivery was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// How it was classed.
    pub class: Class,
    /// HTTP status, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What failed, in a few words, without personal data.
    pub note: String,
    /// When.
    pub at: At,
}

/// Where a delivery stands, as the ledger and the owner of its agency know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Flowing: nothing is wrong, its turn has not come.
    Queued,
    /// Being sent now.
    InFlight,
    /// Handed out under a lease (pull).
    Leased {
        /// Until when.
        until: At,
    },
    /// Tried, and due again.
    Retry {
        /// When it is due.
        due: At,
    },
    /// Waits for an earlier one of its lane.
    Behind {
        /// The head of the lane.
        head: DeliveryId,
    },
    /// Out of tries; the lane waits for a person.
    Parked {
        /// Since when.
        since: At,
    },
    /// Ended.
    Finished {
        /// How.
        state: Finished,
        /// When.
        at: At,
        /// Who ended it: an agency, `falaj`, or a person.
        by: String,
        /// Why, where it was not plain success; without personal data.
        why: Option<String>,
    },
}

impl Standing {
    /// Every word of [`Standing::word`].
    pub const WORDS: [&str; 11] = [
        "queued",
        "in_flight",
        "leased",
        "retry",
        "behind",
        "parked",
        "delivered",
        "dead",
        "expired",
        "skipped",
        "cancelled",
    ];

    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Leased { .. } => "leased",
            Self::Retry { .. } => "retry",
            Self::Behind { .. } => "behind",
            Self::Parked { .. } => "parked",
            Self::Finished { state, .. } => state.as_str(),
        }
    }
}

/// One delivery as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryView {
    /// Its id.
    pub id: DeliveryId,
    /// Its key.
    pub key: DeliveryKey,
    /// Where it stands.
    pub standing: Standing,
    /// When it came to stand there, as far as it is known; the time of acceptance otherwise.
    pub since: At,
    /// What the agency said it did.
    pub report: Report,
    /// Attempts that count towards giving up.
    pub attempts: u32,
    /// The last failure.
    pub last_error: Option<LastError>,
}

/// One envelope with all its deliveries, as the ledger knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeView {
    /// Falaj's id.
    pub id: EnvelopeId,
    /// Accept order.
    pub seq: Seq,
    /// When it was accepted.
    pub accepted_at: At,
    /// The agency that sent it.
    pub sender: AgencyId,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `id`.
    pub event_id: String,
    /// CloudEvents `type`.
    pub ty: EventType,
    /// CloudEvents `subject`.
    pub subject: Option<String>,
    /// Its deliveries, by slot.
    pub deliveries: Vec<DeliveryView>,
}

/// What becomes of a delivery after a try (or without one); somebody else stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// It ends.
    Finish {
        /// How.
        state: Finished,
        /// Why, in a few words, where it is not plain success.
        why: Option<String>,
    },
    /// It stays head of its lane and is due again.
    Retry {
        /// When.
        due: At,
    },
    /// It stays head of its lane and waits for a person.
    Park,
}

/// One try, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: At,
    /// How long it took, in milliseconds.
    pub ms: u32,
    /// How it was classed.
    pub class: Class,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What failed, in a few words, without personal data.
    pub note: String,
    /// The first bytes of the answer, capped.
    pub answer: Vec<u8>,
    /// Whether it counts towards giving up.
    pub counted: bool,
}

/// What a delivery has been through; the input of every decision about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tries {
    /// Attempts that counted.
    pub counted: u32,
    /// Attempts of the same class in a row, the last one included; zero before the first.
    pub in_a_row: u32,
    /// The class of the last attempt.
    pub last: Option<Class>,
    /// When the first attempt began; age is counted from here, so that waiting for one's turn costs nothing.
    pub first_at: Option<At>,
    /// When the last attempt began, the first one included.
    pub last_at: Option<At>,
    /// Milliseconds since the first attempt that are no age: the agency was held (circuit, pause, window), or nothing showed that
    /// it lives.
    pub held_ms: u64,
    /// Milliseconds of the wait before this attempt that are age, as long as nothing shows that the agency was away meanwhile.
    pub wait_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_back() {
        for state in Finished::ALL {
            assert_eq!(Finished::parse(state.as_str()), Some(state));
        }
    }
}

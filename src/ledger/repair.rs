//! The words of repair: what persons do to deliveries and agencies, and how deliveries are handed out under leases.

use super::types::Claimed;
use crate::model::delivery::DeliveryView;
use crate::model::id::{AgencyId, DeliveryId, EventType, Seq};
use crate::model::time::At;

/// Who does something, and why; both are recorded in the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name of the key that was used.
    pub name: String,
    /// The reason given; never empty.
    pub reason: String,
}

/// What a person does to one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Try again now: a head that waits or is parked is due at once, its tries begin anew.
    Retry,
    /// Pass over it: ends as `skipped`, its lane goes on and remembers a gap.
    Skip,
    /// Withdraw it: ends as `cancelled`, its lane goes on without a gap.
    Cancel,
    /// Let its lane go on: a parked head ends as `dead` with a gap, and can be redriven.
    Release,
}

/// What came of an operation on one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operated {
    /// Done and recorded; the delivery as it now stands.
    Done(DeliveryView),
    /// It is in flight or leased: nothing was done (409 `in_flight`).
    InFlight(DeliveryView),
    /// The operation does not apply to where it stands (409): it has ended, or is no head (retry), or is not parked (release).
    NotApplicable(DeliveryView),
}

/// A pause in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Who paused, and why.
    pub actor: Actor,
    /// Since when.
    pub since: At,
    /// Whether Falaj did it itself, because the agency said that its receiver is gone.
    pub gone: bool,
    /// Where it is a drain: what still goes out.
    pub drain: Option<Drain>,
}

/// What a drain still lets out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// The last in accept order.
    pub through: Seq,
    /// How many of these are not finished, parked ones included. With none the agency is drained.
    pub left: u64,
}

/// A delivery that is dead or parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The delivery.
    pub delivery: DeliveryView,
    /// Its envelope's type.
    pub ty: EventType,
    /// When its envelope was accepted.
    pub accepted_at: At,
    /// Its error group: class, status and note of the last error with digits folded, as 16 hex digits of a hash.
    pub group: String,
    /// Whether a later delivery of its lane has been delivered since (a redrive would overwrite newer data).
    pub overtaken: bool,
}

/// Which dead letters are meant; all that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadQuery {
    /// Whose.
    pub agency: Option<AgencyId>,
    /// Of this type.
    pub ty: Option<EventType>,
    /// Of this error group.
    pub group: Option<String>,
    /// Accepted at or after.
    pub from: Option<At>,
    /// Accepted before.
    pub to: Option<At>,
    /// Only these; at most 1,000.
    pub ids: Vec<DeliveryId>,
    /// Where the page before ended.
    pub after: Option<DeliveryId>,
    /// At most so many, 1 to 1,000.
    pub limit: usize,
}

/// An error group with its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadGroup {
    /// Names it.
    pub group: String,
    /// Whose.
    pub agency: AgencyId,
    /// What the errors have in common.
    pub note: String,
    /// Class of the error.
    pub class: Option<crate::model::outcome::Class>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// How many are dead.
    pub dead: u64,
    /// How many are parked.
    pub parked: u64,
    /// The oldest of them was accepted.
    pub oldest: At,
}

/// What a redrive asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedriveAsk {
    /// Which dead letters; `agency` must be given.
    pub query: DeadQuery,
    /// Also those that were overtaken, if they are named in `query.ids`.
    pub force: bool,
    /// Deliveries a second; as fast as the agency takes them, where absent.
    pub rate_per_second: Option<u32>,
    /// Who, and why.
    pub actor: Actor,
}

/// Why a dead letter is not redriven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Which.
    pub id: DeliveryId,
    /// Why: `overtaken`, `in_flight`, `already_redriven`, `slots_exhausted`.
    pub why: &'static str,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// At work.
    Running,
    /// A person paused it.
    Paused,
    /// Through.
    Done,
    /// A person ended it early.
    Cancelled,
}

/// What a job is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobKind {
    /// Dead letters again.
    Redrive,
    /// Everything since a time again to one agency, in accept order.
    Replay {
        /// From when on.
        from: At,
        /// Up to the last envelope accepted before the job began.
        until: At,
    },
}

/// A persisted job. It survives a restart and goes on where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Names it.
    pub id: uuid::Uuid,
    /// What it is for.
    pub kind: JobKind,
    /// For whom.
    pub agency: AgencyId,
    /// Where it stands.
    pub state: JobState,
    /// Deliveries it is to make.
    pub eligible: u64,
    /// Deliveries it has made.
    pub made: u64,
    /// Of those, delivered.
    pub done: u64,
    /// Of those, ended otherwise or parked.
    pub failed: u64,
    /// What it leaves out, at most 1,000 of them.
    pub held_back: Vec<HeldBack>,
    /// Deliveries a second.
    pub rate_per_second: Option<u32>,
    /// Who asked for it, and why.
    pub actor: Actor,
    /// Since when.
    pub created_at: At,
}

/// What a person does to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOperation {
    /// Stop for now.
    Pause,
    /// Go on.
    Resume,
    /// End it; what it has made stays.
    Cancel,
}

/// A delivery handed out under a lease.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The delivery.
    pub claimed: Claimed,
    /// The fencing token; it dies with the lease.
    pub lease: uuid::Uuid,
    /// Until when.
    pub until: At,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number; rises with time.
    pub n: u64,
    /// When.
    pub at: At,
    /// Who.
    pub actor: String,
    /// What: `pause drain resume retry skip cancel release redrive replay redrive_pause redrive_resume redrive_cancel payload
    /// test_envelope`.
    pub action: String,
    /// On what: an agency, a delivery id, an envelope id, a job id.
    pub target: String,
    /// Why.
    pub reason: Option<String>,
    /// What changed, as JSON: before and after.
    pub detail: Option<String>,
}

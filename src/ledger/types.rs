//! What goes into the ledger and what comes out of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::model::calendar::Calendar;
use crate::model::delivery::{Attempt, DeliveryKey, DeliveryView, EnvelopeView, Transition, Tries};
use crate::model::envelope::{Attributes, Digest, Envelope};
use crate::model::id::{AgencyId, DeliveryId, EnvelopeId, EventType, Seq};
use crate::model::outcome::Report;
use crate::model::time::At;

/// How a ledger is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder; made if missing. One process at a time.
    pub folder: PathBuf,
    /// Operations that may share one commit. 256.
    pub batch_max: usize,
    /// How long the writer gathers company for a lone operation. 2 ms at most; zero commits at once.
    pub gather: Duration,
    /// Free disk space below which nothing is accepted any more, in bytes. 512 MiB.
    pub disk_floor_bytes: u64,
    /// Rows of `pending` an agency's page may hold in memory. 512.
    pub page_max: usize,
    /// Rows of one lane in the page before it spills. 4.
    pub lane_rows_max: usize,
    /// Stuck and unparked lanes of one agency beyond which its `pending` is not read on. 10,000.
    pub stuck_max: usize,
    /// Identities that stay in memory, with twice as many keys of the search, before they are merged into their indexes. 65,536.
    pub young_max: usize,
    /// The days by which services are counted; a ledger keeps its time zone.
    pub calendar: Calendar,
}

/// What intake hands over.
#[derive(Debug, Clone)]
pub struct NewEnvelope {
    /// The event.
    pub envelope: Envelope,
    /// Its content digest.
    pub digest: Digest,
    /// The schema version that it was checked against, `<type>/<version>`.
    pub schema: String,
    /// Who sent it.
    pub sender: AgencyId,
    /// Who must get it; fixed from here on.
    pub recipients: Vec<Recipient>,
    /// The `traceparent` of its acceptance, where traces are collected; what it brought itself stands in its attributes.
    pub trace: Option<String>,
}

/// One agency that must get an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The agency.
    pub agency: AgencyId,
    /// Whether the subscription keeps order (and the envelope has an order key).
    pub ordered: bool,
    /// Whether the filter could not be decided at acceptance.
    pub undecided: bool,
}

/// What became of an envelope handed to [`accept`](super::Ledger::accept).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It is durable. The view shows every delivery as queued.
    New(EnvelopeView),
    /// The same content was accepted before; this is the receipt of then (every delivery as it was at acceptance).
    Repeat(EnvelopeView),
    /// Another content was accepted under this identity.
    Clash {
        /// The envelope that has it.
        id: EnvelopeId,
    },
}

/// An accepted envelope as it is stored.
#[derive(Debug)]
pub struct Stored {
    /// Accept order.
    pub seq: Seq,
    /// Falaj's id.
    pub id: EnvelopeId,
    /// When it was accepted.
    pub accepted_at: At,
    /// Who sent it.
    pub sender: AgencyId,
    /// The schema version it was checked against.
    pub schema: String,
    /// Its digest.
    pub digest: Digest,
    /// Attributes.
    pub attributes: Attributes,
    /// The `traceparent` of its acceptance, where traces were collected then.
    pub trace: Option<String>,
    /// Data, byte for byte.
    pub data: Bytes,
}

impl Stored {
    /// Data as text.
    pub fn data_text(&self) -> &str {
        std::str::from_utf8(&self.data).expect("data was checked to be UTF-8 before it was stored")
    }

    /// The event as it came.
    pub fn event(&self) -> Envelope {
        Envelope { attributes: self.attributes.clone(), data: self.data.clone() }
    }
}

/// A delivery that the caller must now work on; in flight until it is settled or given back.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Which.
    pub key: DeliveryKey,
    /// Its id.
    pub id: DeliveryId,
    /// `webhook-id`: the id of its first generation.
    pub webhook_id: DeliveryId,
    /// Whether it is a redrive.
    pub redrive: bool,
    /// Whether the subscription's filter must be asked (again) before it is sent.
    pub undecided: bool,
    /// What it has been through.
    pub tries: Tries,
    /// A predecessor of its lane that was skipped or died and that the agency has not heard of.
    pub gap: Option<DeliveryId>,
    /// The envelope.
    pub envelope: Arc<Stored>,
}

/// The answer to a claim.
#[derive(Debug, Default)]
pub struct Claim {
    /// At most as many as were asked for; order within a lane is the ledger's business.
    pub deliveries: Vec<Claimed>,
    /// When the next delivery of this agency that is not in flight falls due, if any is known.
    pub next_due: Option<At>,
    /// Whether there was more to claim than was asked for.
    pub more: bool,
    /// How many different deliveries there are to try, now or later, what was claimed included; counted up to 3. Lanes, as far
    /// as they are known: a citizen counts once.
    pub to_try: usize,
}

/// What became of one claimed delivery.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Which; must be in flight.
    pub key: DeliveryKey,
    /// What becomes of it.
    pub transition: Transition,
    /// The try that led here; `None` where nothing was tried (expired, undecided filter that said no).
    pub attempt: Option<Attempt>,
    /// What the agency said.
    pub report: Report,
    /// Names the disclosure in force when it was sent (see [`register_disclosures`](super::Ledger::register_disclosures)); `None` if nothing was sent.
    pub disclosure: Option<u64>,
    /// Who settles it: the agency's id for its own answer, else `falaj`.
    pub by: String,
    /// How much of the time until it is due again is no age although the attempt counts: the agency is closed then.
    pub held: Duration,
}

/// Fields, purpose and legal basis under which an agency receives a type; recorded once, referred to by each delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// Names it.
    pub digest: u64,
    /// Who receives.
    pub agency: AgencyId,
    /// The subscription's pattern.
    pub pattern: String,
    /// The listed fields.
    pub fields: Vec<String>,
    /// Purpose, English.
    pub purpose: String,
    /// Purpose, Arabic.
    pub purpose_ar: String,
    /// Legal basis.
    pub legal_basis: String,
}

/// An agency's queue in figures. Exact: kept in the same commits as what they count.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Flowing, in flight ones included.
    pub pending: u64,
    /// Heads that failed and are due again (busy lanes included).
    pub retry: u64,
    /// Heads out of tries.
    pub parked: u64,
    /// Behind a head.
    pub behind: u64,
    /// Handed out under a lease, run-out ones that are not settled yet included.
    pub leased: u64,
    /// Ended well.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
    /// Expired.
    pub expired: u64,
    /// Skipped.
    pub skipped: u64,
    /// Cancelled.
    pub cancelled: u64,
}

/// What waits for an agency, as far as it takes a look at the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// When the oldest unfinished delivery was accepted.
    pub oldest: Option<At>,
    /// Dead letters, counted up to a bound.
    pub dead: u64,
}

/// Stands for a subject or a correlation id in a search: a keyed hash, which opens nothing elsewhere and names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub(super) i64);

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0.cast_unsigned())
    }
}

impl Mark {
    /// Reads what was written.
    pub fn parse(text: &str) -> Option<Self> {
        super::dead::read_name(text).map(Self)
    }
}

/// Which envelopes a search asks for; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// CloudEvents `source` (with `id`: the identity).
    pub source: Option<String>,
    /// CloudEvents `id`.
    pub event_id: Option<String>,
    /// `type`.
    pub ty: Option<EventType>,
    /// `subject`.
    pub subject: Option<String>,
    /// `correlationid`.
    pub correlation_id: Option<String>,
    /// The subject or the correlation id that this stands for.
    pub mark: Option<Mark>,
    /// Only envelopes of which this agency was to get something.
    pub recipient: Option<AgencyId>,
    /// Only envelopes with a delivery that stands so, in the words of [`Standing::word`](crate::model::delivery::Standing::word); with
    /// `recipient`, one to that agency.
    pub standing: Option<&'static str>,
    /// Only envelopes with a delivery that is dead or parked for the errors of this group; with `recipient`, one to that agency.
    pub group: Option<String>,
    /// Leaves out what the bus itself tells of envelopes.
    pub without_notices: bool,
    /// Only envelopes in this state.
    pub state: Option<crate::model::status::EnvelopeState>,
    /// Accepted at or after.
    pub from: Option<At>,
    /// Accepted before.
    pub to: Option<At>,
    /// Only envelopes this agency sent.
    pub sender: Option<AgencyId>,
    /// Only envelopes older than this one (newest first): where the page before ended.
    pub before: Option<Seq>,
    /// At most so many. 1 to 100.
    pub limit: usize,
}

/// A page of a search, newest first.
#[derive(Debug, Default)]
pub struct Found {
    /// The envelopes.
    pub envelopes: Vec<EnvelopeView>,
    /// Where the next page begins, if there may be one. A page can be short or empty and still have a next one: a search reads a
    /// bounded number of rows.
    pub next: Option<Seq>,
}

/// What a later report of an agency did to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// Recorded; the delivery as it now stands.
    Recorded(DeliveryView),
    /// The same final outcome was there already.
    Repeat(DeliveryView),
    /// Another final outcome was there, or the delivery is not one that can take this report.
    Conflict(DeliveryView),
    /// It is in flight: the report settles it when the answer comes (it was noted and wins over the answer's status).
    Noted,
}

/// What became of a delivery that came back from its agency's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bounced {
    /// It is refused and a dead letter; the delivery as it now stands.
    Recorded(DeliveryView),
    /// It had come back before.
    Repeat(DeliveryView),
    /// Its sending is not stored yet: ask again.
    InFlight,
    /// Nothing was done: it was led again since, it ended otherwise, or its agency said otherwise.
    Stale(DeliveryView),
}

/// How the store is doing.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Whether accept would be refused, and why.
    pub refusing: Option<&'static str>,
    /// Free bytes on the store's disk.
    pub disk_free_bytes: u64,
    /// Operations that wait for the writer or are under way.
    pub queue: usize,
    /// The most there may be; beyond it callers wait.
    pub queue_max: usize,
}

/// What the store takes on its disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes of the store itself.
    pub store_bytes: u64,
    /// Bytes of the write-ahead log beside it.
    pub wal_bytes: u64,
    /// Free bytes below which nothing is accepted.
    pub floor_bytes: u64,
}

/// One commit that went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// From its begin to the end of its sync.
    pub took: Duration,
    /// Operations that shared it.
    pub operations: usize,
}

/// What [`super::check()`] found.
#[derive(Debug, Default, serde::Serialize)]
pub struct CheckReport {
    /// Envelopes read.
    pub envelopes: u64,
    /// Deliveries read.
    pub deliveries: u64,
    /// Every broken invariant, by its number, with the ids concerned; empty is good. Bounded.
    pub broken: Vec<String>,
}

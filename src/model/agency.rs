//! What the layers share about a participant. The manifest itself is read and checked by the catalogue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The ways an agency can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// Falaj posts to the agency.
    Webhook,
    /// The agency fetches.
    Pull,
    /// A queue of the agency's own on the broker.
    Amqp,
}

/// What a person or program may do (DESIGN section 11, Rights).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Publishes its types and sees its own envelopes and deliveries, no others.
    Agency,
    /// Reads all but payloads; subjects are masked.
    Viewer,
    /// Reads like a viewer and operates queues.
    Operator,
    /// Reads all, audit and disclosures included.
    Auditor,
    /// Everything.
    Admin,
}

/// A token bucket: so many requests a second in the long run, so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Refill, in requests per second.
    pub per_second: f64,
    /// Size of the bucket, in requests.
    pub burst: u32,
}

/// How long a delivery may take and wait; defaults and maxima are those of DESIGN section 11.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The whole exchange with the agency, connect to last byte. 15 s, at most 120 s.
    pub timeout: Duration,
    /// Deliveries to this agency at once. 16, at most 1024.
    pub in_flight: usize,
    /// No limit where absent.
    pub rate: Option<Rate>,
    /// Age at which endpoint faults end a delivery; time held by an outage does not count. 7 d.
    pub age_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(15), in_flight: 16, rate: None, age_max: Duration::from_secs(7 * 86_400) }
    }
}

/// What becomes of a delivery that exhausted its tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// It stays head of its lane and waits for a person. Default where order is kept.
    Park,
    /// It ends as `dead`, its lane goes on and the next success carries `falaj-gap`. Default where order is not kept.
    DeadLetter,
}

/// A key's entry in the configuration. The key itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Who holds it; shown in the audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose it is, for the role `agency` and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<super::id::AgencyId>,
    /// Hex SHA-256 of the key's text.
    pub sha256: String,
}

/// A group of the identity provider and what its people may do, in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEntry {
    /// The group, exactly as the provider names it.
    pub group: String,
    /// What its people may do.
    pub role: Role,
    /// Whose people they are, for the role `agency` and no other.
    pub agency: Option<super::id::AgencyId>,
}

//! One deployment as an immutable snapshot: agencies, subscriptions, schemas; loaded and checked as a whole.
//!
//! C1: a snapshot is right as a whole or it is not taken up; every problem is told at once, with file, line and a hint. C2: it
//! never changes: a reload puts another one in its place. C3: default deny: an agency may send, speak for and receive what its
//! manifest lists, and nothing else. Nothing here opens a connection, reads the clock or knows the ledger.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::id::{AgencyId, EventType};
use crate::schema::Registry;

mod agency;
mod build;
mod check;
pub mod document;
mod files;
pub mod fixtures;
mod forms;
mod load;
mod manifest;
pub mod nearest;
mod problem;
mod reach;
pub mod reload;
mod routing;
mod secrets;
#[cfg(test)]
mod tests;
pub mod url;

pub use agency::{Agency, DeliveryRules, Subscription, WebhookTarget};
pub use load::Examined;
pub use problem::{Problem, Problems};
pub use routing::{Match, Passed};

/// The deployment in force, replaced as a whole by a reload.
pub type Current = Arc<arc_swap::ArcSwap<Catalog>>;

/// A deployment in force.
#[derive(Debug)]
pub struct Catalog {
    /// Schemas.
    pub schemas: Registry,
    /// Names this snapshot: hex SHA-256 over the files it was loaded from.
    pub revision: String,
    agencies: BTreeMap<AgencyId, Arc<Agency>>,
    routes: routing::Routes,
    /// Who subscribes to what Falaj tells senders of their envelopes.
    listeners: HashSet<AgencyId>,
    /// Envelopes that fixtures hold, by agency: what documents show as examples.
    samples: BTreeMap<AgencyId, Vec<Arc<str>>>,
    /// Names what stood on the disk, secrets included: see [`files::fingerprint`].
    fingerprint: String,
    secret_files: Vec<PathBuf>,
}

/// A loaded deployment with what is worth saying about it.
#[derive(Debug)]
pub struct Loaded {
    /// The snapshot.
    pub catalog: Catalog,
    /// Warnings: it runs, but somebody should look.
    pub warnings: Vec<Problem>,
}

impl Catalog {
    /// An agency.
    pub fn agency(&self, id: &AgencyId) -> Option<&Arc<Agency>> {
        self.agencies.get(id)
    }

    /// The agency whose user at the broker this is; there is never more than one.
    pub fn speaker(&self, amqp_user: &str) -> Option<&Arc<Agency>> {
        self.agencies.values().find(|agency| agency.amqp_user() == amqp_user)
    }

    /// All agencies by id.
    pub fn agencies(&self) -> impl Iterator<Item = &Arc<Agency>> {
        self.agencies.values()
    }

    /// Whether anybody subscribes to what Falaj tells senders of their envelopes.
    pub fn has_listeners(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Whether this agency does.
    pub fn listens(&self, id: &AgencyId) -> bool {
        self.listeners.contains(id)
    }

    /// The envelopes of an agency's fixtures, as text. They are invented; nothing personal stands in them.
    pub fn samples(&self, agency: &AgencyId) -> impl Iterator<Item = &str> {
        self.samples.get(agency).into_iter().flatten().map(AsRef::as_ref)
    }

    /// The subscription of an agency that means a type (there is never more than one).
    pub fn subscription(&self, agency: &AgencyId, ty: &EventType) -> Option<&Arc<Subscription>> {
        self.agency(agency)?.subscriptions.iter().find(|subscription| subscription.pattern.matches(ty.as_str()))
    }
}

//! What the writer, the readers and the callers share. The writer changes it after its commits; nothing is decided from it
//! that the store does not say again.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::activity::Movement;
use super::cache::Cache;
use super::codes::COUNTS;
use super::flow::Place;
use super::id::Keys;
use super::pause::Held;
use super::recipients::Entry;
use super::types::{Commit, Stored};
use super::young::Young;
use crate::model::calendar::Calendar;
use crate::model::id::AgencyId;

/// Bytes of envelopes kept in memory, so that a delivery right after acceptance reads nothing.
const BODIES_BYTES_MAX: usize = 32 << 20;

/// Who is told of every commit.
pub(super) type Observer = Box<dyn Fn(Commit) + Send + Sync>;

/// An envelope with its recipients.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) stored: Arc<Stored>,
    pub(super) recipients: Vec<Entry>,
}

impl Body {
    /// Roughly the memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.stored.data.len() + self.recipients.len() * size_of::<Entry>() + 1024
    }
}

/// Agencies by number. There are as many as were ever configured.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    by_n: HashMap<i64, AgencyId>,
    by_id: HashMap<AgencyId, i64>,
}

impl Names {
    pub(super) fn insert(&mut self, n: i64, id: AgencyId) {
        self.by_n.insert(n, id.clone());
        self.by_id.insert(id, n);
    }

    pub(super) fn id(&self, n: i64) -> Option<&AgencyId> {
        self.by_n.get(&n)
    }

    pub(super) fn n(&self, id: &AgencyId) -> Option<i64> {
        self.by_id.get(id).copied()
    }

    /// Every number.
    pub(super) fn all(&self) -> Vec<i64> {
        self.by_n.keys().copied().collect()
    }

    pub(super) fn next(&self) -> i64 {
        self.by_n.keys().max().map_or(1, |n| n + 1)
    }
}

/// Counters of one agency, by [`super::codes::Count`].
pub(super) type Counts = [i64; COUNTS];

/// See the module.
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) keys: Keys,
    pub(super) calendar: Calendar,
    pub(super) names: RwLock<Arc<Names>>,
    pub(super) counts: Mutex<HashMap<i64, Counts>>,
    pub(super) movements: Mutex<HashMap<i64, Movement>>,
    pub(super) bodies: Mutex<Cache<u64, Arc<Body>>>,
    pub(super) flying: Mutex<HashSet<Place>>,
    pub(super) young: Mutex<Young>,
    pub(super) pauses: RwLock<HashMap<AgencyId, Held>>,
    pub(super) observers: RwLock<Vec<Observer>>,
    pub(super) unheard: Unheard,
    pub(super) poisoned: AtomicBool,
    pub(super) closed: AtomicBool,
    pub(super) disk_low: AtomicBool,
    pub(super) disk_free_bytes: AtomicU64,
    pub(super) disk_floor_bytes: AtomicU64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Is told of an agency for which something was accepted although its caller had gone.
pub(super) type Listener = Box<dyn Fn(&AgencyId) + Send + Sync>;

/// Who is told of it.
#[derive(Default)]
pub(super) struct Unheard(OnceLock<Listener>);

impl std::fmt::Debug for Unheard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unheard")
    }
}

impl Shared {
    /// Names who is told; the first one stays.
    pub(super) fn when_unheard(&self, tell: Listener) {
        if self.unheard.0.set(tell).is_err() {
            tracing::debug!("there is somebody already who is told of what nobody heard");
        }
    }

    /// An envelope was accepted, and its caller has gone before it heard of it.
    pub(super) fn unheard(&self, body: &Body) {
        if let Some(tell) = self.unheard.0.get() {
            let names = self.names();
            body.recipients.iter().filter_map(|entry| names.id(entry.agency)).for_each(tell);
        }
    }

    pub(super) fn new(
        folder: PathBuf,
        keys: Keys,
        calendar: Calendar,
        names: Names,
        counts: HashMap<i64, Counts>,
        pauses: HashMap<AgencyId, Held>,
    ) -> Self {
        Self {
            pauses: RwLock::new(pauses),
            folder,
            keys,
            calendar,
            names: RwLock::new(Arc::new(names)),
            counts: Mutex::new(counts),
            movements: Mutex::default(),
            bodies: Mutex::new(Cache::new(BODIES_BYTES_MAX)),
            flying: Mutex::default(),
            young: Mutex::default(),
            observers: RwLock::default(),
            unheard: Unheard::default(),
            poisoned: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            disk_low: AtomicBool::new(false),
            disk_free_bytes: AtomicU64::new(0),
            disk_floor_bytes: AtomicU64::new(0),
        }
    }

    /// Tells whoever observes of a commit.
    pub(super) fn committed(&self, commit: Commit) {
        let observers = self.observers.read().unwrap_or_else(PoisonError::into_inner);
        observers.iter().for_each(|observe| observe(commit));
    }

    /// The agencies as they are now.
    pub(super) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps an envelope in memory.
    pub(super) fn keep(&self, body: Arc<Body>) {
        let bytes = body.bytes();
        lock(&self.bodies).insert(body.stored.seq.0, body, bytes);
    }
}

/// Locks; what is behind a lock here stays whole when a holder panics.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

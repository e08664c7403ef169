//! A changed deployment is taken up by itself: whole, or not at all.
//!
//! W1: the folder is looked at every [`POLL`], by content (mounted configuration swaps links, network disks tell no dates). W2: a
//! change is taken up when it has stood still for a moment, so that a half-copied folder is not. W3: a wrong deployment never
//! replaces a right one: the old one stays in force, and every problem is logged and can be read. W4: keys are looked at first
//! and by themselves; nothing that is wrong here holds back a revocation. The files are read off the async threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::files::fingerprint;
use super::load::Examined;
use super::problem::Problem;
use super::{Catalog, Current};
use crate::model::time::At;

/// How often the folder is looked at.
pub const POLL: Duration = Duration::from_secs(2);
/// How long a change must have stood still.
pub const SETTLE: Duration = Duration::from_millis(200);

/// What a reload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadState {
    /// The snapshot in force.
    pub revision: String,
    /// Since when.
    pub loaded_at: At,
    /// Why the deployment that stands in the folder is not in force; `None` where it is.
    pub refused: Option<Arc<[Problem]>>,
}

/// The remote control of a [`Watcher`], and what can be read of it. Clones share it.
#[derive(Debug, Clone)]
pub struct Reloads {
    bell: Arc<Notify>,
    state: watch::Receiver<ReloadState>,
}

impl Reloads {
    /// Takes up the deployment at once, whether it seems changed or not (SIGHUP).
    pub fn reload_now(&self) {
        self.bell.notify_one();
    }

    /// How the last reload went.
    pub fn state(&self) -> ReloadState {
        self.state.borrow().clone()
    }

    /// Changes whenever a snapshot is taken up or refused.
    pub fn subscribe(&self) -> watch::Receiver<ReloadState> {
        self.state.clone()
    }
}

/// What one turn of a [`Watcher`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing has changed.
    Unchanged,
    /// Something is changing; the next turn looks again.
    Unsettled,
    /// A new snapshot is in force.
    TakenUp,
    /// What stands in the folder is wrong; the old snapshot stays in force.
    Refused,
}

/// What is called on each look, before anything else.
type EachPoll = Arc<Mutex<Box<dyn FnMut() + Send>>>;

/// Watches a deployment's folder.
pub struct Watcher {
    root: PathBuf,
    current: Current,
    seen: String,
    secret_files: Vec<PathBuf>,
    settle: Duration,
    each_poll: EachPoll,
    bell: Arc<Notify>,
    state: watch::Sender<ReloadState>,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Watcher {
    /// Watches the folder that `current` was loaded from.
    pub fn new(root: PathBuf, current: Current, now: At) -> Self {
        let catalog = current.load_full();
        let revision = catalog.revision.clone();
        let (state, _) = watch::channel(ReloadState { revision, loaded_at: now, refused: None });
        Self {
            root,
            seen: catalog.fingerprint.clone(),
            secret_files: catalog.secret_files.clone(),
            current,
            settle: SETTLE,
            each_poll: Arc::new(Mutex::new(Box::new(|| ()))),
            bell: Arc::new(Notify::new()),
            state,
        }
    }

    /// Has something done on each look, before and independent of the deployment (W4): the keys.
    pub fn each_poll(mut self, call: impl FnMut() + Send + 'static) -> Self {
        self.each_poll = Arc::new(Mutex::new(Box::new(call)));
        self
    }

    /// How long a change must have stood still, where [`SETTLE`] is not right.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// The remote control.
    pub fn reloads(&self) -> Reloads {
        Reloads { bell: Arc::clone(&self.bell), state: self.state.subscribe() }
    }

    /// Looks again and again until it is cancelled. `now` reads the clock.
    pub async fn run(mut self, now: impl Fn() -> At + Send, cancel: CancellationToken) {
        loop {
            let forced = tokio::select! {
                () = cancel.cancelled() => return,
                () = self.bell.notified() => true,
                () = tokio::time::sleep(POLL) => false,
            };
            self.turn(forced, now()).await;
        }
    }

    /// Looks once. A forced turn loads whatever stands there, settled or not, even if it was refused before.
    pub async fn turn(&mut self, forced: bool, now: At) -> Turn {
        let each_poll = Arc::clone(&self.each_poll);
        let call = move || each_poll.lock().unwrap_or_else(PoisonError::into_inner)();
        if tokio::task::spawn_blocking(call).await.is_err() {
            tracing::error!("looking at the keys failed; they are looked at again");
        }
        if !forced {
            let print = self.fingerprint().await;
            if print == self.seen {
                return Turn::Unchanged;
            }
            // Keeps W2.
            tokio::time::sleep(self.settle).await;
            if self.fingerprint().await != print {
                return Turn::Unsettled;
            }
        }
        let root = self.root.clone();
        let load = move || Catalog::examine(&root, &|name| std::env::var(name).ok());
        match tokio::task::spawn_blocking(load).await {
            Ok(examined) => self.apply(examined, now),
            Err(_) => {
                tracing::error!("loading the deployment failed; the one in force stays");
                Turn::Refused
            }
        }
    }

    async fn fingerprint(&self) -> String {
        let (root, also) = (self.root.clone(), self.secret_files.clone());
        // A look that failed is as good as a changed folder: loading it will say what is wrong.
        tokio::task::spawn_blocking(move || fingerprint(&root, &also)).await.unwrap_or_default()
    }

    /// Takes a loaded deployment up, or says why not (W3).
    fn apply(&mut self, examined: Examined, now: At) -> Turn {
        let Examined { catalog, errors, warnings, .. } = examined;
        self.seen.clone_from(&catalog.fingerprint);
        self.secret_files.clone_from(&catalog.secret_files);
        if !errors.is_empty() {
            for problem in &errors {
                tracing::error!(%problem, hint = problem.hint, "the changed deployment is wrong; the old one stays in force");
            }
            self.state.send_modify(|state| state.refused = Some(errors.into()));
            return Turn::Refused;
        }
        for problem in &warnings {
            tracing::warn!(%problem, hint = problem.hint, "deployment");
        }
        let revision = catalog.revision.clone();
        tracing::info!(revision, agencies = catalog.agencies.len(), "the deployment is in force");
        self.current.store(Arc::new(catalog));
        self.state.send_replace(ReloadState { revision, loaded_at: now, refused: None });
        Turn::TakenUp
    }
}

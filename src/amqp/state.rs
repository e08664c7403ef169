//! How a connection stands, by name, for whoever wants to know.
//!
//! A queue that is missing is no fault of the connection, and still the broker is not as it should be: the state is that of the
//! connection while there is none, and else that of the first queue that is not right.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The first connection is being made.
    Connecting,
    /// All is well.
    Connected,
    /// The broker takes no more messages: it is short of memory or of disk.
    Blocked,
    /// The broker does not know this user, or does not let it in.
    Refused,
    /// Nobody answers there, or it is no broker.
    Unreachable,
    /// The encrypted connection cannot be agreed on.
    Tls,
    /// A queue or an exchange has other arguments than it should have.
    Mismatched,
    /// A queue or an exchange is not there.
    Missing,
    /// The connection was closed; the next one is being made.
    Closed,
}

impl State {
    /// Every state, for tables and metrics.
    pub const ALL: [Self; 9] = [
        Self::Connecting,
        Self::Connected,
        Self::Blocked,
        Self::Refused,
        Self::Unreachable,
        Self::Tls,
        Self::Mismatched,
        Self::Missing,
        Self::Closed,
    ];

    /// The word used in JSON and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Mismatched => "mismatched",
            Self::Missing => "missing",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A state with what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub state: State,
    /// Since when.
    pub since: Instant,
    /// What it is about, in a few English words without secrets: `connect: refused`, `memory`, a queue's name.
    pub detail: Option<String>,
}

impl Standing {
    fn now(state: State, detail: Option<String>) -> Self {
        Self { state, since: Instant::now(), detail }
    }

    /// For how long.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

/// The state of one connection. Clones share it.
#[derive(Debug, Clone)]
pub struct Status(Arc<watch::Sender<Kept>>);

#[derive(Debug, Clone)]
struct Kept {
    connection: Standing,
    /// Queues and exchanges that are not right.
    places: BTreeMap<String, Standing>,
    /// Since when it has not been as it should be, in whatever state.
    wrong_since: Option<Instant>,
    /// Whether what must be there was looked for, and made where it could be.
    looked: bool,
}

impl Kept {
    fn is_right(&self) -> bool {
        self.connection.state == State::Connected && self.places.is_empty()
    }

    /// Why nothing goes to agencies now, if nothing does.
    fn closed(&self) -> Option<Standing> {
        match self.connection.state {
            State::Connected if self.is_held() => {
                Some(Standing { state: State::Connecting, ..self.connection.clone() })
            }
            State::Connected => None,
            _ => Some(self.connection.clone()),
        }
    }

    /// Whether there is a connection, and nothing goes all the same.
    fn is_held(&self) -> bool {
        self.connection.state == State::Connected && !self.looked
    }

    /// Something has changed.
    fn note(&mut self) {
        self.wrong_since = if self.is_right() { None } else { self.wrong_since.or_else(|| Some(Instant::now())) };
    }
}

impl Status {
    pub(super) fn new() -> Self {
        let connection = Standing::now(State::Connecting, None);
        let wrong_since = Some(connection.since);
        Self(Arc::new(watch::Sender::new(Kept { connection, places: BTreeMap::new(), wrong_since, looked: false })))
    }

    /// How it stands now.
    pub fn standing(&self) -> Standing {
        let kept = self.0.borrow();
        match (kept.connection.state, kept.places.iter().next()) {
            (State::Connected, Some((name, standing))) => Standing { detail: Some(name.clone()), ..standing.clone() },
            _ => kept.connection.clone(),
        }
    }

    /// For how long it has not been as it should be; zero where it is.
    pub fn wrong_for(&self) -> Duration {
        self.0.borrow().wrong_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How the connection itself stands, whatever the queues.
    pub fn connection(&self) -> Standing {
        self.0.borrow().connection.clone()
    }

    /// The way to agencies' queues that this connection is.
    pub fn way(&self) -> Way {
        Way(self.0.subscribe())
    }

    /// What must be there was looked for: messages find their queues now, or never.
    pub(super) fn looked(&self) {
        self.0.send_if_modified(|kept| !std::mem::replace(&mut kept.looked, true));
    }

    /// Waits until there has been a connection for this long, and nobody has looked.
    pub(super) async fn held_for(&self, patience: Duration) {
        let mut kept = self.0.subscribe();
        // The sender is kept by this very handle: neither wait ends without what it waits for.
        while kept.wait_for(Kept::is_held).await.is_ok() {
            if timeout(patience, kept.wait_for(|kept| !kept.is_held())).await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Waits until a queue or an exchange is missing.
    pub(super) async fn misses(&self) {
        let mut kept = self.0.subscribe();
        let missing =
            kept.wait_for(|kept| kept.places.values().any(|standing| standing.state == State::Missing)).await.is_ok();
        if !missing {
            // The sender is kept by this very handle.
            std::future::pending::<()>().await;
        }
    }

    /// The connection has come to a state. Returns whether it is another one than before.
    pub(super) fn set(&self, state: State, detail: Option<String>) -> bool {
        self.0.send_if_modified(|kept| {
            let same = (kept.connection.state, &kept.connection.detail) == (state, &detail);
            if !same {
                kept.connection = Standing::now(state, detail);
                kept.note();
            }
            !same
        })
    }

    /// A queue or an exchange is not right. Returns whether that is new.
    pub(super) fn mark(&self, name: &str, state: State) -> bool {
        self.0.send_if_modified(|kept| {
            let known = kept.places.get(name).is_some_and(|standing| standing.state == state);
            if !known {
                kept.places.insert(name.to_owned(), Standing::now(state, None));
                kept.note();
            }
            !known
        })
    }

    /// It is right (again). Returns whether that is new.
    pub(super) fn clear(&self, name: &str) -> bool {
        // Asked after every message: a look takes no lock that others wait for.
        let known = self.0.borrow().places.contains_key(name);
        known
            && self.0.send_if_modified(|kept| {
                let removed = kept.places.remove(name).is_some();
                kept.note();
                removed
            })
    }
}

/// Whether messages can go to agencies now, for whoever rather waits than tries.
#[derive(Debug, Clone)]
pub struct Way(watch::Receiver<Kept>);

impl Way {
    /// Why nothing goes, if nothing does: how the connection stands, and since when.
    pub fn closed(&self) -> Option<Standing> {
        self.0.borrow().closed()
    }

    /// Waits until something about the connection has changed since this way was taken or last waited for.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Nothing will change any more.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_way_opens_once_there_is_a_connection_and_what_must_be_there_was_looked_for() {
        let status = Status::new();
        let mut way = status.way();
        let closed = |way: &Way| way.closed().map(|standing| standing.state);
        assert_eq!(closed(&way), Some(State::Connecting));
        status.set(State::Connected, None);
        way.changed().await;
        assert_eq!(closed(&way), Some(State::Connecting), "queues may be missing that are about to be made");
        status.looked();
        way.changed().await;
        assert_eq!(closed(&way), None);
        status.set(State::Blocked, None);
        way.changed().await;
        assert_eq!(closed(&way), Some(State::Blocked));
        status.set(State::Connected, None);
        assert_eq!(closed(&way), None, "once is enough");
    }

    #[tokio::test]
    async fn who_looks_is_not_waited_for_without_end() {
        const PATIENCE: Duration = Duration::from_millis(100);
        let status = Status::new();
        let held = || timeout(PATIENCE * 3, status.held_for(PATIENCE));
        assert!(held().await.is_err(), "there is no connection");
        let lost = async {
            status.set(State::Connected, None);
            tokio::task::yield_now().await;
            status.set(State::Closed, None);
        };
        assert!(tokio::join!(held(), lost).0.is_err(), "the time of a connection that was lost does not count");
        status.set(State::Connected, None);
        assert!(timeout(PATIENCE * 100, status.held_for(PATIENCE)).await.is_ok());
        status.looked();
        assert!(held().await.is_err(), "somebody looked");
    }

    #[test]
    fn a_queue_that_is_missing_shows_while_there_is_a_connection() {
        let status = Status::new();
        let shown = || (status.standing().state, status.standing().detail);
        assert_eq!(shown(), (State::Connecting, None));
        assert!(status.mark("falaj.out.moi", State::Missing) && !status.mark("falaj.out.moi", State::Missing));
        assert_eq!(shown(), (State::Connecting, None));
        assert!(status.set(State::Connected, None));
        assert_eq!(shown(), (State::Missing, Some("falaj.out.moi".to_owned())));
        assert!(status.set(State::Blocked, Some("memory".to_owned())));
        assert_eq!(shown(), (State::Blocked, Some("memory".to_owned())));
        assert!(!status.set(State::Blocked, Some("memory".to_owned())), "said once");
        assert!(status.wrong_for() > Duration::ZERO);
        assert!(status.set(State::Connected, None) && status.clear("falaj.out.moi") && !status.clear("falaj.out.moi"));
        assert_eq!(status.wrong_for(), Duration::ZERO);
        assert_eq!(shown(), (State::Connected, None));
    }

    #[test]
    fn every_state_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = State::ALL.map(State::as_str).into();
        assert_eq!(words.len(), State::ALL.len());
    }
}

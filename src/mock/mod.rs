//! A receiver as an agency should build it, that fails when asked to: for trying out a deployment, for the demo, and for tests.
//!
//! M1: what is not signed, or not signed lately, is answered 401 and changes nothing. M2: a `webhook-id` is acted on once; its
//! repeats get the same answer again. M3: within one lane (`partitionkey`, else `subject`) new messages must come with rising
//! `falaj-sequence`; one that does not is an inversion, counted and never forgiven. M4: no payload is kept, logged or shown.
//!
//! What it does is changed while it runs, by [`MockHandle::change`] or by `POST /control` from the same machine.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod behaviour;
mod book;
mod receive;
mod server;

#[cfg(test)]
mod tests;

pub use behaviour::{Behaviour, Change, Reply};
pub use book::{Line, Stats, What};
pub use server::{Mock, MockOptions};

/// A mock agency that runs. Dropping it stops it at once; [`MockHandle::stop`] lets it finish what it is answering.
#[derive(Debug)]
pub struct MockHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<receive::Shared>,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl MockHandle {
    /// What it has seen so far.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Changes what it does from now on.
    pub fn change(&self, change: Change) {
        self.shared.change(change);
    }

    /// Where Falaj should post: `http://<addr>/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// Stops accepting, lets running answers finish for a moment, and tells what it has seen.
    pub async fn stop(self) -> Stats {
        self.stop.cancel();
        self.connections.close();
        // Whoever holds a connection open longer loses it when the runtime ends.
        let _in_time = tokio::time::timeout(server::STOP_TIMEOUT, self.connections.wait()).await;
        self.shared.stats()
    }
}

impl Drop for MockHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

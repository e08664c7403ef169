//! Read connections, beside the writer's: a few, each used by one read at a time, off the async threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::error::{LedgerError, OpenError};
use super::open::open_to_read;
use super::shared::lock;

/// Reads at once.
const READERS_MAX: usize = 4;

/// The pool.
#[derive(Debug)]
pub(super) struct Readers {
    folder: PathBuf,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, idle: Mutex::default(), room: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Runs one read in a transaction of its own, so that it sees one state of the store. Reads are bounded by their rows, and
    /// none lasts a second: the write-ahead log cannot be brought home meanwhile.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(|_| LedgerError::Closed)?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = readers.take()?;
            let found = connection.unchecked_transaction().and_then(|transaction| {
                let found = read(&transaction)?;
                transaction.finish()?;
                Ok(found)
            });
            lock(&readers.idle).push(connection);
            found.map_err(|fault| LedgerError::Store(Arc::new(fault)))
        });
        // A read that was cancelled belongs to a runtime that is going down.
        done.await.map_err(|_| LedgerError::Closed)?
    }

    fn take(&self) -> Result<Connection, LedgerError> {
        if let Some(connection) = lock(&self.idle).pop() {
            return Ok(connection);
        }
        open_to_read(&self.folder).map_err(|fault| match fault {
            OpenError::Store(fault) => LedgerError::Store(Arc::new(fault)),
            OpenError::InUse(_)
            | OpenError::Newer { .. }
            | OpenError::Older { .. }
            | OpenError::Zone { .. }
            | OpenError::Io { .. } => LedgerError::Closed,
        })
    }

    /// No more reads; waits for those under way.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.room.acquire_many(u32::try_from(READERS_MAX).unwrap_or(1)).await {
            lock(&self.idle).clear();
            all.forget();
            self.room.close();
        }
    }
}

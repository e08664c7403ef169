//! What can go wrong in the ledger.

use std::path::PathBuf;
use std::sync::Arc;

/// Why the ledger did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Free disk space is below the floor; nothing was written.
    #[error("free disk space is below the floor")]
    DiskLow,
    /// A commit failed earlier; the ledger refuses to write until the process starts anew.
    #[error("the ledger stopped writing after a failed commit")]
    Poisoned,
    /// The writer's queue is full; try again.
    #[error("the ledger is busy")]
    Busy,
    /// It was closed.
    #[error("the ledger is closed")]
    Closed,
    /// A settlement named a delivery that is not in flight.
    #[error("the delivery is not in flight")]
    NotInFlight,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<rusqlite::Error>),
}

/// Why a ledger could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("another Falaj uses the data folder {0}")]
    InUse(PathBuf),
    /// It was written by a newer Falaj.
    #[error("the data folder was written by a newer Falaj (format {found}, this one knows {known})")]
    Newer {
        /// Format found.
        found: u32,
        /// Newest format known.
        known: u32,
    },
    /// It was written by an earlier Falaj, and is only to be read.
    #[error(
        "the data folder was written by an earlier Falaj (format {found}, this one has {known}): start this one over it once"
    )]
    Older {
        /// Format found.
        found: u32,
        /// The format of today.
        known: u32,
    },
    /// It has counted services by the days of another time zone.
    #[error(
        "the ledger counts services by the days of {known}, and statistics.zone is {asked}: a ledger keeps its zone"
    )]
    Zone {
        /// The ledger's zone.
        known: String,
        /// The zone that was asked for.
        asked: String,
    },
    /// The folder or a file in it.
    #[error("cannot use the data folder {folder}")]
    Io {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] rusqlite::Error),
}

//! What the disk can do: records of an envelope's size appended and synced, one by one and in groups.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::peer::Times;

/// Bytes of a record: one envelope.
const RECORD_BYTES: usize = 1536;
/// Records that share a sync in the grouped run: what shares a commit of the ledger at most.
pub const GROUP: usize = 256;

/// Free bytes of the disk under a folder; `None` where the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Synced {
    /// Records written and synced.
    pub records: u64,
    /// In this time, in seconds.
    pub seconds: f64,
    /// How long one write with its sync took.
    pub times: Times,
}

/// Appends records in groups of `group` to a new file in `folder` for so long, with one `fdatasync` after each group.
pub fn sync(folder: &Path, group: usize, long: Duration) -> io::Result<Synced> {
    let path = folder.join("sync.bench");
    let mut file = File::create(&path)?;
    let record = vec![0x5a_u8; RECORD_BYTES * group];
    let mut took = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < long {
        let each = Instant::now();
        file.write_all(&record)?;
        file.sync_data()?;
        took.push(each.elapsed());
    }
    let synced =
        Synced { records: (took.len() * group) as u64, seconds: begun.elapsed().as_secs_f64(), times: Times::of(took) };
    drop(file);
    fs::remove_file(path)?;
    Ok(synced)
}

//! Opening: the folder, its lock, the file, its schema, and the thread that writes.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;

use aws_lc_rs::rand;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::codes::{COUNTS, FORMAT};
use super::error::OpenError;
use super::id::Keys;
use super::notices::Notices;
use super::op::Op;
use super::shared::{Counts, Names, Shared, lock};
use super::types::{Options, Size};
use super::writer::{Writer, disk_free_bytes};
use super::young::Young;
use crate::model::id::AgencyId;

/// The store's file in its folder.
const FILE: &str = "ledger.db";

/// Whether a data folder holds a ledger.
pub fn stands_in(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}
/// Pages of the write-ahead log after which it is brought home: 16 MiB.
const CHECKPOINT_PAGES: u32 = 2048;
/// What format 2 has beyond format 1. A program that does not know it would take an identity twice.
const TO_FORMAT_2: &str =
    "CREATE TABLE young (seq INTEGER PRIMARY KEY, identity BLOB NOT NULL, subject INTEGER, correlation INTEGER)";
/// How long another program that holds the file is waited for.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// Where the store stands in a data folder.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// A ledger that runs.
pub(super) struct Opened {
    pub(super) shared: Arc<Shared>,
    pub(super) ops: mpsc::Sender<Op>,
    pub(super) thread: std::thread::JoinHandle<()>,
}

/// Opens the folder and starts the writer.
pub(super) fn open(options: Options, notices: Option<Notices>) -> Result<Opened, OpenError> {
    let folder = options.folder.clone();
    let io = |source| OpenError::Io { folder: folder.clone(), source };
    make_folder(&folder).map_err(io)?;
    let held = take_lock(&folder)?;
    let connection = Connection::open_with_flags(
        file(&folder),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set_up(&connection)?;
    super::service::settle_zone(&connection, &options.calendar)?;
    sync_folder(&folder).map_err(io)?;
    let (names, counts) = (read_names(&connection)?, read_counts(&connection)?);
    let (keys, pauses) = (Keys::new(&read_key(&connection)?), super::pause::read(&connection)?);
    let shared = Arc::new(Shared::new(folder.clone(), keys, options.calendar.clone(), names, counts, pauses));
    // Before the first reader, who relies on it.
    *lock(&shared.young) = Young::read(&connection)?;
    shared.disk_floor_bytes.store(options.disk_floor_bytes, Relaxed);
    if let Some(free) = disk_free_bytes(&folder) {
        shared.disk_free_bytes.store(free, Relaxed);
        shared.disk_low.store(free < options.disk_floor_bytes, Relaxed);
    }
    let (send, ops) = mpsc::channel();
    let writer = Writer { connection, options, notices, shared: Arc::clone(&shared), ops, lock: held };
    let thread = std::thread::Builder::new().name("ledger".into()).spawn(move || writer.run()).map_err(io)?;
    Ok(Opened { shared, ops: send, thread })
}

/// What the store takes on its disk.
pub(super) fn size(shared: &Shared) -> Size {
    // Beside the store stands the log of the same name; where it is not, it is empty.
    let bytes = |path: PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
    Size {
        store_bytes: bytes(file(&shared.folder)),
        wal_bytes: bytes(shared.folder.join(format!("{FILE}-wal"))),
        floor_bytes: shared.disk_floor_bytes.load(Relaxed),
    }
}

/// Opens the store for reading, beside whoever writes it.
pub(super) fn open_to_read(folder: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file(folder), flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    match known_format(&connection)? {
        FORMAT => Ok(connection),
        found => Err(OpenError::Older { found, known: FORMAT }),
    }
}

/// Only its owner may look into the folder: it holds personal data.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn take_lock(folder: &Path) -> Result<File, OpenError> {
    let io = |source| OpenError::Io { folder: folder.to_owned(), source };
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

fn set_up(connection: &Connection) -> Result<(), OpenError> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    let is_new: bool =
        connection.query_row("SELECT count(*) = 0 FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))?;
    if is_new {
        let mut key = [0_u8; 32];
        rand::fill(&mut key).expect("the system's random numbers do not run out");
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.execute("INSERT INTO meta (key, value) VALUES ('format', ?1)", [FORMAT])?;
        transaction.execute("INSERT INTO meta (key, value) VALUES ('key', ?1)", [&key[..]])?;
        transaction.commit()?;
    }
    if known_format(connection)? == 1 {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(TO_FORMAT_2)?;
        transaction.execute("UPDATE meta SET value = ?1 WHERE key = 'format'", [FORMAT])?;
        transaction.commit()?;
    }
    Ok(())
}

/// The format of a file, if it is one that this program knows.
fn known_format(connection: &Connection) -> Result<u32, OpenError> {
    let found: Option<u32> =
        connection.query_row("SELECT value FROM meta WHERE key = 'format'", [], |row| row.get(0)).optional()?;
    match found {
        Some(found) if found > FORMAT => Err(OpenError::Newer { found, known: FORMAT }),
        Some(found) => Ok(found),
        None => Ok(FORMAT),
    }
}

/// The ledger's own secret.
pub(super) fn read_key(connection: &Connection) -> rusqlite::Result<[u8; 32]> {
    connection.query_row("SELECT value FROM meta WHERE key = 'key'", [], |row| row.get(0))
}

/// The agencies that have a number.
pub(super) fn read_names(connection: &Connection) -> rusqlite::Result<Names> {
    let mut names = Names::default();
    let mut select = connection.prepare("SELECT n, id FROM agency")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(1)?;
        if let Ok(id) = AgencyId::parse(&id) {
            names.insert(row.get(0)?, id);
        }
    }
    Ok(names)
}

/// The counters of every agency.
pub(super) fn read_counts(connection: &Connection) -> rusqlite::Result<HashMap<i64, Counts>> {
    let mut counts: HashMap<i64, Counts> = HashMap::new();
    let mut select = connection.prepare("SELECT agency, state, n FROM tally")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let state = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(COUNTS);
        if let Some(count) = counts.entry(row.get(0)?).or_insert([0; COUNTS]).get_mut(state) {
            *count = row.get(2)?;
        }
    }
    Ok(counts)
}

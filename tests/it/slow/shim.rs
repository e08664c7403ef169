//! The shim between the bus and its syncs, and the images it leaves: what a power cut would have left at each sync point.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::bus::{Dice, Folder};

/// What a disk writes whole, or not at all.
const SECTOR_BYTES: usize = 512;

/// A compiled shim with a folder to write to.
#[derive(Debug)]
pub struct Shim {
    folder: Folder,
}

/// One sync that succeeded.
#[derive(Debug, Clone)]
pub struct Point {
    /// Counts from 1.
    pub number: u64,
    /// Which file.
    pub file: String,
    /// From before it began.
    pub at: SystemTime,
}

impl Shim {
    /// Compiles it.
    pub fn new() -> Self {
        let shim = Self { folder: Folder::new("shim") };
        shim.folder.write("sync_shim.c", include_str!("sync_shim.c"));
        let output = Command::new("gcc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(shim.library())
            .arg(shim.folder.path().join("sync_shim.c"))
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("gcc runs");
        assert!(output.status.success(), "gcc: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::create_dir(shim.out()).expect("the folder is writable");
        shim
    }

    /// The environment of a bus whose ledger stands in `data`.
    pub fn env(&self, data: &Path) -> [(&'static str, String); 3] {
        let text = |path: &Path| path.to_str().expect("a path of ours").to_owned();
        [("LD_PRELOAD", text(&self.library())), ("SYNC_SHIM_WATCH", text(data)), ("SYNC_SHIM_OUT", text(&self.out()))]
    }

    /// Asks for something (`hold`, `fail`, `lie`), or no more.
    pub fn ask(&self, what: &str, on: bool) {
        let path = self.out().join(what);
        if on {
            std::fs::write(path, "").expect("the folder is writable");
        } else {
            std::fs::remove_file(path).expect("it was asked for");
        }
    }

    /// Whether a sync is being held.
    pub fn holds(&self) -> bool {
        self.out().join("held").exists()
    }

    /// Every sync so far.
    pub fn points(&self) -> Vec<Point> {
        let text = std::fs::read_to_string(self.out().join("points")).expect("there were syncs");
        let point = |line: &str| {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("three words a line");
            let (number, file, at) = (word().parse().expect("a number"), word().to_owned(), word());
            let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(at.parse().expect("nanoseconds"));
            Point { number, file, at }
        };
        text.lines().map(point).collect()
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("sync_shim.so")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// What one sync made durable of its file.
    fn synced(&self, point: &Point) -> Vec<u8> {
        std::fs::read(self.out().join(format!("{}.{}", point.number, point.file))).expect("each sync left a copy")
    }
}

/// The files of a ledger as a disk would hold them.
#[derive(Debug, Default, Clone)]
pub struct Image(BTreeMap<String, Vec<u8>>);

impl Image {
    /// Goes on to the next sync point.
    pub fn advance(&mut self, shim: &Shim, point: &Point) {
        self.0.insert(point.file.clone(), shim.synced(point));
    }

    /// This image with a part of what the next sync was about to write: each sector is old or new as the dice fall, for a disk
    /// writes what it has been given in any order.
    pub fn torn(&self, shim: &Shim, next: &Point, dice: &mut Dice) -> Self {
        let new = shim.synced(next);
        let old = self.0.get(&next.file).cloned().unwrap_or_default();
        // A file grows before its sectors are written, or it does not.
        let length = if dice.below(2) == 0 { new.len() } else { old.len() };
        let mut mixed = Vec::with_capacity(length);
        while mixed.len() < length {
            let at = mixed.len();
            let end = (at + SECTOR_BYTES).min(length);
            let from = if dice.below(2) == 0 { &new } else { &old };
            mixed.extend((at..end).map(|byte| from.get(byte).copied().unwrap_or(0)));
        }
        let mut torn = self.clone();
        torn.0.insert(next.file.clone(), mixed);
        torn
    }

    /// Writes it out as a ledger's folder.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("the folder is writable");
        for (name, bytes) in &self.0 {
            // A rollback journal that was synced has been deleted since, or the ledger would not have got further.
            if !name.ends_with("-journal") {
                std::fs::write(folder.join(name), bytes).expect("the folder is writable");
            }
        }
    }
}

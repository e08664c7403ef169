//! A folder that goes when its test is over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A new folder below the system's temporary one. It stays where its test fails.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    pub fn new(name: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("falaj-it-{}-{number}-{name}", std::process::id()));
        // A leftover of an earlier process with the same number would lend its ledger to this test.
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file below it, with the folders on the way.
    pub fn write(&self, relative: &str, text: &str) {
        let path = self.0.join(relative);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("the folder is writable");
        // Renamed into place, as an editor or a deployment tool would: nobody sees half a file.
        let draft = path.with_extension("draft~");
        std::fs::write(&draft, text).expect("the folder is writable");
        std::fs::rename(&draft, &path).expect("the folder is writable");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the folder of this test stays: {}", self.0.display());
        } else {
            let _gone = std::fs::remove_dir_all(&self.0);
        }
    }
}

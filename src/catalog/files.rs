//! The files of a deployment: read once, bounded, and named by one hash.
//!
//! F1: what is read is the deployment and nothing else: a link that leads out of the folder is refused, what is hidden (a name
//! that begins with a dot) is passed over. F2: number, size and depth of files are bounded. F3: the same files have the same
//! revision, whatever their dates and the order in which the disk lists them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use super::problem::{Problem, Problems};

/// Most files of a deployment.
pub const FILES_MAX: usize = 20_000;
/// Most bytes of one file.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// Folders below one another: `connectors/<agency>/fixtures`.
const DEPTH_MAX: usize = 3;

/// The files of a deployment by their path relative to it.
#[derive(Debug, Default)]
pub struct Files {
    contents: BTreeMap<PathBuf, String>,
    /// Hex SHA-256 over paths and contents.
    pub revision: String,
}

impl Files {
    /// Reads `schemas/` and `connectors/`; what cannot be read is an error.
    pub fn read(root: &Path, problems: &mut Problems) -> Self {
        let mut reading = Reading { root, canonical: fs::canonicalize(root).ok(), files: BTreeMap::new(), problems };
        let mut found = false;
        for folder in ["schemas", "connectors"] {
            if root.join(folder).is_dir() {
                found = true;
                reading.folder(Path::new(folder), 1);
            }
        }
        if !found {
            let what = "there is neither schemas/ nor connectors/ in this folder";
            let hint = "Name the folder of the deployment, or make one of them.";
            reading.problems.error(Problem::new(root, what, hint));
        }
        let mut hash = Context::new(&SHA256);
        let mut contents = BTreeMap::new();
        for (path, bytes) in reading.files {
            frame(&mut hash, path.as_os_str().as_encoded_bytes());
            frame(&mut hash, &bytes);
            if let Some(text) = text(&path, bytes, problems) {
                contents.insert(path, text);
            }
        }
        Self { contents, revision: hex(hash.finish().as_ref()) }
    }

    /// A file's text.
    pub fn get(&self, path: &Path) -> Option<&str> {
        self.contents.get(path).map(String::as_str)
    }

    /// All files below a folder, with their texts, by path.
    pub fn below<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = (&'a Path, &'a str)> {
        self.contents
            .range(folder.to_owned()..)
            .take_while(move |(path, _)| path.starts_with(folder))
            .map(|(path, text)| (path.as_path(), text.as_str()))
    }

    /// The folders directly below a folder that have files in them, by name.
    pub fn folders<'a>(&'a self, folder: &'a Path) -> Vec<&'a str> {
        let depth = folder.components().count();
        let mut names: Vec<&str> = self
            .below(folder)
            .filter(|(path, _)| path.components().count() > depth + 1)
            .filter_map(|(path, _)| path.components().nth(depth)?.as_os_str().to_str())
            .collect();
        names.dedup();
        names
    }
}

/// Names what stands on the disk now, as [`Fingerprint`] does for what was loaded; cheap enough to be asked every few seconds.
pub fn fingerprint(root: &Path, also: &[PathBuf]) -> String {
    let mut unheard = Problems::default();
    let files = Files::read(root, &mut unheard);
    Fingerprint::of(&files, &unheard).with(root, also)
}

/// A name for everything a snapshot depends on: the files, those that could not be read, and the secrets beside them. It never
/// leaves the process.
pub struct Fingerprint(Context);

impl Fingerprint {
    /// Begins with the files as they were read, and what could not be read of them.
    pub fn of(files: &Files, unreadable: &Problems) -> Self {
        let mut hash = Context::new(&SHA256);
        frame(&mut hash, files.revision.as_bytes());
        frame(&mut hash, &(unreadable.errors() as u64).to_le_bytes());
        Self(hash)
    }

    /// Adds the secrets.
    pub fn with(mut self, root: &Path, also: &[PathBuf]) -> String {
        for path in also {
            let text = super::secrets::read(&root.join(path)).unwrap_or_default();
            frame(&mut self.0, text.as_bytes());
        }
        hex(self.0.finish().as_ref())
    }
}

/// Hashes a part with its length before it, so that no two lists of parts share a hash.
pub fn frame(hash: &mut Context, part: &[u8]) {
    hash.update(&(part.len() as u64).to_le_bytes());
    hash.update(part);
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(path: &Path, bytes: Vec<u8>, problems: &mut Problems) -> Option<String> {
    // A message may begin with one (CSV for spreadsheets), and a fixture holds the exact message.
    let is_message = path.components().any(|part| part.as_os_str() == "fixtures");
    if bytes.starts_with(b"\xef\xbb\xbf") && !is_message {
        problems.error(Problem::new(path, "begins with a byte order mark", "Save it as UTF-8 without BOM.").at(1, 1));
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count() + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            problems.error(Problem::new(path, format!("not UTF-8 at byte {offset}"), "Save it as UTF-8.").at(line, 1));
            None
        }
    }
}

struct Reading<'a> {
    root: &'a Path,
    canonical: Option<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
    problems: &'a mut Problems,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, &error),
        };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            let hidden = name.as_encoded_bytes().starts_with(b".");
            if !hidden && self.files.len() <= FILES_MAX {
                self.entry(&folder.join(name), depth);
            }
        }
    }

    fn entry(&mut self, path: &Path, depth: usize) {
        let full = self.root.join(path);
        let about = match fs::symlink_metadata(&full) {
            Ok(about) if about.is_symlink() => {
                // Keeps F1.
                let inside = |target: &PathBuf| self.canonical.as_ref().is_some_and(|root| target.starts_with(root));
                if !fs::canonicalize(&full).is_ok_and(|target| inside(&target)) {
                    let hint = "Copy the file into the deployment.";
                    return self.problems.error(Problem::new(path, "a link that leads out of the deployment", hint));
                }
                fs::metadata(&full)
            }
            about => about,
        };
        match about {
            Ok(about) if about.is_dir() && depth < DEPTH_MAX => self.folder(path, depth + 1),
            Ok(about) if about.is_dir() => {
                self.problems.warn(Problem::new(path, "a folder that is not read", "Move it out of the deployment."));
            }
            Ok(about) if about.is_file() => self.file(path, &full),
            Ok(_) => self.problems.error(Problem::new(path, "not a file", "Remove it from the deployment.")),
            // Gone since the folder was listed: the next look will tell.
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn file(&mut self, path: &Path, full: &Path) {
        // Keeps F2.
        if self.files.len() == FILES_MAX {
            let hint = "Split the deployment.";
            let what = format!("the deployment has more than {FILES_MAX} files");
            self.problems.error(Problem::new(path, what, hint));
        }
        let mut bytes = Vec::new();
        let read = fs::File::open(full).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
        match read {
            Err(error) => self.unreadable(path, &error),
            Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
                let what = format!("larger than {FILE_BYTES_MAX} bytes");
                self.problems.error(Problem::new(path, what, "Make it smaller."));
            }
            Ok(_) => drop(self.files.insert(path.to_owned(), bytes)),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        let hint = "Let the user that Falaj runs as read it.";
        self.problems.error(Problem::new(path, format!("cannot be read: {error}"), hint));
    }
}

//! `[[auth.keys]]`: who may call. Read with the rest, and again by themselves while the bus runs.
//!
//! K1: an entry that is not wholly right is dropped, loudly, never kept. K2: deleting an entry revokes the key whatever else is
//! wrong in the file: from a file that is damaged nothing new is taken, but what is gone is gone. K3: no fault repeats a hash.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::load::read_file;
use crate::catalog::document::{Page, Table};
use crate::catalog::{Problem, Problems};
use crate::model::agency::{KeyEntry, Role};
use crate::model::id::AgencyId;

/// Most keys of a bus.
pub const KEYS_MAX: usize = 10_000;
/// Most characters of a key's name.
const NAME_CHARS_MAX: usize = 100;
/// How long a changed file must have stood still.
const SETTLE: Duration = Duration::from_millis(100);

/// The keys of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The entries that are right.
    pub entries: Vec<KeyEntry>,
    /// What is wrong with others, or with the file.
    pub problems: Vec<Problem>,
    /// Whether the file is damaged (not TOML): then entries may be missing that were meant to be there.
    pub damaged: bool,
}

/// Reads `[auth]`.
pub(super) fn read(mut table: Table<'_>, problems: &mut Problems) -> Vec<KeyEntry> {
    let mut entries: Vec<KeyEntry> = Vec::new();
    if let Some(node) = table.take("keys") {
        let items = node.items(problems);
        if items.len() > KEYS_MAX {
            problems.error(node.fault(format!("more than {KEYS_MAX} keys"), "Revoke those that nobody uses."));
        }
        let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        for item in items.iter().take(KEYS_MAX) {
            let Some(entry) = item.table(problems).and_then(|table| entry(table, problems)) else { continue };
            // Of two that clash neither can be told apart from a mistake, but the first one is as it was written.
            if !names.insert(entry.name.clone()) {
                problems.error(item.fault("another key has the same name", "Give each key a name of its own."));
            } else if !hashes.insert(entry.sha256.clone()) {
                problems.error(item.fault("another entry has the same sha256", "Make a key for each: falaj keys new."));
            } else {
                entries.push(entry);
            }
        }
    }
    table.close(problems);
    entries
}

fn entry(mut table: Table<'_>, problems: &mut Problems) -> Option<KeyEntry> {
    const ROLES: [&str; 5] = ["agency", "viewer", "operator", "auditor", "admin"];
    let before = problems.errors();
    let name = table.filled("name", problems);
    if let Some(name) = name.as_ref().filter(|name| name.value.chars().count() > NAME_CHARS_MAX) {
        let what = format!("auth.keys: a name has at most {NAME_CHARS_MAX} characters");
        problems.error(table.fault(what, "Shorten it.").at(name.line, name.column));
    }
    let role = table.need("role", "role = \"viewer\"", problems).and_then(|node| node.word::<Role>(&ROLES, problems));
    let agency = table.take("agency").and_then(|node| {
        if role.is_some_and(|role| role != Role::Agency) {
            problems.error(node.fault("only the role agency has one", "Remove agency, or set role = \"agency\"."));
        }
        node.parsed(AgencyId::parse, problems)
    });
    if role == Some(Role::Agency) && table.take("agency").is_none() {
        let hint = "Add agency = \"<its id>\".";
        problems.error(table.fault("auth.keys: the role agency needs the agency whose key it is", hint));
    }
    let sha256 = table.need("sha256", "sha256 = \"<as falaj keys new prints it>\"", problems).and_then(|node| {
        let text = node.text(problems)?.to_ascii_lowercase();
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            // Keeps K3; somebody may have put the key itself here.
            let hint = "It is the hex SHA-256 of the key, 64 characters, as falaj keys new prints it.";
            problems.error(node.fault("not the hex of a SHA-256", hint));
            return None;
        }
        Some(text)
    });
    table.close(problems);
    // Keeps K1.
    (problems.errors() == before).then_some(())?;
    Some(KeyEntry { name: name?.value, role: role?, agency, sha256: sha256? })
}

/// Reads the keys of a file alone, whatever else is wrong in it. A file that is gone has no keys; one that cannot be read is an
/// error, and the keys in force stay.
pub fn load_keys(file: &Path) -> Result<Keys, Vec<Problem>> {
    if !file.exists() {
        return Ok(Keys { entries: Vec::new(), problems: Vec::new(), damaged: false });
    }
    Ok(keys_of(file, read_file(file).map_err(|problem| vec![problem])?))
}

fn keys_of(file: &Path, text: String) -> Keys {
    let page = Page::new(file, text);
    let mut problems = Problems::default();
    let document = page.parse(&mut problems);
    let damaged = problems.errors() > 0;
    let mut root = Table::of(&page, &document);
    let table = root.take("auth").and_then(|node| node.table(&mut problems));
    let entries = table.map_or_else(Vec::new, |table| read(table, &mut problems));
    let (problems, _) = problems.finish();
    Keys { entries, problems, damaged }
}

/// Looks at the keys of a file again and again.
#[derive(Debug)]
pub struct KeyReloader {
    file: PathBuf,
    seen: Option<String>,
    entries: Vec<KeyEntry>,
    settle: Duration,
}

impl KeyReloader {
    /// Begins with the keys in force. The first look reads the file in any case.
    pub fn new(file: PathBuf, entries: Vec<KeyEntry>) -> Self {
        Self { file, seen: None, entries, settle: SETTLE }
    }

    /// Looks once; returns the keys to be put in force, if they changed. Blocks for a moment where the file has changed, so that
    /// a half-written one is not believed; call it off the async threads.
    pub fn poll(&mut self) -> Option<Vec<KeyEntry>> {
        let text = self.look()?;
        if self.seen.as_ref() == Some(&text) {
            return None;
        }
        if self.seen.is_some() {
            std::thread::sleep(self.settle);
            if self.look()? != text {
                return None;
            }
        }
        let mut keys = keys_of(&self.file, text.clone());
        self.seen = Some(text);
        for problem in &keys.problems {
            tracing::error!(%problem, hint = problem.hint, "a fault in the keys; what is wrong is dropped");
        }
        if keys.damaged {
            // Keeps K2.
            keys.entries.retain(|entry| self.entries.contains(entry));
        }
        if keys.entries == self.entries {
            return None;
        }
        self.entries.clone_from(&keys.entries);
        tracing::info!(keys = keys.entries.len(), "the keys are in force");
        Some(keys.entries)
    }

    /// The file's text; a file that is gone is empty, one that cannot be read changes nothing.
    fn look(&self) -> Option<String> {
        if !self.file.exists() {
            return Some(String::new());
        }
        match read_file(&self.file) {
            Ok(text) => Some(text),
            Err(problem) => {
                tracing::error!(%problem, "the keys cannot be read; those in force stay");
                None
            }
        }
    }
}

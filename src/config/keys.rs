//! `[[auth.keys]]`: who may call, and `[[auth.groups]]`: who of the identity provider's people may do what. Read with the rest, and
//! again by themselves while the bus runs.
//!
//! K1: an entry that is not wholly right is dropped, loudly, never kept. K2: deleting an entry revokes it whatever else is wrong in
//! the file: from a file that is damaged nothing new is taken, but what is gone is gone. K3: no fault repeats a hash. K4: a key's name
//! reads as a key's: in the audit it cannot be taken for a person or for the bus itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Auth;
use super::load::read_file;
use crate::catalog::document::{Node, Page, Table};
use crate::catalog::{Problem, Problems};
use crate::model::agency::{GroupEntry, KeyEntry, Role};
use crate::model::id::AgencyId;
use crate::model::means::Means;

/// Most keys of a bus.
pub const KEYS_MAX: usize = 10_000;
/// Most groups of a bus.
pub const GROUPS_MAX: usize = 10_000;
/// Most characters of a key's name.
const NAME_CHARS_MAX: usize = 100;
/// Most bytes of a group's name.
const GROUP_BYTES_MAX: usize = 512;
/// The roles there are.
const ROLES: [&str; 5] = ["agency", "viewer", "operator", "auditor", "admin"];
/// How long a changed file must have stood still.
const SETTLE: Duration = Duration::from_millis(100);

/// The keys and groups of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The entries that are right.
    pub auth: Auth,
    /// What is wrong with others, or with the file.
    pub problems: Vec<Problem>,
    /// Whether the file is damaged (not TOML): then entries may be missing that were meant to be there.
    pub damaged: bool,
}

/// Reads `[auth]`.
pub(super) fn read(mut table: Table<'_>, problems: &mut Problems) -> Auth {
    let keys = table.take("keys").map_or_else(Vec::new, |node| keys(&node, problems));
    let groups = table.take("groups").map_or_else(Vec::new, |node| groups(&node, problems));
    table.close(problems);
    Auth { keys, groups }
}

fn keys(node: &Node<'_>, problems: &mut Problems) -> Vec<KeyEntry> {
    let mut entries: Vec<KeyEntry> = Vec::new();
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
    entries
}

fn groups(node: &Node<'_>, problems: &mut Problems) -> Vec<GroupEntry> {
    let mut entries: Vec<GroupEntry> = Vec::new();
    let items = node.items(problems);
    if items.len() > GROUPS_MAX {
        problems.error(node.fault(format!("more than {GROUPS_MAX} groups"), "Map larger groups of the provider."));
    }
    let mut names = BTreeSet::new();
    for item in items.iter().take(GROUPS_MAX) {
        let Some(entry) = item.table(problems).and_then(|table| group(table, problems)) else { continue };
        if names.insert(entry.group.clone()) {
            entries.push(entry);
        } else {
            problems.error(item.fault("this group has an entry already", "Keep the one that is meant."));
        }
    }
    entries
}

fn group(mut table: Table<'_>, problems: &mut Problems) -> Option<GroupEntry> {
    let before = problems.errors();
    let group = table.filled("group", problems);
    if let Some(group) = group.as_ref().filter(|group| group.value.len() > GROUP_BYTES_MAX) {
        let what = format!("auth.groups: a group has at most {GROUP_BYTES_MAX} bytes");
        problems.error(table.fault(what, "Map a group with a shorter name.").at(group.line, group.column));
    }
    let (role, agency) = role_and_agency(&mut table, "auth.groups", problems);
    table.close(problems);
    // Keeps K1.
    (problems.errors() == before).then_some(())?;
    Some(GroupEntry { group: group?.value, role: role?, agency })
}

/// What an entry lets do, and for whom.
fn role_and_agency(table: &mut Table<'_>, list: &str, problems: &mut Problems) -> (Option<Role>, Option<AgencyId>) {
    let role = table.need("role", "role = \"viewer\"", problems).and_then(|node| node.word::<Role>(&ROLES, problems));
    let given = table.take("agency");
    let is_given = given.is_some();
    let agency = given.and_then(|node| {
        if role.is_some_and(|role| role != Role::Agency) {
            problems.error(node.fault("only the role agency has one", "Remove agency, or set role = \"agency\"."));
        }
        node.parsed(AgencyId::parse, problems)
    });
    if role == Some(Role::Agency) && !is_given {
        let hint = "Add agency = \"<its id>\".";
        problems.error(table.fault(format!("{list}: the role agency needs the agency it is for"), hint));
    }
    (role, agency)
}

fn entry(mut table: Table<'_>, problems: &mut Problems) -> Option<KeyEntry> {
    let before = problems.errors();
    let name = table.filled("name", problems);
    if let Some(name) = name.as_ref().filter(|name| name.value.chars().count() > NAME_CHARS_MAX) {
        let what = format!("auth.keys: a name has at most {NAME_CHARS_MAX} characters");
        problems.error(table.fault(what, "Shorten it.").at(name.line, name.column));
    }
    if let Some(name) = name.as_ref().filter(|name| Means::of(&name.value) != Means::Key) {
        // Keeps K4.
        let what = "auth.keys: this name is not for a key: it means the bus itself or a person";
        problems.error(table.fault(what, "Choose another.").at(name.line, name.column));
    }
    let (role, agency) = role_and_agency(&mut table, "auth.keys", problems);
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

/// Reads the keys and groups of a file alone, whatever else is wrong in it. A file that is gone has no keys; one that cannot be read is an
/// error, and the keys in force stay.
pub fn load_keys(file: &Path) -> Result<Keys, Vec<Problem>> {
    if !file.exists() {
        return Ok(Keys { auth: Auth::default(), problems: Vec::new(), damaged: false });
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
    let auth = table.map_or_else(Auth::default, |table| read(table, &mut problems));
    let (problems, _) = problems.finish();
    Keys { auth, problems, damaged }
}

/// Looks at the keys and groups of a file again and again.
#[derive(Debug)]
pub struct KeyReloader {
    file: PathBuf,
    seen: Option<String>,
    auth: Auth,
    settle: Duration,
}

impl KeyReloader {
    /// Begins with what is in force. The first look reads the file in any case.
    pub fn new(file: PathBuf, auth: Auth) -> Self {
        Self { file, seen: None, auth, settle: SETTLE }
    }

    /// Looks once; returns what is to be put in force, if it changed. Blocks for a moment where the file has changed, so that
    /// a half-written one is not believed; call it off the async threads.
    pub fn poll(&mut self) -> Option<Auth> {
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
        let Keys { mut auth, problems, damaged } = keys_of(&self.file, text.clone());
        self.seen = Some(text);
        for problem in &problems {
            tracing::error!(%problem, hint = problem.hint, "a fault in the keys; what is wrong is dropped");
        }
        if damaged {
            // Keeps K2.
            auth.keys.retain(|entry| self.auth.keys.contains(entry));
            auth.groups.retain(|entry| self.auth.groups.contains(entry));
        }
        if auth == self.auth {
            return None;
        }
        self.auth.clone_from(&auth);
        tracing::info!(keys = auth.keys.len(), groups = auth.groups.len(), "the keys are in force");
        Some(auth)
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

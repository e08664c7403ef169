//! The newest entries of the indexes, in memory until they are merged into their tables in key order.
//!
//! Identities and keys of the search are hashes. Entered as they come, each changes a page of its own of a table that has grown for
//! years, and a commit writes ten times what its envelopes are. So the accepting commit appends one row to `young` and memory keeps
//! what is in it, sorted; every transaction ends with the next few of that, neighbours in their tables, which share pages there.
//!
//! Y1: what an envelope is known by stands in `young` or in `identity` and `lookup`, or in both, in every commit from its acceptance
//! until it is swept: a crash loses no entry. Y2: whatever stands in `young` alone is in memory. An entry leaves memory only after the
//! commit that merged it, so whoever looks in memory first and begins its snapshot of the tables after that misses nothing. Y3: a row
//! leaves `young` when all of it is merged, or when its envelope is swept; then it is gone from everywhere at once. Rows that are still
//! there at a start are read and merged again, which changes nothing in the tables. Y4: memory holds `young_max` identities and twice
//! as many keys, `young` the rows of about [`LATE`] times as many envelopes; what is beyond (a great commit, a long past) goes in bounded
//! steps, each of them more than what came in meanwhile.
//!
//! The writer alone changes anything here. A transaction that fails leaves its entries in memory: they lead readers to no envelope, and
//! the writer asks no more.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use rusqlite::{Connection, OptionalExtension};

use super::id::column;
use super::shared::lock;
use super::state::State;

/// What one transaction merges besides twice what came with it.
const STEP: usize = 64;
/// After how many times `young_max` accepts something has waited for too long: as many as going round once takes, for what is entered just
/// behind the last one that was merged waits for all others.
const LATE: u64 = 2;
/// Places in accept order whose rows one transaction deletes, or twice what came with it.
const DELETED_MAX: u64 = 512;

/// Key of `identity`.
pub(super) type Identity = [u8; 16];
/// Key of `lookup`: a hash, and the seq.
pub(super) type Lookup = (i64, u64);

/// What is in memory. Readers look here before they look in the tables.
#[derive(Debug, Default)]
pub(super) struct Young {
    identities: BTreeMap<Identity, u64>,
    lookups: BTreeMap<Lookup, ()>,
}

impl Young {
    /// Reads what is in the table.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut young = Self::default();
        let mut select = connection.prepare("SELECT seq, identity, subject, correlation FROM young ORDER BY seq")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)?.cast_unsigned();
            // Who was first has it; the check says where it is there twice.
            young.identities.entry(row.get(1)?).or_insert(seq);
            let keys: [Option<i64>; 2] = [row.get(2)?, row.get(3)?];
            young.lookups.extend(keys.into_iter().flatten().map(|key| ((key, seq), ())));
        }
        Ok(young)
    }

    /// The envelope of an identity; that of an open transaction too.
    pub(super) fn seq(&self, identity: &Identity) -> Option<u64> {
        self.identities.get(identity).copied()
    }

    /// The envelopes of a key before `before`, the oldest first; those of an open transaction too.
    pub(super) fn seqs(&self, key: i64, before: u64) -> Vec<u64> {
        self.lookups.range((key, 0)..(key, before)).map(|((_, seq), ())| *seq).collect()
    }

    /// How many identities, and how many keys.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.identities.len(), self.lookups.len())
    }
}

/// What is not merged yet of an envelope.
#[derive(Debug, Default)]
struct Open {
    identity: bool,
    keys: usize,
}

impl Open {
    fn is_merged(&self) -> bool {
        !self.identity && self.keys == 0
    }
}

/// How far one of the indexes is merged.
#[derive(Debug)]
struct Cursor<K> {
    /// The last one that was; the next of them in key order follow, and behind the last comes the first.
    after: Option<K>,
    /// What came in the open transaction.
    came: usize,
    /// What the open transaction merged. It is in memory until the commit.
    merged: Vec<K>,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { after: None, came: 0, merged: Vec::new() }
    }
}

impl<K: Copy + Ord> Cursor<K> {
    /// How many go now: what is more than `max`, or all of it where something has waited for too long; in bounded steps.
    fn due(&mut self, held: usize, max: usize, is_old: bool) -> usize {
        let step = STEP + 2 * std::mem::take(&mut self.came);
        let due = if is_old { held } else { held.saturating_sub(max) };
        due.min(step)
    }

    /// Notes what is about to be merged.
    fn go(&mut self, entries: impl Iterator<Item = K>) {
        self.merged.extend(entries);
        self.after = self.merged.last().copied().or(self.after);
    }
}

/// What the writer knows of the merging.
#[derive(Debug)]
pub(super) struct Merging {
    identities: Cursor<Identity>,
    lookups: Cursor<Lookup>,
    open: BTreeMap<u64, Open>,
    /// Before this there is nothing in `young`.
    low: u64,
}

impl Merging {
    /// Begins with what was read: all of it is to be merged.
    pub(super) fn begin(connection: &Connection, young: &Young, next_seq: u64) -> rusqlite::Result<Self> {
        let mut open: BTreeMap<u64, Open> = BTreeMap::new();
        for seq in young.identities.values() {
            open.entry(*seq).or_default().identity = true;
        }
        for (_, seq) in young.lookups.keys() {
            open.entry(*seq).or_default().keys += 1;
        }
        let low: Option<i64> = connection.query_row("SELECT min(seq) FROM young", [], |row| row.get(0))?;
        let low = low.map_or(next_seq, i64::cast_unsigned);
        Ok(Self { identities: Cursor::default(), lookups: Cursor::default(), open, low })
    }

    /// Whether an identity, or a key, has waited so long that the rows since are too many.
    fn is_old(&self, next_seq: u64, young_max: usize) -> (bool, bool) {
        let is_late = |seq: u64| next_seq.saturating_sub(seq) > LATE * young_max as u64;
        let oldest = self.open.first_key_value().filter(|(seq, _)| is_late(**seq));
        oldest.map_or((false, false), |(_, open)| (open.identity, open.keys > 0))
    }

    /// Something of an envelope is merged.
    fn close(&mut self, seq: u64, what: impl FnOnce(&mut Open)) {
        if let Some(open) = self.open.get_mut(&seq) {
            what(open);
            if open.is_merged() {
                self.open.remove(&seq);
            }
        }
    }
}

impl State<'_> {
    /// The envelope that has an identity, in the open transaction.
    pub(super) fn holder(&mut self, identity: &Identity) -> rusqlite::Result<Option<u64>> {
        if let Some(seq) = lock(&self.shared.young).seq(identity) {
            return Ok(Some(seq));
        }
        let seq = self.sql.select_identity.query_row([&identity[..]], |row| row.get::<_, i64>(0)).optional()?;
        Ok(seq.map(i64::cast_unsigned))
    }

    /// Enters what a new envelope is known by.
    pub(super) fn enter_indexes(
        &mut self,
        seq: u64,
        identity: Identity,
        lookups: [Option<i64>; 2],
    ) -> rusqlite::Result<()> {
        let [subject, correlation] = lookups;
        self.sql.insert_young.execute((column(seq), &identity[..], subject, correlation))?;
        let mut young = lock(&self.shared.young);
        young.identities.insert(identity, seq);
        let keys = lookups.into_iter().flatten().filter(|key| young.lookups.insert((*key, seq), ()).is_none()).count();
        self.merging.open.insert(seq, Open { identity: true, keys });
        self.merging.identities.came += 1;
        self.merging.lookups.came += keys;
        Ok(())
    }

    /// Takes what an envelope is known by from everywhere: its identity is free.
    pub(super) fn leave_indexes(
        &mut self,
        seq: u64,
        identity: Identity,
        lookups: [Option<i64>; 2],
    ) -> rusqlite::Result<()> {
        self.sql.delete_young.execute([column(seq)])?;
        self.sql.delete_identity.execute([&identity[..]])?;
        for key in lookups.into_iter().flatten() {
            self.sql.delete_lookup.execute((key, column(seq)))?;
        }
        let mut young = lock(&self.shared.young);
        if young.seq(&identity) == Some(seq) {
            young.identities.remove(&identity);
        }
        for key in lookups.into_iter().flatten() {
            young.lookups.remove(&(key, seq));
        }
        self.merging.open.remove(&seq);
        Ok(())
    }

    /// Merges what is due and deletes the rows of what is merged. Nothing comes after it in its transaction.
    pub(super) fn merge(&mut self) -> rusqlite::Result<()> {
        let max = self.options.young_max;
        let deleted = DELETED_MAX.max(2 * self.merging.identities.came as u64);
        let (old_identity, old_key) = self.merging.is_old(self.next_seq, max);
        let young = lock(&self.shared.young);
        let (identities, lookups) = young.count();
        let due = self.merging.identities.due(identities, max, old_identity);
        let identities = following(&young.identities, self.merging.identities.after, due);
        let due = self.merging.lookups.due(lookups, 2 * max, old_key);
        let lookups = following(&young.lookups, self.merging.lookups.after, due);
        drop(young);
        for (identity, seq) in &identities {
            self.sql.insert_identity.execute((&identity[..], column(*seq)))?;
            self.merging.close(*seq, |open| open.identity = false);
        }
        for ((key, seq), ()) in &lookups {
            self.sql.insert_lookup.execute((key, column(*seq)))?;
            self.merging.close(*seq, |open| open.keys = open.keys.saturating_sub(1));
        }
        self.merging.identities.go(identities.into_iter().map(|(identity, _)| identity));
        self.merging.lookups.go(lookups.into_iter().map(|(lookup, ())| lookup));
        self.forget_rows(deleted)
    }

    /// Keeps Y3: rows go up to the first of which something is not merged.
    fn forget_rows(&mut self, max: u64) -> rusqlite::Result<()> {
        let floor = self.merging.open.keys().next().copied().unwrap_or(self.next_seq);
        let low = self.merging.low;
        if low < floor {
            let end = floor.min(low + max);
            self.sql.delete_merged.execute((column(low), column(end)))?;
            self.merging.low = end;
        }
        Ok(())
    }

    /// Keeps Y2: what was merged is committed, and leaves memory.
    pub(super) fn merged(&mut self) {
        let mut young = lock(&self.shared.young);
        for identity in self.merging.identities.merged.drain(..) {
            young.identities.remove(&identity);
        }
        for lookup in self.merging.lookups.merged.drain(..) {
            young.lookups.remove(&lookup);
        }
    }
}

/// The next entries after a key, going round; none of them twice.
fn following<K: Copy + Ord, V: Copy>(entries: &BTreeMap<K, V>, after: Option<K>, count: usize) -> Vec<(K, V)> {
    let Some(after) = after else { return entries.iter().take(count).map(|(key, value)| (*key, *value)).collect() };
    let (ahead, behind) = (entries.range((Excluded(after), Unbounded)), entries.range((Unbounded, Included(after))));
    ahead.chain(behind).take(count).map(|(key, value)| (*key, *value)).collect()
}

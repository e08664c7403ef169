//! Dead letters: deliveries that are dead, parked, or came back ([`super::bounce`]), with what their errors have in common.
//!
//! A dead letter is overtaken once its lane has delivered it or a later one: to lead it again would overwrite newer data. That is
//! kept per lane, in the commits that deliver, so that it is exact for every dead letter of a lane and not for the last one alone.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use rusqlite::{OptionalExtension, Row};

use super::codes::{self, Count};
use super::error::LedgerError;
use super::flow::Place;
use super::handle::Ledger;
use super::id::{Address, SEQ_MAX, column, is_ordered};
use super::read::{Lens, corrupt};
use super::repair::{DeadGroup, DeadLetter, DeadQuery};
use super::settle::Spot;
use super::state::State;
use crate::model::delivery::Attempt;
use crate::model::id::AgencyId;
use crate::model::time::At;

/// Dead letters on a page, and ids that a query may name.
pub(super) const PAGE_MAX: usize = 1000;
/// Groups that are listed.
const GROUPS_MAX: usize = 1000;
/// Characters of a note that a group keeps.
const NOTE_MAX: usize = 200;

/// The last error of a delivery.
#[derive(Debug, Default)]
pub(super) struct Fault {
    class: Option<i64>,
    status: Option<u16>,
    note: String,
}

impl Fault {
    /// That it came back from the agency's queue, and why.
    pub(super) fn returned(why: &str) -> Self {
        Self { class: None, status: None, note: format!("returned by the broker: {why}") }
    }

    /// Names what it has in common with others, and says the note without what differs: runs of digits become `#`.
    fn group(&self) -> (i64, String) {
        let mut note = String::new();
        for c in self.note.chars().take(NOTE_MAX) {
            match c.is_ascii_digit() {
                true if note.ends_with('#') => {}
                true => note.push('#'),
                false => note.push(c),
            }
        }
        let text = format!("{:?} {:?} {note}", self.class, self.status);
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let eight = hash.as_ref()[..8].try_into().expect("SHA-256 has 32 bytes");
        (i64::from_be_bytes(eight), note)
    }
}

/// The name of a group.
pub(super) fn name(group: i64) -> String {
    format!("{:016x}", group.cast_unsigned())
}

/// Reads the name of a group.
pub(super) fn read_name(text: &str) -> Option<i64> {
    let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(u64::cast_signed)
}

impl State<'_> {
    /// The last error of a delivery: that of its attempt, or the one that its stuck row remembers.
    pub(super) fn last_fault(&mut self, spot: Spot, attempt: Option<&Attempt>, stuck: bool) -> rusqlite::Result<Fault> {
        if let Some(attempt) = attempt {
            let class = Some(codes::class(attempt.class));
            return Ok(Fault { class, status: attempt.status, note: attempt.note.clone() });
        }
        if !stuck {
            return Ok(Fault::default());
        }
        self.sql.stuck_fault.query_row((spot.agency, spot.lane), |row| {
            let note: Option<String> = row.get(2)?;
            Ok(Fault { class: row.get(0)?, status: row.get(1)?, note: note.unwrap_or_default() })
        })
    }

    /// The number of an error's group.
    pub(super) fn group(&mut self, fault: &Fault) -> rusqlite::Result<i64> {
        let (group, note) = fault.group();
        self.sql.insert_group.execute((group, fault.class, fault.status, note))?;
        Ok(group)
    }

    /// A delivery died, or came back.
    pub(super) fn write_letter(&mut self, spot: Spot, fault: &Fault, returned: i64, now: At) -> rusqlite::Result<()> {
        let group = self.group(fault)?;
        let Some(duties) = self.duties(spot.seq)? else { return Ok(()) };
        let row = (spot.agency, column(spot.seq), spot.slot, spot.lane, duties.ty, group, now.0, returned);
        self.sql.insert_dead.execute(row)?;
        self.count(spot.agency, Count::Letters, i64::from(is_ordered(spot.lane)));
        Ok(())
    }

    /// A dead letter is led again or forgotten. Returns whether there was one.
    pub(super) fn take_letter(&mut self, agency: i64, lane: i64, seq: u64) -> rusqlite::Result<bool> {
        let found = self.sql.delete_dead.execute((agency, column(seq)))? > 0;
        self.count(agency, Count::Letters, -i64::from(found && is_ordered(lane)));
        Ok(found)
    }
}

/// A dead letter as the store knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter {
    pub(super) agency: i64,
    pub(super) place: Place,
    pub(super) parked: bool,
    group: i64,
    pub(super) overtaken: bool,
}

impl Letter {
    pub(super) fn read(agency: i64, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            agency,
            place: (row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?),
            group: row.get(2)?,
            overtaken: row.get(3)?,
            parked: row.get(4)?,
        })
    }
}

/// What a query asks for, in the store's numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought {
    pub(super) ty: Option<i64>,
    pub(super) group: Option<i64>,
    /// The first seq.
    pub(super) low: u64,
    /// Before this seq.
    pub(super) high: u64,
}

/// The dead letters of an agency, in accept order.
pub(super) const DEAD: &str =
    "SELECT d.seq, d.slot, d.grp, d.returned = 2 OR coalesce((SELECT p.seq >= d.seq + (d.returned > 0) FROM passed p
        WHERE p.agency = d.agency AND p.lane = d.lane), 0), 0 FROM dead d
    WHERE d.agency = ?1 AND d.seq >= ?2 AND d.seq < ?3 AND (?4 IS NULL OR d.type = ?4) AND (?5 IS NULL OR d.grp = ?5)
        AND d.at <= ?7 ORDER BY d.seq LIMIT ?6";
/// The same of one error group, without a look at all others.
const DEAD_OF_GROUP: &str =
    "SELECT d.seq, d.slot, d.grp, d.returned = 2 OR coalesce((SELECT p.seq >= d.seq + (d.returned > 0) FROM passed p
        WHERE p.agency = d.agency AND p.lane = d.lane), 0), 0 FROM dead d INDEXED BY dead_group
    WHERE d.agency = ?1 AND d.grp = ?5 AND d.seq >= ?2 AND d.seq < ?3 AND (?4 IS NULL OR d.type = ?4)
        AND d.at <= ?7 ORDER BY d.seq LIMIT ?6";
/// The parked deliveries of an agency, in accept order.
pub(super) const PARKED: &str = "SELECT s.seq, s.slot, s.grp, 0, 1 FROM stuck s INDEXED BY stuck_parked
    WHERE s.agency = ?1 AND s.seq >= ?2 AND s.seq < ?3 AND s.state = 4
        AND (?4 IS NULL OR (SELECT e.type FROM envelope e WHERE e.seq = s.seq) = ?4) AND (?5 IS NULL OR s.grp = ?5)
        AND s.since <= ?7 ORDER BY s.seq LIMIT ?6";

impl Lens<'_> {
    /// What a query asks for; `None` if nothing can match.
    pub(super) fn sought(&self, query: &DeadQuery) -> rusqlite::Result<Option<Sought>> {
        let ty = match &query.ty {
            Some(ty) => {
                let n = self.connection.query_row("SELECT n FROM type WHERE id = ?1", [ty.as_str()], |row| row.get(0));
                let Some(n) = n.optional()? else { return Ok(None) };
                Some(n)
            }
            None => None,
        };
        let group = match query.group.as_deref().map(read_name) {
            Some(None) => return Ok(None),
            Some(group) => group,
            None => None,
        };
        let low = query.from.map_or(Ok(0), |from| self.first_at(from))?;
        let high = query.to.map_or(Ok(SEQ_MAX), |to| self.first_at(to))?;
        Ok(Some(Sought { ty, group, low, high }))
    }

    /// Dead letters of one agency in accept order, dead and parked ones merged.
    pub(super) fn letters(&self, agency: i64, sought: Sought, limit: usize) -> rusqlite::Result<Vec<Letter>> {
        let mut found = Vec::new();
        let dead = if sought.group.is_some() { DEAD_OF_GROUP } else { DEAD };
        for text in [dead, PARKED] {
            let mut select = self.connection.prepare_cached(text)?;
            let (low, high) = (column(sought.low), column(sought.high));
            let row = (agency, low, high, sought.ty, sought.group, i64::try_from(limit).unwrap_or(i64::MAX), i64::MAX);
            let letters = select.query_map(row, |row| Letter::read(agency, row))?;
            found.extend(letters.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        found.sort_unstable_by_key(|letter| letter.place);
        found.truncate(limit);
        Ok(found)
    }

    /// The dead letter at an address, if there is one and it is sought.
    pub(super) fn letter(&self, address: Address, sought: Sought) -> rusqlite::Result<Option<Letter>> {
        let Some(agency) = self.owner(address)? else { return Ok(None) };
        let sought = Sought { low: sought.low.max(address.seq), high: sought.high.min(address.seq + 1), ..sought };
        let found = self.letters(agency, sought, 1)?;
        Ok(found.into_iter().find(|letter| letter.place == (address.seq, address.slot)))
    }

    /// The agency of a delivery.
    pub(super) fn owner(&self, address: Address) -> rusqlite::Result<Option<i64>> {
        let Some(body) = self.line(address.seq)?.filter(|line| line.at == address.at) else { return Ok(None) };
        let later = self.later(address.seq)?;
        let first = later.iter().find(|(slot, _)| *slot == address.slot).map_or(address.slot, |(_, first)| *first);
        Ok(body.recipients.get(usize::from(first).saturating_sub(1)).map(|entry| entry.agency))
    }

    fn dead_letters(&self, query: &DeadQuery) -> rusqlite::Result<Vec<DeadLetter>> {
        let Some(mut sought) = self.sought(query)? else { return Ok(Vec::new()) };
        let limit = query.limit.clamp(1, PAGE_MAX);
        let after = query.after.map(|id| self.keys.read_delivery(id));
        let after = match after {
            Some(None) => return Ok(Vec::new()),
            Some(Some(address)) => (address.seq, address.slot),
            None => (0, 0),
        };
        let mut found = Vec::new();
        if query.ids.is_empty() {
            sought.low = sought.low.max(after.0);
            for agency in self.asked(query.agency.as_ref()) {
                // Those of the envelope where the page before ended are read again.
                found.extend(self.letters(agency, sought, limit + 1)?);
            }
        } else {
            let agency = query.agency.as_ref().map(|id| self.names.n(id));
            for address in query.ids.iter().take(PAGE_MAX).filter_map(|id| self.keys.read_delivery(*id)) {
                let letter = self.letter(address, sought)?;
                found.extend(letter.filter(|letter| agency.is_none_or(|agency| agency == Some(letter.agency))));
            }
        }
        found.retain(|letter| letter.place > after);
        found.sort_unstable_by_key(|letter| letter.place);
        found.dedup_by_key(|letter| letter.place);
        found.truncate(limit);
        found.into_iter().map(|letter| self.dead_letter(letter)).collect()
    }

    /// The agencies that are asked about, by number.
    pub(super) fn asked(&self, agency: Option<&AgencyId>) -> Vec<i64> {
        match agency {
            Some(id) => self.names.n(id).into_iter().collect(),
            None => self.names.all(),
        }
    }

    fn dead_letter(&self, letter: Letter) -> rusqlite::Result<DeadLetter> {
        let (seq, slot) = letter.place;
        let line = self.line(seq)?.ok_or_else(|| corrupt("a dead letter without its envelope"))?;
        let (ty, accepted_at) = (line.head.attributes.ty.clone(), line.at);
        let view = self.view(line)?;
        let delivery = view.deliveries.into_iter().find(|delivery| delivery.key.slot.0 == slot);
        let delivery = delivery.ok_or_else(|| corrupt("a dead letter without its delivery"))?;
        Ok(DeadLetter { delivery, ty, accepted_at, group: name(letter.group), overtaken: letter.overtaken })
    }

    fn dead_groups(&self, agency: Option<&AgencyId>) -> rusqlite::Result<Vec<DeadGroup>> {
        /// Dead, parked, and the lowest seq.
        type Sizes = (u64, u64, i64);
        let mut sizes: BTreeMap<(i64, i64), Sizes> = BTreeMap::new();
        for agency in self.asked(agency) {
            for (n, text) in [
                "SELECT grp, count(*), min(seq) FROM dead WHERE agency = ?1 GROUP BY grp",
                "SELECT grp, count(*), min(seq) FROM stuck INDEXED BY stuck_parked WHERE agency = ?1 AND state = 4 GROUP BY grp",
            ]
            .into_iter()
            .enumerate()
            {
                let mut select = self.connection.prepare_cached(text)?;
                let mut rows = select.query([agency])?;
                while let Some(row) = rows.next()? {
                    let (count, seq) = (row.get::<_, i64>(1)?.cast_unsigned(), row.get::<_, i64>(2)?);
                    let (dead, parked, oldest) = sizes.entry((agency, row.get(0)?)).or_insert((0, 0, i64::MAX));
                    *if n == 0 { dead } else { parked } += count;
                    *oldest = seq.min(*oldest);
                }
            }
        }
        let mut groups: Vec<((i64, i64), Sizes)> = sizes.into_iter().collect();
        groups.sort_by_key(|(_, (dead, parked, _))| std::cmp::Reverse(dead + parked));
        groups.truncate(GROUPS_MAX);
        groups.into_iter().map(|(key, sizes)| self.dead_group(key, sizes)).collect()
    }

    /// Error groups as [`Self::dead_groups`] has them, each counted up to `counted_max` only.
    fn groups(&self, agency: Option<&AgencyId>, counted_max: u64) -> rusqlite::Result<Vec<DeadGroup>> {
        let limit = i64::try_from(counted_max).unwrap_or(i64::MAX);
        let mut groups: BTreeMap<(i64, i64), (u64, u64, i64)> = BTreeMap::new();
        for agency in self.asked(agency) {
            let mut next = self.connection.prepare_cached(
                "SELECT grp FROM dead INDEXED BY dead_group WHERE agency = ?1 AND grp > ?2 ORDER BY grp LIMIT 1",
            )?;
            let mut count = self.connection.prepare_cached(
                "SELECT count(*), min(seq) FROM (SELECT seq FROM dead INDEXED BY dead_group
                 WHERE agency = ?1 AND grp = ?2 ORDER BY seq LIMIT ?3)",
            )?;
            let mut last = i64::MIN;
            while groups.len() < GROUPS_MAX
                && let Some(group) = next.query_row((agency, last), |row| row.get::<_, i64>(0)).optional()?
            {
                let (dead, oldest) =
                    count.query_row((agency, group, limit), |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
                groups.insert((agency, group), (dead.cast_unsigned(), 0, oldest));
                last = group;
            }
            let mut parked = self.connection.prepare_cached(
                "SELECT grp, count(*), min(seq) FROM (SELECT grp, seq FROM stuck INDEXED BY stuck_parked
                 WHERE agency = ?1 AND state = 4 ORDER BY seq LIMIT ?2) WHERE grp IS NOT NULL GROUP BY grp",
            )?;
            let mut rows = parked.query((agency, limit))?;
            while let Some(row) = rows.next()? {
                let (count, seq) = (row.get::<_, i64>(1)?.cast_unsigned(), row.get::<_, i64>(2)?);
                let (_, parked, oldest) = groups.entry((agency, row.get(0)?)).or_insert((0, 0, i64::MAX));
                *parked += count;
                *oldest = seq.min(*oldest);
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, (dead, parked, _))| std::cmp::Reverse(dead + parked));
        groups.truncate(GROUPS_MAX);
        groups.into_iter().map(|(key, sizes)| self.dead_group(key, sizes)).collect()
    }

    fn dead_group(
        &self,
        (agency, group): (i64, i64),
        (dead, parked, oldest): (u64, u64, i64),
    ) -> rusqlite::Result<DeadGroup> {
        let mut select = self.connection.prepare_cached(
            "SELECT g.class, g.status, g.note, e.at FROM error_group g, envelope e WHERE g.grp = ?1 AND e.seq = ?2",
        )?;
        let agency = self.names.id(agency).cloned().ok_or_else(|| corrupt("an agency without a name"))?;
        select.query_row((group, oldest), |row| {
            let class = row.get::<_, Option<i64>>(0)?.and_then(codes::read_class);
            let (status, note, oldest) = (row.get(1)?, row.get(2)?, At(row.get(3)?));
            Ok(DeadGroup { group: name(group), agency, note, class, status, dead, parked, oldest })
        })
    }
}

impl Ledger {
    /// Dead and parked deliveries, oldest first.
    pub async fn dead_letters(&self, query: DeadQuery) -> Result<Vec<DeadLetter>, LedgerError> {
        self.read(move |lens| lens.dead_letters(&query)).await
    }

    /// Error groups, largest first, at most 1,000.
    pub async fn dead_groups(&self, agency: Option<AgencyId>) -> Result<Vec<DeadGroup>, LedgerError> {
        self.read(move |lens| lens.dead_groups(agency.as_ref())).await
    }

    /// The same, where no group is counted further than `counted_max`: quick, whatever has died.
    pub async fn groups(&self, agency: Option<AgencyId>, counted_max: u64) -> Result<Vec<DeadGroup>, LedgerError> {
        self.read(move |lens| lens.groups(agency.as_ref(), counted_max)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_do_not_part_a_group_and_anything_else_does() {
        let fault = |status, note: &str| Fault { class: Some(2), status, note: note.into() };
        let (group, note) = fault(Some(422), "line 17 of 900: no district").group();
        assert_eq!(note, "line # of #: no district");
        assert_eq!(fault(Some(422), "line 3 of 12345: no district").group().0, group);
        assert_ne!(fault(Some(400), "line 17 of 900: no district").group().0, group);
        assert_ne!(fault(Some(422), "line 17 of 900: no zone").group().0, group);
        assert_ne!(Fault { class: Some(6), ..fault(Some(422), "line 17 of 900: no district") }.group().0, group);
        assert_eq!(read_name(&name(group)), Some(group));
        assert_eq!((read_name("x"), read_name("+000000000000001")), (None, None));
    }
}

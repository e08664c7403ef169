//! Searching, newest first, in bounded steps: a page can be short or empty and still have a next one.

use rusqlite::{OptionalExtension, Rows, TransactionState};

use super::id::{SEQ_MAX, column, seq as to_seq};
use super::read::{Lens, Line};
use super::seek::Places;
use super::shared::lock;
use super::types::{Found, Mark, Query};
use super::young::Young;
use crate::model::delivery::{DeliveryView, EnvelopeView};
use crate::model::envelope::Attributes;
use crate::model::id::Seq;
use crate::model::status::EnvelopeState;
use crate::model::time::At;

/// Rows that one page reads at most.
const ROWS_MAX: usize = 4000;
/// Envelopes whose deliveries one page reads at most.
const VIEWS_MAX: usize = 400;
/// How the types begin of what the bus itself tells.
const OWN: &str = "falaj.";
/// Envelopes on a page at most.
const PAGE_MAX: usize = 100;

/// A page that is being filled.
#[derive(Debug, Default)]
struct Page {
    found: Found,
    limit: usize,
    read: usize,
    viewed: usize,
}

/// What a page is filled from, the newest first: rows as they are read, and what is in memory between them.
struct Lines<'s> {
    rows: Rows<'s>,
    /// Read, and not taken yet.
    row: Option<Line>,
    /// The oldest first.
    young: Vec<u64>,
}

impl Lines<'_> {
    /// The next one; what is in memory and in the table comes once.
    fn next(&mut self, lens: &Lens<'_>) -> rusqlite::Result<Option<Line>> {
        loop {
            if self.row.is_none() {
                self.row = self.rows.next()?.map(Line::read).transpose()?;
            }
            let old = self.row.as_ref().map(|line| line.seq);
            match self.young.last() {
                Some(young) if old.is_none_or(|old| *young > old) => {
                    let line = lens.line(*young)?;
                    self.young.pop();
                    // What is not committed yet, or was swept, leads to nothing.
                    if line.is_some() {
                        return Ok(line);
                    }
                }
                young => {
                    if young.copied() == old {
                        self.young.pop();
                    }
                    return Ok(self.row.take());
                }
            }
        }
    }
}

/// Whether an envelope stands as it was asked for, as a whole and in its deliveries.
fn stands(query: &Query, view: &EnvelopeView) -> bool {
    let meant = |delivery: &&DeliveryView| query.recipient.as_ref().is_none_or(|agency| delivery.key.agency == *agency);
    query.state.is_none_or(|state| EnvelopeState::of(&view.deliveries) == state)
        && query
            .standing
            .is_none_or(|word| view.deliveries.iter().filter(meant).any(|delivery| delivery.standing.word() == word))
}

impl Lens<'_> {
    /// One page.
    pub(super) fn search(&self, query: &Query) -> rusqlite::Result<Found> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        // Keeps Y2: memory is read before the first look at the store, with which its snapshot begins.
        if let (Some(source), Some(event_id)) = (&query.source, &query.event_id) {
            let known = self.known(source, event_id)?;
            return self.by_identity(query, known);
        }
        let key = match (&query.subject, &query.correlation_id, query.mark) {
            (Some(subject), ..) => Some(self.keys.subject(subject)),
            (None, Some(id), _) => Some(self.keys.correlation(id)),
            (None, None, Some(Mark(key))) => Some(key),
            (None, None, None) => None,
        };
        let young = key.map(|key| self.young(key, query.before)).unwrap_or_default();
        let Some((low, high)) = self.range(query)? else { return Ok(Found::default()) };
        if key.is_none()
            && let Some(places) = self.places(query, low, high)?
        {
            return self.at_places(query, limit, places);
        }
        let mut select = self.connection.prepare_cached(match key {
            Some(_) => {
                "SELECT e.seq, e.at, e.sender, e.digest, e.head, e.recipients FROM lookup l JOIN envelope e ON e.seq = l.seq
                 WHERE l.key = ?1 AND l.seq >= ?2 AND l.seq < ?3 ORDER BY l.seq DESC"
            }
            None => {
                "SELECT seq, at, sender, digest, head, recipients FROM envelope
                 WHERE ?1 = 0 AND seq >= ?2 AND seq < ?3 ORDER BY seq DESC"
            }
        })?;
        let rows = select.query((key.unwrap_or(0), column(low), column(high)))?;
        let young = young.into_iter().filter(|seq| (low..high).contains(seq)).collect();
        let mut lines = Lines { rows, row: None, young };
        let mut page = Page { limit, ..Page::default() };
        while let Some(line) = lines.next(self)? {
            let seq = line.seq;
            if self.take(query, line, &mut page)? {
                return Ok(Found { next: Some(to_seq(column(seq))), ..page.found });
            }
        }
        Ok(page.found)
    }

    /// One page of what stands in these places.
    fn at_places(&self, query: &Query, limit: usize, Places { seqs, rest }: Places) -> rusqlite::Result<Found> {
        let mut page = Page { limit, ..Page::default() };
        for seq in seqs {
            let Some(line) = self.line(seq)? else { continue };
            if self.take(query, line, &mut page)? {
                return Ok(Found { next: Some(to_seq(column(seq))), ..page.found });
            }
        }
        Ok(Found { next: rest.map(|rest| to_seq(column(rest))), ..page.found })
    }

    /// Takes an envelope on the page where it matches; returns whether the page is full, or enough was read for it.
    fn take(&self, query: &Query, line: Line, page: &mut Page) -> rusqlite::Result<bool> {
        page.read += 1;
        if self.matches(query, &line) {
            page.viewed += 1;
            let view = self.view(line)?;
            if stands(query, &view) && self.failed_so(query, &view)? {
                page.found.envelopes.push(view);
            }
        }
        Ok(page.found.envelopes.len() == page.limit || page.read == ROWS_MAX || page.viewed == VIEWS_MAX)
    }

    fn by_identity(&self, query: &Query, known: Option<u64>) -> rusqlite::Result<Found> {
        let mut found = Found::default();
        let Some((low, high)) = self.range(query)? else { return Ok(found) };
        let line = match known {
            Some(seq) if (low..high).contains(&seq) => self.line(seq)?,
            _ => None,
        };
        if let Some(line) = line.filter(|line| self.matches(query, line)) {
            let view = self.view(line)?;
            if stands(query, &view) && self.failed_so(query, &view)? {
                found.envelopes.push(view);
            }
        }
        Ok(found)
    }

    /// The envelope of an identity. Keeps Y2 where nothing was read of the store before.
    pub(super) fn known(&self, source: &str, event_id: &str) -> rusqlite::Result<Option<u64>> {
        let key = self.keys.identity(source, event_id);
        if let Some(seq) = self.memory(|young| young.seq(&key)).flatten() {
            let mut stands = self.connection.prepare_cached("SELECT 1 FROM envelope WHERE seq = ?1")?;
            // Where it does not, its transaction is open: what was before it stands in the table.
            if stands.exists([column(seq)])? {
                return Ok(Some(seq));
            }
        }
        let mut select = self.connection.prepare_cached("SELECT seq FROM identity WHERE key = ?1")?;
        let seq: Option<i64> = select.query_row([&key[..]], |row| row.get(0)).optional()?;
        Ok(seq.map(i64::cast_unsigned))
    }

    /// The envelopes of a key that are in memory, before the place where a page begins; the oldest first.
    fn young(&self, key: i64, before: Option<Seq>) -> Vec<u64> {
        let before = before.map_or(SEQ_MAX, |before| before.0);
        self.memory(|young| young.seqs(key, before)).unwrap_or_default()
    }

    /// A look at what is in memory; `None` where the tables are all there is. Keeps Y2: the snapshot has not begun.
    fn memory<T>(&self, look: impl FnOnce(&Young) -> T) -> Option<T> {
        let shared = self.shared?;
        debug_assert!(
            matches!(self.connection.transaction_state(None::<&str>), Ok(TransactionState::None)),
            "what leaves memory meanwhile would be missed"
        );
        Some(look(&lock(&shared.young)))
    }

    fn matches(&self, query: &Query, line: &Line) -> bool {
        let Attributes { source, id, ty, subject, .. } = &line.head.attributes;
        let is =
            |wanted: &Option<String>, value: Option<&str>| wanted.as_deref().is_none_or(|text| value == Some(text));
        is(&query.source, Some(source))
            && is(&query.event_id, Some(id))
            && is(&query.subject, subject.as_deref())
            && is(&query.correlation_id, line.head.attributes.correlation_id())
            && !(query.without_notices && ty.as_str().starts_with(OWN))
            && query.mark.is_none_or(|mark| self.bears(mark, line))
            && query
                .recipient
                .as_ref()
                .is_none_or(|wanted| line.recipients.iter().any(|entry| self.names.id(entry.agency) == Some(wanted)))
            && query.ty.as_ref().is_none_or(|wanted| wanted == ty)
            && query.sender.as_ref().is_none_or(|wanted| self.names.id(line.sender) == Some(wanted))
    }

    /// Whether a mark stands for the subject or the correlation id of an envelope.
    fn bears(&self, Mark(key): Mark, line: &Line) -> bool {
        let attributes = &line.head.attributes;
        attributes.subject.as_deref().is_some_and(|subject| self.keys.subject(subject) == key)
            || attributes.correlation_id().is_some_and(|id| self.keys.correlation(id) == key)
    }

    /// The seqs that can match: `at` never decreases with seq. `None` if there are none.
    fn range(&self, query: &Query) -> rusqlite::Result<Option<(u64, u64)>> {
        let low = query.from.map_or(Ok(0), |from| self.first_at(from))?;
        let mut high = query.to.map_or(Ok(SEQ_MAX), |to| self.first_at(to))?;
        if let Some(before) = query.before {
            high = high.min(before.0);
        }
        Ok((low < high).then_some((low, high)))
    }

    /// The lowest seq accepted at `at` or later; beyond the last if there is none.
    pub(super) fn first_at(&self, at: At) -> rusqlite::Result<u64> {
        let last: Option<i64> = self.connection.query_row("SELECT max(seq) FROM envelope", [], |row| row.get(0))?;
        let mut select =
            self.connection.prepare_cached("SELECT seq, at FROM envelope WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
        let (mut low, mut high) = (0_u64, last.map_or(0, i64::cast_unsigned) + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let row: Option<(i64, i64)> =
                select.query_row([column(middle)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            match row {
                Some((seq, then)) if then < at.0 => low = seq.cast_unsigned() + 1,
                // Between `middle` and its row there is none.
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
    }
}

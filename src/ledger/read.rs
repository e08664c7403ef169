//! Reading: rows into the views that the other layers know.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::accept::Head;
use super::codes::{self, PARKED};
use super::flow::Place;
use super::id::{Keys, column, seq as to_seq};
use super::recipients::{self, Entry};
use super::shared::{Body, Names, Shared, lock};
use super::types::{Stored, Waits};
use crate::model::delivery::{DeliveryKey, DeliveryView, EnvelopeView, Finished, LastError, Standing};
use crate::model::envelope::{Attributes, Digest};
use crate::model::id::{AgencyId, Slot};
use crate::model::outcome::{Class, Report};
use crate::model::time::At;

/// What reading needs besides a connection.
pub(super) struct Lens<'a> {
    pub(super) connection: &'a Connection,
    pub(super) keys: &'a Keys,
    pub(super) names: Arc<Names>,
    /// What was in flight before the read began; `None` where nothing can be.
    pub(super) shared: Option<&'a Shared>,
}

/// An envelope's row without its data.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) at: At,
    pub(super) sender: i64,
    pub(super) digest: Digest,
    pub(super) head: Head<Attributes>,
    pub(super) recipients: Vec<Entry>,
}

/// A stored value that is not what was written there.
pub(super) fn corrupt(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, what.into())
}

impl Line {
    /// Reads the columns `seq, at, sender, digest, head, recipients`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let form: Vec<u8> = row.get(5)?;
        let head: String = row.get(4)?;
        Ok(Self {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            at: At(row.get(1)?),
            sender: row.get(2)?,
            digest: Digest(row.get(3)?),
            head: Head::read(&head)?,
            recipients: recipients::read(&form).ok_or_else(|| corrupt("recipients of an unknown version"))?,
        })
    }
}

/// How a delivery ended, as it is stored.
struct Settled {
    state: Finished,
    report: Report,
    attempts: u32,
    at: At,
    by: Option<String>,
    why: Option<String>,
}

impl Lens<'_> {
    fn agency(&self, n: i64) -> rusqlite::Result<AgencyId> {
        self.names.id(n).cloned().ok_or_else(|| corrupt("an agency without a name"))
    }

    /// An envelope's row.
    pub(super) fn line(&self, seq: u64) -> rusqlite::Result<Option<Line>> {
        let mut select = self
            .connection
            .prepare_cached("SELECT seq, at, sender, digest, head, recipients FROM envelope WHERE seq = ?1")?;
        select.query_row([column(seq)], Line::read).optional()
    }

    /// An envelope with its data and recipients.
    pub(super) fn body(&self, seq: u64) -> rusqlite::Result<Option<Body>> {
        let mut select = self
            .connection
            .prepare_cached("SELECT seq, at, sender, digest, head, recipients, data FROM envelope WHERE seq = ?1")?;
        let row = select.query_row([column(seq)], |row| Ok((Line::read(row)?, row.get::<_, Vec<u8>>(6)?)));
        let Some((line, data)) = row.optional()? else { return Ok(None) };
        let stored = Stored {
            seq: to_seq(column(seq)),
            id: self.keys.envelope_id(line.at, seq),
            accepted_at: line.at,
            sender: self.agency(line.sender)?,
            schema: line.head.schema,
            digest: line.digest,
            attributes: line.head.attributes,
            trace: line.head.trace,
            data: data.into(),
        };
        Ok(Some(Body { stored: Arc::new(stored), recipients: line.recipients }))
    }

    /// An envelope with its deliveries as they stand.
    pub(super) fn view(&self, line: Line) -> rusqlite::Result<EnvelopeView> {
        let mut slots: Vec<(u16, Entry)> = (1..).zip(line.recipients.iter().copied()).collect();
        for (slot, first) in self.later(line.seq)? {
            let entry = line.recipients.get(usize::from(first).saturating_sub(1)).copied();
            slots.push((slot, entry.ok_or_else(|| corrupt("a later generation of nobody"))?));
        }
        let places: Vec<Place> = slots.iter().map(|(slot, _)| (line.seq, *slot)).collect();
        // Before the rows are read: what ends meanwhile is shown as it ended.
        let flying = self.shared.map(|shared| {
            let flying = lock(&shared.flying);
            places.iter().map(|place| flying.contains(place)).collect::<Vec<_>>()
        });
        let mut settled = self.settled(line.seq, 1, Slot::MAX)?;
        let mut deliveries = Vec::with_capacity(places.len());
        for (n, (slot, entry)) in slots.into_iter().enumerate() {
            let flies = flying.as_ref().is_some_and(|flying| flying[n]);
            deliveries.push(self.delivery(&line, entry, slot, settled.remove(&slot), flies)?);
        }
        self.with_deliveries(line, deliveries)
    }

    /// Later generations of an envelope's deliveries: slot and first slot, rising.
    pub(super) fn later(&self, seq: u64) -> rusqlite::Result<Vec<(u16, u16)>> {
        let mut select =
            self.connection.prepare_cached("SELECT slot, first_slot FROM redriven WHERE seq = ?1 ORDER BY slot")?;
        select.query_map([column(seq)], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    fn with_deliveries(&self, line: Line, deliveries: Vec<DeliveryView>) -> rusqlite::Result<EnvelopeView> {
        let Attributes { id, source, ty, subject, .. } = line.head.attributes;
        Ok(EnvelopeView {
            id: self.keys.envelope_id(line.at, line.seq),
            seq: to_seq(column(line.seq)),
            accepted_at: line.at,
            sender: self.agency(line.sender)?,
            source,
            event_id: id,
            ty,
            subject,
            deliveries,
        })
    }

    /// The receipt of an envelope: its deliveries as they were when it was accepted.
    pub(super) fn receipt(&self, line: Line) -> rusqlite::Result<EnvelopeView> {
        let deliveries = line.recipients.iter().zip(1_u16..);
        let deliveries =
            deliveries.map(|(entry, slot)| self.fresh(&line, *entry, slot)).collect::<rusqlite::Result<_>>()?;
        self.with_deliveries(line, deliveries)
    }

    fn fresh(&self, line: &Line, entry: Entry, slot: u16) -> rusqlite::Result<DeliveryView> {
        Ok(DeliveryView {
            id: self.keys.delivery_id(line.at, line.seq, slot),
            key: DeliveryKey { agency: self.agency(entry.agency)?, seq: to_seq(column(line.seq)), slot: Slot(slot) },
            standing: Standing::Queued,
            since: line.at,
            report: Report::default(),
            attempts: 0,
            last_error: None,
        })
    }

    fn delivery(
        &self,
        line: &Line,
        entry: Entry,
        slot: u16,
        settled: Option<Settled>,
        flies: bool,
    ) -> rusqlite::Result<DeliveryView> {
        let mut view = self.fresh(line, entry, slot)?;
        if let Some(settled) = settled {
            let by = settled.by.unwrap_or_else(|| view.key.agency.to_string());
            view.standing = Standing::Finished { state: settled.state, at: settled.at, by, why: settled.why };
            view.since = settled.at;
            view.report = settled.report;
            view.attempts = settled.attempts;
            view.last_error = self.last_fault(line.seq, slot)?;
            return Ok(view);
        }
        self.unfinished(&mut view, entry, (line.seq, slot))?;
        if flies {
            view.standing = Standing::InFlight;
        }
        Ok(view)
    }

    /// Where an unfinished delivery stands: head of its stuck lane, behind the head, or flowing.
    fn unfinished(&self, view: &mut DeliveryView, entry: Entry, place: Place) -> rusqlite::Result<()> {
        let mut select = self.connection.prepare_cached(
            "SELECT s.seq, s.slot, s.state, s.due_at, s.since, s.counted, s.err_class, s.err_status, s.err_note, s.err_at, e.at
             FROM stuck s JOIN envelope e ON e.seq = s.seq WHERE s.agency = ?1 AND s.lane = ?2",
        )?;
        let mut rows = select.query((entry.agency, entry.lane))?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let head: Place = (row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?);
        if head != place {
            let head = self.keys.delivery_id(At(row.get(10)?), head.0, head.1);
            view.standing = Standing::Behind { head };
            return self.set_aside(view, entry, place);
        }
        let (due, since) = (At(row.get(3)?), At(row.get(4)?));
        view.attempts = row.get(5)?;
        if let Some(class) = row.get::<_, Option<i64>>(6)?.and_then(codes::read_class) {
            view.last_error = Some(LastError { class, status: row.get(7)?, note: row.get(8)?, at: At(row.get(9)?) });
        }
        view.since = since;
        view.standing = match row.get::<_, i64>(2)? {
            PARKED => Standing::Parked { since },
            codes::RETRY => Standing::Retry { due },
            codes::LEASED => Standing::Leased { until: due },
            _ => Standing::Queued,
        };
        Ok(())
    }

    /// What a delivery had been through that was head before an earlier one came back.
    fn set_aside(&self, view: &mut DeliveryView, entry: Entry, place: Place) -> rusqlite::Result<()> {
        let mut select = self.connection.prepare_cached(
            "SELECT counted, err_class, err_status, err_note, err_at FROM aside WHERE agency = ?1 AND lane = ?2 AND seq = ?3",
        )?;
        let mut rows = select.query((entry.agency, entry.lane, column(place.0)))?;
        let Some(row) = rows.next()? else { return Ok(()) };
        view.attempts = row.get(0)?;
        if let Some(class) = row.get::<_, Option<i64>>(1)?.and_then(codes::read_class) {
            view.last_error = Some(LastError { class, status: row.get(2)?, note: row.get(3)?, at: At(row.get(4)?) });
        }
        Ok(())
    }

    /// Finished deliveries of an envelope from slot `low` to slot `high`, by slot.
    pub(super) fn ended(&self, line: &Line, low: u16, high: u16) -> rusqlite::Result<Vec<DeliveryView>> {
        let mut settled: Vec<(u16, Settled)> = self.settled(line.seq, low, high)?.into_iter().collect();
        settled.sort_unstable_by_key(|(slot, _)| *slot);
        let later = self.later(line.seq)?;
        let ended = settled.into_iter().map(|(slot, settled)| {
            let first = later.iter().find(|(of, _)| *of == slot).map_or(slot, |(_, first)| *first);
            let entry = line.recipients.get(usize::from(first).saturating_sub(1)).copied();
            let entry = entry.ok_or_else(|| corrupt("a delivery of nobody"))?;
            self.delivery(line, entry, slot, Some(settled), false)
        });
        ended.collect()
    }

    /// How the deliveries of an envelope from slot `low` to slot `high` ended, as far as they have.
    fn settled(&self, seq: u64, low: u16, high: u16) -> rusqlite::Result<HashMap<u16, Settled>> {
        let mut select = self.connection.prepare_cached(
            "SELECT slot, state, outcome, attempts, at, by, why, reason, reference FROM settled
             WHERE seq = ?1 AND slot BETWEEN ?2 AND ?3",
        )?;
        let place = (column(seq), low, high);
        let settled = select.query_map(place, |row| {
            let state = codes::read_finished(row.get(1)?).ok_or_else(|| corrupt("an unknown end"))?;
            let outcome = row.get::<_, Option<i64>>(2)?.and_then(codes::read_outcome);
            let report = Report { outcome, reason: row.get(7)?, reference: row.get(8)? };
            let (attempts, at, by, why) = (row.get(3)?, At(row.get(4)?), row.get(5)?, row.get(6)?);
            Ok((row.get(0)?, Settled { state, report, attempts, at, by, why }))
        })?;
        let mut settled: HashMap<u16, Settled> = settled.collect::<rusqlite::Result<_>>()?;
        let mut later = self.connection.prepare_cached(
            "SELECT slot, outcome, reason, reference FROM outcome WHERE seq = ?1 AND slot BETWEEN ?2 AND ?3 ORDER BY slot, n",
        )?;
        let mut rows = later.query(place)?;
        while let Some(row) = rows.next()? {
            if let Some(settled) = settled.get_mut(&row.get(0)?) {
                settled.report.outcome = codes::read_outcome(row.get(1)?);
                settled.report.reason = row.get::<_, Option<String>>(2)?.or(settled.report.reason.take());
                settled.report.reference = row.get::<_, Option<String>>(3)?.or(settled.report.reference.take());
            }
        }
        Ok(settled)
    }

    fn last_fault(&self, seq: u64, slot: u16) -> rusqlite::Result<Option<LastError>> {
        let mut select = self.connection.prepare_cached(
            "SELECT class, status, note, at FROM attempt WHERE seq = ?1 AND slot = ?2 AND class <> ?3 ORDER BY n DESC LIMIT 1",
        )?;
        let fault = select.query_row((column(seq), slot, codes::class(Class::Done)), |row| {
            let class = codes::read_class(row.get(0)?).ok_or_else(|| corrupt("an unknown class"))?;
            Ok(LastError { class, status: row.get(1)?, note: row.get(2)?, at: At(row.get(3)?) })
        });
        fault.optional()
    }

    /// When the next head of an agency falls due.
    pub(super) fn next_due(&self, agency: i64, now: At) -> rusqlite::Result<Option<At>> {
        let mut select = self.connection.prepare_cached(
            "SELECT due_at FROM stuck INDEXED BY stuck_due WHERE agency = ?1 AND state < 4 AND due_at > ?2
             ORDER BY due_at LIMIT 1",
        )?;
        select.query_row((agency, now.0), |row| row.get(0).map(At)).optional()
    }

    /// When the oldest unfinished delivery of an agency was accepted. What is behind a head is younger than the head.
    pub(super) fn oldest(&self, agency: i64) -> rusqlite::Result<Option<At>> {
        let mut select = self.connection.prepare_cached(
            "SELECT at FROM envelope WHERE seq = (SELECT min(seq) FROM (
                SELECT min(seq) AS seq FROM pending WHERE agency = ?1 UNION ALL SELECT min(seq) FROM stuck WHERE agency = ?1))",
        )?;
        select.query_row([agency], |row| row.get(0).map(At)).optional()
    }

    /// What waits for one agency, or for each; dead letters are counted up to `dead_max`.
    pub(super) fn waits(&self, only: Option<&AgencyId>, dead_max: u64) -> rusqlite::Result<Vec<(AgencyId, Waits)>> {
        let agencies = match only {
            Some(id) => self.names.n(id).into_iter().collect(),
            None => self.names.all(),
        };
        let mut count =
            self.connection.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM dead WHERE agency = ?1 LIMIT ?2)")?;
        let dead_max = i64::try_from(dead_max).unwrap_or(i64::MAX);
        let mut waits = Vec::with_capacity(agencies.len());
        for n in agencies {
            let dead = count.query_row((n, dead_max), |row| row.get::<_, i64>(0))?.cast_unsigned();
            waits.push((self.agency(n)?, Waits { oldest: self.oldest(n)?, dead }));
        }
        Ok(waits)
    }
}

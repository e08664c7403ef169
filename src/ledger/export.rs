//! Everything that the ledger knows, as JSON Lines.

use std::io::{self, Write};
use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;
use serde_json::value::RawValue;

use super::codes;
use super::error::OpenError;
use super::event::{AgencyEvent, Happened};
use super::id::{Keys, column};
use super::open::{open_to_read, read_key, read_names};
use super::read::{Lens, corrupt};
use crate::model::calendar::Day;
use crate::model::delivery::{DeliveryView, EnvelopeView, Standing};
use crate::model::envelope::Attributes;
use crate::model::id::{AgencyId, DeliveryId, EnvelopeId};
use crate::model::outcome::Report;
use crate::model::status::EnvelopeState;
use crate::model::time::At;

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    id: EnvelopeId,
    seq: u64,
    accepted_at: At,
    sender: &'a AgencyId,
    schema: &'a str,
    digest: String,
    state: EnvelopeState,
    attributes: &'a Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    deliveries: Vec<Delivery>,
}

#[derive(Serialize)]
struct Delivery {
    id: DeliveryId,
    #[serde(skip_serializing_if = "Option::is_none")]
    redrive: Option<Redrive>,
    agency: AgencyId,
    state: &'static str,
    since: At,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(flatten)]
    report: Report,
    attempts: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tries: Vec<Try>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disclosure: Option<Disclosure>,
}

/// That a delivery is a later generation.
#[derive(Serialize)]
struct Redrive {
    of: DeliveryId,
    job: uuid::Uuid,
    by: String,
    at: At,
}

/// An entry of the audit, on a line of its own after the envelopes.
#[derive(Serialize)]
struct Audit {
    audit: u64,
    at: At,
    actor: String,
    action: String,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Box<RawValue>>,
}

/// What happened to an agency as a whole, on a line of its own after the audit.
#[derive(Serialize)]
struct Event {
    event: u64,
    at: At,
    agency: AgencyId,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The counts of one service on one day, on a line of its own at the end.
#[derive(Serialize)]
struct Service {
    service: String,
    day: String,
    accepted: u64,
    completed: u64,
    completed_with_failures: u64,
    completed_ms: u64,
}

#[derive(Serialize)]
struct Try {
    n: u32,
    at: At,
    ms: u32,
    class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    note: String,
    counted: bool,
}

#[derive(Serialize)]
struct Outcome {
    at: At,
    #[serde(flatten)]
    report: Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

/// Under which right the agency received it.
#[derive(Serialize)]
struct Disclosure {
    pattern: String,
    fields: Box<RawValue>,
    purpose: String,
    purpose_ar: String,
    legal_basis: String,
}

/// Writes everything as JSON Lines: one object per envelope with its deliveries, attempts, redrives and disclosures, in accept order,
/// then one per entry of the audit, one per event of an agency, and one per service and day with its counts. The history of the
/// agencies, which is figures of the last weeks alone, stays behind.
/// Data is left out unless `with_data`. It reads one envelope at a time, so it never holds up a bus that runs meanwhile.
pub fn export(folder: &Path, with_data: bool, out: &mut dyn Write) -> Result<(), OpenError> {
    let connection = open_to_read(folder)?;
    let keys = Keys::new(&read_key(&connection)?);
    let io = |source: io::Error| OpenError::Io { folder: folder.to_owned(), source };
    let mut next = connection.prepare("SELECT seq FROM envelope WHERE seq > ?1 ORDER BY seq LIMIT 1")?;
    let mut last = 0_i64;
    loop {
        let snapshot = connection.unchecked_transaction()?;
        let Some(seq) = next.query_map([last], |row| row.get::<_, i64>(0))?.next().transpose()? else { break };
        let names = read_names(&snapshot)?.into();
        let lens = Lens { connection: &snapshot, keys: &keys, names, shared: None };
        if let Some(text) = lens.export(seq.cast_unsigned(), with_data)? {
            out.write_all(&text).map_err(io)?;
        }
        last = seq;
        snapshot.finish()?;
    }
    let mut last = 0;
    loop {
        let entries = audit(&connection, last)?;
        let Some(entry) = entries.last() else { break };
        last = entry.audit;
        out.write_all(&lines(&entries)?).map_err(io)?;
    }
    let mut last = 0;
    loop {
        let names = read_names(&connection)?.into();
        let lens = Lens { connection: &connection, keys: &keys, names, shared: None };
        let events = lens.next_events(last)?;
        let Some(event) = events.last() else { break };
        last = event.event;
        out.write_all(&lines(&events)?).map_err(io)?;
    }
    out.write_all(&lines(&services(&connection)?)?).map_err(io)?;
    out.flush().map_err(io)
}

/// Values as JSON Lines.
fn lines(values: &[impl Serialize]) -> rusqlite::Result<Vec<u8>> {
    let mut text = Vec::new();
    for value in values {
        serde_json::to_writer(&mut text, value).map_err(|_| corrupt("a line that is not JSON"))?;
        text.push(b'\n');
    }
    Ok(text)
}

/// What is counted by service and day.
fn services(connection: &Connection) -> rusqlite::Result<Vec<Service>> {
    let mut select = connection.prepare(
        "SELECT t.id, s.day, s.accepted, s.completed, s.failed, s.ms FROM service_day s JOIN type t ON t.n = s.type
         ORDER BY s.day, t.id",
    )?;
    let services = select.query_map([], |row| {
        let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Service {
            service: row.get(0)?,
            day: Day::read(row.get(1)?).ok_or_else(|| corrupt("a day that is none"))?.to_string(),
            accepted: count(2)?,
            completed: count(3)?,
            completed_with_failures: count(4)?,
            completed_ms: count(5)?,
        })
    })?;
    services.collect()
}

impl Lens<'_> {
    fn export(&self, seq: u64, with_data: bool) -> rusqlite::Result<Option<Vec<u8>>> {
        let (Some(body), Some(line)) = (self.body(seq)?, self.line(seq)?) else { return Ok(None) };
        let stored = &body.stored;
        let view = self.view(line)?;
        let data = match with_data {
            true => {
                Some(serde_json::from_slice::<&RawValue>(&stored.data).map_err(|_| corrupt("data that is not JSON"))?)
            }
            false => None,
        };
        let EnvelopeView { id, accepted_at, sender, deliveries, .. } = &view;
        let line = Line {
            id: *id,
            seq,
            accepted_at: *accepted_at,
            sender,
            schema: &stored.schema,
            digest: stored.digest.to_string(),
            state: EnvelopeState::of(deliveries),
            attributes: &stored.attributes,
            data,
            deliveries: deliveries.iter().map(|view| self.export_delivery(view)).collect::<rusqlite::Result<_>>()?,
        };
        let mut text = serde_json::to_vec(&line).map_err(|_| corrupt("a line that is not JSON"))?;
        text.push(b'\n');
        Ok(Some(text))
    }

    fn redrive(&self, (seq, slot): (i64, u16)) -> rusqlite::Result<Option<Redrive>> {
        let mut select = self.connection.prepare_cached(
            "SELECT e.at, r.first_slot, j.id, r.by, r.at FROM redriven r JOIN envelope e ON e.seq = r.seq JOIN job j ON j.n = r.job
             WHERE r.seq = ?1 AND r.slot = ?2",
        )?;
        let redrive = select.query_map((seq, slot), |row| {
            let of = self.keys.delivery_id(At(row.get(0)?), seq.cast_unsigned(), row.get(1)?);
            Ok(Redrive { of, job: uuid::Uuid::from_bytes(row.get(2)?), by: row.get(3)?, at: At(row.get(4)?) })
        });
        redrive?.next().transpose()
    }

    fn export_delivery(&self, view: &DeliveryView) -> rusqlite::Result<Delivery> {
        let place = (column(view.key.seq.0), view.key.slot.0);
        let (mut due, mut by, mut why) = (None, None, None);
        let state = match &view.standing {
            Standing::Queued | Standing::InFlight => "queued",
            Standing::Leased { until } => {
                due = Some(*until);
                "leased"
            }
            Standing::Behind { .. } => "behind",
            Standing::Parked { .. } => "parked",
            Standing::Retry { due: at } => {
                due = Some(*at);
                "retry"
            }
            Standing::Finished { state, by: who, why: reason, .. } => {
                (by, why) = (Some(who.clone()), reason.clone());
                state.as_str()
            }
        };
        Ok(Delivery {
            id: view.id,
            redrive: self.redrive(place)?,
            agency: view.key.agency.clone(),
            state,
            since: view.since,
            due,
            by,
            why,
            report: view.report.clone(),
            attempts: view.attempts,
            tries: tries(self.connection, place)?,
            outcomes: outcomes(self.connection, place)?,
            disclosure: disclosure(self.connection, place)?,
        })
    }
}

impl Lens<'_> {
    /// The next events of agencies.
    fn next_events(&self, after: u64) -> rusqlite::Result<Vec<Event>> {
        let mut select = self.connection.prepare_cached(
            "SELECT n, at, agency, kind, by, why, class, status, until FROM event WHERE n > ?1 ORDER BY n LIMIT 1000",
        )?;
        select.query_map([column(after)], |row| self.event(row).map(Event::of))?.collect()
    }
}

impl Event {
    fn of(AgencyEvent { n, at, agency, what }: AgencyEvent) -> Self {
        let kind = what.as_str();
        let mut event =
            Self { event: n, at, agency, kind, by: None, reason: None, class: None, status: None, note: None };
        match what {
            Happened::Opened { class, status, note, .. } => {
                (event.class, event.status, event.note) = (Some(class.as_str()), status, Some(note));
            }
            Happened::Gone { status, note } => (event.status, event.note) = (status, Some(note)),
            Happened::Paused { by } | Happened::Draining { by, .. } | Happened::Resumed { by } => {
                (event.by, event.reason) = (Some(by.name), Some(by.reason));
            }
            Happened::Closed | Happened::Drained => {}
        }
        event
    }
}

/// The next entries of the audit.
fn audit(connection: &Connection, after: u64) -> rusqlite::Result<Vec<Audit>> {
    let mut select = connection.prepare_cached(
        "SELECT n, at, actor, action, target, reason, detail FROM audit WHERE n > ?1 ORDER BY n LIMIT 1000",
    )?;
    let entries = select.query_map([column(after)], |row| {
        let detail: Option<String> = row.get(6)?;
        let detail = detail.map(RawValue::from_string).transpose().map_err(|_| corrupt("detail that is not JSON"))?;
        let (audit, at) = (row.get::<_, i64>(0)?.cast_unsigned(), At(row.get(1)?));
        let (actor, action, target, reason) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
        Ok(Audit { audit, at, actor, action, target, reason, detail })
    })?;
    entries.collect()
}

fn tries(connection: &Connection, place: (i64, u16)) -> rusqlite::Result<Vec<Try>> {
    let mut select = connection.prepare_cached(
        "SELECT n, at, ms, class, status, note, counted FROM attempt WHERE seq = ?1 AND slot = ?2 ORDER BY n",
    )?;
    let tries = select.query_map(place, |row| {
        let class = codes::read_class(row.get(3)?).ok_or_else(|| corrupt("an unknown class"))?;
        Ok(Try {
            n: row.get(0)?,
            at: At(row.get(1)?),
            ms: row.get(2)?,
            class: class.as_str(),
            status: row.get(4)?,
            note: row.get(5)?,
            counted: row.get(6)?,
        })
    })?;
    tries.collect()
}

fn outcomes(connection: &Connection, place: (i64, u16)) -> rusqlite::Result<Vec<Outcome>> {
    let mut select = connection.prepare_cached(
        "SELECT at, outcome, reason, reference, by FROM outcome WHERE seq = ?1 AND slot = ?2 ORDER BY n",
    )?;
    let outcomes = select.query_map(place, |row| {
        let report = Report { outcome: codes::read_outcome(row.get(1)?), reason: row.get(2)?, reference: row.get(3)? };
        Ok(Outcome { at: At(row.get(0)?), report, by: row.get(4)? })
    })?;
    outcomes.collect()
}

fn disclosure(connection: &Connection, place: (i64, u16)) -> rusqlite::Result<Option<Disclosure>> {
    let mut select = connection.prepare_cached(
        "SELECT d.pattern, d.fields, d.purpose, d.purpose_ar, d.legal_basis FROM settled s
         JOIN disclosure d ON d.digest = s.disclosure WHERE s.seq = ?1 AND s.slot = ?2",
    )?;
    let disclosure = select.query_map(place, |row| {
        let fields = RawValue::from_string(row.get(1)?).map_err(|_| corrupt("fields that are not JSON"))?;
        let (pattern, purpose, purpose_ar, legal_basis) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(Disclosure { pattern, fields, purpose, purpose_ar, legal_basis })
    });
    disclosure?.next().transpose()
}

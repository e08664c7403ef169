//! The proof: every invariant over a whole ledger, from its rows alone.
//!
//! It walks the envelopes in order and looks every delivery up in every place where it could stand; then it counts the tables,
//! so that a row which nobody led to is found as well. It reads one snapshot: a process may write meanwhile, and its write-ahead
//! log grows until the check is done.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Statement};

use super::accept::lookups;
use super::codes::{self, COUNTS, Count};
use super::error::OpenError;
use super::id::{Keys, column};
use super::open::{open_to_read, read_counts, read_key, read_names};
use super::read::Lens;
use super::recipients::Entry;
use super::shared::{Body, Counts};
use super::state::{Duties, has_failed, waits};
use super::types::CheckReport;
use super::young::Identity;
use crate::model::delivery::Finished;
use crate::model::envelope::Envelope;

/// Findings that are told; the rest is counted in the last one.
const BROKEN_MAX: usize = 100;

/// Proves the invariants L1-L8 and S1-S3 over a whole ledger that no process has open (or over a snapshot of an open one).
pub fn check(folder: &Path) -> Result<CheckReport, OpenError> {
    let connection = open_to_read(folder)?;
    let snapshot = connection.unchecked_transaction()?;
    let keys = Keys::new(&read_key(&snapshot)?);
    let names = read_names(&snapshot)?.into();
    let lens = Lens { connection: &snapshot, keys: &keys, names, shared: None };
    let mut findings = Findings::default();
    structure(&snapshot, &mut findings)?;
    let met = walk(&lens, &mut findings)?;
    strangers(&snapshot, &met, &mut findings)?;
    lanes(&snapshot, &lens, &mut findings)?;
    tallies(&snapshot, &met, &lens, &mut findings)?;
    super::proof::repair(&snapshot, &mut findings)?;
    super::service::prove(&snapshot, &mut findings)?;
    Ok(findings.report(&met))
}

/// What is broken.
#[derive(Debug, Default)]
pub(super) struct Findings {
    told: Vec<String>,
    more: usize,
}

impl Findings {
    pub(super) fn add(&mut self, finding: impl FnOnce() -> String) {
        if self.told.len() < BROKEN_MAX {
            self.told.push(finding());
        } else {
            self.more += 1;
        }
    }

    fn report(mut self, met: &Met) -> CheckReport {
        if self.more > 0 {
            self.told.push(format!("and {} more", self.more));
        }
        CheckReport { envelopes: met.envelopes, deliveries: met.deliveries, broken: self.told }
    }
}

/// Rows to which the walk led, by table.
#[derive(Debug, Default)]
struct Met {
    envelopes: u64,
    deliveries: u64,
    identities: u64,
    lookups: u64,
    young: u64,
    pending: u64,
    heads: u64,
    behind: u64,
    settled: u64,
    completed: u64,
    open_outcomes: u64,
    counts: HashMap<i64, Counts>,
}

/// The store's own consistency.
fn structure(connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
    let mut check = connection.prepare("PRAGMA quick_check(10)")?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        if said != "ok" {
            findings.add(|| format!("store: {said}"));
        }
    }
    Ok(())
}

/// Where a delivery can stand.
struct Places<'c> {
    pending: Statement<'c>,
    head: Statement<'c>,
    behind: Statement<'c>,
    settled: Statement<'c>,
    open_outcome: Statement<'c>,
}

impl<'c> Places<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            pending: connection
                .prepare("SELECT slot FROM pending WHERE agency = ?1 AND seq = ?2 AND slot = ?3 AND lane = ?4")?,
            head: connection
                .prepare("SELECT state FROM stuck WHERE agency = ?1 AND lane = ?2 AND seq = ?3 AND slot = ?4")?,
            behind: connection
                .prepare("SELECT slot FROM behind WHERE agency = ?1 AND lane = ?2 AND seq = ?3 AND slot = ?4")?,
            settled: connection.prepare(
                "SELECT s.state, s.outcome, s.at, o.outcome, o.at, s.agency, s.lane FROM settled s LEFT JOIN outcome o
                 ON o.seq = s.seq AND o.slot = s.slot WHERE s.seq = ?1 AND s.slot = ?2 ORDER BY o.n DESC LIMIT 1",
            )?,
            open_outcome: connection.prepare("SELECT 1 FROM open_outcome WHERE at = ?1 AND seq = ?2 AND slot = ?3")?,
        })
    }
}

/// One generation of a delivery.
#[derive(Debug, Clone, Copy)]
struct Generation {
    entry: Entry,
    slot: u16,
    is_latest: bool,
}

/// What the latest generations of an envelope's deliveries say about it.
#[derive(Debug, Default)]
struct Whole {
    open: bool,
    failed: bool,
    at: i64,
}

/// Walks every envelope and every delivery: L1, L7, identity, completion.
fn walk(lens: &Lens<'_>, findings: &mut Findings) -> rusqlite::Result<Met> {
    let mut met = Met::default();
    let mut places = Places::prepare(lens.connection)?;
    let mut completed = lens.connection.prepare("SELECT failed FROM completed WHERE at = ?1 AND seq = ?2")?;
    let mut seqs = lens.connection.prepare("SELECT seq FROM envelope ORDER BY seq")?;
    let mut rows = seqs.query([])?;
    let mut latest = 0;
    while let Some(row) = rows.next()? {
        let seq = row.get::<_, i64>(0)?.cast_unsigned();
        let Some(body) = lens.body(seq)? else { continue };
        let at = body.stored.accepted_at.0;
        met.envelopes += 1;
        if at < latest {
            findings
                .add(|| format!("time: envelope {} (seq {seq}) was accepted before the one before it", body.stored.id));
        }
        latest = at;
        content(lens, &body, &mut met, findings)?;
        super::notices::prove(lens, &body, findings)?;
        let mut whole = Whole { at, ..Whole::default() };
        let duties = Duties { at, ty: 0, sender: 0, entries: body.recipients.clone(), later: lens.later(seq)? };
        for slot in duties.slots() {
            met.deliveries += 1;
            let Some((entry, first)) = duties.entry(slot) else {
                findings.add(|| format!("redriven: seq {seq}, slot {slot} is a later generation of nobody"));
                continue;
            };
            if first > slot || usize::from(first) > body.recipients.len() {
                findings.add(|| format!("redriven: seq {seq}, slot {slot} comes before its first generation"));
            }
            let place = Generation { entry, slot, is_latest: duties.is_latest(slot) };
            stands(lens, &mut places, &body, place, &mut whole, &mut met, findings)?;
        }
        let failed: Option<bool> = completed.query_row((whole.at, column(seq)), |row| row.get(0)).optional()?;
        met.completed += u64::from(failed.is_some());
        if failed != (!whole.open).then_some(whole.failed) {
            let id = body.stored.id;
            findings
                .add(|| format!("completed: envelope {id} (seq {seq}) has {failed:?}, its deliveries say {whole:?}"));
        }
    }
    Ok(met)
}

/// L7, and that the envelope is found by what it is known by.
fn content(lens: &Lens<'_>, body: &Body, met: &mut Met, findings: &mut Findings) -> rusqlite::Result<()> {
    let stored = &body.stored;
    let id = stored.id;
    let envelope = Envelope { attributes: stored.attributes.clone(), data: stored.data.clone() };
    let whole = std::str::from_utf8(&envelope.data).is_ok();
    if !whole || envelope.digest() != stored.digest {
        findings.add(|| format!("L7: envelope {id} (seq {}) does not have the content of its digest", stored.seq));
    }
    let identity = lens.keys.identity(&stored.attributes.source, &stored.attributes.id);
    let keys = lookups(lens.keys, &stored.attributes);
    let young = young(lens.connection, stored.seq.0)?;
    if young.is_some_and(|young| young != (identity, keys)) {
        findings.add(|| format!("young: envelope {id} (seq {}) has another identity or other keys", stored.seq));
    }
    met.young += u64::from(young.is_some());
    let (young_identity, young_keys) = young.unzip();
    let mut holder = lens.connection.prepare_cached("SELECT seq FROM identity WHERE key = ?1")?;
    let holder = holder.query_row([&identity[..]], |row| row.get::<_, i64>(0)).optional()?;
    met.identities += u64::from(holder == Some(column(stored.seq.0)));
    // What is still young may be in its table already, and nothing else may be there.
    if holder.map_or(young_identity != Some(identity), |holder| holder != column(stored.seq.0)) {
        findings.add(|| format!("identity: envelope {id} (seq {}) is not found under its source and id", stored.seq));
    }
    let mut lookup = lens.connection.prepare_cached("SELECT 1 FROM lookup WHERE key = ?1 AND seq = ?2")?;
    for key in keys.into_iter().flatten() {
        let merged = lookup.exists((key, column(stored.seq.0)))?;
        met.lookups += u64::from(merged);
        if !merged && !young_keys.is_some_and(|keys| keys.contains(&Some(key))) {
            findings.add(|| {
                format!("lookup: envelope {id} (seq {}) is not found by its subject or correlationid", stored.seq)
            });
        }
    }
    Ok(())
}

/// What an envelope is known by as long as that is young.
fn young(connection: &Connection, seq: u64) -> rusqlite::Result<Option<(Identity, [Option<i64>; 2])>> {
    let mut young = connection.prepare_cached("SELECT identity, subject, correlation FROM young WHERE seq = ?1")?;
    young.query_row([column(seq)], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?]))).optional()
}

/// L1 and L6 for one delivery.
fn stands(
    lens: &Lens<'_>,
    places: &mut Places<'_>,
    body: &Body,
    Generation { entry, slot, is_latest }: Generation,
    whole: &mut Whole,
    met: &mut Met,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let seq = column(body.stored.seq.0);
    let (agency, lane) = (entry.agency, entry.lane);
    let counts = met.counts.entry(agency).or_insert([0; COUNTS]);
    let mut found = 0;
    if places.pending.exists((agency, seq, slot, lane))? {
        (found, met.pending, whole.open) = (found + 1, met.pending + 1, true);
        counts[Count::Pending as usize] += 1;
    }
    if let Some(state) = places.head.query_row((agency, lane, seq, slot), |row| row.get(0)).optional()? {
        (found, met.heads, whole.open) = (found + 1, met.heads + 1, true);
        counts[Count::of_stuck(state) as usize] += 1;
    }
    if places.behind.exists((agency, lane, seq, slot))? {
        (found, met.behind, whole.open) = (found + 1, met.behind + 1, true);
        counts[Count::Behind as usize] += 1;
    }
    let unsettled = found == 1;
    let settled = places.settled.query_row((seq, slot), |row| {
        let at: i64 = row.get(2)?;
        let outcome = row.get::<_, Option<i64>>(3)?.or(row.get(1)?);
        let same = (row.get::<_, i64>(5)?, row.get::<_, i64>(6)?) == (agency, lane);
        Ok((row.get(0)?, outcome, at, row.get::<_, Option<i64>>(4)?, same))
    });
    if let Some((state, outcome, at, reported_at, same)) = settled.optional()? {
        (found, met.settled) = (found + 1, met.settled + 1);
        let state = codes::read_finished(state).unwrap_or(Finished::Dead);
        let outcome = outcome.and_then(codes::read_outcome);
        counts[Count::of(state) as usize] += 1;
        if is_latest {
            whole.failed |= has_failed(state, outcome);
            whole.at = whole.at.max(at);
        }
        let is_open = places.open_outcome.exists((at, seq, slot))?;
        met.open_outcomes += u64::from(is_open);
        let waits = waits(state, outcome) && is_latest;
        if waits {
            whole.open = true;
        } else if let (Some(reported_at), true) = (reported_at, state == Finished::Delivered && is_latest) {
            // A report after a plain success says more, and completes nothing; nor does `applied` after a broker's confirmation.
            let first_waits: bool = lens
                .connection
                .prepare_cached(
                    "SELECT s.outcome IS NOT NULL OR s.by IS 'broker' AND EXISTS
                        (SELECT 1 FROM outcome o WHERE o.seq = s.seq AND o.slot = s.slot AND o.outcome <> 1)
                     FROM settled s WHERE s.seq = ?1 AND s.slot = ?2",
                )?
                .query_row((seq, slot), |row| row.get(0))?;
            if first_waits {
                whole.at = whole.at.max(reported_at);
            }
        }
        if is_open != waits || !same {
            let id = lens.keys.delivery_id(body.stored.accepted_at, body.stored.seq.0, slot);
            findings.add(|| format!("settled: delivery {id} has an outcome, agency or lane that is not its own"));
        }
    }
    if found == 1 && !is_latest && unsettled {
        let id = lens.keys.delivery_id(body.stored.accepted_at, body.stored.seq.0, slot);
        findings.add(|| format!("L6: delivery {id} (seq {seq}, slot {slot}) was led again before it ended"));
    }
    if found != 1 {
        let id = lens.keys.delivery_id(body.stored.accepted_at, body.stored.seq.0, slot);
        findings.add(|| format!("L1: delivery {id} (seq {seq}, slot {slot}) stands in {found} places"));
    }
    Ok(())
}

/// Rows to which no envelope led.
fn strangers(connection: &Connection, met: &Met, findings: &mut Findings) -> rusqlite::Result<()> {
    let tables = [
        ("identity", met.identities),
        ("lookup", met.lookups),
        ("young", met.young),
        ("pending", met.pending),
        ("stuck", met.heads),
        ("behind", met.behind),
        ("settled", met.settled),
        ("completed", met.completed),
        ("open_outcome", met.open_outcomes),
    ];
    for (table, known) in tables {
        let rows: u64 = connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0).map(i64::cast_unsigned))?;
        if rows != known {
            findings.add(|| format!("L1: {table} has {rows} rows, and envelopes lead to {known}"));
        }
    }
    let twice: i64 =
        connection.query_row("SELECT count(*) - count(DISTINCT identity) FROM young", [], |row| row.get(0))?;
    if twice != 0 {
        findings.add(|| format!("young: {twice} envelopes have the identity of another"));
    }
    for table in ["attempt", "outcome", "expiry", "redriven", "gap", "dead", "job_open", "reopened"] {
        let text =
            format!("SELECT count(*) FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM envelope e WHERE e.seq = t.seq)");
        let rows: i64 = connection.query_row(&text, [], |row| row.get(0))?;
        if rows != 0 {
            findings.add(|| format!("L1: {table} has {rows} rows of no envelope"));
        }
    }
    Ok(())
}

/// L2: what is behind has a head before it, and what flows of a stuck lane comes after all of that.
fn lanes(connection: &Connection, lens: &Lens<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
    let mut tell = |text: &str, what: &str| -> rusqlite::Result<()> {
        let mut select = connection.prepare(text)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (agency, seq): (i64, i64) = (row.get(0)?, row.get(1)?);
            let name = lens.names.id(agency).map_or("?", |id| id.as_str());
            findings.add(|| format!("L2: {what}: agency {name}, seq {seq}"));
        }
        Ok(())
    };
    tell(
        "SELECT b.agency, min(b.seq) AS first FROM behind b LEFT JOIN stuck s ON s.agency = b.agency AND s.lane = b.lane
         GROUP BY b.agency, b.lane HAVING s.seq IS NULL OR s.seq >= first",
        "rows are behind no head, or before it",
    )?;
    tell(
        "SELECT p.agency, p.seq FROM pending p JOIN stuck s ON s.agency = p.agency AND s.lane = p.lane
         WHERE p.seq <= s.seq OR EXISTS
            (SELECT 1 FROM behind b WHERE b.agency = p.agency AND b.lane = p.lane AND b.seq >= p.seq)",
        "a flowing row stands before a stuck or waiting one of its lane",
    )?;
    tell(
        "SELECT a.agency, a.seq FROM aside a LEFT JOIN behind b ON b.agency = a.agency AND b.lane = a.lane AND b.seq = a.seq
         AND b.slot = a.slot WHERE b.seq IS NULL",
        "what was set aside is not behind",
    )?;
    tell(
        "SELECT agency, seq FROM stuck WHERE (state = 5) <> (lease IS NOT NULL) OR (state = 4) <> (grp IS NOT NULL)",
        "a head has a token without a lease, or is parked without an error group, or the other way round",
    )
}

/// The counters.
fn tallies(connection: &Connection, met: &Met, lens: &Lens<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
    let stored = read_counts(connection)?;
    let mut expected = met.counts.clone();
    for (count, text) in [
        (Count::Untold, "SELECT agency, count(*) FROM gap GROUP BY agency"),
        (Count::Letters, "SELECT agency, count(*) FROM dead WHERE lane & 1 = 1 GROUP BY agency"),
        (
            Count::Draining,
            "SELECT m.agency, (SELECT count(*) FROM pending p WHERE p.agency = m.agency AND p.seq <= m.mark)
                + (SELECT count(*) FROM stuck s WHERE s.agency = m.agency AND s.seq <= m.mark)
                + (SELECT count(*) FROM behind b WHERE b.agency = m.agency AND b.seq <= m.mark)
             FROM pause m WHERE m.mark IS NOT NULL",
        ),
        (Count::JobOpen, "SELECT j.agency, count(*) FROM job_open o JOIN job j ON j.n = o.job GROUP BY j.agency"),
    ] {
        let mut select = connection.prepare(text)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            expected.entry(row.get(0)?).or_insert([0; COUNTS])[count as usize] = row.get(1)?;
        }
    }
    for n in stored.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
        let of = |counts: &HashMap<i64, Counts>| counts.get(n).copied().unwrap_or([0; COUNTS]);
        if of(&stored) != of(&expected) {
            let name = lens.names.id(*n).map_or("?", |id| id.as_str());
            findings.add(|| format!("tally: agency {name} has {:?}, its rows are {:?}", of(&stored), of(&expected)));
        }
    }
    Ok(())
}

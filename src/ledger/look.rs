//! What a person looks at: the whole story of an envelope, lanes that are blocked, what is under way, and what is due when.
//!
//! Everything is read in one short transaction and bounded by rows; where a bound was reached, the answer says so.

use std::collections::{BTreeMap, HashMap};

use rusqlite::OptionalExtension;
use uuid::Uuid;

use super::codes::{self, RETRY};
use super::dead;
use super::error::LedgerError;
use super::flow::Place;
use super::handle::Ledger;
use super::id::{column, is_ordered};
use super::read::{Lens, Line, corrupt};
use super::shared::lock;
use super::types::Disclosure;
use crate::model::delivery::{Attempt, DeliveryView, EnvelopeView};
use crate::model::envelope::Attributes;
use crate::model::id::{AgencyId, DeliveryId, EnvelopeId, EventType};
use crate::model::outcome::{BusinessOutcome, Report};
use crate::model::time::At;

/// Attempts of one delivery that are told.
const ATTEMPTS_MAX: i64 = 200;
/// Rows that one count reads at most.
const COUNTED_MAX: u64 = 10_000;
/// Rows on a page at most.
const PAGE_MAX: usize = 200;
/// Rows of one agency that a schedule reads at most.
const DUE_ROWS_MAX: u64 = 50_000;

/// The whole story of an envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// The envelope with its deliveries as they stand.
    pub envelope: EnvelopeView,
    /// The schema version it was checked against.
    pub schema: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Bytes of its data.
    pub data_bytes: u64,
    /// One branch per delivery, in the order of [`Story::envelope`].
    pub branches: Vec<Branch>,
}

/// What one delivery has been through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Branch {
    /// Attempts that are kept: failures, and the tries that followed them; at most 200. A clean first success keeps none.
    pub attempts: Vec<Attempt>,
    /// How long the try took that ended it.
    pub last_ms: Option<u32>,
    /// What the agency reported after it had it, in order.
    pub reports: Vec<LaterReport>,
    /// Where it comes from, where it is a later generation.
    pub redriven: Option<Redriven>,
    /// Under which disclosure it was sent.
    pub disclosure: Option<Disclosure>,
    /// Names its lane without naming its subject; `None` where it is unordered.
    pub lane: Option<String>,
    /// What waits behind it in its lane, counted up to 10,000.
    pub behind: u64,
}

/// A report that came after the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterReport {
    /// When.
    pub at: At,
    /// What it said.
    pub report: Report,
    /// Who said it, where it was not the agency itself.
    pub by: Option<String>,
}

/// A later generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redriven {
    /// The first generation of it.
    pub first: DeliveryId,
    /// When it was made.
    pub at: At,
    /// Who asked for it.
    pub by: String,
    /// The job that made it.
    pub job: Uuid,
}

/// A parked head, whose lane waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The head.
    pub head: DeliveryView,
    /// Its envelope.
    pub envelope: EnvelopeId,
    /// Its type.
    pub ty: EventType,
    /// When it was accepted.
    pub accepted_at: At,
    /// Names the lane without naming its subject; `None` where it is unordered.
    pub lane: Option<String>,
    /// What waits behind it, counted up to 10,000.
    pub behind: u64,
    /// Its error group.
    pub group: String,
}

/// Something under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The delivery: in flight, or under a lease.
    pub delivery: DeliveryView,
    /// Its envelope.
    pub envelope: EnvelopeId,
    /// Its type.
    pub ty: EventType,
    /// When it was accepted.
    pub accepted_at: At,
}

/// What is due when, of one agency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Retries that are due by now.
    pub now: u64,
    /// Retries due in each bucket from now on.
    pub buckets: Vec<u64>,
    /// Retries due after the last bucket, counted up to the bound.
    pub later: u64,
    /// Whether there are more than were read.
    pub more: bool,
}

/// What a job made of one dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobResult {
    /// The delivery it made.
    pub delivery: DeliveryView,
    /// Its envelope.
    pub envelope: EnvelopeId,
    /// Its type.
    pub ty: EventType,
}

/// The name of a lane; it is the same for all agencies, and nobody can tell its subject from it.
fn lane_name(lane: i64) -> Option<String> {
    is_ordered(lane).then(|| format!("{:08x}", lane.cast_unsigned() >> 32))
}

impl Lens<'_> {
    fn story(&self, line: Line) -> rusqlite::Result<Story> {
        let (seq, schema, attributes) = (line.seq, line.head.schema.clone(), line.head.attributes.clone());
        let data_bytes: i64 = self
            .connection
            .prepare_cached("SELECT length(data) FROM envelope WHERE seq = ?1")?
            .query_row([column(seq)], |row| row.get(0))?;
        let lanes: Vec<(i64, i64)> = line.recipients.iter().map(|entry| (entry.agency, entry.lane)).collect();
        let later: HashMap<u16, u16> = self.later(seq)?.into_iter().collect();
        let envelope = self.view(line)?;
        let mut branches = Vec::with_capacity(envelope.deliveries.len());
        for delivery in &envelope.deliveries {
            let slot = delivery.key.slot.0;
            let first = later.get(&slot).copied().unwrap_or(slot);
            let (agency, lane) = lanes.get(usize::from(first).saturating_sub(1)).copied().unwrap_or_default();
            branches.push(self.branch(envelope.accepted_at, (seq, slot), (agency, lane))?);
        }
        Ok(Story { envelope, schema, attributes, data_bytes: data_bytes.cast_unsigned(), branches })
    }

    fn branch(&self, accepted: At, place: Place, (agency, lane): (i64, i64)) -> rusqlite::Result<Branch> {
        let (seq, slot) = (column(place.0), place.1);
        let mut select =
            self.connection.prepare_cached("SELECT ms, disclosure FROM settled WHERE seq = ?1 AND slot = ?2")?;
        let settled = select.query_row((seq, slot), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (last_ms, disclosure): (Option<u32>, Option<i64>) = settled.unwrap_or_default();
        let disclosure = disclosure.map(|digest| self.disclosure(digest)).transpose()?.flatten();
        Ok(Branch {
            attempts: self.attempts(place)?,
            last_ms,
            reports: self.reports(place)?,
            redriven: self.redriven(accepted, place)?,
            disclosure,
            lane: lane_name(lane),
            behind: self.behind(agency, lane, place)?,
        })
    }

    fn attempts(&self, place: Place) -> rusqlite::Result<Vec<Attempt>> {
        let mut select = self.connection.prepare_cached(
            "SELECT at, ms, class, status, note, answer, counted FROM attempt WHERE seq = ?1 AND slot = ?2
             ORDER BY n DESC LIMIT ?3",
        )?;
        let attempts = select.query_map((column(place.0), place.1, ATTEMPTS_MAX), |row| {
            Ok(Attempt {
                at: At(row.get(0)?),
                ms: row.get(1)?,
                class: codes::read_class(row.get(2)?).ok_or_else(|| corrupt("an unknown class"))?,
                status: row.get(3)?,
                note: row.get(4)?,
                answer: row.get(5)?,
                counted: row.get(6)?,
            })
        })?;
        let mut attempts: Vec<Attempt> = attempts.collect::<rusqlite::Result<_>>()?;
        attempts.reverse();
        Ok(attempts)
    }

    fn reports(&self, place: Place) -> rusqlite::Result<Vec<LaterReport>> {
        let mut select = self.connection.prepare_cached(
            "SELECT at, outcome, reason, reference, by FROM outcome WHERE seq = ?1 AND slot = ?2 ORDER BY n LIMIT 100",
        )?;
        let reports = select.query_map((column(place.0), place.1), |row| {
            let outcome: Option<BusinessOutcome> = codes::read_outcome(row.get(1)?);
            let report = Report { outcome, reason: row.get(2)?, reference: row.get(3)? };
            Ok(LaterReport { at: At(row.get(0)?), report, by: row.get(4)? })
        })?;
        reports.collect()
    }

    fn redriven(&self, accepted: At, place: Place) -> rusqlite::Result<Option<Redriven>> {
        let mut select = self.connection.prepare_cached(
            "SELECT r.first_slot, r.at, r.by, j.id FROM redriven r JOIN job j ON j.n = r.job WHERE r.seq = ?1 AND r.slot = ?2",
        )?;
        let found = select.query_row((column(place.0), place.1), |row| {
            let first = self.keys.delivery_id(accepted, place.0, row.get(0)?);
            Ok(Redriven { first, at: At(row.get(1)?), by: row.get(2)?, job: Uuid::from_bytes(row.get(3)?) })
        });
        found.optional()
    }

    fn disclosure(&self, digest: i64) -> rusqlite::Result<Option<Disclosure>> {
        let mut select = self.connection.prepare_cached(
            "SELECT agency, pattern, fields, purpose, purpose_ar, legal_basis FROM disclosure WHERE digest = ?1",
        )?;
        let found = select.query_row([digest], |row| {
            let agency: String = row.get(0)?;
            let fields: String = row.get(2)?;
            Ok(Disclosure {
                digest: digest.cast_unsigned(),
                agency: AgencyId::parse(&agency).map_err(|_| corrupt("a disclosure to nobody"))?,
                pattern: row.get(1)?,
                fields: serde_json::from_str(&fields).map_err(|_| corrupt("fields of a disclosure"))?,
                purpose: row.get(3)?,
                purpose_ar: row.get(4)?,
                legal_basis: row.get(5)?,
            })
        });
        found.optional()
    }

    /// What waits behind a delivery, if it is the head of its lane.
    fn behind(&self, agency: i64, lane: i64, place: Place) -> rusqlite::Result<u64> {
        if !is_ordered(lane) {
            return Ok(0);
        }
        let mut select = self.connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM behind b JOIN stuck s ON s.agency = b.agency AND s.lane = b.lane
             WHERE b.agency = ?1 AND b.lane = ?2 AND s.seq = ?3 AND s.slot = ?4 LIMIT ?5)",
        )?;
        let row = (agency, lane, column(place.0), place.1, COUNTED_MAX.cast_signed());
        Ok(select.query_row(row, |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// A delivery of a row that is known to be there, with its envelope.
    fn place(&self, place: Place) -> rusqlite::Result<Option<(DeliveryView, EnvelopeView)>> {
        let Some(line) = self.line(place.0)? else { return Ok(None) };
        let envelope = self.view(line)?;
        let delivery = envelope.deliveries.iter().find(|delivery| delivery.key.slot.0 == place.1).cloned();
        Ok(delivery.map(|delivery| (delivery, envelope)))
    }

    fn blocked(&self, only: Option<&AgencyId>, after: Place, limit: usize) -> rusqlite::Result<Vec<Blocked>> {
        let mut heads: Vec<(Place, i64, i64, Option<i64>)> = Vec::new();
        for agency in self.asked(only) {
            let mut select = self.connection.prepare_cached(
                "SELECT seq, slot, lane, grp FROM stuck INDEXED BY stuck_parked
                 WHERE agency = ?1 AND state = 4 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            )?;
            let limit = i64::try_from(limit + 1).unwrap_or(i64::MAX);
            let mut rows = select.query((agency, column(after.0), limit))?;
            while let Some(row) = rows.next()? {
                let place = (row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?);
                heads.push((place, agency, row.get(2)?, row.get(3)?));
            }
        }
        heads.retain(|(place, ..)| *place > after);
        heads.sort_unstable_by_key(|(place, ..)| *place);
        heads.truncate(limit);
        let mut blocked = Vec::with_capacity(heads.len());
        for (place, agency, lane, group) in heads {
            let Some((head, envelope)) = self.place(place)? else { continue };
            let EnvelopeView { id, ty, accepted_at, .. } = envelope;
            let (behind, group) = (self.behind(agency, lane, place)?, group.map(dead::name).unwrap_or_default());
            blocked.push(Blocked { head, envelope: id, ty, accepted_at, lane: lane_name(lane), behind, group });
        }
        Ok(blocked)
    }

    fn under_way(&self, only: Option<&AgencyId>, limit: usize) -> rusqlite::Result<Vec<UnderWay>> {
        let mut places: Vec<Place> =
            self.shared.map_or_else(Vec::new, |shared| lock(&shared.flying).iter().copied().collect());
        for agency in self.asked(only) {
            let mut select = self.connection.prepare_cached(
                "SELECT seq, slot FROM stuck INDEXED BY stuck_leased WHERE agency = ?1 AND state = 5 ORDER BY due_at LIMIT ?2",
            )?;
            let rows = select.query_map((agency, i64::try_from(limit).unwrap_or(i64::MAX)), |row| {
                Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
            })?;
            places.extend(rows.collect::<rusqlite::Result<Vec<Place>>>()?);
        }
        places.sort_unstable();
        places.dedup();
        let mut found = Vec::new();
        for place in places {
            if found.len() == limit {
                break;
            }
            let Some((delivery, envelope)) = self.place(place)? else { continue };
            if only.is_none_or(|only| *only == delivery.key.agency) {
                let EnvelopeView { id, ty, accepted_at, .. } = envelope;
                found.push(UnderWay { delivery, envelope: id, ty, accepted_at });
            }
        }
        Ok(found)
    }

    fn due(
        &self,
        only: Option<&AgencyId>,
        now: At,
        width_ms: i64,
        buckets: usize,
    ) -> rusqlite::Result<BTreeMap<AgencyId, Due>> {
        let mut all = BTreeMap::new();
        for n in self.asked(only) {
            let mut select = self.connection.prepare_cached(
                "SELECT CASE WHEN due_at <= ?2 THEN -1 ELSE (due_at - ?2 - 1) / ?3 END AS bucket, count(*)
                 FROM (SELECT due_at, state FROM stuck INDEXED BY stuck_due WHERE agency = ?1 AND state < 4
                       ORDER BY due_at LIMIT ?4)
                 WHERE state = ?5 GROUP BY bucket",
            )?;
            let mut due = Due { buckets: vec![0; buckets], ..Due::default() };
            let mut read = 0;
            let mut rows = select.query((n, now.0, width_ms.max(1), DUE_ROWS_MAX.cast_signed(), RETRY))?;
            while let Some(row) = rows.next()? {
                let (bucket, count): (i64, u64) = (row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned());
                read += count;
                match usize::try_from(bucket) {
                    Ok(bucket) => match due.buckets.get_mut(bucket) {
                        Some(place) => *place += count,
                        None => due.later += count,
                    },
                    Err(_) => due.now += count,
                }
            }
            due.more = read >= DUE_ROWS_MAX;
            if read > 0 {
                let id = self.names.id(n).cloned().ok_or_else(|| corrupt("an agency without a name"))?;
                all.insert(id, due);
            }
        }
        Ok(all)
    }

    fn results(&self, job: Uuid, after: Place, limit: usize) -> rusqlite::Result<Vec<JobResult>> {
        let mut select = self.connection.prepare_cached(
            "SELECT seq, slot FROM redriven WHERE job = (SELECT n FROM job WHERE id = ?1) AND (seq, slot) > (?2, ?3)
             ORDER BY seq, slot LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let places = select.query_map((job.as_bytes(), column(after.0), after.1, limit), |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
        })?;
        let mut results = Vec::new();
        for place in places.collect::<rusqlite::Result<Vec<Place>>>()? {
            if let Some((delivery, envelope)) = self.place(place)? {
                results.push(JobResult { delivery, envelope: envelope.id, ty: envelope.ty });
            }
        }
        Ok(results)
    }
}

impl Ledger {
    /// The whole story of an envelope.
    pub async fn story(&self, id: EnvelopeId) -> Result<Option<Story>, LedgerError> {
        let Some(address) = self.shared().keys.read_envelope(id) else { return Ok(None) };
        let read = move |lens: &Lens<'_>| {
            let line = lens.line(address.seq)?.filter(|line| line.at == address.at);
            line.map(|line| lens.story(line)).transpose()
        };
        self.read(read).await
    }

    /// Parked heads of one agency, or of all, in accept order, after the one where the page before ended; at most 200.
    pub async fn blocked(
        &self,
        only: Option<AgencyId>,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<Blocked>, LedgerError> {
        let Some(after) = self.place_of(after) else { return Ok(Vec::new()) };
        self.read(move |lens| lens.blocked(only.as_ref(), after, limit.clamp(1, PAGE_MAX))).await
    }

    /// What is in flight or under a lease, the longest accepted first; at most 200.
    pub async fn under_way(&self, only: Option<AgencyId>, limit: usize) -> Result<Vec<UnderWay>, LedgerError> {
        self.read(move |lens| lens.under_way(only.as_ref(), limit.clamp(1, PAGE_MAX))).await
    }

    /// Retries that are due, in `buckets` of so many milliseconds from `now` on; agencies without any are left out. Of each agency at
    /// most 50,000 are read.
    pub async fn due(
        &self,
        only: Option<AgencyId>,
        now: At,
        width_ms: i64,
        buckets: usize,
    ) -> Result<BTreeMap<AgencyId, Due>, LedgerError> {
        self.read(move |lens| lens.due(only.as_ref(), now, width_ms, buckets)).await
    }

    /// What a job made, in accept order, after the one where the page before ended; at most 200.
    pub async fn results(
        &self,
        job: Uuid,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<JobResult>, LedgerError> {
        let Some(after) = self.place_of(after) else { return Ok(Vec::new()) };
        self.read(move |lens| lens.results(job, after, limit.clamp(1, PAGE_MAX))).await
    }

    /// Where a page begins; `None` where it would begin after something that never was.
    fn place_of(&self, after: Option<DeliveryId>) -> Option<Place> {
        match after {
            None => Some((0, 0)),
            Some(id) => self.shared().keys.read_delivery(id).map(|address| (address.seq, address.slot)),
        }
    }
}

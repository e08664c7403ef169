//! Where a search looks when an index knows better than the envelopes themselves: what waits, and what failed in the same way.
//!
//! S1: whatever can match stands among the places, down to where they end; S2: of each agency so many rows are read at most.

use super::dead;
use super::id::column;
use super::read::Lens;
use super::types::Query;
use crate::model::delivery::EnvelopeView;

/// Rows that are read of one place of one agency.
const ROWS_MAX: i64 = 400;
/// The same where all agencies are looked at.
const ROWS_OF_EACH_MAX: i64 = 100;

const PENDING: &str =
    "SELECT seq FROM pending WHERE agency = ?1 AND seq >= ?2 AND seq < ?3 AND ?4 = 0 ORDER BY seq DESC LIMIT ?5";
const STUCK: &str =
    "SELECT seq FROM stuck INDEXED BY stuck_oldest WHERE agency = ?1 AND seq >= ?2 AND seq < ?3 AND ?4 = 0
    ORDER BY seq DESC LIMIT ?5";
const PARKED: &str = "SELECT seq FROM stuck INDEXED BY stuck_parked
    WHERE agency = ?1 AND state = 4 AND seq >= ?2 AND seq < ?3 AND ?4 IS NOT NULL ORDER BY seq DESC LIMIT ?5";
const DEAD: &str =
    "SELECT seq FROM dead INDEXED BY dead_group WHERE agency = ?1 AND grp = ?4 AND seq >= ?2 AND seq < ?3
    ORDER BY seq DESC LIMIT ?5";

/// Where to look.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// The newest first.
    pub(super) seqs: Vec<u64>,
    /// Where they end; `None` where they are all.
    pub(super) rest: Option<u64>,
}

impl Lens<'_> {
    /// Where a query has to look; `None` where no index knows.
    pub(super) fn places(&self, query: &Query, low: u64, high: u64) -> rusqlite::Result<Option<Places>> {
        let group = query.group.as_deref().map(|name| dead::read_name(name).unwrap_or(0));
        let tables: &[&str] = match (group, query.standing) {
            (Some(_), _) => &[DEAD, PARKED],
            (None, Some("queued")) => &[PENDING, STUCK],
            (None, Some("retry" | "leased")) => &[STUCK],
            (None, Some("parked")) => &[PARKED],
            (None, _) => return Ok(None),
        };
        let limit = if query.recipient.is_some() { ROWS_MAX } else { ROWS_OF_EACH_MAX };
        let (mut seqs, mut rest): (Vec<u64>, Option<u64>) = (Vec::new(), None);
        for agency in self.asked(query.recipient.as_ref()) {
            for table in tables {
                let mut select = self.connection.prepare_cached(table)?;
                let row = (agency, column(low), column(high), group.unwrap_or(0), limit);
                let found = select.query_map(row, |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?;
                let found: Vec<u64> = found.collect::<rusqlite::Result<_>>()?;
                if found.len() as i64 == limit {
                    // Below this there may be more of this agency, so nobody's is looked at yet.
                    rest = rest.max(found.last().copied());
                }
                seqs.extend(found);
            }
        }
        seqs.retain(|seq| rest.is_none_or(|rest| *seq >= rest));
        seqs.sort_unstable_by(|a, b| b.cmp(a));
        seqs.dedup();
        Ok(Some(Places { seqs, rest }))
    }

    /// Whether one of the deliveries that are meant failed in the way that is asked for.
    pub(super) fn failed_so(&self, query: &Query, view: &EnvelopeView) -> rusqlite::Result<bool> {
        let Some(name) = &query.group else { return Ok(true) };
        let Some(group) = dead::read_name(name) else { return Ok(false) };
        let mut select = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM dead WHERE agency = ?1 AND seq = ?2 AND grp = ?3)
                OR EXISTS (SELECT 1 FROM stuck INDEXED BY stuck_oldest WHERE agency = ?1 AND seq = ?2 AND state = 4 AND grp = ?3)",
        )?;
        for delivery in &view.deliveries {
            let meant = query.recipient.as_ref().is_none_or(|agency| *agency == delivery.key.agency);
            let Some(agency) = self.names.n(&delivery.key.agency).filter(|_| meant) else { continue };
            if select.query_row((agency, column(view.seq.0), group), |row| row.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

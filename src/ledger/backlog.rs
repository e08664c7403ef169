//! What waits for an agency, by type. Bounded: of each place where a delivery can wait, so many rows are read.

use super::error::LedgerError;
use super::handle::Ledger;
use super::read::{Lens, corrupt};
use crate::model::delivery::DeliveryKey;
use crate::model::id::{AgencyId, DeliveryId, EventType};
use crate::model::time::At;

/// Rows that are read of each place.
const ROWS_MAX: u32 = 2_000;

/// What waits for an agency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Unfinished deliveries by type, the most first.
    pub types: Vec<(EventType, u64)>,
    /// Whether there are more than were read.
    pub more: bool,
}

impl Lens<'_> {
    fn backlog(&self, agency: i64) -> rusqlite::Result<Backlog> {
        let mut backlog = Backlog::default();
        for table in ["pending", "stuck", "behind"] {
            let text = format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE agency = ?1 LIMIT ?2)");
            let rows: u32 =
                self.connection.prepare_cached(&text)?.query_row((agency, ROWS_MAX + 1), |row| row.get(0))?;
            backlog.more |= rows > ROWS_MAX;
        }
        let mut select = self.connection.prepare_cached(
            "SELECT t.id, count(*) FROM (
                SELECT * FROM (SELECT seq FROM pending WHERE agency = ?1 ORDER BY seq LIMIT ?2)
                UNION ALL SELECT * FROM (SELECT seq FROM stuck WHERE agency = ?1 LIMIT ?2)
                UNION ALL SELECT * FROM (SELECT seq FROM behind WHERE agency = ?1 LIMIT ?2)) w
             JOIN envelope e ON e.seq = w.seq JOIN type t ON t.n = e.type GROUP BY t.n ORDER BY 2 DESC, 1",
        )?;
        let mut rows = select.query((agency, ROWS_MAX))?;
        while let Some(row) = rows.next()? {
            let ty: String = row.get(0)?;
            let ty = EventType::parse(&ty).map_err(|_| corrupt("a type that is none"))?;
            backlog.types.push((ty, row.get::<_, i64>(1)?.cast_unsigned()));
        }
        Ok(backlog)
    }
}

impl Ledger {
    /// What waits for an agency, by type, as far as some thousand rows tell.
    pub async fn backlog(&self, agency: &AgencyId) -> Result<Backlog, LedgerError> {
        let Some(n) = self.shared().names().n(agency) else { return Ok(Backlog::default()) };
        self.read(move |lens| lens.backlog(n)).await
    }

    /// The id of a delivery of an envelope that was accepted then.
    pub fn delivery_id(&self, accepted_at: At, key: &DeliveryKey) -> DeliveryId {
        self.shared().keys.delivery_id(accepted_at, key.seq.0, key.slot.0)
    }
}

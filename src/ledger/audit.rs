//! The audit: what persons did, and why. Written in the commits that do it, never changed.

use super::error::LedgerError;
use super::handle::Ledger;
use super::read::Lens;
use super::repair::{Actor, AuditEntry};
use super::state::State;
use crate::model::time::At;

/// Entries on a page.
const PAGE_MAX: usize = 1000;

impl State<'_> {
    /// Records what was done to `target`. `before` and `after` say what changed, in a few words.
    pub(super) fn record(
        &mut self,
        actor: &Actor,
        action: &str,
        target: &str,
        (before, after): (&str, &str),
        now: At,
    ) -> rusqlite::Result<()> {
        let detail = serde_json::json!({ "before": before, "after": after }).to_string();
        self.sql.insert_audit.execute((now.0, &actor.name, action, target, &actor.reason, detail))?;
        Ok(())
    }
}

impl Lens<'_> {
    fn audit(&self, before: Option<u64>, limit: usize) -> rusqlite::Result<Vec<AuditEntry>> {
        let mut select = self.connection.prepare_cached(
            "SELECT n, at, actor, action, target, reason, detail FROM audit WHERE n < ?1 ORDER BY n DESC LIMIT ?2",
        )?;
        let before = before.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(1);
        let entries = select.query_map((before, limit), |row| {
            Ok(AuditEntry {
                n: row.get::<_, i64>(0)?.cast_unsigned(),
                at: At(row.get(1)?),
                actor: row.get(2)?,
                action: row.get(3)?,
                target: row.get(4)?,
                reason: row.get(5)?,
                detail: row.get(6)?,
            })
        })?;
        entries.collect()
    }
}

impl Ledger {
    /// The audit, newest first, before an entry, at most `limit`, and never more than 1,000.
    pub async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>, LedgerError> {
        self.read(move |lens| lens.audit(before, limit)).await
    }
}

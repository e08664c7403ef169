//! The audit: what persons did, and why. Written in the commits that do it, never changed.

use rusqlite::{OptionalExtension, Row};

use super::error::LedgerError;
use super::handle::Ledger;
use super::read::{Lens, corrupt};
use super::repair::{Actor, AuditEntry};
use super::state::State;
use crate::model::time::At;

/// Entries on a page.
const PAGE_MAX: usize = 1000;
/// Entries that are looked at for one page, whatever is left out of them.
const LOOKED_MAX: usize = 20_000;

/// What is looked for in the audit; what is absent is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Entries older than this one.
    pub before: Option<u64>,
    /// Who.
    pub actor: Option<String>,
    /// What.
    pub action: Option<String>,
    /// On what.
    pub target: Option<String>,
    /// Not earlier.
    pub from: Option<At>,
    /// Earlier.
    pub to: Option<At>,
    /// Entries on the page; at most 1,000.
    pub limit: usize,
}

/// A page of the audit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The newest first.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; there may be less on this one than fits, where much was left out.
    pub next: Option<u64>,
}

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
    /// The newest entries that match, through the numbers of the asked time alone.
    fn audited(&self, query: &AuditQuery) -> rusqlite::Result<AuditPage> {
        let until = query.to.map(|to| self.audited_from(to)).transpose()?.unwrap_or(i64::MAX);
        let before = query.before.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX).min(until);
        let from = query.from.map(|from| self.audited_from(from)).transpose()?.unwrap_or(0);
        let mut select = self.connection.prepare_cached(
            "SELECT n, at, actor, action, target, reason, detail FROM audit WHERE n < ?1 AND n >= ?2 ORDER BY n DESC LIMIT ?3",
        )?;
        let mut rows = select.query((before, from, i64::try_from(LOOKED_MAX).unwrap_or(i64::MAX)))?;
        let (mut page, mut looked) = (AuditPage::default(), 0);
        let limit = query.limit.clamp(1, PAGE_MAX);
        while let Some(row) = rows.next()? {
            looked += 1;
            if matches(query, row)? {
                if page.entries.len() == limit {
                    page.next = page.entries.last().map(|last| last.n);
                    return Ok(page);
                }
                page.entries.push(entry(row)?);
            }
            if looked == LOOKED_MAX {
                page.next = Some(row.get::<_, i64>(0)?.cast_unsigned());
            }
        }
        Ok(page)
    }

    /// The number of the first entry that is not earlier; times never fall as numbers rise.
    fn audited_from(&self, at: At) -> rusqlite::Result<i64> {
        let mut select = self.connection.prepare_cached("SELECT at FROM audit WHERE n >= ?1 ORDER BY n LIMIT 1")?;
        let last: Option<i64> = self.connection.query_row("SELECT max(n) FROM audit", [], |row| row.get(0))?;
        let (mut low, mut high) = (0, last.unwrap_or(0) + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = select.query_row([middle], |row| row.get::<_, i64>(0)).optional()?;
            match found {
                Some(found) if found < at.0 => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        n: row.get::<_, i64>(0)?.cast_unsigned(),
        at: At(row.get(1)?),
        actor: row.get(2)?,
        action: row.get(3)?,
        target: row.get(4)?,
        reason: row.get(5)?,
        detail: row.get(6)?,
    })
}

fn matches(query: &AuditQuery, row: &Row<'_>) -> rusqlite::Result<bool> {
    for (column, wanted) in [(2, &query.actor), (3, &query.action), (4, &query.target)] {
        if let Some(wanted) = wanted
            && row.get_ref(column)?.as_str().map_err(|_| corrupt("an entry of the audit that is no text"))? != wanted
        {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Ledger {
    /// Records what a person did that changed nothing here, such as looking at a payload.
    pub async fn note(
        &self,
        actor: Actor,
        action: &'static str,
        target: &str,
        what: &'static str,
        now: At,
    ) -> Result<(), LedgerError> {
        let target = target.to_owned();
        self.deed(move |state| {
            let now = At(state.clamp(now.0));
            state.record(&actor, action, &target, ("", what), now)
        })
        .await
    }

    /// A page of what matches in the audit. At most some thousand entries are looked at for it.
    pub async fn audited(&self, query: AuditQuery) -> Result<AuditPage, LedgerError> {
        self.read(move |lens| lens.audited(&query)).await
    }

    /// The audit, newest first, before an entry, at most `limit`, and never more than 1,000.
    pub async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>, LedgerError> {
        Ok(self.audited(AuditQuery { before, limit, ..AuditQuery::default() }).await?.entries)
    }
}

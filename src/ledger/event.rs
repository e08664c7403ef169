//! What happens to agencies as a whole: circuits that open and close, receivers that are gone, and what persons do to agencies.
//!
//! One row per transition, written in the commit that makes it where the ledger makes it, else by whoever saw it. Appended and never
//! changed; the oldest are swept. Nothing is decided from it.

use rusqlite::Row;

use super::codes;
use super::error::LedgerError;
use super::handle::Ledger;
use super::read::{Lens, corrupt};
use super::repair::Actor;
use super::state::State;
use crate::model::id::{AgencyId, Seq};
use crate::model::outcome::Class;
use crate::model::time::At;

/// Events on a page.
const PAGE_MAX: usize = 1000;
/// Events of one agency that a sweep leaves, the latest ones.
pub(super) const KEPT_MAX: i64 = 1000;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// The circuit opened.
    Opened {
        /// The class of the fault that opened it.
        class: Class,
        /// The status of the answer, where there was one.
        status: Option<u16>,
        /// What failed.
        note: String,
        /// The first probe.
        until: At,
    },
    /// A probe came through.
    Closed,
    /// The agency said that its receiver is gone; Falaj paused it.
    Gone {
        /// The status of the answer.
        status: Option<u16>,
        /// What it said.
        note: String,
    },
    /// It was paused.
    Paused {
        /// By whom, and why.
        by: Actor,
    },
    /// It is being drained.
    Draining {
        /// By whom, and why.
        by: Actor,
        /// The last in accept order that still goes out.
        through: Seq,
    },
    /// Nothing is left of what a drain lets out.
    Drained,
    /// It goes on.
    Resumed {
        /// By whom, and why.
        by: Actor,
    },
}

/// What happened to an agency, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyEvent {
    /// Its number; rises with time.
    pub n: u64,
    /// When.
    pub at: At,
    /// To whom.
    pub agency: AgencyId,
    /// What.
    pub what: Happened,
}

impl Happened {
    /// Its word in answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Closed => "closed",
            Self::Gone { .. } => "gone",
            Self::Paused { .. } => "paused",
            Self::Draining { .. } => "draining",
            Self::Drained => "drained",
            Self::Resumed { .. } => "resumed",
        }
    }

    /// `event.kind`.
    fn kind(&self) -> i64 {
        match self {
            Self::Opened { .. } => 1,
            Self::Closed => 2,
            Self::Gone { .. } => 3,
            Self::Paused { .. } => 4,
            Self::Draining { .. } => 5,
            Self::Drained => 6,
            Self::Resumed { .. } => 7,
        }
    }

    /// Reads the columns `kind, by, why, class, status, until` from the third on.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let by = || -> rusqlite::Result<Actor> { Ok(Actor { name: row.get(4)?, reason: row.get(5)? }) };
        Ok(match row.get::<_, i64>(3)? {
            1 => {
                let class = codes::read_class(row.get(6)?).ok_or_else(|| corrupt("an unknown class"))?;
                Self::Opened { class, status: row.get(7)?, note: row.get(5)?, until: At(row.get(8)?) }
            }
            2 => Self::Closed,
            3 => Self::Gone { status: row.get(7)?, note: row.get(5)? },
            4 => Self::Paused { by: by()? },
            5 => Self::Draining { by: by()?, through: Seq(row.get::<_, i64>(8)?.cast_unsigned()) },
            6 => Self::Drained,
            7 => Self::Resumed { by: by()? },
            _ => return Err(corrupt("an unknown event")),
        })
    }
}

impl State<'_> {
    /// Writes what happened, in the open transaction.
    pub(super) fn happen(&mut self, agency: i64, what: &Happened, now: At) -> rusqlite::Result<()> {
        let (by, why, class, status, until) = match what {
            Happened::Opened { class, status, note, until } => {
                (None, Some(note), Some(codes::class(*class)), *status, Some(until.0))
            }
            Happened::Gone { status, note } => (None, Some(note), Some(codes::class(Class::Gone)), *status, None),
            Happened::Paused { by } | Happened::Resumed { by } => (Some(&by.name), Some(&by.reason), None, None, None),
            Happened::Draining { by, through } => {
                (Some(&by.name), Some(&by.reason), None, None, Some(through.0.cast_signed()))
            }
            Happened::Closed | Happened::Drained => (None, None, None, None, None),
        };
        self.sql.insert_event.execute((now.0, agency, what.kind(), by, why, class, status, until))?;
        Ok(())
    }

    fn sweep_events(&mut self, before: At, limit: u32) -> rusqlite::Result<usize> {
        let mut gone = self.sql.sweep_events.execute((before.0, limit))?;
        for agency in self.names.all() {
            gone += self.sql.crop_events.execute((agency, KEPT_MAX, limit))?;
        }
        Ok(gone)
    }
}

impl Lens<'_> {
    fn events(&self, agency: i64, before: Option<u64>, limit: usize) -> rusqlite::Result<Vec<AgencyEvent>> {
        let mut select = self.connection.prepare_cached(
            "SELECT n, at, agency, kind, by, why, class, status, until FROM event INDEXED BY event_agency
             WHERE agency = ?1 AND n < ?2 ORDER BY n DESC LIMIT ?3",
        )?;
        let before = before.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(1);
        select.query_map((agency, before, limit), |row| self.event(row))?.collect()
    }

    /// Reads the columns `n, at, agency, kind, by, why, class, status, until`.
    pub(super) fn event(&self, row: &Row<'_>) -> rusqlite::Result<AgencyEvent> {
        let agency = self.names.id(row.get(2)?).cloned().ok_or_else(|| corrupt("an agency without a name"))?;
        let n = row.get::<_, i64>(0)?.cast_unsigned();
        Ok(AgencyEvent { n, at: At(row.get(1)?), agency, what: Happened::read(row)? })
    }
}

impl Ledger {
    /// Writes what happened to an agency, where it was not the ledger itself that did it.
    pub async fn note_event(&self, agency: &AgencyId, what: Happened, now: At) -> Result<(), LedgerError> {
        let agency = agency.clone();
        let note = move |state: &mut State<'_>| {
            let (n, now) = (state.intern(&agency)?, At(state.clamp(now.0)));
            state.happen(n, &what, now)
        };
        self.deed(note).await
    }

    /// What happened to an agency, newest first, before an event, at most `limit`, and never more than 1,000.
    pub async fn events(
        &self,
        agency: &AgencyId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AgencyEvent>, LedgerError> {
        let Some(n) = self.shared().names().n(agency) else { return Ok(Vec::new()) };
        self.read(move |lens| lens.events(n, before, limit)).await
    }

    /// Forgets what happened before `before`, and of each agency all but the latest 1,000; at most `limit` of each kind. Returns
    /// how many.
    pub async fn sweep_events(&self, before: At, limit: usize) -> Result<usize, LedgerError> {
        let limit = super::handle::bounded(limit);
        self.deed(move |state| state.sweep_events(before, limit)).await
    }
}

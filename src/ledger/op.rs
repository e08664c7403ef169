//! What callers ask of the writer, and how it answers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::accept::{Accepted, Ready};
use super::claim::Grants;
use super::error::LedgerError;
use super::report::{Later, Verdict};
use super::state::State;
use super::types::{Disclosure, Settlement};
use crate::model::delivery::DeliveryKey;
use crate::model::id::{AgencyId, Seq};
use crate::model::time::At;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// One operation of repair on its way: what it does, and then its answer.
pub(super) trait Work: Send {
    /// Does it in the open transaction, or, where it is asked, against what is committed.
    fn run(&mut self, state: &mut State<'_>) -> rusqlite::Result<()>;
    /// Answers, after the commit or instead of it.
    fn answer(self: Box<Self>, result: Result<(), LedgerError>);
}

/// A function of the writer's state, and where its result goes.
struct Task<T, F> {
    run: Option<F>,
    done: Option<T>,
    reply: Reply<T>,
}

impl<T: Send, F: FnOnce(&mut State<'_>) -> rusqlite::Result<T> + Send> Work for Task<T, F> {
    fn run(&mut self, state: &mut State<'_>) -> rusqlite::Result<()> {
        if let Some(run) = self.run.take() {
            self.done = Some(run(state)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, result: Result<(), LedgerError>) {
        let done = self.done;
        answer(self.reply, result.and_then(|()| done.ok_or(LedgerError::Closed)));
    }
}

/// Packs a function of the writer's state.
pub(super) fn task<T: Send + 'static>(
    run: impl FnOnce(&mut State<'_>) -> rusqlite::Result<T> + Send + 'static,
    reply: Reply<T>,
) -> Box<dyn Work> {
    Box::new(Task { run: Some(run), done: None, reply })
}

impl std::fmt::Debug for dyn Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Work")
    }
}

/// Something to be read, or done to the writer's memory alone: done at once, against what is committed.
#[derive(Debug)]
pub(super) enum Ask {
    Claim { agency: AgencyId, want: usize, now: At, reply: Reply<Grants> },
    Look(Box<dyn Work>),
    GiveBack { keys: Vec<DeliveryKey>, reply: Option<Reply<()>> },
    Close { reply: Option<Reply<()>> },
}

/// Something to be written.
#[derive(Debug)]
pub(super) enum Write {
    Accept { ready: Box<Ready>, now: At, reply: Reply<Accepted> },
    Settle { settlements: Vec<Settlement>, now: At, reply: Reply<Vec<Seq>> },
    Report { later: Box<Later>, now: At, reply: Reply<Verdict> },
    Expire { now: At, limit: u32, reply: Reply<Vec<Seq>> },
    CloseOverdue { before: At, now: At, limit: u32, reply: Reply<Vec<Seq>> },
    Sweep { before: At, limit: u32, reply: Reply<usize> },
    Register { disclosures: Vec<Disclosure>, reply: Reply<()> },
    Deed(Box<dyn Work>),
}

/// One operation on its way to the writer. The permit bounds how many there are.
#[derive(Debug)]
pub(super) enum Op {
    Ask(Ask, Option<OwnedSemaphorePermit>),
    Write(Write, Option<OwnedSemaphorePermit>),
}

/// An answer that waits for the commit.
#[derive(Debug)]
pub(super) enum Answer {
    Accept(Reply<Accepted>, Result<Accepted, LedgerError>),
    Seqs(Reply<Vec<Seq>>, Result<Vec<Seq>, LedgerError>),
    Report(Reply<Verdict>, Verdict),
    Count(Reply<usize>, usize),
    Unit(Reply<()>),
    Deed(Box<dyn Work>),
}

/// Sends an answer; whoever no longer waits for it does not need it.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, LedgerError>) {
    if reply.send(result).is_err() {
        tracing::trace!("nobody waits for the answer");
    }
}

impl Answer {
    /// After the commit.
    pub(super) fn send(self) {
        match self {
            Self::Accept(reply, result) => answer(reply, result),
            Self::Seqs(reply, result) => answer(reply, result),
            Self::Report(reply, verdict) => answer(reply, Ok(verdict)),
            Self::Count(reply, count) => answer(reply, Ok(count)),
            Self::Unit(reply) => answer(reply, Ok(())),
            Self::Deed(work) => work.answer(Ok(())),
        }
    }

    /// Instead of a commit.
    pub(super) fn fail(self, fault: LedgerError) {
        match self {
            Self::Accept(reply, _) => answer(reply, Err(fault)),
            Self::Seqs(reply, _) => answer(reply, Err(fault)),
            Self::Report(reply, _) => answer(reply, Err(fault)),
            Self::Count(reply, _) => answer(reply, Err(fault)),
            Self::Unit(reply) => answer(reply, Err(fault)),
            Self::Deed(work) => work.answer(Err(fault)),
        }
    }
}

impl Write {
    /// Answers without having done it.
    pub(super) fn fail(self, fault: LedgerError) {
        match self {
            Self::Accept { reply, .. } => answer(reply, Err(fault)),
            Self::Settle { reply, .. } | Self::Expire { reply, .. } | Self::CloseOverdue { reply, .. } => {
                answer(reply, Err(fault));
            }
            Self::Report { reply, .. } => answer(reply, Err(fault)),
            Self::Sweep { reply, .. } => answer(reply, Err(fault)),
            Self::Register { reply, .. } => answer(reply, Err(fault)),
            Self::Deed(work) => work.answer(Err(fault)),
        }
    }
}

/// A fault that several callers hear of.
pub(super) fn copy(fault: &Arc<rusqlite::Error>) -> LedgerError {
    LedgerError::Store(Arc::clone(fault))
}

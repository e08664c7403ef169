//! The one writer: a thread of its own that holds the write connection and every agency's flow.
//!
//! A turn takes what waits, answers claims from what is committed, writes everything else in one transaction with one sync,
//! and answers after it. So a claim never sees an uncommitted settlement: a lane is freed by the settling commit, not by the answer.
//! W1: an answer of success leaves after the sync. W2: after a failed commit nothing is written or claimed any more. W3: a lone
//! operation commits at once; only where the last turn had company is more company awaited, for `gather` at most.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::OwnedSemaphorePermit;

use super::accept::Accepted;
use super::error::LedgerError;
use super::notices::Notices;
use super::op::{Answer, Ask, Op, Reply, Write, answer, copy};
use super::shared::{Shared, lock};
use super::state::State;
use super::types::{Commit, Options, Settlement};
use crate::model::delivery::{Finished, Transition};
use crate::model::outcome::Report;
use crate::model::time::At;

/// Without work for so long, the write-ahead log is brought home.
const QUIET: Duration = Duration::from_millis(500);
/// How often the free space is looked at, at most.
const DISK_EVERY: Duration = Duration::from_secs(1);

/// What the writer takes with it into its thread.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) options: Options,
    pub(super) notices: Option<Notices>,
    pub(super) shared: Arc<Shared>,
    pub(super) ops: Receiver<Op>,
    /// Holds the folder while it is open.
    pub(super) lock: File,
}

impl Writer {
    /// Works until the ledger is closed or its last handle is gone.
    pub(super) fn run(self) {
        let Self { connection, options, notices, shared, ops, lock } = self;
        let _gone = Gone(Arc::clone(&shared));
        let closing = match State::load(&connection, Arc::clone(&shared), options, notices) {
            Ok(state) => {
                Turns { connection: &connection, ops, state, company: 0, disk_seen: None, blocked: false, dirty: false }
                    .run()
            }
            Err(fault) => {
                shared.poisoned.store(true, Relaxed);
                tracing::error!(error = %fault, "the ledger cannot be read");
                None
            }
        };
        if closing.is_some() && !shared.poisoned.load(Relaxed) {
            checkpoint(&connection, "TRUNCATE");
        }
        if let Err((_, fault)) = connection.close() {
            tracing::error!(error = %fault, "the ledger did not close cleanly");
        }
        drop(lock);
        if let Some(reply) = closing {
            answer(reply, Ok(()));
        }
    }
}

/// Says that nobody writes any more, however the writer ended.
struct Gone(Arc<Shared>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.closed.store(true, Relaxed);
    }
}

fn checkpoint(connection: &Connection, how: &str) {
    let done = connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()));
    if let Err(fault) = done {
        tracing::warn!(error = %fault, "the write-ahead log could not be brought home; it is tried again");
    }
}

/// Free bytes of the disk under a folder; `None` where the system does not say.
pub(super) fn disk_free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The operations of one turn that write.
type Batch = Vec<(Write, Option<OwnedSemaphorePermit>)>;

struct Turns<'c> {
    connection: &'c Connection,
    ops: Receiver<Op>,
    state: State<'c>,
    /// Operations of the last turn.
    company: usize,
    disk_seen: Option<Instant>,
    /// Whether a claim found nothing more until a transaction has moved rows out of a full page.
    blocked: bool,
    /// Whether something was committed since the last checkpoint.
    dirty: bool,
}

/// Whether to go on, or why not.
enum Next {
    Turn,
    /// The ledger is closed: by this caller, or because nobody holds it any more.
    End(Option<Reply<()>>),
}

impl Turns<'_> {
    /// Returns the caller of `close`, if there is one; `None` if every handle was dropped.
    fn run(mut self) -> Option<Reply<()>> {
        loop {
            let mut batch = Batch::new();
            let next = self.gather(&mut batch);
            self.company = batch.len();
            if !batch.is_empty() || self.state.flows.values().any(super::flow::Flow::has_moves) {
                self.turn(batch);
            }
            match next {
                Next::Turn => {}
                Next::End(reply) => return reply,
            }
        }
    }

    /// Takes what waits. Claims and what is given back are done on the way.
    fn gather(&mut self, batch: &mut Batch) -> Next {
        let batch_max = self.state.options.batch_max.max(1);
        let first = loop {
            match self.ops.recv_timeout(QUIET) {
                Ok(op) => break op,
                Err(RecvTimeoutError::Disconnected) => return Next::End(None),
                Err(RecvTimeoutError::Timeout) => self.rest(),
            }
        };
        if let Some(end) = self.take(first, batch) {
            return end;
        }
        let began = Instant::now();
        // Claims count too, or a stream of them would hold up the writes.
        let mut taken = 1;
        while taken < batch_max && !self.blocked {
            let op = match self.ops.try_recv() {
                Ok(op) => op,
                Err(TryRecvError::Disconnected) => return Next::End(None),
                // Those answered in the last turn are about to come again: half of them are worth waiting for.
                Err(TryRecvError::Empty) if !batch.is_empty() && batch.len() < self.company / 2 => {
                    let left = self.state.options.gather.saturating_sub(began.elapsed());
                    match self.ops.recv_timeout(left) {
                        Ok(op) => op,
                        Err(_) => break,
                    }
                }
                Err(TryRecvError::Empty) => break,
            };
            taken += 1;
            if let Some(end) = self.take(op, batch) {
                return end;
            }
        }
        self.blocked = false;
        Next::Turn
    }

    /// Nobody asks for anything.
    fn rest(&mut self) {
        if self.dirty {
            checkpoint(self.connection, "PASSIVE");
            self.dirty = false;
        }
        // Or who asks for the health before sending would never hear that there is room again.
        self.look_at_disk();
    }

    fn take(&mut self, op: Op, batch: &mut Batch) -> Option<Next> {
        match op {
            Op::Write(write, permit) => batch.push((write, permit)),
            Op::Ask(Ask::Close { reply }, _) => return Some(Next::End(reply)),
            Op::Ask(Ask::Claim { agency, want, now, reply }, _) => {
                if self.is_poisoned() {
                    answer(reply, Err(LedgerError::Poisoned));
                    return None;
                }
                let grants = self.state.claim(&agency, want, now).map_err(|fault| LedgerError::Store(Arc::new(fault)));
                self.blocked |= grants.as_ref().is_ok_and(|grants| grants.more && grants.rows.len() < want);
                if let Err(Ok(unheard)) = reply.send(grants) {
                    // Whoever asked is gone: nothing happened to what it got.
                    let places: Vec<_> = unheard.rows.iter().map(|grant| grant.place).collect();
                    if let Some(n) = self.state.names.n(&agency) {
                        places.iter().for_each(|place| self.state.flow(n).give_back(*place));
                    }
                    let mut flying = lock(&self.state.shared.flying);
                    places.iter().for_each(|place| {
                        flying.remove(place);
                    });
                }
            }
            Op::Ask(Ask::Look(mut work), _) => {
                let looked = match self.is_poisoned() {
                    true => Err(LedgerError::Poisoned),
                    false => work.run(&mut self.state).map_err(|fault| LedgerError::Store(Arc::new(fault))),
                };
                work.answer(looked);
            }
            Op::Ask(Ask::GiveBack { keys, reply }, permit) => {
                let noted = self.state.give_back(keys);
                if !noted.is_empty() {
                    let (settled, _nobody) = tokio::sync::oneshot::channel();
                    let now = At(self.state.latest);
                    batch.push((Write::Settle { settlements: noted, now, reply: settled }, permit));
                }
                if let Some(reply) = reply {
                    answer(reply, Ok(()));
                }
            }
        }
        None
    }

    fn is_poisoned(&self) -> bool {
        self.state.shared.poisoned.load(Relaxed)
    }

    /// One transaction.
    fn turn(&mut self, batch: Batch) {
        if self.is_poisoned() {
            batch.into_iter().for_each(|(write, _)| write.fail(LedgerError::Poisoned));
            return;
        }
        self.look_at_disk();
        let began = Instant::now();
        if let Err(fault) = self.state.sql.begin.execute([]) {
            // Another program holds the file. Nothing has been changed, here or there: the next turn may go well.
            tracing::error!(error = %fault, "the ledger could not begin a transaction");
            batch.into_iter().for_each(|(write, _)| write.fail(LedgerError::Busy));
            return;
        }
        // Acceptances last: their rows are inserted in key order when all of them are known.
        let (accepts, others): (Batch, Batch) =
            batch.into_iter().partition(|(write, _)| matches!(write, Write::Accept { .. }));
        let mut writes = others.into_iter().chain(accepts);
        let (mut answers, mut permits) = (Vec::new(), Vec::new());
        let mut done = self.state.apply_moves();
        while done.is_ok() {
            let Some((write, permit)) = writes.next() else { break };
            permits.push(permit);
            match self.state.apply(write) {
                Ok(answer) => answers.push(answer),
                Err((write, fault)) => {
                    write.fail(LedgerError::Poisoned);
                    done = Err(fault);
                }
            }
        }
        let done = done.and_then(|()| self.state.flush()).and_then(|()| self.state.sql.commit.execute([]).map(|_| ()));
        match done {
            Ok(()) => self.committed(answers, began.elapsed()),
            Err(fault) => {
                let fault = self.poison(fault);
                answers.into_iter().for_each(|answer| answer.fail(copy(&fault)));
                writes.for_each(|(write, _)| write.fail(copy(&fault)));
            }
        }
    }

    fn committed(&mut self, answers: Vec<Answer>, took: Duration) {
        self.dirty = true;
        self.state.publish();
        self.state.shared.committed(Commit { took, operations: answers.len() });
        self.state.announce();
        for answer in answers {
            match answer {
                Answer::Accept(reply, Ok(Accepted::New(body))) => {
                    self.state.shared.keep(Arc::clone(&body));
                    if reply.send(Ok(Accepted::New(Arc::clone(&body)))).is_err() {
                        self.state.shared.unheard(&body);
                    }
                }
                other => other.send(),
            }
        }
    }

    /// Fails closed (W2).
    fn poison(&mut self, fault: rusqlite::Error) -> Arc<rusqlite::Error> {
        self.state.shared.poisoned.store(true, Relaxed);
        if let Err(also) = self.state.sql.rollback.execute([]) {
            tracing::error!(error = %also, "the ledger could not roll back");
        }
        tracing::error!(error = %fault, "the ledger stopped writing after a failed commit; restart Falaj when the cause is mended");
        Arc::new(fault)
    }

    fn look_at_disk(&mut self) {
        if self.disk_seen.is_some_and(|seen| seen.elapsed() < DISK_EVERY) {
            return;
        }
        self.disk_seen = Some(Instant::now());
        let shared = &self.state.shared;
        // A system that does not say how much is free is asked again; its writes fail loudly if there is none.
        let free = disk_free_bytes(&shared.folder).unwrap_or(u64::MAX);
        let low = free < self.state.options.disk_floor_bytes;
        if shared.disk_low.swap(low, Relaxed) != low {
            tracing::warn!(free_bytes = free, low, "free disk space crossed the floor");
        }
        shared.disk_free_bytes.store(free, Relaxed);
    }
}

impl State<'_> {
    /// Does one write in the open transaction. A fault comes back with a write of the same kind to answer.
    fn apply(&mut self, write: Write) -> Result<Answer, (Answer, rusqlite::Error)> {
        match write {
            Write::Accept { ready, now, reply } => {
                if self.shared.disk_low.load(Relaxed) {
                    return Ok(Answer::Accept(reply, Err(LedgerError::DiskLow)));
                }
                match self.accept(*ready, now) {
                    Ok(accepted) => Ok(Answer::Accept(reply, Ok(accepted))),
                    Err(fault) => Err((Answer::Accept(reply, Err(LedgerError::Poisoned)), fault)),
                }
            }
            Write::Settle { settlements, now, reply } => {
                let done = self.settle(settlements, now).map(|seqs| seqs.ok_or(LedgerError::NotInFlight));
                seqs(reply, done)
            }
            Write::Expire { now, limit, reply } => seqs(reply, self.expire(now, limit).map(Ok)),
            Write::CloseOverdue { before, now, limit, reply } => {
                seqs(reply, self.close_overdue(before, now, limit).map(Ok))
            }
            Write::Report { later, now, reply } => match self.report(*later, now) {
                Ok(verdict) => Ok(Answer::Report(reply, verdict)),
                Err(fault) => Err((Answer::Report(reply, super::report::Verdict::Nobody), fault)),
            },
            Write::Deed(mut work) => match work.run(self) {
                Ok(()) => Ok(Answer::Deed(work)),
                Err(fault) => Err((Answer::Deed(work), fault)),
            },
            Write::Sweep { before, limit, reply } => match self.sweep(before, limit) {
                Ok(count) => Ok(Answer::Count(reply, count)),
                Err(fault) => Err((Answer::Count(reply, 0), fault)),
            },
            Write::Register { disclosures, reply } => match self.register_disclosures(&disclosures) {
                Ok(()) => Ok(Answer::Unit(reply)),
                Err(fault) => Err((Answer::Unit(reply), fault)),
            },
        }
    }

    /// Takes deliveries out of flight. Those that their agency reported on meanwhile are returned: they are settled by that.
    fn give_back(&mut self, keys: Vec<crate::model::delivery::DeliveryKey>) -> Vec<Settlement> {
        let mut noted = Vec::new();
        for key in keys {
            let place = (key.seq.0, key.slot.0);
            let Some(n) = self.names.n(&key.agency) else { continue };
            if self.flow(n).flight(place).is_some_and(|flight| flight.note.is_some()) {
                let by = key.agency.as_str().to_owned();
                let transition = Transition::Finish { state: Finished::Delivered, why: None };
                let report = Report::default();
                noted.push(Settlement {
                    key,
                    transition,
                    attempt: None,
                    report,
                    disclosure: None,
                    by,
                    held: Duration::ZERO,
                });
            } else {
                self.flow(n).give_back(place);
                lock(&self.shared.flying).remove(&place);
            }
        }
        noted
    }
}

type Seqs = Vec<crate::model::id::Seq>;

fn seqs(
    reply: Reply<Seqs>,
    done: rusqlite::Result<Result<Seqs, LedgerError>>,
) -> Result<Answer, (Answer, rusqlite::Error)> {
    match done {
        Ok(result) => Ok(Answer::Seqs(reply, result)),
        Err(fault) => Err((Answer::Seqs(reply, Err(LedgerError::Poisoned)), fault)),
    }
}

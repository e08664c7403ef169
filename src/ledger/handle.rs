//! The handle that the other layers hold.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

use super::accept::{Accepted, Ready};
use super::codes::Count;
use super::error::{LedgerError, OpenError};
use super::notices::Notices;
use super::op::{Ask, Op, Reply, Write, task};
use super::open::Opened;
use super::read::{Lens, corrupt};
use super::readers::Readers;
use super::report::{Later, Verdict};
use super::shared::{Body, Counts, Shared, lock};
use super::state::State;
use super::types::{
    Acceptance, Commit, Disclosure, Found, Health, Mark, NewEnvelope, Options, Query, Reported, Settlement, Size,
    Stored, Tally, Waits,
};
use crate::model::calendar::Calendar;
use crate::model::delivery::{DeliveryKey, DeliveryView, EnvelopeView};
use crate::model::envelope::Digest;
use crate::model::id::{AgencyId, DeliveryId, EnvelopeId, Seq, Slot};
use crate::model::outcome::{BusinessOutcome, Report};
use crate::model::time::At;

/// Operations that may wait for the writer, or be under way.
const OPS_MAX: usize = 4096;
/// How long a caller waits for a place among them.
const BUSY: Duration = Duration::from_secs(5);
/// Rows that one call of a sweep touches at most.
const SWEEP_MAX: u32 = 10_000;

/// The ledger. Clones share it; the last one to go closes it (see [`Ledger::close`]).
#[derive(Debug, Clone)]
pub struct Ledger(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    readers: Arc<Readers>,
    ops: Option<mpsc::Sender<Op>>,
    room: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The writer ends when nobody can ask it any more; the folder is free when this returns.
        drop(self.ops.take());
        self.join();
    }
}

impl Inner {
    fn join(&self) {
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger's writer panicked");
        }
    }

    pub(super) fn send(&self, op: Op) -> Result<(), LedgerError> {
        let ops = self.ops.as_ref().ok_or(LedgerError::Closed)?;
        ops.send(op).map_err(|_| LedgerError::Closed)
    }

    pub(super) async fn room(&self) -> Result<OwnedSemaphorePermit, LedgerError> {
        let room = Arc::clone(&self.room);
        match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(TryAcquireError::Closed) => Err(LedgerError::Closed),
            Err(TryAcquireError::NoPermits) => match tokio::time::timeout(BUSY, room.acquire_owned()).await {
                Ok(permit) => permit.map_err(|_| LedgerError::Closed),
                Err(_) => Err(LedgerError::Busy),
            },
        }
    }

    async fn write<T>(&self, write: impl FnOnce(Reply<T>) -> Write) -> Result<T, LedgerError> {
        self.hand_in(write).await?.await.map_err(|_| LedgerError::Closed)?
    }

    /// Hands a write in; its answer comes where it says.
    pub(super) async fn hand_in<T>(
        &self,
        write: impl FnOnce(Reply<T>) -> Write,
    ) -> Result<oneshot::Receiver<Result<T, LedgerError>>, LedgerError> {
        if self.shared.poisoned.load(Relaxed) {
            return Err(LedgerError::Poisoned);
        }
        let permit = self.room().await?;
        let (reply, answer) = oneshot::channel();
        self.send(Op::Write(write(reply), Some(permit)))?;
        Ok(answer)
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, LedgerError> {
        let permit = self.room().await?;
        let (reply, answer) = oneshot::channel();
        self.send(Op::Ask(ask(reply), Some(permit)))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Lens<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let shared = Arc::clone(&self.shared);
        self.readers
            .read(move |connection| {
                let names = shared.names();
                read(&Lens { connection, keys: &shared.keys, names, shared: Some(&shared) })
            })
            .await
    }
}

impl Ledger {
    /// What the writer, the readers and the callers share.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// Does something in one commit.
    pub(super) async fn deed<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut State<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.0.write(|reply| Write::Deed(task(run, reply))).await
    }

    /// Looks at what is committed, and changes the writer's memory alone.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut State<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.0.ask(|reply| Ask::Look(task(run, reply))).await
    }

    /// The way to the writer, for what must be undone although its caller is gone.
    pub(super) fn ops(&self) -> Result<mpsc::Sender<Op>, LedgerError> {
        self.0.ops.clone().ok_or(LedgerError::Closed)
    }

    /// Reads in a transaction of its own.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Lens<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.0.read(read).await
    }

    /// Opens or makes the ledger in a folder, takes the folder's lock, and starts the writer.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_telling(options, None)
    }

    /// The same, and tells senders of their envelopes what happens to them.
    pub fn open_telling(options: Options, notices: Option<Notices>) -> Result<Self, OpenError> {
        let readers = Arc::new(Readers::new(options.folder.clone()));
        let Opened { shared, ops, thread } = super::open::open(options, notices)?;
        let room = Arc::new(Semaphore::new(OPS_MAX));
        Ok(Self(Arc::new(Inner { shared, readers, ops: Some(ops), room, thread: Mutex::new(Some(thread)) })))
    }

    /// Calls `tell` for each recipient of an envelope that is accepted although its caller has gone: nobody else would ring for it.
    /// It is called by the writer, so it must not wait.
    pub fn when_unheard(&self, tell: impl Fn(&AgencyId) + Send + Sync + 'static) {
        self.0.shared.when_unheard(Box::new(tell));
    }

    /// Makes an envelope durable with its identity and all its deliveries, in one synced commit (promise 1, 3).
    ///
    /// # Errors
    /// [`LedgerError::DiskLow`], [`LedgerError::Busy`], [`LedgerError::Poisoned`], [`LedgerError::Closed`]: nothing was written.
    /// [`LedgerError::Store`]: the commit failed, and the envelope may be sent again after a restart.
    pub async fn accept(&self, envelope: NewEnvelope, now: At) -> Result<Acceptance, LedgerError> {
        let ready = Ready::new(&self.0.shared.keys, envelope)
            .map_err(|what| LedgerError::Store(Arc::new(corrupt(what))))
            .map(Box::new)?;
        match self.accepted(ready, now).await? {
            Accepted::New(body) => Ok(Acceptance::New(self.receipt(&body))),
            Accepted::Clash { seq, at } => Ok(Acceptance::Clash { id: self.0.shared.keys.envelope_id(at, seq) }),
            Accepted::Repeat(seq) => {
                let line = self.0.read(move |lens| lens.line(seq)?.map(|line| lens.receipt(line)).transpose()).await?;
                // Swept since: the caller tries again, and it is new.
                line.map(Acceptance::Repeat).ok_or(LedgerError::Busy)
            }
        }
    }

    /// The receipt of what was just accepted.
    fn receipt(&self, body: &Body) -> EnvelopeView {
        let Stored { seq, id, accepted_at, sender, attributes, .. } = &*body.stored;
        let names = self.0.shared.names();
        let deliveries = body.recipients.iter().zip(1_u16..).filter_map(|(entry, slot)| {
            Some(DeliveryView {
                id: self.0.shared.keys.delivery_id(*accepted_at, seq.0, slot),
                key: DeliveryKey { agency: names.id(entry.agency)?.clone(), seq: *seq, slot: Slot(slot) },
                standing: crate::model::delivery::Standing::Queued,
                since: *accepted_at,
                report: Report::default(),
                attempts: 0,
                last_error: None,
            })
        });
        EnvelopeView {
            id: *id,
            seq: *seq,
            accepted_at: *accepted_at,
            sender: sender.clone(),
            source: attributes.source.clone(),
            event_id: attributes.id.clone(),
            ty: attributes.ty.clone(),
            subject: attributes.subject.clone(),
            deliveries: deliveries.collect(),
        }
    }

    /// What is known under an identity, compared with a digest: a repeat, a clash, or nothing. Writes nothing.
    pub async fn known(
        &self,
        source: &str,
        event_id: &str,
        digest: &Digest,
    ) -> Result<Option<Acceptance>, LedgerError> {
        let (source, event_id, digest) = (source.to_owned(), event_id.to_owned(), *digest);
        let known = move |lens: &Lens<'_>| {
            let Some(seq) = lens.known(&source, &event_id)? else { return Ok(None) };
            let Some(line) = lens.line(seq)? else { return Ok(None) };
            if line.digest != digest {
                return Ok(Some(Acceptance::Clash { id: lens.keys.envelope_id(line.at, seq) }));
            }
            lens.receipt(line).map(Acceptance::Repeat).map(Some)
        };
        self.0.read(known).await
    }

    /// Stores what became of claimed deliveries, in one synced commit. A freed lane may be claimed when this returns.
    /// Returns the envelopes that completed by it.
    ///
    /// # Errors
    /// [`LedgerError::NotInFlight`]: one of them is not in flight or is named twice; nothing was written.
    pub async fn settle(&self, settlements: Vec<Settlement>, now: At) -> Result<Vec<Seq>, LedgerError> {
        self.0.write(|reply| Write::Settle { settlements, now, reply }).await
    }

    /// Gives claimed deliveries back that were never sent (shutdown, pause): nothing happened to them.
    pub async fn give_back(&self, keys: Vec<DeliveryKey>) -> Result<(), LedgerError> {
        self.0.ask(|reply| Ask::GiveBack { keys, reply: Some(reply) }).await
    }

    /// A later report of an agency about a delivery; `None` where there is no such delivery.
    pub async fn report(
        &self,
        id: DeliveryId,
        outcome: BusinessOutcome,
        report: Report,
        by: &str,
        now: At,
    ) -> Result<Option<Reported>, LedgerError> {
        let Some(address) = self.0.shared.keys.read_delivery(id) else { return Ok(None) };
        let later = Box::new(Later { address, outcome, report, by: by.to_owned() });
        let (slot, reported) = match self.0.write(|reply| Write::Report { later, now, reply }).await? {
            Verdict::Nobody => return Ok(None),
            Verdict::Noted => return Ok(Some(Reported::Noted)),
            Verdict::Recorded(slot) => (slot, Reported::Recorded as fn(DeliveryView) -> Reported),
            Verdict::Repeat(slot) => (slot, Reported::Repeat as _),
            Verdict::Conflict(slot) => (slot, Reported::Conflict as _),
        };
        let id = self.0.shared.keys.delivery_id(address.at, address.seq, slot);
        Ok(self.delivery(id).await?.map(|(delivery, _)| reported(delivery)))
    }

    /// Ends every unfinished delivery whose envelope expired by `now`, wherever it stands unless it is in flight; bounded, and
    /// returns the envelopes touched. Call again while it returns `limit`.
    pub async fn expire(&self, now: At, limit: usize) -> Result<Vec<Seq>, LedgerError> {
        let limit = bounded(limit);
        self.0.write(|reply| Write::Expire { now, limit, reply }).await
    }

    /// Sets the outcome `unknown` on deliveries whose `pending` or `needs_action` is older than `before`; bounded like `expire`.
    pub async fn close_overdue(&self, before: At, now: At, limit: usize) -> Result<Vec<Seq>, LedgerError> {
        let limit = bounded(limit);
        self.0.write(|reply| Write::CloseOverdue { before, now, limit, reply }).await
    }

    /// Forgets envelopes completed before `before`, with all that belongs to them, at most `limit`; returns how many.
    pub async fn sweep(&self, before: At, limit: usize) -> Result<usize, LedgerError> {
        let limit = bounded(limit);
        self.0.write(|reply| Write::Sweep { before, limit, reply }).await
    }

    /// Records the disclosures of a deployment that are not recorded yet.
    pub async fn register_disclosures(&self, disclosures: Vec<Disclosure>) -> Result<(), LedgerError> {
        self.0.write(|reply| Write::Register { disclosures, reply }).await
    }

    /// An envelope with its deliveries.
    pub async fn envelope(&self, id: EnvelopeId) -> Result<Option<EnvelopeView>, LedgerError> {
        let Some(address) = self.0.shared.keys.read_envelope(id) else { return Ok(None) };
        let read = move |lens: &Lens<'_>| {
            let line = lens.line(address.seq)?.filter(|line| line.at == address.at);
            line.map(|line| lens.view(line)).transpose()
        };
        self.0.read(read).await
    }

    /// The stored event itself.
    pub async fn stored(&self, id: EnvelopeId) -> Result<Option<Arc<Stored>>, LedgerError> {
        let Some(address) = self.0.shared.keys.read_envelope(id) else { return Ok(None) };
        let body = self.0.read(move |lens| lens.body(address.seq)).await?;
        Ok(body.map(|body| body.stored).filter(|stored| stored.accepted_at == address.at))
    }

    /// One delivery, with its envelope.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<(DeliveryView, EnvelopeView)>, LedgerError> {
        let Some(address) = self.0.shared.keys.read_delivery(id) else { return Ok(None) };
        let envelope = self.envelope(self.0.shared.keys.envelope_id(address.at, address.seq)).await?;
        Ok(envelope.and_then(|envelope| {
            let delivery = envelope.deliveries.iter().find(|delivery| delivery.id == id)?.clone();
            Some((delivery, envelope))
        }))
    }

    /// Searches, newest first.
    pub async fn search(&self, query: Query) -> Result<Found, LedgerError> {
        self.0.read(move |lens| lens.search(&query)).await
    }

    /// What a text stands for in a search: as a subject, and as a correlation id.
    pub fn marks(&self, text: &str) -> [Mark; 2] {
        let keys = &self.0.shared.keys;
        [Mark(keys.subject(text)), Mark(keys.correlation(text))]
    }

    /// Exact figures of one agency.
    pub fn tally(&self, agency: &AgencyId) -> Tally {
        let n = self.0.shared.names().n(agency);
        n.and_then(|n| lock(&self.0.shared.counts).get(&n).map(tally)).unwrap_or_default()
    }

    /// Exact figures per agency that ever had a delivery.
    pub fn tallies(&self) -> Vec<(AgencyId, Tally)> {
        let names = self.0.shared.names();
        let counts = lock(&self.0.shared.counts);
        let mut tallies: Vec<_> =
            counts.iter().filter_map(|(n, counts)| Some((names.id(*n)?.clone(), tally(counts)))).collect();
        tallies.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        tallies
    }

    /// When the oldest unfinished delivery of an agency was accepted.
    pub async fn oldest(&self, agency: &AgencyId) -> Result<Option<At>, LedgerError> {
        let Some(n) = self.0.shared.names().n(agency) else { return Ok(None) };
        self.0.read(move |lens| lens.oldest(n)).await
    }

    /// What waits for one agency, or for each that ever had a delivery; dead letters are counted up to `dead_max`.
    pub async fn waits(&self, only: Option<AgencyId>, dead_max: u64) -> Result<Vec<(AgencyId, Waits)>, LedgerError> {
        self.0.read(move |lens| lens.waits(only.as_ref(), dead_max)).await
    }

    /// The agency's own pseudonym of a subject: hex of a keyed hash that differs per agency.
    pub fn pseudonym(&self, agency: &AgencyId, subject: &str) -> String {
        self.0.shared.keys.pseudonym(agency.as_str(), subject)
    }

    /// The days by which it counts services.
    pub fn calendar(&self) -> &Calendar {
        &self.0.shared.calendar
    }

    /// Has every commit told, once and as it happens, to whoever asks so; on the writer's thread, which must not be kept. There is no
    /// way to take it back: an observer lives as long as the ledger.
    pub fn each_commit(&self, observe: impl Fn(Commit) + Send + Sync + 'static) {
        self.0.shared.observers.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(observe));
    }

    /// What it takes on its disk. Asks the file system.
    pub fn size(&self) -> Size {
        super::open::size(&self.0.shared)
    }

    /// The version of the store's engine.
    pub fn engine() -> &'static str {
        rusqlite::version()
    }

    /// How it is doing: whether it accepts, and what waits for it.
    pub fn health(&self) -> Health {
        let shared = &self.0.shared;
        let refusing = if shared.closed.load(Relaxed) {
            Some("the ledger is closed")
        } else if shared.poisoned.load(Relaxed) {
            Some("the ledger stopped writing after a failed commit")
        } else if shared.disk_low.load(Relaxed) {
            Some("free disk space is below the floor")
        } else {
            None
        };
        let queue = OPS_MAX.saturating_sub(self.0.room.available_permits());
        Health { refusing, disk_free_bytes: shared.disk_free_bytes.load(Relaxed), queue, queue_max: OPS_MAX }
    }

    /// Commits what was handed over, checkpoints and closes. Later calls answer [`LedgerError::Closed`].
    pub async fn close(&self) {
        self.0.readers.close().await;
        let (reply, closed) = oneshot::channel();
        let asked = self.0.send(Op::Ask(Ask::Close { reply: Some(reply) }, None));
        self.0.shared.closed.store(true, Relaxed);
        if asked.is_ok() && closed.await.is_err() {
            tracing::debug!("the ledger was closed before");
        }
        self.0.room.close();
        let inner = Arc::clone(&self.0);
        if tokio::task::spawn_blocking(move || inner.join()).await.is_err() {
            tracing::error!("waiting for the ledger's writer failed");
        }
    }
}

fn tally(counts: &Counts) -> Tally {
    let of = |what: Count| u64::try_from(counts[what as usize]).unwrap_or(0);
    Tally {
        pending: of(Count::Pending),
        retry: of(Count::Retry),
        parked: of(Count::Parked),
        behind: of(Count::Behind),
        delivered: of(Count::Delivered),
        dead: of(Count::Dead),
        expired: of(Count::Expired),
        skipped: of(Count::Skipped),
        cancelled: of(Count::Cancelled),
        leased: of(Count::Leased),
    }
}

/// A sweep's limit, within what one transaction may touch.
pub(super) fn bounded(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(SWEEP_MAX).min(SWEEP_MAX)
}

//! Reads one queue: many messages at once, settled with the broker in order, none passed over.
//!
//! Two messages with the same key are never worked on at the same time; the second one waits, and everything after it. When a message
//! cannot be dealt with for a passing reason, nothing more is begun; what is under way is finished, and the session ends: the message
//! and all after it are back at the head of the queue. Then it rests for a while.
//!
//! Messages that are done with share an acknowledgement, up to the first that is not, for a moment at most: to the broker each costs
//! as much as a message, and a quorum queue writes it to every member's disk. Until then they may come again, as they may until any.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::amqp::figures::Consumed;
use crate::amqp::inbox::Ended;
use crate::amqp::{Figures, Inbox, Incoming, Session};

/// The first rest after a session that ended; it doubles.
const REST: Duration = Duration::from_millis(250);
/// The longest one.
const REST_MAX: Duration = Duration::from_secs(15);
/// Messages that share an acknowledgement at most, as far as they do not come at once.
const SHARED_MAX: usize = 64;
/// How long one waits for others to share it with.
const SHARES: Duration = Duration::from_millis(5);

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is done with; acknowledged.
    Done(Consumed),
    /// Refused, and nobody was told: the broker moves it to the quarantine.
    Quarantine,
    /// Not now.
    Later,
}

/// A message that is about to be worked on.
pub(super) struct Begun {
    /// What it must not overtake: the latest one with the same key.
    pub(super) key: Option<u64>,
    /// The work; nothing has happened before it is first polled.
    pub(super) work: Pin<Box<dyn Future<Output = Verdict> + Send>>,
}

/// A queue that is read.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) queue: &'static str,
    pub(super) inbox: Inbox,
    pub(super) figures: Figures,
    /// Messages worked on at once.
    pub(super) in_flight: usize,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The stop.
    Stopped,
    /// The broker or the connection ended it: nothing can be acknowledged any more.
    Lost,
    /// A message could not be dealt with now.
    Refrained,
}

impl Reader {
    /// Reads until the stop; what is in hand is finished and acknowledged.
    pub(super) async fn run(self, begin: impl Fn(Incoming) -> Begun, stop: CancellationToken) {
        let mut rest = REST;
        loop {
            let session = tokio::select! {
                () = stop.cancelled() => return,
                session = self.inbox.open() => session,
            };
            let end = match session {
                Ok(session) => {
                    let mut work = Work::new(&self, session);
                    let end = work.until_the_end(&begin, &stop).await;
                    if work.settled > 0 {
                        rest = REST;
                    }
                    work.close(end).await;
                    end
                }
                Err(Ended(state)) => {
                    debug!(queue = self.queue, state = state.as_str(), "the queue cannot be read");
                    End::Lost
                }
            };
            if end == End::Stopped {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(rest) => rest = (rest * 2).min(REST_MAX),
            }
        }
    }
}

/// Where a message stands that is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Running,
    /// To be acknowledged.
    Done,
    /// Settled with the broker already.
    Gone,
    /// To go back.
    Left,
}

/// A message that was worked on: its tag, its key, and what becomes of it.
type Worked = (u64, Option<u64>, Verdict);
type Running = Pin<Box<dyn Future<Output = Worked> + Send>>;

/// What is to be acknowledged.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// All up to this one.
    tag: u64,
    count: usize,
    /// Not later.
    until: Instant,
}

/// One session at work.
struct Work<'a> {
    reader: &'a Reader,
    session: Session,
    /// What is out and not acknowledged, in the order in which it came.
    out: VecDeque<(u64, Standing)>,
    running: FuturesUnordered<Running>,
    keys: HashSet<u64>,
    /// The next one, where it has to wait for its key.
    held: Option<(u64, Begun)>,
    due: Option<Due>,
    settled: u64,
}

impl<'a> Work<'a> {
    fn new(reader: &'a Reader, session: Session) -> Self {
        Self {
            reader,
            session,
            out: VecDeque::new(),
            running: FuturesUnordered::new(),
            keys: HashSet::new(),
            held: None,
            due: None,
            settled: 0,
        }
    }

    /// Works until something ends the session and nothing is under way any more.
    async fn until_the_end(&mut self, begin: &impl Fn(Incoming) -> Begun, stop: &CancellationToken) -> End {
        let mut end = None;
        loop {
            if end.is_none() {
                self.start_held();
            }
            if let Some(end) = end
                && self.running.is_empty()
            {
                return end;
            }
            let takes = end.is_none() && self.held.is_none() && self.running.len() < self.reader.in_flight;
            let due = self.due.map(|due| due.until);
            tokio::select! {
                biased;
                () = stop.cancelled(), if end.is_none() => end = Some(End::Stopped),
                worked = worked(&mut self.running), if !self.running.is_empty() => {
                    let later = worked.iter().any(|(.., verdict)| *verdict == Verdict::Later);
                    match self.settle(worked).await {
                        Ok(()) if later => end = end.or(Some(End::Refrained)),
                        Ok(()) => {}
                        Err(Ended(_)) => end = Some(End::Lost),
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    if self.acknowledge().await.is_err() {
                        end = Some(End::Lost);
                    }
                }
                message = self.session.next(), if takes => match message {
                    Ok(message) => {
                        let tag = message.tag;
                        self.out.push_back((tag, Standing::Running));
                        self.held = Some((tag, begin(message)));
                    }
                    Err(Ended(_)) => end = Some(End::Lost),
                },
            }
        }
    }

    /// Starts what is held, unless one with its key is under way.
    fn start_held(&mut self) {
        let Some((tag, Begun { key, work })) = self.held.take() else { return };
        if key.is_some_and(|key| self.keys.contains(&key)) {
            self.held = Some((tag, Begun { key, work }));
            return;
        }
        self.keys.extend(key);
        self.running.push(Box::pin(async move { (tag, key, work.await) }));
    }

    /// Takes note of verdicts, and acknowledges what is done up to the first message that is not, if that is enough by now.
    async fn settle(&mut self, worked: Vec<Worked>) -> Result<(), Ended> {
        for (tag, key, verdict) in worked {
            if let Some(key) = key {
                self.keys.remove(&key);
            }
            self.note(tag, verdict).await?;
        }
        while let Some((tag, standing @ (Standing::Done | Standing::Gone))) = self.out.front().copied() {
            // Rejected ones before it are out no more.
            if standing == Standing::Done {
                let before = self.due.map_or(0, |due| due.count);
                let until = self.due.map_or_else(|| Instant::now() + SHARES, |due| due.until);
                self.due = Some(Due { tag, count: before + 1, until });
            }
            self.out.pop_front();
        }
        match self.due {
            Some(due) if due.count >= SHARED_MAX => self.acknowledge().await,
            _ => Ok(()),
        }
    }

    async fn note(&mut self, tag: u64, verdict: Verdict) -> Result<(), Ended> {
        let standing = match verdict {
            Verdict::Done(what) => {
                self.reader.figures.consumed(self.reader.queue, what);
                Standing::Done
            }
            Verdict::Quarantine => {
                self.reader.figures.consumed(self.reader.queue, Consumed::Quarantined);
                self.session.reject(tag).await?;
                Standing::Gone
            }
            Verdict::Later => {
                self.reader.figures.consumed(self.reader.queue, Consumed::Requeued);
                Standing::Left
            }
        };
        self.settled += u64::from(verdict != Verdict::Later);
        if let Some(entry) = self.out.iter_mut().find(|(out, _)| *out == tag) {
            entry.1 = standing;
        }
        Ok(())
    }

    /// Acknowledges what is due.
    async fn acknowledge(&mut self) -> Result<(), Ended> {
        match self.due.take() {
            Some(due) => self.session.ack(due.tag, true).await,
            None => Ok(()),
        }
    }

    /// Acknowledges what is due, and what is done behind one that is not, and gives everything else back.
    async fn close(mut self, end: End) {
        let left = self.out.iter().filter(|(_, standing)| *standing != Standing::Done).count();
        if end != End::Lost && self.acknowledge().await.is_ok() {
            for (tag, _) in self.out.iter().filter(|(_, standing)| *standing == Standing::Done) {
                if self.session.ack(*tag, false).await.is_err() {
                    break;
                }
            }
        }
        if end == End::Refrained {
            warn!(queue = self.reader.queue, left, "messages go back to the queue: they cannot be taken now");
        }
        self.session.close().await;
    }
}

/// What was worked on by now, as far as it went in one turn; waits for the first.
async fn worked(running: &mut FuturesUnordered<Running>) -> Vec<Worked> {
    std::future::poll_fn(|cx| {
        let mut worked = Vec::new();
        while let Poll::Ready(Some(one)) = running.poll_next_unpin(cx) {
            worked.push(one);
        }
        if worked.is_empty() { Poll::Pending } else { Poll::Ready(worked) }
    })
    .await
}

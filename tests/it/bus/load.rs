//! Senders under load that behave as a sender should: one envelope of a subject after the other, and what was not answered is
//! sent again, unchanged, until it is.
//!
//! Each subject belongs to one sender, so its envelopes are offered in the order of their numbers.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Thing};
use super::dice::Dice;

/// Receipts that are asked for at a time.
const ASKED_AT_ONCE: usize = 16;

/// How much load there is.
#[derive(Debug, Clone)]
pub struct Offered {
    /// Senders at a time.
    pub senders: u64,
    /// Subjects, spread over the senders.
    pub subjects: u64,
    /// Envelopes in all; then the senders rest.
    pub envelopes: u64,
    /// Bytes of each note.
    pub note_bytes: usize,
    /// How long a sender thinks between two envelopes, at most.
    pub pause_max: Duration,
}

/// An envelope whose acceptance its sender was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// The envelope.
    pub thing: Thing,
    /// The id in the receipt.
    pub receipt: String,
    /// When the answer had been read.
    pub at: Instant,
}

/// What the senders know.
#[derive(Debug, Default)]
pub struct Book {
    /// Accepted, by CloudEvents `id`.
    pub acked: HashMap<String, Acked>,
    /// Offered at least once.
    pub offered: HashSet<String>,
    /// Calls that got no answer.
    pub unanswered: u64,
    /// Answers that asked to come again (503).
    pub refused: u64,
    /// Envelopes that were accepted already and were offered again.
    pub repeated: u64,
    /// What no bus may answer.
    pub faults: Vec<String>,
}

/// Load that runs.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    senders: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    book: Mutex<Book>,
    left: AtomicU64,
    stop: CancellationToken,
}

impl Load {
    /// Starts the senders.
    pub fn start(client: &Client, offered: &Offered, dice: &mut Dice) -> Self {
        let shared = Arc::new(Shared {
            client: client.clone(),
            book: Mutex::default(),
            left: AtomicU64::new(offered.envelopes),
            stop: CancellationToken::new(),
        });
        let mut senders = JoinSet::new();
        for number in 0..offered.senders {
            let subjects = (0..offered.subjects).filter(|subject| subject % offered.senders == number);
            let lanes = subjects.map(|subject| (format!("citizen-{subject}"), 0)).collect();
            let sender = Sender {
                shared: Arc::clone(&shared),
                lanes,
                sent: Vec::new(),
                dice: dice.split(),
                pause_max: offered.pause_max,
                note: "n".repeat(offered.note_bytes),
            };
            senders.spawn(sender.run());
        }
        Self { shared, senders }
    }

    /// What the senders know now.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every sender finish what it has begun, and tells what they know. The bus must be up.
    pub async fn finish(mut self) -> Book {
        self.shared.stop.cancel();
        while let Some(ended) = self.senders.join_next().await {
            ended.expect("a sender does not panic");
        }
        std::mem::take(&mut *self.book())
    }
}

impl Book {
    /// The CloudEvents ids of what was accepted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.acked.keys().map(String::as_str)
    }

    /// What was accepted since.
    pub fn since(&self, when: Instant) -> Vec<Acked> {
        self.acked.values().filter(|acked| acked.at >= when).cloned().collect()
    }
}

/// Asks for each accepted envelope by its receipt; returns those that are not there, or are not what was accepted.
pub async fn missing(client: &Client, acked: Vec<Acked>) -> Vec<String> {
    let asked = acked.into_iter().map(|acked| async move {
        let answer = client.get(&format!("/v1/envelopes/{}", acked.receipt)).await;
        let same =
            answer.status == 200 && answer.body["id"] == acked.receipt && answer.body["event_id"] == acked.thing.id;
        (!same).then(|| format!("{} {}: {} {}", acked.thing.id, acked.receipt, answer.status, answer.text))
    });
    futures_util::stream::iter(asked).buffer_unordered(ASKED_AT_ONCE).filter_map(std::future::ready).collect().await
}

/// One sender and its subjects.
struct Sender {
    shared: Arc<Shared>,
    lanes: Vec<(String, u64)>,
    sent: Vec<Thing>,
    dice: Dice,
    pause_max: Duration,
    note: String,
}

impl Sender {
    async fn run(mut self) {
        while !self.shared.stop.is_cancelled() {
            tokio::time::sleep(self.dice.between(Duration::ZERO, self.pause_max)).await;
            // One in sixteen offers what was accepted before once more.
            if !self.sent.is_empty() && self.dice.below(16) == 0 {
                let old = self.dice.below(self.sent.len() as u64);
                let thing = self.sent[usize::try_from(old).expect("a place in a list")].clone();
                self.until_accepted(&thing).await;
                continue;
            }
            let taken = self.shared.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if taken.is_err() {
                return;
            }
            let lane = self.dice.below(self.lanes.len() as u64);
            let (subject, n) = &mut self.lanes[usize::try_from(lane).expect("a place in a list")];
            *n += 1;
            let thing = Thing::new(subject, *n).noted(self.note.clone());
            self.until_accepted(&thing).await;
            self.sent.push(thing);
        }
    }

    /// Offers until it is accepted, whatever happens to the bus meanwhile.
    async fn until_accepted(&self, thing: &Thing) {
        self.book().offered.insert(thing.id.clone());
        loop {
            match self.shared.client.offer(thing).await {
                Ok(answer) if matches!(answer.status, 200 | 202) => {
                    let Some(receipt) = answer.body["id"].as_str() else {
                        return self.fault(format!("{}: a receipt without an id: {}", thing.id, answer.text));
                    };
                    return self.accepted(thing, answer.status, receipt);
                }
                Ok(answer) if answer.status == 503 => self.book().refused += 1,
                Ok(answer) => return self.fault(format!("{}: {} {}", thing.id, answer.status, answer.text)),
                Err(_no_answer) => self.book().unanswered += 1,
            }
            self.shared.client.breathe().await;
        }
    }

    fn accepted(&self, thing: &Thing, status: u16, receipt: &str) {
        let mut book = self.book();
        let Some(before) = book.acked.get(&thing.id) else {
            let acked = Acked { thing: thing.clone(), receipt: receipt.to_owned(), at: Instant::now() };
            book.acked.insert(thing.id.clone(), acked);
            return;
        };
        let same = before.receipt == receipt && status == 200;
        let fault = format!("{}: accepted as {}, repeated as {status} {receipt}", thing.id, before.receipt);
        book.repeated += 1;
        if !same {
            book.faults.push(fault);
        }
    }

    fn fault(&self, fault: String) {
        self.book().faults.push(fault);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Agencies of all manners: each listens on a port of its own, counts what it takes, and behaves as it is told.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};

use super::wire::{Wire, header};

const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const REFUSED: &[u8] = b"HTTP/1.1 422 Unprocessable Content\r\ncontent-length: 0\r\n\r\n";
const FAILED: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
/// How often it is looked whether everything has arrived.
const LOOK: Duration = Duration::from_millis(5);
/// What stands in a message before the digits of its subject.
const SUBJECT: &[u8] = b"\"subject\":\"284000";
/// Digits of a subject.
const SUBJECT_DIGITS: usize = 5;

/// How an agency behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// It takes everything at once.
    #[default]
    Well,
    /// It accepts connections and requests, and never answers.
    Silent,
    /// It takes everything, after so many milliseconds.
    Slow(u64),
    /// It fails every second request.
    Flaky,
    /// Of every hundred keys one is special, and only the others count. `poisoned`: it never takes the special ones, which it refuses
    /// (422) or fails on (500), by key.
    Choosy {
        /// Whether the special ones are poison.
        poisoned: bool,
    },
}

/// The agencies, on a thread of their own.
#[derive(Debug)]
pub struct Sink {
    /// Where they listen.
    pub addrs: Vec<SocketAddr>,
    agencies: Vec<Arc<Agency>>,
    arrivals: Arc<Mutex<Arrivals>>,
}

/// One of them.
#[derive(Debug, Default)]
struct Agency {
    manner: Mutex<Manner>,
    asked: AtomicU64,
    taken: AtomicU64,
}

/// When each `webhook-id` arrived first; empty unless it is asked for.
#[derive(Debug, Default)]
struct Arrivals {
    recording: bool,
    at: HashMap<String, Instant>,
}

/// What an agency does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Answers, after a while; whether that counts as taken.
    Answer { wait_ms: u64, answer: &'static [u8], counts: bool },
    /// Nothing, ever.
    Nothing,
}

impl Sink {
    /// Starts so many agencies on free ports of this machine.
    pub fn start(agencies: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listeners = runtime.block_on(async {
            let mut listeners = Vec::with_capacity(agencies);
            for _ in 0..agencies {
                listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
            }
            io::Result::Ok(listeners)
        })?;
        let addrs = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
        let agencies: Vec<Arc<Agency>> = addrs.iter().map(|_| Arc::default()).collect();
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let (shared, all) = (Arc::clone(&arrivals), agencies.clone());
        std::thread::Builder::new().name("agencies".to_owned()).spawn(move || {
            runtime.block_on(async {
                for (listener, agency) in listeners.into_iter().zip(all) {
                    tokio::spawn(accept(listener, agency, Arc::clone(&shared)));
                }
                std::future::pending::<()>().await;
            });
        })?;
        Ok(Self { addrs, agencies, arrivals })
    }

    /// From now on they behave so, and count from zero; who is not named behaves well.
    pub fn behave(&self, manners: &[Manner]) {
        for (n, agency) in self.agencies.iter().enumerate() {
            *lock(&agency.manner) = manners.get(n).copied().unwrap_or_default();
            agency.asked.store(0, Ordering::SeqCst);
            agency.taken.store(0, Ordering::SeqCst);
        }
    }

    /// What each has taken.
    pub fn taken(&self) -> Vec<u64> {
        self.agencies.iter().map(|agency| agency.taken.load(Ordering::SeqCst)).collect()
    }

    /// Begins to note when deliveries arrive.
    pub fn record(&self) {
        *lock(&self.arrivals) = Arrivals { recording: true, at: HashMap::new() };
    }

    /// What was noted, once each of `expected` has arrived or `wait` is over. Ends the noting.
    pub async fn arrivals(&self, expected: &[String], wait: Duration) -> HashMap<String, Instant> {
        let until = Instant::now() + wait;
        let missing = |from: usize| {
            let arrivals = lock(&self.arrivals);
            expected[from..].iter().position(|id| !arrivals.at.contains_key(id)).map(|at| from + at)
        };
        let mut first = missing(0);
        while let Some(at) = first.filter(|_| Instant::now() < until) {
            tokio::time::sleep(LOOK).await;
            first = missing(at);
        }
        std::mem::take(&mut *lock(&self.arrivals)).at
    }
}

impl Agency {
    fn does(&self, body: &[u8]) -> Does {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let take = |wait_ms, counts| Does::Answer { wait_ms, answer: TAKEN, counts };
        match *lock(&self.manner) {
            Manner::Well => take(0, true),
            Manner::Silent => Does::Nothing,
            Manner::Slow(ms) => take(ms, true),
            Manner::Flaky if asked.is_multiple_of(2) => Does::Answer { wait_ms: 0, answer: FAILED, counts: false },
            Manner::Flaky => take(0, true),
            Manner::Choosy { poisoned } => match subject(body) {
                Some(key) if key.is_multiple_of(100) && poisoned => {
                    let answer = if (key / 100).is_multiple_of(2) { REFUSED } else { FAILED };
                    Does::Answer { wait_ms: 0, answer, counts: false }
                }
                Some(key) => take(0, !key.is_multiple_of(100)),
                None => take(0, true),
            },
        }
    }
}

/// The digits of a message's subject.
fn subject(body: &[u8]) -> Option<u64> {
    let at = body.windows(SUBJECT.len()).position(|window| window == SUBJECT)? + SUBJECT.len();
    std::str::from_utf8(body.get(at..at + SUBJECT_DIGITS)?).ok()?.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, agency: Arc<Agency>, arrivals: Arc<Mutex<Arrivals>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (agency, arrivals) = (Arc::clone(&agency), Arc::clone(&arrivals));
                // A connection that breaks shows at the bus's end, where it is measured.
                tokio::spawn(async move { receive(stream, &agency, &arrivals).await.ok() });
            }
            // No file handles left, as a rule.
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn receive(stream: TcpStream, agency: &Agency, arrivals: &Mutex<Arrivals>) -> io::Result<()> {
    let mut wire = Wire::new(stream)?;
    while let Some(frame) = wire.read().await? {
        note(wire.head(frame), arrivals);
        let does = agency.does(wire.body(frame));
        wire.done(frame);
        let Does::Answer { wait_ms, answer, counts } = does else {
            // Until the bus hangs up.
            wire.read().await?;
            return Ok(());
        };
        if wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
        wire.write(answer).await?;
        agency.taken.fetch_add(u64::from(counts), Ordering::SeqCst);
    }
    Ok(())
}

fn note(head: &[u8], arrivals: &Mutex<Arrivals>) {
    let mut arrivals = lock(arrivals);
    if arrivals.recording
        && let Some(id) = header(head, "webhook-id")
    {
        arrivals.at.entry(id.to_owned()).or_insert_with(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(key: u64) -> Vec<u8> {
        format!("{{\"id\":\"x\",\"subject\":\"284000{key:05}\",\"data\":{{}}}}").into_bytes()
    }

    fn answers(manner: Manner, keys: &[u64]) -> Vec<Option<(&'static [u8], bool)>> {
        let agency = Agency { manner: Mutex::new(manner), ..Agency::default() };
        let answer = |key: &u64| match agency.does(&body(*key)) {
            Does::Answer { answer, counts, .. } => Some((answer, counts)),
            Does::Nothing => None,
        };
        keys.iter().map(answer).collect()
    }

    #[test]
    fn every_manner_is_kept() {
        let (taken, spared) = (Some((TAKEN, true)), Some((TAKEN, false)));
        assert_eq!(answers(Manner::Well, &[1]), [taken]);
        assert_eq!(answers(Manner::Silent, &[1]), [None]);
        assert_eq!(answers(Manner::Flaky, &[1, 1, 1]), [Some((FAILED, false)), taken, Some((FAILED, false))]);
        assert_eq!(answers(Manner::Choosy { poisoned: false }, &[1, 100, 200]), [taken, spared, spared]);
        let poisoned = answers(Manner::Choosy { poisoned: true }, &[99, 100, 200, 101]);
        assert_eq!(poisoned, [taken, Some((FAILED, false)), Some((REFUSED, false)), taken]);
    }

    #[test]
    fn a_subject_is_found_where_it_stands() {
        assert_eq!(subject(&body(1_017)), Some(1_017));
        assert_eq!(subject(b"{\"subject\":\"other\"}"), None);
        assert_eq!(subject(b"{\"subject\":\"28400012"), None);
    }
}

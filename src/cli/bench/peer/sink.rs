//! Agencies that take everything: each listens on a port of its own and answers 200 without looking.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use super::wire::{Wire, header};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// How often it is looked whether everything has arrived.
const LOOK: Duration = Duration::from_millis(5);

/// The agencies, on a thread of their own.
#[derive(Debug)]
pub struct Sink {
    /// Where they listen.
    pub addrs: Vec<SocketAddr>,
    arrivals: Arc<Mutex<Arrivals>>,
}

/// When each `webhook-id` arrived first; empty unless it is asked for.
#[derive(Debug, Default)]
struct Arrivals {
    recording: bool,
    at: HashMap<String, Instant>,
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
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let shared = Arc::clone(&arrivals);
        std::thread::Builder::new().name("agencies".to_owned()).spawn(move || {
            runtime.block_on(async {
                for listener in listeners {
                    tokio::spawn(accept(listener, Arc::clone(&shared)));
                }
                std::future::pending::<()>().await;
            });
        })?;
        Ok(Self { addrs, arrivals })
    }

    /// Begins to note when deliveries arrive.
    pub fn record(&self) {
        *lock(&self.arrivals) = Arrivals { recording: true, at: HashMap::new() };
    }

    /// What was noted, once `expected` deliveries have arrived or `wait` is over. Ends the noting.
    pub async fn arrivals(&self, expected: usize, wait: Duration) -> HashMap<String, Instant> {
        let until = Instant::now() + wait;
        while lock(&self.arrivals).at.len() < expected && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
        std::mem::take(&mut *lock(&self.arrivals)).at
    }
}

fn lock(arrivals: &Mutex<Arrivals>) -> MutexGuard<'_, Arrivals> {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, arrivals: Arc<Mutex<Arrivals>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let arrivals = Arc::clone(&arrivals);
                // A connection that breaks shows at the bus's end, where it is measured.
                tokio::spawn(async move { receive(stream, &arrivals).await.ok() });
            }
            // No file handles left, as a rule.
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn receive(stream: TcpStream, arrivals: &Mutex<Arrivals>) -> io::Result<()> {
    let mut wire = Wire::new(stream)?;
    while let Some(frame) = wire.read().await? {
        note(wire.head(frame), arrivals);
        wire.done(frame);
        wire.write(ANSWER).await?;
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

//! The sender: posts envelopes that differ in number and subject over kept-alive connections.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::wire::{Frame, Wire};
use super::{Load, Loaded, Times};

/// Stands in a template where the envelope's number goes, in decimal with leading zeros.
pub const NUMBER_MARK: &str = "@@@@@@@@@@@@";
/// Stands in a template where the subject's number goes: one of 100,000 people.
pub const SUBJECT_MARK: &str = "#####";
/// Stands in a template where the number of the envelope's group goes.
pub const GROUP_MARK: &str = "%%%";
const SUBJECTS: u64 = 100_000;
/// Bytes of a complaint that are passed on.
const COMPLAINT_MAX: usize = 600;

/// How a load went, sample by sample.
#[derive(Debug, Default)]
pub struct Run {
    accepted: u64,
    refused: u64,
    complaint: Option<String>,
    took: Vec<Duration>,
    /// Every delivery of every receipt, with the time at which its envelope was sent; only for a steady pace.
    pub deliveries: Vec<(String, Instant)>,
    seconds: f64,
}

impl Run {
    /// Sums it up.
    pub fn sum_up(self) -> Loaded {
        Loaded {
            accepted: self.accepted,
            refused: self.refused,
            seconds: self.seconds,
            answer: Times::of(self.took),
            complaint: self.complaint,
            ..Loaded::default()
        }
    }

    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.complaint = self.complaint.take().or(other.complaint);
        self.took.extend(other.took);
        self.deliveries.extend(other.deliveries);
    }
}

/// Posts as fast as answers come.
pub async fn flood(load: &Load) -> io::Result<Run> {
    together(load, |shared, wire, request| async move { shared.flood(wire, request).await }).await
}

/// Posts at a steady pace.
pub async fn pace(load: &Load, per_s: u32) -> io::Result<Run> {
    together(load, |shared, wire, request| async move { shared.pace(wire, request, per_s).await }).await
}

/// Opens the connections, runs one task on each, and adds up how they went.
async fn together<F, T>(load: &Load, task: F) -> io::Result<Run>
where
    F: Fn(Arc<Shared>, Wire, Request) -> T,
    T: Future<Output = io::Result<Run>> + Send + 'static,
{
    let mut wires = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        wires.push(Wire::new(TcpStream::connect(load.addr).await?)?);
    }
    let request = Request::new(load);
    let shared = Shared::new(load);
    let mut tasks = JoinSet::new();
    for wire in wires {
        tasks.spawn(task(Arc::clone(&shared), wire, request.clone()));
    }
    let mut sum = Run::default();
    while let Some(run) = tasks.join_next().await {
        sum.add(run.map_err(io::Error::other)??);
    }
    sum.seconds = shared.begin.elapsed().as_secs_f64();
    Ok(sum)
}

#[derive(Debug)]
struct Shared {
    next: AtomicU64,
    first: u64,
    begin: Instant,
    end: Instant,
}

impl Shared {
    fn new(load: &Load) -> Arc<Self> {
        let begin = Instant::now();
        Arc::new(Self {
            next: AtomicU64::new(load.first),
            first: load.first,
            begin,
            end: begin + Duration::from_millis(load.ms),
        })
    }

    async fn flood(&self, mut wire: Wire, mut request: Request) -> io::Result<Run> {
        let mut run = Run::default();
        while Instant::now() < self.end {
            request.number(self.next.fetch_add(1, Ordering::Relaxed));
            let sent = Instant::now();
            let frame = exchange(&mut wire, &request).await?;
            run.note(&wire, frame, sent);
            wire.done(frame);
        }
        Ok(run)
    }

    async fn pace(&self, mut wire: Wire, mut request: Request, per_s: u32) -> io::Result<Run> {
        let mut run = Run::default();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due = self.begin + Duration::from_secs(number - self.first) / per_s.max(1);
            if due >= self.end {
                return Ok(run);
            }
            tokio::time::sleep_until(due.into()).await;
            request.number(number);
            let sent = Instant::now();
            let frame = exchange(&mut wire, &request).await?;
            if run.note(&wire, frame, sent) {
                let receipt: Receipt = serde_json::from_slice(wire.body(frame)).map_err(io::Error::other)?;
                let timed =
                    receipt.deliveries.into_iter().filter(|delivery| !request.untimed.contains(&delivery.agency));
                run.deliveries.extend(timed.map(|delivery| (delivery.id, sent)));
            }
            wire.done(frame);
        }
    }
}

impl Run {
    /// Notes an answer; returns whether it was 202.
    fn note(&mut self, wire: &Wire, frame: Frame, sent: Instant) -> bool {
        self.took.push(sent.elapsed());
        let accepted = wire.head(frame).starts_with(b"HTTP/1.1 202");
        if accepted {
            self.accepted += 1;
        } else {
            self.refused += 1;
            self.complaint.get_or_insert_with(|| complaint(wire, frame));
        }
        accepted
    }
}

fn complaint(wire: &Wire, frame: Frame) -> String {
    let head = wire.head(frame).split(|byte| *byte == b'\r').next().unwrap_or_default();
    let body = wire.body(frame);
    let text = [head, b" ", &body[..body.len().min(COMPLAINT_MAX)]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

async fn exchange(wire: &mut Wire, request: &Request) -> io::Result<Frame> {
    wire.write(&request.bytes).await?;
    wire.read().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[derive(Deserialize)]
struct Receipt {
    deliveries: Vec<Delivery>,
}

#[derive(Deserialize)]
struct Delivery {
    id: String,
    agency: String,
}

/// A request as bytes, with the places where its digits go.
#[derive(Debug, Clone)]
struct Request {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    subjects: Vec<usize>,
    groups: Vec<usize>,
    groups_count: u64,
    /// Agencies whose deliveries are not timed.
    untimed: Arc<HashSet<String>>,
}

impl Request {
    fn new(load: &Load) -> Self {
        let Load { addr, key, template, .. } = load;
        let length = template.len();
        let head = format!(
            "POST /v1/envelopes HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/cloudevents+json\r\ncontent-length: {length}\r\n\r\n"
        );
        let places = |mark: &str| template.match_indices(mark).map(|(at, _)| head.len() + at).collect();
        let (numbers, subjects, groups) = (places(NUMBER_MARK), places(SUBJECT_MARK), places(GROUP_MARK));
        let bytes = [head.as_bytes(), template.as_bytes()].concat();
        let untimed = Arc::new(load.untimed.iter().cloned().collect());
        Self { bytes, numbers, subjects, groups, groups_count: load.groups.max(1), untimed }
    }

    fn number(&mut self, number: u64) {
        for at in &self.numbers {
            write_digits(&mut self.bytes[*at..*at + NUMBER_MARK.len()], number);
        }
        for at in &self.subjects {
            write_digits(&mut self.bytes[*at..*at + SUBJECT_MARK.len()], number % SUBJECTS);
        }
        for at in &self.groups {
            write_digits(&mut self.bytes[*at..*at + GROUP_MARK.len()], number % self.groups_count);
        }
    }
}

/// Writes the lowest decimal digits that fit.
fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a remainder of ten fits");
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_its_own_digits() {
        let load = Load {
            addr: ([127, 0, 0, 1], 80).into(),
            key: "k".into(),
            template: format!(
                r#"{{"id":"{NUMBER_MARK}","type":"t{GROUP_MARK}","subject":"284000{SUBJECT_MARK}","qid":"284000{SUBJECT_MARK}"}}"#
            ),
            first: 0,
            connections: 1,
            ms: 1,
            groups: 40,
            untimed: Vec::new(),
        };
        let mut request = Request::new(&load);
        request.number(1_200_345);
        let text = String::from_utf8(request.bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"id":"000001200345","type":"t025","subject":"28400000345","qid":"28400000345"}"#);
        assert!(head.contains(&format!("content-length: {}", body.len())));
    }
}

//! The other ends of a bench: the program that sends envelopes and the agencies that receive them.
//!
//! They run in a child process, so that the processor time of the bus can be told from theirs. Parent and child talk in JSON
//! lines over the child's standard input and output; the child ends when its input does.

mod load;
mod sink;
mod wire;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

pub use load::{GROUP_MARK, NUMBER_MARK, SUBJECT_MARK};
pub use sink::Manner;

/// The hidden flag that makes a Falaj the peer of another.
pub const FLAG: &str = "--peer";

/// How long the last deliveries may take to arrive after the last envelope of a paced load.
const ARRIVAL_MAX: Duration = Duration::from_secs(10);

/// What the parent asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Post as fast as answers come.
    Flood(Load),
    /// Post at a steady pace, and time each delivery's arrival at its agency.
    Pace {
        /// What is posted.
        load: Load,
        /// Envelopes a second.
        per_s: u32,
    },
    /// The agencies behave so from now on, in order; their counters begin at zero.
    Behave(Vec<Manner>),
    /// Say how many deliveries each agency has taken.
    Count,
}

/// What is posted, and for how long.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// Where to.
    pub addr: SocketAddr,
    /// The sender's key.
    pub key: String,
    /// A structured envelope in which [`NUMBER_MARK`] and [`SUBJECT_MARK`] stand for digits.
    pub template: String,
    /// The number of the first envelope; each has its own.
    pub first: u64,
    /// Connections, each with one request under way.
    pub connections: usize,
    /// Milliseconds after which no request is begun.
    pub ms: u64,
    /// How many groups there are; [`GROUP_MARK`] stands for the digits of the one that an envelope's number falls into.
    pub groups: u64,
    /// Agencies whose deliveries are not timed.
    pub untimed: Vec<String>,
}

/// How a load went.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Loaded {
    /// Answers 202.
    pub accepted: u64,
    /// Other answers; the first of them is in `complaint`.
    pub refused: u64,
    /// From the first request to the last answer, in seconds.
    pub seconds: f64,
    /// From a request's first byte to its answer.
    pub answer: Times,
    /// From a request's first byte to the arrival of a delivery; only for a steady pace.
    pub arrival: Times,
    /// Deliveries that never arrived; only for a steady pace.
    pub missing: u64,
    /// The head of the first answer that was not 202.
    pub complaint: Option<String>,
    /// Deliveries that each agency has taken; only for a count.
    pub taken: Vec<u64>,
}

/// What many durations come to, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Times {
    /// How many there are.
    pub samples: usize,
    /// Half are shorter.
    pub p50_ms: f64,
    /// One in a hundred is longer.
    pub p99_ms: f64,
}

impl Times {
    /// Sums durations up.
    pub fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let at = |per_cent: usize| {
            let rank = (durations.len() * per_cent).div_ceil(100).max(1) - 1;
            durations.get(rank).map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
        };
        Self { samples: durations.len(), p50_ms: at(50), p99_ms: at(99) }
    }
}

#[derive(Serialize, Deserialize)]
struct Hello {
    sinks: Vec<SocketAddr>,
}

/// The child, as its parent holds it. It ends when this is dropped.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    line: Arc<Mutex<Line>>,
    /// Where its agencies listen.
    pub sinks: Vec<SocketAddr>,
}

#[derive(Debug)]
struct Line {
    orders: Option<ChildStdin>,
    reports: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts this program once more as a peer with so many agencies.
    pub fn start(agencies: usize) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut child = Command::new(program)
            .args(["bench", FLAG, &agencies.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the load generator")?;
        let orders = child.stdin.take();
        let reports = BufReader::new(child.stdout.take().context("the load generator has no output")?);
        let mut line = Line { orders, reports };
        let hello: Hello = line.read()?;
        Ok(Self { child, line: Arc::new(Mutex::new(line)), sinks: hello.sinks })
    }

    /// Gives an order and waits until it is carried out.
    pub async fn ask(&self, order: Order) -> anyhow::Result<Loaded> {
        let line = Arc::clone(&self.line);
        let loaded =
            tokio::task::spawn_blocking(move || line.lock().unwrap_or_else(PoisonError::into_inner).ask(&order))
                .await
                .context("the load generator's line broke")??;
        if let Some(complaint) = &loaded.complaint {
            bail!(
                "{} of {} envelopes were not accepted: {complaint}",
                loaded.refused,
                loaded.refused + loaded.accepted
            );
        }
        Ok(loaded)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).orders = None;
        let _status = self.child.wait();
    }
}

impl Line {
    fn ask(&mut self, order: &Order) -> anyhow::Result<Loaded> {
        let orders = self.orders.as_mut().context("the load generator was dismissed")?;
        let mut line = serde_json::to_string(order)?;
        line.push('\n');
        orders.write_all(line.as_bytes()).context("the load generator is gone")?;
        self.read()
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.reports.read_line(&mut line).context("the load generator is gone")?;
        serde_json::from_str(&line).context("the load generator ended without a report")
    }
}

/// The child's own life: agencies on a thread, orders from standard input until it ends.
pub fn serve(agencies: usize) -> anyhow::Result<()> {
    let sink = sink::Sink::start(agencies)?;
    let mut reports = std::io::stdout().lock();
    writeln!(reports, "{}", serde_json::to_string(&Hello { sinks: sink.addrs.clone() })?)?;
    reports.flush()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let loaded = runtime.block_on(carry_out(order, &sink))?;
        writeln!(reports, "{}", serde_json::to_string(&loaded)?)?;
        reports.flush()?;
    }
    Ok(())
}

async fn carry_out(order: Order, sink: &sink::Sink) -> anyhow::Result<Loaded> {
    match order {
        Order::Flood(load) => Ok(load::flood(&load).await?.sum_up()),
        Order::Behave(manners) => {
            sink.behave(&manners);
            Ok(Loaded::default())
        }
        Order::Count => Ok(Loaded { taken: sink.taken(), ..Loaded::default() }),
        Order::Pace { load, per_s } => {
            sink.record();
            let run = load::pace(&load, per_s).await?;
            let expected: Vec<String> = run.deliveries.iter().map(|(id, _)| id.clone()).collect();
            let arrivals = sink.arrivals(&expected, ARRIVAL_MAX).await;
            let mut loaded = Loaded::default();
            let mut took = Vec::new();
            for (id, sent) in &run.deliveries {
                match arrivals.get(id) {
                    Some(arrived) => took.push(arrived.duration_since(*sent)),
                    None => loaded.missing += 1,
                }
            }
            let missing = loaded.missing;
            loaded = run.sum_up();
            loaded.missing = missing;
            loaded.arrival = Times::of(took);
            Ok(loaded)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let times = Times::of((1..=200).map(Duration::from_millis).rev().collect());
        assert_eq!((times.samples, times.p50_ms, times.p99_ms), (200, 100.0, 198.0));
        assert_eq!(Times::of(vec![Duration::from_millis(7)]).p99_ms, 7.0);
        assert_eq!(Times::of(Vec::new()).p50_ms, 0.0);
    }
}

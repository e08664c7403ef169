//! The gate of one agency: whether it may be asked now, and by how many at once.
//!
//! Service hours, a circuit breaker, a throttle, a slow start and a token bucket, as one pure machine: the time comes in, nothing
//! goes out but answers. G1: one delivery closes the gate only where it is all there is to try, and not for others: faults count
//! once per delivery, closing it needs several where there are several, and what comes to a gate that few deliveries closed is
//! tried at once. G2: a message fault proves a living endpoint. G3: while the gate is closed nothing is sent but one probe at a
//! time. G4: after a closed time the agency is asked by one, then by two, four ..., never by all at once. G5: outside its service
//! hours an agency is not asked at all, not even by a probe.

use std::sync::Arc;
use std::time::Duration;

use super::bucket::Bucket;
use super::recent::Recent;
use crate::model::agency::Rate;
use crate::model::id::Seq;
use crate::model::outcome::Class;
use crate::model::retry::Evidence;
use crate::model::status::Hold;
use crate::model::time::At;
use crate::model::window::{State, Window};

/// Answers after which the slow start is over, whatever the agency's limit.
const RAMP_MAX: usize = 1024;
/// Faults without any success between them that open the circuit.
const IN_A_ROW: usize = 10;
/// Different deliveries that must be among them, where there are so many (G1).
const DISTINCT_MIN: usize = 3;
/// Different deliveries with a fault of the way to the agency that open the circuit, where there are so many (G1).
const MISCONFIGURED_MIN: usize = 2;
/// The first open time after endpoint faults; it doubles.
const OPEN: Duration = Duration::from_secs(10);
/// The first open time after faults of the way to the agency; it doubles.
const OPEN_MISCONFIGURED: Duration = Duration::from_secs(30);
/// The longest open time.
const OPEN_MAX: Duration = Duration::from_secs(300);
/// The quiet after a throttling answer that names no time.
const QUIET: Duration = Duration::from_secs(5);
/// How long an answer about service hours is believed.
const ANSWER_MAX: Duration = Duration::from_secs(3600);
/// The longest quiet an agency can ask for.
const QUIET_MAX: Duration = Duration::from_secs(86_400);

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// So many in flight at once, and so many new ones now.
    Send {
        /// In flight at once.
        at_once: usize,
        /// New ones now.
        now: usize,
    },
    /// Nothing before this instant.
    Wait(At),
}

/// What an outcome did to the gate; said once per change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The circuit opened until the first probe.
    Opened {
        /// When.
        until: At,
    },
    /// A probe came through; the agency is asked again, slowly at first.
    Closed,
    /// The agency says that its receiver is gone: it is to be paused. The gate itself is as new.
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Circuit {
    Closed,
    Open { since: At, until: At, length: Duration, misconfigured: bool },
}

/// The gate.
#[derive(Debug)]
pub struct Gate {
    circuit: Circuit,
    recent: Recent,
    /// Different deliveries there are to try, as far as they are counted.
    to_try: usize,
    /// Endpoint faults without an answer between them.
    in_a_row: usize,
    /// The first different deliveries among them, and among other faults; no more than are enough.
    failing: Vec<Seq>,
    misconfigured: Vec<Seq>,
    gone: Vec<Seq>,
    /// Those that opened the circuit, and that failed since.
    witnesses: Vec<Seq>,
    quiet: Option<(At, At)>,
    ramp: Option<usize>,
    bucket: Option<Bucket>,
    service: Option<Service>,
}

/// The agency's hours, with the answer that holds for a while.
#[derive(Debug)]
struct Service {
    window: Arc<Window>,
    state: State,
    /// The answer holds from here until it says itself, at most [`ANSWER_MAX`].
    asked_at: At,
    /// Whether it was closed when it was last asked for.
    opens: bool,
}

impl Gate {
    /// An open gate.
    pub fn new() -> Self {
        Self {
            circuit: Circuit::Closed,
            recent: Recent::new(),
            to_try: usize::MAX,
            in_a_row: 0,
            failing: Vec::new(),
            misconfigured: Vec::new(),
            gone: Vec::new(),
            witnesses: Vec::new(),
            quiet: None,
            ramp: None,
            bucket: None,
            service: None,
        }
    }

    /// Sets or changes the agency's service hours.
    pub fn set_window(&mut self, window: Option<&Arc<Window>>, now: At) {
        let same = match (&self.service, window) {
            (Some(service), Some(window)) => Arc::ptr_eq(&service.window, window),
            (service, window) => service.is_none() && window.is_none(),
        };
        if !same {
            self.service = window.map(|window| Service::new(Arc::clone(window), now));
        }
    }

    /// The agency's service hours.
    pub fn window(&self) -> Option<&Window> {
        self.service.as_ref().map(|service| &*service.window)
    }

    /// Until when the circuit is open, if it is.
    pub fn outage(&self) -> Option<At> {
        match self.circuit {
            Circuit::Open { until, .. } => Some(until),
            Circuit::Closed => None,
        }
    }

    /// Sets or changes the agency's rate; a new bucket is full.
    pub fn set_rate(&mut self, rate: Option<Rate>, now: At) {
        if self.bucket.as_ref().map(Bucket::rate) != rate {
            self.bucket = rate.map(|rate| Bucket::full(rate, now));
        }
    }

    /// Whether the agency is thought to be well.
    pub fn is_closed(&self) -> bool {
        self.circuit == Circuit::Closed
    }

    /// Says how many different deliveries there are to try.
    pub fn set_to_try(&mut self, count: usize) {
        self.to_try = count;
    }

    /// Something has come that was never tried. Where few deliveries opened the circuit it is the next probe, and soon (G1).
    pub fn knock(&mut self, now: At) {
        if let Circuit::Open { until, misconfigured, .. } = &mut self.circuit
            && self.witnesses.len() < if *misconfigured { MISCONFIGURED_MIN } else { DISTINCT_MIN }
        {
            *until = now.min(*until);
        }
    }

    /// What is known of the agency when an attempt of a delivery has ended; to be asked before it is noted.
    pub fn evidence(&self, delivery: Seq, now: At) -> Evidence {
        Evidence { outage: self.outage(), ..self.recent.evidence(delivery, now) }
    }

    /// What may be sent now, with `running` in flight and at most `limit` at once.
    pub fn allowance(&mut self, running: usize, limit: usize, now: At) -> Allowance {
        if let Some(service) = &mut self.service {
            if let State::Closed { until, .. } = service.at(now) {
                // Keeps G5.
                service.opens = true;
                return Allowance::Wait(until);
            }
            if std::mem::take(&mut service.opens) {
                // Keeps G4: a night's backlog is no reason to fall over the agency.
                self.ramp = Some(1);
            }
        }
        if let Circuit::Open { until, .. } = self.circuit {
            if now < until {
                return Allowance::Wait(until);
            }
            // Half open: one real head (G3).
            return Allowance::Send { at_once: 1, now: usize::from(running == 0) };
        }
        if let Some((_, until)) = self.quiet {
            if now < until {
                return Allowance::Wait(until);
            }
            self.quiet = None;
            self.ramp = Some(1);
        }
        let at_once = self.ramp.map_or(limit, |ramp| ramp.min(limit));
        let mut free = at_once.saturating_sub(running);
        if let Some(bucket) = &mut self.bucket {
            bucket.fill(now);
            if free > 0 && bucket.whole() == 0 {
                return Allowance::Wait(bucket.next(now));
            }
            free = free.min(bucket.whole());
        }
        Allowance::Send { at_once, now: free }
    }

    /// Takes tokens for deliveries that are being sent.
    pub fn spend(&mut self, count: usize) {
        if let Some(bucket) = &mut self.bucket {
            bucket.spend(count);
        }
    }

    /// Takes note of an outcome.
    pub fn note(&mut self, delivery: Seq, class: Class, retry_after: Option<Duration>, now: At) -> Option<Change> {
        match class {
            Class::Done | Class::MessageFault | Class::RetryAsked => self.alive(delivery, class, now),
            Class::Throttle => {
                let until = now.plus(retry_after.unwrap_or(QUIET).min(QUIET_MAX));
                if self.quiet.is_none_or(|(_, before)| before < until) {
                    self.quiet = Some((now, until));
                }
                // A throttling endpoint lives, and still no probe has come through.
                self.half_open(now).then(|| self.open(now, false, &[delivery])).flatten()
            }
            Class::EndpointFault => self.fault(delivery, now),
            Class::ConfigurationFault | Class::Gone => self.astray(delivery, class, now),
        }
    }

    /// Takes note of a fault that is the delivery's own: no sign of an outage, and none of life.
    pub fn note_alone(&mut self, delivery: Seq, now: At) {
        self.recent.failed_aside(delivery, now);
    }

    /// What holds the agency, for the board.
    pub fn hold(&mut self, now: At) -> Hold {
        if let Some(State::Closed { since, until }) = self.service.as_mut().map(|service| service.at(now)) {
            return Hold::Window { until, since };
        }
        match (self.circuit, self.quiet) {
            (Circuit::Open { since, until, .. }, _) => Hold::CircuitOpen { until, since },
            (Circuit::Closed, Some((since, until))) if now < until => Hold::Throttled { until, since },
            _ => Hold::Open,
        }
    }

    fn half_open(&self, now: At) -> bool {
        matches!(self.circuit, Circuit::Open { until, .. } if now >= until)
    }

    /// The endpoint answered (G2).
    fn alive(&mut self, delivery: Seq, class: Class, now: At) -> Option<Change> {
        self.forget_faults();
        if let Some(ramp) = &mut self.ramp {
            // One more per answer is twice as many per round (G4).
            *ramp = ramp.saturating_add(1);
            if *ramp > RAMP_MAX {
                self.ramp = None;
            }
        }
        let closes = self.half_open(now);
        if closes {
            self.begin_anew();
        }
        self.recent.answered(delivery, class, now);
        closes.then_some(Change::Closed)
    }

    fn fault(&mut self, delivery: Seq, now: At) -> Option<Change> {
        if self.half_open(now) {
            return self.open(now, false, &[delivery]);
        }
        if !self.is_closed() {
            return None;
        }
        self.recent.failed(delivery, now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        add(&mut self.failing, delivery);
        let in_a_row = self.in_a_row >= IN_A_ROW && self.failing.len() >= self.enough(DISTINCT_MIN);
        let failing = if in_a_row { Some(self.failing.clone()) } else { self.recent.failing_half() };
        self.open(now, false, &failing?)
    }

    /// The way to the agency leads nowhere, or it says that nobody is there any more.
    fn astray(&mut self, delivery: Seq, class: Class, now: At) -> Option<Change> {
        if class == Class::Gone {
            add(&mut self.gone, delivery);
            if self.gone.len() >= self.enough(MISCONFIGURED_MIN) {
                self.begin_anew();
                return Some(Change::Gone);
            }
        }
        if self.half_open(now) {
            return self.open(now, true, &[delivery]);
        }
        if !self.is_closed() {
            return None;
        }
        self.recent.failed_aside(delivery, now);
        add(&mut self.misconfigured, delivery);
        let witnesses = self.misconfigured.clone();
        (witnesses.len() >= self.enough(MISCONFIGURED_MIN)).then(|| self.open(now, true, &witnesses)).flatten()
    }

    /// The agency is asked again, and slowly at first (G4).
    fn begin_anew(&mut self) {
        self.circuit = Circuit::Closed;
        self.witnesses.clear();
        self.recent.begin_anew();
        self.forget_faults();
        self.ramp = Some(1);
    }

    fn forget_faults(&mut self) {
        self.in_a_row = 0;
        self.failing.clear();
        self.misconfigured.clear();
        self.gone.clear();
    }

    /// How many different deliveries are enough: so many where there are so many, else all there are (G1).
    fn enough(&self, of_many: usize) -> usize {
        of_many.min(self.to_try).max(1)
    }

    fn open(&mut self, now: At, misconfigured: bool, failed: &[Seq]) -> Option<Change> {
        let first = if misconfigured { OPEN_MISCONFIGURED } else { OPEN };
        let (since, length) = match self.circuit {
            Circuit::Open { since, length, misconfigured: before, .. } if before == misconfigured => {
                (since, (length * 2).min(OPEN_MAX))
            }
            Circuit::Open { since, length, .. } => (since, length.max(first)),
            Circuit::Closed => (now, first),
        };
        let again = !self.is_closed();
        let until = now.plus(length);
        self.circuit = Circuit::Open { since, until, length, misconfigured };
        self.in_a_row = 0;
        self.failing.clear();
        self.misconfigured.clear();
        failed.iter().for_each(|delivery| add(&mut self.witnesses, *delivery));
        (!again).then_some(Change::Opened { until })
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Service {
    fn new(window: Arc<Window>, now: At) -> Self {
        Self { state: window.state(now), window, asked_at: now, opens: false }
    }

    fn at(&mut self, now: At) -> State {
        let until = match self.state {
            State::Open { until } => until.unwrap_or(At(i64::MAX)),
            State::Closed { until, .. } => until,
        };
        if now < self.asked_at || now >= until.min(self.asked_at.plus(ANSWER_MAX)) {
            self.state = self.window.state(now);
            self.asked_at = now;
        }
        self.state
    }
}

/// One more delivery, if it is another one and there are not enough.
fn add(deliveries: &mut Vec<Seq>, delivery: Seq) {
    if deliveries.len() < DISTINCT_MIN && !deliveries.contains(&delivery) {
        deliveries.push(delivery);
    }
}

#[cfg(test)]
mod tests;

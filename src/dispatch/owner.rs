//! The owner of one agency: the loop that claims, sends and settles its deliveries.
//!
//! State has one owner, this task: what runs, what is done but not yet stored, which places are held. A turn waits for one event
//! and applies it; nothing else wakes it than a bell, an answer, a commit, a new route, a way that opens or closes, the next due time,
//! and a slow poll that makes every bell a mere hint.
//!
//! An agency to which there is no way at all, because the broker with its queue is not there, is not tried: nothing is claimed, no
//! attempt is counted, its circuit stays as it is, and it goes on in the moment in which there is a way again.
//!
//! The owner of an agency that fetches claims nothing: it ends the leases that ran out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{Span, error, info, warn};

use super::board::{Board, Entry, held};
use super::deliver::{Back, Done, Route, Tools, Verdict, deliver, lapsed};
use super::gate::{Allowance, Change, Gate};
use super::handout::Handout;
use super::places::Places;
use super::supervisor::Setup;
use crate::connector::Way;
use crate::ledger::{Happened, LedgerError, Settlement};
use crate::model::cause::Cause;
use crate::model::delivery::Transition;
use crate::model::id::{AgencyId, Seq};
use crate::model::outcome::{Class, Outcome};
use crate::model::retry;
use crate::model::status::Hold;
use crate::model::time::At;
use crate::wake::Wake;

/// How often the ledger is asked although no bell rang.
const POLL: Duration = Duration::from_secs(5);
/// How long the owner rests after the ledger did not answer.
const REST: Duration = Duration::from_secs(1);
/// How often the owner of an agency that is sent to looks for leases of a time when it fetched.
const LEFT_OVER: Duration = Duration::from_secs(60);
/// Why an agency is paused whose receiver is gone.
const GONE: &str =
    "The agency answered 410: its receiver is gone. Nothing is dropped; resume it when it has a receiver again.";
/// Leases that are ended at once.
const LAPSED_MAX: usize = 256;
/// Settlements stored in one commit.
const SETTLE_MAX: usize = 512;

type Running = Pin<Box<dyn Future<Output = Back> + Send>>;
type Settling = Pin<Box<dyn Future<Output = Settled> + Send>>;

/// What a settling commit answered, with what it was about.
struct Settled {
    result: Result<Vec<Seq>, LedgerError>,
    batch: Vec<Done>,
}

enum Event {
    /// There may be something to claim.
    Look,
    /// A delivery came back.
    Back(Box<Back>),
    /// A commit returned.
    Stored(Settled),
    /// Stop claiming.
    Stop,
}

/// The owner of one agency.
pub struct Owner {
    id: AgencyId,
    tools: Tools,
    wake: Wake,
    board: Board,
    published: Option<Entry>,
    bell: Arc<Notify>,
    route: watch::Receiver<Arc<Route>>,
    /// The way to the agency, where its connector knows whether there is one, and since when there has been none.
    way: Option<Way>,
    cut: Option<(Cause, At)>,
    gate: Gate,
    handout: Handout,
    swept_at: Option<At>,
    places: Places,
    running: FuturesUnordered<Running>,
    done: Vec<Done>,
    settling: Option<Settling>,
    /// What happened and is not written down yet.
    news: Vec<(At, Happened)>,
    next_due: Option<At>,
    stopping: bool,
}

impl Owner {
    /// An owner with nothing in hand.
    pub fn new(id: AgencyId, setup: &Setup, route: watch::Receiver<Arc<Route>>, places: Places) -> Self {
        Self {
            tools: setup.tools.clone(),
            wake: setup.wake.clone(),
            board: setup.board.clone(),
            published: None,
            bell: setup.wake.agency(&id),
            id,
            route,
            way: None,
            cut: None,
            gate: Gate::new(),
            handout: setup.handout.clone(),
            swept_at: None,
            places,
            running: FuturesUnordered::new(),
            done: Vec::new(),
            settling: None,
            news: Vec::new(),
            next_due: None,
            stopping: false,
        }
    }

    /// Works until it is told to stop and everything that ran is stored, or until the task is dropped (D4).
    pub async fn run(mut self, stop: CancellationToken) {
        let mut look = true;
        loop {
            // Before anything else is claimed: an agency whose receiver is gone is paused then.
            self.tell().await;
            if look && !self.stopping {
                self.look().await;
            }
            self.settle();
            self.publish();
            if self.stopping && self.running.is_empty() && self.done.is_empty() && self.settling.is_none() {
                return;
            }
            let event = self.next(&stop).await;
            look = self.apply(event);
        }
    }

    async fn next(&mut self, stop: &CancellationToken) -> Event {
        let clock = self.tools.clock.clone();
        let pause = match self.next_due {
            Some(due) => due.since(clock.now()).clamp(Duration::from_millis(1), POLL),
            None => POLL,
        };
        tokio::select! {
            biased;
            () = stop.cancelled(), if !self.stopping => Event::Stop,
            Some(back) = self.running.next(), if !self.running.is_empty() => Event::Back(Box::new(back)),
            stored = wait(&mut self.settling), if self.settling.is_some() => Event::Stored(stored),
            () = self.bell.notified() => Event::Look,
            changed = self.route.changed() => {
                if changed.is_ok() { Event::Look } else { Event::Stop }
            }
            () = changes(&mut self.way) => Event::Look,
            () = clock.sleep(pause) => Event::Look,
        }
    }

    /// Applies an event; returns whether there may be something to claim.
    fn apply(&mut self, event: Event) -> bool {
        match event {
            Event::Look => true,
            Event::Stop => {
                self.stopping = true;
                false
            }
            Event::Back(back) => {
                self.back(*back);
                // What has come back as well shares the commit.
                while let Some(Some(back)) = self.running.next().now_or_never() {
                    self.back(back);
                }
                false
            }
            Event::Stored(settled) => {
                self.settling = None;
                self.stored(settled);
                true
            }
        }
    }

    /// Tells the gate how it went, and decides.
    fn back(&mut self, back: Back) {
        let (seq, now) = (back.claimed.key.seq, back.ended);
        let mut evidence = self.gate.evidence(seq, now);
        if let Verdict::Tried { outcome, .. } = &back.verdict {
            let class = retry::judge(&back.claimed.tries, outcome.class, &evidence);
            self.tools.metrics.attempt(&self.id, class, now.since(back.begun).as_secs_f64());
            if self.way.as_ref().is_some_and(|way| way.closed().is_some()) && class == Class::EndpointFault {
                // It broke off on a way that is no more; that is tried again as soon as there is one.
                evidence.outage = Some(now);
            } else if class == outcome.class {
                let change = self.gate.note(seq, class, outcome.retry_after, now);
                self.changed(change, outcome, now);
            } else {
                self.gate.note_alone(seq, now);
            }
            // What opens the circuit is part of the outage.
            evidence.outage = evidence.outage.or(self.gate.outage());
        }
        self.done.push(back.settle(&evidence, self.gate.window()));
    }

    fn changed(&mut self, change: Option<Change>, outcome: &Outcome, now: At) {
        let Outcome { class, status, note, .. } = outcome;
        match change {
            Some(Change::Opened { until }) => {
                warn!(agency = %self.id, class = class.as_str(), note, probe_at = %until, "circuit opened");
                let (class, status, note) = (*class, *status, note.clone());
                self.news.push((now, Happened::Opened { class, status, note, until }));
            }
            Some(Change::Closed) => {
                info!(agency = %self.id, "circuit closed");
                self.news.push((now, Happened::Closed));
            }
            Some(Change::Gone) => self.news.push((now, Happened::Gone { status: *status, note: note.clone() })),
            None => {}
        }
    }

    /// Writes down what happened, and pauses the agency where its receiver is gone. What cannot be written down was logged; a pause
    /// that fails is asked for again by the next answer of its kind.
    async fn tell(&mut self) {
        for (at, happened) in std::mem::take(&mut self.news) {
            let is_gone = matches!(happened, Happened::Gone { .. });
            let told = match is_gone {
                true => self.tools.ledger.gone(&self.id, happened, GONE.to_owned(), at).await,
                false => self.tools.ledger.note_event(&self.id, happened, at).await.map(|()| false),
            };
            match told {
                Ok(true) => {
                    warn!(agency = %self.id, "the receiver is gone; the agency is paused until an operator resumes it")
                }
                Ok(false) | Err(LedgerError::Closed) => {}
                Err(cause) => {
                    warn!(agency = %self.id, error = &cause as &dyn std::error::Error, "cannot write down what happened");
                }
            }
        }
    }

    /// Does what there is to do: ends leases, and claims where the agency is sent to.
    async fn look(&mut self) {
        let route = Arc::clone(&self.route.borrow_and_update());
        let now = self.tools.clock.now();
        let fetched = route.is_fetched();
        let every = if fetched { POLL } else { LEFT_OVER };
        let runs_out = fetched && self.next_due.is_some_and(|due| due <= now);
        if runs_out || self.swept_at.is_none_or(|swept| now.since(swept) >= every) {
            self.swept_at = Some(now);
            self.sweep(&route, now).await;
        }
        if fetched {
            self.next_due = self.handout.next_lapse(&self.id, now);
        } else if self.tools.ledger.paused(&self.id).is_some_and(|pause| pause.drain.is_none()) {
            // Nothing is claimed (the ledger sees to it); not to ask saves the places.
            self.next_due = None;
        } else if self.is_cut(&route, now) {
            // Whoever cannot be reached at all has not failed: nothing is tried, and the gate hears of nothing.
            self.next_due = None;
        } else {
            self.claim(route).await;
        }
    }

    /// Whether there is no way to the agency now.
    fn is_cut(&mut self, route: &Route, now: At) -> bool {
        self.way = route.connector.as_ref().and_then(|connector| connector.way());
        self.cut = self.way.as_ref().and_then(Way::closed).map(|(cause, age)| {
            let since =
                self.cut.filter(|(before, _)| *before == cause).map_or_else(|| now.minus(age), |(_, since)| since);
            (cause, since)
        });
        self.cut.is_some()
    }

    /// Ends the leases that ran out. The gate is not told: a slow worker is no closed door.
    async fn sweep(&mut self, route: &Route, now: At) {
        let lease = route.agency.delivery.as_ref().map_or(Duration::ZERO, |rules| rules.lease);
        let begun = At(now.0.saturating_sub(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)));
        match self.tools.ledger.expired_leases(&self.id, LAPSED_MAX, now).await {
            Ok(lapses) => {
                for claimed in lapses {
                    self.tools.metrics.attempt(&self.id, Class::EndpointFault, lease.as_secs_f64());
                    let verdict = lapsed(&claimed, route, now);
                    let evidence = self.handout.lapsed(&claimed.key, &claimed.tries, now);
                    let back = Back { claimed, begun, ended: now, verdict, span: Span::none() };
                    self.done.push(back.settle(&evidence, None));
                }
            }
            Err(LedgerError::Closed) => {}
            Err(cause) => {
                warn!(agency = %self.id, error = &cause as &dyn std::error::Error, "cannot end leases");
            }
        }
    }

    /// Asks the gate, takes places, then work (D2).
    async fn claim(&mut self, route: Arc<Route>) {
        let (Some(connector), Some(rules)) = (route.connector.clone(), route.agency.delivery.as_ref()) else { return };
        let now = self.tools.clock.now();
        self.gate.set_rate(rules.limits.rate, now);
        self.gate.set_window(rules.window.as_ref(), now);
        if self.gate.outage().is_some() && self.tools.ledger.tally(&self.id).pending > 0 {
            self.gate.knock(now);
        }
        let (at_once, free) = match self.gate.allowance(self.places.held(), rules.limits.in_flight, now) {
            Allowance::Send { now: 0, .. } => return,
            Allowance::Send { at_once, now } => (at_once, now),
            Allowance::Wait(until) => {
                self.next_due = Some(until);
                return;
            }
        };
        let taken = self.places.take(at_once.min(self.places.held() + free));
        if taken == 0 {
            return;
        }
        let claim = match self.tools.ledger.claim(&self.id, taken, now).await {
            Ok(claim) => claim,
            Err(cause) => {
                self.places.give_back(taken);
                self.next_due = Some(now.plus(REST));
                if !matches!(cause, LedgerError::Closed) {
                    warn!(agency = %self.id, error = &cause as &dyn std::error::Error, "cannot claim");
                }
                return;
            }
        };
        self.places.give_back(taken - claim.deliveries.len());
        self.places.load(claim.deliveries.iter().map(|claimed| claimed.envelope.data.len()).sum());
        self.gate.spend(claim.deliveries.len());
        self.gate.set_to_try(claim.to_try);
        self.next_due = claim.next_due;
        for claimed in claim.deliveries {
            let (route, connector) = (Arc::clone(&route), Arc::clone(&connector));
            self.running.push(Box::pin(deliver(claimed, route, connector, self.tools.clone())));
        }
    }

    /// Starts one commit over what is done, unless one is under way.
    fn settle(&mut self) {
        if self.settling.is_some() || self.done.is_empty() {
            return;
        }
        let batch: Vec<Done> = self.done.drain(..self.done.len().min(SETTLE_MAX)).collect();
        let settlements: Vec<Settlement> = batch.iter().map(|done| done.settlement.clone()).collect();
        let (ledger, clock) = (self.tools.ledger.clone(), self.tools.clock.clone());
        let now = clock.now();
        self.settling = Some(Box::pin(async move {
            let mut result = ledger.settle(settlements.clone(), now).await;
            while matches!(result, Err(LedgerError::Busy)) {
                clock.sleep(REST).await;
                result = ledger.settle(settlements.clone(), now).await;
            }
            Settled { result, batch }
        }));
    }

    /// Counts and announces what is now durable. A failed commit leaves its deliveries in flight: the next start offers them again.
    fn stored(&mut self, Settled { result, batch }: Settled) {
        self.places.give_back(batch.len());
        self.places.unload(batch.iter().map(|done| done.bytes).sum());
        if let Err(cause) = result {
            error!(agency = %self.id, deliveries = batch.len(), error = &cause as &dyn std::error::Error, "cannot settle");
            return;
        }
        let now = self.tools.clock.now();
        for done in &batch {
            if let Some(attempt) = &done.settlement.attempt {
                self.tools.metrics.figures.remember(&done.settlement.key, done.accepted_at, attempt);
            }
            if let Transition::Finish { state, .. } = done.settlement.transition {
                self.tools.metrics.end(&self.id, state, now.since(done.accepted_at).as_secs_f64());
            }
        }
        self.wake.changed(batch.iter().map(|done| done.settlement.key.seq));
    }

    fn publish(&mut self) {
        let now = self.tools.clock.now();
        let (served, fetched) = {
            let route = self.route.borrow();
            (route.connector.is_some(), route.is_fetched())
        };
        let below = match (fetched, served) {
            (true, _) => Hold::Open,
            (false, true) => match self.cut {
                Some((cause, since)) => Hold::Unconnected { cause, since },
                None => self.gate.hold(now),
            },
            (false, false) => Hold::NoTransport,
        };
        let hold = held(self.tools.ledger.paused(&self.id), below);
        let leased = if fetched { self.handout.leased(&self.id) } else { 0 };
        let entry = Entry { hold, in_flight: self.places.held() + leased };
        if self.published.as_ref() != Some(&entry) {
            self.board.update(&self.id, entry.clone(), now);
            self.published = Some(entry);
        }
    }
}

async fn wait(settling: &mut Option<Settling>) -> Settled {
    match settling {
        Some(settling) => settling.await,
        None => std::future::pending().await,
    }
}

async fn changes(way: &mut Option<Way>) {
    match way {
        Some(way) => way.changed().await,
        None => std::future::pending().await,
    }
}

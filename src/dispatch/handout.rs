//! Handing deliveries out: the pull transport. An agency fetches what waits for it under leases, and says under the same lease
//! what it did. A report is an answer, and a lease that ran out an endpoint fault; there is no circuit, since nobody is called.
//!
//! O1: of one agency never more leases than its `in_flight` run at once, and none are given faster than its `rate`. O2: an outcome
//! counts under the current lease alone, and before it runs out. O3: what cannot be sent is settled as [`super::deliver`] settles
//! it, and is never handed out. O4: one answer is bounded in deliveries and in bytes.
//!
//! Leases are the ledger's, and so are their order and their number. What is kept here is a slip per lease, which remembers what
//! the delivery had been through and when the work began. A slip lost in a restart costs no promise: the ledger still knows the
//! lease, and its end is swept by the agency's owner.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{Span, warn};
use uuid::Uuid;

use super::deliver::{Attempted, Back, Done, Route, Terms, Tools, make, number};
use super::gate::{Allowance, Gate};
use super::recent::Recent;
use crate::catalog::{Agency, Catalog, Current};
use crate::ledger::{Leased, LedgerError, Settlement};
use crate::mapping::Message;
use crate::model::agency::TransportKind;
use crate::model::delivery::{DeliveryKey, DeliveryView, EnvelopeView, Standing, Transition, Tries};
use crate::model::id::{AgencyId, DeliveryId};
use crate::model::outcome::{Class, Outcome, Report};
use crate::model::retry::{self, Evidence};
use crate::model::time::At;
use crate::telemetry::trace::{self, Carried};
use crate::wake::Wake;

/// Deliveries leased in one commit.
const LEASED_AT_ONCE: usize = 8;
/// Such commits for one answer, so that deliveries that are set aside cannot hold up their agency's caller for long.
const COMMITS_MAX: usize = 64;
/// Bytes of messages after which an answer takes no more; the last commit's may come on top.
const ANSWER_BYTES: usize = 8 << 20;

/// Settled leases of one agency that are remembered, so that a report whose answer was lost can be repeated.
const SETTLED_MAX: usize = 1024;

/// Hands out what waits for agencies that fetch. Clones share it.
#[derive(Debug, Clone)]
pub struct Handout(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tools: Tools,
    catalog: Current,
    wake: Wake,
    message_bytes_max: usize,
    desks: Mutex<HashMap<AgencyId, Arc<Desk>>>,
}

/// What is known of one agency's leases.
#[derive(Debug, Default)]
struct Desk {
    /// Held while leases are given, so that callers of one agency come one after the other (O1).
    gate: tokio::sync::Mutex<Gate>,
    slips: Mutex<HashMap<Uuid, Slip>>,
    recent: Mutex<Recent>,
    settled: Mutex<VecDeque<(Uuid, Told)>>,
}

/// What is remembered of a lease.
#[derive(Debug, Clone)]
struct Slip {
    begun: At,
    until: At,
    tries: Tries,
    terms: Terms,
}

/// A delivery in the hands of its agency.
#[derive(Debug, Clone)]
pub struct Handed {
    /// The delivery.
    pub id: DeliveryId,
    /// The id of its first generation: a receiver drops what it has acted on under this id.
    pub webhook_id: DeliveryId,
    /// The token under which its outcome is reported.
    pub lease: Uuid,
    /// Until when.
    pub until: At,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Accept order.
    pub sequence: u64,
    /// A skipped or dead predecessor of its lane that the agency has not heard of.
    pub gap: Option<DeliveryId>,
    /// Whether a person asked for it to be delivered again.
    pub redrive: bool,
    /// The trace that its work belongs to.
    pub trace: Option<Carried>,
    /// What the agency gets.
    pub message: Message,
}

/// What a fetch brought.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The deliveries.
    pub handed: Vec<Handed>,
    /// Where there were none: from when on it is worth asking again without being rung for, if that is known.
    pub again_at: Option<At>,
}

/// What an agency says about a delivery that it fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It has it; the report says what it did.
    Has(Report),
    /// It wants it again later.
    Retry(Report),
}

/// Why nothing is handed out.
#[derive(Debug, thiserror::Error)]
pub enum HandoutError {
    /// The agency is not in the deployment, or does not fetch.
    #[error("the agency's transport is not pull")]
    NotFetched,
    /// The ledger does not answer.
    #[error("the ledger gave no leases")]
    Ledger(#[from] LedgerError),
}

impl Handout {
    /// Nothing handed out yet.
    pub fn new(tools: Tools, catalog: Current, wake: Wake, message_bytes_max: usize) -> Self {
        Self(Arc::new(Inner { tools, catalog, wake, message_bytes_max, desks: Mutex::default() }))
    }

    /// Hands out at most `want` deliveries of an agency; none where nothing waits, or nothing may be handed out now.
    ///
    /// # Errors
    /// [`HandoutError`]; what was leased before an error is handed out.
    pub async fn fetch(&self, agency: &AgencyId, want: usize) -> Result<Fetched, HandoutError> {
        let route = self.route(agency).ok_or(HandoutError::NotFetched)?;
        let rules = route.agency.delivery.as_ref().ok_or(HandoutError::NotFetched)?;
        let (desk, tools) = (self.desk(agency), &self.0.tools);
        let mut gate = desk.gate.lock().await;
        let Fetched { mut handed, mut again_at } = Fetched::default();
        for _ in 0..COMMITS_MAX {
            let now = tools.clock.now();
            let tally = tools.ledger.tally(agency);
            if tally.pending + tally.retry == 0 {
                // Nothing to write a lease for; whoever asks again and again costs no commit.
                break;
            }
            let leased = usize::try_from(tally.leased).unwrap_or(usize::MAX);
            // Keeps O1.
            gate.set_rate(rules.limits.rate, now);
            let free = match gate.allowance(leased, rules.limits.in_flight, now) {
                Allowance::Send { now: free, .. } => free,
                Allowance::Wait(until) => {
                    again_at = Some(until);
                    break;
                }
            };
            let left = want.saturating_sub(handed.len()).min(LEASED_AT_ONCE).min(free);
            if left == 0 || handed.iter().map(|one| one.message.body.len()).sum::<usize>() >= ANSWER_BYTES {
                break;
            }
            let leased = match tools.ledger.lease(agency, left, rules.lease, now).await {
                Ok(leased) => leased,
                Err(error) if handed.is_empty() => return Err(error.into()),
                Err(error) => {
                    warn!(%agency, error = &error as &dyn std::error::Error, "leased less than was asked for");
                    break;
                }
            };
            if leased.is_empty() {
                again_at = tools.ledger.next_due(agency, now).await?;
                break;
            }
            gate.spend(leased.len());
            for one in leased {
                handed.extend(self.hand(&desk, &route, one, now).await);
            }
        }
        if !handed.is_empty() {
            // Its owner learns when the first of them runs out.
            self.0.wake.agency(agency).notify_one();
        }
        Ok(Fetched { handed, again_at })
    }

    /// Makes the message of a leased delivery, or settles what has none (O3).
    async fn hand(&self, desk: &Desk, route: &Route, leased: Leased, now: At) -> Option<Handed> {
        let Leased { claimed, lease, until } = leased;
        match make(&claimed, route, &self.0.tools.ledger, now) {
            Ok((message, terms)) => {
                let (agency, envelope) = (&claimed.key.agency, &claimed.envelope);
                let span = trace::lease(agency, &envelope.attributes, envelope.trace.as_deref(), number(&claimed));
                let trace = span.in_scope(|| trace::passed_on(&span, &envelope.attributes));
                lock(&desk.slips).insert(lease, Slip { begun: now, until, tries: claimed.tries.clone(), terms });
                Some(Handed {
                    id: claimed.id,
                    webhook_id: claimed.webhook_id,
                    lease,
                    until,
                    attempt: number(&claimed),
                    sequence: claimed.key.seq.0,
                    gap: claimed.gap,
                    redrive: claimed.redrive,
                    trace,
                    message,
                })
            }
            Err(verdict) => {
                let agency = claimed.key.agency.clone();
                let Done { settlement, accepted_at, .. } =
                    Back { claimed, begun: now, ended: now, verdict: *verdict, span: Span::none() }
                        .settle(&Evidence::default(), None);
                if let Err(error) = self.store(lease, settlement, accepted_at, now).await {
                    // Its lease runs out, and it comes again.
                    warn!(%agency, error = &error as &dyn std::error::Error, "cannot settle what cannot be handed out");
                }
                None
            }
        }
    }

    /// Settles a lease as the agency says; `false` where the lease is not in force (any more), and nothing was recorded (O2). The
    /// same again under the same lease is `true` again.
    ///
    /// # Errors
    /// The ledger does not answer; nothing was recorded.
    pub async fn settle(
        &self,
        delivery: &DeliveryView,
        envelope: &EnvelopeView,
        lease: Uuid,
        told: Told,
    ) -> Result<bool, LedgerError> {
        let (key, now) = (&delivery.key, self.0.tools.clock.now());
        let desk = self.desk(&key.agency);
        if lock(&desk.settled).contains(&(lease, told.clone())) {
            return Ok(true);
        }
        if !matches!(delivery.standing, Standing::Leased { until } if until > now) {
            return Ok(false);
        }
        let kept = lock(&desk.slips).get(&lease).cloned();
        let Some(slip) = kept.or_else(|| self.slip_again(delivery, envelope, now)) else { return Ok(false) };
        let outcome = outcome(told.clone());
        let (class, seconds) = (outcome.class, now.since(slip.begun).as_secs_f64());
        let attempted =
            Attempted { key: key.clone(), id: delivery.id, tries: slip.tries, begun: slip.begun, ended: now };
        let (Terms { policy, disclosure, .. }, evidence) = (slip.terms, lock(&desk.recent).evidence(key.seq, now));
        let settlement = attempted.settle(outcome, policy, Some(disclosure), &evidence, None);
        let settled = self.store(lease, settlement, envelope.accepted_at, now).await?;
        if settled {
            lock(&desk.recent).answered(key.seq, class, now);
            desk.settled(lease, told);
            self.0.tools.metrics.attempt(&key.agency, class, seconds);
            // Its place is free, and so may be its lane.
            self.0.wake.ring([&key.agency]);
        }
        Ok(settled)
    }

    async fn store(&self, lease: Uuid, settlement: Settlement, accepted_at: At, now: At) -> Result<bool, LedgerError> {
        let (key, transition, attempt) =
            (settlement.key.clone(), settlement.transition.clone(), settlement.attempt.clone());
        let settled = self.0.tools.ledger.settle_lease(lease, settlement, now).await?;
        if settled {
            if let Some(attempt) = &attempt {
                self.0.tools.metrics.figures.remember(&key, accepted_at, attempt);
            }
            if let Transition::Finish { state, .. } = transition {
                self.0.tools.metrics.end(&key.agency, state, now.since(accepted_at).as_secs_f64());
            }
            self.0.wake.changed([key.seq]);
        }
        Ok(settled)
    }

    /// The slip of a lease that was given before a restart. What it had been through is known in part; its age is not, so this try
    /// is never the one that gives it up by age.
    fn slip_again(&self, delivery: &DeliveryView, envelope: &EnvelopeView, now: At) -> Option<Slip> {
        let route = self.route(&delivery.key.agency)?;
        let subscription = route.catalog.subscription(&delivery.key.agency, &envelope.ty)?;
        let last = delivery.last_error.as_ref();
        let (last, last_at) = (last.map(|error| error.class), last.map(|error| error.at));
        let tries =
            Tries { counted: delivery.attempts, in_a_row: delivery.attempts, last, last_at, ..Tries::default() };
        let begun = delivery.since.min(now);
        Some(Slip { begun, until: now, tries, terms: Terms::of(&route, subscription) })
    }

    /// How many leases of an agency are in force or not ended yet, those given before a restart included.
    pub(super) fn leased(&self, agency: &AgencyId) -> usize {
        usize::try_from(self.0.tools.ledger.tally(agency).leased).unwrap_or(usize::MAX)
    }

    /// What is known of an agency when a lease of a delivery ran out, which is noted.
    pub(super) fn lapsed(&self, key: &DeliveryKey, tries: &Tries, now: At) -> Evidence {
        let desk = self.desk(&key.agency);
        let mut recent = lock(&desk.recent);
        let evidence = recent.evidence(key.seq, now);
        match retry::judge(tries, Class::EndpointFault, &evidence) {
            Class::EndpointFault => recent.failed(key.seq, now),
            _ => recent.failed_aside(key.seq, now),
        }
        evidence
    }

    /// When the next lease of an agency runs out, as far as it is known here.
    pub(super) fn next_lapse(&self, agency: &AgencyId, now: At) -> Option<At> {
        let desk = self.desk(agency);
        let mut slips = lock(&desk.slips);
        slips.retain(|_, slip| slip.until > now);
        slips.values().map(|slip| slip.until).min()
    }

    /// The agency as it is fetched by now; `None` where it is not.
    fn route(&self, agency: &AgencyId) -> Option<Route> {
        let catalog: Arc<Catalog> = self.0.catalog.load_full();
        let agency: Arc<Agency> = Arc::clone(catalog.agency(agency)?);
        agency.delivery.as_ref().filter(|rules| rules.transport == TransportKind::Pull)?;
        Some(Route { catalog, agency, connector: None, message_bytes_max: self.0.message_bytes_max })
    }

    fn desk(&self, agency: &AgencyId) -> Arc<Desk> {
        let mut desks = lock(&self.0.desks);
        if let Some(desk) = desks.get(agency) {
            return Arc::clone(desk);
        }
        let desk = Arc::<Desk>::default();
        desks.insert(agency.clone(), Arc::clone(&desk));
        desk
    }
}

impl Desk {
    fn settled(&self, lease: Uuid, told: Told) {
        lock(&self.slips).remove(&lease);
        let mut settled = lock(&self.settled);
        if settled.len() == SETTLED_MAX {
            settled.pop_front();
        }
        settled.push_back((lease, told));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn outcome(told: Told) -> Outcome {
    let (class, report, note) = match told {
        Told::Has(report) => (Class::Done, report, ""),
        Told::Retry(report) => (Class::RetryAsked, report, "the agency asked for a retry"),
    };
    Outcome { class, status: None, retry_after: None, report, note: note.to_owned(), answer: Vec::new() }
}

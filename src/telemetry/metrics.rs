//! What is counted as it happens (T3). Each family stands once, with its name, its unit and what it means.
//!
//! Series of an agency or a type begin at zero when the deployment takes it in, so that a first event is seen as one, and end when
//! it leaves (T2): an owner that outlives its agency cannot bring them back.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::commits::Commits;
use super::figures::Figures;
use super::label::{
    AgencyLabel, AlarmLabels, AttemptLabels, EndLabels, Name, ReasonLabel, RequestLabels, ResultLabel, RouteLabels,
    TypeLabel, TypeName, Word,
};
use crate::model::delivery::Finished;
use crate::model::id::{AgencyId, EventType};
use crate::model::outcome::Class;

/// Whom the deployment in force knows.
#[derive(Debug, Default)]
struct Known {
    agencies: HashSet<AgencyId>,
    types: HashSet<EventType>,
}

/// Everything that is counted as it happens. Clones share it.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// `None` until the first deployment is told: everybody counts.
    known: Arc<RwLock<Option<Known>>>,
    accepted: Family<TypeLabel, Counter>,
    repeated: Counter,
    refused: Family<ReasonLabel, Counter>,
    without_recipients: Family<TypeLabel, Counter>,
    filter_errors: Family<AgencyLabel, Counter>,
    settled: Family<EndLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    accept_seconds: Histogram,
    delivery_seconds: Family<AgencyLabel, Histogram>,
    attempt_seconds: Family<AgencyLabel, Histogram>,
    commit_seconds: Histogram,
    commit_operations: Histogram,
    alarms: Family<AlarmLabels, Gauge>,
    alarms_shown: Arc<Mutex<HashSet<AlarmLabels>>>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    reloads: Family<ResultLabel, Counter>,
    /// Connections that are open.
    pub connections: Gauge,
    /// Attempts and durations once more, to be read back for the history.
    pub figures: Figures,
    /// The last commits of the ledger, to be read back.
    pub commits: Commits,
}

/// An accept is one sync of a disk: around a millisecond, seconds where the disk is in trouble.
const ACCEPT: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// A commit on a good disk takes a fraction of a millisecond.
const COMMIT: [f64; 13] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Up to what `store.batch_max` may be.
const OPERATIONS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0];
/// An attempt is one exchange; an agency's timeout is 120 s at most, a lease 1 h.
const ATTEMPT: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0];
/// A delivery takes milliseconds, or a week where its agency is down.
const DELIVERY: [f64; 15] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 21_600.0, 86_400.0, 604_800.0];
/// A request takes a millisecond, a long poll its minute.
const REQUEST: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];

fn attempt_seconds() -> Histogram {
    Histogram::new(ATTEMPT)
}

fn delivery_seconds() -> Histogram {
    Histogram::new(DELIVERY)
}

fn request_seconds() -> Histogram {
    Histogram::new(REQUEST)
}

impl Metrics {
    /// Makes the metrics and registers them by their names.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            known: Arc::default(),
            accepted: Family::default(),
            repeated: Counter::default(),
            refused: Family::default(),
            without_recipients: Family::default(),
            filter_errors: Family::default(),
            settled: Family::default(),
            attempts: Family::default(),
            accept_seconds: Histogram::new(ACCEPT),
            delivery_seconds: Family::new_with_constructor(delivery_seconds),
            attempt_seconds: Family::new_with_constructor(attempt_seconds),
            commit_seconds: Histogram::new(COMMIT),
            commit_operations: Histogram::new(OPERATIONS),
            alarms: Family::default(),
            alarms_shown: Arc::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(request_seconds),
            reloads: Family::default(),
            connections: Gauge::default(),
            figures: Figures::default(),
            commits: Commits::default(),
        };
        metrics.intake(registry);
        metrics.delivery(registry);
        metrics.bus(registry);
        metrics
    }

    /// Metrics that nobody reads, for tests and tools.
    pub fn unread() -> Self {
        Self::register(&mut Registry::default())
    }

    fn intake(&self, registry: &mut Registry) {
        let m = self.clone();
        registry.register("falaj_envelopes_accepted", "Envelopes made durable, by type", m.accepted);
        registry.register(
            "falaj_envelopes_repeated",
            "Envelopes that had been accepted before and were answered with their first receipt",
            m.repeated,
        );
        registry.register(
            "falaj_envelopes_refused",
            "Envelopes and batches that were not accepted, by reason; what was refused had no effect",
            m.refused,
        );
        registry.register(
            "falaj_envelopes_without_recipients",
            "Envelopes made durable that no agency subscribes to, by type",
            m.without_recipients,
        );
        registry.register(
            "falaj_filter_errors",
            "Subscription filters that could not be decided at acceptance, by the agency that wrote them",
            m.filter_errors,
        );
        registry.register(
            "falaj_accept_duration_seconds",
            "Seconds from the whole request to the durable answer, of envelopes that were new",
            m.accept_seconds,
        );
    }

    fn delivery(&self, registry: &mut Registry) {
        let m = self.clone();
        registry.register(
            "falaj_deliveries_settled",
            "Deliveries that ended, by agency and state (delivered, dead, expired, skipped, cancelled)",
            m.settled,
        );
        registry.register(
            "falaj_attempts",
            "Attempts that came back, by agency and class (done, message_fault, configuration_fault, gone, throttle, \
             endpoint_fault, retry_asked)",
            m.attempts,
        );
        registry.register(
            "falaj_delivery_duration_seconds",
            "Seconds from acceptance to delivered, waiting and retries included, by agency",
            m.delivery_seconds,
        );
        registry.register(
            "falaj_attempt_duration_seconds",
            "Seconds of one attempt, or of one lease until it was reported, by agency",
            m.attempt_seconds,
        );
    }

    fn bus(&self, registry: &mut Registry) {
        let m = self.clone();
        registry.register(
            "falaj_commit_duration_seconds",
            "Seconds of one commit of the ledger, its sync included",
            m.commit_seconds,
        );
        registry.register(
            "falaj_commit_operations",
            "Operations that shared one commit of the ledger",
            m.commit_operations,
        );
        registry.register(
            "falaj_alarm",
            "1 while an alarm is raised, by condition and by agency; no agency where it is about the bus",
            m.alarms,
        );
        registry.register(
            "falaj_http_requests",
            "Requests that were answered, by route template, method and class of status",
            m.requests,
        );
        registry.register(
            "falaj_http_request_duration_seconds",
            "Seconds from the head of a request to the head of its answer, long polls included, by route template and method",
            m.request_seconds,
        );
        registry.register("falaj_http_connections", "Connections that are open", m.connections);
        registry.register(
            "falaj_deployment_reloads",
            "Changed deployments that were looked at, by result (taken_up, refused)",
            m.reloads,
        );
        for result in ["taken_up", "refused"] {
            drop(self.reloads.get_or_create(&ResultLabel { result: Word(result) }));
        }
        registry.register_collector(Box::new(super::export::Fates));
    }

    /// Tells which agencies receive and which types there are: their series begin at zero, those of the others end.
    pub fn follow(&self, agencies: impl IntoIterator<Item = AgencyId>, types: impl IntoIterator<Item = EventType>) {
        let now = Known { agencies: agencies.into_iter().collect(), types: types.into_iter().collect() };
        // Held until the series are right: whoever counts meanwhile waits, and then finds its agency known or not.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.take().unwrap_or_default();
        before.agencies.difference(&now.agencies).for_each(|gone| self.forget(gone));
        for gone in before.types.difference(&now.types) {
            let label = TypeLabel { r#type: TypeName(gone.clone()) };
            self.accepted.remove(&label);
            self.without_recipients.remove(&label);
        }
        now.agencies.iter().for_each(|agency| self.begin(agency));
        for ty in &now.types {
            drop(self.accepted.get_or_create(&TypeLabel { r#type: TypeName(ty.clone()) }));
        }
        *known = Some(now);
    }

    fn begin(&self, agency: &AgencyId) {
        let label = AgencyLabel { agency: Name(agency.clone()) };
        for state in Finished::ALL {
            drop(self.settled.get_or_create(&end(agency, state)));
        }
        for class in Class::ALL {
            drop(self.attempts.get_or_create(&tried(agency, class)));
        }
        drop(self.filter_errors.get_or_create(&label));
        drop(self.delivery_seconds.get_or_create(&label));
        drop(self.attempt_seconds.get_or_create(&label));
    }

    fn forget(&self, agency: &AgencyId) {
        let label = AgencyLabel { agency: Name(agency.clone()) };
        for state in Finished::ALL {
            self.settled.remove(&end(agency, state));
        }
        for class in Class::ALL {
            self.attempts.remove(&tried(agency, class));
        }
        self.filter_errors.remove(&label);
        self.delivery_seconds.remove(&label);
        self.attempt_seconds.remove(&label);
    }

    /// Holds off [`Metrics::follow`] while something of an agency or a type is counted; `None` where it is not of the deployment.
    fn counting(&self, knows: impl FnOnce(&Known) -> bool) -> Option<RwLockReadGuard<'_, Option<Known>>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let counts = known.as_ref().is_none_or(knows);
        counts.then_some(known)
    }

    /// Counts an envelope that is durable now.
    pub fn accepted(&self, ty: &EventType, has_recipients: bool, seconds: f64) {
        self.accept_seconds.observe(seconds);
        let Some(_counting) = self.counting(|known| known.types.contains(ty)) else { return };
        let label = TypeLabel { r#type: TypeName(ty.clone()) };
        self.accepted.get_or_create(&label).inc();
        if !has_recipients {
            self.without_recipients.get_or_create(&label).inc();
        }
    }

    /// Counts a notice that is durable now: an envelope of Falaj's own, for which nobody waited.
    pub fn told(&self, ty: &EventType) {
        let Some(_counting) = self.counting(|known| known.types.contains(ty)) else { return };
        self.accepted.get_or_create(&TypeLabel { r#type: TypeName(ty.clone()) }).inc();
    }

    /// Counts an envelope that was known.
    pub fn repeated(&self) {
        self.repeated.inc();
    }

    /// Counts a refusal.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabel { reason: Word(reason) }).inc();
    }

    /// Counts a filter that could not be decided.
    pub fn undecided(&self, agency: &AgencyId) {
        let Some(_counting) = self.counting(|known| known.agencies.contains(agency)) else { return };
        self.filter_errors.get_or_create(&AgencyLabel { agency: Name(agency.clone()) }).inc();
    }

    /// Counts one attempt.
    pub fn attempt(&self, agency: &AgencyId, class: Class, seconds: f64) {
        self.figures.attempt(agency, class, seconds);
        let Some(_counting) = self.counting(|known| known.agencies.contains(agency)) else { return };
        self.attempts.get_or_create(&tried(agency, class)).inc();
        self.attempt_seconds.get_or_create(&AgencyLabel { agency: Name(agency.clone()) }).observe(seconds);
    }

    /// Counts one end.
    pub fn end(&self, agency: &AgencyId, state: Finished, seconds_since_accepted: f64) {
        if state == Finished::Delivered {
            self.figures.delivered(agency, seconds_since_accepted);
        }
        let Some(_counting) = self.counting(|known| known.agencies.contains(agency)) else { return };
        self.settled.get_or_create(&end(agency, state)).inc();
        if state == Finished::Delivered {
            let label = AgencyLabel { agency: Name(agency.clone()) };
            self.delivery_seconds.get_or_create(&label).observe(seconds_since_accepted);
        }
    }

    /// Counts one commit of the ledger.
    pub fn commit(&self, took: Duration, operations: usize) {
        self.commit_seconds.observe(took.as_secs_f64());
        self.commit_operations.observe(f64::from(u32::try_from(operations).unwrap_or(u32::MAX)));
        self.commits.record(took, operations);
    }

    /// Shows which alarms are raised; what is not among them any more is no alarm, and goes.
    pub fn alarms(&self, standing: impl IntoIterator<Item = (Option<AgencyId>, &'static str, bool)>) {
        let mut shown = self.alarms_shown.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = std::mem::take(&mut *shown);
        for (agency, condition, raised) in standing {
            let labels = AlarmLabels { agency: agency.map(Name), condition: Word(condition) };
            self.alarms.get_or_create(&labels).set(i64::from(raised));
            gone.remove(&labels);
            shown.insert(labels);
        }
        for labels in gone {
            self.alarms.remove(&labels);
        }
    }

    /// Counts a request. `route` is a template, `class` is `2xx` and the like.
    pub fn request(&self, route: &'static str, method: &'static str, class: &'static str, took: Duration) {
        let (route, method) = (Word(route), Word(method));
        self.requests.get_or_create(&RequestLabels { route, method, class: Word(class) }).inc();
        self.request_seconds.get_or_create(&RouteLabels { route, method }).observe(took.as_secs_f64());
    }

    /// Counts a changed deployment.
    pub fn reload(&self, is_taken_up: bool) {
        let result = Word(if is_taken_up { "taken_up" } else { "refused" });
        self.reloads.get_or_create(&ResultLabel { result }).inc();
    }
}

fn end(agency: &AgencyId, state: Finished) -> EndLabels {
    EndLabels { agency: Name(agency.clone()), state: Word(state.as_str()) }
}

fn tried(agency: &AgencyId, class: Class) -> AttemptLabels {
    AttemptLabels { agency: Name(agency.clone()), class: Word(class.as_str()) }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn agency(id: &str) -> AgencyId {
        AgencyId::parse(id).unwrap()
    }

    fn ty(id: &str) -> EventType {
        EventType::parse(id).unwrap()
    }

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn series_begin_and_end_with_their_agency() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.follow([agency("moi"), agency("moph")], [ty("qa.gov.a"), ty("qa.gov.b")]);
        let shown = text(&registry);
        for line in [
            r#"falaj_deliveries_settled_total{agency="moph",state="dead"} 0"#,
            r#"falaj_attempts_total{agency="moi",class="gone"} 0"#,
            r#"falaj_delivery_duration_seconds_count{agency="moph"} 0"#,
            r#"falaj_envelopes_accepted_total{type="qa.gov.b"} 0"#,
        ] {
            assert!(shown.contains(line), "{line} is not in\n{shown}");
        }

        metrics.end(&agency("moi"), Finished::Delivered, 0.1);
        metrics.follow([agency("moi")], [ty("qa.gov.a")]);
        // Its owner settles what was in flight.
        metrics.end(&agency("moph"), Finished::Delivered, 1.0);
        metrics.attempt(&agency("moph"), Class::Done, 1.0);
        metrics.undecided(&agency("moph"));
        metrics.accepted(&ty("qa.gov.b"), false, 0.1);
        let shown = text(&registry);
        assert!(!shown.contains("moph") && !shown.contains("qa.gov.b"), "{shown}");
        assert!(shown.contains(r#"falaj_deliveries_settled_total{agency="moi",state="delivered"} 1"#), "{shown}");
    }

    #[test]
    fn an_alarm_that_is_none_any_more_goes() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.alarms([(None, "disk_low", false), (Some(agency("moi")), "parked", true)]);
        let shown = text(&registry);
        assert!(shown.contains(r#"falaj_alarm{agency="moi",condition="parked"} 1"#), "{shown}");
        metrics.alarms([(None, "disk_low", true)]);
        let shown = text(&registry);
        assert!(!shown.contains("moi") && shown.contains(r#"condition="disk_low"} 1"#), "{shown}");
    }
}

//! Each agency at this moment: those of the deployment that receive, and those that left it with something undelivered. Whoever has
//! neither has no series (T2).

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use futures_util::{StreamExt, stream};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::super::agencies::{state, unfinished};
use super::super::state::App;
use super::{count, number};
use crate::catalog::{Agency, Catalog};
use crate::ledger::{Ledger, Tally};
use crate::model::id::AgencyId;
use crate::model::status::Hold;
use crate::model::time::At;
use crate::telemetry::label::HoldLabels;
use crate::telemetry::{AgencyLabel, EndLabels, Name, Word};

/// Questions to the ledger at once.
const ASKED_AT_ONCE: usize = 8;
/// Every word that [`state`] has for what holds an agency.
const REASONS: [&str; 8] =
    ["paused", "draining", "drained", "circuit_open", "throttled", "window", "unconfigured", "no_transport"];

type ByAgency = Family<AgencyLabel, Gauge<f64, AtomicU64>>;

#[derive(Debug, Default)]
struct Gauges {
    deliveries: Family<EndLabels, Gauge<f64, AtomicU64>>,
    oldest: ByAgency,
    circuit: ByAgency,
    held: Family<HoldLabels, Gauge<f64, AtomicU64>>,
    held_since: ByAgency,
    next_probe: ByAgency,
    in_flight: ByAgency,
    in_flight_limit: ByAgency,
}

/// Reads every agency and registers its gauges.
pub(super) async fn register(app: &App, registry: &mut Registry) {
    let gauges = Gauges::default();
    let catalog = app.catalog.load_full();
    let tallies = shown(&catalog, app.ledger.tallies());
    let now = app.clock.now();
    for (id, tally) in &tallies {
        gauges.agency(app, id, tally, catalog.agency(id).map(|agency| &**agency));
    }
    let waiting: Vec<AgencyId> =
        tallies.into_iter().filter(|(_, tally)| unfinished(tally) > 0).map(|(id, _)| id).collect();
    let mut ages = stream::iter(waiting).map(|id| oldest(app.ledger.clone(), id)).buffered(ASKED_AT_ONCE);
    while let Some((id, oldest)) = ages.next().await {
        if let Some(at) = oldest {
            set(&gauges.oldest, &id, now.since(at).as_secs_f64());
        }
    }
    gauges.register(registry);
}

/// When the oldest unfinished delivery of an agency was accepted; nothing where the ledger does not say.
async fn oldest(ledger: Ledger, id: AgencyId) -> (AgencyId, Option<At>) {
    let oldest = ledger.oldest(&id).await.ok().flatten();
    (id, oldest)
}

/// Who is shown, with its queue.
fn shown(catalog: &Catalog, tallies: Vec<(AgencyId, Tally)>) -> BTreeMap<AgencyId, Tally> {
    let receives = |id: &AgencyId| catalog.agency(id).is_some_and(|agency| agency.delivery.is_some());
    let mut shown: BTreeMap<AgencyId, Tally> =
        tallies.into_iter().filter(|(id, tally)| receives(id) || unfinished(tally) > 0).collect();
    for agency in catalog.agencies().filter(|agency| agency.delivery.is_some()) {
        shown.entry(agency.id.clone()).or_default();
    }
    shown
}

fn set(family: &ByAgency, id: &AgencyId, value: f64) {
    family.get_or_create(&AgencyLabel { agency: Name(id.clone()) }).set(value);
}

/// An instant as Prometheus writes it.
fn timestamp(at: At) -> f64 {
    number(at.0.max(0).cast_unsigned()) / 1e3
}

impl Gauges {
    fn agency(&self, app: &App, id: &AgencyId, tally: &Tally, configured: Option<&Agency>) {
        for (state, n) in counts(tally) {
            let labels = EndLabels { agency: Name(id.clone()), state: Word(state) };
            self.deliveries.get_or_create(&labels).set(number(n));
        }
        // Its age is read from the ledger where something waits.
        set(&self.oldest, id, 0.0);
        let entry = app.entry(id);
        let held = state(&entry.hold);
        for reason in REASONS {
            let labels = HoldLabels { agency: Name(id.clone()), reason: Word(reason) };
            self.held.get_or_create(&labels).set(if held == reason { 1.0 } else { 0.0 });
        }
        let is_open = matches!(entry.hold.clone().below(), Hold::CircuitOpen { .. });
        set(&self.circuit, id, if is_open { 1.0 } else { 0.0 });
        match entry.hold {
            Hold::Open | Hold::Unconfigured | Hold::NoTransport => {}
            Hold::CircuitOpen { since, until } => {
                set(&self.held_since, id, timestamp(since));
                set(&self.next_probe, id, timestamp(until));
            }
            Hold::Paused { since, .. }
            | Hold::Draining { since, .. }
            | Hold::Throttled { since, .. }
            | Hold::Window { since, .. }
            | Hold::Unconnected { since, .. } => {
                set(&self.held_since, id, timestamp(since));
            }
        }
        set(&self.in_flight, id, count(entry.in_flight));
        if let Some(rules) = configured.and_then(|agency| agency.delivery.as_ref()) {
            let limit = rules.limits.in_flight;
            set(&self.in_flight_limit, id, count(app.board.pool().map_or(limit, |pool| pool.cap(limit))));
        }
    }

    fn register(self, registry: &mut Registry) {
        registry.register(
            "falaj_deliveries",
            "Deliveries as they stand, by agency and state: pending, retry, parked (lanes that wait for an operator), behind, leased, \
             and those that ended and are still kept",
            self.deliveries,
        );
        registry.register(
            "falaj_oldest_age_seconds",
            "Seconds since the oldest unfinished delivery of an agency was accepted; 0 where nothing waits",
            self.oldest,
        );
        registry.register(
            "falaj_circuit_open",
            "1 while an agency's circuit is open: it is not asked but by a probe",
            self.circuit,
        );
        registry.register(
            "falaj_held",
            "1 for what holds an agency now, by reason: paused, circuit_open, throttled, window, unconfigured, no_transport",
            self.held,
        );
        registry.register(
            "falaj_held_since_timestamp_seconds",
            "Since when an agency is held, in seconds since 1970; nothing where it is not",
            self.held_since,
        );
        registry.register(
            "falaj_next_probe_timestamp_seconds",
            "When an agency whose circuit is open is asked next, in seconds since 1970; nothing where it is closed",
            self.next_probe,
        );
        registry.register("falaj_in_flight", "Deliveries of an agency under way, leases included", self.in_flight);
        registry.register(
            "falaj_in_flight_limit",
            "The most deliveries of an agency that may be under way: its own limit, within its share of the places",
            self.in_flight_limit,
        );
    }
}

fn counts(tally: &Tally) -> [(&'static str, u64); 10] {
    [
        ("pending", tally.pending),
        ("retry", tally.retry),
        ("parked", tally.parked),
        ("behind", tally.behind),
        ("leased", tally.leased),
        ("delivered", tally.delivered),
        ("dead", tally.dead),
        ("expired", tally.expired),
        ("skipped", tally.skipped),
        ("cancelled", tally.cancelled),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::Seq;

    #[test]
    fn every_hold_has_its_reason() {
        let at = At(0);
        let draining = |left| {
            let (by, reason, rest) = ("p".into(), "r".into(), Box::new(Hold::Open));
            Hold::Draining { through: Seq(1), left, by, reason, since: at, rest }
        };
        let holds = [
            Hold::Unconfigured,
            Hold::NoTransport,
            Hold::Paused { by: "p".into(), reason: "r".into(), since: at, gone: false },
            draining(1),
            draining(0),
            Hold::CircuitOpen { until: at, since: at },
            Hold::Throttled { until: at, since: at },
            Hold::Window { until: at, since: at },
        ];
        for hold in &holds {
            assert!(REASONS.contains(&state(hold)), "{hold:?}");
        }
        assert_eq!(holds.len(), REASONS.len());
    }
}

//! What follows the deployment in force: what is counted of it, and what is on record of it.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::warn;

use crate::catalog::reload::ReloadState;
use crate::catalog::{Agency, Catalog, Current};
use crate::ledger::{Disclosure, Ledger};
use crate::model::agency::TransportKind;
use crate::telemetry::Metrics;

/// Agencies that speak AMQP wait where there is no broker; that is said at the start.
pub(super) fn warn_of_no_broker(catalog: &Catalog) {
    let speaks =
        |agency: &&Arc<Agency>| agency.delivery.as_ref().is_some_and(|rules| rules.transport == TransportKind::Amqp);
    let waiting: Vec<&str> = catalog.agencies().filter(speaks).map(|agency| agency.id.as_str()).collect();
    if !waiting.is_empty() {
        warn!(agencies = waiting.join(" "), "transport = \"amqp\", and [amqp] url is not set: their deliveries wait");
    }
}

/// Counts the agencies and types of the deployment in force.
pub(super) fn follow(metrics: &Metrics, catalog: &Catalog) {
    let receivers = catalog.agencies().filter(|agency| agency.delivery.is_some()).map(|agency| agency.id.clone());
    let types = catalog.schemas.all().map(|schema| schema.ty.clone());
    metrics.follow(receivers, types);
}

/// Counts reloads, and from each that is taken up the agencies and types it has.
pub(super) async fn count_reloads(catalog: Current, metrics: Metrics, mut reloads: watch::Receiver<ReloadState>) {
    while reloads.changed().await.is_ok() {
        let is_taken_up = reloads.borrow_and_update().refused.is_none();
        metrics.reload(is_taken_up);
        if is_taken_up {
            follow(&metrics, &catalog.load());
        }
    }
}

/// Records the disclosures of every deployment that comes into force.
pub(super) async fn record_disclosures(catalog: Current, ledger: Ledger, mut reloads: watch::Receiver<ReloadState>) {
    while reloads.changed().await.is_ok() {
        if let Err(error) = ledger.register_disclosures(disclosures(&catalog.load())).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "the disclosures of the new deployment are not recorded yet"
            );
        }
    }
}

pub(super) fn disclosures(catalog: &Catalog) -> Vec<Disclosure> {
    let of = |agency: &Arc<Agency>| {
        let id = agency.id.clone();
        agency
            .subscriptions
            .iter()
            .map(move |subscription| Disclosure {
                digest: subscription.disclosure,
                agency: id.clone(),
                pattern: subscription.pattern.to_string(),
                fields: subscription.fields.pointers().map(str::to_owned).collect(),
                purpose: subscription.purpose.en.clone(),
                purpose_ar: subscription.purpose.ar.clone(),
                legal_basis: subscription.legal_basis.clone(),
            })
            .collect::<Vec<_>>()
    };
    catalog.agencies().flat_map(of).collect()
}

//! What the broker needs for the deployment in force.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::error;

use crate::amqp::topology::{Party, Plan, PlanFault, Receives, Shape};
use crate::catalog::reload::ReloadState;
use crate::catalog::{Agency, Catalog, Current};
use crate::config;
use crate::model::agency::TransportKind;

/// Falaj's user, and the virtual host, where no address says them.
const USUAL: &str = "falaj";

/// The plan of a deployment.
pub fn plan(settings: &config::Amqp, catalog: &Catalog) -> Result<Plan, PlanFault> {
    let address = settings.url.as_ref();
    let shape = Shape {
        vhost: address.map_or(USUAL, |address| address.vhost()).to_owned(),
        // Where a certificate says who Falaj is, its common name should be the usual one.
        user: address.and_then(|address| address.user()).unwrap_or(USUAL).to_owned(),
        messages_max: settings.messages_max as u64,
        bytes_max: settings.bytes_max,
        offers_max: settings.offers_max as u64,
    };
    Plan::new(&shape, catalog.agencies().filter_map(|agency| party(agency)).collect())
}

/// An agency as the broker knows it; `None` where it does not speak AMQP.
fn party(agency: &Agency) -> Option<Party> {
    if !agency.speaks_amqp() {
        return None;
    }
    let receives = agency.delivery.as_ref().filter(|rules| rules.transport == TransportKind::Amqp);
    let receives = receives.map(|_| Receives { ordered: agency.subscriptions.iter().any(|wish| wish.ordered) });
    let user = agency.amqp_user().to_owned();
    Some(Party { agency: agency.id.clone(), user, sends: agency.types.clone(), receives })
}

/// Makes a new plan for every deployment that comes into force. Where there is none for it, the one before it holds.
pub async fn follow(
    settings: config::Amqp,
    catalog: Current,
    mut reloads: watch::Receiver<ReloadState>,
    plans: watch::Sender<Arc<Plan>>,
) {
    while reloads.changed().await.is_ok() {
        match plan(&settings, &catalog.load()) {
            Ok(plan) => {
                plans.send_if_modified(|before| {
                    let other = **before != plan;
                    if other {
                        *before = Arc::new(plan);
                    }
                    other
                });
            }
            Err(fault) => error!(%fault, "the broker stays as it is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_shipped_deployment_has_a_plan() {
        let catalog = Catalog::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().catalog;
        let plan = plan(&config::Config::default().amqp, &catalog).unwrap();
        let users: Vec<&str> = plan.users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(users, ["falaj", "mawared", "tarasul"]);
        let tarasul = plan.queues.iter().find(|queue| queue.name == "falaj.out.tarasul").unwrap();
        assert!(tarasul.arguments.contains_key("x-single-active-consumer"));
        assert!(plan.topic_permissions.iter().any(|may| may.write == r"^qa\.gov\.correspondence\.sent$"));
    }
}

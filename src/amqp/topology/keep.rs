//! Keeps the plan at the broker: it is declared at every new connection, for every new deployment, where something has gone
//! missing, and now and then all the same, for nobody tells of an exchange that only agencies use.
//!
//! What is not right and cannot be made right stands in the link's status under its own name, and in the log once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::declare::declare;
use super::plan::Plan;
use super::report::{Item, ItemState, Report};
use crate::amqp::link::{LOOK_MAX, Link};
use crate::amqp::state::{State, Status};

/// How long after one look the next one is due, whatever is heard.
const EVERY: Duration = Duration::from_secs(30);
/// The rest between two looks where something is missing.
const REST: Duration = Duration::from_secs(5);

/// Who declares.
#[derive(Debug)]
pub struct Keep {
    link: Link,
    /// The other connection, which notices first that a queue of an agency is gone.
    publish: Status,
    plans: watch::Receiver<Arc<Plan>>,
    /// What was not right at the last look, by the name under which it stands in the status.
    wrong: BTreeMap<String, State>,
}

impl Keep {
    /// Declares over `link`, whichever plan is the latest.
    pub fn new(link: Link, publish: Status, plans: watch::Receiver<Arc<Plan>>) -> Self {
        Self { link, publish, plans, wrong: BTreeMap::new() }
    }

    /// Declares until the stop.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let live = tokio::select! {
                () = stop.cancelled() => return,
                live = self.link.connected() => live,
                // There is no way to look, and there is one to the agencies: most of them have their queues.
                () = self.publish.held_for(LOOK_MAX) => {
                    warn!("what the broker needs is not looked for yet; agencies that have their queues are served");
                    self.publish.looked();
                    continue;
                }
            };
            let plan = Arc::clone(&self.plans.borrow_and_update());
            match declare(&live.connection, &plan).await {
                Ok(report) => self.take(&report),
                // The link finds out by itself whether the connection is lost.
                Err(fault) => info!(fault = %fault, "what the broker needs is not declared yet"),
            }
            self.link.look(live.epoch);
            self.publish.looked();
            let (link, publish) = (self.link.clone(), self.publish.clone());
            let missing = async {
                sleep(REST).await;
                tokio::select! {
                    () = link.status().misses() => {}
                    () = publish.misses() => {}
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                changed = self.plans.changed() => if changed.is_err() {
                    // Nobody makes plans any more: the stop is near.
                    return;
                },
                () = link.other_than(live.epoch) => {}
                () = missing => {}
                () = sleep(EVERY) => {}
            }
        }
    }

    /// Says what has changed since the last look, and marks what is not right.
    fn take(&mut self, report: &Report) {
        let made: Vec<&str> = report
            .items
            .iter()
            .filter(|item| item.state == ItemState::Declared && item.figures.is_some())
            .map(name)
            .collect();
        if !made.is_empty() {
            info!(vhost = report.vhost, queues = made.join(" "), "declared at the broker");
        }
        let now: BTreeMap<String, State> = report.items.iter().filter_map(fault).collect();
        for item in report.wrong() {
            let Some((place, state)) = fault(item) else { continue };
            if self.wrong.get(&place) != Some(&state) {
                warn!(item = item.name, state = %item.state, "the broker is not as the deployment needs it; `falaj amqp check`");
            }
            self.link.status().mark(&place, state);
        }
        for place in self.wrong.keys().filter(|place| !now.contains_key(*place)) {
            if self.link.status().clear(place) {
                info!(place, "the broker is as the deployment needs it again");
            }
        }
        self.wrong = now;
    }
}

fn name(item: &Item) -> &str {
    &item.name
}

/// The name under which an item stands that is not right, and what it is. What stands under the bare name of a queue ends with the
/// next message that goes through it; another argument does not.
fn fault(item: &Item) -> Option<(String, State)> {
    match &item.state {
        ItemState::Differs(difference) => Some((format!("{}: {}", item.name, difference.argument), State::Mismatched)),
        ItemState::Missing | ItemState::Forbidden { there: Some(false) } => Some((item.name.clone(), State::Missing)),
        // Whether it is right is for whoever may configure it.
        ItemState::Forbidden { .. } | ItemState::Present | ItemState::Declared | ItemState::Unasked => None,
    }
}

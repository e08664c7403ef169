//! Keeps one owner for every agency of the deployment in force, through reloads and until the stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::board::{Board, Entry};
use super::deliver::{Route, Tools};
use super::handout::Handout;
use super::jobs::Jobs;
use super::owner::Owner;
use super::places::Pool;
use crate::catalog::reload::ReloadState;
use crate::catalog::{Agency, Catalog, Current};
use crate::connector::Connector;
use crate::connector::amqp::AmqpClient;
use crate::connector::webhook::{WebhookClient, WebhookTarget};
use crate::model::agency::TransportKind;
use crate::model::id::AgencyId;
use crate::model::status::Hold;
use crate::wake::Wake;

/// What dispatch works with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Ledger, clock and metrics.
    pub tools: Tools,
    /// The deployment in force.
    pub catalog: Current,
    /// The bells.
    pub wake: Wake,
    /// Where others read how it goes.
    pub board: Board,
    /// What is handed out to agencies that fetch.
    pub handout: Handout,
    /// All webhooks share it.
    pub client: WebhookClient,
    /// The way to the broker, where there is one.
    pub broker: Option<AmqpClient>,
    /// Deliveries in flight at once, over all agencies, beside each agency's own place.
    pub places: usize,
    /// Bytes of data in flight, over all agencies.
    pub in_flight_bytes_max: usize,
    /// Bytes of one message after projection, map or template.
    pub message_bytes_max: usize,
    /// How long running deliveries may take to finish after the stop.
    pub grace: Duration,
}

/// Keeps the owners.
pub struct Dispatcher {
    setup: Setup,
    pool: Pool,
    owners: HashMap<AgencyId, Ownership>,
    tasks: TaskTracker,
    /// Ends the owners' claiming.
    stop: CancellationToken,
    /// Ends the owners altogether.
    abandon: CancellationToken,
}

struct Ownership {
    route: watch::Sender<Arc<Route>>,
    retire: CancellationToken,
}

impl Dispatcher {
    /// An owner for every agency of the deployment in force, and a line on the board: whoever asks from now on is told right.
    /// Needs a runtime, where the owners begin.
    pub fn new(setup: Setup) -> Self {
        let (pool, catalog) = (Pool::new(setup.places, setup.in_flight_bytes_max), setup.catalog.load_full());
        setup.board.show(&pool);
        let mut dispatcher = Self {
            setup,
            pool,
            owners: HashMap::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            abandon: CancellationToken::new(),
        };
        dispatcher.follow(&catalog);
        dispatcher
    }

    /// Works until `stop`; follows the deployment whenever it is reloaded. Returns when what ran is stored or the grace
    /// period is over.
    pub async fn run(mut self, mut reloads: watch::Receiver<ReloadState>, stop: CancellationToken) {
        let Tools { ledger, clock, .. } = &self.setup.tools;
        let jobs = Jobs::new(ledger.clone(), self.setup.wake.clone(), clock.clone());
        self.tasks.spawn(jobs.run(self.stop.clone()));
        loop {
            reloads.borrow_and_update();
            self.follow(&self.setup.catalog.load_full());
            tokio::select! {
                () = stop.cancelled() => break,
                changed = reloads.changed() => if changed.is_err() {
                    stop.cancelled().await;
                    break;
                },
            }
        }
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.setup.grace, self.tasks.wait()).await.is_err() {
            info!(
                agencies = self.tasks.len(),
                "some deliveries did not finish in time; they are offered again at the next start"
            );
            self.abandon.cancel();
            self.tasks.wait().await;
        }
    }

    /// Gives every agency of the deployment its route, new ones an owner, and retires the owners of those that are gone.
    fn follow(&mut self, catalog: &Arc<Catalog>) {
        let gone: Vec<AgencyId> = self.owners.keys().filter(|id| receiver(catalog, id).is_none()).cloned().collect();
        for id in gone {
            if let Some(ownership) = self.owners.remove(&id) {
                ownership.retire.cancel();
                self.setup.board.remove(&id);
            }
        }
        for agency in catalog.agencies().filter(|agency| agency.delivery.is_some()) {
            let route = Arc::new(Route {
                catalog: Arc::clone(catalog),
                agency: Arc::clone(agency),
                connector: self.connector(agency),
                message_bytes_max: self.setup.message_bytes_max,
            });
            match self.owners.get(&agency.id) {
                Some(ownership) => {
                    ownership.route.send_replace(route);
                }
                None => self.employ(agency.id.clone(), route),
            }
        }
    }

    fn employ(&mut self, id: AgencyId, route: Arc<Route>) {
        let hold = if route.connector.is_some() || route.is_fetched() { Hold::Open } else { Hold::NoTransport };
        self.setup.board.write(&id, Entry { hold, in_flight: 0 });
        let (sender, receiver) = watch::channel(route);
        let retire = self.stop.child_token();
        let owner = Owner::new(id.clone(), &self.setup, receiver, self.pool.agency());
        let (abandon, stop) = (self.abandon.clone(), retire.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = abandon.cancelled() => {}
                () = owner.run(stop) => {}
            }
        });
        self.owners.insert(id, Ownership { route: sender, retire });
    }

    fn connector(&self, agency: &Agency) -> Option<Arc<dyn Connector>> {
        let rules = agency.delivery.as_ref()?;
        match rules.transport {
            TransportKind::Webhook => {
                let target = rules.webhook.as_ref()?;
                Some(Arc::new(self.setup.client.connector(WebhookTarget {
                    url: target.url.clone(),
                    secrets: target.secrets.clone(),
                    timeout: target.timeout,
                })))
            }
            TransportKind::Amqp => {
                let broker = self.setup.broker.as_ref()?;
                Some(Arc::new(broker.connector(&agency.id, rules.limits.timeout)))
            }
            TransportKind::Pull => None,
        }
    }
}

fn receiver<'a>(catalog: &'a Catalog, id: &AgencyId) -> Option<&'a Arc<Agency>> {
    catalog.agency(id).filter(|agency| agency.delivery.is_some())
}

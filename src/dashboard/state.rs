//! What every handler of the dashboard may reach: what the HTTP interface has, and who is signed in.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::agencies::DEAD_MAX;
use super::limit::{Failures, Tries};
use super::pending::Pending;
use super::session::{Lasting, Roots, Sessions};
use super::vitals::Look;
use crate::config::Shown;
use crate::http::App;
use crate::identity::{Groups, Provider};
use crate::ledger::{LedgerError, Waits};
use crate::model::id::AgencyId;

/// How old may be what those see who look on.
const LATELY: Duration = Duration::from_millis(1500);

/// How the dashboard is served; all of it comes from the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long sessions last.
    pub lasting: Lasting,
    /// How often somebody may fail to sign in.
    pub tries: Tries,
    /// Whether people reach it by https alone: cookies never leave otherwise.
    pub https: bool,
    /// Proxies that are believed about whom they speak for.
    pub proxies: Vec<IpNet>,
    /// The settings in force, for whoever asks how the bus runs.
    pub config: Vec<Shown>,
    /// What the identity provider's people may do.
    pub groups: Groups,
    /// The identity provider, where there is one.
    pub provider: Option<Arc<Provider>>,
}

impl Default for Settings {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            lasting: Lasting { idle: minutes(60), whole: minutes(12 * 60), sessions_max: 1000 },
            tries: Tries { per_address: 10, in_all: 100, within: minutes(5) },
            https: false,
            proxies: Vec::new(),
            config: Vec::new(),
            groups: Groups::default(),
            provider: None,
        }
    }
}

/// The state of the dashboard. Clones share it.
#[derive(Debug, Clone)]
pub struct Dashboard(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) app: App,
    pub(super) sessions: Sessions,
    pub(super) failures: Failures,
    pub(super) pending: Pending,
    pub(super) settings: Settings,
    looked: Mutex<Option<(Instant, Arc<Looked>)>>,
    pub(super) vitals: Mutex<Option<Arc<Look>>>,
}

/// What waits for each agency.
pub(super) type Looked = Vec<(AgencyId, Waits)>;

impl Dashboard {
    /// Over what the HTTP interface has.
    pub fn new(app: App, settings: Settings) -> Self {
        let (sessions, failures) = (Sessions::new(settings.lasting), Failures::new(settings.tries));
        let pending = Pending::default();
        let (looked, vitals) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { app, sessions, failures, pending, settings, looked, vitals }))
    }

    /// Who is signed in; for whoever finds out who somebody is.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// What sessions go back to.
    pub(super) fn roots(&self) -> Roots<'_> {
        Roots { keys: &self.keys, groups: &self.0.settings.groups }
    }

    /// What waits for each agency, or waited a moment ago: however many look on, the ledger is asked once.
    pub(super) async fn lately(&self) -> Result<Arc<Looked>, LedgerError> {
        let mut looked = self.0.looked.lock().await;
        if let Some((at, known)) = &*looked
            && at.elapsed() < LATELY
        {
            return Ok(Arc::clone(known));
        }
        let known = Arc::new(self.ledger.waits(None, DEAD_MAX).await?);
        *looked = Some((Instant::now(), Arc::clone(&known)));
        Ok(known)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Dashboard {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0.app
    }
}

//! What each part asks of the configuration, in that part's own words.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::StartError;
use crate::alarm;
use crate::alarm::post::{Outbox, Postman};
use crate::catalog::Current;
use crate::catalog::reload::Watcher;
use crate::clock::Clock;
use crate::config::{Config, KeyReloader};
use crate::connector::webhook::{WebhookClient, WebhookTarget};
use crate::dashboard;
use crate::http::auth::KeyRing;
use crate::identity::{Groups, Provider};
use crate::ledger::Options;
use crate::model::calendar::Calendar;
use crate::statistics::Terms;

/// How long the exchange with the receiver of alarms may take.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(15);
/// See [`Options::young_max`]: some ten megabytes.
const YOUNG_MAX: usize = 65_536;

pub(super) fn options(config: &Config) -> Options {
    let store = &config.store;
    Options {
        folder: store.path.clone(),
        batch_max: store.batch_max,
        gather: store.gather,
        disk_floor_bytes: store.disk_floor_bytes,
        page_max: store.page_max,
        lane_rows_max: store.lane_rows_max,
        stuck_max: store.stuck_max,
        young_max: YOUNG_MAX,
        calendar: Calendar::new(config.statistics.zone.clone()),
    }
}

/// The way out for notices of alarms, where there is an address for them.
pub(super) fn alarm_post(config: &Config, client: &WebhookClient, clock: &Clock) -> Option<(Outbox, Postman)> {
    let url = config.alarms.url.clone()?;
    let secrets = config.alarms.secret.iter().cloned().collect();
    let connector = client.connector(WebhookTarget { url, secrets, timeout: NOTICE_TIMEOUT });
    Some(Postman::new(Arc::new(connector), clock.clone()))
}

/// The identity provider, where there is one. It is not asked yet.
pub(super) fn provider(config: &Config) -> Result<Option<Provider>, StartError> {
    let settings = config.oidc.settings().map_err(|faults| StartError::Identity(faults.all()))?;
    settings.map(Provider::new).transpose().map_err(|error| StartError::Client(Box::new(error)))
}

pub(super) fn dashboard_settings(config: &Config, groups: Groups, provider: Option<Provider>) -> dashboard::Settings {
    let pages = &config.dashboard;
    dashboard::Settings {
        lasting: dashboard::Lasting {
            idle: pages.session_idle,
            whole: pages.session_whole,
            sessions_max: pages.sessions_max,
        },
        tries: dashboard::Tries {
            per_address: pages.sign_in_failures,
            in_all: pages.sign_in_failures_total,
            within: pages.sign_in_within,
        },
        https: pages.https,
        proxies: pages.proxies.clone(),
        config: config.shown(),
        groups,
        provider: provider.map(Arc::new),
    }
}

pub(super) fn terms(config: &Config) -> Terms {
    let statistics = &config.statistics;
    let (open, small_count) = (statistics.open, statistics.small_count as u64);
    Terms { open, small_count, licence: statistics.licence.clone() }
}

pub(super) fn alarm_limits(config: &Config) -> alarm::Limits {
    let alarms = &config.alarms;
    alarm::Limits {
        every: alarms.every,
        clear_after: alarms.clear_after,
        oldest_age: alarms.oldest_age,
        circuit_open: alarms.circuit_open,
        parked: alarms.parked as u64,
        dead_per_hour: alarms.dead_per_hour as u64,
        disk_free_bytes: alarms.disk_free_bytes,
        broker_down: alarms.broker_down,
    }
}

/// The watcher looks at the keys first and by themselves: nothing that is wrong elsewhere holds back a revocation.
pub(super) fn watcher(
    root: &Path,
    config: &Config,
    config_file: Option<PathBuf>,
    catalog: &Current,
    (keys, groups): (&KeyRing, &Groups),
    clock: &Clock,
) -> Watcher {
    let watcher = Watcher::new(root.to_owned(), Arc::clone(catalog), clock.now());
    let Some(file) = config_file else { return watcher };
    let mut reloader = KeyReloader::new(file, config.auth.clone());
    let (ring, groups) = (keys.clone(), groups.clone());
    watcher.each_poll(move || {
        if let Some(auth) = reloader.poll() {
            info!(keys = auth.keys.len(), groups = auth.groups.len(), "keys changed");
            ring.replace(&auth.keys);
            groups.replace(&auth.groups);
        }
    })
}

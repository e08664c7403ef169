//! The system: whether it accepts, how its disk and its commits do, which deployment is in force and why not another, how the broker
//! stands, what runs, and by which settings. No secret is in it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::fields::Fields;
use super::live::{self, Live, Unit};
use super::page::{Page, html};
use super::say::Say;
use super::session::Signed;
use super::state::Dashboard;
use crate::amqp;
use crate::catalog;
use crate::config::Shown;
use crate::http::auth::Right;
use crate::http::error::Problem;
use crate::ledger::{Health, Ledger, Size, Tally};
use crate::model::time::At;
use crate::telemetry::commits::Lately;
use crate::telemetry::process::Reading;

/// Problems of a refused deployment that are listed.
const PROBLEMS_MAX: usize = 100;

/// The screen.
#[derive(Debug, Template)]
#[template(path = "system.html", config = "src/dashboard/askama.toml")]
pub(super) struct System {
    page: Page,
    now: Now,
    problems: Vec<catalog::Problem>,
    problems_more: u64,
    /// Settings by section, and whether one of them is not the default.
    sections: Vec<(&'static str, bool, Vec<Shown>)>,
}

/// How it is at this moment.
#[derive(Debug, Template)]
#[template(path = "system_now.html", config = "src/dashboard/askama.toml")]
struct Now {
    say: Say,
    /// Why nothing is accepted; the name of a text.
    refusing: Option<&'static str>,
    health: Health,
    size: Size,
    commits: Option<Lately>,
    deployment: Deployment,
    broker: Option<[Link; 2]>,
    process: Option<Reading>,
    sessions: u64,
    all: Tally,
}

/// The deployment in force.
#[derive(Debug)]
struct Deployment {
    revision: String,
    loaded_at: Option<At>,
    /// Problems for which a changed one was refused.
    problems: u64,
    agencies: u64,
    types: u64,
}

/// A connection to the broker.
#[derive(Debug)]
struct Link {
    /// Names of texts.
    role: String,
    state: String,
    tone: &'static str,
    since: At,
    detail: Option<String>,
}

impl Now {
    /// Everything that ended.
    fn ended(&self) -> [(&'static str, u64); 5] {
        let Tally { delivered, dead, expired, skipped, cancelled, .. } = self.all;
        [
            ("is-delivered", delivered),
            ("is-dead", dead),
            ("is-expired", expired),
            ("is-skipped", skipped),
            ("is-cancelled", cancelled),
        ]
    }

    fn unfinished(&self) -> u64 {
        let Tally { pending, retry, parked, behind, leased, .. } = self.all;
        pending + retry + parked + behind + leased
    }

    /// Operations that shared a commit, in the mean.
    fn shared(&self, lately: &Lately) -> f64 {
        if lately.commits == 0 { 0.0 } else { lately.operations as f64 / lately.commits as f64 }
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn engine(&self) -> &'static str {
        Ledger::engine()
    }

    fn machine(&self) -> String {
        format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
    }

    /// When the process began.
    fn began(&self) -> Option<At> {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
        self.process.as_ref().map(|reading| At((reading.started_at * 1000.0) as i64))
    }

    fn tone(&self) -> &'static str {
        if self.refusing.is_some() { "bad" } else { "good" }
    }
}

/// `GET /dashboard/system`
pub(super) async fn system(State(dashboard): State<Dashboard>, mut page: Page) -> Result<Response, Problem> {
    let now = now(&dashboard, page.say).await;
    page.live = Some(live::address::<System>(&page.asked.only(&[]), &[Unit::of("system", &now)?]));
    let refused = dashboard.reloads.as_ref().and_then(|reloads| reloads.state().refused);
    let problems = refused.as_deref().unwrap_or_default();
    html(&System {
        problems: problems.iter().take(PROBLEMS_MAX).cloned().collect(),
        problems_more: count(problems.len().saturating_sub(PROBLEMS_MAX)),
        sections: sections(&dashboard.inner().settings.config),
        now,
        page,
    })
}

impl Live for System {
    const NAME: &'static str = "system";
    const RIGHT: Right = Right::Oversee;

    async fn units(dashboard: &Dashboard, _: &Signed, say: Say, _: &Fields) -> Result<Vec<Unit>, Problem> {
        Ok(vec![Unit::of("system", &now(dashboard, say).await)?])
    }
}

async fn now(dashboard: &Dashboard, say: Say) -> Now {
    let ledger = dashboard.ledger.clone();
    // It asks the file system.
    let asked = tokio::task::spawn_blocking(move || (ledger.size(), Reading::take()));
    let (size, process) = asked.await.unwrap_or_default();
    let health = dashboard.ledger.health();
    Now {
        say,
        refusing: health.refusing.map(refusing),
        health,
        size,
        commits: dashboard.metrics.commits.lately(),
        deployment: deployment(dashboard),
        broker: dashboard.broker.as_ref().map(|broker| broker.standings().map(|one| Link::of(one, say.now))),
        process,
        sessions: count(dashboard.sessions().count()),
        all: all(dashboard.ledger.tallies().into_iter().map(|(_, tally)| tally)),
    }
}

/// The name of the text that says why nothing is accepted.
fn refusing(why: &str) -> &'static str {
    match why {
        "free disk space is below the floor" => "system-disk-low",
        "the ledger stopped writing after a failed commit" => "system-poisoned",
        _ => "system-closed",
    }
}

fn deployment(dashboard: &Dashboard) -> Deployment {
    let state = dashboard.reloads.as_ref().map(catalog::reload::Reloads::state);
    let catalog = dashboard.catalog.load();
    let types: std::collections::BTreeSet<_> =
        catalog.schemas.all().filter(|schema| !schema.about.is_abstract).map(|schema| &schema.ty).collect();
    Deployment {
        revision: catalog.revision.chars().take(12).collect(),
        loaded_at: state.as_ref().map(|state| state.loaded_at),
        problems: count(state.and_then(|state| state.refused).map_or(0, |problems| problems.len())),
        agencies: count(catalog.agencies().count()),
        types: count(types.len()),
    }
}

impl Link {
    fn of((role, standing): (amqp::Role, amqp::state::Standing), now: At) -> Self {
        use amqp::state::State;
        let age = i64::try_from(standing.age().as_millis()).unwrap_or(i64::MAX);
        Self {
            role: format!("broker-{}", role.as_str()),
            state: format!("link-{}", standing.state.as_str()),
            tone: match standing.state {
                State::Connected => "good",
                State::Connecting | State::Blocked => "held",
                _ => "bad",
            },
            since: At(now.0.saturating_sub(age)),
            detail: standing.detail,
        }
    }
}

/// Settings by section, in the order of the reference.
fn sections(settings: &[Shown]) -> Vec<(&'static str, bool, Vec<Shown>)> {
    let mut sections: Vec<(&'static str, bool, Vec<Shown>)> = Vec::new();
    for one in settings {
        match sections.last_mut().filter(|(section, ..)| *section == one.section) {
            Some((_, changed, of_section)) => {
                *changed |= one.is_changed;
                of_section.push(one.clone());
            }
            None => sections.push((one.section, one.is_changed, vec![one.clone()])),
        }
    }
    sections
}

/// The sum of the figures of all agencies.
fn all(tallies: impl Iterator<Item = Tally>) -> Tally {
    tallies.fold(Tally::default(), |mut all, tally| {
        all.pending += tally.pending;
        all.retry += tally.retry;
        all.parked += tally.parked;
        all.behind += tally.behind;
        all.leased += tally.leased;
        all.delivered += tally.delivered;
        all.dead += tally.dead;
        all.expired += tally.expired;
        all.skipped += tally.skipped;
        all.cancelled += tally.cancelled;
        all
    })
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

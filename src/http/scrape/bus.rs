//! The bus at this moment: whether it accepts, its store, its places, its jobs, its deployment and its doors.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::super::state::App;
use super::{count, number};
use crate::ledger::{Job, JobKind, JobState, Size};
use crate::telemetry::label::{JobLabels, StateLabel};
use crate::telemetry::{Name, Word};

/// Reads the bus and registers its gauges.
pub(super) async fn register(app: &App, size: Size, registry: &mut Registry) {
    let build = Info::new([
        ("version", env!("CARGO_PKG_VERSION")),
        ("os", std::env::consts::OS),
        ("arch", std::env::consts::ARCH),
    ]);
    registry.register("falaj_build", "What is running; always 1", build);
    store(app, size, &mut Plain(registry));
    places(app, &mut Plain(registry));
    deployment(app, registry);
    let plain = &mut Plain(registry);
    plain.gauge("falaj_watches", "Long polls and event streams that are open", count(app.watches()));
    plain.gauge(
        "falaj_watches_limit",
        "The most long polls and event streams there may be",
        count(app.settings.watches_max),
    );
    // A ledger that cannot be read has no jobs to show.
    if let Ok(jobs) = app.ledger.open_jobs().await {
        register_jobs(&jobs, registry);
    }
}

/// Gauges without labels.
struct Plain<'a>(&'a mut Registry);

impl Plain<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }
}

fn store(app: &App, size: Size, plain: &mut Plain<'_>) {
    let health = app.ledger.health();
    let accepts = health.refusing.is_none() && !app.closing.is_cancelled();
    plain.gauge(
        "falaj_accepting",
        "1 while envelopes are accepted; 0 where the disk is low, a commit failed, or the bus is stopping",
        if accepts { 1.0 } else { 0.0 },
    );
    plain.gauge(
        "falaj_writer_queue_depth",
        "Operations that wait for the ledger's writer or are under way",
        count(health.queue),
    );
    plain.gauge(
        "falaj_writer_queue_limit",
        "The most operations there may be; beyond it callers wait",
        count(health.queue_max),
    );
    plain.gauge("falaj_disk_free_bytes", "Free bytes of the disk under the ledger", number(health.disk_free_bytes));
    plain.gauge(
        "falaj_disk_floor_bytes",
        "Free bytes below which nothing is accepted any more",
        number(size.floor_bytes),
    );
    plain.gauge("falaj_ledger_bytes", "Bytes of the ledger's file", number(size.store_bytes));
    plain.gauge("falaj_wal_bytes", "Bytes of the write-ahead log beside it", number(size.wal_bytes));
}

fn places(app: &App, plain: &mut Plain<'_>) {
    let Some(pool) = app.board.pool() else { return };
    plain.gauge(
        "falaj_places",
        "Places for deliveries in flight that agencies share, beside the one that each has",
        count(pool.total()),
    );
    plain.gauge("falaj_places_free", "Shared places that nobody holds", count(pool.free()));
    plain.gauge("falaj_in_flight_bytes", "Bytes of data in flight", count(pool.bytes()));
    plain.gauge(
        "falaj_in_flight_bytes_limit",
        "Bytes in flight from which on no shared place is given",
        count(pool.bytes_max()),
    );
}

fn deployment(app: &App, registry: &mut Registry) {
    let catalog = app.catalog.load_full();
    let revision = Info::new([("revision", catalog.revision.clone())]);
    registry.register("falaj_deployment", "The deployment in force; always 1", revision);
    let plain = &mut Plain(registry);
    plain.gauge("falaj_deployment_agencies", "Agencies of the deployment in force", count(catalog.agencies().count()));
    let Some(state) = app.reloads.as_ref().map(crate::catalog::reload::Reloads::state) else { return };
    let problems = state.refused.map_or(0, |problems| problems.len());
    plain.gauge(
        "falaj_deployment_problems",
        "Problems of the deployment in the folder that keep it from coming into force; 0 where it is in force",
        count(problems),
    );
    plain.gauge(
        "falaj_deployment_loaded_timestamp_seconds",
        "When the deployment in force came into force, in seconds since 1970",
        number(state.loaded_at.0.max(0).cast_unsigned()) / 1e3,
    );
}

fn register_jobs(jobs: &[Job], registry: &mut Registry) {
    let states = Family::<StateLabel, Gauge<f64, AtomicU64>>::default();
    let progress = Family::<JobLabels, Gauge<f64, AtomicU64>>::default();
    for state in [JobState::Running, JobState::Paused] {
        let n = jobs.iter().filter(|job| job.state == state).count();
        states.get_or_create(&StateLabel { state: Word(word(state)) }).set(count(n));
    }
    for job in jobs {
        let kind = Word(match job.kind {
            JobKind::Redrive => "redrive",
            JobKind::Replay { .. } => "replay",
        });
        let open = job.eligible.saturating_sub(job.done + job.failed);
        for (state, n) in [("open", open), ("delivered", job.done), ("failed", job.failed)] {
            let labels = JobLabels { agency: Name(job.agency.clone()), kind, state: Word(state) };
            progress.get_or_create(&labels).inc_by(number(n));
        }
    }
    registry.register("falaj_jobs", "Redrives and replays that have work left, by state (running, paused)", states);
    registry.register(
        "falaj_job_deliveries",
        "Deliveries of those jobs, by agency, kind (redrive, replay) and state (open, delivered, failed)",
        progress,
    );
}

fn word(state: JobState) -> &'static str {
    match state {
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Done => "done",
        JobState::Cancelled => "cancelled",
    }
}

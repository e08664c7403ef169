//! Filling a ledger by its own acceptance, without HTTP and in large commits: a backlog as it would have grown.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::StreamExt;

use super::deployment::{self, SENDER};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::ledger::{Acceptance, Ledger, NewEnvelope, Options, Recipient};
use crate::model::calendar::Calendar;
use crate::model::cloudevents::{self, Bounds};
use crate::model::id::AgencyId;

/// Envelopes under way at once, and so the most that share a commit.
const AT_ONCE: usize = 2048;
/// Free disk space that is left alone, in bytes.
const FLOOR_BYTES: u64 = 1 << 30;
/// How often progress is told.
const TELL: Duration = Duration::from_secs(5);

/// What is filled in.
#[derive(Debug, Clone)]
pub struct Backlog {
    /// The envelope, with marks.
    pub template: String,
    /// How many of them.
    pub envelopes: u64,
    /// About how many different subjects, in turn.
    pub subjects: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// Deliveries that wait.
    pub deliveries: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Accepts a backlog into the ledger in `data`, which nobody else has open. Every envelope goes to whom the catalogue says.
pub async fn fill(data: &Path, catalog: &Catalog, backlog: &Backlog, say: impl Fn(&str)) -> anyhow::Result<Filled> {
    let options = Options {
        folder: data.to_owned(),
        batch_max: AT_ONCE,
        gather: Duration::from_millis(2),
        disk_floor_bytes: FLOOR_BYTES,
        page_max: 512,
        lane_rows_max: 4,
        stuck_max: 10_000,
        young_max: 65_536,
        calendar: Calendar::default(),
    };
    let ledger = tokio::task::spawn_blocking(move || Ledger::open(options)).await??;
    let (begun, mut told, mut deliveries) = (Instant::now(), Instant::now(), 0);
    let sender = AgencyId::parse(SENDER)?;
    let clock = Clock::system();
    let accept = |number: u64| {
        let new = envelope(catalog, backlog, number, &sender);
        let (ledger, now) = (&ledger, clock.now());
        async move { anyhow::Ok(ledger.accept(new?, now).await?) }
    };
    let mut accepted = futures_util::stream::iter(0..backlog.envelopes).map(accept).buffer_unordered(AT_ONCE);
    let mut done = 0_u64;
    while let Some(answer) = accepted.next().await {
        match answer.context("the backlog cannot be filled in")? {
            Acceptance::New(view) => deliveries += view.deliveries.len() as u64,
            other => bail!("an envelope of the backlog is not new: {other:?}"),
        }
        done += 1;
        if told.elapsed() > TELL {
            told = Instant::now();
            say(&format!("filling in: {done} of {} envelopes", backlog.envelopes));
        }
    }
    drop(accepted);
    ledger.close().await;
    Ok(Filled { deliveries, seconds: begun.elapsed().as_secs_f64() })
}

/// One envelope as intake would hand it over.
fn envelope(catalog: &Catalog, backlog: &Backlog, number: u64, sender: &AgencyId) -> anyhow::Result<NewEnvelope> {
    let text = deployment::numbered(&backlog.template, number, number % backlog.subjects.max(1));
    let envelope = cloudevents::structured(&text.into(), &Bounds::default())?;
    let schema = catalog.schemas.find(&envelope.attributes.ty, None);
    let schema = schema.map_err(|why| anyhow::anyhow!("the backlog's type has no schema: {why:?}"))?;
    let recipients = catalog.recipients(&envelope).into_iter().map(|found| Recipient {
        agency: found.agency.id.clone(),
        ordered: found.subscription.ordered,
        undecided: found.undecided,
    });
    Ok(NewEnvelope {
        digest: envelope.digest(),
        schema: format!("{}/{}", schema.ty, schema.version),
        sender: sender.clone(),
        recipients: recipients.collect(),
        trace: None,
        envelope,
    })
}

//! `falaj demo --once`: one notification, followed until every agency that can be reached has acted on it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::stage::Stage;
use crate::cli::{NO, table};
use crate::clock::Clock;
use crate::model::time::At;

/// What is sent: the single notification of a new address.
const TYPE: &str = "qa.gov.person.address-changed";
/// How long it may take.
const SETTLED_MAX: Duration = Duration::from_secs(60);
/// The longest single question to the bus.
const ASK: Duration = Duration::from_secs(2);
/// Where the bus listens: nobody else calls it.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The bus's answer, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Status {
    id: String,
    accepted_at: At,
    deliveries: Vec<Delivery>,
    /// The answer as it came.
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Delivery {
    agency: String,
    state: String,
    outcome: Option<String>,
    reference: Option<String>,
    attempts: u32,
    settled_at: Option<At>,
    waiting: Option<Waiting>,
}

#[derive(Debug, Deserialize)]
struct Waiting {
    reason: String,
}

/// Runs it in a folder that is emptied first.
pub async fn run(root: &Path, folder: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let data = folder.join("once");
    match std::fs::remove_dir_all(&data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot empty {}", data.display()));
        }
        _ => {}
    }
    let mut stage = Stage::set(root, &data, LISTEN, true).await?;
    let status = notify(&mut stage).await;
    let outcome = match &status {
        Ok(status) => show(&stage, status, json),
        Err(_) => Ok(false),
    };
    stage.app.stop().await;
    stage.receivers.stop().await;
    status?;
    Ok(if outcome? { ExitCode::SUCCESS } else { NO.into() })
}

/// Sends the notification and waits.
async fn notify(stage: &mut Stage) -> anyhow::Result<Status> {
    let sample = stage.traffic.sample(TYPE).with_context(|| format!("examples/ has no {TYPE}"))?.clone();
    let sender = stage.senders.get(&sample.sender).context("the sample's sender has no key")?;
    let event = stage.traffic.copy(&sample, Clock::system().now());
    let begun = Instant::now();
    let answer = sender.post(event).await?;
    if !answer.is_ok() {
        bail!("the bus refused the notification: {}", answer.problem());
    }
    let mut status: Status = answer.read()?;
    status.text = String::from_utf8_lossy(&answer.body).into_owned();
    let reached = |id: &str| stage.receivers.all.iter().any(|to| to.id.as_str() == id && to.mock.is_some());
    while status.deliveries.iter().any(|delivery| delivery.settled_at.is_none() && reached(&delivery.agency)) {
        let Some(left) = SETTLED_MAX.checked_sub(begun.elapsed()) else { break };
        let answer = sender.envelope(&status.id, Some(left.min(ASK))).await?;
        if !answer.is_ok() {
            bail!("the bus does not say how it stands: {}", answer.problem());
        }
        status = answer.read()?;
        status.text = String::from_utf8_lossy(&answer.body).into_owned();
    }
    Ok(status)
}

/// Prints a line for each agency; returns whether all who can be reached have it.
fn show(stage: &Stage, status: &Status, json: bool) -> anyhow::Result<bool> {
    let mut rows = Vec::new();
    let mut well = true;
    for delivery in &status.deliveries {
        let receiver = stage.receivers.all.iter().find(|receiver| receiver.id.as_str() == delivery.agency);
        let (en, ar) = receiver.map_or(("", ""), |receiver| (&receiver.name.en, &receiver.name.ar));
        let took = delivery
            .settled_at
            .map_or_else(String::new, |at| format!("{} ms", at.since(status.accepted_at).as_millis()));
        let state = match &delivery.waiting {
            Some(waiting) => format!("waiting: {}", waiting.reason),
            None => delivery.state.clone(),
        };
        well &= delivery.state == "delivered" || receiver.is_some_and(|receiver| receiver.mock.is_none());
        rows.push([
            delivery.agency.clone(),
            en.to_owned(),
            state,
            delivery.outcome.clone().unwrap_or_default(),
            delivery.reference.clone().unwrap_or_default(),
            delivery.attempts.to_string(),
            took,
            ar.to_owned(),
        ]);
    }
    if json {
        table::line(&status.text)?;
        return Ok(well);
    }
    table::line(&format!(
        "One notification of a new address, and what {} agencies did with it; each got the fields it may see, no others.\n\
         إشعار واحد بتغيير العنوان وما فعلته به {} جهات، ولم تصل إلى أي جهة إلا الحقول المسموح لها بها.\n",
        rows.len(),
        rows.len()
    ))?;
    table::show(["AGENCY", "NAME", "STATE", "OUTCOME", "REFERENCE", "ATTEMPTS", "TIME", "الجهة"], &rows)?;
    if !well {
        table::line(&format!("\nNot every agency had it within {} s.", SETTLED_MAX.as_secs()))?;
    }
    Ok(well)
}

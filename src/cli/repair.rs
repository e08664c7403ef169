//! What an operator does to an agency or to one delivery: `falaj pause`, `drain`, `resume`, `retry`, `skip`, `cancel`, `release`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::client::{Answer, Bus, BusArgs, Delivery};
use super::{NO, table};

/// Who is asked, why, and how it is shown.
#[derive(Debug, clap::Args)]
pub struct Order {
    /// Why; it is recorded in the audit
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `falaj pause`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is lost and nothing ages while an agency is paused; others do not notice.\n\nExample:\n  \
                        falaj pause moi --reason \"maintenance until 14:00\"\n\nExit status 1 if there is no such agency."
)]
pub struct PauseArgs {
    /// The agency's id
    pub agency: String,
    #[command(flatten)]
    /// Why and where.
    pub order: Order,
}

/// Arguments of `falaj drain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A pause that begins after what is accepted by now: that still goes out, through retries and in order; what comes \
                        later waits, and goes on with `falaj resume`.\n\nExample:\n  falaj drain moi --reason \"the register moves \
                        tonight\"\n\nExit status 1 if there is no such agency."
)]
pub struct DrainArgs {
    /// The agency's id
    pub agency: String,
    #[command(flatten)]
    /// Why and where.
    pub order: Order,
}

/// Arguments of `falaj resume`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  falaj resume moi --reason \"maintenance is over\"\n\nExit status 1 if it was not paused."
)]
pub struct ResumeArgs {
    /// The agency's id
    pub agency: String,
    #[command(flatten)]
    /// Why and where.
    pub order: Order,
}

/// One delivery, and why.
#[derive(Debug, clap::Args)]
pub struct DeliveryOrder {
    /// The delivery's id, from `falaj dead-letters` or `falaj status --json`
    pub delivery: String,
    #[command(flatten)]
    /// Why and where.
    pub order: Order,
}

/// Arguments of `falaj retry`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Its tries begin anew; its place in the order of its subject is kept.\n\nExample:\n  \
                        falaj retry 0198c0de-5a1e-7c00-8000-000000000001 --reason \"the register is mended\"\n\n\
                        Exit status 1 if it is in flight, has ended, or has not failed.")]
pub struct RetryArgs {
    #[command(flatten)]
    /// Which, and why.
    pub order: DeliveryOrder,
}

/// Arguments of `falaj skip`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  falaj skip 0198c0de-5a1e-7c00-8000-000000000001 --reason \"entered by hand\"\n\n\
                        Exit status 1 if it is in flight or has ended.")]
pub struct SkipArgs {
    #[command(flatten)]
    /// Which, and why.
    pub order: DeliveryOrder,
}

/// Arguments of `falaj cancel`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  falaj cancel 0198c0de-5a1e-7c00-8000-000000000001 --reason \"sent by mistake\"\n\n\
                        Exit status 1 if it is in flight or has ended."
)]
pub struct CancelArgs {
    #[command(flatten)]
    /// Which, and why.
    pub order: DeliveryOrder,
}

/// Arguments of `falaj release`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  falaj release 0198c0de-5a1e-7c00-8000-000000000001 --reason \"later changes must not wait\"\n\n\
                        Exit status 1 if it is not parked."
)]
pub struct ReleaseArgs {
    #[command(flatten)]
    /// Which, and why.
    pub order: DeliveryOrder,
}

/// Runs `falaj pause`.
pub async fn pause(args: PauseArgs) -> anyhow::Result<ExitCode> {
    agency(&args.agency, "pause", &args.order).await
}

/// Runs `falaj drain`.
pub async fn drain(args: DrainArgs) -> anyhow::Result<ExitCode> {
    agency(&args.agency, "drain", &args.order).await
}

/// Runs `falaj resume`.
pub async fn resume(args: ResumeArgs) -> anyhow::Result<ExitCode> {
    agency(&args.agency, "resume", &args.order).await
}

async fn agency(id: &str, verb: &str, order: &Order) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&order.bus)?;
    let answer = bus.order(&["v1", "agencies", id, verb], &json!({ "reason": order.reason })).await?;
    shown(&answer, order.json, |found: &Value| {
        let state = found["state"].as_str().unwrap_or_default();
        let waiting: u64 =
            ["pending", "retry", "behind"].into_iter().filter_map(|name| found["deliveries"][name].as_u64()).sum();
        let left =
            found["draining"]["left"].as_u64().map_or_else(String::new, |left| format!(", {left} left to drain"));
        table::line(&table::plain(&format!("{id}  {state}  {waiting} waiting{left}")))
    })
}

/// Runs `falaj retry`, `skip`, `cancel` or `release`.
pub async fn delivery(verb: &str, DeliveryOrder { delivery: id, order }: DeliveryOrder) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&order.bus)?;
    let answer = bus.order(&["v1", "deliveries", &id, verb], &json!({ "reason": order.reason })).await?;
    shown(&answer, order.json, |found: &Delivery| {
        let mut text = format!("{id}  {}  {}", found.agency, found.state);
        if let Some(waiting) = &found.waiting {
            text.push_str(&format!("  {}", waiting.sentence()));
        }
        table::line(&table::plain(&text))
    })
}

/// Shows an answer: what went wrong, JSON as it came, or one line.
pub(super) fn shown<T: serde::de::DeserializeOwned>(
    answer: &Answer,
    json: bool,
    show: impl FnOnce(&T) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    if !answer.is_ok() {
        eprintln!("falaj: {}", answer.problem());
        return Ok(NO.into());
    }
    if json {
        table::line(&String::from_utf8_lossy(&answer.body))?;
    } else {
        show(&answer.read()?)?;
    }
    Ok(ExitCode::SUCCESS)
}

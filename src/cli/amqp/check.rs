//! `falaj amqp check`.

use std::process::ExitCode;

use super::{BrokerArgs, planned, visit};
use crate::amqp::topology::{Item, ItemState, Plan, Report};
use crate::cli::{NO, table};

/// Arguments of `falaj amqp check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It makes and changes nothing. Over AMQP the broker tells of exchanges and queues alone; bindings, users, rights \
                        and policies are shown by rabbitmqctl list_bindings, list_permissions, list_topic_permissions and \
                        list_policies. `falaj serve` declares what is missing when it starts; what differs stays as it is until \
                        somebody deletes it: a queue with messages is better emptied first.\n\n\
                        Examples:\n  falaj amqp check\n  falaj amqp check --all --json\n\n\
                        Exit status 0 all is there, 1 something is missing, differs or is forbidden, 2 the broker cannot be asked."
)]
pub struct CheckArgs {
    #[command(flatten)]
    /// Which deployment, and which broker.
    pub broker: BrokerArgs,
    /// Also show what is as it should be
    #[arg(long)]
    pub all: bool,
    /// Print JSON: everything
    #[arg(long)]
    pub json: bool,
}

/// Runs `falaj amqp check`.
pub async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let config = args.broker.config()?;
    let plan = planned(&config).await?;
    let visit = visit(&config).await?;
    let report = visit.check(&plan).await;
    visit.close().await;
    let report = report?;
    if args.json {
        table::line(&serde_json::to_string_pretty(&report)?)?;
    } else {
        show(&report, &plan, args.all)?;
    }
    Ok(if report.is_right() { ExitCode::SUCCESS } else { NO.into() })
}

fn show(report: &Report, plan: &Plan, all: bool) -> anyhow::Result<()> {
    let shown = |item: &&Item| if all { item.state != ItemState::Unasked } else { !item.state.is_right() };
    let rows: Vec<_> = report.items.iter().filter(shown).map(row).collect();
    if !rows.is_empty() {
        table::show(["KIND", "NAME", "MESSAGES", "CONSUMERS", "STATE"], &rows)?;
    }
    let asked = report.items.iter().filter(|item| item.state != ItemState::Unasked).count();
    let right = asked - report.wrong().count();
    let vhost = table::plain(&report.vhost);
    table::line(&format!("{right} of {asked} exchanges and queues in {vhost} are as they should be."))?;
    let (bindings, users) = (report.items.len() - asked, plan.users.len());
    table::line(&format!(
        "Not asked, for AMQP has no question for it: {bindings} bindings, the rights of {users} users."
    ))
}

fn row(item: &Item) -> [String; 5] {
    let figure = |figure: Option<u32>| figure.map_or_else(String::new, |figure| figure.to_string());
    let figures = item.figures;
    [
        item.kind.to_string(),
        item.name.clone(),
        figure(figures.map(|figures| figures.messages)),
        figure(figures.map(|figures| figures.consumers)),
        item.state.to_string(),
    ]
}

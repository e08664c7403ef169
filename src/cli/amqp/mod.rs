//! `falaj amqp`: what the broker needs, whether it is there, and what could not be parsed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Subcommand;

use crate::amqp::topology::Plan;
use crate::amqp::visit::Visit;
use crate::broker;
use crate::catalog::Catalog;
use crate::config::Config;

mod check;
mod plan;
mod quarantine;

/// Arguments of `falaj amqp`.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct AmqpArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AmqpCommand,
}

/// The commands of `falaj amqp`.
#[derive(Debug, Subcommand)]
pub enum AmqpCommand {
    /// Show what the deployment needs at the broker, and write it for the broker's own tools
    Plan(plan::PlanArgs),
    /// Compare a broker with what the deployment needs
    Check(check::CheckArgs),
    /// Look through what came in and could not be parsed; release it or throw it away
    Quarantine(quarantine::QuarantineArgs),
}

/// Which deployment, and which broker.
#[derive(Debug, Clone, clap::Args)]
pub struct BrokerArgs {
    /// Configuration file; by default falaj.toml in the current folder, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of the broker, instead of amqp.url; other users of this machine can read it in the list of processes, so rather
    /// set FALAJ_AMQP__URL
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// Runs `falaj amqp`.
pub async fn run(args: AmqpArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        AmqpCommand::Plan(args) => plan::run(args).await,
        AmqpCommand::Check(args) => check::run(args).await,
        AmqpCommand::Quarantine(args) => quarantine::run(args).await,
    }
}

impl BrokerArgs {
    fn config(&self) -> anyhow::Result<Config> {
        let overrides: Vec<_> = self.url.iter().map(|url| ("amqp.url", url.clone())).collect();
        Config::load(self.config.as_deref(), &overrides).map_err(|problems| {
            let told: Vec<String> = problems.iter().map(|problem| format!("{problem}; {}", problem.hint)).collect();
            anyhow!("the configuration is wrong: {}", told.join("\n"))
        })
    }
}

/// The plan of the deployment that the configuration stands in.
async fn planned(config: &Config) -> anyhow::Result<Plan> {
    let root = config.root.clone();
    let catalog = tokio::task::spawn_blocking(move || load(&root)).await??;
    Ok(broker::plan::plan(&config.amqp, &catalog)?)
}

fn load(root: &Path) -> anyhow::Result<Catalog> {
    let loaded = Catalog::load(root)
        .map_err(|problems| anyhow!("the deployment has {} problems; `falaj check` shows them all", problems.len()))?;
    Ok(loaded.catalog)
}

/// Goes to the broker.
async fn visit(config: &Config) -> anyhow::Result<Visit> {
    let settings = config.amqp.settings().context(
        "no broker is configured: set amqp.url in falaj.toml, FALAJ_AMQP__URL, or --url amqp://user:password@host:5672/vhost",
    )?;
    let address = settings.address.to_string();
    Visit::open(settings).await.context(address)
}

//! `falaj amqp plan`.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::ValueEnum;

use super::{BrokerArgs, planned};
use crate::amqp::topology::{self, Plan, Queue};
use crate::cli::table;

/// Arguments of `falaj amqp plan`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It reads the deployment alone and asks no broker. User and virtual host are those of amqp.url; where that is \
                        not set, both are \"falaj\".\n\nExamples:\n  falaj amqp plan\n  \
                        falaj amqp plan --format commands > rights.sh && sh rights.sh     users and rights, on the broker's machine\n  \
                        falaj amqp plan --format definitions > falaj.json                 the rest, where Falaj may not declare it\n  \
                        rabbitmqctl import_definitions falaj.json"
)]
pub struct PlanArgs {
    /// In which form
    #[arg(long, value_enum, default_value = "table", conflicts_with = "json")]
    pub format: Format,
    #[command(flatten)]
    /// Which deployment, and which broker.
    pub broker: BrokerArgs,
    /// The same as --format json
    #[arg(long)]
    pub json: bool,
}

/// The forms of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// A shell script of rabbitmqctl commands: users and rights, without passwords
    Commands,
    /// A definitions file for RabbitMQ: all but the users
    Definitions,
    /// The plan itself
    Json,
}

/// Runs `falaj amqp plan`.
pub async fn run(args: PlanArgs) -> anyhow::Result<ExitCode> {
    let config = args.broker.config()?;
    let plan = planned(&config).await?;
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Table => show(&plan)?,
        Format::Commands => table::print(&topology::script(&plan))?,
        Format::Definitions => {
            table::line(&format!("{:#}", topology::definitions(&plan)))?;
            if !std::io::stdout().is_terminal() {
                eprintln!(
                    "falaj: users are not in it, for an import would take their passwords away; make them first: \
                     falaj amqp plan --format commands"
                );
            }
        }
        Format::Json => table::line(&serde_json::to_string_pretty(&plan)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(plan: &Plan) -> anyhow::Result<()> {
    table::line(&format!("virtual host {}\n", table::plain(&plan.vhost)))?;
    let exchanges: Vec<_> = plan
        .exchanges
        .iter()
        .map(|exchange| [exchange.name.to_owned(), exchange.kind.word().to_owned(), exchange.about.to_owned()])
        .collect();
    table::show(["EXCHANGE", "TYPE", "FOR"], &exchanges)?;
    let queues: Vec<_> =
        plan.queues.iter().map(|queue| [queue.name.clone(), arguments(queue), queue.about.to_owned()]).collect();
    table::line("")?;
    table::show(["QUEUE", "ARGUMENTS", "FOR"], &queues)?;
    let bindings: Vec<_> = plan
        .bindings
        .iter()
        .map(|binding| [binding.exchange.to_owned(), binding.key.clone(), binding.queue.clone()])
        .collect();
    table::line("")?;
    table::show(["FROM", "ROUTING KEY", "TO"], &bindings)?;
    let users: Vec<_> = plan
        .users
        .iter()
        .zip(&plan.permissions)
        .map(|(user, may)| {
            let whose = user.agency.as_ref().map_or_else(|| "Falaj itself".to_owned(), ToString::to_string);
            [user.name.clone(), whose, may.configure.clone(), may.write.clone(), may.read.clone()]
        })
        .collect();
    table::line("")?;
    table::show(["USER", "OF", "MAY CONFIGURE", "MAY WRITE", "MAY READ"], &users)?;
    let topics: Vec<_> = plan
        .topic_permissions
        .iter()
        .map(|may| [may.user.clone(), may.exchange.to_owned(), may.write.clone()])
        .collect();
    table::line("")?;
    table::show(["USER", "PUBLISHES TO", "UNDER ROUTING KEYS"], &topics)?;
    let policies: Vec<_> = plan
        .policies
        .iter()
        .map(|policy| [policy.name.to_owned(), policy.pattern.to_owned(), policy.about.to_owned()])
        .collect();
    table::line("")?;
    table::show(["POLICY", "QUEUES", "FOR"], &policies)
}

/// The arguments on one line, without the `x-` that all have.
fn arguments(queue: &Queue) -> String {
    let argument =
        |(name, value): (&&str, &topology::Argument)| format!("{}={value}", name.strip_prefix("x-").unwrap_or(name));
    queue.arguments.iter().map(argument).collect::<Vec<_>>().join(" ")
}

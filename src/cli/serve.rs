//! `falaj serve`: the bus.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::TROUBLE;
use crate::app::{App, Settings, StartError};
use crate::catalog::Problem;
use crate::clock::Clock;
use crate::config::Config;
use crate::telemetry::Telemetry;

/// Arguments of `falaj serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  falaj serve\n  falaj serve --config /etc/falaj/falaj.toml --data /var/lib/falaj\n\n\
                        schemas/ and connectors/ stand beside the configuration file. Every key of it has a default and \
                        an environment variable, FALAJ_SECTION__KEY; flags override both."
)]
pub struct ServeArgs {
    /// Configuration file; by default falaj.toml in the current folder, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<std::net::SocketAddr>,
    /// Print every setting with its default and what it is for, and exit
    #[arg(long)]
    pub print_config: bool,
}

/// Runs `falaj serve`.
pub async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    if args.print_config {
        print!("{}", Config::reference());
        return Ok(ExitCode::SUCCESS);
    }
    let config = match Config::load(args.config.as_deref(), &overrides(&args)) {
        Ok(config) => config,
        Err(problems) => return Ok(refuse(&problems)),
    };
    let telemetry = Telemetry::start(&config.telemetry)?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (root, config_file) = (config.root.clone(), config.file.clone());
    let app = match App::start(Settings { config, root, config_file, clock: Clock::system() }).await {
        Ok(app) => app,
        Err(StartError::Deployment(problems) | StartError::Identity(problems)) => return Ok(refuse(&problems)),
        Err(error) => return Err(error.into()),
    };
    println!("listening on http://{}", app.address());
    loop {
        tokio::select! {
            _ = hangup.recv() => app.reload(),
            _ = terminate.recv() => break,
            interrupt = tokio::signal::ctrl_c() => break interrupt?,
        }
    }
    // A second Ctrl-C does not wait: the ledger is as safe as after a power cut.
    let stop = async {
        app.stop().await;
        // Last, so that the spans of the stop itself are sent.
        telemetry.stop().await;
    };
    tokio::select! {
        () = stop => Ok(ExitCode::SUCCESS),
        _ = tokio::signal::ctrl_c() => {
            eprintln!("falaj: stopped at once; deliveries that were running are offered again at the next start");
            Ok(ExitCode::from(130))
        }
    }
}

fn overrides(args: &ServeArgs) -> Vec<(&'static str, String)> {
    let data = args.data.as_ref().map(|data| ("store.path", data.display().to_string()));
    let listen = args.listen.map(|listen| ("http.listen", listen.to_string()));
    data.into_iter().chain(listen).collect()
}

/// Tells every problem and the way to see them again.
fn refuse(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        let line = problem.line.map_or_else(String::new, |line| format!(":{line}"));
        eprintln!("{}{line}: error: {}\n  hint: {}", problem.file.display(), problem.what, problem.hint);
    }
    eprintln!("falaj: not started: {} found; `falaj check` shows them again", count(problems.len()));
    TROUBLE.into()
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

//! `falaj openapi` and `falaj asyncapi`: the documents, without a running bus.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::table;
use crate::asyncapi::{self, Of};
use crate::catalog::Catalog;
use crate::catalog::nearest::hint;
use crate::http::docs::openapi;
use crate::http::routes::described;
use crate::model::id::AgencyId;

/// Stands for every secret of the environment: a description needs none.
const NO_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Arguments of `falaj asyncapi`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  falaj asyncapi > asyncapi.json\n  falaj asyncapi --agency moi\n\n\
                        The same document comes from a running bus: GET /asyncapi.json")]
pub struct AsyncApiArgs {
    /// Deployment to describe
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Only what this agency receives
    #[arg(long)]
    pub agency: Option<String>,
}

/// Runs `falaj openapi`.
pub async fn openapi() -> anyhow::Result<ExitCode> {
    print(&openapi::write(&described()))
}

/// Runs `falaj asyncapi`.
pub async fn asyncapi(args: AsyncApiArgs) -> anyhow::Result<ExitCode> {
    let dir = args.dir.clone();
    let loaded = tokio::task::spawn_blocking(move || {
        Catalog::load_with(&dir, &|name| Some(std::env::var(name).unwrap_or_else(|_| NO_SECRET.to_owned())))
    });
    let catalog = loaded.await?.map_err(|problems| {
        let count = problems.len();
        anyhow::anyhow!("the deployment has {count} problems; `falaj check {}` shows them all", args.dir.display())
    })?;
    let catalog = catalog.catalog;
    let known = |text: String| {
        let found = AgencyId::parse(&text).ok().filter(|id| catalog.agency(id).is_some());
        found.ok_or_else(|| {
            let names = catalog.agencies().map(|agency| agency.id.as_str());
            let names: Vec<&str> = names.collect();
            anyhow::anyhow!("there is no agency \"{text}\". {}", hint(&text, names, "`falaj check` counts them."))
        })
    };
    let agency = args.agency.map(known).transpose()?;
    print(&asyncapi::write(&catalog, Of::Folder(agency.as_ref())))
}

fn print(document: &Value) -> anyhow::Result<ExitCode> {
    table::print(&format!("{document:#}\n"))?;
    Ok(ExitCode::SUCCESS)
}

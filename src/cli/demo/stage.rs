//! What the live demo and the single notification share: the deployment, the mocks, the bus, and a key for everybody.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use super::agencies::Receivers;
use super::traffic::Traffic;
use crate::app::{App, Settings};
use crate::catalog::Catalog;
use crate::cli::client::{Bus, BusArgs};
use crate::cli::keys;
use crate::clock::Clock;
use crate::config::Config;
use crate::model::agency::Role;
use crate::model::id::AgencyId;

/// Everything that runs.
pub struct Stage {
    /// The bus.
    pub app: App,
    /// Who receives.
    pub receivers: Receivers,
    /// What is sent.
    pub traffic: Traffic,
    /// The bus as each publisher calls it.
    pub senders: BTreeMap<AgencyId, Bus>,
    /// Keys for the one who watches.
    pub handed_out: HandedOut,
}

/// Keys that are shown, valid until the demo ends.
#[derive(Debug, Clone, Default)]
pub struct HandedOut {
    /// Reads all but payloads.
    pub viewer: String,
    /// Sends as one of the publishers.
    pub senders: BTreeMap<AgencyId, String>,
}

impl Stage {
    /// Sets everything up. `root` holds `schemas/`, `connectors/` and `examples/`; `data` is the bus's folder.
    pub async fn set(root: &Path, data: &Path, listen: SocketAddr, once: bool) -> anyhow::Result<Self> {
        let catalog = deployment(root)?;
        let mut seed = [0_u8; 8];
        aws_lc_rs::rand::fill(&mut seed).context("this machine has no randomness to give")?;
        let traffic = Traffic::load(root, &catalog, u64::from_le_bytes(seed))?;
        let receivers = Receivers::start(&catalog, once).await?;

        let (viewer, entry) = keys::generate(Role::Viewer, None, Some("whoever watches the demo".to_owned()))?;
        let mut handed_out = HandedOut { viewer, senders: BTreeMap::new() };
        let mut config = Config { root: root.to_owned(), ..Config::default() };
        config.http.listen = listen;
        config.store.path = data.to_owned();
        config.auth.keys.push(entry);
        for agency in catalog.agencies().filter(|agency| !agency.types.is_empty()) {
            let (key, entry) = keys::generate(Role::Agency, Some(agency.id.clone()), None)?;
            config.auth.keys.push(entry);
            handed_out.senders.insert(agency.id.clone(), key);
        }
        let settings = Settings { config, root: root.to_owned(), config_file: None, clock: Clock::system() };
        let app = App::start(settings).await.with_context(|| {
            format!("the bus does not start on {listen}; --listen takes another address, port 0 a free port")
        })?;
        let url = format!("http://{}", app.address());
        let call = |(id, key): (&AgencyId, &String)| {
            let args = BusArgs { url: url.clone(), key: Some(key.clone()), key_file: None };
            anyhow::Ok((id.clone(), Bus::new(&args)?))
        };
        let senders = handed_out.senders.iter().map(call).collect::<anyhow::Result<_>>()?;
        Ok(Self { app, receivers, traffic, senders, handed_out })
    }
}

fn deployment(root: &Path) -> anyhow::Result<Catalog> {
    for folder in ["schemas", "connectors", "examples"] {
        if !root.join(folder).is_dir() {
            bail!(
                "there is no folder {folder} in {}: the demo runs the deployment that comes with Falaj. Start it in the folder of \
                 its source (`cargo run --release -- demo`), or name that folder with --deployment",
                root.display()
            );
        }
    }
    match Catalog::load(root) {
        Ok(loaded) => Ok(loaded.catalog),
        Err(problems) => {
            let first = problems
                .first()
                .map_or_else(String::new, |problem| format!("; first: {}: {}", problem.file.display(), problem.what));
            Err(anyhow!("the deployment has {} problems, see `falaj check {}`{first}", problems.len(), root.display()))
        }
    }
}

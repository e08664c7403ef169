//! The bus as a process of its own, started as anybody starts it: memory, a crash and a restart are measured on it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::sync::oneshot;

use super::memory::{self, Memory};
use crate::cli::keys;
use crate::model::agency::KeyEntry;

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(120);
/// What a bus says when it listens.
const READY: &str = "listening on http://";

/// A bus that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
    /// When it was started.
    pub started: Instant,
    /// How long it took until it listened.
    pub ready: Duration,
}

impl Process {
    /// Starts this program as a bus over the deployment and the ledger below `folder`, and waits until it listens.
    pub async fn start(folder: &Path, key: &KeyEntry) -> anyhow::Result<Self> {
        let config = folder.join("falaj.toml");
        let text =
            format!("[http]\nlisten = \"127.0.0.1:0\"\n\n[store]\npath = \"data\"\n\n{}", keys::entry_text(key)?);
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let log = File::create(folder.join("bus.log")).context("cannot write the log of the bus")?;
        let mut command = Command::new(std::env::current_exe().context("cannot find this program's own file")?);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"FALAJ_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--config"]).arg(&config).env("FALAJ_LOG", "error");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let started = Instant::now();
        let mut child = command.spawn().context("cannot start the bus")?;
        let out = child.stdout.take();
        // From here on it is killed whatever happens.
        let mut process = Self { child, addr: ([127, 0, 0, 1], 0).into(), started, ready: Duration::ZERO };
        let (say, said) = oneshot::channel();
        let mut lines = BufReader::new(out.context("the bus has no output")?).lines();
        // A thread of its own, not one of the runtime's: it may wait for ever.
        std::thread::spawn(move || {
            let line =
                lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix(READY).map(str::to_owned));
            // Whoever asked may be gone.
            say.send(line).ok();
            lines.map_while(Result::ok).for_each(drop);
        });
        let Ok(Ok(Some(addr))) = tokio::time::timeout(START_MAX, said).await else {
            let log = std::fs::read_to_string(folder.join("bus.log")).unwrap_or_default();
            bail!("the bus does not start: {}", log.lines().last().unwrap_or("it says nothing"));
        };
        process.ready = started.elapsed();
        process.addr = addr.trim().parse().context("the bus listens nowhere")?;
        Ok(process)
    }

    /// Its memory; `None` where the kernel does not tell.
    pub fn memory(&self) -> Option<Memory> {
        memory::of(self.child.id())
    }

    /// Ends it as `kill -9` does.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

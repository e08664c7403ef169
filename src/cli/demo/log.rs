//! The bus's log of a demo goes to a file: the screen is taken.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Starts a new log in a folder; returns its path.
pub fn start(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("falaj.log");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let filter = EnvFilter::try_from_env("FALAJ_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).json().flatten_event(true);
    // A second start within one process (tests) keeps the first.
    let _already_started = builder.with_writer(Mutex::new(file)).try_init();
    Ok(path)
}

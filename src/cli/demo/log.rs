//! The bus's log of a demo goes to a file: the screen is taken.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::telemetry::log::{Format, Target, start as start_log};

/// Starts a new log in a folder; returns its path.
pub fn start(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("falaj.log");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    start_log(Format::Json, Target::File(file), None);
    Ok(path)
}

//! Sample envelopes: the files `examples/<type>.json` beside the deployment. They are read when they are asked for.

use std::path::Path;

use super::state::Dashboard;
use crate::model::id::EventType;

/// Bytes of a sample.
const SAMPLE_BYTES_MAX: u64 = 64 * 1024;

/// Where the sample of a type would stand. A type is a name without a slash, so it leads nowhere else.
fn place(folder: &Path, ty: &EventType) -> std::path::PathBuf {
    folder.join(format!("{ty}.json"))
}

/// Whether there is a sample.
pub(super) async fn has(dashboard: &Dashboard, ty: &EventType) -> bool {
    let Some(folder) = &dashboard.settings.samples else { return false };
    tokio::fs::metadata(place(folder, ty)).await.is_ok_and(|file| file.is_file() && file.len() <= SAMPLE_BYTES_MAX)
}

/// The sample of a type; `None` where there is none of a sensible size.
pub(super) async fn read(dashboard: &Dashboard, ty: &EventType) -> Option<String> {
    if !has(dashboard, ty).await {
        return None;
    }
    let folder = dashboard.settings.samples.as_ref()?;
    tokio::fs::read_to_string(place(folder, ty)).await.ok()
}

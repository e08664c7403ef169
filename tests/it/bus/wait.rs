//! Waiting: for a condition, with a deadline, and never for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a test waits for anything before it fails. Generous: two busy cores and a debug build.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Held by a test that keeps the processors busy for minutes, and by one that looks at how long something takes: one after the other.
pub static BUSY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// How often a condition is asked that nobody announces.
const POLL: Duration = Duration::from_millis(10);

/// Asks until there is an answer; panics with `what` after `deadline`.
pub async fn until_async<T, F>(what: &str, deadline: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// The same for a question that is answered at once.
pub async fn until<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    until_async(what, deadline, || std::future::ready(ask())).await
}

//! How the broker stands, in the words of the probe.

use serde_json::Value;

use crate::amqp::state::Standing;
use crate::amqp::{Role, View};
use crate::model::time::At;

/// Both connections, by what they are for: state, since when, and what it is about.
pub(super) fn state(broker: &View, now: At) -> Value {
    let line = |(role, standing): (Role, Standing)| {
        let age = i64::try_from(standing.age().as_millis()).unwrap_or(i64::MAX);
        let since = At(now.0.saturating_sub(age));
        let mut line = serde_json::json!({ "state": standing.state.as_str(), "since": since });
        if let Some(detail) = standing.detail {
            line["detail"] = detail.into();
        }
        (role.as_str().to_owned(), line)
    };
    broker.standings().map(line).into_iter().collect()
}

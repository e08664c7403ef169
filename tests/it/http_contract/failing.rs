//! Playing an agency that fails.

use std::time::Duration;

use falaj::ledger::Settlement;
use falaj::model::delivery::{Attempt, Finished, Transition};
use falaj::model::id::AgencyId;
use falaj::model::outcome::{Report, classify};
use serde_json::Value;

use super::door::Door;

/// The id of an envelope's delivery to an agency.
pub fn delivery(receipt: &Value, agency: &str) -> String {
    let deliveries = receipt["deliveries"].as_array().unwrap();
    let found = deliveries.iter().find(|delivery| delivery["agency"] == agency).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

/// Everything an agency has to do now is parked, as if its last try had failed with a status.
pub async fn park(door: &Door, agency: &str, status: u16) {
    end(door, agency, status, || Transition::Park).await;
}

/// Everything an agency has to do now dies.
pub async fn kill(door: &Door, agency: &str, status: u16) {
    let why = move || Transition::Finish { state: Finished::Dead, why: Some(format!("status {status}")) };
    end(door, agency, status, why).await;
}

/// Everything an agency has to do now is tried again in an hour; returns the id of the last.
pub async fn fail(door: &Door, agency: &str, status: u16) -> String {
    let due = door.clock.now().plus(Duration::from_secs(3600));
    end(door, agency, status, || Transition::Retry { due }).await.unwrap()
}

async fn end(door: &Door, agency: &str, status: u16, transition: impl Fn() -> Transition) -> Option<String> {
    let (agency, now) = (AgencyId::parse(agency).unwrap(), door.clock.now());
    let claim = door.ledger.claim(&agency, 100, now).await.unwrap();
    assert!(!claim.deliveries.is_empty(), "nothing to fail at");
    let last = claim.deliveries.last().map(|claimed| claimed.id.to_string());
    let attempt = Attempt {
        at: now,
        ms: 4,
        class: classify(status, false),
        status: Some(status),
        note: format!("status {status}"),
        answer: b"a text of the agency's own".to_vec(),
        counted: true,
    };
    let settlements = claim.deliveries.into_iter().map(|claimed| Settlement {
        key: claimed.key,
        transition: transition(),
        attempt: Some(attempt.clone()),
        report: Report::default(),
        disclosure: None,
        by: "falaj".to_owned(),
        held: Duration::ZERO,
    });
    door.ledger.settle(settlements.collect(), now).await.unwrap();
    last
}

use falaj::model::delivery::Finished;
use falaj::model::outcome::{BusinessOutcome, Report};
use insta::assert_snapshot;
use serde_json::json;

use super::door::{Answer, Door, event};

const CITIZEN: &str = "28400000001";
const JSON: &str = "application/json";

/// An envelope that the ministry took with a 202, and the path of its delivery's outcome.
async fn taken(door: &Door) -> (String, String) {
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    let pending = Report { outcome: Some(BusinessOutcome::Pending), ..Report::default() };
    door.settle("moi", Finished::Delivered, pending).await;
    let deliveries = receipt["deliveries"].as_array().unwrap();
    let id = deliveries.iter().find(|delivery| delivery["agency"] == "moi").unwrap()["id"].as_str().unwrap();
    let envelope = format!("/v1/envelopes/{}", receipt["id"].as_str().unwrap());
    (format!("/v1/deliveries/{id}/outcome"), envelope)
}

async fn report(door: &Door, who: &str, path: &str, report: serde_json::Value) -> Answer {
    door.post_as(who, path, JSON, report.to_string()).await
}

#[tokio::test]
async fn an_outcome_may_come_later_and_then_stands() {
    let door = Door::open();
    let (path, envelope) = taken(&door).await;
    let waits = json!({ "outcome": "needs_action", "reason": "The tenancy contract is missing." });
    assert_eq!(report(&door, "moi", &path, waits).await.status, 200);
    assert_eq!(door.get("portal", &envelope).await.json()["state"], "open");
    let applied = json!({ "outcome": "applied", "reference": "MOI-77" });
    assert_snapshot!("outcome_recorded", door.shown(&report(&door, "moi", &path, applied.clone()).await));
    assert_eq!(report(&door, "moi", &path, applied).await.status, 200, "a repeat is no contradiction");
    let refused = json!({ "outcome": "refused" });
    assert_snapshot!("outcome_contradicted", door.shown(&report(&door, "moi", &path, refused).await));
    let retry = report(&door, "moi", &path, json!({ "outcome": "retry" })).await;
    assert_snapshot!("outcome_retry_after_delivered", door.shown(&retry));
    let leased = report(&door, "moi", &path, json!({ "outcome": "applied", "lease": "x" })).await;
    assert_snapshot!("outcome_with_a_stale_lease", door.shown(&leased));
}

#[tokio::test]
async fn only_the_recipient_reports_and_only_in_this_shape() {
    let door = Door::open();
    let (path, _) = taken(&door).await;
    let applied = json!({ "outcome": "applied" });
    for who in ["portal", "utilities", "stranger"] {
        assert_eq!(report(&door, who, &path, applied.clone()).await.status, 404, "{who}");
    }
    for who in ["viewer", "operator", "auditor", "admin"] {
        assert_eq!(report(&door, who, &path, applied.clone()).await.status, 403, "{who}");
    }
    assert_eq!(report(&door, "moi", "/v1/deliveries/x/outcome", applied).await.status, 404);
    let bad = [
        json!({}),
        json!({ "outcome": "pending" }),
        json!({ "outcome": "applied", "note": "x" }),
        json!({ "outcome": "applied", "reason": "x".repeat(1001) }),
        json!({ "outcome": "applied", "reference": "x".repeat(201) }),
        json!({ "outcome": "applied", "reason": "\u{7}" }),
        json!([]),
    ];
    for body in bad {
        assert_eq!(report(&door, "moi", &path, body.clone()).await.status, 400, "{body}");
    }
    let doubled = door.post_as("moi", &path, JSON, r#"{"outcome":"applied","outcome":"refused"}"#).await;
    assert_snapshot!("outcome_doubled", door.shown(&doubled));
    assert_eq!(door.post_as("moi", &path, "text/plain", r#"{"outcome":"applied"}"#).await.status, 415);
    assert_eq!(door.post_as("moi", &path, JSON, " ".repeat(20_000)).await.status, 413);
}

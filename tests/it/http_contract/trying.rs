use insta::assert_snapshot;

use super::door::{Door, event};

const CITIZEN: &str = "28400000001";
const PATH: &str = "/v1/envelopes?dry_run=true";
const STRUCTURED: &str = "application/cloudevents+json";

#[tokio::test]
async fn a_dry_run_says_what_everyone_would_get_and_stores_nothing() {
    let door = Door::open();
    let near = event("1", CITIZEN);
    let sender = door.post_as("portal", PATH, STRUCTURED, near.clone()).await;
    assert_snapshot!("dry_run_by_the_sender", door.shown(&sender));
    assert_snapshot!("dry_run_by_an_admin", door.shown(&door.post_as("admin", PATH, STRUCTURED, near.clone()).await));
    let far = near.replace("\"zone\":12", "\"zone\":70");
    assert_snapshot!("dry_run_with_a_filter", door.shown(&door.post_as("portal", PATH, STRUCTURED, far).await));
    assert!(door.is_empty().await);
}

#[tokio::test]
async fn a_dry_run_asks_for_the_same_rights_and_checks() {
    let door = Door::open();
    let near = event("1", CITIZEN);
    assert_eq!(door.post_as("stranger", PATH, STRUCTURED, near.clone()).await.status, 403);
    assert_eq!(door.post_as("viewer", PATH, STRUCTURED, near.clone()).await.status, 403);
    let wrong = near.replace("\"zone\":12", "\"zone\":0");
    for who in ["portal", "admin"] {
        let answer = door.post_as(who, PATH, STRUCTURED, wrong.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (422, &"/data/zone".into()));
    }
    let batch = door.post_as("portal", PATH, "application/cloudevents-batch+json", format!("[{near}]")).await;
    assert_eq!(batch.status, 400);
    assert!(door.is_empty().await);
}

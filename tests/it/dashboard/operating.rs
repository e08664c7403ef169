//! Actions on agencies.

use falaj::model::id::AgencyId;

use super::desk::{Office, leads, text};

#[tokio::test]
async fn an_agency_is_paused_and_resumed_with_a_reason_that_is_recorded() {
    let office = Office::open();
    let moi = AgencyId::parse("moi").unwrap();
    let mut desk = office.desk("operator").await;
    let page = desk.page("/dashboard/agencies/moi/pause").await;
    assert!(page.contains("Nothing is lost"), "it says what will happen: {page}");
    assert_eq!(desk.fill("/dashboard/agencies/moi/pause", &[("reason", "")]).await.status, 400);
    assert!(office.door.ledger.paused(&moi).is_none());

    let answer = desk.fill("/dashboard/agencies/moi/pause", &[("reason", "the gateway is moved")]).await;
    assert_eq!((answer.status.as_u16(), leads(&answer)), (303, "/dashboard#a-moi"));
    let pause = office.door.ledger.paused(&moi).expect("it is paused");
    assert_eq!((pause.actor.name.as_str(), pause.actor.reason.as_str()), ("operator", "the gateway is moved"));
    let page = desk.page("/dashboard?state=paused").await;
    assert!(page.contains("the gateway is moved") && page.contains("/dashboard/agencies/moi/resume"), "{page}");

    desk.fill("/dashboard/agencies/moi/resume", &[("reason", "it stands")]).await;
    assert!(office.door.ledger.paused(&moi).is_none());
    let again = desk.fill("/dashboard/agencies/moi/resume", &[("reason", "once more")]).await;
    assert_eq!(again.status, 409, "{}", text(&again));
    let audit = office.door.ledger.audit(None, 10).await.unwrap();
    let done: Vec<_> = audit.iter().map(|entry| (entry.actor.as_str(), entry.action.as_str())).collect();
    assert_eq!(done, [("operator", "resume"), ("operator", "pause")]);
}

#[tokio::test]
async fn whoever_may_not_operate_is_told_so_and_offered_nothing() {
    let office = Office::open();
    for who in ["viewer", "auditor", "moi"] {
        let mut desk = office.desk(who).await;
        assert!(!desk.page("/dashboard").await.contains("/pause"), "{who}");
        assert_eq!(desk.get("/dashboard/agencies/moi/pause").await.status, 403, "{who}");
    }
    let mut desk = office.desk("operator").await;
    assert_eq!(desk.get("/dashboard/agencies/nobody/pause").await.status, 404);
}

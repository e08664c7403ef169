//! Dead letters, blocked lanes, redrives, and what is done to one delivery.

use std::time::Duration;

use falaj::dispatch::jobs::Jobs;
use falaj::model::delivery::Finished;
use falaj::model::id::AgencyId;
use falaj::model::outcome::Report;
use insta::assert_snapshot;
use serde_json::Value;

use super::desk::{Office, leads, shown, text};
use crate::http_contract::door::{Door, event};
use crate::http_contract::failing::{delivery, kill, park};

const CITIZENS: [&str; 3] = ["28400000001", "28400000002", "28400000003"];

async fn posted(door: &Door, id: &str, subject: &str) -> Value {
    let receipt = door.post("portal", &event(id, subject)).await.json();
    door.clock.advance(Duration::from_secs(60));
    receipt
}

/// Deliveries to the ministry: one dead and overtaken, one dead, one parked with one behind it.
async fn failures(door: &Door) -> [String; 3] {
    let mut ids = Vec::new();
    for (n, status) in [(0, 422), (1, 400)] {
        ids.push(delivery(&posted(door, &format!("{n}"), CITIZENS[n]).await, "moi"));
        kill(door, "moi", status).await;
    }
    posted(door, "later", CITIZENS[0]).await;
    door.settle("moi", Finished::Delivered, Report::default()).await;
    ids.push(delivery(&posted(door, "2", CITIZENS[2]).await, "moi"));
    park(door, "moi", 422).await;
    posted(door, "3", CITIZENS[2]).await;
    // Whoever looks for work puts it behind its head.
    let moi = AgencyId::parse("moi").unwrap();
    assert!(door.ledger.claim(&moi, 10, door.clock.now()).await.unwrap().deliveries.is_empty());
    let behind = || door.ledger.tally(&moi).behind;
    for _ in 0..500 {
        if behind() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(behind(), 1);
    ids.try_into().unwrap()
}

#[tokio::test]
async fn dead_letters_by_what_they_have_in_common_and_one_by_one() {
    let office = Office::open();
    let [overtaken, dead, parked] = failures(&office.door).await;
    let mut desk = office.desk("operator").await;
    let groups = desk.page("/dashboard/dead-letters").await;
    assert_snapshot!("dead_groups_en", shown(&office.door, &groups));
    assert_snapshot!("dead_groups_ar", shown(&office.door, &desk.page("/dashboard/dead-letters?lang=ar").await));
    let href = groups.split("<a href=\"").find(|part| part.contains("<b>message refused (422)")).unwrap();
    let href = href.split('"').next().unwrap().replace("&#38;", "&");
    let letters = desk.page(&format!("{href}&lang=en")).await;
    assert!(letters.contains(&overtaken) && letters.contains(&parked) && !letters.contains(&dead), "{letters}");
    assert!(letters.contains("A later one of its subject was delivered since."), "{letters}");
    for private in [CITIZENS[0], CITIZENS[2], "a text of the agency"] {
        assert!(!letters.contains(private) && !groups.contains(private), "{private}");
    }
    let none = desk.page("/dashboard/dead-letters?agency=moi&from=2030-01-01T00:00").await;
    assert!(none.contains("Nothing matches the filter."), "{none}");
    assert_eq!(desk.get("/dashboard/dead-letters?from=yesterday").await.status, 400);
    assert_eq!(office.desk("moi").await.get("/dashboard/dead-letters").await.status, 403);
}

#[tokio::test]
async fn a_redrive_is_planned_started_watched_paused_and_cancelled() {
    let office = Office::open();
    let [overtaken, dead, parked] = failures(&office.door).await;
    let mut desk = office.desk("operator").await;
    let plan = desk.page("/dashboard/redrives/new?agency=moi").await;
    assert_snapshot!("redrive_plan", shown(&office.door, &plan));
    assert!(plan.contains(&overtaken) && plan.contains("would overwrite newer data"), "{plan}");
    assert!(office.door.ledger.jobs(false, 10).await.unwrap().is_empty(), "a plan does nothing");

    let answer = desk
        .fill("/dashboard/redrives/new?agency=moi", &[("reason", "the zone table is right now"), ("rate", "5")])
        .await;
    let job = leads(&answer).to_owned();
    assert!(job.starts_with("/dashboard/redrives/"), "{}", text(&answer));
    for (act, state) in [("pause", "paused"), ("resume", "running")] {
        let answer = desk.fill(&format!("{job}/{act}"), &[("reason", "wait")]).await;
        assert_eq!(leads(&answer), job);
        assert!(desk.page(&job).await.contains(&format!(">{state}</span>")), "{act}");
    }
    let jobs = Jobs::new(office.door.ledger.clone(), office.door.wake.clone(), office.door.clock.clone());
    for _ in 0..3 {
        jobs.round().await.unwrap();
        office.door.clock.advance(Duration::from_secs(1));
    }
    office.door.settle("moi", Finished::Delivered, Report::default()).await;
    let page = desk.page(&job).await;
    assert_snapshot!("redrive_done", shown(&office.door, &page));
    // What was dead has a new try; what was parked was tried again in its place.
    assert!(!page.contains(&dead) && !page.contains(&parked), "{page}");
    assert_eq!(desk.fill(&format!("{job}/cancel"), &[("reason", "late")]).await.status, 409);
    assert!(desk.page("/dashboard/redrives").await.contains(&job));
    assert_eq!(office.desk("viewer").await.get(&format!("{job}/pause")).await.status, 403);
    for bad in ["/dashboard/redrives/new", "/dashboard/redrives/new?agency=moi&group=x"] {
        assert_eq!(desk.get(bad).await.status, 400, "{bad}");
    }
    assert_eq!(desk.get("/dashboard/redrives/new?agency=nobody").await.status, 404);
}

#[tokio::test]
async fn only_what_is_named_is_forced_over_newer_data() {
    let office = Office::open();
    let [overtaken, ..] = failures(&office.door).await;
    let mut desk = office.desk("operator").await;
    let new = format!("/dashboard/redrives/new?agency=moi&ids={overtaken}");
    let answer = desk.fill(&new, &[("reason", "they asked for it"), ("force", "1")]).await;
    let job = office.door.ledger.jobs(false, 1).await.unwrap().pop().unwrap();
    assert_eq!((leads(&answer), job.eligible), (format!("/dashboard/redrives/{}", job.id).as_str(), 1));
    let sneaky = desk.page("/dashboard/redrives/new?agency=moi").await;
    assert!(!sneaky.contains("name=\"force\""), "all at once cannot be forced: {sneaky}");
    desk.fill("/dashboard/redrives/new?agency=moi", &[("reason", "x"), ("force", "1")]).await;
    let job = office.door.ledger.jobs(false, 1).await.unwrap().pop().unwrap();
    assert!(
        job.held_back.iter().any(|held| held.why == "already_redriven" || held.why == "overtaken") || job.eligible == 2
    );
}

#[tokio::test]
async fn a_blocked_lane_is_let_go_by_what_is_done_to_its_head() {
    let office = Office::open();
    let [_, _, parked] = failures(&office.door).await;
    let mut desk = office.desk("operator").await;
    let page = desk.page("/dashboard/blocked").await;
    assert_snapshot!("blocked", shown(&office.door, &page));
    assert!(!page.contains(CITIZENS[2]) && page.contains(&parked), "{page}");
    for act in ["retry", "skip", "release", "cancel"] {
        assert!(page.contains(&format!("/dashboard/deliveries/{parked}/{act}?back=/dashboard/blocked")), "{act}");
    }
    let moi = AgencyId::parse("moi").unwrap();
    let tally = || office.door.ledger.tallies().into_iter().find(|(id, _)| *id == moi).unwrap().1;
    assert_eq!((tally().parked, tally().behind), (1, 1));
    let answer = desk
        .fill(
            &format!("/dashboard/deliveries/{parked}/release?back=/dashboard/blocked"),
            &[("reason", "the next is newer")],
        )
        .await;
    assert_eq!(leads(&answer), "/dashboard/blocked");
    assert_eq!((tally().parked, tally().behind), (0, 0));
    assert!(desk.page("/dashboard/blocked").await.contains("No lane is blocked."));
    // Once more is one too many, and is said before anything is posted.
    let again = desk.page(&format!("/dashboard/deliveries/{parked}/release")).await;
    assert!(
        again.contains("This cannot be done where the delivery stands now.") && !again.contains("<textarea"),
        "{again}"
    );
    assert_eq!(desk.get(&format!("/dashboard/deliveries/{parked}/destroy")).await.status, 404);
    let evil = format!("/dashboard/deliveries/{parked}/retry?back=https://evil.example/");
    let page = desk.page(&evil).await;
    assert!(!page.contains("\"https://evil"), "neither a link nor a form leads elsewhere: {page}");
}

#[tokio::test]
async fn what_runs_and_what_is_due() {
    let office = Office::open();
    posted(&office.door, "1", CITIZENS[0]).await;
    let moi = AgencyId::parse("moi").unwrap();
    let claim = office.door.ledger.claim(&moi, 10, office.door.clock.now()).await.unwrap();
    assert_eq!(claim.deliveries.len(), 1);
    let mut desk = office.desk("viewer").await;
    let page = desk.page("/dashboard/schedule").await;
    assert!(page.contains("in flight") && page.contains("Address changed"), "{page}");
    assert!(page.contains("No retry is due."), "{page}");
}

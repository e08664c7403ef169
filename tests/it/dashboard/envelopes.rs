//! One envelope: its story, its payload, and how it is found.

use std::time::Duration;

use falaj::model::delivery::Finished;
use falaj::model::outcome::{BusinessOutcome, Report};
use insta::assert_snapshot;

use super::desk::{Office, leads, shown, text, unmarked};
use crate::http_contract::door::event;
use crate::http_contract::failing::{delivery, kill};

const CITIZEN: &str = "28400000017";

#[tokio::test]
async fn an_envelopes_story_in_both_languages() {
    let office = Office::open();
    let receipt = office.door.post("portal", &event("e-1", CITIZEN)).await.json();
    let id = receipt["id"].as_str().unwrap();
    office.door.clock.advance(Duration::from_secs(90));
    kill(&office.door, "municipality", 422).await;
    let report = Report { outcome: Some(BusinessOutcome::Applied), reason: None, reference: Some("R-17".to_owned()) };
    office.door.settle("moi", Finished::Delivered, report).await;
    let mut desk = office.desk("operator").await;
    let page = desk.page(&format!("/dashboard/envelopes/{id}?lang=en")).await;
    assert_snapshot!("envelope_en", shown(&office.door, &page));
    assert_snapshot!(
        "envelope_ar",
        shown(&office.door, &desk.page(&format!("/dashboard/envelopes/{id}?lang=ar")).await)
    );
    assert!(page.contains("***17") && !page.contains(CITIZEN), "{page}");
    assert!(!page.contains("a text of the agency"), "an answer is masked: {page}");
    // Operators see neither payload nor the way to it.
    assert!(!page.contains("/payload"));
    assert_eq!(desk.get(&format!("/dashboard/envelopes/{id}/payload")).await.status, 403);
    let dead = delivery(&receipt, "municipality");
    assert!(page.contains(&format!("/dashboard/redrives/new?agency=municipality&#38;ids={dead}")), "{page}");
    assert_eq!(
        leads(&desk.get(&format!("/dashboard/deliveries/{dead}")).await),
        format!("/dashboard/envelopes/{id}#d-{dead}")
    );
}

#[tokio::test]
async fn everybody_sees_of_an_envelope_what_the_interface_shows() {
    let office = Office::open();
    let receipt = office.door.post("portal", &event("e-1", CITIZEN)).await.json();
    let path = format!("/dashboard/envelopes/{}", receipt["id"].as_str().unwrap());
    kill(&office.door, "municipality", 422).await;
    let sender = office.desk("portal").await.page(&path).await;
    assert!(sender.contains("Municipality") && sender.contains("message refused (422)") && sender.contains(CITIZEN));
    assert!(!sender.contains("a text of the agency") && !sender.contains("City planning"), "{sender}");
    let own = office.desk("municipality").await.page(&path).await;
    assert!(own.contains("a text of the agency"), "its own answer is no secret: {own}");
    assert!(!own.contains("Ministry of Interior") && !own.contains(CITIZEN), "{own}");
    assert_eq!(office.desk("stranger").await.get(&path).await.status, 404);
    let dead = delivery(&receipt, "municipality");
    assert_eq!(office.desk("utilities").await.get(&format!("/dashboard/deliveries/{dead}")).await.status, 404);
    assert!(office.desk("auditor").await.page(&path).await.contains(CITIZEN));
}

#[tokio::test]
async fn a_payload_is_shown_to_few_for_a_reason_and_never_unrecorded() {
    let office = Office::open();
    let receipt = office.door.post("portal", &event("e-1", CITIZEN)).await.json();
    let id = receipt["id"].as_str().unwrap();
    let path = format!("/dashboard/envelopes/{id}/payload");
    for who in ["viewer", "operator", "auditor", "portal"] {
        let mut desk = office.desk(who).await;
        assert_eq!(desk.get(&path).await.status, 403, "{who}");
    }
    let mut admin = office.desk("admin").await;
    let ask = admin.page(&path).await;
    assert!(!ask.contains("qid"), "{ask}");
    let none = admin.fill(&path, &[("reason", " ")]).await;
    assert_eq!(none.status, 400);
    assert!(!text(&none).contains("qid") && office.door.ledger.audit(None, 10).await.unwrap().is_empty());
    let whole = text(&admin.fill(&path, &[("reason", "the citizen complained")]).await);
    assert!(whole.contains("&#34;qid&#34;: &#34;28400000017&#34;") && whole.contains("شارع الكورنيش"), "{whole}");
    // A receiver sees what it gets: the zone alone, and no subject.
    let own = text(&office.desk("municipality").await.fill(&path, &[("reason", "we look for it")]).await);
    assert!(own.contains("&#34;zone&#34;: 12") && !own.contains("qid") && !own.contains(CITIZEN), "{own}");
    let audit = office.door.ledger.audit(None, 10).await.unwrap();
    let seen: Vec<_> = audit.iter().map(|e| (e.actor.as_str(), e.action.as_str(), e.target.as_str())).collect();
    assert_eq!(seen, [("municipality", "payload", id), ("admin", "payload", id)]);
    assert_eq!(office.desk("stranger").await.get(&path).await.status, 404);
}

#[tokio::test]
async fn an_envelope_is_found_by_any_of_its_names_and_no_address_holds_a_persons() {
    let office = Office::open();
    let receipt = office.door.post("portal", &event("e-1", CITIZEN)).await.json();
    office.door.post("portal", &event("e-2", "28400000018")).await;
    let (id, dead) = (receipt["id"].as_str().unwrap(), delivery(&receipt, "moi"));
    let mut desk = office.desk("operator").await;
    let envelope = format!("/dashboard/envelopes/{id}");
    for (name, to) in [
        (id.to_owned(), envelope.clone()),
        (dead.clone(), format!("/dashboard/deliveries/{dead}")),
        ("urn:qa:gov:portal e-1".to_owned(), envelope.clone()),
        ("nothing of the sort".to_owned(), "/dashboard/find?nothing=1".to_owned()),
        ("00000000-0000-7000-8000-000000000000".to_owned(), "/dashboard/find?nothing=1".to_owned()),
    ] {
        let answer = desk.fill_box(&name).await;
        assert_eq!(leads(&answer), to, "{name}");
    }
    let answer = desk.fill_box(CITIZEN).await;
    let found = leads(&answer).to_owned();
    assert!(found.starts_with("/dashboard/find?mark=") && !found.contains("284"), "{found}");
    let page = desk.page(&found).await;
    assert!(page.contains(id) && !page.contains(CITIZEN), "{page}");
    assert_eq!(page.matches("/dashboard/envelopes/").count(), 1);

    let all = desk.page("/dashboard/find").await;
    assert_eq!(all.matches("/dashboard/envelopes/").count(), 2);
    for (query, count) in [
        ("agency=municipality", 2),
        ("agency=stranger", 0),
        ("sender=portal", 2),
        ("sender=moi", 0),
        ("standing=queued&agency=moi", 2),
        ("standing=dead", 0),
        ("state=completed", 0),
        ("type=qa.gov.person.noticed", 0),
        ("to=2020-01-01T00:00", 0),
    ] {
        let page = desk.page(&format!("/dashboard/find?{query}")).await;
        assert_eq!(page.matches("/dashboard/envelopes/").count(), count, "{query}");
    }
    assert_eq!(desk.get("/dashboard/find?state=lost").await.status, 400);
    assert!(unmarked(&desk.page("/dashboard/find?lang=en&sender=portal").await).contains(">2 envelopes<"));
    let further = desk.page("/dashboard/find?sender=portal&before=2").await;
    assert!(further.contains("One envelope on this page") && further.contains(id), "{further}");
    // An agency finds what it sent.
    assert_eq!(office.desk("portal").await.page("/dashboard/find").await.matches("/dashboard/envelopes/").count(), 2);
    let mut stranger = office.desk("stranger").await;
    assert_eq!(stranger.page("/dashboard/find").await.matches("/dashboard/envelopes/").count(), 0);
    assert_eq!(leads(&stranger.fill_box(CITIZEN).await), "/dashboard/find?nothing=1");
    assert_eq!(leads(&stranger.fill_box(id).await), "/dashboard/find?nothing=1");
}

#[tokio::test]
async fn envelopes_are_found_by_the_error_for_which_they_failed() {
    let office = Office::open();
    let failed = office.door.post("portal", &event("e-1", CITIZEN)).await.json();
    office.door.settle("moi", Finished::Dead, Report::default()).await;
    office.door.post("portal", &event("e-2", CITIZEN)).await;
    let group = office.door.ledger.groups(None, 10).await.unwrap().remove(0).group;
    let mut desk = office.desk("operator").await;
    let choice = desk.page("/dashboard/find?lang=en").await;
    assert!(choice.contains(&format!("<option value=\"{group}\">")), "{choice}");
    let (path, id) = (format!("/dashboard/find?lang=en&group={group}"), failed["id"].as_str().unwrap());
    let page = desk.page(&path).await;
    assert!(page.contains(id) && page.matches("/dashboard/envelopes/").count() == 1, "{page}");
    assert!(page.contains(&format!("<option value=\"{group}\" selected>")), "{page}");
    assert!(!desk.page(&format!("{path}&agency=utilities")).await.contains(id), "it failed elsewhere");
    assert_eq!(desk.get("/dashboard/find?group=x").await.status, 400);
    // Errors are not for agencies: there is none to choose, and none is heard.
    let own = office.desk("portal").await.page(&path).await;
    assert!(!own.contains("name=\"group\"") && own.matches("/dashboard/envelopes/").count() == 2, "{own}");
}

//! The pages that show figures over time: an agency, the services, and trying one with its sample.

use std::time::Duration;

use falaj::ledger::{Activity, Cut, Movement};
use falaj::model::delivery::{Attempt, DeliveryKey, Finished};
use falaj::model::id::{AgencyId, Seq, Slot};
use falaj::model::outcome::{Class, Report};
use falaj::model::time::At;
use insta::assert_snapshot;

use super::desk::{Office, leads, shown, text, unmarked};
use crate::http_contract::door::{NOW, event};

const CITIZEN: &str = "28400000001";

fn moi() -> AgencyId {
    AgencyId::parse("moi").unwrap()
}

/// Twenty minutes in which the ministry was asked, the ninth of which nobody watched.
async fn busy(office: &Office) {
    office.door.post("portal", &event("1", CITIZEN)).await;
    let activity = |minute: u64| {
        let mut activity = Activity {
            movement: Movement { sent: 0, came: 30 + minute, ended: [30, 0, 0, 0, 0] },
            attempts: [30, 1, 0, 0, 2, minute % 3, 0],
            waiting: 40 + minute,
            in_flight: 4,
            oldest_seconds: 60,
            open_seconds: if minute == 12 { 30 } else { 0 },
            ..Activity::default()
        };
        (0..30).for_each(|n| activity.delivery_ms.record(10 * n + minute));
        (0..30).for_each(|n| activity.attempt_ms.record(n));
        activity
    };
    let watched = (0..20).filter(|minute| *minute != 9).map(|minute| {
        let activity = activity(minute);
        Cut {
            minute: At((NOW.0 / 60_000 - 20 + i64::try_from(minute).unwrap()) * 60_000),
            seconds: 60,
            bus: activity.clone(),
            agencies: vec![(moi(), activity)],
        }
    });
    office.door.ledger.record_history(watched.collect()).await.unwrap();
    let key = DeliveryKey { agency: moi(), seq: Seq(1), slot: Slot(1) };
    let attempt = Attempt {
        at: NOW,
        ms: 15_000,
        class: Class::EndpointFault,
        status: Some(503),
        note: "status 503".into(),
        answer: b"a text of the agency's own".to_vec(),
        counted: true,
    };
    office.door.app.metrics.figures.remember(&key, NOW, &attempt);
}

#[tokio::test]
async fn one_agency_in_both_languages() {
    let office = Office::open();
    busy(&office).await;
    let mut desk = office.desk("operator").await;
    let english = desk.page("/dashboard/agencies/moi?lang=en").await;
    assert_snapshot!("agency_en", shown(&office.door, &english));
    assert_snapshot!("agency_ar", shown(&office.door, &desk.page("/dashboard/agencies/moi?lang=ar").await));
    for private in [CITIZEN, "a text of the agency's own", "whsec_"] {
        assert!(!english.contains(private), "{private}");
    }
    let day = desk.page("/dashboard/agencies/moi?lang=en&range=day").await;
    assert!(day.contains("over the last day") && !day.contains("over the last hour"), "{day}");
    let week = desk.page("/dashboard/agencies/portal?range=week").await;
    assert!(
        week.contains("It only sends") && week.contains("Envelopes it sent") == week.contains("<dd class=\"big\">1"),
        "{week}"
    );
    assert_eq!(desk.get("/dashboard/agencies/nobody").await.status, 404);
    let mut other = office.desk("utilities").await;
    assert_eq!(other.get("/dashboard/agencies/moi").await.status, 404, "an agency sees itself and no other");
    let own = other.page("/dashboard/agencies/utilities").await;
    assert!(own.contains("Network planning") && !own.contains("/pause"), "{own}");
}

#[tokio::test]
async fn the_overview_says_how_each_agency_goes() {
    let office = Office::open();
    busy(&office).await;
    let mut desk = office.desk("viewer").await;
    let rows = |page: &str| -> Vec<String> { page.split("<tr id=\"").skip(1).map(str::to_owned).collect() };
    let page = unmarked(&desk.page("/dashboard?lang=en&sort=went").await);
    let rows = rows(&page);
    let moi = &rows[0];
    // In the last five minutes that were watched 45 to 49 came and 30 went; in the hour 19 times 30.
    for told in ["a-moi\"", ">47<", ">30<svg", "570 delivered in the last hour", ">100%<", "class=\"spark\""] {
        assert!(moi.contains(told), "{told}: {moi}");
    }
    assert!(!rows[1].contains("spark"), "nothing is known of the others: {}", rows[1]);
    let total = rows.last().unwrap();
    assert!(total.starts_with("total") && total.contains(">47<") && total.contains(">100%<"), "{total}");
    assert!(page.contains("aria-sort=\"descending\"><a href=\"/dashboard?dir=up&#38;sort=went"), "{page}");
    // What is not known comes last, whichever way.
    for (sort, first) in
        [("success", "a-moi"), ("success&dir=down", "a-moi"), ("p95", "a-moi"), ("p95&dir=up", "a-moi")]
    {
        let page = desk.page(&format!("/dashboard?sort={sort}")).await;
        assert!(page.split("<tr id=\"").nth(1).unwrap().starts_with(first), "{sort}");
    }
    let own = office.desk("utilities").await.page("/dashboard?lang=en").await;
    assert!(!own.contains("a-moi") && !own.contains(">47<"), "{own}");
}

/// Envelopes in two months, some of them with failures.
async fn two_months(office: &Office) {
    for n in 0..12 {
        office.door.post("portal", &event(&n.to_string(), &format!("284000000{n:02}"))).await;
    }
    office.door.clock.advance(Duration::from_secs(90));
    for agency in ["moi", "municipality", "utilities"] {
        office.door.settle(agency, Finished::Delivered, Report::default()).await;
    }
    office.door.clock.advance(Duration::from_secs(30 * 86_400));
    for n in 20..29 {
        office.door.post("portal", &event(&n.to_string(), &format!("284000000{n:02}"))).await;
    }
    office.door.settle("moi", Finished::Dead, Report::default()).await;
    for agency in ["municipality", "utilities"] {
        office.door.settle(agency, Finished::Delivered, Report::default()).await;
    }
    office.door.clock.advance(Duration::from_secs(25 * 86_400));
}

#[tokio::test]
async fn services_in_both_languages() {
    let office = Office::open();
    two_months(&office).await;
    let mut desk = office.desk("viewer").await;
    assert_snapshot!("services_en", shown(&office.door, &desk.page("/dashboard/services?lang=en").await));
    assert_snapshot!("services_ar", shown(&office.door, &desk.page("/dashboard/services?lang=ar").await));
    let month = desk.page("/dashboard/services?lang=en&month=2023-11").await;
    assert!(month.contains("Nov") && month.contains(">12<"), "{month}");
    assert_eq!(desk.get("/dashboard/services?month=2023-13").await.status, 400);

    let sheet = desk.get("/dashboard/statistics/services.csv?month=2023-12").await;
    assert_eq!(sheet.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert!(text(&sheet).contains("qa.gov.person.address-changed"), "{}", text(&sheet));
    assert_eq!(desk.get("/dashboard/statistics/open-data.json?month=2023-12").await.status, 200);
    assert_eq!(desk.get("/dashboard/statistics/open-data.csv?month=2024-01").await.status, 404, "it goes on");

    // An agency sees what there is, and nobody's figures.
    let mut moi = office.desk("moi").await;
    let catalogue = moi.page("/dashboard/services").await;
    assert!(catalogue.contains("Address changed") && !catalogue.contains("Transactions"), "{catalogue}");
    assert_eq!(moi.get("/dashboard/statistics/services.csv").await.status, 403);
}

#[tokio::test]
async fn one_service_with_its_year_and_its_sample() {
    let office = Office::open();
    two_months(&office).await;
    let path = "/dashboard/services/qa.gov.person.address-changed";
    office.door.folder.write("examples/qa.gov.person.address-changed.json", &event("sample", CITIZEN));
    let mut desk = office.desk("viewer").await;
    assert_snapshot!("service_en", shown(&office.door, &desk.page(&format!("{path}?lang=en")).await));
    let own = office.desk("moi").await.page(path).await;
    assert!(own.contains("Show the schema") && !own.contains("City planning") && !own.contains("twelve"), "{own}");
    for nothing in
        ["/dashboard/services/qa.gov.nothing", "/dashboard/services/x", "/dashboard/services/falaj.delivery.settled"]
    {
        assert_eq!(desk.get(nothing).await.status, 404, "{nothing}");
    }
    assert_eq!(desk.get(&format!("{path}?version=9.9")).await.status, 404);
}

#[tokio::test]
async fn a_sample_is_tried_first_and_sent_by_whoever_may() {
    let office = Office::open();
    let (service, trial) = (
        "/dashboard/services/qa.gov.person.address-changed",
        "/dashboard/services/qa.gov.person.address-changed/trial",
    );
    let mut portal = office.desk("portal").await;
    assert_eq!(portal.get(trial).await.status, 404, "there is no sample");
    office.door.folder.write("examples/qa.gov.person.address-changed.json", &event("sample", CITIZEN));
    assert!(portal.page(service).await.contains(trial));
    let page = portal.page(&format!("{trial}?lang=en")).await;
    assert_snapshot!("trial_en", shown(&office.door, &page));
    assert!(office.door.is_empty().await, "a dry run stores nothing");

    let answer = portal.fill(trial, &[("reason", "after the new connector")]).await;
    assert!(leads(&answer).starts_with("/dashboard/envelopes/"), "{}", text(&answer));
    let found = office.door.get("portal", "/v1/envelopes").await.json();
    let id = found["envelopes"][0]["event_id"].as_str().unwrap();
    assert!(id.starts_with("test-") && found["envelopes"].as_array().unwrap().len() == 1, "{found}");
    let again = portal.fill(trial, &[("reason", "once more")]).await;
    assert_ne!(leads(&again), leads(&answer), "it is nobody's repeat");
    assert_eq!(portal.fill(trial, &[("reason", "")]).await.status, 400, "nothing is sent without a reason");
    let audit = office.door.get("auditor", "/v1/audit").await.json();
    assert_eq!(audit["entries"][0]["action"], "test_envelope", "{audit}");

    // An administrator tries; who may not send it does not even try.
    let mut admin = office.desk("admin").await;
    let tried = admin.page(&format!("{trial}?agency=moi&lang=en")).await;
    assert!(tried.contains("Ministry of Interior") && !tried.contains("Send the sample"), "{tried}");
    assert!(admin.page("/dashboard/agencies/moi").await.contains(&format!("{trial}?agency=moi")));
    assert_eq!(office.desk("operator").await.get(trial).await.status, 403);
    assert_eq!(office.desk("moi").await.get(trial).await.status, 403);
    assert!(!office.desk("moi").await.page(service).await.contains(trial));
}

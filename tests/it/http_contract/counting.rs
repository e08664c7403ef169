//! Figures over time: the history of an agency, services by month, open data.

use std::time::Duration;

use axum::body::Body;
use falaj::http::Settings;
use falaj::ledger::{Activity, Cut, Movement};
use falaj::model::delivery::Finished;
use falaj::model::id::AgencyId;
use falaj::model::outcome::Report;
use falaj::model::time::At;
use falaj::statistics::{OpenData, Terms, envelope};
use insta::assert_snapshot;

use super::door::{Door, NOW, event, request};

const DAY: Duration = Duration::from_secs(86_400);

fn agency(id: &str) -> AgencyId {
    AgencyId::parse(id).unwrap()
}

/// An hour in which `moi` was asked for three minutes, of which the second was not watched.
async fn watched(door: &Door) {
    door.post("portal", &event("1", "28400000001")).await;
    let busy = |came, faults| {
        let mut activity = Activity {
            movement: Movement { sent: 0, came, ended: [came, 1, 0, 0, 0] },
            attempts: [came, 0, 0, 0, 0, faults, 0],
            oldest_seconds: 75,
            waiting: 4,
            in_flight: 2,
            open_seconds: 30,
            ..Activity::default()
        };
        (0..came).for_each(|n| activity.attempt_ms.record(n));
        (0..came).for_each(|n| activity.delivery_ms.record(1000 * n));
        activity
    };
    let cuts = [(-5, busy(20, 3)), (-3, busy(10, 0)), (-2, Activity::default())].map(|(minute, activity)| Cut {
        minute: At((NOW.0 / 60_000 + minute) * 60_000),
        seconds: 60,
        bus: activity.clone(),
        agencies: vec![(agency("moi"), activity)],
    });
    door.ledger.record_history(cuts.to_vec()).await.unwrap();
}

#[tokio::test]
async fn a_history_is_read_by_its_agency_and_by_those_who_oversee() {
    let door = Door::open();
    watched(&door).await;
    let answer = door.get("operator", "/v1/agencies/moi/history?range=hour").await;
    assert_snapshot!("history_of_an_hour", door.shown(&answer));
    assert_eq!(door.get("moi", "/v1/agencies/moi/history").await.body, answer.body, "an hour is what is shown first");
    assert_eq!(door.get("utilities", "/v1/agencies/moi/history").await.status, 404);
    assert_eq!(door.get("admin", "/v1/agencies/nobody/history").await.status, 404);

    let day = door.get("viewer", "/v1/agencies/moi/history?range=day").await.json();
    assert_eq!((&day["resolution_seconds"], &day["points"][0]["came"]), (&900.into(), &30.into()));
    let week = door.get("viewer", "/v1/agencies/moi/history?range=week").await.json();
    assert_eq!((&week["resolution_seconds"], &week["points"][0]["watched_seconds"]), (&3600.into(), &180.into()));
    let idle = door.get("portal", "/v1/agencies/portal/history").await.json();
    assert_eq!((idle["points"].as_array().unwrap().len(), &idle["points"][0]["came"]), (3, &0.into()));

    let refused = door.get("viewer", "/v1/agencies/moi/history?range=year").await;
    assert_snapshot!("history_of_another_range", door.shown(&refused));
    assert_eq!(door.get("viewer", "/v1/agencies/moi/history?since=1").await.status, 400);
}

/// Seven envelopes of one month, one of which fails, and two of the month after.
async fn two_months(door: &Door) {
    for n in 0..7 {
        door.post("portal", &event(&n.to_string(), &format!("2840000000{n}"))).await;
    }
    door.clock.advance(Duration::from_secs(90));
    let one = |agency: &'static str, state| door.settle(agency, state, Report::default());
    one("moi", Finished::Delivered).await;
    one("municipality", Finished::Delivered).await;
    one("utilities", Finished::Delivered).await;
    door.clock.advance(DAY * 30);
    door.post("portal", &event("8", "28400000008")).await;
    door.post("portal", &event("9", "28400000009")).await;
    one("moi", Finished::Dead).await;
    one("municipality", Finished::Delivered).await;
    one("utilities", Finished::Delivered).await;
}

#[tokio::test]
async fn services_are_counted_by_month() {
    let door = Door::open();
    two_months(&door).await;
    let november = door.get("viewer", "/v1/statistics/services?month=2023-11").await;
    assert_snapshot!("services_of_a_month", door.shown(&november));
    let now = door.get("viewer", "/v1/statistics/services").await.json();
    assert_eq!((&now["month"], &now["closed"], &now["with_failures"]), (&"2023-12".into(), &false.into(), &2.into()));
    assert_eq!(now.get("change_percent"), None, "a month that goes on is not compared");
    door.clock.advance(DAY * 31);
    let december = door.get("viewer", "/v1/statistics/services?month=2023-12").await.json();
    assert_eq!((&december["change_percent"], &december["transactions"]), (&(-71.4).into(), &2.into()));
    let empty = door.get("viewer", "/v1/statistics/services?month=2030-01").await.json();
    assert_eq!((&empty["transactions"], empty["services"].as_array().unwrap().len()), (&0.into(), 0));
    assert_eq!(door.get("viewer", "/v1/statistics/services?month=2023-13").await.status, 400);
    assert_eq!(door.get("moi", "/v1/statistics/services").await.status, 403, "an agency sees no other's work");
}

#[tokio::test]
async fn the_same_is_had_as_csv() {
    let door = Door::open();
    two_months(&door).await;
    let path = "/v1/statistics/services.csv?month=2023-11";
    let by_path = door.get("viewer", path).await;
    assert_snapshot!("services_of_a_month_as_csv", door.shown(&by_path));
    let by_accept =
        request("GET", "/v1/statistics/services?month=2023-11", Some("viewer")).header("accept", "text/csv");
    let by_accept = door.send(by_accept.body(Body::empty()).unwrap()).await;
    assert_eq!(by_accept.body, by_path.body);
    assert_eq!(by_path.headers["content-disposition"], "attachment; filename=\"falaj-services-2023-11.csv\"");
}

fn open() -> Door {
    let statistics = Terms { open: true, licence: Some("https://example/by".into()), ..Terms::default() };
    Door::with(Settings { statistics, ..Settings::default() })
}

async fn unnamed(door: &Door, path: &str) -> super::door::Answer {
    door.send(request("GET", path, None).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn open_data_are_of_months_that_are_over_and_name_nobody() {
    let door = open();
    two_months(&door).await;
    let november = unnamed(&door, "/v1/statistics/open-data.json").await;
    assert_snapshot!("open_data", door.shown(&november));
    assert_eq!(november.headers["access-control-allow-origin"], "*");
    assert_eq!(unnamed(&door, "/v1/statistics/open-data.json?month=2023-12").await.status, 404, "it goes on");
    assert_eq!(unnamed(&door, "/v1/statistics/services").await.status, 401, "the whole table stays within");
    door.clock.advance(DAY * 31);
    let sheet = unnamed(&door, "/v1/statistics/open-data.csv?month=2023-12").await;
    assert_snapshot!("open_data_as_csv", door.shown(&sheet));
    let link = sheet.headers["link"].to_str().unwrap();
    assert_eq!(link, "<open-data.json?month=2023-12>; rel=\"describedby\"; type=\"application/json\"");

    let data: OpenData = serde_json::from_slice(&november.body).unwrap();
    let closed = envelope::month_closed(&data, "urn:qa:gov:portal", "hukoomi");
    assert_eq!((&closed["data"]["transactions"], &closed["subject"]), (&7.into(), &"2023-11".into()));
}

#[tokio::test]
async fn what_is_not_open_yet_needs_a_key() {
    let door = Door::open();
    two_months(&door).await;
    assert_eq!(unnamed(&door, "/v1/statistics/open-data.json").await.status, 401);
    let within = door.get("viewer", "/v1/statistics/open-data.json").await;
    assert_eq!((within.status.as_u16(), &within.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    assert_eq!(door.get("moi", "/v1/statistics/open-data.csv").await.status, 403);
}

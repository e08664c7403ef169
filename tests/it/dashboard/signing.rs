//! Getting in, staying in, and being put out.

use std::time::Duration;

use falaj::dashboard::{Settings, Tries};

use super::desk::{Office, leads, text};
use crate::http_contract::door::key;

#[tokio::test]
async fn nothing_is_shown_before_one_has_signed_in() {
    let office = Office::open();
    let mut visitor = office.visitor();
    assert_eq!(leads(&visitor.get("/").await), "/dashboard");
    for (path, to) in [
        ("/dashboard", "/dashboard/sign-in"),
        ("/dashboard?state=paused", "/dashboard/sign-in?next=/dashboard%3Fstate%3Dpaused"),
        ("/dashboard/agencies/moi/pause", "/dashboard/sign-in?next=/dashboard/agencies/moi/pause"),
        ("/dashboard/there-is-no-such-page", "/dashboard/sign-in?next=/dashboard/there-is-no-such-page"),
    ] {
        let answer = visitor.get(path).await;
        assert_eq!((answer.status.as_u16(), leads(&answer)), (303, to), "{path}");
        assert!(answer.body.is_empty());
    }
    let posted = visitor.post("/dashboard/agencies/moi/pause", &[("reason", "x")]).await;
    assert_eq!(posted.status, 401);
    assert!(office.door.ledger.paused(&falaj::model::id::AgencyId::parse("moi").unwrap()).is_none());
}

#[tokio::test]
async fn one_signs_in_goes_on_and_signs_out() {
    let office = Office::open();
    let mut desk = office.visitor();
    let form = desk.page("/dashboard/sign-in?next=/dashboard%3Fstate%3Dpaused").await;
    assert!(form.contains(r#"name="next" value="/dashboard?state=paused""#), "{form}");
    let answer =
        desk.post("/dashboard/sign-in", &[("key", &key("operator")), ("next", "/dashboard?state=paused")]).await;
    assert_eq!((answer.status.as_u16(), leads(&answer)), (303, "/dashboard?state=paused"));
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Path=/dashboard; HttpOnly; SameSite=Lax"), "{cookie}");
    let page = desk.page("/dashboard").await;
    assert!(page.contains("Ministry of Interior") && page.contains("Operator"), "{page}");
    // Who is in already is not asked again.
    assert_eq!(leads(&desk.get("/dashboard/sign-in").await), "/dashboard");

    let stolen = desk.cookie("falaj_session").unwrap().to_owned();
    let token = token(&page);
    let answer = desk.post("/dashboard/sign-out", &[("token", &token)]).await;
    assert_eq!(leads(&answer), "/dashboard/sign-in?out=1");
    assert_eq!(desk.cookie("falaj_session"), None);
    // The session is over, not only its cookie.
    let mut thief = office.visitor();
    let request = thief.request("GET", "/dashboard").header("cookie", format!("falaj_session={stolen}"));
    let response = tower::ServiceExt::oneshot(thief.router(), request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(response.unwrap().status(), 303);
    assert_eq!(thief.get("/dashboard").await.status, 303);
}

#[tokio::test]
async fn a_wrong_key_opens_nothing_and_too_many_are_not_looked_at() {
    let tries = Tries { per_address: 3, in_all: 5, within: Duration::from_secs(60) };
    let office = Office::with(Settings { tries, ..Settings::default() });
    let mut desk = office.visitor();
    for _ in 0..3 {
        let answer = desk.post("/dashboard/sign-in", &[("key", "no key of this bus at all")]).await;
        assert_eq!(answer.status, 401);
        assert!(!text(&answer).contains("no key of this bus"), "what was typed is not repeated");
    }
    let answer = desk.post("/dashboard/sign-in", &[("key", &key("admin"))]).await;
    assert_eq!(answer.status, 429, "not even the right one");
    assert_eq!(answer.headers["retry-after"], "60");
    // From elsewhere it goes on, until all together were too many: then who has failed waits, and who has not is let in.
    let mut other = office.visitor();
    other.address = [10, 0, 0, 2];
    for _ in 0..2 {
        assert_eq!(other.post("/dashboard/sign-in", &[("key", "no key of this bus at all")]).await.status, 401);
    }
    assert_eq!(other.post("/dashboard/sign-in", &[("key", &key("admin"))]).await.status, 429);
    let mut third = office.visitor();
    third.address = [10, 0, 0, 3];
    assert_eq!(third.post("/dashboard/sign-in", &[("key", &key("admin"))]).await.status, 303);
    office.door.clock.advance(Duration::from_secs(61));
    assert_eq!(other.post("/dashboard/sign-in", &[("key", &key("admin"))]).await.status, 303);
}

#[tokio::test]
async fn a_session_ends_by_itself_and_with_its_key() {
    let office = Office::open();
    let mut desk = office.desk("operator").await;
    office.door.clock.advance(Duration::from_secs(59 * 60));
    desk.page("/dashboard").await;
    office.door.clock.advance(Duration::from_secs(61 * 60));
    assert_eq!(leads(&desk.get("/dashboard").await), "/dashboard/sign-in?over=1");
    let note = desk.page("/dashboard/sign-in?over=1").await;
    assert!(note.contains("Your session is over"), "{note}");

    let mut desk = office.desk("operator").await;
    desk.page("/dashboard").await;
    office.door.keys.replace(&[]);
    assert_eq!(leads(&desk.get("/dashboard").await), "/dashboard/sign-in?over=1");
}

#[tokio::test]
async fn a_form_must_come_from_this_origin_and_this_session() {
    let office = Office::open();
    let mut desk = office.desk("operator").await;
    let page = desk.page("/dashboard/agencies/moi/pause").await;
    let good = token(&page);
    let moi = falaj::model::id::AgencyId::parse("moi").unwrap();
    let held = || office.door.ledger.paused(&moi).is_some();

    let mut other = office.desk("admin").await;
    let others = token(&other.page("/dashboard/agencies/moi/pause").await);
    let masked = token(&page);
    assert_eq!(good, masked);
    assert_ne!(good, token(&desk.page("/dashboard/agencies/moi/pause").await), "it never looks the same twice");
    for wrong in ["", "x", others.as_str()] {
        let answer = desk.post("/dashboard/agencies/moi/pause", &[("reason", "x"), ("token", wrong)]).await;
        assert_eq!(answer.status, 403, "{wrong}");
    }
    for origin in [Some("https://evil.example"), Some("null"), None] {
        desk.origin = origin;
        let answer = desk.post("/dashboard/agencies/moi/pause", &[("reason", "x"), ("token", &good)]).await;
        assert_eq!(answer.status, 403, "{origin:?}");
        // Nobody is signed in by a page of somebody else.
        assert_eq!(desk.post("/dashboard/sign-in", &[("key", &key("admin"))]).await.status, 403);
    }
    assert!(!held());
    desk.origin = Some("http://bus.example");
    let answer = desk.post("/dashboard/agencies/moi/pause", &[("reason", "x"), ("token", &good)]).await;
    assert_eq!(answer.status, 303, "{}", text(&answer));
    assert!(held());
}

#[tokio::test]
async fn behind_https_the_session_never_travels_otherwise() {
    let office = Office::with(Settings { https: true, ..Settings::default() });
    let mut desk = office.visitor();
    let answer = desk.post("/dashboard/sign-in", &[("key", &key("viewer"))]).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-falaj_session=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    assert_eq!(desk.get("/dashboard").await.status, 200);
    let office = Office::open();
    let desk = office.visitor();
    let request = desk.request("POST", "/dashboard/sign-in").header("x-forwarded-proto", "https");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let body = format!("key={}", key("viewer").replace(' ', "+"));
    let response =
        tower::ServiceExt::oneshot(desk.router(), request.body(axum::body::Body::from(body)).unwrap()).await.unwrap();
    assert!(response.headers()["set-cookie"].to_str().unwrap().ends_with("; Secure"));
}

#[tokio::test]
async fn behind_a_proxy_everybody_counts_for_themselves_and_nobody_chooses_for_whom() {
    let tries = Tries { per_address: 1, in_all: 100, within: Duration::from_secs(60) };
    let proxies = vec!["10.0.0.0/24".parse().unwrap()];
    let office = Office::with(Settings { tries, proxies, ..Settings::default() });
    let desk = office.visitor();
    for (forwarded, status) in [
        ("203.0.113.1", 401),
        ("203.0.113.1", 429),
        ("203.0.113.2", 401),
        // What stands before the last is the asker's own word.
        ("198.51.100.7, 203.0.113.2", 429),
        ("203.0.113.3:4711", 401),
        ("198.51.100.8, 203.0.113.3:4712", 429),
        ("[2001:db8::1]:4711", 401),
        ("198.51.100.9, 2001:db8::2", 429),
        ("198.51.100.10, unknown", 401),
        ("198.51.100.11, unknown", 429),
        ("198.51.100.12, 203.0.113.9, 10.0.0.7", 401),
        ("198.51.100.13, 203.0.113.9, 10.0.0.8", 429),
    ] {
        let request = desk.request("POST", "/dashboard/sign-in").header("x-forwarded-for", forwarded);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = axum::body::Body::from("key=no+key+of+this+bus+at+all");
        let response = tower::ServiceExt::oneshot(desk.router(), request.body(body).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{forwarded}");
    }
}

#[tokio::test]
async fn without_a_provider_there_is_no_way_to_one() {
    let office = Office::open();
    let mut desk = office.visitor();
    assert!(!desk.page("/dashboard/sign-in?trouble=down").await.contains("provider"));
    assert_eq!(desk.post("/dashboard/sign-in/provider", &[]).await.status, 404);
    assert_eq!(desk.get("/dashboard/sign-in/return?code=a&state=b").await.status, 404);
}

/// The token hidden in a page's forms.
fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

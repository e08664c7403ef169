//! Whole pages, in both languages.

use insta::assert_snapshot;

use super::desk::{Office, shown, text};
use crate::http_contract::door::event;

#[tokio::test]
async fn the_overview_in_both_languages() {
    let office = Office::open();
    office.door.post("portal", &event("e-1", "28400000017")).await;
    office.door.post("portal", &event("e-2", "28400000018")).await;
    let mut desk = office.desk("operator").await;
    assert_snapshot!("overview_en", shown(&office.door, &desk.page("/dashboard?lang=en").await));
    assert_snapshot!("overview_ar", shown(&office.door, &desk.page("/dashboard?lang=ar").await));
    // It is remembered.
    assert!(desk.page("/dashboard").await.contains(r#"<html lang="ar" dir="rtl""#));
}

#[tokio::test]
async fn an_agency_sees_itself_and_no_other() {
    let office = Office::open();
    office.door.post("portal", &event("e-1", "28400000017")).await;
    let mut desk = office.desk("moi").await;
    let page = desk.page("/dashboard").await;
    assert!(page.contains("Ministry of Interior") && !page.contains("Municipality"), "{page}");
    let sorted = desk.page("/dashboard?q=municipality&sort=ready").await;
    assert!(!sorted.contains("a-municipality"), "{sorted}");
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_in_the_readers_language() {
    let office = Office::open();
    assert_snapshot!("sign_in_ar", shown(&office.door, &office.visitor().page("/dashboard/sign-in?lang=ar").await));
    let mut desk = office.desk("viewer").await;
    for (path, status, english, arabic) in [
        ("/dashboard/nowhere", 404, "Not found", "غير موجود"),
        ("/dashboard/agencies/moi/pause", 403, "Not allowed", "غير مسموح"),
    ] {
        let answer = desk.get(&format!("{path}?lang=en")).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(text(&answer).contains(english) && text(&answer).contains("/dashboard/sign-out"), "{path}");
        assert!(text(&desk.get(&format!("{path}?lang=ar")).await).contains(arabic), "{path}");
    }
    let method = desk.send("DELETE", "/dashboard", None).await;
    assert!(method.status.is_client_error() && text(&method).starts_with("<!doctype html>"));
}

#[tokio::test]
async fn every_answer_is_hardened_and_only_files_are_kept() {
    let office = Office::open();
    let mut desk = office.desk("viewer").await;
    let page = desk.page("/dashboard").await;
    for path in ["/dashboard", "/dashboard/nowhere", "/dashboard/sign-in"] {
        let headers = desk.get(path).await.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("data:"),
            "{policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["referrer-policy"], "same-origin");
    }
    for forbidden in ["style=", "<style", "onclick=", "javascript:", "http://", "https://"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for file in page.split("/dashboard/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let answer = desk.get(&format!("/dashboard/assets/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable");
    }
    assert_eq!(desk.get("/dashboard/assets/000000000000.dashboard.css").await.status, 404);
}

//! The audit and the system.

use std::time::Duration;

use falaj::catalog::reload::Turn;
use falaj::config::Config;
use falaj::dashboard::Settings;
use insta::assert_snapshot;

use super::desk::{Office, shown, unmarked};
use crate::http_contract::door::{Door, NOW, event};

#[tokio::test]
async fn the_audit_says_who_did_what_and_why_to_those_who_may_know() {
    let office = Office::open();
    let receipt = office.door.post("portal", &event("e-1", "28400000017")).await.json();
    let id = receipt["id"].as_str().unwrap();
    let mut admin = office.desk("admin").await;
    admin.fill("/dashboard/agencies/moi/pause", &[("reason", "they <move>")]).await;
    office.door.clock.advance(Duration::from_secs(90));
    admin.fill("/dashboard/agencies/moi/resume", &[("reason", "they have moved")]).await;
    admin.fill(&format!("/dashboard/envelopes/{id}/payload"), &[("reason", "a complaint")]).await;
    let mut desk = office.desk("auditor").await;
    assert_snapshot!("audit_en", shown(&office.door, &desk.page("/dashboard/audit?lang=en").await));
    assert_snapshot!("audit_ar", shown(&office.door, &desk.page("/dashboard/audit?lang=ar").await));

    let (moved, back, looked) = ("they &#60;move&#62;", "they have moved", "a complaint");
    let shows = |page: &str| [moved, back, looked].map(|reason| page.contains(reason));
    for (filter, expected) in [
        ("action=pause".to_owned(), [true, false, false]),
        (format!("target={id}&actor=admin"), [false, false, true]),
        ("target=moi".to_owned(), [true, true, false]),
        ("actor=nobody".to_owned(), [false, false, false]),
        // A minute and a half lies between the first and the others.
        (format!("to={}", NOW.plus(Duration::from_secs(60))), [true, false, false]),
        (format!("from={}", NOW.plus(Duration::from_secs(60))), [false, true, true]),
        ("before=2".to_owned(), [true, false, false]),
    ] {
        let page = desk.page(&format!("/dashboard/audit?lang=en&{filter}")).await;
        assert_eq!(shows(&page), expected, "{filter}: {page}");
    }
    assert!(desk.page("/dashboard/audit?lang=en&actor=nobody").await.contains("Nothing matches the filter."));
    assert_eq!(desk.get("/dashboard/audit?from=yesterday").await.status, 400);
    for who in ["viewer", "operator", "moi"] {
        let mut desk = office.desk(who).await;
        assert_eq!(desk.get("/dashboard/audit").await.status, 403, "{who}");
        assert!(!desk.page("/dashboard").await.contains("/dashboard/audit"), "{who} is not led there");
    }
}

#[tokio::test]
async fn the_system_says_whether_it_accepts_and_which_deployment_is_in_force() {
    let office = Office::open();
    office.door.app.metrics.commit(Duration::from_secs(7200), 3);
    let page = unmarked(&office.desk("viewer").await.page("/dashboard/system?lang=en").await);
    for told in ["accepts envelopes", "in force", ">2 h<", "No broker is configured", env!("CARGO_PKG_VERSION")] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains(&office.door.catalog.load().revision[..12]), "{page}");
    assert_eq!(office.desk("moi").await.get("/dashboard/system").await.status, 403, "it is nobody's own");
    assert!(!office.desk("moi").await.page("/dashboard").await.contains("/dashboard/system"));

    office.door.ledger.close().await;
    let page = office.desk("viewer").await.page("/dashboard/system?lang=en").await;
    assert!(!page.contains("accepts envelopes") && page.contains("refuses: the ledger is closed"), "{page}");
}

#[tokio::test]
async fn a_refused_deployment_is_told_with_its_problems() {
    let (door, mut watcher) = Door::watched();
    let config = Config::default().shown();
    let office = Office::over(door, Settings { config, ..Settings::default() });
    assert!(!office.desk("viewer").await.page("/dashboard/system").await.contains("id=\"problems\""));
    office.door.folder.write("connectors/moi/connector.toml", "[agency]\nid = \"moi\"\ncolour = \"<blue>\"\n");
    assert_eq!(watcher.turn(true, NOW).await, Turn::Refused);
    let page = office.desk("viewer").await.page("/dashboard/system?lang=en").await;
    assert!(page.contains("a changed one was refused") && page.contains("connectors/moi/connector.toml"), "{page}");
    assert!(page.contains("colour") && !page.contains("<blue>"), "{page}");
    assert!(page.contains("[retention]") && page.contains("disk_floor"), "the settings are there too: {page}");
}

//! Every route against every role: what a role may not do is refused before anything is read.

use axum::body::Body;
use axum::http::Method;
use falaj::http::auth::Right;
use falaj::http::routes;

use super::door::{Door, request};

const ROLES: [&str; 5] = ["moi", "viewer", "operator", "auditor", "admin"];

/// Who may pass the gate of a right.
fn allowed(right: Right) -> &'static [&'static str] {
    match right {
        Right::Anyone | Right::Read => &ROLES,
        Right::Post => &["moi", "admin"],
        Right::Report => &["moi"],
        Right::Metrics | Right::OpenData | Right::Oversee => &["viewer", "operator", "auditor", "admin"],
        Right::Operate => &["operator", "admin"],
        Right::Audit => &["auditor", "admin"],
    }
}

/// A path that leads to nothing, so that whoever passes the gate changes nothing.
fn filled(path: &str) -> String {
    path.replace("/agencies/{id}", "/agencies/nobody")
        .replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057")
        .replace("{type}", "qa.gov.nothing.here")
        .replace("{version}", "1.0")
        .replace("{name}", "nothing")
}

#[tokio::test]
async fn every_right_is_asked_for_at_its_gate() {
    let door = Door::open();
    let mut asked = 0;
    for (method, path, right) in routes() {
        let path = filled(path);
        for role in ROLES {
            let body = if method == Method::GET { Body::empty() } else { Body::from("{}") };
            let asking = request(method.as_str(), &path, Some(role)).header("content-type", "application/json");
            let status = door.send(asking.body(body).unwrap()).await.status.as_u16();
            let passed = status != 403 && status != 401;
            assert_eq!(passed, allowed(right).contains(&role), "{method} {path} as {role}: {status}");
            asked += 1;
        }
        if right != Right::Anyone {
            let unnamed = request(method.as_str(), &path, None).body(Body::empty()).unwrap();
            assert_eq!(door.send(unnamed).await.status, 401, "{method} {path}");
        }
    }
    assert!(asked > 100, "the table of routes was not read");
    assert!(door.is_empty().await);
}

#[test]
fn whoever_changes_anything_may_do_more_than_read() {
    for (method, path, right) in routes() {
        let changes = method != Method::GET;
        let strong = matches!(right, Right::Post | Right::Report | Right::Operate);
        assert!(!changes || strong, "{method} {path} asks for {right:?} alone");
    }
}

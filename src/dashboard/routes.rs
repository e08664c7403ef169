//! The one table of routes of the dashboard: each with its method, its path and the right it asks for.

use std::collections::HashSet;
use std::sync::LazyLock;

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get, post};

use super::frame::frame;
use super::guard::guard;
use super::state::Dashboard;
use super::{
    agency, assets, audit, blocked, dead_letters, deliveries, envelope, find, live, operate, overview, payload,
    provider, redrives, schedule, service, services, sign_in, system, trial,
};
use crate::http::auth::Right;
use crate::http::error::{Kind, Problem};
use crate::http::observe::{Observed, observe};

/// A route. There is no way to serve one that does not name its right.
struct Route {
    method: Method,
    path: &'static str,
    right: Right,
    handler: MethodRouter<Dashboard>,
}

/// Every route there is.
fn table() -> Vec<Route> {
    let page = |path, right, handler| Route { method: Method::GET, path, right, handler };
    let action = |path, right, handler| Route { method: Method::POST, path, right, handler };
    vec![
        page("/", Right::Anyone, get(|| async { Redirect::to("/dashboard") })),
        page("/dashboard/", Right::Anyone, get(|| async { Redirect::permanent("/dashboard") })),
        page("/dashboard/assets/{file}", Right::Anyone, get(assets::get)),
        page("/dashboard/sign-in", Right::Anyone, get(sign_in::form)),
        action("/dashboard/sign-in", Right::Anyone, post(sign_in::sign_in)),
        action("/dashboard/sign-in/provider", Right::Anyone, post(provider::begin)),
        page("/dashboard/sign-in/return", Right::Anyone, get(provider::back)),
        page("/dashboard/sign-in/out", Right::Anyone, get(provider::let_go)),
        action("/dashboard/sign-out", Right::Read, post(sign_in::sign_out)),
        page("/dashboard/live", Right::Read, get(live::live)),
        page("/dashboard", Right::Read, get(overview::overview)),
        page("/dashboard/agencies/{id}", Right::Read, get(agency::agency)),
        page("/dashboard/agencies/{id}/{act}", Right::Operate, get(operate::ask)),
        action("/dashboard/agencies/{id}/{act}", Right::Operate, post(operate::operate)),
        page("/dashboard/find", Right::Read, get(find::find)),
        action("/dashboard/find", Right::Read, post(find::look)),
        page("/dashboard/envelopes/{id}", Right::Read, get(envelope::envelope)),
        page("/dashboard/envelopes/{id}/payload", Right::Read, get(payload::ask)),
        action("/dashboard/envelopes/{id}/payload", Right::Read, post(payload::show)),
        page("/dashboard/deliveries/{id}", Right::Read, get(deliveries::find)),
        page("/dashboard/deliveries/{id}/{act}", Right::Operate, get(deliveries::ask)),
        action("/dashboard/deliveries/{id}/{act}", Right::Operate, post(deliveries::operate)),
        page("/dashboard/dead-letters", Right::Oversee, get(dead_letters::dead_letters)),
        page("/dashboard/redrives", Right::Oversee, get(redrives::list)),
        action("/dashboard/redrives", Right::Operate, post(redrives::begin)),
        page("/dashboard/redrives/new", Right::Operate, get(redrives::plan)),
        page("/dashboard/redrives/{id}", Right::Oversee, get(redrives::one)),
        page("/dashboard/redrives/{id}/{act}", Right::Operate, get(redrives::ask)),
        action("/dashboard/redrives/{id}/{act}", Right::Operate, post(redrives::operate)),
        page("/dashboard/blocked", Right::Oversee, get(blocked::blocked)),
        page("/dashboard/schedule", Right::Oversee, get(schedule::schedule)),
        page("/dashboard/services", Right::Read, get(services::services)),
        page("/dashboard/services/{type}", Right::Read, get(service::service)),
        page("/dashboard/services/{type}/trial", Right::Post, get(trial::ask)),
        action("/dashboard/services/{type}/trial", Right::Post, post(trial::send)),
        page("/dashboard/statistics/services.csv", Right::Oversee, get(services::sheet)),
        page("/dashboard/statistics/open-data.csv", Right::Oversee, get(services::open_sheet)),
        page("/dashboard/statistics/open-data.json", Right::Oversee, get(services::open_document)),
        page("/dashboard/system", Right::Oversee, get(system::system)),
        page("/dashboard/audit", Right::Audit, get(audit::audit)),
        // Whoever is not signed in does not learn what there is.
        page("/dashboard/{*other}", Right::Read, get(|| async { Problem::not_found() })),
    ]
}

/// Method, path and right of every route; a path's `{name}` stands for one segment.
pub fn routes() -> impl Iterator<Item = (Method, &'static str, Right)> {
    table().into_iter().map(|route| (route.method, route.path, route.right))
}

/// The route template, if it is one of these.
fn known(template: &str) -> Option<&'static str> {
    static TEMPLATES: LazyLock<HashSet<&str>> = LazyLock::new(|| routes().map(|(_, path, _)| path).collect());
    TEMPLATES.get(template).copied()
}

/// The router: every route behind its guard, every answer within the frame and observed.
pub fn router(dashboard: Dashboard) -> Router {
    let mut router = Router::new();
    for Route { path, right, handler, .. } in table() {
        router = router.route(path, handler.route_layer(from_fn_with_state((dashboard.clone(), right), guard)));
    }
    router
        .method_not_allowed_fallback(|| async {
            Problem::new(Kind::Method, "The page has no such action.", "لا تتضمن هذه الصفحة هذا الإجراء.")
        })
        .layer(from_fn_with_state(dashboard.clone(), frame))
        .layer(from_fn_with_state(Observed { metrics: dashboard.metrics.clone(), known }, observe))
        .with_state(dashboard)
}

#[cfg(test)]
mod tests {
    use super::super::page::PLACES;
    use super::*;

    #[test]
    fn only_signing_in_and_files_are_open_and_what_is_posted_to_change_is_for_operators() {
        let open: Vec<_> =
            routes().filter(|(_, _, right)| *right == Right::Anyone).map(|(method, path, _)| (method, path)).collect();
        let expected = [
            (Method::GET, "/"),
            (Method::GET, "/dashboard/"),
            (Method::GET, "/dashboard/assets/{file}"),
            (Method::GET, "/dashboard/sign-in"),
            (Method::POST, "/dashboard/sign-in"),
            (Method::POST, "/dashboard/sign-in/provider"),
            (Method::GET, "/dashboard/sign-in/return"),
            (Method::GET, "/dashboard/sign-in/out"),
        ];
        assert_eq!(open, expected);
        for (method, path, right) in routes().filter(|(method, ..)| *method == Method::POST) {
            // Signing in and out, asking, and looking at what one may see change nothing of anybody's.
            let looks = path.starts_with("/dashboard/sign-") || path == "/dashboard/find" || path.ends_with("/payload");
            // An agency sends as it does over HTTP: under its own rights.
            let sends = path.ends_with("/trial") && right == Right::Post;
            assert!(looks || sends || right == Right::Operate, "{method} {path}");
        }
    }

    #[test]
    fn every_place_of_the_navigation_is_a_page_with_the_same_right() {
        for place in PLACES {
            let page = routes().find(|(method, path, _)| *method == Method::GET && *path == place.path);
            assert_eq!(page.map(|(_, _, right)| right), Some(place.right), "{}", place.path);
        }
    }
}

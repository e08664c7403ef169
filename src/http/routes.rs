//! The one table of routes: each with its method, its path and the right it asks for.

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};

use super::auth::{Right, gate};
use super::error::{Kind, Problem};
use super::observe::Observed;
use super::state::App;
use super::{
    agencies, audit, catalogue, dead_letters, deliveries, envelopes, events, health, history, observe, operate,
    outcomes, pull, redrives, scrape, search, statistics, status,
};
use crate::ledger::{JobOperation, Operation};

/// A route. There is no way to serve one that does not name its right.
struct Route {
    method: Method,
    path: &'static str,
    right: Right,
    handler: MethodRouter<App>,
}

/// Every route there is.
fn table() -> Vec<Route> {
    let reading = |path, right, handler| Route { method: Method::GET, path, right, handler };
    let posting = |path, right, handler| Route { method: Method::POST, path, right, handler };
    let deleting = |path, right, handler| Route { method: Method::DELETE, path, right, handler };
    vec![
        posting("/v1/envelopes", Right::Post, post(envelopes::post)),
        reading("/v1/envelopes", Right::Read, get(search::search)),
        reading("/v1/envelopes/{id}", Right::Read, get(status::get)),
        reading("/v1/envelopes/{id}/events", Right::Read, get(events::events)),
        reading("/v1/agencies", Right::Read, get(agencies::list)),
        reading("/v1/agencies/{id}", Right::Read, get(agencies::one)),
        reading("/v1/agencies/{id}/history", Right::Read, get(history::of_agency)),
        posting("/v1/agencies/{id}/pause", Right::Operate, post(operate::pause)),
        posting("/v1/agencies/{id}/drain", Right::Operate, post(operate::drain)),
        posting("/v1/agencies/{id}/resume", Right::Operate, post(operate::resume)),
        reading("/v1/agencies/{id}/deliveries", Right::Report, get(pull::fetch)),
        posting("/v1/deliveries/{id}/outcome", Right::Report, post(outcomes::report)),
        posting("/v1/deliveries/{id}/retry", Right::Operate, deliveries::operating(Operation::Retry)),
        posting("/v1/deliveries/{id}/skip", Right::Operate, deliveries::operating(Operation::Skip)),
        posting("/v1/deliveries/{id}/cancel", Right::Operate, deliveries::operating(Operation::Cancel)),
        posting("/v1/deliveries/{id}/release", Right::Operate, deliveries::operating(Operation::Release)),
        reading("/v1/dead-letters", Right::Oversee, get(dead_letters::list)),
        posting("/v1/redrives", Right::Operate, post(redrives::redrive)),
        reading("/v1/redrives", Right::Oversee, get(redrives::list)),
        reading("/v1/redrives/{id}", Right::Oversee, get(redrives::one)),
        deleting("/v1/redrives/{id}", Right::Operate, delete(redrives::end)),
        posting("/v1/redrives/{id}/pause", Right::Operate, redrives::operating(JobOperation::Pause)),
        posting("/v1/redrives/{id}/resume", Right::Operate, redrives::operating(JobOperation::Resume)),
        posting("/v1/replays", Right::Operate, post(redrives::replay)),
        reading("/v1/audit", Right::Audit, get(audit::list)),
        reading("/v1/schemas", Right::Read, get(catalogue::schemas)),
        reading("/v1/schemas/{type}/{version}", Right::Read, get(catalogue::schema)),
        reading("/v1/services", Right::Read, get(catalogue::services)),
        reading("/v1/statistics/services", Right::Oversee, get(statistics::services)),
        reading("/v1/statistics/services.csv", Right::Oversee, get(statistics::services_csv)),
        reading("/v1/statistics/open-data.json", Right::OpenData, get(statistics::open_data)),
        reading("/v1/statistics/open-data.csv", Right::OpenData, get(statistics::open_data_csv)),
        reading("/healthz", Right::Anyone, get(health::healthz)),
        reading("/readyz", Right::Anyone, get(health::readyz)),
        reading("/metrics", Right::Metrics, get(scrape::metrics)),
    ]
}

/// Method, path and right of every route; a path's `{name}` stands for one segment.
pub fn routes() -> impl Iterator<Item = (Method, &'static str, Right)> {
    table().into_iter().map(|route| (route.method, route.path, route.right))
}

/// The router: every route behind its gate, every answer observed.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for Route { path, right, handler, .. } in table() {
        router = router.route(path, handler.route_layer(from_fn_with_state((app.clone(), right), gate)));
    }
    router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(Kind::Method, "The path has other methods.", "لهذا المسار طرق طلب أخرى.")
        })
        .layer(from_fn_with_state(Observed { metrics: app.metrics.clone(), known: observe::known }, observe::observe))
        .with_state(app)
}

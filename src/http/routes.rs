//! The one table of routes: each with its method, its path, the right it asks for, and what is said of it.

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};

use super::auth::{Right, gate};
use super::docs::operation::{Described, Operation as Says};
use super::docs::{operations as says, serve};
use super::error::{Kind, Problem};
use super::observe::Observed;
use super::state::App;
use super::{
    agencies, audit, catalogue, dead_letters, deliveries, envelopes, events, health, history, observe, operate,
    outcomes, pull, redrives, scrape, search, statistics, status,
};
use crate::ledger::{JobOperation, Operation};

/// A route. There is no way to serve one that does not name its right, or that nothing is said of.
struct Route {
    method: Method,
    path: &'static str,
    right: Right,
    says: fn() -> Says,
    handler: MethodRouter<App>,
}

/// Every route there is.
fn table() -> Vec<Route> {
    let route = |method, path, right, says: fn() -> Says, handler| Route { method, path, right, says, handler };
    let reading = |path, right, says: fn() -> Says, handler| route(Method::GET, path, right, says, handler);
    let posting = |path, right, says: fn() -> Says, handler| route(Method::POST, path, right, says, handler);
    let deleting = |path, right, says: fn() -> Says, handler| route(Method::DELETE, path, right, says, handler);
    let delivery =
        |path, says: fn() -> Says, operation| posting(path, Right::Operate, says, deliveries::operating(operation));
    let job = |path, says: fn() -> Says, operation| posting(path, Right::Operate, says, redrives::operating(operation));
    vec![
        posting("/v1/envelopes", Right::Post, says::envelopes::post, post(envelopes::post)),
        reading("/v1/envelopes", Right::Read, says::envelopes::search, get(search::search)),
        reading("/v1/envelopes/{id}", Right::Read, says::envelopes::get, get(status::get)),
        reading("/v1/envelopes/{id}/events", Right::Read, says::envelopes::follow, get(events::events)),
        reading("/v1/agencies", Right::Read, says::agencies::get_all, get(agencies::list)),
        reading("/v1/agencies/{id}", Right::Read, says::agencies::get, get(agencies::one)),
        reading("/v1/agencies/{id}/history", Right::Read, says::agencies::history, get(history::of_agency)),
        posting("/v1/agencies/{id}/pause", Right::Operate, says::agencies::pause, post(operate::pause)),
        posting("/v1/agencies/{id}/drain", Right::Operate, says::agencies::drain, post(operate::drain)),
        posting("/v1/agencies/{id}/resume", Right::Operate, says::agencies::resume, post(operate::resume)),
        reading("/v1/agencies/{id}/deliveries", Right::Report, says::deliveries::fetch, get(pull::fetch)),
        posting("/v1/deliveries/{id}/outcome", Right::Report, says::deliveries::report, post(outcomes::report)),
        reading("/v1/dead-letters", Right::Oversee, says::repair::dead_letters, get(dead_letters::list)),
        delivery("/v1/deliveries/{id}/retry", says::deliveries::retry, Operation::Retry),
        delivery("/v1/deliveries/{id}/skip", says::deliveries::skip, Operation::Skip),
        delivery("/v1/deliveries/{id}/cancel", says::deliveries::cancel, Operation::Cancel),
        delivery("/v1/deliveries/{id}/release", says::deliveries::release, Operation::Release),
        posting("/v1/redrives", Right::Operate, says::repair::redrive, post(redrives::redrive)),
        reading("/v1/redrives", Right::Oversee, says::repair::redrives, get(redrives::list)),
        reading("/v1/redrives/{id}", Right::Oversee, says::repair::one, get(redrives::one)),
        deleting("/v1/redrives/{id}", Right::Operate, says::repair::end, delete(redrives::end)),
        job("/v1/redrives/{id}/pause", says::repair::pause, JobOperation::Pause),
        job("/v1/redrives/{id}/resume", says::repair::resume, JobOperation::Resume),
        posting("/v1/replays", Right::Operate, says::repair::replay, post(redrives::replay)),
        reading("/v1/audit", Right::Audit, says::audit::list, get(audit::list)),
        reading("/v1/schemas", Right::Read, says::catalogue::schemas, get(catalogue::schemas)),
        reading("/v1/schemas/{type}/{version}", Right::Read, says::catalogue::schema, get(catalogue::schema)),
        reading("/v1/services", Right::Read, says::catalogue::services, get(catalogue::services)),
        reading("/v1/statistics/services", Right::Oversee, says::statistics::services, get(statistics::services)),
        reading("/v1/statistics/services.csv", Right::Oversee, says::statistics::sheet, get(statistics::services_csv)),
        reading("/v1/statistics/open-data.json", Right::OpenData, says::statistics::open, get(statistics::open_data)),
        reading(
            "/v1/statistics/open-data.csv",
            Right::OpenData,
            says::statistics::open_sheet,
            get(statistics::open_data_csv),
        ),
        reading("/healthz", Right::Anyone, says::watching::healthz, get(health::healthz)),
        reading("/readyz", Right::Anyone, says::watching::readyz, get(health::readyz)),
        reading("/metrics", Right::Metrics, says::watching::metrics, get(scrape::metrics)),
        reading("/openapi.json", Right::Anyone, says::documents::openapi, get(serve::get_openapi)),
        reading("/asyncapi.json", Right::Read, says::documents::asyncapi, get(serve::get_asyncapi)),
        reading("/docs", Right::Anyone, says::documents::page, get(serve::get_page)),
        reading("/docs/problems/{name}", Right::Anyone, says::documents::problem, get(serve::get_problem)),
    ]
}

/// Method, path and right of every route; a path's `{name}` stands for one segment.
pub fn routes() -> impl Iterator<Item = (Method, &'static str, Right)> {
    table().into_iter().map(|route| (route.method, route.path, route.right))
}

/// Every route with what is said of it.
pub fn described() -> Vec<Described> {
    let describe = |Route { method, path, right, says, .. }| Described { method, path, right, operation: says() };
    table().into_iter().map(describe).collect()
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

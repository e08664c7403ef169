//! The catalogue: schemas, and the services they stand for.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::auth::{Caller, Sight};
use super::body;
use super::error::Problem;
use super::path::Named;
use super::state::App;
use crate::catalog::Catalog;
use crate::model::id::{AgencyId, EventType, Version};
use crate::model::text::Bilingual;

/// One registered version.
#[derive(Debug, Serialize)]
struct SchemaLine<'a> {
    #[serde(rename = "type")]
    ty: &'a EventType,
    version: Version,
    /// As an envelope names it.
    dataschema: String,
    name: &'a Bilingual,
    owner: &'a AgencyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    maturity: Option<u8>,
    subject_required: bool,
    #[serde(rename = "abstract", skip_serializing_if = "std::ops::Not::not")]
    is_abstract: bool,
}

/// One type that envelopes may have.
#[derive(Debug, Serialize)]
struct Service<'a> {
    #[serde(rename = "type")]
    ty: &'a EventType,
    name: &'a Bilingual,
    owner: Owner<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maturity: Option<u8>,
    /// Ascending.
    versions: Vec<Version>,
    /// How many agencies subscribe; for those who see more than their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipients: Option<usize>,
}

/// The agency that answers for a type.
#[derive(Debug, Serialize)]
struct Owner<'a> {
    id: &'a AgencyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a Bilingual>,
}

/// `GET /v1/schemas`
pub(super) async fn schemas(State(app): State<App>) -> Response {
    let catalog = app.catalog.load();
    let lines = catalog.schemas.all().map(|schema| SchemaLine {
        ty: &schema.ty,
        version: schema.version,
        dataschema: format!("{}/{}", schema.ty, schema.version),
        name: &schema.about.name,
        owner: &schema.about.owner,
        maturity: schema.about.maturity,
        subject_required: schema.about.subject == crate::schema::SubjectRule::Required,
        is_abstract: schema.about.is_abstract,
    });
    let lines: Vec<_> = lines.collect();
    body::answer(StatusCode::OK, &serde_json::json!({ "schemas": lines }))
}

/// `GET /v1/schemas/{type}/{version}`
pub(super) async fn schema(
    State(app): State<App>,
    Named((ty, version)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let catalog = app.catalog.load();
    let found = catalog.schemas.all().find(|schema| schema.ty.as_str() == ty && schema.version.to_string() == version);
    let document = &found.ok_or_else(Problem::not_found)?.document;
    let mut response = body::answer(StatusCode::OK, document).into_response();
    let media_type = "application/schema+json".parse().expect("a media type is a legal header value");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}

/// `GET /v1/services`
pub(super) async fn services(State(app): State<App>, caller: Caller) -> Response {
    let catalog = app.catalog.load();
    let counts = !matches!(caller.sight(), Sight::Own(_));
    let mut services: BTreeMap<&EventType, Service<'_>> = BTreeMap::new();
    let offered = |schema: &&std::sync::Arc<crate::schema::Schema>| !schema.about.is_abstract && !schema.ty.is_own();
    for schema in catalog.schemas.all().filter(offered) {
        let about = &schema.about;
        let service = services.entry(&schema.ty).or_insert_with(|| Service {
            ty: &schema.ty,
            name: &about.name,
            owner: Owner { id: &about.owner, name: catalog.agency(&about.owner).map(|owner| &owner.name) },
            maturity: about.maturity,
            versions: Vec::new(),
            recipients: counts.then(|| recipients(&catalog, &schema.ty)),
        });
        // Sorted by version: the newest says what the type is called by now.
        (service.name, service.maturity) = (&about.name, about.maturity);
        service.versions.push(schema.version);
    }
    let services: Vec<_> = services.into_values().collect();
    body::answer(StatusCode::OK, &serde_json::json!({ "services": services }))
}

fn recipients(catalog: &Catalog, ty: &EventType) -> usize {
    catalog.agencies().filter(|agency| catalog.subscription(&agency.id, ty).is_some()).count()
}

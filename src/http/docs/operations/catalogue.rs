//! Types, schemas and services.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{anything, list, object, of};
use super::super::shapes::agency::{schema_line, service};
use super::super::shapes::scalar::{event_type, version};
use super::super::words::words;

/// `GET /v1/services`
pub fn services() -> Operation {
    let about = words("By type.", "مرتبة بحسب النوع.");
    Operation::new("listServices", Chapter::Catalogue, words("List the services", "عرض الخدمات"))
        .about(words("Every type that may be sent, and who answers for it.", "كل نوع يجوز إرساله والجهة المسؤولة عنه."))
        .answers(200, words("All of them.", "جميع الخدمات."), object().has("services", list(of(service)), about))
}

/// `GET /v1/schemas`
pub fn schemas() -> Operation {
    let about = words("By type and version.", "مرتبة بحسب النوع والإصدار.");
    Operation::new("listSchemas", Chapter::Catalogue, words("List the schemas", "عرض المخططات")).answers(
        200,
        words("All versions of all types.", "جميع إصدارات جميع الأنواع."),
        object().has("schemas", list(of(schema_line)), about),
    )
}

/// `GET /v1/schemas/{type}/{version}`
pub fn schema() -> Operation {
    Operation::new("getSchema", Chapter::Catalogue, words("Read one schema", "قراءة مخطط"))
        .about(words(
            "JSON Schema 2020-12, as the deployment has it. A `$ref` names another one by `falaj:/schemas/<type>/<version>`.",
            "JSON Schema 2020-12 كما هو في الإعدادات. ويشير `$ref` إلى مخطط آخر بالصيغة `falaj:/schemas/<type>/<version>`.",
        ))
        .path("type", event_type(), words("The type.", "النوع."))
        .path("version", version(), words("The version.", "الإصدار."))
        .answers_as(
            "application/schema+json",
            200,
            words("The document.", "المستند."),
            anything().with("type", "object"),
        )
}

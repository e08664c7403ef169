//! What each route does, told to those who call it: one function for each, named in the table of routes.
//!
//! To describe a new route: write its function here, name it in `http::routes`, and let `tests/it/http_contract/walk.rs` call it;
//! the tests say what is missing.

use super::operation::Operation;
use super::schema::{Schema, text};
use super::shapes::scalar;
use super::words::{Words, words};
use crate::http::search::{PAGE_DEFAULT, PAGE_MAX};

pub mod agencies;
pub mod audit;
pub mod catalogue;
pub mod deliveries;
pub mod documents;
pub mod envelopes;
pub mod repair;
pub mod statistics;
pub mod watching;

/// Adds how a list is paged.
fn paged(operation: Operation) -> Operation {
    operation
        .query(
            "limit",
            super::schema::whole().between(1, PAGE_MAX as u64).default(PAGE_DEFAULT),
            words("How many at most.", "أقصى عدد في الصفحة."),
        )
        .query(
            "cursor",
            scalar::cursor(),
            words("The `cursor` of the page before.", "قيمة `cursor` في الصفحة السابقة."),
        )
}

/// A page: a list under its name, and where it ended.
fn page(name: &'static str, of: Schema, about: Words) -> Schema {
    super::schema::object().has(name, super::schema::list(of), about).may(
        "cursor",
        scalar::cursor(),
        words("Where the next page begins; absent on the last.", "بداية الصفحة التالية، ولا يظهر في الصفحة الأخيرة."),
    )
}

/// Where something that was made can be asked about.
fn location() -> (Schema, Words) {
    (text().with("format", "uri-reference"), words("Where to ask about it.", "مسار الاستعلام عنه."))
}

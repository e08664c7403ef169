//! Values that stand in many shapes.

use super::super::schema::{Named, Schema, object, text};
use super::super::words::words;
use crate::http::dead_letters::GROUP_DIGITS;

/// An id that Falaj gave.
pub fn id() -> Schema {
    text().with("format", "uuid")
}

/// An instant.
pub fn instant() -> Schema {
    text().with("format", "date-time")
}

/// A duration with its unit.
pub fn span() -> Schema {
    text().with("pattern", "^[0-9]+(ms|s|m|h|d)$")
}

/// An agency's id.
pub fn agency() -> Schema {
    text().with("pattern", "^[a-z][a-z0-9-]{0,39}$")
}

/// A CloudEvents `type`.
pub fn event_type() -> Schema {
    text().with("pattern", "^[a-z0-9][a-z0-9-]*(\\.[a-z0-9][a-z0-9-]*)+$").chars_max(120)
}

/// A version of a schema.
pub fn version() -> Schema {
    text().with("pattern", "^(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})$")
}

/// The name of an error group.
pub fn group() -> Schema {
    text().with("pattern", format!("^[0-9a-f]{{{GROUP_DIGITS}}}$"))
}

/// Where a page ended.
pub fn cursor() -> Schema {
    text().with("pattern", "^[A-Za-z0-9_-]+$")
}

/// One text in both languages.
pub fn bilingual() -> Named {
    let schema =
        object().has("en", text(), words("English.", "بالإنجليزية.")).has("ar", text(), words("Arabic.", "بالعربية."));
    Named { name: "Bilingual", about: words("One text in both languages.", "نص واحد باللغتين."), schema }
}

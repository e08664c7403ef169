//! The module seen from outside.

mod check;
mod compare;
mod excerpt;
mod load;
mod oracle;
mod places;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Loaded, Registry, Schema, Source};

/// A schema file with the x-falaj that every schema needs.
pub(super) fn source(name: &str, mut schema: Value) -> Source {
    if let Some(members) = schema.as_object_mut() {
        members.entry("x-falaj").or_insert_with(|| json!({"owner": "moi", "name": {"en": "A thing", "ar": "شيء"}}));
    }
    text(name, &serde_json::to_string_pretty(&schema).unwrap())
}

/// A schema file as it is written.
pub(super) fn text(name: &str, text: &str) -> Source {
    Source { file: format!("schemas/{name}.json").into(), text: text.to_owned() }
}

/// Builds a registry that must have no problem.
pub(super) fn sound(sources: Vec<Source>) -> Registry {
    let Loaded { registry, problems, .. } = Registry::build(sources);
    assert_eq!(problems, []);
    registry
}

/// One schema, alone.
pub(super) fn schema(document: Value) -> Arc<Schema> {
    let registry = sound(vec![source("a.b/1.0", document)]);
    let schema = registry.all().next().unwrap();
    schema.clone()
}

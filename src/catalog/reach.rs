//! What the schemas of a deployment say about the places that manifests name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::nearest::nearest;
use crate::model::id::{EventType, TypePattern};
use crate::schema::{Reach, Registry, Schema};

/// Types by name, each with all its versions; abstract ones are left out, as no envelope is of them.
#[derive(Debug, Default)]
pub struct Types {
    by_type: BTreeMap<EventType, Vec<Arc<Schema>>>,
    names: BTreeSet<String>,
}

impl Types {
    /// The types of a registry.
    pub fn of(registry: &Registry) -> Self {
        let mut types = Self::default();
        for schema in registry.all() {
            members(&schema.document, &mut types.names);
            if !schema.about.is_abstract {
                types.by_type.entry(schema.ty.clone()).or_default().push(Arc::clone(schema));
            }
        }
        types
    }

    /// How many there are, beside Falaj's own.
    pub fn len(&self) -> usize {
        self.names().filter(|ty| !ty.is_own()).count()
    }

    /// All of them.
    pub fn names(&self) -> impl Iterator<Item = &EventType> + Clone {
        self.by_type.keys()
    }

    /// All of them with their versions.
    pub fn all(&self) -> impl Iterator<Item = (&EventType, &[Arc<Schema>])> {
        self.by_type.iter().map(|(ty, versions)| (ty, versions.as_slice()))
    }

    /// The types that a pattern means.
    pub fn matching<'a>(&'a self, pattern: &'a TypePattern) -> Vec<(&'a EventType, &'a [Arc<Schema>])> {
        match pattern {
            TypePattern::Exact(ty) => {
                self.by_type.get_key_value(ty).map(|(ty, versions)| (ty, versions.as_slice())).into_iter().collect()
            }
            TypePattern::Prefix(_) => self.all().filter(|(ty, _)| pattern.matches(ty.as_str())).collect(),
        }
    }

    /// The registered type nearest to a name, as a hint.
    pub fn nearest(&self, pattern: &TypePattern) -> String {
        let text = pattern.to_string();
        let name = text.trim_end_matches(".*");
        let families: BTreeSet<String> = match pattern {
            TypePattern::Exact(_) => BTreeSet::new(),
            TypePattern::Prefix(_) => self
                .names()
                .flat_map(|ty| ty.as_str().match_indices('.').map(|(at, _)| ty.as_str()[..at].to_owned()))
                .collect(),
        };
        let near = match pattern {
            TypePattern::Exact(_) => nearest(name, self.names().map(EventType::as_str)).map(str::to_owned),
            TypePattern::Prefix(_) => nearest(name, families.iter().map(String::as_str)).map(|n| format!("{n}.*")),
        };
        match near {
            Some(near) => format!("Did you mean \"{near}\"?"),
            None => format!("Register it: add schemas/{name}/1.0.json."),
        }
    }

    /// The nearest place to a JSON Pointer that the versions of a type can have, as a hint.
    pub fn nearest_pointer(&self, versions: &[Arc<Schema>], pointer: &str) -> String {
        let mut parent = pointer;
        while let Some(end) = parent.rfind('/') {
            let rest = &parent[end + 1..];
            parent = &parent[..end];
            if reach(versions, parent) == Reach::Never {
                continue;
            }
            let possible = |name: &&String| reach(versions, &format!("{parent}/{name}")) != Reach::Never;
            let candidates: Vec<&String> = self.names.iter().filter(possible).collect();
            if let Some(near) = nearest(rest, candidates.iter().map(|name| name.as_str())) {
                return format!("Did you mean \"{parent}/{near}\"?");
            }
            let listed: Vec<String> = candidates.iter().take(12).map(|name| format!("{parent}/{name}")).collect();
            if !listed.is_empty() {
                return format!("There are: {}.", listed.join(", "));
            }
        }
        "Look at the type's schema.".to_owned()
    }
}

/// What all versions of a type together say about a place: never where none has it, always where all always have it.
pub fn reach(versions: &[Arc<Schema>], pointer: &str) -> Reach {
    reach_given(versions, pointer, &[])
}

/// The same for the documents that have a value at each of `given`; a version that cannot have one has no say.
pub fn reach_given(versions: &[Arc<Schema>], pointer: &str, given: &[&str]) -> Reach {
    let above: Vec<&str> = given.iter().copied().filter(|given| pointer.starts_with(given)).collect();
    let concerned = |schema: &&Arc<Schema>| above.iter().all(|given| schema.reach(given) != Reach::Never);
    let mut all = versions.iter().filter(concerned).map(|schema| schema.reach_given(pointer, given));
    let first = all.next().unwrap_or(Reach::Never);
    all.fold(first, |reach, next| if reach == next { reach } else { Reach::Sometimes })
}

/// Every member name that any `properties` of a document knows, escaped as in a JSON Pointer.
fn members(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().map(|name| name.replace('~', "~0").replace('/', "~1")));
            }
            object.values().for_each(|value| members(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| members(value, names)),
        _ => {}
    }
}

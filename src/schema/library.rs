//! All documents of a deployment by their URI, and the one way a `$ref` is followed.
//!
//! B1: a reference is `#`, `#/pointer`, `falaj:/schemas/<type>/<version>` or that with `#/pointer`; nothing else is followed, and
//! nothing is ever fetched. B2: no reference leads back to itself without going down into the data.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::source::push_token;
use crate::model::id::{EventType, Version};

/// What the URI of a schema begins with; `<type>/<version>` follows.
pub const URI_PREFIX: &str = "falaj:/schemas/";

/// The longest chain of schemas that look at one and the same value.
const CHAIN_MAX: u32 = 200;
/// Keywords whose value is one schema.
pub(super) const ONE: [&str; 11] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
pub(super) const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is an object of schemas.
pub(super) const NAMED: [&str; 4] = ["$defs", "dependentSchemas", "patternProperties", "properties"];
/// Applicators that look at the same value as the schema they stand in.
const IN_PLACE_ONE: [&str; 4] = ["not", "if", "then", "else"];
const IN_PLACE_LIST: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// The documents of a deployment.
#[derive(Debug, Default)]
pub(super) struct Library {
    documents: BTreeMap<String, Arc<Value>>,
    /// Property names of any schema that are not plain words; all others that are not plain came from an envelope.
    pub(super) odd_names: BTreeSet<String>,
}

/// A schema within a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// URI of the document, without a fragment.
    pub(super) base: &'a str,
    /// The schema.
    pub(super) value: &'a Value,
}

impl<'a> Node<'a> {
    /// Another schema of the same document.
    pub(super) fn at(self, value: &'a Value) -> Self {
        Self { base: self.base, value }
    }

    /// A schema below a keyword.
    pub(super) fn keyword(self, keyword: &str) -> Option<Self> {
        self.value.get(keyword).map(|value| self.at(value))
    }

    /// The schemas of a list keyword.
    pub(super) fn list(self, keyword: &str) -> impl Iterator<Item = Self> {
        self.value.get(keyword).and_then(Value::as_array).into_iter().flatten().map(move |value| self.at(value))
    }

    /// The members of an object keyword.
    pub(super) fn named(self, keyword: &str) -> Option<&'a Map<String, Value>> {
        self.value.get(keyword).and_then(Value::as_object)
    }

    /// Which schema this is, for sets of what was seen.
    pub(super) fn address(self) -> usize {
        std::ptr::from_ref(self.value) as usize
    }
}

impl Library {
    /// Puts documents on the shelf by URI.
    pub(super) fn new(documents: BTreeMap<String, Arc<Value>>) -> Self {
        let mut odd_names = BTreeSet::new();
        for document in documents.values() {
            walk(document, &mut |_, schema| {
                for name in schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
                    if !is_plain(name) {
                        odd_names.insert(name.clone());
                    }
                }
            });
        }
        Self { documents, odd_names }
    }

    /// The whole document of a URI.
    pub(super) fn root(&self, uri: &str) -> Option<Node<'_>> {
        self.documents.get_key_value(uri).map(|(base, value)| Node { base, value })
    }

    /// The schema that a reference of a document points to (B1).
    pub(super) fn follow<'a>(&'a self, base: &'a str, reference: &str) -> Option<Node<'a>> {
        let (uri, pointer) = split(reference)?;
        let root = self.root(if uri.is_empty() { base } else { uri })?;
        Some(root.at(root.value.pointer(pointer)?))
    }

    /// The schema that a schema's `$ref` points to.
    pub(super) fn target<'a>(&'a self, node: Node<'a>) -> Option<Node<'a>> {
        self.follow(node.base, node.value.get("$ref")?.as_str()?)
    }

    /// Whether a schema comes back to itself through keywords that look at the same value (against B2), or leads on and on.
    pub(super) fn is_endless<'a>(&'a self, node: Node<'a>, seen: &mut HashMap<usize, bool>) -> bool {
        self.circles(node, seen, CHAIN_MAX)
    }

    fn circles<'a>(&'a self, node: Node<'a>, seen: &mut HashMap<usize, bool>, left: u32) -> bool {
        if left == 0 {
            return true;
        }
        match seen.get(&node.address()) {
            Some(in_progress) => return *in_progress,
            None => seen.insert(node.address(), true),
        };
        let named = node.named("dependentSchemas").into_iter().flat_map(Map::values).map(|value| node.at(value));
        let mut next: Vec<Node<'a>> = named.collect();
        next.extend(IN_PLACE_ONE.iter().filter_map(|keyword| node.keyword(keyword)));
        next.extend(IN_PLACE_LIST.iter().flat_map(|keyword| node.list(keyword)));
        next.extend(self.target(node));
        let endless = next.into_iter().any(|next| self.circles(next, seen, left - 1));
        seen.insert(node.address(), false);
        endless
    }
}

/// A reference as document URI (empty for the same document) and JSON Pointer; `None` where it is not of our form (B1).
pub(super) fn split(reference: &str) -> Option<(&str, &str)> {
    let (uri, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    let pointer_ok = (pointer.is_empty() || pointer.starts_with('/')) && !pointer.contains('%');
    let uri_ok = match uri.strip_prefix(URI_PREFIX) {
        Some(name) => parse_name(name).is_some(),
        None => uri.is_empty() && reference.starts_with('#'),
    };
    (pointer_ok && uri_ok).then_some((uri, pointer))
}

/// `<type>/<version>` as its parts.
pub(super) fn parse_name(name: &str) -> Option<(EventType, Version)> {
    let (ty, version) = name.split_once('/')?;
    Some((EventType::parse(ty).ok()?, Version::parse(version).ok()?))
}

/// Whether a name is a plain word, such as people give to fields: nothing personal fits in it by accident.
pub(super) fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Visits every schema of a document that is an object, with its JSON Pointer.
pub(super) fn walk<'a>(document: &'a Value, visit: &mut impl FnMut(&str, &'a Map<String, Value>)) {
    step(document, &mut String::new(), &mut |pointer, value| {
        if let Some(schema) = value.as_object() {
            visit(pointer, schema);
        }
    });
}

/// The JSON Pointers of every schema of a document, `true` and `false` included.
pub(super) fn pointers(document: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    step(document, &mut String::new(), &mut |pointer, _| {
        all.insert(pointer.to_owned());
    });
    all
}

fn step<'a>(value: &'a Value, pointer: &mut String, visit: &mut dyn FnMut(&str, &'a Value)) {
    if !value.is_object() && !value.is_boolean() {
        return;
    }
    visit(pointer, value);
    let Some(schema) = value.as_object() else { return };
    let here = pointer.len();
    for (keyword, value) in schema {
        push_token(pointer, keyword);
        let below = pointer.len();
        let keyword = keyword.as_str();
        match value {
            value if ONE.contains(&keyword) => step(value, pointer, visit),
            Value::Array(list) if LIST.contains(&keyword) => {
                for (index, value) in list.iter().enumerate() {
                    push_token(pointer, &index.to_string());
                    step(value, pointer, visit);
                    pointer.truncate(below);
                }
            }
            Value::Object(members) if NAMED.contains(&keyword) => {
                for (name, value) in members {
                    push_token(pointer, name);
                    step(value, pointer, visit);
                    pointer.truncate(below);
                }
            }
            _ => {}
        }
        pointer.truncate(here);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn library(documents: &[(&str, Value)]) -> Library {
        let uri = |name: &str| format!("{URI_PREFIX}{name}");
        Library::new(documents.iter().map(|(name, value)| (uri(name), Arc::new(value.clone()))).collect())
    }

    #[test]
    fn only_two_forms_of_reference_are_known() {
        for good in ["#", "#/$defs/a", "falaj:/schemas/a.b/1.0", "falaj:/schemas/a.b/1.0#/$defs/x"] {
            assert!(split(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a.json",
            "#anchor",
            "http://x/y",
            "file:///etc/passwd",
            "falaj:/schemas/a.b/1",
            "falaj:/schemas/../x",
            "../a.b/1.0",
            "#/%24defs/a",
            "falaj:/schemas/a.b/1.0#x",
            "https://json-schema.org/draft/2020-12/schema",
        ] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn references_lead_across_documents() {
        let library = library(&[
            ("a.b/1.0", json!({"$ref": "falaj:/schemas/c.d/1.0#/$defs/x"})),
            ("c.d/1.0", json!({"$defs": {"x": {"$ref": "#/$defs/y"}, "y": {"type": "string"}}})),
        ]);
        let root = library.root("falaj:/schemas/a.b/1.0").unwrap();
        let x = library.target(root).unwrap();
        assert_eq!(x.base, "falaj:/schemas/c.d/1.0");
        assert_eq!(library.target(x).unwrap().value, &json!({"type": "string"}));
        assert!(library.follow(root.base, "#/$defs/none").is_none());
    }

    #[test]
    fn a_reference_in_a_circle_is_endless_and_a_tree_is_not() {
        let library = library(&[
            ("a.b/1.0", json!({"allOf": [{"$ref": "falaj:/schemas/c.d/1.0"}]})),
            ("c.d/1.0", json!({"anyOf": [{"type": "null"}, {"$ref": "falaj:/schemas/a.b/1.0"}]})),
            (
                "tree.x/1.0",
                json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "allOf": [true, true]}),
            ),
        ]);
        let endless = |name: &str| library.is_endless(library.root(name).unwrap(), &mut HashMap::new());
        assert!(endless("falaj:/schemas/a.b/1.0"));
        assert!(endless("falaj:/schemas/c.d/1.0"));
        assert!(!endless("falaj:/schemas/tree.x/1.0"));
    }

    #[test]
    fn a_walk_visits_schemas_and_not_values_that_look_like_them() {
        let document = json!({"properties": {"a/b": {"enum": [{"properties": {"no": {}}}]}, "f": false}, "x-o": {"items": {}},
            "allOf": [{"items": {"type": "string"}}]});
        let all: Vec<String> = pointers(&document).into_iter().collect();
        assert_eq!(all, ["", "/allOf/0", "/allOf/0/items", "/properties/a~1b", "/properties/f"]);
    }
}

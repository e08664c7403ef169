//! Whether two schemas say the same, whatever their notes, the order of their members and the way their references are written.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::library::{LIST, Library, NAMED, Node, ONE};

/// Keywords that assert nothing.
const NOTES: [&str; 11] = [
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];
/// Keywords whose list has no order.
const SETS: [&str; 3] = ["enum", "required", "type"];

/// Whether two schemas, each with the library its references lead into, say the same.
pub(super) fn same(a_library: &Library, a: Node<'_>, b_library: &Library, b: Node<'_>) -> bool {
    Pair { a: a_library, b: b_library, seen: HashSet::new() }.schemas(a, b)
}

struct Pair<'a> {
    a: &'a Library,
    b: &'a Library,
    seen: HashSet<(usize, usize)>,
}

impl Pair<'_> {
    fn schemas(&mut self, a: Node<'_>, b: Node<'_>) -> bool {
        let (a, b) = (resolved(self.a, a), resolved(self.b, b));
        if !self.seen.insert((a.address(), b.address())) {
            return true;
        }
        let (Some(left), Some(right)) = (a.value.as_object(), b.value.as_object()) else { return a.value == b.value };
        let count = |schema: &Map<String, Value>| schema.keys().filter(|keyword| asserts(keyword)).count();
        count(left) == count(right)
            && left.iter().filter(|(keyword, _)| asserts(keyword)).all(|(keyword, left)| {
                right.get(keyword).is_some_and(|right| self.values(keyword, a.at(left), b.at(right)))
            })
    }

    fn values(&mut self, keyword: &str, a: Node<'_>, b: Node<'_>) -> bool {
        match (a.value, b.value) {
            (Value::Object(left), Value::Object(right)) if NAMED.contains(&keyword) => {
                left.len() == right.len()
                    && left.iter().all(|(name, l)| right.get(name).is_some_and(|r| self.schemas(a.at(l), b.at(r))))
            }
            (Value::Array(left), Value::Array(right)) if LIST.contains(&keyword) => {
                left.len() == right.len() && left.iter().zip(right).all(|(l, r)| self.schemas(a.at(l), b.at(r)))
            }
            (Value::Array(left), Value::Array(right)) if SETS.contains(&keyword) => {
                left.iter().all(|one| right.contains(one)) && right.iter().all(|one| left.contains(one))
            }
            (Value::String(left), Value::String(right)) if keyword == "$ref" => {
                match (self.a.follow(a.base, left), self.b.follow(b.base, right)) {
                    (Some(left), Some(right)) => self.schemas(left, right),
                    _ => false,
                }
            }
            _ if ONE.contains(&keyword) => self.schemas(a, b),
            (left, right) => left == right,
        }
    }
}

/// The schema itself, where a node is no more than a reference to it.
fn resolved<'a>(library: &'a Library, mut node: Node<'a>) -> Node<'a> {
    while let Some(target) = library.target(node) {
        if node
            .value
            .as_object()
            .is_some_and(|schema| schema.keys().any(|keyword| asserts(keyword) && keyword != "$ref"))
        {
            break;
        }
        node = target;
    }
    node
}

fn asserts(keyword: &str) -> bool {
    !keyword.starts_with("x-") && !NOTES.contains(&keyword)
}

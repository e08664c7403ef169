//! What a schema says about a place in the data: whether a value can stand there, and whether one always does.
//!
//! Q1: `Never` is said only of a place that no valid document has. Q2: `Always` only of one that every valid document has. Q3: what
//! cannot be known within the bounds is `Sometimes`; `not`, `contains`, `dependentSchemas` and counts of members are not looked into.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::document::options;
use super::library::{Library, Node};

/// The most combinations of alternatives looked at for one question.
const STEPS_MAX: u32 = 10_000;

/// What a schema says about a place in the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// No valid document has a value there.
    Never,
    /// Some valid documents have.
    Sometimes,
    /// All valid documents have.
    Always,
}

/// Looks a JSON Pointer up in a schema. What is said holds for the documents that have a value at each of `given`.
pub(super) fn reach(library: &Library, root: Node<'_>, pointer: &str, given: &[&str]) -> Reach {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Reach::Never;
    }
    let tokens: Vec<String> =
        pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let above =
        |given: &&&str| pointer.strip_prefix(**given).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let given = given.iter().filter(above).map(|given| tokens.len() - given.matches('/').count()).collect();
    let mut search = Search { library, left: STEPS_MAX, given };
    search.look(vec![root], &tokens).unwrap_or(Reach::Never)
}

/// Whether a name matches a pattern of `patternProperties`, by the engine that checks envelopes.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    options().build(&json!({ "pattern": pattern })).is_ok_and(|pattern| pattern.is_valid(&json!(name)))
}

/// Schemas that all hold for one value, and choices of which one alternative holds.
#[derive(Clone, Default)]
struct Facts<'a> {
    nodes: Vec<Node<'a>>,
    seen: HashSet<usize>,
    choices: Vec<Vec<Vec<Node<'a>>>>,
}

impl<'a> Facts<'a> {
    /// Adds a schema with all that it refers to in place; `false` where no value can be valid any more.
    fn add(&mut self, library: &'a Library, node: Node<'a>) -> bool {
        if node.value == &Value::Bool(false) {
            return false;
        }
        if !self.seen.insert(node.address()) {
            return true;
        }
        self.nodes.push(node);
        for keyword in ["anyOf", "oneOf"] {
            if node.keyword(keyword).is_some() {
                self.choices.push(node.list(keyword).map(|one| vec![one]).collect());
            }
        }
        if let Some(condition) = node.keyword("if") {
            let then = [Some(condition), node.keyword("then")].into_iter().flatten().collect();
            self.choices.push(vec![then, node.keyword("else").into_iter().collect()]);
        }
        library.target(node).into_iter().chain(node.list("allOf")).all(|next| self.add(library, next))
    }
}

struct Search<'a> {
    library: &'a Library,
    left: u32,
    /// Members that are known to be there, by the number of tokens that follow them.
    given: Vec<usize>,
}

impl<'a> Search<'a> {
    /// `None` where no value at all is valid.
    fn look(&mut self, schemas: Vec<Node<'a>>, tokens: &[String]) -> Option<Reach> {
        let mut facts = Facts::default();
        let possible = schemas.into_iter().all(|schema| facts.add(self.library, schema));
        if possible { self.settle(facts, tokens) } else { None }
    }

    /// Tries every alternative of every choice.
    fn settle(&mut self, mut facts: Facts<'a>, tokens: &[String]) -> Option<Reach> {
        let Some(left) = self.left.checked_sub(1) else { return Some(Reach::Sometimes) };
        self.left = left;
        let Some(choice) = facts.choices.pop() else { return self.step(&facts.nodes, tokens) };
        let mut answer = None;
        for alternative in choice {
            let mut branch = facts.clone();
            if !alternative.into_iter().all(|node| branch.add(self.library, node)) {
                continue;
            }
            answer = match (answer, self.settle(branch, tokens)) {
                (answer, None) => answer,
                (None, found) => found,
                (Some(a), Some(b)) => Some(if a == b { a } else { Reach::Sometimes }),
            };
        }
        answer
    }

    /// `None` where what is given cannot be there.
    fn step(&mut self, nodes: &[Node<'a>], tokens: &[String]) -> Option<Reach> {
        let Some((token, rest)) = tokens.split_first() else { return Some(Reach::Always) };
        let mut always_by_value = false;
        for values in nodes.iter().filter_map(|node| values(*node)) {
            match values.iter().filter(|value| has(value, tokens)).count() {
                0 => return Some(Reach::Never),
                count => always_by_value |= count == values.len(),
            }
        }
        let object = allows(nodes, "object");
        let array = allows(nodes, "array");
        let only = |ty: &str| nodes.iter().any(|node| node.value.get("type").is_some_and(|types| is_only(types, ty)));
        let as_member = if object { self.member(nodes, token, rest, only("object"))? } else { Reach::Never };
        let as_item = if array { self.item(nodes, token, rest, only("array")) } else { Reach::Never };
        Some(match (as_member, as_item) {
            (Reach::Never, Reach::Never) => Reach::Never,
            _ if always_by_value => Reach::Always,
            (Reach::Always, _) | (_, Reach::Always) => Reach::Always,
            _ => Reach::Sometimes,
        })
    }

    fn member(&mut self, nodes: &[Node<'a>], name: &str, rest: &[String], is_object: bool) -> Option<Reach> {
        let listed = nodes.iter().filter_map(|node| node.keyword("propertyNames")).filter_map(values);
        if listed.into_iter().any(|names| !names.iter().any(|known| known.as_str() == Some(name))) {
            return Some(Reach::Never);
        }
        let mut below: Vec<Node<'a>> = nodes.iter().flat_map(|node| member_schemas(*node, name)).collect();
        if below.is_empty() {
            below.extend(nodes.iter().filter_map(|node| node.keyword("unevaluatedProperties")));
        }
        let required = nodes.iter().any(|node| requires(*node, name)) && is_object;
        let given = self.given.contains(&rest.len());
        Some(match self.look(below, rest) {
            None if given => return None,
            None | Some(Reach::Never) => Reach::Never,
            Some(Reach::Always) if required || given => Reach::Always,
            Some(_) => Reach::Sometimes,
        })
    }

    fn item(&mut self, nodes: &[Node<'a>], token: &str, rest: &[String], is_array: bool) -> Reach {
        let Some(index) = token.parse::<usize>().ok().filter(|index| index.to_string() == token) else {
            return Reach::Never;
        };
        let bound = |node: &Node<'_>, keyword| node.value.get(keyword).and_then(Value::as_u64);
        if nodes.iter().filter_map(|node| bound(node, "maxItems")).any(|max| max <= index as u64) {
            return Reach::Never;
        }
        let below = nodes.iter().filter_map(|node| item_schema(*node, index)).collect();
        let there = nodes.iter().filter_map(|node| bound(node, "minItems")).any(|min| min > index as u64);
        match self.look(below, rest) {
            None | Some(Reach::Never) => Reach::Never,
            Some(Reach::Always) if there && is_array => Reach::Always,
            Some(_) => Reach::Sometimes,
        }
    }
}

/// The schemas that one schema, without looking through its references, lays on a member.
pub(super) fn member_schemas<'a>(node: Node<'a>, name: &str) -> Vec<Node<'a>> {
    let own = node.named("properties").and_then(|properties| properties.get(name));
    let patterns = node.named("patternProperties").into_iter().flatten();
    let matching = patterns.filter(|(pattern, _)| matches(pattern, name)).map(|(_, schema)| schema);
    let found: Vec<Node<'a>> = own.into_iter().chain(matching).map(|schema| node.at(schema)).collect();
    if found.is_empty() { node.keyword("additionalProperties").into_iter().collect() } else { found }
}

/// The schema that one schema, without looking through its references, lays on an item.
pub(super) fn item_schema<'a>(node: Node<'a>, index: usize) -> Option<Node<'a>> {
    node.list("prefixItems").nth(index).or_else(|| node.keyword("items"))
}

/// Whether a schema lists a name in `required`.
pub(super) fn requires(node: Node<'_>, name: &str) -> bool {
    let required = node.value.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|required| required.as_str() == Some(name)))
}

/// The only values a schema allows, where it lists them.
pub(super) fn values(node: Node<'_>) -> Option<&[Value]> {
    let one = node.value.get("const").map(std::slice::from_ref);
    one.or_else(|| node.value.get("enum").and_then(Value::as_array).map(Vec::as_slice))
}

fn has(value: &Value, tokens: &[String]) -> bool {
    let mut here = value;
    tokens.iter().all(|token| {
        let next = match here {
            Value::Object(members) => members.get(token),
            Value::Array(items) => token.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        next.map(|next| here = next).is_some()
    })
}

fn allows(nodes: &[Node<'_>], ty: &str) -> bool {
    nodes.iter().filter_map(|node| node.value.get("type")).all(|types| match types {
        Value::Array(list) => list.iter().any(|one| one == ty),
        one => one == ty,
    })
}

fn is_only(types: &Value, ty: &str) -> bool {
    match types {
        Value::Array(list) => !list.is_empty() && list.iter().all(|one| one == ty),
        one => one == ty,
    }
}

//! Whether every document that one schema allows is allowed by another: the engine of compatibility.
//!
//! `given` is a list of schemas that all hold for a value; `asked` is one schema that must follow from them. For each keyword of
//! `asked` a reason is looked for in `given`; where there is none, that is a change (K3). An assumption already being proved is taken as
//! proved: every way around a circle goes down into the data, which is finite.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::compat::order;
use super::document::options;
use super::library::{Library, Node};
use super::reach::{item_schema, matches, member_schemas, requires, values};
use super::same::same;
use super::source::push_token;

/// The most comparisons for one pair of versions, and how deep they go.
const STEPS_MAX: u32 = 20_000;
const DEPTH_MAX: u32 = 100;

/// Assertions that say something about values without members or items.
const SCALAR: [&str; 13] = [
    "type",
    "enum",
    "const",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "uniqueItems",
];
/// Keywords that are compared as they stand, those that belong together together.
const OPAQUE: [&[&str]; 11] = [
    &["anyOf"],
    &["oneOf"],
    &["not"],
    &["if", "then", "else"],
    &["contains", "minContains", "maxContains"],
    &["propertyNames"],
    &["dependentRequired"],
    &["dependentSchemas"],
    &["contentEncoding"],
    &["contentMediaType"],
    &["contentSchema"],
];

/// For whom the comparison is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `given` is the new version, `asked` the old one, opened.
    Receivers,
    /// `given` is the old version, `asked` the new one.
    Senders,
}

/// Something in `asked` that does not follow from `given`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) pointer: String,
    pub(super) schema_pointer: String,
    pub(super) what: String,
    pub(super) undecided: bool,
}

/// Where a comparison stands.
#[derive(Debug, Clone)]
struct Place {
    data: String,
    schema: String,
    depth: u32,
}

impl Place {
    fn below(&self, token: &str, keyword: &str, name: Option<&str>) -> Self {
        let mut place = Self { depth: self.depth + 1, ..self.clone() };
        push_token(&mut place.data, token);
        push_token(&mut place.schema, keyword);
        if let Some(name) = name {
            push_token(&mut place.schema, name);
        }
        place
    }
}

/// One comparison in one direction.
pub(super) struct Fit<'a> {
    side: Side,
    given: &'a Library,
    asked: &'a Library,
    assumed: HashSet<(Vec<usize>, usize)>,
    /// What lies below what was compared: the nearest places first, so that a change is named where it shows first.
    open: VecDeque<(Vec<Node<'a>>, Node<'a>, Place)>,
    left: u32,
    found: Vec<Change>,
}

impl<'a> Fit<'a> {
    pub(super) fn new(side: Side, given: &'a Library, asked: &'a Library) -> Self {
        Self { side, given, asked, assumed: HashSet::new(), open: VecDeque::new(), left: STEPS_MAX, found: Vec::new() }
    }

    /// Everything in `asked` that does not follow from `given`.
    pub(super) fn compare(mut self, given: Node<'a>, asked: Node<'a>) -> Vec<Change> {
        let place = Place { data: "/data".to_owned(), schema: String::new(), depth: 0 };
        self.later(vec![given], asked, place);
        while let Some((given, asked, place)) = self.open.pop_front() {
            self.fits(&given, asked, &place);
        }
        self.found
    }

    fn later(&mut self, given: Vec<Node<'a>>, asked: Node<'a>, place: Place) {
        self.open.push_back((given, asked, place));
    }

    fn fits(&mut self, given: &[Node<'a>], asked: Node<'a>, place: &Place) {
        let Some(given) = self.unfold(given) else { return };
        if self.left == 0 || place.depth > DEPTH_MAX {
            return self.undecided(place, "the schema is too large to be compared");
        }
        self.left -= 1;
        let mut key: Vec<usize> = given.iter().map(|node| node.address()).collect();
        key.sort_unstable();
        let known = !self.assumed.insert((key, asked.address()));
        if known || given.iter().any(|one| same(self.given, *one, self.asked, asked)) {
            return;
        }
        let Some(schema) = asked.value.as_object() else {
            if asked.value == &Value::Bool(false) {
                self.change(place, "may now be given", "may no longer be given");
            }
            return;
        };
        if let Some(target) = self.asked.target(asked) {
            self.fits(&given, target, place);
        }
        for part in asked.list("allOf") {
            self.fits(&given, part, place);
        }
        self.scalars(&given, schema, place);
        let types = types_of(&given);
        if types & OBJECT != 0 {
            self.members(&given, asked, place);
        }
        if types & ARRAY != 0 {
            self.items(&given, asked, place);
        }
        self.opaque(&given, asked, place);
    }

    /// The schemas that hold together, references and `allOf` included; `None` where no value is valid.
    fn unfold(&self, given: &[Node<'a>]) -> Option<Vec<Node<'a>>> {
        let (mut open, mut seen, mut all) = (given.to_vec(), HashSet::new(), Vec::new());
        while let Some(node) = open.pop() {
            if node.value == &Value::Bool(false) {
                return None;
            }
            if seen.insert(node.address()) {
                all.push(node);
                open.extend(self.given.target(node));
                open.extend(node.list("allOf"));
            }
        }
        Some(all)
    }

    /// Assertions about the value itself.
    fn scalars(&mut self, given: &[Node<'a>], asked: &Map<String, Value>, place: &Place) {
        let listed = given.iter().filter_map(|node| values(*node)).min_by_key(|values| values.len());
        if let Some(values) = listed {
            return self.listed(values, asked, place);
        }
        let types = types_of(given);
        for (keyword, wanted) in asked.iter().filter(|(keyword, _)| SCALAR.contains(&keyword.as_str())) {
            let more = types & !bits(wanted);
            match keyword.as_str() {
                "type" if more != 0 => {
                    let names = names(more);
                    self.change(place, &format!("may now also be {names}"), &format!("may no longer be {names}"));
                }
                "enum" | "const" => {
                    self.change(place, "is no longer limited to its choices", "is now limited to choices")
                }
                "format" | "pattern" if types & STRING != 0 && !states(given, keyword, wanted) => {
                    let (was, is) = (format!("lost the {keyword} {wanted}"), format!("has the {keyword} {wanted} now"));
                    self.change(place, &was, &is);
                }
                "minLength" | "maxLength" if types & STRING != 0 => self.bound(given, keyword, wanted, place),
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
                    if types & NUMBER != 0 =>
                {
                    self.bound(given, keyword, wanted, place);
                }
                "uniqueItems" if types & ARRAY != 0 && wanted == true && !states(given, keyword, wanted) => {
                    self.change(place, "may now repeat an item", "may no longer repeat an item");
                }
                _ => {}
            }
        }
    }

    /// A list of choices: each is simply tried.
    fn listed(&mut self, values: &[Value], asked: &Map<String, Value>, place: &Place) {
        let scalar = asked.iter().filter(|(keyword, _)| SCALAR.contains(&keyword.as_str()));
        let schema: Map<String, Value> = scalar.map(|(keyword, value)| (keyword.clone(), value.clone())).collect();
        let Ok(validator) = options().build(&Value::Object(schema)) else {
            return self.undecided(place, "its choices cannot be compared");
        };
        let other: Vec<String> =
            values.iter().filter(|value| !validator.is_valid(value)).map(Value::to_string).collect();
        if !other.is_empty() {
            let list = other.join(", ");
            self.change(place, &format!("may now also be {list}"), &format!("may no longer be {list}"));
        }
    }

    /// A bound of `asked` follows from one in `given` that is as tight.
    fn bound(&mut self, given: &[Node<'a>], keyword: &str, wanted: &Value, place: &Place) {
        let holds = |other: &str, accept: &[Ordering]| {
            let mut bounds =
                given.iter().filter_map(|node| node.value.get(other)).filter_map(|bound| order(bound, wanted));
            bounds.any(|found| accept.contains(&found))
        };
        const UP: [Ordering; 2] = [Ordering::Greater, Ordering::Equal];
        const DOWN: [Ordering; 2] = [Ordering::Less, Ordering::Equal];
        let kept = match keyword {
            "minimum" => holds("minimum", &UP) || holds("exclusiveMinimum", &UP),
            "maximum" => holds("maximum", &DOWN) || holds("exclusiveMaximum", &DOWN),
            "exclusiveMinimum" => holds("exclusiveMinimum", &UP) || holds("minimum", &UP[..1]),
            "exclusiveMaximum" => holds("exclusiveMaximum", &DOWN) || holds("maximum", &DOWN[..1]),
            "multipleOf" => {
                given.iter().filter_map(|node| node.value.get("multipleOf")).any(|step| divides(wanted, step))
            }
            low if low.starts_with("min") => wanted.as_u64() == Some(0) || holds(low, &UP),
            high => holds(high, &DOWN),
        };
        if !kept {
            self.change(
                place,
                &format!("is no longer held to {keyword} {wanted}"),
                &format!("is now held to {keyword} {wanted}"),
            );
        }
    }

    /// Assertions about members.
    fn members(&mut self, given: &[Node<'a>], asked: Node<'a>, place: &Place) {
        for keyword in ["minProperties", "maxProperties"] {
            if let Some(wanted) = asked.value.get(keyword) {
                self.bound(given, keyword, wanted, place);
            }
        }
        let required =
            asked.value.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !given.iter().any(|node| requires(*node, name))) {
            let place = place.below(name, "properties", Some(name));
            self.change(&place, "was required and no longer is", "is required now");
        }
        for (name, schema) in asked.named("properties").into_iter().flatten() {
            let below: Vec<_> = given.iter().flat_map(|node| member_schemas(*node, name)).collect();
            self.later(below, asked.at(schema), place.below(name, "properties", Some(name)));
        }
        for (pattern, schema) in asked.named("patternProperties").into_iter().flatten() {
            let with_pattern = |node: &Node<'a>| Some(node.at(node.named("patternProperties")?.get(pattern)?));
            let below: Vec<_> = given.iter().filter_map(with_pattern).collect();
            if below.is_empty() {
                self.undecided(place, "patternProperties changed");
            } else {
                self.later(below, asked.at(schema), place.below("*", "patternProperties", Some(pattern)));
            }
        }
        if let Some(other) = asked.keyword("additionalProperties") {
            let opened = self.side == Side::Receivers && other.value == &Value::Bool(false);
            if !opened && other.value != &Value::Bool(true) {
                self.others(given, asked, other, place);
            }
        }
    }

    /// Members that `asked` does not list: those that `given` lists, those of its patterns, and all the rest.
    fn others(&mut self, given: &[Node<'a>], asked: Node<'a>, other: Node<'a>, place: &Place) {
        let listed = |name: &str| asked.named("properties").is_some_and(|properties| properties.contains_key(name));
        let patterns: Vec<&str> =
            asked.named("patternProperties").into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let known: BTreeSet<&str> =
            given.iter().filter_map(|node| node.named("properties")).flat_map(Map::keys).map(String::as_str).collect();
        for name in known {
            if !listed(name) && !patterns.iter().any(|pattern| matches(pattern, name)) {
                let below: Vec<_> = given.iter().flat_map(|node| member_schemas(*node, name)).collect();
                self.later(below, other, place.below(name, "properties", Some(name)));
            }
        }
        let place = place.below("*", "additionalProperties", None);
        for node in given {
            for (pattern, schema) in node.named("patternProperties").into_iter().flatten() {
                if !patterns.contains(&pattern.as_str()) {
                    self.later(vec![node.at(schema)], other, place.clone());
                }
            }
        }
        let rest: Vec<_> = given.iter().filter_map(|node| node.keyword("additionalProperties")).collect();
        self.later(rest, other, place);
    }

    /// Assertions about items.
    fn items(&mut self, given: &[Node<'a>], asked: Node<'a>, place: &Place) {
        for keyword in ["minItems", "maxItems"] {
            if let Some(wanted) = asked.value.get(keyword) {
                self.bound(given, keyword, wanted, place);
            }
        }
        let listed = asked.list("prefixItems").count();
        let longest = given.iter().map(|node| node.list("prefixItems").count()).max().unwrap_or(0);
        for index in 0..listed.max(longest) {
            let Some(wanted) = item_schema(asked, index) else { continue };
            let below: Vec<_> = given.iter().filter_map(|node| item_schema(*node, index)).collect();
            self.later(below, wanted, place.below(&index.to_string(), "prefixItems", Some(&index.to_string())));
        }
        if let Some(wanted) = asked.keyword("items") {
            let below: Vec<_> = given.iter().filter_map(|node| node.keyword("items")).collect();
            self.later(below, wanted, place.below("*", "items", None));
        }
    }

    /// Assertions that must stand as they stood.
    fn opaque(&mut self, given: &[Node<'a>], asked: Node<'a>, place: &Place) {
        for group in OPAQUE.into_iter().filter(|group| asked.value.get(group[0]).is_some()) {
            let only = |node: Node<'a>| {
                let kept =
                    group.iter().filter_map(|keyword| Some(((*keyword).to_owned(), node.value.get(*keyword)?.clone())));
                Value::Object(kept.collect())
            };
            let wanted = only(asked);
            let stands = given.iter().any(|node| {
                let have = only(*node);
                same(
                    self.given,
                    Node { base: node.base, value: &have },
                    self.asked,
                    Node { base: asked.base, value: &wanted },
                )
            });
            if !stands {
                self.undecided(place, &format!("{} changed", group[0]));
            }
        }
        for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
            if asked.value.get(keyword).is_some_and(|value| value != true) {
                self.undecided(place, &format!("the schema around {keyword} changed"));
            }
        }
    }

    fn change(&mut self, place: &Place, for_receivers: &str, for_senders: &str) {
        let what = if self.side == Side::Receivers { for_receivers } else { for_senders };
        self.push(place, what.to_owned(), false);
    }

    fn undecided(&mut self, place: &Place, what: &str) {
        self.push(place, format!("{what}: it cannot be decided whether it still fits"), true);
    }

    fn push(&mut self, place: &Place, what: String, undecided: bool) {
        let change = Change { pointer: place.data.clone(), schema_pointer: place.schema.clone(), what, undecided };
        if !self.found.contains(&change) {
            self.found.push(change);
        }
    }
}

const NULL: u8 = 1;
const BOOLEAN: u8 = 2;
const INTEGER: u8 = 4;
const FRACTION: u8 = 8;
const NUMBER: u8 = INTEGER | FRACTION;
const STRING: u8 = 16;
const ARRAY: u8 = 32;
const OBJECT: u8 = 64;
const NAMES: [(&str, u8); 7] = [
    ("null", NULL),
    ("boolean", BOOLEAN),
    ("integer", INTEGER),
    ("number", NUMBER),
    ("string", STRING),
    ("array", ARRAY),
    ("object", OBJECT),
];

/// The types that `type` names.
fn bits(types: &Value) -> u8 {
    let one = |name: &Value| NAMES.iter().find(|(known, _)| name == known).map_or(0, |(_, bits)| *bits);
    types.as_array().map_or_else(|| one(types), |list| list.iter().map(one).fold(0, |all, one| all | one))
}

/// The types a value can have where all these schemas hold.
fn types_of(given: &[Node<'_>]) -> u8 {
    let stated = given.iter().filter_map(|node| node.value.get("type")).map(bits);
    let listed = given.iter().filter_map(|node| values(*node)).map(|values| {
        values.iter().fold(0, |all, value| {
            all | match value {
                Value::Null => NULL,
                Value::Bool(_) => BOOLEAN,
                Value::Number(_) => NUMBER,
                Value::String(_) => STRING,
                Value::Array(_) => ARRAY,
                Value::Object(_) => OBJECT,
            }
        })
    });
    stated.chain(listed).fold(u8::MAX >> 1, |all, one| all & one)
}

fn names(types: u8) -> String {
    let whole = types & NUMBER == NUMBER;
    let named = |(name, bits): &&(&str, u8)| match *name {
        "number" => types & FRACTION != 0,
        "integer" => types & INTEGER != 0 && !whole,
        _ => types & bits != 0,
    };
    NAMES.iter().filter(named).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Whether one of the schemas has the keyword with this very value.
fn states(given: &[Node<'_>], keyword: &str, wanted: &Value) -> bool {
    given.iter().any(|node| node.value.get(keyword) == Some(wanted))
}

/// Whether every multiple of `step` is one of `wanted`.
fn divides(wanted: &Value, step: &Value) -> bool {
    match (wanted.as_u64(), step.as_u64()) {
        (Some(wanted), Some(step)) => wanted > 0 && step % wanted == 0,
        _ => json!(wanted) == *step,
    }
}

//! The part of a schema that an agency is told: what is left of a type's data when it is cut to the fields that are listed.
//!
//! X1: every projection of a valid document satisfies the excerpt; where the schema does not decide, the excerpt allows. X2: nothing
//! stands in it that is not listed: neither name nor description of a withheld field. X3: it stands alone, without a `$ref`, and is
//! bounded; what leads back to itself, or on and on, is anything from there.
//!
//! It is written in JSON Schema draft 7, the dialect of AsyncAPI. What draft 7 cannot say (`unevaluatedProperties`, `minContains`) is left
//! out, which allows more; below `not`, `if` and `oneOf`, where to allow more means to refuse more, the whole keyword goes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::library::{LIST, Library, NAMED, Node};
use super::reach::{Reach, item_schema, member_schemas, reach};
use super::version::Schema;

/// Schemas that one excerpt is made of at most.
const NODES_MAX: usize = 4_000;
/// Keywords that say something to a reader and assert nothing.
const TOLD: [&str; 6] = ["title", "description", "default", "examples", "deprecated", "format"];
/// Keywords whose value is taken as it stands.
const KEPT: [&str; 19] = [
    "const",
    "contentEncoding",
    "contentMediaType",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
];
/// Keywords whose value is one schema, in draft 7 as here.
const ONE: [&str; 8] = ["additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"];

/// Keywords that assert something draft 7 has no word for.
const UNSAID: [&str; 5] =
    ["dependentRequired", "maxContains", "minContains", "unevaluatedItems", "unevaluatedProperties"];
/// Keywords that refuse more where what stands below them allows more.
const REVERSED: [&str; 3] = ["if", "not", "oneOf"];

/// One step of the listed pointers, with those that go on from it.
#[derive(Default)]
struct Step {
    whole: bool,
    next: BTreeMap<String, Step>,
}

impl Step {
    fn of(pointers: &[&str]) -> Self {
        let mut root = Self::default();
        for pointer in pointers {
            let mut step = &mut root;
            for token in pointer.split('/').skip(1) {
                step = step.next.entry(token.replace("~1", "/").replace("~0", "~")).or_default();
            }
            step.whole = true;
        }
        root
    }

    /// Every listed pointer from here, written from the root.
    fn listed(&self, here: &str, found: &mut Vec<String>) {
        if self.whole {
            found.push(here.to_owned());
            return;
        }
        for (token, next) in &self.next {
            next.listed(&below(here, token), found);
        }
    }
}

fn below(here: &str, token: &str) -> String {
    format!("{here}/{}", token.replace('~', "~0").replace('/', "~1"))
}

impl Schema {
    /// The schema of this type's data cut to the fields at these JSON Pointers.
    pub fn excerpt(&self, pointers: &[&str]) -> Value {
        let root = self.root();
        let mut cut = Cut { library: self.library(), root, left: NODES_MAX, above: Vec::new(), widened: 0 };
        let step = Step::of(pointers);
        let mut out = cut.part(root, &step, "");
        if !step.whole && !types(cut.library, root, &mut Vec::new()).is_subset(&[Container::Object, Container::Array]) {
            // Of data that is neither, nothing is left but null.
            out = json!({ "anyOf": [out, { "type": "null" }] });
        }
        for keyword in ["title", "description"] {
            if let Some(told) = self.document.get(keyword) {
                out[keyword] = told.clone();
            }
        }
        out
    }
}

/// What a value can be, as far as a projection asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
    Neither,
}

/// What a value can be.
struct Types(Vec<Container>);

impl Types {
    fn is_subset(&self, of: &[Container]) -> bool {
        self.0.iter().all(|ty| of.contains(ty))
    }

    fn has(&self, ty: Container) -> bool {
        self.0.contains(&ty)
    }
}

/// The types that a schema allows, through its references and `allOf`.
fn types(library: &Library, node: Node<'_>, seen: &mut Vec<usize>) -> Types {
    let mut all = vec![Container::Object, Container::Array, Container::Neither];
    if seen.contains(&node.address()) {
        return Types(all);
    }
    seen.push(node.address());
    let container = |name: &Value| match name.as_str() {
        Some("object") => Container::Object,
        Some("array") => Container::Array,
        _ => Container::Neither,
    };
    match node.value.get("type") {
        Some(Value::Array(names)) => {
            let named: Vec<Container> = names.iter().map(container).collect();
            all.retain(|ty| named.contains(ty));
        }
        Some(name) => all.retain(|ty| *ty == container(name)),
        None => {}
    }
    for other in library.target(node).into_iter().chain(node.list("allOf")) {
        let other = types(library, other, seen);
        all.retain(|ty| other.has(*ty));
    }
    Types(all)
}

struct Cut<'a> {
    library: &'a Library,
    root: Node<'a>,
    left: usize,
    /// The schemas that are being written, outermost first.
    above: Vec<usize>,
    /// How often something was left out.
    widened: usize,
}

impl<'a> Cut<'a> {
    /// What is left of a value at `here`.
    fn part(&mut self, node: Node<'a>, step: &Step, here: &str) -> Value {
        if step.whole {
            return self.whole(node);
        }
        let types = types(self.library, node, &mut Vec::new());
        let mut forms = Vec::new();
        if types.has(Container::Object) {
            forms.push(self.object(node, step, here));
        }
        if types.has(Container::Array) {
            forms.push(self.array(node, step, here));
        }
        match forms.len() {
            // It is no container: nothing of it is ever sent.
            0 => Value::Bool(false),
            1 => forms.remove(0),
            _ => json!({ "anyOf": forms }),
        }
    }

    fn object(&mut self, node: Node<'a>, step: &Step, here: &str) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, next) in &step.next {
            let path = below(here, name);
            let mut listed = Vec::new();
            next.listed(&path, &mut listed);
            let reaches = |pointer: &String| reach(self.library, self.root, pointer, &[here]);
            let reached: Vec<Reach> = listed.iter().map(reaches).collect();
            if reached.iter().all(|reach| *reach == Reach::Never) {
                continue;
            }
            if reached.contains(&Reach::Always) {
                required.push(name.clone());
            }
            let mut all = self.members(node, name, next, &path, &mut Vec::new());
            let schema = if all.len() == 1 { all.remove(0) } else { json!({ "allOf": all }) };
            properties.insert(name.clone(), if schema == json!({ "allOf": [] }) { json!({}) } else { schema });
        }
        let mut out = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if !required.is_empty() {
            out["required"] = json!(required);
        }
        out
    }

    /// What all schemas that hold for a value say of one of its members.
    fn members(&mut self, node: Node<'a>, name: &str, step: &Step, path: &str, seen: &mut Vec<usize>) -> Vec<Value> {
        if seen.contains(&node.address()) {
            return Vec::new();
        }
        seen.push(node.address());
        let own = member_schemas(node, name).into_iter().filter(|schema| schema.value != &Value::Bool(true));
        let mut all: Vec<Value> = own.collect::<Vec<_>>().into_iter().map(|own| self.part(own, step, path)).collect();
        let others: Vec<Node<'a>> = self.library.target(node).into_iter().chain(node.list("allOf")).collect();
        for other in others {
            all.extend(self.members(other, name, step, path, seen));
        }
        for keyword in ["anyOf", "oneOf"] {
            let alternatives: Vec<Node<'a>> = node.list(keyword).collect();
            let each: Vec<Vec<Value>> = alternatives
                .into_iter()
                .map(|alternative| self.members(alternative, name, step, path, &mut seen.clone()))
                .collect();
            if !each.is_empty() && each.iter().all(|one| !one.is_empty()) {
                let each: Vec<Value> = each.into_iter().map(|one| json!({ "allOf": one })).collect();
                all.push(json!({ "anyOf": each }));
            }
        }
        all.dedup();
        all
    }

    /// An index picks its element alone, so that what is left are the listed ones.
    fn array(&mut self, node: Node<'a>, step: &Step, here: &str) -> Value {
        let indices: Vec<(usize, &Step)> =
            step.next.iter().filter_map(|(token, next)| Some((token.parse().ok()?, next))).collect();
        let mut out = json!({ "type": "array", "maxItems": indices.len() });
        let mut items = Vec::new();
        for (index, next) in &indices {
            // One that the schema says nothing of may be anything, and so may all.
            let Some(item) = self.item(node, *index) else { return out };
            items.push(self.part(item, next, &below(here, &index.to_string())));
        }
        if !items.is_empty() {
            out["items"] = json!({ "anyOf": items });
        }
        out
    }

    /// The schema of an element, through references; one is enough, for what it does not say is allowed.
    fn item(&self, node: Node<'a>, index: usize) -> Option<Node<'a>> {
        item_schema(node, index).or_else(|| self.item(self.library.target(node)?, index))
    }

    /// A schema as it is, with everything that it refers to within it.
    fn whole(&mut self, node: Node<'a>) -> Value {
        let Some(schema) = node.value.as_object() else { return node.value.clone() };
        if self.left == 0 || self.above.contains(&node.address()) {
            // Keeps X3.
            self.widened += 1;
            return json!({});
        }
        self.left -= 1;
        self.above.push(node.address());
        let out = self.written(node, schema);
        self.above.pop();
        out
    }

    fn written(&mut self, node: Node<'a>, schema: &'a Map<String, Value>) -> Value {
        let mut out = Map::new();
        for (keyword, value) in schema {
            let name = keyword.as_str();
            let before = self.widened;
            match value {
                _ if TOLD.contains(&name) || KEPT.contains(&name) => drop(out.insert(keyword.clone(), value.clone())),
                // Draft 7 calls the schema of what follows the first items otherwise.
                _ if name == "items" && schema.contains_key("prefixItems") => {
                    out.insert("additionalItems".to_owned(), self.whole(node.at(value)));
                }
                Value::Array(list) if name == "prefixItems" => {
                    let items = list.iter().map(|one| self.whole(node.at(one))).collect();
                    out.insert("items".to_owned(), items);
                }
                Value::Array(list) if LIST.contains(&name) => {
                    let list = list.iter().map(|one| self.whole(node.at(one))).collect();
                    out.insert(keyword.clone(), list);
                }
                Value::Object(members) if NAMED.contains(&name) && name != "$defs" => {
                    let members = members.iter().map(|(name, one)| (name.clone(), self.whole(node.at(one)))).collect();
                    let name = if name == "dependentSchemas" { "dependencies" } else { name };
                    out.insert(name.to_owned(), Value::Object(members));
                }
                value if ONE.contains(&name) => drop(out.insert(keyword.clone(), self.whole(node.at(value)))),
                Value::Object(members) if name == "dependentRequired" && !schema.contains_key("dependentSchemas") => {
                    out.insert("dependencies".to_owned(), Value::Object(members.clone()));
                }
                _ if UNSAID.contains(&name) => self.widened += 1,
                _ => {}
            }
            if self.widened > before && REVERSED.contains(&name) {
                // Keeps X1.
                let list = out.remove(keyword);
                if name == "oneOf" && !schema.contains_key("anyOf") {
                    out.extend(list.map(|list| ("anyOf".to_owned(), list)));
                }
            }
        }
        if schema.contains_key("minContains") {
            out.remove("contains");
        }
        if !out.contains_key("if") {
            out.remove("then");
            out.remove("else");
        }
        let Some(target) = self.library.target(node) else { return Value::Object(out) };
        let Value::Object(mut target) = self.whole(target) else { return Value::Object(out) };
        let only_told = out.keys().all(|keyword| TOLD.contains(&keyword.as_str()) && keyword != "format");
        if only_told {
            target.extend(out);
            return Value::Object(target);
        }
        let list = out.entry("allOf").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(Value::Object(target));
        }
        Value::Object(out)
    }
}

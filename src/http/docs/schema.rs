//! Values described: JSON Schema 2020-12 with every text in both languages.
//!
//! What an answer may hold is open in the document, so that a field can be added without breaking a caller; the tests close it.
//! What a request may hold is closed, as the handlers are.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::words::Words;

/// Where the named schemas stand in the document.
const COMPONENTS: &str = "#/components/schemas/";

/// A value in a request or an answer.
#[derive(Debug, Clone)]
pub struct Schema {
    /// What it is made of.
    pub form: Form,
    /// Further keywords of JSON Schema: bounds, formats, defaults.
    pub keywords: Map<String, Value>,
}

/// What a value is made of.
#[derive(Debug, Clone)]
pub enum Form {
    /// Its keywords say it.
    Plain,
    /// It has a name among the components.
    Named(fn() -> Named),
    /// A list.
    List(Box<Schema>),
    /// An object.
    Object {
        /// Its members.
        fields: Vec<Field>,
        /// Whether it has no others (requests).
        closed: bool,
    },
    /// One of several.
    Either(Vec<Schema>),
}

/// A schema with a name of its own.
#[derive(Debug, Clone)]
pub struct Named {
    /// The name, in the document and in links.
    pub name: &'static str,
    /// What it is.
    pub about: Words,
    /// Of what.
    pub schema: Schema,
}

/// A member of an object.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: Words,
    /// Whether it is always there.
    pub required: bool,
    /// Of what.
    pub schema: Schema,
}

/// The named schemas of a document, gathered while it is written.
#[derive(Debug, Default)]
pub struct Shelf(BTreeMap<&'static str, Value>);

impl Shelf {
    /// All of them.
    pub fn into_schemas(self) -> Map<String, Value> {
        self.0.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
    }
}

fn plain(keywords: Value) -> Schema {
    let Value::Object(keywords) = keywords else { unreachable!("keywords are an object") };
    Schema { form: Form::Plain, keywords }
}

fn formed(form: Form) -> Schema {
    Schema { form, keywords: Map::new() }
}

/// Any JSON value.
pub fn anything() -> Schema {
    plain(json!({}))
}

/// A string.
pub fn text() -> Schema {
    plain(json!({ "type": "string" }))
}

/// A whole number, not negative.
pub fn whole() -> Schema {
    plain(json!({ "type": "integer", "minimum": 0 }))
}

/// A number.
pub fn number() -> Schema {
    plain(json!({ "type": "number" }))
}

/// `true` or `false`.
pub fn flag() -> Schema {
    plain(json!({ "type": "boolean" }))
}

/// One of these words.
pub fn word<'a>(words: impl IntoIterator<Item = &'a str>) -> Schema {
    let words: Vec<&str> = words.into_iter().collect();
    plain(json!({ "type": "string", "enum": words }))
}

/// This value alone.
pub fn only(value: impl Into<Value>) -> Schema {
    let value: Value = value.into();
    plain(json!({ "const": value }))
}

/// A schema with a name.
pub fn of(named: fn() -> Named) -> Schema {
    formed(Form::Named(named))
}

/// A list.
pub fn list(of: Schema) -> Schema {
    formed(Form::List(Box::new(of)))
}

/// One of several.
pub fn either(of: impl IntoIterator<Item = Schema>) -> Schema {
    formed(Form::Either(of.into_iter().collect()))
}

/// An object of an answer.
pub fn object() -> Schema {
    formed(Form::Object { fields: Vec::new(), closed: false })
}

/// An object of a request, which has no other members.
pub fn asked() -> Schema {
    formed(Form::Object { fields: Vec::new(), closed: true })
}

impl Schema {
    /// A member that is always there.
    pub fn has(self, name: &'static str, schema: Schema, about: Words) -> Self {
        self.field(Field { name, about, required: true, schema })
    }

    /// A member that may be absent.
    pub fn may(self, name: &'static str, schema: Schema, about: Words) -> Self {
        self.field(Field { name, about, required: false, schema })
    }

    /// All members of another object.
    pub fn like(self, other: Named) -> Self {
        let Form::Object { fields, .. } = other.schema.form else { unreachable!("{} is no object", other.name) };
        fields.into_iter().fold(self, Self::field)
    }

    fn field(mut self, field: Field) -> Self {
        let Form::Object { fields, .. } = &mut self.form else { unreachable!("{} within no object", field.name) };
        fields.push(field);
        self
    }

    /// A keyword of JSON Schema.
    pub fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.keywords.insert(keyword.to_owned(), value.into());
        self
    }

    /// Characters at most.
    pub fn chars_max(self, max: usize) -> Self {
        self.with("maxLength", max)
    }

    /// The least and the greatest.
    pub fn between(self, min: u64, max: u64) -> Self {
        self.with("minimum", min).with("maximum", max)
    }

    /// Items at most.
    pub fn items_max(self, max: usize) -> Self {
        self.with("maxItems", max)
    }

    /// What stands for it where it is absent.
    pub fn default(self, value: impl Into<Value>) -> Self {
        self.with("default", value)
    }

    /// As JSON Schema; what it names goes onto the shelf.
    pub fn write(&self, shelf: &mut Shelf) -> Value {
        let mut out = match &self.form {
            Form::Plain => json!({}),
            Form::Named(named) => named().write_reference(shelf),
            Form::List(of) => json!({ "type": "array", "items": of.write(shelf) }),
            Form::Either(of) => json!({ "anyOf": of.iter().map(|one| one.write(shelf)).collect::<Vec<_>>() }),
            Form::Object { fields, closed } => write_object(fields, *closed, shelf),
        };
        for (keyword, value) in &self.keywords {
            out[keyword] = value.clone();
        }
        out
    }
}

impl Named {
    fn write_reference(&self, shelf: &mut Shelf) -> Value {
        if !shelf.0.contains_key(self.name) {
            // The place is taken before the schema is written: it may lead back to itself.
            shelf.0.insert(self.name, Value::Null);
            let mut schema = self.schema.write(shelf);
            describe(&mut schema, self.about);
            shelf.0.insert(self.name, schema);
        }
        json!({ "$ref": format!("{COMPONENTS}{}", self.name) })
    }
}

fn write_object(fields: &[Field], closed: bool, shelf: &mut Shelf) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = field.schema.write(shelf);
        describe(&mut schema, field.about);
        properties.insert(field.name.to_owned(), schema);
    }
    let mut out = json!({ "type": "object", "properties": properties });
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    if closed {
        out["additionalProperties"] = Value::Bool(false);
    }
    out
}

/// Adds a description in both languages.
pub fn describe(out: &mut Value, about: Words) {
    out["description"] = about.en.into();
    out["x-description-ar"] = about.ar.into();
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    const ABOUT: Words = words("A", "أ");

    fn tree() -> Named {
        let schema = object().has("n", whole().between(1, 9), ABOUT).may("below", list(of(tree)).items_max(2), ABOUT);
        Named { name: "Tree", about: ABOUT, schema }
    }

    #[test]
    fn a_named_schema_may_lead_back_to_itself_and_stands_once() {
        let mut shelf = Shelf::default();
        let written = list(of(tree)).write(&mut shelf);
        assert_eq!(written, json!({ "type": "array", "items": { "$ref": "#/components/schemas/Tree" } }));
        let schemas = shelf.into_schemas();
        assert_eq!(schemas.len(), 1);
        assert_eq!(schemas["Tree"]["required"], json!(["n"]));
        assert_eq!(schemas["Tree"]["properties"]["below"]["maxItems"], 2);
        assert_eq!(schemas["Tree"]["properties"]["n"]["x-description-ar"], "أ");
    }

    #[test]
    fn a_request_is_closed_and_an_answer_is_open() {
        let mut shelf = Shelf::default();
        assert_eq!(asked().write(&mut shelf)["additionalProperties"], false);
        assert_eq!(object().write(&mut shelf).get("additionalProperties"), None);
        let both = object().has("own", flag(), ABOUT).like(tree()).write(&mut shelf);
        assert_eq!(both["required"], json!(["own", "n"]));
    }
}

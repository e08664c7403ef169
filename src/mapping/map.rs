//! The field map: CEL expressions that make an agency's own fields, and the three forms they are written in.
//!
//! M1: a target that is a plain path, or a choice between plain paths, is copied as it stands in the text, with every digit; a
//! number that CEL computes is CEL's. M2: the writer escapes, never the author.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cel::IdedExpr;
use cel::common::ast::{Expr, operators};
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::evaluate::{self, Fault, Found};
use super::expression::Expression;
use super::place::{self, Place, Wanted};
use super::{Fields, MappingError, Read, Refused, csv, xml};
use crate::model::envelope::{AttributeValue, Attributes};
use crate::model::json::{self, Kind};

/// Targets of one field map.
const TARGETS_MAX: usize = 256;
/// Bytes of a target's name.
const NAME_BYTES_MAX: usize = 128;

/// Media forms a field map can be written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapForm {
    /// One JSON object.
    Json,
    /// A header line and one line of values (RFC 4180, UTF-8, CRLF, guarded against formula injection).
    Csv,
    /// One element per field below this root.
    Xml {
        /// Name of the root element.
        root: String,
    },
}

/// A field map, compiled and bounded.
#[derive(Debug)]
pub struct FieldMap {
    form: MapForm,
    targets: Vec<Target>,
    /// The plain paths of all targets, found in one walk.
    wanted: Vec<Wanted>,
}

#[derive(Debug)]
struct Target {
    name: String,
    expression: Expression,
    origin: Origin,
}

/// Where a target's value comes from.
#[derive(Debug)]
enum Origin {
    /// A path into data: an index into [`FieldMap::wanted`].
    Data(usize),
    Attribute(&'static str),
    Extension(String),
    /// `condition ? a : b`
    Choice(IdedExpr, Box<(Origin, Origin)>),
    /// Anything else.
    Computed(IdedExpr),
}

impl FieldMap {
    /// Compiles the expressions, each bounded and allowed to read only what `fields` lists.
    pub fn compile(
        map: &BTreeMap<String, String>,
        form: MapForm,
        fields: &Fields,
    ) -> Result<Self, Vec<(String, Refused)>> {
        let mut refused = Vec::new();
        if map.is_empty() || map.len() > TARGETS_MAX {
            let what = format!("a field map has 1 to {TARGETS_MAX} targets");
            refused.push((String::new(), Refused::new(what, "map = { target = \"data.field\" }")));
        }
        if let MapForm::Xml { root } = &form
            && !xml::is_name(root)
        {
            refused.push((root.clone(), not_a_name("the root")));
        }
        let mut compiled = Self { form, targets: Vec::new(), wanted: Vec::new() };
        for (name, text) in map {
            match compiled.target(name, text, fields) {
                Ok(target) => compiled.targets.push(target),
                Err(fault) => refused.push((name.clone(), fault)),
            }
        }
        if refused.is_empty() { Ok(compiled) } else { Err(refused) }
    }

    /// Everything its expressions read.
    pub fn reads(&self) -> Vec<Read> {
        self.targets.iter().flat_map(|target| target.expression.reads()).cloned().collect()
    }

    /// Context attributes and extensions that its expressions read, by name.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().flat_map(|target| target.expression.named())
    }

    fn target(&mut self, name: &str, text: &str, fields: &Fields) -> Result<Target, Refused> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let what = format!("a target's name has 1 to {NAME_BYTES_MAX} bytes");
            return Err(Refused::new(what, "shorten it"));
        }
        if matches!(self.form, MapForm::Xml { .. }) && !xml::is_name(name) {
            return Err(not_a_name("the target"));
        }
        let expression = Expression::compile(text, fields)?;
        let origin = self.origin(&expression.root);
        Ok(Target { name: name.to_owned(), expression, origin })
    }

    fn origin(&mut self, node: &IdedExpr) -> Origin {
        match place::place(node, &[]) {
            Some(Place::Data(path)) => {
                self.wanted.push(Wanted { path, value: true });
                return Origin::Data(self.wanted.len() - 1);
            }
            Some(Place::Attribute(name)) => return Origin::Attribute(name),
            Some(Place::Extension(name)) => return Origin::Extension(name),
            None => {}
        }
        match &node.expr {
            Expr::Call(call) if call.func_name == operators::CONDITIONAL && call.args.len() == 3 => {
                let branches = (self.origin(&call.args[1]), self.origin(&call.args[2]));
                Origin::Choice(call.args[0].clone(), Box::new(branches))
            }
            _ => Origin::Computed(node.clone()),
        }
    }

    /// The names of what it writes, and whether it writes JSON.
    pub fn targets(&self) -> (impl Iterator<Item = &str>, bool) {
        (self.targets.iter().map(|target| target.name.as_str()), self.form == MapForm::Json)
    }

    /// The media type of what [`FieldMap::write`] makes.
    pub fn content_type(&self) -> &'static str {
        match self.form {
            MapForm::Json => "application/json",
            MapForm::Csv => "text/csv; charset=utf-8",
            MapForm::Xml { .. } => "application/xml; charset=utf-8",
        }
    }

    /// Evaluates every target on one envelope and writes the form.
    pub(super) fn write(&self, attributes: &Attributes, data: &str) -> Result<Vec<u8>, MappingError> {
        let found = evaluate::pick(&self.wanted, data);
        let mut values = Vec::with_capacity(self.targets.len());
        for target in &self.targets {
            let value = target.value(attributes, data, &found).map_err(|what| target.error(what))?;
            values.push((target, value));
        }
        match &self.form {
            MapForm::Json => Ok(write_json(&values)),
            MapForm::Csv => Ok(write_csv(&values)),
            MapForm::Xml { root } => write_xml(root, &values),
        }
    }
}

fn not_a_name(what: &str) -> Refused {
    let hint = "an element's name is letters, digits, '-', '_' and '.', begins with a letter and has no prefix";
    Refused::new(format!("{what} is no XML name"), hint)
}

/// A value as JSON text, or none.
type Text<'v> = Option<Cow<'v, str>>;

impl Target {
    fn error(&self, what: Fault) -> MappingError {
        MappingError::Expression { target: self.name.clone(), what: what.into_owned() }
    }

    fn value<'v>(&self, attributes: &'v Attributes, data: &'v str, found: &[Found<'v>]) -> Result<Text<'v>, Fault> {
        let mut origin = &self.origin;
        loop {
            // Keeps M1.
            match origin {
                Origin::Data(index) => return Ok(found[*index].text.map(Cow::Borrowed)),
                Origin::Attribute(name) => return Ok(evaluate::attribute(attributes, name).map(quoted)),
                Origin::Extension(name) => return Ok(attributes.extensions.get(name).map(extension)),
                Origin::Choice(condition, branches) => {
                    let context = evaluate::bind(&self.expression, attributes, data)?;
                    let truth = evaluate::truth(&evaluate::run(&self.expression, condition, &context)?)?;
                    origin = if truth { &branches.0 } else { &branches.1 };
                }
                Origin::Computed(part) => {
                    let context = evaluate::bind(&self.expression, attributes, data)?;
                    let mut out = Vec::new();
                    write_value(evaluate::run(&self.expression, part, &context)?.as_ref(), &mut out)?;
                    return Ok(Some(Cow::Owned(String::from_utf8(out).expect("what is written here is UTF-8"))));
                }
            }
        }
    }
}

fn quoted<'v>(text: &str) -> Cow<'v, str> {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::write_string(text, &mut out);
    Cow::Owned(String::from_utf8(out).expect("a quoted text is UTF-8"))
}

fn extension<'v>(value: &AttributeValue) -> Cow<'v, str> {
    match value {
        AttributeValue::Text(text) => quoted(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Writes a CEL value as JSON.
fn write_value(value: &dyn Val, out: &mut Vec<u8>) -> Result<(), Fault> {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        json::write_string(text.inner(), out);
    } else if let Some(int) = value.downcast_ref::<CelInt>() {
        out.extend_from_slice(int.inner().to_string().as_bytes());
    } else if let Some(uint) = value.downcast_ref::<CelUInt>() {
        out.extend_from_slice(uint.inner().to_string().as_bytes());
    } else if let Some(truth) = value.downcast_ref::<CelBool>() {
        out.extend_from_slice(truth.inner().to_string().as_bytes());
    } else if value.downcast_ref::<CelNull>().is_some() {
        out.extend_from_slice(b"null");
    } else if let Some(double) = value.downcast_ref::<CelDouble>() {
        if !double.inner().is_finite() {
            return Err("the result is no finite number".into());
        }
        serde_json::to_writer(out, double.inner()).map_err(|_| "the result cannot be written")?;
    } else if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        out.push(b'[');
        for (index, element) in list.inner().iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_value(element.as_ref(), out)?;
        }
        out.push(b']');
    } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        let members: BTreeMap<String, &dyn Val> = map.inner().iter().map(|(k, v)| (name(k), v.as_ref() as _)).collect();
        out.push(b'{');
        for (index, (name, member)) in members.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json::write_string(&name, out);
            out.push(b':');
            write_value(member, out)?;
        }
        out.push(b'}');
    } else {
        return Err(format!("a result of type {} cannot be sent", value.get_type().name()).into());
    }
    Ok(())
}

fn name(key: &CelMapKey<'_>) -> String {
    match key {
        CelMapKey::Bool(key) => key.inner().to_string(),
        CelMapKey::Int(key) => key.inner().to_string(),
        CelMapKey::String(key) => key.inner().to_owned(),
        CelMapKey::UInt(key) => key.inner().to_string(),
    }
}

fn write_json(values: &[(&Target, Text<'_>)]) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (target, value) in values {
        let Some(value) = value else { continue };
        if out.len() > 1 {
            out.push(b',');
        }
        json::write_string(&target.name, &mut out);
        out.push(b':');
        out.extend_from_slice(json::compact(value).as_bytes());
    }
    out.push(b'}');
    out
}

fn write_csv(values: &[(&Target, Text<'_>)]) -> Vec<u8> {
    let (mut header, mut line) = (String::new(), String::new());
    for (index, (target, value)) in values.iter().enumerate() {
        if index > 0 {
            header.push(',');
            line.push(',');
        }
        csv::write_field(&target.name, &mut header);
        csv::write_field(&value.as_deref().map_or(Cow::Borrowed(""), plain), &mut line);
    }
    format!("{header}\r\n{line}\r\n").into_bytes()
}

/// A JSON value as a cell shows it: text without quotes, null as nothing, lists and objects as compact JSON.
fn plain(value: &str) -> Cow<'_, str> {
    match json::kind(value) {
        Kind::String => json::unescape(value),
        Kind::Null => Cow::Borrowed(""),
        Kind::Object | Kind::Array => Cow::Owned(json::compact(value)),
        Kind::Number | Kind::True | Kind::False => Cow::Borrowed(value),
    }
}

fn write_xml(root: &str, values: &[(&Target, Text<'_>)]) -> Result<Vec<u8>, MappingError> {
    let mut out = Writer::new(Vec::new());
    event(&mut out, Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    event(&mut out, Event::Start(BytesStart::new(root)));
    for (target, value) in values {
        if let Some(value) = value {
            write_element(&mut out, &target.name, value).map_err(|what| target.error(what))?;
        }
    }
    event(&mut out, Event::End(BytesEnd::new(root)));
    Ok(out.into_inner())
}

/// A list becomes one element per item, an object an element with its members within, null an empty element. As deep as the
/// data, which was checked.
fn write_element(out: &mut Writer<Vec<u8>>, name: &str, value: &str) -> Result<(), Fault> {
    match json::kind(value) {
        Kind::Array => json::elements(value).try_for_each(|element| write_element(out, name, element)),
        Kind::Null => {
            event(out, Event::Empty(BytesStart::new(name)));
            Ok(())
        }
        Kind::Object => {
            event(out, Event::Start(BytesStart::new(name)));
            for (member, value) in json::members(value) {
                if !xml::is_name(&member) {
                    return Err("an object has a member whose name is no XML name".into());
                }
                write_element(out, &member, value)?;
            }
            event(out, Event::End(BytesEnd::new(name)));
            Ok(())
        }
        Kind::String | Kind::Number | Kind::True | Kind::False => {
            let mut text = String::new();
            xml::write_text(&plain(value), &mut text);
            event(out, Event::Start(BytesStart::new(name)));
            event(out, Event::Text(BytesText::from_escaped(text)));
            event(out, Event::End(BytesEnd::new(name)));
            Ok(())
        }
    }
}

fn event(out: &mut Writer<Vec<u8>>, event: Event<'_>) {
    out.write_event(event).expect("writing to a Vec cannot fail");
}

//! Places an expression names: attributes, extensions and paths into data.

use std::fmt::Write as _;

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators};

/// Attributes an expression may read, as CEL variables.
pub(super) const ATTRIBUTES: [&str; 6] = ["id", "source", "type", "subject", "time", "dataschema"];
/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Element(usize),
}

/// A place that is known from the text alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Into data.
    Data(Vec<Step>),
    /// One of [`ATTRIBUTES`].
    Attribute(&'static str),
    /// An extension.
    Extension(String),
}

/// A path into data that an expression needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) path: Vec<Step>,
    /// Whether the value is needed; else only whether there is one.
    pub(super) value: bool,
}

/// The JSON Pointer of a path.
pub(super) fn pointer(path: &[Step]) -> String {
    path.iter().fold(String::new(), |mut out, step| {
        let written = match step {
            Step::Member(name) => write!(out, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Step::Element(index) => write!(out, "/{index}"),
        };
        written.expect("writing to a String cannot fail");
        out
    })
}

/// The place a node names, if its text alone says so. Variables of loops hide those of the same name.
pub(super) fn place(node: &IdedExpr, scope: &[&str]) -> Option<Place> {
    if let Expr::Ident(name) = &node.expr {
        let plain = name.strip_prefix('.').unwrap_or(name);
        if scope.contains(&name.as_str()) {
            return None;
        }
        let attribute = ATTRIBUTES.into_iter().find(|attribute| *attribute == plain);
        return match attribute {
            Some(attribute) => Some(Place::Attribute(attribute)),
            None => (plain == "data").then(|| Place::Data(Vec::new())),
        };
    }
    let (operand, step) = match &node.expr {
        Expr::Select(select) if !select.test => (&*select.operand, Step::Member(select.field.clone())),
        Expr::Call(call) if call.func_name == operators::INDEX && call.target.is_none() && call.args.len() == 2 => {
            let step = match &call.args[1].expr {
                Expr::Literal(LiteralValue::String(name)) => Step::Member(name.inner().to_owned()),
                Expr::Literal(LiteralValue::Int(index)) => Step::Element(usize::try_from(*index.inner()).ok()?),
                _ => return None,
            };
            (&call.args[0], step)
        }
        _ => return None,
    };
    if is_extensions(operand, scope) {
        return match step {
            Step::Member(name) => Some(Place::Extension(name)),
            Step::Element(_) => None,
        };
    }
    match place(operand, scope)? {
        Place::Data(mut path) => {
            path.push(step);
            Some(Place::Data(path))
        }
        // `subject.x` reads the attribute and fails as CEL says; it is no place of its own.
        Place::Attribute(_) | Place::Extension(_) => None,
    }
}

/// Whether a node is the map of extensions.
pub(super) fn is_extensions(node: &IdedExpr, scope: &[&str]) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name.trim_start_matches('.') == "ext" && !scope.contains(&name.as_str()))
}

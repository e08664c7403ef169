//! Running an expression on one envelope.
//!
//! Only the paths an expression reads are taken out of the text, in one walk, and only these become CEL values. V1: what was not
//! named cannot be reached. V2: an error never repeats a value. V3: what a run may cost is known before it starts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::expression::{ENVIRONMENT, Expression, NODES_MAX};
use super::pattern;
use super::place::{Step, Wanted};
use crate::model::envelope::{AttributeValue, Attributes};
use crate::model::json::{self, Build, Kind};

/// What one run may cost, in bytes looked at or copied; a node counts as [`NODE_COST`] of them. A fraction of a second.
const COST_MAX: usize = 64 << 20;
/// What running one node costs, in the same unit.
const NODE_COST: usize = 64;

type Boxed<'v> = Box<dyn Val + 'v>;

/// Why a run failed, without values.
pub(super) type Fault = Cow<'static, str>;

/// Binds what an expression needs of an envelope.
pub(super) fn bind<'v>(
    expression: &Expression,
    attributes: &'v Attributes,
    data: &'v str,
) -> Result<Context<'v, 'v>, Fault> {
    let found = pick(&expression.wanted, data);
    afford(expression, &found)?;
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    pattern::bind(&expression.patterns, &mut context);
    if !expression.wanted.is_empty() {
        let all: Vec<usize> = (0..expression.wanted.len()).collect();
        context.add_variable_as_val("data", branch(&expression.wanted, &found, &all, 0)?);
    }
    for name in &expression.attributes {
        let value: Boxed<'v> = match attribute(attributes, name) {
            Some(text) => Box::new(CelString::from(text)),
            None => Box::new(CelNull),
        };
        context.add_variable_as_val(*name, value);
    }
    if !expression.extensions.is_empty() {
        let present = expression.extensions.iter().filter_map(|name| attributes.extensions.get_key_value(name));
        let map: HashMap<_, _> = present.map(|(name, value)| (key(Cow::Borrowed(name)), extension(value))).collect();
        context.add_variable_as_val("ext", Box::new(CelMap::from(map)));
    }
    Ok(context)
}

/// Runs an expression, or a part of one.
pub(super) fn run<'e, 'v>(
    expression: &Expression,
    part: &'e IdedExpr,
    context: &'e Context<'v, 'v>,
) -> Result<CowVal<'e, 'v>, Fault> {
    Value::resolve_val(part, context).map_err(|error| told(expression, &error))
}

/// The value as a truth, which conditions must be.
pub(super) fn truth(value: &CowVal<'_, '_>) -> Result<bool, Fault> {
    match value.downcast_ref::<CelBool>() {
        Some(truth) => Ok(*truth.inner()),
        None => Err(format!("the result is of type {} and must be a bool", value.get_type().name()).into()),
    }
}

/// The text of an attribute an expression may read.
pub(super) fn attribute<'v>(attributes: &'v Attributes, name: &str) -> Option<&'v str> {
    match name {
        "id" => Some(&attributes.id),
        "source" => Some(&attributes.source),
        "type" => Some(attributes.ty.as_str()),
        "subject" => attributes.subject.as_deref(),
        "time" => attributes.time.as_deref(),
        "dataschema" => attributes.dataschema.as_deref(),
        _ => None,
    }
}

fn extension<'v>(value: &'v AttributeValue) -> Boxed<'v> {
    match value {
        AttributeValue::Boolean(value) => Box::new(CelBool::from(*value)),
        AttributeValue::Integer(value) => Box::new(CelInt::from(i64::from(*value))),
        AttributeValue::Text(value) => Box::new(CelString::from(value.as_str())),
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found<'v> {
    /// The value at its end, as it stands in the text.
    pub(super) text: Option<&'v str>,
    /// How many of its steps there are.
    steps: usize,
}

/// What each path leads to.
pub(super) fn pick<'v>(wanted: &[Wanted], data: &'v str) -> Vec<Found<'v>> {
    let mut found = vec![Found::default(); wanted.len()];
    let all: Vec<usize> = (0..wanted.len()).collect();
    pick_below(wanted, &all, 0, data, &mut found);
    found
}

/// One walk over a value for all paths that lead through it.
fn pick_below<'v>(wanted: &[Wanted], here: &[usize], depth: usize, text: &'v str, found: &mut [Found<'v>]) {
    let mut further = Vec::new();
    for &index in here {
        found[index].steps = depth;
        if wanted[index].path.len() == depth {
            found[index].text = Some(text);
        } else {
            further.push(index);
        }
    }
    if further.is_empty() {
        return;
    }
    let through = |taken: &dyn Fn(&Step) -> bool| -> Vec<usize> {
        further.iter().copied().filter(|&index| taken(&wanted[index].path[depth])).collect()
    };
    let mut left = further.len();
    match json::kind(text) {
        Kind::Object => {
            for (name, value) in json::members(text) {
                let on = through(&|step| matches!(step, Step::Member(member) if *member == name));
                if !on.is_empty() {
                    pick_below(wanted, &on, depth + 1, value, found);
                    left -= on.len();
                    if left == 0 {
                        break;
                    }
                }
            }
        }
        Kind::Array => {
            for (position, value) in json::elements(text).enumerate() {
                let on = through(&|step| matches!(step, Step::Element(element) if *element == position));
                if !on.is_empty() {
                    pick_below(wanted, &on, depth + 1, value, found);
                    left -= on.len();
                    if left == 0 {
                        break;
                    }
                }
            }
        }
        _ => {}
    }
}

// Keeps V3.
fn afford(expression: &Expression, found: &[Found<'_>]) -> Result<(), Fault> {
    let bytes = |index: usize| found[index].text.map_or(0, str::len);
    let total = (0..found.len()).map(bytes).fold(0, usize::saturating_add);
    let mut cost = expression.joins.saturating_mul(total);
    if !expression.loops.is_empty() {
        // A list has no more elements than there are commas in what was read and nodes in the expression, but for joins.
        let commas: usize = found
            .iter()
            .filter_map(|found| found.text)
            .map(|text| text.bytes().filter(|byte| *byte == b',').count())
            .sum();
        let elements = (commas + NODES_MAX).saturating_mul(expression.joins + 1);
        for inner in &expression.loops {
            let outside: usize = inner.outside.iter().map(|&index| bytes(index)).sum();
            let turn = inner.nodes.saturating_mul(NODE_COST + outside) + expression.joins * expression.bytes;
            cost = cost.saturating_add(elements.saturating_mul(turn));
        }
    }
    if cost > COST_MAX { Err("the expression would cost too much on data of this size".into()) } else { Ok(()) }
}

/// Data as CEL sees it: the values at the paths, and the containers on the way to them. As deep as the paths are.
fn branch<'v>(wanted: &[Wanted], found: &[Found<'v>], here: &[usize], depth: usize) -> Result<Boxed<'v>, Fault> {
    let whole = here.iter().find(|&&index| wanted[index].value && wanted[index].path.len() == depth);
    if let Some(text) = whole.and_then(|&index| found[index].text) {
        // A parent that is read whole has its parts in it.
        return json::build(text, &mut ToCel).ok_or_else(|| "data cannot be read".into());
    }
    let mut map: HashMap<CelMapKey<'v>, Boxed<'v>> = HashMap::new();
    let further: Vec<usize> = here.iter().copied().filter(|&index| wanted[index].path.len() > depth).collect();
    for (position, &index) in further.iter().enumerate() {
        let step = &wanted[index].path[depth];
        if further[..position].iter().any(|&earlier| wanted[earlier].path[depth] == *step) {
            continue;
        }
        let below: Vec<usize> = further.iter().copied().filter(|&other| wanted[other].path[depth] == *step).collect();
        if below.iter().all(|&other| found[other].steps <= depth) {
            continue;
        }
        let value = branch(wanted, found, &below, depth + 1)?;
        match step {
            Step::Member(name) => map.insert(key(Cow::Owned(name.clone())), value),
            Step::Element(element) => map.insert(CelMapKey::from(i64::try_from(*element).unwrap_or(i64::MAX)), value),
        };
    }
    Ok(Box::new(CelMap::from(map)))
}

fn key<'v>(name: Cow<'v, str>) -> CelMapKey<'v> {
    CelMapKey::String(CelString::from(name))
}

/// Makes CEL values out of a text; strings without escapes are not copied.
struct ToCel;

impl<'v> Build<'v> for ToCel {
    type Value = Boxed<'v>;

    fn scalar(&mut self, kind: Kind, raw: &'v str) -> Boxed<'v> {
        match kind {
            Kind::String => Box::new(CelString::from(json::unescape(raw))),
            Kind::True => Box::new(CelBool::from(true)),
            Kind::False => Box::new(CelBool::from(false)),
            Kind::Number => number(raw),
            Kind::Null | Kind::Object | Kind::Array => Box::new(CelNull),
        }
    }

    fn array(&mut self, elements: Vec<Boxed<'v>>) -> Boxed<'v> {
        Box::new(CelList::from(elements))
    }

    fn object(&mut self, members: Vec<(Cow<'v, str>, Boxed<'v>)>) -> Boxed<'v> {
        let map: HashMap<_, _> = members.into_iter().map(|(name, value)| (key(name), value)).collect();
        Box::new(CelMap::from(map))
    }
}

/// A whole number is an int (a uint above that), any other a double: CEL compares all three as numbers.
fn number<'v>(raw: &str) -> Boxed<'v> {
    if let Ok(int) = raw.parse::<i64>() {
        Box::new(CelInt::from(int))
    } else if let Ok(uint) = raw.parse::<u64>() {
        Box::new(CelUInt::from(uint))
    } else {
        Box::new(CelDouble::from(raw.parse::<f64>().unwrap_or(f64::NAN)))
    }
}

/// An error in words of the expression alone. Keeps V2: whatever may hold a value is replaced by what kind of thing went wrong.
fn told(expression: &Expression, error: &ExecutionError) -> Fault {
    match error {
        ExecutionError::NoSuchKey(name) if expression.names(name) => format!("no such key: {name}").into(),
        ExecutionError::NoSuchKey(_) => "no such key".into(),
        ExecutionError::NoSuchOverload(overload) => overload.to_string().into(),
        ExecutionError::UndeclaredReference(_) => "an undeclared name".into(),
        ExecutionError::InvalidArgumentCount { .. } => "a function has the wrong number of arguments".into(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".into(),
        ExecutionError::Overflow(..) => "a number grew out of range".into(),
        ExecutionError::IndexOutOfBounds(_) => "index out of bounds".into(),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            format!("the operator {operator:?} does not fit the types beside it").into()
        }
        ExecutionError::UnexpectedType { .. } | ExecutionError::ValuesNotComparable(..) => {
            "values of types that do not fit each other".into()
        }
        ExecutionError::DuplicateKey(_) => "a map has one key twice".into(),
        ExecutionError::FunctionError { function, .. } => format!("{function}() does not take this value").into(),
        _ => "the expression cannot be evaluated on this data".into(),
    }
}

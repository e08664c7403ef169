//! A CEL expression, bounded and read before it ever runs.
//!
//! X1: what an expression can read of data is known from its text, and is listed by the subscription, or it is refused.
//! X2: nodes, nesting of loops and functions are bounded when it is loaded; what a loop may cost is bounded again by the size
//! of the data it meets (see [`super::evaluate`]). X3: it reads attributes, `ext.<name>` and `data`, nothing else: no clock, no
//! file, no other envelope.

use std::sync::{Arc, LazyLock};

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::{Env, IdedExpr, Program};
use regex::Regex;

use super::place::{ATTRIBUTES, Place, Step, Wanted, is_extensions, place, pointer};
use super::{Fields, Read, Refused, pattern, stack};

/// Bytes of one expression.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Nodes of one expression, macros expanded.
pub(super) const NODES_MAX: usize = 200;
/// Levels of one expression, macros expanded; running it takes stack for each.
const LEVELS_MAX: usize = 48;

/// Names of types, which are values in CEL.
const TYPES: [&str; 10] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];
/// Functions an expression may call, operators aside.
const FUNCTIONS: [&str; 12] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "uint",
];

/// What helps where a text is not CEL.
const CEL_HINT: &str = "see https://cel.dev; text stands in quotes, fields are data.<name>";

/// CEL's standard library, without optional values: one way to ask for a field that may be missing, `has()`, is enough.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// A loop within an expression.
#[derive(Debug, Default)]
pub(super) struct Loop {
    /// Nodes that run once per element.
    pub(super) nodes: usize,
    /// What each turn reads from outside: indices into [`Expression::wanted`].
    pub(super) outside: Vec<usize>,
}

/// A compiled expression, with all that is known of it.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) root: IdedExpr,
    pub(super) patterns: Vec<Arc<Regex>>,
    /// Where in data it looks.
    pub(super) wanted: Vec<Wanted>,
    /// Attributes it needs.
    pub(super) attributes: Vec<&'static str>,
    /// Extensions it needs.
    pub(super) extensions: Vec<String>,
    pub(super) loops: Vec<Loop>,
    /// How often it joins texts or lists, each time copying both.
    pub(super) joins: usize,
    /// Bytes of its text, which bound those of its literals.
    pub(super) bytes: usize,
    reads: Vec<Read>,
}

impl Expression {
    /// Compiles an expression that may read what `fields` lists.
    pub(super) fn compile(text: &str, fields: &Fields) -> Result<Self, Refused> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Refused::new(format!("the expression is longer than {TEXT_BYTES_MAX} bytes"), "shorten it"));
        }
        stack::deep(|| Self::read(text, fields))
            .unwrap_or_else(|| Err(Refused::new("this cannot be read as CEL", CEL_HINT)))
    }

    /// Reads the expression; on a thread of its own, for the sake of the stack.
    fn read(text: &str, fields: &Fields) -> Result<Self, Refused> {
        let program = ENVIRONMENT.compile(text).map_err(|faults| syntax(&faults))?;
        let mut walker =
            Walker { text, program: &program, found: Found::default(), scope: Vec::new(), nodes: 0, level: 0 };
        walker.walk(program.expression())?;
        let found = walker.found;
        for touch in &found.touches {
            let pointer = pointer(&touch.path);
            let open = touch.passed || fields.covers(&pointer) || (touch.asked && fields.leads_through(&pointer));
            if !open {
                let what = match pointer.as_str() {
                    "" => "the expression reads all of data, which the fields do not list".to_owned(),
                    _ => format!("the expression reads {pointer}, which the fields do not list"),
                };
                let hint = match pointer.as_str() {
                    "" => "read listed fields by name: data.<field>".to_owned(),
                    _ => format!("add \"{pointer}\" to fields, or do without it"),
                };
                return Err(Refused { what, hint, position: position(text, &program, touch.node) });
            }
        }
        let reads = reads(&found.touches);
        let mut root = program.expression().clone();
        let patterns = pattern::extract(&mut root);
        let Found { wanted, attributes, extensions, loops, joins, .. } = found;
        Ok(Self { root, patterns, wanted, attributes, extensions, loops, joins, bytes: text.len(), reads })
    }

    /// The places in data it reads.
    pub(super) fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// The context attributes and extensions it reads.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().copied().chain(self.extensions.iter().map(String::as_str))
    }

    /// Whether a name or index stands in the expression itself, so that repeating it discloses nothing.
    pub(super) fn names(&self, name: &str) -> bool {
        let is = |step: &Step| match step {
            Step::Member(known) => known == name,
            Step::Element(index) => index.to_string() == name,
        };
        self.extensions.iter().any(|known| known == name) || self.wanted.iter().flat_map(|wanted| &wanted.path).any(is)
    }
}

/// One place in data that the text names.
#[derive(Debug)]
struct Touch {
    path: Vec<Step>,
    node: u64,
    /// `has()` asks for it.
    asked: bool,
    /// It is only passed through on the way to what `has()` asks for.
    passed: bool,
}

#[derive(Debug, Default)]
struct Found {
    touches: Vec<Touch>,
    wanted: Vec<Wanted>,
    attributes: Vec<&'static str>,
    extensions: Vec<String>,
    loops: Vec<Loop>,
    joins: usize,
}

struct Walker<'a> {
    text: &'a str,
    program: &'a Program,
    found: Found,
    /// Variables of the loops around, innermost last.
    scope: Vec<&'a str>,
    nodes: usize,
    level: usize,
}

impl<'a> Walker<'a> {
    fn walk(&mut self, node: &'a IdedExpr) -> Result<(), Refused> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let what = format!("the expression has more than {NODES_MAX} nodes");
            return Err(self.refuse(node, what, "split it, or move the work to the agency's side"));
        }
        if self.level >= LEVELS_MAX {
            let what = format!("the expression is nested deeper than {LEVELS_MAX} levels");
            return Err(self.refuse(node, what, "use fewer brackets, or shorter chains of one operator"));
        }
        self.level += 1;
        let walked = self.walk_inside(node);
        self.level -= 1;
        walked
    }

    fn walk_inside(&mut self, node: &'a IdedExpr) -> Result<(), Refused> {
        if let Some(place) = place(node, &self.scope) {
            return self.read(node, place, false);
        }
        match &node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.ident(node, name),
            Expr::Select(select) if select.test => match place(&select.operand, &self.scope) {
                Some(Place::Data(mut path)) => {
                    path.push(Step::Member(select.field.clone()));
                    self.read(node, Place::Data(path), true)
                }
                _ if is_extensions(&select.operand, &self.scope) => {
                    self.read(node, Place::Extension(select.field.clone()), true)
                }
                _ => self.walk(&select.operand),
            },
            Expr::Select(select) => self.walk(&select.operand),
            Expr::Call(call) => {
                self.call(node, &call.func_name, call.target.is_some(), &call.args)?;
                call.target.iter().map(|target| &**target).chain(&call.args).try_for_each(|part| self.walk(part))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.walk(element)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self.walk(&entry.key).and_then(|()| self.walk(&entry.value)),
                EntryExpr::StructField(_) => Err(self.refuse(node, "messages cannot be made here", "use a map")),
            }),
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension),
            Expr::Struct(_) | Expr::Unspecified => {
                Err(self.refuse(node, "messages cannot be made here", "use a map: {\"name\": value}"))
            }
        }
    }

    fn ident(&self, node: &IdedExpr, name: &str) -> Result<(), Refused> {
        if self.scope.contains(&name) || TYPES.contains(&name) {
            return Ok(());
        }
        if name.trim_start_matches('.') == "ext" {
            return Err(self.refuse(node, "ext cannot be read as a whole", "name the extension: ext.<name>"));
        }
        let hint =
            format!("fields of data are data.{name}, extensions ext.{name}; attributes are {}", ATTRIBUTES.join(", "));
        Err(self.refuse(node, format!("there is no variable {name}"), hint))
    }

    fn call(&mut self, node: &IdedExpr, name: &str, member: bool, args: &[IdedExpr]) -> Result<(), Refused> {
        let operator = name.starts_with(['_', '@', '!', '-']);
        let known = operator || FUNCTIONS.contains(&name) || (name == "type" && !member);
        if !known {
            let hint =
                format!("there are {}, type, has, all, exists, exists_one, map and filter", FUNCTIONS.join(", "));
            return Err(self.refuse(node, format!("there is no function {name}"), hint));
        }
        if name == operators::ADD
            && !matches!(args.first().map(|arg| &arg.expr), Some(Expr::Ident(name)) if name.starts_with('@'))
        {
            self.found.joins += 1;
        }
        if name == "matches" {
            self.pattern(node, args)?;
        }
        Ok(())
    }

    /// A pattern is part of the expression, never of the data, and is tried when it is loaded.
    fn pattern(&self, node: &IdedExpr, args: &[IdedExpr]) -> Result<(), Refused> {
        let Some(Expr::Literal(LiteralValue::String(pattern))) = args.last().map(|arg| &arg.expr) else {
            return Err(self.refuse(node, "the pattern of matches() is not a literal", "write the pattern in quotes"));
        };
        pattern::compile(pattern.inner()).map(drop).map_err(|(what, hint)| self.refuse(node, what, hint))
    }

    // Keeps X2: no loop within a loop, and none over what another loop made, so that nothing doubles twice.
    fn comprehension(&mut self, node: &'a IdedExpr, comprehension: &'a ComprehensionExpr) -> Result<(), Refused> {
        if !self.scope.is_empty() {
            return Err(self.refuse(
                node,
                "a loop stands within a loop",
                "loops (all, exists, map, filter) may not be nested",
            ));
        }
        let loops = self.found.loops.len();
        self.walk(&comprehension.iter_range)?;
        if self.found.loops.len() > loops {
            let hint = "list.map(x, <condition>, <value>) filters and maps at once";
            return Err(self.refuse(node, "a loop runs over what another loop made", hint));
        }
        let nodes = self.nodes;
        let known = std::mem::take(&mut self.found.wanted);
        self.scope = [Some(&comprehension.iter_var), comprehension.iter_var2.as_ref(), Some(&comprehension.accu_var)]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let parts =
            [&comprehension.accu_init, &comprehension.loop_cond, &comprehension.loop_step, &comprehension.result];
        let walked = parts.into_iter().try_for_each(|part| self.walk(part));
        self.scope.clear();
        let inner = std::mem::replace(&mut self.found.wanted, known);
        walked?;
        let outside = inner.into_iter().map(|wanted| self.want(wanted)).collect();
        self.found.loops.push(Loop { nodes: self.nodes - nodes, outside });
        Ok(())
    }

    fn read(&mut self, node: &IdedExpr, place: Place, asked: bool) -> Result<(), Refused> {
        match place {
            Place::Attribute(name) => {
                if !self.found.attributes.contains(&name) {
                    self.found.attributes.push(name);
                }
            }
            Place::Extension(name) => {
                if !self.found.extensions.contains(&name) {
                    self.found.extensions.push(name);
                }
            }
            Place::Data(path) => {
                if path.len() >= 64 {
                    return Err(self.refuse(node, "the expression reads deeper than 64 levels", "read a parent"));
                }
                if asked {
                    let parents = (1..path.len()).map(|length| path[..length].to_vec());
                    let node = node.id;
                    self.found.touches.extend(parents.map(|path| Touch { path, node, asked: false, passed: true }));
                }
                self.want(Wanted { path: path.clone(), value: !asked });
                self.found.touches.push(Touch { path, node: node.id, asked, passed: false });
            }
        }
        Ok(())
    }

    /// The index of a path among those needed.
    fn want(&mut self, wanted: Wanted) -> usize {
        let all = &mut self.found.wanted;
        match all.iter().position(|known| known.path == wanted.path) {
            Some(index) => {
                all[index].value |= wanted.value;
                index
            }
            None => {
                all.push(wanted);
                all.len() - 1
            }
        }
    }

    fn refuse(&self, node: &IdedExpr, what: impl Into<String>, hint: impl Into<String>) -> Refused {
        Refused { what: what.into(), hint: hint.into(), position: position(self.text, self.program, node.id) }
    }
}

/// One read per place, in the order of the text; guarded where `has()` asks for it anywhere in the expression.
fn reads(touches: &[Touch]) -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    for touch in touches {
        let pointer = pointer(&touch.path);
        match reads.iter_mut().find(|read| read.pointer == pointer) {
            Some(read) => read.guarded |= touch.asked,
            None => reads.push(Read { pointer, guarded: touch.asked }),
        }
    }
    reads
}

fn syntax(faults: &cel::ParseErrors) -> Refused {
    let first = faults.errors.first();
    let message = first.map_or("", |fault| match fault.msg.lines().next().unwrap_or_default() {
        message if message.contains("Recursion limit") => "too many brackets within one another",
        // What could have stood there instead is a long list of tokens.
        message => message.split(" expecting ").next().unwrap_or(message).trim_start_matches("Syntax error: "),
    });
    let position = first.and_then(|fault| Some((u32::try_from(fault.pos.0).ok()?, u32::try_from(fault.pos.1).ok()?)));
    Refused {
        what: format!("this is not CEL: {}", if message.is_empty() { "it cannot be read" } else { message }),
        hint: CEL_HINT.to_owned(),
        position: position.filter(|(line, column)| *line > 0 && *column > 0),
    }
}

/// Line and column of a node, from 1, in characters.
fn position(text: &str, program: &Program, node: u64) -> Option<(u32, u32)> {
    let (start, _) = program.source_info().offset_for(node)?;
    let before: String = text.chars().take(usize::try_from(start).ok()?).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
}

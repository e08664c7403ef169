//! `matches()`, its patterns compiled once.
//!
//! CEL compiles a pattern whenever it meets it, which takes twenty times as long as the rest of a filter. Each call is therefore
//! turned into one to a function of its own, which holds its pattern.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::extractors::This;
use cel::{Context, IdedExpr};
use regex::Regex;

/// Bytes a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Compiles a pattern; `Err` is what is wrong with it and a hint.
pub(super) fn compile(pattern: &str) -> Result<Regex, (&'static str, &'static str)> {
    regex::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => ("the pattern of matches() is too large", "use smaller repetitions"),
        _ => ("the pattern of matches() is not valid", "patterns are RE2: no look-around, no back-references"),
    })
}

/// Gives each call of `matches()` its own function, and returns the patterns in their order.
pub(super) fn extract(node: &mut IdedExpr) -> Vec<Arc<Regex>> {
    let mut patterns = Vec::new();
    visit(node, &mut patterns);
    patterns
}

/// Adds the functions that [`extract`] left calls to.
pub(super) fn bind(patterns: &[Arc<Regex>], context: &mut Context<'_, '_>) {
    for (index, pattern) in patterns.iter().enumerate() {
        let pattern = Arc::clone(pattern);
        let matches = move |This(text): This<Arc<String>>| pattern.is_match(&text);
        context.add_function(&name(index), matches).expect("no name of CEL's own begins with '@matches'");
    }
}

fn name(index: usize) -> String {
    format!("@matches{index}")
}

fn visit(node: &mut IdedExpr, patterns: &mut Vec<Arc<Regex>>) {
    match &mut node.expr {
        Expr::Call(call) => {
            call.target
                .iter_mut()
                .map(|target| &mut **target)
                .chain(&mut call.args)
                .for_each(|part| visit(part, patterns));
            let pattern = match call.args.last().map(|last| &last.expr) {
                Some(Expr::Literal(LiteralValue::String(pattern))) if call.func_name == "matches" => {
                    compile(pattern.inner()).ok()
                }
                _ => None,
            };
            if let Some(pattern) = pattern {
                call.args.pop();
                if call.target.is_none() {
                    call.target = call.args.pop().map(Box::new);
                }
                call.func_name = name(patterns.len());
                patterns.push(Arc::new(pattern));
            }
        }
        Expr::Select(select) => visit(&mut select.operand, patterns),
        Expr::List(list) => list.elements.iter_mut().for_each(|element| visit(element, patterns)),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| {
            if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                visit(&mut entry.key, patterns);
                visit(&mut entry.value, patterns);
            }
        }),
        Expr::Comprehension(comprehension) => {
            visit(&mut comprehension.iter_range, patterns);
            visit(&mut comprehension.accu_init, patterns);
            visit(&mut comprehension.loop_cond, patterns);
            visit(&mut comprehension.loop_step, patterns);
            visit(&mut comprehension.result, patterns);
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => {}
    }
}

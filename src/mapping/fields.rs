//! The allow-list: JSON Pointers, and the part of data they list.
//!
//! F1: what is not listed is never written, whatever the data looks like: a pointer through a value that is no container
//! leads to nothing. F2: what is written has the digits, escapes and order it came with. F3: no tree is
//! built, and nothing is looked at after the last listed field.

use std::borrow::Cow;

use super::Refused;
use crate::model::json::{self, Kind};

/// Pointers one subscription may list.
const POINTERS_MAX: usize = 512;
/// Steps of one pointer; data is no deeper either.
const STEPS_MAX: usize = 64;
/// Bytes of one pointer.
const POINTER_BYTES_MAX: usize = 1024;
/// Pointers that [`Fields::withheld`] names at most.
const WITHHELD_MAX: usize = 1000;

/// The allow-list of a subscription: JSON Pointers into data. Nothing that is not listed ever leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    pointers: Vec<String>,
    root: Step,
}

/// One step of the listed pointers, with those that go on from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Step {
    /// Whether a pointer ends here: everything below is listed.
    whole: bool,
    /// The next steps, sorted by token.
    next: Vec<(String, Step)>,
}

impl Step {
    fn get(&self, token: &str) -> Option<&Self> {
        let found = self.next.binary_search_by(|(name, _)| name.as_str().cmp(token)).ok()?;
        Some(&self.next[found].1)
    }

    fn get_or_add(&mut self, token: &str) -> &mut Self {
        let at = match self.next.binary_search_by(|(name, _)| name.as_str().cmp(token)) {
            Ok(at) => at,
            Err(at) => {
                self.next.insert(at, (token.to_owned(), Self::default()));
                at
            }
        };
        &mut self.next[at].1
    }
}

impl Fields {
    /// Parses the pointers (RFC 6901). An empty list is allowed: such a subscription learns that something happened, no more.
    pub fn parse(pointers: &[String]) -> Result<Self, Refused> {
        if pointers.len() > POINTERS_MAX {
            let what = format!("more than {POINTERS_MAX} fields are listed");
            return Err(Refused::new(what, "list a parent object in place of its members"));
        }
        let mut root = Step::default();
        for pointer in pointers {
            let mut step = &mut root;
            for token in steps(pointer)? {
                step = step.get_or_add(&token);
            }
            step.whole = true;
        }
        Ok(Self { pointers: pointers.to_vec(), root })
    }

    /// The pointers as written.
    pub fn pointers(&self) -> impl Iterator<Item = &str> {
        self.pointers.iter().map(String::as_str)
    }

    /// Whether all of data is listed (`""`).
    pub fn is_everything(&self) -> bool {
        self.root.whole
    }

    /// Whether a value at this pointer would be sent, whole (the pointer or a parent of it is listed).
    pub fn covers(&self, pointer: &str) -> bool {
        let Ok(tokens) = steps(pointer) else { return false };
        let mut step = &self.root;
        for token in tokens {
            if step.whole {
                return true;
            }
            match step.get(&token) {
                Some(next) => step = next,
                None => return false,
            }
        }
        step.whole
    }

    /// Whether something at this pointer or below it is listed: then its presence is no secret either.
    pub(super) fn leads_through(&self, pointer: &str) -> bool {
        let Ok(tokens) = steps(pointer) else { return false };
        let mut step = &self.root;
        for token in tokens {
            match step.get(&token) {
                Some(next) if !step.whole => step = next,
                _ => return step.whole,
            }
        }
        true
    }

    /// The listed part of data, as text: members in the order and with the digits and escapes they came with, no white space
    /// between tokens. A missing field is absent; an index picks that element alone, in an array of one. One pass, no tree.
    /// If nothing is there: `{}` for an object, `[]` for an array, `null` otherwise.
    pub fn project(&self, data: &str) -> String {
        let mut out = String::with_capacity(if self.root.whole { data.len() } else { 256.min(data.len()) });
        if !project_into(&self.root, data, &mut out) {
            out.push_str(match json::kind(data) {
                Kind::Object => "{}",
                Kind::Array => "[]",
                _ => "null",
            });
        }
        out
    }

    /// Pointers (deepest common) of what `project` left out, for the dry run's `withheld`; the first 1,000 of them.
    pub fn withheld(&self, data: &str) -> Vec<String> {
        let mut out = Vec::new();
        let nothing = self.project_is_empty(data);
        match json::kind(data) {
            _ if self.root.whole => {}
            Kind::Object | Kind::Array => withheld_below(&self.root, data, &mut String::new(), &mut out),
            _ if nothing => out.push(String::new()),
            _ => {}
        }
        out
    }

    fn project_is_empty(&self, data: &str) -> bool {
        !project_into(&self.root, data, &mut String::new())
    }
}

/// The tokens of a pointer, unescaped.
fn steps(pointer: &str) -> Result<Vec<Cow<'_, str>>, Refused> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = pointer.strip_prefix('/') else {
        let hint = match pointer.trim_start_matches(['#', '$', '.']).trim_start_matches('/').replace('.', "/") {
            name if name.is_empty() => "\"\" lists all of data".to_owned(),
            name => format!("write \"/{name}\""),
        };
        return Err(Refused::new(format!("{pointer:?} is no JSON Pointer: it begins with '/'"), hint));
    };
    if pointer.len() > POINTER_BYTES_MAX || rest.split('/').count() > STEPS_MAX {
        let what = format!("a JSON Pointer has more than {STEPS_MAX} steps or {POINTER_BYTES_MAX} bytes");
        return Err(Refused::new(what, "list a parent of it"));
    }
    rest.split('/').map(json::pointer_token).collect::<Option<_>>().ok_or_else(|| {
        let what = format!("{pointer:?} is no JSON Pointer: '~' stands alone");
        Refused::new(what, "write '~' as \"~0\" and '/' within a name as \"~1\"")
    })
}

/// Appends the listed part of a value; false, and nothing appended, if there is none. As deep as the pointers are, no deeper.
fn project_into(step: &Step, text: &str, out: &mut String) -> bool {
    if step.whole {
        json::compact_into(text, out);
        return true;
    }
    if step.next.is_empty() {
        return false;
    }
    let before = out.len();
    // No name stands twice in an object that was checked: what is not found yet is all there is to look for.
    let mut left = step.next.len();
    let close = match json::kind(text) {
        Kind::Object => {
            for (name, value) in json::raw_members(text) {
                if let Some(next) = step.get(&json::unescape(name)) {
                    let mark = out.len();
                    out.push(if mark == before { '{' } else { ',' });
                    out.push_str(name);
                    out.push(':');
                    if !project_into(next, value, out) {
                        out.truncate(mark);
                    }
                    left -= 1;
                    if left == 0 {
                        break;
                    }
                }
            }
            '}'
        }
        Kind::Array => {
            for (index, value) in json::elements(text).enumerate() {
                if let Some(next) = element(step, index) {
                    let mark = out.len();
                    out.push(if mark == before { '[' } else { ',' });
                    if !project_into(next, value, out) {
                        out.truncate(mark);
                    }
                    left -= 1;
                    if left == 0 {
                        break;
                    }
                }
            }
            ']'
        }
        _ => return false,
    };
    if out.len() == before {
        return false;
    }
    out.push(close);
    true
}

/// The step to an element; an array's index is written without leading zeros.
fn element(step: &Step, index: usize) -> Option<&Step> {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = index;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).expect("a digit is below 10");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    step.get(std::str::from_utf8(&digits[at..]).expect("digits are ASCII"))
}

/// Names what is left out below a container of which something may be listed.
fn withheld_below(step: &Step, text: &str, path: &mut String, out: &mut Vec<String>) {
    match json::kind(text) {
        Kind::Object => {
            for (name, value) in json::members(text) {
                let token = name.replace('~', "~0").replace('/', "~1");
                withheld_part(step.get(&name), value, &token, path, out);
            }
        }
        _ => {
            for (index, value) in json::elements(text).enumerate() {
                withheld_part(element(step, index), value, &index.to_string(), path, out);
            }
        }
    }
}

fn withheld_part(step: Option<&Step>, value: &str, token: &str, path: &mut String, out: &mut Vec<String>) {
    if out.len() >= WITHHELD_MAX || step.is_some_and(|step| step.whole) {
        return;
    }
    let before = path.len();
    path.push('/');
    path.push_str(token);
    match step {
        Some(step) if project_into(step, value, &mut String::new()) => withheld_below(step, value, path, out),
        _ => out.push(path.clone()),
    }
    path.truncate(before);
}

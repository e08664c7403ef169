//! Whether a new version of a schema breaks anybody who was built against an older one of the same major line.
//!
//! **Receivers** are built against the old version and ignore fields they do not know. K1: every document that is valid under the
//! new version is valid under the old one with its objects opened (`additionalProperties: false` read as `true`). So a new
//! version may add optional fields and narrow what stands; it may not drop a required field, make it optional, rename it, or widen a
//! type, a list of choices, a format, a pattern or a bound. What breaks a receiver is an **error**: it happens at once, to somebody
//! who did nothing, in the middle of a procedure.
//!
//! **Senders** that name no `dataschema` are held to the newest version. K2: every document that is valid under the old version is
//! valid under the new one. What breaks a sender is a **warning**: the refusal is immediate and exact, the sender can name the
//! old version meanwhile, and law does ask for new required fields. Receivers who rely on what only the new version promises are
//! warned by the same line.
//!
//! K3: what cannot be decided counts as a break. Decided are `$ref`, `allOf`, `type`, `enum`, `const`, `format`, `pattern`, the bounds
//! of numbers, texts, lists and objects, `multipleOf`, `uniqueItems`, `properties`, `patternProperties`, `required`,
//! `additionalProperties`, `items` and `prefixItems`. Every other assertion (`anyOf`, `oneOf`, `not`, `if`, `contains`, ...) must stand in the
//! new version as it stood; `unevaluated...` only in a schema that did not change at all.

use serde_json::Value;

use super::fit::{Fit, Side};
use super::version::{Schema, SubjectRule};

/// One way in which a new version breaks somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Place in the envelope: `/data/address/zone`; `*` stands for any item, or any field that is not listed.
    pub pointer: String,
    /// Place in the new version's document, or the nearest to it.
    pub schema_pointer: String,
    /// What changed.
    pub what: String,
    /// What to do.
    pub hint: String,
    /// How bad it is.
    pub severity: Severity,
}

/// How bad a break is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It breaks receivers: the version is refused.
    Error,
    /// It breaks senders: somebody should tell them.
    Warning,
}

/// Everything that a new version breaks for those who were built against an old one.
pub fn breaks(old: &Schema, new: &Schema) -> Vec<Break> {
    let (old_root, new_root) = (old.root(), new.root());
    let for_receivers = Fit::new(Side::Receivers, new.library(), old.library()).compare(new_root, old_root);
    let for_senders = Fit::new(Side::Senders, old.library(), new.library()).compare(old_root, new_root);
    let next = new.version.major + 1;
    let mut found = Vec::new();
    if old.about.subject == SubjectRule::Required && new.about.subject == SubjectRule::Optional {
        found.push(receivers("/subject", "/x-falaj/subject", "was required and no longer is", next));
    }
    found.extend(
        for_receivers.iter().map(|change| receivers(&change.pointer, &change.schema_pointer, &change.what, next)),
    );
    if old.about.subject == SubjectRule::Optional && new.about.subject == SubjectRule::Required {
        found.push(senders("/subject", "/x-falaj/subject", "is required now", next));
    }
    for name in lost_extensions(old, new) {
        found.push(senders(
            &format!("/{name}"),
            "/x-falaj/extensions",
            "is an extension that is no longer allowed",
            next,
        ));
    }
    for change in for_senders {
        let said = |other: &&super::fit::Change| other.undecided && change.undecided && other.pointer == change.pointer;
        if !for_receivers.iter().any(|other| said(&other)) {
            found.push(senders(&change.pointer, &change.schema_pointer, &change.what, next));
        }
    }
    found
}

fn lost_extensions<'a>(old: &'a Schema, new: &Schema) -> Vec<&'a str> {
    match (&old.about.extensions, &new.about.extensions) {
        (None, Some(_)) => vec!["*"],
        (Some(old), Some(new)) => old.iter().filter(|name| !new.contains(name)).map(String::as_str).collect(),
        (_, None) => Vec::new(),
    }
}

fn receivers(pointer: &str, schema_pointer: &str, what: &str, next: u32) -> Break {
    Break {
        pointer: pointer.to_owned(),
        schema_pointer: schema_pointer.to_owned(),
        what: format!("{what}, which breaks receivers"),
        hint: format!("Keep it as it was, or publish this as version {next}.0."),
        severity: Severity::Error,
    }
}

fn senders(pointer: &str, schema_pointer: &str, what: &str, next: u32) -> Break {
    Break {
        pointer: pointer.to_owned(),
        schema_pointer: schema_pointer.to_owned(),
        what: format!("{what}, which refuses what senders of the older version send"),
        hint: format!(
            "Tell the senders first (until then they can name the older version in dataschema), or publish this as version {next}.0."
        ),
        severity: Severity::Warning,
    }
}

/// Numbers in order; `None` where they are no numbers.
pub(super) fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    let whole = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

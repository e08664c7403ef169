//! One registered version of a type, compiled, and the check of an envelope against it.
//!
//! C1: every fault of an envelope is reported at once, up to a bound that is itself reported. C2: what cannot be checked is
//! refused. C3: no value of an envelope appears in what is reported.
//!
//! Numbers are compared as 64-bit integers or doubles: two numbers that differ only beyond the 17th digit count as equal in `enum`,
//! `const`, `uniqueItems` and bounds, and one beyond 1.8e308 cannot be checked. Amounts and long numbers are better strings.

use std::sync::Arc;

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;

use super::library::{Library, Node, URI_PREFIX};
use super::reach::{Reach, reach};
use super::report::{Report, Violation};
use crate::model::envelope::Envelope;
use crate::model::id::{AgencyId, EventType, Version};
use crate::model::text::Bilingual;

/// One registered version of a type.
#[derive(Debug)]
pub struct Schema {
    /// The type it describes.
    pub ty: EventType,
    /// Its version.
    pub version: Version,
    /// `x-falaj`.
    pub about: About,
    /// The document as it stands in the file.
    pub document: Arc<Value>,
    library: Arc<Library>,
    validator: Validator,
}

/// `x-falaj` of a schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The agency that answers for the type.
    pub owner: AgencyId,
    /// Its name.
    pub name: Bilingual,
    /// Level of service maturity, 1 to 4.
    #[serde(default)]
    pub maturity: Option<u8>,
    /// Whether an envelope of the type must have a subject.
    #[serde(default)]
    pub subject: SubjectRule,
    /// The extensions an envelope of the type may carry; any, where absent.
    #[serde(default)]
    pub extensions: Option<Vec<String>>,
    /// A schema that only lends definitions; no envelope may be of this type.
    #[serde(default, rename = "abstract")]
    pub is_abstract: bool,
}

/// Whether `subject` must be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectRule {
    /// It must.
    Required,
    /// It may.
    #[default]
    Optional,
}

impl Schema {
    pub(super) fn new(
        ty: EventType,
        version: Version,
        about: About,
        document: Arc<Value>,
        library: Arc<Library>,
        validator: Validator,
    ) -> Self {
        Self { ty, version, about, document, library, validator }
    }

    /// Its `$id`: `falaj:/schemas/<type>/<version>`.
    pub fn uri(&self) -> String {
        format!("{URI_PREFIX}{}/{}", self.ty, self.version)
    }

    /// Checks an envelope against the schema: its data, its subject rule and its extensions. Empty where all is well; bounded
    /// by [`VIOLATIONS_MAX`](super::VIOLATIONS_MAX).
    pub fn check(&self, envelope: &Envelope) -> Vec<Violation> {
        let mut report = Report::new(&self.library);
        let attributes = &envelope.attributes;
        if self.about.subject == SubjectRule::Required && attributes.subject.is_none() {
            report.subject_missing();
        }
        if let Some(allowed) = &self.about.extensions {
            for name in attributes.extensions.keys().filter(|name| !allowed.contains(name)) {
                report.extension_not_allowed(name, allowed);
            }
        }
        match serde_json::from_str::<Value>(envelope.data_text()) {
            Ok(data) if self.validator.is_valid(&data) => {}
            Ok(data) => report.data(&data, self.validator.iter_errors(&data)),
            Err(_) => report.data_cannot_be_checked(),
        }
        report.finish()
    }

    /// Whether the schema can have a value at a JSON Pointer (follows `$ref`, `properties`, `items`, `allOf`/`anyOf`/`oneOf`,
    /// `if`/`then`/`else`, `additionalProperties`), and whether every valid document has it (`required` all the way down).
    pub fn reach(&self, pointer: &str) -> Reach {
        reach(&self.library, self.root(), pointer, &[])
    }

    /// As [`Schema::reach`], for the documents that have a value at each of `given`: what `has()` has made sure of.
    pub fn reach_given(&self, pointer: &str, given: &[&str]) -> Reach {
        reach(&self.library, self.root(), pointer, given)
    }

    /// The root of the document, among all others.
    pub(super) fn root(&self) -> Node<'_> {
        self.library.root(&self.uri()).expect("a schema stands in the library it was built from")
    }

    /// The documents that its references lead to.
    pub(super) fn library(&self) -> &Library {
        &self.library
    }
}

#[cfg(test)]
impl Schema {
    /// Whether the data alone is valid.
    pub(super) fn is_valid(&self, data: &Value) -> bool {
        self.validator.is_valid(data)
    }
}

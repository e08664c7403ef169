//! Schemas of a deployment: loaded, compiled once, asked for every envelope.
//!
//! S1: a registry is proved whole before it is used: what does not compile, or breaks the receivers of an older version, is a
//! problem with file, line and hint. S2: checking takes time that grows with the data alone, and reports every fault at once. S3:
//! nothing that is reported repeats a value of an envelope. S4: nothing is fetched: a `$ref` leads to a registered schema.
//!
//! Nothing here reads the clock, writes, or knows an agency.

mod builtin;
mod compat;
mod document;
mod excerpt;
mod fit;
mod library;
mod reach;
mod registry;
mod report;
mod same;
mod source;
mod version;
mod words;

#[cfg(test)]
mod tests;

pub use builtin::builtin;
pub use compat::{Break, Severity, breaks};
pub use document::SchemaProblem;
pub use library::URI_PREFIX;
pub use reach::Reach;
pub use registry::{FOLDER, Loaded, NoSchema, Registry, SCHEMAS_MAX};
pub use report::{VIOLATIONS_MAX, Violation};
pub use source::Source;
pub use version::{About, Schema, SubjectRule};

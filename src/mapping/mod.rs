//! What an agency gets to see of an envelope, and in which form.
//!
//! A subscription lists fields; [`Fields::project`] cuts them out of the text of the data. A [`Filter`] says which envelopes it
//! wants, a [`Form`] how they are written, and [`mod@render`] makes the [`Message`], exactly as it is sent.
//!
//! P1: nothing that is not listed leaves, by projection, expression or template. P2: every digit and character that leaves is as it
//! came. P3: whatever an expression or template may cost is bounded, before it runs or while it does. P4: no error repeats a
//! value. Nothing here reads a clock, a file or a socket, or remembers an envelope.

pub mod csv;
mod evaluate;
mod expression;
mod fields;
mod filter;
mod map;
mod pattern;
mod place;
mod render;
mod stack;
mod template;
#[cfg(test)]
mod tests;
mod xml;

pub use fields::Fields;
pub use filter::Filter;
pub use map::{FieldMap, MapForm};
pub use render::{Disclosed, Form, Message, SubjectForm, disclose, render};
pub use template::Template;

/// Why a message could not be made; never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// An expression failed on this envelope.
    #[error("the expression for {target} failed: {what}")]
    Expression {
        /// The target field, or `when`.
        target: String,
        /// What CEL said, without values.
        what: String,
    },
    /// A template failed on this envelope.
    #[error("template {name} failed: {what}")]
    Template {
        /// The template's file name.
        name: String,
        /// What it said, without values.
        what: String,
    },
    /// The result is larger than allowed.
    #[error("the message would be larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
}

/// Why an expression, a template or a list of pointers was refused when it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, one sentence.
    pub what: String,
    /// What to do about it.
    pub hint: String,
    /// Line and column within the expression or template, from 1, where known.
    pub position: Option<(u32, u32)>,
}

impl Refused {
    /// A refusal that concerns the whole.
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into(), position: None }
    }
}

/// One place in data that an expression reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// JSON Pointer into data.
    pub pointer: String,
    /// Whether `has()` on it stands in the same expression.
    pub guarded: bool,
}

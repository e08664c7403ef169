//! `when`: which envelopes a subscription wants.

use super::evaluate;
use super::expression::Expression;
use super::{Fields, MappingError, Read, Refused};
use crate::model::envelope::Envelope;

/// The name a filter has in errors, as in the connector file.
const WHEN: &str = "when";

/// A CEL filter, compiled and bounded.
#[derive(Debug)]
pub struct Filter {
    expression: Expression,
}

impl Filter {
    /// Compiles a filter: bounds it, and refuses one that reads what `fields` does not list. It may read the attributes `id
    /// source type subject time dataschema` and `ext.<name>`, and `data.<listed>`.
    pub fn compile(text: &str, fields: &Fields) -> Result<Self, Refused> {
        Ok(Self { expression: Expression::compile(text, fields)? })
    }

    /// JSON Pointers into data that it reads, and whether each read is guarded by `has()`. Where `has()` asks for a field
    /// below others, these are listed too: without them it fails.
    pub fn reads(&self) -> &[Read] {
        self.expression.reads()
    }

    /// Context attributes and extensions that it reads, by name.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.expression.named()
    }

    /// Whether an envelope passes. Any result but a bool is an error: nobody guesses who may receive what.
    pub fn passes(&self, envelope: &Envelope) -> Result<bool, MappingError> {
        let error =
            |what: evaluate::Fault| MappingError::Expression { target: WHEN.to_owned(), what: what.into_owned() };
        let context = evaluate::bind(&self.expression, &envelope.attributes, envelope.data_text()).map_err(error)?;
        let value = evaluate::run(&self.expression, &self.expression.root, &context).map_err(error)?;
        evaluate::truth(&value).map_err(error)
    }
}

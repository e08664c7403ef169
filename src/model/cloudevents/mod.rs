//! CloudEvents 1.0.2, HTTP and AMQP bindings and JSON format: how an envelope is read from bytes.
//!
//! C1: an envelope is either whole and legal or refused; nothing is mended. C2: everything that is wrong with the attributes is
//! said at once. C3: no fault repeats a value, only names. C4: data is a slice of the body that came, byte for byte. C5: every
//! input is bounded ([`Bounds`]).
//!
//! Nothing here knows rights, schemas or recipients.

use bytes::Bytes;

mod binary;
mod draft;
mod fault;
mod properties;
mod shape;
mod structured;
#[cfg(test)]
mod tests;
mod trace;

pub use binary::{binary, decode};
pub use fault::{AttributeFault, EventFault};
pub use properties::{Property, properties};
pub use shape::{is_json_media_type, is_traceparent, is_uri_reference};
pub use structured::{batch, structured};
pub use trace::{TRACESTATE_BYTES_MAX, follow};

/// Bounds on what is read; all of them come from the configuration (`[limits]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of a whole request body. 1 MiB.
    pub body_bytes_max: usize,
    /// Envelopes in one batch. 100.
    pub batch_max: usize,
    /// Context attributes of one envelope, required ones included. 64.
    pub attributes_max: usize,
    /// Characters of an attribute's name. 20.
    pub name_chars_max: usize,
    /// Bytes of an attribute's value. 4096.
    pub value_bytes_max: usize,
    /// Levels of nesting in data. 64.
    pub depth_max: u16,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            batch_max: 100,
            attributes_max: 64,
            name_chars_max: 20,
            value_bytes_max: 4096,
            depth_max: 64,
        }
    }
}

/// A part of the body without a copy (C4).
fn slice(body: &Bytes, part: &str) -> Bytes {
    body.slice_ref(part.as_bytes())
}

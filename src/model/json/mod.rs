//! JSON as it stands in the text: checked, compared and cut without ever being rebuilt.
//!
//! Data must reach an agency with every digit and every character it came with, and two members of one name must never reach
//! anybody. A parsed tree keeps neither promise, so Falaj works on the text itself.
//!
//! J1: [`check()`] takes exactly RFC 8259, less doubled members, U+0000 and lone surrogates, in one pass, without recursion, in
//! time proportional to the text whatever its shape. J2: two texts have one [`canonical()`] form exactly if they say the same,
//! numbers compared as written. J3: what [`members`], [`elements`], [`find`] and [`compact`] hand out are slices or copies of
//! the text, never numbers or strings made anew. J4: nothing here panics, whatever the text; on a text that did not pass
//! [`check()`] the answers are merely meaningless.

mod build;
mod canonical;
mod check;
mod scan;
#[cfg(test)]
pub(crate) mod tests;

pub use build::{Build, build};
pub use canonical::{canonical, write_string};
pub use check::{JsonFault, check};
pub use scan::{Kind, compact, compact_into, elements, find, kind, members, pointer_token, raw_members, unescape};

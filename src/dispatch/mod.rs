//! Dispatch: brings what the ledger holds to the agencies, each agency by an owner of its own.
//!
//! D1: one owner per agency; what happens to one agency is nothing another one waits for, but for the shared places, of which
//! nobody holds more than a quarter and everybody has one of its own. D2: a place is taken before the work is. D3: a delivery is
//! in flight from its claim until the commit that settles it; nothing is decided before that commit returns. D4: what is running
//! at a stop may finish within the grace period; what does not is offered again after the start, with the same `webhook-id`.
//!
//! Agencies that fetch for themselves have an owner as well: [`handout`] gives them leases, and their owner ends those that ran
//! out. [`jobs`] works off what persons asked for.
//!
//! Dispatch never writes anything but through the ledger, never orders anything (lanes are the ledger's), and never meets intake:
//! they share the ledger and a bell.

pub mod board;
pub mod bucket;
pub mod deliver;
pub mod gate;
pub mod handout;
pub mod jobs;
pub mod owner;
pub mod places;
pub mod recent;
pub mod supervisor;

#[cfg(test)]
mod tests;

pub use board::Board;
pub use handout::Handout;
pub use supervisor::{Dispatcher, Setup};

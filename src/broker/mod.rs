//! The door for agencies that speak AMQP: envelopes and outcomes come in, receipts and problems go out, and what an agency rejected
//! comes back.
//!
//! B1: a message is acknowledged only after what it asks for is committed (or refused and told), so that a death in between brings it
//! back, and its identity makes a repeat of it. B2: who speaks is the user that the broker has verified (`user_id`), nothing that a
//! sender can write. B3: the order of a lane is the order of the queue: of one lane there is never more than one on its way to the
//! ledger, and what cannot be taken for a passing reason goes back to the head of the queue with all that is out after it. B4: what
//! is refused is told to its sender or moved to the quarantine by the broker, with everything that came with it; never dropped.
//! B5: an answer goes to the queue of the agency that spoke, never to one that a message names: Falaj may write where an agency may not.
//! B6: the same rights, the same identities and the same refusals as over HTTP: this door, too, leads through [`crate::intake`].
//!
//! In reading order: [`reader`] reads a queue and settles each message; [`envelopes`], [`outcomes`] and [`returns`] say what is done
//! with those of each queue; [`speaker`] says who sent one, [`answer`] how it is answered; [`start`] puts them together; [`plan`] is what the broker
//! needs for the deployment in force.
//!
//! Nothing here decides about an envelope, and nothing here sends a delivery.

mod answer;
mod envelopes;
mod outcomes;
mod reader;
mod returns;
mod speaker;
mod start;

pub mod plan;

pub use start::{Door, Doors};

//! The one way in: whatever an envelope came by, it passes here and nowhere else.
//!
//! I1: nothing is accepted without the right to its type and its source, a schema that it satisfies, and a synced commit. I2: a
//! repeat gets the original receipt whatever the schemas say by now; the identity is looked up after the rights, and costs an
//! envelope that is new and good nothing. I3: envelopes handed in one after the other are accepted in that order: nothing is
//! awaited before the ledger has the envelope in its queue. I4: what waits for the envelope is woken after the commit, and only
//! then. I5: a refusal says everything the sender can mend, and nothing about the rights of others.
//!
//! What agencies report about their deliveries comes in here as well ([`report`]). Nothing here knows HTTP or AMQP, and nothing here
//! sends.

mod accept;
mod dry_run;
mod refusal;
pub mod report;

pub use accept::{Accepted, Intake, Sender};
pub use dry_run::{Asker, DryRun, Other, Would};
pub use refusal::Refusal;
pub use report::{Heard, Told, Unheard};

//! The names at the broker: exchanges, queues, and the headers of what Falaj publishes.
//!
//! Both sides of a queue depend on its arguments, and so does a promise of ours on two of them:
//!
//! `falaj.in` and `falaj.outcome` need `x-single-active-consumer`. A broker may hold a connection that Falaj has lost for longer
//! than Falaj needs for the next one, with messages still out to the old one; a second consumer would be given the later ones
//! first, and a lane would be accepted out of order. With a single active consumer nobody is given anything until the old one is
//! gone and its messages are back at the head.
//!
//! Both need a delivery limit that is never reached, or a dead-letter exchange that leads to the quarantine: each time Falaj cannot
//! accept for a passing reason, everything that is out to it goes back and counts as one more delivery. `falaj.dead` needs the
//! same: what comes there and was never sent by Falaj is rejected.

use crate::model::id::AgencyId;

/// Exchange (topic) and queue by which envelopes come in.
pub const IN: &str = "falaj.in";
/// Exchange (direct, routing key the agency) by which deliveries go out.
pub const OUT: &str = "falaj.out";
/// Exchange and queue of what agencies rejected, or were offered too often.
pub const DEAD: &str = "falaj.dead";
/// Exchange (topic, routing key the agency) and queue by which outcomes come in.
pub const OUTCOME: &str = "falaj.outcome";
/// Exchange (direct, routing key the agency) by which receipts and problems go out.
pub const REPLY: &str = "falaj.reply";
/// Exchange and queue of what Falaj cannot take and nobody waits for: the broker moves it there when Falaj rejects it.
pub const QUARANTINE: &str = "falaj.quarantine";

/// The header that names a delivery's generation, by which it is known when it comes back.
pub const DELIVERY: &str = "falaj-delivery";

/// The queue of an agency's deliveries.
pub fn out_queue(agency: &AgencyId) -> String {
    format!("{OUT}.{agency}")
}

/// The queue of an agency's receipts and problems.
pub fn reply_queue(agency: &AgencyId) -> String {
    format!("{REPLY}.{agency}")
}

//! What Falaj needs at the broker, who may do what with it, and whether it is there.
//!
//! ```text
//!  agency ─► falaj.in ─► [falaj.in] ─► Falaj ─► falaj.out ─► [falaj.out.<agency>] ─► agency
//!                            │ reject                               │ reject, or offered too often
//!                            ▼                                      ▼
//!        falaj.quarantine ─► [falaj.quarantine]         falaj.dead ─► [falaj.dead] ─► Falaj: refused
//!                            │ release
//!                            ▼
//!           falaj.release ─► back to [falaj.in] or [falaj.outcome]
//!
//!  agency ─► falaj.outcome ─► [falaj.outcome] ─► Falaj ─► falaj.reply ─► [falaj.reply.<agency>] ─► agency
//! ```
//!
//! In brackets are queues, the others are exchanges.
//!
//! B1: nothing is thrown away by the broker: every queue that holds an envelope refuses what it cannot take, and passes on what it
//! gives up to a queue that Falaj reads. Answers alone may be dropped, the oldest first, where an agency never fetches them. B2:
//! an agency reads its own two queues, writes to two exchanges under its own name, and configures nothing. B3: what cannot be
//! parsed is moved to the quarantine by the broker (reject without requeue), and back by the broker too, so that the sender that
//! the broker has verified (`user_id`) stays with it: a copy that Falaj published could not carry it. B4: [`mod@declare`] never changes
//! nor deletes what is there; what differs is told. B5: no password is in any of it.
//!
//! A routing key proves nothing: topic permissions hold for it, but not for the keys of a `CC` header (seen on 3.10). Who speaks is
//! `user_id` alone. An answer goes to the exchange `falaj.reply` under the speaker's own id and never to a queue that a message
//! names, for Falaj may write where an agency may not.
//!
//! In reading order: [`plan`] is pure; [`rights`] are the patterns of the permissions; [`mod@script`] and [`mod@definitions`] write the plan
//! for the broker's own tools; [`mod@declare`] asks and declares over a connection and tells in a [`report`]; [`keep`] sees to it while Falaj runs.

mod declare;
mod definitions;
mod keep;
mod plan;
mod report;
mod rights;
mod script;
#[cfg(test)]
mod tests;

pub use declare::{AskFault, check, declare};
pub use definitions::definitions;
pub use keep::Keep;
pub use plan::{
    Argument, Binding, Exchange, ExchangeKind, Party, Permission, Plan, PlanFault, Policy, Queue, Receives, Shape,
    TopicPermission, User,
};
pub use report::{Difference, Figures, Item, ItemKind, ItemState, Report};
pub use script::script;

//! The broker at the edge: RabbitMQ, for agencies and integrators that speak AMQP 0-9-1. The only user of lapin.
//!
//! A1: the broker is a way in and a way out, never the truth: what it holds is either not accepted yet or delivered already, and it
//! holds no retry schedule. A2: every step has a time limit, and a published message of which nothing was heard is *unknown*: it is
//! published again under the same `message_id`. A3: one connection publishes and another one consumes, for the broker blocks
//! those that publish. A4: a lost connection is made anew by [`link`], with all that stood on it; lapin's own recovery is off.
//! A5: how it stands has a name ([`State`]) that anybody may read. A6: neither password nor payload reaches a log line, an error
//! or an answer.
//!
//! In reading order: [`address`] and [`settings`] say where the broker is; [`state`] how it stands; [`link`] keeps a connection;
//! [`outlet`] publishes over one and [`inbox`] consumes over the other; [`message`] is what travels; [`names`] are the names there;
//! [`view`] and [`figures`] are for those who look; [`topology`] is all that must be there; [`visit`], [`quarantine`] and [`bare`]
//! are for commands.
//!
//! Nothing here knows an envelope, an agency's rights or the ledger.

pub mod address;
pub mod bare;
pub mod figures;
pub mod inbox;
pub mod link;
pub mod message;
pub mod names;
pub mod outlet;
pub mod quarantine;
pub mod settings;
pub mod state;
pub mod topology;
pub mod view;
pub mod visit;

mod fault;
mod tls;

pub use address::Address;
pub use figures::Figures;
pub use inbox::{Inbox, Session};
pub use link::{Link, Role};
pub use message::{Incoming, Outgoing, Value};
pub use outlet::{Outlet, PublishFault, Publisher};
pub use settings::Settings;
pub use state::{State, Status, Way};
pub use view::View;

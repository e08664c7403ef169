//! Alarms: what a person should know of without looking.
//!
//! A1: an alarm is about an agency and a condition (or about the bus and a condition), never about an envelope: however many
//! deliveries suffer, it is raised once and cleared once. A2: it is raised when its condition holds and cleared when the condition
//! has not held for a while, so that whatever flaps is one alarm. A3: what cannot be judged now, because the agency is closed, is
//! left as it is; closed hours are no age here either. A4: no personal data: an alarm has an agency, a condition and figures.
//! A5: alarms decide nothing: nobody waits for them, and a receiver of alarms that is down holds up nothing but its own queue.
//!
//! An alarm is a log line, the metric `falaj_alarm{agency,condition}`, and where `[alarms] url` is set a signed CloudEvent in both
//! languages, `falaj.alarm.raised` or `falaj.alarm.cleared`. What is raised is kept in memory: after a start what still holds is
//! raised again.

pub mod condition;
pub mod judge;
pub mod look;
pub mod notice;
pub mod post;
pub mod watch;

pub use condition::{Alarm, Condition, Limits};
pub use watch::Watch;

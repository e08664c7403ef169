//! Permissions as RabbitMQ wants them: regular expressions over names, which match anywhere unless they are anchored.

use super::plan::{Party, Permission, TopicPermission};
use crate::amqp::names::{IN, OUTCOME, out_queue, reply_queue};
use crate::model::id::TypePattern;

/// What belongs to Falaj.
pub const OWN: &str = r"^falaj\.";
/// Matches no name of ours.
const NOTHING: &str = "^$";

/// Falaj's own user: everything of Falaj's, nothing else.
pub fn own(user: &str) -> Permission {
    let all = || OWN.to_owned();
    Permission { user: user.to_owned(), configure: all(), write: all(), read: all() }
}

/// An agency: keeps B2.
pub fn of(party: &Party) -> Permission {
    let (sends, receives) = (!party.sends.is_empty(), party.receives.is_some());
    let write = [(IN, sends), (OUTCOME, receives)];
    let read = [(out_queue(&party.agency), receives), (reply_queue(&party.agency), true)];
    Permission {
        user: party.user.clone(),
        configure: NOTHING.to_owned(),
        write: one_of(write.iter().filter(|(_, may)| *may).map(|(name, _)| quoted(name))),
        read: one_of(read.iter().filter(|(_, may)| *may).map(|(name, _)| quoted(name))),
    }
}

/// The routing keys an agency may publish under. Where none are set, RabbitMQ allows all: so they are set for both exchanges.
pub fn topics(party: &Party) -> [TopicPermission; 2] {
    let topic =
        |exchange, write| TopicPermission { user: party.user.clone(), exchange, write, read: NOTHING.to_owned() };
    let outcome = party.receives.map(|_| quoted(party.agency.as_str()));
    [topic(IN, one_of(party.sends.iter().map(types))), topic(OUTCOME, one_of(outcome.into_iter()))]
}

fn types(pattern: &TypePattern) -> String {
    match pattern {
        TypePattern::Exact(exact) => quoted(exact.as_str()),
        TypePattern::Prefix(prefix) => format!("{}.+", quoted(prefix)),
    }
}

/// A name of ours as a pattern: of what may stand in one, only the dot has a meaning there.
fn quoted(name: &str) -> String {
    name.replace('.', r"\.")
}

/// Exactly one of these patterns, or nothing.
fn one_of(patterns: impl Iterator<Item = String>) -> String {
    let patterns: Vec<String> = patterns.collect();
    match patterns.as_slice() {
        [] => NOTHING.to_owned(),
        [one] => format!("^{one}$"),
        several => format!("^({})$", several.join("|")),
    }
}

//! The plan: exchanges, queues, bindings, users and their rights, from the agencies that speak AMQP. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::rights;
use crate::amqp::names::{DEAD, IN, OUT, OUTCOME, QUARANTINE, REPLY, out_queue, reply_queue};
use crate::model::id::{AgencyId, TypePattern};

/// By which what is released from the quarantine comes back.
pub const RELEASE: &str = "falaj.release";

/// Times that a message of Falaj's own queues may be offered. The broker counts an unreachable ledger as a failed delivery, and
/// RabbitMQ 4 gives up after 20 where nothing is said; 3.10 knows no way to say "never".
const OFFERS_MAX: u64 = 2_000_000_000;
/// Answers that wait for an agency.
const REPLIES_MAX: u64 = 10_000;
/// Bytes of them.
const REPLY_BYTES_MAX: u64 = 64 << 20;
/// Bytes of a user's name at the broker.
const USER_BYTES_MAX: usize = 128;

/// An agency that speaks AMQP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its id.
    pub agency: AgencyId,
    /// Its user at the broker.
    pub user: String,
    /// Types it may send.
    pub sends: Vec<TypePattern>,
    /// How it receives; `None` where it only sends, or receives by another transport.
    pub receives: Option<Receives>,
}

/// How an agency receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receives {
    /// Whether order is kept for any of its subscriptions: then one consumer at a time is active.
    pub ordered: bool,
}

/// What the plan is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The virtual host.
    pub vhost: String,
    /// Falaj's own user.
    pub user: String,
    /// Deliveries that one agency's queue holds before it refuses more.
    pub messages_max: u64,
    /// Bytes that a queue holds before it refuses more.
    pub bytes_max: u64,
    /// Times that a delivery is offered to an agency's consumers before it comes back as refused.
    pub offers_max: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            vhost: "/".to_owned(),
            user: "falaj".to_owned(),
            messages_max: 100_000,
            bytes_max: 1 << 30,
            offers_max: 100,
        }
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// One user for two agencies: who of them speaks could not be told.
    #[error("{0} and {1} have the same user at the broker; give one of them another amqp_user")]
    Shared(AgencyId, AgencyId),
    /// An agency with Falaj's own user, which may do everything.
    #[error("{0} has Falaj's own user at the broker; give it another amqp_user")]
    Own(AgencyId),
    /// No name for a user.
    #[error("the user of {0} at the broker must have 1 to {USER_BYTES_MAX} bytes and no control characters")]
    User(AgencyId),
}

/// Everything Falaj needs at the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The virtual host of all of it.
    pub vhost: String,
    /// Exchanges, all durable.
    pub exchanges: Vec<Exchange>,
    /// Queues, all durable quorum queues.
    pub queues: Vec<Queue>,
    /// Bindings.
    pub bindings: Vec<Binding>,
    /// Users, Falaj's own first.
    pub users: Vec<User>,
    /// What each of them may do.
    pub permissions: Vec<Permission>,
    /// Under which routing keys each agency may publish.
    pub topic_permissions: Vec<TopicPermission>,
    /// Policies.
    pub policies: Vec<Policy>,
}

/// An exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ExchangeKind,
    /// What it is for.
    pub about: &'static str,
}

/// The type of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExchangeKind {
    /// By routing key.
    Direct,
    /// By pattern of the routing key.
    Topic,
    /// To all.
    Fanout,
}

impl ExchangeKind {
    /// Its name at the broker.
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Topic => "topic",
            Self::Fanout => "fanout",
        }
    }
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its arguments, by name. The broker takes no others for a queue that is there.
    pub arguments: BTreeMap<&'static str, Argument>,
    /// What it is for.
    pub about: &'static str,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Argument {
    /// A text.
    Text(&'static str),
    /// A number.
    Number(u64),
    /// A flag.
    Flag(bool),
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// A binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// From.
    pub exchange: &'static str,
    /// To.
    pub queue: String,
    /// Routing key, or its pattern.
    pub key: String,
}

/// A user. Its password is its own affair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Whose it is; `None` for Falaj's own.
    pub agency: Option<AgencyId>,
}

/// What a user may do, as patterns over the names of exchanges and queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// Who.
    pub user: String,
    /// May make and delete.
    pub configure: String,
    /// May publish to.
    pub write: String,
    /// May consume from.
    pub read: String,
}

/// Under which routing keys a user may publish to a topic exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicPermission {
    /// Who.
    pub user: String,
    /// Where.
    pub exchange: &'static str,
    /// Pattern of the routing keys it may publish under.
    pub write: String,
    /// Pattern of the keys it may bind queues with; nothing.
    pub read: String,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// Pattern of the names of the queues it is about.
    pub pattern: &'static str,
    /// What it says.
    pub definition: BTreeMap<&'static str, Argument>,
    /// What it is for.
    pub about: &'static str,
}

impl Plan {
    /// The plan for these agencies, in order of their ids.
    pub fn new(shape: &Shape, mut parties: Vec<Party>) -> Result<Self, PlanFault> {
        parties.sort_by(|a, b| a.agency.cmp(&b.agency));
        check_users(shape, &parties)?;
        let mut plan = Self {
            vhost: shape.vhost.clone(),
            exchanges: exchanges(),
            queues: own_queues(shape),
            bindings: own_bindings(),
            users: vec![User { name: shape.user.clone(), agency: None }],
            permissions: vec![rights::own(&shape.user)],
            topic_permissions: Vec::new(),
            policies: vec![Policy {
                name: "falaj-leaders",
                pattern: rights::OWN,
                definition: BTreeMap::from([("queue-leader-locator", Argument::Text("balanced"))]),
                about: "spreads the leaders of the queues over the nodes of a cluster",
            }],
        };
        for party in &parties {
            plan.add(shape, party);
        }
        Ok(plan)
    }

    fn add(&mut self, shape: &Shape, party: &Party) {
        let id = &party.agency;
        if let Some(receives) = party.receives {
            self.queues.push(deliveries(shape, id, receives));
            self.bind(OUT, out_queue(id), id.as_str());
            // What is dead-lettered keeps its routing key.
            self.bind(DEAD, DEAD.to_owned(), id.as_str());
        }
        self.queues.push(replies(id));
        self.bind(REPLY, reply_queue(id), id.as_str());
        self.users.push(User { name: party.user.clone(), agency: Some(id.clone()) });
        self.permissions.push(rights::of(party));
        self.topic_permissions.extend(rights::topics(party));
    }

    fn bind(&mut self, exchange: &'static str, queue: String, key: &str) {
        self.bindings.push(Binding { exchange, queue, key: key.to_owned() });
    }
}

fn check_users(shape: &Shape, parties: &[Party]) -> Result<(), PlanFault> {
    let mut seen: BTreeMap<&str, &AgencyId> = BTreeMap::new();
    for Party { agency, user, .. } in parties {
        if user.is_empty() || user.len() > USER_BYTES_MAX || user.chars().any(char::is_control) {
            return Err(PlanFault::User(agency.clone()));
        }
        if *user == shape.user {
            return Err(PlanFault::Own(agency.clone()));
        }
        if let Some(other) = seen.insert(user, agency) {
            return Err(PlanFault::Shared(other.clone(), agency.clone()));
        }
    }
    Ok(())
}

fn exchanges() -> Vec<Exchange> {
    use ExchangeKind::{Direct, Fanout, Topic};
    let exchange = |name, kind, about| Exchange { name, kind, about };
    vec![
        exchange(IN, Topic, "agencies publish envelopes here; routing key: the type"),
        exchange(OUT, Direct, "Falaj publishes deliveries here; routing key: the agency"),
        exchange(OUTCOME, Topic, "agencies say here what they did; routing key: the agency"),
        exchange(REPLY, Direct, "Falaj answers here; routing key: the agency"),
        exchange(DEAD, Direct, "what agencies reject goes through here; routing key: the agency"),
        exchange(QUARANTINE, Fanout, "what cannot be parsed goes through here"),
        exchange(RELEASE, Topic, "what is released from the quarantine goes through here"),
    ]
}

/// The arguments that every queue has: it survives, it refuses what it cannot take, and says how often it offers.
fn queue(offers_max: u64, bytes_max: u64) -> BTreeMap<&'static str, Argument> {
    BTreeMap::from([
        ("x-queue-type", Argument::Text("quorum")),
        ("x-delivery-limit", Argument::Number(offers_max)),
        ("x-max-length-bytes", Argument::Number(bytes_max)),
        ("x-overflow", Argument::Text("reject-publish")),
    ])
}

/// Keeps B1: what is given up is passed on, and held until that has been confirmed.
fn giving_up_to(
    exchange: &'static str,
    mut arguments: BTreeMap<&'static str, Argument>,
) -> BTreeMap<&'static str, Argument> {
    arguments.insert("x-dead-letter-exchange", Argument::Text(exchange));
    arguments.insert("x-dead-letter-strategy", Argument::Text("at-least-once"));
    arguments
}

/// Whoever reads next waits until the one before it is gone and its messages are back: else later ones overtake them.
fn in_order(mut arguments: BTreeMap<&'static str, Argument>) -> BTreeMap<&'static str, Argument> {
    arguments.insert("x-single-active-consumer", Argument::Flag(true));
    arguments
}

fn own_queues(shape: &Shape) -> Vec<Queue> {
    let base = || queue(OFFERS_MAX, shape.bytes_max);
    let own = |name: &str, arguments, about| Queue { name: name.to_owned(), arguments, about };
    vec![
        own(IN, in_order(giving_up_to(QUARANTINE, base())), "envelopes that Falaj has not accepted yet"),
        own(OUTCOME, in_order(giving_up_to(QUARANTINE, base())), "outcomes that Falaj has not recorded yet"),
        own(
            DEAD,
            giving_up_to(QUARANTINE, base()),
            "deliveries that agencies rejected, for Falaj to record as refused",
        ),
        own(QUARANTINE, giving_up_to(RELEASE, base()), "what could not be parsed, for a person"),
    ]
}

fn own_bindings() -> Vec<Binding> {
    let binding = |exchange, queue: &str, key: &str| Binding { exchange, queue: queue.to_owned(), key: key.to_owned() };
    vec![
        binding(IN, IN, "#"),
        binding(OUTCOME, OUTCOME, "#"),
        binding(QUARANTINE, QUARANTINE, ""),
        // A type has a dot, an agency has none.
        binding(RELEASE, IN, "*.*.#"),
        binding(RELEASE, OUTCOME, "*"),
    ]
}

fn deliveries(shape: &Shape, agency: &AgencyId, receives: Receives) -> Queue {
    let mut arguments = giving_up_to(DEAD, queue(shape.offers_max, shape.bytes_max));
    arguments.insert("x-max-length", Argument::Number(shape.messages_max));
    let arguments = if receives.ordered { in_order(arguments) } else { arguments };
    Queue { name: out_queue(agency), arguments, about: "deliveries that the agency has not taken yet" }
}

fn replies(agency: &AgencyId) -> Queue {
    let mut arguments = queue(OFFERS_MAX, REPLY_BYTES_MAX);
    arguments.insert("x-max-length", Argument::Number(REPLIES_MAX));
    // Nobody has to fetch answers: the oldest ones go.
    arguments.insert("x-overflow", Argument::Text("drop-head"));
    Queue { name: reply_queue(agency), arguments, about: "receipts and problems that the agency has not fetched yet" }
}

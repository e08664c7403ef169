//! What was found at the broker, item by item.

use std::fmt;

use serde::Serialize;

/// Everything that was asked for or declared, in the order of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The virtual host.
    pub vhost: String,
    /// The items.
    pub items: Vec<Item>,
}

/// One item of the plan, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its name; of a binding `exchange -> queue (key)`.
    pub name: String,
    /// How it stands.
    #[serde(flatten)]
    pub state: ItemState,
    /// Of a queue that is there.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Messages that wait in it; those that are out to a consumer are not counted.
    pub messages: u32,
    /// Consumers.
    pub consumers: u32,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// An exchange.
    Exchange,
    /// A queue.
    Queue,
    /// A binding.
    Binding,
}

/// How an item stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ItemState {
    /// It is there, as it should be.
    Present,
    /// It was made just now.
    Declared,
    /// It is there, and is another: it stays as it is.
    Differs(Difference),
    /// This user may not do it, or may not ask.
    Forbidden {
        /// Whether it is there; unknown where even that may not be asked.
        there: Option<bool>,
    },
    /// It is not there.
    Missing,
    /// AMQP has no question for it.
    Unasked,
}

/// The first argument in which an item differs; the broker names no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which; empty where the broker said something else.
    pub argument: String,
    /// What it should be; `None` for nothing.
    pub wanted: Option<String>,
    /// What it is; `None` for nothing.
    pub found: Option<String>,
}

impl ItemState {
    /// Whether nothing is known to be wrong with it.
    pub fn is_right(&self) -> bool {
        matches!(self, Self::Present | Self::Declared | Self::Unasked)
    }

    /// Its name, as JSON has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Declared => "declared",
            Self::Differs(_) => "differs",
            Self::Forbidden { .. } => "forbidden",
            Self::Missing => "missing",
            Self::Unasked => "unasked",
        }
    }
}

impl Report {
    /// What is not as it should be.
    pub fn wrong(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.state.is_right())
    }

    /// Whether everything that could be asked is as it should be.
    pub fn is_right(&self) -> bool {
        self.wrong().next().is_none()
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exchange => "exchange",
            Self::Queue => "queue",
            Self::Binding => "binding",
        })
    }
}

impl fmt::Display for ItemState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(difference) => write!(f, "differs: {difference}"),
            Self::Forbidden { there: Some(false) } => f.write_str("missing, and this user may not make it"),
            Self::Forbidden { there: Some(true) } => f.write_str("there; this user may not compare it"),
            Self::Forbidden { there: None } => f.write_str("this user may not"),
            Self::Unasked => f.write_str("cannot be asked over AMQP"),
            state => f.write_str(state.word()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.argument.is_empty() {
            return f.write_str("the broker does not say in what");
        }
        let nothing = || "nothing".to_owned();
        let (found, wanted) = (self.found.clone().unwrap_or_else(nothing), self.wanted.clone().unwrap_or_else(nothing));
        write!(f, "{} is {found}, not {wanted}", self.argument)
    }
}

impl Difference {
    /// Reads what RabbitMQ says of it, which names and values of the plan and of the broker are all there is in: `PRECONDITION_FAILED - inequivalent arg 'x' for queue 'q' in vhost '/': received 'a'
    /// but current is 'b'`. `None` where it says something else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("inequivalent arg '")?;
        let (argument, rest) = rest.split_once('\'')?;
        // The reply text has 255 bytes at most, and a name in it may have taken the rest away.
        let (_, rest) = rest.split_once(": received ").unwrap_or(("", ""));
        let (wanted, found) = rest.split_once(" but current is ").unwrap_or((rest, ""));
        Some(Self { argument: argument.to_owned(), wanted: value(wanted), found: value(found) })
    }
}

/// `none`, `'20'` or `the value '20' of type 'signedint'`.
fn value(text: &str) -> Option<String> {
    let text = text.strip_prefix("the value ").unwrap_or(text);
    text.strip_prefix('\'')?.split('\'').next().map(str::to_owned)
}

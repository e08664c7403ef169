//! Names and numbers that identify things. Each has a type of its own and is checked once, where it comes in.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Why a name was not accepted. The text says what is allowed and never repeats the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// An agency id of another shape.
    #[error("an agency id is 1 to 40 of a-z, 0-9 and '-', beginning with a letter")]
    Agency,
    /// An event type of another shape.
    #[error("a type is reverse DNS of at most 120 characters: two or more labels of a-z, 0-9 and '-', joined by '.'")]
    EventType,
    /// A type pattern of another shape.
    #[error("a type pattern is a type, a type prefix followed by '.*', or '*'")]
    Pattern,
    /// A schema version of another shape.
    #[error("a version is <major>.<minor>, such as 1.0")]
    Version,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path, $fault:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and keeps a name.
            pub fn parse(text: &str) -> Result<Self, NameFault> {
                if $check(text) { Ok(Self(Arc::from(text))) } else { Err($fault) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The id of a participant: 1 to 40 of `a-z`, `0-9`, `-`, beginning with a letter. Also the name of its folder.
    AgencyId,
    is_agency,
    NameFault::Agency
);
name!(
    /// A CloudEvents `type` in reverse DNS, such as `qa.gov.person.address-changed`.
    EventType,
    is_event_type,
    NameFault::EventType
);

/// Falaj itself, where somebody must be named: who ended what time ended, who sent what no agency did. No agency bears it.
pub const FALAJ: &str = "falaj";

/// What the types of Falaj's own begin with.
const OWN: &str = "falaj.";

impl EventType {
    /// Whether it is one of Falaj's own: nobody else may send it.
    pub fn is_own(&self) -> bool {
        self.as_str().starts_with(OWN)
    }
}

fn is_agency(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_event_type(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 120 && text.contains('.') && text.split('.').all(label)
}

/// What a manifest may write where types are meant: one type, a family (`qa.gov.residency.*`), or every type of the deployment
/// (`*`). Falaj's own are meant by name or by `falaj.*` alone: whoever wants everything does not ask for notices of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TypePattern {
    /// Exactly this type.
    Exact(EventType),
    /// Every type that begins with this prefix; the prefix ends in a dot, or is empty for `*`.
    Prefix(Arc<str>),
}

impl TypePattern {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        if text == "*" {
            return Ok(Self::Prefix(Arc::from("")));
        }
        match text.strip_suffix(".*") {
            Some(family) => {
                let label = |l: &str| is_event_type(&format!("{l}.x"));
                if label(family) { Ok(Self::Prefix(format!("{family}.").into())) } else { Err(NameFault::Pattern) }
            }
            None => EventType::parse(text).map(Self::Exact).map_err(|_| NameFault::Pattern),
        }
    }

    /// Whether a type is meant by the pattern.
    pub fn matches(&self, ty: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.as_str() == ty,
            Self::Prefix(prefix) if prefix.is_empty() => !ty.starts_with(OWN),
            Self::Prefix(prefix) => ty.starts_with(&**prefix),
        }
    }

    /// Whether it means types of Falaj's own.
    pub fn is_own(&self) -> bool {
        match self {
            Self::Exact(ty) => ty.is_own(),
            Self::Prefix(prefix) => prefix.starts_with(OWN),
        }
    }

    /// Whether some type is meant by both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(a), b) => b.matches(a.as_str()),
            (a, Self::Exact(b)) => a.matches(b.as_str()),
            _ if self.is_own() != other.is_own() => false,
            (Self::Prefix(a), Self::Prefix(b)) => a.starts_with(&**b) || b.starts_with(&**a),
        }
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(ty) => write!(f, "{ty}"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl Serialize for TypePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TypePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A schema version, `<major>.<minor>`. Versions of one major line are compatible for their receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Changes when receivers may break.
    pub major: u32,
    /// Changes when nothing of a receiver can break.
    pub minor: u32,
}

impl Version {
    /// Parses `1.0`; leading zeros are not a version.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let (major, minor) = text.split_once('.').ok_or(NameFault::Version)?;
        let number = |text: &str| match text.as_bytes() {
            [b'0'] => Some(0),
            [b'1'..=b'9', rest @ ..] if rest.len() < 6 && rest.iter().all(u8::is_ascii_digit) => text.parse().ok(),
            _ => None,
        };
        Ok(Self { major: number(major).ok_or(NameFault::Version)?, minor: number(minor).ok_or(NameFault::Version)? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The place of an envelope in accept order: 1, 2, 3 ... without meaning outside one ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The number of a delivery within its envelope: recipients first, in their order, then redrives as they come. From 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u16);

impl Slot {
    /// The highest number a slot can have, and so the most deliveries one envelope can ever have.
    pub const MAX: u16 = 4095;
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID for this id; whether such a thing exists is for the ledger to say.
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Parses the hyphenated form; nothing else is an id.
            pub fn parse(text: &str) -> Option<Self> {
                if text.len() != 36 {
                    return None;
                }
                Uuid::try_parse(text).ok().map(Self)
            }

            /// The id as a UUID.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

uuid_id!(
    /// Falaj's id of an accepted envelope, a UUIDv7.
    EnvelopeId
);
uuid_id!(
    /// The id of one delivery, a UUIDv7. The `webhook-id` is the id of the first generation of it.
    DeliveryId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_at_the_door() {
        for good in ["moi", "medical-commission", "a1"] {
            assert!(AgencyId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Moi", "1a", "-a", "a_b", "a/b", "..", &"a".repeat(41)] {
            assert!(AgencyId::parse(bad).is_err(), "{bad}");
        }
        for good in ["qa.gov.person.address-changed", "a.b"] {
            assert!(EventType::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "a..b", ".a", "a.", "a.B", "a.*", "a b.c", "a/../b.c"] {
            assert!(EventType::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_match_whole_labels() {
        let family = TypePattern::parse("qa.gov.residency.*").unwrap();
        assert!(family.matches("qa.gov.residency.renewed"));
        assert!(!family.matches("qa.gov.residencyx.renewed"));
        assert!(!family.matches("qa.gov.residency"));
        assert!(TypePattern::parse("*").unwrap().matches("a.b"));
        assert!(TypePattern::parse("qa.*").unwrap().overlaps(&family));
        assert!(!TypePattern::parse("qa.gov.person.*").unwrap().overlaps(&family));
        assert!(family.overlaps(&TypePattern::parse("qa.gov.residency.issued").unwrap()));
        for bad in ["", "qa.gov.*x", "qa*", "*.gov", "qa.*.x"] {
            assert!(TypePattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn falajs_own_types_are_meant_by_name_alone() {
        let (all, own) = (TypePattern::parse("*").unwrap(), TypePattern::parse("falaj.*").unwrap());
        assert!(own.matches("falaj.delivery.settled") && !all.matches("falaj.delivery.settled"));
        assert!(all.matches("falajx.y"));
        assert!(own.is_own() && !all.is_own() && TypePattern::parse("falaj.x").unwrap().is_own());
        assert!(!own.overlaps(&all) && !all.overlaps(&own));
        assert!(own.overlaps(&TypePattern::parse("falaj.delivery.*").unwrap()));
        assert!(EventType::parse("falaj.x").unwrap().is_own() && !EventType::parse("falajx.y").unwrap().is_own());
    }

    #[test]
    fn versions_are_major_and_minor() {
        assert_eq!(Version::parse("1.10").unwrap(), Version { major: 1, minor: 10 });
        assert!(Version::parse("1.10").unwrap() > Version::parse("1.9").unwrap());
        for bad in ["1", "1.", ".1", "01.0", "1.0.0", "v1.0", "1.-1", "1.99999999"] {
            assert!(Version::parse(bad).is_err(), "{bad}");
        }
    }
}

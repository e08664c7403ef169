//! What a setting takes: its form, its bounds, and the place in the configuration where it goes.
//!
//! A refusal names the setting and says what to write; what was written is never repeated, for it may be a secret.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::settings::Setting;
use super::{Config, oidc};
use crate::amqp::Address;
use crate::catalog::url;
use crate::identity::{Base, Issuer, Password};
use crate::model::cloudevents::is_uri_reference;
use crate::model::secret::Secret;
use crate::model::time::Span;
use crate::model::window::Zone;
use crate::telemetry::log::Format;

pub(super) const KIB: u64 = 1 << 10;
pub(super) const MIB: u64 = 1 << 20;
pub(super) const TIB: u64 = 1 << 40;
pub(super) const PIB: u64 = 1 << 50;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 100;

/// What a setting takes, its bounds, and where it goes.
pub(super) enum Kind {
    /// `host:port`, as IP address.
    Address(fn(&mut Config) -> &mut SocketAddr),
    /// `250ms 15s 5m 7d`.
    Duration(fn(&mut Config) -> &mut Duration, Duration, Duration),
    /// A whole number.
    Count(fn(&mut Config) -> &mut usize, usize, usize),
    /// A whole number up to 65535.
    Small(fn(&mut Config) -> &mut u16, u16, u16),
    /// Bytes: a whole number, or `512MiB`.
    Bytes(fn(&mut Config) -> &mut u64, u64, u64),
    /// The same where it must fit in memory.
    Size(fn(&mut Config) -> &mut usize, u64, u64),
    /// `true` or `false`.
    Flag(fn(&mut Config) -> &mut bool),
    /// A path; in the file it is relative to the file, elsewhere to the current folder.
    Path(fn(&mut Config) -> &mut PathBuf),
    /// A CloudEvents `source`.
    Source(fn(&mut Config) -> &mut String),
    /// An address to post to, or nothing.
    Url(fn(&mut Config) -> &mut Option<String>),
    /// The address of a broker, or nothing.
    Broker(fn(&mut Config) -> &mut Option<Address>),
    /// Words, or nothing.
    Text(fn(&mut Config) -> &mut Option<String>),
    /// A file, or nothing; in the file it is relative to the file, elsewhere to the current folder.
    File(fn(&mut Config) -> &mut Option<PathBuf>),
    /// A share, 0 to 1.
    Share(fn(&mut Config) -> &mut f64),
    /// A name, never empty.
    Name(fn(&mut Config) -> &mut String),
    /// The form of a log line.
    LogFormat(fn(&mut Config) -> &mut Format),
    /// A webhook secret, or nothing.
    Key(fn(&mut Config) -> &mut Option<Secret>),
    /// A time zone by its IANA name.
    Zoned(fn(&mut Config) -> &mut Zone),
    /// The name of an identity provider, or nothing.
    Issuer(fn(&mut Config) -> &mut Option<Issuer>),
    /// Where people open the dashboard, or nothing.
    Base(fn(&mut Config) -> &mut Option<Base>),
    /// A client's secret, or nothing.
    Password(fn(&mut Config) -> &mut Option<Password>),
    /// OAuth scopes.
    Scopes(fn(&mut Config) -> &mut Vec<String>),
    /// Networks (CIDR).
    Networks(fn(&mut Config) -> &mut Vec<IpNet>),
    /// Refused, with what to write instead.
    Refused(&'static str, &'static str),
}

/// A value as file, environment or command line give it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i128),
    Flag(bool),
    Fraction(f64),
    List(Vec<String>),
    Other(&'static str),
}

impl Setting {
    /// Puts a value in its place, or says what is wrong and what to write.
    pub(super) fn set(&self, config: &mut Config, value: &Value) -> Result<(), (String, String)> {
        let wrong = |wanted: &str, example: &str| {
            Err((format!("{} takes {wanted}", self.name), format!("Write it like {example}.")))
        };
        let bounds = |low: &dyn std::fmt::Display, high: &dyn std::fmt::Display| {
            Err((format!("{} is out of bounds", self.name), format!("It may be {low} to {high}.")))
        };
        let refused = |fault: &dyn std::fmt::Display, hint: &str| (format!("{}: {fault}", self.name), hint.to_owned());
        let like = format!("Write it like {}.", self.example);
        match (&self.kind, value) {
            (Kind::Address(place), Value::Text(text)) => match text.parse() {
                Ok(address) => *place(config) = address,
                Err(_) => return wrong("an IP address and a port", "\"127.0.0.1:8080\" or \"[::]:8080\""),
            },
            (Kind::Address(_), _) => return wrong("an IP address and a port", "\"127.0.0.1:8080\" or \"[::]:8080\""),
            (Kind::Duration(place, low, high), value) => match value {
                Value::Text(text) => match Span::parse(text) {
                    Some(Span(span)) if (*low..=*high).contains(&span) => *place(config) = span,
                    Some(_) => return bounds(&Span(*low), &Span(*high)),
                    None => return wrong("a duration", "\"250ms\", \"15s\", \"5m\", \"2h\" or \"7d\""),
                },
                _ => return wrong("a duration", "\"250ms\", \"15s\", \"5m\", \"2h\" or \"7d\""),
            },
            (Kind::Count(place, low, high), Value::Whole(n)) => match usize::try_from(*n) {
                Ok(n) if (*low..=*high).contains(&n) => *place(config) = n,
                _ => return bounds(low, high),
            },
            (Kind::Small(place, low, high), Value::Whole(n)) => match u16::try_from(*n) {
                Ok(n) if (*low..=*high).contains(&n) => *place(config) = n,
                _ => return bounds(low, high),
            },
            (Kind::Count(..) | Kind::Small(..), _) => return wrong("a whole number", "100"),
            (Kind::Bytes(_, low, high) | Kind::Size(_, low, high), value) => {
                let Some(bytes) = bytes(value) else { return wrong("a number of bytes", "\"512MiB\" or 65536") };
                if !(*low..=*high).contains(&bytes) {
                    return bounds(&format_bytes(*low), &format_bytes(*high));
                }
                match &self.kind {
                    Kind::Bytes(place, ..) => *place(config) = bytes,
                    Kind::Size(place, ..) => *place(config) = usize::try_from(bytes).unwrap_or(usize::MAX),
                    _ => {}
                }
            }
            (Kind::Flag(place), Value::Flag(flag)) => *place(config) = *flag,
            (Kind::Flag(_), _) => return wrong("true or false", "true"),
            (Kind::Path(place), Value::Text(text)) if !text.is_empty() => *place(config) = PathBuf::from(text),
            (Kind::Path(_), _) => return wrong("a path", "\"falaj-data\""),
            (Kind::Source(place), Value::Text(text)) if !text.is_empty() && is_uri_reference(text) => {
                *place(config) = text.clone()
            }
            (Kind::Source(_), _) => return wrong("a URI-reference", "\"urn:qa:gov:falaj\""),
            (Kind::Text(place), Value::Text(text)) if !text.is_empty() => *place(config) = Some(text.clone()),
            (Kind::Text(_), _) => return wrong("a text", self.example),
            (Kind::File(place), Value::Text(text)) if !text.is_empty() => *place(config) = Some(PathBuf::from(text)),
            (Kind::File(_), _) => return wrong("a path", self.example),
            (Kind::Broker(place), Value::Text(text)) => {
                *place(config) = Some(Address::parse(text).map_err(|fault| refused(&fault, &like))?);
            }
            (Kind::Issuer(place), Value::Text(text)) => {
                *place(config) = Some(Issuer::parse(text).map_err(|fault| refused(&fault, &like))?);
            }
            (Kind::Base(place), Value::Text(text)) => {
                *place(config) = Some(Base::parse(text).map_err(|fault| refused(&fault, &like))?);
            }
            (Kind::Broker(_) | Kind::Issuer(_) | Kind::Base(_), _) => return wrong("an address", self.example),
            (Kind::Password(place), Value::Text(text)) => match Password::parse(text) {
                Some(password) => *place(config) = Some(password),
                None => return wrong("a secret of one line", self.example),
            },
            (Kind::Password(_), _) => return wrong("a secret of one line", self.example),
            (Kind::Scopes(place), Value::List(list)) if oidc::are_scopes(list) => *place(config) = list.clone(),
            (Kind::Scopes(_), _) => return wrong("a list of scopes, openid among them", "[\"openid\", \"profile\"]"),
            // Neither an address nor a secret is repeated: a refused one may be one all the same.
            (Kind::Url(place), Value::Text(text)) => {
                url::check(text).map_err(|fault| refused(&fault, "Write http:// or https:// and a host."))?;
                *place(config) = Some(text.clone());
            }
            (Kind::Url(_), _) => return wrong("an address", self.example),
            (Kind::Key(place), Value::Text(text)) => {
                let secret =
                    Secret::parse(text).map_err(|fault| refused(&fault, "Make one: openssl rand -base64 32."))?;
                *place(config) = Some(secret);
            }
            (Kind::Key(_), _) => return wrong("a secret", self.example),
            (Kind::Share(place), value) => match value {
                Value::Fraction(share) if (0.0..=1.0).contains(share) => *place(config) = *share,
                Value::Whole(share @ (0 | 1)) => *place(config) = if *share == 1 { 1.0 } else { 0.0 },
                Value::Fraction(_) | Value::Whole(_) => return bounds(&0, &1),
                _ => return wrong("a share", "0.1"),
            },
            (Kind::Name(place), Value::Text(text)) if !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX => {
                place(config).clone_from(text);
            }
            (Kind::Name(_), _) => return wrong("a short name", "\"falaj\""),
            (Kind::LogFormat(place), Value::Text(text)) => match text.parse() {
                Ok(format) => *place(config) = format,
                Err(()) => return wrong("auto, json or text", "\"json\""),
            },
            (Kind::LogFormat(_), _) => return wrong("auto, json or text", "\"json\""),
            (Kind::Zoned(place), Value::Text(text)) => match Zone::parse(text) {
                Ok(zone) => *place(config) = zone,
                Err(_) => return wrong("a time zone by its IANA name", "\"Asia/Qatar\""),
            },
            (Kind::Zoned(_), _) => return wrong("a time zone by its IANA name", "\"Asia/Qatar\""),
            (Kind::Networks(place), Value::List(list)) => {
                let networks: Result<Vec<IpNet>, _> = list.iter().map(|text| network(text)).collect();
                match networks {
                    Ok(networks) => *place(config) = networks,
                    Err(()) => return wrong("a list of networks", "[\"169.254.0.0/16\", \"fe80::/10\"]"),
                }
            }
            (Kind::Networks(_), _) => return wrong("a list of networks", "[\"169.254.0.0/16\", \"fe80::/10\"]"),
            (Kind::Refused(what, hint), _) => return Err((format!("{}: {what}", self.name), (*hint).to_owned())),
        }
        Ok(())
    }

    /// The name of its environment variable.
    pub(super) fn variable(&self) -> String {
        format!("FALAJ_{}", self.name.to_uppercase().replace('.', "__"))
    }
}

/// A network, or a single address as one.
fn network(text: &str) -> Result<IpNet, ()> {
    text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).map_err(|_| ())
}

/// `65536`, `"64KiB"`, `"512MiB"`, `"2GiB"`, `"1TiB"` as bytes.
fn bytes(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Whole(n) => return u64::try_from(*n).ok(),
        Value::Text(text) => text,
        _ => return None,
    };
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "" | "B" => 1,
        "KiB" => KIB,
        "MiB" => MIB,
        "GiB" => 1 << 30,
        "TiB" => TIB,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

pub(super) fn format_bytes(bytes: u64) -> String {
    for (unit, size) in [("TiB", TIB), ("GiB", 1 << 30), ("MiB", MIB), ("KiB", KIB)] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        for (text, value) in
            [("512MiB", Some(512 * MIB)), ("64", Some(64)), ("2 GiB", Some(2 << 30)), ("1MB", None), ("x", None)]
        {
            assert_eq!(bytes(&Value::Text(text.into())), value, "{text}");
        }
        assert_eq!(bytes(&Value::Whole(-1)), None);
        assert_eq!(format_bytes(512 * MIB), "512MiB");
    }
}

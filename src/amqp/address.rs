//! The broker's address, `amqp://user:password@host:port/vhost` or `amqps://...`, parsed once and shown without its password.
//!
//! Read here and not by the library, for which an IPv6 address means `localhost` and a closing slash another virtual host.

use std::fmt;

/// Longest address.
const CHARS_MAX: usize = 2048;
/// The most that a name has at the broker.
const NAME_BYTES_MAX: usize = 255;
/// The ports of RabbitMQ, without and with TLS.
const PORTS: (u16, u16) = (5672, 5671);

/// Where the broker is, and who Falaj is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Whether the connection is encrypted.
    pub(super) tls: bool,
    /// A name or an IP address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) vhost: String,
    /// Absent where a certificate says who Falaj is.
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

/// Why an address was refused. Never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Another scheme.
    #[error("the address does not begin with amqp:// or amqps://")]
    Scheme,
    /// Characters that have no place in it, or too many.
    #[error("the address has characters that must be percent-encoded, or is longer than {CHARS_MAX} characters")]
    Characters,
    /// No proper host or port.
    #[error("the address has no proper host and port")]
    Host,
    /// A user without a password, or the other way round.
    #[error("the address has a user without a password, or a password without a user")]
    Password,
    /// A part that is no text, or too long for the broker.
    #[error("a part of the address is not UTF-8, or longer than {NAME_BYTES_MAX} bytes")]
    Part,
    /// A query or a fragment.
    #[error("the address has a query or a fragment; what it would say is a setting of its own")]
    Query,
}

impl Address {
    /// Parses an address. Without a path, or with `/` alone, the virtual host is `/`.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        let (tls, rest) = match (text.strip_prefix("amqps://"), text.strip_prefix("amqp://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(AddressFault::Scheme),
        };
        if text.len() > CHARS_MAX || !text.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c)) {
            return Err(AddressFault::Characters);
        }
        if text.contains(['?', '#']) {
            return Err(AddressFault::Query);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (info, place) = match authority.rsplit_once('@') {
            Some((info, place)) => (Some(info), place),
            None => (None, authority),
        };
        let (user, password) = match info {
            None => (None, None),
            Some(info) => {
                let (user, password) = info.split_once(':').ok_or(AddressFault::Password)?;
                if user.is_empty() || password.is_empty() {
                    return Err(AddressFault::Password);
                }
                (Some(decode(user)?), Some(decode(password)?))
            }
        };
        let (host, port) = place_of(place, if tls { PORTS.1 } else { PORTS.0 })?;
        let vhost = if path.is_empty() { "/".to_owned() } else { decode(path)? };
        Ok(Self { tls, host, port, vhost, user, password })
    }

    /// Falaj's own user at the broker, where the address names it.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The virtual host.
    pub fn vhost(&self) -> &str {
        &self.vhost
    }
}

fn place_of(place: &str, default: u16) -> Result<(String, u16), AddressFault> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(AddressFault::Host)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| AddressFault::Host)?;
            (host, after.strip_prefix(':').or(after.is_empty().then_some("")).ok_or(AddressFault::Host)?)
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if host.is_empty() || host.len() > NAME_BYTES_MAX || !host.bytes().all(legal) {
        return Err(AddressFault::Host);
    }
    let port = match port {
        "" => default,
        text => text.parse().ok().filter(|port| *port > 0).ok_or(AddressFault::Host)?,
    };
    Ok((host.to_owned(), port))
}

/// Takes percent-encoding off.
fn decode(text: &str) -> Result<String, AddressFault> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = digit().zip(digit()).ok_or(AddressFault::Part)?;
                u8::try_from(high << 4 | low).map_err(|_| AddressFault::Part)?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok().filter(|text| text.len() <= NAME_BYTES_MAX).ok_or(AddressFault::Part)
}

impl fmt::Display for Address {
    // Keeps A6.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "amqps://" } else { "amqp://" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}:***@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port)?,
            false => write!(f, "{}:{}", self.host, self.port)?,
        }
        match self.vhost.as_str() {
            "/" => Ok(()),
            vhost => write!(f, "/{vhost}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_the_password() {
        for (text, shown) in [
            ("amqp://falaj:p%40ss@broker.example:5673/falaj", "amqp://falaj:***@broker.example:5673/falaj"),
            ("amqps://falaj:hidden@broker.example", "amqps://falaj:***@broker.example:5671"),
            ("amqp://a:b@10.0.0.7/", "amqp://a:***@10.0.0.7:5672"),
            ("amqp://a:b@10.0.0.7/%2f", "amqp://a:***@10.0.0.7:5672"),
            ("amqps://[::1]:5671/a%2Fb", "amqps://[::1]:5671/a/b"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.to_string(), format!("{address:?}")), (shown.to_owned(), shown.to_owned()));
        }
        let address = Address::parse("amqp://falaj:p%40ss%3A%2F@[::1]").unwrap();
        assert_eq!((address.user(), address.password.as_deref()), (Some("falaj"), Some("p@ss:/")));
        assert_eq!((address.host.as_str(), address.port, address.vhost()), ("::1", 5672, "/"));
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        use AddressFault as Fault;
        for (text, fault) in [
            ("http://a:hidden@x", Fault::Scheme),
            ("amqp://a:hidden@", Fault::Host),
            ("amqp://a:hidden@x:0", Fault::Host),
            ("amqp://a:hidden@x:99999", Fault::Host),
            ("amqp://a:hidden@[::g]", Fault::Host),
            ("amqp://a:hidden@x y", Fault::Characters),
            ("amqp://hidden@x", Fault::Password),
            ("amqp://:hidden@x", Fault::Password),
            ("amqp://a:hidden%4@x", Fault::Part),
            ("amqp://a:hidden%ff@x", Fault::Part),
            ("amqp://a:hidden@x/v?heartbeat=1", Fault::Query),
        ] {
            let refused = Address::parse(text).unwrap_err();
            assert_eq!(refused, fault, "{text}");
            assert!(!refused.to_string().contains("hidden"));
        }
        assert_eq!(Address::parse(&format!("amqp://x/{}", "v".repeat(256))), Err(Fault::Part));
    }
}

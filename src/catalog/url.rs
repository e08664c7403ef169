//! The two kinds of address a manifest may hold: where to post to, and what an agency may speak for.

use std::net::Ipv6Addr;

/// Longest address.
const CHARS_MAX: usize = 2048;

/// Why an address was refused. Never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Neither `http://` nor `https://`.
    #[error("the address does not begin with http:// or https://")]
    Scheme,
    /// A user name or password stands in it.
    #[error("the address carries credentials")]
    Credentials,
    /// It has a fragment.
    #[error("the address has a fragment (#...), which is never sent")]
    Fragment,
    /// No host, or a host of impossible characters.
    #[error("the address has no proper host")]
    Host,
    /// The port is no port.
    #[error("the port is not a number of 1 to 65535")]
    Port,
    /// White space, control or non-ASCII characters, or too long.
    #[error("the address has characters that must be percent-encoded, or is longer than {CHARS_MAX} characters")]
    Characters,
}

/// Checks a webhook's address: http or https, a host, perhaps a port, a path and a query; no credentials, no fragment.
pub fn check(url: &str) -> Result<(), UrlFault> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or(UrlFault::Scheme)?;
    let legal = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    if url.len() > CHARS_MAX || !url.chars().all(legal) {
        return Err(UrlFault::Characters);
    }
    if url.contains('#') {
        return Err(UrlFault::Fragment);
    }
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err(UrlFault::Credentials);
    }
    let (host, port) = split(authority);
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return Err(UrlFault::Port);
    }
    if is_host(host) { Ok(()) } else { Err(UrlFault::Host) }
}

/// Whether a checked address leads to this very machine, where nobody listens on the way.
pub fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, _) = split(&rest[..rest.find(['/', '?']).unwrap_or(rest.len())]);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253 && name.split('.').all(label)
}

/// Whether a text is a URI with a scheme (RFC 3986), or a prefix of one that ends in `*`.
pub fn is_source(text: &str) -> bool {
    let body = text.strip_suffix('*').unwrap_or(text);
    let Some((scheme, rest)) = body.split_once(':') else { return false };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let legal = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}*".contains(c);
    scheme_ok && !rest.is_empty() && text.len() <= CHARS_MAX && rest.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain() {
        for good in [
            "https://moi.example/falaj",
            "http://10.0.0.7:8080",
            "http://[::1]:9100/a?b=c",
            "https://a-b.example.qa./x%20y",
            "http://localhost",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, fault) in [
            ("ftp://x", UrlFault::Scheme),
            ("//x", UrlFault::Scheme),
            ("http://", UrlFault::Host),
            ("http:///x", UrlFault::Host),
            ("https://u:p@x/y", UrlFault::Credentials),
            ("https://x/y#z", UrlFault::Fragment),
            ("https://x:0/", UrlFault::Port),
            ("https://x:99999/", UrlFault::Port),
            ("https://x y/", UrlFault::Characters),
            ("https://بلدية.قطر/", UrlFault::Characters),
            ("https://a..b/", UrlFault::Host),
            ("https://[::g]/", UrlFault::Host),
        ] {
            assert_eq!(check(bad), Err(fault), "{bad}");
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        for url in ["http://127.0.0.1:9101/falaj", "http://[::1]/", "http://localhost:1?x", "http://moi.localhost/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://127.example/", "http://10.0.0.1", "http://localhost.example/"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn sources_have_a_scheme() {
        for good in ["urn:qa:gov:moi", "urn:qa:gov:moi:*", "https://moi.gov.qa/x", "urn:*x*"].iter().take(3) {
            assert!(is_source(good), "{good}");
        }
        for bad in ["", "*", "moi", "/moi", "urn:", "urn:*", "urn:a b", "urn:*x*", "1urn:x"] {
            assert!(!is_source(bad), "{bad}");
        }
    }
}

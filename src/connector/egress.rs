//! Where Falaj may connect to: addresses are checked after they are resolved.
//!
//! `http://` and private targets are normal in government networks and allowed; what is denied is denied by address, in
//! whatever notation it stands in the URL and whatever name leads to it. Keeps C4.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Link-local addresses, among them the metadata service of most clouds, and the others' metadata addresses.
const DENIED_BY_DEFAULT: [&str; 5] =
    ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32"];

/// How glibc and musl say `EAI_AGAIN`.
const TEMPORARY: [&str; 2] = ["temporary failure", "try again"];

/// The egress guard: `[egress] deny`, by default link-local and cloud metadata addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    /// Networks that are never connected to.
    pub deny: Vec<IpNet>,
}

impl Default for Egress {
    fn default() -> Self {
        let net = |text: &&str| text.parse().expect("the default networks are well formed");
        Self { deny: DENIED_BY_DEFAULT.iter().map(net).collect() }
    }
}

impl Egress {
    /// Whether an address may be connected to. An IPv4 address within an IPv6 one (mapped, NAT64) counts as both, and the
    /// unspecified address as this machine, which is where a connection to it ends.
    pub fn permits(&self, address: IpAddr) -> bool {
        let denied = |address: IpAddr| self.deny.iter().any(|net| net.contains(&address));
        let local = match address {
            IpAddr::V4(v4) if v4.is_unspecified() => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            IpAddr::V6(v6) if v6.is_unspecified() => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            _ => None,
        };
        let within = match address {
            IpAddr::V6(v6) => embedded(v6).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        ![Some(address), local, within].into_iter().flatten().any(denied)
    }
}

/// The IPv4 address that an IPv6 address leads to: `::ffff:a.b.c.d` and `64:ff9b::a.b.c.d` (RFC 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let nat64 = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    let last = Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    address.to_ipv4_mapped().or(nat64.then_some(last))
}

/// Why a name leads nowhere. Carries no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveFault {
    /// All of its addresses are denied.
    #[error("all addresses are denied by [egress]")]
    Denied,
    /// Nobody knows it.
    #[error("unknown host")]
    Unknown,
    /// The name servers did not answer.
    #[error("the name servers do not answer")]
    Temporary,
}

/// Resolves names by the system's resolver and keeps back what is denied. An address that stands in the URL as such never
/// comes here: [`super::webhook`] asks [`Egress::permits`] for it.
#[derive(Debug, Clone)]
pub(super) struct Guard(Arc<Egress>);

impl Guard {
    pub(super) fn new(egress: Arc<Egress>) -> Self {
        Self(egress)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|error| lookup_fault(&error))?;
            let permitted = sift(&egress, found)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

fn sift(egress: &Egress, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, ResolveFault> {
    let mut any = false;
    let permitted: Vec<SocketAddr> = found.inspect(|_| any = true).filter(|a| egress.permits(a.ip())).collect();
    match (any, permitted.is_empty()) {
        (false, _) => Err(ResolveFault::Unknown),
        (true, true) => Err(ResolveFault::Denied),
        (true, false) => Ok(permitted),
    }
}

/// `getaddrinfo`'s error number is lost in the standard library, which keeps its text alone (never translated: no locale is
/// set). A name server that is away must not look like a mistake in the deployment.
fn lookup_fault(error: &io::Error) -> ResolveFault {
    let text = error.to_string().to_ascii_lowercase();
    let temporary = error.kind() == io::ErrorKind::TimedOut || TEMPORARY.iter().any(|words| text.contains(words));
    if temporary { ResolveFault::Temporary } else { ResolveFault::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(egress: &Egress, address: &str) -> bool {
        egress.permits(address.parse().unwrap())
    }

    #[test]
    fn metadata_is_denied_in_every_notation() {
        let egress = Egress::default();
        let denied = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1", "fd00:ec2::254"];
        for address in denied.into_iter().chain(["100.100.100.200", "192.0.0.192", "169.254.0.1"]) {
            assert!(!permits(&egress, address), "{address}");
        }
        for address in ["10.0.0.1", "127.0.0.1", "::1", "192.168.1.1", "fd00::1", "8.8.8.8", "::ffff:10.0.0.1"] {
            assert!(permits(&egress, address), "{address}");
        }
    }

    #[test]
    fn the_unspecified_address_is_this_machine() {
        let egress = Egress { deny: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()] };
        for address in ["0.0.0.0", "::", "127.1.2.3", "::ffff:127.0.0.1"] {
            assert!(!permits(&egress, address), "{address}");
        }
    }

    #[test]
    fn only_permitted_addresses_of_a_name_remain() {
        let egress = Egress::default();
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let found = [at("169.254.1.1"), at("10.0.0.1")];
        assert_eq!(sift(&egress, found.into_iter()), Ok(vec![at("10.0.0.1")]));
        assert_eq!(sift(&egress, [at("169.254.1.1")].into_iter()), Err(ResolveFault::Denied));
        assert_eq!(sift(&egress, std::iter::empty()), Err(ResolveFault::Unknown));
    }

    #[test]
    fn silent_name_servers_are_no_mistake_of_the_deployment() {
        let error = |text: &str| io::Error::other(format!("failed to lookup address information: {text}"));
        assert_eq!(lookup_fault(&error("Name or service not known")), ResolveFault::Unknown);
        assert_eq!(lookup_fault(&error("No address associated with hostname")), ResolveFault::Unknown);
        assert_eq!(lookup_fault(&error("Temporary failure in name resolution")), ResolveFault::Temporary);
        assert_eq!(lookup_fault(&error("Try again")), ResolveFault::Temporary);
    }
}

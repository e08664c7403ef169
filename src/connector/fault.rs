//! What broke on the way to an agency, told from a chain of library errors.
//!
//! The words are ours and fixed: neither the library's text, which may hold the URL, nor anything of the other side gets into a
//! note (C3).

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::egress::ResolveFault;
use crate::model::outcome::Class;

/// A fault without an HTTP answer, or with half of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// How it is classed.
    pub(super) class: Class,
    /// What it was.
    pub(super) note: &'static str,
}

const fn endpoint(note: &'static str) -> Fault {
    Fault { class: Class::EndpointFault, note }
}

const fn configuration(note: &'static str) -> Fault {
    Fault { class: Class::ConfigurationFault, note }
}

/// The whole exchange took longer than the agency's timeout.
pub(super) const TIMEOUT: Fault = endpoint("timeout");
/// The connection ended before the answer did.
const CUT_OFF: Fault = endpoint("closed before the end of the answer");
/// The address of the agency is one that `[egress] deny` names.
pub(super) const DENIED: Fault = configuration("egress: the address is denied");
/// What the manifest names is no address that can be posted to.
pub(super) const INVALID_URL: Fault = configuration("the url cannot be posted to");

/// Tells what a failed request failed of.
pub(super) fn of(error: &reqwest::Error) -> Fault {
    let connecting = error.is_connect();
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(fault) = one(error, connecting) {
            return fault;
        }
        cause = error.source();
    }
    match (connecting, error.is_timeout(), error.is_builder()) {
        (_, _, true) => INVALID_URL,
        (true, true, _) => endpoint("connect: timeout"),
        (true, false, _) => endpoint("connect: failed"),
        (false, true, _) => TIMEOUT,
        (false, false, _) => endpoint("the exchange failed"),
    }
}

fn one(error: &(dyn Error + 'static), connecting: bool) -> Option<Fault> {
    if let Some(fault) = error.downcast_ref::<ResolveFault>() {
        return Some(match fault {
            ResolveFault::Denied => DENIED,
            ResolveFault::Unknown => configuration("dns: unknown host"),
            ResolveFault::Temporary => endpoint("dns: the name servers do not answer"),
        });
    }
    if let Some(fault) = error.downcast_ref::<rustls::Error>() {
        return Some(tls(fault));
    }
    if let Some(fault) = error.downcast_ref::<hyper::Error>() {
        return if fault.is_incomplete_message() {
            Some(CUT_OFF)
        } else if fault.is_parse() {
            Some(endpoint("the answer is not HTTP"))
        } else {
            None
        };
    }
    let fault = error.downcast_ref::<io::Error>()?;
    // An io::Error shows the cause of what it wraps as its own, and never the wrapped error itself.
    if let Some(inner) = fault.get_ref()
        && let Some(known) = one(inner, connecting)
    {
        return Some(known);
    }
    match fault.kind() {
        io::ErrorKind::ConnectionRefused => Some(endpoint("connect: refused")),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(endpoint("connect: unreachable")),
        io::ErrorKind::TimedOut if connecting => Some(endpoint("connect: timeout")),
        io::ErrorKind::TimedOut => Some(TIMEOUT),
        io::ErrorKind::UnexpectedEof if connecting => Some(endpoint("connect: closed while agreeing on TLS")),
        io::ErrorKind::UnexpectedEof => Some(CUT_OFF),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some(endpoint("connection reset"))
        }
        _ => None,
    }
}

fn tls(error: &rustls::Error) -> Fault {
    use CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            configuration("certificate: expired")
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            configuration("certificate: not valid yet")
        }
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => configuration("certificate: unknown issuer"),
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            configuration("certificate: for another name")
        }
        rustls::Error::InvalidCertificate(_) => configuration("certificate: not accepted"),
        rustls::Error::InvalidMessage(_) => configuration("tls: the other side does not speak TLS"),
        rustls::Error::AlertReceived(_) => configuration("tls: refused by the other side"),
        _ => configuration("tls: failed"),
    }
}

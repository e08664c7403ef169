//! What broke on the way to an agency, told from a chain of library errors.
//!
//! The library's own text, which may hold the URL, goes nowhere (C3).

use std::error::Error;
use std::io;

use super::egress::ResolveFault;
use crate::model::cause::Cause;

/// Tells what a failed request failed of.
pub(super) fn of(error: &reqwest::Error) -> Cause {
    let connecting = error.is_connect();
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(fault) = one(error, connecting) {
            return fault;
        }
        cause = error.source();
    }
    match (connecting, error.is_timeout(), error.is_builder()) {
        (_, _, true) => Cause::InvalidUrl,
        (true, true, _) => Cause::ConnectTimeout,
        (true, false, _) => Cause::ConnectFailed,
        (false, true, _) => Cause::Timeout,
        (false, false, _) => Cause::Failed,
    }
}

fn one(error: &(dyn Error + 'static), connecting: bool) -> Option<Cause> {
    if let Some(fault) = error.downcast_ref::<ResolveFault>() {
        return Some(match fault {
            ResolveFault::Denied => Cause::Denied,
            ResolveFault::Unknown => Cause::UnknownHost,
            ResolveFault::Temporary => Cause::NamesSilent,
        });
    }
    if let Some(fault) = error.downcast_ref::<rustls::Error>() {
        return Some(Cause::of_tls(fault));
    }
    if let Some(fault) = error.downcast_ref::<hyper::Error>() {
        return if fault.is_incomplete_message() {
            Some(Cause::CutOff)
        } else if fault.is_parse() {
            Some(Cause::NotHttp)
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
        io::ErrorKind::ConnectionRefused => Some(Cause::Refused),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Cause::Unreachable),
        io::ErrorKind::TimedOut if connecting => Some(Cause::ConnectTimeout),
        io::ErrorKind::TimedOut => Some(Cause::Timeout),
        io::ErrorKind::UnexpectedEof if connecting => Some(Cause::ClosedInHandshake),
        io::ErrorKind::UnexpectedEof => Some(Cause::CutOff),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some(Cause::Reset)
        }
        _ => None,
    }
}

//! What the library's errors mean, in words of ours: neither its texts nor the broker's get any further (A6), for they may repeat
//! what was sent.

use std::io;

use lapin::{Error, ErrorKind};

use super::state::State;
use crate::model::cause::Cause;

/// Codes of AMQP 0-9-1.
const INVALID_PATH: u16 = 402;
const ACCESS_REFUSED: u16 = 403;
const NOT_FOUND: u16 = 404;
const RESOURCE_LOCKED: u16 = 405;
const PRECONDITION_FAILED: u16 = 406;
const CONNECTION_FORCED: u16 = 320;
const NOT_ALLOWED: u16 = 530;

/// A step took longer than it may.
pub(super) const TIMEOUT: &str = "timeout";

/// The AMQP code in an error, if the broker sent it.
fn code(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(said) => Some(said.get_id()),
        _ => None,
    }
}

/// Why there is no connection, or none any more.
pub(super) fn of_connection(error: &Error) -> (State, String) {
    let (state, what) = match (code(error), error.kind()) {
        (Some(ACCESS_REFUSED), _) => (State::Refused, "wrong user or password"),
        (Some(NOT_ALLOWED | INVALID_PATH), _) => (State::Refused, "no access to the virtual host"),
        (Some(CONNECTION_FORCED), _) => (State::Closed, "closed by the broker's operator"),
        (Some(code), _) => return (State::Closed, format!("closed by the broker: {code}")),
        (None, ErrorKind::AuthProviderError(_)) => (State::Refused, "the broker asks for another way to sign in"),
        (None, ErrorKind::InvalidProtocolVersion(_) | ErrorKind::ParsingError(_)) => {
            (State::Unreachable, "it does not speak AMQP 0-9-1")
        }
        (None, ErrorKind::MissingHeartbeatError) => (State::Unreachable, "no heartbeat"),
        (None, ErrorKind::IOError(error)) => of_io(error),
        _ => (State::Closed, "closed"),
    };
    (state, what.to_owned())
}

/// What a failed read, write or connect failed of.
pub(super) fn of_io(error: &io::Error) -> (State, &'static str) {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(cause) = inner {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return (State::Tls, Cause::of_tls(tls).as_str());
        }
        // An io::Error shows the cause of what it wraps as its own, and never the wrapped error itself.
        inner = match cause.downcast_ref::<io::Error>() {
            Some(wrapped) => wrapped.get_ref().map(|inner| inner as _),
            None => cause.source(),
        };
    }
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => (State::Unreachable, Cause::Refused.as_str()),
        Kind::TimedOut => (State::Unreachable, Cause::ConnectTimeout.as_str()),
        Kind::HostUnreachable | Kind::NetworkUnreachable => (State::Unreachable, Cause::Unreachable.as_str()),
        Kind::NotFound => (State::Unreachable, Cause::UnknownHost.as_str()),
        Kind::InvalidInput => (State::Tls, "a certificate or key cannot be read"),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            (State::Closed, Cause::Reset.as_str())
        }
        _ => (State::Unreachable, Cause::ConnectFailed.as_str()),
    }
}

/// What is wrong with a queue or an exchange, where an error says that.
pub(super) fn of_place(error: &Error) -> Option<State> {
    match code(error)? {
        NOT_FOUND => Some(State::Missing),
        ACCESS_REFUSED => Some(State::Refused),
        PRECONDITION_FAILED | RESOURCE_LOCKED => Some(State::Mismatched),
        _ => None,
    }
}

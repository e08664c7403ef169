//! How the broker is reached, and how much is under way there at once.

use std::path::PathBuf;
use std::time::Duration;

use super::Address;

/// Everything that a connection needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where.
    pub address: Address,
    /// A PEM file: the authorities that the broker's certificate may be signed by, in place of those of the machine.
    pub ca: Option<PathBuf>,
    /// PEM files: Falaj's own certificate and its key. Without a user in the address they say who Falaj is (EXTERNAL).
    pub identity: Option<(PathBuf, PathBuf)>,
    /// How long a connection may be silent before it counts as lost.
    pub heartbeat: Duration,
    /// From the first byte of a connection to its use.
    pub connect_timeout: Duration,
    /// From handing a message in to the broker's confirmation.
    pub publish_timeout: Duration,
    /// Messages published to one queue, or consumed from one, and not finished.
    pub in_flight: usize,
    /// Messages that the broker sends ahead.
    pub prefetch: u16,
}

//! The contract of every HTTP answer: the real router over a real ledger and a real deployment, answers kept as snapshots.
//!
//! Nothing delivers here: a test plays the dispatcher by hand where it needs a delivery to end.

mod conform;
mod counting;
pub mod deployment;
pub mod door;
pub mod failing;
mod fetching;
mod operating;
mod posting;
mod probes;
mod reading;
mod refusing;
mod repairing;
mod reporting;
mod rights;
mod serving;
mod trying;
mod walk;
mod watching;

//! The dashboard: whole pages and whole actions over the real router, a real ledger and a real deployment.
//!
//! Nothing delivers here: a test plays the dispatcher by hand where it needs a delivery to end.

mod desk;
mod envelopes;
mod figures;
mod operating;
mod overseeing;
mod pages;
mod repairing;
mod signing;
mod watching;

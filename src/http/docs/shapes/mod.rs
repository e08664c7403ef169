//! The shapes of requests and answers.
//!
//! They are written out and not derived from the types that are serialised: those stand in layers that know neither HTTP nor a
//! second language. That both say the same is for the tests to prove (D2).

pub mod agency;
pub mod envelope;
pub mod event;
pub mod problem;
pub mod repair;
pub mod scalar;
pub mod statistics;

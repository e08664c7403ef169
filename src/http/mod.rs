//! The HTTP interface: what integrators, agencies and operators speak to.
//!
//! In reading order: [`mod@routes`] names every route and the right it asks for; [`auth`] is the gate before each; [`observe`] stands
//! around all of them; [`envelopes`], [`status`], [`events`], [`search`], [`pull`], [`outcomes`], [`agencies`], [`mod@history`],
//! [`statistics`], [`catalogue`], [`health`] and [`scrape`] are the handlers, and [`operate`], [`deliveries`], [`dead_letters`],
//! [`redrives`] and [`audit`] those of persons who repair; [`view`] decides how much of an envelope a caller sees; [`error`] is the
//! one status table; [`docs`] describes every route and writes the documents; [`server`] is the accept loop.
//!
//! Handlers translate and decide nothing: acceptance is `intake`'s, the truth is the ledger's. Nothing here is logged that could
//! name a person.

pub mod auth;
pub mod body;
pub mod deliveries;
pub mod docs;
pub mod error;
pub mod gzip;
pub mod history;
pub mod observe;
pub mod operate;
pub mod path;
pub mod routes;
pub mod server;
pub mod state;
pub mod statistics;
pub mod view;

mod agencies;
mod audit;
mod broker;
mod catalogue;
mod dead_letters;
mod envelopes;
mod events;
mod health;
mod outcomes;
mod pull;
mod redrives;
mod scrape;
mod search;
mod status;

pub use routes::{router, routes};
pub use server::Server;
pub use state::{App, Parts, Settings};

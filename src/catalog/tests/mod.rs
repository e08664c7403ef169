//! The catalogue as a whole, over deployments in a folder of their own.

mod checks;
mod deployment;
mod many;
mod notices;
mod reloads;
mod routes;

//! Whole-system tests: one binary, real parts. What takes long or needs root stands below [`slow`].
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod bench;
mod browser;
mod bus;

mod amqp;
mod dashboard;
mod die;
mod documents;
mod first_ten_minutes;
mod holding;
mod http_contract;
mod identity;
mod keeper;
mod layers;
mod notices;
mod order;
mod reload;
mod repair;
mod statistics;
mod stop;
mod telemetry;

mod slow;

//! The words of the trade, as types: nothing here reads a file, a socket or a clock.
//!
//! Every value is parsed at the door and trusted afterwards. Decisions live here as pure functions over these words; who
//! stores or sends something lives in the layers above. This module imports nothing else of ours.

pub mod agency;
pub mod calendar;
pub mod cause;
pub mod cloudevents;
pub mod delivery;
pub mod envelope;
pub mod histogram;
pub mod id;
pub mod json;
pub mod notice;
pub mod outcome;
pub mod retry;
pub mod secret;
pub mod status;
pub mod text;
pub mod time;
pub mod window;

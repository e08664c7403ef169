//! The webhook connector against real receivers that do what receivers should not.

mod faults;
mod parcels;
mod receiver;
mod secure;

//! A whole bus for a test: the real binary over a deployment of its own, with real HTTP receivers in this process.
//!
//! ```text
//! let bus = Bus::builder().agency("a").agency("b").fails(2).build().await;
//! let receipt = bus.post(&Thing::new("citizen-1", 1)).await;
//! bus.wait_settled(&receipt.id).await;
//! bus.ledger_check();
//! ```
//!
//! H1: nothing here is shared between tests: folder, ports and keys are new each time. H2: every wait has a deadline and ends by
//! an event or a poll, never by a sleep that hopes. H3: a bus that is dropped takes its process and its folder with it; where the
//! test fails, the folder stays and the end of the bus's log is printed.

mod client;
mod deployment;
mod dice;
mod folder;
mod load;
mod log;
mod process;
mod receiver;
mod signature;
mod start;
mod wait;
mod witness;

pub use client::{Client, Thing};
pub use deployment::{ADMIN_KEY, AgencyFiles, PUBLISHER_KEY, SECRET};
pub use dice::Dice;
pub use folder::Folder;
pub use load::{Load, Offered, missing};
pub use log::{End, Log};
pub use process::{Process, Signal, falaj, falaj_in, signal};
pub use receiver::{Reaction, Receiver, Request, host};
pub use start::{Builder, Bus, ledger_check};
pub use wait::{BUSY, DEADLINE, until, until_async};
pub use witness::{Witness, repeats};

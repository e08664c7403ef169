//! Agencies over a real RabbitMQ: a private node, and clients that are not ours.
//!
//! ```text
//! let node = Node::shared().await;
//! let place = Place::at(node).await;              a virtual host of the test's own, with Falaj's user
//! let moi = Client::connect(&place, "moi").await; an agency in Python (pika)
//! ```

mod certificates;
mod client;
mod node;
mod place;
mod stream;
mod town;

mod bench;
mod commands;
mod exchange;
mod faults;
mod rough;
mod said;
mod samples;
mod stubborn;
mod told;

pub use client::Client;
pub use node::Node;
pub use place::Place;
pub use stream::{Stream, broken, missing, repeats};
pub use town::{Fetcher, Town, fetcher};

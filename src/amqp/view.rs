//! What the other parts may read of the broker: nothing is decided from it.

use std::time::Duration;

use super::figures::Figures;
use super::link::Role;
use super::state::{Standing, State, Status};

/// The state of both connections, and what was counted. Clones share it.
#[derive(Debug, Clone)]
pub struct View {
    /// How publishing stands.
    pub publish: Status,
    /// How consuming stands.
    pub consume: Status,
    /// What was counted.
    pub figures: Figures,
}

impl View {
    /// How both stand.
    pub fn standings(&self) -> [(Role, Standing); 2] {
        [(Role::Publish, self.publish.standing()), (Role::Consume, self.consume.standing())]
    }

    /// Whether each connection stands, blocked or not, and whatever the queues.
    pub fn connected(&self) -> [(Role, bool); 2] {
        let stands = |status: &Status| matches!(status.connection().state, State::Connected | State::Blocked);
        [(Role::Publish, stands(&self.publish)), (Role::Consume, stands(&self.consume))]
    }

    /// For how long one of them has not been as it should be; zero where both are.
    pub fn wrong_for(&self) -> Duration {
        self.publish.wrong_for().max(self.consume.wrong_for())
    }
}

//! A short stay at the broker, by a command that asks something and goes.

use std::sync::Arc;
use std::time::Duration;

use lapin::Connection;
use tokio::time::timeout;

use super::link::connect;
use super::quarantine::{Act, Quarantine, Sorted};
use super::settings::Settings;
use super::state::State;
use super::topology::{self, AskFault, Plan, Report};

/// How long the broker may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// A connection for one command.
#[derive(Debug)]
pub struct Visit {
    connection: Connection,
}

/// The broker could not be visited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the broker is {state}: {what}")]
pub struct Closed {
    /// How it stands.
    pub state: State,
    /// In a few words.
    pub what: String,
}

impl Visit {
    /// Opens a connection.
    pub async fn open(settings: Settings) -> Result<Self, Closed> {
        match connect(&Arc::new(settings), "falaj command".to_owned()).await {
            Ok(connection) => Ok(Self { connection }),
            Err((state, what)) => Err(Closed { state, what }),
        }
    }

    /// How each item of the plan stands. Makes nothing.
    pub async fn check(&self, plan: &Plan) -> Result<Report, AskFault> {
        topology::check(&self.connection, plan).await
    }

    /// Looks through the quarantine, and does with what is in it what `act` says.
    pub async fn quarantine(&self, act: &Act) -> Result<Sorted, AskFault> {
        Quarantine::open(&self.connection).await?.sort(act).await
    }

    /// Ends the connection in order.
    pub async fn close(self) {
        let _whether_it_heard = timeout(GOODBYE, self.connection.close(200, "done".into())).await;
    }
}

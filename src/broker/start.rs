//! Puts the door together, opens it, and closes it in order.

use std::hash::RandomState;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Replies;
use super::reader::Reader;
use crate::amqp::{Figures, Inbox, Link, Publisher, names};
use crate::catalog::Current;
use crate::clock::Clock;
use crate::dispatch::Board;
use crate::intake::Intake;
use crate::ledger::Ledger;
use crate::model::cloudevents::Bounds;
use crate::wake::Wake;

/// Rejections that are worked on at once.
const RETURNS_MAX: usize = 16;

/// What the door is made of.
#[derive(Debug)]
pub struct Doors {
    /// The way in.
    pub intake: Intake,
    /// The truth.
    pub ledger: Ledger,
    /// The deployment in force.
    pub catalog: Current,
    /// Who is held, and why.
    pub board: Board,
    /// The bells.
    pub wake: Wake,
    /// The time.
    pub clock: Clock,
    /// Bounds on events.
    pub bounds: Bounds,
    /// The connection that consumes.
    pub link: Link,
    /// The connection that publishes.
    pub publisher: Publisher,
    /// What is counted.
    pub figures: Figures,
}

/// The door, as the work of each message needs it.
#[derive(Debug)]
pub struct Door {
    pub(super) intake: Intake,
    pub(super) ledger: Ledger,
    pub(super) catalog: Current,
    pub(super) board: Board,
    pub(super) wake: Wake,
    pub(super) clock: Clock,
    pub(super) bounds: Bounds,
    pub(super) replies: Replies,
    /// Falaj's own user at the broker, where it is known.
    pub(super) user: Option<String>,
}

impl Doors {
    /// Reads all three queues until the stop; returns when what was in hand is finished, acknowledged, and the connection closed.
    pub async fn run(self, stop: CancellationToken) {
        let settings = Arc::clone(self.link.settings());
        let door = Arc::new(Door {
            intake: self.intake,
            ledger: self.ledger,
            catalog: self.catalog,
            board: self.board,
            wake: self.wake,
            clock: self.clock,
            bounds: self.bounds,
            replies: Replies::new(self.publisher),
            user: settings.address.user().map(str::to_owned),
        });
        let reader = |queue, in_flight: usize| Reader {
            queue,
            inbox: Inbox::new(self.link.clone(), queue, settings.prefetch),
            figures: self.figures.clone(),
            in_flight,
        };
        let (tasks, hasher, in_flight) = (TaskTracker::new(), RandomState::new(), settings.in_flight);
        let (envelopes, by) = (Arc::clone(&door), hasher.clone());
        tasks.spawn(
            reader(names::IN, in_flight).run(move |message| envelopes.begin_envelope(message, &by), stop.clone()),
        );
        let (outcomes, by) = (Arc::clone(&door), hasher);
        tasks.spawn(
            reader(names::OUTCOME, in_flight).run(move |message| outcomes.begin_outcome(message, &by), stop.clone()),
        );
        tasks.spawn(
            reader(names::DEAD, RETURNS_MAX.min(in_flight))
                .run(move |message| door.begin_return(message), stop.clone()),
        );
        tasks.close();
        let link_stop = CancellationToken::new();
        let link = tokio::spawn(self.link.clone().run(link_stop.clone()));
        tasks.wait().await;
        link_stop.cancel();
        // It has its own time limit.
        let _closed = link.await;
    }
}

//! The broker, where there is one: both connections to it, and what it must have.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Stops;
use crate::amqp::topology::{Keep, Plan, PlanFault};
use crate::amqp::{Figures, Link, Publisher, Role, View};
use crate::broker::{self, Doors};
use crate::catalog::reload::Reloads;
use crate::catalog::{Catalog, Current};
use crate::config::{Amqp, Config};
use crate::connector::amqp::AmqpClient;

/// What leads to the broker, before a connection is made.
pub(super) struct Edge {
    pub(super) publisher: Publisher,
    pub(super) consume: Link,
    pub(super) figures: Figures,
    plan: Plan,
    config: Amqp,
}

/// What works at the broker: what consumes from it, and what keeps the connection that publishes.
#[derive(Debug)]
pub(super) struct AtBroker {
    pub(super) doors: JoinHandle<()>,
    pub(super) publish: JoinHandle<()>,
}

impl Edge {
    /// `None` where no broker is configured.
    pub(super) fn new(config: &Config, catalog: &Catalog) -> Result<Option<Self>, PlanFault> {
        let Some(settings) = config.amqp.settings().map(Arc::new) else { return Ok(None) };
        let figures = Figures::default();
        Ok(Some(Self {
            publisher: Publisher::new(Link::new(Role::Publish, Arc::clone(&settings)), figures.clone()),
            consume: Link::new(Role::Consume, settings),
            figures,
            plan: broker::plan::plan(&config.amqp, catalog)?,
            config: config.amqp.clone(),
        }))
    }

    /// How both connections stand.
    pub(super) fn view(&self) -> View {
        View {
            publish: self.publisher.link().status().clone(),
            consume: self.consume.status().clone(),
            figures: self.figures.clone(),
        }
    }

    /// The way to agencies that speak AMQP.
    pub(super) fn client(&self) -> AmqpClient {
        AmqpClient::new(self.publisher.clone())
    }

    /// Makes both connections, lets messages in, and keeps what the broker must have; the last two tasks do that.
    pub(super) fn start(
        self,
        doors: Doors,
        catalog: &Current,
        reloads: &Reloads,
        stops: &Stops,
    ) -> (AtBroker, [JoinHandle<()>; 2]) {
        let publish = self.publisher.link().clone();
        let (plans, latest) = watch::channel(Arc::new(self.plan));
        let keep = Keep::new(self.consume, publish.status().clone(), latest);
        let follow = broker::plan::follow(self.config, Arc::clone(catalog), reloads.subscribe(), plans);
        let at_broker = AtBroker {
            doors: tokio::spawn(doors.run(stops.doors.clone())),
            publish: tokio::spawn(publish.run(stops.broker.clone())),
        };
        (at_broker, [tokio::spawn(keep.run(stops.upkeep.clone())), tokio::spawn(follow)])
    }
}

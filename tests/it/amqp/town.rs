//! A whole bus with a broker: `pub` sends by HTTP and over AMQP, others receive over AMQP, and Falaj makes what it needs there.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Node, Place};
use crate::bus::{Builder, Bus, DEADLINE, Thing, falaj, until, until_async};

/// The type every test speaks of.
pub const TYPE: &str = "qa.test.thing.changed";
/// Its sender's source.
pub const SOURCE: &str = "urn:qa:test:pub";

/// One agency that receives over AMQP.
#[derive(Debug, Clone, Copy)]
pub struct Fetcher {
    /// Its id.
    pub id: &'static str,
    /// `structured` or `binary`.
    pub mode: &'static str,
    /// Whether order is kept for it.
    pub ordered: bool,
}

/// An agency that receives in order, structured.
pub const fn fetcher(id: &'static str) -> Fetcher {
    Fetcher { id, mode: "structured", ordered: true }
}

/// A bus and its virtual host.
#[derive(Debug)]
pub struct Town {
    // The bus goes before the place that it speaks to.
    /// The bus.
    pub bus: Bus,
    /// The virtual host.
    pub place: Place,
}

impl Town {
    /// Builds it and waits until the broker is as it should be.
    pub async fn build(node: &Node, fetchers: &[Fetcher], builder: Builder) -> Self {
        let mut town = Self::build_stopped(node, fetchers, builder).await;
        town.bus.start().await;
        town.wait_connected().await;
        // Where it comes from nothing, what is published before that is returned, and closes an agency for a while.
        town.wait_log(&["declared at the broker"]).await;
        town
    }

    /// The same without starting the bus.
    pub async fn build_stopped(node: &Node, fetchers: &[Fetcher], builder: Builder) -> Self {
        Self::build_as(node, fetchers, builder, |place| vec![("FALAJ_AMQP__URL", place.url("falaj"))]).await
    }

    /// The same with another way to the broker: variables of the bus's environment.
    pub async fn build_as(
        node: &Node,
        fetchers: &[Fetcher],
        builder: Builder,
        way: impl FnOnce(&Place) -> Vec<(&'static str, String)>,
    ) -> Self {
        let place = Place::at(node).await;
        let way = way(&place);
        let builder = way.iter().fold(builder, |builder, (name, value)| builder.env(name, value));
        let bus = builder.build_stopped().await;
        bus.deployment.write(
            "connectors/pub/connector.toml",
            &format!(
                "[agency]\nid = \"pub\"\nname = {{ en = \"Publisher\", ar = \"الجهة الناشرة\" }}\n\n\
                 [publishes]\ntypes = [\"{TYPE}\"]\nsources = [\"{SOURCE}\"]\namqp_user = \"{}\"\n",
                place.name("pub")
            ),
        );
        place.user("pub").await;
        for Fetcher { id, mode, ordered } in fetchers {
            place.user(id).await;
            let order = if *ordered { "subject" } else { "none" };
            bus.deployment.write(
                &format!("connectors/{id}/connector.toml"),
                &format!(
                    "[agency]\nid = \"{id}\"\nname = {{ en = \"Agency {id}\", ar = \"الجهة {id}\" }}\n\n\
                     [delivery]\ntransport = \"amqp\"\nmode = \"{mode}\"\namqp_user = \"{}\"\nin_flight = 32\n\n\
                     [[subscription]]\ntype = \"{TYPE}\"\norder = \"{order}\"\nfields = [\"/n\", \"/note\"]\n\
                     purpose = {{ en = \"Proofs\", ar = \"إثباتات\" }}\nlegal_basis = \"Law 1/2001\"\n",
                    place.name(id)
                ),
            );
        }
        let town = Self { bus, place };
        town.give_rights().await;
        town
    }

    /// Gives every agency the rights of the plan; queues and exchanges are left to Falaj.
    async fn give_rights(&self) {
        let mut plan = falaj(["amqp", "plan", "--format", "definitions"]);
        plan.current_dir(self.bus.deployment.path()).env("FALAJ_AMQP__URL", self.place.url("falaj"));
        let output =
            tokio::task::spawn_blocking(move || plan.output().expect("the binary runs")).await.expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let plan: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let rights = json!({ "permissions": plan["permissions"], "topic_permissions": plan["topic_permissions"] });
        self.place.import(&rights).await;
    }

    /// How the broker stands, by what the connection is for.
    pub async fn standing(&self, role: &str) -> Value {
        self.bus.admin.get("/readyz").await.body["amqp"][role].clone()
    }

    /// Waits until a connection is in a state; returns all that is said of it.
    pub async fn wait_state(&self, role: &str, state: &str) -> Value {
        until_async(&format!("{role} is {state}"), DEADLINE, || async {
            let standing = self.standing(role).await;
            (standing["state"] == state).then_some(standing)
        })
        .await
    }

    /// Waits until both connections are as they should be.
    pub async fn wait_connected(&self) {
        for role in ["publish", "consume"] {
            self.wait_state(role, "connected").await;
        }
    }

    /// Waits until the broker has a queue.
    pub async fn wait_queue(&self, name: &str) {
        until_async(&format!("the queue {name}"), DEADLINE, || async { self.place.queue(name).await.map(drop) }).await;
    }

    /// Runs `falaj` beside the bus's configuration, as somebody who may see Falaj's own account.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = falaj(args);
        command.current_dir(self.bus.deployment.path()).env("FALAJ_AMQP__URL", self.place.url("falaj"));
        command
    }

    /// What an agency publishes: an event in structured mode, as `pub`.
    pub fn event(&self, thing: &Thing, properties: Value) -> Value {
        let mut all = json!({
            "user_id": self.place.name("pub"), "message_id": thing.id, "content_type": "application/cloudevents+json",
        });
        if let (Some(all), Value::Object(properties)) = (all.as_object_mut(), properties) {
            all.extend(properties);
            all.retain(|_, value| !value.is_null());
        }
        json!({ "do": "publish", "exchange": "falaj.in", "key": TYPE, "body": thing.json(), "properties": all })
    }

    /// Waits for a line in the bus's log that has all of these words.
    pub async fn wait_log(&self, words: &[&str]) {
        until(&format!("a line of the log with {words:?}"), DEADLINE, || {
            let log = std::fs::read_to_string(self.bus.log_file()).unwrap_or_default();
            log.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
        })
        .await;
    }
}

/// A script beside these tests.
pub fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/amqp").join(name)
}

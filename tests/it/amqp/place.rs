//! A virtual host for one test at a node, with users of its own: nobody else's messages are in it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::node::{Node, OPERATOR, OPERATOR_PASSWORD, keep_log};
use crate::bus::{DEADLINE, until_async};

/// How long a virtual host may take until it runs on every node of a cluster, once it is made; then it is made anew.
const RUNS: Duration = Duration::from_secs(60);
/// How often it is made.
const MADE_MAX: usize = 4;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// One virtual host, by the node's management interface.
#[derive(Debug)]
pub struct Place {
    /// Its name.
    pub vhost: String,
    base: String,
    port: u16,
    folder: PathBuf,
    http: reqwest::Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        keep_log(&self.folder);
    }
}

impl Place {
    /// Makes one at a node, with Falaj's own user in it.
    pub async fn at(node: &Node) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let http = reqwest::Client::builder().timeout(Duration::from_secs(120)).build().expect("a client");
        let place = Self {
            vhost: format!("test-{number}"),
            base: node.management(),
            port: node.port(),
            folder: node.folder(),
            http,
        };
        place.make().await;
        place.user("falaj").await;
        place.allow("falaj", [r"^falaj\.", r"^falaj\.", r"^falaj\."]).await;
        place
    }

    /// Makes it. A young cluster on busy cores answers that it waited in vain (500), and mostly has it a little later.
    async fn make(&self) {
        let path = format!("/api/vhosts/{}", self.vhost);
        let mut said = Vec::new();
        for _ in 0..MADE_MAX {
            let (status, answer) = self.ask("PUT", &path, None).await;
            let begun = std::time::Instant::now();
            while begun.elapsed() < RUNS {
                if self.runs(&path).await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            said.push(format!("{status} {answer}"));
            self.ask("DELETE", &path, None).await;
        }
        panic!("the virtual host does not come to run: {said:?}");
    }

    /// Whether it runs on every node that there is.
    async fn runs(&self, path: &str) -> bool {
        let (status, vhost) = self.ask("GET", path, None).await;
        let states = vhost["cluster_state"].as_object();
        status == 200
            && states.is_some_and(|states| !states.is_empty() && states.values().all(|state| state == "running"))
    }

    /// The name of somebody's user here. Users belong to the whole node.
    pub fn name(&self, who: &str) -> String {
        format!("{who}-of-{}", self.vhost)
    }

    /// The password of somebody's user here; with signs that an address must escape.
    pub fn password(&self, who: &str) -> String {
        format!("p@ss/{who}")
    }

    /// The address that somebody uses.
    pub fn url(&self, who: &str) -> String {
        self.url_at(who, self.port)
    }

    /// The same by another port.
    pub fn url_at(&self, who: &str, port: u16) -> String {
        format!("amqp://{}:p%40ss%2F{who}@127.0.0.1:{port}/{}", self.name(who), self.vhost)
    }

    /// The port of its node.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a user that may do nothing yet.
    pub async fn user(&self, who: &str) {
        self.set_password(who, &self.password(who)).await;
    }

    /// Gives a user another password.
    pub async fn set_password(&self, who: &str, password: &str) {
        let body = json!({ "password": password, "tags": "" });
        self.call("PUT", &format!("/api/users/{}", self.name(who)), Some(body)).await;
    }

    /// Lets a user configure, write and read.
    pub async fn allow(&self, who: &str, [configure, write, read]: [&str; 3]) {
        let body = json!({ "configure": configure, "write": write, "read": read });
        self.call("PUT", &format!("/api/permissions/{}/{}", self.vhost, self.name(who)), Some(body)).await;
    }

    /// Takes up what `falaj amqp plan --format definitions` wrote for this virtual host.
    pub async fn import(&self, definitions: &Value) {
        self.call("POST", "/api/definitions", Some(definitions.clone())).await;
    }

    /// A queue as the broker sees it; `None` where there is none. Its figures are some seconds old.
    pub async fn queue(&self, name: &str) -> Option<Value> {
        let answer = self.ask("GET", &format!("/api/queues/{}/{name}", self.vhost), None).await;
        (answer.0 == 200).then_some(answer.1)
    }

    /// Bindings of an exchange: routing key and queue.
    pub async fn bindings(&self, exchange: &str) -> Vec<(String, String)> {
        let list = self.call("GET", &format!("/api/exchanges/{}/{exchange}/bindings/source", self.vhost), None).await;
        let text = |binding: &Value, name: &str| binding[name].as_str().unwrap_or_default().to_owned();
        let list = list.as_array().cloned().unwrap_or_default();
        list.iter().map(|binding| (text(binding, "routing_key"), text(binding, "destination"))).collect()
    }

    /// Deletes a queue with all that is in it.
    pub async fn delete_queue(&self, name: &str) {
        self.call("DELETE", &format!("/api/queues/{}/{name}", self.vhost), None).await;
    }

    /// Deletes an exchange.
    pub async fn delete_exchange(&self, name: &str) {
        self.call("DELETE", &format!("/api/exchanges/{}/{name}", self.vhost), None).await;
    }

    /// Makes a queue with other arguments than the plan's.
    pub async fn declare_queue(&self, name: &str, arguments: Value) {
        let body = json!({ "durable": true, "auto_delete": false, "arguments": arguments });
        self.call("PUT", &format!("/api/queues/{}/{name}", self.vhost), Some(body)).await;
    }

    /// Ends every connection of a user, as an operator would.
    pub async fn throw_out(&self, who: &str) {
        let name = self.name(who);
        self.call("DELETE", &format!("/api/connections/username/{name}"), None).await;
    }

    /// Puts a message into an exchange as the operator, and expects that a queue takes it.
    pub async fn publish(&self, exchange: &str, key: &str, payload: &str, properties: Value) {
        self.allow_operator().await;
        let body =
            json!({ "properties": properties, "routing_key": key, "payload": payload, "payload_encoding": "string" });
        let path = format!("/api/exchanges/{}/{exchange}/publish", self.vhost);
        let answer = self.call("POST", &path, Some(body)).await;
        assert_eq!(answer["routed"], true, "no queue took it");
    }

    async fn allow_operator(&self) {
        let body = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        self.call("PUT", &format!("/api/permissions/{}/{OPERATOR}", self.vhost), Some(body)).await;
    }

    /// How many messages a queue holds, those that are out to consumers included; asked of the queue itself.
    pub async fn messages(&self, node: &Node, queue: &str) -> u64 {
        let args = ["list_queues", "-p", &self.vhost, "name", "messages", "--formatter", "json"];
        let list: Value = serde_json::from_str(&node.ctl(args).await).expect("JSON");
        let list = list.as_array().cloned().unwrap_or_default();
        let found = list.iter().find(|found| found["name"] == queue).unwrap_or_else(|| panic!("no queue {queue}"));
        found["messages"].as_u64().expect("a number")
    }

    /// Waits until a queue holds so many messages.
    pub async fn wait_messages(&self, node: &Node, queue: &str, messages: u64) {
        until_async(&format!("{queue} holds {messages}"), DEADLINE, || async {
            (self.messages(node, queue).await == messages).then_some(())
        })
        .await;
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request =
            self.http.request(method, format!("{}{path}", self.base)).basic_auth(OPERATOR, Some(OPERATOR_PASSWORD));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let response = request.send().await.expect("the management interface answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

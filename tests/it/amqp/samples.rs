//! The programs that the guide gives to agencies, run as it says: they take, refuse, reject, and know again what they have seen.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use super::client::PYTHON;
use super::town::fetcher;
use super::{Node, Town};
use crate::bus::{Bus, DEADLINE, Thing, until, until_async};

fn sample(town: &Town, agency: &str, name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy/rabbitmq").join(name);
    let mut command = Command::new(PYTHON);
    command.arg(path).current_dir(town.bus.deployment.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("AMQP_URL", town.place.url(agency)).env("AGENCY", agency);
    command
}

/// `consumer.py`, running. Dropping it kills it.
struct Consumer {
    child: Child,
    said: PathBuf,
}

impl Consumer {
    fn start(town: &Town, agency: &str) -> Self {
        let said = town.bus.deployment.path().join("consumer.out");
        let out = File::options().create(true).append(true).open(&said).expect("the folder is writable");
        let mut command = sample(town, agency, "consumer.py");
        command.env("UNKNOWN", "stranger").stdin(Stdio::null()).stdout(out);
        Self { child: command.spawn().expect("/usr/bin/python3 runs"), said }
    }

    /// Lines that begin with this word.
    fn lines(&self, word: &str) -> Vec<String> {
        let text = std::fs::read_to_string(&self.said).expect("our own file");
        text.lines().filter(|line| line.starts_with(word)).map(str::to_owned).collect()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_s_consumer_takes_refuses_rejects_and_knows_again() {
    let node = Node::shared().await;
    let mut town = Town::build(node, &[fetcher("moi")], Bus::builder()).await;
    let consumer = Consumer::start(&town, "moi");
    let known = town.bus.post(&Thing::new("citizen", 1)).await;
    let stranger = town.bus.post(&Thing::new("stranger", 1)).await;
    let outcome = async |id: String, outcome: &str| {
        until_async(&format!("it is {outcome}"), DEADLINE, || async {
            let delivery = town.bus.delivery(&id, "moi").await;
            (delivery["outcome"] == outcome).then_some(delivery)
        })
        .await
    };
    outcome(known.id, "applied").await;
    let refused = outcome(stranger.id, "refused").await;
    assert_eq!(refused["reason"], "the register does not know this person");

    // What it cannot read comes back to Falaj, which never sent it: a person looks at it.
    town.place.publish("falaj.out", "moi", "no event", json!({})).await;
    town.place.wait_messages(node, "falaj.quarantine", 1).await;
    assert_eq!(consumer.lines("rejected").len(), 1);

    // Killed in the middle of its work, it is offered again what it had not acknowledged, and does nothing twice.
    let mut receipts = Vec::new();
    for n in 2..=60 {
        receipts.push(town.bus.post(&Thing::new("citizen", n)).await);
    }
    until("it works", DEADLINE, || (consumer.lines("applied").len() > 5).then_some(())).await;
    drop(consumer);
    let consumer = Consumer::start(&town, "moi");
    for receipt in receipts {
        outcome(receipt.id, "applied").await;
    }
    let mut applied: Vec<String> =
        consumer.lines("applied").iter().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect();
    let before = applied.len();
    applied.sort();
    applied.dedup();
    assert_eq!(applied.len(), before, "nothing is applied twice");
    let again = consumer.lines("repeat").len();
    assert!(before + again >= 60, "{before} applied, {again} known again");
    drop(consumer);
    town.bus.stop().await;
    town.bus.ledger_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_s_sender_publishes_both_modes_and_shows_the_answers() {
    let node = Node::shared().await;
    let town = Town::build(node, &[fetcher("moi")], Bus::builder()).await;
    let publish = async |files: &[&str]| -> (Option<i32>, Vec<(u64, Value)>) {
        let mut command = sample(&town, "pub", "publish.py");
        command.args(files);
        let output: Output = tokio::task::spawn_blocking(move || command.output().expect("/usr/bin/python3 runs"))
            .await
            .expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = |line: &str| {
            let mut parts = line.splitn(3, ' ');
            let status = parts.next().unwrap().parse().unwrap();
            (status, serde_json::from_str(parts.nth(1).unwrap()).expect("JSON"))
        };
        (output.status.code(), text.lines().map(line).collect())
    };
    for n in 1..=2 {
        town.bus.deployment.write(&format!("{n}.json"), &Thing::new("citizen", n).json());
    }
    let (status, answers) = publish(&["1.json", "2.json"]).await;
    assert_eq!(status, Some(0));
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [202, 202]);
    // Again, as headers: the same envelope.
    let (status, again) = publish(&["--binary", "1.json"]).await;
    assert_eq!((status, again[0].0, &again[0].1["id"]), (Some(0), 200, &answers[0].1["id"]));
    town.bus
        .deployment
        .write("3.json", &Thing::new("citizen", 3).json().replace("urn:qa:test:pub", "urn:qa:test:other"));
    let (status, refused) = publish(&["3.json"]).await;
    assert_eq!((status, refused[0].0, &refused[0].1["errors"][0]["pointer"]), (Some(1), 403, &json!("/source")));
}

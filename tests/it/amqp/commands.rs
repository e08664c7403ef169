//! `falaj amqp` against a live broker: the plan as the broker's own tools take it, what it allows and forbids, and the check.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{Client, Node, Place};
use crate::bus::{Folder, falaj};

/// A deployment of three agencies: one sends and receives in order, one receives, one only sends.
fn deployment(place: &Place) -> Folder {
    let folder = Folder::new("amqp-deployment");
    let schema = |ty: &str| {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": format!("falaj:/schemas/{ty}/1.0"), "title": ty,
            "x-falaj": { "owner": "moi", "name": { "en": ty, "ar": "نوع" }, "maturity": 4, "subject": "required" },
            "type": "object", "properties": { "n": { "type": "integer" } },
        })
    };
    for ty in ["qa.test.residency.renewed", "qa.test.person.moved"] {
        folder.write(&format!("schemas/{ty}/1.0.json"), &schema(ty).to_string());
    }
    let agency = |id: &str, rest: &str| {
        folder.write(
            &format!("connectors/{id}/connector.toml"),
            &format!("[agency]\nid = \"{id}\"\nname = {{ en = \"Agency {id}\", ar = \"الجهة {id}\" }}\n\n{rest}"),
        );
    };
    let wish = |order: &str| {
        format!(
            "[[subscription]]\ntype = \"qa.test.person.moved\"\norder = \"{order}\"\nfields = [\"/n\"]\n\
             purpose = {{ en = \"Proofs\", ar = \"إثباتات\" }}\nlegal_basis = \"Law 1/2001\"\n"
        )
    };
    let delivery = |who: &str| format!("[delivery]\ntransport = \"amqp\"\namqp_user = \"{}\"\n\n", place.name(who));
    let sends = "[publishes]\ntypes = [\"qa.test.residency.*\"]\nsources = [\"urn:qa:test:moi\"]\n";
    agency("moi", &format!("{sends}\n{}{}", delivery("moi"), wish("subject")));
    agency("qcb", &format!("{}{}", delivery("qcb"), wish("none")));
    agency(
        "portal",
        &format!(
            "[publishes]\namqp_user = \"{}\"\ntypes = [\"qa.test.person.moved\"]\nsources = [\"urn:qa:test:portal\"]\n",
            place.name("portal")
        ),
    );
    folder
}

/// Runs `falaj amqp` over a deployment as somebody at the broker.
async fn amqp<const N: usize>(folder: &Folder, url: &str, args: [&str; N]) -> Output {
    let mut command = falaj(["amqp"]);
    command.args(args).env("FALAJ_AMQP__URL", url).current_dir(folder.path());
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
}

fn ended(output: Output, status: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{out}\n{err}");
    (out, err)
}

async fn definitions(folder: &Folder, place: &Place) -> Value {
    let (text, _) = ended(amqp(folder, &place.url("falaj"), ["plan", "--format", "definitions"]).await, 0);
    serde_json::from_str(&text).expect("JSON")
}

/// The state of an item in a report.
fn state<'a>(report: &'a Value, name: &str) -> &'a Value {
    let items = report["items"].as_array().expect("a list");
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_says_what_is_missing_what_differs_and_what_it_may_not_see() {
    let node = Node::shared().await;
    let place = Place::at(node).await;
    let folder = deployment(&place);
    for who in ["moi", "qcb", "portal"] {
        place.user(who).await;
    }
    let url = place.url("falaj");
    let check = || amqp(&folder, &url, ["check", "--json"]);
    let report = |text: String| serde_json::from_str::<Value>(&text).expect("JSON");

    let (empty, _) = ended(check().await, 1);
    let empty = report(empty);
    for name in ["falaj.in", "falaj.out.moi", "falaj.reply.portal", "falaj.quarantine"] {
        assert_eq!(state(&empty, name)["state"], "missing", "{name}");
    }
    assert!(place.queue("falaj.in").await.is_none(), "a check makes nothing");

    // What the broker's own import makes of the plan is exactly what the check, over AMQP, finds right.
    place.import(&definitions(&folder, &place).await).await;
    let (full, _) = ended(check().await, 0);
    let full = report(full);
    assert_eq!(state(&full, "falaj.out.moi")["state"], "present");
    assert_eq!(state(&full, "falaj.out.moi")["messages"], 0);
    assert_eq!(state(&full, "falaj.out -> falaj.out.moi (moi)")["state"], "unasked");
    let mut bound = place.bindings("falaj.dead").await;
    bound.sort();
    assert_eq!(bound, ["moi", "qcb"].map(|agency| (agency.to_owned(), "falaj.dead".to_owned())));
    let (text, _) = ended(amqp(&folder, &url, ["check"]).await, 0);
    assert!(text.contains("16 of 16") && text.contains("the rights of 4 users"), "{text}");

    // Another hand at work.
    place.delete_queue("falaj.out.qcb").await;
    place.declare_queue("falaj.out.qcb", json!({ "x-queue-type": "quorum" })).await;
    place.delete_exchange("falaj.dead").await;
    let (other, _) = ended(check().await, 1);
    let other = report(other);
    assert_eq!(state(&other, "falaj.out.qcb")["state"], "differs");
    assert_eq!(state(&other, "falaj.out.qcb")["found"], Value::Null);
    assert_eq!(state(&other, "falaj.out.moi")["state"], "present", "one refusal hides no other item");
    let wrong = other["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["state"] != "present" && item["state"] != "unasked");
    assert_eq!(wrong.count(), 2);
    let (text, _) = ended(amqp(&folder, &url, ["check"]).await, 1);
    assert!(text.contains("14 of 16") && text.contains("differs: x-"), "{text}");

    // Somebody who may not.
    place.user("stranger").await;
    place.allow("stranger", ["^$", "^$", "^$"]).await;
    let (text, _) = ended(amqp(&folder, &place.url("stranger"), ["check", "--json"]).await, 1);
    let stranger = report(text);
    assert_eq!(state(&stranger, "falaj.out.moi")["state"], "forbidden");
    assert_eq!(state(&stranger, "falaj.dead -> falaj.dead (moi)")["state"], "unasked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_cannot_be_asked_is_told_from_one_that_is_not_right() {
    let node = Node::shared().await;
    let place = Place::at(node).await;
    let folder = deployment(&place);
    let url = place.url("falaj");
    let wrong_password = url.replace("p%40ss", "wrong-one");
    let wrong_vhost = format!("{url}x");
    let nobody = url.replace(&format!(":{}/", node.port()), ":1/");
    let tls = url.replace("amqp://", "amqps://");
    for (url, said) in [
        (&wrong_password, "refused: wrong user or password"),
        (&wrong_vhost, "refused: no access to the virtual host"),
        (&nobody, "unreachable"),
        (&tls, "tls"),
    ] {
        let (_, error) = ended(amqp(&folder, url, ["check"]).await, 2);
        assert!(error.contains(said), "{said}: {error}");
        assert!(!error.contains("ss%2F") && !error.contains("p@ss") && !error.contains("wrong-one"), "{error}");
    }
    let (_, error) = ended(amqp(&folder, "amqp://u:secret-word@x/?y", ["check"]).await, 2);
    assert!(!error.contains("secret-word"), "{error}");
}

/// The script that the guide tells an operator to run, run by a shell against the broker; then everybody tries what is not theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_of_the_script_hold() {
    let node = Node::shared().await;
    let place = Place::at(node).await;
    let folder = deployment(&place);
    let (script, _) = ended(amqp(&folder, &place.url("falaj"), ["plan", "--format", "commands"]).await, 0);
    assert!(!script.contains("p@ss") && !script.contains("p%40ss"));
    folder.write("rights.sh", &script);
    let run = || shell(node, folder.path(), "sh rights.sh");
    let first = run().await;
    for who in ["moi", "qcb", "portal"] {
        assert!(first.contains(&format!("made the user {}", place.name(who))), "{first}");
        // Nobody gets in before there is a password.
        for password in ["", "falaj", &place.password(who)] {
            let closed = Client::start().open(&place, &place.name(who), password);
            assert_eq!(closed["closed"], 403, "{who}: {closed}");
        }
        place.user(who).await;
    }
    assert_eq!(run().await, "", "the second time there is nobody to make");
    place.import(&definitions(&folder, &place).await).await;

    // All still have their passwords, after the script and after the import.
    let mut moi = Client::connect(&place, "moi");
    let mut portal = Client::connect(&place, "portal");
    let mut qcb = Client::connect(&place, "qcb");
    let (named, other) = (place.name("moi"), place.name("qcb"));
    let publish = |exchange: &str, key: &str, user: &str| json!({ "do": "publish", "exchange": exchange, "key": key, "body": "{}", "properties": { "user_id": user } });
    moi.must(publish("falaj.in", "qa.test.residency.renewed", &named));
    moi.must(publish("falaj.outcome", "moi", &named));
    portal.must(publish("falaj.in", "qa.test.person.moved", &place.name("portal")));
    for (what, code) in [
        (publish("falaj.in", "qa.test.person.moved", &named), 403),
        (publish("falaj.in", "qa.test.residency.renewed", &other), 406),
        (publish("falaj.outcome", "qcb", &named), 403),
        (publish("falaj.out", "qcb", &named), 403),
        (publish("falaj.reply", "qcb", &named), 403),
        (publish("falaj.dead", "qcb", &named), 403),
        (publish("falaj.release", "qa.test.residency.renewed", &named), 403),
        (publish("", "falaj.out.qcb", &named), 403),
        (publish("amq.topic", "x", &named), 403),
        (json!({ "do": "get", "queue": "falaj.out.qcb" }), 403),
        (json!({ "do": "get", "queue": "falaj.reply.qcb" }), 403),
        (json!({ "do": "get", "queue": "falaj.in" }), 403),
        (json!({ "do": "get", "queue": "falaj.dead" }), 403),
        (json!({ "do": "get", "queue": "falaj.quarantine" }), 403),
        (json!({ "do": "declare", "queue": "mine" }), 403),
        (json!({ "do": "declare", "queue": "falaj.out.moi2" }), 403),
        (json!({ "do": "delete", "queue": "falaj.out.moi" }), 403),
        (json!({ "do": "bind", "queue": "falaj.out.moi", "exchange": "falaj.in", "key": "#" }), 403),
    ] {
        assert_eq!(moi.must_not(what.clone()), code, "{what}");
    }
    assert_eq!(portal.must_not(publish("falaj.outcome", "portal", &place.name("portal"))), 403);
    assert_eq!(qcb.must_not(publish("falaj.in", "qa.test.person.moved", &other)), 403);
    assert_eq!(portal.must_not(json!({ "do": "get", "queue": "falaj.out.moi" })), 403);
    // Its own queues are its own.
    let mut falaj = Client::connect(&place, "falaj");
    for (exchange, key) in [("falaj.out", "moi"), ("falaj.reply", "moi")] {
        falaj.must(publish(exchange, key, &place.name("falaj")));
        let message = moi.get(&format!("{exchange}.{key}"));
        moi.must(json!({ "do": "ack", "tag": message["tag"] }));
    }
    assert_eq!(falaj.must_not(publish("", "falaj.out.moi", &place.name("falaj"))), 403, "not even Falaj names a queue");
}

/// What comes in under no name, or is rejected by Falaj, is moved by the broker with its verified sender, and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_quarantine_is_listed_released_and_thrown_away() {
    let node = Node::shared().await;
    let place = Place::at(node).await;
    let folder = deployment(&place);
    for who in ["moi", "qcb", "portal"] {
        place.user(who).await;
    }
    place.import(&definitions(&folder, &place).await).await;
    let mut moi = Client::connect(&place, "moi");
    let mut falaj = Client::connect(&place, "falaj");
    let send = |exchange: &str, key: &str, id: &str, body: &str| {
        json!({
            "do": "publish", "exchange": exchange, "key": key, "body": body,
            "properties": { "user_id": place.name("moi"), "message_id": id, "content_type": "text/plain" },
        })
    };
    moi.must(send("falaj.in", "qa.test.residency.renewed", "m-1", "no event, but a secret"));
    moi.must(send("falaj.in", "qa.test.residency.renewed", "m-2", "neither"));
    moi.must(send("falaj.outcome", "moi", "m-3", "no outcome"));
    for queue in ["falaj.in", "falaj.in", "falaj.outcome"] {
        let message = falaj.get(queue);
        falaj.must(json!({ "do": "reject", "tag": message["tag"] }));
    }
    place.wait_messages(node, "falaj.quarantine", 3).await;

    let url = place.url("falaj");
    let quarantine = async |rest: &[&str]| {
        let mut command = falaj_amqp(&folder, &url);
        command.arg("quarantine").args(rest);
        tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
    };
    let (listed, _) = ended(quarantine(&["--json"]).await, 0);
    let (again, _) = ended(quarantine(&["list", "--json"]).await, 0);
    let list: Value = serde_json::from_str(&listed).expect("JSON");
    let again: Value = serde_json::from_str(&again).expect("JSON");
    let held = |message_id: &str| {
        let left = list["left"].as_array().unwrap();
        left.iter()
            .find(|held| held["message_id"] == message_id)
            .unwrap_or_else(|| panic!("{message_id} in {list}"))
            .clone()
    };
    let first = held("m-1");
    assert_eq!(first["user"], place.name("moi"));
    assert_eq!((&first["routing_key"], &first["bytes"]), (&json!("qa.test.residency.renewed"), &json!(22)));
    assert_eq!((&first["queue"], &held("m-3")["queue"]), (&json!("falaj.in"), &json!("falaj.outcome")));
    assert!(first["since"].as_u64().is_some_and(|since| since > 1_700_000_000), "{first}");
    assert!(!listed.contains("secret"), "a payload is never shown");
    let ids = |list: &Value| -> Vec<Value> {
        list["left"].as_array().unwrap().iter().map(|held| held["id"].clone()).collect()
    };
    assert_eq!(ids(&list), ids(&again), "looking changes neither ids nor order");

    let id = |message_id: &str| held(message_id)["id"].as_str().unwrap().to_owned();
    ended(quarantine(&["release", &id("m-1"), &id("m-3")]).await, 0);
    let back = falaj.get("falaj.in");
    assert_eq!(back["properties"]["message_id"], "m-1");
    assert_eq!(back["properties"]["user_id"], place.name("moi"), "the broker still vouches for its sender");
    assert_eq!(back["body"], "no event, but a secret");
    assert_eq!(falaj.get("falaj.outcome")["properties"]["message_id"], "m-3", "an outcome goes back to the outcomes");

    let (_, error) = ended(quarantine(&["drop", "0123456789abcdef", "--reason", "a test"]).await, 1);
    assert!(error.contains("0123456789abcdef"), "{error}");
    let (text, _) = ended(quarantine(&["drop", &id("m-2"), "--reason", "sent by mistake"]).await, 0);
    assert!(text.contains("1 thrown away (sent by mistake), 0 left") && text.contains(&id("m-2")), "{text}");
    place.wait_messages(node, "falaj.quarantine", 0).await;
    let (_, error) = ended(quarantine(&["drop", "--all", "--reason", " "]).await, 2);
    assert!(error.contains("--reason"), "{error}");
}

fn falaj_amqp(folder: &Folder, url: &str) -> Command {
    let mut command = falaj(["amqp"]);
    command.env("FALAJ_AMQP__URL", url).current_dir(folder.path());
    command
}

/// Runs a line in a shell for which `rabbitmqctl` means the node; returns what it said, and expects that it succeeds.
async fn shell(node: &Node, folder: &Path, line: &str) -> String {
    let path = format!("{}:{}", node.shell().display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", path);
    let output = tokio::task::spawn_blocking(move || command.output().expect("sh runs")).await.expect("it ends");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line}: {out}{err}");
    out.into_owned()
}

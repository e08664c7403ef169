//! What can be wrong at the broker, each with a name that an operator sees; agencies that are reached by HTTP never notice.

use std::time::Duration;

use serde_json::{Value, json};

use super::certificates::Certificates;
use super::town::fetcher;
use super::{Client, Node, Stream, Town, broken, missing};
use crate::bus::{ADMIN_KEY, Bus, DEADLINE, Folder, Signal, Thing, until, until_async};

/// How long a fault of the configuration closes an agency before it is tried again, and some time for the try itself.
const TRIED_AGAIN: Duration = Duration::from_secs(90);

/// Posts one envelope, and waits until the agency that is reached by HTTP has it.
async fn web_gets(town: &Town, n: u64) -> String {
    let receipt = town.bus.post(&Thing::new("somebody", n)).await;
    town.bus.wait_delivery(&receipt.id, "web", "delivered").await;
    receipt.id
}

/// Messages in the ministry's queue, once the broker counts so many: its figures come some seconds late.
async fn counted(town: &Town, node: &Node, at_least: u64) -> u64 {
    until_async("the broker counts them", DEADLINE, || async {
        let queued = town.place.messages(node, "falaj.out.moi").await;
        (queued >= at_least).then_some(queued)
    })
    .await
}

async fn delivered(town: &Town, id: &str, agency: &str) {
    until_async(&format!("{agency} has it"), TRIED_AGAIN, || async {
        (town.bus.delivery(id, agency).await["state"] == "delivered").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_throttles_its_agency_and_the_backlog_stays_in_the_ledger() {
    let node = Node::shared().await;
    let builder = Bus::builder().agency("web").env("FALAJ_AMQP__MESSAGES_MAX", "10");
    let mut town = Town::build(node, &[fetcher("moi")], builder).await;
    let mut ids = Vec::new();
    for n in 1..=30 {
        for subject in ["a", "b"] {
            let thing = Thing::new(subject, n);
            town.bus.post(&thing).await;
            ids.push(thing.id);
        }
    }
    let moi = async || town.bus.admin.get("/v1/agencies/moi").await.body;
    let state = until_async("moi is throttled", DEADLINE, || async {
        let moi = moi().await;
        (moi["state"] == "throttled").then_some(moi)
    })
    .await;
    let waiting = state["deliveries"]["pending"].as_u64().unwrap() + state["deliveries"]["retry"].as_u64().unwrap();
    assert!(waiting >= 40, "{state}");
    let queued = counted(&town, node, 10).await;
    assert!(queued < 20, "{queued}");
    until("web has all", DEADLINE, || {
        town.bus.receiver("web").look(|log| (log.arrivals.len() >= ids.len()).then_some(()))
    })
    .await;

    let reader = Stream::read(&town, "moi");
    until("moi has all", TRIED_AGAIN, || {
        missing(&reader.arrived(), ids.iter().map(String::as_str)).is_empty().then_some(())
    })
    .await;
    assert_eq!(broken(&reader.arrived()), Vec::<String>::new());
    drop(reader);
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_deletes_is_missed_by_name_and_made_again() {
    let node = Node::shared().await;
    let mut town = Town::build(node, &[fetcher("moi"), fetcher("qcb")], Bus::builder().agency("web")).await;
    let mut sender = Client::connect(&town.place, "pub");
    town.place.delete_queue("falaj.out.moi").await;
    town.place.delete_exchange("falaj.in").await;
    assert_eq!(sender.must_not(town.event(&Thing::new("early", 1), json!({}))), 404);

    let receipt = town.bus.post(&Thing::new("somebody", 1)).await;
    let missed = town.wait_state("publish", "missing").await;
    assert_eq!(missed["detail"], "falaj.out.moi");
    delivered(&town, &receipt.id, "web").await;
    delivered(&town, &receipt.id, "qcb").await;
    // Made again; the agency is tried again by itself.
    town.wait_queue("falaj.out.moi").await;
    delivered(&town, &receipt.id, "moi").await;
    town.wait_connected().await;
    until("the exchange is there again, with its binding", TRIED_AGAIN, || {
        sender.tell(town.event(&Thing::new("late", 1), json!({})))["published"].as_bool()
    })
    .await;

    // The exchange that leads to the agencies' queues, and to nobody else's.
    town.place.delete_exchange("falaj.out").await;
    let receipt = town.bus.post(&Thing::new("somebody else", 1)).await;
    let missed = town.wait_state("publish", "missing").await;
    assert_eq!(missed["detail"], "falaj.out");
    delivered(&town, &receipt.id, "web").await;
    for agency in ["moi", "qcb"] {
        delivered(&town, &receipt.id, agency).await;
    }
    town.wait_connected().await;

    // A queue that Falaj reads.
    town.place.delete_queue("falaj.in").await;
    until("it is read again", TRIED_AGAIN, || {
        sender.tell(town.event(&Thing::new("late", 2), json!({ "reply_to": "x" })))["published"].as_bool()
    })
    .await;
    assert_eq!(sender.get("falaj.reply.pub")["headers"]["falaj-status"], 202);
    town.wait_connected().await;
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_with_other_arguments_is_named_and_left_alone() {
    let node = Node::shared().await;
    let mut town = Town::build_stopped(node, &[fetcher("moi")], Bus::builder()).await;
    town.place.declare_queue("falaj.out.moi", json!({ "x-queue-type": "quorum", "x-delivery-limit": 3 })).await;
    town.bus.start().await;
    let mismatched = town.wait_state("consume", "mismatched").await;
    assert!(mismatched["detail"].as_str().unwrap().starts_with("falaj.out.moi: x-"), "{mismatched}");
    let receipt = town.bus.post(&Thing::new("somebody", 1)).await;
    delivered(&town, &receipt.id, "moi").await;
    assert_eq!(counted(&town, node, 1).await, 1, "it is used as it is, and what is in it stays");
    assert_eq!(town.standing("consume").await["state"], "mismatched");

    // Emptied and deleted by its operator, it is made as it should be.
    let mut moi = Client::connect(&town.place, "moi");
    let message = moi.get("falaj.out.moi");
    moi.must(json!({ "do": "ack", "tag": message["tag"] }));
    town.place.delete_queue("falaj.out.moi").await;
    town.wait_connected().await;
    let queue = town.place.queue("falaj.out.moi").await.expect("it is there");
    assert_eq!(queue["arguments"]["x-delivery-limit"], 100);
    town.bus.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_named_and_costs_agencies_of_the_broker_time_and_nothing_else() {
    let node = Node::shared().await;
    let mut town = Town::build_as(node, &[fetcher("moi")], Bus::builder().agency("web"), |place| {
        vec![("FALAJ_AMQP__URL", place.url("falaj").replace("p%40ss%2Ffalaj", "another-word"))]
    })
    .await;
    town.bus.start().await;
    for role in ["publish", "consume"] {
        assert_eq!(town.wait_state(role, "refused").await["detail"], "wrong user or password");
    }
    let id = web_gets(&town, 1).await;
    let other = town.bus.post(&Thing::new("somebody else", 1)).await;
    town.bus.wait_delivery(&other.id, "web", "delivered").await;
    until_async("moi is held", DEADLINE, || async {
        let moi = town.bus.admin.get("/v1/agencies/moi").await;
        (moi.body["state"] == "no_transport").then_some(())
    })
    .await;
    let waits = town.bus.delivery(&id, "moi").await;
    assert_eq!(waits["attempts"], 0, "nothing was tried: {waits}");
    let why = waits["waiting"]["text"].as_str().unwrap();
    assert!(why.contains("the broker does not accept Falaj's user"), "{why}");
    let ready = town.bus.admin.get("/readyz").await;
    assert_eq!((ready.status, &ready.body["ready"]), (200, &Value::Bool(true)), "what comes by HTTP is taken");

    town.place.set_password("falaj", "another-word").await;
    town.wait_connected().await;
    delivered(&town, &id, "moi").await;
    let moi = town.bus.admin.get("/v1/agencies/moi").await.body;
    assert_eq!((&moi["state"], &moi["events"]), (&json!("open"), &json!([])), "it was no fault of the agency's");

    // Thrown out by the broker's operator, it comes back.
    town.place.throw_out("falaj").await;
    town.wait_log(&["closed by the broker's operator"]).await;
    town.wait_connected().await;
    let id = web_gets(&town, 2).await;
    delivered(&town, &id, "moi").await;
    let log = std::fs::read_to_string(town.bus.log_file()).expect("a log");
    assert!(!log.contains("another-word"), "the password is in no line of the log");
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

/// What `falaj agencies` says of the broker.
async fn said_of_broker(town: &Town) -> String {
    let url = format!("http://{}", town.bus.address());
    let mut agencies = town.command(&["agencies", "--url", &url, "--key", ADMIN_KEY]);
    let output =
        tokio::task::spawn_blocking(move || agencies.output().expect("the binary runs")).await.expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find(|line| line.starts_with("Broker: ")).unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// A broker that hangs: its connections stand, and nothing comes over them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_falls_silent_is_named_wherever_somebody_looks() {
    let node = Node::own().await;
    let builder = Bus::builder()
        .agency("web")
        .env("FALAJ_AMQP__HEARTBEAT", "1s")
        .env("FALAJ_AMQP__CONNECT_TIMEOUT", "2s")
        .env("FALAJ_AMQP__PUBLISH_TIMEOUT", "2s");
    let mut town = Town::build(&node, &[fetcher("moi")], builder).await;
    let said = said_of_broker(&town).await;
    assert!(said.contains("publish connected since") && said.contains("consume connected since"), "{said}");

    node.signal(Signal::Stop);
    town.wait_log(&["no heartbeat"]).await;
    let silent = town.wait_state("publish", "unreachable").await;
    assert!(silent["detail"].as_str().unwrap().contains("timeout"), "{silent}");
    let id = web_gets(&town, 1).await;
    let metrics = town.bus.admin.get("/metrics").await.text;
    for line in [
        r#"falaj_amqp_state{direction="publish",state="unreachable"} 1"#,
        r#"falaj_amqp_state{direction="publish",state="connected"} 0"#,
        r#"falaj_amqp_connected{direction="publish"} 0"#,
    ] {
        assert!(metrics.lines().any(|shown| shown == line), "{line}");
    }
    let said = said_of_broker(&town).await;
    assert!(said.contains("publish unreachable ("), "{said}");
    // Whatever it may be, the guide says what to do.
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy/rabbitmq/README.md");
    let guide = std::fs::read_to_string(guide).expect("it is there");
    let states = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(r#"falaj_amqp_state{direction="publish",state=""#)?.split('"').next());
    let untold: Vec<&str> =
        states.filter(|state| *state != "connected" && !guide.contains(&format!("`{state}`"))).collect();
    assert_eq!(untold, Vec::<&str>::new());

    node.signal(Signal::Continue);
    town.wait_connected().await;
    delivered(&town, &id, "moi").await;
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

/// The broker asks both sides for certificates of its own authority, and takes the common name for the user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_say_who_is_who() {
    let node = Node::shared().await;
    let text = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    let way = |place: &super::Place| {
        let identity = node.certificates().client(&place.name("falaj"));
        vec![
            ("FALAJ_AMQP__URL", format!("amqps://127.0.0.1:{}/{}", node.tls_port(), place.vhost)),
            ("FALAJ_AMQP__CA", text(&node.certificates().authority())),
            ("FALAJ_AMQP__CERT", text(&identity.certificate)),
            ("FALAJ_AMQP__KEY", text(&identity.key)),
        ]
    };
    let mut town = Town::build_as(node, &[fetcher("moi")], Bus::builder(), way).await;
    town.bus.start().await;
    town.wait_connected().await;
    town.wait_queue("falaj.out.moi").await;
    let receipt = town.bus.post(&Thing::new("somebody", 1)).await;
    delivered(&town, &receipt.id, "moi").await;
    let identity = node.certificates().client(&town.place.name("moi"));
    let mut moi = Client::start();
    assert_eq!(moi.open_tls(node, &town.place, &identity)["opened"], true);
    assert_eq!(moi.get("falaj.out.moi")["properties"]["message_id"], receipt.delivery("moi"));
    assert_eq!(moi.must_not(json!({ "do": "get", "queue": "falaj.in" })), 403, "it is the agency, and has its rights");
    drop(moi);
    town.bus.stop().await;

    // An authority that did not sign the broker's certificate.
    let folder = Folder::new("other-authority");
    let other = Certificates::make(folder.path(), "somebody else");
    let way = |place: &super::Place| {
        vec![
            (
                "FALAJ_AMQP__URL",
                place
                    .url("falaj")
                    .replace("amqp://", "amqps://")
                    .replace(&node.port().to_string(), &node.tls_port().to_string()),
            ),
            ("FALAJ_AMQP__CA", text(&other.authority())),
        ]
    };
    let mut town = Town::build_as(node, &[fetcher("moi")], Bus::builder().agency("web"), way).await;
    town.bus.start().await;
    assert_eq!(town.wait_state("publish", "tls").await["detail"], "certificate: unknown issuer");
    web_gets(&town, 1).await;
    town.bus.stop().await;
}

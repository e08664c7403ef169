//! Three nodes of RabbitMQ under load, each killed in its turn, with a balancer before them as an operator would have one.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::amqp::{Node, Stream, Town, broken, fetcher, missing, repeats};
use crate::bus::{Bus, Dice, Load, Offered, until};

/// How long it may take until everything has arrived.
const ARRIVES: Duration = Duration::from_secs(300);
/// What is posted over HTTP meanwhile.
const LOAD: Offered =
    Offered { senders: 6, subjects: 60, envelopes: 6_000, note_bytes: 300, pause_max: Duration::from_millis(60) };
/// What is published over AMQP meanwhile: subjects and their changes.
const SENT: (u32, u32) = (20, 150);

/// Leads every connection to the first node that answers.
struct Balancer {
    port: u16,
    stop: CancellationToken,
}

impl Balancer {
    async fn start(ports: Vec<u16>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, ports) = (CancellationToken::new(), Arc::new(Mutex::new(ports)));
        let ended = stop.clone();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = ended.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((client, _)) = accepted else { continue };
                let ports = ports.lock().unwrap().clone();
                tokio::spawn(lead(client, ports));
            }
        });
        Self { port, stop }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn lead(mut client: TcpStream, ports: Vec<u16>) -> io::Result<()> {
    for port in ports {
        if let Ok(mut node) = TcpStream::connect(("127.0.0.1", port)).await {
            tokio::io::copy_bidirectional(&mut client, &mut node).await?;
            return Ok(());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_loses_one_node_after_the_other_loses_nothing_else() {
    let [first, second, third] = Node::cluster().await;
    let balancer = Balancer::start(vec![first.port(), third.port(), second.port()]).await;
    let port = balancer.port;
    // What only the test asks goes to the second node, which is never killed.
    let way = |place: &crate::amqp::Place| vec![("FALAJ_AMQP__URL", place.url_at("falaj", port))];
    let mut town = Town::build_as(&second, &[fetcher("moi"), fetcher("qcb")], Bus::builder().agency("web"), way).await;
    town.bus.start().await;
    town.wait_connected().await;
    for queue in ["falaj.out.moi", "falaj.out.qcb"] {
        town.wait_queue(queue).await;
        let members = town.place.queue(queue).await.unwrap()["members"].as_array().map_or(0, Vec::len);
        assert_eq!(members, 3, "{queue} has a member on every node");
    }
    let readers = ["moi", "qcb"].map(|agency| Stream::read_at(&town, agency, port));
    let load = Load::start(&town.bus.publisher, &LOAD, &mut Dice::for_test("cluster"));
    let mut sender = Stream::send_at(&town, SENT.0, SENT.1, Duration::from_millis(8), port);
    let came = |readers: &[Stream; 2]| readers.each_ref().map(|reader| reader.arrived().len());
    // The first is the one that Falaj speaks to; the third leads some of the queues.
    let mut alive = Vec::new();
    for mut node in [first, third] {
        let before = came(&readers);
        until("both have more", ARRIVES, || {
            let now = came(&readers);
            (now[0] > before[0] + 200 && now[1] > before[1] + 200).then_some(())
        })
        .await;
        node.kill9();
        let killed = came(&readers);
        until("both have more while a node is down", ARRIVES, || {
            let now = came(&readers);
            (now[0] > killed[0] + 200 && now[1] > killed[1] + 200).then_some(())
        })
        .await;
        node = node.start().await;
        town.wait_connected().await;
        println!("{:?} had come", came(&readers));
        alive.push(node);
    }
    sender.ends(ARRIVES).await;
    let book = load.finish().await;
    assert_eq!(book.faults, Vec::<String>::new());
    let confirmed = sender.lines();
    for reader in &readers {
        until("everything has come", ARRIVES, || {
            missing(&reader.arrived(), book.ids().chain(confirmed.iter().map(String::as_str))).is_empty().then_some(())
        })
        .await;
        let arrived = reader.arrived();
        assert_eq!(broken(&arrived), Vec::<String>::new());
        println!("{} came, {} of them again", arrived.len(), repeats(&arrived));
    }
    drop(readers);
    town.bus.stop().await;
    town.bus.ledger_check().await;
    town.bus.assert_sound();
}

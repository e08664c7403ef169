//! The builder, and the bus it builds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::client::{Client, Receipt, Thing};
use super::deployment::{ADMIN_KEY, AgencyFiles, Deployment, PUBLISHER_KEY, SECRET};
use super::process::{Process, Signal, falaj};
use super::receiver::{Reaction, Receiver, Request};
use super::wait::{DEADLINE, until_async};
use super::witness::Witness;

/// How long an ordered stop may take.
const STOP: Duration = Duration::from_secs(30);

type React = Box<dyn Fn(&Request) -> Reaction + Send + Sync>;

struct Planned {
    id: String,
    in_flight: u32,
    timeout: String,
    react: Option<React>,
}

/// Says what bus a test wants.
#[derive(Default)]
pub struct Builder {
    agencies: Vec<Planned>,
    data: Option<PathBuf>,
    env: Vec<(String, String)>,
}

impl Builder {
    /// One more agency; what follows is about it.
    pub fn agency(mut self, id: &str) -> Self {
        self.agencies.push(Planned { id: id.to_owned(), in_flight: 16, timeout: "15s".to_owned(), react: None });
        self
    }

    /// Its limit of deliveries in flight.
    pub fn in_flight(mut self, in_flight: u32) -> Self {
        self.last().in_flight = in_flight;
        self
    }

    /// Its timeout.
    pub fn timeout(mut self, timeout: &str) -> Self {
        self.last().timeout = timeout.to_owned();
        self
    }

    /// Its way with requests.
    pub fn reacts(mut self, react: impl Fn(&Request) -> Reaction + Send + Sync + 'static) -> Self {
        self.last().react = Some(Box::new(react));
        self
    }

    /// It fails the first `count` tries of each message.
    pub fn fails(self, count: u32) -> Self {
        self.reacts(move |request| Reaction::Status(if request.nth <= count { 500 } else { 200 }))
    }

    /// It holds its answers until it is released.
    pub fn holds(self) -> Self {
        self.reacts(|_| Reaction::Hold)
    }

    /// Where the ledger stands, if not beside the deployment.
    pub fn data(mut self, data: &Path) -> Self {
        self.data = Some(data.to_owned());
        self
    }

    /// A variable in the bus's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes the deployment, starts the receivers and the bus, and waits until it listens.
    pub async fn build(self) -> Bus {
        let mut bus = self.build_stopped().await;
        bus.start().await;
        bus
    }

    /// The same without starting the bus.
    pub async fn build_stopped(self) -> Bus {
        let deployment = Deployment::new();
        let mut receivers = BTreeMap::new();
        let mut files = BTreeMap::new();
        for planned in self.agencies {
            let receiver = Receiver::start(&planned.id, SECRET).await;
            if let Some(react) = planned.react {
                receiver.react(react);
            }
            let agency = AgencyFiles {
                id: planned.id.clone(),
                url: receiver.url(),
                in_flight: planned.in_flight,
                timeout: planned.timeout,
            };
            deployment.write_agency(&agency);
            files.insert(planned.id.clone(), agency);
            receivers.insert(planned.id, receiver);
        }
        let data = self.data.unwrap_or_else(|| deployment.data());
        let (base, known) = watch::channel(None);
        let publisher = Client::new(known, PUBLISHER_KEY);
        let admin = publisher.with_key(ADMIN_KEY);
        Bus { process: None, publisher, admin, base, receivers, files, data, env: self.env, deployment }
    }

    fn last(&mut self) -> &mut Planned {
        self.agencies.last_mut().expect("an agency comes first")
    }
}

/// A bus under test.
#[derive(Debug)]
pub struct Bus {
    // The first to go when the test ends; the folder is the last.
    process: Option<Process>,
    /// Posts and reads as the publishing agency.
    pub publisher: Client,
    /// Reads and operates as administrator.
    pub admin: Client,
    base: watch::Sender<Option<String>>,
    receivers: BTreeMap<String, Receiver>,
    files: BTreeMap<String, AgencyFiles>,
    data: PathBuf,
    env: Vec<(String, String)>,
    /// Its files.
    pub deployment: Deployment,
}

impl Bus {
    /// Says what bus is wanted.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts it over what is on disk.
    pub async fn start(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        self.receivers().for_each(|receiver| receiver.unplug(false));
        let process = Process::start(self.serve(), &self.log_file()).await;
        self.base.send_replace(Some(process.base.clone()));
        self.process = Some(process);
    }

    /// Starts it over what it cannot start with; returns what it said at its end.
    pub async fn start_in_vain(&self) -> Output {
        let mut command = self.serve();
        tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
    }

    /// Starts it and kills it after a while, whether it is ready by then or not.
    pub async fn start_and_kill(&mut self, after: Duration) {
        let process = Process::spawn(self.serve(), &self.log_file());
        tokio::time::sleep(after).await;
        process.kill9();
        self.settle_connections().await;
    }

    fn serve(&self) -> Command {
        let mut command = falaj(["serve", "--listen", "127.0.0.1:0", "--config"]);
        command.arg(self.deployment.config()).arg("--data").arg(&self.data);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.deployment.path());
        command
    }

    /// Where its log goes.
    pub fn log_file(&self) -> PathBuf {
        self.deployment.path().join("log.jsonl")
    }

    /// Kills it, and waits until nothing that it had sent is still on its way.
    pub async fn kill9(&mut self) {
        self.kill9_at_once();
        self.settle_connections().await;
    }

    async fn settle_connections(&self) {
        for receiver in self.receivers.values() {
            receiver.settle_connections().await;
        }
    }

    /// Kills it, and waits for its end alone. Answers that it had given are still read.
    pub fn kill9_at_once(&mut self) {
        self.process.take().expect("it runs").kill9();
        self.base.send_replace(None);
    }

    /// Pulls the network cable until the next start: from now on no sender reads an answer, and no agency hears anything.
    pub fn unplug(&self) {
        self.base.send_replace(None);
        self.receivers().for_each(|receiver| receiver.unplug(true));
    }

    /// Stops it in order, and expects that it ends well.
    pub async fn stop(&mut self) {
        self.signal(Signal::Term);
        self.ends().await;
    }

    /// Waits for the end of a stop that was asked for.
    pub async fn ends(&mut self) {
        let process = self.process.take().expect("it runs");
        self.base.send_replace(None);
        let status = process.wait(STOP).await;
        assert!(status.success(), "an ordered stop ended with {status}");
    }

    /// Kills it and starts it again.
    pub async fn restart(&mut self) {
        self.kill9().await;
        self.start().await;
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    /// `host:port` of the bus.
    pub fn address(&self) -> String {
        let base = self.base.borrow();
        base.as_deref().and_then(|base| base.strip_prefix("http://")).expect("it runs").trim_end_matches('/').to_owned()
    }

    /// An agency's receiver.
    pub fn receiver(&self, agency: &str) -> &Receiver {
        &self.receivers[agency]
    }

    /// All receivers.
    pub fn receivers(&self) -> impl Iterator<Item = &Receiver> {
        self.receivers.values()
    }

    /// An agency's manifest, to be changed and written again.
    pub fn files(&self, agency: &str) -> AgencyFiles {
        self.files[agency].clone()
    }

    /// Posts an envelope that must be new.
    pub async fn post(&self, thing: &Thing) -> Receipt {
        self.publisher.offer(thing).await.expect("the bus answers").receipt(202)
    }

    /// Posts an envelope that must be known.
    pub async fn post_again(&self, thing: &Thing) -> Receipt {
        self.publisher.offer(thing).await.expect("the bus answers").receipt(200)
    }

    /// Reads the status of an envelope.
    pub async fn status(&self, id: &str) -> Value {
        let answer = self.publisher.get(&format!("/v1/envelopes/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    }

    /// The part of a status that is about one agency.
    pub async fn delivery(&self, id: &str, agency: &str) -> Value {
        let status = self.status(id).await;
        let deliveries = status["deliveries"].as_array().expect("a status lists its deliveries");
        deliveries.iter().find(|delivery| delivery["agency"] == agency).expect("the agency is a recipient").clone()
    }

    /// Waits until the delivery to an agency stands like this; `state` is also looked for among the reasons for waiting.
    pub async fn wait_delivery(&self, id: &str, agency: &str, state: &str) -> Value {
        until_async(&format!("delivery of {id} to {agency} is {state}"), DEADLINE, || async {
            let delivery = self.delivery(id, agency).await;
            (delivery["state"] == state || delivery["waiting"]["reason"] == state).then_some(delivery)
        })
        .await
    }

    /// Waits until an envelope is settled, by long polling.
    pub async fn wait_settled(&self, id: &str) -> Value {
        until_async(&format!("envelope {id} is settled"), DEADLINE, || async {
            let answer = self.publisher.get(&format!("/v1/envelopes/{id}?wait=10s")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            (answer.body["state"] != "open").then_some(answer.body)
        })
        .await
    }

    /// Lets the ledger prove its invariants.
    pub async fn ledger_check(&self) {
        ledger_check(&self.data).await;
    }

    /// Every receiver's log, judged, and the bus's own log looked through for panics: fails with all that is broken.
    pub fn assert_sound(&self) {
        let log = std::fs::read_to_string(self.log_file()).expect("a bus that was started has a log");
        let panics: Vec<&str> = log.lines().filter(|line| line.contains("panicked at")).collect();
        assert_eq!(panics, Vec::<&str>::new());
        let judge = |receiver: &Receiver| receiver.look(|log| Witness::new(&receiver.agency, log).broken());
        let broken: Vec<String> = self.receivers().flat_map(judge).collect();
        assert_eq!(broken, Vec::<String>::new());
    }
}

/// Runs `falaj ledger check` over a ledger, and expects that it finds nothing.
pub async fn ledger_check(data: &Path) {
    let mut command = falaj(["ledger", "check", "--data"]);
    command.arg(data);
    let output =
        tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends");
    assert!(
        output.status.success(),
        "falaj ledger check: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

//! A private RabbitMQ: a name, ports, a folder, a cookie and an epmd of its own; never the system's service.
//!
//! N1: it ends with whoever started it, also where that is killed: its keeper reads a pipe that only the tests hold. N2: it keeps its
//! ports and its name through a kill and a new start. N3: its log stays where the test fails.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::certificates::Certificates;
use crate::bus::{Dice, Folder, Signal, signal};

/// Where Debian keeps the broker's own scripts; those on the path change to the service's user.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";
/// How long a start may take before a test fails: two busy cores.
const START: Duration = Duration::from_secs(240);
/// The operator of every private node.
pub const OPERATOR: &str = "operator";
/// Its password.
pub const OPERATOR_PASSWORD: &str = "operator-of-the-tests";
/// Ports that no outgoing connection is given.
const PORTS: (u64, u64) = (20_000, 32_000);
/// Runs what it is given until its own input ends, then kills it. It says the number of the process first.
const KEEPER: &str = r#"
trap '' INT
"$@" </dev/null >>"$KEEPER_LOG" 2>&1 &
echo $!
cat >/dev/null
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
[ -z "$KEEPER_FOLDER" ] || [ -e "$KEEPER_FOLDER/keep" ] || rm -rf "$KEEPER_FOLDER"
"#;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Process that ends with its tests.
#[derive(Debug)]
struct Kept {
    keeper: Child,
    pid: u32,
}

impl Kept {
    fn start(command: &Command, log: &Path, removes: Option<&Path>) -> Self {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => keeper.env(name, value),
                None => keeper.env_remove(name),
            };
        }
        keeper.env("KEEPER_LOG", log).env("KEEPER_FOLDER", removes.unwrap_or(Path::new("")));
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper.spawn().expect("sh runs");
        let mut line = String::new();
        let out = keeper.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("the keeper says a number");
        Self { keeper, pid: line.trim().parse().expect("a number") }
    }

    fn kill(&mut self) {
        drop(self.keeper.stdin.take());
        let _status = self.keeper.wait();
    }

    fn is_gone(&self) -> bool {
        !Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The name server of one or more nodes.
#[derive(Debug)]
struct Epmd {
    port: u16,
    _kept: Kept,
}

impl Epmd {
    fn start(log: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new("epmd");
        command.args(["-address", "127.0.0.1", "-port", &port.to_string()]);
        let kept = Kept::start(&command, log, None);
        until("epmd listens", || listens(port).then_some(()));
        Self { port, _kept: kept }
    }
}

/// What several nodes of one cluster share.
#[derive(Debug, Clone)]
struct Ground {
    folder: Arc<Folder>,
    epmd: Arc<Epmd>,
    certificates: Arc<Certificates>,
}

impl Ground {
    fn new() -> Self {
        let folder = Folder::new("rabbitmq");
        // The nodes of a cluster know each other by it, and rabbitmqctl knows them.
        folder.write(".erlang.cookie", "CookieOfAPrivateNodeThatOnlyListensOnLoopback");
        let cookie = folder.path().join(".erlang.cookie");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o400);
        std::fs::set_permissions(cookie, mode).expect("our own file");
        let certificates = Certificates::make(&folder.path().join("tls"), "authority of the tests");
        let epmd = Epmd::start(&folder.path().join("epmd.log"));
        Self { folder: Arc::new(folder), epmd: Arc::new(epmd), certificates: Arc::new(certificates) }
    }
}

/// One node.
#[derive(Debug)]
pub struct Node {
    kept: Option<Kept>,
    name: String,
    home: PathBuf,
    amqp: u16,
    amqps: u16,
    management: u16,
    distribution: u16,
    /// Whether it lives as long as the tests do: nobody drops it then, and its keeper clears up.
    shared: bool,
    ground: Ground,
}

impl Node {
    /// The node that tests share which do it no harm: each has a virtual host of its own there.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<Node> = OnceLock::new();
        tokio::task::spawn_blocking(|| SHARED.get_or_init(|| Self::begin(true))).await.expect("it starts")
    }

    /// A node of a test's own, to be killed, filled or alarmed.
    pub async fn own() -> Self {
        tokio::task::spawn_blocking(|| Self::begin(false)).await.expect("it starts")
    }

    /// Three nodes that form one cluster.
    pub async fn cluster() -> [Self; 3] {
        tokio::task::spawn_blocking(|| {
            let ground = Ground::new();
            let mut nodes = [(); 3].map(|()| Self::plan(ground.clone()));
            let names = nodes.each_ref().map(|node| node.full_name());
            // The first one is the cluster; the others find it.
            for node in &mut nodes {
                node.configure(&names);
                node.start_now();
            }
            // Each has to know that the others run: else what is made next is not made everywhere.
            for node in &nodes {
                let mut all = node.command("rabbitmqctl");
                all.args(["--quiet", "await_online_nodes", "3", "--timeout", "120"]);
                let said = all.output().expect("rabbitmqctl runs");
                assert!(said.status.success(), "no cluster: {}", String::from_utf8_lossy(&said.stderr));
            }
            nodes
        })
        .await
        .expect("they start")
    }

    fn begin(shared: bool) -> Self {
        let mut node = Self { shared, ..Self::plan(Ground::new()) };
        node.configure(&[]);
        node.start_now();
        node
    }

    fn plan(ground: Ground) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("falaj-{}-{number}", std::process::id());
        let home = ground.folder.path().join(&name);
        let [amqp, amqps, management, distribution] = [(); 4].map(|()| free_port());
        Self { kept: None, name, home, amqp, amqps, management, distribution, shared: false, ground }
    }

    fn configure(&self, peers: &[String]) {
        let tls = self.ground.certificates.folder().display();
        let mut conf = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nlisteners.ssl.1 = 127.0.0.1:{amqps}\n\
             ssl_options.cacertfile = {tls}/ca.pem\nssl_options.certfile = {tls}/broker.pem\nssl_options.keyfile = {tls}/broker.key\n\
             ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\nssl_cert_login_from = common_name\n\
             auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\n\
             management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n\
             default_user = {OPERATOR}\ndefault_pass = {OPERATOR_PASSWORD}\nlog.console = false\nlog.file.level = info\n\
             cluster_partition_handling = ignore\n",
            amqp = self.amqp,
            amqps = self.amqps,
            management = self.management,
        );
        if !peers.is_empty() {
            conf.push_str("cluster_formation.peer_discovery_backend = classic_config\n");
            for (number, peer) in peers.iter().enumerate() {
                writeln!(conf, "cluster_formation.classic_config.nodes.{} = {peer}", number + 1)
                    .expect("a string grows");
            }
        }
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(&self.home).expect("the folder is writable");
            std::fs::write(self.home.join(name), text).expect("the folder is writable");
        };
        write("rabbitmq.conf", &conf);
        write("enabled_plugins", "[rabbitmq_auth_mechanism_ssl,rabbitmq_management].\n");
    }

    fn full_name(&self) -> String {
        format!("{}@localhost", self.name)
    }

    /// A command of the broker's own, led to this node.
    fn command(&self, script: &str) -> Command {
        let path = Path::new(SCRIPTS).join(script);
        assert!(path.exists(), "{} is missing: tests/run installs rabbitmq-server", path.display());
        let mut command = Command::new(path);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RABBITMQ_")) {
            command.env_remove(name);
        }
        let at = |name: &str| self.home.join(name);
        command
            .env("HOME", self.ground.folder.path())
            .env("ERL_EPMD_PORT", self.ground.epmd.port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_NODENAME", self.full_name())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", at("data"))
            .env("RABBITMQ_LOG_BASE", at("log"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            // The range of ports of the tool's own end would be the same for all tests of the machine.
            .env("RABBITMQ_CTL_DIST_PORT_MIN", PORTS.0.to_string())
            .env("RABBITMQ_CTL_DIST_PORT_MAX", PORTS.1.to_string())
            // The process that is started is the broker itself, so that its number is the one to kill.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .stdin(Stdio::null());
        command
    }

    fn start_now(&mut self) {
        assert!(self.kept.is_none(), "it runs already");
        std::fs::create_dir_all(self.home.join("log")).expect("the folder is writable");
        let removes = self.shared.then(|| self.ground.folder.path());
        let kept = Kept::start(&self.command("rabbitmq-server"), &self.home.join("log/output"), removes);
        let begun = Instant::now();
        while !listens(self.amqp) || !listens(self.management) {
            assert!(!kept.is_gone(), "RabbitMQ ended at its start; its log: {}", self.home.join("log").display());
            assert!(begun.elapsed() < START, "RabbitMQ did not start; its log: {}", self.home.join("log").display());
            std::thread::sleep(Duration::from_millis(50));
        }
        self.kept = Some(kept);
    }

    /// Starts it again over what is on its disk.
    pub async fn start(mut self) -> Self {
        tokio::task::spawn_blocking(move || {
            self.start_now();
            self
        })
        .await
        .expect("it starts")
    }

    /// Kills it as `kill -9` does.
    pub fn kill9(&mut self) {
        let mut kept = self.kept.take().expect("it runs");
        assert!(!kept.is_gone(), "RabbitMQ had ended by itself");
        kept.kill();
        until("it is gone", || kept.is_gone().then_some(()));
    }

    /// Sends a signal to it: a node that stands still keeps its connections, and says nothing.
    pub fn signal(&self, what: Signal) {
        signal(self.kept.as_ref().expect("it runs").pid, what);
    }

    /// Runs `rabbitmqctl` against it and returns what it said; it must succeed.
    pub async fn ctl<const N: usize>(&self, args: [&str; N]) -> String {
        let output = self.try_ctl(args).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "rabbitmqctl {args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// The same where it may fail.
    pub async fn try_ctl<const N: usize>(&self, args: [&str; N]) -> Output {
        let mut command = self.command("rabbitmqctl");
        command.arg("--quiet").args(args);
        tokio::task::spawn_blocking(move || command.output().expect("rabbitmqctl runs")).await.expect("it ends")
    }

    /// Makes `rabbitmqctl` of a shell mean this node: the folder to put first on the path.
    pub fn shell(&self) -> PathBuf {
        let folder = self.home.join("bin");
        std::fs::create_dir_all(&folder).expect("the folder is writable");
        let command = self.command("rabbitmqctl");
        let mut text = "#!/bin/sh\n".to_owned();
        for (name, value) in command.get_envs() {
            let value = value.map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
            writeln!(text, "export {}='{value}'", name.to_string_lossy()).expect("a string grows");
        }
        writeln!(text, "exec {} \"$@\"", command.get_program().to_string_lossy()).expect("a string grows");
        let path = folder.join("rabbitmqctl");
        std::fs::write(&path, text).expect("the folder is writable");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&path, mode).expect("our own file");
        folder
    }

    /// Its port for AMQP.
    pub fn port(&self) -> u16 {
        self.amqp
    }

    /// Its port for AMQP over TLS.
    pub fn tls_port(&self) -> u16 {
        self.amqps
    }

    /// Where its data and its log are.
    pub fn folder(&self) -> PathBuf {
        self.ground.folder.path().to_owned()
    }

    /// Its certificates, and those of its clients.
    pub fn certificates(&self) -> &Certificates {
        &self.ground.certificates
    }

    /// Its management interface.
    pub fn management(&self) -> String {
        format!("http://127.0.0.1:{}", self.management)
    }
}

/// Keeps N3 for the node that is shared.
pub fn keep_log(folder: &Path) {
    if std::thread::panicking() {
        let _unwritable = std::fs::write(folder.join("keep"), "");
        eprintln!("the broker's folder stays: {}", folder.display());
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_secs(1)).is_ok()
}

/// A port that is free, and is given to nobody who only wants any: a node comes back to it after a kill.
fn free_port() -> u16 {
    static TAKEN: std::sync::Mutex<Vec<u16>> = std::sync::Mutex::new(Vec::new());
    let seed = u64::from(std::process::id()) << 32 | u64::from(NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut dice = Dice::seeded(seed);
    loop {
        let port = u16::try_from(PORTS.0 + dice.below(PORTS.1 - PORTS.0)).expect("a port");
        let mut taken = TAKEN.lock().expect("nobody panics here");
        if !taken.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            taken.push(port);
            return port;
        }
    }
}

fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < START, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

//! Somebody at the broker who is not ours: pika, in a process of its own, told what to do line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::certificates::Identity;
use super::{Node, Place};

/// Debian's interpreter, which sees Debian's pika.
pub const PYTHON: &str = "/usr/bin/python3";

/// One client with one connection. Dropping it ends its process, as a crash would.
#[derive(Debug)]
pub struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    /// A client that is connected as somebody who has a user at the place.
    pub fn connect(place: &Place, who: &str) -> Self {
        let mut client = Self::start();
        let opened = client.open(place, &place.name(who), &place.password(who));
        assert_eq!(opened["opened"], true, "{who}: {opened}");
        client
    }

    /// A client that is not connected.
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/amqp/client.py");
        let mut command = Command::new(PYTHON);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("/usr/bin/python3 runs");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output }
    }

    /// Tries to connect as a user.
    pub fn open(&mut self, place: &Place, user: &str, password: &str) -> Value {
        self.tell(json!({
            "do": "open", "host": "127.0.0.1", "port": place.port(), "vhost": place.vhost, "user": user, "password": password,
        }))
    }

    /// Tries to connect with a certificate that says who it is.
    pub fn open_tls(&mut self, node: &Node, place: &Place, identity: &Identity) -> Value {
        self.tell(json!({
            "do": "open", "host": "127.0.0.1", "port": node.tls_port(), "vhost": place.vhost,
            "ca": node.certificates().authority(), "certificate": identity.certificate, "key": identity.key,
        }))
    }

    /// Tells it what to do, and waits until it is done.
    pub fn tell(&mut self, what: Value) -> Value {
        writeln!(self.input, "{what}").expect("the client listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the client answers");
        serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("python3-pika is needed (tests/run installs it); {what}: {line}"))
    }

    /// Tells it what must succeed.
    pub fn must(&mut self, what: Value) -> Value {
        let answer = self.tell(what.clone());
        assert!(answer.get("closed").is_none(), "{what}: {answer}");
        answer
    }

    /// Tells it what must be refused; returns the code.
    pub fn must_not(&mut self, what: Value) -> i64 {
        let answer = self.tell(what.clone());
        answer["closed"].as_i64().unwrap_or_else(|| panic!("it was not refused: {what}: {answer}"))
    }

    /// Waits for a message in a queue; it is the client's until it is acknowledged.
    pub fn get(&mut self, queue: &str) -> Value {
        let got = self.must(json!({ "do": "get", "queue": queue, "wait": 60 }));
        assert!(got["message"].is_object(), "nothing came in {queue}");
        got["message"].clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

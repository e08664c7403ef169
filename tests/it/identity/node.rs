//! The provider's process. It ends with whoever started it: its input closes then.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Where people open the dashboard, as far as the provider knows.
pub const BASE: &str = "https://bus.example";
/// What every client of it proves itself with. Some of it must be encoded before it is sent.
pub const SECRET: &str = "hidden: the/client+s secret & 100%";

/// A provider that runs.
#[derive(Debug)]
pub struct Node {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Its name for itself.
    pub issuer: String,
}

impl Node {
    /// Starts one on a port of the system's choice. `thin`: its ID tokens do not tell groups.
    pub fn start(thin: bool) -> Self {
        Self::at(0, thin)
    }

    /// Starts one on a port.
    pub fn at(port: u16, thin: bool) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let library = root.join("target/identity/node_modules/oidc-provider/lib/index.js");
        assert!(library.exists(), "{} is not there: tests/run installs it", library.display());
        let mut command = Command::new("node");
        command.arg(root.join("tests/identity/provider.mjs")).arg(library);
        command.args([port.to_string().as_str(), BASE, if thin { "thin" } else { "" }]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node runs");
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut node = Self { child, input, output: BufReader::new(output), issuer: String::new() };
        node.issuer = node.line("ready ");
        node
    }

    /// Has it sign with other keys from now on.
    pub fn rotate(&mut self) {
        self.say("rotate");
        self.line("rotated");
    }

    /// How often its keys were asked for.
    pub fn asked(&mut self) -> usize {
        self.say("asked");
        self.line("asked ").parse().expect("a number")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.issuer.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it listens");
    }

    fn line(&mut self, start: &str) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it speaks");
        line.strip_prefix(start).unwrap_or_else(|| panic!("not {start}: {line}")).trim().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

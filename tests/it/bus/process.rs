//! The real binary as a child process: started, watched, signalled, killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::sync::oneshot;

use super::wait::until;

/// How long a start may take before a test fails.
const START: Duration = Duration::from_secs(30);
/// What the ready line begins with.
const READY: &str = "listening on ";
/// How much of the end of a log is shown where a test fails.
const TAIL_BYTES: usize = 16 << 10;

/// The binary, without what the environment would set.
pub fn falaj<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_falaj"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FALAJ_")) {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the binary in a folder, off the async threads; returns status and output.
pub async fn falaj_in<const N: usize>(folder: &Path, args: [&str; N]) -> Output {
    let mut command = falaj(args);
    command.current_dir(folder);
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
}

/// What can be told to a process.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    /// Stop in order.
    Term,
    /// Read the deployment again.
    Hup,
    /// Stand still, as if the processor were taken away.
    Stop,
    /// Go on.
    Continue,
}

/// Sends a signal.
pub fn signal(pid: u32, signal: Signal) {
    let name = match signal {
        Signal::Term => "TERM",
        Signal::Hup => "HUP",
        Signal::Stop => "STOP",
        Signal::Continue => "CONT",
    };
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().expect("sh runs");
    assert!(sent.success(), "kill -{name} {pid}: {sent}");
}

/// A bus that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    /// `http://<address>`.
    pub base: String,
}

impl Process {
    /// Starts a bus. Its log is appended to `log`.
    pub fn spawn(mut command: Command, log: &Path) -> Self {
        let errors = File::options().create(true).append(true).open(log).expect("the log can be written");
        let child = command.stdout(Stdio::piped()).stderr(errors).spawn().expect("the binary starts");
        Self { child, log: log.to_owned(), base: String::new() }
    }

    /// Starts a bus and waits until it says that it listens.
    pub async fn start(command: Command, log: &Path) -> Self {
        let mut process = Self::spawn(command, log);
        let out = process.child.stdout.take().expect("piped");
        let (ready, is_ready) = oneshot::channel();
        // Reads to the end, so that the bus never waits for a full pipe.
        std::thread::spawn(move || {
            let mut ready = Some(ready);
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(base) = line.strip_prefix(READY)
                    && let Some(ready) = ready.take()
                {
                    let _the_test_waits_no_more = ready.send(base.trim_end_matches('/').to_owned());
                }
            }
        });
        match tokio::time::timeout(START, is_ready).await {
            Ok(Ok(base)) => process.base = base,
            Ok(Err(_)) => panic!("the bus ended before it was ready"),
            Err(_) => panic!("the bus was not ready after {START:?}"),
        }
        process
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, what: Signal) {
        signal(self.pid(), what);
    }

    /// Kills it as `kill -9` does, and waits until it is gone. It must have lived until then.
    pub fn kill9(mut self) {
        if let Some(status) = self.ended() {
            panic!("the bus had ended by itself: {status}");
        }
        self.kill_now();
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Waits until it ends by itself.
    pub async fn wait(mut self, deadline: Duration) -> ExitStatus {
        until("the bus ends", deadline, || self.ended()).await
    }

    fn kill_now(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_now();
        if std::thread::panicking() {
            let mut text = Vec::new();
            let _unreadable = File::open(&self.log).and_then(|mut file| file.read_to_end(&mut text));
            let tail = &text[text.len().saturating_sub(TAIL_BYTES)..];
            eprintln!("the end of the bus's log:\n{}", String::from_utf8_lossy(tail));
        }
    }
}

//! The dashboard in Debian's Chromium: every screen and every action, in both languages, over the real binary with real traffic.
//!
//! The tests themselves are a Node program, `tests/browser`, so that a change to them needs no compiler: it writes a deployment, stands for
//! its agencies, starts the binary it is told of, and does what a person does. Here it is only started; what it reports is what fails.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::bus::{BUSY, Folder, Signal, signal, until};

/// How long all of it may take before something must hang.
const DEADLINE: Duration = Duration::from_secs(1500);

/// The program, which is told to end where the test does not wait for its end.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // It takes its buses and its browser with it.
            signal(self.0.id(), Signal::Term);
            let _status = self.0.wait();
        }
    }
}

#[tokio::test]
async fn every_screen_and_every_action_in_both_languages() {
    let _alone = BUSY.lock().await;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(program.join("node_modules").is_dir(), "npm ci has not run in {}; tests/run does it", program.display());
    let folder = Folder::new("browser");
    let report = folder.path().join("report");
    let out = File::create(&report).unwrap();
    let mut node = Command::new("node");
    node.arg("run.mjs").current_dir(program).env("FALAJ_BIN", env!("CARGO_BIN_EXE_falaj"));
    node.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
    let mut node = Program(node.spawn().expect("node is there; tests/run checks it"));
    let status = until("the browser tests end", DEADLINE, || node.0.try_wait().unwrap()).await;
    let said = std::fs::read_to_string(&report).unwrap();
    assert!(status.success(), "{status}\n{said}");
    // A program that tried nothing has proved nothing.
    assert!(said.lines().any(|line| line.starts_with("passed ") && !line.starts_with("passed 0 ")), "{said}");
}

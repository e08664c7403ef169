//! The first ten minutes of a newcomer, by the command line alone, over the deployment that is shipped: check it, make keys, serve,
//! send an example, see what each agency did, be told what is wrong with a bad envelope.
//!
//! The agencies are `falaj mock-agency`, each on a port of its own; that alone is changed in the manifests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::bus::{Folder, Process, Signal, falaj, falaj_in, ledger_check};

/// The single notification.
const EXAMPLE: &str = "examples/qa.gov.person.address-changed.json";
/// Who speaks for its source.
const SENDER: &str = "metrash";
/// Who must hear of it.
const RECIPIENTS: [&str; 9] = ["csb", "moi", "mol", "moph", "municipality", "qnb", "qpost", "telecom", "utilities"];

/// A mock agency; dropping it ends it.
struct Mock {
    child: Child,
    url: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Mock {
    /// Starts one with an agency's secret, on a free port.
    fn start(agency: &str, secret: &str) -> Self {
        let mut command = falaj(["mock-agency", "--listen", "127.0.0.1:0", "--quiet", "--agency", agency]);
        // By the environment: the command line can be read by others.
        command.env("FALAJ_MOCK_SECRET", secret).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_else(|| panic!("{line}"));
        Self { url: url.trim_end_matches([';', '/']).to_owned(), child }
    }

    async fn stats(&self) -> Value {
        let answer = reqwest::get(format!("{}/stats", self.url)).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

/// Copies what is shipped.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The value of a key of a manifest, such as `url = "..."`.
fn value(manifest: &str, key: &str) -> String {
    let line = manifest.lines().find(|line| line.starts_with(key)).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

/// Starts the recipients' mocks, and leads their manifests to them.
fn mocks(root: &Path) -> BTreeMap<&'static str, Mock> {
    let start = |agency: &'static str| {
        let path = root.join("connectors").join(agency).join("connector.toml");
        let manifest = std::fs::read_to_string(&path).unwrap();
        let mock = Mock::start(agency, &value(&manifest, "secret"));
        let url = value(&manifest, "url");
        std::fs::write(&path, manifest.replace(&url, &format!("{}/falaj", mock.url))).unwrap();
        (agency, mock)
    };
    RECIPIENTS.into_iter().map(start).collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Expects an exit status, and shows what was said where it is another.
fn ended(output: Output, status: i32) -> Output {
    let said = format!("{}\n{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{said}");
    output
}

/// Makes a key by the command line and writes its entry into `falaj.toml`; returns the key.
async fn key(root: &Path, role: &str, agency: Option<&str>) -> String {
    let output = match agency {
        Some(agency) => falaj_in(root, ["keys", "new", "--role", role, "--agency", agency]).await,
        None => falaj_in(root, ["keys", "new", "--role", role]).await,
    };
    let text = stdout(&ended(output, 0));
    let config = root.join("falaj.toml");
    let before = std::fs::read_to_string(&config).unwrap_or_default();
    let entry = &text[text.find("[[auth.keys]]").unwrap()..];
    let entry: String = entry.lines().map(|line| format!("{}\n", line.trim())).collect();
    std::fs::write(config, format!("{before}{entry}\n")).unwrap();
    text.split_whitespace().find(|word| word.starts_with("falaj_")).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_comes_through() {
    let folder = Folder::new("newcomer");
    let root: PathBuf = folder.path().to_owned();
    for part in ["schemas", "connectors", "examples"] {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(part), &root.join(part));
    }
    let mocks = mocks(&root);

    let checked = stdout(&ended(falaj_in(&root, ["check"]).await, 0));
    assert!(checked.contains("0 errors"), "{checked}");
    let sender = key(&root, "agency", Some(SENDER)).await;
    let viewer = key(&root, "viewer", None).await;
    ended(falaj_in(&root, ["check"]).await, 0);

    let mut serve = falaj(["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    serve.current_dir(&root);
    let bus = Process::start(serve, &root.join("log.jsonl")).await;
    let url = bus.base.as_str();

    // Sent, and waited for: a table that names every agency.
    let args = ["send", EXAMPLE, "--wait=60s", "--url", url, "--key", &sender];
    let sent = stdout(&ended(falaj_in(&root, args).await, 0));
    for agency in RECIPIENTS {
        let line = sent.lines().find(|line| line.contains(agency)).unwrap_or_else(|| panic!("{agency} in {sent}"));
        assert!(line.contains("delivered"), "{line}");
    }
    // Sent again by mistake: the same receipt, and nobody hears of it twice.
    let args = ["send", EXAMPLE, "--json", "--url", url, "--key", &sender];
    let again: Value = serde_json::from_str(&stdout(&ended(falaj_in(&root, args).await, 0))).unwrap();
    assert_eq!(again["status"], 200);
    let id = again["receipt"]["id"].as_str().unwrap();
    for (agency, mock) in &mocks {
        let stats = mock.stats().await;
        let figures = ["distinct", "repeats", "bad_signatures", "inversions"].map(|figure| stats[figure].as_u64());
        assert_eq!(figures, [Some(1), Some(0), Some(0), Some(0)], "{agency}: {stats}");
    }

    let status: Value = serde_json::from_str(&stdout(&ended(
        falaj_in(&root, ["status", id, "--json", "--url", url, "--key", &sender]).await,
        0,
    )))
    .unwrap();
    assert_eq!(status["state"], "completed");
    let table = stdout(&ended(falaj_in(&root, ["agencies", "--url", url, "--key", &viewer]).await, 0));
    assert!(RECIPIENTS.iter().all(|agency| table.contains(agency)), "{table}");

    // A bad envelope names every wrong field, by its place, and none of its values.
    let text = std::fs::read_to_string(root.join(EXAMPLE)).unwrap();
    let mut bad: Value = serde_json::from_str(&text).unwrap();
    bad["id"] = "another".into();
    bad["data"]["effective_from"] = "tomorrow".into();
    bad["data"]["address"]["zone"] = "first floor".into();
    folder.write("bad.json", &bad.to_string());
    let output = ended(falaj_in(&root, ["send", "bad.json", "--url", url, "--key", &sender]).await, 1);
    let said = String::from_utf8(output.stderr).unwrap();
    for pointer in ["/data/effective_from", "/data/address/zone"] {
        assert!(said.contains(pointer), "{pointer} in {said}");
    }
    assert!(!said.contains("first floor"), "{said}");
    // Without a key, and with one that may only look.
    let output = ended(falaj_in(&root, ["send", EXAMPLE, "--url", url]).await, 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("401"));
    let output = ended(falaj_in(&root, ["send", EXAMPLE, "--url", url, "--key", &viewer]).await, 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("403"));

    bus.signal(Signal::Term);
    assert!(bus.wait(Duration::from_secs(30)).await.success());
    ledger_check(&root.join("data")).await;
    let exported = stdout(&ended(falaj_in(&root, ["ledger", "export", "--data", "data"]).await, 0));
    let begins = format!("{{\"id\":\"{id}\"");
    assert_eq!(exported.lines().filter(|line| line.starts_with(&begins)).count(), 1, "{exported}");
}

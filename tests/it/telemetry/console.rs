//! `falaj top` on a terminal of its own, driven from outside by keys and signals; and where there is none.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::bus::{ADMIN_KEY, Bus, Thing, falaj, until_async};

/// Gives the terminal back: lines wrap, the cursor shows, the old screen is there.
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// A terminal with a program on it.
struct Terminal {
    driver: Child,
    keys: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _it_may_have_ended = self.driver.kill();
        let _status = self.driver.wait();
    }
}

impl Terminal {
    fn start(bus: &Bus, args: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/telemetry/console.py");
        let mut driver = Command::new("python3")
            .args([
                script,
                env!("CARGO_BIN_EXE_falaj"),
                "top",
                "--every",
                "200ms",
                "--url",
                &format!("http://{}", bus.address()),
            ])
            .args(args)
            .env("FALAJ_KEY", ADMIN_KEY)
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let (keys, answers) = (driver.stdin.take().unwrap(), BufReader::new(driver.stdout.take().unwrap()));
        Self { driver, keys, answers }
    }

    fn step(&mut self, step: &Value) -> Value {
        writeln!(self.keys, "{step}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{step} was not answered: the driver says why above"))
    }

    /// Waits for a text on the screen; returns the screen.
    fn wait(&mut self, text: &str) -> String {
        self.step(&json!({ "wait": text })).as_str().unwrap().to_owned()
    }

    fn send(&mut self, keys: &str) {
        self.step(&json!({ "send": keys }));
    }

    /// Waits for the end, and expects that the terminal was given back.
    fn end(&mut self) -> i64 {
        let end = self.step(&json!({ "end": true }));
        assert_eq!(end["restored"], true, "the terminal is as it was: {end}");
        assert!(end["left"].as_str().unwrap().contains(LEAVE), "{end}");
        end["status"].as_i64().unwrap()
    }
}

/// The line of an agency.
fn line<'a>(screen: &'a str, agency: &str) -> &'a str {
    screen.lines().find(|line| line.starts_with(agency)).unwrap_or_else(|| panic!("no {agency} in\n{screen}"))
}

async fn busy() -> Bus {
    let bus = Bus::builder().agency("alpha").agency("beta").holds().build().await;
    for n in 1..=3 {
        bus.post(&Thing::new(&format!("s{n}"), 1)).await;
    }
    bus.receiver("beta").arrival(3).await;
    bus
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_watches_and_pauses_on_a_console() {
    let bus = busy().await;
    let mut terminal = Terminal::start(&bus, &[]);
    let screen = terminal.wait("3 waiting");
    // Who waits longest stands first.
    let order: Vec<usize> = ["beta", "alpha"].iter().map(|agency| screen.find(agency).unwrap()).collect();
    assert!(order[0] < order[1], "{screen}");
    assert!(line(&screen, "beta").contains("open") && line(&screen, "beta").ends_with("Agency beta"), "{screen}");
    assert_eq!(line(&screen, "beta").split_whitespace().nth(3), Some("3"), "three in flight: {screen}");
    assert!(!screen.contains("pub "), "who receives nothing is not shown: {screen}");

    // Sort, filter, help, details.
    terminal.send("ssss");
    let screen = terminal.wait("sort: id");
    assert!(screen.find("alpha") < screen.find("beta"), "{screen}");
    terminal.send("?");
    terminal.wait("PgUp");
    terminal.send("\u{1b}");
    terminal.wait("sort: id");
    terminal.send("/bet");
    terminal.wait("Show agencies with: bet");
    terminal.send("\r");
    let screen = terminal.wait("only «bet»");
    assert!(!screen.contains("alpha"), "{screen}");
    terminal.send("\r");
    let screen = terminal.wait("الجهة beta");
    assert!(screen.contains("0 ready, 3 in flight") && screen.contains("webhook, timeout 15s"), "{screen}");

    // Nothing without a reason; then a pause that is recorded with it.
    terminal.send("\u{1b}");
    terminal.wait("only «bet»");
    terminal.send("p\r");
    terminal.wait("a reason is required");
    terminal.send("pصيانة until 14:00");
    terminal.wait("Why pause beta? صيانة until 14:00");
    terminal.send("\r");
    terminal.wait("beta: pause is recorded");
    let screen = terminal.wait("1 held");
    assert!(line(&screen, "beta").contains("paused"), "{screen}");
    let agency = bus.admin.get("/v1/agencies/beta").await.body;
    assert_eq!((&agency["state"], &agency["reason"]), (&json!("paused"), &json!("صيانة until 14:00")));
    terminal.send("r");
    terminal.wait("Why resume beta?");
    terminal.send("done\r");
    terminal.wait("0 held");
    assert_eq!(bus.admin.get("/v1/agencies/beta").await.body["state"], "open");

    // Another window, also a very small one.
    terminal.step(&json!({ "size": [12, 50] }));
    let screen = terminal.step(&json!({ "gone": "BEHIND" })).as_str().unwrap().to_owned();
    assert!(screen.contains("OLDEST") && screen.lines().count() <= 12, "{screen}");
    terminal.step(&json!({ "size": [3, 20] }));
    terminal.step(&json!({ "gone": "OLDEST" }));
    terminal.step(&json!({ "size": [24, 120] }));
    terminal.wait("BEHIND");
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_it_ends_the_terminal_is_given_back() {
    let mut bus = busy().await;
    for end in [
        json!({ "send": "\u{3}" }),
        json!({ "signal": "INT" }),
        json!({ "signal": "TERM" }),
        json!({ "signal": "HUP" }),
    ] {
        let mut terminal = Terminal::start(&bus, &[]);
        terminal.wait("3 waiting");
        // Also while something is typed.
        terminal.send("p some reason");
        terminal.wait("some reason");
        terminal.step(&end);
        assert_eq!(terminal.end(), 0, "{end}");
    }
    // A bus that goes away: what was seen stays, and keys are answered.
    let mut terminal = Terminal::start(&bus, &[]);
    terminal.wait("3 waiting");
    bus.kill9_at_once();
    let screen = terminal.wait("cannot connect to the bus");
    assert!(screen.contains("beta") && screen.contains("seen "), "{screen}");
    terminal.send("?");
    terminal.wait("PgUp");
    terminal.send("qq");
    assert_eq!(terminal.end(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_prints_a_table() {
    let bus = busy().await;
    let run = async |args: &'static [&'static str], key: &'static str| {
        let url = format!("http://{}", bus.address());
        let mut command = falaj(["top", "--every", "300ms", "--url", &url]);
        command.args(args).env("FALAJ_KEY", key);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let text = until_async("a table", crate::bus::DEADLINE, || async {
        let output = run(&[], ADMIN_KEY).await;
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.contains("Agency beta").then_some(text)
    })
    .await;
    assert!(text.lines().next().unwrap().trim_start().starts_with("AGENCY") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");

    let output = run(&["--once", "--json", "--filter", "alp"], ADMIN_KEY).await;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let agencies = found["agencies"].as_array().unwrap();
    assert_eq!(agencies.len(), 1, "{found}");
    assert_eq!((&agencies[0]["id"], &agencies[0]["deliveries"]["delivered"]), (&json!("alpha"), &json!(3)));
    assert_eq!(agencies[0]["out_per_second"], json!(0.0));

    let output = run(&["--once"], "no key of this bus at all").await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("401"), "{output:?}");
}

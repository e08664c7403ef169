//! Senders and readers that go on through whatever happens to the broker, in processes of their own; what they tell is judged here.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::Deserialize;

use super::Town;
use super::client::PYTHON;
use super::town::script;
use crate::bus::until;

/// One message as a reader saw it.
#[derive(Debug, Clone, Deserialize)]
pub struct Arrived {
    /// `message_id`.
    pub message_id: String,
    /// `falaj-sequence`.
    pub sequence: u64,
    /// CloudEvents `subject`.
    pub subject: String,
    /// CloudEvents `id`.
    pub event_id: String,
}

/// A script that goes on and tells line by line. Dropping it ends it.
#[derive(Debug)]
pub struct Stream {
    child: Child,
    told: PathBuf,
}

impl Stream {
    /// Publishes `changes` changes of each of `subjects` subjects as `pub`.
    pub fn send(town: &Town, subjects: u32, changes: u32, pause: Duration) -> Self {
        Self::send_at(town, subjects, changes, pause, town.place.port())
    }

    /// The same by another port.
    pub fn send_at(town: &Town, subjects: u32, changes: u32, pause: Duration, port: u16) -> Self {
        let args = [subjects.to_string(), changes.to_string(), pause.as_secs_f64().to_string()];
        let mut all = vec![town.place.url_at("pub", port), town.place.name("pub")];
        all.extend(args);
        Self::start(town, "sender.py", &all)
    }

    /// Reads an agency's queue.
    pub fn read(town: &Town, agency: &str) -> Self {
        Self::read_at(town, agency, town.place.port())
    }

    /// The same by another port.
    pub fn read_at(town: &Town, agency: &str, port: u16) -> Self {
        Self::start(
            town,
            "reader.py",
            &[town.place.url_at(agency, port), format!("falaj.out.{agency}"), "20".to_owned()],
        )
    }

    fn start(town: &Town, name: &str, args: &[String]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let told = town.bus.deployment.path().join(format!("{name}.{number}.out"));
        let out = File::create(&told).expect("the folder is writable");
        let err = File::create(told.with_extension("err")).expect("the folder is writable");
        let child =
            Command::new(PYTHON).arg(script(name)).args(args).stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Self { child: child.expect("/usr/bin/python3 runs"), told }
    }

    /// Everything it has told so far, by whole lines.
    pub fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.told).expect("our own file");
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// What a reader has seen so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.lines().iter().map(|line| serde_json::from_str(line).expect("a line of the reader")).collect()
    }

    /// Waits until it has ended by itself, well.
    pub async fn ends(&mut self, deadline: Duration) {
        let status = until("the sender ends", deadline, || self.child.try_wait().expect("our own child")).await;
        assert!(status.success(), "{}", std::fs::read_to_string(self.told.with_extension("err")).unwrap_or_default());
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What is wrong with what a reader saw: a new message that comes after a later one of its subject, or a `message_id` that does not
/// belong to one event alone. Messages that come again are recognised by it and have no order to keep.
pub fn broken(arrived: &[Arrived]) -> Vec<String> {
    let mut newest: HashMap<&str, &Arrived> = HashMap::new();
    let mut events: HashMap<&str, &str> = HashMap::new();
    let mut ids: HashMap<&str, &str> = HashMap::new();
    let mut broken = Vec::new();
    for one in arrived {
        let event = *events.entry(&one.message_id).or_insert(&one.event_id);
        let id = *ids.entry(&one.event_id).or_insert(&one.message_id);
        if event != one.event_id || id != one.message_id {
            broken.push(format!("{} came as {} and as {id}", one.event_id, one.message_id));
        }
        match newest.get(one.subject.as_str()) {
            Some(last) if last.sequence > one.sequence => {
                let known = arrived
                    .iter()
                    .take_while(|other| !std::ptr::eq(*other, one))
                    .any(|o| o.message_id == one.message_id);
                if !known {
                    broken.push(format!("{} came for the first time after {}", one.event_id, last.event_id));
                }
            }
            _ => {
                newest.insert(&one.subject, one);
            }
        }
    }
    broken
}

/// Which of these ids no reader saw.
pub fn missing<'a>(arrived: &[Arrived], ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let seen: HashSet<&str> = arrived.iter().map(|one| one.event_id.as_str()).collect();
    ids.filter(|id| !seen.contains(id)).collect()
}

/// How many messages came more than once.
pub fn repeats(arrived: &[Arrived]) -> usize {
    let distinct: HashSet<&str> = arrived.iter().map(|one| one.message_id.as_str()).collect();
    arrived.len() - distinct.len()
}

#[test]
fn the_judge_notices_what_is_wrong() {
    let one = |id: &str, sequence: u64| Arrived {
        message_id: format!("m{id}"),
        sequence,
        subject: "s".to_owned(),
        event_id: id.to_owned(),
    };
    let good = [one("1", 1), one("2", 2), one("1", 1), one("2", 2), one("3", 3)];
    assert_eq!(broken(&good), Vec::<String>::new());
    assert_eq!((repeats(&good), missing(&good, ["1", "4"].into_iter())), (2, vec!["4"]));
    assert!(broken(&[one("2", 2), one("1", 1)])[0].contains("first time"));
    let other = Arrived { message_id: "m9".to_owned(), ..one("1", 1) };
    assert!(!broken(&[one("1", 1), other]).is_empty());
}

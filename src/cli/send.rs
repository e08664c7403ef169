//! `falaj send`: post envelopes, and show what became of them.
//!
//! Events of one subject are posted one after the other in the order of the files, however many go at once. A call whose
//! answer was lost is repeated: the bus recognises the envelope.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::{Answer, Bus, BusArgs, CallFault, Receipt};
use super::events::{self, Event};
use super::{NO, TROUBLE, status, table};

/// Tries of one event, where the bus is busy or breaks off.
const TRIES: u32 = 5;
/// The first wait between them; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait that the bus is granted.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Envelopes that are shown one by one; beyond, they are counted.
const SHOWN_MAX: usize = 50;

/// Arguments of `falaj send`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  falaj send examples/address-changed.json --wait\n  falaj send - < events.jsonl\n  \
                        falaj send day.jsonl --concurrency 32 --json > receipts.jsonl\n\nExit status 1 if an envelope was \
                        refused, or with --wait ended with failures or not in time."
)]
pub struct SendArgs {
    /// Files with an event, a batch array, or JSON Lines; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    /// Where to.
    pub bus: BusArgs,
    /// Wait until every agency has finished, at most so long (60s if not given)
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "60s",
          value_parser = super::duration)]
    pub wait: Option<Duration>,
    /// Envelopes that are posted at once; those of one subject never are
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// Print one JSON object per envelope
    #[arg(long)]
    pub json: bool,
}

/// What became of one event.
#[derive(Debug)]
struct Sent {
    name: String,
    answer: Result<Answer, CallFault>,
    receipt: Option<Receipt>,
}

/// Runs `falaj send`.
pub async fn run(args: SendArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let mut found = Vec::new();
    for file in &args.files {
        found.extend(events::read(file)?);
    }
    let total = found.len();
    let progress = Arc::new(Progress::new(total));
    let mut sent = post_all(&bus, found, usize::from(args.concurrency), &progress).await;
    if let Some(wait) = args.wait {
        wait_all(&bus, &mut sent, wait, usize::from(args.concurrency)).await;
    }
    progress.clear();
    report(&sent, total, &args)
}

/// Posts every event; those with the same order key go through the same worker, in order.
async fn post_all(bus: &Bus, found: Vec<Event>, concurrency: usize, progress: &Arc<Progress>) -> Vec<Sent> {
    let mut queues: Vec<Vec<(usize, Event)>> = (0..concurrency).map(|_| Vec::new()).collect();
    for (n, event) in found.into_iter().enumerate() {
        queues[queue_of(event.order.as_deref(), n, concurrency)].push((n, event));
    }
    let mut workers = JoinSet::new();
    for queue in queues.into_iter().filter(|queue| !queue.is_empty()) {
        let (bus, progress) = (bus.clone(), Arc::clone(progress));
        workers.spawn(async move {
            let mut done = Vec::with_capacity(queue.len());
            for (n, event) in queue {
                let answer = post(&bus, &event).await;
                let lost = answer.is_err();
                let receipt =
                    answer.as_ref().ok().filter(|answer| answer.is_ok()).and_then(|answer| answer.read().ok());
                done.push((n, Sent { name: event.name, answer, receipt }));
                progress.step();
                if lost {
                    // What follows of a subject must not overtake what may not have arrived.
                    break;
                }
            }
            done
        });
    }
    let mut sent: Vec<(usize, Sent)> = workers.join_all().await.into_iter().flatten().collect();
    sent.sort_by_key(|(n, _)| *n);
    sent.into_iter().map(|(_, sent)| sent).collect()
}

fn queue_of(order: Option<&str>, n: usize, concurrency: usize) -> usize {
    let Some(order) = order else { return n % concurrency };
    let mut hasher = DefaultHasher::new();
    order.hash(&mut hasher);
    usize::try_from(hasher.finish() % concurrency as u64).expect("it is less than a usize")
}

async fn post(bus: &Bus, event: &Event) -> Result<Answer, CallFault> {
    let mut pause = PAUSE;
    let mut tries = 1;
    loop {
        let answer = bus.post(event.body.clone()).await;
        let wait = match &answer {
            Ok(answer) if matches!(answer.status, 429 | 503) => answer.retry_after.unwrap_or(pause).min(PAUSE_MAX),
            Err(CallFault::Broken(_)) => pause,
            Ok(_) | Err(_) => return answer,
        };
        if tries == TRIES {
            return answer;
        }
        tokio::time::sleep(wait).await;
        tries += 1;
        pause *= 2;
    }
}

async fn wait_all(bus: &Bus, sent: &mut [Sent], wait: Duration, concurrency: usize) {
    let deadline = Instant::now() + wait;
    let room = Arc::new(tokio::sync::Semaphore::new(concurrency));
    let mut polls = JoinSet::new();
    let open = |(n, sent): (usize, &Sent)| sent.receipt.clone().filter(|r| !r.is_settled()).map(|receipt| (n, receipt));
    for (n, receipt) in sent.iter().enumerate().filter_map(open) {
        let (bus, room) = (bus.clone(), Arc::clone(&room));
        polls.spawn(async move {
            let _permit = room.acquire().await.expect("the semaphore is never closed");
            (n, status::settled(&bus, &receipt.id, deadline).await)
        });
    }
    for (n, polled) in polls.join_all().await {
        // An envelope whose status could not be read keeps its receipt, which says that it is open.
        if let Ok(answer) = polled
            && let Ok(receipt) = answer.read::<Receipt>()
        {
            let status = sent[n].answer.as_ref().map_or(answer.status, |posted| posted.status);
            sent[n].receipt = Some(receipt);
            sent[n].answer = Ok(Answer { status, ..answer });
        }
    }
}

fn report(sent: &[Sent], total: usize, args: &SendArgs) -> anyhow::Result<ExitCode> {
    if args.json {
        for one in sent {
            table::line(&json(one).to_string())?;
        }
    } else {
        let accepted: Vec<&Receipt> = sent.iter().filter_map(|one| one.receipt.as_ref()).collect();
        match (accepted.is_empty(), args.wait.is_some() && accepted.len() <= SHOWN_MAX, accepted.len() <= SHOWN_MAX) {
            (true, _, _) => {}
            (_, true, _) => {
                for receipt in &accepted {
                    status::show(receipt)?;
                }
            }
            (_, false, true) => receipts(sent)?,
            (_, _, false) => summary(&accepted)?,
        }
    }
    let mut code = ExitCode::SUCCESS;
    for one in sent {
        let good = |receipt: &Receipt| args.wait.is_none() || receipt.state == "completed";
        match (&one.answer, &one.receipt) {
            (Ok(_), Some(receipt)) if good(receipt) => {}
            (Ok(answer), None) => {
                code = NO.into();
                eprintln!("falaj: {}: {}", one.name, answer.problem());
            }
            _ => code = NO.into(),
        }
    }
    let lost = sent.iter().find_map(|one| one.answer.as_ref().err());
    if let Some(fault) = lost {
        let unsent = total - sent.iter().filter(|one| one.answer.is_ok()).count();
        eprintln!("falaj: {fault}\n    {unsent} of {total} envelopes were not confirmed; sending all again is safe");
        code = TROUBLE.into();
    }
    Ok(code)
}

fn json(one: &Sent) -> serde_json::Value {
    match &one.answer {
        Ok(answer) => {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let member = if answer.is_ok() { "receipt" } else { "problem" };
            serde_json::json!({ "file": one.name, "status": answer.status, member: body })
        }
        Err(fault) => serde_json::json!({ "file": one.name, "error": fault.to_string() }),
    }
}

fn receipts(sent: &[Sent]) -> anyhow::Result<()> {
    let row = |one: &Sent| {
        let receipt = one.receipt.as_ref()?;
        let repeat = one.answer.as_ref().is_ok_and(|answer| answer.status == 200);
        let state = if repeat { format!("{} (repeat)", receipt.state) } else { receipt.state.clone() };
        let agencies: Vec<&str> = receipt.deliveries.iter().map(|delivery| delivery.agency.as_str()).collect();
        Some([one.name.clone(), receipt.id.clone(), receipt.ty.clone(), state, agencies.join(" ")])
    };
    let rows: Vec<_> = sent.iter().filter_map(row).collect();
    table::show(["FILE", "ENVELOPE", "TYPE", "STATE", "AGENCIES"], &rows)
}

fn summary(accepted: &[&Receipt]) -> anyhow::Result<()> {
    let mut counts: BTreeMap<[String; 3], usize> = BTreeMap::new();
    for delivery in accepted.iter().flat_map(|receipt| &receipt.deliveries) {
        let outcome = delivery.outcome.clone().unwrap_or_default();
        *counts.entry([delivery.agency.clone(), delivery.state.clone(), outcome]).or_default() += 1;
    }
    let row = |([agency, state, outcome], n): ([String; 3], usize)| [agency, state, outcome, n.to_string()];
    let rows: Vec<_> = counts.into_iter().map(row).collect();
    table::line(&format!("{} envelopes accepted", accepted.len()))?;
    table::show(["AGENCY", "STATE", "OUTCOME", "DELIVERIES"], &rows)
}

/// A counter on the terminal, for many envelopes.
#[derive(Debug)]
struct Progress {
    total: usize,
    done: AtomicUsize,
    shown: bool,
}

impl Progress {
    const FROM: usize = 50;
    const EVERY: usize = 25;

    fn new(total: usize) -> Self {
        Self { total, done: AtomicUsize::new(0), shown: total >= Self::FROM && std::io::stderr().is_terminal() }
    }

    fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown && done.is_multiple_of(Self::EVERY) {
            let _unseen = write!(std::io::stderr(), "\r{done} of {} posted", self.total);
        }
    }

    fn clear(&self) {
        if self.shown {
            let _unseen = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::sync::Mutex;

    use axum::extract::{Path, State};
    use axum::http::StatusCode;
    use axum::routing::{get, post as posting};
    use axum::{Json, Router};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn one_subject_goes_through_one_worker() {
        for concurrency in [1, 3, 256] {
            let first = queue_of(Some("29912345678"), 0, concurrency);
            assert!(first < concurrency);
            assert!((1..50).all(|n| queue_of(Some("29912345678"), n, concurrency) == first));
        }
        let spread: HashSet<usize> = (0..8).map(|n| queue_of(None, n, 8)).collect();
        assert_eq!(spread.len(), 8);
    }

    /// What a bus has taken, in order; and how often each event was tried.
    #[derive(Debug, Default)]
    struct Taken {
        accepted: Mutex<Vec<Value>>,
        tries: Mutex<HashMap<String, u32>>,
    }

    fn receipt(event: &Value, state: &str) -> Value {
        json!({ "id": event["id"], "source": event["source"], "event_id": event["id"], "type": event["type"],
            "accepted_at": "2026-01-01T00:00:00Z", "state": state,
            "deliveries": [{ "agency": "moi", "state": "waiting", "attempts": 0 }] })
    }

    /// A bus that is busy at first for whatever has `busy` for a type, and refuses `bad`.
    async fn take(
        State(taken): State<Arc<Taken>>,
        body: String,
    ) -> (StatusCode, [(&'static str, &'static str); 1], Json<Value>) {
        let event: Value = serde_json::from_str(&body).unwrap();
        let id = event["id"].as_str().unwrap().to_owned();
        let tries = *taken.tries.lock().unwrap().entry(id).and_modify(|n| *n += 1).or_insert(1);
        let (status, answer) = match event["type"].as_str() {
            Some("busy") if tries == 1 => (StatusCode::SERVICE_UNAVAILABLE, json!({ "title": "Busy" })),
            Some("bad") => (StatusCode::UNPROCESSABLE_ENTITY, json!({ "title": "Schema" })),
            _ => {
                taken.accepted.lock().unwrap().push(event.clone());
                (StatusCode::ACCEPTED, receipt(&event, "open"))
            }
        };
        (status, [("retry-after", "0")], Json(answer))
    }

    async fn settle(State(taken): State<Arc<Taken>>, Path(id): Path<String>) -> Json<Value> {
        let accepted = taken.accepted.lock().unwrap();
        let event = accepted.iter().find(|event| event["id"] == id.as_str()).unwrap();
        Json(receipt(event, if event["type"] == "slow" { "open" } else { "completed" }))
    }

    async fn bus() -> (Bus, Arc<Taken>) {
        let taken = Arc::new(Taken::default());
        let router = Router::new().route("/v1/envelopes", posting(take)).route("/v1/envelopes/{id}", get(settle));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router.with_state(Arc::clone(&taken));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (Bus::new(&BusArgs { url, key: None, key_file: None }).unwrap(), taken)
    }

    fn event(id: usize, ty: &str, subject: &str) -> Event {
        let body = json!({ "id": id.to_string(), "source": "urn:x", "type": ty, "subject": subject }).to_string();
        Event { name: format!("f#{id}"), body: body.into(), order: Some(subject.to_owned()) }
    }

    #[tokio::test]
    async fn subjects_keep_their_order_and_busy_is_tried_again() {
        let (bus, taken) = bus().await;
        let events = (0..40).map(|n| event(n, if n % 7 == 0 { "busy" } else { "fine" }, &format!("s{}", n % 5)));
        let sent = post_all(&bus, events.collect(), 4, &Arc::new(Progress::new(40))).await;
        assert!(sent.iter().all(|one| one.receipt.is_some()));
        let names: Vec<&str> = sent.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, (0..40).map(|n| format!("f#{n}")).collect::<Vec<_>>(), "told in the order of the files");
        let accepted = taken.accepted.lock().unwrap();
        for subject in 0..5 {
            let of = |event: &&Value| event["subject"] == format!("s{subject}");
            let ids: Vec<usize> =
                accepted.iter().filter(of).map(|e| e["id"].as_str().unwrap().parse().unwrap()).collect();
            assert!(ids.is_sorted() && ids.len() == 8, "{ids:?}");
        }
    }

    #[tokio::test]
    async fn refusals_stop_nothing_and_waiting_ends() {
        let (bus, _taken) = bus().await;
        let events = vec![event(1, "bad", "a"), event(2, "fine", "a"), event(3, "slow", "a")];
        let mut sent = post_all(&bus, events, 1, &Arc::new(Progress::new(3))).await;
        assert_eq!(sent[0].answer.as_ref().unwrap().problem(), "422 Schema");
        wait_all(&bus, &mut sent, Duration::from_millis(10), 2).await;
        let states: Vec<Option<&str>> =
            sent.iter().map(|one| one.receipt.as_ref().map(|receipt| receipt.state.as_str())).collect();
        assert_eq!(states, [None, Some("completed"), Some("open")]);
        assert_eq!(json(&sent[1])["status"], 202);
        assert_eq!(json(&sent[0])["problem"]["title"], "Schema");
    }

    #[tokio::test]
    async fn nothing_of_a_subject_overtakes_what_may_not_have_arrived() {
        let args = BusArgs { url: "http://127.0.0.1:9".to_owned(), key: None, key_file: None };
        let events = vec![event(1, "fine", "a"), event(2, "fine", "a")];
        let sent = post_all(&Bus::new(&args).unwrap(), events, 3, &Arc::new(Progress::new(2))).await;
        assert_eq!(sent.len(), 1);
        assert!(matches!(sent[0].answer, Err(CallFault::Connect(_))));
    }
}

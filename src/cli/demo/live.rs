//! The live demo: samples, then a steady mix, and a table of agencies until Ctrl-C.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::agencies::{Part, Receivers};
use super::screen::{self, Row};
use super::stage::{HandedOut, Stage};
use super::traffic::Traffic;
use super::{DemoArgs, log};
use crate::cli::client::Bus;
use crate::cli::screen::{Screen, colour};
use crate::cli::table;
use crate::clock::Clock;
use crate::dispatch::Board;
use crate::ledger::{Ledger, Tally};
use crate::model::id::AgencyId;

/// Time between two frames on a terminal.
const FRAME: Duration = Duration::from_millis(250);
/// Time between two lines elsewhere.
const LINE: Duration = Duration::from_secs(5);
/// The rest after a post that was not heard.
const REST: Duration = Duration::from_secs(1);

/// What the sender has done so far.
#[derive(Debug, Clone, Default)]
struct Sent {
    accepted: u64,
    repeats: u64,
    refused: u64,
    complaint: Option<String>,
}

type Shared = Arc<Mutex<Sent>>;

/// What is read for each frame.
struct View {
    ledger: Ledger,
    board: Board,
    clock: Clock,
    url: String,
    keys: HandedOut,
    sent: Shared,
}

/// Runs until it is told to stop.
pub async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let data = args.dir.join("ledger");
    let continued = data.is_dir();
    std::fs::create_dir_all(&args.dir).with_context(|| format!("cannot make {}", args.dir.display()))?;
    let log = log::start(&args.dir)?;
    eprintln!("Starting the bus and its mock agencies ... تشغيل الناقل والجهات التجريبية");
    let stage = Stage::set(&args.deployment, &data, args.listen, false).await?;
    let Stage { app, receivers, traffic, senders, handed_out } = stage;
    let view = View {
        ledger: app.ledger().clone(),
        board: app.board().clone(),
        clock: Clock::system(),
        url: format!("http://{}", app.address()),
        keys: handed_out,
        sent: Shared::default(),
    };
    let guide = view.guide(&args.dir, &log, continued, &receivers.without_broker());
    table::line(&guide)?;

    let stop = CancellationToken::new();
    let sending = tokio::spawn(send(traffic, senders, args.rate, Arc::clone(&view.sent), stop.clone()));
    let watched = watch(&view, &receivers, &guide).await;

    eprintln!("Stopping in order: no new envelopes, running deliveries finish, the ledger last ... إيقاف منظم");
    stop.cancel();
    sending.await.context("the sender broke")?;
    app.stop().await;
    let rows = view.rows(&receivers).await;
    receivers.stop().await;
    watched?;
    table::print(&view.farewell(&rows, args))?;
    Ok(ExitCode::SUCCESS)
}

/// Sends the samples once, then the mix, until the stop.
async fn send(
    mut traffic: Traffic,
    senders: std::collections::BTreeMap<AgencyId, Bus>,
    rate: f64,
    sent: Shared,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let clock = Clock::system();
    let mut samples = traffic.samples.clone().into_iter();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let (sender, event) = match samples.next() {
            Some(sample) => (sample.sender, sample.text.into()),
            None => {
                let (sample, event) = traffic.next(clock.now());
                (sample.sender.clone(), event)
            }
        };
        let Some(bus) = senders.get(&sender) else { continue };
        let answer = bus.post(event).await;
        let heard = answer.is_ok();
        lock(&sent).note(answer.map(|answer| (answer.status, answer.problem())));
        if !heard {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REST) => {}
            }
        }
    }
}

fn lock(sent: &Shared) -> std::sync::MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sent {
    fn note(&mut self, answer: Result<(u16, String), crate::cli::client::CallFault>) {
        match answer {
            Ok((202, _)) => self.accepted += 1,
            Ok((200, _)) => self.repeats += 1,
            Ok((_, problem)) => {
                self.refused += 1;
                self.complaint = Some(problem);
            }
            Err(fault) => {
                self.refused += 1;
                self.complaint = Some(fault.to_string());
            }
        }
    }
}

/// Shows how it goes until the process is told to stop.
async fn watch(view: &View, receivers: &Receivers, guide: &str) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let screen = Screen::enter()?;
    let mut tick = tokio::time::interval(if screen.is_some() { FRAME } else { LINE });
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let begun = Instant::now();
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = tick.tick() => {}
        }
        let rows = view.rows(receivers).await;
        match &screen {
            Some(screen) => screen.draw(&view.frame(&rows, receivers, guide))?,
            None => table::line(&view.line(&rows, begun.elapsed()))?,
        }
    }
}

impl View {
    async fn rows(&self, receivers: &Receivers) -> Vec<Row> {
        let tallies = self.ledger.tallies();
        let now = self.clock.now();
        let mut rows = Vec::with_capacity(receivers.all.len());
        for receiver in &receivers.all {
            let tally =
                tallies.iter().find(|(id, _)| *id == receiver.id).map(|(_, tally)| tally.clone()).unwrap_or_default();
            let entry = self.board.read(&receiver.id);
            // A ledger that is closed has no oldest any more.
            let oldest = self.ledger.oldest(&receiver.id).await.ok().flatten();
            rows.push(row(
                &tally,
                entry.in_flight,
                Row {
                    id: receiver.id.to_string(),
                    name: receiver.name.en.clone(),
                    name_ar: receiver.name.ar.clone(),
                    part: part(receiver.part, receivers),
                    state: screen::state(&entry.hold, now),
                    held: entry.hold != crate::model::status::Hold::Open,
                    oldest: oldest.map(|at| now.since(at)),
                    ..Row::default()
                },
            ));
        }
        rows
    }

    /// How to look around, and where things are.
    fn guide(&self, folder: &Path, log: &Path, continued: bool, without_broker: &[&str]) -> String {
        let Self { url, keys, .. } = self;
        let begun = if continued { "goes on where it stopped" } else { "begins anew" };
        let portal =
            keys.senders.iter().find(|(id, _)| id.as_str() == "metrash").or_else(|| keys.senders.iter().next());
        let send = portal.map_or_else(String::new, |(_, key)| {
            format!("  FALAJ_URL={url} FALAJ_KEY={key} \\\n    {} send examples/qa.gov.person.address-changed.json --wait\n", program())
        });
        format!(
            "Falaj listens on {url}; the ledger in {} {begun}; its log is {}.\n\
             Look around (keys of this run):\n  KEY={}\n  \
             curl -H \"Authorization: Bearer $KEY\" {url}/v1/agencies\n  \
             curl -H \"Authorization: Bearer $KEY\" '{url}/v1/envelopes?state=open'\n  \
             curl -H \"Authorization: Bearer $KEY\" {url}/metrics\n\
             Send one yourself:\n{send}{}\
             Ctrl-C stops in order. للإيقاف المنظم اضغط Ctrl-C\n",
            folder.display(),
            log.display(),
            keys.viewer,
            waits(without_broker),
        )
    }

    fn frame(&self, rows: &[Row], receivers: &Receivers, guide: &str) -> String {
        let table = screen::table(rows, colour());
        format!("{}\n\n{table}\n\n{}\n{guide}", self.summary(rows), legend(receivers))
    }

    /// One line of totals.
    fn summary(&self, rows: &[Row]) -> String {
        let sent = lock(&self.sent).clone();
        let sum = |figure: fn(&Row) -> u64| rows.iter().map(figure).sum::<u64>();
        let mut text = format!(
            "Falaj فلج   sent {}   delivered {}   queued {}   in flight {}   retry {}   parked {}",
            sent.accepted,
            sum(|row| row.delivered),
            sum(|row| row.queued),
            sum(|row| row.in_flight),
            sum(|row| row.retrying),
            sum(|row| row.parked),
        );
        if sent.repeats > 0 {
            text.push_str(&format!("   sent again and recognised {}", sent.repeats));
        }
        if let Some(complaint) = &sent.complaint {
            let first = complaint.lines().next().unwrap_or_default();
            text.push_str(&format!("   refused {} (last: {first})", sent.refused));
        }
        text
    }

    /// The same for a pipe, with who is held.
    fn line(&self, rows: &[Row], elapsed: Duration) -> String {
        let held: Vec<String> =
            rows.iter().filter(|row| row.held).map(|row| format!("{} {}", row.id, row.state)).collect();
        let held = if held.is_empty() { "nobody".to_owned() } else { held.join("; ") };
        format!("{:>5} s  {}   held: {held}", elapsed.as_secs(), self.summary(rows))
    }

    /// What was left, and how to go on.
    fn farewell(&self, rows: &[Row], args: &DemoArgs) -> String {
        let sent = lock(&self.sent).clone();
        let delivered: u64 = rows.iter().map(|row| row.delivered).sum();
        let left: Vec<String> = rows
            .iter()
            .filter(|row| row.open() > 0)
            .map(|row| format!("  {:<20} {:>6}  {}\n", row.id, row.open(), row.name_ar))
            .collect();
        let (program, folder) = (program(), args.dir.display());
        let left = match left.is_empty() {
            true => "Nothing is left: every delivery has ended.\n".to_owned(),
            false => format!(
                "Left for the next start, nothing is lost (بقي للتشغيل التالي، ولم يفقد شيء):\n{}",
                left.concat()
            ),
        };
        format!(
            "Stopped. {} envelopes were accepted in this run; the agencies hold {delivered} deliveries in all.\n{left}\
             Go on: {program} demo --dir {folder}     Start anew: {program} demo --dir {folder} --fresh\n",
            sent.accepted
        )
    }
}

/// This program as it was called: not everybody has it on the path.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "falaj".to_owned())
}

/// Queue figures as they are shown: every delivery that has not ended stands in one column.
fn row(tally: &Tally, in_flight: usize, row: Row) -> Row {
    let in_flight = in_flight as u64;
    // What is under way is counted where it stood before: in the queue, or among those that are tried again.
    let from_queue = in_flight.min(tally.pending);
    let from_retry = (in_flight - from_queue).min(tally.retry);
    Row {
        queued: tally.pending - from_queue + tally.behind,
        in_flight: from_queue + from_retry,
        retrying: tally.retry - from_retry,
        parked: tally.parked,
        delivered: tally.delivered,
        ..row
    }
}

fn part(part: Part, receivers: &Receivers) -> &'static str {
    match (part, receivers.down_for()) {
        (Part::Down, None) => "up again",
        (Part::Down, Some(_)) => "down",
        _ => part.word(),
    }
}

/// Who waits, because the demo has no broker; X1.
fn waits(without_broker: &[&str]) -> String {
    if without_broker.is_empty() {
        return String::new();
    }
    let who = without_broker.join(", ");
    format!(
        "{who} take their deliveries over RabbitMQ; the demo has no broker, so these wait.\n\
         جهات تتسلّم عبر RabbitMQ: {who}. لا وسيط رسائل في هذا العرض، فعمليات التسليم إليها في الانتظار.\n  \
         examples/deploy/rabbitmq/README.md leads them to one, with falaj serve.\n"
    )
}

/// Who plays which part.
fn legend(receivers: &Receivers) -> String {
    let mut text = String::new();
    for receiver in &receivers.all {
        if let Some(about) = receiver.part.about() {
            text.push_str(&format!("{} {} · {} {}\n", receiver.id, about.en, receiver.name.ar, about.ar));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_open_delivery_stands_in_one_column() {
        let tally = Tally { pending: 5, retry: 2, parked: 1, behind: 3, delivered: 9, ..Tally::default() };
        for in_flight in [0, 3, 6, 40] {
            let row = row(&tally, in_flight, Row::default());
            assert_eq!(row.open(), 11, "{in_flight}");
            assert_eq!(row.delivered, 9);
        }
        assert_eq!(row(&tally, 6, Row::default()).retrying, 1);
    }

    #[test]
    fn those_who_need_a_broker_are_named_in_both_languages() {
        let said = waits(&["mawared", "tarasul"]);
        assert_eq!(said.matches("mawared, tarasul").count(), 2, "{said}");
        assert_eq!(waits(&[]), "");
    }

    #[test]
    fn answers_are_counted_by_what_they_mean() {
        let mut sent = Sent::default();
        sent.note(Ok((202, String::new())));
        sent.note(Ok((200, String::new())));
        sent.note(Ok((422, "422 wrong".into())));
        assert_eq!((sent.accepted, sent.repeats, sent.refused), (1, 1, 1));
        assert_eq!(sent.complaint.as_deref(), Some("422 wrong"));
    }
}

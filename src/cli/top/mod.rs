//! `falaj top`: the agencies live, on a console.
//!
//! P1: the terminal is given back as it was, however it ends: a key, a signal, an error, a panic. P2: a key is answered at once, also
//! while the bus is slow or away; what was last seen stays and says how old it is. P3: nothing is done to an agency without a reason
//! that a person typed. P4: no text of the bus reaches the terminal as a command to it.
//!
//! [`figures`] is what is read and what follows from two readings; [`state`] is a pure machine of keys and readings; [`view`] makes a
//! frame of it; [`keys`] reads the keyboard. The renderer is the demo's: a frame of text that replaces the last one. A library for
//! terminals would bring a second event loop, a second way to colour, and thirty crates for one table.

use std::io::{IsTerminal, stdin, stdout};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::client::{Bus, BusArgs, language};
use super::screen::{self, Screen};
use super::{NO, table};
use crate::clock::Clock;

mod figures;
mod keys;
mod state;
mod view;

use figures::{Agency, Row};
use keys::{Keyboard, Raw};
use state::{Act, Sort, Top};

/// Arguments of `falaj top`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Keys: q quit, up and down choose, Enter details, s sort, / filter, p pause, r resume (both ask why), ? help.\n\n\
                        Examples:\n  falaj top\n  falaj top --sort backlog --filter qp\n  falaj top --once --json | jq .agencies[0]\n\n\
                        Where it is no terminal, or with --once, it looks twice and prints one table. IN/S and OUT/S are \
                        deliveries a second between two looks."
)]
pub struct TopArgs {
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Time between two looks
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = every)]
    pub every: Duration,
    /// What stands first: oldest, backlog, parked, out or id
    #[arg(long, default_value = "oldest")]
    pub sort: Sort,
    /// Only agencies whose id, name or state contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub filter: String,
    /// Look twice, print a table, exit
    #[arg(long)]
    pub once: bool,
    /// The same as JSON
    #[arg(long)]
    pub json: bool,
}

/// The shortest time between two looks, and the longest.
const EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(200)..=Duration::from_secs(60);

fn every(text: &str) -> Result<Duration, String> {
    let every = super::duration(text)?;
    if EVERY.contains(&every) { Ok(every) } else { Err("expected 200ms to 60s".to_owned()) }
}

/// Runs `falaj top`.
pub async fn run(args: TopArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    if args.once || args.json || !stdout().is_terminal() || !stdin().is_terminal() {
        return once(&bus, &args).await;
    }
    live(bus, &args).await
}

/// Two looks, one table.
async fn once(bus: &Bus, args: &TopArgs) -> anyhow::Result<ExitCode> {
    let mut top = Top::new(args.sort, args.filter.clone());
    for look in 0..2 {
        if look > 0 {
            tokio::time::sleep(args.every).await;
        }
        match read(bus.clone()).await {
            Ok(agencies) => top.looked(Ok(agencies), Instant::now()),
            Err(Fault::No(problem)) => {
                eprintln!("falaj: {problem}");
                return Ok(NO.into());
            }
            Err(Fault::Broken(error)) => return Err(error),
        }
    }
    let rows: Vec<&Row> = top.shown();
    if args.json {
        table::line(&serde_json::to_string_pretty(&json!({ "agencies": rows }))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = Clock::system().now();
    let cells: Vec<_> = rows.iter().map(|row| view::cells(row, now, language())).collect();
    table::show(view::TITLES, &cells)?;
    Ok(ExitCode::SUCCESS)
}

/// Why there is nothing to show.
enum Fault {
    /// The bus says no.
    No(String),
    /// It could not be asked.
    Broken(anyhow::Error),
}

impl Fault {
    /// The first line of it.
    fn text(&self) -> String {
        let text = match self {
            Self::No(problem) => problem.clone(),
            Self::Broken(error) => format!("{error:#}"),
        };
        text.lines().next().unwrap_or_default().to_owned()
    }
}

async fn read(bus: Bus) -> Result<Vec<Agency>, Fault> {
    let answer = bus.agencies(None).await.map_err(|error| Fault::Broken(error.into()))?;
    if !answer.is_ok() {
        return Err(Fault::No(answer.problem()));
    }
    let list: figures::List = answer.read().map_err(Fault::Broken)?;
    Ok(list.agencies)
}

/// Gives an order, and says how it went.
async fn order(bus: Bus, agency: String, verb: &'static str, reason: String) -> Result<String, String> {
    let answer = bus.order(&["v1", "agencies", &agency, verb], &json!({ "reason": reason })).await;
    match answer {
        Ok(answer) if answer.is_ok() => Ok(format!("{agency}: {verb} is recorded")),
        Ok(answer) => Err(format!("{agency}: {}", Fault::No(answer.problem()).text())),
        Err(error) => Err(format!("{agency}: {}", Fault::Broken(error.into()).text())),
    }
}

type Looking = Pin<Box<dyn Future<Output = Result<Vec<Agency>, Fault>> + Send>>;
type Ordering = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// What is under way on a screen.
struct Live {
    bus: Bus,
    top: Top,
    looking: Option<Looking>,
    ordering: Option<Ordering>,
}

async fn live(bus: Bus, args: &TopArgs) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    // In this order, so that the keyboard is itself again before the screen is (P1).
    let screen = Screen::enter()?.context("no terminal to draw on")?;
    let _raw = Raw::enter().context("the terminal gives no single keys")?;
    let mut keyboard = Keyboard::start()?;
    let mut live = Live { bus, top: Top::new(args.sort, args.filter.clone()), looking: None, ordering: None };
    let mut tick = tokio::time::interval(args.every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Ages grow, and a window may have been resized, also where nothing else happens.
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let clock = Clock::system();
    loop {
        let (width, height) = screen::size();
        let frame = view::frame(&mut live.top, (width, height), screen::colour(), clock.now(), language());
        screen.draw(&frame)?;
        let act = tokio::select! {
            biased;
            act = signals.next() => act,
            key = keyboard.next() => match key {
                Some(key) => live.top.key(key),
                // The terminal has gone.
                None => Act::Quit,
            },
            said = wait(&mut live.ordering), if live.ordering.is_some() => {
                live.ordering = None;
                live.top.said(said);
                Act::Look
            }
            looked = wait(&mut live.looking), if live.looking.is_some() => {
                live.looking = None;
                live.top.looked(looked.map_err(|fault| fault.text()), Instant::now());
                Act::Nothing
            }
            _ = tick.tick() => Act::Look,
            _ = second.tick() => Act::Nothing,
        };
        match act {
            Act::Nothing => {}
            Act::Quit => return Ok(ExitCode::SUCCESS),
            // A slow bus is not asked twice at once.
            Act::Look => {
                if live.looking.is_none() {
                    live.looking = Some(Box::pin(read(live.bus.clone())));
                }
            }
            Act::Order { agency, verb, reason } => {
                live.ordering = Some(Box::pin(order(live.bus.clone(), agency, verb, reason)));
            }
        }
    }
}

async fn wait<T>(running: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

/// What the system tells a program that has taken a terminal.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    window: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            window: signal(SignalKind::window_change())?,
        })
    }

    async fn next(&mut self) -> Act {
        tokio::select! {
            _ = self.interrupt.recv() => Act::Quit,
            _ = self.terminate.recv() => Act::Quit,
            _ = self.hangup.recv() => Act::Quit,
            // Drawing asks how large it is now.
            _ = self.window.recv() => Act::Nothing,
        }
    }
}

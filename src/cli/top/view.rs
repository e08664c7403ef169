//! A frame of text out of the state. Every text of the bus is made plain first (P4); names stand last in a line, where a script that is
//! written from right to left moves nothing else.

use std::time::Duration;

use super::figures::{Agency, Row, Rules};
use super::state::{Mode, Top, Verb};
use crate::cli::table::{length, plain};
use crate::model::text::Language;
use crate::model::time::At;

/// The titles of a printed table.
pub const TITLES: [&str; 13] = [
    "AGENCY", "STATE", "READY", "FLIGHT", "RETRY", "BEHIND", "PARKED", "DEAD", "IN/S", "OUT/S", "OLDEST", "UNTIL",
    "NAME",
];

/// A column of the screen: its title, its width, and how dear it is; where there is no room the cheapest go first.
#[derive(Clone, Copy)]
struct Column {
    at: usize,
    width: usize,
    dear: u8,
}

/// Columns of an agency's id, at least, and at most; its blank included.
const AGENCY_MIN: usize = 9;
const AGENCY_MAX: usize = 25;

const COLUMNS: [Column; 12] = [
    Column { at: 0, width: AGENCY_MIN, dear: 9 },
    Column { at: 1, width: 13, dear: 8 },
    Column { at: 2, width: 7, dear: 7 },
    Column { at: 3, width: 7, dear: 3 },
    Column { at: 4, width: 6, dear: 5 },
    Column { at: 5, width: 7, dear: 2 },
    Column { at: 6, width: 7, dear: 6 },
    Column { at: 7, width: 7, dear: 5 },
    Column { at: 8, width: 7, dear: 1 },
    Column { at: 9, width: 7, dear: 4 },
    Column { at: 10, width: 8, dear: 8 },
    Column { at: 11, width: 9, dear: 2 },
];
/// Columns that are read from left to right; figures stand to the right of their column.
const WORDS: usize = 2;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const REVERSE: &str = "\x1b[7m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// Wraps a text in a colour, where colours are wanted.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn on(self, code: &str, text: &str) -> String {
        if self.0 { format!("{code}{text}{PLAIN}") } else { text.to_owned() }
    }
}

/// The cells of one agency, in the order of [`TITLES`].
pub fn cells(row: &Row, now: At, language: Language) -> [String; 13] {
    let queue = &row.agency.deliveries;
    let rate = |rate: Option<f64>| rate.map_or_else(String::new, |rate| format!("{rate:.1}"));
    [
        row.agency.id.clone(),
        row.agency.state.clone(),
        row.ready.to_string(),
        row.flying.to_string(),
        row.retry.to_string(),
        queue.behind.to_string(),
        queue.parked.to_string(),
        queue.dead.to_string(),
        rate(row.in_per_second),
        rate(row.out_per_second),
        row.agency.oldest_age_seconds.map_or_else(String::new, |seconds| length(Duration::from_secs(seconds))),
        until(&row.agency, now),
        row.agency.name(language).to_owned(),
    ]
}

/// When a hold ends, from now.
fn until(agency: &Agency, now: At) -> String {
    let until = agency.until.as_deref().and_then(At::parse);
    until.map_or_else(String::new, |until| format!("in {}", length(until.since(now))))
}

/// The whole screen.
pub fn frame(top: &mut Top, (width, height): (usize, usize), colour: bool, now: At, language: Language) -> String {
    let paint = Paint(colour);
    let mut lines = head(top, paint);
    let foot = foot(top, paint);
    let room = height.saturating_sub(lines.len() + 1);
    match &top.mode {
        Mode::Help => lines.extend(HELP.lines().map(str::to_owned)),
        Mode::Details => lines.extend(top.chosen().map(|row| details(row, now, paint)).unwrap_or_default()),
        _ => lines.extend(list(top, width, room, paint, now, language)),
    }
    lines.truncate(height.saturating_sub(1));
    // The foot stands at the bottom, however little there is above it.
    lines.resize(height.saturating_sub(1), String::new());
    lines.push(foot);
    lines.join("\n")
}

/// Sums over all agencies, and what is wrong.
fn head(top: &Top, paint: Paint) -> Vec<String> {
    let rows = top.all();
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    let rate = |of: fn(&Row) -> Option<f64>| rows.iter().filter_map(of).sum::<f64>();
    let held = rows.iter().filter(|row| row.is_held()).count();
    let parked = sum(|row| row.agency.deliveries.parked);
    let mut first = format!(
        "{} {} agencies  {} waiting  in {:.1}/s  out {:.1}/s  ",
        paint.on(BOLD, "falaj top"),
        rows.len(),
        sum(Row::unfinished),
        rate(|row| row.in_per_second),
        rate(|row| row.out_per_second),
    );
    let warn = |n: u64, word: &str, code: &str| {
        let text = format!("{n} {word}");
        if n > 0 { paint.on(code, &text) } else { text }
    };
    first.push_str(&warn(held as u64, "held", YELLOW));
    first.push_str("  ");
    first.push_str(&warn(parked, "parked", RED));
    let mut lines = vec![first];
    if let Some(fault) = &top.fault {
        let age = top.looked_at.map_or_else(String::new, |at| format!(" (seen {} ago)", length(at.elapsed())));
        lines.push(paint.on(RED, &format!("{}{age}", plain(fault))));
    } else if top.looked_at.is_none() {
        lines.push(paint.on(DIM, "asking the bus ..."));
    }
    lines
}

/// The agencies, and the part of them that fits.
fn list(top: &mut Top, width: usize, room: usize, paint: Paint, now: At, language: Language) -> Vec<String> {
    let longest = top.all().iter().map(|row| row.agency.id.chars().count() + 1).max().unwrap_or_default();
    let columns = columns(width, longest.clamp(AGENCY_MIN, AGENCY_MAX));
    let title: String = columns.iter().map(|column| cell(TITLES[column.at], *column)).collect();
    let mut lines = vec![paint.on(DIM, &format!("{title}{}", TITLES[12]))];
    let room = room.saturating_sub(1);
    let first = {
        let shown = top.shown();
        let at = top.position(&shown);
        scroll(top.first, at, room, shown.len())
    };
    top.first = first;
    let shown = top.shown();
    let chosen = top.position(&shown);
    for (at, row) in shown.iter().enumerate().skip(first).take(room) {
        lines.push(line(row, &columns, at == chosen, paint, now, language));
    }
    if shown.is_empty() && top.looked_at.is_some() {
        lines.push(paint.on(DIM, "nobody of that kind"));
    }
    lines
}

/// The first line that is shown, so that the chosen one is.
fn scroll(first: usize, chosen: usize, room: usize, len: usize) -> usize {
    let room = room.max(1);
    let first = first.min(chosen).max((chosen + 1).saturating_sub(room));
    first.min(len.saturating_sub(room))
}

/// The columns that fit, the dearest first, in their own order.
fn columns(width: usize, agency: usize) -> Vec<Column> {
    let mut columns = COLUMNS.to_vec();
    columns[0].width = agency;
    while columns.iter().map(|column| column.width).sum::<usize>() > width {
        let Some(cheapest) = columns.iter().map(|column| column.dear).min() else { break };
        let Some(at) = columns.iter().rposition(|column| column.dear == cheapest) else { break };
        columns.remove(at);
    }
    columns
}

/// A cell in its column, with a blank after it.
fn cell(text: &str, column: Column) -> String {
    let width = column.width - 1;
    let text: String = text.chars().take(width).collect();
    if column.at < WORDS { format!("{text:<width$} ") } else { format!("{text:>width$} ") }
}

fn line(row: &Row, columns: &[Column], chosen: bool, paint: Paint, now: At, language: Language) -> String {
    let cells = cells(row, now, language).map(|text| plain(&text));
    let mut line = String::new();
    for column in columns.iter().copied() {
        let text = &cells[column.at];
        // Nothing is no news.
        let is_nothing = column.at >= WORDS && (text == "0" || text == "0.0");
        let shown = cell(if is_nothing { "·" } else { text }, column);
        let code = match column.at {
            _ if chosen || is_nothing => None,
            0 => Some(BOLD),
            1 => Some(if row.is_held() { YELLOW } else { GREEN }),
            6 | 7 => Some(RED),
            4 => Some(YELLOW),
            _ => None,
        };
        line.push_str(&code.map_or_else(|| shown.clone(), |code| paint.on(code, &shown)));
    }
    line.push_str(&cells[12]);
    match (chosen, paint.0) {
        (true, true) => paint.on(REVERSE, &line),
        // Without colours the chosen one is marked by a sign.
        (true, false) => format!(">{}", line.strip_prefix(' ').unwrap_or(&line)),
        (false, true) => line,
        (false, false) => format!(" {line}"),
    }
}

fn details(row: &Row, now: At, paint: Paint) -> Vec<String> {
    let agency = &row.agency;
    let queue = &agency.deliveries;
    let mut lines = vec![paint.on(BOLD, &plain(&format!("{}  {}", agency.id, agency.name(Language::English))))];
    lines.push(plain(agency.name(Language::Arabic)));
    lines.push(String::new());
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(plain(&format!("{name:<14}{value}")));
        }
    };
    put("state", agency.state.clone());
    put("since", agency.since.clone().unwrap_or_default());
    put("until", agency.until.as_ref().map(|at| format!("{at}  {}", until(agency, now))).unwrap_or_default());
    put("by", agency.by.clone().unwrap_or_default());
    put("reason", agency.reason.clone().unwrap_or_default());
    put("oldest", agency.oldest_age_seconds.map(|age| length(Duration::from_secs(age))).unwrap_or_default());
    put(
        "open",
        format!(
            "{} ready, {} in flight, {} retry, {} behind, {} parked",
            row.ready, row.flying, row.retry, queue.behind, queue.parked
        ),
    );
    put(
        "ended",
        format!(
            "{} delivered, {} dead, {} expired, {} skipped, {} cancelled (kept until retention forgets them)",
            queue.delivered, queue.dead, queue.expired, queue.skipped, queue.cancelled
        ),
    );
    if let (Some(coming), Some(going)) = (row.in_per_second, row.out_per_second) {
        put("rates", format!("in {coming:.1}/s, out {going:.1}/s"));
    }
    if let Some(rules) = &agency.delivery {
        let Rules { transport, timeout, in_flight, max_age } = rules;
        put(
            "delivery",
            format!("{transport}, timeout {timeout}, {in_flight} in flight at most, given up after {max_age}"),
        );
    }
    put("publishes", agency.publishes.join(" "));
    for (n, pattern) in agency.subscriptions.iter().enumerate() {
        put(if n == 0 { "subscribes" } else { "" }, pattern.clone());
    }
    lines
}

/// The keys, a question, or how an order went.
fn foot(top: &Top, paint: Paint) -> String {
    match &top.mode {
        Mode::Filter => format!("Show agencies with: {}▏  Enter keeps, Esc clears", plain(&top.typed)),
        Mode::Reason(verb, agency) => {
            let verb = match verb {
                Verb::Pause => "pause",
                Verb::Resume => "resume",
            };
            format!("Why {verb} {agency}? {}▏  Enter does it, Esc does not; it is recorded", plain(&top.typed))
        }
        Mode::Help => "Esc back".to_owned(),
        Mode::Details => "Esc back  p pause  r resume  ↑↓ another".to_owned(),
        Mode::List => match &top.note {
            Some(Ok(done)) => paint.on(GREEN, &plain(done)),
            Some(Err(fault)) => paint.on(RED, &plain(fault)),
            None => {
                let filter =
                    if top.filter.is_empty() { String::new() } else { format!("  only «{}»", plain(&top.filter)) };
                let keys = format!(
                    "q quit  ↑↓ choose  Enter details  s sort: {}  / filter{filter}  p pause  r resume  ? help",
                    top.sort.word()
                );
                paint.on(DIM, &keys)
            }
        },
    }
}

const HELP: &str = "
  q, Ctrl-C        quit
  up, down, j, k   choose an agency; PgUp, PgDn, Home, End go further
  Enter            its details
  s                what stands first: oldest, backlog, parked, out, id
  /                only agencies whose id, name or state contains what is typed; Esc shows all
  p                pause deliveries to the chosen agency; asks why, and records it
  r                resume them; asks why, and records it

  STATE    open, or what holds it: paused, draining, drained, circuit_open, throttled, window, unconfigured, no_transport
  READY    wait for their turn           FLIGHT   under way, leases included
  RETRY    failed and due again          BEHIND   wait behind one that failed, so that order is kept
  PARKED   lanes that wait for you       DEAD     given up; falaj dead-letters lists them
  IN/S     new ones a second             OUT/S    ended ones a second
  OLDEST   age of the oldest             UNTIL    when a hold ends, or the next probe is";

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::figures::{Deliveries, Name};
    use super::super::keys::Key;
    use super::super::state::Sort;
    use super::*;

    const NOW: At = At(1_700_000_000_000);

    fn top(n: usize) -> Top {
        let agency = |n: usize| Agency {
            id: format!("agency-{n:02}"),
            name: Some(Name { en: format!("Agency \u{1b}[31m{n}"), ar: format!("الجهة {n}") }),
            state: if n == 1 { "circuit_open" } else { "open" }.into(),
            until: (n == 1).then(|| "2023-11-14T22:13:32Z".into()),
            deliveries: Deliveries { pending: 12, parked: 1, delivered: 7, ..Deliveries::default() },
            oldest_age_seconds: Some(n as u64 * 61),
            delivery: Some(Rules::default()),
            ..Agency::default()
        };
        let mut top = Top::new(Sort::Oldest, String::new());
        top.looked(Ok((0..n).map(agency).collect()), Instant::now());
        top
    }

    fn drawn(top: &mut Top, width: usize, height: usize) -> Vec<String> {
        frame(top, (width, height), false, NOW, Language::English).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_frame_fills_the_screen_and_no_more() {
        for (width, height) in [(120, 24), (80, 24), (40, 10), (200, 60), (10, 3), (1, 1)] {
            let lines = drawn(&mut top(30), width, height);
            assert!(lines.len() <= height.max(1), "{width}x{height}: {lines:#?}");
        }
        let lines = drawn(&mut top(3), 120, 24);
        assert_eq!(lines.len(), 24);
        assert!(
            lines[0].contains("3 agencies") && lines[0].contains("39 waiting") && lines[0].contains("3 parked"),
            "{lines:#?}"
        );
        assert!(lines[2].starts_with(">agency-02") && lines[2].contains("2m02s"), "{lines:#?}");
        assert!(lines[3].contains("circuit_open") && lines[3].contains("in 12s"), "{lines:#?}");
        assert!(lines[23].starts_with("q quit"), "{lines:#?}");
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "no command of the bus reaches the terminal");
    }

    #[test]
    fn a_narrow_screen_keeps_what_is_dear() {
        let lines = drawn(&mut top(2), 44, 10);
        assert!(lines[1].contains("AGENCY") && lines[1].contains("OLDEST") && lines[1].contains("STATE"), "{lines:#?}");
        assert!(!lines[1].contains("IN/S") && !lines[1].contains("BEHIND"), "{lines:#?}");
    }

    #[test]
    fn the_chosen_line_is_always_on_the_screen() {
        let mut top = top(30);
        for key in [Key::End, Key::Up, Key::PageUp, Key::Home, Key::PageDown, Key::Down] {
            top.key(key);
            let lines = drawn(&mut top, 120, 9);
            assert_eq!(lines.iter().filter(|line| line.starts_with('>')).count(), 1, "{key:?}: {lines:#?}");
        }
        assert_eq!(scroll(5, 2, 4, 30), 2);
        assert_eq!(scroll(0, 9, 4, 30), 6);
        assert_eq!(scroll(20, 21, 10, 22), 12, "no empty lines where there are agencies");
    }

    #[test]
    fn details_say_both_names_and_why() {
        let mut top = top(2);
        top.key(Key::Enter);
        let text = drawn(&mut top, 120, 24).join("\n");
        assert!(text.contains("الجهة 1") && text.contains("agency-01") && text.contains("12 ready"), "{text}");
        assert!(text.contains("circuit_open") && text.contains("2023-11-14T22:13:32Z"), "{text}");
    }
}

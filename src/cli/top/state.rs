//! What is on the screen, as a pure machine: keys and readings go in, acts come out.

use std::collections::BTreeMap;
use std::time::Instant;

use super::figures::{Agency, Deliveries, Row, rows};
use super::keys::Key;

/// Characters that may be typed: as many as a reason may have.
const TYPED_MAX: usize = 500;
/// Lines that a page key moves.
const PAGE: usize = 10;

/// What stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sort {
    /// Whose oldest delivery waits longest.
    Oldest,
    /// Who has most that has not ended.
    Backlog,
    /// Who has most parked lanes, and then dead letters.
    Parked,
    /// To whom most goes.
    Out,
    /// By id.
    Id,
}

impl Sort {
    const ALL: [Self; 5] = [Self::Oldest, Self::Backlog, Self::Parked, Self::Out, Self::Id];

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or_default();
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Oldest => "oldest",
            Self::Backlog => "backlog",
            Self::Parked => "parked",
            Self::Out => "out",
            Self::Id => "id",
        }
    }
}

/// What an operator can do to an agency here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Hold it.
    Pause,
    /// Let it go on.
    Resume,
}

impl Verb {
    /// Its word in the interface.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// What is asked of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The list.
    List,
    /// The keys.
    Help,
    /// One agency.
    Details,
    /// What to look for.
    Filter,
    /// Why something is done to an agency.
    Reason(Verb, String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Nothing but drawing.
    Nothing,
    /// Ask the bus.
    Look,
    /// Give an order.
    Order {
        /// To whom.
        agency: String,
        /// `pause` or `resume`.
        verb: &'static str,
        /// Why.
        reason: String,
    },
    /// End.
    Quit,
}

/// What is on the screen.
#[derive(Debug)]
pub struct Top {
    rows: Vec<Row>,
    /// The queues of the last reading, for the rates.
    before: BTreeMap<String, Deliveries>,
    /// When the last reading was.
    pub looked_at: Option<Instant>,
    /// Why the last look failed, if it did.
    pub fault: Option<String>,
    /// How the last order went.
    pub note: Option<Result<String, String>>,
    /// What stands first.
    pub sort: Sort,
    /// What is looked for.
    pub filter: String,
    /// What is asked of the person.
    pub mode: Mode,
    /// What was typed.
    pub typed: String,
    /// The chosen agency.
    chosen: Option<String>,
    /// The first line that is shown.
    pub first: usize,
}

impl Top {
    /// Nothing seen yet.
    pub fn new(sort: Sort, filter: String) -> Self {
        Self {
            rows: Vec::new(),
            before: BTreeMap::new(),
            looked_at: None,
            fault: None,
            note: None,
            sort,
            filter,
            mode: Mode::List,
            typed: String::new(),
            chosen: None,
            first: 0,
        }
    }

    /// Takes a reading, or why there is none; what was seen before stays then.
    pub fn looked(&mut self, looked: Result<Vec<Agency>, String>, now: Instant) {
        match looked {
            Err(fault) => self.fault = Some(fault),
            Ok(agencies) => {
                let elapsed = self.looked_at.map(|before| now.duration_since(before)).unwrap_or_default();
                let queues = agencies.iter().map(|agency| (agency.id.clone(), agency.deliveries.clone())).collect();
                self.rows = rows(agencies, &self.before, elapsed);
                self.before = queues;
                self.looked_at = Some(now);
                self.fault = None;
            }
        }
    }

    /// Takes note of how an order went.
    pub fn said(&mut self, said: Result<String, String>) {
        self.note = Some(said);
    }

    /// The lines that are looked for, in order.
    pub fn shown(&self) -> Vec<&Row> {
        let wanted = self.filter.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&wanted);
        let matches = |row: &&Row| {
            let agency = &row.agency;
            holds(&agency.id)
                || holds(&agency.state)
                || agency.name.as_ref().is_some_and(|name| holds(&name.en) || holds(&name.ar))
        };
        let mut shown: Vec<&Row> = self.rows.iter().filter(matches).collect();
        shown.sort_by(|a, b| self.rank(b).cmp(&self.rank(a)).then_with(|| a.agency.id.cmp(&b.agency.id)));
        shown
    }

    /// Everybody, whatever is looked for.
    pub fn all(&self) -> &[Row] {
        &self.rows
    }

    fn rank(&self, row: &Row) -> (u64, u64) {
        let queue = &row.agency.deliveries;
        match self.sort {
            Sort::Oldest => (row.agency.oldest_age_seconds.map_or(0, |age| age + 1), row.unfinished()),
            Sort::Backlog => (row.unfinished(), 0),
            Sort::Parked => (queue.parked, queue.dead),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate is small and never negative"
            )]
            Sort::Out => ((row.out_per_second.unwrap_or_default() * 1000.0) as u64, queue.delivered),
            Sort::Id => (0, 0),
        }
    }

    /// Where the chosen line stands among the shown ones; the first where it is not among them.
    pub fn position(&self, shown: &[&Row]) -> usize {
        let chosen = self.chosen.as_deref();
        shown.iter().position(|row| Some(row.agency.id.as_str()) == chosen).unwrap_or(0)
    }

    /// The chosen agency, if any is shown.
    pub fn chosen(&self) -> Option<&Row> {
        let shown = self.shown();
        shown.get(self.position(&shown)).copied()
    }

    fn choose(&mut self, to: impl FnOnce(usize, usize) -> usize) {
        let shown = self.shown();
        let Some(last) = shown.len().checked_sub(1) else { return };
        let at = to(self.position(&shown), last).min(last);
        let chosen = shown[at].agency.id.clone();
        self.chosen = Some(chosen);
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Act {
        if key == Key::Quit {
            return Act::Quit;
        }
        match self.mode.clone() {
            Mode::Filter => self.type_filter(key),
            Mode::Reason(verb, agency) => self.type_reason(key, verb, agency),
            Mode::Help | Mode::Details if matches!(key, Key::Escape | Key::Enter | Key::Char('q' | '?')) => {
                self.mode = Mode::List;
                Act::Nothing
            }
            Mode::Help => Act::Nothing,
            Mode::List | Mode::Details => self.command(key),
        }
    }

    fn command(&mut self, key: Key) -> Act {
        self.note = None;
        match key {
            Key::Char('q') => return Act::Quit,
            Key::Char('?' | 'h') => self.mode = Mode::Help,
            Key::Char('s') => self.sort = self.sort.next(),
            Key::Char('/') => {
                self.mode = Mode::Filter;
                self.typed.clone_from(&self.filter);
            }
            Key::Escape => self.filter.clear(),
            Key::Enter => self.open(),
            Key::Char('p') => self.ask(Verb::Pause),
            Key::Char('r') => self.ask(Verb::Resume),
            Key::Up | Key::Char('k') => self.choose(|at, _| at.saturating_sub(1)),
            Key::Down | Key::Char('j') => self.choose(|at, _| at + 1),
            Key::PageUp => self.choose(|at, _| at.saturating_sub(PAGE)),
            Key::PageDown => self.choose(|at, _| at + PAGE),
            Key::Home | Key::Char('g') => self.choose(|_, _| 0),
            Key::End | Key::Char('G') => self.choose(|_, last| last),
            _ => {}
        }
        Act::Nothing
    }

    /// Shows the details of the chosen one, and stays with it when the order changes.
    fn open(&mut self) {
        if self.chosen().is_some() {
            self.mode = Mode::Details;
            self.choose(|at, _| at);
        }
    }

    /// Asks why (P3). The agency is the one that is chosen now, whatever the order becomes while a reason is typed.
    fn ask(&mut self, verb: Verb) {
        if let Some(row) = self.chosen() {
            self.mode = Mode::Reason(verb, row.agency.id.clone());
            self.typed.clear();
        }
    }

    fn type_filter(&mut self, key: Key) -> Act {
        match key {
            Key::Enter => self.mode = Mode::List,
            Key::Escape => {
                self.typed.clear();
                self.mode = Mode::List;
            }
            key => self.edit(key),
        }
        self.filter.clone_from(&self.typed);
        Act::Nothing
    }

    fn type_reason(&mut self, key: Key, verb: Verb, agency: String) -> Act {
        match key {
            Key::Enter => {
                self.mode = Mode::List;
                let reason = std::mem::take(&mut self.typed).trim().to_owned();
                if reason.is_empty() {
                    self.note = Some(Err(format!("{agency}: nothing was done; a reason is required")));
                    return Act::Nothing;
                }
                return Act::Order { agency, verb: verb.word(), reason };
            }
            Key::Escape => {
                self.typed.clear();
                self.mode = Mode::List;
            }
            key => self.edit(key),
        }
        Act::Nothing
    }

    fn edit(&mut self, key: Key) {
        match key {
            Key::Char(c) if self.typed.chars().count() < TYPED_MAX => self.typed.push(c),
            Key::Back => {
                self.typed.pop();
            }
            Key::Clear => self.typed.clear(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn agency(id: &str, age: u64, pending: u64) -> Agency {
        let deliveries = Deliveries { pending, ..Deliveries::default() };
        let oldest_age_seconds = (pending > 0).then_some(age);
        Agency {
            id: id.into(),
            state: "open".into(),
            deliveries,
            oldest_age_seconds,
            delivery: Some(super::super::figures::Rules::default()),
            ..Agency::default()
        }
    }

    fn top() -> Top {
        let mut top = Top::new(Sort::Oldest, String::new());
        top.looked(Ok(vec![agency("a", 0, 0), agency("b", 9, 1), agency("c", 3, 50)]), Instant::now());
        top
    }

    fn ids(top: &Top) -> Vec<&str> {
        top.shown().iter().map(|row| row.agency.id.as_str()).collect()
    }

    fn type_in(top: &mut Top, text: &str) {
        for c in text.chars() {
            assert_eq!(top.key(Key::Char(c)), Act::Nothing, "{c}");
        }
    }

    #[test]
    fn who_waits_longest_stands_first_and_s_turns_the_order() {
        let mut top = top();
        assert_eq!(ids(&top), ["b", "c", "a"]);
        top.key(Key::Char('s'));
        assert_eq!(ids(&top), ["c", "b", "a"]);
        for _ in 0..3 {
            top.key(Key::Char('s'));
        }
        assert_eq!((top.sort, ids(&top)), (Sort::Id, vec!["a", "b", "c"]));
    }

    #[test]
    fn the_chosen_one_stays_chosen_when_the_order_changes() {
        let mut top = top();
        top.key(Key::Down);
        assert_eq!(top.chosen().unwrap().agency.id, "c");
        let later = Instant::now() + Duration::from_secs(2);
        top.looked(Ok(vec![agency("a", 99, 9), agency("b", 11, 1), agency("c", 5, 40)]), later);
        assert_eq!(ids(&top), ["a", "b", "c"]);
        assert_eq!(top.chosen().unwrap().agency.id, "c");
        top.key(Key::Home);
        top.key(Key::Up);
        assert_eq!(top.chosen().unwrap().agency.id, "a");
        top.looked(Ok(vec![]), later);
        assert!(top.chosen().is_none());
        assert_eq!(top.key(Key::Char('p')), Act::Nothing);
        assert_eq!(top.mode, Mode::List, "nobody to pause");
    }

    #[test]
    fn nothing_is_done_without_a_reason() {
        let mut top = top();
        top.key(Key::Char('p'));
        assert_eq!(top.mode, Mode::Reason(Verb::Pause, "b".into()));
        // The order changes meanwhile; it is still about b. And q is a letter now.
        top.looked(Ok(vec![agency("a", 99, 9), agency("b", 11, 1)]), Instant::now());
        type_in(&mut top, "q صيانة ");
        let reason = "q صيانة".to_owned();
        assert_eq!(top.key(Key::Enter), Act::Order { agency: "b".into(), verb: "pause", reason });
        top.key(Key::Char('r'));
        type_in(&mut top, "  ");
        assert_eq!(top.key(Key::Enter), Act::Nothing);
        assert!(top.note.as_ref().unwrap().is_err());
        top.key(Key::Char('r'));
        type_in(&mut top, "x");
        assert_eq!(top.key(Key::Escape), Act::Nothing);
        assert_eq!(top.mode, Mode::List);
        top.key(Key::Char('p'));
        assert_eq!(top.key(Key::Quit), Act::Quit, "Ctrl-C ends it wherever it is");
    }

    #[test]
    fn a_filter_narrows_while_it_is_typed() {
        let mut top = top();
        top.key(Key::Char('/'));
        type_in(&mut top, "C");
        assert_eq!(ids(&top), ["c"]);
        top.key(Key::Back);
        assert_eq!(ids(&top).len(), 3);
        type_in(&mut top, "zz");
        top.key(Key::Enter);
        assert_eq!(ids(&top), Vec::<&str>::new());
        top.key(Key::Escape);
        assert_eq!(ids(&top).len(), 3);
    }

    #[test]
    fn what_was_seen_stays_while_the_bus_is_away() {
        let mut top = top();
        top.looked(Err("cannot connect".into()), Instant::now());
        assert_eq!(ids(&top).len(), 3);
        assert_eq!(top.fault.as_deref(), Some("cannot connect"));
        top.key(Key::Enter);
        assert_eq!(top.mode, Mode::Details);
        assert_eq!(top.key(Key::Char('q')), Act::Nothing, "q leaves the details first");
        assert_eq!(top.key(Key::Char('q')), Act::Quit);
    }
}

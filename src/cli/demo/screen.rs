//! The live table: a frame is a pure function of rows.

use std::time::Duration;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use crate::model::status::Hold;
use crate::model::time::At;

/// One agency as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its name, English.
    pub name: String,
    /// Its name, Arabic.
    pub name_ar: String,
    /// Its fault in one word, if it has one.
    pub part: &'static str,
    /// What holds it, or `open`.
    pub state: String,
    /// Whether something holds it.
    pub held: bool,
    /// Waiting for their turn.
    pub queued: u64,
    /// Under way.
    pub in_flight: u64,
    /// Failed and due again.
    pub retrying: u64,
    /// Out of tries.
    pub parked: u64,
    /// Ended well.
    pub delivered: u64,
    /// Age of the oldest that has not ended.
    pub oldest: Option<Duration>,
}

impl Row {
    /// Deliveries that have not ended.
    pub fn open(&self) -> u64 {
        self.queued + self.in_flight + self.retrying + self.parked
    }
}

/// A hold in a few words.
pub fn state(hold: &Hold, now: At) -> String {
    let left = |until: &At| format!("{} s", until.since(now).as_secs_f64().ceil());
    match hold {
        Hold::Open => "open".to_owned(),
        Hold::Unconfigured => "unconfigured".to_owned(),
        Hold::NoTransport | Hold::Unconnected { .. } => "no_transport".to_owned(),
        Hold::Paused { .. } => "paused".to_owned(),
        Hold::Draining { left: 0, .. } => "drained".to_owned(),
        Hold::Draining { left, .. } => format!("draining, {left} left"),
        Hold::CircuitOpen { until, .. } => format!("circuit_open, probe in {}", left(until)),
        Hold::Throttled { until, .. } => format!("throttled for {}", left(until)),
        Hold::Window { until, .. } => format!("window, for {}", left(until)),
    }
}

/// The table: a line for each agency. `colour`: for a terminal.
pub fn table(rows: &[Row], colour: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let header =
        ["AGENCY", "NAME", "STATE", "QUEUED", "IN FLIGHT", "RETRY", "PARKED", "DELIVERED", "OLDEST", "MOCK", "الجهة"];
    table.set_header(header.map(|title| Cell::new(title).add_attribute(Attribute::Dim)));
    for row in rows {
        let number = |figure: u64, colour: Color| {
            let cell = Cell::new(if figure == 0 { "·".to_owned() } else { figure.to_string() });
            let cell = cell.set_alignment(CellAlignment::Right);
            if figure == 0 { cell } else { cell.fg(colour) }
        };
        let state = Cell::new(&row.state).fg(if row.held { Color::Yellow } else { Color::Green });
        let oldest = row.oldest.map_or_else(String::new, age);
        table.add_row(vec![
            Cell::new(&row.id).add_attribute(Attribute::Bold),
            Cell::new(&row.name),
            state,
            number(row.queued, Color::Cyan),
            number(row.in_flight, Color::Cyan),
            number(row.retrying, Color::Yellow),
            number(row.parked, Color::Red),
            number(row.delivered, Color::Green),
            Cell::new(oldest).set_alignment(CellAlignment::Right),
            Cell::new(row.part),
            Cell::new(&row.name_ar),
        ]);
    }
    table.trim_fmt()
}

/// A length of time in its largest unit.
fn age(age: Duration) -> String {
    match age.as_secs() {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} min", s / 60),
        s => format!("{} h", s / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str) -> Row {
        Row {
            id: id.into(),
            name: "Interior".into(),
            name_ar: "الداخلية".into(),
            state: "open".into(),
            ..Row::default()
        }
    }

    #[test]
    fn every_agency_has_a_line_with_both_names() {
        let text = table(&[Row { queued: 12, delivered: 7, ..row("moi") }, row("qcb")], false);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("moi") && text.contains("الداخلية") && text.contains("12"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(table(&[row("moi")], true).contains('\u{1b}'));
    }

    #[test]
    fn holds_say_how_long() {
        assert_eq!(state(&Hold::CircuitOpen { until: At(9_500), since: At(0) }, At(0)), "circuit_open, probe in 10 s");
        assert_eq!(state(&Hold::NoTransport, At(0)), "no_transport");
        assert_eq!(age(Duration::from_secs(59)), "59 s");
        assert_eq!(age(Duration::from_secs(7_300)), "2 h");
    }
}

//! Output for people and for pipes: borders on a terminal, plain columns elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};

/// Writes text to standard output as it is. A reader that has gone is an error that [`is_closed`] knows.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes one line to standard output.
pub fn line(text: &str) -> anyhow::Result<()> {
    print(&format!("{text}\n"))
}

/// Writes a table to standard output.
pub fn show<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    line(&format(header, rows, io::stdout().is_terminal()))
}

/// A length of time in two units at most.
pub fn length(length: Duration) -> String {
    match length.as_secs() {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        s @ 3600..86_400 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        s => format!("{}d{:02}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// Whether an error says that the reader of our output has gone.
pub fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn format<const N: usize>(header: [&str; N], rows: &[[String; N]], terminal: bool) -> String {
    let mut table = Table::new();
    if terminal {
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    }
    table.set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    table.trim_fmt()
}

/// Text of others as it may stand on a terminal: no control characters, so no escape sequences.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [[String; 2]; 2] {
        [["moi".into(), "وزارة الداخلية".into()], ["qpost".into(), "\u{1b}[31mred\nline".into()]]
    }

    #[test]
    fn a_pipe_gets_plain_columns() {
        let text = format(["AGENCY", "NAME"], &rows(), false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].trim_start().starts_with("AGENCY"));
        assert!(text.is_ascii() || !text.contains('│'));
        assert!(!text.contains('\u{1b}'), "no escape sequence of an agency reaches the terminal");
    }

    #[test]
    fn a_terminal_gets_borders() {
        assert!(format(["AGENCY", "NAME"], &rows(), true).contains('│'));
    }
}

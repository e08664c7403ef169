//! A terminal that is drawn on in place: a frame is text, and replaces the last one in one write.

use std::io::{self, IsTerminal, Write};

/// Lines that are drawn where the terminal does not tell its height.
const HEIGHT: usize = 50;
/// Columns that are drawn where it does not tell its width.
const WIDTH: usize = 120;
/// Shows the screen that programs draw on, hides the cursor, and cuts lines at the edge.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/// Undoes [`ENTER`].
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/// Begins and ends a frame that the terminal shows at once.
const HOLD: &str = "\x1b[?2026h\x1b[H";
const SHOW: &str = "\x1b[J\x1b[?2026l";

/// Where frames are drawn. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen(());

impl Screen {
    /// Takes the terminal; `None` where there is none.
    pub fn enter() -> io::Result<Option<Self>> {
        if !io::stdout().is_terminal() {
            return Ok(None);
        }
        let mut out = io::stdout().lock();
        out.write_all(ENTER.as_bytes())?;
        out.flush()?;
        Ok(Some(Self(())))
    }

    /// Draws a frame over the last one.
    pub fn draw(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(frame(text, size().1).as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = io::stdout().lock();
        // A terminal that is gone needs nothing back.
        let _gone = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    }
}

/// Whether colour is wanted (<https://no-color.org>).
pub fn colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns and lines of the terminal.
pub fn size() -> (usize, usize) {
    let told = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let (columns, lines) = told.map_or((0, 0), |size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    (if columns > 0 { columns } else { WIDTH }, if lines > 0 { lines } else { HEIGHT })
}

/// The bytes that show a text in place of the last one: every line is cleared to its end, and what does not fit is left out.
fn frame(text: &str, height: usize) -> String {
    let mut bytes = String::from(HOLD);
    let lines: Vec<&str> = text.lines().collect();
    let shown = if lines.len() > height { height.saturating_sub(1) } else { lines.len() };
    for line in &lines[..shown] {
        bytes.push_str(line);
        bytes.push_str("\x1b[0m\x1b[K\r\n");
    }
    if shown < lines.len() {
        bytes.push_str(&format!("... {} more lines: make the window taller\x1b[K", lines.len() - shown));
    } else if bytes.ends_with("\r\n") {
        // The last line ends without a break, or a full screen would move up.
        bytes.truncate(bytes.len() - 2);
    }
    bytes.push_str(SHOW);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_never_scrolls() {
        let text = "a\nb\nc";
        assert_eq!(frame(text, 3).matches("\r\n").count(), 2);
        let cut = frame(text, 2);
        assert_eq!(cut.matches("\r\n").count(), 1);
        assert!(cut.contains("2 more lines"));
        assert!(frame(text, 3).ends_with(SHOW));
    }
}

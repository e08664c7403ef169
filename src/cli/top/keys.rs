//! The keyboard: single keys of a terminal in raw mode.
//!
//! A thread reads bytes, because a read of a terminal cannot be given up; it ends with the process. What bytes mean is decided here,
//! where a lone Escape can be told from the beginning of an arrow by waiting a moment.

use std::io::{self, Read};
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// How long the rest of a sequence may take, over a slow line.
const REST: Duration = Duration::from_millis(60);
/// Chunks of bytes that may wait.
const CHUNKS_MAX: usize = 64;
/// Bytes of an escape sequence that are looked at.
const SEQUENCE_MAX: usize = 16;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Back,
    /// Up.
    Up,
    /// Down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first.
    Home,
    /// The last.
    End,
    /// Ctrl-C, Ctrl-D.
    Quit,
    /// Ctrl-U: clear what was typed.
    Clear,
    /// Anything else.
    Other,
}

/// A terminal that gives single keys and does not show them. Dropping it makes it as it was.
#[derive(Debug)]
pub struct Raw(Termios);

impl Raw {
    /// Takes the keyboard.
    pub fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // What was typed and not read is not for the shell.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// The keys, as they are struck.
#[derive(Debug)]
pub struct Keyboard {
    chunks: mpsc::Receiver<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Keyboard {
    /// Starts to read.
    pub fn start() -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(CHUNKS_MAX);
        let read = move || {
            let mut chunk = [0; 256];
            while let Ok(n @ 1..) = io::stdin().read(&mut chunk) {
                if sender.blocking_send(chunk[..n].to_vec()).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("keyboard".into()).spawn(read)?;
        Ok(Self { chunks, bytes: Vec::new() })
    }

    /// The next key; `None` where there is no terminal any more. May be dropped at any time: no key is lost.
    pub async fn next(&mut self) -> Option<Key> {
        loop {
            match decode(&self.bytes, false) {
                Some((key, n)) => {
                    self.bytes.drain(..n);
                    return Some(key);
                }
                None if self.bytes.is_empty() => {
                    let chunk = self.chunks.recv().await?;
                    self.bytes.extend(chunk);
                }
                // A sequence that has begun: its rest comes at once, or it is none.
                None => match tokio::time::timeout(REST, self.chunks.recv()).await {
                    Ok(Some(chunk)) => self.bytes.extend(chunk),
                    Ok(None) => return None,
                    Err(_) => {
                        let (key, n) = decode(&self.bytes, true).unwrap_or((Key::Other, self.bytes.len()));
                        self.bytes.drain(..n);
                        return Some(key);
                    }
                },
            }
        }
    }
}

/// The first key of some bytes and how many they are; `None` where more must come. `whole`: no more comes.
fn decode(bytes: &[u8], whole: bool) -> Option<(Key, usize)> {
    match bytes {
        [] => None,
        [0x1b] => whole.then_some((Key::Escape, 1)),
        [0x1b, b'[' | b'O', ..] => sequence(bytes).or_else(|| whole.then_some((Key::Other, bytes.len()))),
        // Alt and a key, or Escape and then another one.
        [0x1b, ..] => Some((Key::Escape, 1)),
        [b'\r' | b'\n', ..] => Some((Key::Enter, 1)),
        [0x7f | 0x08, ..] => Some((Key::Back, 1)),
        [0x03 | 0x04, ..] => Some((Key::Quit, 1)),
        [0x15, ..] => Some((Key::Clear, 1)),
        [0x00..0x20, ..] => Some((Key::Other, 1)),
        _ => character(bytes, whole),
    }
}

fn character(bytes: &[u8], whole: bool) -> Option<(Key, usize)> {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        Err(error) if error.error_len().is_none() && !whole => return None,
        Err(_) => return Some((Key::Other, 1)),
    };
    let c = valid.chars().next()?;
    Some((if c.is_control() { Key::Other } else { Key::Char(c) }, c.len_utf8()))
}

/// `ESC [ parameters final` or `ESC O final`.
fn sequence(bytes: &[u8]) -> Option<(Key, usize)> {
    let body = &bytes[2..];
    let end = body.iter().take(SEQUENCE_MAX).position(|byte| (0x40..=0x7e).contains(byte));
    let Some(end) = end else { return (body.len() >= SEQUENCE_MAX).then_some((Key::Other, bytes.len())) };
    let key = match (&body[..end], body[end]) {
        (_, b'A') => Key::Up,
        (_, b'B') => Key::Down,
        (_, b'H') | ([b'1' | b'7'], b'~') => Key::Home,
        (_, b'F') | ([b'4' | b'8'], b'~') => Key::End,
        ([b'5'], b'~') => Key::PageUp,
        ([b'6'], b'~') => Key::PageDown,
        _ => Key::Other,
    };
    Some((key, 2 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(mut bytes: &[u8]) -> Vec<Key> {
        let mut keys = Vec::new();
        while let Some((key, n)) = decode(bytes, true) {
            keys.push(key);
            bytes = &bytes[n..];
        }
        keys
    }

    #[test]
    fn bytes_are_read_as_keys() {
        assert_eq!(keys(b"q\r\x7f\x03\x15"), [Key::Char('q'), Key::Enter, Key::Back, Key::Quit, Key::Clear]);
        assert_eq!(
            keys(b"\x1b[A\x1bOB\x1b[5~\x1b[1;5F\x1b[99z"),
            [Key::Up, Key::Down, Key::PageUp, Key::End, Key::Other]
        );
        assert_eq!(keys("صيانة".as_bytes()).len(), 5);
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1bq"), [Key::Escape, Key::Char('q')]);
        assert_eq!(keys(b"\xff\xd8a"), [Key::Other, Key::Other, Key::Char('a')]);
        assert_eq!(keys(&[0x1b, b'[', 1, 2, 3]), [Key::Other], "an endless sequence ends");
    }

    #[test]
    fn what_has_only_begun_waits_for_its_rest() {
        for begun in [&b"\x1b"[..], b"\x1b[", b"\x1b[1;", &"ص".as_bytes()[..1]] {
            assert_eq!(decode(begun, false), None, "{begun:?}");
        }
    }
}

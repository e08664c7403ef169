//! As much of HTTP/1.1 as two ends that know each other need: a head, a `content-length`, a body, keep-alive. Anything else on the
//! wire is an error. It costs as little as it can, because it shares the processor with what is measured.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest message that is read, in bytes.
const MESSAGE_BYTES_MAX: usize = 8 << 20;
const READ_BYTES: usize = 16 << 10;

/// A connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffer: BytesMut,
}

/// Where the message in the buffer ends.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    head: usize,
    end: usize,
}

impl Wire {
    /// A connection on which nothing has been read.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(READ_BYTES) })
    }

    /// Reads one whole message; `None` where the other end closed between two of them.
    pub async fn read(&mut self) -> io::Result<Option<Frame>> {
        let mut frame = None;
        loop {
            if frame.is_none() {
                frame = find(&self.buffer)?;
            }
            if let Some(frame) = frame.filter(|frame| frame.end <= self.buffer.len()) {
                return Ok(Some(frame));
            }
            if self.buffer.len() > MESSAGE_BYTES_MAX {
                return Err(fault("a message is too large"));
            }
            self.buffer.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// The head of the message that was read.
    pub fn head(&self, frame: Frame) -> &[u8] {
        &self.buffer[..frame.head]
    }

    /// The body of the message that was read.
    pub fn body(&self, frame: Frame) -> &[u8] {
        &self.buffer[frame.head..frame.end]
    }

    /// Forgets the message that was read.
    pub fn done(&mut self, frame: Frame) {
        self.buffer.advance(frame.end);
    }

    /// Writes a whole message.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }
}

/// A header's value, by its lower-case name.
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (found, rest) = line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":")?;
        if found.eq_ignore_ascii_case(name.as_bytes()) { std::str::from_utf8(value).ok().map(str::trim) } else { None }
    })
}

fn find(buffer: &[u8]) -> io::Result<Option<Frame>> {
    let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else { return Ok(None) };
    let length = match header(&buffer[..head], "content-length") {
        Some(length) => length.parse().map_err(|_| fault("content-length is no number"))?,
        None if header(&buffer[..head], "transfer-encoding").is_some() => {
            return Err(fault("a message came in chunks"));
        }
        None => 0,
    };
    if length > MESSAGE_BYTES_MAX {
        return Err(fault("a message is too large"));
    }
    Ok(Some(Frame { head, end: head + length }))
}

fn fault(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_it_says() {
        let text = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nwebhook-id: a-b\r\n\r\nabcGET";
        let frame = find(text).unwrap().unwrap();
        assert_eq!(&text[frame.head..frame.end], b"abc");
        assert_eq!(header(&text[..frame.head], "webhook-id"), Some("a-b"));
        assert_eq!(header(&text[..frame.head], "webhook"), None);
        assert!(find(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap().is_none());
        assert!(find(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(find(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").is_err());
    }
}

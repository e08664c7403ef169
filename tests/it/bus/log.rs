//! What one receiver saw, in the order in which it saw it.

use std::collections::HashMap;

use serde_json::Value;

/// How an arrival ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was answered with this status.
    Answered(u16),
    /// The receiver closed the connection instead of answering, as its script said.
    Closed,
    /// The bus went away before the answer.
    Cut,
}

impl End {
    /// Whether the agency has taken it.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }
}

/// One request. Ticks count what happened at this receiver, beginnings and ends alike.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// `webhook-id`.
    pub webhook_id: String,
    /// `falaj-sequence`.
    pub sequence: u64,
    /// `falaj-attempt`.
    pub attempt: u32,
    /// `falaj-gap`, where there is one.
    pub gap: Option<String>,
    /// CloudEvents `subject`.
    pub subject: String,
    /// CloudEvents `id`.
    pub event_id: String,
    /// The event as it came.
    pub event: Value,
    /// `traceparent` and `tracestate`, where they are there.
    pub trace: (Option<String>, Option<String>),
    /// The tick at which it had been read.
    pub began: u64,
    /// The tick at which it ended, and how.
    pub ended: Option<(u64, End)>,
}

/// Everything one receiver saw.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Every request, in order of arrival.
    pub arrivals: Vec<Arrival>,
    /// What no request may be: unsigned, unreadable, without its headers.
    pub faults: Vec<String>,
    tick: u64,
    seen: HashMap<String, u32>,
}

impl Log {
    /// Notes an arrival; returns its number, and how often its `webhook-id` has come, this time included.
    pub fn begin(&mut self, mut arrival: Arrival) -> (usize, u32) {
        self.tick += 1;
        arrival.began = self.tick;
        let nth = self.seen.entry(arrival.webhook_id.clone()).or_default();
        *nth += 1;
        let nth = *nth;
        self.arrivals.push(arrival);
        (self.arrivals.len() - 1, nth)
    }

    /// Notes an end.
    pub fn end(&mut self, number: usize, end: End) {
        self.tick += 1;
        self.arrivals[number].ended = Some((self.tick, end));
    }

    /// The arrivals of one subject.
    pub fn of<'a>(&'a self, subject: &str) -> impl Iterator<Item = &'a Arrival> + use<'a> {
        let subject = subject.to_owned();
        self.arrivals.iter().filter(move |arrival| arrival.subject == subject)
    }

    /// The event ids of one subject in order of arrival, repeats included.
    pub fn events<'a>(&'a self, subject: &str) -> Vec<&'a str> {
        self.of(subject).map(|arrival| arrival.event_id.as_str()).collect()
    }
}

//! What is read of an agency, and what follows from two readings.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::text::Language;

/// The answer of `GET /v1/agencies`.
#[derive(Debug, Deserialize)]
pub struct List {
    /// Everybody.
    pub agencies: Vec<Agency>,
}

/// One agency, as far as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agency {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// What holds it, or `open`.
    pub state: String,
    /// Since when it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Who paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Under way, leases included.
    pub in_flight: u64,
    /// Its queue, and what ended and is still kept.
    pub deliveries: Deliveries,
    /// Age of the oldest that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_age_seconds: Option<u64>,
    /// How it is reached; none where nothing is delivered to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Rules>,
    /// Types it may send.
    pub publishes: Vec<String>,
    /// Types it gets.
    pub subscriptions: Vec<String>,
}

/// A name in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Name {
    /// English.
    pub en: String,
    /// Arabic.
    pub ar: String,
}

/// How an agency is reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// `webhook`, `pull` or `amqp`.
    pub transport: String,
    /// Of one exchange.
    pub timeout: String,
    /// Its own limit.
    pub in_flight: u64,
    /// Age at which a delivery is given up.
    pub max_age: String,
}

/// A queue in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deliveries {
    /// Flowing, those in flight included.
    pub pending: u64,
    /// Failed and due again.
    pub retry: u64,
    /// Lanes that wait for an operator.
    pub parked: u64,
    /// Behind a head.
    pub behind: u64,
    /// Under a lease.
    pub leased: u64,
    /// Ended well.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
    /// Expired.
    pub expired: u64,
    /// Skipped.
    pub skipped: u64,
    /// Cancelled.
    pub cancelled: u64,
}

/// A line: every delivery that has not ended stands in one of its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// Wait for their turn.
    pub ready: u64,
    /// Under way.
    pub flying: u64,
    /// Failed and due again.
    pub retry: u64,
    /// New ones a second since the last look.
    pub in_per_second: Option<f64>,
    /// Ended ones a second.
    pub out_per_second: Option<f64>,
    /// The agency.
    #[serde(flatten)]
    pub agency: Agency,
}

impl Agency {
    /// Whether anything is delivered to it, or still waits for it.
    pub fn receives(&self) -> bool {
        self.delivery.is_some() || self.deliveries.unfinished() > 0
    }

    /// Its name in a language.
    pub fn name(&self, language: Language) -> &str {
        let name = self.name.as_ref().map(|name| if language == Language::Arabic { &name.ar } else { &name.en });
        name.map_or("", String::as_str)
    }
}

impl Deliveries {
    /// What has not ended.
    pub fn unfinished(&self) -> u64 {
        self.pending + self.retry + self.parked + self.behind + self.leased
    }

    fn ended(&self) -> [u64; 5] {
        [self.delivered, self.dead, self.expired, self.skipped, self.cancelled]
    }
}

impl Row {
    /// What has not ended.
    pub fn unfinished(&self) -> u64 {
        self.agency.deliveries.unfinished()
    }

    /// Whether something holds it.
    pub fn is_held(&self) -> bool {
        self.agency.state != "open"
    }

    fn new(agency: Agency, before: Option<(&Deliveries, Duration)>) -> Self {
        let queue = &agency.deliveries;
        // What is sent is counted where it stood before: in the queue, or among those that are tried again. Leases are a state.
        let sent = agency.in_flight.saturating_sub(queue.leased);
        let from_queue = sent.min(queue.pending);
        let from_retry = (sent - from_queue).min(queue.retry);
        let rates = before.map(|(before, elapsed)| rates(before, queue, elapsed));
        Self {
            ready: queue.pending - from_queue,
            flying: from_queue + from_retry + queue.leased,
            retry: queue.retry - from_retry,
            in_per_second: rates.map(|(coming, _)| coming),
            out_per_second: rates.map(|(_, going)| going),
            agency,
        }
    }
}

/// Lines of a reading, with rates where there was one before.
pub fn rows(agencies: Vec<Agency>, before: &BTreeMap<String, Deliveries>, elapsed: Duration) -> Vec<Row> {
    let receivers = agencies.into_iter().filter(Agency::receives);
    let row = |agency: Agency| {
        let before = before.get(&agency.id).map(|before| (before, elapsed));
        Row::new(agency, before)
    };
    receivers.map(row).collect()
}

/// What came and what went a second. Retention forgets what has ended, so a figure may fall: that is no rate.
fn rates(before: &Deliveries, now: &Deliveries, elapsed: Duration) -> (f64, f64) {
    let went: u64 = before.ended().into_iter().zip(now.ended()).map(|(before, now)| now.saturating_sub(before)).sum();
    let came = (now.unfinished() + went).saturating_sub(before.unfinished());
    let seconds = elapsed.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "deliveries of some seconds")]
    let rate = |n: u64| n as f64 / seconds;
    (rate(came), rate(went))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agency(deliveries: Deliveries, in_flight: u64) -> Agency {
        Agency { id: "moi".into(), state: "open".into(), in_flight, deliveries, ..Agency::default() }
    }

    #[test]
    fn every_open_delivery_stands_in_one_column() {
        let queue = Deliveries { pending: 5, retry: 2, parked: 1, behind: 3, leased: 2, ..Deliveries::default() };
        for in_flight in [0, 2, 4, 9, 60] {
            let row = Row::new(agency(queue.clone(), in_flight), None);
            assert_eq!(row.ready + row.flying + row.retry + 1 + 3, row.unfinished(), "{in_flight}");
            assert!(row.flying >= 2, "leases are under way, whatever the bus says of the rest");
        }
    }

    #[test]
    fn rates_are_of_what_came_and_went() {
        let before = Deliveries { pending: 10, delivered: 100, dead: 7, ..Deliveries::default() };
        let now = Deliveries { pending: 4, parked: 1, delivered: 130, dead: 0, ..Deliveries::default() };
        // 30 went, and 5 are left of 10: 25 came. Retention forgot the dead ones.
        assert_eq!(rates(&before, &now, Duration::from_secs(5)), (5.0, 6.0));
        let known = BTreeMap::from([("moi".to_owned(), before)]);
        let rows = rows(
            vec![agency(now, 0), Agency { id: "portal".into(), ..Agency::default() }],
            &known,
            Duration::from_secs(5),
        );
        assert_eq!(rows.len(), 1, "who receives nothing is not shown");
        assert_eq!(rows[0].out_per_second, Some(6.0));
    }
}

//! Judges what receivers saw. The judgement is over logs alone, so that it can itself be shown logs that lie.
//!
//! W1: sound: every request was signed and readable. W2: order: within a lane `falaj-sequence` never falls, not even by a repeat,
//! and a new message comes only after the one before it was taken. W3: one identity, one `webhook-id` per agency, and the
//! other way round. W4: nothing lost: every accepted identity was taken. W5: nothing invented: what came was offered.

use std::collections::HashMap;

use super::log::{End, Log};

/// One agency's log under judgement.
#[derive(Debug)]
pub struct Witness<'a> {
    agency: &'a str,
    log: &'a Log,
}

impl<'a> Witness<'a> {
    /// Looks at one agency's log.
    pub fn new(agency: &'a str, log: &'a Log) -> Self {
        Self { agency, log }
    }

    /// Everything that breaks W1, W2 or W3.
    pub fn broken(&self) -> Vec<String> {
        let mut broken: Vec<String> =
            self.log.faults.iter().map(|fault| format!("{}: W1: {fault}", self.agency)).collect();
        self.order(&mut broken);
        self.identity(&mut broken);
        broken
    }

    fn order(&self, broken: &mut Vec<String>) {
        /// How far a lane has come: its highest sequence, and when a message of it was first taken.
        struct Lane {
            sequence: u64,
            event: String,
            taken_at: Option<u64>,
        }
        let mut lanes: HashMap<&str, Lane> = HashMap::new();
        for arrival in &self.log.arrivals {
            let lane = lanes.entry(&arrival.subject).or_insert_with(|| Lane {
                sequence: arrival.sequence,
                event: arrival.event_id.clone(),
                taken_at: None,
            });
            if arrival.sequence < lane.sequence {
                broken.push(format!("{}: W2: {} came after {}", self.agency, arrival.event_id, lane.event));
                continue;
            }
            if arrival.sequence > lane.sequence {
                if lane.taken_at.is_none_or(|at| at > arrival.began) {
                    broken.push(format!(
                        "{}: W2: {} came before {} was taken",
                        self.agency, arrival.event_id, lane.event
                    ));
                }
                *lane = Lane { sequence: arrival.sequence, event: arrival.event_id.clone(), taken_at: None };
            }
            if let Some((at, end)) = arrival.ended
                && end.is_success()
            {
                lane.taken_at = Some(lane.taken_at.map_or(at, |before| before.min(at)));
            }
        }
    }

    fn identity(&self, broken: &mut Vec<String>) {
        let mut by_event: HashMap<&str, &str> = HashMap::new();
        let mut by_webhook: HashMap<&str, &str> = HashMap::new();
        for arrival in &self.log.arrivals {
            let webhook_id = by_event.entry(&arrival.event_id).or_insert(&arrival.webhook_id);
            let event = by_webhook.entry(&arrival.webhook_id).or_insert(&arrival.event_id);
            if *webhook_id != arrival.webhook_id || *event != arrival.event_id {
                broken.push(format!(
                    "{}: W3: {} came as {} and as {}",
                    self.agency, arrival.event_id, webhook_id, arrival.webhook_id
                ));
            }
        }
    }

    /// Which of these accepted identities the agency has not taken (W4).
    pub fn lost<'b>(&self, accepted: impl IntoIterator<Item = &'b str>) -> Vec<&'b str> {
        let taken: std::collections::HashSet<&str> = self
            .log
            .arrivals
            .iter()
            .filter(|arrival| arrival.ended.is_some_and(|(_, end)| end.is_success()))
            .map(|arrival| arrival.event_id.as_str())
            .collect();
        accepted.into_iter().filter(|id| !taken.contains(id)).collect()
    }

    /// What came although nobody offered it (W5).
    pub fn invented(&self, offered: impl Fn(&str) -> bool) -> Vec<&'a str> {
        self.log.arrivals.iter().map(|arrival| arrival.event_id.as_str()).filter(|id| !offered(id)).collect()
    }
}

/// How many arrivals were repeats that no answer of the agency asked for: the price of a crash.
pub fn repeats(log: &Log) -> usize {
    let mut last: HashMap<&str, Option<End>> = HashMap::new();
    let mut repeats = 0;
    for arrival in &log.arrivals {
        let end = arrival.ended.map(|(_, end)| end);
        if let Some(before) = last.insert(&arrival.webhook_id, end) {
            let asked_for = matches!(before, Some(End::Closed | End::Answered(300..)));
            repeats += usize::from(!asked_for);
        }
    }
    repeats
}

mod tests {
    use serde_json::Value;

    use super::super::log::Arrival;
    use super::*;

    /// A log of `(sequence, end)` in one lane, each ended before the next began.
    fn log(arrivals: &[(u64, End)]) -> Log {
        let mut log = Log::default();
        for (sequence, end) in arrivals {
            let (number, _) = log.begin(arrival(*sequence));
            log.end(number, *end);
        }
        log
    }

    fn arrival(sequence: u64) -> Arrival {
        Arrival {
            webhook_id: format!("w{sequence}"),
            sequence,
            attempt: 1,
            gap: None,
            subject: "s".into(),
            event_id: format!("s.{sequence}"),
            event: Value::Null,
            trace: (None, None),
            began: 0,
            ended: None,
        }
    }

    const OK: End = End::Answered(200);

    #[test]
    fn a_good_log_is_good() {
        let log = log(&[(1, End::Answered(500)), (1, End::Cut), (1, OK), (1, OK), (2, OK), (5, End::Closed), (5, OK)]);
        assert_eq!(Witness::new("a", &log).broken(), Vec::<String>::new());
        assert_eq!(repeats(&log), 2, "one after the cut, one after the success");
        assert_eq!(Witness::new("a", &log).lost(["s.1", "s.5"]), Vec::<&str>::new());
    }

    #[test]
    fn the_witness_notices_what_breaks_order() {
        for (story, bad) in [
            ("an inversion", log(&[(2, OK), (1, OK)])),
            ("a repeat after its successor", log(&[(1, OK), (2, OK), (1, OK)])),
            ("a successor of a failure", log(&[(1, End::Answered(500)), (2, OK)])),
            ("a successor of a cut", log(&[(1, End::Cut), (2, OK)])),
        ] {
            assert!(!Witness::new("a", &bad).broken().is_empty(), "{story}");
        }
        // A successor that overtakes an answer.
        let mut overlap = Log::default();
        let (first, _) = overlap.begin(arrival(1));
        let (second, _) = overlap.begin(arrival(2));
        overlap.end(first, OK);
        overlap.end(second, OK);
        assert!(!Witness::new("a", &overlap).broken().is_empty());
    }

    #[test]
    fn the_witness_notices_loss_invention_and_doubled_identity() {
        let mut two = log(&[(1, OK), (2, End::Cut)]);
        assert_eq!(Witness::new("a", &two).lost(["s.1", "s.2", "s.3"]), ["s.2", "s.3"]);
        assert_eq!(Witness::new("a", &two).invented(|id| id == "s.1"), ["s.2"]);
        two.arrivals[1].event_id = "s.1".into();
        assert!(Witness::new("a", &two).broken().iter().any(|line| line.contains("W3")));
    }
}

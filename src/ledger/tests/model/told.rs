//! What the sender must have been told, and what it was told.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::reference::{Known, Model, State};
use crate::model::id::EnvelopeId;

/// Ids and words of notices, by envelope, in the order in which they were written.
type Said = BTreeMap<String, Vec<String>>;

/// See the module.
#[derive(Default)]
pub(super) struct Told {
    pub(super) listens: bool,
    expected: Said,
    heard: Said,
    /// Envelopes that are complete.
    complete: BTreeSet<EnvelopeId>,
}

impl Told {
    fn expect(&mut self, envelope: EnvelopeId, id: String, word: &str) {
        if self.listens {
            self.expected.entry(envelope.to_string()).or_default().push(format!("{id} {word}"));
        }
    }

    /// An envelope is open again.
    pub(super) fn reopen(&mut self, envelope: EnvelopeId) {
        self.complete.remove(&envelope);
    }

    /// The sender got notices, in accept order.
    pub(super) fn hear(&mut self, notices: &[Arc<Stored>]) {
        for notice in notices {
            let data: serde_json::Value = serde_json::from_slice(&notice.data).unwrap();
            let attributes = &notice.attributes;
            let word = if attributes.id.ends_with(".outcome") { &data["outcome"] } else { &data["state"] };
            let said = format!("{} {}", attributes.id, word.as_str().unwrap());
            self.heard.entry(attributes.subject.clone().unwrap()).or_default().push(said);
        }
    }

    /// Whatever happened while somebody listened was told, once, and nothing else. What one operation does to several deliveries
    /// of an envelope has no order of its own; a completion has its place.
    pub(super) fn compare(&self) {
        assert_eq!(in_stretches(&self.heard), in_stretches(&self.expected));
    }
}

/// Each envelope's notices, sorted between its completions.
fn in_stretches(said: &Said) -> Said {
    let is_completion = |line: &String| line.contains(".completed.");
    let mut all = said.clone();
    for lines in all.values_mut() {
        for stretch in lines.split_mut(is_completion) {
            stretch.sort_unstable();
        }
    }
    all
}

impl Model {
    /// A delivery ended.
    pub(super) fn tell_ended(&mut self, key: &DeliveryKey, state: Finished) {
        let known = &self.deliveries[key];
        let envelope = known.envelope;
        self.told.expect(envelope, format!("{}.settled", known.id), state.as_str());
        self.tell_completed(envelope);
    }

    /// The final outcome of a delivery that had ended is known.
    pub(super) fn tell_outcome(&mut self, key: &DeliveryKey, outcome: BusinessOutcome) {
        let known = self.deliveries.get_mut(key).unwrap();
        let (envelope, id, was_pending) = (known.envelope, known.id, std::mem::take(&mut known.pending));
        known.unknown = outcome == BusinessOutcome::Unknown;
        known.said = Some(outcome);
        self.told.expect(envelope, format!("{id}.outcome"), outcome.as_str());
        if was_pending {
            self.tell_completed(envelope);
        }
    }

    /// An outcome other than `applied` of what a broker took or an agency was to report on: its envelope is judged again.
    pub(super) fn reword(&mut self, key: &DeliveryKey, outcome: BusinessOutcome) {
        let known = self.deliveries.get_mut(key).unwrap();
        let was_pending = known.pending;
        known.said = Some(outcome);
        known.reworded |= known.enqueued;
        let envelope = known.envelope;
        if !was_pending {
            self.told.reopen(envelope);
        }
        self.tell_outcome(key, outcome);
        if !was_pending {
            self.tell_completed(envelope);
        }
    }

    fn tell_completed(&mut self, envelope: EnvelopeId) {
        let of = || self.deliveries.iter().filter(|(_, known)| known.envelope == envelope);
        let latest = of().filter(|(key, _)| self.latest(key) == *key).map(|(_, known)| known);
        let mut failed = false;
        for known in latest {
            match known.state {
                State::Finished(state) if !known.pending => {
                    let refused = known.said == Some(BusinessOutcome::Refused);
                    failed |= state != Finished::Delivered || known.unknown || refused;
                }
                _ => return,
            }
        }
        let redrives = of().filter(|(_, known)| known.id != known.first).count();
        let times = redrives + of().filter(|(_, known)| known.reworded).count();
        if self.told.complete.insert(envelope) {
            let word = if failed { "completed_with_failures" } else { "completed" };
            self.told.expect(envelope, format!("{envelope}.completed.{times}"), word);
        }
    }

    /// Outcomes that never came.
    pub(super) fn overdue(&mut self, before: i64) {
        let over =
            |(key, known): &(&DeliveryKey, &Known)| known.pending && known.fell_at < before && self.latest(key) == *key;
        let over: Vec<DeliveryKey> = self.deliveries.iter().filter(over).map(|(key, _)| key.clone()).collect();
        for key in over {
            self.tell_outcome(&key, BusinessOutcome::Unknown);
        }
    }
}

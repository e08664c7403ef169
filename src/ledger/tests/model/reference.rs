//! The reference: a ledger that fits on a page.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::super::*;
use super::told::Told;
use crate::model::id::{DeliveryId, EnvelopeId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Due(i64),
    Parked,
    Finished(Finished),
}

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) subject: u8,
    pub(super) accepted_at: i64,
    pub(super) expires: Option<i64>,
    pub(super) state: State,
    pub(super) id: DeliveryId,
    pub(super) envelope: EnvelopeId,
    /// Its first generation.
    pub(super) first: DeliveryId,
    /// When it ended, was parked, or came back.
    pub(super) fell_at: i64,
    /// Delivered, and its outcome is to follow.
    pub(super) pending: bool,
    /// Its outcome never came.
    pub(super) unknown: bool,
    /// Whether it ended by a broker's taking it.
    pub(super) enqueued: bool,
    /// The latest outcome.
    pub(super) said: Option<BusinessOutcome>,
    /// Whether the first word on what a broker took was another than `applied`, so that its envelope was judged again.
    pub(super) reworded: bool,
    /// Whether it came back; and then whether later ones of its lane may have been swept.
    pub(super) returned: Option<bool>,
}

/// A redrive or replay under way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) agency: &'static str,
    pub(super) created_at: i64,
    /// Of a replay: the last seq, and what it must lead again.
    pub(super) replay: Option<(Seq, BTreeSet<DeliveryKey>)>,
    pub(super) state: JobState,
}

/// See the module.
#[derive(Default)]
pub(super) struct Model {
    pub(super) deliveries: BTreeMap<DeliveryKey, Known>,
    pub(super) in_flight: BTreeSet<DeliveryKey>,
    pub(super) leased: BTreeMap<DeliveryKey, (Uuid, i64)>,
    pub(super) paused: BTreeSet<&'static str>,
    /// Agencies that are drained, and what still goes out.
    pub(super) drains: BTreeMap<&'static str, Seq>,
    pub(super) jobs: BTreeMap<Uuid, Job>,
    pub(super) told: Told,
    /// What ordered lanes delivered, swept or not: agency, subject, seq.
    delivered: BTreeSet<(AgencyId, u8, Seq)>,
    /// What they lost and nobody was told of, with the first generation's id.
    untold: BTreeMap<(AgencyId, u8, Seq), DeliveryId>,
    /// What tells of a gap.
    telling: BTreeSet<DeliveryKey>,
}

impl Model {
    /// The lowest unfinished delivery of the lane that `key` belongs to.
    pub(super) fn head(&self, key: &DeliveryKey) -> &DeliveryKey {
        let subject = self.deliveries[key].subject;
        if subject == 0 {
            return self.deliveries.get_key_value(key).unwrap().0;
        }
        let mut lane = self.deliveries.iter().filter(|(other, known)| {
            other.agency == key.agency && known.subject == subject && !matches!(known.state, State::Finished(_))
        });
        lane.next().unwrap().0
    }

    /// A claim or a lease offers a delivery: it must be its turn, and tell of the latest loss before it.
    pub(super) fn offered(&mut self, claimed: &Claimed, now: i64) {
        let key = &claimed.key;
        let known = self.deliveries[key].clone();
        let State::Due(due) = known.state else { panic!("{key:?} was offered in state {:?}", known.state) };
        assert!(due <= now, "{key:?} was offered before it was due");
        assert_eq!(self.head(key), key, "{key:?} was offered before its lane's head");
        assert_eq!((claimed.id, claimed.webhook_id), (known.id, known.first));
        assert_eq!(claimed.redrive, known.id != known.first);
        assert!(!self.paused.contains(key.agency.as_str()), "{key:?} was offered although its agency is paused");
        let mark = self.drains.get(key.agency.as_str());
        assert!(
            mark.is_none_or(|mark| key.seq <= *mark),
            "{key:?} was offered although its agency drains up to {mark:?}"
        );
        for job in self.jobs.values().filter(|job| job.agency == key.agency.as_str()) {
            let holds = matches!(job.state, JobState::Running | JobState::Paused);
            let (Some((until, _)), true) = (&job.replay, holds) else { continue };
            assert!(key.seq <= *until, "{key:?} did not wait for the replay up to {until}");
        }
        assert!(!self.leased.contains_key(key), "{key:?} was offered although it is leased");
        assert!(!self.in_flight.contains(key), "{key:?} was offered twice");
        let gap = self.gap(key, known.subject);
        assert_eq!(claimed.gap, gap, "{key:?} tells of another gap");
        if gap.is_some() {
            self.telling.insert(key.clone());
        }
    }

    fn gap(&self, key: &DeliveryKey, subject: u8) -> Option<DeliveryId> {
        let lane = |seq| (key.agency.clone(), subject, seq);
        let mut lost = self.untold.range(lane(Seq(0))..lane(key.seq));
        lost.next_back().map(|(_, id)| *id)
    }

    pub(super) fn pick(&self, pick: usize) -> Option<DeliveryKey> {
        (!self.in_flight.is_empty()).then(|| self.in_flight.iter().nth(pick % self.in_flight.len()).unwrap().clone())
    }

    /// What was out is settled.
    pub(super) fn settled(&mut self, key: &DeliveryKey, state: State, now: i64) {
        self.in_flight.remove(key);
        self.leased.remove(key);
        let tells = self.telling.remove(key);
        let subject = self.deliveries[key].subject;
        if tells && state == State::Finished(Finished::Delivered) {
            self.untold.retain(|(agency, lane, seq), _| (agency, *lane) != (&key.agency, subject) || *seq >= key.seq);
        }
        self.moves(key, state, now);
    }

    /// A delivery comes to another state.
    pub(super) fn moves(&mut self, key: &DeliveryKey, state: State, now: i64) {
        self.leased.remove(key);
        let known = self.deliveries.get_mut(key).unwrap();
        let had_ended = matches!(known.state, State::Finished(_));
        known.state = state;
        known.fell_at = now;
        if let (State::Finished(state), false) = (state, had_ended) {
            self.tell_ended(key, state);
        }
        let known = &self.deliveries[key];
        if known.subject == 0 {
            return;
        }
        let place = (key.agency.clone(), known.subject, key.seq);
        match state {
            State::Finished(Finished::Delivered) => {
                self.untold.remove(&place);
                self.delivered.insert(place);
            }
            State::Finished(Finished::Dead | Finished::Skipped) => {
                self.untold.insert(place, known.first);
            }
            _ => {}
        }
    }

    pub(super) fn expire(&mut self, now: i64) {
        let over = |(key, known): &(&DeliveryKey, &Known)| {
            let leased = self.leased.get(*key).is_some_and(|(_, until)| *until > now);
            let over = known.expires.is_some_and(|at| at <= now) && !self.in_flight.contains(*key) && !leased;
            over && !matches!(known.state, State::Finished(_))
        };
        let over: Vec<DeliveryKey> = self.deliveries.iter().filter(over).map(|(key, _)| key.clone()).collect();
        for key in over {
            self.moves(&key, State::Finished(Finished::Expired), now);
        }
    }

    /// What is swept is known no more.
    pub(super) fn sweep(&mut self, swept: &BTreeSet<Seq>) {
        for (key, known) in &self.deliveries {
            let finished = matches!(known.state, State::Finished(_));
            assert!(finished || !swept.contains(&key.seq), "{key:?} was swept unfinished");
        }
        self.deliveries.retain(|key, _| !swept.contains(&key.seq));
        self.untold.retain(|(_, _, seq), _| !swept.contains(seq));
    }

    /// The latest generation of the same duty.
    pub(super) fn latest(&self, key: &DeliveryKey) -> &DeliveryKey {
        let mut duty = self.deliveries.keys().filter(|other| (&other.agency, other.seq) == (&key.agency, key.seq));
        duty.next_back().unwrap()
    }

    /// Whether the lane has delivered it or a later one. What came back is not overtaken by itself.
    pub(super) fn is_overtaken(&self, key: &DeliveryKey) -> bool {
        let known = &self.deliveries[key];
        let lane = |seq| (key.agency.clone(), known.subject, seq);
        let first = if known.returned.is_some() { Seq(key.seq.0 + 1) } else { key.seq };
        known.returned == Some(true) || self.delivered.range(lane(first)..=lane(Seq(u64::MAX))).next().is_some()
    }

    /// Whether the lane has delivered a later one that was not swept.
    pub(super) fn has_delivered_after(&self, key: &DeliveryKey) -> bool {
        let subject = self.deliveries[key].subject;
        let lane = self
            .deliveries
            .iter()
            .filter(|(other, known)| other.agency == key.agency && known.subject == subject && other.seq > key.seq);
        lane.map(|(_, known)| known.state).any(|state| state == State::Finished(Finished::Delivered))
    }

    /// Whether a lane is in flight or leased.
    pub(super) fn is_out(&self, key: &DeliveryKey, now: i64) -> bool {
        self.in_flight.contains(key) || self.leased.get(key).is_some_and(|(_, until)| *until > now)
    }

    /// Dead and parked deliveries of an agency: key, whether it is parked, whether it is overtaken.
    pub(super) fn letters(&self, name: &str) -> Vec<(DeliveryKey, bool, bool)> {
        let mut letters = Vec::new();
        for (key, known) in self.deliveries.iter().filter(|(key, _)| key.agency.as_str() == name) {
            match known.state {
                State::Parked if self.head(key) == key => letters.push((key.clone(), true, false)),
                State::Finished(Finished::Dead) if self.latest(key) == key => {
                    letters.push((key.clone(), false, self.is_overtaken(key)));
                }
                State::Finished(Finished::Delivered) if known.returned.is_some() && self.latest(key) == key => {
                    letters.push((key.clone(), false, self.is_overtaken(key)));
                }
                _ => {}
            }
        }
        letters
    }

    pub(super) fn count(&self, name: &str, wanted: impl Fn(&DeliveryKey, State) -> bool) -> u64 {
        let of = self.deliveries.iter().filter(|(key, _)| key.agency.as_str() == name);
        of.filter(|(key, known)| wanted(key, known.state)).count() as u64
    }
}

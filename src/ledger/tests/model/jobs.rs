//! Redrives and replays in a run: what a job plans and makes is held against the reference.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::*;
use super::reference::{Job, Known, State};
use super::run::Run;
use crate::model::id::DeliveryId;

impl Run {
    pub(super) async fn redrive(&mut self, name: &'static str, named: bool, force: bool) -> Uuid {
        let letters = self.model.letters(name);
        let ids: Vec<DeliveryId> = letters.iter().map(|(key, _, _)| self.model.deliveries[key].id).collect();
        let ids = if named { ids } else { vec![] };
        let force = force && named && !ids.is_empty();
        let query = DeadQuery { agency: Some(agency(name)), ids, ..DeadQuery::default() };
        let ask = RedriveAsk { query, force, rate_per_second: None, actor: actor() };
        let plan = self.house.ledger().plan_redrive(ask.clone(), self.house.now).await.unwrap();
        let overtaken = letters.iter().filter(|(_, _, overtaken)| *overtaken && !force).count();
        assert_eq!(plan.held_back.len(), overtaken);
        assert_eq!(plan.eligible as usize, letters.len() - overtaken, "{letters:?}");
        let job = self.house.ledger().redrive(ask, self.house.now).await.unwrap();
        assert_eq!((job.eligible, &job.held_back), (plan.eligible, &plan.held_back));
        let state = job.state;
        // A forced one is not held against what was delivered since.
        let created_at = if force { i64::MIN } else { self.house.now.0 };
        self.model.jobs.insert(job.id, Job { agency: name, created_at, replay: None, state });
        job.id
    }

    pub(super) async fn replay(&mut self, name: &'static str, back_ms: i64) -> Uuid {
        let from = At(self.house.now.0 - back_ms);
        let job = self.house.ledger().replay(agency(name), from, actor(), self.house.now).await.unwrap();
        if self.model.jobs.contains_key(&job.id) {
            assert!(self.model.jobs[&job.id].replay.is_some());
            return job.id;
        }
        let mut again = BTreeSet::new();
        let mut until = Seq(0);
        for (key, known) in &self.model.deliveries {
            until = until.max(key.seq);
            let ended = matches!(known.state, State::Finished(Finished::Delivered | Finished::Dead));
            if key.agency.as_str() == name && known.accepted_at >= from.0 && ended && self.model.latest(key) == key {
                again.insert(key.clone());
            }
        }
        let until = until.max(self.swept.last().copied().unwrap_or(Seq(0)));
        let replay = Some((until, again));
        self.model.jobs.insert(job.id, Job { agency: name, created_at: 0, replay, state: job.state });
        job.id
    }

    /// One step of a job; what it made is held against the rules.
    pub(super) async fn work(&mut self, id: Uuid, limit: usize) {
        let now = self.house.now;
        let before = self.house.ledger().job(id).await.unwrap().unwrap();
        let job = self.house.ledger().work_job(id, limit, now).await.unwrap().unwrap();
        let made = self.meet(id).await;
        assert_eq!(job.made - before.made, made, "{job:?}");
        assert!(made as usize <= limit);
        if job.state == JobState::Done && self.model.jobs[&id].state != JobState::Done {
            self.is_through(id, now.0);
        }
        self.model.jobs.get_mut(&id).unwrap().state = job.state;
    }

    /// Looks for what a job made. Returns how many.
    async fn meet(&mut self, id: Uuid) -> u64 {
        let now = self.house.now.0;
        let of_job = self.model.jobs[&id].agency;
        let envelopes: BTreeSet<_> = self.model.deliveries.values().map(|known| known.envelope).collect();
        let mut made = 0;
        for envelope in envelopes {
            let view = self.house.ledger().envelope(envelope).await.unwrap().unwrap();
            for delivery in view.deliveries {
                let key = delivery.key;
                match self.model.deliveries.get(&key) {
                    Some(known) if known.state == State::Parked && self.model.head(&key) == &key => {
                        if !matches!(delivery.standing, Standing::Parked { .. }) {
                            assert_eq!(key.agency.as_str(), of_job);
                            self.model.moves(&key, State::Due(now), now);
                            made += 1;
                        }
                    }
                    Some(_) => {}
                    None => {
                        assert_eq!(key.agency.as_str(), of_job);
                        self.led_again(&key, delivery.id, id);
                        made += 1;
                    }
                }
            }
        }
        made
    }

    fn led_again(&mut self, key: &DeliveryKey, id: DeliveryId, job: Uuid) {
        let now = self.house.now.0;
        let before = self.model.latest(&DeliveryKey { slot: Slot(0), ..key.clone() }).clone();
        let known = self.model.deliveries[&before].clone();
        let job = &self.model.jobs[&job];
        match known.state {
            State::Finished(Finished::Dead) if job.replay.is_none() && job.created_at != i64::MIN => {
                assert!(!self.model.is_overtaken(&before), "{key:?} was led again although its lane had gone on");
                assert!(known.fell_at <= job.created_at, "{key:?} died after the job was asked for");
            }
            State::Finished(Finished::Dead) => {}
            State::Finished(Finished::Delivered) if known.returned.is_some() && job.replay.is_none() => {
                if job.created_at != i64::MIN {
                    assert!(!self.model.is_overtaken(&before), "{key:?} was led again although its lane had gone on");
                    assert!(known.fell_at <= job.created_at, "{key:?} came back after the job was asked for");
                }
            }
            State::Finished(Finished::Delivered) => assert!(job.replay.is_some(), "{key:?} was delivered"),
            state => panic!("{key:?} was led again in {state:?}"),
        }
        let lane = self.model.deliveries.iter().filter(|(other, other_known)| {
            other.agency == key.agency && known.subject != 0 && other_known.subject == known.subject
        });
        for (other, _) in lane {
            assert!(!self.model.is_out(other, now), "{key:?} was led again although {other:?} of its lane is out");
        }
        self.model.told.reopen(known.envelope);
        let again = Known { id, state: State::Due(0), fell_at: 0, pending: false, unknown: false, ..known };
        let again = Known { enqueued: false, said: None, reworded: false, returned: None, ..again };
        self.model.deliveries.insert(key.clone(), again);
    }

    /// A job that is through has left nothing that it could have made.
    fn is_through(&self, id: Uuid, now: i64) {
        let job = &self.model.jobs[&id];
        match &job.replay {
            Some((_, again)) => {
                for key in again.iter().filter(|key| !self.swept.contains(&key.seq)) {
                    assert_ne!(self.model.latest(key), key, "the replay left {key:?} out");
                }
            }
            None if job.created_at == i64::MIN => {}
            None => {
                for (key, parked, overtaken) in self.model.letters(job.agency) {
                    let fell_at = self.model.deliveries[&key].fell_at;
                    let later = fell_at >= job.created_at || (parked && fell_at <= now);
                    assert!(overtaken || later, "the redrive left {key:?} out");
                }
            }
        }
    }
}

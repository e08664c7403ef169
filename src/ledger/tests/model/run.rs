//! One run: each step is done to the ledger and to the reference, and what the ledger answers is held against the reference.

use uuid::Uuid;

use super::super::*;
use super::reference::{Known, Model, State};
use super::{AGENCIES, EXPIRES_MS, How, Step};
use crate::model::envelope::Digest;
use crate::model::id::DeliveryId;
use std::collections::BTreeSet;

pub(super) struct Run {
    pub(super) house: House,
    pub(super) model: Model,
    pub(super) swept: BTreeSet<Seq>,
    pub(super) accepted: Vec<Came>,
}

/// An envelope, the seq under which it was accepted last, and what the reference must know of its deliveries.
#[derive(Debug, Clone)]
pub(super) struct Came {
    new: NewEnvelope,
    seq: Seq,
    subject: u8,
    expires: Option<i64>,
}

impl Run {
    async fn accept(&mut self, subject: u8, agencies: u8, expires: bool) {
        let to: Vec<&str> =
            AGENCIES.into_iter().enumerate().filter(|(n, _)| agencies & (1 << n) != 0).map(|(_, a)| a).collect();
        self.house.next += 1;
        let subject_text = if subject == 0 { String::new() } else { format!("s{subject}") };
        let mut new = envelope(&format!("e{}", self.house.next), &subject_text, &to);
        let expires = expires.then_some(self.house.now.0 + EXPIRES_MS);
        if let Some(at) = expires {
            let text = AttributeValue::Text(At(at).to_string());
            new.envelope.attributes.extensions.insert("expirytime".into(), text);
            new.digest = new.envelope.digest();
        }
        self.is_new(Came { new, seq: Seq(0), subject, expires }).await;
    }

    /// An identity that is there is a repeat; one that was swept is free.
    async fn again(&mut self, pick: usize) {
        if self.accepted.is_empty() {
            return;
        }
        let came = self.accepted.remove(pick % self.accepted.len());
        if self.swept.contains(&came.seq) {
            self.is_new(came).await;
            return;
        }
        let again = self.house.ledger().accept(came.new.clone(), self.house.now).await.unwrap();
        let Acceptance::Repeat(view) = again else { panic!("{came:?} was there: {again:?}") };
        assert_eq!(view.seq, came.seq);
        let other = NewEnvelope { digest: Digest([7; 32]), ..came.new.clone() };
        let other = self.house.ledger().accept(other, self.house.now).await.unwrap();
        assert_eq!(other, Acceptance::Clash { id: view.id });
        self.accepted.push(came);
    }

    async fn is_new(&mut self, came: Came) {
        let Came { new, subject, expires, .. } = came.clone();
        let Acceptance::New(view) = self.house.ledger().accept(new, self.house.now).await.unwrap() else {
            panic!("not new")
        };
        self.accepted.push(Came { seq: view.seq, ..came });
        for delivery in view.deliveries {
            let known = Known {
                subject,
                accepted_at: view.accepted_at.0,
                expires,
                state: State::Due(0),
                id: delivery.id,
                envelope: view.id,
                first: delivery.id,
                fell_at: 0,
                pending: false,
                unknown: false,
                enqueued: false,
                said: None,
                reworded: false,
                returned: None,
            };
            assert!(self.model.deliveries.insert(delivery.key, known).is_none(), "a place was given twice");
        }
    }

    async fn claim(&mut self, name: &str, want: usize) -> usize {
        let claim = self.house.ledger().claim(&agency(name), want, self.house.now).await.unwrap();
        assert!(claim.deliveries.len() <= want);
        for claimed in &claim.deliveries {
            self.model.offered(claimed, self.house.now.0);
            self.model.in_flight.insert(claimed.key.clone());
        }
        claim.deliveries.len()
    }

    async fn lease(&mut self, name: &str, want: usize, ms: i64) {
        let length = Duration::from_millis(ms.cast_unsigned());
        let leased = self.house.ledger().lease(&agency(name), want, length, self.house.now).await.unwrap();
        assert!(leased.len() <= want);
        for Leased { claimed, lease, until } in leased {
            self.model.offered(&claimed, self.house.now.0);
            assert_eq!(until.0, self.house.now.0 + ms);
            self.model.leased.insert(claimed.key, (lease, until.0));
        }
    }

    fn settlement(&self, key: &DeliveryKey, how: How) -> (Settlement, State) {
        let now = self.house.now;
        let (transition, state) = match how {
            How::Deliver | How::Enqueue | How::Pend => (DELIVERED, State::Finished(Finished::Delivered)),
            How::Retry(ms) => (Transition::Retry { due: At(now.0 + ms) }, State::Due(now.0 + ms)),
            How::Park => (Transition::Park, State::Parked),
            How::Die => (dead(), State::Finished(Finished::Dead)),
            How::Expire => {
                (Transition::Finish { state: Finished::Expired, why: None }, State::Finished(Finished::Expired))
            }
        };
        let mut settlement = settlement(key.clone(), transition, now);
        if let How::Expire = how {
            settlement.attempt = None;
        }
        if let How::Pend = how {
            settlement.report = reported(BusinessOutcome::Pending);
        }
        if let How::Enqueue = how {
            settlement.by = BROKER.to_owned();
        }
        (settlement, state)
    }

    async fn settle(&mut self, key: DeliveryKey, how: How) {
        let (settlement, state) = self.settlement(&key, how);
        self.house.ledger().settle(vec![settlement], self.house.now).await.unwrap();
        self.settled(&key, how, state);
    }

    fn settled(&mut self, key: &DeliveryKey, how: How, state: State) {
        let known = self.model.deliveries.get_mut(key).unwrap();
        known.pending = matches!(how, How::Pend);
        known.enqueued = matches!(how, How::Enqueue);
        known.said = matches!(how, How::Pend).then_some(BusinessOutcome::Pending);
        self.model.settled(key, state, self.house.now.0);
    }

    pub(super) async fn hear(&mut self) {
        let heard = self.house.hear().await;
        self.model.told.hear(&heard);
    }

    async fn settle_lease(&mut self, pick: usize, how: How, forged: bool) {
        if self.model.leased.is_empty() {
            return;
        }
        let (key, (token, until)) = self.model.leased.iter().nth(pick % self.model.leased.len()).unwrap();
        let (key, token, until) = (key.clone(), *token, *until);
        let token = if forged { Uuid::from_u128(token.as_u128() ^ 1) } else { token };
        let (settlement, state) = self.settlement(&key, how);
        let done = self.house.ledger().settle_lease(token, settlement, self.house.now).await.unwrap();
        let in_force = !forged && until > self.house.now.0;
        assert_eq!(done, in_force, "{key:?} was settled under a lease that was not in force, or the other way round");
        if done {
            self.settled(&key, how, state);
        }
    }

    async fn run_out(&mut self, name: &str) {
        let now = self.house.now;
        let out = self.house.ledger().expired_leases(&agency(name), 100, now).await.unwrap();
        let over = |(key, (_, until)): &(&DeliveryKey, &(Uuid, i64))| {
            key.agency.as_str() == name && *until <= now.0 && !self.model.in_flight.contains(*key)
        };
        let expected: BTreeSet<DeliveryKey> =
            self.model.leased.iter().filter(over).map(|(key, _)| key.clone()).collect();
        assert_eq!(out.iter().map(|claimed| claimed.key.clone()).collect::<BTreeSet<_>>(), expected);
        self.model.in_flight.extend(expected);
    }

    pub(super) async fn step(&mut self, step: Step) {
        match step {
            Step::Accept { subject, agencies, expires } => self.accept(subject, agencies, expires).await,
            Step::Burst { subject, count } => {
                for _ in 0..count {
                    self.accept(subject, 1, false).await;
                }
            }
            Step::Again { pick } => self.again(pick).await,
            Step::Claim { agency, want } => {
                self.claim(AGENCIES[agency], want).await;
            }
            Step::Lease { agency, want, ms } => self.lease(AGENCIES[agency], want, ms).await,
            Step::Settle { pick, how } => {
                if let Some(key) = self.model.pick(pick) {
                    self.settle(key, how).await;
                }
            }
            Step::SettleLease { pick, how, forged } => self.settle_lease(pick, how, forged).await,
            Step::RunOut { agency } => self.run_out(AGENCIES[agency]).await,
            Step::GiveBack { pick } => {
                if let Some(key) = self.model.pick(pick) {
                    self.model.in_flight.remove(&key);
                    self.house.ledger().give_back(vec![key]).await.unwrap();
                }
            }
            Step::Advance { ms } => self.house.now.0 += ms,
            Step::Expire => {
                while self.house.ledger().expire(self.house.now, 3).await.unwrap().len() == 3 {}
                self.model.expire(self.house.now.0);
            }
            Step::Overdue => {
                let before = At(self.house.now.0 - 30);
                while self.house.ledger().close_overdue(before, self.house.now, 3).await.unwrap().len() == 3 {}
                self.model.overdue(before.0);
            }
            Step::Listen { listens } => {
                self.house.listen(listens);
                self.model.told.listens = listens;
            }
            Step::Hear => self.hear().await,
            Step::Report { pick } => self.report(pick).await,
            Step::Bounce { pick } => self.bounce(pick).await,
            Step::Pause { agency: n } => {
                self.house.ledger().pause(&agency(AGENCIES[n]), actor(), self.house.now).await.unwrap();
                self.model.paused.insert(AGENCIES[n]);
                self.model.drains.remove(AGENCIES[n]);
            }
            Step::Drain { agency: n } => {
                let pause = self.house.ledger().drain(&agency(AGENCIES[n]), actor(), self.house.now).await.unwrap();
                let known = self.model.deliveries.keys().map(|key| key.seq).max();
                // What was told to senders has its place in the order too.
                let through = pause.drain.unwrap().through;
                assert!(known.max(self.swept.last().copied()) <= Some(through));
                self.model.paused.remove(AGENCIES[n]);
                self.model.drains.insert(AGENCIES[n], through);
            }
            Step::Resume { agency: n } => {
                let was = self.house.ledger().resume(&agency(AGENCIES[n]), actor(), self.house.now).await.unwrap();
                let drained = self.model.drains.remove(AGENCIES[n]).is_some();
                assert_eq!(was.is_some(), self.model.paused.remove(AGENCIES[n]) || drained);
            }
            Step::Operate { pick, operation } => self.operate(pick, operation).await,
            Step::Redrive { agency, named, force, limit } => {
                let id = self.redrive(AGENCIES[agency], named, force).await;
                self.work(id, limit).await;
            }
            Step::Replay { agency, back_ms, limit } => {
                let id = self.replay(AGENCIES[agency], back_ms).await;
                self.work(id, limit).await;
            }
            Step::Work { pick, limit } => {
                if let Some(id) = self.pick_job(pick) {
                    self.work(id, limit).await;
                }
            }
            Step::OperateJob { pick, operation } => {
                if let Some(id) = self.pick_job(pick) {
                    let ledger = self.house.ledger();
                    let job = ledger.operate_job(id, operation, actor(), self.house.now).await.unwrap().unwrap();
                    self.model.jobs.get_mut(&id).unwrap().state = job.state;
                }
            }
            Step::Sweep => self.sweep().await,
            Step::Crash => {
                self.house.crash();
                self.model.in_flight.clear();
                self.house.check();
            }
        }
    }

    fn pick_job(&self, pick: usize) -> Option<Uuid> {
        let jobs = &self.model.jobs;
        (!jobs.is_empty()).then(|| *jobs.keys().nth(pick % jobs.len()).unwrap())
    }

    fn pick(&self, pick: usize) -> Option<(DeliveryKey, Known)> {
        let all = &self.model.deliveries;
        let (key, known) = all.iter().nth(pick.checked_rem(all.len())?)?;
        Some((key.clone(), known.clone()))
    }

    /// A report on any delivery, finished or not; it is about the latest generation.
    async fn report(&mut self, pick: usize) {
        let Some((key, known)) = self.pick(pick) else { return };
        let (ledger, now) = (self.house.ledger(), self.house.now);
        let answer = ledger
            .report(known.id, BusinessOutcome::Applied, Report::default(), key.agency.as_str(), now)
            .await
            .unwrap();
        let key = self.model.latest(&key).clone();
        let known = &self.model.deliveries[&key];
        let flies = self.model.in_flight.contains(&key);
        let delivered = State::Finished(Finished::Delivered);
        match answer {
            None => assert!(self.swept.contains(&key.seq), "{key:?} is gone"),
            Some(Reported::Noted) => {
                assert!(flies);
                // Settled by the report, whatever comes.
                let settlement = settlement(key.clone(), Transition::Retry { due: now }, now);
                ledger.settle(vec![settlement], now).await.unwrap();
                self.model.settled(&key, delivered, now.0);
                self.model.deliveries.get_mut(&key).unwrap().said = Some(BusinessOutcome::Applied);
            }
            Some(Reported::Recorded(view)) => {
                assert!(!flies && view.id == known.id);
                assert!(matches!(view.standing, Standing::Finished { state: Finished::Delivered, .. }));
                assert!(!self.model.leased.contains_key(&key), "{key:?} is leased, and was settled without its lease");
                assert_eq!(known.returned, None, "{key:?} came back");
                match known.state == delivered {
                    true => self.model.tell_outcome(&key, BusinessOutcome::Applied),
                    false => self.model.moves(&key, delivered, now.0),
                }
                self.model.deliveries.get_mut(&key).unwrap().said = Some(BusinessOutcome::Applied);
            }
            Some(Reported::Repeat(_)) => assert_eq!(known.state, delivered),
            Some(Reported::Conflict(view)) => match view.standing {
                Standing::Finished { state, .. } => assert_eq!(known.state, State::Finished(state)),
                Standing::Leased { .. } => assert!(self.model.leased.contains_key(&key)),
                standing => assert!(matches!(standing, Standing::Behind { .. }), "{standing:?}"),
            },
        }
    }

    /// Any generation of any delivery comes back, whether it can or not.
    async fn bounce(&mut self, pick: usize) {
        let Some((key, known)) = self.pick(pick) else { return };
        let now = self.house.now;
        let answer = self.house.ledger().bounce(known.id, "rejected", now).await.unwrap();
        let is_latest = self.model.latest(&key) == &key;
        let delivered = State::Finished(Finished::Delivered);
        let is_open = known.said.is_some_and(|said| !said.is_final()) || (known.said.is_none() && known.enqueued);
        let takes = known.state == delivered && is_latest && known.returned.is_none() && is_open;
        match answer {
            None => assert!(self.swept.contains(&key.seq), "{key:?} is gone"),
            Some(Bounced::InFlight) => assert!(self.model.in_flight.contains(&key) && is_latest),
            Some(Bounced::Repeat(_)) => assert!(known.returned.is_some() && is_latest),
            Some(Bounced::Stale(_)) => assert!(!takes, "{key:?} came back and was forgotten: {known:?}"),
            Some(Bounced::Recorded(view)) => {
                let unfinished = !matches!(known.state, State::Finished(_));
                let is_head = unfinished && self.model.head(&key) == &key && !self.model.is_out(&key, now.0);
                assert!(takes || is_head, "{key:?} cannot have come back: {known:?}");
                assert_eq!(view.report.outcome, Some(BusinessOutcome::Refused));
                assert!(matches!(view.standing, Standing::Finished { state: Finished::Delivered, .. }));
                let swept_since = self.swept.last().is_some_and(|last| *last > key.seq);
                let later = self.model.has_delivered_after(&key);
                let known = self.model.deliveries.get_mut(&key).unwrap();
                known.returned = Some(known.subject != 0 && swept_since && !later);
                match unfinished {
                    true => {
                        known.said = Some(BusinessOutcome::Refused);
                        self.model.moves(&key, delivered, now.0);
                    }
                    false => self.model.reword(&key, BusinessOutcome::Refused),
                }
                self.model.deliveries.get_mut(&key).unwrap().fell_at = now.0;
            }
        }
    }

    async fn operate(&mut self, pick: usize, operation: Operation) {
        let Some((key, known)) = self.pick(pick) else { return };
        let now = self.house.now;
        let operated = self.house.ledger().operate(known.id, operation, actor(), now).await.unwrap();
        let Some(operated) = operated else {
            assert!(self.swept.contains(&key.seq), "{key:?} is gone");
            return;
        };
        if matches!(known.state, State::Finished(_)) {
            assert!(matches!(operated, Operated::NotApplicable(_)), "{key:?} has ended: {operated:?}");
            return;
        }
        assert_eq!(
            self.model.is_out(&key, now.0),
            matches!(operated, Operated::InFlight(_)),
            "{key:?} is out: {operated:?}"
        );
        if self.model.is_out(&key, now.0) {
            return;
        }
        let is_head = self.model.head(&key) == &key;
        let parked = is_head && known.state == State::Parked && !self.model.leased.contains_key(&key);
        let expected = match operation {
            Operation::Retry => is_head.then_some(State::Due(now.0)),
            Operation::Skip => Some(State::Finished(Finished::Skipped)),
            Operation::Cancel => Some(State::Finished(Finished::Cancelled)),
            Operation::Release => parked.then_some(State::Finished(Finished::Dead)),
        };
        match (operated, expected) {
            (Operated::Done(_), Some(state)) => self.model.moves(&key, state, now.0),
            (Operated::NotApplicable(_), None) => {}
            // A head that flows has nothing to retry.
            (Operated::NotApplicable(view), Some(State::Due(_))) => assert_eq!(view.standing, Standing::Queued),
            other => panic!("{key:?} in {:?}, {operation:?}: {other:?}", known.state),
        }
    }

    /// Forgets what was complete a while ago; what is gone was finished.
    async fn sweep(&mut self) {
        self.house.ledger().sweep(At(self.house.now.0 - 100), 1000).await.unwrap();
        let mut seqs: Vec<(Seq, DeliveryId)> =
            self.model.deliveries.iter().map(|(key, known)| (key.seq, known.first)).collect();
        seqs.dedup_by_key(|(seq, _)| *seq);
        for (seq, id) in seqs {
            if self.house.ledger().delivery(id).await.unwrap().is_none() {
                self.swept.insert(seq);
            }
        }
        self.model.sweep(&self.swept);
    }

    /// Drives everything to its end: whatever is not parked, or behind what is, must be offered.
    pub(super) async fn drain(&mut self) {
        self.house.now.0 += 1000;
        for name in AGENCIES {
            self.house.ledger().resume(&agency(name), actor(), self.house.now).await.unwrap();
        }
        self.model.paused.clear();
        self.model.drains.clear();
        for id in self.model.jobs.keys().copied().collect::<Vec<_>>() {
            let ledger = self.house.ledger();
            let job = ledger.operate_job(id, JobOperation::Resume, actor(), self.house.now).await.unwrap().unwrap();
            self.model.jobs.get_mut(&id).unwrap().state = job.state;
        }
        let mut idle = 0;
        // A claim may find nothing while rows are on their way behind a head, so one empty round proves nothing.
        while idle < 20 {
            let mut found = 0;
            for id in self.model.jobs.keys().copied().collect::<Vec<_>>() {
                if self.model.jobs[&id].state == JobState::Running {
                    self.work(id, 100).await;
                }
            }
            for name in AGENCIES {
                self.run_out(name).await;
                found += self.claim(name, 5).await;
            }
            while let Some(key) = self.model.pick(0) {
                found += 1;
                self.settle(key, How::Deliver).await;
            }
            idle = if found == 0 { idle + 1 } else { 0 };
        }
        for job in self.model.jobs.values() {
            assert_ne!(job.state, JobState::Running, "{job:?} never came to its end");
        }
        for (key, known) in &self.model.deliveries {
            if known.state != State::Parked && !matches!(known.state, State::Finished(_)) {
                let head = self.model.head(key);
                assert_eq!(self.model.deliveries[head].state, State::Parked, "{key:?} was never offered");
            }
        }
    }

    /// What a search by subject, by correlation and by identity finds is what is there.
    async fn found(&self) {
        let there = || self.accepted.iter().filter(|came| !self.swept.contains(&came.seq));
        let rising = |subject: Option<u8>| {
            let seqs = there().filter(|came| subject.is_none_or(|subject| came.subject == subject));
            seqs.map(|came| came.seq.0).collect::<BTreeSet<_>>().into_iter().rev().collect::<Vec<_>>()
        };
        for subject in 1..4 {
            let query = Query { subject: Some(format!("s{subject}")), ..Query::default() };
            assert_eq!(self.house.find_all(query).await, rising(Some(subject)));
        }
        let query = Query { correlation_id: Some("case-1".into()), without_notices: true, ..Query::default() };
        assert_eq!(self.house.find_all(query).await, rising(None));
        for came in &self.accepted {
            let Attributes { source, id, .. } = &came.new.envelope.attributes;
            let known = self.house.ledger().known(source, id, &came.new.digest).await.unwrap();
            let known = known.map(|known| match known {
                Acceptance::Repeat(view) => view.seq,
                other => panic!("{came:?}: {other:?}"),
            });
            assert_eq!(known, (!self.swept.contains(&came.seq)).then_some(came.seq));
        }
    }

    pub(super) async fn compare(&self) {
        self.found().await;
        let of_the_lanes = |(id, _): &(AgencyId, Tally)| AGENCIES.contains(&id.as_str());
        for (id, tally) in self.house.ledger().tallies().into_iter().filter(of_the_lanes) {
            let name = id.as_str();
            let ends = [
                (Finished::Delivered, tally.delivered),
                (Finished::Dead, tally.dead),
                (Finished::Expired, tally.expired),
                (Finished::Skipped, tally.skipped),
                (Finished::Cancelled, tally.cancelled),
            ];
            for (state, count) in ends {
                let ended = self.model.count(name, |_, known| known == State::Finished(state));
                assert_eq!(count, ended, "{name} {state:?}");
            }
            let is_parked = |key: &DeliveryKey, state| state == State::Parked && self.model.head(key) == key;
            let is_leased = |key: &DeliveryKey| self.model.leased.contains_key(key);
            assert_eq!(tally.parked, self.model.count(name, is_parked), "{name} parked");
            let leased = self.model.count(name, |key, state| is_leased(key) && !matches!(state, State::Finished(_)));
            assert_eq!(tally.leased, leased, "{name} leased");
            let waiting = tally.pending + tally.retry + tally.behind;
            let waits = |key: &DeliveryKey, state| {
                !is_leased(key) && !is_parked(key, state) && !matches!(state, State::Finished(_))
            };
            assert_eq!(waiting, self.model.count(name, waits), "{name} waiting");
        }
        for name in AGENCIES {
            let query = DeadQuery { agency: Some(agency(name)), limit: 1000, ..DeadQuery::default() };
            let letters = self.house.ledger().dead_letters(query).await.unwrap().into_iter();
            let letters: Vec<_> = letters
                .map(|letter| {
                    let parked = matches!(letter.delivery.standing, Standing::Parked { .. });
                    (letter.delivery.key, parked, letter.overtaken)
                })
                .collect();
            assert_eq!(letters, self.model.letters(name));
            let pause = self.house.ledger().paused(&agency(name));
            assert_eq!(pause.as_ref().is_some_and(|pause| pause.drain.is_none()), self.model.paused.contains(name));
            let drain = pause.and_then(|pause| pause.drain);
            assert_eq!(drain.map(|drain| drain.through), self.model.drains.get(name).copied());
            if let Some(drain) = drain {
                let unfinished =
                    |key: &DeliveryKey, state| key.seq <= drain.through && !matches!(state, State::Finished(_));
                assert_eq!(drain.left, self.model.count(name, unfinished), "{name} has so many left to drain");
            }
        }
    }
}

//! What became of an agency's latest deliveries: the evidence by which one fault is told from another.
//!
//! Pure, and bounded in time and number. E1: a delivery counts once, by its latest outcome. E2: only endpoint faults that are not
//! a delivery's own are a share of faults; any fault is remembered as the last one of its delivery. Nothing here outlives the
//! process: after a restart nothing is proved.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::id::Seq;
use crate::model::outcome::Class;
use crate::model::retry::Evidence;
use crate::model::time::At;

/// How far back it goes.
const WINDOW: Duration = Duration::from_secs(60);
/// Outcomes that are looked at: enough that [`crate::model::retry::POISON_OTHERS`] are among them while half of the deliveries fail
/// three times each, few enough to look at each time.
const KEPT: usize = 128;
/// Deliveries before their share of faults means anything.
const SHARE_MIN: usize = 20;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The agency has it.
    Passed,
    /// The agency answered, and did not take it.
    Answered,
    /// The endpoint failed.
    Failed,
    /// It failed otherwise: the fault is its own, or the way to the agency's.
    Aside,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Recent {
    marks: VecDeque<(At, Seq, Mark)>,
    answered_at: Option<At>,
    passed_at: Option<At>,
}

impl Recent {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The agency took a delivery, or answered something else that a living endpoint answers.
    pub fn answered(&mut self, delivery: Seq, class: Class, now: At) {
        self.answered_at = Some(now);
        let mark = if class == Class::Done { Mark::Passed } else { Mark::Answered };
        if mark == Mark::Passed {
            self.passed_at = Some(now);
        }
        self.mark(now, delivery, mark);
    }

    /// The endpoint failed a delivery.
    pub fn failed(&mut self, delivery: Seq, now: At) {
        self.mark(now, delivery, Mark::Failed);
    }

    /// A delivery failed, and that says nothing about the endpoint.
    pub fn failed_aside(&mut self, delivery: Seq, now: At) {
        self.mark(now, delivery, Mark::Aside);
    }

    /// The deliveries that the endpoint failed, where they are half of all, and there are some.
    pub fn failing_half(&self) -> Option<Vec<Seq>> {
        let mut latest: Vec<(Seq, bool)> = Vec::with_capacity(self.marks.len());
        for (_, delivery, mark) in self.marks.iter().rev() {
            // Keeps E1 and E2.
            if *mark != Mark::Aside && !latest.iter().any(|(seen, _)| seen == delivery) {
                latest.push((*delivery, *mark == Mark::Failed));
            }
        }
        let failed: Vec<Seq> = latest.iter().filter(|(_, failed)| *failed).map(|(seen, _)| *seen).collect();
        (latest.len() >= SHARE_MIN && failed.len() * 2 >= latest.len()).then_some(failed)
    }

    /// What is known when an attempt of a delivery has ended, its own outcome not included.
    pub fn evidence(&self, delivery: Seq, now: At) -> Evidence {
        let Self { answered_at, passed_at, .. } = *self;
        Evidence { outage: None, answered_at, passed_at, passed: self.passed(delivery, now) }
    }

    /// Others that passed since a delivery failed before. Where that is not remembered it was before all that is.
    fn passed(&self, delivery: Seq, now: At) -> usize {
        let since = self.marks.iter().rev().take_while(|(at, seen, mark)| {
            let failed = *seen == delivery && matches!(mark, Mark::Failed | Mark::Aside);
            !failed && now.since(*at) <= WINDOW
        });
        let mut passed: Vec<Seq> = since.filter(|(.., mark)| *mark == Mark::Passed).map(|(_, seen, _)| *seen).collect();
        passed.sort_unstable();
        passed.dedup();
        passed.len()
    }

    /// What was before an outage says nothing about what comes after it.
    pub fn begin_anew(&mut self) {
        self.marks.clear();
    }

    fn mark(&mut self, now: At, delivery: Seq, mark: Mark) {
        while self.marks.front().is_some_and(|(at, ..)| now.since(*at) > WINDOW) || self.marks.len() >= KEPT {
            self.marks.pop_front();
        }
        self.marks.push_back((now, delivery, mark));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::retry::POISON_OTHERS;

    const T0: At = At(1_000_000);

    fn later(seconds: u64) -> At {
        T0.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn only_what_passed_since_the_failure_before_counts_and_each_once() {
        let mut recent = Recent::new();
        for n in 0..30 {
            recent.answered(Seq(n), Class::Done, T0);
        }
        assert_eq!(recent.evidence(Seq(99), T0).passed, 30);
        recent.failed(Seq(99), later(1));
        assert_eq!(recent.evidence(Seq(99), later(2)).passed, 0, "the agency may have died since");
        for n in [40, 41, 41, 42] {
            recent.answered(Seq(n), Class::Done, later(3));
        }
        recent.answered(Seq(43), Class::MessageFault, later(4));
        let evidence = recent.evidence(Seq(99), later(5));
        assert_eq!((evidence.passed, evidence.passed_at), (3, Some(later(3))));
        assert_eq!(evidence.answered_at, Some(later(4)));
        assert_eq!(recent.evidence(Seq(99), later(64)).passed, 0, "it was too long ago");
    }

    #[test]
    fn twenty_others_are_remembered_beside_as_many_that_fail_three_times() {
        let mut recent = Recent::new();
        let half = u64::try_from(POISON_OTHERS).unwrap();
        recent.failed(Seq(999), T0);
        for n in 0..half {
            recent.answered(Seq(1000 + n), Class::Done, later(1));
            for _ in 0..3 {
                recent.failed(Seq(n), later(1));
            }
        }
        assert_eq!(recent.evidence(Seq(999), later(35)).passed, POISON_OTHERS);
    }

    #[test]
    fn what_fails_alone_is_no_sign_of_an_outage() {
        let mut recent = Recent::new();
        for n in 0..20 {
            recent.answered(Seq(n), Class::Done, T0);
            recent.failed_aside(Seq(100 + n), T0);
        }
        assert_eq!(recent.failing_half(), None);
        for n in 0..20 {
            recent.failed(Seq(200 + n), T0);
        }
        assert_eq!(recent.failing_half().unwrap().len(), 20);
    }
}

//! What becomes of a delivery after an attempt: one pure function over what it has been through.
//!
//! Endpoint faults back off along [`BACKOFF`] and end by age; message faults get three quick tries; faults of the way to the
//! agency and throttling are held without counting. The random part is passed in, so that the same input decides the same.

use std::time::Duration;

use super::agency::Exhausted;
use super::delivery::{Finished, Transition, Tries};
use super::outcome::{Class, Outcome};
use super::time::At;

/// Waits after the first, second, ... counted endpoint fault; the last one repeats.
pub const BACKOFF: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
];

/// Waits between the quick tries of a message fault; there are no more after them.
pub const QUICK: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// The first wait after a fault of the way to the agency; it doubles up to [`HOLD_MAX`].
pub const HOLD: Duration = Duration::from_secs(30);
/// The longest such wait.
pub const HOLD_MAX: Duration = Duration::from_secs(300);
/// The longest `Retry-After` that is believed.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);
/// The largest share that is added at random to a wait.
pub const JITTER: f64 = 0.2;

/// The part of a subscription and an agency's limits that decides about giving up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Age at which endpoint faults end a delivery.
    pub age_max: Duration,
    /// What becomes of a delivery out of tries.
    pub exhausted: Exhausted,
}

/// A decision: what becomes of the delivery, and whether the attempt counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of it.
    pub transition: Transition,
    /// Whether the attempt counts towards giving up.
    pub counted: bool,
}

/// Decides about a delivery whose attempt has ended at `now`. `tries` is what it had been through before; `held` is until when
/// the agency's circuit is open, if it is: an outage costs no attempts, so what fails meanwhile is due when the agency is asked
/// again, and nothing is counted. `jitter` is a random number of 0 to 1.
pub fn after(tries: &Tries, outcome: &Outcome, policy: Policy, held: Option<At>, now: At, jitter: f64) -> Decision {
    if let (Some(until), Class::EndpointFault | Class::ConfigurationFault | Class::Gone | Class::Throttle) =
        (held, outcome.class)
    {
        return Decision { transition: Transition::Retry { due: until.max(now) }, counted: false };
    }
    let in_a_row = if tries.last == Some(outcome.class) { tries.in_a_row } else { 0 };
    let step = usize::try_from(in_a_row).unwrap_or(usize::MAX);
    let retry = |wait: Duration, counted: bool| Decision {
        transition: Transition::Retry { due: now.plus(wait.mul_f64(1.0 + JITTER * jitter.clamp(0.0, 1.0))) },
        counted,
    };
    let give_up = |why: String| Decision {
        transition: match policy.exhausted {
            Exhausted::Park => Transition::Park,
            Exhausted::DeadLetter => Transition::Finish { state: Finished::Dead, why: Some(why) },
        },
        counted: true,
    };
    match outcome.class {
        Class::Done => {
            Decision { transition: Transition::Finish { state: Finished::Delivered, why: None }, counted: true }
        }
        Class::MessageFault => match QUICK.get(step) {
            Some(wait) => retry(*wait, true),
            None => give_up(outcome.note.clone()),
        },
        Class::ConfigurationFault | Class::Gone => {
            retry(HOLD.saturating_mul(1_u32 << step.min(8)).min(HOLD_MAX), false)
        }
        Class::Throttle => retry(outcome.retry_after.unwrap_or(HOLD).min(RETRY_AFTER_MAX), false),
        Class::EndpointFault | Class::RetryAsked => {
            let age = tries.first_at.map_or(Duration::ZERO, |first| now.since(first));
            if age.saturating_sub(Duration::from_millis(tries.held_ms)) >= policy.age_max {
                return give_up(outcome.note.clone());
            }
            retry(BACKOFF[step.min(BACKOFF.len() - 1)], true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Report;

    const NOW: At = At(1_000_000_000);
    const POLICY: Policy = Policy { age_max: Duration::from_secs(7 * 86_400), exhausted: Exhausted::Park };

    fn outcome(class: Class) -> Outcome {
        Outcome { class, status: None, retry_after: None, report: Report::default(), note: "x".into(), answer: vec![] }
    }

    fn tries(last: Class, in_a_row: u32) -> Tries {
        Tries { counted: in_a_row, in_a_row, last: Some(last), first_at: Some(NOW), held_ms: 0 }
    }

    fn wait(decision: &Decision) -> u64 {
        match decision.transition {
            Transition::Retry { due } => due.since(NOW).as_secs(),
            ref other => panic!("not a retry: {other:?}"),
        }
    }

    #[test]
    fn endpoint_faults_follow_the_schedule() {
        let mut waits = vec![wait(&after(&Tries::default(), &outcome(Class::EndpointFault), POLICY, None, NOW, 0.0))];
        for n in 1..10 {
            waits.push(wait(&after(
                &tries(Class::EndpointFault, n),
                &outcome(Class::EndpointFault),
                POLICY,
                None,
                NOW,
                0.0,
            )));
        }
        assert_eq!(waits, [5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 36_000, 36_000]);
    }

    #[test]
    fn jitter_adds_at_most_a_fifth() {
        let decision = after(&tries(Class::EndpointFault, 3), &outcome(Class::EndpointFault), POLICY, None, NOW, 1.0);
        assert_eq!(wait(&decision), 720);
    }

    #[test]
    fn a_message_fault_has_three_tries_in_all() {
        let fault = outcome(Class::MessageFault);
        assert_eq!(wait(&after(&Tries::default(), &fault, POLICY, None, NOW, 0.0)), 5);
        assert_eq!(wait(&after(&tries(Class::MessageFault, 1), &fault, POLICY, None, NOW, 0.0)), 30);
        assert_eq!(after(&tries(Class::MessageFault, 2), &fault, POLICY, None, NOW, 0.0).transition, Transition::Park);
        let dead = Policy { exhausted: Exhausted::DeadLetter, ..POLICY };
        let decision = after(&tries(Class::MessageFault, 2), &fault, dead, None, NOW, 0.0);
        assert_eq!(decision.transition, Transition::Finish { state: Finished::Dead, why: Some("x".into()) });
    }

    #[test]
    fn the_way_to_the_agency_and_throttling_never_count() {
        for class in [Class::ConfigurationFault, Class::Gone, Class::Throttle] {
            assert!(!after(&tries(class, 1000), &outcome(class), POLICY, None, NOW, 0.0).counted, "{class:?}");
        }
        let waits: Vec<u64> = (0..6)
            .map(|n| {
                let tries = tries(Class::ConfigurationFault, n);
                wait(&after(&tries, &outcome(Class::ConfigurationFault), POLICY, None, NOW, 0.0))
            })
            .collect();
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
        let throttled = Outcome { retry_after: Some(Duration::from_secs(77)), ..outcome(Class::Throttle) };
        assert_eq!(wait(&after(&Tries::default(), &throttled, POLICY, None, NOW, 0.0)), 77);
    }

    #[test]
    fn an_outage_costs_no_attempts() {
        let until = NOW.plus(Duration::from_secs(300));
        for class in [Class::EndpointFault, Class::ConfigurationFault, Class::Gone, Class::Throttle] {
            let decision = after(&tries(class, 50), &outcome(class), POLICY, Some(until), NOW, 1.0);
            assert_eq!(decision, Decision { transition: Transition::Retry { due: until }, counted: false });
        }
        // A message fault is no outage.
        assert!(after(&Tries::default(), &outcome(Class::MessageFault), POLICY, Some(until), NOW, 0.0).counted);
    }

    #[test]
    fn age_ends_endpoint_faults_and_held_time_is_no_age() {
        let old = NOW.plus(Duration::from_secs(8 * 86_400));
        let fault = outcome(Class::EndpointFault);
        let mut worn = tries(Class::EndpointFault, 20);
        assert_eq!(after(&worn, &fault, POLICY, None, old, 0.0).transition, Transition::Park);
        worn.held_ms = 2 * 86_400_000;
        assert!(matches!(after(&worn, &fault, POLICY, None, old, 0.0).transition, Transition::Retry { .. }));
    }
}

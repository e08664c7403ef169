//! What becomes of a delivery after an attempt: pure functions over what it has been through, and over what is known of its agency.
//!
//! Endpoint faults back off along [`BACKOFF`] and end by age; message faults get three quick tries; faults of the way to the
//! agency and throttling are held without counting. The random part is passed in, so that the same input decides the same.
//!
//! Y1: age needs proof. An endpoint fault gives a delivery up only where the agency has answered something since this delivery was
//! tried before; else it waits, and is as old as it was when it was tried before, because nothing says whose fault it is. After
//! a restart nothing is known, so nothing is proved. Y2: what fails alone while others pass is the message's fault ([`judge`]).

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
/// Counted tries from which on an endpoint fault can be held against the message.
pub const POISON_TRIES: u32 = 3;
/// Others that must have passed since the try before, for that.
pub const POISON_OTHERS: usize = 20;

/// The part of a subscription and an agency's limits that decides about giving up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Age at which endpoint faults end a delivery.
    pub age_max: Duration,
    /// What becomes of a delivery out of tries.
    pub exhausted: Exhausted,
}

/// What is known of the agency when an attempt has ended; all of it is forgotten at a restart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Until when its circuit is open, if it is.
    pub outage: Option<At>,
    /// When it last answered anything that a living endpoint answers.
    pub answered_at: Option<At>,
    /// When it last took a delivery.
    pub passed_at: Option<At>,
    /// Other deliveries that it took lately, since this one failed before.
    pub passed: usize,
}

/// A decision: what becomes of the delivery, and how the attempt is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of it.
    pub transition: Transition,
    /// How the attempt is classed in the end.
    pub class: Class,
    /// What failed, with the reason where the class is not the connector's.
    pub note: String,
    /// Whether the attempt counts towards giving up.
    pub counted: bool,
    /// Whether it grows older until it is due again.
    pub ages: bool,
    /// Of its age this is none: the agency was away meanwhile, as far as anybody knows.
    pub taken_back: Duration,
}

/// The class of a fault once it is held against what became of others (Y2): an endpoint fault from the third try on while many
/// others passed, and a fault of the way to the agency that others have gone since, are the message's own.
pub fn judge(tries: &Tries, class: Class, evidence: &Evidence) -> Class {
    if evidence.outage.is_some() {
        return class;
    }
    let passed_since = |at: Option<At>| at.zip(evidence.passed_at).is_some_and(|(at, passed)| passed > at);
    let alone = match class {
        Class::EndpointFault => tries.counted + 1 >= POISON_TRIES && evidence.passed >= POISON_OTHERS,
        Class::ConfigurationFault | Class::Gone => match tries.last {
            Some(Class::ConfigurationFault | Class::Gone) => passed_since(tries.last_at),
            // Judged so before: the quick tries follow each other faster than others come by.
            Some(Class::MessageFault) => passed_since(tries.first_at),
            _ => false,
        },
        _ => false,
    };
    if alone { Class::MessageFault } else { class }
}

/// What becomes of a delivery that is tried no more.
pub fn give_up(policy: Policy, why: &str) -> Transition {
    match policy.exhausted {
        Exhausted::Park => Transition::Park,
        Exhausted::DeadLetter => Transition::Finish { state: Finished::Dead, why: Some(why.to_owned()) },
    }
}

/// Decides about a delivery whose attempt has ended at `now`. `tries` is what it had been through before. An outage costs no
/// attempts: what fails while the circuit is open is due when the agency is asked again, and nothing is counted. `jitter` is a
/// random number of 0 to 1.
pub fn after(tries: &Tries, outcome: &Outcome, policy: Policy, evidence: &Evidence, now: At, jitter: f64) -> Decision {
    let class = judge(tries, outcome.class, evidence);
    let note = note(outcome, class, evidence.passed);
    // Keeps Y1.
    let lives = tries.last_at.zip(evidence.answered_at).is_some_and(|(tried, answered)| answered > tried);
    let waited = match (outcome.class, lives) {
        (Class::EndpointFault, false) => Duration::from_millis(tries.wait_ms),
        _ => Duration::ZERO,
    };
    let decided =
        |transition, counted, ages, note| Decision { transition, class, note, counted, ages, taken_back: waited };
    if let (Some(until), Class::EndpointFault | Class::ConfigurationFault | Class::Gone | Class::Throttle) =
        (evidence.outage, class)
    {
        return decided(Transition::Retry { due: until.max(now) }, false, false, note);
    }
    let in_a_row = if tries.last == Some(class) { tries.in_a_row } else { 0 };
    let step = usize::try_from(in_a_row).unwrap_or(usize::MAX);
    let retry =
        |wait: Duration| Transition::Retry { due: now.plus(wait.mul_f64(1.0 + JITTER * jitter.clamp(0.0, 1.0))) };
    let later = || retry(BACKOFF[step.min(BACKOFF.len() - 1)]);
    match class {
        Class::Done => decided(Transition::Finish { state: Finished::Delivered, why: None }, true, false, note),
        // It failed three times already.
        Class::MessageFault if outcome.class == Class::EndpointFault => {
            decided(give_up(policy, &note), true, false, note)
        }
        Class::MessageFault => match QUICK.get(step) {
            Some(wait) => decided(retry(*wait), true, true, note),
            None => decided(give_up(policy, &note), true, false, note),
        },
        Class::ConfigurationFault | Class::Gone => {
            let wait = HOLD.saturating_mul(1_u32 << step.min(8)).min(HOLD_MAX);
            decided(retry(wait), false, false, note)
        }
        Class::Throttle => {
            let wait = outcome.retry_after.unwrap_or(HOLD).min(RETRY_AFTER_MAX);
            decided(retry(wait), false, false, note)
        }
        Class::EndpointFault if lives && is_old(tries, policy, now) => {
            decided(give_up(policy, &note), true, false, note)
        }
        // After the first fault it grows older for the time being: it is taken back if nothing proves it.
        Class::EndpointFault => decided(later(), true, lives || tries.last_at.is_none(), note),
        // To ask for it is an answer.
        Class::RetryAsked if is_old(tries, policy, now) => decided(give_up(policy, &note), true, false, note),
        Class::RetryAsked => decided(later(), true, true, note),
    }
}

fn is_old(tries: &Tries, policy: Policy, now: At) -> bool {
    let age = tries.first_at.map_or(Duration::ZERO, |first| now.since(first));
    age.saturating_sub(Duration::from_millis(tries.held_ms)) >= policy.age_max
}

fn note(outcome: &Outcome, class: Class, passed: usize) -> String {
    match (outcome.class, class) {
        (Class::EndpointFault, Class::MessageFault) => {
            format!("{}: this message alone, {passed} others passed meanwhile", outcome.note)
        }
        (before, now) if before != now => format!("{}: this message alone, others passed meanwhile", outcome.note),
        _ => outcome.note.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Report;

    const NOW: At = At(1_000_000_000);
    const POLICY: Policy = Policy { age_max: Duration::from_secs(7 * 86_400), exhausted: Exhausted::Park };
    const NOTHING: Evidence = Evidence { outage: None, answered_at: None, passed_at: None, passed: 0 };

    fn outcome(class: Class) -> Outcome {
        Outcome { class, status: None, retry_after: None, report: Report::default(), note: "x".into(), answer: vec![] }
    }

    fn tries(last: Class, in_a_row: u32) -> Tries {
        let (last, at) = (Some(last), Some(NOW));
        Tries { counted: in_a_row, in_a_row, last, first_at: at, last_at: at, held_ms: 0, wait_ms: 5000 }
    }

    fn decide(tries: &Tries, class: Class, evidence: Evidence, now: At) -> Decision {
        after(tries, &outcome(class), POLICY, &evidence, now, 0.0)
    }

    fn wait(decision: &Decision) -> u64 {
        match decision.transition {
            Transition::Retry { due } => due.since(NOW).as_secs(),
            ref other => panic!("not a retry: {other:?}"),
        }
    }

    #[test]
    fn endpoint_faults_follow_the_schedule() {
        let mut waits = vec![wait(&decide(&Tries::default(), Class::EndpointFault, NOTHING, NOW))];
        for n in 1..10 {
            waits.push(wait(&decide(&tries(Class::EndpointFault, n), Class::EndpointFault, NOTHING, NOW)));
        }
        assert_eq!(waits, [5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 36_000, 36_000]);
    }

    #[test]
    fn jitter_adds_at_most_a_fifth() {
        let worn = tries(Class::EndpointFault, 3);
        let decision = after(&worn, &outcome(Class::EndpointFault), POLICY, &NOTHING, NOW, 1.0);
        assert_eq!(wait(&decision), 720);
    }

    #[test]
    fn a_message_fault_has_three_tries_in_all() {
        let fault = Class::MessageFault;
        assert_eq!(wait(&decide(&Tries::default(), fault, NOTHING, NOW)), 5);
        assert_eq!(wait(&decide(&tries(fault, 1), fault, NOTHING, NOW)), 30);
        assert_eq!(decide(&tries(fault, 2), fault, NOTHING, NOW).transition, Transition::Park);
        let dead = Policy { exhausted: Exhausted::DeadLetter, ..POLICY };
        let decision = after(&tries(fault, 2), &outcome(fault), dead, &NOTHING, NOW, 0.0);
        assert_eq!(decision.transition, Transition::Finish { state: Finished::Dead, why: Some("x".into()) });
    }

    #[test]
    fn the_way_to_the_agency_and_throttling_never_count() {
        for class in [Class::ConfigurationFault, Class::Gone, Class::Throttle] {
            let decision = decide(&tries(class, 1000), class, NOTHING, NOW);
            assert!(!decision.counted && !decision.ages, "{class:?}");
        }
        let fault = Class::ConfigurationFault;
        let waits: Vec<u64> = (0..6).map(|n| wait(&decide(&tries(fault, n), fault, NOTHING, NOW))).collect();
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
        let throttled = Outcome { retry_after: Some(Duration::from_secs(77)), ..outcome(Class::Throttle) };
        assert_eq!(wait(&after(&Tries::default(), &throttled, POLICY, &NOTHING, NOW, 0.0)), 77);
    }

    #[test]
    fn an_outage_costs_no_attempts() {
        let until = NOW.plus(Duration::from_secs(300));
        let outage = Evidence { outage: Some(until), answered_at: Some(NOW), passed_at: Some(NOW), passed: 1000 };
        for class in [Class::EndpointFault, Class::ConfigurationFault, Class::Gone, Class::Throttle] {
            let decision = after(&tries(class, 50), &outcome(class), POLICY, &outage, NOW, 1.0);
            assert_eq!((decision.transition, decision.class), (Transition::Retry { due: until }, class));
            assert!(!decision.counted && !decision.ages);
        }
        // A message fault is no outage.
        assert!(decide(&Tries::default(), Class::MessageFault, outage, NOW).counted);
    }

    #[test]
    fn age_ends_endpoint_faults_where_the_agency_lives_and_held_time_is_no_age() {
        let old = NOW.plus(Duration::from_secs(8 * 86_400));
        let lives = Evidence { answered_at: Some(At(NOW.0 + 1)), ..NOTHING };
        let mut worn = tries(Class::EndpointFault, 20);
        assert_eq!(decide(&worn, Class::EndpointFault, lives, old).transition, Transition::Park);
        worn.held_ms = 2 * 86_400_000;
        let young = decide(&worn, Class::EndpointFault, lives, old);
        assert!(matches!(young.transition, Transition::Retry { .. }) && young.ages);
    }

    #[test]
    fn without_a_sign_of_life_nothing_is_given_up_or_grows_older() {
        // Keeps Y1. The story: one citizen's delivery is all an agency has, and the agency is away for longer than the age allowed.
        let old = NOW.plus(Duration::from_secs(80 * 86_400));
        let worn = tries(Class::EndpointFault, 20);
        for answered_at in [None, Some(At(NOW.0 - 1)), Some(NOW)] {
            let decision = decide(&worn, Class::EndpointFault, Evidence { answered_at, ..NOTHING }, old);
            assert!(matches!(decision.transition, Transition::Retry { .. }), "{answered_at:?}");
            assert!(decision.counted && !decision.ages, "{answered_at:?}");
            assert_eq!(decision.taken_back, Duration::from_secs(5), "the wait before it was none of its age either");
        }
        let first = decide(&Tries::default(), Class::EndpointFault, NOTHING, NOW);
        assert!(first.ages && first.taken_back.is_zero(), "for the time being");
        let lives = Evidence { answered_at: Some(At(NOW.0 + 1)), ..NOTHING };
        assert!(decide(&tries(Class::EndpointFault, 1), Class::EndpointFault, lives, NOW).taken_back.is_zero());
        assert_eq!(decide(&worn, Class::RetryAsked, NOTHING, old).transition, Transition::Park, "that is an answer");
    }

    #[test]
    fn what_fails_alone_while_twenty_others_pass_is_given_up_as_its_own_fault() {
        let fault = Class::EndpointFault;
        let others = |passed| Evidence { answered_at: Some(NOW), passed_at: Some(NOW), passed, ..NOTHING };
        let decision = decide(&tries(fault, 2), fault, others(20), NOW);
        assert_eq!(
            (decision.transition, decision.class, decision.counted),
            (Transition::Park, Class::MessageFault, true)
        );
        assert_eq!(decision.note, "x: this message alone, 20 others passed meanwhile");
        for (worn, passed) in [(tries(fault, 2), 19), (tries(fault, 1), 1000), (Tries::default(), 1000)] {
            assert_eq!(decide(&worn, fault, others(passed), NOW).class, fault, "{passed} others, {worn:?}");
        }
    }

    #[test]
    fn a_way_that_others_have_gone_since_is_no_wrong_way() {
        for fault in [Class::ConfigurationFault, Class::Gone] {
            let passed = Evidence { passed_at: Some(At(NOW.0 + 1)), ..NOTHING };
            let first = decide(&Tries::default(), fault, passed, NOW);
            assert_eq!((first.class, first.counted), (fault, false), "nobody has passed since it failed");
            assert_eq!(decide(&tries(fault, 1), fault, Evidence { passed_at: Some(NOW), ..NOTHING }, NOW).class, fault);
            // Three quick tries, and nobody need pass between them.
            let second = decide(&tries(fault, 1), fault, passed, NOW);
            assert_eq!((second.class, wait(&second), second.counted), (Class::MessageFault, 5, true));
            assert_eq!(second.note, "x: this message alone, others passed meanwhile");
            let mut worn = tries(Class::MessageFault, 1);
            worn.last_at = Some(At(NOW.0 + 2));
            assert_eq!(wait(&decide(&worn, fault, passed, NOW)), 30);
            worn.in_a_row = 2;
            assert_eq!(decide(&worn, fault, passed, NOW).transition, Transition::Park);
            assert_eq!(decide(&worn, fault, NOTHING, NOW).class, fault, "after a restart nothing is known");
        }
    }
}

//! Judging: which alarms begin and end with a look. Pure over what it has seen; the time comes with the look.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::condition::{Alarm, Condition, Limits};
use super::look::{Circuit, Snapshot};
use crate::model::id::AgencyId;
use crate::model::time::At;

/// How far back deaths are counted.
const HOUR: Duration = Duration::from_secs(3600);
/// Counts of deaths that are remembered over it, at even distances.
const SAMPLES_MAX: u32 = 60;

/// About whom, and what.
type Subject = (Option<AgencyId>, Condition);

/// What a look says about a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Finding {
    /// `None` where it cannot be judged now (A3).
    holds: Option<bool>,
    value: u64,
    limit: u64,
}

/// A raised alarm.
#[derive(Debug, Clone, Copy)]
struct Raised {
    since: At,
    /// Since when the condition has not held.
    good_since: Option<At>,
}

/// What is raised.
#[derive(Debug)]
pub struct Judge {
    limits: Limits,
    raised: BTreeMap<Subject, Raised>,
    dead: BTreeMap<AgencyId, VecDeque<(At, u64)>>,
}

impl Judge {
    /// Nothing is raised.
    pub fn new(limits: Limits) -> Self {
        Self { limits, raised: BTreeMap::new(), dead: BTreeMap::new() }
    }

    /// What begins and ends with this look, each once (A1, A2).
    pub fn judge(&mut self, look: &Snapshot) -> Vec<Alarm> {
        let mut findings = self.measure(look);
        for subject in self.raised.keys() {
            // An agency that is gone with all its deliveries has nothing to complain of.
            findings.entry(subject.clone()).or_insert(Finding { holds: Some(false), value: 0, limit: 0 });
        }
        let mut alarms = Vec::new();
        for ((agency, condition), Finding { holds, value, limit }) in findings {
            let Some(holds) = holds else { continue };
            let subject = (agency.clone(), condition);
            let alarm =
                |raised, since| Alarm { agency: agency.clone(), condition, raised, since, at: look.at, value, limit };
            match (holds, self.raised.get_mut(&subject)) {
                (true, None) => {
                    self.raised.insert(subject, Raised { since: look.at, good_since: None });
                    alarms.push(alarm(true, look.at));
                }
                (true, Some(raised)) => raised.good_since = None,
                (false, None) => {}
                (false, Some(raised)) => {
                    let good_since = *raised.good_since.get_or_insert(look.at);
                    if look.at.since(good_since) >= self.limits.clear_after {
                        alarms.push(alarm(false, raised.since));
                        self.raised.remove(&subject);
                    }
                }
            }
        }
        alarms
    }

    /// Whether an alarm is raised, for each condition of a look: the metric.
    pub fn standing<'a>(
        &'a self,
        look: &'a Snapshot,
    ) -> impl Iterator<Item = (Option<AgencyId>, Condition, bool)> + 'a {
        const OF_AGENCY: [Condition; 6] = [
            Condition::OldestAge,
            Condition::CircuitOpen,
            Condition::Gone,
            Condition::Parked,
            Condition::Dead,
            Condition::Unconfigured,
        ];
        const OF_BUS: [Condition; 4] =
            [Condition::DiskLow, Condition::NotAccepting, Condition::DeploymentRefused, Condition::BrokerDown];
        let agencies = look.agencies.keys().flat_map(|id| OF_AGENCY.map(|condition| (Some(id.clone()), condition)));
        let subjects = agencies.chain(OF_BUS.map(|condition| (None, condition)));
        subjects.map(|subject| {
            let raised = self.raised.contains_key(&subject);
            (subject.0, subject.1, raised)
        })
    }

    fn measure(&mut self, look: &Snapshot) -> BTreeMap<Subject, Finding> {
        let over = |value: u64, limit: u64| Finding { holds: Some(value > limit), value, limit };
        let mut findings = BTreeMap::new();
        self.dead.retain(|id, _| look.agencies.contains_key(id));
        for (id, agency) in &look.agencies {
            let dead = deaths(self.dead.entry(id.clone()).or_default(), look.at, agency.dead);
            let limits = &self.limits;
            let circuit = match agency.circuit {
                Circuit::Closed => over(0, limits.circuit_open.as_secs()),
                Circuit::Open(age) => over(age.as_secs(), limits.circuit_open.as_secs()),
                Circuit::Unknown => Finding { holds: None, value: 0, limit: 0 },
            };
            for (condition, finding) in [
                (Condition::OldestAge, over(agency.oldest.as_secs(), limits.oldest_age.as_secs())),
                (Condition::CircuitOpen, circuit),
                (Condition::Gone, Finding { holds: Some(agency.gone), value: agency.waiting, limit: 0 }),
                (Condition::Parked, over(agency.parked, limits.parked)),
                (Condition::Dead, over(dead, limits.dead_per_hour)),
                (Condition::Unconfigured, over(agency.unconfigured, 0)),
            ] {
                findings.insert((Some(id.clone()), condition), finding);
            }
        }
        let problems = u64::try_from(look.refused_problems).unwrap_or(u64::MAX);
        let (free, wanted) = (look.disk_free_bytes, self.limits.disk_free_bytes);
        findings.insert((None, Condition::DiskLow), Finding { holds: Some(free < wanted), value: free, limit: wanted });
        findings.insert((None, Condition::NotAccepting), over(u64::from(look.refusing), 0));
        findings.insert((None, Condition::DeploymentRefused), over(problems, 0));
        let down = over(look.broker_down.as_secs(), self.limits.broker_down.as_secs());
        findings.insert((None, Condition::BrokerDown), down);
        findings
    }
}

/// Deaths within the last hour. What was dead before the first look is nothing new.
fn deaths(samples: &mut VecDeque<(At, u64)>, now: At, dead: u64) -> u64 {
    while samples.get(1).is_some_and(|(at, _)| now.since(*at) >= HOUR) {
        samples.pop_front();
    }
    if samples.back().is_none_or(|(at, _)| now.since(*at) >= HOUR / SAMPLES_MAX) {
        samples.push_back((now, dead));
    }
    samples.front().map_or(0, |(_, before)| dead.saturating_sub(*before))
}

#[cfg(test)]
mod tests {
    use super::super::look::Look;
    use super::*;

    const LIMITS: Limits = Limits {
        every: Duration::from_secs(30),
        clear_after: Duration::from_secs(120),
        oldest_age: HOUR,
        circuit_open: Duration::from_secs(900),
        parked: 10,
        dead_per_hour: 5,
        disk_free_bytes: 1000,
        broker_down: Duration::from_secs(120),
    };

    /// Looks every half minute, one after the other; what each of them raised or cleared.
    struct Looks(Judge, i64);

    impl Looks {
        fn new() -> Self {
            Self(Judge::new(LIMITS), 0)
        }

        fn see(&mut self, change: impl FnOnce(&mut Snapshot)) -> Vec<String> {
            self.1 += 30_000;
            let moi = AgencyId::parse("moi").unwrap();
            let mut look = Snapshot {
                at: At(self.1),
                agencies: [(moi, Look::default())].into(),
                disk_free_bytes: 1000,
                refusing: false,
                refused_problems: 0,
                broker_down: Duration::ZERO,
            };
            change(&mut look);
            let alarms = self.0.judge(&look);
            alarms.iter().map(|a| format!("{}{}", if a.raised { '+' } else { '-' }, a.condition.as_str())).collect()
        }

        fn agency(&mut self, change: impl FnOnce(&mut Look)) -> Vec<String> {
            self.see(|look| change(look.agencies.values_mut().next().unwrap()))
        }
    }

    #[test]
    fn each_condition_is_raised_once_and_cleared_once() {
        for (bad, word) in [
            ((|look: &mut Snapshot| one(look).oldest = HOUR * 2) as fn(&mut Snapshot), "oldest_age"),
            (|look| one(look).circuit = Circuit::Open(Duration::from_secs(901)), "circuit_open"),
            (|look| one(look).gone = true, "gone"),
            (|look| one(look).parked = 11, "parked"),
            (|look| one(look).unconfigured = 1, "unconfigured"),
            (|look| look.disk_free_bytes = 999, "disk_low"),
            (|look| look.refusing = true, "not_accepting"),
            (|look| look.refused_problems = 3, "deployment_refused"),
            (|look| look.broker_down = Duration::from_secs(121), "broker_down"),
        ] {
            let mut looks = Looks::new();
            assert!(looks.see(|_| ()).is_empty());
            assert_eq!(looks.see(bad), [format!("+{word}")]);
            for _ in 0..10 {
                assert!(looks.see(bad).is_empty(), "{word} is said once");
            }
            for _ in 0..4 {
                assert!(looks.see(|_| ()).is_empty(), "{word} must not hold for a while");
            }
            assert_eq!(looks.see(|_| ()), [format!("-{word}")]);
            assert!(looks.see(|_| ()).is_empty());
        }
    }

    fn one(look: &mut Snapshot) -> &mut Look {
        look.agencies.values_mut().next().unwrap()
    }

    #[test]
    fn what_flaps_is_one_alarm_and_limits_may_be_reached() {
        // Keeps A2.
        let mut looks = Looks::new();
        assert!(looks.agency(|look| look.parked = 10).is_empty(), "the limit itself is no alarm");
        assert_eq!(looks.agency(|look| look.parked = 11), ["+parked"]);
        for n in 0..50 {
            assert!(looks.agency(|look| look.parked = 10 + n % 3).is_empty());
        }
    }

    #[test]
    fn closed_hours_leave_an_open_circuit_as_it_is() {
        // Keeps A3.
        let mut looks = Looks::new();
        let open = |look: &mut Look| look.circuit = Circuit::Open(Duration::from_secs(1000));
        assert_eq!(looks.agency(open), ["+circuit_open"]);
        for _ in 0..2000 {
            assert!(looks.agency(|look| look.circuit = Circuit::Unknown).is_empty());
        }
        assert!(looks.agency(open).is_empty());
    }

    #[test]
    fn deaths_count_by_the_hour() {
        let mut looks = Looks::new();
        assert!(looks.agency(|look| look.dead = 1000).is_empty(), "old deaths are nothing new");
        assert!(looks.agency(|look| look.dead = 1005).is_empty());
        assert_eq!(looks.agency(|look| look.dead = 1006), ["+dead"]);
        let mut cleared_after = 0;
        while looks.agency(|look| look.dead = 1006).is_empty() {
            cleared_after += 1;
            assert!(cleared_after < 200, "an hour without a death is enough");
        }
        assert!(cleared_after > 110, "{cleared_after} half minutes");
        assert!(looks.0.dead.values().all(|samples| samples.len() <= 62));
    }

    #[test]
    fn an_agency_that_is_gone_is_cleared() {
        let mut looks = Looks::new();
        assert_eq!(looks.agency(|look| look.unconfigured = 4), ["+unconfigured"]);
        let gone: Vec<_> = (0..5).flat_map(|_| looks.see(|look| look.agencies.clear())).collect();
        assert_eq!(gone, ["-unconfigured"]);
    }
}

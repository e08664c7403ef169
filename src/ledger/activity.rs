//! What happened to agencies, in figures: values that the history is written from and read as. They are counted and summed here, never
//! stored.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::delivery::Finished;
use crate::model::histogram::Histogram;
use crate::model::id::AgencyId;
use crate::model::outcome::Class;
use crate::model::time::At;

/// How many ways a delivery can end.
pub(super) const ENDS: usize = Finished::ALL.len();
/// How many classes of attempts there are.
pub(super) const CLASSES: usize = Class::ALL.len();
/// A minute and an hour in milliseconds.
pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 3_600_000;

/// Deliveries that came to an agency or left it, and envelopes that it sent, since the ledger was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Movement {
    /// Envelopes accepted from it.
    pub sent: u64,
    /// Deliveries that came for it, redrives included.
    pub came: u64,
    /// Deliveries that ended, in the order of [`Finished::ALL`].
    pub ended: [u64; ENDS],
}

impl Movement {
    pub(super) fn end(&mut self, state: Finished) {
        if let Some(place) = Finished::ALL.iter().position(|known| *known == state) {
            self.ended[place] += 1;
        }
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.sent += more.sent;
        self.came += more.came;
        self.ended.iter_mut().zip(more.ended).for_each(|(sum, n)| *sum += n);
    }

    /// What has moved since an earlier look.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            came: self.came.saturating_sub(before.came),
            ended: std::array::from_fn(|place| self.ended[place].saturating_sub(before.ended[place])),
        }
    }
}

/// What happened to an agency, or to the whole bus, in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// What came and went.
    pub movement: Movement,
    /// Attempts, in the order of [`Class::ALL`].
    pub attempts: [u64; CLASSES],
    /// Durations of attempts.
    pub attempt_ms: Histogram,
    /// From acceptance to delivered.
    pub delivery_ms: Histogram,
    /// Age of the oldest unfinished delivery, in seconds; the highest seen.
    pub oldest_seconds: u64,
    /// Unfinished deliveries that are not in flight; the most seen.
    pub waiting: u64,
    /// Deliveries in flight; the most seen.
    pub in_flight: u64,
    /// How long the circuit was open, in seconds.
    pub open_seconds: u64,
}

impl Activity {
    /// Whether there is nothing to say.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another stretch, or another agency's: counts add up, of what was seen the highest stays.
    pub fn merge(&mut self, more: &Self) {
        self.movement.add(&more.movement);
        self.attempts.iter_mut().zip(more.attempts).for_each(|(sum, n)| *sum += n);
        self.attempt_ms.merge(&more.attempt_ms);
        self.delivery_ms.merge(&more.delivery_ms);
        self.oldest_seconds = self.oldest_seconds.max(more.oldest_seconds);
        self.waiting = self.waiting.max(more.waiting);
        self.in_flight = self.in_flight.max(more.in_flight);
        self.open_seconds += more.open_seconds;
    }

    /// Deliveries that ended as `delivered`.
    pub fn delivered(&self) -> u64 {
        self.movement.ended[0]
    }

    /// Deliveries that ended otherwise.
    pub fn ended_otherwise(&self) -> u64 {
        self.movement.ended[1..].iter().sum()
    }

    /// Attempts of every class.
    pub fn tried(&self) -> u64 {
        self.attempts.iter().sum()
    }
}

/// One minute as it was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// When the minute began.
    pub minute: At,
    /// How many seconds of it were watched.
    pub seconds: u32,
    /// The whole bus.
    pub bus: Activity,
    /// Every agency with something to say.
    pub agencies: Vec<(AgencyId, Activity)>,
}

/// A stretch of an agency's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// When it began.
    pub at: At,
    /// How many seconds of it were watched; at least one.
    pub seconds: u32,
    /// What happened.
    pub activity: Activity,
}

/// How long the stretches of a history are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// One minute; kept two days.
    Minute,
    /// A quarter of an hour, from minutes.
    Quarter,
    /// One hour; kept five weeks.
    Hour,
}

impl Resolution {
    /// The length of a stretch.
    pub fn length(self) -> Duration {
        Duration::from_millis(self.length_ms().unsigned_abs())
    }

    pub(super) fn length_ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::Quarter => 15 * MINUTE_MS,
            Self::Hour => HOUR_MS,
        }
    }
}

/// The last minutes of all agencies, for a line as small as a word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When the first of the minutes began.
    pub from: At,
    /// Which of the minutes were watched.
    pub watched: Vec<bool>,
    /// Every agency that had something to say in one of them, with as many beats as there are minutes.
    pub agencies: BTreeMap<AgencyId, Vec<Beat>>,
    /// How the deliveries of each of them ended, in all these minutes.
    pub ends: BTreeMap<AgencyId, Ends>,
}

/// How deliveries ended in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// As delivered.
    pub delivered: u64,
    /// Otherwise.
    pub otherwise: u64,
    /// From acceptance to delivered.
    pub delivery_ms: Histogram,
}

impl Ends {
    /// Adds another agency's.
    pub fn merge(&mut self, more: &Self) {
        self.delivered += more.delivered;
        self.otherwise += more.otherwise;
        self.delivery_ms.merge(&more.delivery_ms);
    }

    /// Which part arrived; `None` where none ended.
    pub fn success_share(&self) -> Option<f64> {
        share(self.delivered, self.otherwise)
    }
}

/// One minute of an agency's pulse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beat {
    /// Deliveries that came.
    pub came: u64,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Attempts that did not go well.
    pub faults: u64,
    /// Unfinished deliveries that were not in flight.
    pub waiting: u64,
}

/// How the bus, or one agency, goes at present.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// How many seconds that is drawn from; nothing below is known where it is zero.
    pub seconds: u64,
    /// Envelopes accepted a minute.
    pub sent_per_minute: f64,
    /// Deliveries that came, a minute.
    pub came_per_minute: f64,
    /// Deliveries that arrived, a minute.
    pub delivered_per_minute: f64,
    /// Deliveries that ended, a minute, however they did.
    pub ended_per_minute: f64,
    /// Of those that ended, which part arrived; `None` where none ended.
    pub success_share: Option<f64>,
    /// From acceptance to delivered, in milliseconds: 95 of 100 took no longer.
    pub delivery_p95_ms: Option<u64>,
    /// One attempt, in milliseconds: 95 of 100 took no longer.
    pub attempt_p95_ms: Option<u64>,
}

impl Rates {
    pub(super) fn of(seconds: u64, activity: &Activity) -> Self {
        let ended = activity.delivered() + activity.ended_otherwise();
        let success_share = share(activity.delivered(), activity.ended_otherwise());
        #[expect(clippy::cast_precision_loss, reason = "counts of some minutes")]
        let float = |n: u64| n as f64;
        let a_minute = |n: u64| if seconds == 0 { 0.0 } else { float(n) * 60.0 / float(seconds) };
        Self {
            seconds,
            sent_per_minute: a_minute(activity.movement.sent),
            came_per_minute: a_minute(activity.movement.came),
            delivered_per_minute: a_minute(activity.delivered()),
            ended_per_minute: a_minute(ended),
            success_share,
            delivery_p95_ms: activity.delivery_ms.percentile(95),
            attempt_p95_ms: activity.attempt_ms.percentile(95),
        }
    }
}

/// Of those that ended, which part arrived.
fn share(delivered: u64, otherwise: u64) -> Option<f64> {
    let ended = delivered + otherwise;
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
    (ended > 0).then(|| delivered as f64 / ended as f64)
}

//! A token bucket: so many a second in the long run, so many at once after a rest. Pure: the time comes in.

use std::time::Duration;

use crate::model::agency::Rate;
use crate::model::time::At;

/// See the module.
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    tokens: f64,
    filled_at: At,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: At) -> Self {
        Self { rate, tokens: f64::from(rate.burst), filled_at: now }
    }

    /// Its rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes tokens; also some that are still to come.
    pub fn spend(&mut self, count: usize) {
        self.tokens -= f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Fills it with what has come since.
    pub fn fill(&mut self, now: At) {
        let elapsed = now.since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.rate.per_second).min(f64::from(self.rate.burst).max(1.0));
        self.filled_at = self.filled_at.max(now);
    }

    /// When there is a whole token again.
    pub fn next(&self, now: At) -> At {
        let seconds = ((1.0 - self.tokens) / self.rate.per_second).clamp(0.001, 3600.0);
        now.plus(Duration::from_secs_f64(seconds)).plus(Duration::from_millis(1))
    }

    /// Whole tokens there are.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by burst and not negative")]
    pub fn whole(&self) -> usize {
        self.tokens.max(0.0).min(f64::from(u32::MAX)) as usize
    }
}

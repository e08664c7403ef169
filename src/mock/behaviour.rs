//! What a mock agency does with what it receives.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::model::id::TypePattern;

/// What it answers where nothing fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// 200 and `applied`.
    #[default]
    Applied,
    /// 200 and `refused`.
    Refused,
    /// 200 and `needs_action`.
    NeedsAction,
    /// 202 and nothing: the outcome would follow later.
    Pending,
    /// 200 and `retry`.
    Retry,
    /// 200 and an empty body.
    None,
}

impl Reply {
    /// The word in the answer's body, where there is one.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Applied => Some("applied"),
            Self::Refused => Some("refused"),
            Self::NeedsAction => Some("needs_action"),
            Self::Retry => Some("retry"),
            Self::Pending | Self::None => None,
        }
    }
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Behaviour {
    /// Share of requests that are answered with [`Behaviour::status`], 0 to 1. They are not acted on.
    pub fail: f64,
    /// The status of a failure.
    pub status: u16,
    /// `Retry-After` of a failure, in seconds.
    pub retry_after_s: Option<u64>,
    /// Milliseconds before each answer.
    pub delay_ms: u64,
    /// Share of requests that are acted on and whose answer is then lost with the connection, 0 to 1.
    pub lose: f64,
    /// What is answered otherwise.
    pub outcome: Reply,
    /// Types that are always refused.
    pub refuse_types: Vec<TypePattern>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            fail: 0.0,
            status: 503,
            retry_after_s: None,
            delay_ms: 0,
            lose: 0.0,
            outcome: Reply::Applied,
            refuse_types: Vec::new(),
        }
    }
}

/// What `POST /control` takes: all that is named changes, the rest stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// See [`Behaviour::fail`].
    pub fail: Option<f64>,
    /// See [`Behaviour::status`]; 200 to 599, others change nothing.
    pub status: Option<u16>,
    /// See [`Behaviour::retry_after_s`]; zero takes it away.
    pub retry_after_s: Option<u64>,
    /// See [`Behaviour::delay_ms`].
    pub delay_ms: Option<u64>,
    /// See [`Behaviour::lose`].
    pub lose: Option<f64>,
    /// See [`Behaviour::outcome`].
    pub outcome: Option<Reply>,
    /// See [`Behaviour::refuse_types`].
    pub refuse_types: Option<Vec<TypePattern>>,
    /// Milliseconds from now for which every connection is cut without an answer; zero brings it back.
    pub down_ms: Option<u64>,
}

impl Behaviour {
    /// Applies a change, all but `down_ms`, which is an event and no behaviour.
    pub fn change(&mut self, change: &Change) {
        let share = |share: f64| if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.fail = change.fail.map_or(self.fail, share);
        self.lose = change.lose.map_or(self.lose, share);
        self.status = change.status.filter(|status| (200..=599).contains(status)).unwrap_or(self.status);
        self.delay_ms = change.delay_ms.unwrap_or(self.delay_ms);
        self.outcome = change.outcome.unwrap_or(self.outcome);
        if let Some(seconds) = change.retry_after_s {
            self.retry_after_s = (seconds > 0).then_some(seconds);
        }
        if let Some(types) = &change.refuse_types {
            self.refuse_types.clone_from(types);
        }
    }

    /// What it answers to a type.
    pub(super) fn reply(&self, ty: Option<&str>) -> Reply {
        let refused = ty.is_some_and(|ty| self.refuse_types.iter().any(|pattern| pattern.matches(ty)));
        if refused { Reply::Refused } else { self.outcome }
    }
}

/// A dice that falls the same way in every run (SplitMix64 over a counter).
#[derive(Debug, Default)]
pub(super) struct Dice(AtomicU64);

impl Dice {
    /// Whether an event of this probability happens now. Never at 0, always at 1.
    pub(super) fn falls(&self, share: f64) -> bool {
        if share <= 0.0 {
            return false;
        }
        let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let point = (x >> 11) as f64 / (1_u64 << 53) as f64;
        point < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dice_keeps_to_its_share() {
        let dice = Dice::default();
        let falls = (0..10_000).filter(|_| dice.falls(0.3)).count();
        assert!((2_800..3_200).contains(&falls), "{falls}");
        assert!(!dice.falls(0.0));
        assert!(dice.falls(1.0));
    }

    #[test]
    fn a_change_touches_what_it_names() {
        let mut behaviour = Behaviour::default();
        let change: Change = serde_json::from_str(r#"{"fail":0.5,"delay_ms":20,"refuse_types":["qa.gov.*"]}"#).unwrap();
        behaviour.change(&change);
        assert_eq!((behaviour.fail, behaviour.delay_ms, behaviour.status), (0.5, 20, 503));
        assert_eq!(behaviour.reply(Some("qa.gov.x")), Reply::Refused);
        assert_eq!(behaviour.reply(Some("qa.com.x")), Reply::Applied);
        behaviour.change(&Change { fail: Some(7.0), lose: Some(f64::NAN), status: Some(42), ..Change::default() });
        assert_eq!((behaviour.fail, behaviour.lose, behaviour.status), (1.0, 0.0, 503));
        assert!(serde_json::from_str::<Change>(r#"{"fial":1}"#).is_err());
    }
}

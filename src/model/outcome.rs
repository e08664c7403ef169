//! What an agency did with a delivery: how its answer is classed, and what it says it did.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::text::Bilingual;

/// What the agency did, in its own words. `pending` and `needs_action` may still change; the others are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BusinessOutcome {
    /// The agency acted on it.
    Applied,
    /// The agency will not act on it, and says why.
    Refused,
    /// A person must do something first.
    NeedsAction,
    /// The agency took it and will report later.
    Pending,
    /// The agency never reported within the deadline.
    Unknown,
}

impl BusinessOutcome {
    /// Whether nothing more is expected from the agency.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Applied | Self::Refused | Self::Unknown)
    }

    /// The word used in JSON and in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::NeedsAction => "needs_action",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Applied, Self::Refused, Self::NeedsAction, Self::Pending, Self::Unknown]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// What an agency said besides its status. Texts are capped where they are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What it did, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<BusinessOutcome>,
    /// Why, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its own file or case number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// The class of an attempt (DESIGN section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The agency has it.
    Done,
    /// This message is wrong for this agency: 400, 413, 415, 422 and other 4xx, or it could not be rendered.
    MessageFault,
    /// The way to the agency is set up wrongly: 401, 403, 404, 3xx, TLS, certificate, unknown host, egress denied.
    ConfigurationFault,
    /// 410: the receiver is gone.
    Gone,
    /// 429, or 503 with Retry-After.
    Throttle,
    /// Connect, reset, timeout, 408, 425, other 5xx.
    EndpointFault,
    /// The agency asked for a retry in its answer's body.
    RetryAsked,
}

impl Class {
    /// Every class, for tables and metrics.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::MessageFault,
        Self::ConfigurationFault,
        Self::Gone,
        Self::Throttle,
        Self::EndpointFault,
        Self::RetryAsked,
    ];

    /// The word used in JSON, metrics and the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::MessageFault => "message_fault",
            Self::ConfigurationFault => "configuration_fault",
            Self::Gone => "gone",
            Self::Throttle => "throttle",
            Self::EndpointFault => "endpoint_fault",
            Self::RetryAsked => "retry_asked",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// What it means, as a clause that stands within a sentence.
    pub fn clause(self) -> Bilingual {
        let (en, ar) = match self {
            Self::Done => ("the agency has it", "استلمته الجهة"),
            Self::MessageFault => ("the fault lies with this message", "الخلل في هذه الرسالة نفسها"),
            Self::ConfigurationFault => {
                ("the way to the agency is set up wrongly", "إعدادات الوصول إلى الجهة غير صحيحة")
            }
            Self::Gone => {
                ("the agency says that its receiver is gone", "أفادت الجهة بأن نقطة الاستلام لديها لم تعد موجودة")
            }
            Self::Throttle => ("the agency asked for quiet", "طلبت الجهة التمهّل في الإرسال"),
            Self::EndpointFault => ("the agency did not answer as it should", "لم تستجب الجهة كما ينبغي"),
            Self::RetryAsked => ("the agency asked for another try later", "طلبت الجهة إعادة المحاولة لاحقًا"),
        };
        Bilingual::new(en, ar)
    }
}

/// One finished try, as a connector reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it is classed.
    pub class: Class,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// When the agency asked not to be called before, counted from the answer.
    pub retry_after: Option<Duration>,
    /// What the agency said it did.
    pub report: Report,
    /// A short English word or sentence on what failed, without personal data: `connect: refused`, `status 503`.
    pub note: String,
    /// The first bytes of the agency's answer, capped; shown to the agency itself and to those who may see payloads.
    pub answer: Vec<u8>,
}

/// Classes an HTTP answer by its status (the table of DESIGN section 7). `retry_after` is whether the answer carried one.
pub fn classify(status: u16, retry_after: bool) -> Class {
    match status {
        200..=299 => Class::Done,
        300..=399 | 401 | 403 | 404 => Class::ConfigurationFault,
        408 | 425 => Class::EndpointFault,
        410 => Class::Gone,
        429 => Class::Throttle,
        400..=499 => Class::MessageFault,
        503 if retry_after => Class::Throttle,
        _ => Class::EndpointFault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_table() {
        let rows = [
            (200, false, Class::Done),
            (202, false, Class::Done),
            (204, false, Class::Done),
            (301, false, Class::ConfigurationFault),
            (400, false, Class::MessageFault),
            (401, false, Class::ConfigurationFault),
            (403, false, Class::ConfigurationFault),
            (404, false, Class::ConfigurationFault),
            (408, false, Class::EndpointFault),
            (409, false, Class::MessageFault),
            (410, false, Class::Gone),
            (413, false, Class::MessageFault),
            (415, false, Class::MessageFault),
            (422, false, Class::MessageFault),
            (425, false, Class::EndpointFault),
            (429, false, Class::Throttle),
            (500, false, Class::EndpointFault),
            (503, false, Class::EndpointFault),
            (503, true, Class::Throttle),
            (504, true, Class::EndpointFault),
            (599, false, Class::EndpointFault),
            (101, false, Class::EndpointFault),
        ];
        for (status, retry_after, class) in rows {
            assert_eq!(classify(status, retry_after), class, "{status}");
        }
    }

    #[test]
    fn words_are_read_back() {
        for class in Class::ALL {
            assert_eq!(Class::parse(class.as_str()), Some(class));
        }
        assert_eq!(BusinessOutcome::parse("needs_action"), Some(BusinessOutcome::NeedsAction));
        assert_eq!(BusinessOutcome::parse("retry"), None);
    }
}

//! Rights, told to those who need them.

use super::words::{Words, words};
use crate::http::auth::Right;
use crate::model::agency::Role;

/// Every role, by its word in the configuration.
const ROLES: [(Role, &str); 5] = [
    (Role::Agency, "agency"),
    (Role::Viewer, "viewer"),
    (Role::Operator, "operator"),
    (Role::Auditor, "auditor"),
    (Role::Admin, "admin"),
];

impl Right {
    /// Its name in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Post => "post",
            Self::Read => "read",
            Self::Report => "report",
            Self::Oversee => "oversee",
            Self::Operate => "operate",
            Self::Audit => "audit",
            Self::Metrics => "metrics",
            Self::OpenData => "open-data",
        }
    }

    /// The roles that have it.
    pub fn roles(self) -> Vec<&'static str> {
        ROLES.iter().filter(|(role, _)| self.is_given_to(*role)).map(|(_, word)| *word).collect()
    }

    /// Whether a configuration can give it to everybody.
    pub(super) fn can_be_open(self) -> bool {
        matches!(self, Self::Metrics | Self::OpenData)
    }

    /// Whether some role does not have it.
    pub(super) fn is_refused_to_some(self) -> bool {
        self.roles().len() < ROLES.len()
    }

    /// Who has it, in one sentence.
    pub(super) fn says(self) -> Words {
        match self {
            Self::Anyone => words("For anyone, without a key.", "متاح للجميع دون مفتاح."),
            Self::Post => words(
                "For keys of the roles `agency`, and `admin` to try.",
                "للمفاتيح ذات الدور `agency`، وذات الدور `admin` للتجربة فقط.",
            ),
            Self::Read => {
                words("For every key, each as much as its role may see.", "لكل مفتاح، وبقدر ما يسمح دوره برؤيته.")
            }
            Self::Report => words("For keys of the role `agency`.", "للمفاتيح ذات الدور `agency`."),
            Self::Oversee => words("For keys of every role but `agency`.", "للمفاتيح ذات أي دور عدا `agency`."),
            Self::Metrics => words(
                "For keys of every role but `agency`; for anyone with `[metrics] open = true`.",
                "للمفاتيح ذات أي دور عدا `agency`، وللجميع إذا ضُبط `[metrics] open = true`.",
            ),
            Self::OpenData => words(
                "For keys of every role but `agency`; for anyone with `[statistics] open = true`.",
                "للمفاتيح ذات أي دور عدا `agency`، وللجميع إذا ضُبط `[statistics] open = true`.",
            ),
            Self::Operate => {
                words("For keys of the roles `operator` and `admin`.", "للمفاتيح ذات الدور `operator` أو `admin`.")
            }
            Self::Audit => {
                words("For keys of the roles `auditor` and `admin`.", "للمفاتيح ذات الدور `auditor` أو `admin`.")
            }
        }
    }
}

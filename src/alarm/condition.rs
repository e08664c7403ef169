//! The conditions, their limits, and how an alarm is said in both languages.

use std::time::Duration;

use crate::model::id::AgencyId;
use crate::model::text::Bilingual;
use crate::model::time::{At, Span};

/// What an alarm can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// The oldest unfinished delivery of an agency is too old.
    OldestAge,
    /// An agency has not answered for too long.
    CircuitOpen,
    /// An agency said that its receiver is gone, and is paused.
    Gone,
    /// Too many lanes of an agency wait for a person.
    Parked,
    /// Too many deliveries to an agency were given up in the last hour.
    Dead,
    /// Deliveries wait for an agency that is not in the deployment.
    Unconfigured,
    /// Little space is left on the store's disk.
    DiskLow,
    /// Nothing is accepted any more.
    NotAccepting,
    /// A changed deployment was refused; the old one is in force.
    DeploymentRefused,
    /// The broker has not been as it should be for too long.
    BrokerDown,
}

impl Condition {
    /// The word used in metrics and notices.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OldestAge => "oldest_age",
            Self::CircuitOpen => "circuit_open",
            Self::Gone => "gone",
            Self::Parked => "parked",
            Self::Dead => "dead",
            Self::Unconfigured => "unconfigured",
            Self::DiskLow => "disk_low",
            Self::NotAccepting => "not_accepting",
            Self::DeploymentRefused => "deployment_refused",
            Self::BrokerDown => "broker_down",
        }
    }

    /// What its figures are.
    pub fn unit(self) -> &'static str {
        match self {
            Self::OldestAge | Self::CircuitOpen | Self::BrokerDown => "seconds",
            Self::Parked => "lanes",
            Self::Dead => "deliveries per hour",
            Self::Gone | Self::Unconfigured => "deliveries",
            Self::DiskLow => "bytes",
            Self::NotAccepting | Self::DeploymentRefused => "problems",
        }
    }
}

/// From where on a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time between two looks.
    pub every: Duration,
    /// How long a condition must not have held before its alarm is cleared.
    pub clear_after: Duration,
    /// The oldest unfinished delivery may be so old; closed hours do not count.
    pub oldest_age: Duration,
    /// A circuit may be open so long; closed hours do not count.
    pub circuit_open: Duration,
    /// So many lanes of one agency may be parked.
    pub parked: u64,
    /// So many deliveries to one agency may be given up in an hour.
    pub dead_per_hour: u64,
    /// Free bytes there should be on the store's disk.
    pub disk_free_bytes: u64,
    /// The broker may be down for so long.
    pub broker_down: Duration,
}

/// An alarm, raised or cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Whom it is about; the bus itself where nobody.
    pub agency: Option<AgencyId>,
    /// What it is about.
    pub condition: Condition,
    /// Whether it is raised; else it is cleared.
    pub raised: bool,
    /// When it was raised.
    pub since: At,
    /// When this was found.
    pub at: At,
    /// The figure, in the condition's unit.
    pub value: u64,
    /// The figure it is compared with.
    pub limit: u64,
}

impl Alarm {
    /// One sentence in both languages.
    pub fn text(&self) -> Bilingual {
        let who = self.agency.as_ref().map_or("", AgencyId::as_str);
        if !self.raised {
            let (en, ar) = self.condition.recovered();
            return match &self.agency {
                Some(_) => Bilingual::new(format!("{who}: {en}"), format!("الجهة {who}: {ar}")),
                None => Bilingual::new(en, ar),
            };
        }
        let (value, limit) = (self.value, self.limit);
        let time = |seconds| Span(Duration::from_secs(seconds));
        match self.condition {
            Condition::OldestAge => Bilingual::new(
                format!("{who}: the oldest delivery has waited for {}, longer than {}.", time(value), time(limit)),
                format!("الجهة {who}: أقدم عملية تسليم تنتظر منذ {}، أي أكثر من {}.", time(value), time(limit)),
            ),
            Condition::CircuitOpen => Bilingual::new(
                format!("{who}: the agency has not answered for {}, longer than {}.", time(value), time(limit)),
                format!("الجهة {who}: لا تستجيب منذ {}، أي أكثر من {}.", time(value), time(limit)),
            ),
            Condition::Gone => Bilingual::new(
                format!(
                    "{who}: the agency said that its receiver is gone and is paused until an operator resumes it; {value} \
                     deliveries wait."
                ),
                format!(
                    "الجهة {who}: أفادت بأن نقطة الاستلام لديها لم تعد موجودة، والتسليم إليها موقوف مؤقتًا إلى أن يستأنفه المشغّل؛ \
                     وعدد عمليات التسليم المنتظرة {value}."
                ),
            ),
            Condition::Parked => Bilingual::new(
                format!("{who}: {value} lanes wait for an operator; the limit is {limit}."),
                format!("الجهة {who}: عدد المسارات التي تنتظر تدخّل المشغّل {value}، والحد {limit}."),
            ),
            Condition::Dead => Bilingual::new(
                format!("{who}: {value} deliveries were given up within the hour; the limit is {limit}."),
                format!("الجهة {who}: عدد عمليات التسليم المتروكة خلال الساعة {value}، والحد {limit}."),
            ),
            Condition::Unconfigured => Bilingual::new(
                format!("{who}: the agency is not in the deployment, and {value} deliveries wait for it."),
                format!("الجهة {who}: ليست ضمن الإعدادات، وعدد عمليات التسليم التي تنتظرها {value}."),
            ),
            Condition::DiskLow => Bilingual::new(
                format!("{value} bytes are free on the ledger's disk; there should be {limit}."),
                format!("المساحة الحرة على قرص السجل {value} بايت، وينبغي ألا تقل عن {limit}."),
            ),
            Condition::BrokerDown => Bilingual::new(
                format!(
                    "The message broker has not been as it should be for {}, longer than {}.",
                    time(value),
                    time(limit)
                ),
                format!("تعذّر العمل مع وسيط الرسائل منذ {}، أي أكثر من {}.", time(value), time(limit)),
            ),
            Condition::NotAccepting => {
                Bilingual::new("Nothing is accepted any more.", "توقّف النظام عن قبول أي طلب جديد.")
            }
            Condition::DeploymentRefused => Bilingual::new(
                format!("The changed deployment has {value} problems and was refused; the old one is in force."),
                format!("رُفضت الإعدادات المعدّلة لوجود مشكلات فيها (العدد: {value})، ولا تزال الإعدادات السابقة سارية."),
            ),
        }
    }
}

impl Condition {
    fn recovered(self) -> (&'static str, &'static str) {
        match self {
            Self::OldestAge => ("no delivery is too old any more.", "لم تعد هناك عمليات تسليم متأخرة."),
            Self::CircuitOpen => ("the agency answers again.", "عادت إلى الاستجابة."),
            Self::Gone => ("deliveries to the agency go on.", "استؤنف التسليم إليها."),
            Self::Parked => {
                ("few enough lanes wait for an operator.", "عاد عدد المسارات التي تنتظر المشغّل إلى الحد المقبول.")
            }
            Self::Dead => ("few enough deliveries are given up.", "عاد عدد عمليات التسليم المتروكة إلى الحد المقبول."),
            Self::Unconfigured => {
                ("nothing waits for an agency that is not there.", "لم تعد هناك عمليات تسليم تنتظر جهة غير معرّفة.")
            }
            Self::DiskLow => {
                ("There is enough space on the ledger's disk again.", "عادت المساحة الحرة على قرص السجل كافية.")
            }
            Self::NotAccepting => ("Envelopes are accepted again.", "عاد النظام إلى قبول الطلبات."),
            Self::BrokerDown => {
                ("The message broker is as it should be again.", "عاد العمل مع وسيط الرسائل إلى طبيعته.")
            }
            Self::DeploymentRefused => {
                ("The deployment in the folder is in force.", "الإعدادات الموجودة في المجلد سارية الآن.")
            }
        }
    }
}

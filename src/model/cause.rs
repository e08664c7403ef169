//! What can break on the way to an agency, without an answer or with half of one: one list of words for the log, the ledger and the reader.
//!
//! The words are ours and fixed, so nothing of a library's text, which may hold an address, and nothing that the other side said
//! gets into a note (C3). A note is stored as its word; [`Cause::parse`] finds it again years later.

use rustls::CertificateError;

use super::outcome::Class;
use super::text::Bilingual;

/// What broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nobody listens there.
    Refused,
    /// No way leads there.
    Unreachable,
    /// It took too long to connect.
    ConnectTimeout,
    /// Connecting failed in some other way.
    ConnectFailed,
    /// The connection ended during the TLS handshake.
    ClosedInHandshake,
    /// The whole exchange took longer than the agency's timeout.
    Timeout,
    /// The other side reset the connection.
    Reset,
    /// The connection ended before the answer did.
    CutOff,
    /// What came back is no HTTP.
    NotHttp,
    /// The exchange failed in some other way.
    Failed,
    /// The name servers do not answer.
    NamesSilent,
    /// The name servers do not know the host.
    UnknownHost,
    /// The address is one that `[egress] deny` names.
    Denied,
    /// What the manifest names is no address that can be posted to.
    InvalidUrl,
    /// The certificate has expired.
    CertificateExpired,
    /// The certificate is not valid yet.
    CertificateEarly,
    /// Nobody who is trusted has signed the certificate.
    CertificateIssuer,
    /// The certificate is for another host.
    CertificateName,
    /// The certificate is not accepted for some other reason.
    Certificate,
    /// The other side does not speak TLS.
    NoTls,
    /// The other side refused the handshake.
    TlsRefused,
    /// The handshake failed in some other way.
    TlsFailed,
    /// A header of the message cannot be carried by HTTP.
    IllegalHeader,
    /// The agency's queue at the broker is full.
    QueueFull,
    /// The broker takes nothing now: its memory or disk alarm is raised.
    BrokerBlocked,
    /// The agency's queue is not there.
    QueueMissing,
    /// The exchange is not there.
    ExchangeMissing,
    /// Falaj may not publish there.
    PublishRefused,
    /// The broker does not accept Falaj's user.
    BrokerAccess,
    /// No encrypted connection to the broker.
    BrokerTls,
    /// The broker is not connected.
    BrokerDown,
    /// The broker did not say whether it has the message.
    Unconfirmed,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 32] = [
        Self::Refused,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::ConnectFailed,
        Self::ClosedInHandshake,
        Self::Timeout,
        Self::Reset,
        Self::CutOff,
        Self::NotHttp,
        Self::Failed,
        Self::NamesSilent,
        Self::UnknownHost,
        Self::Denied,
        Self::InvalidUrl,
        Self::CertificateExpired,
        Self::CertificateEarly,
        Self::CertificateIssuer,
        Self::CertificateName,
        Self::Certificate,
        Self::NoTls,
        Self::TlsRefused,
        Self::TlsFailed,
        Self::IllegalHeader,
        Self::QueueFull,
        Self::BrokerBlocked,
        Self::QueueMissing,
        Self::ExchangeMissing,
        Self::PublishRefused,
        Self::BrokerAccess,
        Self::BrokerTls,
        Self::BrokerDown,
        Self::Unconfirmed,
    ];

    /// What a TLS handshake failed of.
    pub fn of_tls(error: &rustls::Error) -> Self {
        use CertificateError as Bad;
        match error {
            rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => Self::CertificateExpired,
            rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
                Self::CertificateEarly
            }
            rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => Self::CertificateIssuer,
            rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
                Self::CertificateName
            }
            rustls::Error::InvalidCertificate(_) => Self::Certificate,
            rustls::Error::InvalidMessage(_) => Self::NoTls,
            rustls::Error::AlertReceived(_) => Self::TlsRefused,
            _ => Self::TlsFailed,
        }
    }

    /// How an attempt that ended so is classed: what somebody must set right by hand is a configuration fault.
    pub const fn class(self) -> Class {
        match self {
            Self::Refused
            | Self::Unreachable
            | Self::ConnectTimeout
            | Self::ConnectFailed
            | Self::ClosedInHandshake
            | Self::Timeout
            | Self::Reset
            | Self::CutOff
            | Self::NotHttp
            | Self::Failed
            | Self::NamesSilent
            | Self::BrokerDown
            | Self::Unconfirmed => Class::EndpointFault,
            Self::UnknownHost
            | Self::Denied
            | Self::InvalidUrl
            | Self::CertificateExpired
            | Self::CertificateEarly
            | Self::CertificateIssuer
            | Self::CertificateName
            | Self::Certificate
            | Self::NoTls
            | Self::TlsRefused
            | Self::TlsFailed
            | Self::QueueMissing
            | Self::ExchangeMissing
            | Self::PublishRefused
            | Self::BrokerAccess
            | Self::BrokerTls => Class::ConfigurationFault,
            Self::QueueFull | Self::BrokerBlocked => Class::Throttle,
            Self::IllegalHeader => Class::MessageFault,
        }
    }

    /// The note in the log and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "connect: refused",
            Self::Unreachable => "connect: unreachable",
            Self::ConnectTimeout => "connect: timeout",
            Self::ConnectFailed => "connect: failed",
            Self::ClosedInHandshake => "connect: closed while agreeing on TLS",
            Self::Timeout => "timeout",
            Self::Reset => "connection reset",
            Self::CutOff => "closed before the end of the answer",
            Self::NotHttp => "the answer is not HTTP",
            Self::Failed => "the exchange failed",
            Self::NamesSilent => "dns: the name servers do not answer",
            Self::UnknownHost => "dns: unknown host",
            Self::Denied => "egress: the address is denied",
            Self::InvalidUrl => "the url cannot be posted to",
            Self::CertificateExpired => "certificate: expired",
            Self::CertificateEarly => "certificate: not valid yet",
            Self::CertificateIssuer => "certificate: unknown issuer",
            Self::CertificateName => "certificate: for another name",
            Self::Certificate => "certificate: not accepted",
            Self::NoTls => "tls: the other side does not speak TLS",
            Self::TlsRefused => "tls: refused by the other side",
            Self::TlsFailed => "tls: failed",
            Self::IllegalHeader => "a header of the message is not legal in HTTP",
            Self::QueueFull => "broker: the queue is full",
            Self::BrokerBlocked => "broker: it takes nothing now",
            Self::QueueMissing => "broker: the queue is missing",
            Self::ExchangeMissing => "broker: the exchange is missing",
            Self::PublishRefused => "broker: publishing is refused",
            Self::BrokerAccess => "broker: wrong user, or no access",
            Self::BrokerTls => "broker: no encrypted connection",
            Self::BrokerDown => "broker: not connected",
            Self::Unconfirmed => "broker: not confirmed",
        }
    }

    /// Finds the cause that a note tells of; none where the note is of something else, such as an answer.
    pub fn parse(note: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == note)
    }

    /// What it means, as a clause that stands within a sentence.
    pub fn clause(self) -> Bilingual {
        let (en, ar) = match self {
            Self::Refused => ("the agency's system refused the connection", "رفض نظام الجهة الاتصال"),
            Self::Unreachable => ("no network path leads to the agency", "لا يوجد مسار شبكي يصل إلى الجهة"),
            Self::ConnectTimeout => {
                ("connecting to the agency took too long", "استغرق الاتصال بالجهة وقتًا أطول من المسموح به")
            }
            Self::ConnectFailed => ("connecting to the agency failed", "تعذّر الاتصال بالجهة"),
            Self::ClosedInHandshake => (
                "the agency closed the connection while agreeing on TLS",
                "أغلقت الجهة الاتصال أثناء التفاوض على تشفير TLS",
            ),
            Self::Timeout => ("the agency did not answer in time", "لم ترد الجهة في الوقت المحدد"),
            Self::Reset => ("the agency cut the connection", "قطعت الجهة الاتصال"),
            Self::CutOff => ("the agency's answer broke off", "انقطع رد الجهة قبل اكتماله"),
            Self::NotHttp => ("the agency's answer is not HTTP", "رد الجهة ليس بصيغة HTTP"),
            Self::Failed => ("the exchange with the agency broke off", "انقطع تبادل البيانات مع الجهة"),
            Self::NamesSilent => ("the name servers (DNS) do not answer", "خوادم أسماء النطاقات (DNS) لا تستجيب"),
            Self::UnknownHost => {
                ("the host name of the agency's address is unknown", "اسم المضيف في عنوان الجهة غير معروف")
            }
            Self::Denied => (
                "the agency's address lies in a network that is denied here",
                "عنوان الجهة يقع في شبكة محظورة في إعدادات الناقل",
            ),
            Self::InvalidUrl => ("the agency's address cannot be posted to", "عنوان الجهة غير صالح للإرسال إليه"),
            Self::CertificateExpired => ("the agency's certificate has expired", "انتهت صلاحية شهادة الجهة"),
            Self::CertificateEarly => ("the agency's certificate is not valid yet", "لم تبدأ صلاحية شهادة الجهة بعد"),
            Self::CertificateIssuer => (
                "the agency's certificate comes from an issuer that is not trusted",
                "شهادة الجهة صادرة عن مُصدِر غير موثوق به",
            ),
            Self::CertificateName => {
                ("the agency's certificate is for another host name", "شهادة الجهة صادرة لاسم مضيف آخر")
            }
            Self::Certificate => ("the agency's certificate is not accepted", "شهادة الجهة غير مقبولة"),
            Self::NoTls => {
                ("the agency does not speak TLS at this address", "الجهة لا تستخدم تشفير TLS على هذا العنوان")
            }
            Self::TlsRefused => ("the agency refused the TLS handshake", "رفضت الجهة التفاوض على تشفير TLS"),
            Self::TlsFailed => ("the TLS handshake with the agency failed", "تعذّر التفاوض مع الجهة على تشفير TLS"),
            Self::IllegalHeader => {
                ("a header of the message is not legal in HTTP", "إحدى ترويسات الرسالة غير مقبولة في HTTP")
            }
            Self::QueueFull => ("the agency's queue at the broker is full", "امتلأ طابور الجهة لدى وسيط الرسائل"),
            Self::BrokerBlocked => ("the broker takes no messages now", "لا يقبل وسيط الرسائل أي رسائل حاليًا"),
            Self::QueueMissing => {
                ("the agency's queue is missing at the broker", "طابور الجهة غير موجود لدى وسيط الرسائل")
            }
            Self::ExchangeMissing => {
                ("the exchange is missing at the broker", "نقطة التوزيع (exchange) غير موجودة لدى وسيط الرسائل")
            }
            Self::PublishRefused => ("the broker does not let Falaj publish", "لا يسمح وسيط الرسائل لفلج بالنشر"),
            Self::BrokerAccess => ("the broker does not accept Falaj's user", "لا يقبل وسيط الرسائل مستخدم فلج"),
            Self::BrokerTls => {
                ("no encrypted connection to the broker comes about", "تعذّر إنشاء اتصال مشفّر بوسيط الرسائل")
            }
            Self::BrokerDown => ("the broker is not connected", "الاتصال بوسيط الرسائل مقطوع"),
            Self::Unconfirmed => ("the broker did not confirm the message", "لم يؤكد وسيط الرسائل استلام الرسالة"),
        };
        Bilingual::new(en, ar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_leads_back_to_its_cause() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
            let clause = cause.clause();
            assert!(clause.ar.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c)), "{cause:?}");
            assert!(clause.en.is_ascii() && !clause.en.ends_with('.'), "{cause:?}");
        }
        assert_eq!(Cause::parse("status 503"), None);
    }
}

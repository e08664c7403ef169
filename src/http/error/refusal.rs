//! What intake and ledger say, as problems.

use super::{Fault, Kind, Problem};
use crate::intake::{Refusal, Unheard};
use crate::ledger::LedgerError;
use crate::model::cloudevents::{AttributeFault, EventFault};
use crate::model::json::JsonFault;
use crate::schema::{NoSchema, Violation};

/// Seconds after which a busy ledger is worth another try.
const BUSY_RETRY_S: u32 = 1;
/// Seconds after which a person may have made room, or the process may have been started anew.
const STOPPED_RETRY_S: u32 = 30;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Event(fault) => Self::from(fault),
            Refusal::NotAllowed { ty, type_allowed, source_name, source_allowed, .. } => {
                not_allowed(ty.as_str(), type_allowed, &source_name, source_allowed)
            }
            Refusal::NoSchema { ty, why } => no_schema(ty.as_str(), why),
            Refusal::Invalid { schema, violations } => Self::new(
                Kind::Schema,
                format!("The envelope does not satisfy {schema}; every violation is listed."),
                format!("لا يطابق المظروف المخطط {schema}، وجميع المخالفات مذكورة أدناه."),
            )
            .errors(violations.into_iter().map(Fault::from).collect()),
            Refusal::Clash { id } => Self::new(
                Kind::Clash,
                format!("Another content was accepted under this source and id, as envelope {id}."),
                format!("سبق قبول محتوى آخر بالمصدر والمعرّف نفسيهما في المظروف {id}."),
            ),
            Refusal::TooManyRecipients { ty, max } => {
                tracing::error!(r#type = %ty, max, "more agencies subscribe to a type than an envelope can go to");
                Self::new(
                    Kind::Unavailable,
                    format!("More than {max} agencies subscribe to {ty}."),
                    format!("يزيد عدد الجهات المشتركة في {ty} على {max} جهة."),
                )
                .retry_after(STOPPED_RETRY_S)
            }
            Refusal::Unavailable(error) => Self::from(error),
        }
    }
}

impl From<Unheard> for Problem {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::NotFound => Self::not_found(),
            Unheard::NoRetry { delivered: true } => Self::conflict(
                "The delivery is delivered; it is not sent again.",
                "تم التسليم بالفعل، ولن يُرسل مرة أخرى.",
            ),
            Unheard::NoRetry { delivered: false } => Self::conflict(
                "Only a leased delivery can be given back for a retry; answer the webhook itself instead.",
                "لا تُعاد للمحاولة إلا عملية تسليم ضمن مهلة استلام سارية؛ أجب عن الطلب الوارد نفسه بدلًا من ذلك.",
            ),
            Unheard::Leased => Self::conflict(
                "The delivery is handed out under a lease; report under that lease.",
                "عملية التسليم ضمن مهلة استلام سارية؛ أرسل النتيجة مع «lease» الخاصة بها.",
            ),
            Unheard::Final(outcome) => Self::conflict(
                format!("The final outcome `{}` was recorded before.", outcome.as_str()),
                format!("سبق تسجيل النتيجة النهائية «{}».", outcome.as_str()),
            ),
            Unheard::State => Self::conflict(
                "The delivery cannot take this report in its state.",
                "لا تقبل عملية التسليم هذه النتيجة في حالتها الراهنة.",
            ),
            Unheard::Unavailable(error) => Self::from(error),
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        let seconds = match &error {
            LedgerError::Busy => BUSY_RETRY_S,
            LedgerError::DiskLow | LedgerError::Poisoned | LedgerError::Closed => STOPPED_RETRY_S,
            LedgerError::Store(cause) => {
                tracing::error!(error = %cause, "the store failed");
                BUSY_RETRY_S
            }
            LedgerError::NotInFlight => {
                tracing::error!(%error, "the ledger refused what the interface never asks");
                return Self::internal();
            }
        };
        Self::new(
            Kind::Unavailable,
            "The ledger does not take this now; nothing was stored. Try again.",
            "لا يستقبل السجل هذا الطلب حاليًا ولم يُخزَّن شيء. أعد المحاولة.",
        )
        .retry_after(seconds)
    }
}

impl From<EventFault> for Problem {
    fn from(fault: EventFault) -> Self {
        let event = |detail: String, detail_ar: String| Self::new(Kind::BadEvent, detail, detail_ar);
        match fault {
            EventFault::Json(fault) => json(&fault),
            EventFault::NotUtf8 => event("The body is not UTF-8.".into(), "متن الطلب ليس بترميز UTF-8.".into()),
            EventFault::Attributes(faults) => event(
                "Attributes are missing or wrong; every one is listed.".into(),
                "توجد سمات ناقصة أو غير صحيحة، وجميعها مذكورة أدناه.".into(),
            )
            .errors(faults.into_iter().map(Fault::from).collect()),
            EventFault::TooManyAttributes { max } => event(
                format!("An event may have at most {max} attributes."),
                format!("يجب ألّا يزيد عدد سمات الحدث على {max} سمة."),
            ),
            EventFault::NotAnObject => {
                event("An event is a JSON object.".into(), "يجب أن يكون الحدث كائن JSON.".into())
            }
            EventFault::NotAnArray => {
                event("A batch is a JSON array of events.".into(), "يجب أن تكون الدفعة مصفوفة JSON من الأحداث.".into())
            }
            EventFault::BatchTooLong { max } => Self::new(
                Kind::TooLarge,
                format!("A batch may have at most {max} envelopes."),
                format!("يجب ألّا يزيد عدد المظاريف في الدفعة على {max}."),
            ),
            EventFault::NoData => Self::new(Kind::Schema, "The event has no data.", "لا يحتوي الحدث على بيانات.")
                .errors(vec![Fault::new("/data", "required", "`data` is required.", "البيانات «data» مطلوبة.")]),
            EventFault::DataNotJson => Self::new(
                Kind::MediaType,
                "The data must be JSON: `application/json` or a media type ending in `+json`, in UTF-8.",
                "يجب أن تكون البيانات بصيغة JSON: النوع `application/json` أو ما ينتهي بـ `+json`، بترميز UTF-8.",
            ),
        }
    }
}

impl From<AttributeFault> for Fault {
    fn from(fault: AttributeFault) -> Self {
        Self {
            pointer: fault.pointer,
            keyword: fault.keyword.to_owned(),
            message: fault.message,
            message_ar: fault.message_ar,
        }
    }
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self {
            pointer: violation.pointer,
            keyword: violation.keyword,
            message: violation.message.en,
            message_ar: violation.message.ar,
        }
    }
}

fn json(fault: &JsonFault) -> Problem {
    let (detail, detail_ar) = match fault {
        JsonFault::Syntax { offset, .. } => {
            (format!("The body is {fault}."), format!("متن الطلب ليس JSON صحيحًا عند البايت {offset}."))
        }
        JsonFault::DoubledKey { offset } => (
            format!("The body is refused: {fault}."),
            format!("يحتوي كائن على عضوين بالاسم نفسه، ويبدأ الثاني عند البايت {offset}."),
        ),
        JsonFault::TooDeep { max, offset } => {
            (format!("The body is refused: {fault}."), format!("يتجاوز التداخل {max} مستوى عند البايت {offset}."))
        }
        JsonFault::Nul { offset } => {
            (format!("The body is refused: {fault}."), format!("يحتوي نص على المحرف U+0000 عند البايت {offset}."))
        }
        JsonFault::LoneSurrogate { offset } => (
            format!("The body is refused: {fault}."),
            format!("يحتوي نص على نصف زوج بديل (surrogate) منفرد عند البايت {offset}."),
        ),
    };
    Problem::new(Kind::BadEvent, detail, detail_ar)
}

fn not_allowed(ty: &str, type_allowed: bool, source: &str, source_allowed: bool) -> Problem {
    let mut errors = Vec::new();
    if !type_allowed {
        errors.push(Fault::new(
            "/type",
            "right",
            format!("Your agency may not send the type `{ty}`."),
            format!("لا يحق لجهتك إرسال النوع «{ty}»."),
        ));
    }
    if !source_allowed {
        errors.push(Fault::new(
            "/source",
            "right",
            format!("Your agency may not speak for the source `{source}`."),
            format!("لا يحق لجهتك الإرسال باسم المصدر «{source}»."),
        ));
    }
    Problem::new(
        Kind::NotAllowed,
        format!("Your agency may not send the type `{ty}` from the source `{source}`."),
        format!("لا يحق لجهتك إرسال النوع «{ty}» من المصدر «{source}»."),
    )
    .errors(errors)
}

fn no_schema(ty: &str, why: NoSchema) -> Problem {
    let (pointer, detail, detail_ar) = match why {
        NoSchema::UnknownType => {
            ("/type", format!("The type `{ty}` has no schema here."), format!("لا يوجد مخطط مسجّل للنوع «{ty}»."))
        }
        NoSchema::UnknownVersion => (
            "/dataschema",
            format!("`dataschema` names no registered version of `{ty}`."),
            format!("لا تشير «dataschema» إلى إصدار مسجّل من «{ty}»."),
        ),
    };
    let errors = vec![Fault::new(pointer, "registered", detail.clone(), detail_ar.clone())];
    Problem::new(Kind::Schema, detail, detail_ar).errors(errors)
}

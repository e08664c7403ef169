//! Fetching deliveries, reporting on them, and what a person does to one.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{list, object, of, whole};
use super::super::shapes::envelope::delivery;
use super::super::shapes::event::fetched;
use super::super::shapes::repair::{order, report as told};
use super::super::shapes::scalar::{agency, id, span};
use super::super::words::{Words, words};
use crate::http::error::Kind;
use crate::http::pull::{MAX_DEFAULT, MAX_MAX};

/// `GET /v1/agencies/{id}/deliveries`
pub fn fetch() -> Operation {
    let deliveries = object().has(
        "deliveries",
        list(of(fetched)),
        words("What is yours to work on; often none.", "ما صار لك العمل عليه، وقد لا يوجد شيء."),
    );
    Operation::new("fetchDeliveries", Chapter::Receiving, words("Fetch deliveries", "جلب عمليات التسليم"))
        .about(words(
            "For an agency with `transport = \"pull\"`: what its lanes offer, each under a lease. Report under the lease before it \
             runs out; one that runs out counts as a failed attempt, and the delivery comes again.",
            "للجهة التي وسيلة نقلها `pull`: ما تتيحه مساراتها، ولكل عملية مهلة استلام. أبلغ بالنتيجة قبل انقضاء المهلة؛ فإن انقضت عُدّت \
             محاولة مخفقة وعُرضت العملية من جديد.",
        ))
        .about(words(
            "One lane gives one delivery at a time: the next of a subject is offered when this one is settled.",
            "يتيح كل مسار عملية تسليم واحدة في كل مرة: تُعرض التالية للموضوع نفسه بعد حسم السابقة.",
        ))
        .path("id", agency(), words("Your own agency; any other is 404.", "جهتك أنت؛ ويُجاب عن غيرها بالرمز 404."))
        .query(
            "max",
            whole().between(1, MAX_MAX as u64).default(MAX_DEFAULT),
            words("How many at most.", "أقصى عدد."),
        )
        .query(
            "wait",
            span(),
            words("Wait so long for the first, such as `30s`.", "مدة انتظار أول عملية، مثل `30s`."),
        )
        .answers(200, words("What was there; none is no error.", "ما وُجد، وخلوّه ليس خطأ."), deliveries)
        .fails(
            Kind::Conflict,
            words("The agency's transport is not `pull`.", "وسيلة النقل الخاصة بهذه الجهة ليست `pull`."),
        )
        .fails(
            Kind::Unavailable,
            words(
                "The ledger does not take it now, or too many are waiting already.",
                "السجل لا يستقبل الطلب حاليًا، أو عدد المنتظرين كبير جدًا.",
            ),
        )
}

/// `POST /v1/deliveries/{id}/outcome`
pub fn report() -> Operation {
    Operation::new("reportOutcome", Chapter::Receiving, words("Report an outcome", "الإبلاغ عن النتيجة"))
        .about(words(
            "After a webhook that was answered 202, or under the lease of a fetched delivery. A final outcome stands: the same again \
             is 200, another is 409.",
            "بعد طلب وارد أُجيب عنه بالرمز 202، أو ضمن مهلة استلام عملية جرى جلبها. النتيجة النهائية لا تتغير: تكرارها 200 ومخالفتها 409.",
        ))
        .path("id", id(), words("The `webhook-id`, or the `id` that was fetched.", "قيمة `webhook-id` أو `id` التي جرى جلبها."))
        .takes("application/json", of(told))
        .answers(200, words("Recorded.", "سُجّلت النتيجة."), of(delivery))
        .answers(
            202,
            words(
                "Noted: the webhook's own answer is still awaited, and this settles the delivery when it comes.",
                "أُخذ العلم بها: ما زال ردّ الجهة على الطلب الوارد منتظرًا، وتُحسم عملية التسليم بهذه النتيجة عند وصوله.",
            ),
            of(delivery),
        )
        .fails(
            Kind::Conflict,
            words(
                "Another final outcome stands, or the lease is not current; nothing was recorded.",
                "سُجّلت نتيجة نهائية أخرى، أو أن مهلة الاستلام غير سارية؛ ولم يُسجَّل شيء.",
            ),
        )
        .asks_the_ledger()
}

fn operated(id_: &'static str, summary: Words, about: Words, refused: Words) -> Operation {
    Operation::new(id_, Chapter::Repair, summary)
        .about(about)
        .path("id", id(), words("The delivery.", "عملية التسليم."))
        .takes("application/json", of(order))
        .answers(200, words("As it stands now.", "حالتها الآن."), of(delivery))
        .fails(
            Kind::InFlight,
            words(
                "It is being sent or is under a lease; nothing was done.",
                "عملية التسليم جارية أو ضمن مهلة استلام، ولم يُنفَّذ شيء.",
            ),
        )
        .fails(Kind::Conflict, refused)
        .asks_the_ledger()
}

/// `POST /v1/deliveries/{id}/retry`
pub fn retry() -> Operation {
    operated(
        "retryDelivery",
        words("Try a delivery again now", "إعادة محاولة عملية تسليم الآن"),
        words("One that failed and waits for its time, or is parked.", "لعملية أخفقت وتنتظر موعدها، أو معلّقة."),
        words("It has ended, or has not failed.", "انتهت عملية التسليم أو لم تخفق."),
    )
}

/// `POST /v1/deliveries/{id}/skip`
pub fn skip() -> Operation {
    operated(
        "skipDelivery",
        words("Pass over a delivery", "تخطّي عملية تسليم"),
        words(
            "Its lane goes on, and the next success of the lane carries `falaj-gap`.",
            "يستأنف مسارها، ويحمل أول تسليم ناجح بعدها في المسار الترويسة `falaj-gap`.",
        ),
        words("It has ended.", "انتهت عملية التسليم."),
    )
}

/// `POST /v1/deliveries/{id}/cancel`
pub fn cancel() -> Operation {
    operated(
        "cancelDelivery",
        words("Withdraw a delivery", "إلغاء عملية تسليم"),
        words("Its lane goes on as if it had never been.", "يستأنف مسارها كأنها لم تكن."),
        words("It has ended.", "انتهت عملية التسليم."),
    )
}

/// `POST /v1/deliveries/{id}/release`
pub fn release() -> Operation {
    operated(
        "releaseDelivery",
        words("Let go on what waits behind a parked delivery", "الإفراج عما ينتظر خلف عملية تسليم معلّقة"),
        words(
            "It becomes a dead letter, which can be redriven later; its lane goes on and tells of the gap.",
            "تُعدّ متروكة ويمكن إعادة تسليمها لاحقًا، ويستأنف مسارها مع الإشارة إلى الفجوة.",
        ),
        words("It has ended, or is not parked.", "انتهت عملية التسليم أو ليست معلّقة."),
    )
}

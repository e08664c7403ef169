//! What each kind of problem means, and what whoever gets it should do.

use super::words::{Words, words};
use crate::http::error::Kind;
use crate::model::text::Language;

/// Its title.
pub fn title(kind: Kind) -> Words {
    words(kind.title(Language::English), kind.title(Language::Arabic))
}

/// What a problem of a kind means.
pub fn meaning(kind: Kind) -> Words {
    match kind {
        Kind::BadRequest => words(
            "The query or the body has another shape than this call takes. `errors` names every field, where the shape itself was right.",
            "شكل الاستعلام أو متن الطلب لا يطابق ما يقبله هذا الطلب. وإذا كان الشكل صحيحًا فإن `errors` تذكر كل حقل فيه خطأ.",
        ),
        Kind::BadEvent => words(
            "The body is no CloudEvent 1.0 as Falaj takes it: it is not JSON, has a member twice, or its attributes are missing or wrong.",
            "متن الطلب ليس حدث CloudEvents 1.0 مقبولًا: ليس JSON، أو يتكرر فيه عضو، أو توجد سمات ناقصة أو غير صحيحة.",
        ),
        Kind::NoKey => words(
            "The request has no key, or one that this Falaj does not know (any more).",
            "لا يحمل الطلب مفتاحًا، أو يحمل مفتاحًا غير معروف لدى النظام أو لم يعد معتمدًا.",
        ),
        Kind::NotAllowed => words(
            "The key is known, and its holder may not do this: another role is asked for, or the agency's manifest does not list the type \
             or the source.",
            "المفتاح معروف لكن لا يحق لصاحبه هذا الإجراء: يلزم دور آخر، أو أن النوع أو المصدر غير مدرج في ملف تعريف الجهة.",
        ),
        Kind::NotFound => words(
            "There is no such thing, or you may not know of it; the two look the same.",
            "المطلوب غير موجود أو لا يحق لك العلم به، والحالتان متماثلتان في الرد.",
        ),
        Kind::Method => words(
            "The path exists, and is called by other methods; the header `Allow` names them.",
            "المسار موجود لكن تُستخدم معه طرق طلب أخرى مذكورة في الترويسة `Allow`.",
        ),
        Kind::Timeout => words("The body of the request did not arrive in time.", "لم يصل متن الطلب في الوقت المحدد."),
        Kind::Clash => words(
            "An envelope with this `source` and `id` was accepted before, with other content. Nothing was changed.",
            "سبق قبول مظروف يحمل `source` و`id` نفسيهما بمحتوى آخر. ولم يتغير شيء.",
        ),
        Kind::Conflict => words(
            "The thing is in a state that does not allow it; `detail` says which. Nothing was changed.",
            "الحالة الراهنة لا تسمح بذلك، والتفصيل في `detail`. ولم يتغير شيء.",
        ),
        Kind::InFlight => words(
            "The delivery is being sent at this moment, or an agency has it under a lease. Nothing was changed.",
            "عملية التسليم جارية الآن، أو هي لدى جهة ضمن مهلة استلام. ولم يتغير شيء.",
        ),
        Kind::TooLarge => words(
            "The body, or the batch, is over a limit; `detail` says which.",
            "متن الطلب أو الدفعة يتجاوز الحد المذكور في `detail`.",
        ),
        Kind::MediaType => words(
            "The `Content-Type` is none that this call takes, or the body is encoded (compressed).",
            "قيمة `Content-Type` غير مقبولة في هذا الطلب، أو أن متن الطلب مضغوط.",
        ),
        Kind::Schema => words(
            "The event is a CloudEvent, and its data does not satisfy the schema of its type, or its type has no schema here.",
            "الحدث صحيح بصيغة CloudEvents، لكن بياناته لا تطابق مخطط نوعه، أو ليس لنوعه مخطط مسجّل.",
        ),
        Kind::Internal => words(
            "Something failed within Falaj. The log knows what; the answer does not tell.",
            "حدث خطأ داخل النظام. تفاصيله في السجلات الداخلية ولا تُذكر في الرد.",
        ),
        Kind::Unavailable => words(
            "Falaj cannot do it now: its disk is low, its store does not take writes, it is stopping, or too many are waiting. Nothing \
             was stored.",
            "يتعذّر التنفيذ الآن: مساحة القرص منخفضة، أو المخزن لا يقبل الكتابة، أو النظام في طور التوقف، أو عدد المنتظرين كبير جدًا. ولم \
             يُخزَّن شيء.",
        ),
    }
}

/// What to do about it.
pub fn remedy(kind: Kind) -> Words {
    match kind {
        Kind::BadRequest => {
            words("Mend the request. The same request gets the same answer.", "صحّح الطلب؛ فالطلب نفسه يلقى الرد نفسه.")
        }
        Kind::BadEvent => words(
            "Mend every attribute that `errors` names, then send it again under the same `id`.",
            "صحّح كل سمة مذكورة في `errors` ثم أعد الإرسال بالمعرّف نفسه.",
        ),
        Kind::NoKey => words(
            "Send `Authorization: Bearer <key>`. If the key was revoked, ask the operator for a new one.",
            "أرسل `Authorization: Bearer <key>`. وإذا أُلغي المفتاح فاطلب مفتاحًا جديدًا من المشغّل.",
        ),
        Kind::NotAllowed => words(
            "Use a key with the right, or ask the operator to add the type or the source to your agency's manifest.",
            "استخدم مفتاحًا له هذا الحق، أو اطلب من المشغّل إضافة النوع أو المصدر إلى ملف تعريف جهتك.",
        ),
        Kind::NotFound => words(
            "Check the id and the key. Identities are forgotten 30 days after an envelope is completed.",
            "تحقق من المعرّف والمفتاح. وتُنسى الهويات بعد 30 يومًا من اكتمال المظروف.",
        ),
        Kind::Method => words("Use one of the methods in `Allow`.", "استخدم إحدى الطرق المذكورة في `Allow`."),
        Kind::Timeout => words("Send it again, over a better line.", "أعد الإرسال عبر اتصال أفضل."),
        Kind::Clash => words(
            "Do not send it again as it is. If it is another event, give it another `id`; if it corrects the first, send a new event that \
             says so.",
            "لا تُعِد إرساله كما هو. إن كان حدثًا آخر فأعطه `id` آخر، وإن كان تصحيحًا للأول فأرسل حدثًا جديدًا يبيّن ذلك.",
        ),
        Kind::Conflict => words("Read the thing again and decide anew.", "اقرأ الحالة من جديد ثم قرّر."),
        Kind::InFlight => words(
            "Ask again when the attempt has ended; that takes no longer than the agency's timeout or lease.",
            "أعد الطلب بعد انتهاء المحاولة، وهي لا تتجاوز مهلة الجهة أو مهلة الاستلام.",
        ),
        Kind::TooLarge => words(
            "Send less: a smaller event, or a batch in parts. Large documents are referred to by `dataref`.",
            "أرسل أقل: حدثًا أصغر أو الدفعة على أجزاء. أما الوثائق الكبيرة فيُشار إليها بـ`dataref`.",
        ),
        Kind::MediaType => words(
            "Send one of the media types that the call names, in UTF-8 and uncompressed.",
            "أرسل أحد أنواع الوسائط المذكورة لهذا الطلب بترميز UTF-8 ودون ضغط.",
        ),
        Kind::Schema => words(
            "Mend every place that `errors` names; `GET /v1/schemas/{type}/{version}` is the schema. Then send it again under the same `id`.",
            "صحّح كل موضع مذكور في `errors`؛ والمخطط متاح عبر `GET /v1/schemas/{type}/{version}`. ثم أعد الإرسال بالمعرّف نفسه.",
        ),
        Kind::Internal => words(
            "Try again; a repeat of an envelope does no harm. If it stays, tell the operator when it happened.",
            "أعد المحاولة؛ فتكرار المظروف لا يضر. وإن استمر الخطأ فأبلغ المشغّل بوقت حدوثه.",
        ),
        Kind::Unavailable => words(
            "Try again after `Retry-After` seconds. A repeat of an envelope does no harm.",
            "أعد المحاولة بعد مرور الثواني المذكورة في `Retry-After`؛ فتكرار المظروف لا يضر.",
        ),
    }
}

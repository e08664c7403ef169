//! Agencies and the catalogue.

use super::super::schema::{Named, flag, list, number, object, of, only, text, whole, word};
use super::super::words::words;
use super::scalar::{agency as agency_id, bilingual, event_type, instant, span, version};
use super::statistics::agency_event;

/// What can hold an agency.
const STATES: [&str; 9] =
    ["open", "unconfigured", "no_transport", "paused", "draining", "drained", "circuit_open", "throttled", "window"];

/// An agency and its queue.
pub fn agency() -> Named {
    let schema = object()
        .has("id", agency_id(), words("Its id.", "معرّف الجهة."))
        .may(
            "name",
            of(bilingual),
            words("Its name; absent where it left the deployment.", "اسمها، ولا يظهر إذا خرجت من الإعدادات."),
        )
        .has(
            "state",
            word(STATES),
            words(
                "What holds its deliveries; `open` holds nothing.",
                "ما يوقف التسليم إليها؛ `open` تعني أنه غير موقوف.",
            ),
        )
        .may("since", instant(), words("Since when.", "منذ متى."))
        .may("until", instant(), words("Until when at least.", "أقرب موعد للاستئناف."))
        .may("by", text(), words("Who paused or drains it.", "من أوقف التسليم إليها أو يفرغ قائمة انتظارها."))
        .may("reason", text(), words("Why.", "السبب."))
        .may("draining", of(draining), words("How far a drain is.", "مدى تقدم التفريغ."))
        .has("in_flight", whole(), words("Deliveries being sent at this moment.", "عمليات التسليم الجارية الآن."))
        .has("deliveries", of(tally), words("Its deliveries, by state.", "عمليات التسليم إليها بحسب الحالة."))
        .may(
            "oldest_accepted_at",
            instant(),
            words("When the oldest unfinished one was accepted.", "وقت قبول أقدم عملية لم تنتهِ."),
        )
        .may("oldest_age_seconds", whole(), words("Its age in seconds.", "عمرها بالثواني."))
        .may(
            "delivery",
            of(rules),
            words("How it is reached; absent for a publisher.", "كيفية الوصول إليها، ولا يظهر لجهة ترسل فقط."),
        )
        .has("publishes", list(text()), words("The types that it may send.", "الأنواع التي يحق لها إرسالها."))
        .has("subscriptions", list(text()), words("The types that it wishes for.", "الأنواع التي اشتركت فيها."))
        .may(
            "events",
            list(of(agency_event)),
            words(
                "What happened lately, the newest first; where one agency was asked for.",
                "آخر ما حدث من الأحدث إلى الأقدم، عند طلب جهة واحدة.",
            ),
        );
    Named { name: "Agency", about: words("An agency and its queue.", "جهة وقائمة انتظارها."), schema }
}

fn draining() -> Named {
    let schema = object()
        .has(
            "through",
            whole(),
            words(
                "The last in accept order (`falaj-sequence`) that goes out.",
                "آخر ما يُسلَّم بترتيب القبول (`falaj-sequence`).",
            ),
        )
        .has("left", whole(), words("Those that are not finished.", "ما لم ينتهِ منها."))
        .has("state", word(STATES), words("What holds these.", "ما يوقف هذه العمليات."))
        .may("until", instant(), words("Until when at least.", "أقرب موعد للاستئناف."));
    Named {
        name: "Draining", about: words("What a drain still lets out.", "ما يتبقى تسليمه عند التفريغ."), schema
    }
}

fn tally() -> Named {
    let schema = object()
        .has("pending", whole(), words("Flowing, those in flight included.", "قيد التدفق، بما فيها الجارية."))
        .has("retry", whole(), words("Failed, and due again.", "أخفقت وستُعاد المحاولة."))
        .has(
            "parked",
            whole(),
            words("Out of tries; they wait for an operator.", "معلّقة بعد نفاد المحاولات بانتظار المشغّل."),
        )
        .has("behind", whole(), words("Behind another of their lane.", "تنتظر دورها خلف عملية أخرى في المسار."))
        .has("leased", whole(), words("Handed out under a lease.", "ضمن مهلة استلام."))
        .has("delivered", whole(), words("Ended well.", "سُلِّمت."))
        .has("dead", whole(), words("Given up.", "متروكة بعد إخفاقها نهائيًا."))
        .has("expired", whole(), words("Too late for the sender.", "انتهت صلاحيتها."))
        .has("skipped", whole(), words("Passed over by a person.", "جرى تخطيها."))
        .has("cancelled", whole(), words("Withdrawn by a person.", "أُلغيت."));
    Named {
        name: "Tally", about: words("Deliveries counted by state.", "عدد عمليات التسليم بحسب الحالة."), schema
    }
}

fn rules() -> Named {
    let schema = object()
        .has("transport", word(["webhook", "pull", "amqp"]), words("Which way.", "وسيلة النقل."))
        .has("timeout", span(), words("The longest exchange.", "أقصى مدة للتبادل الواحد."))
        .has("in_flight", whole(), words("Deliveries at once.", "عدد عمليات التسليم المتزامنة."))
        .may("rate", of(rate), words("A limit on their number.", "حد لعددها في الثانية."))
        .may("lease", span(), words("How long it may work on what it fetched.", "مدة مهلة الاستلام."))
        .has(
            "max_age",
            span(),
            words("The age at which a delivery is given up.", "العمر الذي تُترك عنده عملية التسليم."),
        );
    Named {
        name: "DeliveryRules", about: words("How an agency is reached.", "كيفية الوصول إلى الجهة."), schema
    }
}

fn rate() -> Named {
    let schema = object().has("per_second", number(), words("In the long run.", "على المدى الطويل، في الثانية.")).has(
        "burst",
        whole(),
        words("At once.", "دفعة واحدة."),
    );
    Named {
        name: "Rate", about: words("So many requests a second.", "عدد الطلبات في الثانية."), schema
    }
}

/// One registered version of a type.
pub fn schema_line() -> Named {
    let schema = object()
        .has("type", event_type(), words("The type.", "النوع."))
        .has("version", version(), words("The version.", "الإصدار."))
        .has("dataschema", text(), words("As an envelope names it.", "الاسم الذي يذكره المظروف."))
        .has("name", of(bilingual), words("Its name.", "اسمه."))
        .has("owner", agency_id(), words("Who answers for it.", "الجهة المسؤولة عنه."))
        .may("maturity", whole().between(1, 4), words("Level of service maturity.", "مستوى نضج الخدمة."))
        .has("subject_required", flag(), words("Whether `subject` must be given.", "هل `subject` إلزامية."))
        .may("abstract", only(true), words("It lends definitions and is never sent.", "تعريفات مشتركة لا تُرسل."));
    Named { name: "SchemaVersion", about: words("One version of a schema.", "إصدار من مخطط."), schema }
}

/// A service.
pub fn service() -> Named {
    let schema = object()
        .has("type", event_type(), words("The type to send.", "النوع المطلوب إرساله."))
        .has("name", of(bilingual), words("Its name.", "اسم الخدمة."))
        .has("owner", of(owner), words("Who answers for it.", "الجهة المسؤولة عنها."))
        .may("maturity", whole().between(1, 4), words("Level of service maturity.", "مستوى نضج الخدمة."))
        .has("versions", list(version()), words("Its schemas, the oldest first.", "إصدارات مخططها من الأقدم إلى الأحدث."))
        .may(
            "recipients",
            whole(),
            words("How many agencies subscribe; not told to agencies.", "عدد الجهات المشتركة، ولا يظهر للجهات."),
        );
    Named { name: "Service", about: words("A type that may be sent.", "نوع يجوز إرساله."), schema }
}

fn owner() -> Named {
    let schema = object().has("id", agency_id(), words("Its id.", "معرّف الجهة.")).may(
        "name",
        of(bilingual),
        words("Its name.", "اسمها."),
    );
    Named {
        name: "Owner", about: words("The agency that answers for a type.", "الجهة المسؤولة عن نوع."), schema
    }
}

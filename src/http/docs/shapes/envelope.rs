//! What a sender sees of an envelope, and what a dry run says of it.

use super::super::schema::{Named, Schema, anything, either, list, object, of, only, text, whole, word};
use super::super::words::words;
use super::problem::problem;
use super::scalar::{agency, bilingual, event_type, id, instant};
use crate::model::delivery::Finished;
use crate::model::outcome::{BusinessOutcome, Class};

/// States of a delivery that has not ended.
const UNFINISHED: [&str; 3] = ["waiting", "in_flight", "leased"];
/// Why a delivery waits.
const WAITING: [&str; 10] = [
    "queued",
    "retry",
    "behind",
    "paused",
    "circuit_open",
    "throttled",
    "window",
    "parked",
    "unconfigured",
    "no_transport",
];
/// What an agency can have done.
const OUTCOMES: [BusinessOutcome; 5] = [
    BusinessOutcome::Applied,
    BusinessOutcome::Refused,
    BusinessOutcome::NeedsAction,
    BusinessOutcome::Pending,
    BusinessOutcome::Unknown,
];

/// Where an envelope as a whole stands.
pub fn envelope_state() -> Schema {
    word(["open", "completed", "completed_with_failures"])
}

/// The status of an envelope.
pub fn envelope() -> Named {
    let schema = object()
        .has("id", id(), words("The id that Falaj gave, a UUIDv7.", "المعرّف الذي منحه النظام (UUIDv7)."))
        .has("source", text(), words("CloudEvents `source`.", "سمة `source` في CloudEvents."))
        .has("event_id", text(), words("CloudEvents `id`.", "سمة `id` في CloudEvents."))
        .has("type", event_type(), words("CloudEvents `type`.", "سمة `type` في CloudEvents."))
        .may(
            "subject",
            text(),
            words(
                "CloudEvents `subject`, in the form that the caller may see: whole, masked, as a pseudonym, or not at all.",
                "سمة `subject` في CloudEvents بالصورة التي يحق لصاحب الطلب رؤيتها: كاملة، أو محجوبة، أو باسم مستعار، أو لا تظهر.",
            ),
        )
        .has("accepted_at", instant(), words("When it was made durable.", "وقت قبوله وحفظه بصورة دائمة."))
        .has(
            "state",
            envelope_state(),
            words(
                "`open`: some agency has not finished. `completed`: all delivered, none refused. `completed_with_failures`: \
                 finished everywhere, and somewhere not well.",
                "`open`: لم تنتهِ إحدى الجهات بعد. `completed`: سُلِّم إلى الجميع ولم ترفضه أي جهة. `completed_with_failures`: \
                 انتهى لدى الجميع، لكن ليس بنجاح لدى بعضهم.",
            ),
        )
        .has(
            "deliveries",
            list(of(delivery)),
            words("One for each recipient; redrives follow.", "عملية تسليم لكل جهة مستلمة، وتليها عمليات إعادة التسليم."),
        );
    let about = words(
        "An envelope and what each agency did with it. Receipt, status, search and events share this shape.",
        "المظروف وما فعلته كل جهة به. يشترك في هذا الشكل الإيصال والحالة والبحث والأحداث المتتابعة.",
    );
    Named { name: "Envelope", about, schema }
}

/// One delivery.
pub fn delivery() -> Named {
    let schema = object()
        .has("id", id(), words("The delivery's id, a UUIDv7.", "معرّف عملية التسليم (UUIDv7)."))
        .has("agency", agency(), words("Who must act.", "الجهة المطلوب منها التصرف."))
        .has(
            "state",
            word(UNFINISHED.into_iter().chain(Finished::ALL.map(Finished::as_str))),
            words(
                "Where it stands. `delivered dead expired skipped cancelled` are ends and never change.",
                "حالة عملية التسليم. الحالات `delivered` و`dead` و`expired` و`skipped` و`cancelled` نهائية ولا تتغير.",
            ),
        )
        .may("waiting", of(waiting), words("Why it waits, while it waits.", "سبب الانتظار ما دامت تنتظر."))
        .may(
            "outcome",
            word(OUTCOMES.map(BusinessOutcome::as_str)),
            words(
                "What the agency did. `pending` and `needs_action` may still change; `unknown` is what a report that never came is \
                 called after the deadline.",
                "ما فعلته الجهة. قد تتغير `pending` و`needs_action` لاحقًا، أما `unknown` فتعني أن الجهة لم تُبلغ بالنتيجة حتى \
                 انقضاء المهلة.",
            ),
        )
        .may(
            "reason",
            text(),
            words(
                "The agency's own reason, or why the delivery ended without success.",
                "السبب الذي ذكرته الجهة، أو سبب انتهاء عملية التسليم دون نجاح.",
            ),
        )
        .may("reference", text(), words("The agency's own file or case number.", "رقم الملف أو المعاملة لدى الجهة."))
        .may(
            "by",
            text(),
            words(
                "Who ended it, where it was not the agency's answer.",
                "من أنهى عملية التسليم، إذا لم تنتهِ بردّ الجهة.",
            ),
        )
        .has("attempts", whole(), words("Attempts that counted.", "عدد المحاولات المحتسبة."))
        .may("next_attempt_at", instant(), words("When it is tried again.", "موعد المحاولة التالية."))
        .may(
            "last_error",
            of(last_error),
            words("The last failure; never the agency's own text.", "آخر إخفاق، دون نص ردّ الجهة."),
        )
        .may("settled_at", instant(), words("When it ended.", "وقت انتهائها."));
    let about = words("The duty to bring one envelope to one agency.", "التزام تسليم مظروف واحد إلى جهة واحدة.");
    Named { name: "Delivery", about, schema }
}

fn last_error() -> Named {
    let schema = object()
        .has("class", class(), words("How it was classed.", "تصنيف الإخفاق."))
        .may("status", whole(), words("The HTTP status, where there was an answer.", "حالة HTTP إن ورد ردّ."))
        .has("at", instant(), words("When.", "وقت الإخفاق."));
    Named { name: "LastError", about: words("The last failed attempt.", "آخر محاولة أخفقت."), schema }
}

/// The class of an attempt.
pub fn class() -> Schema {
    word(Class::ALL.map(Class::as_str))
}

fn waiting() -> Named {
    let schema = object()
        .has("reason", word(WAITING), words("Why, in one word.", "السبب في كلمة واحدة."))
        .has("since", instant(), words("Since when.", "بداية الانتظار."))
        .may("until", instant(), words("Until when at least.", "أقرب موعد لانتهاء الانتظار."))
        .may("behind", id(), words("Behind which delivery of its lane.", "عملية التسليم التي تسبقها في المسار."))
        .has("text", text(), words("Why, in one English sentence.", "السبب في جملة بالإنجليزية."))
        .has("text_ar", text(), words("The same in Arabic.", "السبب نفسه في جملة بالعربية."));
    Named {
        name: "Waiting", about: words("Why a delivery waits.", "سبب انتظار عملية التسليم."), schema
    }
}

/// The answer to a batch.
pub fn batch() -> Named {
    let items = list(either([of(batch_receipt), of(problem)]));
    let schema = object().has(
        "items",
        items,
        words(
            "One for each envelope, in the order of the batch: its receipt or its problem, either with its own `status`.",
            "عنصر لكل مظروف بترتيب الدفعة: إيصاله أو المشكلة التي منعته، ولكل منهما `status` خاصة به.",
        ),
    );
    Named { name: "BatchAnswer", about: words("The answer to a batch.", "الرد على دفعة."), schema }
}

fn batch_receipt() -> Named {
    let status = words("202, or 200 where it was accepted before.", "202، أو 200 إذا سبق قبوله.");
    let schema = object().has("status", either([only(202), only(200)]), status).like(envelope());
    Named { name: "BatchReceipt", about: words("A receipt within a batch.", "إيصال ضمن دفعة."), schema }
}

/// What would happen.
pub fn dry_run() -> Named {
    let schema = object()
        .has("dry_run", only(true), words("This is no receipt.", "هذه تجربة وليست إيصالًا."))
        .has("type", event_type(), words("CloudEvents `type`.", "سمة `type` في CloudEvents."))
        .has(
            "dataschema",
            text(),
            words(
                "The schema it was checked against, `<type>/<version>`.",
                "المخطط الذي جرى التحقق وفقه، `<type>/<version>`.",
            ),
        )
        .has("recipients", list(of(would)), words("Who would get it.", "الجهات التي كانت ستستلمه."))
        .has(
            "others",
            list(of(other)),
            words("Who subscribes to the type and would not get it.", "الجهات المشتركة في النوع التي لن تستلمه."),
        );
    let about =
        words("What would happen to an envelope; nothing was stored.", "ما كان سيحدث للمظروف، دون تخزين أي شيء.");
    Named { name: "DryRun", about, schema }
}

fn would() -> Named {
    let schema = object()
        .has("agency", agency(), words("Who.", "الجهة."))
        .may(
            "content_type",
            text(),
            words("Media type of the message; absent where it cannot be made.", "نوع وسائط الرسالة، ولا يظهر إذا تعذّر إعدادها."),
        )
        .has("data", anything(), words("The fields it would see.", "الحقول التي كانت سترى قيمها."))
        .may(
            "body",
            text(),
            words("The exact bytes as text, where the caller may see them.", "نص الرسالة كما هو، إن كان يحق لصاحب الطلب رؤيته."),
        )
        .has(
            "withheld",
            list(text()),
            words("JSON Pointers to what it would not see.", "مؤشرات JSON إلى ما لن تراه."),
        )
        .may(
            "undecided",
            only(true),
            words(
                "The subscription's filter cannot be decided on this envelope: the delivery would wait for an operator.",
                "تعذّر البتّ في شرط الاشتراك لهذا المظروف، وستنتظر عملية التسليم المشغّل.",
            ),
        )
        .may("fault", of(bilingual), words("Why the message cannot be made.", "سبب تعذّر إعداد الرسالة."));
    Named {
        name: "WouldReceive", about: words("What one agency would receive.", "ما كانت ستستلمه جهة."), schema
    }
}

fn other() -> Named {
    let schema = object().has("agency", agency(), words("Who.", "الجهة.")).has(
        "reason",
        of(bilingual),
        words("Why not.", "سبب عدم الاستلام."),
    );
    Named { name: "PassedOver", about: words("An agency that would not get it.", "جهة لن تستلمه."), schema }
}

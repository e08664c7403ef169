//! What failed, what is done about it, and the record of that.

use super::super::schema::{Named, Schema, anything, asked, flag, list, object, of, text, whole, word};
use super::super::words::words;
use super::envelope::{class, delivery};
use super::scalar::{agency, event_type, group, id, instant};
use crate::http::operate;
use crate::http::redrives::{IDS_MAX, RATE_MAX};
use crate::intake::report::{REASON_CHARS_MAX as TOLD_CHARS_MAX, REFERENCE_CHARS_MAX};

/// By which means somebody is known.
const MEANS: [&str; 3] = ["key", "oidc", "falaj"];
/// Why a dead letter is left out.
const WHY: [&str; 5] = ["overtaken", "in_flight", "already_redriven", "slots_exhausted", "not_dead"];

/// A reason, which is recorded.
pub fn reason() -> Schema {
    text().with("minLength", 1).with("pattern", "\\S").chars_max(operate::REASON_CHARS_MAX)
}

/// An order that is nothing but its reason.
pub fn order() -> Named {
    let schema = asked().has("reason", reason(), words("Why; it is recorded.", "السبب، ويُسجَّل في سجل التدقيق."));
    Named { name: "Order", about: words("An order needs a reason.", "إجراء لا بد له من سبب."), schema }
}

/// What an agency reports.
pub fn report() -> Named {
    let schema = asked()
        .has(
            "outcome",
            word(["applied", "refused", "needs_action", "received", "retry"]),
            words(
                "`applied` and `refused` are final. `received` (you have it, the outcome follows) and `retry` (it comes again) go with \
                 a lease.",
                "`applied` و`refused` نهائيتان. أما `received` (استُلم وتتبعه النتيجة) و`retry` (ليُعاد لاحقًا) فلا تُقبلان إلا مع `lease`.",
            ),
        )
        .may(
            "reason",
            text().chars_max(TOLD_CHARS_MAX),
            words("Why; the sender reads it.", "السبب، ويقرؤه المرسل."),
        )
        .may(
            "reference",
            text().chars_max(REFERENCE_CHARS_MAX),
            words("Your own file or case number; the sender reads it.", "رقم الملف أو المعاملة لديكم، ويقرؤه المرسل."),
        )
        .may("lease", text(), words("The lease it was fetched under.", "قيمة `lease` التي استُلمت معها."));
    Named {
        name: "Report", about: words("What became of a delivery.", "ما آلت إليه عملية التسليم."), schema
    }
}

/// A dead or parked delivery.
pub fn dead_letter() -> Named {
    let schema = object()
        .like(delivery_without_error())
        .may("envelope", id(), words("Its envelope.", "مظروفها."))
        .has("type", event_type(), words("CloudEvents `type`.", "سمة `type` في CloudEvents."))
        .has("accepted_at", instant(), words("When the envelope was accepted.", "وقت قبول المظروف."))
        .has(
            "group",
            group(),
            words("What its error has in common with others.", "مجموعة الأخطاء المتماثلة التي تنتمي إليها."),
        )
        .has(
            "overtaken",
            flag(),
            words(
                "A later delivery of its subject has been delivered since: a redrive would overwrite newer data.",
                "سُلِّم بعدها تسليم أحدث للموضوع نفسه، وإعادة تسليمها ستستبدل بيانات أحدث.",
            ),
        )
        .may("error", of(error), words("The last failure.", "آخر إخفاق."));
    Named {
        name: "DeadLetter", about: words("A dead or parked delivery.", "عملية تسليم متروكة أو معلّقة."), schema
    }
}

/// A dead letter has an `error` of its own in place of `last_error`, waits for a person and not for a time, and no agency has told what it did.
fn delivery_without_error() -> Named {
    use super::super::schema::Form;
    let mut named = delivery();
    if let Form::Object { fields, .. } = &mut named.schema.form {
        fields.retain(|field| !["last_error", "next_attempt_at", "outcome", "reference"].contains(&field.name));
    }
    named
}

fn error() -> Named {
    let schema = object()
        .has("class", class(), words("How it was classed.", "تصنيف الإخفاق."))
        .may("status", whole(), words("The HTTP status, where there was an answer.", "حالة HTTP إن ورد ردّ."))
        .has("note", text(), words("What failed, in a few words of Falaj's own.", "ما أخفق، بكلمات قليلة من النظام."))
        .has("at", instant(), words("When.", "وقت الإخفاق."));
    Named { name: "DeadLetterError", about: words("Why it failed.", "سبب الإخفاق."), schema }
}

/// Dead letters with one error.
pub fn error_group() -> Named {
    let schema = object()
        .has("group", group(), words("Its name.", "اسم المجموعة."))
        .has("agency", agency(), words("Whose.", "الجهة."))
        .has("note", text(), words("What failed.", "ما أخفق."))
        .may("class", class(), words("How it was classed.", "تصنيف الإخفاق."))
        .may("status", whole(), words("The HTTP status, where there was an answer.", "حالة HTTP إن ورد ردّ."))
        .has("dead", whole(), words("Given up.", "العمليات المتروكة."))
        .has("parked", whole(), words("Waiting for an operator.", "العمليات المعلّقة."))
        .has("oldest_accepted_at", instant(), words("When the oldest was accepted.", "وقت قبول أقدمها."));
    Named {
        name: "ErrorGroup", about: words("Dead letters with one error.", "إخفاقات لها السبب نفسه."), schema
    }
}

/// What to deliver again.
pub fn redrive_ask() -> Named {
    let schema = asked()
        .has("agency", agency(), words("To whom.", "الجهة."))
        .may("type", event_type(), words("Of this type alone.", "من هذا النوع فقط."))
        .may("group", group(), words("Of this error group alone.", "من مجموعة الأخطاء هذه فقط."))
        .may("from", instant(), words("Accepted at this time or later.", "قُبلت في هذا الوقت أو بعده."))
        .may("to", instant(), words("Accepted before this time.", "قُبلت قبل هذا الوقت."))
        .may("ids", list(id()).items_max(IDS_MAX), words("These alone.", "هذه فقط."))
        .may(
            "dry_run",
            flag().default(false),
            words("Say what would be done, and do nothing.", "بيان ما سيُنفَّذ دون تنفيذه."),
        )
        .may(
            "force",
            flag().default(false),
            words(
                "Also those of `ids` that were overtaken: newer data of their subject is overwritten.",
                "يشمل ما تجاوزته عمليات أحدث مما ورد في `ids`، فتُستبدل بذلك بيانات أحدث.",
            ),
        )
        .may(
            "rate_per_second",
            whole().between(1, u64::from(RATE_MAX)),
            words("So many a second; no limit where absent.", "أقصى عدد في الثانية، وبلا حد إن لم يُذكر."),
        )
        .has("reason", reason(), words("Why; it is recorded.", "السبب، ويُسجَّل في سجل التدقيق."));
    Named { name: "RedriveOrder", about: words("What to deliver again.", "ما يُعاد تسليمه."), schema }
}

/// From when to deliver everything again.
pub fn replay_ask() -> Named {
    let schema = asked()
        .has("agency", agency(), words("To whom.", "الجهة."))
        .has(
            "from",
            instant(),
            words(
                "Everything accepted since then; not in the future.",
                "كل ما قُبل منذ هذا الوقت، ولا يكون في المستقبل.",
            ),
        )
        .has("reason", reason(), words("Why; it is recorded.", "السبب، ويُسجَّل في سجل التدقيق."));
    Named {
        name: "ReplayOrder",
        about: words("From when to deliver again.", "الوقت الذي تُعاد منه عمليات التسليم."),
        schema,
    }
}

/// A redrive or replay.
pub fn job() -> Named {
    let schema = object()
        .may("id", id(), words("Its id; a dry run has none.", "معرّفها، ولا يوجد للتجربة."))
        .has("kind", word(["redrive", "replay"]), words("Which.", "نوع العملية."))
        .has("agency", agency(), words("To whom.", "الجهة."))
        .has(
            "state",
            word(["planned", "running", "paused", "done", "cancelled"]),
            words("Where it stands; `planned` is a dry run.", "حالتها؛ `planned` تعني تجربة."),
        )
        .has("eligible", whole(), words("Deliveries that it makes again.", "عمليات التسليم المؤهلة للإعادة."))
        .has("made", whole(), words("Made so far.", "ما أُنشئ منها حتى الآن."))
        .has("done", whole(), words("Of these delivered.", "ما سُلِّم منها."))
        .has("failed", whole(), words("Of these ended otherwise.", "ما انتهى منها بغير ذلك."))
        .has("held_back", list(of(left)), words("What it leaves out, and why.", "ما استُثني منها وسببه."))
        .may("rate_per_second", whole(), words("So many a second.", "أقصى عدد في الثانية."))
        .may("from", instant(), words("Since when (replay).", "بداية المدة (إعادة الإرسال)."))
        .may("until", instant(), words("Until when (replay).", "نهاية المدة (إعادة الإرسال)."))
        .has("by", text(), words("Who asked for it.", "من طلبها."))
        .has("reason", text(), words("Why.", "السبب."))
        .has("created_at", instant(), words("When.", "وقت الطلب."));
    Named {
        name: "Redrive", about: words("A redrive or a replay.", "عملية إعادة تسليم أو إعادة إرسال."), schema
    }
}

fn left() -> Named {
    let schema = object()
        .has("id", id(), words("The delivery.", "عملية التسليم."))
        .has("why", word(WHY), words("Why, in one word.", "السبب في كلمة واحدة."))
        .has("text", text(), words("Why, in one English sentence.", "السبب في جملة بالإنجليزية."))
        .has("text_ar", text(), words("The same in Arabic.", "السبب نفسه في جملة بالعربية."));
    Named {
        name: "HeldBack", about: words("A delivery that is left out.", "عملية تسليم استُثنيت."), schema
    }
}

/// A line of the audit.
pub fn audit_entry() -> Named {
    let schema = object()
        .has("n", whole(), words("Its number, from 1.", "رقمه بدءًا من 1."))
        .has("at", instant(), words("When.", "الوقت."))
        .has(
            "actor",
            text(),
            words(
                "The name of the key, or of the person with the provider's subject.",
                "اسم المفتاح، أو اسم الشخص مع معرّفه لدى مزوّد الهوية.",
            ),
        )
        .has("means", word(MEANS), words("By which means they were known.", "الوسيلة التي عُرف بها."))
        .has("action", text(), words("What was done.", "الإجراء."))
        .has("target", text(), words("To what: an agency or an id.", "محل الإجراء: جهة أو معرّف."))
        .may("reason", text(), words("Why.", "السبب."))
        .may("detail", anything(), words("What changed.", "ما تغيّر."));
    Named {
        name: "AuditEntry", about: words("Who did what, when and why.", "من فعل ماذا، ومتى، ولماذا."), schema
    }
}

//! Figures over time: the history of an agency, services by month, open data.

use super::super::schema::{Named, Schema, flag, list, number, object, of, only, text, whole, word};
use super::super::words::words;
use super::envelope::class;
use super::scalar::{agency, bilingual, event_type, instant};
use crate::http::history::Range;
use crate::model::delivery::Finished;
use crate::model::outcome::Class;

/// A month.
pub fn month() -> Schema {
    text().with("pattern", "^[0-9]{4}-(0[1-9]|1[0-2])$")
}

fn day() -> Schema {
    text().with("format", "date")
}

/// What happened to an agency over time.
pub fn history() -> Named {
    let schema = object()
        .has("agency", agency(), words("The agency.", "الجهة."))
        .has("range", word(Range::ALL.map(Range::as_str)), words("What was asked for.", "المدى المطلوب."))
        .has("resolution_seconds", whole(), words("Length of a stretch.", "طول كل فترة بالثواني."))
        .has("from", instant(), words("Its begin.", "بداية المدى."))
        .has("to", instant(), words("Its end.", "نهاية المدى."))
        .has(
            "points",
            list(of(point)),
            words(
                "The stretches, the oldest first. One that nobody watched is missing: it is a gap, and no idle time.",
                "الفترات من الأقدم إلى الأحدث. الفترة التي لم تُراقَب لا تظهر، وهي فجوة وليست وقت خمول.",
            ),
        );
    Named { name: "History", about: words("An agency over time.", "الجهة عبر الزمن."), schema }
}

fn point() -> Named {
    let ended = Finished::ALL.into_iter().fold(object(), |ended, state| {
        ended.has(state.as_str(), whole(), words("Ended so.", "عدد ما انتهى بهذه الحالة."))
    });
    let attempts = Class::ALL.into_iter().fold(object(), |attempts, class| {
        attempts.may(class.as_str(), whole(), words("Attempts of this class.", "عدد المحاولات من هذا التصنيف."))
    });
    let schema = object()
        .has("at", instant(), words("When it began.", "بداية الفترة."))
        .has("watched_seconds", whole(), words("So much of it was watched.", "ما رُوقب منها بالثواني."))
        .has("sent", whole(), words("Envelopes accepted from the agency.", "المظاريف المقبولة من الجهة."))
        .has("came", whole(), words("Deliveries that came for it.", "عمليات التسليم الواردة إليها."))
        .has("ended", ended, words("Deliveries that ended, by state.", "ما انتهى من عمليات التسليم بحسب الحالة."))
        .has("attempts", attempts, words("Attempts, by class.", "المحاولات بحسب التصنيف."))
        .may("delivery_ms", of(percentiles), words("From acceptance to delivery.", "من القبول إلى التسليم."))
        .may("attempt_ms", of(percentiles), words("One attempt.", "المحاولة الواحدة."))
        .has("oldest_age_seconds", whole(), words("Age of the oldest unfinished.", "عمر أقدم عملية لم تنتهِ بالثواني."))
        .has("waiting", whole(), words("Deliveries that waited.", "عمليات التسليم المنتظرة."))
        .has("in_flight", whole(), words("Deliveries at once.", "عمليات التسليم المتزامنة."))
        .has("circuit_open_seconds", whole(), words("So long its circuit was open.", "مدة انقطاع الجهة بالثواني."));
    Named { name: "HistoryPoint", about: words("One stretch of a history.", "فترة واحدة."), schema }
}

fn percentiles() -> Named {
    let share = |name: &'static str, schema: Schema| {
        schema.has(name, whole(), words("In milliseconds.", "بأجزاء الألف من الثانية."))
    };
    let schema = ["p50", "p95", "p99"].into_iter().fold(object(), |schema, name| share(name, schema));
    Named { name: "Percentiles", about: words("Durations.", "المدد."), schema }
}

/// What is counted of a service, a level, or all of them.
fn figures(schema: Schema) -> Schema {
    schema
        .has("transactions", whole(), words("Completed in the month.", "المعاملات المكتملة خلال الشهر."))
        .has("previous", whole(), words("Completed in the month before.", "المعاملات المكتملة خلال الشهر السابق."))
        .may(
            "change_percent",
            number(),
            words("Change to it, in per cent; of a month that is over.", "نسبة التغير عنه، لشهر انتهى."),
        )
        .has("accepted", whole(), words("Accepted in the month.", "المظاريف المقبولة خلال الشهر."))
        .has("with_failures", whole(), words("Completed with failures.", "المكتملة مع إخفاق."))
        .may("success_percent", number(), words("The others, in per cent.", "نسبة ما اكتمل من غير إخفاق."))
        .may("mean_seconds", number(), words("Mean time to completion.", "متوسط المدة حتى الاكتمال بالثواني."))
}

/// The table of a month.
pub fn month_table() -> Named {
    let schema = object()
        .has("month", month(), words("Which.", "الشهر."))
        .has("zone", text(), words("The time zone of its days.", "المنطقة الزمنية لأيامه."))
        .has("closed", flag(), words("Whether it is over.", "هل انتهى الشهر."));
    let schema = figures(schema)
        .has("services", list(of(service_line)), words("The most used first.", "من الأكثر استخدامًا إلى الأقل."))
        .has("levels", list(of(level)), words("The same by level of maturity.", "الأرقام نفسها بحسب مستوى النضج."));
    Named { name: "MonthTable", about: words("Services in one month.", "الخدمات خلال شهر."), schema }
}

fn service_line() -> Named {
    let schema = object()
        .may("rank", whole(), words("By transactions, from 1.", "الترتيب بحسب عدد المعاملات بدءًا من 1."))
        .may(
            "rank_change",
            number().with("type", "integer"),
            words("Places that it rose; negative where it fell.", "عدد المراتب التي تقدمها، وبالسالب إن تراجع."),
        )
        .has("type", event_type(), words("The service's type.", "رمز نوع الخدمة."))
        .may("name", of(bilingual), words("Its name.", "اسمها."))
        .may("owner", agency(), words("Who answers for it.", "الجهة المسؤولة عنها."))
        .may("maturity", whole().between(1, 4), words("Level of maturity.", "مستوى النضج."));
    Named {
        name: "ServiceFigures",
        about: words("One service in one month.", "خدمة خلال شهر."),
        schema: figures(schema),
    }
}

fn level() -> Named {
    let schema = object()
        .may(
            "maturity",
            whole().between(1, 4),
            words("The level; absent for those that say none.", "المستوى، ولا يظهر لما لم يُحدَّد."),
        )
        .has("services", whole(), words("How many services.", "عدد الخدمات."));
    Named {
        name: "LevelFigures", about: words("A level in one month.", "مستوى نضج خلال شهر."), schema: figures(schema)
    }
}

/// Open data of a month.
pub fn open_data() -> Named {
    let schema = object()
        .has(
            "dataset",
            of(dataset),
            words(
                "What it is, as a catalogue of open data wants it.",
                "وصف البيانات كما تطلبه منصات البيانات المفتوحة.",
            ),
        )
        .has("rows", list(of(open_row)), words("One for each service.", "صف لكل خدمة."));
    Named {
        name: "OpenData", about: words("Open data of one month.", "البيانات المفتوحة لشهر."), schema
    }
}

fn dataset() -> Named {
    let schema = object()
        .has("identifier", text(), words("Names it.", "معرّفها."))
        .has("month", month(), words("The month.", "الشهر."))
        .has("title", of(bilingual), words("Its title.", "عنوانها."))
        .has("description", of(bilingual), words("What it is.", "وصفها."))
        .may("licence", text(), words("Its licence.", "رخصة استخدامها."))
        .has(
            "period",
            object().has("from", day(), words("First day.", "أول يوم.")).has(
                "to",
                day(),
                words("Last day.", "آخر يوم."),
            ),
            words("Its days.", "أيامها."),
        )
        .has("time_zone", text(), words("The time zone of these days.", "المنطقة الزمنية لهذه الأيام."))
        .has("languages", list(word(["ar", "en"])), words("Its languages.", "لغاتها."))
        .has("frequency", only("monthly"), words("How often there is a new one.", "دورية إصدارها."))
        .has("small_counts", of(small_counts), words("What was left out.", "ما لم يُنشر منها."))
        .has("columns", list(of(column)), words("The columns of a row.", "أعمدة كل صف."));
    Named { name: "Dataset", about: words("A set of open data.", "مجموعة بيانات مفتوحة."), schema }
}

fn small_counts() -> Named {
    let schema = object()
        .has("below", whole(), words("Counts below this are left out.", "لا تُنشر الأعداد الأقل من هذا."))
        .has("rows", whole(), words("In so many rows.", "عدد الصفوف المعنية."))
        .has("note", of(bilingual), words("The same in words.", "البيان نفسه كتابةً."));
    Named {
        name: "SmallCounts", about: words("What is too rare to be told.", "ما يندر فلا يُنشر."), schema
    }
}

fn column() -> Named {
    let schema = object()
        .has("name", text(), words("Its name.", "اسم العمود."))
        .has("title", of(bilingual), words("Its heading.", "عنوانه."))
        .has("description", of(bilingual), words("What it means.", "معناه."))
        .has("type", word(["text", "integer", "number"]), words("What it holds.", "نوع محتواه."));
    Named { name: "Column", about: words("A column.", "عمود."), schema }
}

fn open_row() -> Named {
    let schema = object()
        .has("month", month(), words("The month.", "الشهر."))
        .may("rank", whole(), words("By transactions, from 1.", "الترتيب بحسب عدد المعاملات بدءًا من 1."))
        .has("type", event_type(), words("The service's type.", "رمز نوع الخدمة."))
        .may("name", of(bilingual), words("Its name.", "اسمها."))
        .may("maturity", whole().between(1, 4), words("Level of maturity.", "مستوى النضج."))
        .may("transactions", whole(), words("Completed in the month.", "المعاملات المكتملة خلال الشهر."))
        .may("previous", whole(), words("Completed in the month before.", "المعاملات المكتملة خلال الشهر السابق."))
        .may("change_percent", number(), words("Change to it, in per cent.", "نسبة التغير عنه."))
        .may(
            "success_percent",
            number(),
            words("Completed without failures, in per cent.", "نسبة ما اكتمل من غير إخفاق."),
        )
        .may("mean_seconds", number(), words("Mean time to completion.", "متوسط المدة حتى الاكتمال بالثواني."))
        .may("note", of(bilingual), words("What was left out, and why.", "ما لم يُنشر وسبب ذلك."));
    Named { name: "OpenRow", about: words("One service in one month.", "خدمة خلال شهر."), schema }
}

/// What happened to an agency.
pub fn agency_event() -> Named {
    let kinds = ["opened", "closed", "gone", "paused", "draining", "drained", "resumed"];
    let schema = object()
        .has("n", whole(), words("Its number.", "رقمه."))
        .has("at", instant(), words("When.", "الوقت."))
        .has(
            "kind",
            word(kinds),
            words(
                "`opened` and `closed` are of its circuit; `gone`: its receiver said so (410).",
                "`opened` و`closed` لانقطاع الجهة وعودتها، و`gone` إذا أفاد مستقبِلها بأنه لم يعد موجودًا (410).",
            ),
        )
        .may("by", text(), words("Who paused, drained or resumed it.", "من أوقف أو فرّغ أو استأنف."))
        .may("reason", text(), words("Why.", "السبب."))
        .may("class", class(), words("The fault.", "تصنيف الإخفاق."))
        .may("status", whole(), words("The HTTP status, where there was an answer.", "حالة HTTP إن ورد ردّ."))
        .may("note", text(), words("What failed, in a few words.", "ما أخفق بكلمات قليلة."))
        .may("until", instant(), words("The first probe.", "أول محاولة استطلاع."))
        .may(
            "through",
            whole(),
            words("The last in accept order that a drain lets out.", "آخر ما يُسلَّم عند التفريغ بترتيب القبول."),
        );
    Named { name: "AgencyEvent", about: words("What happened to an agency.", "ما حدث للجهة."), schema }
}

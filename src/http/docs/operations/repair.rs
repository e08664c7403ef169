//! Dead letters, redrives and replays.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{either, flag, list, object, of};
use super::super::shapes::repair::{dead_letter, error_group, job, order, reason, redrive_ask, replay_ask};
use super::super::shapes::scalar::{agency, event_type, group, id, instant};
use super::super::words::{Words, words};
use super::{location, page, paged};
use crate::http::error::Kind;

/// `GET /v1/dead-letters`
pub fn dead_letters() -> Operation {
    let dead_letters = Operation::new("listDeadLetters", Chapter::Repair, words("List what failed", "عرض الإخفاقات"))
        .about(words(
            "Dead and parked deliveries, the oldest first. With `groups=true` (and `agency`, nothing else) by what their errors have \
             in common.",
            "عمليات التسليم المتروكة والمعلّقة من الأقدم إلى الأحدث. ومع `groups=true` (مع `agency` وحده) مجمّعةً بحسب الأخطاء المتماثلة.",
        ))
        .query("agency", agency(), words("Of this agency.", "لهذه الجهة."))
        .query("type", event_type(), words("Of this type.", "من هذا النوع."))
        .query("group", group(), words("Of this error group.", "من مجموعة الأخطاء هذه."))
        .query("from", instant(), words("Accepted at this time or later.", "قُبل مظروفها في هذا الوقت أو بعده."))
        .query("to", instant(), words("Accepted before this time.", "قُبل مظروفها قبل هذا الوقت."))
        .query("groups", flag().default(false), words("By error group.", "بحسب مجموعات الأخطاء."));
    let letters = page("dead_letters", of(dead_letter), words("Those of this page.", "ما في هذه الصفحة."));
    let groups = object().has("groups", list(of(error_group)), words("The groups.", "المجموعات."));
    paged(dead_letters)
        .answers(200, words("A page of them, or the groups.", "صفحة منها، أو المجموعات."), either([letters, groups]))
        .asks_the_ledger()
        .sample("grouped", words("By error", "بحسب الخطأ"))
}

/// `POST /v1/redrives`
pub fn redrive() -> Operation {
    let (place, where_to_ask) = location();
    Operation::new("startRedrive", Chapter::Repair, words("Deliver dead letters again", "إعادة تسليم الإخفاقات"))
        .about(words(
            "What a later delivery of the same subject has overtaken is held back: it would overwrite newer data. Name it in `ids` with \
             `force` to send it all the same. A parked one is tried again in its place.",
            "يُستثنى ما تجاوزه تسليم أحدث للموضوع نفسه لأنه سيستبدل بيانات أحدث، ويمكن إرساله رغم ذلك بذكره في `ids` مع `force`. أما \
             المعلّق فتُعاد محاولته في مكانه.",
        ))
        .takes("application/json", of(redrive_ask))
        .answers(202, words("Begun.", "بدأت العملية."), of(job))
        .carries("Location", place, where_to_ask)
        .answers(200, words("A dry run: what would be done.", "تجربة: ما كان سيُنفَّذ."), of(job))
        .asks_the_ledger()
        .sample("tried", words("A dry run", "تجربة"))
}

/// `POST /v1/replays`
pub fn replay() -> Operation {
    let (place, where_to_ask) = location();
    Operation::new(
        "startReplay",
        Chapter::Repair,
        words("Deliver everything again since a time", "إعادة إرسال كل شيء منذ وقت محدد"),
    )
    .about(words(
        "For an agency that lost data: everything it was sent since then, in accept order. Its live deliveries wait until it has \
         caught up. It is watched and ended like a redrive.",
        "لجهة فقدت بيانات: كل ما أُرسل إليها منذ ذلك الوقت بترتيب القبول، وتنتظر عملياتها الجارية حتى تلحق. وتُتابع العملية وتُنهى كما \
         تُتابع إعادة التسليم.",
    ))
    .takes("application/json", of(replay_ask))
    .answers(202, words("Begun.", "بدأت العملية."), of(job))
    .carries("Location", place, where_to_ask)
    .asks_the_ledger()
}

/// `GET /v1/redrives`
pub fn redrives() -> Operation {
    let about = words("The newest first, a hundred at most.", "من الأحدث إلى الأقدم، مئة على الأكثر.");
    Operation::new(
        "listRedrives",
        Chapter::Repair,
        words("List redrives and replays", "عرض عمليات إعادة التسليم والإرسال"),
    )
    .answers(200, words("The latest.", "أحدث العمليات."), object().has("redrives", list(of(job)), about))
    .asks_the_ledger()
}

fn job_id(operation: Operation) -> Operation {
    operation.path("id", id(), words("The redrive or replay.", "عملية إعادة التسليم أو الإرسال."))
}

/// `GET /v1/redrives/{id}`
pub fn one() -> Operation {
    job_id(Operation::new(
        "getRedrive",
        Chapter::Repair,
        words("Read one redrive or replay", "قراءة عملية إعادة تسليم أو إرسال"),
    ))
    .answers(200, words("As it stands.", "حالتها."), of(job))
    .asks_the_ledger()
}

fn operated(id: &'static str, summary: Words, about: Words) -> Operation {
    job_id(Operation::new(id, Chapter::Repair, summary))
        .about(about)
        .answers(200, words("As it stands now.", "حالتها الآن."), of(job))
        .fails(Kind::Conflict, words("It is through.", "انتهت العملية."))
        .asks_the_ledger()
}

/// `DELETE /v1/redrives/{id}`
pub fn end() -> Operation {
    operated(
        "endRedrive",
        words("End a redrive or replay", "إنهاء عملية إعادة تسليم أو إرسال"),
        words("What it has made stays; it makes no more.", "يبقى ما أنشأته، ولا تنشئ غيره."),
    )
    .needs("reason", reason(), words("Why; it is recorded.", "السبب، ويُسجَّل في سجل التدقيق."))
}

/// `POST /v1/redrives/{id}/pause`
pub fn pause() -> Operation {
    operated(
        "pauseRedrive",
        words("Pause a redrive or replay", "إيقاف عملية إعادة تسليم أو إرسال مؤقتًا"),
        words("It makes nothing until it is resumed.", "لا تنشئ شيئًا حتى تُستأنف."),
    )
    .takes("application/json", of(order))
}

/// `POST /v1/redrives/{id}/resume`
pub fn resume() -> Operation {
    operated(
        "resumeRedrive",
        words("Resume a redrive or replay", "استئناف عملية إعادة تسليم أو إرسال"),
        words("It goes on where it stopped.", "تُستأنف من حيث توقفت."),
    )
    .takes("application/json", of(order))
}

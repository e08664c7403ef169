//! Agencies and their queues.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{list, object, of, word};
use super::super::shapes::agency::agency;
use super::super::shapes::repair::order;
use super::super::shapes::scalar;
use super::super::shapes::statistics;
use super::super::words::{Words, words};
use crate::http::error::Kind;
use crate::http::history::Range;

fn agency_id(operation: Operation) -> Operation {
    operation.path("id", scalar::agency(), words("The agency.", "الجهة."))
}

/// `GET /v1/agencies`
pub fn get_all() -> Operation {
    let about = words("By id.", "مرتبة بحسب المعرّف.");
    Operation::new("listAgencies", Chapter::Agencies, words("List the agencies", "عرض الجهات"))
        .about(words(
            "Every agency of the deployment with its queue, and those that left it with deliveries behind them. An agency sees itself.",
            "جميع الجهات المعرّفة مع قوائم انتظارها، والجهات التي خرجت من الإعدادات وبقيت لها عمليات تسليم. ولا ترى الجهة إلا نفسها.",
        ))
        .answers(200, words("All of them.", "جميع الجهات."), object().has("agencies", list(of(agency)), about))
        .asks_the_ledger()
}

/// `GET /v1/agencies/{id}`
pub fn get() -> Operation {
    agency_id(Operation::new("getAgency", Chapter::Agencies, words("Read one agency", "قراءة بيانات جهة")))
        .answers(200, words("The agency.", "الجهة."), of(agency))
        .asks_the_ledger()
}

fn held(id: &'static str, summary: Words, about: Words, refused: Words) -> Operation {
    agency_id(Operation::new(id, Chapter::Agencies, summary))
        .about(about)
        .takes("application/json", of(order))
        .answers(200, words("The agency as it stands now.", "الجهة بحالتها الآن."), of(agency))
        .fails(Kind::Conflict, refused)
        .asks_the_ledger()
}

/// `POST /v1/agencies/{id}/pause`
pub fn pause() -> Operation {
    held(
        "pauseAgency",
        words("Hold all deliveries to an agency", "إيقاف التسليم إلى جهة"),
        words(
            "What is accepted for it waits, in order; nothing of it ages and no attempt is lost. Pausing again changes the reason.",
            "ينتظر كل ما يُقبل لها بترتيبه، فلا يتقادم ولا تُحتسب عليه محاولة. وتكرار الإيقاف يغيّر السبب.",
        ),
        words("Nothing is delivered to this agency.", "لا يُسلَّم شيء إلى هذه الجهة."),
    )
}

/// `POST /v1/agencies/{id}/drain`
pub fn drain() -> Operation {
    held(
        "drainAgency",
        words("Let out what was accepted, and hold the rest", "تفريغ قائمة انتظار جهة ثم إيقافها"),
        words(
            "What was accepted before this order still goes out; what is accepted later waits as under a pause. Resume it when its \
             successor is there.",
            "يُسلَّم ما قُبل قبل هذا الأمر، أما ما يُقبل بعده فينتظر كما في الإيقاف. استأنف التسليم حين يجهز البديل.",
        ),
        words("Nothing is delivered to this agency.", "لا يُسلَّم شيء إلى هذه الجهة."),
    )
}

/// `GET /v1/agencies/{id}/history`
pub fn history() -> Operation {
    agency_id(Operation::new("readHistory", Chapter::Agencies, words("Read an agency's history", "قراءة سجل أداء جهة")))
        .about(words("An agency reads its own.", "تقرأ الجهة سجلها وحده."))
        .query("range", word(Range::ALL.map(Range::as_str)).default("hour"), words("How far back.", "المدى الزمني."))
        .answers(200, words("Its figures.", "أرقامها."), of(statistics::history))
        .asks_the_ledger()
}

/// `POST /v1/agencies/{id}/resume`
pub fn resume() -> Operation {
    held(
        "resumeAgency",
        words("Let deliveries to an agency go on", "استئناف التسليم إلى جهة"),
        words("In the order of acceptance, slowly at first.", "بترتيب القبول، وببطء في البداية."),
        words("The agency is not paused.", "التسليم إلى هذه الجهة غير موقوف."),
    )
}

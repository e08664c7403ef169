//! Services in figures, and open data.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{Schema, of, text};
use super::super::shapes::statistics::{month, month_table, open_data};
use super::super::words::{Words, words};
use crate::http::error::Kind;
use crate::http::statistics::CSV;

fn of_month(id: &'static str, summary: Words) -> Operation {
    Operation::new(id, Chapter::Statistics, summary)
}

fn disposition() -> (Schema, Words) {
    (text(), words("A name for the file.", "اسم مقترح للملف."))
}

fn sheet_of(operation: Operation) -> Operation {
    let (schema, about) = disposition();
    operation
        .answers_as(
            CSV,
            200,
            words("A sheet that opens well in a spreadsheet.", "ورقة تُفتح جيدًا في جداول البيانات."),
            text(),
        )
        .carries("Content-Disposition", schema, about)
}

/// `GET /v1/statistics/services`
pub fn services() -> Operation {
    let (schema, about) = disposition();
    of_month("readServiceStatistics", words("Read the services of a month", "قراءة إحصاءات الخدمات لشهر"))
        .about(words(
            "A transaction is an envelope that was completed in the month. Everything is a count or a time; nobody is named.",
            "المعاملة مظروف اكتمل خلال الشهر. جميع الأرقام أعداد أو مدد، ولا يُذكر فيها أي شخص.",
        ))
        .query("month", month(), words("Which; the one that goes on where absent.", "الشهر، والشهر الجاري إن لم يُذكر."))
        .header("accept", text(), words("`text/csv` for a sheet.", "`text/csv` للحصول على ورقة."))
        .answers(200, words("The table.", "الجدول."), of(month_table))
        .or(CSV, text())
        .carries("Content-Disposition", schema, about)
        .asks_the_ledger()
}

/// `GET /v1/statistics/services.csv`
pub fn sheet() -> Operation {
    let sheet = of_month("readServiceStatisticsAsCsv", words("The same as a sheet", "الإحصاءات نفسها في ورقة")).query(
        "month",
        month(),
        words("Which; the one that goes on where absent.", "الشهر، والشهر الجاري إن لم يُذكر."),
    );
    sheet_of(sheet).asks_the_ledger()
}

fn open_of(operation: Operation) -> Operation {
    operation
        .about(words(
            "Of months that are over. What is so rare that somebody could be recognised is left out, and said to be.",
            "لأشهر انتهت. لا يُنشر ما يندر حتى لا يُستدل منه على شخص بعينه، ويُذكر أنه لم يُنشر.",
        ))
        .query(
            "month",
            month(),
            words("Which; the last that is over where absent.", "الشهر، وآخر شهر انتهى إن لم يُذكر."),
        )
}

fn opened(operation: Operation) -> Operation {
    operation
        .carries(
            "Access-Control-Allow-Origin",
            text(),
            words("Every page may read it, where it is open.", "يجوز لأي صفحة قراءتها متى كانت مفتوحة."),
        )
        .fails(Kind::NotFound, words("The month is not over.", "لم ينتهِ الشهر."))
        .asks_the_ledger()
}

/// `GET /v1/statistics/open-data.json`
pub fn open() -> Operation {
    let open = of_month("readOpenData", words("Open data of a month", "البيانات المفتوحة لشهر"));
    opened(open_of(open).answers(200, words("The data.", "البيانات."), of(open_data)))
}

/// `GET /v1/statistics/open-data.csv`
pub fn open_sheet() -> Operation {
    let open =
        of_month("readOpenDataAsCsv", words("Open data of a month as a sheet", "البيانات المفتوحة لشهر في ورقة"));
    let sheet = sheet_of(open_of(open)).carries(
        "Link",
        text(),
        words("Where title, licence, period and columns stand.", "موضع العنوان والرخصة والمدة والأعمدة."),
    );
    opened(sheet)
}

//! What everybody may have of a month, and the notes that a catalogue of open data wants beside it.
//!
//! N2 in detail: only of a month that is over, so that nobody takes one day's figures from the next's; a count below the bound is
//! left out and said to be, and nothing that leads to it is given: no change to or from it, no share with a small part, no mean of a
//! few, no total.

use serde::{Deserialize, Serialize};

use super::month::{MonthTable, ServiceLine};
use crate::model::calendar::{Day, Month};
use crate::model::id::EventType;
use crate::model::text::Bilingual;

/// On which terms open data are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Whether they may be read without a key.
    pub open: bool,
    /// Counts below this are left out.
    pub small_count: u64,
    /// The licence.
    pub licence: Option<String>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { open: false, small_count: 5, licence: None }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in JSON.
    pub name: String,
    /// Its heading.
    pub title: Bilingual,
    /// What it means.
    pub description: Bilingual,
    /// `text`, `integer` or `number`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallCounts {
    /// Counts below this are.
    pub below: u64,
    /// In so many rows.
    pub rows: usize,
    /// The same in words.
    pub note: Bilingual,
}

/// The data set as a catalogue describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// Names it.
    pub identifier: String,
    /// The month.
    pub month: Month,
    /// Its title.
    pub title: Bilingual,
    /// What it is.
    pub description: Bilingual,
    /// Its licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// First and last day.
    pub period: Period,
    /// The time zone of these days.
    pub time_zone: String,
    /// Languages.
    pub languages: [String; 2],
    /// How often there is a new one.
    pub frequency: String,
    /// What was left out.
    pub small_counts: SmallCounts,
    /// The columns, in their order.
    pub columns: Vec<Column>,
}

/// The days that a data set is of, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first.
    pub from: String,
    /// The last.
    pub to: String,
}

/// One service in one month. What is absent is either not known or left out; `note` says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenRow {
    /// The month.
    pub month: Month,
    /// By transactions, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// The service's type.
    #[serde(rename = "type")]
    pub ty: EventType,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Bilingual>,
    /// Its level of maturity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maturity: Option<u8>,
    /// Completed in the month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<u64>,
    /// Completed in the month before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u64>,
    /// The change to it, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_percent: Option<f64>,
    /// Completed without failures, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_percent: Option<f64>,
    /// Mean time to completion, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_seconds: Option<f64>,
    /// What was left out, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Bilingual>,
}

/// The open data of one month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenData {
    /// What it is.
    pub dataset: Dataset,
    /// The rows, the most used service first; those whose count is left out come last, by type.
    pub rows: Vec<OpenRow>,
}

impl OpenData {
    /// What may be given of a month; `None` where it is not over.
    pub fn new(table: &MonthTable, terms: &Terms) -> Option<Self> {
        if !table.closed {
            return None;
        }
        let mut rows: Vec<OpenRow> =
            table.services.iter().map(|line| row(table.month, line, terms.small_count)).collect();
        // Their order would tell which of the small ones is the larger.
        rows.sort_by(|a, b| match (a.transactions, b.transactions) {
            (None, None) => a.ty.cmp(&b.ty),
            (one, other) => other.cmp(&one),
        });
        Some(Self { dataset: dataset(table, terms, &rows), rows })
    }

    /// Transactions of the services whose count is given: in the month, and in the one before.
    pub fn totals(&self) -> (u64, u64) {
        let sum = |of: fn(&OpenRow) -> Option<u64>| self.rows.iter().filter_map(of).sum();
        (sum(|row| row.transactions), sum(|row| row.previous))
    }
}

fn row(month: Month, line: &ServiceLine, bound: u64) -> OpenRow {
    let figures = &line.figures;
    let is_small = |count: u64| count > 0 && count < bound;
    let (small, was_small) = (is_small(figures.transactions), is_small(figures.previous));
    let well = figures.transactions.saturating_sub(figures.with_failures);
    let given = |figure: Option<f64>, hidden: bool| figure.filter(|_| !small && !hidden);
    OpenRow {
        month,
        rank: line.rank.filter(|_| !small),
        ty: line.ty.clone(),
        name: line.name.clone(),
        maturity: line.maturity,
        transactions: (!small).then_some(figures.transactions),
        previous: (!was_small).then_some(figures.previous),
        change_percent: given(figures.change_percent, was_small),
        success_percent: given(figures.success_percent, is_small(figures.with_failures) || is_small(well)),
        mean_seconds: given(figures.mean_seconds, is_small(well)),
        note: small
            .then(|| Bilingual::new(format!("fewer than {bound}; left out"), format!("أقل من {bound}، لم يُنشر العدد"))),
    }
}

fn dataset(table: &MonthTable, terms: &Terms, rows: &[OpenRow]) -> Dataset {
    let (month, bound) = (table.month, terms.small_count);
    let day = |day: Day| day.to_string();
    Dataset {
        identifier: format!("falaj-services-{month}"),
        month,
        title: Bilingual::new(
            format!("Government services on the exchange bus, {month}"),
            format!("الخدمات الحكومية عبر ناقل تبادل البيانات، {month}"),
        ),
        description: Bilingual::new(
            "Completed transactions of each service in one month, with the change to the month before, the share completed \
             without failures and the mean time to completion. Counts only: there is no person in them.",
            "عدد المعاملات المكتملة لكل خدمة خلال شهر واحد، مع نسبة التغير عن الشهر السابق ونسبة ما اكتمل منها من غير إخفاق ومتوسط مدة الإنجاز. \
             أعداد فقط، ولا تتضمن أي بيانات شخصية.",
        ),
        licence: terms.licence.clone(),
        period: Period { from: day(month.first()), to: day(month.last()) },
        time_zone: table.zone.clone(),
        languages: ["ar".to_owned(), "en".to_owned()],
        frequency: "monthly".to_owned(),
        small_counts: SmallCounts {
            below: bound,
            rows: rows.iter().filter(|row| row.transactions.is_none()).count(),
            note: Bilingual::new(
                format!(
                    "Counts from 1 to {} are left out, with every figure that would lead to them, so that nobody is recognised.",
                    bound.saturating_sub(1)
                ),
                format!(
                    "لا تُنشر الأعداد من 1 إلى {} ولا أي رقم يدل عليها، حتى لا يُستدل منها على شخص بعينه.",
                    bound.saturating_sub(1)
                ),
            ),
        },
        columns: columns(),
    }
}

/// The columns, as they stand in JSON and in CSV.
pub fn columns() -> Vec<Column> {
    let column = |name: &str, kind: &str, title: [&str; 2], description: [&str; 2]| Column {
        name: name.to_owned(),
        title: Bilingual::new(title[0], title[1]),
        description: Bilingual::new(description[0], description[1]),
        kind: kind.to_owned(),
    };
    vec![
        column("month", "text", ["Month", "الشهر"], ["Year and month", "السنة والشهر"]),
        column(
            "rank",
            "integer",
            ["Rank", "الترتيب"],
            [
                "By transactions, from 1; equal ones share a rank",
                "بحسب عدد المعاملات بدءًا من 1، ويتساوى الترتيب عند تساوي العدد",
            ],
        ),
        column(
            "type",
            "text",
            ["Service type", "رمز الخدمة"],
            ["The service's type on the bus", "رمز نوع الخدمة على الناقل"],
        ),
        column(
            "name_en",
            "text",
            ["Service (English)", "الخدمة (بالإنجليزية)"],
            ["Its English name", "اسمها بالإنجليزية"],
        ),
        column("name_ar", "text", ["Service (Arabic)", "الخدمة (بالعربية)"], ["Its Arabic name", "اسمها بالعربية"]),
        column(
            "maturity",
            "integer",
            ["Maturity level", "مستوى النضج"],
            ["1 to 4, as the service says of itself", "من 1 إلى 4 بحسب تصنيف الخدمة"],
        ),
        column(
            "transactions",
            "integer",
            ["Transactions", "المعاملات"],
            ["Completed in the month", "المعاملات المكتملة خلال الشهر"],
        ),
        column(
            "previous",
            "integer",
            ["Month before", "الشهر السابق"],
            ["Completed in the month before", "المعاملات المكتملة خلال الشهر السابق"],
        ),
        column(
            "change_percent",
            "number",
            ["Change, %", "نسبة التغير ٪"],
            ["Change to the month before, in per cent", "نسبة التغير عن الشهر السابق"],
        ),
        column(
            "success_percent",
            "number",
            ["Success, %", "نسبة النجاح ٪"],
            [
                "Completed without failures, in per cent of the transactions",
                "نسبة ما اكتمل من غير إخفاق من مجموع المعاملات",
            ],
        ),
        column(
            "mean_seconds",
            "number",
            ["Mean time, seconds", "متوسط المدة بالثواني"],
            ["Mean time from acceptance to completion", "متوسط المدة من القبول إلى الاكتمال"],
        ),
        column("note", "text", ["Note", "ملاحظة"], ["What was left out, and why", "ما لم يُنشر وسبب ذلك"]),
    ]
}

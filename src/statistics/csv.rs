//! The tables as CSV (RFC 4180) that opens well in a spreadsheet: UTF-8 with its mark, headings in both languages, and no text of
//! others that could be a formula.

use super::month::MonthTable;
use super::open_data::{OpenData, columns};
use crate::mapping::csv::write_field;
use crate::model::text::Bilingual;

/// By which spreadsheets know UTF-8.
const MARK: char = '\u{feff}';
/// The headings of the table of a month.
const HEADINGS: [[&str; 2]; 14] = [
    ["Rank", "الترتيب"],
    ["Change of rank", "التغير في الترتيب"],
    ["Service type", "رمز الخدمة"],
    ["Service (English)", "الخدمة (بالإنجليزية)"],
    ["Service (Arabic)", "الخدمة (بالعربية)"],
    ["Owner", "الجهة المسؤولة"],
    ["Maturity level", "مستوى النضج"],
    ["Transactions", "المعاملات"],
    ["Month before", "الشهر السابق"],
    ["Change, %", "نسبة التغير ٪"],
    ["Accepted", "المقبولة"],
    ["With failures", "المكتملة مع إخفاق"],
    ["Success, %", "نسبة النجاح ٪"],
    ["Mean time, seconds", "متوسط المدة بالثواني"],
];

/// A text that is written line by line.
struct Sheet {
    text: String,
    is_first: bool,
}

impl Sheet {
    fn new() -> Self {
        Self { text: MARK.to_string(), is_first: true }
    }

    fn cell(&mut self, text: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.text.push(',');
        }
        write_field(text, &mut self.text);
    }

    /// A figure, or an empty cell.
    fn figure(&mut self, figure: Option<impl ToString>) {
        self.cell(&figure.map_or_else(String::new, |figure| figure.to_string()));
    }

    /// Both languages, each in a cell of its own.
    fn both(&mut self, text: Option<&Bilingual>) {
        self.cell(text.map_or("", |text| &text.en));
        self.cell(text.map_or("", |text| &text.ar));
    }

    fn end(&mut self) {
        self.text.push_str("\r\n");
        self.is_first = true;
    }
}

/// The table of a month.
pub fn month(table: &MonthTable) -> String {
    let mut sheet = Sheet::new();
    HEADINGS.iter().for_each(|[en, ar]| sheet.cell(&format!("{en} / {ar}")));
    sheet.end();
    for line in &table.services {
        let figures = &line.figures;
        sheet.figure(line.rank);
        sheet.figure(line.rank_change);
        sheet.cell(line.ty.as_str());
        sheet.both(line.name.as_ref());
        sheet.cell(line.owner.as_ref().map_or("", |owner| owner.as_str()));
        sheet.figure(line.maturity);
        sheet.figure(Some(figures.transactions));
        sheet.figure(Some(figures.previous));
        sheet.figure(figures.change_percent);
        sheet.figure(Some(figures.accepted));
        sheet.figure(Some(figures.with_failures));
        sheet.figure(figures.success_percent);
        sheet.figure(figures.mean_seconds);
        sheet.end();
    }
    sheet.text
}

/// Open data.
pub fn open_data(data: &OpenData) -> String {
    let mut sheet = Sheet::new();
    for column in columns() {
        sheet.cell(&format!("{} / {}", column.title.en, column.title.ar));
    }
    sheet.end();
    for row in &data.rows {
        sheet.cell(&row.month.to_string());
        sheet.figure(row.rank);
        sheet.cell(row.ty.as_str());
        sheet.both(row.name.as_ref());
        sheet.figure(row.maturity);
        sheet.figure(row.transactions);
        sheet.figure(row.previous);
        sheet.figure(row.change_percent);
        sheet.figure(row.success_percent);
        sheet.figure(row.mean_seconds);
        let note = row.note.as_ref().map(|note| format!("{} / {}", note.en, note.ar));
        sheet.figure(note);
        sheet.end();
    }
    sheet.text
}

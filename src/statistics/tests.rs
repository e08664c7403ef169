//! The computation by itself, over days that are made up here and a month that was published.

use std::collections::BTreeMap;

use serde_json::json;

use super::open_data::columns;
use super::*;
use crate::ledger::{ServiceCounts, ServiceDay};
use crate::model::calendar::{Calendar, Day, Month};
use crate::model::id::{AgencyId, EventType};
use crate::model::text::Bilingual;

const TRAVEL: &str = "qa.gov.permit.travel-issued";
const RENEWAL: &str = "qa.gov.residency.renewed";
const CUSTOMS: &str = "qa.gov.customs.income-calculated";
const MEDICAL: &str = "qa.gov.medical.exam-registered";
const OTHER: &str = "qa.gov.bill.paid";

fn ty(name: &str) -> EventType {
    EventType::parse(name).unwrap()
}

fn september() -> Month {
    Month::parse("2026-09").unwrap()
}

/// Spreads so many transactions over the days of a month, unevenly, every hundredth of them with failures.
fn spread(name: &str, month: &str, transactions: u64) -> Vec<ServiceDay> {
    let month = Month::parse(month).unwrap();
    let (first, last) = (month.first().number(), month.last().number());
    let weight = |day: u32| u64::from(day % 7 + 1);
    let weights: u64 = (first..=last).map(weight).sum();
    let mut left = transactions;
    let day = |number: u32| {
        let share = if number == last { left } else { transactions * weight(number) / weights };
        left -= share;
        let failed = share / 100;
        let completed = share - failed;
        let counts = ServiceCounts { accepted: share, completed, failed, completed_ms: completed * 90_000 };
        ServiceDay { ty: ty(name), day: Day::read(number).unwrap(), counts }
    };
    (first..=last).map(day).collect()
}

fn about(maturity: u8, en: &str, ar: &str) -> Known {
    let owner = AgencyId::parse("moi").unwrap();
    Known { name: Bilingual::new(en, ar), owner, maturity: Some(maturity) }
}

fn deployment() -> BTreeMap<EventType, Known> {
    [
        (ty(TRAVEL), about(3, "Travel permits", "تصاريح السفر")),
        (ty(RENEWAL), about(4, "Residency renewal", "تجديد الإقامة")),
        (ty(CUSTOMS), about(2, "Customs income calculation", "احتساب الإيرادات الجمركية")),
        (ty(MEDICAL), about(3, "Medical commission", "القومسيون الطبي")),
        (ty(OTHER), about(4, "Bills", "الفواتير")),
    ]
    .into()
}

/// Hukoomi's September of the design, and an August that leads to its changes.
fn hukoomi() -> Vec<ServiceDay> {
    let of_september: u64 = 375_580 - 89_410 - 74_550 - 60_570 - 43_370;
    let of_august: u64 = 405_110 - 71_700 - 80_120 - 60_570 - 70_000;
    [
        spread(TRAVEL, "2026-09", 89_410),
        spread(RENEWAL, "2026-09", 74_550),
        spread(CUSTOMS, "2026-09", 60_570),
        spread(MEDICAL, "2026-09", 43_370),
        spread(OTHER, "2026-09", of_september),
        spread(TRAVEL, "2026-08", 71_700),
        spread(RENEWAL, "2026-08", 80_120),
        spread(CUSTOMS, "2026-08", 60_570),
        spread(MEDICAL, "2026-08", 70_000),
        spread(OTHER, "2026-08", of_august),
        // None of the month's business.
        spread(TRAVEL, "2026-07", 999),
        spread(TRAVEL, "2026-10", 999),
        spread("falaj.delivery.settled", "2026-09", 999),
    ]
    .concat()
}

fn table(days: &[ServiceDay]) -> MonthTable {
    MonthTable::new(september(), true, &Calendar::default(), days, &deployment())
}

fn line<'t>(table: &'t MonthTable, name: &str) -> &'t ServiceLine {
    table.services.iter().find(|line| line.ty.as_str() == name).unwrap()
}

#[test]
fn the_month_that_was_published_comes_out() {
    let table = table(&hukoomi());
    assert_eq!((table.total.transactions, table.total.previous), (375_580, 405_110));
    assert_eq!(table.total.change_percent, Some(-7.3));
    let lines = [TRAVEL, RENEWAL, CUSTOMS, MEDICAL].map(|name| {
        let line = line(&table, name);
        (line.figures.transactions, line.figures.change_percent, line.rank.unwrap(), line.rank_change)
    });
    assert_eq!(
        lines,
        [
            (89_410, Some(24.7), 2, Some(1)),
            (74_550, Some(-7.0), 3, Some(-1)),
            (60_570, Some(0.0), 4, Some(1)),
            (43_370, Some(-38.0), 5, Some(-1)),
        ]
    );
    assert_eq!(table.services[0].ty.as_str(), OTHER, "the most used comes first");
    assert_eq!((table.services.len(), table.closed, table.zone.as_str()), (5, true, "Asia/Qatar"));
    assert_eq!(line(&table, TRAVEL).figures.mean_seconds, Some(90.0));
    assert_eq!(line(&table, TRAVEL).figures.success_percent, Some(99.0));
    let levels: Vec<_> =
        table.levels.iter().map(|level| (level.maturity, level.services, level.figures.transactions)).collect();
    let bills = 375_580 - 89_410 - 74_550 - 60_570 - 43_370;
    assert_eq!(levels, [(Some(4), 2, 74_550 + bills), (Some(3), 2, 89_410 + 43_370), (Some(2), 1, 60_570)]);
}

#[test]
fn what_is_read_back_is_what_was_written() {
    let written = table(&hukoomi());
    let text = serde_json::to_string(&written).unwrap();
    assert!(text.contains(r#""month":"2026-09""#) && text.contains(r#""change_percent":-7.3"#), "{text}");
    assert_eq!(serde_json::from_str::<MonthTable>(&text).unwrap(), written);
}

#[test]
fn ranks_are_shared_and_nobody_is_ranked_without_transactions() {
    let days = [
        spread(TRAVEL, "2026-09", 50),
        spread(RENEWAL, "2026-09", 70),
        spread(CUSTOMS, "2026-09", 50),
        spread(MEDICAL, "2026-09", 9),
        spread(OTHER, "2026-08", 9),
    ]
    .concat();
    let table = table(&days);
    let ranks: Vec<_> = table.services.iter().map(|line| (line.rank, line.rank_change)).collect();
    assert_eq!(ranks, [(Some(1), None), (Some(2), None), (Some(2), None), (Some(4), None), (None, None)]);
    assert_eq!(line(&table, OTHER).figures.change_percent, Some(-100.0));
    assert_eq!(line(&table, TRAVEL).figures.change_percent, None, "nothing is no base");
    assert_eq!(line(&table, OTHER).figures.success_percent, None);
}

#[test]
fn a_month_that_goes_on_is_not_compared() {
    let days = hukoomi();
    let open = MonthTable::new(september(), false, &Calendar::default(), &days, &deployment());
    assert_eq!((open.total.change_percent, open.total.transactions), (None, 375_580));
    assert!(open.services.iter().all(|line| line.figures.change_percent.is_none()));
    assert_eq!(OpenData::new(&open, &Terms::default()), None, "nor given to everybody");
}

#[test]
fn what_is_left_of_the_deployment_is_counted_without_a_name() {
    let days = spread("qa.gov.gone.service", "2026-09", 100);
    let table = table(&days);
    assert_eq!((table.services[0].name.as_ref(), table.levels[0].maturity), (None, None));
    let data = OpenData::new(&table, &Terms::default()).unwrap();
    assert!(csv::open_data(&data).contains("qa.gov.gone.service,,,,100"));
}

#[test]
fn a_share_is_all_only_where_it_is_all() {
    let day = |completed, failed| ServiceDay {
        ty: ty(TRAVEL),
        day: Day::read(20_260_901).unwrap(),
        counts: ServiceCounts { accepted: completed + failed, completed, failed, completed_ms: completed * 150 },
    };
    let share = |completed, failed| table(&[day(completed, failed)]).total.success_percent;
    assert_eq!(
        [share(9_999, 1), share(10_000, 0), share(1, 99_999), share(0, 7)],
        [Some(99.9), Some(100.0), Some(0.1), Some(0.0)]
    );
    assert_eq!(table(&[day(1, 0)]).total.mean_seconds, Some(0.2));
    assert_eq!(table(&[day(0, 5)]).total.mean_seconds, None);
}

fn terms(small_count: u64) -> Terms {
    Terms { small_count, ..Terms::default() }
}

fn one_day(name: &str, date: u32, completed: u64, failed: u64) -> ServiceDay {
    let counts = ServiceCounts { accepted: completed + failed, completed, failed, completed_ms: completed * 1000 };
    ServiceDay { ty: ty(name), day: Day::read(date).unwrap(), counts }
}

#[test]
fn small_counts_are_left_out_with_all_that_leads_to_them() {
    // Keeps N2.
    let days = [
        one_day(TRAVEL, 20_260_901, 996, 4),
        one_day(TRAVEL, 20_260_801, 500, 0),
        one_day(RENEWAL, 20_260_901, 5, 0),
        one_day(RENEWAL, 20_260_801, 4, 0),
        one_day(CUSTOMS, 20_260_901, 4, 0),
        one_day(CUSTOMS, 20_260_801, 400, 0),
        one_day(MEDICAL, 20_260_901, 3, 97),
        one_day(OTHER, 20_260_801, 9, 0),
        one_day("qa.gov.a.rarer", 20_260_901, 1, 0),
    ];
    let data = OpenData::new(&table(&days), &terms(5)).unwrap();
    let row = |name: &str| data.rows.iter().find(|row| row.ty.as_str() == name).unwrap();
    let travel = row(TRAVEL);
    assert_eq!((travel.transactions, travel.change_percent, travel.success_percent), (Some(1000), Some(100.0), None));
    let renewal = row(RENEWAL);
    assert_eq!((renewal.transactions, renewal.previous, renewal.change_percent), (Some(5), None, None));
    let customs = row(CUSTOMS);
    assert_eq!(
        (customs.transactions, customs.previous, customs.change_percent, customs.rank),
        (None, Some(400), None, None)
    );
    assert_eq!((customs.success_percent, customs.mean_seconds), (None, None));
    assert_eq!(customs.note.as_ref().unwrap().en, "fewer than 5; left out");
    let medical = row(MEDICAL);
    assert_eq!((medical.transactions, medical.success_percent, medical.mean_seconds), (Some(100), None, None));
    assert_eq!((row(OTHER).transactions, row(OTHER).change_percent), (Some(0), Some(-100.0)), "nothing names nobody");
    let last: Vec<_> = data.rows[data.rows.len() - 2..].iter().map(|row| row.ty.as_str()).collect();
    assert_eq!(last, ["qa.gov.a.rarer", CUSTOMS], "their order tells nothing");
    assert_eq!((data.dataset.small_counts.below, data.dataset.small_counts.rows), (5, 2));
    assert_eq!(data.totals(), (1105, 909), "a total that holds them would lead to them");
    let all = OpenData::new(&table(&days), &terms(1)).unwrap();
    assert_eq!(all.totals(), (1110, 913));
    assert!(all.rows.iter().all(|row| row.note.is_none()));
}

#[test]
fn a_sheet_opens_well_and_runs_nothing() {
    let mut names = deployment();
    names.insert(ty(TRAVEL), about(3, "=HYPERLINK(\"x\")", "تصاريح، \"السفر\""));
    let table = MonthTable::new(september(), true, &Calendar::default(), &hukoomi(), &names);
    let sheet = csv::month(&table);
    let mut lines = sheet.strip_prefix('\u{feff}').expect("spreadsheets know UTF-8 by its mark").split("\r\n");
    assert!(lines.next().unwrap().starts_with("Rank / الترتيب,Change of rank / التغير في الترتيب,"));
    let travel = lines.find(|line| line.contains(TRAVEL)).unwrap();
    assert!(travel.contains(r#","'=HYPERLINK(""x"")","#), "{travel}");
    assert!(travel.contains(r#","تصاريح، ""السفر""","#), "{travel}");
    assert!(travel.contains(",89410,71700,24.7,"), "{travel}");
    assert!(sheet.contains(",-38,") && !sheet.contains("'-38"), "a figure is no formula");

    let data = OpenData::new(&table, &Terms::default()).unwrap();
    let sheet = csv::open_data(&data);
    let heading = sheet.lines().next().unwrap().split(',').count();
    // "Change, %" and "Success, %" and "Mean time, seconds" hold a comma within quotes.
    assert_eq!(heading, columns().len() + 3);
    assert_eq!(sheet.lines().count(), 6);
}

#[test]
fn the_data_set_says_what_it_is() {
    let data =
        OpenData::new(&table(&hukoomi()), &Terms { licence: Some("https://example/by".into()), ..Terms::default() })
            .unwrap();
    let written = serde_json::to_value(&data).unwrap();
    let dataset = &written["dataset"];
    assert_eq!(dataset["period"], json!({ "from": "2026-09-01", "to": "2026-09-30" }));
    assert_eq!(
        (&dataset["licence"], &dataset["identifier"]),
        (&json!("https://example/by"), &json!("falaj-services-2026-09"))
    );
    // Every column in both languages, and every row of these columns alone.
    let columns: Vec<_> = data.dataset.columns.iter().map(|column| column.name.as_str()).collect();
    assert!(data.dataset.columns.iter().all(|column| !column.title.ar.is_empty() && !column.description.ar.is_empty()));
    for row in written["rows"].as_array().unwrap() {
        for name in row.as_object().unwrap().keys() {
            assert!(columns.contains(&name.as_str()) || name == "name", "{name}");
        }
    }
    assert_eq!(serde_json::from_value::<OpenData>(written).unwrap(), data);
}

#[test]
fn the_envelope_is_the_example_and_its_schema_takes_it() {
    let data = OpenData::new(&table(&hukoomi()), &Terms::default()).unwrap();
    let envelope = envelope::month_closed(&data, "urn:qa:gov:hukoomi", "hukoomi");
    let example = std::fs::read_to_string("examples/qa.gov.statistics.month-closed.json").unwrap();
    let example: serde_json::Value = serde_json::from_str(&example).unwrap();
    for member in ["id", "source", "type", "subject"] {
        assert_eq!(envelope[member], example[member], "{member}");
    }
    for member in ["month", "portal", "transactions", "previous", "change_percent"] {
        assert_eq!(envelope["data"][member], example["data"][member], "{member}");
    }
    let travel = &envelope["data"]["services"][1];
    assert_eq!((&travel["transactions"], &travel["change_percent"]), (&json!(89_410), &json!(24.7)));

    let registry = crate::schema::Registry::load(std::path::Path::new(".")).registry;
    let parsed = crate::model::cloudevents::structured(&envelope.to_string().into(), &Default::default()).unwrap();
    let schema = registry.find(&ty(envelope::TYPE), None).unwrap();
    assert_eq!(format!("{:?}", schema.check(&parsed)), "[]");
}

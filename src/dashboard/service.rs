//! One service: what it is, who answers for it and who receives it, its schema and a sample, and a year of it in figures.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::agencies;
use super::chart;
use super::page::{Page, html};
use super::pretty::pretty;
use super::samples;
use super::say::Html;
use super::services::{Line, oversees};
use super::session::Signed;
use super::state::Dashboard;
use super::trial;
use crate::http::error::Problem;
use crate::http::path::Named;
use crate::http::statistics;
use crate::model::calendar::Month;
use crate::model::id::{AgencyId, EventType, Version};
use crate::model::text::Bilingual;
use crate::schema::{Schema, SubjectRule};
use crate::statistics::{MonthTable, known};

/// Months that are shown.
const MONTHS: usize = 12;

/// The screen.
#[derive(Debug, Template)]
#[template(path = "service.html", config = "src/dashboard/askama.toml")]
struct Service {
    page: Page,
    ty: EventType,
    name: Bilingual,
    owner: String,
    level: Option<u8>,
    subject_required: bool,
    versions: Vec<(Version, String, bool)>,
    version: Version,
    schema: String,
    sample: Option<String>,
    /// Whether the reader may try it.
    tries: bool,
    /// Who receives it and for what; `None` for those who may not know.
    recipients: Option<Vec<Recipient>>,
    /// The last months, the newest first; `None` for those who may not know.
    year: Option<Year>,
}

/// Who receives it.
#[derive(Debug)]
struct Recipient {
    id: AgencyId,
    name: String,
    purpose: String,
    basis: String,
}

/// A year of it.
#[derive(Debug)]
struct Year {
    bars: Html,
    months: Vec<(String, bool, Line)>,
}

/// `GET /dashboard/services/{type}`
pub(super) async fn service(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    page: Page,
    Named(ty): Named<String>,
) -> Result<Response, Problem> {
    let ty = EventType::parse(&ty).map_err(|_| Problem::not_found())?;
    let catalog = dashboard.catalog.load_full();
    let mut schemas: Vec<_> = catalog.schemas.all().filter(|schema| schema.ty == ty && !schema.ty.is_own()).collect();
    schemas.retain(|schema| !schema.about.is_abstract);
    let newest = schemas.last().ok_or_else(Problem::not_found)?;
    let asked = page.asked.get("version");
    let shown = match asked {
        Some(text) => {
            schemas.iter().find(|schema| schema.version.to_string() == text).ok_or_else(Problem::not_found)?
        }
        None => newest,
    };
    let path = format!("/dashboard/services/{ty}");
    let link = |schema: &Schema| {
        let text = schema.version.to_string();
        let href = page.asked.only(&[]).with("version", Some(&text)).link(&path);
        (schema.version, format!("{href}#schema"), schema.version == shown.version)
    };
    let recipients = oversees(&signed).then(|| recipients(&dashboard, &page, &ty));
    let year = match oversees(&signed) {
        true => Some(year(&dashboard, &page, &ty).await?),
        false => None,
    };
    html(&Service {
        name: newest.about.name.clone(),
        owner: agencies::name(&dashboard, &newest.about.owner, page.say),
        level: newest.about.maturity,
        subject_required: newest.about.subject == SubjectRule::Required,
        versions: schemas.iter().map(|schema| link(schema)).collect(),
        version: shown.version,
        schema: pretty(&shown.document.to_string()),
        sample: samples::read(&dashboard, &ty).await.map(|text| pretty(&text)),
        tries: trial::may(&dashboard, &signed.caller, &ty).await,
        recipients,
        year,
        ty,
        page,
    })
}

fn recipients(dashboard: &Dashboard, page: &Page, ty: &EventType) -> Vec<Recipient> {
    let catalog = dashboard.catalog.load();
    let recipient = |id: &AgencyId| {
        let subscription = catalog.subscription(id, ty)?;
        Some(Recipient {
            id: id.clone(),
            name: page.agency(id),
            purpose: page.pick(&subscription.purpose).to_owned(),
            basis: subscription.legal_basis.clone(),
        })
    };
    let mut recipients: Vec<Recipient> = catalog.agencies().filter_map(|agency| recipient(&agency.id)).collect();
    recipients.sort_by_cached_key(|recipient| recipient.name.to_lowercase());
    recipients
}

async fn year(dashboard: &Dashboard, page: &Page, ty: &EventType) -> Result<Year, Problem> {
    let this = statistics::this_month(dashboard);
    let mut month = this;
    for _ in 1..MONTHS {
        month = month.previous();
    }
    let days = dashboard.ledger.service_days(month.previous().first(), this.last()).await?;
    let days: Vec<_> = days.into_iter().filter(|day| day.ty == *ty).collect();
    let known = known(&dashboard.catalog.load());
    let calendar = dashboard.ledger.calendar();
    let table = |month: Month| MonthTable::new(month, month < this, calendar, &days, &known);
    let mut months = Vec::with_capacity(MONTHS);
    let mut bars = Vec::with_capacity(MONTHS);
    for _ in 0..MONTHS {
        let total = table(month).total;
        bars.push(total.transactions);
        months.push((page.month(&month), month == this, Line::of(page.say, &total)));
        month = month.next();
    }
    months.reverse();
    let label = page.tn("service-year", bars.iter().sum::<u64>());
    Ok(Year { bars: chart::bars(&bars, 0, 90, &label), months })
}

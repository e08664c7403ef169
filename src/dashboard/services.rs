//! The services: what the deployment offers, and how often each was used in a month.
//!
//! Whoever oversees sees the figures; an agency sees the catalogue. The files are those of the HTTP interface.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::agencies;
use super::chart;
use super::page::{Page, html};
use super::pick;
use super::say::{Html, Say};
use super::session::Signed;
use super::state::Dashboard;
use crate::http::auth::Right;
use crate::http::error::Problem;
use crate::http::statistics;
use crate::ledger::ServiceDay;
use crate::model::calendar::Month;
use crate::model::id::EventType;
use crate::statistics::{Figures, Known, Level, MonthTable, known};

/// The screen.
#[derive(Debug, Template)]
#[template(path = "services.html", config = "src/dashboard/askama.toml")]
struct Services {
    page: Page,
    rows: Vec<Row>,
    /// The month in figures, for those who oversee.
    month: Option<OfMonth>,
}

/// A month.
#[derive(Debug)]
struct OfMonth {
    month: Month,
    name: String,
    closed: bool,
    before: Month,
    /// The month after, where it has begun.
    after: Option<Month>,
    total: Line,
    levels: Vec<(Option<u8>, u64, Line)>,
    days: Html,
}

/// Figures as they are written.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) transactions: u64,
    pub(super) previous: u64,
    pub(super) change: Option<String>,
    /// `up`, `down` or nothing.
    pub(super) way: &'static str,
    pub(super) success: Option<String>,
    pub(super) time: Option<String>,
}

/// A service.
#[derive(Debug)]
struct Row {
    ty: EventType,
    name: String,
    owner: String,
    level: Option<u8>,
    rank: Option<u64>,
    /// Places it rose, where it is ranked and was.
    moved: Option<i64>,
    /// Whether it is ranked and was not.
    fresh: bool,
    /// Its part of the most used one's transactions, in hundredths.
    share: u64,
    line: Line,
}

impl Row {
    fn moved_text(&self, say: &Say) -> String {
        match self.moved {
            Some(0) | None => String::new(),
            Some(places) if places > 0 => say.tn("services-rose", places.unsigned_abs()).into_owned(),
            Some(places) => say.tn("services-fell", places.unsigned_abs()).into_owned(),
        }
    }
}

impl Line {
    pub(super) fn of(say: Say, figures: &Figures) -> Self {
        let way = match figures.change_percent {
            Some(percent) if percent > 0.0 => "up",
            Some(percent) if percent < 0.0 => "down",
            _ => "",
        };
        Self {
            transactions: figures.transactions,
            previous: figures.previous,
            change: figures.change_percent.map(|percent| say.change(&percent)),
            way,
            success: figures.success_percent.map(|percent| say.percent(&(percent / 100.0))),
            time: figures.mean_seconds.map(|seconds| say.short(&Duration::from_secs_f64(seconds))),
        }
    }
}

/// `GET /dashboard/services`
pub(super) async fn services(State(dashboard): State<Dashboard>, page: Page) -> Result<Response, Problem> {
    let known = known(&dashboard.catalog.load());
    if !page.may(Right::Oversee) {
        let rows = catalogue(&dashboard, page.say, known, &[]);
        return html(&Services { rows, month: None, page });
    }
    let asked = pick::read(&page.asked, "month", Month::parse)?;
    let this = statistics::this_month(&dashboard);
    let month = match asked {
        Some(month) => month,
        // The last month that is over says more than one that has just begun; where there is nothing yet, this one does.
        None => {
            let last = statistics::table(&dashboard, this.previous()).await?;
            if last.total.transactions > 0 { this.previous() } else { this }
        }
    };
    let table = statistics::table(&dashboard, month).await?;
    let days = dashboard.ledger.service_days(month.first(), month.last()).await?;
    let rows = rows(&dashboard, page.say, known, &table);
    let month = OfMonth {
        month,
        name: page.month(&month),
        closed: table.closed,
        before: month.previous(),
        after: (month < this).then(|| month.next()),
        total: Line::of(page.say, &table.total),
        levels: levels(page.say, &table.levels),
        days: by_day(page.say, month, &days, table.total.transactions),
    };
    html(&Services { rows, month: Some(month), page })
}

/// The services with their figures, the most used first, and after them those that nobody used.
fn rows(dashboard: &Dashboard, say: Say, mut known: BTreeMap<EventType, Known>, table: &MonthTable) -> Vec<Row> {
    let most = table.services.iter().map(|line| line.figures.transactions).max().unwrap_or(0).max(1);
    let mut rows = Vec::with_capacity(known.len());
    for line in &table.services {
        known.remove(&line.ty);
        rows.push(Row {
            name: line.name.as_ref().map_or_else(|| line.ty.to_string(), |name| say.pick(name).to_owned()),
            owner: line.owner.as_ref().map(|owner| agencies::name(dashboard, owner, say)).unwrap_or_default(),
            level: line.maturity,
            rank: line.rank.map(u64::from),
            moved: line.rank_change,
            fresh: table.closed && line.rank.is_some() && line.rank_change.is_none(),
            share: (line.figures.transactions * 100).div_ceil(most),
            line: Line::of(say, &line.figures),
            ty: line.ty.clone(),
        });
    }
    rows.extend(catalogue(
        dashboard,
        say,
        known,
        &table.services.iter().map(|line| line.ty.clone()).collect::<Vec<_>>(),
    ));
    rows
}

/// The services as the deployment describes them, by name, without those that are listed already.
fn catalogue(dashboard: &Dashboard, say: Say, known: BTreeMap<EventType, Known>, listed: &[EventType]) -> Vec<Row> {
    let rest = known.into_iter().filter(|(ty, _)| !listed.contains(ty));
    let mut rows: Vec<Row> = rest
        .map(|(ty, about)| Row {
            name: say.pick(&about.name).to_owned(),
            owner: agencies::name(dashboard, &about.owner, say),
            level: about.maturity,
            rank: None,
            moved: None,
            fresh: false,
            share: 0,
            line: Line::default(),
            ty,
        })
        .collect();
    rows.sort_by_cached_key(|row| row.name.to_lowercase());
    rows
}

fn levels(say: Say, levels: &[Level]) -> Vec<(Option<u8>, u64, Line)> {
    let count = |services: usize| u64::try_from(services).unwrap_or(u64::MAX);
    levels.iter().map(|level| (level.maturity, count(level.services), Line::of(say, &level.figures))).collect()
}

/// Transactions of all services, day by day.
fn by_day(say: Say, month: Month, days: &[ServiceDay], transactions: u64) -> Html {
    let first = month.first().number();
    let length = usize::try_from(month.last().number() - first + 1).unwrap_or(31);
    let mut bars = vec![0; length];
    for day in days.iter().filter(|day| !day.ty.is_own()) {
        let place = usize::try_from(day.day.number() - first).unwrap_or(usize::MAX);
        if let Some(bar) = bars.get_mut(place) {
            *bar += day.counts.completed + day.counts.failed;
        }
    }
    chart::bars(&bars, 0, 90, &say.tn("services-days", transactions))
}

/// `GET /dashboard/statistics/services.csv`
pub(super) async fn sheet(State(dashboard): State<Dashboard>, uri: Uri) -> Result<Response, Problem> {
    statistics::month_sheet(&dashboard, &uri).await
}

/// `GET /dashboard/statistics/open-data.csv`
pub(super) async fn open_sheet(State(dashboard): State<Dashboard>, uri: Uri) -> Result<Response, Problem> {
    statistics::open_sheet(&dashboard, &uri).await
}

/// `GET /dashboard/statistics/open-data.json`
pub(super) async fn open_document(State(dashboard): State<Dashboard>, uri: Uri) -> Result<Response, Problem> {
    statistics::open_document(&dashboard, &uri).await
}

/// Whether somebody sees figures.
pub(super) fn oversees(signed: &Signed) -> bool {
    Right::Oversee.is_given_to(signed.caller.role)
}

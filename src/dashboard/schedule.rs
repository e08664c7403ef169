//! What runs now, and what is due in the next day.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::agencies;
use super::chart;
use super::page::{Page, html};
use super::pick::{self, Pick};
use super::say::Html;
use super::session::Signed;
use super::state::Dashboard;
use super::why;
use crate::http::error::Problem;
use crate::ledger::{Due, UnderWay};
use crate::model::delivery::Standing;
use crate::model::id::AgencyId;
use crate::model::time::At;

/// Milliseconds of a bucket that the ledger counts: five minutes.
const BUCKET_MS: i64 = 300_000;
/// Buckets of an hour.
const HOUR: usize = 12;
/// Buckets of a day.
const DAY: usize = 24 * HOUR;
/// Deliveries under way that are listed.
const UNDER_WAY: usize = 100;

/// The screen.
#[derive(Debug, Template)]
#[template(path = "schedule.html", config = "src/dashboard/askama.toml")]
struct Schedule {
    page: Page,
    agencies: Vec<Pick>,
    all: Line,
    lines: Vec<Line>,
    running: Vec<Running>,
    /// All that are under way, as far as the board knows.
    running_total: u64,
}

/// What is due of one agency, or of all.
#[derive(Debug)]
struct Line {
    name: String,
    href: String,
    now: u64,
    hour: u64,
    day: u64,
    later: u64,
    more: bool,
    chart: Html,
}

/// Something under way.
#[derive(Debug)]
struct Running {
    item: UnderWay,
    agency: String,
    ty: String,
}

impl Running {
    fn state(&self) -> String {
        why::word(&self.item.delivery.standing)
    }

    fn until(&self) -> Option<At> {
        match self.item.delivery.standing {
            Standing::Leased { until } => Some(until),
            _ => None,
        }
    }
}

/// `GET /dashboard/schedule`
pub(super) async fn schedule(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    page: Page,
) -> Result<Response, Problem> {
    let agency = pick::read(&page.asked, "agency", |text| AgencyId::parse(text).ok())?;
    let due = dashboard.ledger.due(agency.clone(), page.now, BUCKET_MS, DAY).await?;
    let running = dashboard.ledger.under_way(agency.clone(), UNDER_WAY).await?;
    let receivers = agencies::receivers(&dashboard, &signed.caller);
    let shown = receivers.keys().filter(|id| agency.as_ref().is_none_or(|agency| agency == *id));
    let running_total = shown.map(|id| u64::try_from(dashboard.entry(id).in_flight).unwrap_or(u64::MAX)).sum();
    html(&Schedule {
        agencies: pick::receivers(&dashboard, &signed, page.say, page.asked.text("agency")),
        all: Line::of(&page, page.t("schedule-all").into_owned(), String::new(), &sum(&due), 90),
        lines: lines(&page, due),
        running: running
            .into_iter()
            .map(|item| Running {
                agency: page.agency(&item.delivery.key.agency),
                ty: pick::type_name(&dashboard, &item.ty, page.say),
                item,
            })
            .collect(),
        running_total,
        page,
    })
}

/// The agencies with something due, those with the most first.
fn lines(page: &Page, due: BTreeMap<AgencyId, Due>) -> Vec<Line> {
    let line = |(id, due): (AgencyId, Due)| {
        let href = page.asked.only(&[]).with("agency", Some(id.as_str())).link("/dashboard/schedule");
        Line::of(page, page.agency(&id), href, &due, 28)
    };
    let mut lines: Vec<Line> = due.into_iter().map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.now + line.day));
    lines
}

fn sum(all: &BTreeMap<AgencyId, Due>) -> Due {
    let mut sum = Due { buckets: vec![0; DAY], ..Due::default() };
    for due in all.values() {
        sum.now += due.now;
        sum.later += due.later;
        sum.more |= due.more;
        for (place, count) in sum.buckets.iter_mut().zip(&due.buckets) {
            *place += count;
        }
    }
    sum
}

/// The first hour in steps of five minutes, the others each as one: most retries are due soon.
fn near_and_far(buckets: &[u64]) -> Vec<u64> {
    let (near, far) = buckets.split_at(HOUR.min(buckets.len()));
    near.iter().copied().chain(far.chunks(HOUR).map(|hour| hour.iter().sum())).collect()
}

impl Line {
    fn of(page: &Page, name: String, href: String, due: &Due, height: u32) -> Self {
        let day: u64 = due.buckets.iter().sum();
        let label = page.tn("schedule-chart", day);
        Self {
            name,
            href,
            now: due.now,
            hour: due.buckets.iter().take(HOUR).sum(),
            day,
            later: due.later,
            more: due.more,
            chart: chart::bars(&near_and_far(&due.buckets), HOUR, height, &label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hour_is_shown_closely_and_nothing_is_lost() {
        let mut buckets = vec![0; DAY];
        (buckets[0], buckets[11], buckets[12], buckets[DAY - 1]) = (1, 2, 4, 8);
        let shown = near_and_far(&buckets);
        assert_eq!(shown.len(), HOUR + 23);
        assert_eq!((shown[0], shown[11], shown[12], shown[34]), (1, 2, 4, 8));
        assert_eq!(shown.iter().sum::<u64>(), 15);
        assert_eq!(near_and_far(&[]), Vec::<u64>::new());
    }
}

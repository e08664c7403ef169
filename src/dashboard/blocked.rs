//! Blocked subjects: lanes whose head is parked and that wait for a person. A lane is named by a keyed hash, never by its subject.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::agencies;
use super::deliveries::{OPERATIONS, applies};
use super::fields::Fields;
use super::live::{self, Live, Unit};
use super::page::{Page, html};
use super::pick::{self, Pick};
use super::say::Say;
use super::session::Signed;
use super::state::Dashboard;
use super::why;
use crate::http::auth::Right;
use crate::http::error::Problem;
use crate::ledger::Blocked as Head;
use crate::model::id::{AgencyId, DeliveryId};

/// Lanes on a page.
const ROWS: usize = 50;
/// What waits behind a head is counted up to this.
const BEHIND_MAX: u64 = 10_000;

/// The screen.
#[derive(Debug, Template)]
#[template(path = "blocked.html", config = "src/dashboard/askama.toml")]
pub(super) struct Blocked {
    page: Page,
    agencies: Vec<Pick>,
    rows: Vec<Row>,
    next: Option<String>,
    /// Where all heads of the agency can be retried at once.
    redrive: Option<String>,
    total: u64,
}

/// One lane.
#[derive(Debug, Template)]
#[template(path = "blocked_row.html", config = "src/dashboard/askama.toml")]
struct Row {
    say: Say,
    head: Head,
    agency: String,
    ty: String,
    fault: String,
    note: String,
    operates: bool,
    back: String,
}

impl Row {
    fn id(&self) -> String {
        format!("b-{}", self.head.head.id)
    }

    /// What can be done, each with its link.
    fn acts(&self) -> Vec<(&'static str, String)> {
        let possible = OPERATIONS.into_iter().filter(|(_, operation)| applies(*operation, &self.head.head.standing));
        let link = |act: &str| {
            let back: Fields = [("back", self.back.as_str())].into_iter().collect();
            back.link(&format!("/dashboard/deliveries/{}/{act}", self.head.head.id))
        };
        possible.map(|(act, _)| (act, link(act))).collect()
    }
}

/// `GET /dashboard/blocked`
pub(super) async fn blocked(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    mut page: Page,
) -> Result<Response, Problem> {
    let asked = page.asked.only(&["agency", "after"]);
    let rows = rows(&dashboard, &signed, page.say, &asked).await?;
    page.live = Some(live::address::<Blocked>(&asked, &units(&rows)?));
    let last = rows.last().filter(|_| rows.len() == ROWS).map(|row| row.head.head.id.to_string());
    let agency = asked.get("agency");
    let tallies = agencies::receivers(&dashboard, &signed.caller);
    let of = |id: &AgencyId| agency.is_none_or(|agency| agency == id.as_str());
    html(&Blocked {
        agencies: pick::receivers(&dashboard, &signed, page.say, asked.text("agency")),
        next: last.map(|last| asked.with("after", Some(&last)).link("/dashboard/blocked")),
        redrive: agency.map(|_| asked.only(&["agency"]).link("/dashboard/redrives/new")),
        total: tallies.iter().filter(|(id, _)| of(id)).map(|(_, tally)| tally.parked).sum(),
        rows,
        page,
    })
}

impl Live for Blocked {
    const NAME: &'static str = "blocked";
    const RIGHT: Right = Right::Oversee;

    async fn units(dashboard: &Dashboard, signed: &Signed, say: Say, asked: &Fields) -> Result<Vec<Unit>, Problem> {
        units(&rows(dashboard, signed, say, asked).await?)
    }
}

fn units(rows: &[Row]) -> Result<Vec<Unit>, Problem> {
    rows.iter().map(|row| Unit::of(row.id(), row)).collect()
}

async fn rows(dashboard: &Dashboard, signed: &Signed, say: Say, asked: &Fields) -> Result<Vec<Row>, Problem> {
    let agency = pick::read(asked, "agency", |text| AgencyId::parse(text).ok())?;
    let after = pick::read(asked, "after", DeliveryId::parse)?;
    let operates = Right::Operate.is_given_to(signed.caller.role);
    let back = asked.only(&["agency", "after"]).link("/dashboard/blocked");
    let heads = dashboard.ledger.blocked(agency, after, ROWS).await?;
    let row = |head: Head| Row {
        agency: agencies::name(dashboard, &head.head.key.agency, say),
        ty: pick::type_name(dashboard, &head.ty, say),
        fault: head
            .head
            .last_error
            .as_ref()
            .map_or_else(|| say.t("class-none").into_owned(), |error| why::fault(say, error)),
        note: head.head.last_error.as_ref().map(|error| why::note(&error.note)).unwrap_or_default(),
        say,
        head,
        operates,
        back: back.clone(),
    };
    Ok(heads.into_iter().map(row).collect())
}

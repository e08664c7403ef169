//! Dead letters: what was given up or is parked, by what the errors have in common, and one by one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::agencies;
use super::page::{Page, html};
use super::pick::{self, Pick};
use super::session::Signed;
use super::state::Dashboard;
use super::why;
use crate::http::error::Problem;
use crate::ledger::{DeadGroup, DeadLetter};
use crate::model::delivery::{LastError, Standing};
use crate::model::id::{AgencyId, DeliveryId};
use crate::model::time::At;

/// Letters on a page.
const ROWS: usize = 50;
/// Letters of a group that are counted; of more it is said that they are more.
pub(super) const COUNTED_MAX: u64 = 10_000;
/// What a link to this page may hold.
const ASKED: [&str; 6] = ["agency", "type", "group", "from", "to", "after"];

/// The screen.
#[derive(Debug, Template)]
#[template(path = "dead_letters.html", config = "src/dashboard/askama.toml")]
struct DeadLetters {
    page: Page,
    agencies: Vec<Pick>,
    types: Vec<Pick>,
    /// What the errors have in common, where nothing finer was asked for.
    groups: Option<Vec<Group>>,
    letters: Vec<Letter>,
    /// The group that was asked for.
    group: Option<Group>,
    next: Option<String>,
    /// Where all that is asked for can be redriven.
    redrive: Option<String>,
}

/// What errors have in common.
#[derive(Debug)]
struct Group {
    name: String,
    fault: String,
    note: String,
    dead: u64,
    parked: u64,
    oldest: At,
    href: String,
    redrive: String,
}

/// One letter.
#[derive(Debug)]
struct Letter {
    id: DeliveryId,
    agency: String,
    ty: String,
    accepted: At,
    since: At,
    attempts: u64,
    fault: String,
    note: String,
    parked: bool,
    overtaken: bool,
}

/// `GET /dashboard/dead-letters`
pub(super) async fn dead_letters(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    page: Page,
) -> Result<Response, Problem> {
    let asked = page.asked.only(&ASKED);
    let query = pick::dead_query(&asked, ROWS)?;
    let by_group = query.ty.is_none() && query.group.is_none() && query.from.is_none() && query.to.is_none();
    let all = dashboard.ledger.groups(query.agency.clone(), COUNTED_MAX).await?;
    let group = query.group.as_ref().and_then(|name| {
        let mut same = all.iter().filter(|group| group.group == *name);
        same.next().map(|found| (found.clone(), same.next().is_some()))
    });
    let (groups, letters) = match by_group {
        true => (Some(all), Vec::new()),
        false => (None, dashboard.ledger.dead_letters(query.clone()).await?),
    };
    let last = letters.last().filter(|_| letters.len() == ROWS).map(|letter| letter.delivery.id.to_string());
    let next = last.map(|last| asked.with("after", Some(&last)).link("/dashboard/dead-letters"));
    let redrive = query.agency.is_some().then(|| asked.with("after", None).link("/dashboard/redrives/new"));
    html(&DeadLetters {
        agencies: pick::receivers(&dashboard, &signed, page.say, asked.text("agency")),
        types: pick::types(&dashboard, page.say, asked.text("type")),
        groups: groups.map(|groups| groups.into_iter().map(|group| Group::of(&page, group)).collect()),
        letters: letters.into_iter().map(|letter| Letter::of(&dashboard, &page, letter)).collect(),
        // Without an agency a group may be that of several.
        group: group.filter(|(_, several)| !several).map(|(group, _)| Group::of(&page, group)),
        next,
        redrive,
        page,
    })
}

impl Group {
    fn of(page: &Page, group: DeadGroup) -> Self {
        let DeadGroup { group, agency, note, class, status, dead, parked, oldest } = group;
        let fields = page.asked.only(&[]).with("agency", Some(agency.as_str())).with("group", Some(&group));
        Self {
            name: page.agency(&agency),
            fault: class.map_or_else(
                || page.t("class-none").into_owned(),
                |class| why::fault(page.say, &LastError { class, status, note: String::new(), at: oldest }),
            ),
            note: why::note(&note),
            dead,
            parked,
            oldest,
            href: fields.link("/dashboard/dead-letters"),
            redrive: fields.link("/dashboard/redrives/new"),
        }
    }
}

impl Letter {
    fn of(dashboard: &Dashboard, page: &Page, letter: DeadLetter) -> Self {
        let DeadLetter { delivery, ty, accepted_at, group: _, overtaken } = letter;
        let error = delivery.last_error.as_ref();
        let agency: &AgencyId = &delivery.key.agency;
        Self {
            id: delivery.id,
            agency: agencies::name(dashboard, agency, page.say),
            ty: pick::type_name(dashboard, &ty, page.say),
            accepted: accepted_at,
            since: delivery.since,
            attempts: u64::from(delivery.attempts),
            fault: error.map_or_else(|| page.t("class-none").into_owned(), |error| why::fault(page.say, error)),
            note: error.map(|error| why::note(&error.note)).unwrap_or_default(),
            parked: matches!(delivery.standing, Standing::Parked { .. }),
            overtaken,
        }
    }
}

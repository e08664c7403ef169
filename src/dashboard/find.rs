//! Finding an envelope: one box for any name of it, and filters.
//!
//! What is typed into the box may be a person's number: it is posted, never part of an address. The address of what was found holds a
//! keyed hash of it, which opens nothing elsewhere.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::agencies;
use super::fields::Fields;
use super::guard::Form;
use super::page::{Page, html};
use super::pick::{self, Pick};
use super::session::Signed;
use super::state::Dashboard;
use crate::http::auth::{Caller, Sight};
use crate::http::error::Problem;
use crate::http::view;
use crate::ledger::{Mark, Query};
use crate::model::delivery::Standing;
use crate::model::id::{AgencyId, DeliveryId, EnvelopeId, EventType, Seq};
use crate::model::status::{EnvelopeState, EnvelopeStatus};

/// Envelopes on a page.
const ROWS: usize = 50;
/// Errors to choose from.
const GROUPS_MAX: usize = 200;
/// Deliveries of an error that are counted here: it is only to be chosen.
const GROUP_COUNTED_MAX: u64 = 100;
/// Bytes of what is typed into the box.
const BOX_BYTES_MAX: usize = 1024;
/// What a link to this page may hold.
const ASKED: [&str; 11] =
    ["mark", "type", "sender", "agency", "state", "standing", "group", "from", "to", "notices", "before"];

/// The screen.
#[derive(Debug, Template)]
#[template(path = "find.html", config = "src/dashboard/askama.toml")]
struct Find {
    page: Page,
    types: Vec<Pick>,
    senders: Vec<Pick>,
    agencies: Vec<Pick>,
    states: Vec<Pick>,
    standings: Vec<Pick>,
    groups: Vec<Pick>,
    /// Whether something was asked for.
    asked: bool,
    /// Whether it was by a name out of the box.
    marked: bool,
    /// Whether what was typed into the box names nothing.
    nothing: bool,
    rows: Vec<Row>,
    next: Option<String>,
    whole: bool,
    /// Whether the bus's own notices are listed too.
    notices: bool,
}

/// One envelope.
#[derive(Debug)]
struct Row {
    status: EnvelopeStatus,
    ty: String,
    sender: String,
    state: &'static str,
    tone: &'static str,
    delivered: u64,
    waiting: u64,
    failed: u64,
}

/// `GET /dashboard/find`
pub(super) async fn find(State(dashboard): State<Dashboard>, signed: Signed, page: Page) -> Result<Response, Problem> {
    let asked = page.asked.only(&ASKED);
    let query = query(&signed.caller, &asked)?;
    let found = dashboard.ledger.search(query).await?;
    let senders: Vec<AgencyId> = found.envelopes.iter().map(|envelope| envelope.sender.clone()).collect();
    let statuses =
        found.envelopes.into_iter().map(|envelope| view::status(&dashboard, signed.caller.sight(), envelope));
    let rows = statuses.zip(senders).filter_map(|(status, sender)| Some(Row::of(&dashboard, &page, status?, &sender)));
    let next = found.next.map(|Seq(seq)| asked.with("before", Some(&seq.to_string())).link("/dashboard/find"));
    let word = |name: &str, key: String| Pick {
        chosen: asked.get(if key.starts_with("is-") { "standing" } else { "state" }) == Some(name),
        label: page.t(&key).into_owned(),
        value: name.to_owned(),
    };
    let states = ["open", "completed", "failures"].map(|name| word(name, format!("whole-{name}")));
    let standings = Standing::WORDS.map(|name| word(name, format!("is-{}", name.replace('_', "-"))));
    html(&Find {
        types: pick::types(&dashboard, page.say, asked.text("type")),
        senders: pick::senders(&dashboard, page.say, asked.text("sender")),
        agencies: pick::receivers(&dashboard, &signed, page.say, asked.text("agency")),
        states: states.into(),
        standings: standings.into(),
        groups: groups(&dashboard, &signed, &page, &asked).await?,
        asked: asked.iter().next().is_some(),
        marked: asked.get("mark").is_some(),
        nothing: page.asked.get("nothing").is_some(),
        rows: rows.collect(),
        next,
        notices: asked.get("notices").is_some(),
        whole: !matches!(signed.caller.sight(), Sight::Own(_)),
        page,
    })
}

/// The errors for which something is dead or parked, by agency, for those who may know.
async fn groups(dashboard: &Dashboard, signed: &Signed, page: &Page, asked: &Fields) -> Result<Vec<Pick>, Problem> {
    if signed.caller.as_agency().is_some() {
        return Ok(Vec::new());
    }
    let agency = pick::read(asked, "agency", |text| AgencyId::parse(text).ok())?;
    let chosen = asked.text("group");
    let mut picks: Vec<Pick> = Vec::new();
    for group in dashboard.ledger.groups(agency, GROUP_COUNTED_MAX).await? {
        // One error may be that of several agencies.
        if picks.iter().any(|pick| pick.value == group.group) {
            continue;
        }
        let class = group.class.map(|class| page.t(&format!("class-{}", class.as_str().replace('_', "-"))));
        let status = group.status.map(|status| status.to_string());
        let words = [class.as_deref(), status.as_deref(), Some(group.note.as_str()).filter(|note| !note.is_empty())];
        let label: Vec<&str> = words.into_iter().flatten().collect();
        picks.push(Pick { chosen: group.group == chosen, label: label.join(" · "), value: group.group });
        if picks.len() == GROUPS_MAX {
            break;
        }
    }
    // What is asked for stays asked for, also where nothing is left of it.
    if !chosen.is_empty() && !picks.iter().any(|pick| pick.chosen) {
        picks.push(Pick { chosen: true, label: chosen.to_owned(), value: chosen.to_owned() });
    }
    picks.sort_by_cached_key(|pick| pick.label.to_lowercase());
    Ok(picks)
}

/// `POST /dashboard/find`
pub(super) async fn look(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Problem> {
    let text = form.text("q");
    let to = match text.len() <= BOX_BYTES_MAX {
        true => named(&dashboard, &signed.caller, text).await?,
        false => None,
    };
    Ok(Redirect::to(&to.unwrap_or_else(|| "/dashboard/find?nothing=1".to_owned())).into_response())
}

/// Where a name leads: an envelope's or a delivery's id, source and id, a correlation id, a subject.
async fn named(dashboard: &Dashboard, caller: &Caller, text: &str) -> Result<Option<String>, Problem> {
    if let Some(id) = EnvelopeId::parse(text)
        && let Some(envelope) = dashboard.ledger.envelope(id).await?
        && view::status(dashboard, caller.sight(), envelope).is_some()
    {
        return Ok(Some(format!("/dashboard/envelopes/{id}")));
    }
    if let Some(id) = DeliveryId::parse(text)
        && dashboard.ledger.delivery(id).await?.is_some()
    {
        // The page it leads to decides what may be seen.
        return Ok(Some(format!("/dashboard/deliveries/{id}")));
    }
    if let [source, event_id] = text.split_whitespace().collect::<Vec<_>>()[..] {
        let identity = Query {
            source: Some(source.to_owned()),
            event_id: Some(event_id.to_owned()),
            sender: own(caller),
            limit: 1,
            ..Query::default()
        };
        if let Some(found) = dashboard.ledger.search(identity).await?.envelopes.first() {
            return Ok(Some(format!("/dashboard/envelopes/{}", found.id)));
        }
    }
    if text.is_empty() {
        return Ok(None);
    }
    let marks = dashboard.ledger.marks(text);
    let tried: Vec<Option<Mark>> = stream::iter(marks)
        .then(|mark| async move {
            let query = Query { mark: Some(mark), sender: own(caller), limit: 1, ..Query::default() };
            let found = dashboard.ledger.search(query).await?;
            Ok::<_, Problem>((!found.envelopes.is_empty()).then_some(mark))
        })
        .try_collect()
        .await?;
    let mark = tried.into_iter().flatten().next();
    Ok(mark.map(|mark| Fields::default().with("mark", Some(&mark.to_string())).link("/dashboard/find")))
}

/// An agency searches among what it sent.
fn own(caller: &Caller) -> Option<AgencyId> {
    caller.as_agency().cloned()
}

fn query(caller: &Caller, asked: &Fields) -> Result<Query, Problem> {
    let state = |text: &str| match text {
        "open" => Some(EnvelopeState::Open),
        "completed" => Some(EnvelopeState::Completed),
        "failures" => Some(EnvelopeState::CompletedWithFailures),
        _ => None,
    };
    let standing = |text: &str| Standing::WORDS.into_iter().find(|word| *word == text);
    let sender = pick::read(asked, "sender", |text| AgencyId::parse(text).ok())?;
    Ok(Query {
        mark: pick::read(asked, "mark", Mark::parse)?,
        ty: pick::read(asked, "type", |text| EventType::parse(text).ok())?,
        state: pick::read(asked, "state", state)?,
        from: pick::read(asked, "from", pick::time)?,
        to: pick::read(asked, "to", pick::time)?,
        sender: own(caller).or(sender),
        recipient: pick::read(asked, "agency", |text| AgencyId::parse(text).ok())?,
        standing: pick::read(asked, "standing", standing)?,
        // Errors are for those who oversee; what others ask of them is not heard.
        group: if caller.as_agency().is_none() { pick::read(asked, "group", pick::group)? } else { None },
        before: pick::read(asked, "before", |text| text.parse().ok().map(Seq))?,
        without_notices: asked.get("notices").is_none() && asked.get("type").is_none(),
        limit: ROWS,
        ..Query::default()
    })
}

impl Row {
    fn of(dashboard: &Dashboard, page: &Page, status: EnvelopeStatus, sender: &AgencyId) -> Self {
        let (state, tone) = match status.state {
            EnvelopeState::Open => ("open", "calm"),
            EnvelopeState::Completed => ("completed", "good"),
            EnvelopeState::CompletedWithFailures => ("failures", "bad"),
        };
        let count = |of: fn(&str) -> bool| {
            u64::try_from(status.deliveries.iter().filter(|delivery| of(delivery.state)).count()).unwrap_or(u64::MAX)
        };
        let delivered = count(|state| state == "delivered");
        let waiting = count(|state| matches!(state, "waiting" | "in_flight" | "leased"));
        let failed = count(|state| matches!(state, "dead" | "expired" | "skipped" | "cancelled"));
        Self {
            ty: pick::type_name(dashboard, &status.ty, page.say),
            sender: agencies::name(dashboard, sender, page.say),
            state,
            tone,
            delivered,
            waiting,
            failed,
            status,
        }
    }
}

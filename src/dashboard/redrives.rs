//! Redrives: what one would do, starting it, and watching it; and the replays beside them.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::agencies;
use super::fields::Fields;
use super::guard::Form;
use super::live::{self, Live, Unit};
use super::operate::actor;
use super::page::{Page, html};
use super::pick;
use super::say::Say;
use super::session::Signed;
use super::state::Dashboard;
use super::why;
use crate::http::auth::Right;
use crate::http::error::{Kind, Problem};
use crate::http::path::Named;
use crate::ledger::{Actor, DeadQuery, HeldBack, Job, JobKind, JobOperation, JobResult, JobState, RedriveAsk};
use crate::model::id::DeliveryId;

/// Jobs that are listed, the newest.
const LISTED: usize = 100;
/// Results on a page.
const RESULTS: usize = 50;
/// What is left out, of which so many are listed.
const HELD_LISTED: usize = 100;
/// The highest rate that can be asked for.
const RATE_MAX: u32 = 100_000;
/// Ids that one redrive may name.
const IDS_MAX: usize = 200;
/// What says which dead letters are meant.
const ASKED: [&str; 6] = ["agency", "type", "group", "from", "to", "ids"];

/// The list.
#[derive(Debug, Template)]
#[template(path = "redrives.html", config = "src/dashboard/askama.toml")]
pub(super) struct Redrives {
    page: Page,
    jobs: Vec<Line>,
}

/// One job in a list.
#[derive(Debug, Template)]
#[template(path = "redrive_row.html", config = "src/dashboard/askama.toml")]
struct Line {
    say: Say,
    job: Job,
    name: String,
}

/// What a redrive would do, and the form that starts it.
#[derive(Debug, Template)]
#[template(path = "redrive_new.html", config = "src/dashboard/askama.toml")]
struct Plan {
    page: Page,
    name: String,
    asked: Fields,
    eligible: u64,
    held: Vec<HeldBack>,
    held_more: u64,
    /// Whether single deliveries are named, so that overtaken ones may be forced.
    named: bool,
    ty: Option<String>,
}

/// One job.
#[derive(Debug, Template)]
#[template(path = "redrive.html", config = "src/dashboard/askama.toml")]
pub(super) struct Redrive {
    page: Page,
    head: Head,
    held: Vec<HeldBack>,
    held_more: u64,
    results: Vec<Result_>,
    next: Option<String>,
}

/// How a job stands.
#[derive(Debug, Template)]
#[template(path = "redrive_head.html", config = "src/dashboard/askama.toml")]
struct Head {
    say: Say,
    job: Job,
    name: String,
    operates: bool,
}

/// What became of one.
#[derive(Debug, Template)]
#[template(path = "redrive_result.html", config = "src/dashboard/askama.toml")]
struct Result_ {
    say: Say,
    result: JobResult,
    ty: String,
}

/// The screen that asks once before a job is paused, resumed or cancelled.
#[derive(Debug, Template)]
#[template(path = "redrive_operate.html", config = "src/dashboard/askama.toml")]
struct Ask {
    page: Page,
    job: Job,
    name: String,
    /// `pause`, `resume` or `cancel`.
    act: &'static str,
}

/// The word for where a job stands.
fn word(state: JobState) -> &'static str {
    match state {
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Done => "done",
        JobState::Cancelled => "cancelled",
    }
}

fn tone(state: JobState) -> &'static str {
    match state {
        JobState::Running => "good",
        JobState::Paused => "held",
        JobState::Done | JobState::Cancelled => "calm",
    }
}

impl Line {
    fn state(&self) -> &'static str {
        word(self.job.state)
    }

    fn tone(&self) -> &'static str {
        tone(self.job.state)
    }

    fn is_replay(&self) -> bool {
        matches!(self.job.kind, JobKind::Replay { .. })
    }

    fn id(&self) -> String {
        format!("j-{}", self.job.id)
    }
}

impl Head {
    fn state(&self) -> &'static str {
        word(self.job.state)
    }

    fn tone(&self) -> &'static str {
        tone(self.job.state)
    }

    fn is_replay(&self) -> bool {
        matches!(self.job.kind, JobKind::Replay { .. })
    }

    fn runs(&self) -> bool {
        self.job.state == JobState::Running
    }

    fn open(&self) -> bool {
        matches!(self.job.state, JobState::Running | JobState::Paused)
    }

    /// Of what was made, neither ended nor parked yet.
    fn under_way(&self) -> u64 {
        self.job.made.saturating_sub(self.job.done + self.job.failed)
    }

    fn through(&self) -> u64 {
        self.job.done + self.job.failed
    }
}

impl Result_ {
    fn state(&self) -> String {
        why::word(&self.result.delivery.standing)
    }

    fn tone(&self) -> &'static str {
        why::tone(&self.result.delivery)
    }

    fn id(&self) -> String {
        format!("d-{}", self.result.delivery.id)
    }
}

/// `GET /dashboard/redrives`
pub(super) async fn list(State(dashboard): State<Dashboard>, mut page: Page) -> Result<Response, Problem> {
    let jobs = lines(&dashboard, page.say).await?;
    page.live = Some(live::address::<Redrives>(&Fields::default(), &line_units(&jobs)?));
    html(&Redrives { page, jobs })
}

async fn lines(dashboard: &Dashboard, say: Say) -> Result<Vec<Line>, Problem> {
    let jobs = dashboard.ledger.jobs(false, LISTED).await?;
    Ok(jobs.into_iter().map(|job| Line { name: agencies::name(dashboard, &job.agency, say), say, job }).collect())
}

fn line_units(lines: &[Line]) -> Result<Vec<Unit>, Problem> {
    lines.iter().map(|line| Unit::of(line.id(), line)).collect()
}

impl Live for Redrives {
    const NAME: &'static str = "redrives";
    const RIGHT: Right = Right::Oversee;

    async fn units(dashboard: &Dashboard, _: &Signed, say: Say, _: &Fields) -> Result<Vec<Unit>, Problem> {
        line_units(&lines(dashboard, say).await?)
    }
}

/// `GET /dashboard/redrives/new`
pub(super) async fn plan(State(dashboard): State<Dashboard>, signed: Signed, page: Page) -> Result<Response, Problem> {
    let asked = page.asked.only(&ASKED);
    let query = query(&dashboard, &signed, &asked)?;
    let actor = Actor { name: signed.caller.name.clone(), reason: String::new() };
    let (agency, named, ty) = (query.agency.clone(), !query.ids.is_empty(), query.ty.clone());
    let ask = RedriveAsk { query, force: false, rate_per_second: None, actor };
    let planned = dashboard.ledger.plan_redrive(ask, dashboard.clock.now()).await?;
    let (held, held_more) = listed(planned.held_back);
    html(&Plan {
        name: agency.map(|agency| page.agency(&agency)).unwrap_or_default(),
        asked,
        eligible: planned.eligible,
        held,
        held_more,
        named,
        ty: ty.map(|ty| pick::type_name(&dashboard, &ty, page.say)),
        page,
    })
}

/// `POST /dashboard/redrives`
pub(super) async fn begin(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Problem> {
    let query = query(&dashboard, &signed, &form)?;
    let rate = pick::read(&form, "rate", |text| text.parse::<u32>().ok().filter(|rate| (1..=RATE_MAX).contains(rate)))?;
    let force = form.get("force").is_some() && !query.ids.is_empty();
    let ask = RedriveAsk { query, force, rate_per_second: rate, actor: actor(&signed, form.text("reason"))? };
    let job = dashboard.ledger.redrive(ask, dashboard.clock.now()).await?;
    Ok(Redirect::to(&format!("/dashboard/redrives/{}", job.id)).into_response())
}

/// Which dead letters are meant; an agency must be named that the caller may see.
fn query(dashboard: &Dashboard, signed: &Signed, asked: &Fields) -> Result<DeadQuery, Problem> {
    let query = DeadQuery { after: None, ..pick::dead_query(asked, IDS_MAX)? };
    if query.ids.len() > IDS_MAX {
        return Err(pick::unreadable("ids"));
    }
    let agency = query.agency.as_ref().ok_or_else(|| pick::unreadable("agency"))?;
    if !agencies::receivers(dashboard, &signed.caller).contains_key(agency) {
        return Err(Problem::not_found());
    }
    Ok(query)
}

fn listed(mut held: Vec<HeldBack>) -> (Vec<HeldBack>, u64) {
    let more = held.len().saturating_sub(HELD_LISTED);
    held.truncate(HELD_LISTED);
    (held, u64::try_from(more).unwrap_or(u64::MAX))
}

/// `GET /dashboard/redrives/{id}`
pub(super) async fn one(
    State(dashboard): State<Dashboard>,
    mut page: Page,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let id = job_id(&id)?;
    let after = pick::read(&page.asked, "after", DeliveryId::parse)?;
    let (head, held, results) = look(&dashboard, page.say, page.operates(), id, after).await?;
    let (held, held_more) = listed(held);
    let asked = page.asked.only(&["after"]);
    let with_id = asked.with("job", Some(&id.to_string()));
    page.live = Some(live::address::<Redrive>(&with_id, &units(&head, &results)?));
    let last = results.last().filter(|_| results.len() == RESULTS).map(|result| result.result.delivery.id.to_string());
    let next = last.map(|last| asked.with("after", Some(&last)).link(&format!("/dashboard/redrives/{id}")));
    html(&Redrive { head, held, held_more, results, next, page })
}

async fn look(
    dashboard: &Dashboard,
    say: Say,
    operates: bool,
    id: Uuid,
    after: Option<DeliveryId>,
) -> Result<(Head, Vec<HeldBack>, Vec<Result_>), Problem> {
    let mut job = dashboard.ledger.job(id).await?.ok_or_else(Problem::not_found)?;
    let held = std::mem::take(&mut job.held_back);
    let results = dashboard.ledger.results(id, after, RESULTS).await?;
    let results =
        results.into_iter().map(|result| Result_ { ty: pick::type_name(dashboard, &result.ty, say), say, result });
    let results = results.collect();
    Ok((Head { name: agencies::name(dashboard, &job.agency, say), say, job, operates }, held, results))
}

fn units(head: &Head, results: &[Result_]) -> Result<Vec<Unit>, Problem> {
    let results = results.iter().map(|result| Unit::of(result.id(), result));
    [Unit::of("job", head)].into_iter().chain(results).collect()
}

impl Live for Redrive {
    const NAME: &'static str = "redrive";
    const RIGHT: Right = Right::Oversee;

    async fn units(dashboard: &Dashboard, signed: &Signed, say: Say, asked: &Fields) -> Result<Vec<Unit>, Problem> {
        let operates = Right::Operate.is_given_to(signed.caller.role);
        let after = pick::read(asked, "after", DeliveryId::parse)?;
        let (head, _, results) = look(dashboard, say, operates, job_id(asked.text("job"))?, after).await?;
        units(&head, &results)
    }
}

/// `GET /dashboard/redrives/{id}/pause|resume|cancel`
pub(super) async fn ask(
    State(dashboard): State<Dashboard>,
    page: Page,
    Named((id, act)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let (act, _) = operation(&act)?;
    let job = dashboard.ledger.job(job_id(&id)?).await?.ok_or_else(Problem::not_found)?;
    html(&Ask { name: page.agency(&job.agency), job, act, page })
}

/// `POST /dashboard/redrives/{id}/pause|resume|cancel`
pub(super) async fn operate(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    Named((id, act)): Named<(String, String)>,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (id, (_, operation)) = (job_id(&id)?, operation(&act)?);
    let actor = actor(&signed, form.text("reason"))?;
    let job = dashboard.ledger.operate_job(id, operation, actor, dashboard.clock.now()).await?;
    let state = job.ok_or_else(Problem::not_found)?.state;
    let done = match operation {
        JobOperation::Pause => state == JobState::Paused,
        JobOperation::Resume => state == JobState::Running,
        JobOperation::Cancel => state == JobState::Cancelled,
    };
    if !done {
        return Err(Problem::new(
            Kind::Conflict,
            "It is through; nothing can be changed.",
            "انتهت العملية ولا يمكن تغيير شيء.",
        ));
    }
    Ok(Redirect::to(&format!("/dashboard/redrives/{id}")).into_response())
}

fn operation(act: &str) -> Result<(&'static str, JobOperation), Problem> {
    match act {
        "pause" => Ok(("pause", JobOperation::Pause)),
        "resume" => Ok(("resume", JobOperation::Resume)),
        "cancel" => Ok(("cancel", JobOperation::Cancel)),
        _ => Err(Problem::not_found()),
    }
}

fn job_id(text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36).ok_or_else(Problem::not_found)
}

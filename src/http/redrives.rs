//! Redrives and replays: asked for, watched, paused, ended. What they make is decided by the ledger and worked off by dispatch.

use axum::extract::{Query, Request, State};
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::auth::Caller;
use super::dead_letters::group;
use super::error::{Fault, Problem, Shape};
use super::path::Named;
use super::state::App;
use super::{agencies, body, operate};
use crate::ledger::{Actor, DeadQuery, HeldBack, Job, JobKind, JobOperation, JobState, RedriveAsk};
use crate::model::id::{AgencyId, DeliveryId, EventType};
use crate::model::time::At;

/// Ids that one redrive may name.
pub(super) const IDS_MAX: usize = 1000;
/// The highest rate that can be asked for.
pub(super) const RATE_MAX: u32 = 100_000;
/// Jobs that are listed, the newest.
const LISTED: usize = 100;
/// What a redrive looks like.
const SHAPE: Shape = Shape(
    "Send `{\"agency\", \"type\"?, \"group\"?, \"from\"?, \"to\"?, \"ids\"?, \"dry_run\"?, \"force\"?, \"rate_per_second\"?, \
     \"reason\"}`.",
    "أرسل `{\"agency\", \"type\"?, \"group\"?, \"from\"?, \"to\"?, \"ids\"?, \"dry_run\"?, \"force\"?, \"rate_per_second\"?, \
     \"reason\"}`.",
);
/// What a replay looks like.
const REPLAY: Shape = Shape("Send `{\"agency\", \"from\", \"reason\"}`.", "أرسل `{\"agency\", \"from\", \"reason\"}`.");
/// What ends a redrive.
const ENDING: Shape = Shape("The query takes `?reason=...` and nothing else.", "لا يقبل الاستعلام سوى `?reason=...`.");

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    agency: Option<String>,
    #[serde(rename = "type")]
    ty: Option<String>,
    group: Option<String>,
    from: Option<String>,
    to: Option<String>,
    ids: Vec<String>,
    dry_run: bool,
    force: bool,
    rate_per_second: Option<u32>,
    reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Replay {
    agency: Option<String>,
    from: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    reason: Option<String>,
}

/// A job as it is shown.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// `redrive` or `replay`.
    kind: &'static str,
    agency: AgencyId,
    /// `planned running paused done cancelled`.
    state: &'static str,
    eligible: u64,
    made: u64,
    done: u64,
    failed: u64,
    held_back: Vec<Left>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<At>,
    by: String,
    reason: String,
    created_at: At,
}

/// What a job leaves out.
#[derive(Debug, Serialize)]
struct Left {
    id: DeliveryId,
    why: &'static str,
    text: &'static str,
    text_ar: &'static str,
}

/// `POST /v1/redrives`
pub(super) async fn redrive(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let asked: Asked = body::list(&app, &parts.headers, body, SHAPE).await?;
    let dry_run = asked.dry_run;
    let ask = ask(&app, &caller, asked)?;
    let now = app.clock.now();
    if dry_run {
        let plan = app.ledger.plan_redrive(ask, now).await?;
        return Ok(body::answer(StatusCode::OK, &Line { id: None, state: "planned", ..Line::of(plan) }));
    }
    begun(app.ledger.redrive(ask, now).await?)
}

/// `POST /v1/replays`
pub(super) async fn replay(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let asked: Replay = body::command(&app, &parts.headers, body, REPLAY).await?;
    let now = app.clock.now();
    let mut faults = Vec::new();
    let agency = known(&app, &mut faults, asked.agency);
    let past = |text: &str| At::parse(text).filter(|from| *from <= now);
    let from = member(&mut faults, "from", asked.from, past);
    if from.is_none() && faults.iter().all(|fault| fault.pointer != "/from") {
        faults.push(required("/from"));
    }
    let reason = operate::reason(&mut faults, "/reason", asked.reason);
    let (Some(agency), Some(from), true) = (agency, from, faults.is_empty()) else {
        return Err(Problem::fields(faults));
    };
    begun(app.ledger.replay(agency, from, Actor { name: caller.name, reason }, now).await?)
}

/// `GET /v1/redrives`
pub(super) async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let jobs: Vec<Line> = app.ledger.jobs(false, LISTED).await?.into_iter().map(Line::of).collect();
    Ok(body::answer(StatusCode::OK, &serde_json::json!({ "redrives": jobs })))
}

/// `GET /v1/redrives/{id}`
pub(super) async fn one(State(app): State<App>, Named(id): Named<String>) -> Result<Response, Problem> {
    let job = app.ledger.job(job_id(&id)?).await?.ok_or_else(Problem::not_found)?;
    Ok(body::answer(StatusCode::OK, &Line::of(job)))
}

/// `DELETE /v1/redrives/{id}?reason=`
pub(super) async fn end(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = job_id(&id)?;
    let Query(asked) = Query::<Ending>::try_from_uri(&uri).map_err(|_| Problem::shape(ENDING))?;
    let mut faults = Vec::new();
    let reason = operate::reason(&mut faults, "?reason", asked.reason);
    super::search::without(faults)?;
    operated(&app, id, JobOperation::Cancel, Actor { name: caller.name, reason }).await
}

/// `POST /v1/redrives/{id}/pause|resume`
pub(super) fn operating(operation: JobOperation) -> MethodRouter<App> {
    post(move |State(app): State<App>, caller: Caller, Named(id): Named<String>, request: Request| async move {
        let id = job_id(&id)?;
        let actor = operate::actor(&app, &caller, request).await?;
        operated(&app, id, operation, actor).await
    })
}

async fn operated(app: &App, id: Uuid, operation: JobOperation, actor: Actor) -> Result<Response, Problem> {
    let job = app.ledger.operate_job(id, operation, actor, app.clock.now()).await?.ok_or_else(Problem::not_found)?;
    let through = match job.state {
        JobState::Done => true,
        JobState::Cancelled => operation != JobOperation::Cancel,
        JobState::Running | JobState::Paused => false,
    };
    if through {
        return Err(Problem::conflict("It is through; nothing can be changed.", "انتهت العملية ولا يمكن تغيير شيء."));
    }
    Ok(body::answer(StatusCode::OK, &Line::of(job)))
}

fn begun(job: Job) -> Result<Response, Problem> {
    let location = format!("/v1/redrives/{}", job.id);
    let mut response = body::answer(StatusCode::ACCEPTED, &Line::of(job));
    response.headers_mut().insert(LOCATION, location.parse().expect("a path with a UUID is a legal header value"));
    Ok(response)
}

fn job_id(text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36).ok_or_else(Problem::not_found)
}

/// The redrive as the ledger takes it, or everything that is wrong with it.
fn ask(app: &App, caller: &Caller, asked: Asked) -> Result<RedriveAsk, Problem> {
    let mut faults = Vec::new();
    let query = DeadQuery {
        agency: known(app, &mut faults, asked.agency),
        ty: member(&mut faults, "type", asked.ty, |text| EventType::parse(text).ok()),
        group: member(&mut faults, "group", asked.group, group),
        from: member(&mut faults, "from", asked.from, At::parse),
        to: member(&mut faults, "to", asked.to, At::parse),
        ids: ids(&mut faults, &asked.ids),
        after: None,
        limit: IDS_MAX,
    };
    if asked.force && asked.ids.is_empty() {
        faults.push(Fault::new(
            "/force",
            "dependentRequired",
            "`force` goes with `ids`: newer data is overwritten only where each delivery is named.",
            "يجب أن يقترن «force» بـ«ids»: لا تُستبدل بيانات أحدث إلا بتحديد كل عملية تسليم.",
        ));
    }
    if asked.rate_per_second.is_some_and(|rate| !(1..=RATE_MAX).contains(&rate)) {
        faults.push(Fault::new(
            "/rate_per_second",
            "range",
            format!("The rate may be 1 to {RATE_MAX} a second."),
            format!("يجب أن يكون المعدل بين 1 و{RATE_MAX} في الثانية."),
        ));
    }
    let reason = operate::reason(&mut faults, "/reason", asked.reason);
    if !faults.is_empty() {
        return Err(Problem::fields(faults));
    }
    let actor = Actor { name: caller.name.clone(), reason };
    Ok(RedriveAsk { query, force: asked.force, rate_per_second: asked.rate_per_second, actor })
}

fn ids(faults: &mut Vec<Fault>, texts: &[String]) -> Vec<DeliveryId> {
    if texts.len() > IDS_MAX {
        faults.push(Fault::new(
            "/ids",
            "maxItems",
            format!("A redrive names at most {IDS_MAX} deliveries."),
            format!("يجب ألّا يزيد عدد عمليات التسليم المذكورة على {IDS_MAX}."),
        ));
        return Vec::new();
    }
    let read = |(at, text): (usize, &String)| match DeliveryId::parse(text) {
        Some(id) => Some(id),
        None => {
            faults.push(unreadable(&format!("/ids/{at}"), "ids"));
            None
        }
    };
    texts.iter().enumerate().filter_map(read).collect()
}

/// The agency that must be named, and be known.
fn known(app: &App, faults: &mut Vec<Fault>, text: Option<String>) -> Option<AgencyId> {
    if text.is_none() {
        faults.push(required("/agency"));
    }
    let known = |text: &str| AgencyId::parse(text).ok().filter(|id| agencies::receives(app, id) == Some(true));
    member(faults, "agency", text, known)
}

fn member<T>(
    faults: &mut Vec<Fault>,
    name: &str,
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let parsed = parse(text.as_deref()?);
    if parsed.is_none() {
        faults.push(unreadable(&format!("/{name}"), name));
    }
    parsed
}

fn required(pointer: &str) -> Fault {
    let name = &pointer[1..];
    Fault::new(pointer, "required", format!("`{name}` is required."), format!("الحقل «{name}» مطلوب."))
}

fn unreadable(pointer: &str, name: &str) -> Fault {
    let message = format!("`{name}` is not one that can be used here.");
    Fault::new(pointer, "format", message, format!("قيمة «{name}» غير صالحة للاستخدام هنا."))
}

impl Line {
    fn of(job: Job) -> Self {
        let Job {
            id,
            kind,
            agency,
            state,
            eligible,
            made,
            done,
            failed,
            held_back,
            rate_per_second,
            actor,
            created_at,
        } = job;
        let (kind, from, until) = match kind {
            JobKind::Redrive => ("redrive", None, None),
            JobKind::Replay { from, until } => ("replay", Some(from), Some(until)),
        };
        let state = match state {
            JobState::Running => "running",
            JobState::Paused => "paused",
            JobState::Done => "done",
            JobState::Cancelled => "cancelled",
        };
        let Actor { name: by, reason } = actor;
        let held_back = held_back.into_iter().map(Left::of).collect();
        let id = Some(id);
        Self {
            id,
            kind,
            agency,
            state,
            eligible,
            made,
            done,
            failed,
            held_back,
            rate_per_second,
            from,
            until,
            by,
            reason,
            created_at,
        }
    }
}

impl Left {
    fn of(HeldBack { id, why }: HeldBack) -> Self {
        let (text, text_ar) = match why {
            "overtaken" => (
                "A later delivery of its subject has been delivered since: it would overwrite newer data.",
                "سُلِّم بعده تسليم أحدث للموضوع نفسه، وإعادة إرساله ستستبدل بيانات أحدث.",
            ),
            "in_flight" => ("It is being sent or is under a lease.", "عملية التسليم جارية أو ضمن مهلة استلام."),
            "already_redriven" => ("A newer try of it exists.", "توجد محاولة أحدث له."),
            "not_dead" => ("It is neither dead nor parked.", "لم تُخفق عملية التسليم نهائيًا ولم تُعلَّق."),
            "slots_exhausted" => (
                "Its envelope was delivered again as often as it can be.",
                "أُعيد تسليم مظروفه أقصى عدد ممكن من المرات.",
            ),
            _ => ("It cannot be tried again.", "لا يمكن إعادة محاولته."),
        };
        Self { id, why, text, text_ar }
    }
}

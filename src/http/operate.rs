//! Holding an agency and letting it go on, by a person who says why.
//!
//! Whoever operates is named by the key that was used, and gives a reason; both are recorded with what was done.

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;

use super::agencies;
use super::auth::Caller;
use super::body;
use super::error::{Fault, Problem, Shape};
use super::path::Named;
use super::state::App;
use crate::intake::report::is_unwelcome;
use crate::ledger::Actor;
use crate::model::id::AgencyId;

/// Characters of a reason.
pub(super) const REASON_CHARS_MAX: usize = 500;
/// What an order looks like.
const SHAPE: Shape = Shape("Send `{\"reason\": \"...\"}`.", "أرسل `{\"reason\": \"...\"}`.");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    reason: Option<String>,
}

/// `POST /v1/agencies/{a}/pause`
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (id, actor) = order(&app, &caller, &id, request).await?;
    hold(&app, &id, actor).await?;
    agencies::shown(&app, &id).await
}

/// `POST /v1/agencies/{a}/drain`
pub(super) async fn drain(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (id, actor) = order(&app, &caller, &id, request).await?;
    let_out(&app, &id, actor).await?;
    agencies::shown(&app, &id).await
}

/// `POST /v1/agencies/{a}/resume`
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (id, actor) = order(&app, &caller, &id, request).await?;
    let_go(&app, &id, actor).await?;
    agencies::shown(&app, &id).await
}

/// Pauses an agency that something is delivered to.
pub async fn hold(app: &App, id: &AgencyId, actor: Actor) -> Result<(), Problem> {
    receiving(app, id)?;
    app.ledger.pause(id, actor, app.clock.now()).await?;
    app.wake.ring([id]);
    Ok(())
}

/// Drains an agency that something is delivered to.
pub async fn let_out(app: &App, id: &AgencyId, actor: Actor) -> Result<(), Problem> {
    receiving(app, id)?;
    app.ledger.drain(id, actor, app.clock.now()).await?;
    // Where it was paused before, what was accepted until now goes on.
    app.wake.ring([id]);
    Ok(())
}

/// Resumes an agency that is paused.
pub async fn let_go(app: &App, id: &AgencyId, actor: Actor) -> Result<(), Problem> {
    receiving(app, id)?;
    if app.ledger.resume(id, actor, app.clock.now()).await?.is_none() {
        return Err(Problem::conflict("The agency is not paused.", "التسليم إلى هذه الجهة غير موقوف."));
    }
    app.wake.ring([id]);
    Ok(())
}

fn receiving(app: &App, id: &AgencyId) -> Result<(), Problem> {
    if agencies::receives(app, id).ok_or_else(Problem::not_found)? {
        return Ok(());
    }
    Err(Problem::conflict("Nothing is delivered to this agency.", "لا يُسلَّم شيء إلى هذه الجهة."))
}

async fn order(app: &App, caller: &Caller, id: &str, request: Request) -> Result<(AgencyId, Actor), Problem> {
    let id = AgencyId::parse(id).map_err(|_| Problem::not_found())?;
    agencies::receives(app, &id).ok_or_else(Problem::not_found)?;
    Ok((id, actor(app, caller, request).await?))
}

/// Reads an order that is nothing but its reason.
pub(super) async fn actor(app: &App, caller: &Caller, request: Request) -> Result<Actor, Problem> {
    let (parts, body) = request.into_parts();
    let Said { reason: said } = body::command(app, &parts.headers, body, SHAPE).await?;
    let mut faults = Vec::new();
    let reason = reason(&mut faults, "/reason", said);
    if faults.is_empty() { Ok(Actor { name: caller.name.clone(), reason }) } else { Err(Problem::fields(faults)) }
}

/// A reason as it is recorded; notes what is wrong with it.
pub fn reason(faults: &mut Vec<Fault>, pointer: &str, said: Option<String>) -> String {
    let reason = said.unwrap_or_default().trim().to_owned();
    let mut fault = |keyword: &str, message: String, message_ar: String| {
        faults.push(Fault::new(pointer, keyword, message, message_ar));
    };
    if reason.is_empty() {
        fault(
            "required",
            "A reason is required; it is recorded.".to_owned(),
            "يجب ذكر السبب، وسيُسجَّل في سجل التدقيق.".to_owned(),
        );
    } else if reason.chars().count() > REASON_CHARS_MAX {
        fault(
            "maxLength",
            format!("A reason has at most {REASON_CHARS_MAX} characters."),
            format!("يجب ألّا يزيد السبب على {REASON_CHARS_MAX} محرف."),
        );
    } else if reason.chars().any(is_unwelcome) {
        fault(
            "pattern",
            "A reason has no control characters.".to_owned(),
            "يجب ألّا يحتوي السبب على محارف تحكم.".to_owned(),
        );
    }
    reason
}

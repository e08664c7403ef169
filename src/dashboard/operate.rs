//! What a person does to an agency: an own page says what will happen and asks for the reason, and its form does it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::agencies::{self, Queue};
use super::guard::Form;
use super::page::{Page, html};
use super::session::Signed;
use super::state::Dashboard;
use crate::http::error::Problem;
use crate::http::operate;
use crate::http::path::Named;
use crate::ledger::Actor;
use crate::model::id::AgencyId;

/// The screen that asks once.
#[derive(Debug, Template)]
#[template(path = "operate.html", config = "src/dashboard/askama.toml")]
struct Ask {
    page: Page,
    name: String,
    queue: Queue,
    /// `pause`, `drain` or `resume`: the stem of its texts, and the last part of where it is posted.
    act: &'static str,
}

/// `GET /dashboard/agencies/{a}/pause|drain|resume`
pub(super) async fn ask(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    page: Page,
    Named((id, act)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let act = known(&act)?;
    let queue = agencies::one(&dashboard, &signed.caller, &id).await?;
    html(&Ask { name: page.agency(&queue.id), page, queue, act })
}

/// `POST /dashboard/agencies/{a}/pause|drain|resume`
pub(super) async fn operate(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    Named((id, act)): Named<(String, String)>,
    Form(form): Form,
) -> Result<Response, Problem> {
    let act = known(&act)?;
    let id = AgencyId::parse(&id).map_err(|_| Problem::not_found())?;
    let actor = actor(&signed, form.text("reason"))?;
    match act {
        "pause" => operate::hold(&dashboard, &id, actor).await?,
        "drain" => operate::let_out(&dashboard, &id, actor).await?,
        _ => operate::let_go(&dashboard, &id, actor).await?,
    }
    Ok(Redirect::to(&format!("/dashboard#a-{id}")).into_response())
}

fn known(act: &str) -> Result<&'static str, Problem> {
    ["pause", "drain", "resume"].into_iter().find(|known| *known == act).ok_or_else(Problem::not_found)
}

/// Who does it, and why, as it is recorded.
pub(super) fn actor(signed: &Signed, reason: &str) -> Result<Actor, Problem> {
    let mut faults = Vec::new();
    let reason = operate::reason(&mut faults, "/reason", Some(reason.replace("\r\n", " ")));
    if faults.is_empty() {
        Ok(Actor { name: signed.caller.name.clone(), reason })
    } else {
        Err(Problem::fields(faults))
    }
}

//! The payload of an envelope: shown to administrators, and to a receiving agency as its own projection; each time for a reason, and
//! recorded before it is shown.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::envelope::story;
use super::guard::Form;
use super::operate::actor;
use super::page::{Page, html};
use super::pick;
use super::pretty::pretty;
use super::session::Signed;
use super::state::Dashboard;
use crate::http::auth::Caller;
use crate::http::error::{Kind, Problem};
use crate::http::path::Named;
use crate::ledger::Story;
use crate::mapping::disclose;
use crate::model::agency::Role;
use crate::model::id::{AgencyId, EnvelopeId};
use crate::model::means;

/// Bytes of a payload that are shown.
const SHOWN_MAX: usize = 256 * 1024;

/// The screen that asks for a reason.
#[derive(Debug, Template)]
#[template(path = "payload_ask.html", config = "src/dashboard/askama.toml")]
struct Ask {
    page: Page,
    id: EnvelopeId,
    ty: String,
    whole: bool,
}

/// The payload.
#[derive(Debug, Template)]
#[template(path = "payload.html", config = "src/dashboard/askama.toml")]
struct Payload {
    page: Page,
    id: EnvelopeId,
    ty: String,
    whole: bool,
    subject: Option<String>,
    data: String,
    cut: bool,
    /// Answers of agencies, by agency, time and text.
    answers: Vec<Answer>,
}

/// What an agency answered.
#[derive(Debug)]
struct Answer {
    agency: String,
    at: crate::model::time::At,
    text: String,
}

/// `GET /dashboard/envelopes/{id}/payload`
pub(super) async fn ask(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    page: Page,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let (story, _) = story(&dashboard, &signed.caller, &id).await?;
    let whole = may(&signed.caller, &story)?;
    html(&Ask { id: story.envelope.id, ty: pick::type_name(&dashboard, &story.envelope.ty, page.say), whole, page })
}

/// `POST /dashboard/envelopes/{id}/payload`
pub(super) async fn show(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    page: Page,
    Named(id): Named<String>,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (story, _) = story(&dashboard, &signed.caller, &id).await?;
    let whole = may(&signed.caller, &story)?;
    let id = story.envelope.id;
    let stored = dashboard.ledger.stored(id).await?.ok_or_else(Problem::not_found)?;
    // What is not recorded is not shown.
    let actor = actor(&signed, form.text("reason"))?;
    let what = if whole { "whole" } else { "own projection" };
    dashboard.ledger.note(actor, "payload", &id.to_string(), what, dashboard.clock.now()).await?;
    tracing::info!(name = %means::logged(&signed.caller.name), envelope = %id, "a payload was shown");

    let (subject, data) = if whole {
        (stored.attributes.subject.clone(), stored.data_text().to_owned())
    } else {
        projection(&dashboard, &signed.caller, &story, &stored)?
    };
    let mut data = pretty(&data);
    let cut = data.len() > SHOWN_MAX;
    if cut {
        data.truncate((0..=SHOWN_MAX).rev().find(|at| data.is_char_boundary(*at)).unwrap_or(0));
    }
    let answers = story.envelope.deliveries.iter().zip(&story.branches);
    let answers = answers.filter(|(delivery, _)| whole || signed.caller.as_agency() == Some(&delivery.key.agency));
    let answers = answers.flat_map(|(delivery, branch)| {
        let agency = page.agency(&delivery.key.agency);
        let said = branch.attempts.iter().filter(|attempt| !attempt.answer.is_empty());
        let answer = |attempt: &crate::model::delivery::Attempt| Answer {
            agency: agency.clone(),
            at: attempt.at,
            text: String::from_utf8_lossy(&attempt.answer).into_owned(),
        };
        said.map(answer).collect::<Vec<_>>()
    });
    let answers = answers.collect();
    let ty = pick::type_name(&dashboard, &story.envelope.ty, page.say);
    html(&Payload { id, ty, whole, subject, data, cut, answers, page })
}

/// Whether a caller may see the whole (`true`), its own projection (`false`), or nothing.
fn may(caller: &Caller, story: &Story) -> Result<bool, Problem> {
    if caller.role == Role::Admin {
        return Ok(true);
    }
    let receives = |agency: &AgencyId| story.envelope.deliveries.iter().any(|delivery| delivery.key.agency == *agency);
    if caller.as_agency().is_some_and(receives) {
        return Ok(false);
    }
    Err(Problem::new(Kind::NotAllowed, "Your role may not see payloads.", "لا يسمح دورك بالاطلاع على المحتوى."))
}

/// What an agency gets of it under its subscription in force.
fn projection(
    dashboard: &Dashboard,
    caller: &Caller,
    story: &Story,
    stored: &crate::ledger::Stored,
) -> Result<(Option<String>, String), Problem> {
    let catalog = dashboard.catalog.load();
    let agency = caller.as_agency().ok_or_else(Problem::not_found)?;
    let subscription = catalog.subscription(agency, &story.envelope.ty).ok_or_else(Problem::not_found)?;
    let pseudonym = |subject: &str| dashboard.ledger.pseudonym(agency, subject);
    let attributes = disclose(&stored.attributes, subscription.subject, &subscription.attributes, &pseudonym);
    Ok((attributes.0.subject.clone(), subscription.fields.project(stored.data_text())))
}

//! One delivery: the way to its envelope, and what a person does to it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::agencies;
use super::guard::Form;
use super::operate::actor;
use super::page::{Page, html};
use super::pick;
use super::say::Html;
use super::session::Signed;
use super::sign_in::within;
use super::state::Dashboard;
use super::why;
use crate::http::error::Problem;
use crate::http::path::Named;
use crate::http::{deliveries, view};
use crate::ledger::Operation;
use crate::model::delivery::{DeliveryView, Standing};
use crate::model::id::DeliveryId;

/// The screen that asks once.
#[derive(Debug, Template)]
#[template(path = "delivery_operate.html", config = "src/dashboard/askama.toml")]
struct Ask {
    page: Page,
    delivery: DeliveryView,
    agency: String,
    ty: String,
    why: Html,
    /// `retry`, `skip`, `cancel` or `release`.
    act: &'static str,
    back: String,
    applies: bool,
}

/// `GET /dashboard/deliveries/{id}`: leads to its envelope.
pub(super) async fn find(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let id = DeliveryId::parse(&id).ok_or_else(Problem::not_found)?;
    let (_, envelope) = dashboard.ledger.delivery(id).await?.ok_or_else(Problem::not_found)?;
    let envelope_id = envelope.id;
    let seen = view::status(&dashboard, signed.caller.sight(), envelope).ok_or_else(Problem::not_found)?;
    if !seen.deliveries.iter().any(|delivery| delivery.id == id) {
        return Err(Problem::not_found());
    }
    Ok(Redirect::to(&format!("/dashboard/envelopes/{envelope_id}#d-{id}")).into_response())
}

/// `GET /dashboard/deliveries/{id}/retry|skip|cancel|release`
pub(super) async fn ask(
    State(dashboard): State<Dashboard>,
    page: Page,
    Named((id, act)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let (act, operation) = operation(&act)?;
    let id = DeliveryId::parse(&id).ok_or_else(Problem::not_found)?;
    let (delivery, envelope) = dashboard.ledger.delivery(id).await?.ok_or_else(Problem::not_found)?;
    let back = match page.asked.get("back") {
        Some(back) => within(back),
        None => format!("/dashboard/envelopes/{}", envelope.id),
    };
    html(&Ask {
        agency: page.agency(&delivery.key.agency),
        ty: pick::type_name(&dashboard, &envelope.ty, page.say),
        why: why::sentence(
            page.say,
            &delivery,
            &dashboard.hold(&delivery.key.agency),
            agencies::fetches(&dashboard, &delivery.key.agency),
        ),
        applies: applies(operation, &delivery.standing),
        act,
        back,
        delivery,
        page,
    })
}

/// `POST /dashboard/deliveries/{id}/retry|skip|cancel|release`
pub(super) async fn operate(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    Named((id, act)): Named<(String, String)>,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (_, operation) = operation(&act)?;
    let id = DeliveryId::parse(&id).ok_or_else(Problem::not_found)?;
    deliveries::operate(&dashboard, id, operation, actor(&signed, form.text("reason"))?).await?;
    Ok(Redirect::to(&within(form.text("back"))).into_response())
}

/// What can be done to a delivery that stands so; the ledger decides again when it is done.
pub(super) fn applies(operation: Operation, standing: &Standing) -> bool {
    match (operation, standing) {
        (_, Standing::InFlight | Standing::Leased { .. } | Standing::Finished { .. }) => false,
        (Operation::Retry, standing) => matches!(standing, Standing::Retry { .. } | Standing::Parked { .. }),
        (Operation::Release, standing) => matches!(standing, Standing::Parked { .. }),
        (Operation::Skip | Operation::Cancel, _) => true,
    }
}

/// Every operation with the word for it, in the order in which they are offered.
pub(super) const OPERATIONS: [(&str, Operation); 4] = [
    ("retry", Operation::Retry),
    ("skip", Operation::Skip),
    ("release", Operation::Release),
    ("cancel", Operation::Cancel),
];

fn operation(act: &str) -> Result<(&'static str, Operation), Problem> {
    OPERATIONS.into_iter().find(|(word, _)| *word == act).ok_or_else(Problem::not_found)
}

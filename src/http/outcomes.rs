//! What an agency reports about a delivery after it got it.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::auth::Caller;
use super::body;
use super::error::{Problem, Shape};
use super::path::Named;
use super::state::App;
use crate::dispatch::handout;
use crate::intake::report::{REASON_CHARS_MAX, REFERENCE_CHARS_MAX, fits};
use crate::intake::{self, Heard};
use crate::model::delivery::{DeliveryView, EnvelopeView};
use crate::model::id::{AgencyId, DeliveryId};
use crate::model::outcome::{BusinessOutcome, Report};
use crate::model::status::DeliveryStatus;

/// What a report looks like.
const SHAPE: Shape = Shape(
    "Send `{\"outcome\": \"applied|refused|needs_action|retry\", \"reason\"?, \"reference\"?, \"lease\"?}`; with a lease also \
     `received`. A reason has at most 1000 characters, a reference 200.",
    "أرسل `{\"outcome\": \"applied|refused|needs_action|retry\", \"reason\"?, \"reference\"?, \"lease\"?}`؛ ومع «lease» يمكن \
     أيضًا إرسال `received`. ولا يزيد السبب على 1000 محرف والمرجع على 200.",
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    outcome: Word,
    reason: Option<String>,
    reference: Option<String>,
    lease: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Applied,
    Refused,
    NeedsAction,
    Received,
    Retry,
}

/// `POST /v1/deliveries/{id}/outcome`
pub(super) async fn report(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    request: Request,
) -> Result<Response, Problem> {
    let agency = caller.as_agency().ok_or_else(Problem::internal)?;
    let (parts, body) = request.into_parts();
    let told: Told = body::command(&app, &parts.headers, body, SHAPE).await?;
    let (reason, reference) = (told.reason.as_deref(), told.reference.as_deref());
    if !fits(reason, REASON_CHARS_MAX) || !fits(reference, REFERENCE_CHARS_MAX) {
        return Err(Problem::shape(SHAPE));
    }
    let id = DeliveryId::parse(&id).ok_or_else(Problem::not_found)?;
    if told.lease.is_some() {
        let (delivery, envelope) = own(&app, agency, id).await?;
        return leased(&app, &delivery, &envelope, told).await;
    }
    if told.outcome == Word::Received {
        return Err(Problem::shape(SHAPE));
    }
    let Told { outcome, reason, reference, lease: _ } = told;
    let told = intake::Told { delivery: id, outcome: outcome.outcome(), reason, reference };
    match app.intake.report(agency, told).await? {
        Heard::Recorded(delivery) | Heard::Repeat(delivery) => Ok(answer(&app, StatusCode::OK, &delivery)),
        Heard::Noted(delivery) => Ok(answer(&app, StatusCode::ACCEPTED, &delivery)),
    }
}

/// A report under a lease settles the delivery.
async fn leased(
    app: &App,
    delivery: &DeliveryView,
    envelope: &EnvelopeView,
    Told { outcome, reason, reference, lease }: Told,
) -> Result<Response, Problem> {
    let report = Report { outcome: outcome.outcome(), reason, reference };
    let told = if outcome == Word::Retry { handout::Told::Retry(report) } else { handout::Told::Has(report) };
    let settled = match lease.as_deref().and_then(|lease| Uuid::try_parse(lease).ok()) {
        Some(lease) => app.handout.settle(delivery, envelope, lease, told).await?,
        None => false,
    };
    if !settled {
        return Err(Problem::conflict(
            "The lease is not current; nothing was recorded.",
            "مهلة الاستلام المذكورة غير سارية، ولم يُسجَّل شيء.",
        ));
    }
    let (delivery, _) = app.ledger.delivery(delivery.id).await?.ok_or_else(Problem::not_found)?;
    Ok(answer(app, StatusCode::OK, &delivery))
}

impl Word {
    /// What is recorded; nothing for a retry.
    fn outcome(self) -> Option<BusinessOutcome> {
        match self {
            Self::Applied => Some(BusinessOutcome::Applied),
            Self::Refused => Some(BusinessOutcome::Refused),
            Self::NeedsAction => Some(BusinessOutcome::NeedsAction),
            Self::Received => Some(BusinessOutcome::Pending),
            Self::Retry => None,
        }
    }
}

/// A delivery of the caller's own; any other is as if it were not there.
async fn own(app: &App, agency: &AgencyId, id: DeliveryId) -> Result<(DeliveryView, EnvelopeView), Problem> {
    let found = app.ledger.delivery(id).await?.filter(|(delivery, _)| delivery.key.agency == *agency);
    found.ok_or_else(Problem::not_found)
}

fn answer(app: &App, status: StatusCode, delivery: &DeliveryView) -> Response {
    body::answer(status, &DeliveryStatus::of(delivery, &app.hold(&delivery.key.agency)))
}

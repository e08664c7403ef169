//! What an agency reports about a delivery after it got it.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::auth::Caller;
use super::body;
use super::error::{Kind, Problem, Shape};
use super::path::Named;
use super::state::App;
use crate::dispatch::handout;
use crate::ledger::Reported;
use crate::model::delivery::{DeliveryView, EnvelopeView, Finished, Standing};
use crate::model::id::{AgencyId, DeliveryId};
use crate::model::outcome::{BusinessOutcome, Report};
use crate::model::status::DeliveryStatus;

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 1000;
/// Characters of a reference.
const REFERENCE_CHARS_MAX: usize = 200;
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
    let fits = |text: &Option<String>, chars_max: usize| {
        text.as_deref().is_none_or(|text| text.chars().count() <= chars_max && !text.chars().any(is_unwelcome))
    };
    if !fits(&told.reason, REASON_CHARS_MAX) || !fits(&told.reference, REFERENCE_CHARS_MAX) {
        return Err(Problem::shape(SHAPE));
    }
    let (delivery, envelope) = own(&app, agency, &id).await?;
    if told.lease.is_some() {
        return leased(&app, &delivery, &envelope, told).await;
    }
    if told.outcome == Word::Received {
        return Err(Problem::shape(SHAPE));
    }
    let Some(outcome) = told.outcome.outcome() else { return Err(no_retry(&delivery)) };
    let told = Report { outcome: Some(outcome), reason: told.reason, reference: told.reference };
    let reported = app.ledger.report(delivery.id, outcome, told, agency.as_str(), app.clock.now()).await?;
    match reported.ok_or_else(Problem::not_found)? {
        Reported::Recorded(delivery) => {
            app.wake.changed([envelope.seq]);
            // The report may have freed a lane.
            app.wake.ring([agency]);
            Ok(answer(&app, StatusCode::OK, &delivery))
        }
        Reported::Repeat(delivery) => Ok(answer(&app, StatusCode::OK, &delivery)),
        Reported::Noted => Ok(answer(&app, StatusCode::ACCEPTED, &delivery)),
        Reported::Conflict(delivery) => Err(conflict(&delivery)),
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

/// Whether a character has no place in a text of a person.
pub(super) fn is_unwelcome(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// A delivery of the caller's own; any other is as if it were not there.
async fn own(app: &App, agency: &AgencyId, id: &str) -> Result<(DeliveryView, EnvelopeView), Problem> {
    let id = DeliveryId::parse(id).ok_or_else(Problem::not_found)?;
    let found = app.ledger.delivery(id).await?.filter(|(delivery, _)| delivery.key.agency == *agency);
    found.ok_or_else(Problem::not_found)
}

fn answer(app: &App, status: StatusCode, delivery: &DeliveryView) -> Response {
    body::answer(status, &DeliveryStatus::of(delivery, &app.hold(&delivery.key.agency)))
}

fn no_retry(delivery: &DeliveryView) -> Problem {
    match delivery.standing {
        Standing::Finished { state: Finished::Delivered, .. } => Problem::new(
            Kind::Conflict,
            "The delivery is delivered; it is not sent again.",
            "تم التسليم بالفعل، ولن يُرسل مرة أخرى.",
        ),
        _ => Problem::new(
            Kind::Conflict,
            "Only a leased delivery can be given back for a retry; answer the webhook itself instead.",
            "لا تُعاد للمحاولة إلا عملية تسليم ضمن مهلة استلام سارية؛ أجب عن الطلب الوارد نفسه بدلًا من ذلك.",
        ),
    }
}

fn conflict(delivery: &DeliveryView) -> Problem {
    if matches!(delivery.standing, Standing::Leased { .. }) {
        return Problem::conflict(
            "The delivery is handed out under a lease; report under that lease.",
            "عملية التسليم ضمن مهلة استلام سارية؛ أرسل النتيجة مع «lease» الخاصة بها.",
        );
    }
    match delivery.report.outcome.filter(|outcome| outcome.is_final()) {
        Some(outcome) => Problem::new(
            Kind::Conflict,
            format!("The final outcome `{}` was recorded before.", outcome.as_str()),
            format!("سبق تسجيل النتيجة النهائية «{}».", outcome.as_str()),
        ),
        None => Problem::new(
            Kind::Conflict,
            "The delivery cannot take this report in its state.",
            "لا تقبل عملية التسليم هذه النتيجة في حالتها الراهنة.",
        ),
    }
}

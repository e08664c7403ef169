//! What a person does to one delivery: retry, skip, cancel, release.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, post};

use super::auth::Caller;
use super::error::{Kind, Problem};
use super::path::Named;
use super::state::App;
use super::{body, operate};
use crate::ledger::{Actor, Operated, Operation};
use crate::model::delivery::{DeliveryView, Standing};
use crate::model::id::DeliveryId;
use crate::model::status::DeliveryStatus;

/// `POST /v1/deliveries/{id}/retry|skip|cancel|release`
pub(super) fn operating(operation: Operation) -> MethodRouter<App> {
    post(move |State(app): State<App>, caller: Caller, Named(id): Named<String>, request: Request| async move {
        operated(&app, &caller, &id, request, operation).await
    })
}

async fn operated(
    app: &App,
    caller: &Caller,
    id: &str,
    request: Request,
    operation: Operation,
) -> Result<Response, Problem> {
    let id = DeliveryId::parse(id).ok_or_else(Problem::not_found)?;
    let actor = operate::actor(app, caller, request).await?;
    let delivery = operate(app, id, operation, actor).await?;
    let status = DeliveryStatus::of(&delivery, &app.hold(&delivery.key.agency));
    Ok(body::answer(StatusCode::OK, &status))
}

/// Does it; the delivery as it then stands.
pub async fn operate(app: &App, id: DeliveryId, operation: Operation, actor: Actor) -> Result<DeliveryView, Problem> {
    let done = app.ledger.operate(id, operation, actor, app.clock.now()).await?;
    match done.ok_or_else(Problem::not_found)? {
        Operated::Done(delivery) => {
            if let Standing::Finished { state, at, .. } = &delivery.standing {
                app.metrics.end(&delivery.key.agency, *state, at.since(delivery.since).as_secs_f64());
            }
            app.wake.changed([delivery.key.seq]);
            app.wake.ring([&delivery.key.agency]);
            Ok(delivery)
        }
        Operated::InFlight(_) => Err(Problem::new(
            Kind::InFlight,
            "The delivery is being sent or is under a lease; nothing was done. Try again when its attempt has ended.",
            "عملية التسليم جارية أو ضمن مهلة استلام، ولم يُنفَّذ شيء. أعد الطلب بعد انتهاء المحاولة.",
        )),
        Operated::NotApplicable(delivery) => Err(not_applicable(operation, &delivery)),
    }
}

fn not_applicable(operation: Operation, delivery: &DeliveryView) -> Problem {
    if let Standing::Finished { state, .. } = delivery.standing {
        return Problem::conflict(
            format!("The delivery has ended as `{}`; an end never changes.", state.as_str()),
            format!("انتهت عملية التسليم بالحالة «{}»، والنهاية لا تتغير.", state.as_str()),
        );
    }
    match operation {
        Operation::Retry => Problem::conflict(
            "Only a delivery that has failed and waits, or is parked, can be tried again now.",
            "لا تُعاد المحاولة الآن إلا لعملية تسليم أخفقت وتنتظر، أو مُعلَّقة.",
        ),
        Operation::Release => {
            Problem::conflict("Only a parked delivery can be released.", "لا يمكن الإفراج إلا عن عملية تسليم مُعلَّقة.")
        }
        Operation::Skip | Operation::Cancel => Problem::conflict(
            "The delivery does not stand where this can be done.",
            "لا تسمح حالة عملية التسليم بهذا الإجراء.",
        ),
    }
}

//! The sentence that answers "why is it not delivered?", and the words for where a delivery stands.

use super::say::{Html, Part, Say};
use crate::model::delivery::{DeliveryView, Finished, LastError, Standing};
use crate::model::outcome::BusinessOutcome;
use crate::model::status::Hold;

/// The word for where a delivery stands, as texts have it.
pub(super) fn word(standing: &Standing) -> String {
    standing.word().replace('_', "-")
}

/// How it is coloured: `good`, `bad`, `held` or `calm`.
pub(super) fn tone(delivery: &DeliveryView) -> &'static str {
    match (&delivery.standing, delivery.report.outcome) {
        (
            Standing::Finished { state: Finished::Delivered, .. },
            Some(BusinessOutcome::Refused | BusinessOutcome::Unknown),
        ) => "held",
        (Standing::Finished { state: Finished::Delivered, .. }, _) => "good",
        (Standing::Finished { state: Finished::Dead | Finished::Expired, .. } | Standing::Parked { .. }, _) => "bad",
        (Standing::Retry { .. }, _) => "held",
        _ => "calm",
    }
}

/// Why a delivery is not delivered, or how it ended: one sentence or two. `fetches` is whether its agency comes for it.
pub(super) fn sentence(say: Say, delivery: &DeliveryView, hold: &Hold, fetches: bool) -> Html {
    match &delivery.standing {
        Standing::InFlight => say.html("why-in-flight", []),
        Standing::Leased { until } => say.html("why-leased", [("at", Part::At(*until))]),
        Standing::Parked { since } => {
            say.html("why-parked-one", [("at", Part::At(*since)), ("n", Part::Count(u64::from(delivery.attempts)))])
        }
        Standing::Behind { .. } => say.html("why-behind", []),
        Standing::Finished { state: Finished::Delivered, at, .. } => say.html(
            match delivery.report.outcome {
                None | Some(BusinessOutcome::Applied) => "why-delivered",
                Some(BusinessOutcome::Refused) => "why-refused",
                Some(BusinessOutcome::NeedsAction) => "why-needs-action",
                Some(BusinessOutcome::Pending) => "why-pending",
                Some(BusinessOutcome::Unknown) => "why-unknown",
            },
            [("at", Part::At(*at))],
        ),
        Standing::Finished { state, at, by, why } => {
            let parts =
                [("at", Part::At(*at)), ("by", Part::Text(by)), ("reason", Part::Text(why.as_deref().unwrap_or("-")))];
            say.html(&format!("why-{}", state.as_str()), parts)
        }
        Standing::Queued if fetches && *hold == Hold::Open => say.html("why-unfetched", []),
        Standing::Queued | Standing::Retry { .. } => waiting(say, delivery, hold),
    }
}

fn waiting(say: Say, delivery: &DeliveryView, hold: &Hold) -> Html {
    match (hold, &delivery.standing) {
        (Hold::Unconfigured, _) => say.html("why-unconfigured", []),
        (Hold::NoTransport, _) => say.html("why-no-transport", []),
        (Hold::Unconnected { cause, since }, _) => {
            say.html("why-cut-off", [("fault", Part::Text(say.pick(&cause.clause()))), ("since", Part::At(*since))])
        }
        (Hold::Paused { by, reason, since, .. }, _) => {
            say.html("why-held", [("by", Part::Text(by)), ("reason", Part::Text(reason)), ("at", Part::At(*since))])
        }
        // What was accepted before the drain goes on, unless something else holds it.
        (Hold::Draining { through, rest, .. }, _) if delivery.key.seq <= *through => waiting(say, delivery, rest),
        (Hold::Draining { by, reason, since, .. }, _) => {
            say.html("why-drained", [("by", Part::Text(by)), ("reason", Part::Text(reason)), ("at", Part::At(*since))])
        }
        (Hold::CircuitOpen { until, since }, _) => {
            say.html("why-silent", [("since", Part::At(*since)), ("at", Part::At(*until))])
        }
        (Hold::Throttled { until, .. }, _) => say.html("why-asked-for-quiet", [("at", Part::At(*until))]),
        (Hold::Window { until, .. }, _) => say.html("why-closed", [("at", Part::At(*until))]),
        (Hold::Open, Standing::Retry { due }) => {
            let fault = delivery.last_error.as_ref().map(|error| fault(say, error)).unwrap_or_default();
            say.html("why-again", [("at", Part::At(*due)), ("fault", Part::Text(&fault))])
        }
        (Hold::Open, _) => say.html("why-queued", []),
    }
}

/// What Falaj noted of an error; nothing where it only repeats the status.
pub(super) fn note(text: &str) -> String {
    let repeats = text.strip_prefix("status ").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '#'));
    if repeats { String::new() } else { text.to_owned() }
}

/// What went wrong, in a few words: the class in the reader's language, and the status.
pub(super) fn fault(say: Say, error: &LastError) -> String {
    let class = say.t(&format!("class-{}", error.class.as_str().replace('_', "-")));
    match error.status {
        Some(status) => format!("{class} ({status})"),
        None => class.into_owned(),
    }
}

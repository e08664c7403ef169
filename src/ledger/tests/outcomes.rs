//! What agencies say, in their answer and later.

use super::*;
use crate::model::status::EnvelopeState;

impl House {
    async fn report(&self, id: crate::model::id::DeliveryId, outcome: BusinessOutcome) -> Reported {
        let report = Report { outcome: None, reason: Some("because".into()), reference: None };
        self.ledger().report(id, outcome, report, "a", self.now).await.unwrap().unwrap()
    }

    /// An envelope that the agency took and will report on.
    async fn pending(&mut self) -> EnvelopeView {
        let receipt = self.accept("s1", &["a"]).await;
        self.seqs("a", 1).await;
        let mut taken = settlement(key("a", receipt.seq.0), DELIVERED, self.now);
        taken.report = reported(BusinessOutcome::Pending);
        assert_eq!(self.ledger().settle(vec![taken], self.now).await.unwrap(), []);
        receipt
    }
}

fn state(view: &EnvelopeView) -> EnvelopeState {
    EnvelopeState::of(&view.deliveries)
}

#[tokio::test]
async fn a_pending_outcome_keeps_the_envelope_open_until_the_final_one() {
    let mut house = House::new();
    let receipt = house.pending().await;
    let id = receipt.deliveries[0].id;
    assert_eq!(state(&house.view(&receipt).await), EnvelopeState::Open);
    assert!(matches!(house.report(id, BusinessOutcome::NeedsAction).await, Reported::Recorded(_)));
    house.now.0 += 10;
    house.crash();
    let Reported::Recorded(view) = house.report(id, BusinessOutcome::Applied).await else { panic!() };
    assert_eq!(view.report.outcome, Some(BusinessOutcome::Applied));
    assert_eq!(view.report.reference.as_deref(), Some("file 7"), "what was said before and not since still holds");
    assert_eq!(view.report.reason.as_deref(), Some("because"));
    assert_eq!(state(&house.view(&receipt).await), EnvelopeState::Completed);
    assert!(matches!(house.report(id, BusinessOutcome::Applied).await, Reported::Repeat(_)));
    assert!(matches!(house.report(id, BusinessOutcome::Refused).await, Reported::Conflict(_)));
    house.prove().await;
}

#[tokio::test]
async fn the_next_of_the_lane_does_not_wait_for_an_outcome() {
    let mut house = House::new();
    house.pending().await;
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [2]);
    house.prove().await;
}

#[tokio::test]
async fn a_refusal_completes_with_failures() {
    let mut house = House::new();
    let receipt = house.pending().await;
    house.report(receipt.deliveries[0].id, BusinessOutcome::Refused).await;
    assert_eq!(state(&house.view(&receipt).await), EnvelopeState::CompletedWithFailures);
    house.prove().await;
}

#[tokio::test]
async fn after_the_deadline_the_outcome_is_unknown_and_stays_so() {
    let mut house = House::new();
    let receipt = house.pending().await;
    house.now.0 += 100;
    assert_eq!(house.ledger().close_overdue(receipt.accepted_at, house.now, 9).await.unwrap(), []);
    assert_eq!(house.ledger().close_overdue(house.now, house.now, 9).await.unwrap(), [receipt.seq]);
    assert_eq!(house.ledger().close_overdue(house.now, house.now, 9).await.unwrap(), []);
    let view = house.view(&receipt).await;
    assert_eq!(view.deliveries[0].report.outcome, Some(BusinessOutcome::Unknown));
    assert_eq!(state(&view), EnvelopeState::CompletedWithFailures);
    let late = house.report(receipt.deliveries[0].id, BusinessOutcome::Applied).await;
    assert!(matches!(late, Reported::Conflict(_)));
    house.prove().await;
}

#[tokio::test]
async fn a_plain_success_can_be_said_in_full_but_not_taken_back() {
    let mut house = House::new();
    let id = house.accept("s1", &["a"]).await.deliveries[0].id;
    house.seqs("a", 1).await;
    house.deliver("a", 1).await;
    assert!(matches!(house.report(id, BusinessOutcome::Refused).await, Reported::Conflict(_)));
    assert!(matches!(house.report(id, BusinessOutcome::Applied).await, Reported::Recorded(_)));
    assert!(matches!(house.report(id, BusinessOutcome::Applied).await, Reported::Repeat(_)));
    house.prove().await;
}

#[tokio::test]
async fn a_report_before_the_answer_settles_the_delivery_whatever_the_answer() {
    let mut house = House::new();
    let receipt = house.accept("s1", &["a"]).await;
    let id = receipt.deliveries[0].id;
    house.seqs("a", 1).await;
    assert_eq!(house.report(id, BusinessOutcome::Refused).await, Reported::Noted);
    // The answer itself was lost.
    house.fail("a", 1, 1000).await;
    let delivery = house.view(&receipt).await.deliveries.remove(0);
    assert!(matches!(delivery.standing, Standing::Finished { state: Finished::Delivered, .. }));
    assert_eq!(delivery.report.outcome, Some(BusinessOutcome::Refused));
    assert_eq!(delivery.last_error.map(|error| error.class), Some(Class::EndpointFault));
    house.prove().await;
}

#[tokio::test]
async fn a_report_on_what_is_given_back_settles_it() {
    let mut house = House::new();
    let receipt = house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.report(receipt.deliveries[0].id, BusinessOutcome::Applied).await;
    house.ledger().give_back(vec![key("a", 1)]).await.unwrap();
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [2]);
    assert_eq!(state(&house.view(&receipt).await), EnvelopeState::Completed);
    house.prove().await;
}

#[tokio::test]
async fn a_report_ends_a_delivery_whose_answer_was_lost() {
    let mut house = House::new();
    let first = house.accept("s1", &["a"]).await.deliveries[0].id;
    let second = house.accept("s1", &["a"]).await.deliveries[0].id;
    house.seqs("a", 9).await;
    house.fail("a", 1, 1000).await;
    assert!(matches!(house.report(second, BusinessOutcome::Applied).await, Reported::Conflict(_)), "it never left");
    assert!(matches!(house.report(first, BusinessOutcome::Applied).await, Reported::Recorded(_)));
    assert_eq!(house.seqs("a", 9).await, [2]);
    house.prove().await;
}

#[tokio::test]
async fn what_ended_otherwise_takes_no_report_and_strangers_are_nobody() {
    let mut house = House::new();
    let id = house.accept("s1", &["a"]).await.deliveries[0].id;
    house.seqs("a", 1).await;
    house.settle("a", 1, dead()).await;
    assert!(matches!(house.report(id, BusinessOutcome::Applied).await, Reported::Conflict(_)));
    let stranger = crate::model::id::DeliveryId::from_uuid(uuid::Uuid::from_u128(7));
    let nobody = house.ledger().report(stranger, BusinessOutcome::Applied, Report::default(), "a", house.now).await;
    assert_eq!(nobody.unwrap(), None);
    house.prove().await;
}

#[tokio::test]
async fn a_view_tells_where_each_delivery_stands() {
    let mut house = House::new();
    let first = house.accept("s1", &["a", "b"]).await;
    let second = house.accept("s1", &["a", "b"]).await;
    house.seqs("a", 9).await;
    house.seqs("b", 9).await;
    let standing = |view: &EnvelopeView| view.deliveries.iter().map(|d| d.standing.clone()).collect::<Vec<_>>();
    assert_eq!(standing(&house.view(&first).await), [Standing::InFlight, Standing::InFlight]);
    house.fail("a", 1, 100).await;
    house.settle("b", 1, Transition::Park).await;
    let (due, since) = (At(house.now.0 + 100), house.now);
    assert_eq!(standing(&house.view(&first).await), [Standing::Retry { due }, Standing::Parked { since }]);
    let heads = first.deliveries.iter().map(|delivery| Standing::Behind { head: delivery.id }).collect::<Vec<_>>();
    assert_eq!(standing(&house.view(&second).await), heads);
    let delivery = house.view(&first).await.deliveries.remove(0);
    assert_eq!((delivery.attempts, delivery.last_error.unwrap().status), (1, Some(503)));
    house.prove().await;
}

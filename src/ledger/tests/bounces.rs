//! What a broker takes for an agency, what the agency says of it later, and what comes back.

use super::*;
use crate::model::id::DeliveryId;
use crate::model::status::EnvelopeState;

impl House {
    /// Accepts one for `a` and puts it into its queue.
    async fn enqueued(&mut self, subject: &str) -> EnvelopeView {
        let view = self.accept(subject, &["a"]).await;
        assert_eq!(self.seqs("a", 9).await, [view.seq.0]);
        self.enqueue(key("a", view.seq.0)).await;
        view
    }

    async fn enqueue(&self, key: DeliveryKey) {
        let taken = Settlement { by: BROKER.to_owned(), ..settlement(key, DELIVERED, self.now) };
        self.ledger().settle(vec![taken], self.now).await.unwrap();
    }

    async fn bounce(&self, id: DeliveryId) -> Bounced {
        self.ledger().bounce(id, "rejected", self.now).await.unwrap().unwrap()
    }

    async fn told(&self, id: DeliveryId, outcome: BusinessOutcome) -> Reported {
        self.ledger().report(id, outcome, Report::default(), "a", self.now).await.unwrap().unwrap()
    }

    async fn dead_letters(&self) -> Vec<DeadLetter> {
        let query = DeadQuery { agency: Some(agency("a")), limit: 100, ..DeadQuery::default() };
        self.ledger().dead_letters(query).await.unwrap()
    }

    async fn redriven(&self, force: bool, ids: &[DeliveryId]) -> Job {
        let query = DeadQuery { agency: Some(agency("a")), ids: ids.to_vec(), ..DeadQuery::default() };
        let ask = RedriveAsk { query, force, rate_per_second: None, actor: actor() };
        let job = self.ledger().redrive(ask, self.now).await.unwrap();
        self.ledger().work_job(job.id, 100, self.now).await.unwrap().unwrap()
    }

    async fn state(&self, view: &EnvelopeView) -> EnvelopeState {
        EnvelopeState::of(&self.view(view).await.deliveries)
    }
}

#[tokio::test]
async fn what_comes_back_stays_delivered_and_is_refused_and_a_dead_letter() {
    let mut house = House::new();
    let view = house.enqueued("s1").await;
    let id = view.deliveries[0].id;
    assert_eq!(house.state(&view).await, EnvelopeState::Completed);
    house.now.0 += 10;
    let Bounced::Recorded(delivery) = house.bounce(id).await else { panic!() };
    assert!(
        matches!(&delivery.standing, Standing::Finished { state: Finished::Delivered, by, .. } if by == "broker"),
        "{delivery:?}"
    );
    assert_eq!(delivery.report.outcome, Some(BusinessOutcome::Refused));
    assert_eq!(delivery.report.reason.as_deref(), Some("returned by the broker: rejected"));
    assert_eq!(house.state(&view).await, EnvelopeState::CompletedWithFailures);
    house.crash();
    assert!(matches!(house.bounce(id).await, Bounced::Repeat(_)), "it may come twice");
    let letters = house.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].delivery.id == id && !letters[0].overtaken);
    let groups = house.ledger().dead_groups(None).await.unwrap();
    assert_eq!(
        (groups[0].note.as_str(), groups[0].class, groups[0].dead),
        ("returned by the broker: rejected", None, 1)
    );
    assert_eq!(house.tally("a").dead, 0, "it did not die");
    house.prove().await;
}

#[tokio::test]
async fn what_came_back_is_led_again_as_the_next_generation_and_may_come_back_again() {
    let mut house = House::new();
    let view = house.enqueued("s1").await;
    let first = view.deliveries[0].id;
    house.bounce(first).await;
    let job = house.redriven(false, &[]).await;
    assert_eq!((job.eligible, job.made), (1, 1));
    assert!(house.dead_letters().await.is_empty());
    assert_eq!(house.state(&view).await, EnvelopeState::Open);
    let claimed = house.claim("a", 9).await.remove(0);
    assert!(claimed.redrive && claimed.webhook_id == first && claimed.id != first);
    assert_eq!(house.bounce(claimed.id).await, Bounced::InFlight, "the broker was faster than the commit");
    house.enqueue(claimed.key.clone()).await;
    assert!(matches!(house.bounce(first).await, Bounced::Stale(_)), "the old copy says nothing of the new one");
    assert_eq!(house.state(&view).await, EnvelopeState::Completed);
    assert!(matches!(house.bounce(claimed.id).await, Bounced::Recorded(_)));
    assert!(!house.dead_letters().await[0].overtaken);
    let job = house.ledger().job(job.id).await.unwrap().unwrap();
    assert_eq!((job.done, job.failed), (1, 0), "a job is done with what it delivered");
    house.redriven(false, &[]).await;
    let claimed = house.claim("a", 9).await.remove(0);
    house.ledger().settle(vec![settlement(claimed.key, dead(), house.now)], house.now).await.unwrap();
    let letter = house.dead_letters().await.remove(0);
    assert!(letter.overtaken, "its lane had it once: a person must insist");
    house.prove().await;
}

#[tokio::test]
async fn a_later_one_of_the_lane_overtakes_what_came_back_before_or_after() {
    let mut house = House::new();
    let first = house.enqueued("s1").await;
    house.enqueued("s2").await;
    house.enqueued("s1").await;
    house.bounce(first.deliveries[0].id).await;
    assert!(house.dead_letters().await[0].overtaken, "the queue holds a later one already");
    assert_eq!(house.redriven(false, &[]).await.made, 0);
    let second = house.enqueued("s3").await;
    house.bounce(second.deliveries[0].id).await;
    assert!(!house.dead_letters().await[1].overtaken);
    house.enqueued("s3").await;
    assert!(house.dead_letters().await[1].overtaken);
    let unordered = house.enqueued("").await;
    house.enqueued("").await;
    house.bounce(unordered.deliveries[0].id).await;
    assert!(!house.dead_letters().await[2].overtaken, "what has no lane is never overtaken");
    let job = house.redriven(true, &[first.deliveries[0].id]).await;
    assert_eq!(job.made, 1, "a person insists");
    house.prove().await;
}

#[tokio::test]
async fn the_confirmation_was_lost_and_the_rejection_came() {
    let mut house = House::new();
    let view = house.accept("s1", &["a"]).await;
    let second = house.accept("s1", &["a"]).await;
    house.seqs("a", 9).await;
    house.fail("a", 1, 1000).await;
    assert!(matches!(house.bounce(second.deliveries[0].id).await, Bounced::Stale(_)), "it was never sent");
    assert!(matches!(house.bounce(view.deliveries[0].id).await, Bounced::Recorded(_)));
    assert!(matches!(house.bounce(second.deliveries[0].id).await, Bounced::Stale(_)), "it has yet to be sent");
    assert_eq!(house.seqs("a", 9).await, [2], "its lane goes on");
    house.enqueue(key("a", 2)).await;
    let letter = house.dead_letters().await.remove(0);
    assert!(letter.overtaken);
    house.prove().await;
}

#[tokio::test]
async fn the_agency_has_the_first_word_on_what_a_broker_took() {
    use BusinessOutcome::{Applied, NeedsAction, Refused};
    let mut house = House::new();
    let applied = house.enqueued("s1").await;
    assert!(matches!(house.told(applied.deliveries[0].id, Applied).await, Reported::Recorded(_)));
    assert!(matches!(house.bounce(applied.deliveries[0].id).await, Bounced::Stale(_)), "it said otherwise");
    assert_eq!(house.state(&applied).await, EnvelopeState::Completed);

    let refused = house.enqueued("s2").await;
    assert!(matches!(house.told(refused.deliveries[0].id, Refused).await, Reported::Recorded(_)));
    assert!(matches!(house.told(refused.deliveries[0].id, Applied).await, Reported::Conflict(_)));
    assert_eq!(house.state(&refused).await, EnvelopeState::CompletedWithFailures);
    assert!(house.dead_letters().await.is_empty(), "to refuse is no fault");
    assert!(matches!(house.bounce(refused.deliveries[0].id).await, Bounced::Recorded(_)), "and rejected besides");
    assert_eq!(house.dead_letters().await.len(), 1);

    let waits = house.enqueued("s3").await;
    house.now.0 += 10;
    assert!(matches!(house.told(waits.deliveries[0].id, NeedsAction).await, Reported::Recorded(_)));
    assert_eq!(house.state(&waits).await, EnvelopeState::Open, "it is open again");
    house.check();
    house.crash();
    assert!(matches!(house.told(waits.deliveries[0].id, Applied).await, Reported::Recorded(_)));
    assert_eq!(house.state(&waits).await, EnvelopeState::Completed);

    let both = house.accept("s4", &["a", "b"]).await;
    house.seqs("a", 9).await;
    house.enqueue(key("a", both.seq.0)).await;
    house.told(both.deliveries[0].id, NeedsAction).await;
    house.seqs("b", 9).await;
    assert_eq!(house.deliver("b", both.seq.0).await, [], "one of them is open");
    house.bounce(both.deliveries[0].id).await;
    assert_eq!(house.state(&both).await, EnvelopeState::CompletedWithFailures);
    house.prove().await;
}

#[tokio::test]
async fn an_agency_that_answered_for_itself_gets_nothing_back() {
    let mut house = House::new();
    let view = house.accept("s1", &["a"]).await;
    house.seqs("a", 9).await;
    house.deliver("a", 1).await;
    assert!(matches!(house.bounce(view.deliveries[0].id).await, Bounced::Stale(_)));
    let stranger = DeliveryId::from_uuid(uuid::Uuid::from_u128(7));
    assert_eq!(house.ledger().bounce(stranger, "rejected", house.now).await.unwrap(), None);
    assert_eq!(house.state(&view).await, EnvelopeState::Completed);
    house.prove().await;
}

#[tokio::test]
async fn what_came_back_is_swept_with_its_envelope_and_its_time_runs_from_then() {
    let mut house = House::new();
    let view = house.enqueued("s1").await;
    house.now.0 += 100;
    house.bounce(view.deliveries[0].id).await;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 0, "it is kept from when it came back");
    house.now.0 += 1;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 1);
    assert!(house.dead_letters().await.is_empty());
    house.prove().await;
}

#[tokio::test]
async fn where_a_lane_cannot_be_searched_to_the_end_what_came_back_counts_as_overtaken() {
    let mut house = House::new();
    let view = house.enqueued("s1").await;
    house.enqueued("s2").await;
    house.now.0 += 1;
    let both = house.accept("s3", &["a", "b"]).await;
    house.seqs("a", 9).await;
    house.enqueue(key("a", both.seq.0)).await;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 2, "those that were complete before");
    assert_eq!(house.ledger().bounce(view.deliveries[0].id, "rejected", house.now).await.unwrap(), None);
    house.bounce(both.deliveries[0].id).await;
    assert!(!house.dead_letters().await[0].overtaken, "nothing after it was swept");
    house.crash();
    let open = house.accept("s4", &["a", "b"]).await;
    house.seqs("a", 9).await;
    house.enqueue(key("a", open.seq.0)).await;
    house.enqueued("s4").await;
    house.now.0 += 1;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 1, "the later one of the lane");
    house.crash();
    house.bounce(open.deliveries[0].id).await;
    let letters = house.dead_letters().await;
    assert!(letters.iter().any(|letter| letter.delivery.id == open.deliveries[0].id && letter.overtaken));
    house.prove().await;
}

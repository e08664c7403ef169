//! What the sender is told, by every way in which something happens.

use serde_json::Value;

use super::*;

/// Type, event id less the original's, and state or outcome of a notice.
fn told(notice: &Stored) -> (&'static str, String, String) {
    let data: Value = serde_json::from_slice(&notice.data).unwrap();
    let (thing, change) = notice.attributes.id.split_once('.').unwrap();
    assert_eq!(data["id"], thing, "the id names what it is about");
    let about = if change.starts_with("completed") { &data["id"] } else { &data["envelope"]["id"] };
    assert_eq!(notice.attributes.subject.as_deref(), about.as_str());
    assert_eq!(notice.sender.as_str(), "falaj");
    let state = data["outcome"].as_str().or_else(|| data["state"].as_str()).unwrap().to_owned();
    match notice.attributes.ty.as_str() {
        notice::SETTLED => ("settled", change.to_owned(), state),
        notice::COMPLETED => ("completed", change.to_owned(), state),
        other => panic!("{other}"),
    }
}

impl House {
    fn listening() -> Self {
        let house = Self::new();
        house.listen(true);
        house
    }

    /// What it hears now, as `change state`.
    async fn words(&self) -> Vec<String> {
        self.hear()
            .await
            .iter()
            .map(|notice| told(notice))
            .map(|(_, change, state)| format!("{change} {state}"))
            .collect()
    }

    async fn report_on(&self, view: &EnvelopeView, outcome: BusinessOutcome) -> Reported {
        let report = Report { outcome: None, reason: Some("because".into()), reference: Some("F-1".into()) };
        let id = view.deliveries[0].id;
        self.ledger().report(id, outcome, report, "a", self.now).await.unwrap().unwrap()
    }

    async fn operate_on(&self, view: &EnvelopeView, operation: Operation) {
        let done = self.ledger().operate(view.deliveries[0].id, operation, actor(), self.now).await.unwrap().unwrap();
        assert!(matches!(done, Operated::Done(_)), "{done:?}");
    }
}

const COMPLETED: &str = "completed.0 completed";
const FAILED: &str = "completed.0 completed_with_failures";

#[tokio::test]
async fn each_end_is_told_and_then_the_whole_and_nothing_is_told_of_that() {
    let mut house = House::listening();
    let receipt = house.accept("s1", &["a", "b"]).await;
    house.seqs("a", 1).await;
    house.seqs("b", 1).await;
    house.now.0 += 5;
    house.fail("a", 1, 10).await;
    house.deliver("b", 1).await;
    house.now.0 += 10;
    house.seqs("a", 1).await;
    assert_eq!(house.deliver("a", 1).await, [receipt.seq]);
    let heard = house.hear().await;
    let words: Vec<_> = heard.iter().map(|notice| told(notice)).collect();
    let word = |ty, change: &str, state: &str| (ty, change.to_owned(), state.to_owned());
    let settled = || word("settled", "settled", "delivered");
    assert_eq!(words, [settled(), settled(), word("completed", "completed.0", "completed")]);
    // As the status tells it, and what makes it part of the sender's procedure.
    let data: Value = serde_json::from_slice(&heard[1].data).unwrap();
    let status =
        crate::model::status::DeliveryStatus::of(&house.view(&receipt).await.deliveries[0], &Default::default());
    let mut expected = serde_json::to_value(status).unwrap();
    expected["envelope"] = data["envelope"].clone();
    assert_eq!((&data["last_error"]["status"], data == expected), (&503.into(), true), "{data}\n{expected}");
    let attributes = &heard[1].attributes;
    assert_eq!(
        (attributes.extension("correlationid"), attributes.extension("causationid")),
        (Some("case-1"), Some("e1"))
    );
    let completed: Value = serde_json::from_slice(&heard[2].data).unwrap();
    let view = house.view(&receipt).await;
    let mut status =
        serde_json::to_value(crate::model::status::EnvelopeStatus::of(&view, |_| Default::default())).unwrap();
    status.as_object_mut().unwrap().remove("subject");
    assert_eq!(completed, status);
    assert_eq!(house.words().await, Vec::<String>::new(), "nothing is told of what was told");
    house.prove().await;
}

#[tokio::test]
async fn whoever_does_not_listen_costs_nothing() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.deliver("a", 1).await;
    assert_eq!(house.accept("s2", &["a"]).await.seq, Seq(2), "something was written");
    assert!(house.ear.rung.lock().unwrap().is_empty());
    // What ends from now on is told, whenever it was accepted.
    house.listen(true);
    house.crash();
    house.seqs("a", 1).await;
    house.deliver("a", 2).await;
    assert_eq!(house.words().await, ["settled delivered", COMPLETED]);
    house.prove().await;
}

#[tokio::test]
async fn a_subscription_decides_what_is_told() {
    let mut house = House::listening();
    house.ear.is_brief.store(true, Ordering::SeqCst);
    house.accept("s1", &["a", "b"]).await;
    for name in ["a", "b"] {
        house.seqs(name, 1).await;
        house.deliver(name, 1).await;
    }
    let rung = std::mem::take(&mut *house.ear.rung.lock().unwrap());
    let ty = EventType::parse(notice::COMPLETED).unwrap();
    assert_eq!(rung, [(ty, vec![agency("sender")])], "rung once, after the commit");
    assert_eq!(house.words().await, [COMPLETED]);
    house.prove().await;
}

#[tokio::test]
async fn what_goes_to_nobody_is_complete_at_once() {
    let mut house = House::listening();
    house.accept("s1", &[]).await;
    assert_eq!(house.words().await, [COMPLETED]);
    house.prove().await;
}

#[tokio::test]
async fn a_later_outcome_is_told_by_a_notice_of_its_own() {
    let mut house = House::listening();
    let receipt = house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    let mut taken = settlement(key("a", 1), DELIVERED, house.now);
    taken.report = reported(BusinessOutcome::Pending);
    house.ledger().settle(vec![taken], house.now).await.unwrap();
    house.report_on(&receipt, BusinessOutcome::NeedsAction).await;
    assert_eq!(house.words().await, ["settled pending"]);
    house.report_on(&receipt, BusinessOutcome::Refused).await;
    house.report_on(&receipt, BusinessOutcome::Refused).await;
    house.report_on(&receipt, BusinessOutcome::Applied).await;
    assert_eq!(house.words().await, ["outcome refused", FAILED]);
    // A plain success that is said in full: the envelope was complete before.
    let plain = house.accept("s2", &["a"]).await;
    let seq = house.seqs("a", 1).await[0];
    house.deliver("a", seq).await;
    house.report_on(&plain, BusinessOutcome::Applied).await;
    house.report_on(&plain, BusinessOutcome::Applied).await;
    assert_eq!(house.words().await, ["settled delivered", COMPLETED, "outcome applied"]);
    house.prove().await;
}

#[tokio::test]
async fn an_outcome_that_never_came_is_told_when_it_is_given_up() {
    let mut house = House::listening();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    let mut taken = settlement(key("a", 1), DELIVERED, house.now);
    taken.report = reported(BusinessOutcome::Pending);
    house.ledger().settle(vec![taken], house.now).await.unwrap();
    house.now.0 += 100;
    house.ledger().close_overdue(house.now, house.now, 9).await.unwrap();
    assert_eq!(house.words().await, ["settled pending", "outcome unknown", FAILED]);
    house.prove().await;
}

#[tokio::test]
async fn a_report_while_it_is_under_way_or_after_its_answer_was_lost_ends_it_and_is_told() {
    let mut house = House::listening();
    let noted = house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    assert_eq!(house.report_on(&noted, BusinessOutcome::Applied).await, Reported::Noted);
    house.ledger().give_back(vec![key("a", 1)]).await.unwrap();
    // What was noted is settled by the next commit, which this waits for.
    house.ledger().sweep(At(0), 1).await.unwrap();
    assert_eq!(house.words().await, ["settled applied", COMPLETED]);
    let lost = house.accept("s1", &["a"]).await;
    let seq = house.seqs("a", 1).await[0];
    house.fail("a", seq, 1000).await;
    house.report_on(&lost, BusinessOutcome::Applied).await;
    assert_eq!(house.words().await, ["settled applied", COMPLETED]);
    house.prove().await;
}

#[tokio::test]
async fn what_time_ends_is_told_wherever_it_stood() {
    let mut house = House::listening();
    for _ in 0..3 {
        house.next += 1;
        let mut new = envelope(&format!("e{}", house.next), "s1", &["a"]);
        let until = AttributeValue::Text(At(house.now.0 + 50).to_string());
        new.envelope.attributes.extensions.insert("expirytime".into(), until);
        new.digest = new.envelope.digest();
        house.ledger().accept(new, house.now).await.unwrap();
    }
    // A head, one behind it, and one that flows.
    house.seqs("a", 1).await;
    house.settle("a", 1, Transition::Park).await;
    house.now.0 += 50;
    house.ledger().expire(house.now, 10).await.unwrap();
    let mut words = house.words().await;
    words.sort();
    assert_eq!(words, [[FAILED; 3], ["settled expired"; 3]].concat());
    house.prove().await;
}

#[tokio::test]
async fn what_a_person_ends_is_told_with_who_and_why() {
    let mut house = House::listening();
    for (operation, state) in
        [(Operation::Skip, "skipped"), (Operation::Cancel, "cancelled"), (Operation::Release, "dead")]
    {
        let receipt = house.accept(state, &["a"]).await;
        if operation == Operation::Release {
            let seq = house.seqs("a", 1).await[0];
            house.settle("a", seq, Transition::Park).await;
        }
        house.operate_on(&receipt, operation).await;
        let heard = house.hear().await;
        let data: Value = serde_json::from_slice(&heard[0].data).unwrap();
        assert_eq!(
            (&data["state"], &data["by"], &data["reason"]),
            (&state.into(), &"operator".into(), &"because".into())
        );
        assert_eq!(told(&heard[1]).1, "completed.0");
    }
    house.prove().await;
}

#[tokio::test]
async fn what_is_fetched_is_told_too() {
    let mut house = House::listening();
    house.accept("s1", &["a"]).await;
    house.accept("s2", &["a"]).await;
    let mut leased = house.ledger().lease(&agency("a"), 2, Duration::from_millis(10), house.now).await.unwrap();
    let (late, done) = (leased.pop().unwrap(), leased.pop().unwrap());
    let settled = settlement(done.claimed.key, DELIVERED, house.now);
    assert!(house.ledger().settle_lease(done.lease, settled, house.now).await.unwrap());
    assert_eq!(house.words().await, ["settled delivered", COMPLETED]);
    house.now.0 += 10;
    let out = house.ledger().expired_leases(&agency("a"), 9, house.now).await.unwrap();
    assert_eq!(out[0].key, late.claimed.key);
    house.ledger().settle(vec![settlement(late.claimed.key, dead(), house.now)], house.now).await.unwrap();
    assert_eq!(house.words().await, ["settled dead", FAILED]);
    house.prove().await;
}

#[tokio::test]
async fn an_envelope_that_a_redrive_opens_again_is_completed_once_more() {
    let mut house = House::listening();
    let receipt = house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.settle("a", 1, dead()).await;
    assert_eq!(house.words().await, ["settled dead", FAILED]);
    let query = DeadQuery { agency: Some(agency("a")), ..DeadQuery::default() };
    let ask = RedriveAsk { query, force: false, rate_per_second: None, actor: actor() };
    let job = house.ledger().redrive(ask, house.now).await.unwrap();
    house.ledger().work_job(job.id, 9, house.now).await.unwrap();
    assert_eq!(house.words().await, Vec::<String>::new(), "it is open again, and nothing has ended");
    let again = house.claim("a", 1).await.remove(0);
    house.ledger().settle(vec![settlement(again.key, DELIVERED, house.now)], house.now).await.unwrap();
    let heard = house.hear().await;
    assert_eq!(told(&heard[0]), ("settled", "settled".into(), "delivered".into()));
    assert!(heard[0].attributes.id.starts_with(&again.id.to_string()), "of the new generation");
    assert_eq!(told(&heard[1]), ("completed", "completed.1".into(), "completed".into()));
    let data: Value = serde_json::from_slice(&heard[1].data).unwrap();
    assert_eq!(data["deliveries"].as_array().unwrap().len(), 2);
    assert_eq!(receipt.deliveries.len(), 1);
    house.prove().await;
}

#[tokio::test]
async fn what_happened_and_its_notice_survive_together() {
    let mut house = House::listening();
    house.accept("s1", &["a", "b"]).await;
    house.seqs("a", 1).await;
    house.deliver("a", 1).await;
    house.crash();
    // In flight when the process died: neither ended nor told.
    let before = house.claim("sender", 9).await;
    house.crash();
    let again = house.claim("sender", 9).await;
    let ids = |claimed: &[Claimed]| claimed.iter().map(|one| (one.webhook_id, one.envelope.id)).collect::<Vec<_>>();
    assert_eq!((ids(&before), before.len()), (ids(&again), 1));
    house.crash();
    house.seqs("b", 1).await;
    house.deliver("b", 1).await;
    house.crash();
    assert_eq!(house.words().await, ["settled delivered", "settled delivered", COMPLETED]);
    house.prove().await;
}

#[tokio::test]
async fn notices_are_swept_as_other_envelopes_are() {
    let mut house = House::listening();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.deliver("a", 1).await;
    house.now.0 += 10;
    // What they tell of may go before them.
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 1);
    house.check();
    assert_eq!(house.words().await, ["settled delivered", COMPLETED]);
    house.now.0 += 10;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 2);
    house.prove().await;
}

#[tokio::test]
async fn the_check_finds_a_notice_that_is_wrong() {
    let mut house = House::listening();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.deliver("a", 1).await;
    house.ledger().close().await;
    let broken = |change: &str| {
        let connection = rusqlite::Connection::open(house.folder.0.join("ledger.db")).unwrap();
        connection.execute_batch(change).unwrap();
        super::super::check(&house.folder.0)
            .unwrap()
            .broken
            .into_iter()
            .filter(|told| told.starts_with("notice"))
            .count()
    };
    assert_eq!(broken(""), 0);
    assert_eq!(broken("UPDATE envelope SET sender = (SELECT n FROM agency WHERE id = 'sender') WHERE seq = 2"), 1);
    assert_eq!(broken("UPDATE envelope SET sender = (SELECT n FROM agency WHERE id = 'falaj') WHERE seq IN (1, 2)"), 3);
}

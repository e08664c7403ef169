//! Redrives and replays: one test per rule.

use uuid::Uuid;

use super::*;
use crate::model::id::DeliveryId;
use crate::model::status::EnvelopeState;

fn ask() -> RedriveAsk {
    let query = DeadQuery { agency: Some(agency("a")), ..DeadQuery::default() };
    RedriveAsk { query, force: false, rate_per_second: None, actor: actor() }
}

fn named(ids: &[DeliveryId], force: bool) -> RedriveAsk {
    let query = DeadQuery { ids: ids.to_vec(), ..ask().query };
    RedriveAsk { query, force, ..ask() }
}

fn held(job: &Job) -> Vec<(DeliveryId, &'static str)> {
    job.held_back.iter().map(|held| (held.id, held.why)).collect()
}

impl House {
    /// Accepts one for `a` that dies.
    async fn fall(&mut self, subject: &str) -> EnvelopeView {
        let view = self.accept(subject, &["a"]).await;
        assert_eq!(self.seqs("a", 9).await, [view.seq.0]);
        self.settle("a", view.seq.0, dead()).await;
        view
    }

    async fn redrive(&self, ask: RedriveAsk) -> Job {
        let plan = self.ledger().plan_redrive(ask.clone(), self.now).await.unwrap();
        let job = self.ledger().redrive(ask, self.now).await.unwrap();
        assert_eq!((job.eligible, &job.held_back), (plan.eligible, &plan.held_back), "a dry run says what it does");
        job
    }

    async fn work(&self, job: &Job) -> Job {
        self.ledger().work_job(job.id, 100, self.now).await.unwrap().unwrap()
    }

    async fn job(&self, job: &Job) -> Job {
        self.ledger().job(job.id).await.unwrap().unwrap()
    }

    /// Settles what a claim of `a` got.
    async fn done(&self, claimed: &Claimed) {
        let done = settlement(claimed.key.clone(), DELIVERED, self.now);
        self.ledger().settle(vec![done], self.now).await.unwrap();
    }

    /// Seqs in the order in which they are delivered, one after the other, until nothing is offered any more.
    async fn deliver_all(&self) -> Vec<u64> {
        let mut seqs = Vec::new();
        while let Some(claimed) = self.claim("a", 1).await.pop() {
            seqs.push(claimed.key.seq.0);
            self.done(&claimed).await;
        }
        seqs
    }
}

#[tokio::test]
async fn a_redrive_is_the_next_generation_with_the_first_ones_webhook_id() {
    let mut house = House::new();
    let view = house.fall("s1").await;
    assert_eq!(EnvelopeState::of(&house.view(&view).await.deliveries), EnvelopeState::CompletedWithFailures);
    let job = house.redrive(ask()).await;
    assert_eq!((job.eligible, job.made, job.state), (1, 0, JobState::Running));
    let job = house.work(&job).await;
    assert_eq!((job.eligible, job.made, job.done, job.state), (1, 1, 0, JobState::Done));
    assert_eq!(EnvelopeState::of(&house.view(&view).await.deliveries), EnvelopeState::Open, "it is open again");
    house.crash();
    let claimed = house.claim("a", 9).await.remove(0);
    let first = view.deliveries[0].id;
    assert_eq!((claimed.key.slot, claimed.webhook_id, claimed.redrive), (Slot(2), first, true));
    assert_ne!(claimed.id, first);
    assert_eq!(
        house.ledger().settle(vec![settlement(claimed.key, DELIVERED, house.now)], house.now).await.unwrap(),
        [view.seq]
    );
    let now = house.view(&view).await;
    assert_eq!(EnvelopeState::of(&now.deliveries), EnvelopeState::Completed);
    let Standing::Finished { state, .. } = now.deliveries[0].standing else { panic!() };
    assert_eq!(state, Finished::Dead, "L6");
    let job = house.job(&job).await;
    assert_eq!((job.made, job.done, job.failed), (1, 1, 0));
    assert_eq!(house.redrive(ask()).await.eligible, 0);
    house.prove().await;
}

#[tokio::test]
async fn an_eligible_one_goes_before_those_that_wait() {
    let mut house = House::new();
    house.fall("s1").await;
    for _ in 0..2 {
        house.accept("s1", &["a"]).await;
    }
    // One of them is in the page, and was given back.
    assert_eq!(house.seqs("a", 1).await, [2]);
    house.ledger().give_back(vec![key("a", 2)]).await.unwrap();
    let job = house.redrive(ask()).await;
    house.work(&job).await;
    house.check();
    assert_eq!(house.deliver_all().await, [1, 2, 3]);
    house.prove().await;
}

#[tokio::test]
async fn a_redriven_one_tells_of_no_gap_and_closes_its_own() {
    let mut house = House::new();
    house.fall("s1").await;
    let job = house.redrive(ask()).await;
    house.work(&job).await;
    house.accept("s1", &["a"]).await;
    for _ in 0..2 {
        let claimed = house.claim("a", 9).await.remove(0);
        assert_eq!(claimed.gap, None);
        house.done(&claimed).await;
    }
    house.prove().await;
}

#[tokio::test]
async fn what_was_overtaken_is_held_back_unless_a_person_names_it_and_insists() {
    let mut house = House::new();
    let lost = house.fall("s1").await.deliveries[0].id;
    house.accept("s1", &["a"]).await;
    assert_eq!(house.deliver_all().await, [2]);
    for ask in [ask(), named(&[lost], false), RedriveAsk { force: true, ..ask() }] {
        let job = house.redrive(ask).await;
        assert_eq!((job.eligible, held(&job)), (0, vec![(lost, "overtaken")]));
        assert_eq!(house.work(&job).await.made, 0);
    }
    let job = house.redrive(named(&[lost], true)).await;
    assert_eq!(house.work(&job).await.made, 1);
    assert_eq!(house.deliver_all().await, [1]);
    house.prove().await;
}

#[tokio::test]
async fn eligibility_is_decided_in_the_commit_that_makes_it() {
    let mut house = House::new();
    let lost = house.fall("s1").await.deliveries[0].id;
    let job = house.redrive(ask()).await;
    assert_eq!(job.eligible, 1);
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [2]);
    let waits = house.work(&job).await;
    assert_eq!((waits.made, waits.state), (0, JobState::Running), "its lane is in flight");
    house.deliver("a", 2).await;
    let job = house.work(&job).await;
    assert_eq!((job.eligible, job.made, job.state, held(&job)), (0, 0, JobState::Done, vec![(lost, "overtaken")]));
    house.prove().await;
}

#[tokio::test]
async fn a_lane_under_a_lease_is_waited_for() {
    let mut house = House::new();
    house.fall("s1").await;
    house.accept("s1", &["a"]).await;
    let leased = house.ledger().lease(&agency("a"), 1, Duration::from_millis(50), house.now).await.unwrap().remove(0);
    let job = house.redrive(ask()).await;
    assert_eq!(house.work(&job).await.made, 0);
    let failed = settlement(key("a", 2), Transition::Retry { due: house.now }, house.now);
    assert!(house.ledger().settle_lease(leased.lease, failed, house.now).await.unwrap());
    assert_eq!(house.work(&job).await.made, 1);
    assert_eq!(house.deliver_all().await, [1, 2]);
    house.prove().await;
}

#[tokio::test]
async fn what_was_head_is_as_it_was_when_it_is_head_again() {
    let mut house = House::new();
    let first = house.fall("s1").await;
    house.fall("s1").await;
    let parked = house.accept("s1", &["a"]).await;
    house.seqs("a", 9).await;
    house.fail("a", 3, 0).await;
    house.seqs("a", 9).await;
    house.settle("a", 3, Transition::Park).await;
    // The second one first, so that two heads are set aside one after the other.
    let second = house.ledger().dead_letters(DeadQuery { limit: 9, ..ask().query }).await.unwrap()[1].delivery.id;
    let job = house.redrive(named(&[second], false)).await;
    house.work(&job).await;
    let claimed = house.claim("a", 9).await.remove(0);
    let failed = settlement(claimed.key, Transition::Retry { due: house.now }, house.now);
    house.ledger().settle(vec![failed], house.now).await.unwrap();
    let job = house.redrive(named(&[first.deliveries[0].id], false)).await;
    house.work(&job).await;
    house.check();
    assert!(matches!(house.view(&parked).await.deliveries[0].standing, Standing::Behind { .. }));
    assert_eq!((house.tally("a").parked, house.tally("a").behind), (0, 2));
    house.crash();
    let claimed = house.claim("a", 9).await.remove(0);
    assert_eq!((claimed.key.seq, claimed.tries.counted), (Seq(1), 0));
    house.done(&claimed).await;
    let claimed = house.claim("a", 9).await.remove(0);
    assert_eq!((claimed.key.seq, claimed.tries.counted), (Seq(2), 1), "its tries are remembered");
    house.done(&claimed).await;
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    let view = house.view(&parked).await.deliveries.remove(0);
    assert!(matches!(view.standing, Standing::Parked { .. }) && view.attempts == 2, "{view:?}");
    house.prove().await;
}

#[tokio::test]
async fn redriving_a_parked_one_is_retry_now() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 9).await;
    house.settle("a", 1, Transition::Park).await;
    let job = house.redrive(ask()).await;
    assert_eq!(house.work(&job).await.made, 1);
    let claimed = house.claim("a", 9).await.remove(0);
    assert_eq!((claimed.key.clone(), claimed.redrive, claimed.tries.counted), (key("a", 1), false, 0));
    house.settle("a", 1, Transition::Park).await;
    let job = house.job(&job).await;
    assert_eq!((job.made, job.done, job.failed), (1, 0, 1), "parked again");
    house.prove().await;
}

#[tokio::test]
async fn what_is_no_dead_letter_is_held_back_and_says_why() {
    let mut house = House::new();
    let old = house.fall("s1").await.deliveries[0].id;
    let job = house.redrive(named(&[old], false)).await;
    house.work(&job).await;
    let flies = house.claim("a", 9).await.remove(0).id;
    let flows = house.accept("s2", &["a"]).await.deliveries[0].id;
    let job = house.redrive(named(&[old, flies, flows], false)).await;
    let mut why = held(&job);
    why.sort_by_key(|(_, why)| *why);
    assert_eq!(why, [(old, "already_redriven"), (flies, "in_flight"), (flows, "not_dead")]);
    assert_eq!(job.eligible, 0);
    assert_eq!(house.work(&job).await.state, JobState::Done);
    house.prove().await;
}

#[tokio::test]
async fn a_job_keeps_its_rate_and_makes_up_for_no_lost_time() {
    let mut house = House::new();
    for n in 0..8 {
        house.fall(&format!("s{n}")).await;
    }
    let job = house.redrive(RedriveAsk { rate_per_second: Some(2), ..ask() }).await;
    let mut made = Vec::new();
    for ms in [0, 0, 499, 1, 500, 60_000, 0] {
        house.now.0 += ms;
        made.push(house.work(&job).await.made);
    }
    assert_eq!(made, [1, 1, 1, 2, 3, 5, 5]);
    house.prove().await;
}

#[tokio::test]
async fn a_job_can_be_paused_resumed_and_cancelled_and_survives_a_crash() {
    let mut house = House::new();
    for n in 0..3 {
        house.fall(&format!("s{n}")).await;
    }
    let job = house.redrive(ask()).await;
    let one = house.ledger().work_job(job.id, 1, house.now).await.unwrap().unwrap();
    assert_eq!((one.made, one.state), (1, JobState::Running));
    let operate = async |house: &House, operation| {
        house.ledger().operate_job(job.id, operation, actor(), house.now).await.unwrap().unwrap().state
    };
    assert_eq!(operate(&house, JobOperation::Pause).await, JobState::Paused);
    house.crash();
    assert_eq!(house.work(&job).await.made, 1);
    assert!(house.ledger().jobs(true, 9).await.unwrap().is_empty());
    assert_eq!(operate(&house, JobOperation::Resume).await, JobState::Running);
    assert_eq!(house.ledger().jobs(true, 9).await.unwrap().len(), 1);
    let two = house.ledger().work_job(job.id, 1, house.now).await.unwrap().unwrap();
    assert_eq!(two.made, 2);
    assert_eq!(operate(&house, JobOperation::Cancel).await, JobState::Cancelled);
    assert_eq!(house.work(&job).await.made, 2, "what it has made stays");
    assert_eq!(operate(&house, JobOperation::Resume).await, JobState::Cancelled);
    assert_eq!(house.deliver_all().await, [1, 2]);
    let actions = house.ledger().audit(None, 9).await.unwrap();
    let actions: Vec<_> = actions.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["redrive_cancel", "redrive_resume", "redrive_pause", "redrive"]);
    assert!(house.ledger().work_job(Uuid::nil(), 1, house.now).await.unwrap().is_none());
    house.prove().await;
}

#[tokio::test]
async fn an_envelope_has_no_more_deliveries_than_an_id_can_name() {
    let house = {
        let mut house = House::new();
        house.fall("s1").await;
        house
    };
    let lost = house.ledger().dead_letters(DeadQuery { limit: 1, ..ask().query }).await.unwrap().remove(0).delivery.id;
    let slots = usize::from(Slot::MAX);
    let duties = super::super::state::Duties {
        sender: 0,
        at: 0,
        ty: 1,
        entries: vec![super::super::recipients::Entry { agency: 1, lane: 1, flags: 0 }],
        later: (2..=Slot::MAX).map(|slot| (slot, 1)).collect(),
    };
    assert_eq!((duties.slots().len(), duties.next_slot(), duties.latest(1)), (slots, None, Slot::MAX));
    assert_eq!(house.redrive(named(&[lost], false)).await.eligible, 1);
    house.prove().await;
}

#[tokio::test]
async fn a_report_on_the_first_id_is_about_the_latest_generation() {
    let mut house = House::new();
    let view = house.fall("s1").await;
    let job = house.redrive(ask()).await;
    house.work(&job).await;
    let claimed = house.claim("a", 9).await.remove(0);
    let mut taken = settlement(claimed.key, DELIVERED, house.now);
    taken.report = reported(BusinessOutcome::Pending);
    house.ledger().settle(vec![taken], house.now).await.unwrap();
    let id = view.deliveries[0].id;
    let report = house.ledger().report(id, BusinessOutcome::Applied, Report::default(), "a", house.now).await.unwrap();
    let Some(Reported::Recorded(delivery)) = report else { panic!("{report:?}") };
    assert_eq!(delivery.id, claimed.id);
    assert_eq!(EnvelopeState::of(&house.view(&view).await.deliveries), EnvelopeState::Completed);
    house.prove().await;
}

#[tokio::test]
async fn expirytime_runs_on_for_a_redrive() {
    let mut house = House::new();
    let mut new = envelope("e1", "s1", &["a"]);
    let at = AttributeValue::Text(At(house.now.0 + 100).to_string());
    new.envelope.attributes.extensions.insert("expirytime".into(), at);
    new.digest = new.envelope.digest();
    house.ledger().accept(new, house.now).await.unwrap();
    house.seqs("a", 9).await;
    house.settle("a", 1, dead()).await;
    house.now.0 += 100;
    // The sweep found nothing to end, and would not come back for it.
    house.ledger().expire(house.now, 9).await.unwrap();
    let job = house.redrive(ask()).await;
    house.work(&job).await;
    assert_eq!(house.ledger().expire(house.now, 9).await.unwrap(), [Seq(1)]);
    assert_eq!((house.tally("a").expired, house.tally("a").dead), (1, 1));
    house.prove().await;
}

#[tokio::test]
async fn what_was_redriven_is_swept_whole() {
    let mut house = House::new();
    let view = house.fall("s1").await;
    let job = house.redrive(ask()).await;
    house.work(&job).await;
    house.now.0 += 10;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 0, "it is open");
    house.deliver_all().await;
    house.fall("s2").await;
    house.now.0 += 1;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 2);
    assert!(house.ledger().envelope(view.id).await.unwrap().is_none());
    assert!(house.ledger().dead_letters(DeadQuery { limit: 9, ..ask().query }).await.unwrap().is_empty());
    assert_eq!(house.tally("a"), Tally::default());
    house.prove().await;
}

#[tokio::test]
async fn the_export_tells_of_redrives_and_of_the_audit() {
    let mut house = House::new();
    let view = house.fall("s1").await;
    let job = house.redrive(ask()).await;
    house.work(&job).await;
    let mut text = Vec::new();
    export(&house.folder.0, false, &mut text).unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let redrive = &lines[0]["deliveries"][1]["redrive"];
    assert_eq!(redrive["of"], view.deliveries[0].id.to_string());
    assert_eq!((&redrive["job"], &redrive["by"]), (&job.id.to_string().into(), &"operator".into()));
    assert!(lines[0]["deliveries"][0].get("redrive").is_none());
    let audit = &lines[1];
    assert_eq!(
        (&audit["audit"], &audit["action"], &audit["reason"]),
        (&1.into(), &"redrive".into(), &"because".into())
    );
    assert_eq!((&audit["target"], &audit["detail"]["after"]), (&job.id.to_string().into(), &"1 to a".into()));
    let service = r#"{"service":"qa.gov.test.changed","day":"1970-01-01","accepted":1,"completed":0,"completed_with_failures":1,"completed_ms":0}"#;
    assert_eq!(lines[2], serde_json::from_str::<serde_json::Value>(service).unwrap());
    assert_eq!(lines.len(), 3);
    house.prove().await;
}

#[tokio::test]
async fn a_replay_leads_everything_again_in_accept_order_and_live_ones_wait() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    assert_eq!(house.deliver_all().await, [1]);
    house.now.0 += 10;
    let from = house.now;
    for subject in ["s1", "s2", "", "s1"] {
        house.accept(subject, &["a"]).await;
    }
    assert_eq!(house.deliver_all().await, [2, 3, 4, 5]);
    house.accept("s9", &["b"]).await;
    house.accept("s3", &["a"]).await;
    let job = house.ledger().replay(agency("a"), from, actor(), house.now).await.unwrap();
    assert_eq!(job.kind, JobKind::Replay { from, until: house.now });
    house.accept("s2", &["a"]).await;
    house.accept("s4", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [0; 0], "live ones wait from the start");
    assert_eq!(house.seqs("b", 9).await, [6], "and nobody else");
    let again = house.ledger().replay(agency("a"), At(0), actor(), house.now).await.unwrap();
    assert_eq!(again.id, job.id, "one replay at a time");
    let step = house.ledger().work_job(job.id, 2, house.now).await.unwrap().unwrap();
    assert_eq!((step.eligible, step.made, step.state), (5, 2, JobState::Running));
    house.crash();
    assert_eq!(house.deliver_all().await, [2, 3]);
    let step = house.work(&job).await;
    assert_eq!(
        (step.eligible, step.made, step.state),
        (4, 4, JobState::Running),
        "7 has not been delivered yet at all"
    );
    assert_eq!(house.deliver_all().await, [4, 5, 7]);
    assert_eq!(house.work(&job).await.state, JobState::Done);
    assert_eq!(house.deliver_all().await, [8, 9]);
    let job = house.job(&job).await;
    assert_eq!((job.made, job.done, job.failed), (4, 4, 0));
    house.prove().await;
}

#[tokio::test]
async fn a_replay_waits_for_a_lane_that_is_in_flight_so_that_it_ends_with_the_newest() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    assert_eq!(house.deliver_all().await, [1]);
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [2]);
    let job = house.ledger().replay(agency("a"), At(0), actor(), house.now).await.unwrap();
    assert_eq!(house.work(&job).await.made, 0);
    house.deliver("a", 2).await;
    assert_eq!(house.work(&job).await.made, 2);
    assert_eq!(house.deliver_all().await, [1, 2]);
    assert_eq!(house.work(&job).await.state, JobState::Done);
    house.prove().await;
}

#[tokio::test]
async fn a_failing_replayed_one_holds_up_its_own_lane_alone() {
    let mut house = House::new();
    for subject in ["s1", "s1", "s2"] {
        house.accept(subject, &["a"]).await;
    }
    assert_eq!(house.deliver_all().await, [1, 2, 3]);
    let job = house.ledger().replay(agency("a"), At(0), actor(), house.now).await.unwrap();
    house.accept("s1", &["a"]).await;
    house.accept("s3", &["a"]).await;
    house.work(&job).await;
    let claimed = house.claim("a", 1).await.remove(0);
    let failed = settlement(claimed.key, Transition::Retry { due: At(house.now.0 + 1000) }, house.now);
    house.ledger().settle(vec![failed], house.now).await.unwrap();
    assert_eq!(house.deliver_all().await, [3]);
    assert_eq!(house.work(&job).await.state, JobState::Done, "it has caught up but for that lane");
    assert_eq!(house.deliver_all().await, [5]);
    house.now.0 += 1000;
    assert_eq!(house.deliver_all().await, [1, 2, 4]);
    house.prove().await;
}

#[tokio::test]
async fn what_a_replay_leads_again_and_dies_was_overtaken_before() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    assert_eq!(house.deliver_all().await, [1]);
    let job = house.ledger().replay(agency("a"), At(0), actor(), house.now).await.unwrap();
    house.work(&job).await;
    let claimed = house.claim("a", 1).await.remove(0);
    house.ledger().settle(vec![settlement(claimed.key, dead(), house.now)], house.now).await.unwrap();
    let letters = house.ledger().dead_letters(DeadQuery { limit: 9, ..ask().query }).await.unwrap();
    assert!(letters[0].overtaken, "its lane delivered it once");
    assert_eq!(house.job(&job).await.failed, 1);
    house.prove().await;
}

#[tokio::test]
async fn the_check_finds_what_is_broken_in_repair() {
    let breaks = [
        ("dead", "DELETE FROM dead"),
        ("dead", "UPDATE dead SET slot = 7"),
        ("overtaken", "DELETE FROM passed"),
        ("overtaken", "INSERT INTO passed SELECT agency, 77, 1 FROM passed"),
        ("gap", "UPDATE gap SET seq = seq - 1"),
        ("gap", "DELETE FROM gap"),
        ("redriven", "UPDATE redriven SET job = 9"),
        (
            "L6",
            "INSERT INTO pending SELECT agency, seq, slot, lane FROM settled WHERE seq = 3; DELETE FROM settled WHERE seq = 3",
        ),
        ("R2", "UPDATE job SET made = made + 1, eligible = eligible + 1"),
        ("R2", "DELETE FROM job_open"),
        ("R3", "UPDATE job SET kind = 2, state = 1"),
        ("audit", "DELETE FROM audit WHERE n = 1"),
        ("audit", "UPDATE audit SET reason = ''"),
        ("tally", "UPDATE tally SET n = 0 WHERE state = 10"),
        ("L2", "UPDATE stuck SET lease = NULL"),
    ];
    for (invariant, how) in breaks {
        let mut house = House::new();
        house.fall("s1").await;
        house.accept("s1", &["a"]).await;
        assert_eq!(house.deliver_all().await, [2]);
        for subject in ["s2", "s3"] {
            // What was redriven before waits for nobody here.
            house.claim("a", 9).await;
            let lost = house.fall(subject).await.deliveries[0].id;
            let job = house.redrive(named(&[lost], false)).await;
            house.work(&job).await;
        }
        house.claim("a", 9).await;
        house.fall("s4").await;
        house.accept("s5", &["a"]).await;
        assert_eq!(house.ledger().lease(&agency("a"), 9, Duration::from_secs(1), house.now).await.unwrap().len(), 1);
        house.ledger().close().await;
        assert_eq!(check(&house.folder.0).unwrap().broken, [""; 0]);
        let side = rusqlite::Connection::open(house.folder.0.join("ledger.db")).unwrap();
        side.execute_batch(how).unwrap();
        drop(side);
        let broken = check(&house.folder.0).unwrap().broken;
        assert!(broken.iter().any(|line| line.starts_with(invariant)), "{how}: {broken:?}");
    }
}

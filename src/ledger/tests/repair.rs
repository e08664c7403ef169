//! Pause, operations on one delivery, dead letters and the audit: one test per rule.

use super::*;

async fn operate(house: &House, view: &EnvelopeView, operation: Operation) -> Operated {
    let id = view.deliveries.last().unwrap().id;
    house.ledger().operate(id, operation, actor(), house.now).await.unwrap().unwrap()
}

fn state(operated: Operated) -> Standing {
    match operated {
        Operated::Done(view) => view.standing,
        other => panic!("not done: {other:?}"),
    }
}

async fn letters(house: &House, query: DeadQuery) -> Vec<DeadLetter> {
    let query = DeadQuery { limit: if query.limit == 0 { 100 } else { query.limit }, ..query };
    house.ledger().dead_letters(query).await.unwrap()
}

#[tokio::test]
async fn a_paused_agency_gets_nothing_until_it_is_resumed_and_that_survives_a_crash() {
    let mut house = House::new();
    house.accept("s1", &["a", "b"]).await;
    house.accept("s2", &["a"]).await;
    assert_eq!(house.seqs("a", 1).await, [1]);
    let pause = house.ledger().pause(&agency("a"), actor(), house.now).await.unwrap();
    assert_eq!(pause, Pause { actor: actor(), since: house.now, gone: false, drain: None });
    assert_eq!(house.ledger().paused(&agency("a")), Some(pause.clone()));
    house.deliver("a", 1).await;
    assert_eq!(house.seqs("a", 9).await, [0; 0], "what was in flight settles, and nothing follows");
    assert_eq!(house.seqs("b", 9).await, [1], "nobody else waits");
    let leased = house.ledger().lease(&agency("a"), 9, Duration::from_secs(1), house.now).await.unwrap();
    assert!(leased.is_empty());
    house.now.0 += 5;
    let again = Actor { reason: "still".into(), ..actor() };
    let pause = house.ledger().pause(&agency("a"), again.clone(), house.now).await.unwrap();
    assert_eq!((pause.actor, pause.since), (again, At(house.now.0 - 5)), "another reason, the same pause");
    house.crash();
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    assert!(house.ledger().paused(&agency("a")).is_some());
    assert!(house.ledger().resume(&agency("a"), actor(), house.now).await.unwrap().is_some());
    assert_eq!(house.ledger().resume(&agency("a"), actor(), house.now).await.unwrap(), None);
    assert_eq!(house.ledger().paused(&agency("a")), None);
    assert_eq!(house.seqs("a", 9).await, [2]);
    // An agency that nothing was ever sent to.
    house.ledger().pause(&agency("c"), actor(), house.now).await.unwrap();
    assert!(house.ledger().paused(&agency("c")).is_some());
    house.prove().await;
}

#[tokio::test]
async fn time_paused_is_no_age() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.fail("a", 1, 100).await;
    house.ledger().pause(&agency("a"), actor(), house.now).await.unwrap();
    house.now.0 += 10_000;
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    house.ledger().resume(&agency("a"), actor(), house.now).await.unwrap();
    let tries = house.claim("a", 1).await.remove(0).tries;
    assert_eq!((tries.counted, tries.held_ms), (1, 9900));
    house.prove().await;
}

#[tokio::test]
async fn retry_makes_a_waiting_or_parked_head_due_with_new_tries() {
    let mut house = House::new();
    let waiting = house.accept("s1", &["a"]).await;
    let parked = house.accept("s2", &["a"]).await;
    let behind = house.accept("s2", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [1, 2]);
    assert!(matches!(operate(&house, &waiting, Operation::Retry).await, Operated::InFlight(_)));
    house.fail("a", 1, 100_000).await;
    house.settle("a", 2, Transition::Park).await;
    assert_eq!(state(operate(&house, &waiting, Operation::Retry).await), Standing::Retry { due: house.now });
    assert!(matches!(operate(&house, &behind, Operation::Retry).await, Operated::NotApplicable(_)));
    assert_eq!(state(operate(&house, &parked, Operation::Retry).await), Standing::Retry { due: house.now });
    let claimed = house.claim("a", 9).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.key.seq.0).collect::<Vec<_>>(), [1, 2]);
    assert!(claimed.iter().all(|claimed| claimed.tries == Tries::default()), "{claimed:?}");
    // Their attempts go on being numbered: a second failure writes a second row.
    house.fail("a", 1, 0).await;
    house.deliver("a", 2).await;
    assert!(matches!(operate(&house, &parked, Operation::Retry).await, Operated::NotApplicable(_)));
    assert_eq!(house.tally("a").parked, 0);
    house.prove().await;
}

#[tokio::test]
async fn skip_passes_over_and_marks_a_gap_wherever_it_stands() {
    let mut house = House::new();
    let mut views = Vec::new();
    for _ in 0..4 {
        views.push(house.accept("s1", &["a"]).await);
    }
    house.seqs("a", 1).await;
    house.settle("a", 1, Transition::Park).await;
    let skipped = state(operate(&house, &views[2], Operation::Skip).await);
    let Standing::Finished { state: Finished::Skipped, by, why, .. } = skipped else { panic!("{skipped:?}") };
    assert_eq!((by.as_str(), why.as_deref()), ("operator", Some("because")));
    state(operate(&house, &views[0], Operation::Skip).await);
    let claimed = house.claim("a", 9).await;
    assert_eq!((claimed[0].key.seq, claimed[0].gap), (Seq(2), Some(views[0].deliveries[0].id)));
    house.deliver("a", 2).await;
    let claimed = house.claim("a", 9).await;
    assert_eq!((claimed[0].key.seq, claimed[0].gap), (Seq(4), Some(views[2].deliveries[0].id)), "each gap is told");
    house.deliver("a", 4).await;
    assert_eq!((house.tally("a").skipped, house.tally("a").delivered), (2, 2));
    house.prove().await;
}

#[tokio::test]
async fn cancel_withdraws_without_a_gap_also_what_flows() {
    let mut house = House::new();
    let first = house.accept("s1", &["a"]).await;
    let second = house.accept("s1", &["a"]).await;
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 1).await, [1]);
    assert!(matches!(operate(&house, &first, Operation::Cancel).await, Operated::InFlight(_)));
    assert!(matches!(operate(&house, &second, Operation::Retry).await, Operated::NotApplicable(_)), "it flows");
    state(operate(&house, &second, Operation::Cancel).await);
    house.deliver("a", 1).await;
    let claimed = house.claim("a", 9).await;
    assert_eq!((claimed[0].key.seq, claimed[0].gap), (Seq(3), None));
    assert!(matches!(operate(&house, &second, Operation::Skip).await, Operated::NotApplicable(_)), "L6");
    house.deliver("a", 3).await;
    house.prove().await;
}

#[tokio::test]
async fn release_lets_the_lane_of_a_parked_head_go_on_and_leaves_a_dead_letter() {
    let mut house = House::new();
    let parked = house.accept("s1", &["a"]).await;
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.fail("a", 1, 0).await;
    assert!(matches!(operate(&house, &parked, Operation::Release).await, Operated::NotApplicable(_)), "not parked");
    house.seqs("a", 1).await;
    house.settle("a", 1, Transition::Park).await;
    let group = letters(&house, DeadQuery::default()).await.remove(0).group;
    let released = state(operate(&house, &parked, Operation::Release).await);
    assert!(matches!(released, Standing::Finished { state: Finished::Dead, .. }));
    let letter = letters(&house, DeadQuery::default()).await.remove(0);
    assert_eq!((letter.group, letter.overtaken, letter.delivery.attempts), (group, false, 2));
    let claimed = house.claim("a", 9).await;
    assert_eq!((claimed[0].key.seq, claimed[0].gap), (Seq(2), Some(parked.deliveries[0].id)));
    house.deliver("a", 2).await;
    assert!(letters(&house, DeadQuery::default()).await[0].overtaken);
    house.prove().await;
}

#[tokio::test]
async fn nobody_knows_a_delivery_that_was_never_there() {
    let mut house = House::new();
    let view = house.accept("s1", &["a"]).await;
    let other = House::new();
    let id = view.deliveries[0].id;
    assert_eq!(other.ledger().operate(id, Operation::Skip, actor(), house.now).await.unwrap(), None);
    house.prove().await;
    other.prove().await;
}

/// Accepts one envelope for `a` and ends it with a fault.
async fn fall(house: &mut House, subject: &str, status: u16, note: &str, transition: Transition) -> EnvelopeView {
    let view = house.accept(subject, &["a"]).await;
    while !house.seqs("a", 9).await.contains(&view.seq.0) {}
    let mut settlement = settlement(key("a", view.seq.0), transition, house.now);
    let attempt = settlement.attempt.as_mut().unwrap();
    (attempt.status, attempt.note) = (Some(status), note.into());
    house.ledger().settle(vec![settlement], house.now).await.unwrap();
    view
}

#[tokio::test]
async fn dead_letters_are_found_by_what_they_have_in_common() {
    let mut house = House::new();
    let began = house.now;
    let first = fall(&mut house, "s1", 422, "line 7: no district", dead()).await;
    let second = fall(&mut house, "", 422, "line 12: no district", dead()).await;
    house.now.0 += 10;
    let third = fall(&mut house, "s3", 500, "status 500", Transition::Park).await;
    house.accept("s4", &["b"]).await;
    let seqs = |letters: Vec<DeadLetter>| letters.iter().map(|letter| letter.delivery.key.seq.0).collect::<Vec<_>>();
    let all = letters(&house, DeadQuery::default()).await;
    assert_eq!(all[0].group, all[1].group);
    assert_ne!(all[0].group, all[2].group);
    assert_eq!((all[0].accepted_at, all[2].accepted_at), (began, house.now));
    assert_eq!(seqs(all.clone()), [1, 2, 3]);
    let group = DeadQuery { group: Some(all[0].group.clone()), ..DeadQuery::default() };
    assert_eq!(seqs(letters(&house, group).await), [1, 2]);
    let parked = DeadQuery { group: Some(all[2].group.clone()), ..DeadQuery::default() };
    assert_eq!(seqs(letters(&house, parked).await), [3]);
    assert_eq!(seqs(letters(&house, DeadQuery { from: Some(house.now), ..DeadQuery::default() }).await), [3]);
    assert_eq!(seqs(letters(&house, DeadQuery { to: Some(house.now), ..DeadQuery::default() }).await), [1, 2]);
    let ty = |text| DeadQuery { ty: Some(EventType::parse(text).unwrap()), ..DeadQuery::default() };
    assert_eq!(seqs(letters(&house, ty("qa.gov.test.changed")).await), [1, 2, 3]);
    assert_eq!(seqs(letters(&house, ty("qa.gov.test.other")).await), [0; 0]);
    let of = |name| DeadQuery { agency: Some(agency(name)), ..DeadQuery::default() };
    assert_eq!(seqs(letters(&house, of("a")).await), [1, 2, 3]);
    assert_eq!(seqs(letters(&house, of("b")).await), [0; 0]);
    let page = letters(&house, DeadQuery { limit: 2, ..DeadQuery::default() }).await;
    let after = Some(page[1].delivery.id);
    assert_eq!(seqs(page), [1, 2]);
    assert_eq!(seqs(letters(&house, DeadQuery { after, limit: 2, ..DeadQuery::default() }).await), [3]);
    let ids = vec![third.deliveries[0].id, first.deliveries[0].id, second.deliveries[0].id];
    let named = DeadQuery { ids, agency: Some(agency("a")), to: Some(house.now), ..DeadQuery::default() };
    assert_eq!(seqs(letters(&house, named).await), [1, 2], "all that are given must hold");
    let groups = house.ledger().dead_groups(None).await.unwrap();
    assert_eq!((groups[0].dead, groups[0].parked, groups[0].note.as_str()), (2, 0, "line #: no district"));
    assert_eq!((groups[0].status, groups[0].oldest, &groups[0].agency), (Some(422), began, &agency("a")));
    assert_eq!((groups[1].dead, groups[1].parked, groups[1].class), (0, 1, Some(Class::EndpointFault)));
    assert!(house.ledger().dead_groups(Some(agency("b"))).await.unwrap().is_empty());
    house.prove().await;
}

#[tokio::test]
async fn every_dead_letter_of_a_lane_knows_whether_it_was_overtaken() {
    let mut house = House::new();
    for _ in 0..2 {
        fall(&mut house, "s1", 422, "x", dead()).await;
    }
    house.accept("s1", &["a"]).await;
    house.seqs("a", 9).await;
    house.deliver("a", 3).await;
    fall(&mut house, "s1", 422, "x", dead()).await;
    fall(&mut house, "s2", 422, "x", dead()).await;
    house.crash();
    let all = letters(&house, DeadQuery::default()).await;
    let overtaken: Vec<_> = all.iter().map(|letter| (letter.delivery.key.seq.0, letter.overtaken)).collect();
    assert_eq!(overtaken, [(1, true), (2, true), (4, false), (5, false)]);
    house.prove().await;
}

#[tokio::test]
async fn what_flows_is_overtaken_by_a_report_on_a_later_one_even_when_that_was_swept() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    let later = house.accept("s1", &["a"]).await.deliveries[0].id;
    let report =
        house.ledger().report(later, BusinessOutcome::Applied, Report::default(), "a", house.now).await.unwrap();
    assert!(matches!(report, Some(Reported::Recorded(_))), "{report:?}");
    house.now.0 += 1000;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 1);
    house.seqs("a", 9).await;
    house.settle("a", 1, dead()).await;
    assert!(letters(&house, DeadQuery::default()).await[0].overtaken);
    house.check();
    // Nothing is left of the lane once it is swept itself.
    house.now.0 += 1000;
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 1);
    let side = rusqlite::Connection::open(house.folder.0.join("ledger.db")).unwrap();
    let passed: i64 = side.query_row("SELECT count(*) FROM passed", [], |row| row.get(0)).unwrap();
    assert_eq!(passed, 0);
    drop(side);
    house.prove().await;
}

#[tokio::test]
async fn the_audit_says_who_did_what_and_why() {
    let mut house = House::new();
    let view = house.accept("s1", &["a"]).await;
    house.ledger().pause(&agency("a"), actor(), house.now).await.unwrap();
    house.ledger().resume(&agency("a"), actor(), house.now).await.unwrap();
    house.now.0 += 1;
    operate(&house, &view, Operation::Skip).await;
    operate(&house, &view, Operation::Skip).await;
    house.crash();
    let entries = house.ledger().audit(None, 100).await.unwrap();
    let said: Vec<_> = entries.iter().map(|entry| (entry.n, entry.action.as_str(), entry.at)).collect();
    assert_eq!(said, [(3, "skip", house.now), (2, "resume", At(1_000_000)), (1, "pause", At(1_000_000))]);
    let AuditEntry { actor, target, reason, detail, .. } = &entries[0];
    assert_eq!((actor.as_str(), reason.as_deref()), ("operator", Some("because")));
    assert_eq!(*target, view.deliveries[0].id.to_string());
    let detail: serde_json::Value = serde_json::from_str(detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail, serde_json::json!({ "before": "queued", "after": "skipped" }));
    assert_eq!(house.ledger().audit(Some(3), 1).await.unwrap(), entries[1..2]);

    let found = async |query: AuditQuery| {
        let page = house.ledger().audited(AuditQuery { limit: 2, ..query }).await.unwrap();
        (page.entries.iter().map(|entry| entry.n).collect::<Vec<_>>(), page.next)
    };
    let (all, some) = (AuditQuery::default(), |text: &str| Some(text.to_owned()));
    assert_eq!(found(all.clone()).await, (vec![3, 2], Some(2)));
    assert_eq!(found(AuditQuery { before: Some(2), ..all.clone() }).await, (vec![1], None));
    assert_eq!(found(AuditQuery { action: some("pause"), ..all.clone() }).await, (vec![1], None));
    assert_eq!(found(AuditQuery { target: some("a"), ..all.clone() }).await, (vec![2, 1], None));
    assert_eq!(found(AuditQuery { actor: some("nobody"), ..all.clone() }).await, (vec![], None));
    assert_eq!(found(AuditQuery { from: Some(house.now), ..all.clone() }).await, (vec![3], None));
    assert_eq!(found(AuditQuery { to: Some(house.now), ..all.clone() }).await, (vec![2, 1], None));
    assert_eq!(found(AuditQuery { from: Some(At(9_999_999)), ..all }).await, (vec![], None));
    house.prove().await;
}

/// Every page of a search, one after the other.
async fn search(house: &House, query: Query) -> Vec<u64> {
    let (mut got, mut before) = (Vec::new(), None);
    loop {
        let page = house.ledger().search(Query { before, limit: 60, ..query.clone() }).await.unwrap();
        got.extend(page.envelopes.iter().map(|view| view.seq.0));
        before = page.next;
        if before.is_none() {
            return got;
        }
    }
}

#[tokio::test]
async fn a_search_finds_what_failed_alike_and_what_waits_where() {
    let mut house = House::new();
    fall(&mut house, "s1", 422, "no district 1", dead()).await;
    fall(&mut house, "s2", 422, "no district 27", Transition::Park).await;
    fall(&mut house, "s3", 500, "worn", dead()).await;
    for n in 0..250 {
        house.accept(&format!("t{n}"), &["a"]).await;
    }
    house.accept("t0", &["a", "b"]).await;
    let groups = house.ledger().groups(None, 100).await.unwrap();
    let group = groups.iter().find(|group| group.status == Some(422)).map(|group| group.group.clone());
    let alike = Query { group, ..Query::default() };
    assert_eq!(search(&house, alike.clone()).await, [2, 1]);
    assert_eq!(search(&house, Query { standing: Some("parked"), ..alike.clone() }).await, [2]);
    assert_eq!(search(&house, Query { recipient: Some(agency("b")), ..alike.clone() }).await, [0; 0]);
    assert_eq!(search(&house, Query { subject: Some("s1".into()), ..alike.clone() }).await, [1]);
    for nothing in ["0000000000000000", "no group"] {
        assert_eq!(search(&house, Query { group: Some(nothing.into()), ..alike.clone() }).await, [0; 0]);
    }
    let standing = |word| Query { standing: Some(word), ..Query::default() };
    assert_eq!(search(&house, standing("queued")).await, (4..=254).rev().collect::<Vec<_>>());
    let of_a = Query { recipient: Some(agency("a")), ..standing("queued") };
    assert_eq!(search(&house, of_a).await, (4..=254).rev().collect::<Vec<_>>());
    assert_eq!(search(&house, standing("parked")).await, [2]);
    assert_eq!(search(&house, standing("dead")).await, [3, 1]);
    while !house.seqs("b", 1).await.contains(&254) {}
    house.fail("b", 254, 9_999).await;
    assert_eq!(search(&house, standing("retry")).await, [254]);
    house.prove().await;
}

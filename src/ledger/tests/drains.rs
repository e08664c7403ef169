//! Drains, receivers that are gone, what happened to agencies, and who shares what is claimed: one test per rule.

use std::sync::{Arc, Mutex};

use super::*;

async fn drain(house: &House, name: &str) -> Pause {
    house.ledger().drain(&agency(name), actor(), house.now).await.unwrap()
}

fn left(house: &House, name: &str) -> Option<u64> {
    house.ledger().paused(&agency(name)).unwrap().drain.map(|drain| drain.left)
}

async fn kinds(house: &House, name: &str) -> Vec<&'static str> {
    let events = house.ledger().events(&agency(name), None, 100).await.unwrap();
    events.iter().rev().map(|event| event.what.as_str()).collect()
}

#[tokio::test]
async fn a_drain_lets_out_what_was_accepted_before_it_and_nothing_later_and_survives_a_crash() {
    // Keeps H1 and H2.
    let mut house = House::new();
    let (first, second) = (house.accept("s1", &["a", "b"]).await, house.accept("s2", &["a"]).await);
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 1).await, [1]);
    house.fail("a", 1, 100).await;
    let pause = drain(&house, "a").await;
    assert_eq!(pause.drain, Some(Drain { through: Seq(3), left: 3 }));
    for subject in ["s1", "s2", "s3"] {
        house.accept(subject, &["a", "b"]).await;
    }
    assert_eq!(house.seqs("a", 9).await, [2], "the others are behind a head, not due, or too late");
    house.crash();
    assert_eq!(house.seqs("a", 9).await, [2]);
    house.settle("a", 2, Transition::Park).await;
    house.now.0 += 100;
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.deliver("a", 1).await;
    assert_eq!(house.seqs("a", 9).await, [3], "a lane goes on within the drain, and no further");
    house.deliver("a", 3).await;
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    assert_eq!(left(&house, "a"), Some(1), "what is parked is not finished");
    assert_eq!(house.seqs("b", 9).await, [1, 5, 6], "nobody else is drained");
    let leased = house.ledger().lease(&agency("a"), 9, Duration::from_secs(1), house.now).await.unwrap();
    assert!(leased.is_empty());
    house.check();
    let parked = second.deliveries[0].id;
    house.ledger().operate(parked, Operation::Cancel, actor(), house.now).await.unwrap();
    assert_eq!(left(&house, "a"), Some(0));
    assert_eq!(kinds(&house, "a").await, ["draining", "drained"]);
    house.crash();
    assert_eq!(left(&house, "a"), Some(0));
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    assert!(house.ledger().resume(&agency("a"), actor(), house.now).await.unwrap().is_some());
    assert_eq!(house.seqs("a", 9).await, [4, 5, 6]);
    assert_eq!(kinds(&house, "a").await, ["draining", "drained", "resumed"]);
    let view = house.view(&first).await;
    assert!(matches!(view.deliveries[0].standing, Standing::Finished { state: Finished::Delivered, .. }));
    house.prove().await;
}

#[tokio::test]
async fn a_redrive_of_what_a_drain_lets_out_goes_out_and_one_of_later_waits() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.settle("a", 1, dead()).await;
    assert_eq!(drain(&house, "a").await.drain, Some(Drain { through: Seq(1), left: 0 }));
    house.accept("s2", &["a"]).await;
    let query = DeadQuery { agency: Some(agency("a")), ..DeadQuery::default() };
    let ask = RedriveAsk { query, force: false, rate_per_second: None, actor: actor() };
    let job = house.ledger().redrive(ask, house.now).await.unwrap();
    house.ledger().work_job(job.id, 9, house.now).await.unwrap();
    assert_eq!(left(&house, "a"), Some(1));
    assert_eq!(house.seqs("a", 9).await, [1]);
    let again = DeliveryKey { slot: Slot(2), ..key("a", 1) };
    house.ledger().settle(vec![settlement(again, DELIVERED, house.now)], house.now).await.unwrap();
    assert_eq!(kinds(&house, "a").await, ["draining", "drained", "drained"]);
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    house.prove().await;
}

#[tokio::test]
async fn a_drain_can_be_ordered_again_or_become_a_pause() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    drain(&house, "a").await;
    house.accept("s2", &["a"]).await;
    assert_eq!(drain(&house, "a").await.drain, Some(Drain { through: Seq(2), left: 2 }));
    house.now.0 += 5;
    let pause = house.ledger().pause(&agency("a"), actor(), house.now).await.unwrap();
    assert_eq!((pause.drain, pause.since), (None, house.now));
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    house.check();
    assert_eq!(drain(&house, "a").await.drain, Some(Drain { through: Seq(2), left: 2 }));
    assert_eq!(house.seqs("a", 9).await, [1, 2]);
    let audit = house.ledger().audit(None, 10).await.unwrap();
    let told = |entry: &AuditEntry| {
        let detail: serde_json::Value = serde_json::from_str(entry.detail.as_deref().unwrap()).unwrap();
        format!("{}: {} to {}", entry.action, detail["before"].as_str().unwrap(), detail["after"].as_str().unwrap())
    };
    let told: Vec<String> = audit.iter().rev().map(told).collect();
    let expected = [
        "drain: flowing to draining",
        "drain: draining to draining",
        "pause: draining to paused",
        "drain: paused to draining",
    ];
    assert_eq!(told, expected);
    house.prove().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_pauses_its_agency_once_in_falajs_name() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    let gone = || Happened::Gone { status: Some(410), note: "status 410".into() };
    let (ledger, now) = (house.ledger().clone(), house.now);
    drain(&house, "a").await;
    assert!(ledger.gone(&agency("a"), gone(), "It is gone.".into(), now).await.unwrap());
    assert!(!ledger.gone(&agency("a"), gone(), "It is gone.".into(), now).await.unwrap(), "said once");
    drop(ledger);
    house.crash();
    let pause = house.ledger().paused(&agency("a")).unwrap();
    assert_eq!((pause.gone, pause.drain, pause.actor.name.as_str()), (true, None, "falaj"));
    assert_eq!(house.seqs("a", 9).await, [0; 0]);
    let audit = house.ledger().audit(None, 1).await.unwrap().remove(0);
    assert_eq!((audit.actor.as_str(), audit.action.as_str()), ("falaj", "pause"));
    assert_eq!(audit.reason.as_deref(), Some("It is gone."));
    assert!(!house.ledger().pause(&agency("a"), actor(), now).await.unwrap().gone, "a person has it in hand");
    house.ledger().resume(&agency("a"), actor(), now).await.unwrap();
    assert_eq!(kinds(&house, "a").await, ["draining", "gone", "resumed"]);
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.prove().await;
}

#[tokio::test]
async fn what_happened_is_listed_newest_first_and_swept_by_age_and_number() {
    let mut house = House::new();
    house.accept("s1", &["a", "b"]).await;
    let opened = Happened::Opened {
        class: Class::EndpointFault,
        status: None,
        note: "connect: refused".into(),
        until: At(house.now.0 + 10_000),
    };
    house.ledger().note_event(&agency("b"), opened.clone(), house.now).await.unwrap();
    for n in 0..1005 {
        let what = if n % 2 == 0 { opened.clone() } else { Happened::Closed };
        house.ledger().note_event(&agency("a"), what, At(house.now.0 + n)).await.unwrap();
    }
    let page = house.ledger().events(&agency("a"), None, 2).await.unwrap();
    assert_eq!((page[0].what.clone(), page[1].what.clone()), (opened, Happened::Closed));
    let next = house.ledger().events(&agency("a"), Some(page[1].n), 2).await.unwrap();
    assert!(next[0].n < page[1].n && next[0].at < page[1].at);
    assert_eq!(house.ledger().events(&agency("nobody"), None, 9).await.unwrap(), []);
    assert_eq!(house.ledger().sweep_events(house.now, 100).await.unwrap(), 5, "1,000 of each are kept");
    assert_eq!(house.ledger().sweep_events(At(house.now.0 + 1000), 2000).await.unwrap(), 996, "those of b included");
    assert_eq!(kinds(&house, "b").await, [""; 0]);
    assert_eq!(house.ledger().events(&agency("a"), None, 1000).await.unwrap().len(), 5);
    house.prove().await;
}

#[tokio::test]
async fn one_place_at_a_time_goes_to_heads_and_to_what_flows_in_turn() {
    // Keeps K1.
    let mut house = House::new();
    for n in 1..=6 {
        house.accept(&format!("s{n}"), &["a"]).await;
    }
    assert_eq!(house.seqs("a", 2).await, [1, 2]);
    house.fail("a", 1, 0).await;
    house.fail("a", 2, 0).await;
    let mut got = Vec::new();
    for _ in 0..6 {
        let seq = house.seqs("a", 1).await.remove(0);
        got.push(seq);
        match seq {
            1 | 2 => house.fail("a", seq, 0).await,
            _ => drop(house.deliver("a", seq).await),
        }
    }
    let heads = got.iter().filter(|seq| **seq <= 2).count();
    assert_eq!(heads, 3, "{got:?}");
    assert!(got.windows(2).all(|pair| (pair[0] <= 2) != (pair[1] <= 2)), "{got:?}");
    house.prove().await;
}

#[tokio::test]
async fn it_is_known_how_many_different_deliveries_there_are_to_try() {
    let mut house = House::new();
    let to_try = async |house: &House, want| house.ledger().claim(&agency("a"), want, house.now).await.unwrap().to_try;
    for _ in 0..4 {
        house.accept("s1", &["a"]).await;
    }
    assert_eq!(to_try(&house, 5).await, 1, "one citizen counts once");
    house.fail("a", 1, 100).await;
    assert_eq!(to_try(&house, 5).await, 1);
    house.accept("s2", &["a"]).await;
    assert_eq!(to_try(&house, 5).await, 2);
    for n in 3..9 {
        house.accept(&format!("s{n}"), &["a"]).await;
    }
    assert_eq!(to_try(&house, 1).await, 3, "no more are counted");
    house.prove().await;
}

#[tokio::test]
async fn an_envelope_whose_sender_left_before_the_answer_is_told_to_whoever_rings_for_it() {
    let house = House::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    house.ledger().when_unheard(move |agency| heard.lock().unwrap().push(agency.to_string()));
    {
        let new = envelope("e1", "s1", &["a", "b"]);
        let mut accept = Box::pin(house.ledger().accept(new, house.now));
        drop(std::future::Future::poll(accept.as_mut(), &mut std::task::Context::from_waker(std::task::Waker::noop())));
    }
    let begun = std::time::Instant::now();
    while told.lock().unwrap().len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody was told");
        tokio::task::yield_now().await;
    }
    assert_eq!(*told.lock().unwrap(), ["a", "b"]);
    house.ledger().accept(envelope("e2", "s1", &["a"]), house.now).await.unwrap();
    assert_eq!(told.lock().unwrap().len(), 2, "whoever heard of it rings for itself");
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.prove().await;
}

//! What time ends: expiry and retention; and what an auditor reads.

use super::*;

impl House {
    async fn accept_expiring(&mut self, subject: &str, to: &[&str], at: i64) -> EnvelopeView {
        self.next += 1;
        let mut new = envelope(&format!("e{}", self.next), subject, to);
        let text = AttributeValue::Text(At(at).to_string());
        new.envelope.attributes.extensions.insert("expirytime".into(), text);
        new.digest = new.envelope.digest();
        let Acceptance::New(view) = self.ledger().accept(new, self.now).await.unwrap() else { panic!("not new") };
        view
    }
}

#[tokio::test]
async fn expiry_finds_a_delivery_wherever_it_stands_unless_it_is_in_flight() {
    let mut house = House::new();
    let over = house.now.0 + 50;
    house.accept_expiring("head", &["a"], over).await;
    house.accept_expiring("head", &["a"], over).await;
    house.accept("head", &["a"]).await;
    house.accept_expiring("flowing", &["a"], over).await;
    house.accept_expiring("flying", &["a"], over).await;
    house.accept_expiring("flying", &["a"], over).await;
    assert_eq!(house.seqs("a", 1).await, [1]);
    house.fail("a", 1, 1000).await;
    assert_eq!(house.seqs("a", 2).await, [4, 5]);
    house.ledger().give_back(vec![key("a", 4)]).await.unwrap();
    assert_eq!(house.ledger().expire(house.now, 9).await.unwrap(), [], "not yet");
    house.now.0 = over;
    let touched = house.ledger().expire(house.now, 9).await.unwrap();
    assert_eq!(touched, [1, 2, 4, 6].map(Seq));
    assert_eq!(house.ledger().expire(house.now, 9).await.unwrap(), []);
    assert_eq!(house.seqs("a", 9).await, [3], "the lane went on to what does not expire");
    house.fail("a", 5, 1000).await;
    assert_eq!(house.ledger().expire(house.now, 9).await.unwrap(), [Seq(5)]);
    assert_eq!(house.tally("a").expired, 5);
    house.prove().await;
}

#[tokio::test]
async fn an_expired_one_in_the_page_lets_its_successor_go() {
    let mut house = House::new();
    house.accept("s1", &["a"]).await;
    house.accept_expiring("s1", &["a"], house.now.0 + 1).await;
    house.accept("s1", &["a"]).await;
    assert_eq!(house.seqs("a", 9).await, [1]);
    house.deliver("a", 1).await;
    house.now.0 += 1;
    assert_eq!(house.ledger().expire(house.now, 9).await.unwrap(), [Seq(2)]);
    assert_eq!(house.seqs("a", 9).await, [3]);
    house.prove().await;
}

#[tokio::test]
async fn expiry_is_bounded_and_goes_on() {
    let mut house = House::new();
    for n in 0..5 {
        house.accept_expiring(&format!("s{n}"), &["a"], house.now.0).await;
    }
    let mut rounds = Vec::new();
    loop {
        let touched = house.ledger().expire(house.now, 2).await.unwrap().len();
        rounds.push(touched);
        if touched < 2 {
            break;
        }
    }
    assert_eq!(rounds, [2, 2, 1]);
    house.prove().await;
}

#[tokio::test]
async fn what_is_complete_long_enough_is_forgotten_with_all_that_belongs_to_it() {
    let mut house = House::new();
    let first = house.accept_expiring("s1", &["a", "b"], i64::from(i32::MAX)).await;
    let open = house.accept("s1", &["a"]).await;
    house.seqs("b", 1).await;
    house.settle("b", 1, dead()).await;
    house.seqs("a", 1).await;
    house.fail("a", 1, 0).await;
    house.seqs("a", 1).await;
    assert_eq!(house.deliver("a", 1).await, [Seq(1)]);
    assert_eq!(house.ledger().sweep(house.now, 9).await.unwrap(), 0, "not before its time");
    assert_eq!(house.ledger().sweep(At(house.now.0 + 1), 9).await.unwrap(), 1);
    assert!(house.ledger().envelope(first.id).await.unwrap().is_none());
    assert!(house.ledger().envelope(open.id).await.unwrap().is_some());
    assert_eq!(house.tally("b"), Tally::default());
    // Its identity is free again.
    let again = house.ledger().accept(envelope("e1", "s1", &["a"]), house.now).await.unwrap();
    assert!(matches!(again, Acceptance::New(view) if view.seq == Seq(3)));
    house.prove().await;
}

#[tokio::test]
async fn a_place_in_accept_order_is_never_given_twice() {
    let mut house = House::new();
    let gone = house.accept("s1", &[]).await;
    assert_eq!(house.ledger().sweep(At(house.now.0 + 1), 9).await.unwrap(), 1);
    house.crash();
    house.now = At(7);
    let next = house.accept("s1", &[]).await;
    assert_eq!((gone.seq, next.seq), (Seq(1), Seq(2)));
    assert_eq!(next.accepted_at, gone.accepted_at, "time does not go back either");
    house.prove().await;
}

#[tokio::test]
async fn an_export_tells_the_whole_story_of_a_delivery() {
    let mut house = House::new();
    let disclosure = Disclosure {
        digest: u64::MAX - 1,
        agency: agency("a"),
        pattern: "qa.gov.test.*".into(),
        fields: vec!["/n".into()],
        purpose: "Test".into(),
        purpose_ar: "اختبار".into(),
        legal_basis: "Law 1".into(),
    };
    house.ledger().register_disclosures(vec![disclosure.clone()]).await.unwrap();
    house.ledger().register_disclosures(vec![disclosure]).await.unwrap();
    house.accept("s1", &["a"]).await;
    house.accept("s1", &["a"]).await;
    house.seqs("a", 1).await;
    house.fail("a", 1, 0).await;
    house.seqs("a", 1).await;
    let mut done = settlement(key("a", 1), DELIVERED, house.now);
    done.disclosure = Some(u64::MAX - 1);
    house.ledger().settle(vec![done], house.now).await.unwrap();
    let mut text = Vec::new();
    export(&house.folder.0, true, &mut text).unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let delivery = &lines[0]["deliveries"][0];
    assert_eq!(lines[0]["state"], "completed");
    assert_eq!(delivery["state"], "delivered");
    assert_eq!(delivery["disclosure"]["legal_basis"], "Law 1");
    assert_eq!(delivery["disclosure"]["fields"][0], "/n");
    assert_eq!(delivery["tries"].as_array().unwrap().len(), 2);
    assert_eq!(lines[1]["deliveries"][0]["state"], "queued");
    let mut text = Vec::new();
    export(&house.folder.0, true, &mut text).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("{\"n\": 1.10}"), "data is as it came");
    let mut text = Vec::new();
    export(&house.folder.0, false, &mut text).unwrap();
    assert!(!String::from_utf8(text).unwrap().contains("1.10"));
    house.prove().await;
}

#[tokio::test]
async fn the_check_finds_what_is_broken() {
    let breaks = [
        ("L1", "DELETE FROM pending WHERE seq = 4"),
        ("L1", "INSERT INTO behind SELECT agency, lane, seq, slot FROM pending WHERE seq = 4"),
        ("L1", "INSERT INTO pending VALUES (2, 99, 1, 1)"),
        ("L2", "DELETE FROM stuck"),
        ("L2", "UPDATE stuck SET seq = 9"),
        ("L7", "UPDATE envelope SET data = CAST('{}' AS BLOB) WHERE seq = 1"),
        ("identity", "DELETE FROM identity; DELETE FROM young WHERE seq > 1"),
        ("identity", "UPDATE identity SET seq = 5"),
        ("L1: identity", "INSERT INTO identity VALUES (zeroblob(16), 2)"),
        ("young", "UPDATE young SET identity = zeroblob(16) WHERE seq = 4"),
        ("young", "UPDATE young SET subject = subject + 1 WHERE seq = 4"),
        ("young", "UPDATE young SET identity = (SELECT identity FROM young WHERE seq = 4)"),
        ("L1: young", "UPDATE young SET seq = 9 WHERE seq = 4"),
        ("completed", "DELETE FROM completed"),
        ("completed", "UPDATE completed SET failed = 1"),
        ("settled", "UPDATE settled SET outcome = 4"),
        ("tally", "UPDATE tally SET n = n + 1 WHERE state = 4"),
        ("lookup", "DELETE FROM lookup; DELETE FROM young"),
        ("lookup", "UPDATE young SET correlation = NULL"),
        ("time", "UPDATE envelope SET at = 1 WHERE seq = 3"),
    ];
    for (invariant, how) in breaks {
        let mut house = House::new();
        for subject in ["s0", "s1", "s1", "s2"] {
            house.accept(subject, &["a"]).await;
        }
        assert_eq!(house.seqs("a", 9).await, [1, 2, 4]);
        house.deliver("a", 1).await;
        house.fail("a", 2, 1000).await;
        house.ledger().close().await;
        assert_eq!(check(&house.folder.0).unwrap().broken, [""; 0]);
        let side = rusqlite::Connection::open(house.folder.0.join("ledger.db")).unwrap();
        side.execute_batch(how).unwrap();
        drop(side);
        let broken = check(&house.folder.0).unwrap().broken;
        assert!(broken.iter().any(|line| line.starts_with(invariant)), "{how}: {broken:?}");
    }
}

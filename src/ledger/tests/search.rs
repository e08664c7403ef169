//! Searching by each of its conditions, page by page.

use super::*;
use crate::model::status::EnvelopeState;

impl House {
    pub(super) async fn find(&self, query: Query) -> Vec<u64> {
        let found = self.ledger().search(Query { limit: 100, ..query }).await.unwrap();
        found.envelopes.iter().map(|view| view.seq.0).collect()
    }

    /// Every page, each of seven.
    pub(super) async fn find_all(&self, query: Query) -> Vec<u64> {
        let (mut got, mut before) = (Vec::new(), None);
        loop {
            let page = Query { before, limit: 7, ..query.clone() };
            let page = self.ledger().search(page).await.unwrap();
            got.extend(page.envelopes.iter().map(|view| view.seq.0));
            before = page.next;
            if before.is_none() {
                return got;
            }
        }
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.into())
}

#[tokio::test]
async fn every_condition_finds_its_envelopes_newest_first() {
    let mut house = House::new();
    for (n, subject) in (0..6).zip(["s1", "s2", "s3"].into_iter().cycle()) {
        house.now = At(1_000_000 + n * 10);
        house.accept(subject, &["a"]).await;
    }
    house.claim("a", 1).await;
    house.deliver("a", 1).await;
    let all = [6, 5, 4, 3, 2, 1];
    assert_eq!(house.find(Query::default()).await, all);
    assert_eq!(house.find(Query { subject: text("s1"), ..Query::default() }).await, [4, 1]);
    assert_eq!(house.find(Query { correlation_id: text("case-1"), ..Query::default() }).await, all);
    assert_eq!(house.find(Query { correlation_id: text("case-2"), ..Query::default() }).await, [0; 0]);
    let both = Query { correlation_id: text("case-1"), subject: text("s2"), ..Query::default() };
    assert_eq!(house.find(both).await, [5, 2]);
    let identity = Query { source: text("urn:test"), event_id: text("e3"), ..Query::default() };
    assert_eq!(house.find(identity.clone()).await, [3]);
    assert_eq!(house.find(Query { subject: text("s1"), ..identity }).await, [0; 0]);
    assert_eq!(house.find(Query { event_id: text("e3"), ..Query::default() }).await, [3]);
    assert_eq!(house.find(Query { source: text("urn:other"), ..Query::default() }).await, [0; 0]);
    assert_eq!(house.find(Query { sender: Some(agency("sender")), ..Query::default() }).await, all);
    assert_eq!(house.find(Query { sender: Some(agency("a")), ..Query::default() }).await, [0; 0]);
    let ty = |ty: &str| Query { ty: Some(EventType::parse(ty).unwrap()), ..Query::default() };
    assert_eq!(house.find(ty("qa.gov.test.changed")).await, all);
    assert_eq!(house.find(ty("qa.gov.test.other")).await, [0; 0]);
    let state = |state| Query { state: Some(state), ..Query::default() };
    assert_eq!(house.find(state(EnvelopeState::Completed)).await, [1]);
    assert_eq!(house.find(state(EnvelopeState::Open)).await, [6, 5, 4, 3, 2]);
    house.prove().await;
}

#[tokio::test]
async fn times_are_found_although_seqs_are_missing() {
    let mut house = House::new();
    for n in 0..8 {
        house.now = At(1_000_000 + n * 10);
        let to: &[&str] = if n % 3 == 1 { &[] } else { &["a"] };
        house.accept("s1", to).await;
    }
    // Seqs 2, 5 and 8 were complete at once and are swept.
    assert_eq!(house.ledger().sweep(At(2_000_000), 9).await.unwrap(), 3);
    let within = |from: i64, to: i64| Query { from: Some(At(from)), to: Some(At(to)), ..Query::default() };
    assert_eq!(house.find(within(0, 9_000_000)).await, [7, 6, 4, 3, 1]);
    assert_eq!(house.find(within(1_000_010, 1_000_050)).await, [4, 3]);
    assert_eq!(house.find(within(1_000_020, 1_000_021)).await, [3]);
    assert_eq!(house.find(within(1_000_021, 1_000_030)).await, [0; 0]);
    assert_eq!(house.find(within(1_000_061, 9_000_000)).await, [0; 0]);
    assert_eq!(house.find(within(9_000_000, 0)).await, [0; 0]);
    house.prove().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_doubles_or_holes() {
    let mut house = House::new();
    for n in 0..10 {
        house.accept(if n % 2 == 0 { "even" } else { "odd" }, &["a"]).await;
    }
    for subject in [None, text("odd")] {
        let (mut got, mut before) = (Vec::new(), None);
        loop {
            let query = Query { subject: subject.clone(), before, limit: 2, ..Query::default() };
            let page = house.ledger().search(query).await.unwrap();
            assert!(page.envelopes.len() <= 2);
            got.extend(page.envelopes.iter().map(|view| view.seq.0));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let expected: Vec<u64> = (1..=10).rev().filter(|seq| subject.is_none() || seq % 2 == 0).collect();
        assert_eq!(got, expected);
    }
    house.prove().await;
}

#[tokio::test]
async fn a_pseudonym_differs_per_agency_and_stays() {
    let mut house = House::new();
    let name = |house: &House, name: &str| house.ledger().pseudonym(&agency(name), "28412345678");
    let (a, b) = (name(&house, "a"), name(&house, "b"));
    assert_ne!(a, b);
    house.crash();
    assert_eq!(name(&house, "a"), a);
    house.prove().await;
}

#[tokio::test]
async fn the_oldest_unfinished_delivery_is_known() {
    let mut house = House::new();
    for n in 0..3 {
        house.now = At(1_000_000 + n);
        house.accept("s1", &["a"]).await;
    }
    let oldest = async |house: &House| house.ledger().oldest(&agency("a")).await.unwrap();
    assert_eq!(oldest(&house).await, Some(At(1_000_000)));
    house.seqs("a", 1).await;
    house.fail("a", 1, 0).await;
    assert_eq!(oldest(&house).await, Some(At(1_000_000)), "a head that failed is as old as it was");
    house.seqs("a", 1).await;
    house.deliver("a", 1).await;
    assert_eq!(oldest(&house).await, Some(At(1_000_001)));
    for seq in 2..=3 {
        house.seqs("a", 1).await;
        house.deliver("a", seq).await;
    }
    assert_eq!(oldest(&house).await, None);
    assert_eq!(house.ledger().oldest(&agency("nobody")).await.unwrap(), None);
    house.prove().await;
}

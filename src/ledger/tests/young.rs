//! Index entries from memory into their tables: in every stage, and after a crash in each, an identity is taken once and a search
//! finds each envelope once.

use std::collections::{BTreeMap, BTreeSet};

use super::super::shared::lock;
use super::*;

/// Where the identity of an envelope stands: to be merged, merged with its row still there, merged and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Young,
    Both,
    Merged,
}

const STAGES: [Stage; 3] = [Stage::Young, Stage::Both, Stage::Merged];

impl House {
    fn keeping(young_max: usize) -> Self {
        let mut house = Self::new();
        house.open_keeping(young_max);
        house
    }

    /// Like a crash, with another limit.
    fn open_keeping(&mut self, young_max: usize) {
        self.ledger = None;
        self.ledger = Some(Ledger::open(Options { young_max, ..options(&self.folder.0) }).unwrap());
    }

    fn side(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.0.join("ledger.db")).unwrap()
    }

    fn rows(&self, table: &str) -> usize {
        let count = format!("SELECT count(*) FROM {table}");
        self.side().query_row(&count, [], |row| row.get::<_, u16>(0)).unwrap().into()
    }

    fn stages(&self) -> BTreeMap<u64, Stage> {
        let side = self.side();
        let mut select = side
            .prepare(
                "SELECT e.seq, EXISTS (SELECT 1 FROM young y WHERE y.seq = e.seq),
                    EXISTS (SELECT 1 FROM identity i WHERE i.seq = e.seq) FROM envelope e",
            )
            .unwrap();
        let stages = select.query_map([], |row| {
            let stage = match (row.get(1)?, row.get(2)?) {
                (true, false) => Stage::Young,
                (true, true) => Stage::Both,
                (false, true) => Stage::Merged,
                (false, false) => panic!("an envelope without an identity"),
            };
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), stage))
        });
        stages.unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    /// Identities and keys in memory.
    fn held(&self) -> (usize, usize) {
        lock(&self.ledger().shared().young).count()
    }

    /// What was accepted as the `n`th is a repeat, and a clash with another content, whoever asks.
    async fn is_taken(&self, n: u32, view: &EnvelopeView) {
        let same = envelope(&format!("e{n}"), &subject(n), &["a"]);
        let other = envelope(&format!("e{n}"), "other", &["a"]);
        let clash = Acceptance::Clash { id: view.id };
        let known = async |new: &NewEnvelope| {
            let id = &new.envelope.attributes.id;
            self.ledger().known("urn:test", id, &new.digest).await.unwrap()
        };
        assert_eq!(known(&same).await, Some(Acceptance::Repeat(view.clone())), "e{n}");
        assert_eq!(known(&other).await, Some(clash.clone()), "e{n}");
        assert_eq!(self.ledger().accept(other, self.now).await.unwrap(), clash, "e{n}");
        assert_eq!(self.ledger().accept(same, self.now).await.unwrap(), Acceptance::Repeat(view.clone()), "e{n}");
    }

    /// A search finds `seqs`, and each once. Their time of acceptance has gone on by one each.
    async fn finds(&self, seqs: impl Iterator<Item = u64>) {
        let all: Vec<u64> = seqs.collect::<BTreeSet<_>>().into_iter().rev().collect();
        let odd: Vec<u64> = all.iter().copied().filter(|seq| seq % 2 == 1).collect();
        let query = Query { correlation_id: Some("case-1".into()), ..Query::default() };
        assert_eq!(self.find_all(query).await, all);
        let query = Query { subject: Some("s1".into()), ..Query::default() };
        assert_eq!(self.find_all(query.clone()).await, odd);
        let [mark, _] = self.ledger().marks("s1");
        assert_eq!(self.find_all(Query { mark: Some(mark), ..Query::default() }).await, odd);
        if let Some(middle) = odd.get(odd.len() / 2) {
            let later: Vec<u64> = odd.iter().copied().filter(|seq| seq >= middle).collect();
            let from = Some(At(1_000_000 + middle.cast_signed()));
            assert_eq!(self.find_all(Query { from, ..query }).await, later);
        }
        for seq in all {
            let query =
                Query { source: Some("urn:test".into()), event_id: Some(format!("e{seq}")), ..Query::default() };
            assert_eq!(self.find(query).await, [seq]);
        }
    }
}

fn subject(n: u32) -> String {
    format!("s{}", n % 2)
}

#[tokio::test]
async fn in_every_stage_and_after_a_crash_in_each_an_identity_is_taken_and_found_once() {
    let mut house = House::new();
    let (mut views, mut met, mut crashed) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for n in 1..=24 {
        house.now.0 += 1;
        views.push(house.accept(&subject(n), &["a"]).await);
        met.extend(house.stages().into_values());
        if n % 4 == 0 {
            crashed.extend(house.stages().into_values());
            house.crash();
            house.check();
        }
        for (n, view) in (1..).zip(&views) {
            house.is_taken(n, view).await;
        }
        house.finds(1..=u64::from(n)).await;
    }
    assert_eq!(met, BTreeSet::from(STAGES));
    assert_eq!(crashed, BTreeSet::from(STAGES));
    house.prove().await;
}

#[tokio::test]
async fn what_was_swept_is_free_in_every_stage_and_stays_so() {
    // One in five is open and stays, and so do six of the newest each time.
    let to = |n: u32| -> &[&str] { if n.is_multiple_of(5) { &["a"] } else { &[] } };
    let stays = |n: u32, last: u32| n.is_multiple_of(5) || n + 6 > last;
    for crash in [false, true] {
        let mut house = House::keeping(12);
        let (mut last, mut sweeps) = (0, 0);
        while sweeps < 4 {
            last += 1;
            assert!(last < 400, "the stages never met");
            house.now.0 += 1;
            house.accept(&subject(last), to(last)).await;
            let stages = house.stages().into_iter().filter(|(seq, _)| !stays(u32::try_from(*seq).unwrap(), last));
            if stages.map(|(_, stage)| stage).collect::<BTreeSet<_>>() == BTreeSet::from(STAGES) {
                house.ledger().sweep(At(house.now.0 - 5), 99).await.unwrap();
                house.finds((1..=last).filter(|n| stays(*n, last)).map(u64::from)).await;
                house.check();
                sweeps += 1;
            }
        }
        if crash {
            house.crash();
        }
        house.finds((1..=last).filter(|n| stays(*n, last)).map(u64::from)).await;
        let mut seq = last;
        for n in 1..=last {
            let again = house.ledger().accept(envelope(&format!("e{n}"), &subject(n), to(n)), house.now).await.unwrap();
            match again {
                Acceptance::Repeat(view) => assert!(stays(n, last) && view.seq == Seq(n.into()), "e{n} was swept"),
                Acceptance::New(view) => {
                    seq += 1;
                    assert!(!stays(n, last) && view.seq == Seq(seq.into()), "e{n} was there");
                }
                Acceptance::Clash { .. } => panic!("e{n} has one content"),
            }
        }
        house.check();
        house.now.0 += 1;
        house.ledger().sweep(house.now, 999).await.unwrap();
        house.finds((1..=last).filter(|n| n.is_multiple_of(5)).map(u64::from)).await;
        house.prove().await;
    }
}

#[tokio::test]
async fn memory_and_its_table_are_bounded() {
    let mut house = House::keeping(20);
    let mut rows_max = 0;
    for n in 1..=300 {
        house.accept(&subject(n), &["a"]).await;
        let (identities, keys) = house.held();
        assert!(identities <= 20 && keys <= 40, "{identities} identities, {keys} keys");
        rows_max = rows_max.max(house.rows("young"));
        assert!(rows_max <= 2 * 20 + 1, "{rows_max} rows");
    }
    assert!(rows_max > 20);
    assert!(house.rows("identity") >= 280);
    house.prove().await;
}

#[tokio::test]
async fn one_key_alone_does_not_hold_the_rows_of_all_that_have_none() {
    let mut house = House::keeping(20);
    house.accept("s1", &["a"]).await;
    for n in 2..=200 {
        let mut new = envelope(&format!("e{n}"), "", &["a"]);
        new.envelope.attributes.extensions.clear();
        new.digest = new.envelope.digest();
        house.ledger().accept(new, house.now).await.unwrap();
        assert!(house.rows("young") <= 2 * 20 + 1);
    }
    assert_eq!(house.rows("lookup"), 2);
    assert_eq!(house.find(Query { subject: Some("s1".into()), ..Query::default() }).await, [1]);
    house.prove().await;
}

#[tokio::test]
async fn a_full_memory_is_merged_again_after_a_crash_and_in_steps() {
    let mut house = House::keeping(300);
    let all = (1..=500).map(|n| {
        let new = envelope(&format!("e{n}"), &subject(n), &[]);
        let (ledger, now) = (house.ledger().clone(), house.now);
        tokio::spawn(async move { ledger.accept(new, now).await.unwrap() })
    });
    for one in all.collect::<Vec<_>>() {
        assert!(matches!(one.await.unwrap(), Acceptance::New(_)));
    }
    house.next = 500;
    assert_eq!(house.held(), (300, 600));
    let rows = house.rows("young");
    assert!(rows > 300, "{rows}");
    house.open_keeping(10);
    assert_eq!(house.held().0, rows, "all that has a row is there again");
    house.check();
    for turn in 1..=40 {
        let before = house.held();
        house.accept("s1", &[]).await;
        let after = house.held();
        let merged = (before.0 + 1 - after.0, before.1 + 2 - after.1);
        assert!(merged.0 <= 66 && merged.1 <= 68, "turn {turn}: {before:?}, {after:?}");
    }
    assert!(house.held().0 <= 10 && house.held().1 <= 20);
    assert!(house.rows("young") <= 21);
    let total = house.rows("envelope");
    assert!((total - 10..=total).contains(&house.rows("identity")));
    house.prove().await;
}

/// Y2: whoever reads while entries leave memory misses none and meets none twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_while_entries_are_merged_finds_all_that_was_accepted_before() {
    let mut house = House::new();
    let accepted = Arc::new(AtomicU32::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let (ledger, count, stop) = (house.ledger().clone(), Arc::clone(&accepted), Arc::clone(&done));
    let reader = tokio::spawn(async move {
        let mut rounds = 0_u32;
        while !stop.load(Ordering::SeqCst) {
            let before = u64::from(count.load(Ordering::SeqCst));
            let query = Query { correlation_id: Some("case-1".into()), limit: 20, ..Query::default() };
            let found = ledger.search(query).await.unwrap().envelopes;
            let seqs: Vec<u64> = found.iter().map(|view| view.seq.0).collect();
            let first = seqs.first().copied().unwrap_or(0);
            assert!(first >= before, "{before} was accepted, and the newest found is {first}");
            assert_eq!(seqs, (1..=first).rev().take(20).collect::<Vec<_>>());
            for n in before.saturating_sub(12)..before {
                let id = format!("e{}", n + 1);
                let digest = envelope(&id, "s1", &[]).digest;
                let known = ledger.known("urn:test", &id, &digest).await.unwrap();
                assert!(matches!(known, Some(Acceptance::Repeat(_))), "{id}: {known:?}");
            }
            rounds += 1;
        }
        rounds
    });
    for _ in 0..400 {
        let view = house.accept("s1", &[]).await;
        accepted.store(u32::try_from(view.seq.0).unwrap(), Ordering::SeqCst);
    }
    done.store(true, Ordering::SeqCst);
    assert!(reader.await.unwrap() > 10);
    house.prove().await;
}

#[tokio::test]
async fn a_file_of_format_1_gets_the_table_and_is_not_read_before() {
    let mut house = House::keeping(0);
    house.now.0 += 1;
    let view = house.accept(&subject(1), &["a"]).await;
    assert_eq!(house.stages()[&1], Stage::Merged);
    house.ledger = None;
    house.side().execute_batch("DROP TABLE young; UPDATE meta SET value = 1 WHERE key = 'format'").unwrap();
    let unread = crate::ledger::check(&house.folder.0).map(|_| ());
    assert!(matches!(unread, Err(OpenError::Older { found: 1, known: 2 })), "{unread:?}");
    house.crash();
    house.is_taken(1, &view).await;
    house.now.0 += 1;
    house.accept(&subject(2), &["a"]).await;
    house.finds(1..=2).await;
    house.prove().await;
}

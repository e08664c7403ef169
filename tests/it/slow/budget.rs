//! The dashboard over a ledger that has grown: every page answers soon and is light, however much stands behind it.
//!
//! The rows are written as they would have grown, without their growing: a million deliveries of twenty agencies, a tenth of them dead
//! letters; `FALAJ_BUDGET_ROWS` asks for another number, such as ten million. Nothing is sent meanwhile, as every agency is paused.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT_ENCODING, COOKIE, SET_COOKIE};
use rusqlite::{Connection, params};

use crate::bus::{ADMIN_KEY, BUSY, Bus, Thing};

/// Deliveries, where nobody asks for another number.
const ROWS: u64 = 1_000_000;
/// What a page may take, from the first byte sent to the last one received, the median of five. A binary that is not optimised takes four
/// to six times as long as one that is.
const TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 900 } else { 300 });
/// What a page may weigh on the wire.
const BYTES: usize = 150 * 1024;
/// A busy machine gets so many chances.
const ROUNDS: usize = 4;
/// Agencies, and how many of them each envelope goes to.
const AGENCIES: u64 = 20;
const FAN_OUT: u64 = 5;
/// Kinds of errors of each agency.
const GROUPS: u64 = 5;

#[tokio::test]
async fn every_page_keeps_its_budget_over_a_grown_ledger() {
    let _alone = BUSY.lock().await;
    let rows = std::env::var("FALAJ_BUDGET_ROWS").map_or(ROWS, |rows| rows.parse().expect("a number of deliveries"));
    let mut builder = Bus::builder();
    for n in 0..AGENCIES {
        builder = builder.agency(&name(n));
    }
    let mut bus = builder.build().await;
    // One real envelope is the pattern of all; its agencies have their numbers by then.
    let first = bus.post(&Thing::new("pattern", 1).noted("x".repeat(600))).await;
    bus.wait_settled(&first.id).await;
    for n in 0..AGENCIES {
        let path = format!("/v1/agencies/{}/pause", name(n));
        let answer = bus.admin.post_json(&path, &serde_json::json!({ "reason": "budget" })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    bus.stop().await;
    let ledger = bus.deployment.data().join("ledger.db");
    let begun = Instant::now();
    let grown = tokio::task::spawn_blocking(move || grow(&ledger, rows)).await.unwrap();
    println!("{rows} deliveries in {:?}: {grown:?}", begun.elapsed());
    bus.start().await;

    let reader = Reader::signs_in(&bus).await;
    // What is written on the pages is what stands in the ledger.
    let overview = reader.text("/dashboard?lang=en").await;
    for figure in [grown.pending, grown.retry, grown.parked, grown.behind] {
        assert!(overview.contains(&grouped(figure)), "{figure} is not on the overview");
    }
    let found = reader.text("/dashboard/find?agency=a03").await;
    let envelope = between(&found, "/dashboard/envelopes/", "\"").to_owned();
    let dead = reader.text("/dashboard/dead-letters?agency=a03").await;
    let group = between(&dead, "group=", "\"").split('&').next().unwrap().to_owned();
    let letters = reader.text(&format!("/dashboard/dead-letters?agency=a03&group={group}")).await;
    let letter = between(&letters, "/dashboard/deliveries/", "\"").to_owned();
    let blocked = reader.text("/dashboard/blocked?agency=a03").await;
    let head = between(&blocked, "/dashboard/deliveries/", "/").to_owned();
    let redrive = serde_json::json!({ "agency": "a04", "group": null, "rate_per_second": 1, "reason": "budget" });
    let job = bus.admin.post_json("/v1/redrives", &redrive).await;
    assert_eq!(job.status, 202, "{}", job.text);
    let job = job.body["id"].as_str().unwrap().to_owned();

    let pages = [
        "/dashboard/sign-in".to_owned(),
        "/dashboard".to_owned(),
        "/dashboard?state=paused&sort=dead".to_owned(),
        "/dashboard/blocked".to_owned(),
        "/dashboard/blocked?agency=a03".to_owned(),
        "/dashboard/dead-letters".to_owned(),
        "/dashboard/dead-letters?agency=a03".to_owned(),
        format!("/dashboard/dead-letters?agency=a03&group={group}"),
        format!("/dashboard/dead-letters?group={group}"),
        "/dashboard/dead-letters?agency=a03&type=qa.test.thing.changed&from=2020-01-01T00:00".to_owned(),
        "/dashboard/redrives".to_owned(),
        format!("/dashboard/redrives/{job}"),
        "/dashboard/redrives/new?agency=a03".to_owned(),
        format!("/dashboard/redrives/new?agency=a03&group={group}"),
        "/dashboard/schedule".to_owned(),
        "/dashboard/schedule?agency=a03".to_owned(),
        "/dashboard/find".to_owned(),
        "/dashboard/find?agency=a03&standing=dead".to_owned(),
        "/dashboard/find?state=failures".to_owned(),
        "/dashboard/find?standing=expired".to_owned(),
        "/dashboard/find?sender=a03".to_owned(),
        "/dashboard/find?from=2020-01-01T00:00&to=2021-01-01T00:00".to_owned(),
        format!("/dashboard/envelopes/{envelope}"),
        format!("/dashboard/envelopes/{envelope}/payload"),
        format!("/dashboard/deliveries/{letter}"),
        format!("/dashboard/deliveries/{head}/release"),
        "/dashboard/agencies/a03/pause".to_owned(),
        "/dashboard/agencies/a03".to_owned(),
        "/dashboard/agencies/a03?range=week".to_owned(),
        "/dashboard/services".to_owned(),
        "/dashboard/services/qa.test.thing.changed".to_owned(),
        "/dashboard/system".to_owned(),
        "/dashboard/audit".to_owned(),
        "/dashboard/audit?actor=nobody".to_owned(),
    ];
    let mut over = Vec::new();
    for page in &pages {
        let mut seen = Vec::new();
        for _ in 0..ROUNDS {
            seen.push(reader.measure(page).await);
            if seen.last().unwrap().0 < TIME {
                break;
            }
        }
        let (time, bytes) = *seen.iter().min().unwrap();
        println!("{:>8.1} ms {bytes:>7} bytes  {page}", time.as_secs_f64() * 1000.0);
        if time >= TIME || bytes > BYTES {
            over.push(format!("{page}: {seen:?}"));
        }
    }
    assert!(over.is_empty(), "over {TIME:?} or {BYTES} bytes:\n{}", over.join("\n"));
    bus.stop().await;
}

fn name(n: u64) -> String {
    format!("a{n:02}")
}

/// What was written, all agencies together.
#[derive(Debug, Default, Clone, Copy)]
struct Grown {
    delivered: u64,
    dead: u64,
    pending: u64,
    retry: u64,
    parked: u64,
    behind: u64,
}

/// Where one delivery stands: out of a hundred, ten are dead, six wait, two are retried, one is parked and one waits behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Delivered,
    Dead,
    Pending,
    Retry,
    Parked,
    Behind,
}

impl Stands {
    fn of(number: u64) -> Self {
        match number % 100 {
            0..10 => Self::Dead,
            10..16 => Self::Pending,
            16..18 => Self::Retry,
            // A hundred deliveries later the same slot goes to the same agency.
            18 if number / 100 % 2 == 1 => Self::Behind,
            18 => Self::Parked,
            _ => Self::Delivered,
        }
    }
}

/// Writes the rows, in the shape that the schema gives them.
fn grow(ledger: &Path, rows: u64) -> Grown {
    let mut connection = Connection::open(ledger).unwrap();
    connection
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA cache_size = -200000")
        .unwrap();
    let write = connection.transaction().unwrap();
    let one = |sql: &str| write.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let (begin, at) = (one("SELECT max(seq) + 1 FROM envelope"), one("SELECT max(at) FROM envelope"));
    let numbers: Vec<i64> =
        (0..AGENCIES).map(|n| one(&format!("SELECT n FROM agency WHERE id = '{}'", name(n)))).collect();
    let mut grown = Grown::default();
    let mut counts = vec![Grown::default(); numbers.len()];
    for group in 0..(AGENCIES * GROUPS) as i64 {
        let row = params![group + 1, 400 + group % 20, format!("field # of # ({group})")];
        write.execute("INSERT INTO error_group VALUES (?1, 2, ?2, ?3)", row).unwrap();
    }
    {
        let prepare = |sql: &str| write.prepare(sql).unwrap();
        let mut envelope = prepare(
            "INSERT INTO envelope SELECT ?1, ?2, sender, type, digest, head, ?3, data FROM envelope WHERE seq = ?4",
        );
        let mut identity = prepare("INSERT INTO identity VALUES (randomblob(16), ?1)");
        let mut lookup = prepare("INSERT OR IGNORE INTO lookup VALUES (?1, ?2)");
        let mut settled = prepare(
            "INSERT INTO settled (seq, slot, agency, lane, state, outcome, attempts, ms, at, by, why) \
             VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, 12, ?7, ?8, ?9)",
        );
        let mut attempt = prepare("INSERT INTO attempt VALUES (?1, ?2, ?3, ?4, 2, ?5, 12, ?6, x'7b7d', 1, NULL)");
        let mut dead = prepare("INSERT INTO dead VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, 0)");
        let mut pending = prepare("INSERT INTO pending VALUES (?1, ?2, ?3, ?4)");
        let mut stuck = prepare(
            "INSERT INTO stuck (agency, lane, seq, slot, state, due_at, since, counted, tried, in_a_row, class, first_at, held_ms, \
             wait_ms, err_class, err_status, err_note, err_at, grp) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 3, 3, 3, 2, ?7, 0, 0, 2, 422, \
             'field 7', ?7, ?8)",
        );
        let mut behind = prepare("INSERT INTO behind VALUES (?1, ?2, ?3, ?4)");
        let mut completed = prepare("INSERT INTO completed VALUES (?1, ?2, ?3)");
        for i in 0..rows / FAN_OUT {
            let seq = begin + i.cast_signed();
            let mut recipients = vec![1_u8];
            let (mut open, mut failed) = (false, false);
            for slot in 0..FAN_OUT {
                let d = i * FAN_OUT + slot;
                // Moves on every two hundred deliveries, so that what waits behind is the same agency's.
                let to = ((i + i / 40 + 4 * slot) % AGENCIES) as usize;
                let stands = Stands::of(d);
                // Lanes with an order are odd; what waits behind is in the lane of a hundred before.
                let lane = 2 * (if stands == Stands::Behind { d - 100 } else { d }).cast_signed() + 1_000_001;
                recipients.extend_from_slice(&u32::try_from(numbers[to]).unwrap().to_le_bytes());
                recipients.extend_from_slice(&lane.to_le_bytes());
                recipients.push(0);
                let (agency, slot) = (numbers[to], slot.cast_signed() + 1);
                let group = (to as u64 * GROUPS + d / 100 % GROUPS).cast_signed() + 1;
                let count = &mut counts[to];
                match stands {
                    Stands::Delivered => {
                        settled
                            .execute(params![seq, slot, agency, lane, 1, 1, at, None::<&str>, None::<&str>])
                            .unwrap();
                        count.delivered += 1;
                    }
                    Stands::Dead => {
                        failed = true;
                        settled
                            .execute(params![seq, slot, agency, lane, 2, 3, at, "falaj", "out of attempts"])
                            .unwrap();
                        for n in 1..=3 {
                            attempt.execute(params![seq, slot, n, at, 400 + group % 20, format!("field {d}")]).unwrap();
                        }
                        dead.execute(params![agency, seq, slot, lane, group, at]).unwrap();
                        count.dead += 1;
                    }
                    Stands::Pending => {
                        pending.execute(params![agency, seq, slot, lane]).unwrap();
                        count.pending += 1;
                    }
                    Stands::Retry | Stands::Parked => {
                        let parked = stands == Stands::Parked;
                        let due = at + (d % 100_000).cast_signed() * 1000;
                        let state = if parked { 4 } else { 1 };
                        let group = parked.then_some(group);
                        stuck.execute(params![agency, lane, seq, slot, state, due, at, group]).unwrap();
                        if parked { count.parked += 1 } else { count.retry += 1 }
                    }
                    Stands::Behind => {
                        behind.execute(params![agency, lane, seq, slot]).unwrap();
                        count.behind += 1;
                    }
                }
                open |= !matches!(stands, Stands::Delivered | Stands::Dead);
            }
            envelope.execute(params![seq, at, recipients, begin - 1]).unwrap();
            identity.execute([seq]).unwrap();
            lookup.execute(params![i.cast_signed() % 5000, seq]).unwrap();
            if !open {
                completed.execute(params![at, seq, failed]).unwrap();
            }
        }
    }
    for (agency, of) in numbers.iter().zip(&counts) {
        for (state, n) in [
            (0, of.pending),
            (1, of.retry),
            (2, of.parked),
            (3, of.behind),
            (4, of.delivered),
            (5, of.dead),
            (11, of.dead),
        ] {
            let row = params![agency, state, n.cast_signed()];
            let sql = "INSERT INTO tally VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET n = n + excluded.n";
            write.execute(sql, row).unwrap();
        }
        grown.delivered += of.delivered;
        grown.dead += of.dead;
        grown.pending += of.pending;
        grown.retry += of.retry;
        grown.parked += of.parked;
        grown.behind += of.behind;
    }
    write.commit().unwrap();
    grown
}

/// Somebody who is signed in and looks at pages.
struct Reader {
    base: String,
    http: reqwest::Client,
    cookie: String,
}

impl Reader {
    async fn signs_in(bus: &Bus) -> Self {
        let base = format!("http://{}", bus.address());
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = format!("key={ADMIN_KEY}");
        let asked = http.post(format!("{base}/dashboard/sign-in")).header("origin", &base).body(form);
        let answer = asked.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { base, http, cookie }
    }

    async fn get(&self, path: &str, encoding: &str) -> (u16, bytes::Bytes) {
        let asked = self.http.get(format!("{}{path}", self.base)).header(COOKIE, &self.cookie);
        let answer = asked.header(ACCEPT_ENCODING, encoding).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    }

    async fn text(&self, path: &str) -> String {
        let (status, body) = self.get(path, "identity").await;
        assert_eq!(status, 200, "{path}");
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// The median of five, and the weight.
    async fn measure(&self, path: &str) -> (Duration, usize) {
        let mut times = [Duration::ZERO; 5];
        let mut weight = 0;
        for time in &mut times {
            let begun = Instant::now();
            let (status, body) = self.get(path, "gzip").await;
            *time = begun.elapsed();
            assert!(matches!(status, 200 | 303), "{path}: {status}");
            weight = body.len();
        }
        times.sort();
        (times[2], weight)
    }
}

/// What stands between two marks of a page, the first time.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("{before} is not in {page}"));
    rest.split(after).next().unwrap()
}

/// A figure as the pages write it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}

//! `falaj bench` in small sizes: every part runs, its figures have their shape and hang together, and nothing stays behind. How fast
//! anything is says nothing here.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::bus::{DEADLINE, Folder, Signal, falaj, falaj_in, signal, until};

/// How long all parts may take: two busy cores and a debug build.
const BENCH: Duration = Duration::from_secs(300);

/// A figure that must be above zero.
fn figure(part: &Value, name: &str) -> f64 {
    let figure = part[name].as_f64().unwrap_or_else(|| panic!("{name} in {part}"));
    assert!(figure > 0.0 && figure.is_finite(), "{name} in {part}");
    figure
}

/// One figure must be the ratio of two others.
fn is_ratio(part: &Value, ratio: &str, of: &str, to: &str) {
    let (ratio, of, to) = (figure(part, ratio), figure(part, of), figure(part, to));
    assert!((ratio - of / to).abs() < 1e-9, "{part}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_measures_what_it_says() {
    let folder = Folder::new("bench");
    let args = "bench --only isolation --only lanes --only backlog --agencies 15 --keys 300 --backlog 50000 \
                --seconds 1 --rounds 1 --json";
    let args: [&str; 18] = args.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
    let output = tokio::time::timeout(BENCH, falaj_in(folder.path(), args)).await.expect("it is bounded in time");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(figures.get("accept").is_none(), "it was not asked for");

    let isolation = &figures["isolation"];
    assert_eq!((&isolation["agencies"], &isolation["healthy"]), (&15.into(), &12.into()));
    assert_eq!(isolation["missing"], 0, "{isolation}");
    is_ratio(isolation, "ratio", "per_s", "clean_per_s");
    is_ratio(isolation, "p99_ratio", "p99_ms", "clean_p99_ms");
    assert!(figure(isolation, "p50_ms") <= figure(isolation, "p99_ms"));

    let lanes = &figures["lanes"];
    assert_eq!((&lanes["keys"], &lanes["poisoned"]), (&300.into(), &3.into()));
    is_ratio(lanes, "ratio", "per_s", "clean_per_s");

    let backlog = &figures["backlog"];
    assert_eq!((&backlog["deliveries"], &backlog["agencies"]), (&50_000.into(), &20.into()));
    is_ratio(backlog, "ratio", "accept_per_s", "empty_per_s");
    is_ratio(backlog, "drain_ratio", "drain_per_s", "rate_per_s");
    // The limit that an agency sets is kept, give or take the tick in which it is looked.
    assert!(figure(backlog, "drain_per_s") < 1.2 * figure(backlog, "rate_per_s"), "{backlog}");
    assert!(figure(backlog, "ready_ms") <= figure(backlog, "first_ms"));
    assert!(figure(backlog, "rss_mib") <= figure(backlog, "peak_mib"));
    figure(backlog, "filled_per_s");

    for part in ["one silent", "blocked", "agencies that are down", "one agency back"] {
        assert!(said.contains(part), "progress tells of {part}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
}

/// The processes that a process has started, whichever of its threads did.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_bench_leaves_nothing_behind() {
    let folder = Folder::new("bench-interrupted");
    let mut command = falaj(["bench", "--only", "backlog", "--backlog", "50000", "--seconds", "60", "--rounds", "1"]);
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut bench = command.spawn().unwrap();
    let lines = BufReader::new(bench.stderr.take().unwrap()).lines();
    // Read to its end, so that nobody waits for a full pipe.
    let said = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let started = until("its peer and its bus run", DEADLINE, || {
        Some(children(bench.id())).filter(|children| children.len() == 2)
    })
    .await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "it works in a folder of its own");
    signal(bench.id(), Signal::Term);
    let status = until("it ends", DEADLINE, || bench.try_wait().unwrap()).await;
    assert!(!status.success(), "there are no figures");
    let gone = |pid: &u32| !std::path::Path::new(&format!("/proc/{pid}")).exists();
    until("what it started is gone", DEADLINE, || started.iter().all(gone).then_some(())).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
    assert!(said.join().unwrap().iter().any(|line| line.contains("interrupted")));
}

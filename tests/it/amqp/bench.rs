//! `falaj bench --amqp` in small: the figures have their shape and hang together, and the virtual host is as empty as before.

use serde_json::{Value, json};

use super::{Node, Place};
use crate::bus::{Folder, falaj_in};

async fn bench(folder: &Folder, url: &str) -> (Option<i32>, Value, String) {
    let output = falaj_in(folder.path(), ["bench", "--amqp", url, "--quick", "--json"]).await;
    let figures = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), figures, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bench_over_the_broker_measures_and_leaves_nothing_behind() {
    let node = Node::shared().await;
    let place = Place::at(node).await;
    let folder = Folder::new("bench-amqp");
    let url = place.url("falaj");

    // It sends in the names of those that it plays, which the broker lets nobody do who is not marked for it.
    let (status, _, said) = bench(&folder, &url).await;
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("impersonator"), "{said}");
    assert!(place.queue("falaj.in").await.is_none(), "what it made is gone again");

    node.ctl(["set_user_tags", &place.name("falaj"), "impersonator"]).await;
    let (status, figures, said) = bench(&folder, &url).await;
    assert_eq!(status, Some(0), "{said}");
    assert!(figures.get("accept").is_none(), "it was not asked for");
    for way in ["in", "out", "flow"] {
        let pair = &figures["amqp"][way];
        let figure = |name: &str| pair[name].as_f64().filter(|figure| *figure > 0.0 && figure.is_finite());
        let all = ["per_s", "limit_per_s", "ratio"].map(figure);
        let [Some(per_s), Some(limit_per_s), Some(ratio)] = all else { panic!("{way}: {pair}") };
        assert!((ratio - per_s / limit_per_s).abs() < 1e-9, "{way}: {pair}");
    }
    for queue in ["falaj.in", "falaj.out.agency-1", "falaj.quarantine"] {
        assert!(place.queue(queue).await.is_none(), "{queue} is still there");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "and its folder too");

    // Where a bus works it begins nothing.
    place.declare_queue("falaj.in", json!({ "x-queue-type": "quorum" })).await;
    let (status, _, said) = bench(&folder, &url).await;
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("has a queue falaj.in already"), "{said}");
    assert!(place.queue("falaj.in").await.is_some(), "it is not the bench's");
}

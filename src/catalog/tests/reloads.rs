use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::deployment::Deployment;
use crate::catalog::Current;
use crate::catalog::reload::{Turn, Watcher};
use crate::model::time::At;

fn watcher(deployment: &Deployment) -> (Watcher, Current) {
    let current: Current = Arc::new(arc_swap::ArcSwap::from_pointee(deployment.load()));
    let watcher = Watcher::new(deployment.root.clone(), Arc::clone(&current), At(1)).settle(Duration::ZERO);
    (watcher, current)
}

#[tokio::test]
async fn a_changed_deployment_is_taken_up_as_a_whole() {
    let deployment = Deployment::plain();
    let (mut watcher, current) = watcher(&deployment);
    let reloads = watcher.reloads();
    let mut changes = reloads.subscribe();
    let first = current.load_full().revision.clone();
    assert_eq!(watcher.turn(false, At(2)).await, Turn::Unchanged);
    assert_eq!(reloads.state().loaded_at, At(1));

    deployment.moi("in_flight = 4", "in_flight = 8");
    assert_eq!(watcher.turn(false, At(3)).await, Turn::TakenUp);
    assert_eq!(watcher.turn(false, At(4)).await, Turn::Unchanged);
    assert!(changes.has_changed().unwrap());
    let state = changes.borrow_and_update().clone();
    assert_eq!((state.loaded_at, state.refused.is_none()), (At(3), true));
    assert_eq!(state.revision, current.load().revision);
    assert_ne!(state.revision, first);
}

#[tokio::test]
async fn a_wrong_deployment_never_replaces_a_right_one() {
    let deployment = Deployment::plain();
    let (mut watcher, current) = watcher(&deployment);
    let reloads = watcher.reloads();
    let first = current.load_full().revision.clone();
    deployment.moi("in_flight = 4", "in_flight = 0");
    assert_eq!(watcher.turn(false, At(2)).await, Turn::Refused);
    assert_eq!(watcher.turn(false, At(3)).await, Turn::Unchanged);
    let refused = reloads.state().refused.unwrap();
    assert_eq!(refused[0].line, Some(9));
    assert_eq!((reloads.state().revision, reloads.state().loaded_at), (first.clone(), At(1)));
    assert_eq!(current.load().revision, first);
    // Asked for by hand, it is tried again, and still refused.
    assert_eq!(watcher.turn(true, At(4)).await, Turn::Refused);

    deployment.moi("in_flight = 0", "in_flight = 4");
    assert_eq!(watcher.turn(false, At(5)).await, Turn::TakenUp);
    assert_eq!(reloads.state().refused, None);
    assert_eq!(current.load().revision, first);
}

#[tokio::test]
async fn a_replaced_secret_is_noticed_and_so_is_one_that_was_missing() {
    let deployment = Deployment::plain();
    let secret = |byte: char| format!("whsec_{}\n", String::from(byte).repeat(44));
    deployment.write("secrets/moi", &secret('A'));
    deployment.moi("timeout = \"5s\"", "timeout = \"5s\"\nsecret = { file = \"secrets/moi\" }");
    let (mut watcher, current) = watcher(&deployment);
    let bytes = |current: &Current| {
        let catalog = current.load_full();
        let moi = catalog.agencies().next().unwrap();
        moi.delivery.as_ref().unwrap().webhook.as_ref().unwrap().secrets[0].bytes().to_vec()
    };
    let first = bytes(&current);
    let revision = current.load().revision.clone();
    deployment.write("secrets/moi", &secret('B'));
    assert_eq!(watcher.turn(false, At(2)).await, Turn::TakenUp);
    assert_ne!(bytes(&current), first);
    // The revision names the deployment; it says nothing about a secret.
    assert_eq!(current.load().revision, revision);

    deployment.moi("secrets/moi", "secrets/new");
    assert_eq!(watcher.turn(false, At(3)).await, Turn::Refused);
    deployment.write("secrets/new", &secret('C'));
    assert_eq!(watcher.turn(false, At(4)).await, Turn::TakenUp);
}

#[tokio::test]
async fn keys_are_looked_at_on_every_turn_whatever_the_deployment_is_like() {
    let deployment = Deployment::plain();
    let looks = Arc::new(AtomicUsize::new(0));
    let (watcher, _current) = watcher(&deployment);
    let count = Arc::clone(&looks);
    let mut watcher = watcher.each_poll(move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) != 1, "the second look fails");
    });
    deployment.moi("[agency]", "[agency");
    assert_eq!(watcher.turn(false, At(2)).await, Turn::Refused);
    assert_eq!(watcher.turn(false, At(3)).await, Turn::Unchanged);
    assert_eq!(watcher.turn(false, At(4)).await, Turn::Unchanged);
    assert_eq!(looks.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn it_runs_until_it_is_told_to_stop_and_listens() {
    let deployment = Deployment::plain();
    let (watcher, current) = watcher(&deployment);
    let reloads = watcher.reloads();
    let mut changes = reloads.subscribe();
    let cancel = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(watcher.run(|| At(9), cancel.clone()));
    reloads.reload_now();
    changes.changed().await.unwrap();
    assert_eq!(changes.borrow_and_update().loaded_at, At(9));
    deployment.moi("in_flight = 4", "in_flight = 8");
    reloads.reload_now();
    changes.changed().await.unwrap();
    assert_eq!(changes.borrow().revision, current.load().revision);
    cancel.cancel();
    running.await.unwrap();
}

use std::time::{Duration, Instant};

use axum::body::Body;
use falaj::http::Settings;
use falaj::model::delivery::Finished;
use falaj::model::outcome::Report;
use futures_util::StreamExt;

use super::door::{Door, event, request};

const CITIZEN: &str = "28400000001";
/// Longer than any test takes: only a ring can end the wait in time.
const NEVER: Duration = Duration::from_secs(600);
const DEADLINE: Duration = Duration::from_secs(20);

async fn posted(door: &Door) -> String {
    let receipt = door.post("portal", &event("1", CITIZEN)).await.json();
    format!("/v1/envelopes/{}", receipt["id"].as_str().unwrap())
}

async fn settle_all(door: &Door) {
    for agency in ["moi", "municipality", "utilities"] {
        door.settle(agency, Finished::Delivered, Report::default()).await;
    }
}

#[tokio::test]
async fn a_long_poll_answers_when_the_envelope_is_settled() {
    let door = Door::with(Settings { recheck: NEVER, ..Settings::default() });
    let path = posted(&door).await + "?wait=60s";
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(door.get("portal", &path), async {
        tokio::task::yield_now().await;
        settle_all(&door).await;
    });
    assert_eq!(answer.json()["state"], "completed");
    assert!(begun.elapsed() < DEADLINE, "it waited for its time instead of the bell");
    let again = door.get("portal", &path).await;
    assert_eq!(again.json()["state"], "completed", "what is settled is answered at once");
}

#[tokio::test]
async fn a_long_poll_ends_in_time_and_with_the_process() {
    let door = Door::with(Settings { recheck: NEVER, ..Settings::default() });
    let path = posted(&door).await;
    let answer = door.get("portal", &format!("{path}?wait=50ms")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (200, &"open".into()));
    for query in ["wait=soon", "wait=-1s", "wait", "wiat=1s"] {
        assert_eq!(door.get("portal", &format!("{path}?{query}")).await.status, 400, "{query}");
    }
    let begun = Instant::now();
    let long = format!("{path}?wait=60s");
    let (answer, ()) = tokio::join!(door.get("portal", &long), async { door.closing.cancel() });
    assert_eq!(answer.json()["state"], "open");
    assert!(begun.elapsed() < DEADLINE);
}

#[tokio::test]
async fn a_revoked_key_ends_its_watch() {
    let door = Door::with(Settings { recheck: Duration::from_millis(20), ..Settings::default() });
    let path = posted(&door).await;
    let (poll, stream) = (format!("{path}?wait=60s"), format!("{path}/events"));
    let (poll, stream, ()) = tokio::join!(door.get("portal", &poll), door.get("portal", &stream), async {
        tokio::task::yield_now().await;
        door.keys.replace(&[]);
    });
    assert_eq!(poll.status, 401);
    assert_eq!(stream.status, 200, "it began, and it ended");
}

#[tokio::test]
async fn watches_are_bounded() {
    let door = Door::with(Settings { watches_max: 0, ..Settings::default() });
    let path = posted(&door).await;
    for path in [format!("{path}?wait=1s"), format!("{path}/events")] {
        let answer = door.get("portal", &path).await;
        assert_eq!((answer.status.as_u16(), &answer.headers["retry-after"]), (503, &"5".parse().unwrap()));
    }
    assert_eq!(door.get("portal", &path).await.status, 200, "looking is not watching");
}

#[tokio::test]
async fn a_stream_tells_each_change_and_ends_with_the_last() {
    use tower::ServiceExt as _;
    let door = Door::with(Settings { recheck: NEVER, heartbeat: Duration::from_millis(100), ..Settings::default() });
    let path = posted(&door).await + "/events";
    assert_eq!(door.get("stranger", &path).await.status, 404);
    let request = request("GET", &path, Some("portal")).body(Body::empty()).unwrap();
    let response = door.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    let mut read_until = async |mark: &str| {
        let begun = Instant::now();
        while !text.contains(mark) {
            assert!(begun.elapsed() < DEADLINE, "waited in vain for {mark} in\n{text}");
            match stream.next().await {
                Some(piece) => text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap()),
                None => return text.clone(),
            }
        }
        text.clone()
    };
    read_until("id: 1\n").await;
    read_until(": alive\n").await;
    door.settle("moi", Finished::Delivered, Report::default()).await;
    read_until("id: 2\n").await;
    door.settle("municipality", Finished::Delivered, Report::default()).await;
    door.settle("utilities", Finished::Delivered, Report::default()).await;
    let all = read_until("never said").await;
    let events: Vec<serde_json::Value> = all
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert!(all.starts_with("event: status\n"), "{all}");
    assert_eq!(events.first().unwrap()["state"], "open");
    assert_eq!(events.last().unwrap()["state"], "completed");
    assert!((3..=4).contains(&events.len()), "two changes may be told as one: {all}");
}

//! Sends notices, in order, each a bounded number of times.
//!
//! The way out is the webhook connector itself: signed by the same rules, within the same timeout, past the same egress guard.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{error, warn};

use super::condition::Alarm;
use super::notice;
use crate::clock::Clock;
use crate::connector::{Connector, Parcel};
use crate::model::delivery::DeliveryKey;
use crate::model::id::{AgencyId, DeliveryId, Seq, Slot};
use crate::model::outcome::Class;

/// Notices that may wait; what comes on top of them is only logged.
pub const WAITING_MAX: usize = 256;
/// Waits between the tries of one notice; there are no more after them.
const WAITS: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(10 * 60),
];
/// The longest wait that a receiver can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10 * 60);

/// Where notices are handed in.
#[derive(Debug, Clone)]
pub struct Outbox(mpsc::Sender<Alarm>);

/// Sends what is handed in.
#[derive(Debug)]
pub struct Postman {
    notices: mpsc::Receiver<Alarm>,
    connector: Arc<dyn Connector>,
    clock: Clock,
}

impl Outbox {
    /// Hands a notice in; never waits.
    pub fn put(&self, alarm: Alarm) {
        if let Err(refused) = self.0.try_send(alarm) {
            let alarm = refused.into_inner();
            error!(
                condition = alarm.condition.as_str(),
                "too many notices wait for the receiver of alarms; one is lost"
            );
        }
    }
}

impl Postman {
    /// An outbox, and who empties it.
    pub fn new(connector: Arc<dyn Connector>, clock: Clock) -> (Outbox, Self) {
        let (sender, notices) = mpsc::channel(WAITING_MAX);
        (Outbox(sender), Self { notices, connector, clock })
    }

    /// Sends until nobody hands anything in any more.
    pub async fn run(mut self) {
        while let Some(alarm) = self.notices.recv().await {
            self.send(&alarm).await;
        }
    }

    async fn send(&self, alarm: &Alarm) {
        let mut random = [0; 10];
        if aws_lc_rs::rand::fill(&mut random).is_err() {
            warn!("no random bits: the id of a notice is its time alone");
        }
        let id = notice::event_id(alarm.at, random);
        let message = notice::message(alarm, id);
        let mut waits = WAITS.into_iter();
        for attempt in 1.. {
            let parcel = Parcel {
                message: message.clone(),
                webhook_id: DeliveryId::from_uuid(id),
                id: DeliveryId::from_uuid(id),
                key: DeliveryKey { agency: own_name(), seq: Seq(0), slot: Slot(0) },
                attempt,
                // Rises from notice to notice about the same thing, as a receiver that minds order wants it.
                sequence: alarm.at.0.cast_unsigned(),
                gap: None,
                redrive: false,
                trace: None,
                correlation_id: None,
                now: self.clock.now(),
            };
            let outcome = self.connector.send(&parcel).await;
            if outcome.class == Class::Done {
                return;
            }
            let Some(wait) = waits.next() else {
                error!(
                    condition = alarm.condition.as_str(),
                    note = outcome.note,
                    attempt,
                    "a notice of an alarm is given up"
                );
                return;
            };
            warn!(condition = alarm.condition.as_str(), note = outcome.note, attempt, "a notice of an alarm failed");
            self.clock.sleep(wait.max(outcome.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))).await;
        }
    }
}

/// Who sends a notice, where a delivery has its agency.
fn own_name() -> AgencyId {
    AgencyId::parse("falaj").expect("a name of letters is an agency id")
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Mutex;

    use super::super::condition::Condition;
    use super::*;
    use crate::model::outcome::{Outcome, Report};
    use crate::model::time::At;

    /// Fails so many times, then takes everything.
    #[derive(Debug)]
    struct Receiver(Mutex<(usize, Vec<(String, u32)>)>);

    impl Connector for Receiver {
        fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
            let (failures, got) = &mut *self.0.lock().unwrap();
            got.push((parcel.webhook_id.to_string(), parcel.attempt));
            let class = if *failures > 0 { Class::EndpointFault } else { Class::Done };
            *failures = failures.saturating_sub(1);
            let note = "status 500".to_owned();
            let outcome =
                Outcome { class, status: None, retry_after: None, report: Report::default(), note, answer: vec![] };
            Box::pin(std::future::ready(outcome))
        }
    }

    fn alarm(at: i64) -> Alarm {
        Alarm {
            agency: None,
            condition: Condition::DiskLow,
            raised: true,
            since: At(at),
            at: At(at),
            value: 1,
            limit: 2,
        }
    }

    async fn run(failures: usize) -> Vec<(String, u32)> {
        let clock = Clock::manual(At(1_000));
        let receiver = Arc::new(Receiver(Mutex::new((failures, Vec::new()))));
        let (outbox, postman) = Postman::new(Arc::clone(&receiver) as Arc<dyn Connector>, clock.clone());
        outbox.put(alarm(1));
        outbox.put(alarm(2));
        drop(outbox);
        let running = tokio::spawn(postman.run());
        while !running.is_finished() {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(60));
        }
        let got = receiver.0.lock().unwrap();
        got.1.clone()
    }

    #[tokio::test]
    async fn a_notice_is_tried_again_under_its_id_and_in_order() {
        let got = run(2).await;
        let attempts: Vec<u32> = got.iter().map(|(_, attempt)| *attempt).collect();
        assert_eq!(attempts, [1, 2, 3, 1]);
        assert!(got[0].0 == got[2].0 && got[2].0 != got[3].0);
    }

    #[tokio::test]
    async fn a_receiver_as_agencies_have_them_takes_notices_and_finds_them_signed_and_in_order() {
        use crate::connector::egress::Egress;
        use crate::connector::webhook::{WebhookClient, WebhookTarget};
        use crate::mock::{Mock, MockOptions};
        use crate::model::secret::Secret;
        let clock = Clock::manual(At(1_700_000_000_000));
        let secrets = vec![Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()];
        let options = MockOptions { secrets: secrets.clone(), clock: clock.clone(), ..MockOptions::default() };
        let mock = Mock::start(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        let target = |url| WebhookTarget { url, secrets: secrets.clone(), timeout: Duration::from_secs(20) };
        let connector = WebhookClient::new(Egress::default()).unwrap().connector(target(mock.url()));
        let (outbox, postman) = Postman::new(Arc::new(connector), clock.clone());
        outbox.put(alarm(1_700_000_000_000));
        outbox.put(Alarm { raised: false, ..alarm(1_700_000_060_000) });
        drop(outbox);
        postman.run().await;
        let stats = mock.stop().await;
        assert_eq!((stats.distinct, stats.bad_signatures, stats.inversions), (2, 0, 0), "{stats:?}");
    }

    #[tokio::test]
    async fn a_receiver_that_is_gone_is_left_alone_in_the_end() {
        let got = run(usize::MAX).await;
        assert_eq!(got.len(), 2 * (WAITS.len() + 1));
    }
}

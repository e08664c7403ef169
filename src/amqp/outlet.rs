//! Publishing: persistent, mandatory, confirmed, many at once, each with a time limit.
//!
//! Every target has an [`Outlet`] with a channel of its own, so that a queue that does not confirm holds up no other. O1: a message
//! is told *confirmed* only if the broker confirmed this very message and did not return it. O2: at most so many messages of one
//! outlet are unconfirmed, those that nobody waits for any more included. O3: whatever is neither confirmed, nor refused, nor
//! returned is *unknown*, and may be in its queue.
//!
//! Returned messages come from the library attached to whichever confirmation is dealt with next, not to their own (seen in
//! lapin 4.12): an outlet therefore takes all confirmations that are there before it tells any of them, and matches by
//! `message_id`. What it cannot match counts for all that are unconfirmed: they are published again.
//!
//! A refusal may be the channel's own: RabbitMQ 3.10 refuses everything, for good, on a channel that first published while the node of
//! its queue's leader was gone, also when another node leads long since. So a channel that refused is not kept.
//!
//! What is done for one message does not grow with how many are under way: a confirmation wakes its own message alone.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::{info, warn};

use super::fault;
use super::figures::{Figures, Published};
use super::link::{Link, Live};
use super::message::Outgoing;
use super::state::{State, Way};

/// Unconfirmed messages that nobody waits for any more, beyond which their channel is given up.
const ABANDONED_MAX: usize = 16;
/// How long closing a channel may take.
const CLOSING: Duration = Duration::from_secs(2);
/// The age from which a channel that refused a message gives way to a new one.
const STALE: Duration = Duration::from_secs(4);

/// Why a message is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishFault {
    /// There is no connection; nothing was sent.
    #[error("the broker is not connected: {0}")]
    Down(State),
    /// The broker takes nothing now; nothing was sent, or it is not known.
    #[error("the broker takes nothing now")]
    Blocked,
    /// The broker refused it: the queue is full.
    #[error("the queue takes no more")]
    Nacked,
    /// No queue takes it.
    #[error("the queue is missing")]
    Returned,
    /// The exchange is missing, or Falaj may not publish to it.
    #[error("the exchange is {0}")]
    Place(State),
    /// Nothing was heard of it in time, or the connection was lost: it may be in its queue.
    #[error("not confirmed: {0}")]
    Unknown(&'static str),
}

type Answer = oneshot::Sender<Result<(), PublishFault>>;
/// Publishes a message, and says by its number what became of it.
type Confirming = Pin<Box<dyn Future<Output = (u64, lapin::Result<Confirmation>)> + Send>>;

/// Publishes over one link. Clones share it.
#[derive(Debug, Clone)]
pub struct Publisher {
    link: Link,
    figures: Figures,
    outlets: Arc<Mutex<HashMap<String, mpsc::WeakSender<Request>>>>,
}

/// The way to one queue. Clones share its channel; it ends when the last of them goes.
#[derive(Debug, Clone)]
pub struct Outlet {
    requests: mpsc::Sender<Request>,
    link: Link,
}

#[derive(Debug)]
struct Request {
    message: Outgoing,
    until: Instant,
    answer: Answer,
}

impl Publisher {
    /// Publishes over `link`.
    pub fn new(link: Link, figures: Figures) -> Self {
        Self { link, figures, outlets: Arc::default() }
    }

    /// The link.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The outlet for the queue of a name. Needs a runtime, where it begins.
    pub fn outlet(&self, queue: &str) -> Outlet {
        let mut outlets = self.outlets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(requests) = outlets.get(queue).and_then(mpsc::WeakSender::upgrade) {
            return Outlet { requests, link: self.link.clone() };
        }
        outlets.retain(|_, requests| requests.strong_count() > 0);
        let in_flight = self.link.settings().in_flight;
        let (requests, received) = mpsc::channel(in_flight);
        outlets.insert(queue.to_owned(), requests.downgrade());
        let driver = Driver {
            queue: queue.to_owned(),
            link: self.link.clone(),
            figures: self.figures.clone(),
            open: None,
            pending: Pending::default(),
            in_flight,
            wrong: None,
        };
        tokio::spawn(driver.run(received));
        Outlet { requests, link: self.link.clone() }
    }
}

impl Outlet {
    /// Publishes a message and waits for the broker's confirmation, within the link's own limit and `limit`.
    pub async fn publish(&self, message: Outgoing, limit: Duration) -> Result<(), PublishFault> {
        let until = Instant::now() + limit.min(self.link.settings().publish_timeout);
        let down = |link: &Link| PublishFault::Down(link.status().connection().state);
        match self.link.status().connection().state {
            State::Connected => {}
            State::Blocked => return Err(PublishFault::Blocked),
            state => return Err(PublishFault::Down(state)),
        }
        let (answer, told) = oneshot::channel();
        let request = Request { message, until, answer };
        match timeout_at(until, self.requests.send(request)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(down(&self.link)),
            // Nothing was sent: others are in front.
            Err(_elapsed) => return Err(self.unheard("the outlet is busy")),
        }
        // The driver answers by then; the margin is for a machine that is short of time.
        match timeout_at(until + CLOSING, told).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => Err(down(&self.link)),
            Err(_elapsed) => Err(self.unheard(fault::TIMEOUT)),
        }
    }

    /// The way that its messages take.
    pub fn way(&self) -> Way {
        self.link.status().way()
    }

    /// Nothing was heard in time; if the broker blocks, that is why.
    fn unheard(&self, what: &'static str) -> PublishFault {
        match self.link.status().connection().state {
            State::Blocked => PublishFault::Blocked,
            _ => PublishFault::Unknown(what),
        }
    }
}

/// A channel in confirm mode.
struct Open {
    epoch: u64,
    channel: Channel,
    since: Instant,
    /// Whether the broker refused a message on it.
    refused: bool,
}

/// One message on its way to its confirmation.
struct Sent {
    exchange: &'static str,
    message_id: String,
    until: Instant,
    /// `None`: nobody waits for it any more.
    answer: Option<Answer>,
}

/// What a confirmation said, before it is told.
struct Heard {
    sent: Sent,
    said: lapin::Result<Confirmation>,
}

/// Everything that is unconfirmed.
#[derive(Default)]
struct Pending {
    confirming: FuturesUnordered<Confirming>,
    /// By number.
    sent: HashMap<u64, Sent>,
    numbered: u64,
    /// No time limit that somebody waits for is earlier; the message that it was may be confirmed by now.
    next_until: Option<Instant>,
}

impl Pending {
    fn len(&self) -> usize {
        self.sent.len()
    }

    /// Takes one more, which leaves at the next look.
    fn add(&mut self, sent: Sent, confirming: impl Future<Output = lapin::Result<Confirmation>> + Send + 'static) {
        self.numbered += 1;
        let number = self.numbered;
        self.next_until = Some(self.next_until.map_or(sent.until, |until| until.min(sent.until)));
        self.sent.insert(number, sent);
        self.confirming.push(Box::pin(async move { (number, confirming.await) }));
    }

    /// All confirmations that are there, and with each of them all that the library dealt with before it: those were woken before it.
    /// Each look sends what was not sent yet.
    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Heard>> {
        let mut heard = Vec::new();
        while let Poll::Ready(Some((number, said))) = self.confirming.poll_next_unpin(cx) {
            heard.extend(self.sent.remove(&number).map(|sent| Heard { sent, said }));
        }
        if heard.is_empty() { Poll::Pending } else { Poll::Ready(heard) }
    }

    fn abandoned(&self) -> usize {
        self.sent.values().filter(|sent| sent.answer.is_none()).count()
    }

    /// Finds the next time limit that somebody waits for.
    fn look_ahead(&mut self) {
        self.next_until = self.sent.values().filter(|sent| sent.answer.is_some()).map(|sent| sent.until).min();
    }
}

enum Event {
    Heard(Vec<Heard>),
    /// New ones; none at the end.
    Requests(Vec<Request>),
    Late,
}

/// Owns the channel of one outlet.
struct Driver {
    queue: String,
    link: Link,
    figures: Figures,
    open: Option<Open>,
    pending: Pending,
    in_flight: usize,
    /// The exchange that refused a message since one was confirmed.
    wrong: Option<&'static str>,
}

impl Driver {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut ended = false;
        while !(ended && self.pending.len() == 0) {
            match self.next(&mut requests, ended).await {
                Event::Heard(heard) => self.tell(heard),
                Event::Requests(requests) => {
                    ended = requests.is_empty();
                    for request in requests {
                        self.send(request).await;
                    }
                }
                Event::Late => self.give_up(),
            }
        }
        if let Some(open) = self.open.take() {
            let _closed = timeout(CLOSING, open.channel.close(200, "done".into())).await;
        }
    }

    async fn next(&mut self, requests: &mut mpsc::Receiver<Request>, ended: bool) -> Event {
        let until = self.pending.next_until;
        // Keeps O2.
        let room = self.in_flight.saturating_sub(self.pending.len());
        let pending = &mut self.pending;
        let mut taken = Vec::new();
        tokio::select! {
            biased;
            heard = std::future::poll_fn(|cx| pending.poll_heard(cx)) => Event::Heard(heard),
            _count = requests.recv_many(&mut taken, room), if room > 0 && !ended => Event::Requests(taken),
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => Event::Late,
        }
    }

    /// Begins to publish; it leaves at the next look at what is pending.
    async fn send(&mut self, request: Request) {
        let Request { message, until, answer } = request;
        let channel = match timeout_at(until, self.channel()).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(fault)) => return self.answer(answer, Err(fault)),
            Err(_elapsed) => return self.answer(answer, Err(PublishFault::Unknown(fault::TIMEOUT))),
        };
        let properties = message.properties(self.link.settings().address.user());
        let Outgoing { exchange, routing_key, message_id, body, .. } = message;
        let confirming = async move {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let key = routing_key.as_str().into();
            channel.basic_publish(exchange.into(), key, options, &body, properties).await?.await
        };
        self.pending.add(Sent { exchange, message_id, until, answer: Some(answer) }, confirming);
    }

    /// The channel on the connection as it is now.
    async fn channel(&mut self) -> Result<Channel, PublishFault> {
        let down = |link: &Link| PublishFault::Down(link.status().connection().state);
        let Some(Live { epoch, connection }) = self.link.live() else { return Err(down(&self.link)) };
        if let Some(stale) = self.open.take_if(|open| open.refused && open.since.elapsed() >= STALE) {
            // What is still on it is told, or given up, by then.
            let limit = self.link.settings().publish_timeout + CLOSING;
            tokio::spawn(async move {
                sleep(limit).await;
                timeout(CLOSING, stale.channel.close(200, "refused".into())).await
            });
        }
        if let Some(open) = self.open.as_ref().filter(|open| open.epoch == epoch && open.channel.status().connected()) {
            return Ok(open.channel.clone());
        }
        self.open = None;
        let opened = async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok::<_, lapin::Error>(channel)
        };
        match opened.await {
            Ok(channel) => {
                self.open = Some(Open { epoch, channel: channel.clone(), since: Instant::now(), refused: false });
                Ok(channel)
            }
            Err(_) => Err(down(&self.link)),
        }
    }

    /// Tells what was heard. Keeps O1.
    fn tell(&mut self, heard: Vec<Heard>) {
        let mut returned = Vec::new();
        let heard: Vec<(Sent, Result<(), PublishFault>)> = heard
            .into_iter()
            .map(|Heard { sent, said }| {
                let verdict = match said {
                    Ok(Confirmation::Ack(message)) => {
                        returned.extend(message.map(|message| message_id(&message)));
                        Ok(())
                    }
                    Ok(Confirmation::Nack(message)) => {
                        returned.extend(message.map(|message| message_id(&message)));
                        Err(PublishFault::Nacked)
                    }
                    // Without confirm mode nobody knows.
                    Ok(Confirmation::NotRequested) => Err(PublishFault::Unknown("not confirmed")),
                    Err(error) => Err(self.lost(&error, sent.exchange)),
                };
                (sent, verdict)
            })
            .collect();
        let known =
            |id: &Option<String>| id.as_ref().is_some_and(|id| heard.iter().any(|(sent, _)| sent.message_id == *id));
        let unmatched = returned.iter().any(|id| !known(id));
        if !returned.is_empty() && self.link.status().mark(&self.queue, State::Missing) {
            warn!(queue = self.queue, "the broker returned a message: its queue is missing");
        }
        for (sent, verdict) in heard {
            let is_returned = unmatched || returned.iter().flatten().any(|id| *id == sent.message_id);
            let verdict = if is_returned && verdict.is_ok() { Err(PublishFault::Returned) } else { verdict };
            if verdict == Err(PublishFault::Nacked)
                && let Some(open) = &mut self.open
            {
                open.refused = true;
            }
            if let Some(answer) = sent.answer {
                self.answer(answer, verdict);
            }
        }
        if unmatched {
            // One of those that are unconfirmed may be the one.
            for sent in self.pending.sent.values_mut() {
                if let Some(answer) = sent.answer.take() {
                    self.figures.published(Published::Returned);
                    let _nobody_waits = answer.send(Err(PublishFault::Returned));
                }
            }
        }
    }

    /// What an error of the channel means for a message to an exchange on it.
    fn lost(&mut self, error: &lapin::Error, exchange: &'static str) -> PublishFault {
        match fault::of_place(error) {
            Some(state) => {
                self.wrong = Some(exchange);
                if self.link.status().mark(exchange, state) {
                    warn!(exchange, state = state.as_str(), "the broker refused to publish");
                }
                PublishFault::Place(state)
            }
            None => PublishFault::Unknown("the connection was lost"),
        }
    }

    fn answer(&mut self, answer: Answer, verdict: Result<(), PublishFault>) {
        self.figures.published(match &verdict {
            Ok(()) => Published::Confirmed,
            Err(PublishFault::Nacked) => Published::Nacked,
            Err(PublishFault::Returned | PublishFault::Place(_)) => Published::Returned,
            Err(_) => Published::Unknown,
        });
        if verdict.is_ok() {
            if let Some(exchange) = self.wrong.take()
                && self.link.status().clear(exchange)
            {
                info!(exchange, "the broker takes messages for the exchange again");
            }
            if self.link.status().clear(&self.queue) {
                info!(queue = self.queue, "the broker takes messages for the queue again");
            }
        }
        let _nobody_waits = answer.send(verdict);
    }

    /// Time limits have passed: whoever waits is told, and a channel that does not confirm any more is given up.
    fn give_up(&mut self) {
        let now = Instant::now();
        let blocked = self.link.status().connection().state == State::Blocked;
        for sent in self.pending.sent.values_mut().filter(|sent| sent.until <= now) {
            if let Some(answer) = sent.answer.take() {
                self.figures.published(Published::Unknown);
                let fault = if blocked { PublishFault::Blocked } else { PublishFault::Unknown(fault::TIMEOUT) };
                let _nobody_waits = answer.send(Err(fault));
            }
        }
        self.pending.look_ahead();
        let abandoned = self.pending.abandoned();
        let limit = ABANDONED_MAX.min(self.in_flight);
        if abandoned >= limit
            && let Some(open) = self.open.take()
        {
            warn!(queue = self.queue, abandoned, "the broker does not confirm; its channel is given up");
            // What is on it fails with it, and is told as unknown.
            tokio::spawn(async move { timeout(CLOSING, open.channel.close(200, "silent".into())).await });
        }
    }
}

fn message_id(message: &lapin::message::BasicReturnMessage) -> Option<String> {
    message.properties.message_id().as_ref().map(|id| id.as_str().to_owned())
}

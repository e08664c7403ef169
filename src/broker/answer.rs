//! Answers: the same receipts and problems as over HTTP, to the agency's own queue (B5).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tracing::{debug, info, warn};

use super::reader::Verdict;
use super::start::Door;
use crate::amqp::figures::Consumed;
use crate::amqp::{Incoming, Outgoing, Outlet, PublishFault, Publisher, Value, names};
use crate::http::error::Problem;
use crate::model::id::AgencyId;
use crate::model::text::Language;

/// How long an answer may take. A receipt is not worth more: whoever misses it sends again and gets it.
const LIMIT: Duration = Duration::from_secs(5);
/// Pointers of a refusal that are logged.
const POINTERS_MAX: usize = 8;

/// What an answer needs of the message that it answers.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Whether its sender wants one.
    wants: bool,
    correlation_id: Option<String>,
    language: Language,
}

impl Asked {
    /// Reads it off a message.
    pub(super) fn of(message: &Incoming) -> Self {
        let correlation_id = message.correlation_id().or(message.message_id()).map(str::to_owned);
        let language = Language::accepted(message.header("accept-language"));
        Self { wants: message.wants_answer(), correlation_id, language }
    }
}

/// Where answers go: a channel for each agency that has asked for any.
#[derive(Debug)]
pub(super) struct Replies {
    publisher: Publisher,
    outlets: Mutex<HashMap<AgencyId, Outlet>>,
}

impl Replies {
    pub(super) fn new(publisher: Publisher) -> Self {
        Self { publisher, outlets: Mutex::default() }
    }

    fn outlet(&self, agency: &AgencyId) -> Outlet {
        let mut outlets = self.outlets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outlet) = outlets.get(agency) {
            return outlet.clone();
        }
        let outlet = self.publisher.outlet(&names::reply_queue(agency));
        outlets.insert(agency.clone(), outlet.clone());
        outlet
    }
}

impl Door {
    /// Sends a receipt or a status, if it is wanted. It may be missed: whatever it says is in the ledger.
    pub(super) async fn answer(&self, agency: &AgencyId, asked: &Asked, status: u16, answer: &impl Serialize) {
        if !asked.wants {
            return;
        }
        let Ok(body) = serde_json::to_vec(answer) else { return };
        if let Err(fault) = self.reply(agency, asked, status, "application/json", body).await {
            info!(%agency, %fault, "an answer did not reach the agency's queue");
        }
    }

    /// Refuses a message: its sender is told, if it wants to be and can be told; else it goes to the quarantine (B4).
    pub(super) async fn refuse(&self, agency: Option<&AgencyId>, asked: &Asked, problem: Problem) -> Verdict {
        let status = problem.status().as_u16();
        let who = agency.map_or("nobody", AgencyId::as_str);
        if let Some(agency) = agency.filter(|_| asked.wants) {
            let written = problem.written(asked.language, None);
            let body = serde_json::to_vec(&written).expect("a problem is plain JSON");
            match self.reply(agency, asked, status, "application/problem+json", body).await {
                Ok(()) => {
                    debug!(agency = who, status, kind = problem.kind().urn(), "refused a message");
                    return Verdict::Done(Consumed::Refused);
                }
                Err(fault) => info!(%agency, %fault, "a problem did not reach the agency's queue"),
            }
        }
        // Pointers are names: nothing of the message itself.
        let pointers: Vec<&str> = problem.pointers().take(POINTERS_MAX).collect();
        let kind = problem.kind().urn();
        warn!(agency = who, status, kind, ?pointers, "a message is refused, and nobody waits to hear it: quarantine");
        Verdict::Quarantine
    }

    async fn reply(
        &self,
        agency: &AgencyId,
        asked: &Asked,
        status: u16,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), PublishFault> {
        let message = Outgoing {
            exchange: names::REPLY,
            routing_key: agency.to_string(),
            message_id: name(),
            correlation_id: asked.correlation_id.clone(),
            content_type: content_type.to_owned(),
            timestamp_s: self.clock.now().0.div_euclid(1000).try_into().unwrap_or(0),
            headers: vec![("falaj-status".to_owned(), Value::Integer(status.into()))],
            body: body.into(),
        };
        self.replies.outlet(agency).publish(message, LIMIT).await
    }
}

/// Names an answer: a random UUID.
fn name() -> String {
    let mut bits = [0_u8; 16];
    // Without random bits answers have one name, which costs nothing but that two of them may be told apart no more.
    let _short_of_bits = aws_lc_rs::rand::fill(&mut bits);
    uuid::Builder::from_random_bytes(bits).into_uuid().to_string()
}

//! Acceptance: envelope, identity and every delivery in one commit (promise 1), one identity once (promise 3).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codes::Count;
use super::id::{Keys, column, lane_alone};
use super::recipients::{self, Entry, UNDECIDED};
use super::service::Counted;
use super::shared::Body;
use super::state::{Left, State};
use super::types::{NewEnvelope, Stored};
use super::young::Identity;
use crate::model::envelope::Attributes;
use crate::model::id::{Seq, Slot};
use crate::model::time::At;

/// What `envelope.head` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head<A> {
    /// The schema version it was checked against.
    pub(super) schema: String,
    /// The context attributes.
    pub(super) attributes: A,
    /// The `traceparent` of the acceptance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace: Option<String>,
}

impl Head<Attributes> {
    /// Reads the stored form.
    pub(super) fn read(text: &str) -> rusqlite::Result<Self> {
        serde_json::from_str(text)
            .map_err(|fault| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(fault)))
    }
}

/// An envelope made ready by its caller, so that the writer has little left to do.
#[derive(Debug)]
pub(super) struct Ready {
    new: NewEnvelope,
    head: String,
    identity: Identity,
    lookups: [Option<i64>; 2],
    lane: Option<i64>,
    expiry: Option<At>,
}

impl Ready {
    /// Hashes and serialises; `Err` names what no catalogue produces.
    pub(super) fn new(keys: &Keys, new: NewEnvelope) -> Result<Self, &'static str> {
        if new.recipients.len() > usize::from(Slot::MAX) {
            return Err("an envelope has at most 4095 recipients");
        }
        let mut agencies: Vec<_> = new.recipients.iter().map(|recipient| &recipient.agency).collect();
        agencies.sort_unstable();
        if agencies.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("an agency is recipient of an envelope once");
        }
        let attributes = &new.envelope.attributes;
        let head = Head { schema: new.schema.clone(), attributes, trace: new.trace.clone() };
        let head = serde_json::to_string(&head).map_err(|_| "attributes are written as JSON")?;
        let ordered = new.recipients.iter().any(|recipient| recipient.ordered);
        Ok(Self {
            head,
            identity: keys.identity(&attributes.source, &attributes.id),
            lookups: lookups(keys, attributes),
            lane: attributes.order_key().filter(|_| ordered).map(|key| keys.lane(key)),
            expiry: attributes.expiry(),
            new,
        })
    }
}

/// Keys under which an envelope is searched.
pub(super) fn lookups(keys: &Keys, attributes: &Attributes) -> [Option<i64>; 2] {
    [
        attributes.subject.as_deref().map(|subject| keys.subject(subject)),
        attributes.correlation_id().map(|id| keys.correlation(id)),
    ]
}

/// What the writer did with an envelope.
#[derive(Debug)]
pub(super) enum Accepted {
    /// Written.
    New(Arc<Body>),
    /// The same was there.
    Repeat(u64),
    /// Another was there.
    Clash { seq: u64, at: At },
}

impl State<'_> {
    /// Writes one envelope.
    pub(super) fn accept(&mut self, ready: Ready, now: At) -> rusqlite::Result<Accepted> {
        let seq = self.next_seq;
        if let Some(holder) = self.holder(&ready.identity)? {
            return self.known(holder, &ready);
        }
        self.next_seq += 1;
        let at = self.clamp(now.0);
        let sender = self.intern(&ready.new.sender)?;
        let ty = self.intern_type(&ready.new.envelope.attributes.ty)?;
        let (entries, form) = self.fan_out(&ready, seq)?;
        let NewEnvelope { envelope, digest, schema, sender: sender_id, trace, .. } = ready.new;
        let row = (column(seq), at, sender, ty, &digest.0[..], ready.head, form, &envelope.data[..]);
        self.sql.insert_envelope.execute(row)?;
        self.enter_indexes(seq, ready.identity, ready.lookups)?;
        if let Some(expiry) = ready.expiry {
            self.sql.insert_expiry.execute((expiry.0, column(seq)))?;
        }
        let counted = Counted { seq, ty, at };
        self.count_accepted(counted);
        // What Falaj tells itself is no business that came in.
        if !envelope.attributes.ty.is_own() {
            self.moved(sender, |movement| movement.sent += 1);
        }
        if entries.is_empty() {
            self.sql.insert_completed.execute((at, column(seq), false))?;
            self.count_completed(counted, false, at)?;
            self.tell_completed(seq, false)?;
        } else {
            self.open.insert(seq, Left { sender, count: entries.len(), failed: false, at, ty }, 1);
        }
        let stored = Arc::new(Stored {
            seq: Seq(seq),
            id: self.shared.keys.envelope_id(At(at), seq),
            accepted_at: At(at),
            sender: sender_id,
            schema,
            digest,
            attributes: envelope.attributes,
            trace,
            data: envelope.data,
        });
        Ok(Accepted::New(Arc::new(Body { stored, recipients: entries })))
    }

    /// What has an identity already, held against what came.
    fn known(&mut self, seq: u64, ready: &Ready) -> rusqlite::Result<Accepted> {
        let (digest, at): (Vec<u8>, At) =
            self.sql.select_digest.query_row([column(seq)], |row| Ok((row.get(0)?, At(row.get(1)?))))?;
        Ok(if digest == ready.new.digest.0 { Accepted::Repeat(seq) } else { Accepted::Clash { seq, at } })
    }

    fn fan_out(&mut self, ready: &Ready, seq: u64) -> rusqlite::Result<(Vec<Entry>, Vec<u8>)> {
        let mut entries = Vec::with_capacity(ready.new.recipients.len());
        let mut form = recipients::begin(ready.new.recipients.len());
        for (recipient, slot) in ready.new.recipients.iter().zip(1_u16..) {
            let agency = self.intern(&recipient.agency)?;
            let lane = ready.lane.filter(|_| recipient.ordered).unwrap_or_else(|| lane_alone(seq, slot));
            let entry = Entry { agency, lane, flags: if recipient.undecided { UNDECIDED } else { 0 } };
            recipients::push(&mut form, entry);
            entries.push(entry);
            self.new_pending.push((agency, seq, slot, lane));
            self.count(agency, Count::Pending, 1);
            self.moved(agency, |movement| movement.came += 1);
        }
        Ok((entries, form))
    }
}

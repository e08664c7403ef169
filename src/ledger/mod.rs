//! The ledger: the durable truth about every envelope and every delivery, on SQLite.
//!
//! L1: every unfinished delivery stands in exactly one place: flowing in `pending`, head of a row in `stuck`, or waiting in
//! `behind`. L2: while a lane has a `stuck` row nothing else of it is offered; a successor becomes head only in the commit that
//! finishes the head. L3: attempts, budgets and leases never influence L2. L4: an outcome is committed only for what is in
//! flight. L5: memory per agency is bounded by its page and what is in flight, whatever the backlog. L6: a finished state never
//! changes. L7: body and digest never change. L8: nothing here reads the clock: `now` is passed in, and time never goes back.
//!
//! What persons do is in [`operate`], [`pause`] and [`jobs`] (R1-R3), what agencies fetch in [`lease`], what comes back from a broker
//! in [`bounce`]; a delivery that is led again enters its lane in [`again`]. What happened to agencies as a whole is in [`event`]. What
//! senders are told of their envelopes is written in the commits in which it happens ([`notices`]).
//!
//! What is counted by service and day is in [`service`] (S1-S3), what happened to agencies over time in [`history`].
//! What the newest envelopes are known by is in memory and in one row each before it is merged into its indexes ([`young`], Y1-Y4).
//!
//! One thread writes ([`writer`]), with one sync for all that waits; readers have connections of their own. What flows is
//! appended at one end of `pending` and deleted at the other; only lanes in trouble pay for random access. [`check()`] proves
//! the invariants over a whole ledger; every test ends with it.
//!
//! Never here: a payload, a subject or any other personal data in an index, a log line or an error.

mod codes;
mod error;
mod id;
mod recipients;
mod types;

mod cache;
mod flow;
mod shared;

mod accept;
mod claim;
mod notices;
mod op;
mod report;
mod settle;
mod sql;
mod state;
mod sweep;
mod young;

mod open;
mod writer;

mod handle;
mod hear;
mod look;
mod read;
mod readers;
mod search;
mod seek;

mod again;
mod audit;
mod bounce;
mod dead;
mod event;
mod jobs;
mod lease;
mod operate;
mod pause;
mod redrive;
mod repair;

mod activity;
mod backlog;
mod history;
mod service;

mod check;
mod export;
mod proof;

#[cfg(test)]
mod tests;

pub use activity::{Activity, Beat, Cut, Ends, Movement, Point, Pulse, Rates, Resolution};
pub use audit::{AuditPage, AuditQuery};
pub use backlog::Backlog;
pub use check::check;
pub use error::{LedgerError, OpenError};
pub use event::{AgencyEvent, Happened};
pub use export::export;
pub use handle::Ledger;
pub use look::{Blocked, Branch, Due, JobResult, LaterReport, Redriven, Story, UnderWay};
pub use notices::{Listeners, Notices};
pub use open::stands_in;
pub use repair::{
    Actor, AuditEntry, DeadGroup, DeadLetter, DeadQuery, Drain, HeldBack, Job, JobKind, JobOperation, JobState, Leased,
    Operated, Operation, Pause, RedriveAsk,
};
pub use service::{ServiceCounts, ServiceDay};
pub use types::{
    Acceptance, Bounced, CheckReport, Claim, Claimed, Commit, Disclosure, Found, Health, Mark, NewEnvelope, Options,
    Query, Recipient, Reported, Settlement, Size, Stored, Tally, Waits,
};

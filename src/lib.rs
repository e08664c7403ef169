//! Falaj, a government data-exchange bus: one accepted envelope, led durably to every agency that must act on it.
//!
//! This page is the architecture. Start here, then read `intake`, `ledger` and `dispatch`: they are what Falaj exists for. All
//! else is a door, a form, or a tool.
//!
//! # Words
//!
//! An **envelope** is a CloudEvents 1.0 event. An **agency** publishes, receives, or both. A **subscription** is an agency's
//! standing wish for a type, with filter, fields and order. The **recipients** of an envelope are fixed when it is accepted; each
//! makes one **delivery**, the duty to bring this envelope to this agency. An **attempt** is one try of it, its **outcome** what
//! the agency did. A **lane** is the sequence of deliveries of one agency and one ordering key (`partitionkey`, else `subject`);
//! its **head** is the lowest unfinished one. The **ledger** is the durable truth; everything else can be rebuilt or lost.
//!
//! # Promises
//!
//! 1. Accepted means durable: the 202 leaves after the synced commit that holds envelope, recipients, identity and deliveries.
//! 2. At least once per agency, recognisable by an unchanging `webhook-id`.
//! 3. Identity is `source` + `id`: same content again is the original receipt, other content a clash.
//! 4. Order per lane survives everything: a later delivery starts only after the commit that finished the earlier one.
//! 5. Nothing ends silently: `delivered dead expired skipped cancelled`, each with who, when and why; what waits says why.
//! 6. An agency's outage costs time and nothing else, and nothing of any other agency's.
//! 7. Least data: what a subscription does not list never leaves; every disclosure is recorded with its legal basis.
//! 8. Nobody without the right: default deny on both sides.
//!
//! # The walk of one envelope
//!
//! ```text
//!  POST /v1/envelopes
//!    http::auth            who speaks                                   401
//!    model::cloudevents    bytes -> Envelope                            400, 413, 415, 422
//!    intake                may they send this type and source           403
//!    schema                does the data fit                            422
//!    catalog::recipients   who must act (CEL filters)
//!    ledger::accept        one synced commit                            409, 503
//!    wake::ring            a hint
//!  202 + receipt
//!
//!  dispatch::owner         a place, then a claim from the ledger
//!    dispatch::deliver     mapping::disclose, render -> Message
//!    connector::send       -> Outcome
//!    model::retry::after   -> Transition (pure)
//!    ledger::settle        one synced commit; only then is the lane free. What the sender asked to be told is in it
//!    wake::changed         whoever waits for the status asks again
//! ```
//!
//! An agency that fetches takes the second half itself: `dispatch::handout` leases what its lanes offer, the agency reports under
//! the lease, and its owner settles the leases that ran out. What a person asks for (`http::deliveries`, `redrives`, `operate`) is
//! one commit of the ledger each, with its entry in the audit; `dispatch::jobs` works off what is too much for one commit.
//!
//! Over AMQP both halves are the same with another door: `broker` reads the broker's queues, hands what is in them to `intake`,
//! never two of one lane at a time, and acknowledges what is committed; `connector::amqp` publishes a delivery, and the broker's confirm is its end.
//! What an agency rejects in its queue comes back by the broker and is recorded by `ledger::bounce`.
//!
//! Each hop changes the type: bytes, `Envelope`, `NewEnvelope`, `Claimed`, `Message`, `Outcome`, `Transition`, `Settlement`.
//! Nothing calls back up. A retry is the second half again. Intake and dispatch never meet: they share the ledger and a bell.
//!
//! # Where it may die
//!
//! Before the accept commits: the sender repeats, it is new. After: the sender repeats, it is the same receipt. After a claim: it
//! is offered again. After the send, before the settle: the agency sees the same `webhook-id`. After the settle: nothing is left
//! to do. There is a test for each line.
//!
//! # Layers
//!
//! | layer | may import |
//! |---|---|
//! | `main`, `cli`, `app` | all below; only `cli` uses `app` |
//! | `dashboard` | `http` (who asks, and what its handlers do), `identity`, and what `http` may import |
//! | `broker` | `http` (its problems), `intake`, `dispatch` (its board), `catalog`, `ledger`, `amqp`, `wake` |
//! | `http` | `asyncapi`, `intake`, `statistics`, `dispatch` (its board and handout), `catalog`, `schema`, `mapping`, `ledger`, `amqp` (how it stands), `wake` |
//! | `asyncapi` | `catalog`, `schema`, `mapping`, `connector` (its signature), `amqp` (its names) |
//! | `alarm` | `dispatch` (its board), `ledger`, `catalog`, `connector`, `amqp` (how it stands) |
//! | `history` | `dispatch` (its board), `ledger` |
//! | `dispatch`, `janitor` | `ledger`, `catalog`, `connector`, `mapping`, `wake` |
//! | `intake` | `catalog`, `schema`, `mapping` (dry run), `ledger`, `wake` |
//! | `statistics` | `catalog`, `schema`, `mapping` (CSV), `ledger` (its counts) |
//! | `identity` | `connector` (its TLS) |
//! | `connector`, `wake` | `mapping`, `amqp` |
//! | `catalog` | `schema`, `mapping` |
//! | `schema`, `mapping`, `ledger`, `amqp` | `model` alone |
//! | `model` | nothing of ours |
//!
//! `clock`, `telemetry` and `config` serve all layers above the stores; `config` holds the settings of `telemetry`, `amqp` and
//! `identity`. A foreign crate has one home: axum in `http` and `dashboard`, askama in `http::docs` and `dashboard`, fluent in
//! `dashboard`, lapin in `amqp`, rusqlite in `ledger`, jsonschema in `schema`, cel and minijinja in `mapping`, reqwest in `connector`
//! and `identity`, jsonwebtoken in `identity`, opentelemetry in `telemetry`, clap in `cli`. `tests/it/layers.rs` reads the `use`
//! lines and fails on a wrong one.
//!
//! # Decisions
//!
//! **SQLite, not sled.** sled was named first. On Linux its flush is `sync_file_range` without fsync: in 20 of 20 simulated power
//! cuts it lost every acknowledged record. SQLite in WAL mode with `synchronous=FULL` lost none, opens a backlog of ten million
//! in milliseconds, can be read by any operator with `sqlite3`, and its relational model carries over to PostgreSQL. Price: C in
//! the build.
//!
//! **Ids carry their address.** Envelope and delivery ids are UUIDv7 whose random bits hold the accept order, the number of the
//! delivery and a keyed tag. An id leads to its row without an index, and nobody can guess one. Price: at most 4,095 deliveries
//! per envelope, redrives included.
//!
//! **Claims are answered between commits.** The ledger's one writer serves claims against committed state before it begins the
//! next transaction, so no claim can build on a settlement that might still be lost. Price: a claim may wait for one sync.
//!
//! **Index entries are merged, not inserted.** Identities and keys of the search are hashes: entered as they come, each would write a page
//! of its own. The accepting commit appends them in one row, memory keeps them sorted, and every commit merges some that are neighbours
//! in their tables (`ledger::young`). Price: some ten megabytes of memory, and rows of twice 65,536 envelopes that a start reads.
//!
//! **Data is text.** Data is checked, compared, cut and forwarded as the text that came; a parsed tree would lose digits and hide
//! doubled members. Price: a JSON scanner of our own in `model::json`.
//!
//! **What a sender is told is an envelope too.** A notice of an end, an outcome or a completion is accepted in the transaction in which it
//! happens ([`ledger::Listeners`] answers for whom), so nothing else has to be durable, retried or ordered. Who listens is asked at that
//! moment, not at acceptance; `*` does not mean notices, and there are none of notices. Price: one more envelope for each delivery of a
//! sender that listens; nothing for the others.
//!
//! **A filter that cannot be decided is no refusal.** Where a `when` fails on an envelope (a field it did not guard is missing),
//! the agency is a recipient all the same, and the delivery is parked before anything is sent, at once: nothing is disclosed and
//! nothing is lost. Where it can be decided at sending time and says no, the delivery ends as `skipped`.
//!
//! **A drain is a pause that begins after what is accepted by now.** Accept order is one number, so a drain is one mark: what stands at
//! or before it still goes out, through retries, lanes and redrives, what comes later waits as paused, and with nothing left before
//! it the agency is drained. Recipients are fixed at acceptance: an agency that should get nothing more leaves its subscription.
//! Price: a counter per agency, kept in the commits that end deliveries, so that the end of a drain is seen at once.
//!
//! **Age needs proof.** An endpoint fault gives a delivery up by age only where the agency has answered something since the try
//! before, and only such waits are age. Without an answer nothing says whether the message or the agency is to blame, so it
//! waits: an outage costs time also where one citizen is all an agency has. What was answered is kept in memory; a restart proves
//! nothing. Price: where nobody else is ever served, a message that breaks its receiver is tried for good, every ten hours at
//! least, and the alarm `oldest_age` is who notices.
//!
//! **Blame is told by comparison.** What fails from its third try on while twenty others have passed since the one before, or goes
//! astray (401, 404, 410 ...) although others have gone the same way since, is a fault of that message. It counts neither as an
//! outage nor as a sign of life. Where a circuit was opened by fewer deliveries than it takes where there are many, whatever
//! comes new is its next probe, at once. Price: the outcomes of the last minute, 128 per agency, in memory.
//!
//! **Due heads and what flows share by halves**, also one place at a time: an odd place goes to each in turn. So a head that always
//! fails holds up neither the probes of a circuit nor what was never tried. Price: in an outage every second probe takes one more
//! lane out of the flow.
//!
//! **The HTTP interface is described beside its table of routes, not derived from types.** utoipa was tried first. It wants method and path
//! once more at each handler, which is a second table; the shapes that are answered stand in layers that know no HTTP, six of which
//! would have to learn it; and it speaks one language. So a route names its description (`http::docs`), and that both say the same
//! is proved: the tests hold every answer they get against the document, with every object closed, and fail on what is described
//! and never met. Price: a shape is written down twice.
//!
//! **Service hours follow the local clock, and a clock change never closes what is open.** A boundary is the first instant at which
//! the local clock reads it or later, so a skipped hour opens at the change and a repeated one counts once. What is closed is taken
//! out of a delivery's age when its retry is stored, so that age needs no calendar later. Price: 200 KB of time zones in the binary.
//!
//! **Sessions of the dashboard are kept in memory**, as the hashes of their ids, and go back with each request to what opened them: the
//! very key, or the groups an identity provider named and what the configuration lets them do. Revoked, replaced or mapped otherwise,
//! it ends them with the next request. Price: a restart signs everybody out.
//!
//! **A person is an actor's text**, `<display name> [oidc:<subject>]`, wherever a key's name may stand: audit, pauses, jobs, ends. The text
//! says by which means ([`model::means`]), and nobody can choose a name that reads as another. Price: whoever wants the subject alone
//! takes it out of the text.
//!
//! **No token of an identity provider is kept**, not even to sign out with: what a session needs are subject, name and groups. Price: a
//! provider may ask whether signing out is meant, and a change of groups there is seen at the next sign-in, not before.
//!
//! **Pages are written on the server**, whole, in the reader's language; a script of two hundred lines brings in what changes and
//! nothing depends on it. Price: a page is larger than the JSON it is made of.
//!
//! **A broker is a way in and a way out, never the truth.** What is in its queues is either not accepted yet or delivered already, so it
//! may be emptied, lost or moved without a trace in the ledger, and it holds no retry: a full queue refuses, and the backlog waits where
//! every other one does. Who speaks is the `user_id` that it has verified, and an answer goes to the speaker's own queue. What is
//! refused and nobody waits for is rejected, so that the broker itself moves it to the quarantine: a copy of ours could not carry the
//! verified user. Price: a burst of one lane is accepted one commit after the other, for two of its messages are never under way at once.
//!
//! **No way is no failure.** Whether there is a connection to the broker is known without a try, so while there is none nothing is
//! tried: its agencies are held as `no_transport`, no attempt is counted, no circuit opens, and all go on in the moment in which it
//! stands. Price: the reason covers two things, a transport that is not served and one that is down; its sentence says which.
//!
//! **A rejection in an agency's queue is an outcome, not a failure.** The delivery stays delivered, the agency has refused it, and it
//! stands among the dead letters until somebody sends it again. Price: one end that is also a dead letter.
//!
//! **A trace is kept with its envelope.** The context of an acceptance stands beside the envelope in the ledger, and the one it
//! brought stays in its attributes as it came; so an attempt days and restarts later is a child of the request that caused it, and
//! what an agency gets as `traceparent` is the attempt itself. Price: 55 bytes an envelope where traces are collected. Spans are those
//! of `tracing` under a target of their own: the log cannot see them, and where nobody collects a span is one look at a flag.
//!
//! **What is counted is counted where it happens**, what can be read is read at the scrape. Price: a scrape asks the ledger once
//! per agency that has something waiting.
//!
//! **Alarms are kept in memory.** They follow from the ledger and the board at any moment; after a start what still holds is raised
//! again. Price: one notice twice around a restart.
//!
//! **Figures over time stand in the ledger**, per agency minutes for two days and hours for five weeks, so that a dashboard needs no
//! other store. One task writes them once a minute; percentiles come from small histograms that merge, because those of the exporter
//! cannot be read back. What nobody watched is a gap. Price: one commit a minute, and 200 MB where four hundred agencies are never
//! idle.
//!
//! **A service is counted on the day on which it was first completed**, in the commit that completes it, by type alone. What is led
//! again keeps that day and takes its last result, so that a replay in October does not empty September. Counts outlive their
//! envelopes, and the forgotten part stands beside them: the check proves every one. Price: a ledger keeps its time zone.
//!
//! **Open data are of months that are over**, and leave out small counts with all that leads to them, totals included. Price: the
//! published sum is a little less than the true one.
//!
//! **Waiting goes by the injected clock** wherever a time of the trade is waited for, so a week of outages is a test of seconds.
//! Price: a list of sleepers in the clock that only tests fill.
//!
//! **Deliveries of one agency run inside its owner's task**, not in tasks of their own: no queue between them and the state they
//! change. Price: one agency uses one core at a time.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails where it stands"))]

pub mod model;

pub mod amqp;

pub mod mapping;
pub mod schema;

pub mod catalog;
pub mod ledger;

pub mod connector;
pub mod wake;

pub mod identity;

pub mod dispatch;
pub mod intake;
pub mod janitor;
pub mod statistics;

pub mod alarm;
pub mod asyncapi;
pub mod broker;
pub mod history;
pub mod http;

pub mod dashboard;

pub mod app;
pub mod cli;
pub mod mock;

pub mod clock;
pub mod config;
pub mod telemetry;

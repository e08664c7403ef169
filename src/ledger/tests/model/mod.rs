//! The ledger against a reference that fits on a page: random operations, crashes included, in any order.
//!
//! The reference knows per delivery whether it is finished, parked, due, in flight or leased. What a claim or a lease returns must be
//! the lowest unfinished delivery of its lane, due, not parked and not out, of an agency that is neither paused nor held by a
//! replay, before the mark of a drain, and it must tell of the latest loss before it. What came back from a broker is delivered and a
//! dead letter, once, unless its agency had said otherwise. What a job makes must be the next generation of what was dead or came
//! back (or was delivered, for a replay), not overtaken, in a lane that is not out. Whatever happened while the sender listened it
//! must have been told, once and in order, and nothing else. An identity that came again is a repeat unless its envelope was swept,
//! and a search finds what is there, once and in order. When everything is driven to its end, everything must have been offered.
//! `check` proves the rest after crashes and at the end.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use reference::Model;

mod jobs;
mod reference;
mod run;
mod told;

use run::Run;

#[derive(Debug, Clone)]
enum Step {
    /// Subject 0 is none: a lane of its own.
    Accept {
        subject: u8,
        agencies: u8,
        expires: bool,
    },
    /// Several to one lane, so that it spills.
    Burst {
        subject: u8,
        count: u8,
    },
    /// An envelope that came before comes again.
    Again {
        pick: usize,
    },
    Claim {
        agency: usize,
        want: usize,
    },
    Lease {
        agency: usize,
        want: usize,
        ms: i64,
    },
    Settle {
        pick: usize,
        how: How,
    },
    /// Under its token, or under one that was never given.
    SettleLease {
        pick: usize,
        how: How,
        forged: bool,
    },
    /// What ran out is in flight.
    RunOut {
        agency: usize,
    },
    GiveBack {
        pick: usize,
    },
    Advance {
        ms: i64,
    },
    Expire,
    /// Outcomes that never came are given up.
    Overdue,
    Listen {
        listens: bool,
    },
    /// The sender gets what it was told.
    Hear,
    Report {
        pick: usize,
    },
    /// It comes back from its agency's queue, wherever it stands.
    Bounce {
        pick: usize,
    },
    Pause {
        agency: usize,
    },
    Drain {
        agency: usize,
    },
    Resume {
        agency: usize,
    },
    Operate {
        pick: usize,
        operation: Operation,
    },
    /// With a first step of so many.
    Redrive {
        agency: usize,
        named: bool,
        force: bool,
        limit: usize,
    },
    /// With a first step of so many.
    Replay {
        agency: usize,
        back_ms: i64,
        limit: usize,
    },
    Work {
        pick: usize,
        limit: usize,
    },
    OperateJob {
        pick: usize,
        operation: JobOperation,
    },
    Sweep,
    Crash,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Deliver,
    /// A broker takes it for its agency.
    Enqueue,
    Retry(i64),
    Park,
    Die,
    Expire,
    Pend,
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        5 => Just(How::Deliver),
        4 => Just(How::Enqueue),
        3 => (0_i64..50).prop_map(How::Retry),
        2 => Just(How::Park),
        3 => Just(How::Die),
        1 => Just(How::Expire),
        1 => Just(How::Pend),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{Cancel, Release, Retry, Skip};
    prop_oneof![1 => Just(Retry), 1 => Just(Skip), 1 => Just(Cancel), 2 => Just(Release)]
}

fn job_operation() -> impl Strategy<Value = JobOperation> {
    prop_oneof![1 => Just(JobOperation::Pause), 2 => Just(JobOperation::Resume), 1 => Just(JobOperation::Cancel)]
}

fn step() -> impl Strategy<Value = Step> {
    let pick = any::<usize>;
    prop_oneof![
        6 => (0_u8..4, 1_u8..8, any::<bool>())
            .prop_map(|(subject, agencies, expires)| Step::Accept { subject, agencies, expires }),
        1 => (1_u8..3, 3_u8..12).prop_map(|(subject, count)| Step::Burst { subject, count }),
        2 => pick().prop_map(|pick| Step::Again { pick }),
        8 => (0_usize..3, 1_usize..7).prop_map(|(agency, want)| Step::Claim { agency, want }),
        4 => (0_usize..3, 1_usize..7, 1_i64..60).prop_map(|(agency, want, ms)| Step::Lease { agency, want, ms }),
        10 => (pick(), how()).prop_map(|(pick, how)| Step::Settle { pick, how }),
        5 => (pick(), how(), prop::bool::weighted(0.2))
            .prop_map(|(pick, how, forged)| Step::SettleLease { pick, how, forged }),
        2 => (0_usize..3).prop_map(|agency| Step::RunOut { agency }),
        2 => pick().prop_map(|pick| Step::GiveBack { pick }),
        3 => (0_i64..60).prop_map(|ms| Step::Advance { ms }),
        1 => Just(Step::Expire),
        1 => Just(Step::Overdue),
        1 => prop::bool::weighted(0.8).prop_map(|listens| Step::Listen { listens }),
        2 => Just(Step::Hear),
        1 => pick().prop_map(|pick| Step::Report { pick }),
        3 => pick().prop_map(|pick| Step::Bounce { pick }),
        1 => (0_usize..3).prop_map(|agency| Step::Pause { agency }),
        1 => (0_usize..3).prop_map(|agency| Step::Drain { agency }),
        2 => (0_usize..3).prop_map(|agency| Step::Resume { agency }),
        4 => (pick(), operation()).prop_map(|(pick, operation)| Step::Operate { pick, operation }),
        4 => (0_usize..3, any::<bool>(), any::<bool>(), 0_usize..6)
            .prop_map(|(agency, named, force, limit)| Step::Redrive { agency, named, force, limit }),
        1 => (0_usize..3, 0_i64..200, 0_usize..6)
            .prop_map(|(agency, back_ms, limit)| Step::Replay { agency, back_ms, limit }),
        4 => (pick(), 1_usize..6).prop_map(|(pick, limit)| Step::Work { pick, limit }),
        1 => (pick(), job_operation()).prop_map(|(pick, operation)| Step::OperateJob { pick, operation }),
        1 => Just(Step::Sweep),
        1 => Just(Step::Crash),
    ]
}

/// Names of the agencies, and the bit of each in `Step::Accept`.
const AGENCIES: [&str; 3] = ["a", "b", "c"];
/// How long after acceptance an expiring envelope expires.
const EXPIRES_MS: i64 = 80;

/// Histories that are tried: few in every run, and as many as `FALAJ_MODEL_CASES` says for whoever changes the ledger.
fn cases() -> u32 {
    std::env::var("FALAJ_MODEL_CASES").map_or(60, |text| text.parse().expect("FALAJ_MODEL_CASES is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_order_is_kept_and_nothing_is_lost(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run { house: House::new(), model: Model::default(), swept: BTreeSet::new(), accepted: Vec::new() };
            for step in steps {
                run.step(step).await;
            }
            run.compare().await;
            run.drain().await;
            run.compare().await;
            run.hear().await;
            run.model.told.compare();
            run.house.prove().await;
        });
    }
}

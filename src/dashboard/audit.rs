//! The audit: who did what, when, on what and why, and what it changed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::fields::Fields;
use super::page::{Page, html};
use super::pick::{self, Pick};
use super::say::{Say, count};
use super::state::Dashboard;
use crate::http::error::Problem;
use crate::ledger::{AuditEntry, AuditPage, AuditQuery};
use crate::model::time::At;

/// Entries on a page.
const ROWS: usize = 100;
/// What the address of this page may hold.
const ASKED: [&str; 6] = ["actor", "action", "target", "from", "to", "before"];
/// What people do; each has a text.
const ACTIONS: [&str; 14] = [
    "pause",
    "drain",
    "resume",
    "retry",
    "skip",
    "cancel",
    "release",
    "redrive",
    "replay",
    "redrive_pause",
    "redrive_resume",
    "redrive_cancel",
    "payload",
    "test_envelope",
];

/// The screen.
#[derive(Debug, Template)]
#[template(path = "audit.html", config = "src/dashboard/askama.toml")]
struct Audit {
    page: Page,
    actions: Vec<Pick>,
    rows: Vec<Row>,
    next: Option<String>,
    filtered: bool,
}

/// One entry.
#[derive(Debug)]
struct Row {
    at: At,
    actor: String,
    /// This page with what this person did alone.
    by: String,
    action: String,
    target: Target,
    reason: String,
    change: Option<String>,
}

/// On what something was done.
#[derive(Debug)]
struct Target {
    /// An agency's name, where it is one.
    name: Option<String>,
    id: String,
    /// Where it is looked at.
    href: Option<String>,
    /// This page with what was done on it alone.
    only: String,
}

/// `GET /dashboard/audit`
pub(super) async fn audit(State(dashboard): State<Dashboard>, page: Page) -> Result<Response, Problem> {
    let asked = page.asked.only(&ASKED);
    let AuditPage { entries, next } = dashboard.ledger.audited(query(&asked)?).await?;
    let mut actions: Vec<Pick> = ACTIONS
        .iter()
        .map(|action| Pick {
            chosen: asked.get("action") == Some(action),
            label: did(page.say, action),
            value: (*action).to_owned(),
        })
        .collect();
    actions.sort_by_cached_key(|pick| pick.label.to_lowercase());
    html(&Audit {
        actions,
        rows: entries.into_iter().map(|entry| Row::of(&page, &asked, entry)).collect(),
        next: next.map(|n| asked.with("before", Some(&n.to_string())).link("/dashboard/audit")),
        filtered: asked.iter().next().is_some(),
        page,
    })
}

fn query(asked: &Fields) -> Result<AuditQuery, Problem> {
    Ok(AuditQuery {
        before: pick::read(asked, "before", |text| text.parse().ok())?,
        actor: asked.get("actor").map(|text| text.trim().to_owned()),
        action: asked.get("action").map(str::to_owned),
        target: asked.get("target").map(|text| text.trim().to_owned()),
        from: pick::read(asked, "from", pick::time)?,
        to: pick::read(asked, "to", pick::time)?,
        limit: ROWS,
    })
}

/// What was done, in a word; an action that has none is called by its name.
fn did(say: Say, action: &str) -> String {
    match ACTIONS.contains(&action) {
        true => say.t(&format!("did-{}", action.replace('_', "-"))).into_owned(),
        false => action.to_owned(),
    }
}

impl Row {
    fn of(page: &Page, asked: &Fields, entry: AuditEntry) -> Self {
        let AuditEntry { n: _, at, actor, action, target, reason, detail } = entry;
        let only =
            |name: &str, value: &str| asked.with("before", None).with(name, Some(value)).link("/dashboard/audit");
        let name = page.known_agency(&target);
        let href = match action.as_str() {
            _ if name.is_some() => Some(format!("/dashboard/agencies/{target}")),
            "payload" | "test_envelope" => Some(format!("/dashboard/envelopes/{target}")),
            "retry" | "skip" | "cancel" | "release" => Some(format!("/dashboard/deliveries/{target}")),
            "redrive" | "replay" | "redrive_pause" | "redrive_resume" | "redrive_cancel" => {
                Some(format!("/dashboard/redrives/{target}"))
            }
            _ => None,
        };
        Self {
            at,
            by: only("actor", &actor),
            actor,
            action: did(page.say, &action),
            target: Target { name, href, only: only("target", &target), id: target },
            reason: reason.unwrap_or_default(),
            change: detail.as_deref().and_then(|detail| change(page, detail)),
        }
    }
}

/// What it was before and what it became.
fn change(page: &Page, detail: &str) -> Option<String> {
    let detail = serde_json::from_str::<serde_json::Value>(detail).ok()?;
    let word = |name: &str| detail[name].as_str().filter(|word| !word.is_empty()).map(|word| stood(page, word));
    match (word("before"), word("after")?) {
        (None, after) => Some(after),
        (Some(before), after) => {
            let of = [("before", before.as_str().into()), ("after", after.as_str().into())];
            Some(page.tell("audit-from-to", of).into_owned())
        }
    }
}

/// How something stood, by the ledger's word for it.
fn stood(page: &Page, word: &str) -> String {
    let key = match word {
        "flowing" => "state-open",
        "paused" => "state-paused",
        "draining" => "state-draining",
        "queued" => "is-queued",
        "retry" => "is-retry",
        "parked" => "is-parked",
        "leased" => "is-leased",
        "dead" => "is-dead",
        "skipped" => "is-skipped",
        "cancelled" => "is-cancelled",
        "running" => "job-running",
        "done" => "job-done",
        "whole" => "audit-whole",
        "own projection" => "audit-own",
        "sent" => "audit-sent",
        // So many to an agency.
        other => match other.split_once(" to ").and_then(|(n, agency)| Some((n.parse::<u64>().ok()?, agency))) {
            Some((n, agency)) => {
                let name = page.known_agency(agency).unwrap_or_else(|| agency.to_owned());
                return page.tell("audit-made", [("n", count(n)), ("what", name.as_str().into())]).into_owned();
            }
            None => return other.to_owned(),
        },
    };
    page.t(key).into_owned()
}

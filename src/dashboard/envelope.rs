//! One envelope: its way from acceptance through schema and routing to a branch for each agency, and why it is where it is.
//!
//! E1: what a caller sees of it is decided by the HTTP interface's own rules; the story is cut down to the deliveries that are left.
//! E2: a sender sees of another agency's attempts their class and status, never a text. E3: an agency's answer is masked for all but
//! the agency itself; whoever may see payloads sees it with them, for a reason.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::agencies;
use super::curl;
use super::deliveries::{OPERATIONS, applies};
use super::fields::Fields;
use super::live::{self, Live, Unit};
use super::mask::mask_answer;
use super::page::{Page, html};
use super::pick;
use super::say::{Html, Say};
use super::session::Signed;
use super::state::Dashboard;
use super::why;
use crate::http::auth::{Caller, Right, Sight};
use crate::http::error::Problem;
use crate::http::path::Named;
use crate::http::view;
use crate::ledger::{Branch, Disclosure, Story};
use crate::model::delivery::{Attempt, DeliveryView, Finished, LastError, Standing};
use crate::model::id::{AgencyId, EnvelopeId};
use crate::model::outcome::Class;
use crate::model::status::{EnvelopeState, EnvelopeStatus};
use crate::model::text::Language;
use crate::model::time::At;

/// Attributes that are shown besides those with a place of their own; none of them names a person.
const SHOWN: [&str; 5] = ["causationid", "expirytime", "sequence", "dataclassification", "dataregulation"];

/// The screen.
#[derive(Debug, Template)]
#[template(path = "envelope.html", config = "src/dashboard/askama.toml")]
pub(super) struct Envelope {
    page: Page,
    head: Head,
    branches: Vec<Card>,
    curl: String,
    /// Whether the reader may ask for the payload.
    payload: bool,
}

/// What is known of it as a whole.
#[derive(Debug, Template)]
#[template(path = "envelope_head.html", config = "src/dashboard/askama.toml")]
struct Head {
    say: Say,
    status: EnvelopeStatus,
    ty: String,
    sender: String,
    schema: String,
    bytes: u64,
    correlation: Option<String>,
    time: Option<At>,
    more: Vec<(String, String)>,
    agencies: u64,
}

/// One delivery's branch.
#[derive(Debug, Template)]
#[template(path = "envelope_branch.html", config = "src/dashboard/askama.toml")]
struct Card {
    say: Say,
    delivery: DeliveryView,
    branch: Branch,
    agency: String,
    why: Html,
    attempts: Vec<Try>,
    /// Whether the reader sees more of it than its state: not what is a sender's only (E2).
    open: bool,
    operates: bool,
    envelope: EnvelopeId,
    curl: Option<String>,
}

/// One attempt as it is shown.
#[derive(Debug)]
struct Try {
    at: At,
    took: String,
    good: bool,
    fault: String,
    note: String,
    answer: String,
    counted: bool,
}

impl Head {
    fn state(&self) -> &'static str {
        match self.status.state {
            EnvelopeState::Open => "open",
            EnvelopeState::Completed => "completed",
            EnvelopeState::CompletedWithFailures => "failures",
        }
    }

    fn tone(&self) -> &'static str {
        match self.status.state {
            EnvelopeState::Open => "calm",
            EnvelopeState::Completed => "good",
            EnvelopeState::CompletedWithFailures => "bad",
        }
    }
}

impl Card {
    fn id(&self) -> String {
        format!("d-{}", self.delivery.id)
    }

    fn state(&self) -> String {
        why::word(&self.delivery.standing)
    }

    fn tone(&self) -> &'static str {
        why::tone(&self.delivery)
    }

    fn outcome(&self) -> Option<&'static str> {
        self.delivery.report.outcome.map(|outcome| outcome.as_str())
    }

    fn purpose<'a>(&self, disclosure: &'a Disclosure) -> &'a str {
        match self.say.language {
            Language::English => &disclosure.purpose,
            Language::Arabic => &disclosure.purpose_ar,
        }
    }

    /// The head that it waits behind.
    fn behind_whom(&self) -> Option<String> {
        match &self.delivery.standing {
            Standing::Behind { head } => Some(format!("/dashboard/deliveries/{head}")),
            _ => None,
        }
    }

    /// What can be done to it, each with its link.
    fn acts(&self) -> Vec<(&'static str, String)> {
        if !self.operates {
            return Vec::new();
        }
        let back: Fields = [("back", format!("/dashboard/envelopes/{}", self.envelope))]
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let possible = OPERATIONS.into_iter().filter(|(_, operation)| applies(*operation, &self.delivery.standing));
        let link = |act: &str| back.link(&format!("/dashboard/deliveries/{}/{act}", self.delivery.id));
        let mut acts: Vec<_> = possible.map(|(act, _)| (act, link(act))).collect();
        if matches!(self.delivery.standing, Standing::Finished { state: Finished::Dead, .. }) {
            let id = self.delivery.id.to_string();
            let which: Fields =
                [("agency", self.delivery.key.agency.as_str()), ("ids", id.as_str())].into_iter().collect();
            acts.push(("redrive", which.link("/dashboard/redrives/new")));
        }
        acts
    }
}

/// `GET /dashboard/envelopes/{id}`
pub(super) async fn envelope(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    mut page: Page,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let (head, branches) = look(&dashboard, &signed.caller, page.say, &id).await?;
    let asked = page.asked.only(&[]).with("envelope", Some(&id));
    page.live = Some(live::address::<Envelope>(&asked, &units(&head, &branches)?));
    let received = branches.iter().any(|card| signed.caller.as_agency() == Some(&card.delivery.key.agency));
    html(&Envelope {
        curl: curl::status(&head.status.id),
        payload: page.may(Right::Audit) && page.operates() || received,
        head,
        branches,
        page,
    })
}

impl Live for Envelope {
    const NAME: &'static str = "envelope";
    const RIGHT: Right = Right::Read;

    async fn units(dashboard: &Dashboard, signed: &Signed, say: Say, asked: &Fields) -> Result<Vec<Unit>, Problem> {
        let (head, branches) = look(dashboard, &signed.caller, say, asked.text("envelope")).await?;
        units(&head, &branches)
    }
}

fn units(head: &Head, branches: &[Card]) -> Result<Vec<Unit>, Problem> {
    let branches = branches.iter().map(|card| Unit::of(card.id(), card));
    [Unit::of("envelope", head)].into_iter().chain(branches).collect()
}

/// The story of an envelope as far as a caller may know it (E1).
pub(super) async fn story(
    dashboard: &Dashboard,
    caller: &Caller,
    id: &str,
) -> Result<(Story, EnvelopeStatus), Problem> {
    let id = EnvelopeId::parse(id).ok_or_else(Problem::not_found)?;
    let mut story = dashboard.ledger.story(id).await?.ok_or_else(Problem::not_found)?;
    let status = view::status(dashboard, caller.sight(), story.envelope.clone()).ok_or_else(Problem::not_found)?;
    let left = |delivery: &DeliveryView| status.deliveries.iter().any(|seen| seen.id == delivery.id);
    let deliveries = std::mem::take(&mut story.envelope.deliveries);
    let branches = std::mem::take(&mut story.branches);
    (story.envelope.deliveries, story.branches) =
        deliveries.into_iter().zip(branches).filter(|(delivery, _)| left(delivery)).unzip();
    Ok((story, status))
}

async fn look(dashboard: &Dashboard, caller: &Caller, say: Say, id: &str) -> Result<(Head, Vec<Card>), Problem> {
    let (story, status) = story(dashboard, caller, id).await?;
    let Story { envelope, schema, attributes, data_bytes, branches } = story;
    let head = Head {
        ty: pick::type_name(dashboard, &envelope.ty, say),
        sender: agencies::name(dashboard, &envelope.sender, say),
        schema,
        bytes: data_bytes,
        correlation: attributes.correlation_id().map(str::to_owned),
        time: attributes.time.as_deref().and_then(At::parse),
        more: SHOWN
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), attributes.extensions.get(*name)?.to_string())))
            .collect(),
        agencies: envelope.deliveries.iter().map(|d| (&d.key.agency, ())).collect::<BTreeMap<_, ()>>().len() as u64,
        status,
        say,
    };
    let own = |agency: &AgencyId| match caller.sight() {
        Sight::Own(own) => own == agency,
        Sight::Masked | Sight::Clear => true,
    };
    let operates = Right::Operate.is_given_to(caller.role);
    let cards = envelope.deliveries.into_iter().zip(branches).map(|(delivery, branch)| {
        let agency = &delivery.key.agency;
        let open = own(agency);
        // Its own answer is no secret to an agency (E3).
        let unmasked = caller.as_agency() == Some(agency);
        Card {
            agency: agencies::name(dashboard, agency, say),
            why: why::sentence(say, &delivery, &dashboard.hold(agency), agencies::fetches(dashboard, agency)),
            attempts: attempts(say, &delivery, &branch, open, unmasked),
            curl: if open && (operates || unmasked) {
                curl::delivery(dashboard, &delivery, &branch, &envelope.ty)
            } else {
                None
            },
            open,
            operates,
            envelope: envelope.id,
            branch,
            delivery,
            say,
        }
    });
    Ok((head, cards.collect()))
}

/// The attempts that are told; the clean first success, which keeps no row, is told from how it ended.
fn attempts(say: Say, delivery: &DeliveryView, branch: &Branch, open: bool, unmasked: bool) -> Vec<Try> {
    let mut tries: Vec<Try> = branch.attempts.iter().map(|attempt| Try::of(say, attempt, open, unmasked)).collect();
    if let (true, Standing::Finished { state: Finished::Delivered, at, .. }, Some(ms)) =
        (tries.is_empty(), &delivery.standing, branch.last_ms)
    {
        tries.push(Try {
            at: At(at.0 - i64::from(ms)),
            took: say.short(&std::time::Duration::from_millis(ms.into())),
            good: true,
            fault: say.t("class-done").into_owned(),
            note: String::new(),
            answer: String::new(),
            counted: true,
        });
    }
    tries
}

impl Try {
    fn of(say: Say, attempt: &Attempt, open: bool, unmasked: bool) -> Self {
        let Attempt { at, ms, class, status, note, answer, counted } = attempt;
        let error = LastError { class: *class, status: *status, note: String::new(), at: *at };
        let answer = match (open, unmasked) {
            (false, _) => String::new(),
            (true, true) => String::from_utf8_lossy(answer).into_owned(),
            (true, false) => mask_answer(answer),
        };
        Self {
            at: *at,
            took: say.short(&std::time::Duration::from_millis((*ms).into())),
            good: *class == Class::Done,
            fault: why::fault(say, &error),
            note: if open { why::note(note) } else { String::new() },
            answer,
            counted: *counted,
        }
    }
}

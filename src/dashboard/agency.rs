//! One agency: how its queue stands and when it will be through, what happened to it over an hour, a day or a week, how it is reached,
//! what it receives and on which basis, and how the last attempts went.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::agencies::{self, Queue};
use super::fields::Fields;
use super::forecast::{Forecast, forecast};
use super::live::{self, Live, Unit};
use super::page::{Page, html};
use super::past::{self, Past};
use super::pick;
use super::say::{Html, Part, Say};
use super::session::Signed;
use super::state::Dashboard;
use super::trial;
use super::why;
use crate::catalog::{self, DeliveryRules};
use crate::http::auth::{Caller, Right};
use crate::http::error::Problem;
use crate::http::history::Range;
use crate::http::path::Named;
use crate::ledger::{Actor, AgencyEvent, Backlog, Happened, Resolution, Tally};
use crate::mapping::{Form, SubjectForm};
use crate::model::agency::{Exhausted, TransportKind};
use crate::model::cause::Cause;
use crate::model::delivery::LastError;
use crate::model::id::{AgencyId, DeliveryId, EventType};
use crate::model::outcome::Class;
use crate::model::status::Hold;
use crate::model::time::At;

/// Events that are shown, the latest.
const EVENTS: usize = 20;
/// Attempts that are shown, the latest.
const TRIES: usize = 10;
/// Minutes that the forecast draws its pace from.
const PACE_MINUTES: i64 = 15;

/// The screen.
#[derive(Debug, Template)]
#[template(path = "agency.html", config = "src/dashboard/askama.toml")]
pub(super) struct Agency {
    page: Page,
    head: Head,
    range: Range,
    past: Past,
    backlog: Vec<(String, u64)>,
    backlog_more: bool,
    reach: Option<Reach>,
    publishes: Vec<String>,
    wishes: Vec<Wish>,
    last: Vec<Try>,
    events: Vec<Event>,
}

/// How it stands.
#[derive(Debug, Template)]
#[template(path = "agency_head.html", config = "src/dashboard/askama.toml")]
struct Head {
    say: Say,
    name: String,
    queue: Queue,
    /// Whether anything is delivered to it.
    receives: bool,
    operates: bool,
    outlook: Html,
}

impl Head {
    fn waiting(&self) -> u64 {
        self.queue.unfinished().saturating_sub(self.queue.in_flight)
    }
}

/// How it is reached.
#[derive(Debug)]
struct Reach {
    transport: &'static str,
    url: Option<String>,
    timeout: String,
    in_flight: u64,
    rate: Option<String>,
    lease: Option<String>,
    age: String,
    window: Option<Hours>,
}

/// Its service hours.
#[derive(Debug)]
struct Hours {
    days: String,
    hours: String,
    zone: String,
    holidays: String,
}

/// A subscription.
#[derive(Debug)]
struct Wish {
    name: Option<String>,
    pattern: String,
    fields: Vec<String>,
    /// JSON Pointers that its filter reads; `None` where it has none.
    filter: Option<Vec<String>>,
    /// Names of texts.
    order: &'static str,
    form: &'static str,
    subject: &'static str,
    exhausted: &'static str,
    purpose: String,
    basis: String,
    /// Where its sample is tried, where there is one and the reader may.
    trial: Option<String>,
}

/// One of the last attempts.
#[derive(Debug)]
struct Try {
    id: DeliveryId,
    at: At,
    took: String,
    good: bool,
    fault: String,
    note: String,
}

/// Something that happened to it as a whole.
#[derive(Debug)]
struct Event {
    at: At,
    tone: &'static str,
    text: Html,
}

/// `GET /dashboard/agencies/{a}`
pub(super) async fn agency(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    mut page: Page,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let id = known(&dashboard, &signed.caller, &id)?;
    let head = head(&dashboard, &signed, page.say, &id).await?;
    let range = past::range(&page.asked);
    let past = past::past(&dashboard, &id, range, page.say).await?;
    let events = dashboard.ledger.events(&id, None, EVENTS).await?;
    let Backlog { types, more } = dashboard.ledger.backlog(&id).await?;
    let asked = page.asked.only(&[]).with("agency", Some(id.as_str()));
    page.live = Some(live::address::<Agency>(&asked, &[Unit::of("agency", &head)?]));
    let catalog = dashboard.catalog.load_full();
    let manifest = catalog.agency(&id);
    let wishes = manifest.map(|agency| wishes(&dashboard, &page, agency)).unwrap_or_default();
    let types = types.into_iter().map(|(ty, n)| (pick::type_name(&dashboard, &ty, page.say), n));
    html(&Agency {
        backlog: types.collect(),
        backlog_more: more,
        reach: manifest.and_then(|agency| agency.delivery.as_ref()).map(|rules| Reach::of(&page, rules)),
        publishes: manifest.map(|agency| agency.types.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        wishes: with_trials(&dashboard, &signed, &id, wishes).await,
        last: last(&dashboard, &page, &id),
        events: events.into_iter().map(|event| Event::of(page.say, event)).collect(),
        head,
        range,
        past,
        page,
    })
}

impl Agency {
    /// The ranges to choose from: name, link, and whether it is shown.
    fn ranges(&self) -> Vec<(&'static str, String, bool)> {
        let path = format!("/dashboard/agencies/{}", self.head.queue.id);
        let choice = |range: Range| {
            let link = self.page.asked.only(&[]).with("range", Some(range.as_str())).link(&path);
            (range.as_str(), format!("{link}#past"), range == self.range)
        };
        Range::ALL.into_iter().map(choice).collect()
    }
}

impl Live for Agency {
    const NAME: &'static str = "agency";
    const RIGHT: Right = Right::Read;

    async fn units(dashboard: &Dashboard, signed: &Signed, say: Say, asked: &Fields) -> Result<Vec<Unit>, Problem> {
        let id = known(dashboard, &signed.caller, asked.text("agency"))?;
        Ok(vec![Unit::of("agency", &head(dashboard, signed, say, &id).await?)?])
    }
}

/// An agency of the deployment, or one that left something behind, where the caller may see it.
pub(super) fn known(dashboard: &Dashboard, caller: &Caller, id: &str) -> Result<AgencyId, Problem> {
    let id = AgencyId::parse(id).map_err(|_| Problem::not_found())?;
    let is_known = dashboard.catalog.load().agency(&id).is_some()
        || dashboard.ledger.tallies().iter().any(|(known, _)| *known == id);
    if is_known && agencies::sees(caller, &id) { Ok(id) } else { Err(Problem::not_found()) }
}

async fn head(dashboard: &Dashboard, signed: &Signed, say: Say, id: &AgencyId) -> Result<Head, Problem> {
    let receives = agencies::receivers(dashboard, &signed.caller).contains_key(id);
    let queue = match receives {
        true => agencies::one(dashboard, &signed.caller, id.as_str()).await?,
        // Nothing is delivered to a publisher, so nothing can hold it.
        false => {
            let (hold, tally) = (Hold::Open, Tally::default());
            Queue { id: id.clone(), hold, fault: None, in_flight: 0, tally, oldest: None, dead: 0, fetches: false }
        }
    };
    let outlook = outlook(dashboard, say, &queue).await?;
    let operates = receives && Right::Operate.is_given_to(signed.caller.role);
    Ok(Head { name: agencies::name(dashboard, id, say), say, queue, receives, operates, outlook })
}

/// When what waits will be through, in a sentence.
async fn outlook(dashboard: &Dashboard, say: Say, queue: &Queue) -> Result<Html, Problem> {
    let waiting = queue.unfinished().saturating_sub(queue.tally.parked);
    if waiting > 0 && !matches!(queue.hold, Hold::Open) {
        return Ok(say.html("outlook-held", []));
    }
    let minute = say.now.0.div_euclid(60_000) * 60_000;
    let from = At(minute - PACE_MINUTES * 60_000);
    let points = dashboard.ledger.history(&queue.id, from, At(minute), Resolution::Minute).await?;
    let ended =
        points.iter().map(|point| (point.seconds, point.activity.delivered() + point.activity.ended_otherwise()));
    let span = |time: Duration| say.span_within(&time);
    let text = match forecast(waiting, &ended.collect::<Vec<_>>()) {
        Forecast::Nothing => say.t("outlook-nothing"),
        Forecast::Still => say.t("outlook-still"),
        Forecast::Unknown => say.t("outlook-unknown"),
        Forecast::About { about, low, high: Some(high) } => {
            let (about, low, high) = (span(about), span(low), span(high));
            let of = [("about", about.as_str().into()), ("low", low.as_str().into()), ("high", high.as_str().into())];
            say.tell("outlook-about", of)
        }
        Forecast::About { about, low, high: None } => {
            let (about, low) = (span(about), span(low));
            say.tell("outlook-vague", [("about", about.as_str().into()), ("low", low.as_str().into())])
        }
    };
    Ok(Html(super::say::escape(&text)))
}

impl Reach {
    fn of(page: &Page, rules: &DeliveryRules) -> Self {
        let limits = &rules.limits;
        let rate = limits.rate.map(|rate| {
            let (pace, burst) = (page.figure(&rate.per_second), page.n(u64::from(rate.burst)));
            page.tell("reach-rate-value", [("pace", pace.as_str().into()), ("burst", burst.as_str().into())])
                .into_owned()
        });
        let fetched = rules.transport == TransportKind::Pull;
        Self {
            transport: match rules.transport {
                TransportKind::Webhook => "transport-webhook",
                TransportKind::Pull => "transport-pull",
                TransportKind::Amqp => "transport-amqp",
            },
            url: rules.webhook.as_ref().map(|target| super::curl::without_secrets(&target.url)),
            timeout: page.short(&limits.timeout),
            in_flight: u64::try_from(limits.in_flight).unwrap_or(u64::MAX),
            rate,
            lease: fetched.then(|| page.short(&rules.lease)),
            age: page.span(&limits.age_max),
            window: rules.window.as_deref().map(|window| Hours {
                days: window
                    .days()
                    .map(|day| page.t(&format!("day-{day}")))
                    .collect::<Vec<_>>()
                    .join(&page.t("list-and")),
                hours: window.hours().map(|hours| page.digits(&hours)).collect::<Vec<_>>().join(&page.t("list-and")),
                zone: window.zone().to_owned(),
                holidays: window.holidays().map(|day| page.digits(&day)).collect::<Vec<_>>().join(&page.t("list-and")),
            }),
        }
    }
}

fn wishes(dashboard: &Dashboard, page: &Page, agency: &catalog::Agency) -> Vec<Wish> {
    let wish = |wish: &std::sync::Arc<catalog::Subscription>| {
        let exact = EventType::parse(&wish.pattern.to_string()).ok();
        Wish {
            name: exact.map(|ty| pick::type_name(dashboard, &ty, page.say)),
            pattern: wish.pattern.to_string(),
            fields: wish.fields.pointers().map(str::to_owned).collect(),
            filter: wish.filter.as_ref().map(|filter| filter.reads().iter().map(|read| read.pointer.clone()).collect()),
            order: if wish.ordered { "wish-ordered" } else { "wish-unordered" },
            form: match wish.form {
                Form::Structured => "form-structured",
                Form::Binary => "form-binary",
                Form::Map(_) => "form-map",
                Form::Template(_) => "form-template",
            },
            subject: match wish.subject {
                SubjectForm::Clear => "subject-clear",
                SubjectForm::Pseudonym => "subject-pseudonym",
                SubjectForm::Omit => "subject-omit",
            },
            exhausted: match wish.on_exhausted {
                Exhausted::Park => "exhausted-park",
                Exhausted::DeadLetter => "exhausted-dead",
            },
            purpose: page.pick(&wish.purpose).to_owned(),
            basis: wish.legal_basis.clone(),
            trial: None,
        }
    };
    agency.subscriptions.iter().map(wish).collect()
}

/// The subscriptions with the way to their samples.
async fn with_trials(dashboard: &Dashboard, signed: &Signed, id: &AgencyId, mut wishes: Vec<Wish>) -> Vec<Wish> {
    for wish in &mut wishes {
        let Ok(ty) = EventType::parse(&wish.pattern) else { continue };
        if trial::may(dashboard, &signed.caller, &ty).await {
            wish.trial = Some(format!("/dashboard/services/{ty}/trial?agency={id}"));
        }
    }
    wishes
}

impl Event {
    fn of(say: Say, AgencyEvent { at, what, .. }: AgencyEvent) -> Self {
        let (tone, text) = match what {
            Happened::Opened { class, status, note, until } => {
                let fault = why::fault(say, &LastError { class, status, note, at });
                ("bad", say.html("event-opened", [("fault", Part::Text(&fault)), ("at", Part::At(until))]))
            }
            Happened::Closed => ("good", say.html("event-closed", [])),
            Happened::Gone { .. } => ("bad", say.html("event-gone", [])),
            Happened::Paused { by } => ("held", by_whom(say, "event-paused", &by)),
            Happened::Draining { by, .. } => ("held", by_whom(say, "event-draining", &by)),
            Happened::Drained => ("held", say.html("event-drained", [])),
            Happened::Resumed { by } => ("good", by_whom(say, "event-resumed", &by)),
        };
        Self { at, tone, text }
    }
}

fn by_whom(say: Say, key: &str, by: &Actor) -> Html {
    say.html(key, [("by", Part::Text(&by.name)), ("reason", Part::Text(&by.reason))])
}

/// What failed, in the reader's words where there are some; a status stands beside its class already.
fn note(say: Say, note: String) -> String {
    match Cause::parse(&note) {
        Some(cause) => say.pick(&cause.clause()).to_owned(),
        None if note.starts_with("status ") => String::new(),
        None => note,
    }
}

fn last(dashboard: &Dashboard, page: &Page, id: &AgencyId) -> Vec<Try> {
    let tried = dashboard.metrics.figures.last(id).into_iter().take(TRIES).map(|last| {
        let error = LastError { class: last.class, status: last.status, note: last.note, at: last.at };
        Try {
            id: dashboard.ledger.delivery_id(last.accepted_at, &last.key),
            at: last.at,
            took: page.short(&Duration::from_millis(u64::from(last.ms))),
            good: last.class == Class::Done,
            fault: why::fault(page.say, &error),
            note: note(page.say, error.note),
        }
    });
    tried.collect()
}

//! The overview: every agency's queue on one page, the one that waits longest first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::agencies::{self, Fresh, Queue, State as AgencyState};
use super::chart;
use super::fields::Fields;
use super::live::{self, Live, Unit};
use super::page::{Page, html};
use super::say::{Html, Say, Whole, escape};
use super::session::Signed;
use super::state::Dashboard;
use super::vitals::{self, Vitals};
use crate::http::auth::Right;
use crate::http::error::Problem;
use crate::model::time::At;

/// Rows on the page; more are told of and found by the filter.
const ROWS_MAX: usize = 500;
/// The share of deliveries that arrive from which on all is well.
const SUCCESS_WELL: f64 = 0.95;
/// What can be sorted by: the name in the query, and whether the largest comes first.
pub(super) const COLUMNS: [(&str, bool); 13] = [
    ("agency", false),
    ("state", false),
    ("oldest", true),
    ("ready", true),
    ("in-flight", true),
    ("retry", true),
    ("behind", true),
    ("parked", true),
    ("dead", true),
    ("came", true),
    ("went", true),
    ("success", false),
    ("p95", true),
];

/// The screen.
#[derive(Debug, Template)]
#[template(path = "overview.html", config = "src/dashboard/askama.toml")]
pub(super) struct Overview {
    page: Page,
    columns: Vec<Column>,
    rows: Vec<Row>,
    total: Total,
    filter: String,
    state: Option<AgencyState>,
    /// Rows that there is no room for.
    left_out: u64,
}

/// A head of a column, which sorts by it.
#[derive(Debug)]
struct Column {
    name: &'static str,
    href: String,
    /// `ascending` or `descending` where it is sorted by.
    sorted: Option<&'static str>,
}

/// One agency.
#[derive(Debug, Template)]
#[template(path = "overview_row.html", config = "src/dashboard/askama.toml")]
struct Row {
    say: Say,
    queue: Queue,
    name: String,
    goes: Going,
    operates: bool,
    /// Whether figures lead to what they count.
    oversees: bool,
}

/// All agencies that are shown, in figures.
#[derive(Debug, Template)]
#[template(path = "overview_total.html", config = "src/dashboard/askama.toml")]
struct Total {
    say: Say,
    operates: bool,
    agencies: u64,
    oldest: Option<At>,
    ready: u64,
    in_flight: u64,
    retry: u64,
    behind: u64,
    parked: u64,
    dead: u64,
    goes: Going,
}

/// How it goes, as it is written.
#[derive(Debug)]
struct Going {
    say: Say,
    /// Nothing where nothing is known of it.
    vitals: Option<Vitals>,
}

impl Going {
    /// What comes or goes a minute.
    fn rate(&self, of: fn(&Vitals) -> f64) -> Html {
        match self.vitals.as_ref().map(of) {
            Some(rate) if rate >= 10.0 => Html(self.say.figure(&rate.round())),
            Some(rate) if rate > 0.0 => Html(self.say.figure(&rate.max(0.1))),
            _ => self.say.quiet(0_u64),
        }
    }

    fn came(&self) -> Html {
        self.rate(|vitals| vitals.came)
    }

    fn went(&self) -> Html {
        self.rate(|vitals| vitals.went)
    }

    /// The line of the last hour.
    fn spark(&self) -> Option<Html> {
        let hour = self.vitals.as_ref().map(|vitals| &vitals.hour).filter(|hour| hour.iter().any(|n| *n > 0))?;
        Some(chart::spark(hour, &self.say.tn("overview-spark", hour.iter().sum::<u64>())))
    }

    /// Which part arrived, marked where it is not nearly all.
    fn success(&self) -> Html {
        match self.vitals.as_ref().and_then(Vitals::success) {
            Some(share) if share < SUCCESS_WELL => Html(format!("<b class=\"hot\">{}</b>", self.say.percent(&share))),
            Some(share) => Html(self.say.percent(&share)),
            None => self.say.quiet(0_u64),
        }
    }

    /// How long 95 of 100 took at most.
    fn p95(&self) -> Html {
        match self.vitals.as_ref().and_then(Vitals::p95) {
            Some(took) => Html(escape(&self.say.short(&took))),
            None => self.say.quiet(0_u64),
        }
    }

    /// What it is sorted by; `None` where it is not known.
    fn measure(&self, by: &str) -> Option<u64> {
        let vitals = self.vitals.as_ref()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rates and shares are not negative"
        )]
        let thousandths = |figure: f64| (figure * 1000.0) as u64;
        match by {
            "came" => Some(thousandths(vitals.came)),
            "went" => Some(thousandths(vitals.went)),
            "success" => vitals.success().map(thousandths),
            _ => vitals.p95().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl Row {
    fn id(&self) -> String {
        format!("a-{}", self.queue.id)
    }

    fn state(&self) -> AgencyState {
        self.queue.state()
    }

    /// What can be done to it.
    fn acts(&self) -> &'static [&'static str] {
        self.queue.acts()
    }

    /// What it is sorted by; names are not measured, and what is not known is `None`.
    fn measure(&self, by: &str) -> Option<u64> {
        let queue = &self.queue;
        Some(match by {
            "agency" => 0,
            "state" => self.state() as u64,
            "ready" => queue.ready(),
            "in-flight" => queue.in_flight,
            "retry" => queue.tally.retry,
            "behind" => queue.tally.behind,
            "parked" => queue.tally.parked,
            "dead" => queue.dead,
            "came" | "went" | "success" | "p95" => return self.goes.measure(by),
            // By the minute, as it is shown: the order of what has hardly waited is nobody's business and would never stand still.
            _ => queue.oldest.map_or(0, |oldest| 1 + self.say.now.since(oldest).as_secs() / 60),
        })
    }

    /// A figure that leads to what it counts, where there is something and the reader may see it.
    fn figure(&self, number: impl Whole, to: &str) -> Html {
        let (number, text) = (number.whole(), self.say.n(number.whole()));
        match number {
            0 => self.say.quiet(number),
            _ if self.oversees => Html(format!("<a href=\"/dashboard/{to}agency={}\">{text}</a>", self.queue.id)),
            _ => Html(text),
        }
    }

    /// Dead letters, which are not counted to the end.
    fn dead(&self) -> Html {
        let Html(text) = self.say.capped(self.queue.dead, agencies::DEAD_MAX);
        match (self.queue.dead, self.oversees) {
            (1.., true) => Html(format!("<a href=\"/dashboard/dead-letters?agency={}\">{text}</a>", self.queue.id)),
            _ => Html(text),
        }
    }

    /// Why nothing goes on, or what is not well although something does.
    fn why(&self) -> Option<Html> {
        self.queue.why(&self.say)
    }
}

/// `GET /dashboard`
pub(super) async fn overview(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    mut page: Page,
) -> Result<Response, Problem> {
    let asked = page.asked.only(&["sort", "dir", "state", "q"]);
    let (rows, total, left_out) = rows(&dashboard, &signed, page.say, &asked, Fresh::Now).await?;
    page.live = Some(live::address::<Overview>(&asked, &units(&rows, &total)?));
    html(&Overview {
        columns: columns(&asked),
        rows,
        total,
        filter: asked.text("q").to_owned(),
        state: asked.get("state").and_then(AgencyState::parse),
        left_out,
        page,
    })
}

impl Live for Overview {
    const NAME: &'static str = "overview";
    const RIGHT: Right = Right::Read;

    async fn units(dashboard: &Dashboard, signed: &Signed, say: Say, asked: &Fields) -> Result<Vec<Unit>, Problem> {
        let (rows, total, _) = rows(dashboard, signed, say, asked, Fresh::Lately).await?;
        units(&rows, &total)
    }
}

fn units(rows: &[Row], total: &Total) -> Result<Vec<Unit>, Problem> {
    let rows = rows.iter().map(|row| Unit::of(row.id(), row));
    rows.chain([Unit::of("total", total)]).collect()
}

/// What is shown for a query: rows in order, their sum, and how many there was no room for.
async fn rows(
    dashboard: &Dashboard,
    signed: &Signed,
    say: Say,
    asked: &Fields,
    fresh: Fresh,
) -> Result<(Vec<Row>, Total, u64), Problem> {
    let queues = agencies::queues(dashboard, &signed.caller, fresh).await?;
    let look = vitals::look(dashboard, say.now).await?;
    let state = asked.get("state").and_then(AgencyState::parse);
    let wanted = asked.text("q").to_lowercase();
    let operates = Right::Operate.is_given_to(signed.caller.role);
    let oversees = Right::Oversee.is_given_to(signed.caller.role);
    let mut rows: Vec<Row> = queues
        .into_iter()
        .map(|queue| Row {
            name: agencies::name(dashboard, &queue.id, say),
            goes: Going { say, vitals: look.of(&queue.id).cloned() },
            say,
            queue,
            operates,
            oversees,
        })
        .filter(|row| state.is_none_or(|state| row.state() == state))
        .filter(|row| row.name.to_lowercase().contains(&wanted) || row.queue.id.as_str().contains(&wanted))
        .collect();
    sort(&mut rows, asked);
    let total = Total::of(&rows, say, operates);
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    Ok((rows, total, u64::try_from(left_out).unwrap_or(u64::MAX)))
}

/// What is sorted by, and whether it is turned round.
fn order(asked: &Fields) -> (&'static str, bool) {
    let column = COLUMNS.iter().find(|(name, _)| asked.get("sort") == Some(name));
    let (name, falling) = column.copied().unwrap_or(("oldest", true));
    let falling = match asked.get("dir") {
        Some("up") => false,
        Some("down") => true,
        _ => falling,
    };
    (name, falling)
}

fn sort(rows: &mut [Row], asked: &Fields) {
    let (by, falling) = order(asked);
    rows.sort_by_cached_key(|row| {
        let measure = row.measure(by);
        let turned = measure.map(|measure| if falling { u64::MAX - measure } else { measure });
        // What is not known comes last, and among equals the names rise, whichever way the measure goes.
        (turned.is_none(), turned, row.name.to_lowercase())
    });
    if by == "agency" && falling {
        rows.reverse();
    }
}

fn columns(asked: &Fields) -> Vec<Column> {
    let (by, falling) = order(asked);
    let column = |(name, falls): (&'static str, bool)| {
        let sorted = (name == by).then_some(if falling { "descending" } else { "ascending" });
        let dir = match sorted {
            // Once more turns it round.
            Some(_) if falling == falls => Some(if falls { "up" } else { "down" }),
            _ => None,
        };
        Column { name, href: asked.with("sort", Some(name)).with("dir", dir).link("/dashboard"), sorted }
    };
    COLUMNS.into_iter().map(column).collect()
}

impl Total {
    fn of(rows: &[Row], say: Say, operates: bool) -> Self {
        let sum = |of: fn(&Queue) -> u64| rows.iter().map(|row| of(&row.queue)).sum();
        Self {
            say,
            operates,
            agencies: u64::try_from(rows.len()).unwrap_or(u64::MAX),
            oldest: rows.iter().filter_map(|row| row.queue.oldest).min(),
            ready: sum(Queue::ready),
            in_flight: sum(|queue| queue.in_flight),
            retry: sum(|queue| queue.tally.retry),
            behind: sum(|queue| queue.tally.behind),
            parked: sum(|queue| queue.tally.parked),
            dead: sum(|queue| queue.dead),
            goes: Going { say, vitals: together(rows) },
        }
    }
}

/// How all of them go together.
fn together(rows: &[Row]) -> Option<Vitals> {
    let mut known = rows.iter().filter_map(|row| row.goes.vitals.as_ref()).peekable();
    known.peek()?;
    Some(known.fold(Vitals::default(), |mut all, one| {
        all.merge(one);
        all
    }))
}

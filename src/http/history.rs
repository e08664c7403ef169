//! What happened to an agency over time, in figures.
//!
//! A stretch that nobody watched (the bus was down) is missing: it is a gap, and no idle time. An agency sees its own.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::agencies;
use super::auth::{Caller, Sight};
use super::body;
use super::error::{Problem, Shape};
use super::path::Named;
use super::search::{parameter, without};
use super::state::App;
use crate::ledger::{Activity, Point, Resolution};
use crate::model::delivery::Finished;
use crate::model::histogram::Histogram;
use crate::model::id::AgencyId;
use crate::model::outcome::Class;
use crate::model::time::At;

/// What may be asked.
const SHAPE: Shape = Shape(
    "The query takes `range`: `hour`, `day` or `week`.",
    "يقبل الاستعلام المعامل `range` بإحدى القيم: `hour` أو `day` أو `week`.",
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    range: Option<String>,
}

/// How far back, in stretches of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Sixty minutes.
    Hour,
    /// Ninety-six quarters of an hour.
    Day,
    /// A hundred and sixty-eight hours.
    Week,
}

impl Range {
    /// Every range, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == text)
    }

    /// `hour`, `day` or `week`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// The length of each stretch.
    pub fn resolution(self) -> Resolution {
        match self {
            Self::Hour => Resolution::Minute,
            Self::Day => Resolution::Quarter,
            Self::Week => Resolution::Hour,
        }
    }

    /// How many stretches.
    pub fn stretches(self) -> u16 {
        match self {
            Self::Hour => 60,
            Self::Day => 96,
            Self::Week => 168,
        }
    }

    /// All of it.
    pub fn length(self) -> Duration {
        self.resolution().length() * u32::from(self.stretches())
    }
}

#[derive(Debug, Serialize)]
struct Told {
    agency: AgencyId,
    range: &'static str,
    resolution_seconds: u64,
    from: At,
    to: At,
    points: Vec<Line>,
}

/// One stretch.
#[derive(Debug, Serialize)]
struct Line {
    at: At,
    /// Of the stretch, how many seconds were watched.
    watched_seconds: u32,
    /// Envelopes accepted from it.
    sent: u64,
    /// Deliveries that came for it.
    came: u64,
    /// Deliveries that ended, by state.
    ended: serde_json::Map<String, serde_json::Value>,
    /// Attempts, by class; those of which there were none are left out.
    attempts: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_ms: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_ms: Option<Percentiles>,
    oldest_age_seconds: u64,
    waiting: u64,
    in_flight: u64,
    circuit_open_seconds: u64,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p50: u64,
    p95: u64,
    p99: u64,
}

impl Percentiles {
    fn of(durations: &Histogram) -> Option<Self> {
        let of = |per_cent| durations.percentile(per_cent);
        Some(Self { p50: of(50)?, p95: of(95)?, p99: of(99)? })
    }
}

impl Line {
    fn of(Point { at, seconds, activity }: &Point) -> Self {
        let Activity { movement, attempts, attempt_ms, delivery_ms, .. } = activity;
        let ended = Finished::ALL.into_iter().zip(movement.ended);
        let attempts = Class::ALL.into_iter().zip(*attempts).filter(|(_, n)| *n > 0);
        Self {
            at: *at,
            watched_seconds: *seconds,
            sent: movement.sent,
            came: movement.came,
            ended: ended.map(|(state, n)| (state.as_str().to_owned(), n.into())).collect(),
            attempts: attempts.map(|(class, n)| (class.as_str().to_owned(), n.into())).collect(),
            delivery_ms: Percentiles::of(delivery_ms),
            attempt_ms: Percentiles::of(attempt_ms),
            oldest_age_seconds: activity.oldest_seconds,
            waiting: activity.waiting,
            in_flight: activity.in_flight,
            circuit_open_seconds: activity.open_seconds,
        }
    }
}

/// `GET /v1/agencies/{a}/history`
pub(super) async fn of_agency(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let agency = AgencyId::parse(&id).map_err(|_| Problem::not_found())?;
    if matches!(caller.sight(), Sight::Own(own) if *own != agency) || agencies::receives(&app, &agency).is_none() {
        return Err(Problem::not_found());
    }
    let Query(asked) = Query::<Asked>::try_from_uri(&uri).map_err(|_| Problem::shape(SHAPE))?;
    let mut faults = Vec::new();
    let range = parameter(&mut faults, "range", asked.range, Range::parse).unwrap_or(Range::Hour);
    without(faults)?;
    let resolution = range.resolution();
    let to = app.clock.now();
    let from = to.minus(range.length());
    let points = app.ledger.history(&agency, from, to, resolution).await?;
    let told = Told {
        agency,
        range: range.as_str(),
        resolution_seconds: resolution.length().as_secs(),
        from,
        to,
        points: points.iter().map(Line::of).collect(),
    };
    Ok(body::answer(StatusCode::OK, &told))
}

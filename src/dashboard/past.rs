//! What happened to an agency over an hour, a day or a week: charts for the eye, the same figures as a table for everybody.

use std::time::Duration;

use super::fields::Fields;
use super::plot::{self, Picture, Series};
use super::say::{Html, Say};
use super::state::Dashboard;
use crate::http::error::Problem;
use crate::http::history::Range;
use crate::ledger::{Activity, Point};
use crate::model::id::AgencyId;
use crate::model::outcome::Class;
use crate::model::time::At;

/// Labels under a chart.
const TICKS: usize = 5;

/// The range that an address asks for.
pub(super) fn range(asked: &Fields) -> Range {
    asked.get("range").and_then(Range::parse).unwrap_or(Range::Hour)
}

/// Classes of failed attempts that are drawn as one layer: the name of its text, its colour, and the classes.
const LAYERS: [(&str, &str, &[Class]); 5] = [
    ("class-endpoint-fault", "s-bad", &[Class::EndpointFault]),
    ("class-configuration-fault", "s-grave", &[Class::ConfigurationFault, Class::Gone]),
    ("class-message-fault", "s-held", &[Class::MessageFault]),
    ("class-throttle", "s-calm", &[Class::Throttle]),
    ("class-retry-asked", "s-water", &[Class::RetryAsked]),
];

/// One chart.
#[derive(Debug)]
pub(super) struct Chart {
    /// The name of its title's text.
    pub(super) title: &'static str,
    pub(super) svg: Html,
    /// At the top and in the middle of its scale.
    pub(super) scale: [String; 2],
    /// What is drawn: the colour and what it is called.
    pub(super) legend: Vec<(&'static str, String)>,
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: At,
    pub(super) came: u64,
    pub(super) delivered: u64,
    pub(super) otherwise: u64,
    pub(super) faults: Vec<u64>,
    pub(super) p50: String,
    pub(super) p95: String,
    pub(super) p99: String,
    pub(super) waiting: u64,
    pub(super) open: String,
}

/// Everything together.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) came: u64,
    pub(super) delivered: u64,
    pub(super) sent: u64,
    pub(super) faults: u64,
    /// Of the attempts, which part went well.
    pub(super) success: Option<String>,
    pub(super) p95: Option<String>,
    pub(super) attempt_p95: Option<String>,
    pub(super) open: Option<String>,
}

/// The past of an agency.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) charts: Vec<Chart>,
    pub(super) ticks: Vec<Html>,
    /// Heads of the columns of failed attempts.
    pub(super) layers: Vec<String>,
    /// The newest first; idle stretches are left out.
    pub(super) rows: Vec<Row>,
    pub(super) sums: Sums,
    /// Whether a stretch was not watched.
    pub(super) gaps: bool,
    /// Whether nothing was watched at all.
    pub(super) empty: bool,
}

/// Reads the past of an agency.
pub(super) async fn past(dashboard: &Dashboard, agency: &AgencyId, range: Range, say: Say) -> Result<Past, Problem> {
    let length = i64::try_from(range.resolution().length().as_millis()).unwrap_or(1);
    let end = (say.now.0.div_euclid(length) + 1) * length;
    let from = At(end - i64::from(range.stretches()) * length);
    let points = dashboard.ledger.history(agency, from, At(end), range.resolution()).await?;
    Ok(Past::of(say, range, from, length, points))
}

impl Past {
    fn of(say: Say, range: Range, from: At, length: i64, points: Vec<Point>) -> Self {
        let mut slots: Vec<Option<Point>> = vec![None; range.stretches().into()];
        for point in points {
            let place = usize::try_from((point.at.0 - from.0) / length).unwrap_or(usize::MAX);
            if let Some(slot) = slots.get_mut(place) {
                *slot = Some(point);
            }
        }
        let mut all = Activity::default();
        slots.iter().flatten().for_each(|point| all.merge(&point.activity));
        let watched: Vec<Option<f64>> = slots
            .iter()
            .map(|slot| slot.as_ref().map(|point| share(point.activity.open_seconds, point.seconds)))
            .collect();
        let busy = slots.iter().rev().flatten().filter(|point| !point.activity.is_nothing());
        let tick = |at: usize| {
            let place = at * usize::from(range.stretches()) / (TICKS - 1);
            let at = At(from.0 + i64::try_from(place).unwrap_or(0) * length);
            say.tick(&at, range == Range::Week)
        };
        Self {
            charts: vec![
                rate(say, range, &slots, &watched),
                durations(say, range, &slots, &watched),
                faults(say, range, &slots, &watched),
                queue(say, range, &slots, &watched),
            ],
            ticks: (0..TICKS).map(tick).collect(),
            layers: LAYERS.iter().map(|(name, ..)| say.t(name).into_owned()).collect(),
            rows: busy.map(|point| Row::of(say, point)).collect(),
            sums: Sums::of(say, &all),
            gaps: watched.iter().any(Option::is_none),
            empty: watched.iter().all(Option::is_none),
        }
    }
}

fn share(part: u64, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / f64::from(whole)).min(1.0) }
}

/// A value of each stretch that was watched.
fn values(slots: &[Option<Point>], of: impl Fn(&Point) -> Option<f64>) -> Vec<Option<f64>> {
    slots.iter().map(|slot| slot.as_ref().and_then(&of)).collect()
}

fn a_minute(n: u64, point: &Point) -> f64 {
    n as f64 * 60.0 / f64::from(point.seconds.max(1))
}

fn most(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().fold(0.0, f64::max)
}

fn chart(
    title: &'static str,
    Picture { svg, top }: Picture,
    written: impl Fn(f64) -> String,
    legend: Vec<(&'static str, String)>,
) -> Chart {
    Chart { title, svg, scale: [written(top), written(top / 2.0)], legend }
}

fn rate(say: Say, range: Range, slots: &[Option<Point>], watched: &plot::Watched) -> Chart {
    let came = values(slots, |point| Some(a_minute(point.activity.movement.came, point)));
    let delivered = values(slots, |point| Some(a_minute(point.activity.delivered(), point)));
    let label = say.tell(
        &format!("past-rate-{}", range.as_str()),
        [("came", most(&came).round().into()), ("delivered", most(&delivered).round().into())],
    );
    let series = [Series { class: "s-calm", values: came }, Series { class: "s-water", values: delivered }];
    let legend = vec![("s-calm", say.t("past-came").into_owned()), ("s-water", say.t("past-delivered").into_owned())];
    chart("past-rate", plot::lines(&label, watched, &series), |value| say.figure(&value), legend)
}

fn durations(say: Say, range: Range, slots: &[Option<Point>], watched: &plot::Watched) -> Chart {
    let percentile =
        |per_cent: u8| values(slots, move |point| point.activity.delivery_ms.percentile(per_cent).map(|ms| ms as f64));
    let series = [
        Series { class: "s-faint", values: percentile(99) },
        Series { class: "s-held", values: percentile(95) },
        Series { class: "s-water", values: percentile(50) },
    ];
    let longest = |series: &Series| written_ms(say, most(&series.values));
    let (p50, p95) = (longest(&series[2]), longest(&series[1]));
    let label = say.tell(
        &format!("past-durations-{}", range.as_str()),
        [("half", p50.as_str().into()), ("most", p95.as_str().into())],
    );
    let legend = vec![
        ("s-water", say.t("past-p50").into_owned()),
        ("s-held", say.t("past-p95").into_owned()),
        ("s-faint", say.t("past-p99").into_owned()),
    ];
    chart("past-durations", plot::lines(&label, watched, &series), |value| written_ms(say, value), legend)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations are not negative and saturate")]
fn written_ms(say: Say, ms: f64) -> String {
    say.short(&Duration::from_millis(ms.round() as u64))
}

fn of_layer(activity: &Activity, classes: &[Class]) -> u64 {
    let counted = Class::ALL.into_iter().zip(activity.attempts);
    counted.filter(|(class, _)| classes.contains(class)).map(|(_, n)| n).sum()
}

fn faults(say: Say, range: Range, slots: &[Option<Point>], watched: &plot::Watched) -> Chart {
    let layer = |classes: &'static [Class]| values(slots, |point| Some(of_layer(&point.activity, classes) as f64));
    let series = LAYERS.map(|(_, class, classes)| Series { class, values: layer(classes) });
    let sum = series.iter().flat_map(|one| one.values.iter().flatten()).sum::<f64>();
    let label = say.tell(&format!("past-faults-{}", range.as_str()), [("n", sum.into())]);
    let legend = LAYERS.iter().map(|(name, class, _)| (*class, say.t(name).into_owned())).collect();
    chart("past-faults", plot::stack(&label, watched, &series), |value| say.figure(&value), legend)
}

fn queue(say: Say, range: Range, slots: &[Option<Point>], watched: &plot::Watched) -> Chart {
    let waiting = values(slots, |point| Some(point.activity.waiting as f64));
    let label = say.tell(&format!("past-queue-{}", range.as_str()), [("n", most(&waiting).into())]);
    let legend = vec![("s-water", say.t("past-waiting").into_owned())];
    let series = [Series { class: "s-water", values: waiting }];
    chart("past-queue", plot::lines(&label, watched, &series), |value| say.figure(&value), legend)
}

impl Row {
    fn of(say: Say, Point { at, activity, .. }: &Point) -> Self {
        let took = |per_cent| activity.delivery_ms.percentile(per_cent);
        let written = |ms: Option<u64>| ms.map_or_else(String::new, |ms| say.short(&Duration::from_millis(ms)));
        Self {
            at: *at,
            came: activity.movement.came,
            delivered: activity.delivered(),
            otherwise: activity.ended_otherwise(),
            faults: LAYERS.iter().map(|(.., classes)| of_layer(activity, classes)).collect(),
            p50: written(took(50)),
            p95: written(took(95)),
            p99: written(took(99)),
            waiting: activity.waiting,
            open: match activity.open_seconds {
                0 => String::new(),
                seconds => say.short(&Duration::from_secs(seconds)),
            },
        }
    }
}

impl Sums {
    fn of(say: Say, all: &Activity) -> Self {
        let (tried, done) = (all.tried(), all.attempts[0]);
        let took = |ms: Option<u64>| ms.map(|ms| say.short(&Duration::from_millis(ms)));
        Self {
            came: all.movement.came,
            delivered: all.delivered(),
            sent: all.movement.sent,
            faults: tried - done,
            success: (tried > 0).then(|| say.percent(&(done as f64 / tried as f64))),
            p95: took(all.delivery_ms.percentile(95)),
            attempt_p95: took(all.attempt_ms.percentile(95)),
            open: (all.open_seconds > 0).then(|| say.short(&Duration::from_secs(all.open_seconds))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Movement;
    use crate::model::text::Language;

    const T0: At = At(1_764_000_000_000);

    fn point(minute: i64, came: u64) -> Point {
        let mut activity = Activity {
            movement: Movement { sent: 0, came, ended: [came, 0, 0, 0, 0] },
            attempts: [came, 1, 0, 0, 0, 2, 0],
            ..Activity::default()
        };
        activity.delivery_ms.record(250);
        Point { at: At(T0.0 + minute * 60_000), seconds: 60, activity }
    }

    #[test]
    fn a_gap_is_drawn_as_one_and_idle_stretches_have_no_row() {
        let idle = Point { activity: Activity::default(), ..point(2, 0) };
        let say = Say { language: Language::English, now: T0 };
        let past = Past::of(say, Range::Hour, T0, 60_000, vec![point(0, 30), idle, point(3, 10), point(99, 1)]);
        assert!(past.gaps && !past.empty);
        assert_eq!((past.rows.len(), past.rows[0].came, past.ticks.len()), (2, 10, TICKS));
        assert_eq!((past.sums.came, past.sums.faults, past.sums.success.as_deref()), (40, 6, Some("87%")));
        let rate = &past.charts[0].svg.0;
        assert!(rate.contains("<rect class=\"gap\" x=\"10\" y=\"0\" width=\"10\""), "{rate}");
        assert_eq!(past.charts[0].scale, ["50", "25"]);
        assert_eq!(past.rows[0].faults, [2, 0, 1, 0, 0]);
        let nothing = Past::of(say, Range::Week, T0, 3_600_000, Vec::new());
        assert!(nothing.empty && nothing.rows.is_empty());
    }
}

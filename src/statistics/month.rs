//! The table of one month: every service with its transactions, its change, its rank, its success and its time.
//!
//! A transaction is an envelope that was completed in the month, whether every agency did its part or not; the share that did is
//! the success. The time is the mean from acceptance to completion of those.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::ledger::{ServiceCounts, ServiceDay};
use crate::model::calendar::{Calendar, Month};
use crate::model::id::{AgencyId, EventType};
use crate::model::text::Bilingual;

/// What the deployment says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What it is called.
    pub name: Bilingual,
    /// Who answers for it.
    pub owner: AgencyId,
    /// Its level of maturity, 1 to 4.
    pub maturity: Option<u8>,
}

/// The services of a deployment, each as its newest version says.
pub fn known(catalog: &Catalog) -> BTreeMap<EventType, Known> {
    let offered = catalog.schemas.all().filter(|schema| !schema.about.is_abstract && !schema.ty.is_own());
    let known = offered.map(|schema| {
        let about = &schema.about;
        (schema.ty.clone(), Known { name: about.name.clone(), owner: about.owner.clone(), maturity: about.maturity })
    });
    // Versions come oldest first.
    known.collect()
}

/// What is counted of a service, a level or all of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Completed in the month.
    pub transactions: u64,
    /// Completed in the month before.
    pub previous: u64,
    /// The change to it in per cent, one decimal; absent where there was none before, or the month is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_percent: Option<f64>,
    /// Accepted in the month.
    pub accepted: u64,
    /// Of the transactions, those with failures.
    pub with_failures: u64,
    /// The others, in per cent, one decimal; absent where there are no transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_percent: Option<f64>,
    /// Their mean time from acceptance to completion in seconds, one decimal; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_seconds: Option<f64>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceLine {
    /// By transactions, from 1; equal ones share a rank. Absent where there are no transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// How many places it rose since the month before; negative where it fell. Absent where it was or is not ranked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_change: Option<i64>,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: EventType,
    /// What it is called; absent where the deployment does not know it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Bilingual>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AgencyId>,
    /// Its level of maturity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maturity: Option<u8>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// All services of one level of maturity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// 1 to 4; absent for services that say none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maturity: Option<u8>,
    /// How many services.
    pub services: usize,
    /// Their figures together.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonthTable {
    /// Which.
    pub month: Month,
    /// The time zone whose days it has.
    pub zone: String,
    /// Whether it is over.
    pub closed: bool,
    /// All services together.
    #[serde(flatten)]
    pub total: Figures,
    /// Every service with something in this month or the one before, the most used first.
    pub services: Vec<ServiceLine>,
    /// The same by level, the highest first.
    pub levels: Vec<Level>,
}

/// What was counted in a month and in the one before.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    now: ServiceCounts,
    before: ServiceCounts,
}

impl Pair {
    fn add(&mut self, more: &Self) {
        add(&mut self.now, &more.now);
        add(&mut self.before, &more.before);
    }

    fn figures(&self, closed: bool) -> Figures {
        let (transactions, previous) = (transactions(&self.now), transactions(&self.before));
        Figures {
            transactions,
            previous,
            change_percent: closed.then(|| change_percent(transactions, previous)).flatten(),
            accepted: self.now.accepted,
            with_failures: self.now.failed,
            success_percent: share_percent(self.now.completed, transactions),
            mean_seconds: mean_seconds(self.now.completed_ms, self.now.completed),
        }
    }
}

fn add(sum: &mut ServiceCounts, more: &ServiceCounts) {
    sum.accepted += more.accepted;
    sum.completed += more.completed;
    sum.failed += more.failed;
    sum.completed_ms += more.completed_ms;
}

fn transactions(counts: &ServiceCounts) -> u64 {
    counts.completed + counts.failed
}

impl MonthTable {
    /// Works the table out. `days` are those of the month and of the one before; others are passed over.
    pub fn new(
        month: Month,
        closed: bool,
        calendar: &Calendar,
        days: &[ServiceDay],
        known: &BTreeMap<EventType, Known>,
    ) -> Self {
        let mut pairs: BTreeMap<&EventType, Pair> = BTreeMap::new();
        for day in days.iter().filter(|day| !day.ty.is_own()) {
            let pair = match day.day.month() {
                of if of == month => &mut pairs.entry(&day.ty).or_default().now,
                of if of == month.previous() => &mut pairs.entry(&day.ty).or_default().before,
                _ => continue,
            };
            add(pair, &day.counts);
        }
        let now = ranks(pairs.iter().map(|(ty, pair)| (*ty, transactions(&pair.now))));
        let before = ranks(pairs.iter().map(|(ty, pair)| (*ty, transactions(&pair.before))));
        let (mut total, mut levels) = (Pair::default(), BTreeMap::<Option<u8>, (usize, Pair)>::new());
        let mut services = Vec::with_capacity(pairs.len());
        for (ty, pair) in &pairs {
            let about = known.get(*ty);
            let maturity = about.and_then(|about| about.maturity);
            total.add(pair);
            let level = levels.entry(maturity).or_default();
            level.0 += 1;
            level.1.add(pair);
            let rank = now.get(ty).copied();
            services.push(ServiceLine {
                rank,
                rank_change: rank.zip(before.get(ty)).map(|(now, before)| i64::from(*before) - i64::from(now)),
                ty: (*ty).clone(),
                name: about.map(|about| about.name.clone()),
                owner: about.map(|about| about.owner.clone()),
                maturity,
                figures: pair.figures(closed),
            });
        }
        services.sort_by(|a, b| {
            let most = b.figures.transactions.cmp(&a.figures.transactions);
            most.then(b.figures.previous.cmp(&a.figures.previous)).then(a.ty.cmp(&b.ty))
        });
        let levels = levels.into_iter().rev();
        Self {
            month,
            zone: calendar.zone().to_owned(),
            closed,
            total: total.figures(closed),
            services,
            levels: levels
                .map(|(maturity, (services, pair))| Level { maturity, services, figures: pair.figures(closed) })
                .collect(),
        }
    }
}

/// The rank of each that has something; equal ones share it.
fn ranks<'a>(counts: impl Iterator<Item = (&'a EventType, u64)>) -> BTreeMap<&'a EventType, u32> {
    let mut counts: Vec<_> = counts.filter(|(_, n)| *n > 0).collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mut ranks = BTreeMap::new();
    let mut last = (0, 0);
    for ((ty, n), place) in counts.into_iter().zip(1..) {
        if n != last.0 {
            last = (n, place);
        }
        ranks.insert(ty, last.1);
    }
    ranks
}

/// A tenth as it is written.
fn tenths(n: i128) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure with one decimal")]
    let n = n as f64;
    n / 10.0
}

/// `part * 1000 / whole`, rounded to the nearest, halves away from zero.
fn per_mille(part: i128, whole: u64) -> Option<i128> {
    let whole = i128::from(whole);
    (whole > 0).then(|| (2 * part.abs() * 1000 + whole) / (2 * whole) * part.signum())
}

/// The change from one count to another in per cent, one decimal.
pub fn change_percent(now: u64, before: u64) -> Option<f64> {
    per_mille(i128::from(now) - i128::from(before), before).map(tenths)
}

fn share_percent(part: u64, whole: u64) -> Option<f64> {
    let share = per_mille(i128::from(part), whole)?;
    // What is not all is never written as all, nor what is something as nothing.
    let share = if part < whole { share.min(999) } else { share };
    Some(tenths(if part > 0 { share.max(1) } else { share }))
}

fn mean_seconds(ms: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| tenths((i128::from(ms) + i128::from(count) * 50) / (i128::from(count) * 100)))
}

//! What happened to agencies over time: minutes for two days, hours for five weeks, figures without a person in them.
//!
//! H1: what is written was watched; a stretch that nobody watched is a gap, never a guess. H2: an agency with nothing to say has no
//! row, and the row of the bus itself tells that from a gap. H3: an hour is the sum of its minutes, from the commits that write
//! them. H4: what is read is bounded, and so is what is kept.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::error::LedgerError;
use super::handle::Ledger;
use super::read::{Lens, corrupt};
use super::shared::lock;
use super::state::State;
use crate::model::delivery::Finished;
use crate::model::histogram::Histogram;
use crate::model::id::AgencyId;
use crate::model::outcome::Class;
use crate::model::time::At;

/// How many ways a delivery can end.
const ENDS: usize = Finished::ALL.len();
/// How many classes of attempts there are.
const CLASSES: usize = Class::ALL.len();
/// `history.span` of a minute.
const MINUTE: i64 = 1;
/// `history.span` of an hour.
const HOUR: i64 = 2;
/// A minute and an hour in milliseconds.
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
/// `history.agency` of the bus itself.
const BUS: i64 = 0;
/// Rows of one agency that are read at the most: two days of minutes.
const ROWS_MAX: i64 = 2 * 24 * 60;
/// Minutes that a [`Pulse`] shows.
pub(super) const PULSE_MINUTES: i64 = 60;

/// Deliveries that came to an agency or left it, and envelopes that it sent, since the ledger was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Movement {
    /// Envelopes accepted from it.
    pub sent: u64,
    /// Deliveries that came for it, redrives included.
    pub came: u64,
    /// Deliveries that ended, in the order of [`Finished::ALL`].
    pub ended: [u64; ENDS],
}

impl Movement {
    pub(super) fn end(&mut self, state: Finished) {
        if let Some(place) = Finished::ALL.iter().position(|known| *known == state) {
            self.ended[place] += 1;
        }
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.sent += more.sent;
        self.came += more.came;
        self.ended.iter_mut().zip(more.ended).for_each(|(sum, n)| *sum += n);
    }

    /// What has moved since an earlier look.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            came: self.came.saturating_sub(before.came),
            ended: std::array::from_fn(|place| self.ended[place].saturating_sub(before.ended[place])),
        }
    }
}

/// What happened to an agency, or to the whole bus, in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// What came and went.
    pub movement: Movement,
    /// Attempts, in the order of [`Class::ALL`].
    pub attempts: [u64; CLASSES],
    /// Durations of attempts.
    pub attempt_ms: Histogram,
    /// From acceptance to delivered.
    pub delivery_ms: Histogram,
    /// Age of the oldest unfinished delivery, in seconds; the highest seen.
    pub oldest_seconds: u64,
    /// Unfinished deliveries that are not in flight; the most seen.
    pub waiting: u64,
    /// Deliveries in flight; the most seen.
    pub in_flight: u64,
    /// How long the circuit was open, in seconds.
    pub open_seconds: u64,
}

impl Activity {
    /// Whether there is nothing to say.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another stretch, or another agency's: counts add up, of what was seen the highest stays.
    pub fn merge(&mut self, more: &Self) {
        self.movement.add(&more.movement);
        self.attempts.iter_mut().zip(more.attempts).for_each(|(sum, n)| *sum += n);
        self.attempt_ms.merge(&more.attempt_ms);
        self.delivery_ms.merge(&more.delivery_ms);
        self.oldest_seconds = self.oldest_seconds.max(more.oldest_seconds);
        self.waiting = self.waiting.max(more.waiting);
        self.in_flight = self.in_flight.max(more.in_flight);
        self.open_seconds += more.open_seconds;
    }

    /// Deliveries that ended as `delivered`.
    pub fn delivered(&self) -> u64 {
        self.movement.ended[0]
    }

    /// Deliveries that ended otherwise.
    pub fn ended_otherwise(&self) -> u64 {
        self.movement.ended[1..].iter().sum()
    }

    /// Attempts of every class.
    pub fn tried(&self) -> u64 {
        self.attempts.iter().sum()
    }
}

/// One minute as it was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// When the minute began.
    pub minute: At,
    /// How many seconds of it were watched.
    pub seconds: u32,
    /// The whole bus.
    pub bus: Activity,
    /// Every agency with something to say.
    pub agencies: Vec<(AgencyId, Activity)>,
}

/// A stretch of an agency's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// When it began.
    pub at: At,
    /// How many seconds of it were watched; at least one.
    pub seconds: u32,
    /// What happened.
    pub activity: Activity,
}

/// How long the stretches of a history are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// One minute; kept two days.
    Minute,
    /// A quarter of an hour, from minutes.
    Quarter,
    /// One hour; kept five weeks.
    Hour,
}

impl Resolution {
    /// The length of a stretch.
    pub fn length(self) -> Duration {
        Duration::from_millis(self.length_ms().unsigned_abs())
    }

    fn length_ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::Quarter => 15 * MINUTE_MS,
            Self::Hour => HOUR_MS,
        }
    }

    fn stored(self) -> (i64, i64) {
        match self {
            Self::Minute | Self::Quarter => (MINUTE, MINUTE_MS),
            Self::Hour => (HOUR, HOUR_MS),
        }
    }
}

/// The last minutes of all agencies, for a line as small as a word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When the first of the minutes began.
    pub from: At,
    /// Which of the minutes were watched.
    pub watched: Vec<bool>,
    /// Every agency that had something to say in one of them, with as many beats as there are minutes.
    pub agencies: BTreeMap<AgencyId, Vec<Beat>>,
    /// How the deliveries of each of them ended, in all these minutes.
    pub ends: BTreeMap<AgencyId, Ends>,
}

/// How deliveries ended in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// As delivered.
    pub delivered: u64,
    /// Otherwise.
    pub otherwise: u64,
    /// From acceptance to delivered.
    pub delivery_ms: Histogram,
}

impl Ends {
    /// Adds another agency's.
    pub fn merge(&mut self, more: &Self) {
        self.delivered += more.delivered;
        self.otherwise += more.otherwise;
        self.delivery_ms.merge(&more.delivery_ms);
    }

    /// Which part arrived; `None` where none ended.
    pub fn success_share(&self) -> Option<f64> {
        share(self.delivered, self.otherwise)
    }
}

/// One minute of an agency's pulse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beat {
    /// Deliveries that came.
    pub came: u64,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Attempts that did not go well.
    pub faults: u64,
    /// Unfinished deliveries that were not in flight.
    pub waiting: u64,
}

/// How the bus, or one agency, goes at present.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// How many seconds that is drawn from; nothing below is known where it is zero.
    pub seconds: u64,
    /// Envelopes accepted a minute.
    pub sent_per_minute: f64,
    /// Deliveries that came, a minute.
    pub came_per_minute: f64,
    /// Deliveries that arrived, a minute.
    pub delivered_per_minute: f64,
    /// Deliveries that ended, a minute, however they did.
    pub ended_per_minute: f64,
    /// Of those that ended, which part arrived; `None` where none ended.
    pub success_share: Option<f64>,
    /// From acceptance to delivered, in milliseconds: 95 of 100 took no longer.
    pub delivery_p95_ms: Option<u64>,
    /// One attempt, in milliseconds: 95 of 100 took no longer.
    pub attempt_p95_ms: Option<u64>,
}

impl Rates {
    fn of(seconds: u64, activity: &Activity) -> Self {
        let ended = activity.delivered() + activity.ended_otherwise();
        let success_share = share(activity.delivered(), activity.ended_otherwise());
        #[expect(clippy::cast_precision_loss, reason = "counts of some minutes")]
        let float = |n: u64| n as f64;
        let a_minute = |n: u64| if seconds == 0 { 0.0 } else { float(n) * 60.0 / float(seconds) };
        Self {
            seconds,
            sent_per_minute: a_minute(activity.movement.sent),
            came_per_minute: a_minute(activity.movement.came),
            delivered_per_minute: a_minute(activity.delivered()),
            ended_per_minute: a_minute(ended),
            success_share,
            delivery_p95_ms: activity.delivery_ms.percentile(95),
            attempt_p95_ms: activity.attempt_ms.percentile(95),
        }
    }
}

/// Of those that ended, which part arrived.
fn share(delivered: u64, otherwise: u64) -> Option<f64> {
    let ended = delivered + otherwise;
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
    (ended > 0).then(|| delivered as f64 / ended as f64)
}

/// The columns of an activity, in the order in which they are read and written.
macro_rules! columns {
    () => {
        "seconds, sent, came, delivered, dead, expired, skipped, cancelled, done, message_fault, configuration_fault, gone, \
         throttle, endpoint_fault, retry_asked, oldest_s, waiting, in_flight, open_s, attempt_ms, delivery_ms"
    };
}

/// Adds to a row; its durations have been merged.
pub(super) const ADD: &str = concat!(
    "INSERT INTO history (span, at, agency, ",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)
    ON CONFLICT (span, at, agency) DO UPDATE SET seconds = seconds + excluded.seconds, sent = sent + excluded.sent,
    came = came + excluded.came, delivered = delivered + excluded.delivered, dead = dead + excluded.dead,
    expired = expired + excluded.expired, skipped = skipped + excluded.skipped, cancelled = cancelled + excluded.cancelled,
    done = done + excluded.done, message_fault = message_fault + excluded.message_fault,
    configuration_fault = configuration_fault + excluded.configuration_fault, gone = gone + excluded.gone,
    throttle = throttle + excluded.throttle, endpoint_fault = endpoint_fault + excluded.endpoint_fault,
    retry_asked = retry_asked + excluded.retry_asked, oldest_s = max(oldest_s, excluded.oldest_s),
    waiting = max(waiting, excluded.waiting), in_flight = max(in_flight, excluded.in_flight),
    open_s = open_s + excluded.open_s, attempt_ms = excluded.attempt_ms, delivery_ms = excluded.delivery_ms"
);
const SELECT: &str = concat!("SELECT ", columns!(), " FROM history WHERE span = ?1 AND at = ?2 AND agency = ?3");

fn integer(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn read_histogram(row: &Row<'_>, column: usize) -> rusqlite::Result<Histogram> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|_| corrupt("durations that are none"))?;
    Histogram::read(bytes).ok_or_else(|| corrupt("durations of an unknown version"))
}

/// Reads [`columns`], seconds first.
fn read_activity(row: &Row<'_>) -> rusqlite::Result<(u32, Activity)> {
    let count = |column: usize| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0));
    let mut ended = [0; ENDS];
    for (place, sum) in ended.iter_mut().enumerate() {
        *sum = count(3 + place)?;
    }
    let mut attempts = [0; CLASSES];
    for (place, sum) in attempts.iter_mut().enumerate() {
        *sum = count(3 + ENDS + place)?;
    }
    let after = 3 + ENDS + CLASSES;
    let activity = Activity {
        movement: Movement { sent: count(1)?, came: count(2)?, ended },
        attempts,
        oldest_seconds: count(after)?,
        waiting: count(after + 1)?,
        in_flight: count(after + 2)?,
        open_seconds: count(after + 3)?,
        attempt_ms: read_histogram(row, after + 4)?,
        delivery_ms: read_histogram(row, after + 5)?,
    };
    Ok((row.get(0)?, activity))
}

/// The beginning of the stretch that an instant is in.
fn floor(at: At, length_ms: i64) -> i64 {
    at.0.div_euclid(length_ms) * length_ms
}

impl State<'_> {
    /// Writes minutes, and adds them to their hours.
    fn write_history(&mut self, cuts: &[Cut]) -> rusqlite::Result<()> {
        for Cut { minute, seconds, bus, agencies } in cuts {
            for (span, length_ms) in [(MINUTE, MINUTE_MS), (HOUR, HOUR_MS)] {
                let at = floor(*minute, length_ms);
                self.add_history((span, at, BUS), *seconds, bus)?;
                for (agency, activity) in agencies {
                    // Who has no number has never had an envelope: there is nothing to say of it.
                    if let Some(n) = self.names.n(agency) {
                        self.add_history((span, at, n), *seconds, activity)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_history(&mut self, key: (i64, i64, i64), seconds: u32, activity: &Activity) -> rusqlite::Result<()> {
        let stored =
            self.sql.history_durations.query_row(key, |row| Ok((read_histogram(row, 0)?, read_histogram(row, 1)?)));
        let (mut attempt_ms, mut delivery_ms) = stored.optional()?.unwrap_or_default();
        attempt_ms.merge(&activity.attempt_ms);
        delivery_ms.merge(&activity.delivery_ms);
        let Movement { sent, came, ended } = activity.movement;
        let [delivered, dead, expired, skipped, cancelled] = ended.map(integer);
        let [done, message, configuration, gone, throttle, endpoint, asked] = activity.attempts.map(integer);
        self.sql.add_history.execute(params![
            key.0,
            key.1,
            key.2,
            seconds,
            integer(sent),
            integer(came),
            delivered,
            dead,
            expired,
            skipped,
            cancelled,
            done,
            message,
            configuration,
            gone,
            throttle,
            endpoint,
            asked,
            integer(activity.oldest_seconds),
            integer(activity.waiting),
            integer(activity.in_flight),
            integer(activity.open_seconds),
            attempt_ms.write(),
            delivery_ms.write(),
        ])?;
        Ok(())
    }

    /// Forgets whole stretches that began before, until `limit` rows are gone; returns how many are.
    fn sweep_history(&mut self, minutes_before: At, hours_before: At, limit: usize) -> rusqlite::Result<usize> {
        let mut gone = 0;
        for (span, before) in [(MINUTE, minutes_before), (HOUR, hours_before)] {
            while gone < limit {
                let oldest =
                    self.sql.oldest_history.query_row((span, before.0), |row| row.get::<_, i64>(0)).optional()?;
                let Some(at) = oldest else { break };
                gone += self.sql.delete_history.execute((span, at))?;
            }
        }
        Ok(gone)
    }
}

impl Lens<'_> {
    /// The stretches of an agency, or of the bus, that were watched.
    fn history(&self, agency: i64, from: At, to: At, resolution: Resolution) -> rusqlite::Result<Vec<Point>> {
        let (span, stored_ms) = resolution.stored();
        let length_ms = resolution.length_ms();
        let from = floor(from, length_ms).max(to.0.saturating_sub(ROWS_MAX * stored_ms));
        let mut select = self.connection.prepare_cached(SELECT)?;
        let mut points: Vec<Point> = Vec::new();
        let mut at = floor(At(from), stored_ms);
        // Each is a seek of its own: the rows of all agencies stand side by side.
        while at < to.0 {
            let bus = select.query_row((span, at, BUS), read_activity).optional()?;
            if let Some((seconds, of_bus)) = bus {
                let activity = match agency {
                    BUS => of_bus,
                    n => select
                        .query_row((span, at, n), read_activity)
                        .optional()?
                        .map(|(_, own)| own)
                        .unwrap_or_default(),
                };
                let begins = At(floor(At(at), length_ms));
                match points.last_mut().filter(|last| last.at == begins) {
                    Some(last) => {
                        last.seconds += seconds;
                        last.activity.merge(&activity);
                    }
                    None => points.push(Point { at: begins, seconds, activity }),
                }
            }
            at += stored_ms;
        }
        Ok(points)
    }

    fn pulse(&self, now: At) -> rusqlite::Result<Pulse> {
        let to = floor(now, MINUTE_MS);
        let from = to - PULSE_MINUTES * MINUTE_MS;
        let minutes = usize::try_from(PULSE_MINUTES).unwrap_or(0);
        let mut pulse = Pulse { from: At(from), watched: vec![false; minutes], ..Pulse::default() };
        let mut by_n: HashMap<i64, (Vec<Beat>, Ends)> = HashMap::new();
        let mut select = self.connection.prepare_cached(
            "SELECT at, agency, came, delivered, message_fault + configuration_fault + gone + throttle + endpoint_fault + retry_asked,
                waiting, dead + expired + skipped + cancelled, delivery_ms FROM history WHERE span = ?1 AND at >= ?2 AND at < ?3",
        )?;
        let mut rows = select.query((MINUTE, from, to))?;
        while let Some(row) = rows.next()? {
            let minute = usize::try_from((row.get::<_, i64>(0)? - from) / MINUTE_MS).unwrap_or(0).min(minutes - 1);
            let count = |column: usize| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0));
            match row.get(1)? {
                BUS => pulse.watched[minute] = true,
                n => {
                    let beat = Beat { came: count(2)?, delivered: count(3)?, faults: count(4)?, waiting: count(5)? };
                    let (beats, ends) =
                        by_n.entry(n).or_insert_with(|| (vec![Beat::default(); minutes], Ends::default()));
                    beats[minute] = beat;
                    ends.delivered += beat.delivered;
                    ends.otherwise += count(6)?;
                    let durations = row.get_ref(7)?.as_blob().map_err(|_| corrupt("durations that are none"))?;
                    ends.delivery_ms.absorb(durations).ok_or_else(|| corrupt("durations of an unknown version"))?;
                }
            }
        }
        for (n, (beats, ends)) in by_n {
            if let Some(id) = self.names.id(n) {
                pulse.agencies.insert(id.clone(), beats);
                pulse.ends.insert(id.clone(), ends);
            }
        }
        Ok(pulse)
    }

    fn rates(&self, agency: i64, now: At, minutes: u32) -> rusqlite::Result<Rates> {
        let to = floor(now, MINUTE_MS);
        let from = to - i64::from(minutes) * MINUTE_MS;
        let (mut seconds, mut all) = (0, Activity::default());
        for point in self.history(agency, At(from), At(to), Resolution::Minute)? {
            seconds += u64::from(point.seconds);
            all.merge(&point.activity);
        }
        Ok(Rates::of(seconds, &all))
    }
}

impl Ledger {
    /// What came to each agency and left it since the ledger was opened. Exact: every commit that moves something counts it.
    pub fn movements(&self) -> Vec<(AgencyId, Movement)> {
        let names = self.shared().names();
        let movements = lock(&self.shared().movements);
        movements.iter().filter_map(|(n, movement)| Some((names.id(*n)?.clone(), *movement))).collect()
    }

    /// When the oldest unfinished delivery of each of these agencies was accepted; those that have none are left out.
    pub async fn oldest_of(&self, agencies: Vec<AgencyId>) -> Result<Vec<(AgencyId, At)>, LedgerError> {
        self.read(move |lens| {
            let mut found = Vec::new();
            for agency in agencies {
                let at = lens.names.n(&agency).map(|n| lens.oldest(n)).transpose()?.flatten();
                found.extend(at.map(|at| (agency, at)));
            }
            Ok(found)
        })
        .await
    }

    /// Writes minutes that were watched, in one commit. A minute that is there already is added to: both parts of it were watched.
    ///
    /// # Errors
    /// [`LedgerError::DiskLow`], [`LedgerError::Busy`], [`LedgerError::Poisoned`], [`LedgerError::Closed`]: nothing was written.
    pub async fn record_history(&self, cuts: Vec<Cut>) -> Result<(), LedgerError> {
        let written = self.deed(move |state| {
            // What is left of the disk is for what was accepted.
            if state.shared.disk_low.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(false);
            }
            state.write_history(&cuts).map(|()| true)
        });
        if written.await? { Ok(()) } else { Err(LedgerError::DiskLow) }
    }

    /// Forgets minutes and hours that began before, at most about `limit` rows; returns how many. Call again while there are more.
    pub async fn sweep_history(
        &self,
        minutes_before: At,
        hours_before: At,
        limit: usize,
    ) -> Result<usize, LedgerError> {
        self.deed(move |state| state.sweep_history(minutes_before, hours_before, limit)).await
    }

    /// The history of an agency between two instants, oldest first; stretches that nobody watched are missing. An agency that
    /// nothing ever happened to was idle in all that was watched. At most two days of minutes, or 2,880 hours.
    pub async fn history(
        &self,
        agency: &AgencyId,
        from: At,
        to: At,
        resolution: Resolution,
    ) -> Result<Vec<Point>, LedgerError> {
        let n = self.shared().names().n(agency).unwrap_or(NOBODY);
        self.read(move |lens| lens.history(n, from, to, resolution)).await
    }

    /// The same of the whole bus.
    pub async fn history_of_bus(&self, from: At, to: At, resolution: Resolution) -> Result<Vec<Point>, LedgerError> {
        self.read(move |lens| lens.history(BUS, from, to, resolution)).await
    }

    /// The last sixty whole minutes of every agency, in one read.
    pub async fn pulse(&self, now: At) -> Result<Pulse, LedgerError> {
        self.read(move |lens| lens.pulse(now)).await
    }

    /// How the bus went in the last whole minutes.
    pub async fn rates(&self, now: At, minutes: u32) -> Result<Rates, LedgerError> {
        self.read(move |lens| lens.rates(BUS, now, minutes)).await
    }

    /// How it went for one agency.
    pub async fn rates_of(&self, agency: &AgencyId, now: At, minutes: u32) -> Result<Rates, LedgerError> {
        let n = self.shared().names().n(agency).unwrap_or(NOBODY);
        self.read(move |lens| lens.rates(n, now, minutes)).await
    }
}

/// The number of an agency that has none: no row is its own.
const NOBODY: i64 = -1;

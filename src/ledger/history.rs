//! What happened to agencies over time: minutes for two days, hours for five weeks, figures without a person in them.
//!
//! H1: what is written was watched; a stretch that nobody watched is a gap, never a guess. H2: an agency with nothing to say has no
//! row, and the row of the bus itself tells that from a gap. H3: an hour is the sum of its minutes, from the commits that write
//! them. H4: what is read is bounded, and so is what is kept.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};

use super::activity::{
    Activity, Beat, CLASSES, Cut, ENDS, Ends, HOUR_MS, MINUTE_MS, Movement, Point, Pulse, Rates, Resolution,
};
use super::error::LedgerError;
use super::handle::Ledger;
use super::read::{Lens, corrupt};
use super::shared::lock;
use super::state::State;
use crate::model::histogram::Histogram;
use crate::model::id::AgencyId;
use crate::model::time::At;

/// `history.span` of a minute.
const MINUTE: i64 = 1;
/// `history.span` of an hour.
const HOUR: i64 = 2;
/// `history.agency` of the bus itself.
const BUS: i64 = 0;
/// Rows of one agency that are read at the most: two days of minutes.
const ROWS_MAX: i64 = 2 * 24 * 60;
/// Minutes that a [`Pulse`] shows.
pub(super) const PULSE_MINUTES: i64 = 60;

impl Resolution {
    /// The span of the rows it is read from, and their length.
    fn stored(self) -> (i64, i64) {
        match self {
            Self::Minute | Self::Quarter => (MINUTE, MINUTE_MS),
            Self::Hour => (HOUR, HOUR_MS),
        }
    }
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

//! Service windows: the hours in which an agency can be reached.
//!
//! Outside its window nothing is sent to an agency. What waits says `window` and until when; no attempt is made, and the time is
//! no age.
//!
//! ```toml
//! [delivery.window]
//! zone     = "Asia/Qatar"                         # IANA time zone; required
//! days     = ["sun", "mon", "tue", "wed", "thu"]  # this is the default
//! hours    = ["07:00-14:30"]                      # required; several, and over midnight: "22:00-02:00"
//! holidays = ["2026-12-18"]                       # days on which no hours begin
//! ```
//!
//! Hours are local and half open: at 07:00 it is open, at 14:30 it is closed. Hours over midnight belong to the day on which they
//! begin, holidays and free days alike; `24:00` ends a day. Where two ranges touch or overlap they are one.
//!
//! **ساعات الخدمة.** هي الأوقات التي يمكن فيها الوصول إلى الجهة. لا يُرسَل إليها شيء خارجها، وتبقى عمليات التسليم بانتظار بدايتها
//! التالية من غير أن تُحتسب محاولة أو يُحتسب وقت الانتظار من عمر التسليم. يحدد `zone` المنطقة الزمنية، و`days` أيام العمل (من الأحد إلى
//! الخميس ما لم يُذكر غيرها)، و`hours` فترات العمل بالتوقيت المحلي، ويجوز أن تمتد الفترة إلى ما بعد منتصف الليل فتُحسب لليوم الذي بدأت
//! فيه، و`holidays` أيام العطل التي لا تبدأ فيها أي فترة.
//!
//! W1: a boundary is the first instant at which the local clock reads it or later: one that a clock change skips is the change
//! itself, one that comes twice is the first. W2: whatever the calendar, an answer is found within a bounded number of days. W3:
//! nothing here reads the clock; the time zone database is the system's, else the one that is built in.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::time::At;

/// Most ranges of hours of one window.
pub const HOURS_MAX: usize = 12;
/// Most holidays of one window: some years of them.
pub const HOLIDAYS_MAX: usize = 128;
/// The days of a week, as they are written.
pub const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// The days of service where none are named.
pub const DAYS_DEFAULT: [&str; 5] = ["sun", "mon", "tue", "wed", "thu"];

/// Days that are looked at for the next or the last service day: each holiday can push it by a week (W2).
const SEARCH_DAYS: usize = 7 * (HOLIDAYS_MAX + 2);
/// Days after which a window that has not closed is said to stay open.
const OPEN_DAYS: usize = 400;
/// Days that are summed up at the most: what is older than that has waited for another reason.
const SUM_DAYS: usize = 3660;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// When an agency can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    zone: TimeZone,
    days: [bool; 7],
    hours: Vec<Hours>,
    holidays: BTreeSet<Date>,
}

/// Whether an agency can be reached, and how long that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can.
    Open {
        /// Until then; `None` where it does not close within a year.
        until: Option<At>,
    },
    /// It cannot.
    Closed {
        /// When it closed.
        since: At,
        /// When it opens.
        until: At,
    },
}

/// One range of local hours, in minutes from midnight; an end that is not after the start is on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    start: u16,
    end: u16,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(Weekday);

/// A calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holiday(Date);

/// A time zone by its IANA name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Why a part of a window is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WindowFault {
    /// No such zone.
    #[error("no time zone of this name is known")]
    Zone,
    /// Not one of [`DAYS`].
    #[error("a day is sun, mon, tue, wed, thu, fri or sat")]
    Day,
    /// Not a range of hours.
    #[error("a range of hours is two times of day joined by '-', such as 07:00-14:30")]
    Hours,
    /// A range without length.
    #[error("a range of hours begins and ends at the same time")]
    Empty,
    /// Not a date.
    #[error("a holiday is a date, such as 2026-12-18")]
    Holiday,
}

impl Zone {
    /// Finds a zone by its IANA name.
    pub fn parse(text: &str) -> Result<Self, WindowFault> {
        let zone = TimeZone::get(text).map_err(|_| WindowFault::Zone)?;
        // A name is looked up whatever its case; only the right one is taken, so that a manifest reads the same everywhere.
        if zone.iana_name() == Some(text) { Ok(Self(zone)) } else { Err(WindowFault::Zone) }
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The zone itself, for the calendar.
    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// The names that are known, for hints.
    pub fn names() -> Vec<String> {
        jiff::tz::db().available().map(|name| name.to_string()).collect()
    }
}

impl Default for Zone {
    /// Asia/Qatar.
    fn default() -> Self {
        Self::parse("Asia/Qatar").expect("the zones that are built in have it")
    }
}

impl Day {
    /// Reads one of [`DAYS`].
    pub fn parse(text: &str) -> Result<Self, WindowFault> {
        let index = DAYS.iter().position(|day| *day == text).and_then(|index| i8::try_from(index).ok());
        index.and_then(|index| Weekday::from_sunday_zero_offset(index).ok()).map(Self).ok_or(WindowFault::Day)
    }
}

impl Hours {
    /// Reads `07:00-14:30`.
    pub fn parse(text: &str) -> Result<Self, WindowFault> {
        let (start, end) = text.split_once('-').ok_or(WindowFault::Hours)?;
        let (start, end) = (minutes(start).ok_or(WindowFault::Hours)?, minutes(end).ok_or(WindowFault::Hours)?);
        match (start, end) {
            (start, end) if start == end => Err(WindowFault::Empty),
            (DAY, _) => Err(WindowFault::Hours),
            (start, end) => Ok(Self { start, end }),
        }
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |minutes: u16| (minutes / 60, minutes % 60);
        let ((from, from_minute), (to, to_minute)) = (time(self.start), time(self.end));
        write!(f, "{from:02}:{from_minute:02}-{to:02}:{to_minute:02}")
    }
}

impl Holiday {
    /// Reads `2026-12-18`.
    pub fn parse(text: &str) -> Result<Self, WindowFault> {
        let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date = plain.then(|| text.parse::<Date>().ok()).flatten();
        date.map(Self).ok_or(WindowFault::Holiday)
    }
}

/// `07:00` as minutes from midnight; `24:00` is the end of the day.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok());
    let (hour, minute): (u16, u16) = (two(hour)??, two(minute)??);
    let all = hour * 60 + minute;
    (hour <= 24 && minute < 60 && all <= DAY).then_some(all)
}

impl Window {
    /// A window. Without days it is [`DAYS_DEFAULT`]; without hours it is the whole of these days.
    pub fn new(zone: Zone, days: &[Day], mut hours: Vec<Hours>, holidays: &[Holiday]) -> Self {
        let mut week = [false; 7];
        let default: Vec<Day> = DAYS_DEFAULT.iter().filter_map(|day| Day::parse(day).ok()).collect();
        for day in if days.is_empty() { &default } else { days } {
            week[index(day.0)] = true;
        }
        if hours.is_empty() {
            hours.push(Hours { start: 0, end: DAY });
        }
        hours.sort_unstable();
        hours.truncate(HOURS_MAX);
        let holidays = holidays.iter().take(HOLIDAYS_MAX).map(|holiday| holiday.0).collect();
        Self { zone: zone.0, days: week, hours, holidays }
    }

    /// The IANA name of the zone whose clock it follows.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The days of service, as [`DAYS`] names them.
    pub fn days(&self) -> impl Iterator<Item = &'static str> {
        DAYS.into_iter().zip(self.days).filter(|(_, serves)| *serves).map(|(day, _)| day)
    }

    /// The hours of service, as they are written.
    pub fn hours(&self) -> impl Iterator<Item = String> {
        self.hours.iter().map(Hours::to_string)
    }

    /// Days on which no hours begin, `2026-12-18`, rising.
    pub fn holidays(&self) -> impl Iterator<Item = String> {
        self.holidays.iter().map(Date::to_string)
    }

    /// Whether the agency can be reached at `now`.
    pub fn state(&self, now: At) -> State {
        let mut open: Option<At> = None;
        for (start, end) in self.stretches(self.first_day(now), SEARCH_DAYS.max(OPEN_DAYS)) {
            match open {
                // Open, and joined by the next stretch; or not.
                Some(until) if start <= until => open = Some(until.max(end)),
                Some(until) => return State::Open { until: Some(until) },
                None if end <= now => {}
                None if start <= now => open = Some(end),
                None => return State::Closed { since: self.closed_since(now), until: start },
            }
            if open.is_some_and(|until| until.since(now) > OPEN_SPAN) {
                return State::Open { until: None };
            }
        }
        match open {
            Some(until) => State::Open { until: Some(until) },
            None => State::Closed { since: self.closed_since(now), until: At(i64::MAX) },
        }
    }

    /// The time between two instants in which the agency could not be reached.
    pub fn closed_between(&self, from: At, to: At) -> Duration {
        let mut open = Duration::ZERO;
        let mut reached = from;
        let days = usize::try_from(to.since(from).as_secs() / 86_400).unwrap_or(SUM_DAYS).saturating_add(4);
        for (start, end) in self.stretches(self.first_day(from), days.min(SUM_DAYS)) {
            let (start, end) = (start.max(reached), end.min(to));
            open += end.since(start);
            reached = reached.max(end);
        }
        to.since(from).saturating_sub(open)
    }

    /// The instant itself where the agency can be reached then, else the next opening.
    pub fn reachable_from(&self, at: At) -> At {
        match self.state(at) {
            State::Open { .. } => at,
            State::Closed { until, .. } => until,
        }
    }

    /// The last closing at or before `now`.
    fn closed_since(&self, now: At) -> At {
        let mut date = self.local(now).date().tomorrow().unwrap_or(Date::MAX);
        for _ in 0..SEARCH_DAYS {
            let ends = self.day(date).map(|(_, end)| end).filter(|end| *end <= now).max();
            let Ok(before) = date.yesterday() else { break };
            if let Some(end) = ends {
                // Hours of the day before may reach over midnight and end later.
                let late = self.day(before).map(|(_, end)| end).filter(|end| *end <= now).max();
                return late.map_or(end, |late| late.max(end));
            }
            date = before;
        }
        now
    }

    /// The day before the day before: the earliest whose hours can reach `now`, whatever the zone did to its calendar.
    fn first_day(&self, now: At) -> Date {
        let date = self.local(now).date();
        date.yesterday().and_then(Date::yesterday).unwrap_or(Date::MIN)
    }

    fn local(&self, at: At) -> DateTime {
        let end = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        self.zone.to_datetime(Timestamp::from_millisecond(at.0).unwrap_or(end))
    }

    /// Stretches of service that begin within so many days, in order of their beginning; they may touch and overlap.
    fn stretches(&self, first: Date, days: usize) -> impl Iterator<Item = (At, At)> {
        let dates = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(days);
        dates.flat_map(|date| self.day(date))
    }

    /// Stretches of service that begin on a day.
    fn day(&self, date: Date) -> impl Iterator<Item = (At, At)> {
        let serves = self.days[index(date.weekday())] && !self.holidays.contains(&date);
        let hours = if serves { self.hours.as_slice() } else { &[] };
        hours.iter().filter_map(move |hours| {
            let start = self.instant(date, hours.start)?;
            let end = match hours.end {
                end if end > hours.start && end < DAY => self.instant(date, end)?,
                end => self.instant(date.tomorrow().ok()?, end % DAY)?,
            };
            // A clock change may have swallowed it whole.
            (start < end).then_some((start, end))
        })
    }

    fn instant(&self, date: Date, minute: u16) -> Option<At> {
        first_instant(&self.zone, date, minute)
    }
}

/// The first instant at which the local clock reads this minute of this day, or later (W1).
pub(super) fn first_instant(zone: &TimeZone, date: Date, minute: u16) -> Option<At> {
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    let ambiguous = zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0));
    let stamp = match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().ok()?;
            zone.following(before).next()?.timestamp()
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
    };
    Some(At(stamp.as_millisecond()))
}

/// [`OPEN_DAYS`] as a time, less what a day's hours may reach over.
const OPEN_SPAN: Duration = Duration::from_secs((OPEN_DAYS as u64 - 10) * 86_400);

fn index(day: Weekday) -> usize {
    usize::try_from(day.to_sunday_zero_offset()).unwrap_or(0)
}

#[cfg(test)]
mod tests;

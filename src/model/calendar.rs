//! Local days and months: what services are counted by.
//!
//! A day begins at the first instant at which the local clock reads its midnight or later, so that every instant is of exactly one
//! day whatever a clock change does. Nothing here reads the clock.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::time::At;
use super::window::{Zone, first_instant};

/// The first year that a month may be of.
const YEAR_MIN: u32 = 1970;
/// The last one.
const YEAR_MAX: u32 = 9998;

/// A local day, as its date reads without dashes: `20260930`. Written `2026-09-30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// The day of a date.
    fn of(date: Date) -> Self {
        let part = |n: i16| u32::from(n.unsigned_abs());
        Self(part(date.year()) * 10_000 + part(date.month().into()) * 100 + part(date.day().into()))
    }

    /// The date as one number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Reads the number back.
    pub fn read(number: u32) -> Option<Self> {
        let part = |n: u32| i8::try_from(n % 100).ok();
        let year = i16::try_from(number / 10_000).ok()?;
        Date::new(year, part(number / 100)?, part(number)?).ok().map(Self::of)
    }

    /// Its month.
    pub fn month(self) -> Month {
        Month(self.0 / 100)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A month, written `2026-09`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

impl Month {
    /// Reads `2026-09`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !plain(year) || !plain(month) {
            return None;
        }
        Self::new(year.parse().ok()?, month.parse().ok()?)
    }

    fn new(year: u32, month: u32) -> Option<Self> {
        ((YEAR_MIN..=YEAR_MAX).contains(&year) && (1..=12).contains(&month)).then_some(Self(year * 100 + month))
    }

    /// The year.
    pub fn year(self) -> u32 {
        self.0 / 100
    }

    /// 1 to 12.
    pub fn number(self) -> u32 {
        self.0 % 100
    }

    /// The month before; the first there is has none but itself.
    pub fn previous(self) -> Self {
        match self.number() {
            1 => Self::new(self.year() - 1, 12).unwrap_or(self),
            month => Self::new(self.year(), month - 1).unwrap_or(self),
        }
    }

    /// The month after; the last there is has none but itself.
    pub fn next(self) -> Self {
        match self.number() {
            12 => Self::new(self.year() + 1, 1).unwrap_or(self),
            month => Self::new(self.year(), month + 1).unwrap_or(self),
        }
    }

    /// Its first day.
    pub fn first(self) -> Day {
        Day(self.0 * 100 + 1)
    }

    /// Its last day.
    pub fn last(self) -> Day {
        let first = Day::read(self.first().0).unwrap_or(self.first());
        Day(self.0 * 100 + first.date().map_or(28, |date| u32::from(date.days_in_month().unsigned_abs())))
    }
}

impl Day {
    fn date(self) -> Option<Date> {
        let part = |n: u32| i8::try_from(n % 100).ok();
        Date::new(i16::try_from(self.0 / 10_000).ok()?, part(self.0 / 100)?, part(self.0)?).ok()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a month such as 2026-09"))
    }
}

/// Days and months of one time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar(Zone);

impl Default for Calendar {
    /// Qatar's, for which Falaj was made.
    fn default() -> Self {
        Self(Zone::default())
    }
}

/// A day with the instants at which it begins and at which the next one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The day.
    pub day: Day,
    /// Its first instant.
    pub from: At,
    /// The first instant after it.
    pub to: At,
}

impl Bounds {
    /// Whether an instant is of this day.
    pub fn hold(&self, at: At) -> bool {
        self.from <= at && at < self.to
    }
}

impl Calendar {
    /// The calendar of a zone.
    pub fn new(zone: Zone) -> Self {
        Self(zone)
    }

    /// The zone's name.
    pub fn zone(&self) -> &str {
        self.0.name()
    }

    /// The day of an instant, with its bounds.
    pub fn bounds(&self, at: At) -> Bounds {
        let end = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let stamp = Timestamp::from_millisecond(at.0).unwrap_or(end);
        let mut date = self.0.time_zone().to_datetime(stamp).date();
        // Where the clock went back over midnight it reads yesterday's date once more; that hour is today's.
        if let Ok(tomorrow) = date.tomorrow()
            && self.start(tomorrow).is_some_and(|start| start <= at)
        {
            date = tomorrow;
        }
        let from = self.start(date).unwrap_or(At(i64::MIN));
        let to = date.tomorrow().ok().and_then(|date| self.start(date)).unwrap_or(At(i64::MAX));
        Bounds { day: Day::of(date), from, to }
    }

    /// The day of an instant.
    pub fn day(&self, at: At) -> Day {
        self.bounds(at).day
    }

    /// The month of an instant.
    pub fn month(&self, at: At) -> Month {
        self.day(at).month()
    }

    fn start(&self, date: Date) -> Option<At> {
        first_instant(self.0.time_zone(), date, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(Zone::parse(zone).unwrap())
    }

    fn at(text: &str) -> At {
        At::parse(text).unwrap()
    }

    #[test]
    fn a_day_is_local() {
        let qatar = calendar("Asia/Qatar");
        assert_eq!(qatar.day(at("2026-09-30T20:59:59.999Z")).to_string(), "2026-09-30");
        let bounds = qatar.bounds(at("2026-09-30T21:00:00Z"));
        assert_eq!((bounds.day.number(), bounds.day.month().to_string()), (20_261_001, "2026-10".into()));
        assert_eq!((bounds.from, bounds.to), (at("2026-10-01T00:00:00+03:00"), at("2026-10-02T00:00:00+03:00")));
        assert!(bounds.hold(bounds.from) && !bounds.hold(bounds.to));
        assert_eq!(Day::read(20_261_001), Some(bounds.day));
        assert_eq!(Day::read(20_260_931), None);
    }

    #[test]
    fn every_instant_is_of_one_day_whatever_the_clock_does() {
        // Cuba's clock went back from 01:00 to 00:00, Brazil's from 00:00 to 23:00, Lebanon's forward from 00:00 to 01:00.
        for (zone, from, days) in [
            ("America/Havana", "2025-11-01T00:00:00Z", 3),
            ("America/Sao_Paulo", "2019-02-16T00:00:00Z", 3),
            ("Asia/Beirut", "2026-03-28T00:00:00Z", 3),
        ] {
            let (calendar, mut bounds) = (calendar(zone), calendar(zone).bounds(at(from)));
            let (mut minute, end) = (bounds.from, bounds.from.0 + days * 86_400_000);
            while minute.0 < end {
                if !bounds.hold(minute) {
                    let next = calendar.bounds(minute);
                    assert_eq!((next.from, next.day > bounds.day), (bounds.to, true), "{zone} {minute}");
                    bounds = next;
                }
                assert_eq!(calendar.bounds(minute), bounds, "{zone} {minute}");
                minute.0 += 60_000;
            }
        }
    }

    #[test]
    fn months_follow_each_other() {
        let month = |text| Month::parse(text).unwrap();
        assert_eq!(month("2026-01").previous(), month("2025-12"));
        assert_eq!(month("2026-12").next(), month("2027-01"));
        assert_eq!(month("2028-02").last().to_string(), "2028-02-29");
        assert_eq!(
            (month("2026-09").first().to_string(), month("2026-09").last().number()),
            ("2026-09-01".into(), 20_260_930)
        );
        for text in ["", "2026", "2026-9", "2026-13", "2026-00", "26-09", "+026-09", "2026-09-01", "1969-12"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }
}

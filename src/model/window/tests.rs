use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;
const ZONES: [&str; 5] = ["Asia/Qatar", "Africa/Cairo", "America/New_York", "Australia/Lord_Howe", "UTC"];

fn at(text: &str) -> At {
    At::parse(text).unwrap()
}

fn window(zone: &str, days: &[&str], hours: &[&str], holidays: &[&str]) -> Window {
    let days: Vec<Day> = days.iter().map(|day| Day::parse(day).unwrap()).collect();
    let holidays: Vec<Holiday> = holidays.iter().map(|day| Holiday::parse(day).unwrap()).collect();
    let hours = hours.iter().map(|hours| Hours::parse(hours).unwrap()).collect();
    Window::new(Zone::parse(zone).unwrap(), &days, hours, &holidays)
}

/// Keeps W1 by walking: a local clock that never goes back, minute by minute, against the hours as they are written.
fn walk(window: &Window, from: At, minutes: i64) -> Vec<bool> {
    // The days before make the clock reach what it read last before a change.
    let warm = 3 * 24 * 60;
    let mut clock = DateTime::MIN;
    let mut open = Vec::new();
    for minute in -warm..minutes {
        clock = clock.max(window.local(At(from.0 + minute * MINUTE)));
        if minute >= 0 {
            open.push(is_within(window, clock));
        }
    }
    open
}

fn is_within(window: &Window, clock: DateTime) -> bool {
    let mut date = clock.date();
    for back in 0..2_i64 {
        if window.days[index(date.weekday())] && !window.holidays.contains(&date) {
            let since_midnight = i64::from(clock.hour()) * 60 + i64::from(clock.minute()) + back * i64::from(DAY);
            for hours in &window.hours {
                let length = (i64::from(hours.end) - i64::from(hours.start) - 1).rem_euclid(i64::from(DAY)) + 1;
                let into = since_midnight - i64::from(hours.start);
                if (0..length).contains(&into) {
                    return true;
                }
            }
        }
        date = date.yesterday().unwrap();
    }
    false
}

/// Compares a window with the walk, at every change and now and then between.
fn compare(window: &Window, from: At, days: i64) {
    let flags = walk(window, from, days * 24 * 60);
    let instant = |minute: usize| At(from.0 + i64::try_from(minute).unwrap() * MINUTE);
    let change = |minute: usize| (minute..flags.len()).find(|m| flags[*m] != flags[minute]);
    let changed = |minute: usize| (0..=minute).rev().find(|m| flags[*m] != flags[minute]).map(|m| m + 1);
    let is_edge = |m: usize| m > 0 && flags[m] != flags[m - 1] || m + 1 < flags.len() && flags[m] != flags[m + 1];
    for minute in (0..flags.len()).filter(|m| m % 53 == 0 || is_edge(*m)) {
        let (now, state) = (instant(minute), window.state(instant(minute)));
        let context = format!("{now} {window:?}");
        match state {
            State::Open { until } => {
                assert!(flags[minute], "open: {context}");
                if let Some(next) = change(minute) {
                    assert_eq!(until, Some(instant(next)), "open until: {context}");
                }
            }
            State::Closed { since, until } => {
                assert!(!flags[minute], "closed: {context}");
                if let Some(next) = change(minute) {
                    assert_eq!(until, instant(next), "closed until: {context}");
                }
                if let Some(before) = changed(minute) {
                    assert_eq!(since, instant(before), "closed since: {context}");
                }
                assert!(since <= now && now < until, "{context}");
            }
        }
    }
    let closed = flags.iter().filter(|open| !**open).count();
    assert_eq!(
        window.closed_between(from, instant(flags.len())),
        Duration::from_secs(u64::try_from(closed).unwrap() * 60),
        "{from} {window:?}"
    );
}

#[test]
fn a_week_in_doha() {
    let window = window("Asia/Qatar", &[], &["07:00-14:30"], &["2026-12-17", "2026-12-18"]);
    for (now, state) in [
        // Sunday to Thursday.
        ("2026-11-22T07:00:00+03:00", State::Open { until: Some(at("2026-11-22T14:30:00+03:00")) }),
        ("2026-11-26T14:29:59.999+03:00", State::Open { until: Some(at("2026-11-26T14:30:00+03:00")) }),
        // The weekend.
        (
            "2026-11-26T14:30:00+03:00",
            State::Closed { since: at("2026-11-26T14:30:00+03:00"), until: at("2026-11-29T07:00:00+03:00") },
        ),
        (
            "2026-11-29T06:59:59.999+03:00",
            State::Closed { since: at("2026-11-26T14:30:00+03:00"), until: at("2026-11-29T07:00:00+03:00") },
        ),
        // A weekend that begins with a holiday.
        (
            "2026-12-19T12:00:00+03:00",
            State::Closed { since: at("2026-12-16T14:30:00+03:00"), until: at("2026-12-20T07:00:00+03:00") },
        ),
    ] {
        assert_eq!(window.state(at(now)), state, "{now}");
    }
    let week = window.closed_between(at("2026-11-22T00:00:00+03:00"), at("2026-11-29T00:00:00+03:00"));
    assert_eq!(week.as_secs(), (7 * 24 * 60 - 5 * 450) * 60);
}

#[test]
fn a_skipped_hour_opens_at_the_change_and_a_repeated_one_closes_the_first_time() {
    // In Cairo the clocks went from 00:00 to 01:00 on 24 April 2026, a Friday.
    let spring = window("Africa/Cairo", &["fri"], &["00:30-02:00"], &[]);
    let change = at("2026-04-24T00:00:00+02:00");
    assert_eq!(spring.state(At(change.0 - 1)), {
        let since = at("2026-04-17T02:00:00+02:00");
        State::Closed { since, until: change }
    });
    assert_eq!(spring.state(change), State::Open { until: Some(at("2026-04-24T02:00:00+03:00")) });
    // A range that the change swallows whole is not there at all.
    let gone = window("Africa/Cairo", &["fri"], &["00:10-00:50"], &[]);
    assert!(matches!(gone.state(change), State::Closed { until, .. } if until == at("2026-05-01T00:10:00+03:00")));
    // On 30 October 2026 the hour from 23:00 came twice.
    let autumn = window("Africa/Cairo", &["thu"], &["20:00-23:30", "23:45-24:00"], &[]);
    let first = at("2026-10-29T23:30:00+03:00");
    assert_eq!(autumn.state(At(first.0 - 1)), State::Open { until: Some(first) });
    let again = State::Open { until: Some(at("2026-10-30T00:00:00+02:00")) };
    assert_eq!(autumn.state(at("2026-10-29T23:45:00+03:00")), again);
    assert_eq!(autumn.state(at("2026-10-29T23:15:00+02:00")), again, "the second hour belongs to what was open");
}

#[test]
fn clock_changes_agree_with_the_walk() {
    for (zone, from) in [
        ("Africa/Cairo", "2026-04-21T00:00:00+02:00"),
        ("Africa/Cairo", "2026-10-27T00:00:00+03:00"),
        ("America/New_York", "2026-03-06T00:00:00-05:00"),
        ("America/New_York", "2026-10-30T00:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-04-02T00:00:00+11:00"),
        ("Australia/Lord_Howe", "2026-10-02T00:00:00+10:30"),
    ] {
        for hours in ["00:00-24:00", "00:30-02:00", "23:30-00:30", "22:00-06:00", "01:30-02:15", "02:00-01:59"] {
            compare(&window(zone, &DAYS, &[hours], &[]), at(from), 6);
        }
    }
}

#[test]
fn what_never_closes_says_so_and_what_is_far_away_is_found() {
    let always = window("Asia/Qatar", &DAYS, &["00:00-12:00", "12:00-24:00"], &[]);
    assert_eq!(always.state(at("2026-11-22T03:00:00Z")), State::Open { until: None });
    assert_eq!(always.closed_between(at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z")), Duration::ZERO);
    // Keeps W2: one day a week, and every one of them a holiday for as long as there may be holidays.
    let mut sunday: Date = "2026-11-22".parse().unwrap();
    let mut holidays = Vec::new();
    for _ in 0..HOLIDAYS_MAX {
        holidays.push(Holiday(sunday));
        sunday = sunday.checked_add(jiff::Span::new().days(7)).unwrap();
    }
    let rare = Window::new(
        Zone::parse("Asia/Qatar").unwrap(),
        &[Day::parse("sun").unwrap()],
        vec![Hours::parse("08:00-09:00").unwrap()],
        &holidays,
    );
    let opens = rare.instant(sunday, 8 * 60).unwrap();
    let State::Closed { since, until } = rare.state(at("2026-11-16T00:00:00Z")) else { panic!("open") };
    assert_eq!((since, until), (at("2026-11-15T06:00:00Z"), opens));
    let State::Closed { since, .. } = rare.state(At(opens.0 - 1)) else { panic!("open") };
    assert_eq!(since, at("2026-11-15T06:00:00Z"));
    // The ends of time are no panic.
    for end in [At(i64::MIN), At(i64::MAX), At(0)] {
        let (_, _) = (rare.state(end), always.state(end));
        rare.closed_between(At(i64::MIN), end);
    }
}

#[test]
fn the_built_in_database_knows_the_same_zones() {
    let built_in = jiff::tz::TimeZoneDatabase::bundled();
    for zone in ZONES {
        assert_eq!(Zone::parse(zone).unwrap().0.iana_name(), Some(zone));
        assert_eq!(built_in.get(zone).unwrap().iana_name(), Some(zone), "a machine without zoneinfo");
    }
    assert!(Zone::names().iter().any(|name| name == "Asia/Qatar"));
}

#[test]
fn parts_are_strict() {
    for text in [
        "",
        "07:00",
        "07:00-",
        "7:00-14:30",
        "07:00–14:30",
        "07:60-08:00",
        "24:00-08:00",
        "+7:00-08:00",
        "25:00-26:00",
        "24:01-03:00",
    ] {
        assert_eq!(Hours::parse(text), Err(WindowFault::Hours), "{text}");
    }
    assert_eq!(Hours::parse("07:00-07:00"), Err(WindowFault::Empty));
    assert_eq!(Hours::parse("22:00-24:00"), Ok(Hours { start: 1320, end: 1440 }));
    for text in ["Sun", "sunday", "", "الأحد"] {
        assert_eq!(Day::parse(text), Err(WindowFault::Day), "{text}");
    }
    for text in ["2026-02-30", "18-12-2026", "2026-12-18T00:00", "20261218"] {
        assert_eq!(Holiday::parse(text), Err(WindowFault::Holiday), "{text}");
    }
    for text in ["Asia/Doha", "asia/qatar", "", "+03:00", "../etc/passwd", "Etc/Unknown"] {
        assert_eq!(Zone::parse(text), Err(WindowFault::Zone), "{text}");
    }
}

fn any_window() -> impl Strategy<Value = Window> {
    let hours = (0..DAY, 1..=DAY).prop_filter_map("a range has a length", |(start, length)| {
        let end = (start + length) % DAY;
        (start != end).then_some(Hours { start, end })
    });
    let holiday = (0..40_i64).prop_map(|day| {
        let first: Date = "2026-03-20".parse().unwrap();
        Holiday(first.checked_add(jiff::Span::new().days(day)).unwrap())
    });
    let days = prop::sample::subsequence(DAYS.to_vec(), 1..=7);
    (
        prop::sample::select(ZONES.to_vec()),
        days,
        prop::collection::vec(hours, 1..4),
        prop::collection::vec(holiday, 0..12),
    )
        .prop_map(|(zone, days, hours, holidays)| {
            let days: Vec<Day> = days.iter().map(|day| Day::parse(day).unwrap()).collect();
            Window::new(Zone::parse(zone).unwrap(), &days, hours, &holidays)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_window_agrees_with_the_walk(window in any_window(), day in 0..40_i64) {
        // From the end of March to the end of April: the spring changes of all zones that have one, and their holidays.
        compare(&window, At(at("2026-03-20T00:00:00Z").0 + day * 86_400_000), 9);
    }
}

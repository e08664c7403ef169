//! `Retry-After` (RFC 9110, section 10.2.3): seconds, or one of the three forms of an HTTP date.

use std::time::Duration;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use crate::model::time::At;

/// IMF-fixdate, which all must write, and the two older forms, which all must read (RFC 9110, section 5.6.7).
const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// How long to keep away, counted from `now`, the time of the answer. A date that has passed means at once. What is neither
/// seconds nor a date says nothing. How much of it is believed is for the one who decides.
pub(super) fn parse(value: &str, now: At) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    FORMS.iter().find_map(|form| date(form, value)).map(|at| at.since(now))
}

fn date(form: &str, value: &str) -> Option<At> {
    let moment = BrokenDownTime::parse(form, value).ok()?.to_datetime().ok()?;
    Some(At(moment.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: At = At(784_111_770_000); // Sun, 06 Nov 1994 08:49:30 GMT

    #[test]
    fn both_forms_are_read() {
        let seven = Some(Duration::from_secs(7));
        for value in
            ["7", " 7 ", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(value, NOW), seven, "{value}");
        }
        assert_eq!(parse("0", NOW), Some(Duration::ZERO));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:29 GMT", NOW), Some(Duration::ZERO), "past means at once");
        assert_eq!(parse("99999999999999999999", NOW), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn anything_else_says_nothing() {
        for value in ["", "-1", "1.5", "soon", "+7", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"] {
            assert_eq!(parse(value, NOW), None, "{value}");
        }
    }
}

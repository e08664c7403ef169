//! How a reader is spoken to: the texts, the numbers, the ages and the times, in the reader's language.
//!
//! Every screen and every row has a [`Say`]; it is small and copied freely.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use askama::filters::HtmlSafe;
use fluent_bundle::{FluentArgs, FluentValue};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{number, text};
use crate::model::calendar::Month;
use crate::model::text::{Bilingual, Language};
use crate::model::time::At;

/// Text that is HTML already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(pub(super) String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// One value that a text speaks of.
pub(super) type Of<'a> = (&'static str, FluentValue<'a>);

/// A whole number, of whatever size and however it is lent.
pub(super) trait Whole {
    /// The number.
    fn whole(&self) -> u64;
}

impl Whole for u64 {
    fn whole(&self) -> u64 {
        *self
    }
}

impl Whole for u8 {
    fn whole(&self) -> u64 {
        u64::from(*self)
    }
}

impl Whole for u32 {
    fn whole(&self) -> u64 {
        u64::from(*self)
    }
}

impl<T: Whole> Whole for &T {
    fn whole(&self) -> u64 {
        (**self).whole()
    }
}

/// What a text that becomes HTML speaks of.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// Plain text.
    Text(&'a str),
    /// A count.
    Count(u64),
    /// An instant.
    At(At),
}

/// The reader's language, and the time of what is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say {
    pub(super) language: Language,
    pub(super) now: At,
}

impl Say {
    /// A text.
    pub(super) fn t(&self, key: &str) -> Cow<'static, str> {
        text::message(self.language, key, &FluentArgs::new())
    }

    /// A text about a count, which it calls `$n`.
    pub(super) fn tn(&self, key: &str, n: impl Whole) -> Cow<'static, str> {
        self.tell(key, [("n", count(n.whole()))])
    }

    /// A text about something, which it calls `$what`.
    pub(super) fn ts(&self, key: &str, what: &str) -> Cow<'static, str> {
        self.tell(key, [("what", FluentValue::from(what))])
    }

    /// A text about several things.
    pub(super) fn tell<'a>(&self, key: &str, of: impl IntoIterator<Item = Of<'a>>) -> Cow<'static, str> {
        let mut args = FluentArgs::new();
        for (name, value) in of {
            args.set(name, value);
        }
        text::message(self.language, key, &args)
    }

    /// A text about several things, some of which are HTML.
    pub(super) fn html<'a>(&self, key: &str, parts: impl IntoIterator<Item = (&'static str, Part<'a>)>) -> Html {
        let mut args = FluentArgs::new();
        let mut pieces: Vec<(char, Html)> = Vec::new();
        for (name, part) in parts {
            match part {
                Part::Text(text) => args.set(name, text),
                Part::Count(n) => args.set(name, count(n)),
                Part::At(at) => {
                    // A character that is no text stands where the HTML will stand.
                    let mark = char::from_u32(0xe000 + u32::try_from(pieces.len()).unwrap_or(0)).unwrap_or('\u{e000}');
                    args.set(name, mark.to_string());
                    pieces.push((mark, self.at(&at)));
                }
            }
        }
        let text = escape(&text::message(self.language, key, &args));
        Html(pieces.into_iter().fold(text, |text, (mark, Html(piece))| text.replace(mark, &piece)))
    }

    /// A whole number.
    pub(super) fn n(&self, number: impl Whole) -> String {
        number::whole(number.whole(), self.language)
    }

    /// A number in a cell where most are zero: zero is a quiet dot.
    pub(super) fn quiet(&self, number: impl Whole) -> Html {
        match number.whole() {
            0 => Html("<span class=\"zero\">·</span>".to_owned()),
            number => Html(self.n(number)),
        }
    }

    /// A number that was counted up to a bound: what has reached it may be more.
    pub(super) fn capped(&self, number: impl Whole, max: u64) -> Html {
        let number = number.whole();
        if number < max { self.quiet(number) } else { Html(escape(&self.tn("or-more", max))) }
    }

    /// A share of one.
    pub(super) fn percent(&self, share: &f64) -> String {
        number::percent(*share, self.language)
    }

    /// A change in per cent, with its sign.
    pub(super) fn change(&self, percent: &f64) -> String {
        number::change(*percent, self.language)
    }

    /// A figure with at most one place.
    pub(super) fn figure(&self, number: &f64) -> String {
        number::decimal(*number, 1, self.language)
    }

    /// The digits of the language in what is written with plain ones.
    pub(super) fn digits(&self, text: &str) -> String {
        number::digits(text, self.language)
    }

    /// A month by its name and year.
    pub(super) fn month(&self, month: &Month) -> String {
        let name = self.t(&format!("month-{}", month.number()));
        self.tell(
            "month-of-year",
            [("month", name.as_ref().into()), ("year", self.digits(&month.year().to_string()).into())],
        )
        .into_owned()
    }

    /// The time of day, or the day, under a chart.
    pub(super) fn tick(&self, at: &At, days: bool) -> Html {
        let Some(zoned) = utc(*at) else { return Html(String::new()) };
        let (kind, text) = match days {
            true => ("day", format!("{} {}", zoned.day(), self.t(&format!("month-{}", zoned.month())))),
            false => ("clock", format!("{:02}:{:02}", zoned.hour(), zoned.minute())),
        };
        Html(format!("<time class=\"{kind}\" datetime=\"{at}\">{}</time>", self.digits(&text)))
    }

    /// One of two texts.
    pub(super) fn pick<'a>(&self, text: &'a Bilingual) -> &'a str {
        text.get(self.language)
    }

    /// A length of time in its two largest units; what is shorter than a minute only says so.
    pub(super) fn span(&self, span: &Duration) -> String {
        self.lasting(span, |unit, n| self.tn(&format!("span-{unit}"), n))
    }

    /// The same where a preposition stands before it: Arabic declines its duals.
    pub(super) fn span_within(&self, span: &Duration) -> String {
        self.lasting(span, |unit, n| self.tn(&format!("span-{unit}-within"), n))
    }

    fn lasting(&self, span: &Duration, said: impl Fn(&str, u64) -> Cow<'static, str>) -> String {
        let minutes = span.as_secs() / 60;
        let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        let (first, second) = match (days, hours, minutes) {
            (0, 0, 0) => return self.t("span-moment").into_owned(),
            (0, 0, minutes) => (said("minutes", minutes), None),
            (0, hours, minutes) => (said("hours", hours), (minutes > 0).then(|| said("minutes", minutes))),
            (days, hours, _) => (said("days", days), (hours > 0).then(|| said("hours", hours))),
        };
        match second {
            Some(second) => self
                .tell("span-two", [("first", first.as_ref().into()), ("second", second.as_ref().into())])
                .into_owned(),
            None => first.into_owned(),
        }
    }

    /// A short length of time: milliseconds, seconds with one place, or as [`Self::span`].
    pub(super) fn short(&self, span: &Duration) -> String {
        let ms = span.as_millis();
        match ms {
            0..1000 => self.tell("span-milliseconds", [("n", count(u64::try_from(ms).unwrap_or(0)))]).into_owned(),
            1000..60_000 => self.tell("span-seconds", [("n", FluentValue::from(span.as_secs_f64()))]).into_owned(),
            _ => self.span(span),
        }
    }

    /// A very short length of time, with one place where it has only a few milliseconds.
    pub(super) fn fine(&self, span: &Duration) -> String {
        match span.as_micros() {
            0..10_000 => {
                let ms = (span.as_secs_f64() * 10_000.0).round() / 10.0;
                self.tell("span-milliseconds", [("n", FluentValue::from(ms.max(0.1)))]).into_owned()
            }
            _ => self.short(span),
        }
    }

    /// A size in the largest unit that it fills.
    pub(super) fn bytes(&self, bytes: &u64) -> String {
        const UNITS: [&str; 5] = ["bytes-b", "bytes-kib", "bytes-mib", "bytes-gib", "bytes-tib"];
        let (mut size, mut at) = (*bytes as f64, 0);
        while size >= 1024.0 && at + 1 < UNITS.len() {
            size /= 1024.0;
            at += 1;
        }
        self.tell(UNITS[at], [("n", FluentValue::from(size))]).into_owned()
    }

    /// How long ago something was, behind a preposition.
    pub(super) fn age_within(&self, since: &At) -> String {
        self.span_within(&self.now.since(*since))
    }

    /// An instant: in UTC, until the script has put it into the reader's own zone.
    pub(super) fn at(&self, at: &At) -> Html {
        let Some(zoned) = utc(*at) else { return Html(String::new()) };
        let month = self.t(&format!("month-{}", zoned.month()));
        let time = format!("{:02}:{:02}:{:02}", zoned.hour(), zoned.minute(), zoned.second());
        let text = self.tell(
            "time-full",
            [
                ("day", number::digits(&zoned.day().to_string(), self.language).into()),
                ("month", month.as_ref().into()),
                ("year", number::digits(&zoned.year().to_string(), self.language).into()),
                ("time", number::digits(&time, self.language).into()),
            ],
        );
        Html(format!("<time datetime=\"{at}\">{text}</time>"))
    }

    /// How long ago, with the instant where one points at it.
    pub(super) fn ago(&self, at: &At) -> Html {
        let full = utc(*at).map(|zoned| zoned.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
        Html(format!(
            "<time class=\"age\" datetime=\"{at}\" title=\"{full}\">{}</time>",
            self.span(&self.now.since(*at))
        ))
    }
}

fn utc(at: At) -> Option<jiff::Zoned> {
    Timestamp::from_millisecond(at.0).ok().map(|stamp| stamp.to_zoned(TimeZone::UTC))
}

/// A count as texts take it.
pub(super) fn count(n: u64) -> FluentValue<'static> {
    FluentValue::from(n)
}

/// Text within HTML.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(language: Language) -> Say {
        Say { language, now: At(1_700_000_000_000) }
    }

    fn plain(text: &str) -> String {
        text.replace(['\u{2068}', '\u{2069}'], "")
    }

    #[test]
    fn lengths_of_time_are_said_in_two_units() {
        let lengths = [
            (59, "< 1 min", "أقل من دقيقة"),
            (60, "1 min", "دقيقة"),
            (11 * 60, "11 min", "١١ دقيقة"),
            (7_260, "2 h 1 min", "ساعتان ودقيقة"),
            (2 * 86_400 + 7_200, "2 d 2 h", "يومان وساعتان"),
            (90_000, "1 d 1 h", "يوم وساعة"),
            (3 * 86_400, "3 d", "٣ أيام"),
        ];
        for (seconds, english, arabic) in lengths {
            let span = Duration::from_secs(seconds);
            assert_eq!(plain(&say(Language::English).span(&span)), english);
            assert_eq!(plain(&say(Language::Arabic).span(&span)), arabic);
        }
        let hours = Duration::from_secs(7_320);
        assert_eq!(plain(&say(Language::Arabic).span_within(&hours)), "ساعتين ودقيقتين");
        assert_eq!(plain(&say(Language::English).span_within(&hours)), "2 h 2 min");
        assert_eq!(plain(&say(Language::English).short(&Duration::from_millis(1_540))), "1.5 s");
        let fine = [(12, "0.1 ms"), (340, "0.3 ms"), (9_990, "10 ms"), (10_700, "10 ms"), (2_000_000, "2 s")];
        for (us, text) in fine {
            assert_eq!(plain(&say(Language::English).fine(&Duration::from_micros(us))), text);
        }
        let sizes = [(0, "0 B"), (1023, "1,023 B"), (1536, "1.5 KiB"), (5 << 30, "5 GiB"), (1 << 52, "4,096 TiB")];
        for (bytes, text) in sizes {
            assert_eq!(plain(&say(Language::English).bytes(&bytes)), text);
        }
    }

    #[test]
    fn instants_are_utc_until_the_script_has_run() {
        let at = At(1_700_000_000_123);
        let english = plain(&say(Language::English).at(&at).0);
        assert_eq!(english, "<time datetime=\"2023-11-14T22:13:20.123Z\">14 Nov 2023, 22:13:20 UTC</time>");
        let arabic = plain(&say(Language::Arabic).at(&at).0);
        assert!(arabic.contains("١٤ نوفمبر ٢٠٢٣، ٢٢:١٣:٢٠ UTC"), "{arabic}");
    }

    #[test]
    fn what_is_written_into_html_is_escaped() {
        assert_eq!(escape("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}

//! Numbers as each language writes them: English `12,345.6`, Arabic `١٢٬٣٤٥٫٦`.

use crate::model::text::Language;

/// A whole number with its groups of three.
pub(super) fn whole(number: u64, language: Language) -> String {
    let plain = number.to_string();
    let mut grouped = String::with_capacity(plain.len() * 2);
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            grouped.push(if language == Language::Arabic { '٬' } else { ',' });
        }
        grouped.push(digit);
    }
    digits(&grouped, language)
}

/// A number with at most so many places; none where it is whole.
pub(super) fn decimal(number: f64, places: usize, language: Language) -> String {
    let text = format!("{:.places$}", number.abs());
    let (int, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut written = whole(int.parse().unwrap_or(u64::MAX), language);
    if number < 0.0 {
        written.insert(0, '\u{2212}');
    }
    if !fraction.is_empty() {
        written.push(if language == Language::Arabic { '٫' } else { '.' });
        written.push_str(&digits(fraction, language));
    }
    written
}

/// A change in per cent, with its sign.
pub(super) fn change(percent: f64, language: Language) -> String {
    let sign = if percent > 0.0 { "+" } else { "" };
    let number = decimal(percent, 1, language);
    match language {
        Language::English => format!("{sign}{number}%"),
        // The mark before it makes the sign stand where a reader from the right begins.
        Language::Arabic => format!("\u{61c}{sign}{number}٪\u{61c}"),
    }
}

/// A share of one, in per cent with one place. What is nearly all is not all, and what is hardly any is not none.
pub(super) fn percent(share: f64, language: Language) -> String {
    let hundredths = match share * 100.0 {
        most if most < 100.0 => most.min(99.9),
        all => all,
    };
    let hundredths = if hundredths > 0.0 { hundredths.max(0.1) } else { 0.0 };
    let number = decimal(hundredths, 1, language);
    match language {
        Language::English => format!("{number}%"),
        Language::Arabic => format!("{number}٪\u{61c}"),
    }
}

/// The same text in the digits of the language.
pub(super) fn digits(text: &str, language: Language) -> String {
    match language {
        Language::English => text.to_owned(),
        Language::Arabic => {
            text.chars().map(|c| c.to_digit(10).and_then(|d| char::from_u32(0x660 + d)).unwrap_or(c)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{Arabic, English};

    #[test]
    fn numbers_are_written_in_the_digits_of_the_language() {
        assert_eq!((whole(0, English), whole(999, English)), ("0".into(), "999".into()));
        assert_eq!((whole(12_345, English), whole(12_345, Arabic)), ("12,345".into(), "١٢٬٣٤٥".into()));
        assert_eq!(whole(1_000_000, English), "1,000,000");
        assert_eq!((decimal(3.0, 1, English), decimal(0.25, 2, Arabic)), ("3".into(), "٠٫٢٥".into()));
        assert_eq!(decimal(-1.5, 1, English), "−1.5");
    }

    #[test]
    fn nearly_all_is_not_all() {
        let shares = [(1.0, "100%"), (0.9999, "99.9%"), (0.0, "0%"), (0.000_01, "0.1%"), (0.5, "50%")];
        for (share, text) in shares {
            assert_eq!(percent(share, English), text);
        }
        assert_eq!(percent(0.995, Arabic), "٩٩٫٥٪\u{61c}");
        let changes = [change(24.7, English), change(-7.3, English), change(0.0, English), change(-7.3, Arabic)];
        assert_eq!(changes, ["+24.7%", "−7.3%", "0%", "\u{61c}−٧٫٣٪\u{61c}"]);
    }
}

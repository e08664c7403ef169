//! What came of one exchange: a pure decision over the part of the answer that was read.
//!
//! An outcome in the answer's body beats its status. Bodies are read tolerantly, because agencies answer with all kinds of
//! text, and capped, because they are stored and shown.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::retry_after;
use crate::model::cause::Cause;
use crate::model::outcome::{BusinessOutcome, Class, Outcome, Report, classify};
use crate::model::time::At;

/// Bytes of an answer's body that are read (C2).
pub(super) const READ_MAX: usize = 64 * 1024;
/// Bytes of an answer's body that are kept.
pub(super) const KEPT_MAX: usize = 1024;
/// Characters of an agency's reason.
pub(super) const REASON_CHARS_MAX: usize = 500;
/// Characters of an agency's reference.
pub(super) const REFERENCE_CHARS_MAX: usize = 100;

/// As much of an answer as has been read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Its status, once the head was there.
    pub(super) status: Option<u16>,
    /// `Retry-After` as it came.
    pub(super) retry_after: Option<String>,
    /// At most [`READ_MAX`] bytes of its body.
    pub(super) body: Vec<u8>,
}

/// What an agency may say in its answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Did(BusinessOutcome),
    Retry,
}

/// Decides what came of an exchange that ended at `now`, by itself or by a fault.
pub(super) fn judge(read: &Read, fault: Option<Cause>, now: At) -> Outcome {
    let Some(status) = read.status else {
        return failed(fault.unwrap_or(Cause::Timeout), None);
    };
    let retry_after = read.retry_after.as_deref().and_then(|value| retry_after::parse(value, now));
    let (said, mut report) = statement(&read.body);
    let by_status = classify(status, retry_after.is_some());
    let class = match (said, fault) {
        (Some(Said::Retry), _) => Class::RetryAsked,
        // "Taken, more later" is no contradiction to a status of failure: only a success can be pending.
        (Some(Said::Did(BusinessOutcome::Pending)), _) if by_status != Class::Done => by_status,
        (Some(Said::Did(_)), _) => Class::Done,
        // Half of a success may have been a refusal: asked again, the agency recognises the repeat.
        (None, Some(fault)) if by_status == Class::Done => {
            return Outcome { status: Some(status), ..failed(fault, Some(read)) };
        }
        (None, _) => by_status,
    };
    report.outcome = match said {
        Some(Said::Did(outcome)) if class == Class::Done => Some(outcome),
        None if class == Class::Done && status == 202 => Some(BusinessOutcome::Pending),
        _ => None,
    };
    let note = match class {
        Class::Done => String::new(),
        Class::RetryAsked => format!("status {status}, and the agency asks for a retry"),
        _ => format!("status {status}"),
    };
    Outcome { class, status: Some(status), retry_after, report, note, answer: kept(&read.body) }
}

/// The outcome of an exchange without a (whole) answer.
pub(super) fn failed(cause: Cause, read: Option<&Read>) -> Outcome {
    Outcome {
        class: cause.class(),
        status: None,
        retry_after: None,
        report: Report::default(),
        note: cause.as_str().to_owned(),
        answer: read.map(|read| kept(&read.body)).unwrap_or_default(),
    }
}

fn kept(body: &[u8]) -> Vec<u8> {
    body[..body.len().min(KEPT_MAX)].to_vec()
}

/// Members stay raw until they are looked at, so that one of a wrong type spoils no other.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    outcome: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reason: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reference: Option<&'a RawValue>,
}

fn statement(body: &[u8]) -> (Option<Said>, Report) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Most answers are empty or plain text; and an array of three strings would pass for the three members.
    if !body.trim_ascii_start().starts_with(b"{") {
        return (None, Report::default());
    }
    let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else { return (None, Report::default()) };
    let said = body.outcome.and_then(text).and_then(|word| match word.trim().to_ascii_lowercase().as_str() {
        "retry" => Some(Said::Retry),
        word => BusinessOutcome::parse(word).filter(|o| *o != BusinessOutcome::Unknown).map(Said::Did),
    });
    let report = Report {
        outcome: None,
        reason: body.reason.and_then(text).and_then(|text| plain(&text, REASON_CHARS_MAX)),
        reference: body.reference.and_then(text).and_then(|text| plain(&text, REFERENCE_CHARS_MAX)),
    };
    (said, report)
}

/// A string as it is, a number by its digits; anything else says nothing.
fn text(raw: &RawValue) -> Option<String> {
    match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw.get()).ok(),
        Some(b'-' | b'0'..=b'9') => Some(raw.get().to_owned()),
        _ => None,
    }
}

/// One line of at most `chars_max` characters; `None` where nothing is left. Control characters become spaces, and those that
/// turn the direction of the text around them go: they would rewrite the line in which they are shown.
fn plain(text: &str, chars_max: usize) -> Option<String> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let one_line = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    let line: String = text.trim().chars().filter(|c| !turns(*c)).map(one_line).take(chars_max).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: At = At(784_111_770_000); // Sun, 06 Nov 1994 08:49:30 GMT

    fn read(status: u16, body: &str) -> Read {
        Read { status: Some(status), retry_after: None, body: body.as_bytes().to_vec() }
    }

    fn judged(status: u16, body: &str) -> (Class, Option<BusinessOutcome>) {
        let outcome = judge(&read(status, body), None, NOW);
        (outcome.class, outcome.report.outcome)
    }

    #[test]
    fn the_body_beats_the_status() {
        use BusinessOutcome as Did;
        let rows = [
            (200, "", Class::Done, None),
            (204, "", Class::Done, None),
            (202, "", Class::Done, Some(Did::Pending)),
            (202, r#"{"outcome":"applied"}"#, Class::Done, Some(Did::Applied)),
            (200, r#"{"outcome":"pending"}"#, Class::Done, Some(Did::Pending)),
            (200, r#"{"outcome":"refused"}"#, Class::Done, Some(Did::Refused)),
            (200, r#" {"outcome":" Needs_Action "}"#, Class::Done, Some(Did::NeedsAction)),
            (200, r#"{"outcome":"retry"}"#, Class::RetryAsked, None),
            (500, r#"{"outcome":"applied"}"#, Class::Done, Some(Did::Applied)),
            (422, r#"{"outcome":"refused"}"#, Class::Done, Some(Did::Refused)),
            (503, r#"{"outcome":"retry"}"#, Class::RetryAsked, None),
            (503, r#"{"outcome":"pending"}"#, Class::EndpointFault, None),
            (404, r#"{"outcome":"unknown"}"#, Class::ConfigurationFault, None),
            (200, r#"{"outcome":"unknown"}"#, Class::Done, None),
            (200, r#"{"outcome":["refused"]}"#, Class::Done, None),
            (200, r#"["refused","x","y"]"#, Class::Done, None),
            (200, "refused", Class::Done, None),
            (200, r#"{"outcome":"refused""#, Class::Done, None),
            (301, "", Class::ConfigurationFault, None),
            (410, "", Class::Gone, None),
            (429, "", Class::Throttle, None),
        ];
        for (status, body, class, outcome) in rows {
            assert_eq!(judged(status, body), (class, outcome), "{status} {body}");
        }
        assert_eq!(judged(200, "\u{feff}{\"outcome\":\"refused\"}").1, Some(Did::Refused), "a byte order mark");
    }

    #[test]
    fn texts_are_one_line_and_capped() {
        let body = format!(
            r#"{{"outcome":"refused","reason":"{}","reference":4711,"more":{{"a":1}}}}"#,
            format_args!("الاسم \\n\\u001b[31m\\u202egnorw {}", "م".repeat(600))
        );
        let report = judge(&read(200, &body), None, NOW).report;
        let reason = report.reason.unwrap();
        assert!(reason.starts_with("الاسم   [31mgnorw م"), "{reason}");
        assert_eq!(reason.chars().count(), REASON_CHARS_MAX);
        assert_eq!(report.reference.as_deref(), Some("4711"));
        let long = format!(r#"{{"reference":"{}","reason":{{"x":1}}}}"#, "r".repeat(101));
        let report = judge(&read(400, &long), None, NOW).report;
        assert_eq!(report.reference.unwrap().len(), REFERENCE_CHARS_MAX);
        assert_eq!(report.reason, None);
        assert_eq!(judge(&read(200, r#"{"reason":" \t "}"#), None, NOW).report.reason, None);
    }

    #[test]
    fn half_a_success_is_none() {
        let outcome = judge(&read(200, r#"{"outcome":"ref"#), Some(Cause::Timeout), NOW);
        assert_eq!(
            (outcome.class, outcome.status, outcome.note.as_str()),
            (Class::EndpointFault, Some(200), "timeout")
        );
        assert_eq!(outcome.answer, br#"{"outcome":"ref"#);
        let outcome = judge(&read(422, "{"), Some(Cause::Timeout), NOW);
        assert_eq!(
            (outcome.class, outcome.note.as_str()),
            (Class::MessageFault, "status 422"),
            "a head is enough to fail"
        );
        let outcome = judge(&Read::default(), Some(Cause::Timeout), NOW);
        assert_eq!((outcome.class, outcome.status), (Class::EndpointFault, None));
    }

    #[test]
    fn retry_after_makes_a_503_a_throttle() {
        let answer = |value: &str| Read { retry_after: Some(value.to_owned()), ..read(503, "") };
        let outcome = judge(&answer("Sun, 06 Nov 1994 08:50:00 GMT"), None, NOW);
        assert_eq!((outcome.class, outcome.retry_after), (Class::Throttle, Some(std::time::Duration::from_secs(30))));
        let outcome = judge(&answer("later"), None, NOW);
        assert_eq!((outcome.class, outcome.retry_after), (Class::EndpointFault, None));
    }

    #[test]
    fn little_of_an_answer_is_kept() {
        let outcome = judge(&read(500, &"x".repeat(READ_MAX)), None, NOW);
        assert_eq!(outcome.answer.len(), KEPT_MAX);
        assert_eq!(outcome.note, "status 500");
    }
}

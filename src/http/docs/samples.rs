//! Real calls with their real answers, kept in `samples.http` (D4).
//!
//! A test makes every call of the file again and compares the answers; it writes the file anew where it is asked to. Times are those
//! of the test's clock, ids and hashes are replaced by others of the same form.
//!
//! ```text
//! ### postEnvelope repeated          the operation, or the kind of problem, and which sample
//! POST /v1/envelopes
//! content-type: application/cloudevents+json
//!
//! {"specversion": ...}
//!
//! HTTP/1.1 202
//! content-type: application/json
//!
//! {"id": ...}
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::LazyLock;

/// What a sample begins with.
const BEGIN: &str = "### ";
/// What an answer begins with.
const ANSWER: &str = "HTTP/1.1 ";

/// One call and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The operation's id, or the name of a kind of problem.
    pub of: String,
    /// Which of several; empty for the first.
    pub name: String,
    /// What was asked.
    pub call: Call,
    /// What was answered.
    pub answer: Reply,
}

/// What was asked, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers, by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
}

/// The samples of an operation or of a kind of problem, the first one first.
pub fn samples(of: &str) -> &'static [Sample] {
    static SAMPLES: LazyLock<HashMap<String, Vec<Sample>>> = LazyLock::new(|| {
        let mut all: HashMap<String, Vec<Sample>> = HashMap::new();
        for sample in parse(include_str!("samples.http")) {
            all.entry(sample.of.clone()).or_default().push(sample);
        }
        all
    });
    SAMPLES.get(of).map_or(&[], Vec::as_slice)
}

impl Call {
    /// The media type of the body, without its parameters.
    pub fn media_type(&self) -> Option<&str> {
        let content_type = self.headers.get("content-type")?;
        content_type.split(';').next().map(str::trim)
    }
}

impl Reply {
    /// Whether the body is of a media type, whatever the parameters.
    pub fn is_of(&self, media_type: &str) -> bool {
        let essence = |text: &str| text.split(';').next().map(|essence| essence.trim().to_owned());
        self.headers.get("content-type").is_some_and(|own| essence(own) == essence(media_type))
    }
}

/// Writes samples as the file has them.
pub fn write(samples: &[Sample]) -> String {
    let mut out = String::new();
    for Sample { of, name, call, answer } in samples {
        let title = format!("{of} {name}");
        let _infallible = write!(out, "{BEGIN}{}\n{} {}\n", title.trim_end(), call.method, call.target);
        message(&mut out, &call.headers, call.body.as_deref());
        let _infallible = write!(out, "\n{ANSWER}{}\n", answer.status);
        message(&mut out, &answer.headers, answer.body.as_deref());
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn message(out: &mut String, headers: &BTreeMap<String, String>, body: Option<&str>) {
    for (name, value) in headers {
        let _infallible = writeln!(out, "{name}: {value}");
    }
    if let Some(body) = body {
        let _infallible = write!(out, "\n{}\n", body.trim_end());
    }
}

/// Reads what [`write()`] has written; what is not of that form is left out, and missed by the tests.
pub fn parse(text: &str) -> Vec<Sample> {
    let blocks = text.split(BEGIN).filter(|block| !block.trim().is_empty());
    blocks.filter_map(sample).collect()
}

fn sample(block: &str) -> Option<Sample> {
    let (title, rest) = block.split_once('\n')?;
    let (of, name) = title.split_once(' ').unwrap_or((title, ""));
    let (call, answer) = rest.split_once(&format!("\n{ANSWER}"))?;
    let (request, rest) = call.split_once('\n').unwrap_or((call, ""));
    let (method, target) = request.split_once(' ')?;
    let (headers, body) = read_message(rest);
    let call = Call { method: method.to_owned(), target: target.to_owned(), headers, body };
    let (status, rest) = answer.split_once('\n').unwrap_or((answer, ""));
    let (headers, body) = read_message(rest);
    let answer = Reply { status: status.trim().parse().ok()?, headers, body };
    Some(Sample { of: of.to_owned(), name: name.to_owned(), call, answer })
}

fn read_message(text: &str) -> (BTreeMap<String, String>, Option<String>) {
    let (head, body) = match text.strip_prefix('\n') {
        Some(body) => ("", body),
        None => text.split_once("\n\n").unwrap_or((text, "")),
    };
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = body.trim_end();
    (headers, (!body.is_empty()).then(|| body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_back() {
        let headers = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let call = |body: Option<&str>| Call {
            method: "GET".to_owned(),
            target: "/v1/x?y=1".to_owned(),
            headers: headers(&[("content-type", "application/json; charset=utf-8")]),
            body: body.map(str::to_owned),
        };
        let answer = |body: Option<&str>| Reply { status: 304, headers: headers(&[]), body: body.map(str::to_owned) };
        let samples = [
            Sample { of: "a".to_owned(), name: String::new(), call: call(None), answer: answer(Some("{\n\n}")) },
            Sample {
                of: "a".to_owned(),
                name: "again".to_owned(),
                call: Call { headers: headers(&[]), ..call(Some("x\n\ny")) },
                answer: answer(None),
            },
        ];
        assert_eq!(parse(&write(&samples)), samples);
        assert_eq!(samples[0].call.media_type(), Some("application/json"));
    }
}

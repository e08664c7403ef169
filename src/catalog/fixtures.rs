//! Golden files: an envelope in, and exactly what the agency gets out.
//!
//! `fixtures/<name>.in.json` is a structured CloudEvent, `fixtures/<name>.out` (or `.out.json`, `.out.xml` ...) the exact bytes of
//! the body. Fixtures run in `falaj check`, never while a bus is loading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::files::Files;
use super::problem::{Problem, Problems};
use super::{Agency, Catalog};
use crate::mapping::{MappingError, Message, disclose, render};
use crate::model::cloudevents::{Bounds, EventFault, structured};
use crate::model::envelope::Envelope;
use crate::model::id::AgencyId;
use crate::schema::Violation;

/// The delivery id that a fixture's template shows.
pub const DELIVERY: &str = "00000000-0000-7000-8000-000000000000";
/// What stands for every pseudonym in a fixture; the real ones are keyed and differ on every bus.
pub const PSEUDONYM: &str = "pseudonym";
/// Fixtures of an agency that are kept as samples.
const SAMPLES_MAX: usize = 100;
/// Bytes of an envelope that is kept as one.
const SAMPLE_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of a message in a fixture.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Why an agency would not get an envelope, or not in this form.
#[derive(Debug, thiserror::Error)]
pub enum PreviewFault {
    /// The bytes are no envelope.
    #[error("not an envelope: {0}")]
    Event(#[from] EventFault),
    /// The type has no schema, or not this version of it.
    #[error("the envelope's type or dataschema is not registered")]
    Unregistered,
    /// The schema does not hold.
    #[error("the envelope breaks its schema at {} place(s)", .0.len())]
    Schema(Vec<Violation>),
    /// There is no such agency.
    #[error("there is no such agency")]
    NoAgency,
    /// The agency does not subscribe to the type.
    #[error("the agency does not subscribe to the type")]
    NotSubscribed,
    /// The subscription's filter does not hold.
    #[error("the subscription's filter does not hold for it")]
    FilteredOut,
    /// The filter, map or template failed.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Reads an envelope as a fixture holds it and checks it against its schema.
pub fn read(catalog: &Catalog, text: &str) -> Result<Envelope, PreviewFault> {
    let envelope = structured(&Bytes::copy_from_slice(text.as_bytes()), &Bounds::default())?;
    let dataschema = envelope.attributes.dataschema.as_deref();
    let schema = catalog.schemas.find(&envelope.attributes.ty, dataschema).map_err(|_| PreviewFault::Unregistered)?;
    let violations = schema.check(&envelope);
    if violations.is_empty() { Ok(envelope) } else { Err(PreviewFault::Schema(violations)) }
}

/// What an agency would get of an envelope, with [`DELIVERY`] and [`PSEUDONYM`] in the places of what only a bus knows.
pub fn preview(catalog: &Catalog, agency: &AgencyId, envelope: &Envelope) -> Result<Message, PreviewFault> {
    catalog.agency(agency).ok_or(PreviewFault::NoAgency)?;
    let subscription = catalog.subscription(agency, &envelope.attributes.ty).ok_or(PreviewFault::NotSubscribed)?;
    if let Some(filter) = &subscription.filter
        && !filter.passes(envelope)?
    {
        return Err(PreviewFault::FilteredOut);
    }
    let attributes =
        disclose(&envelope.attributes, subscription.subject, &subscription.attributes, &|_| PSEUDONYM.to_owned());
    let data = envelope.data_text();
    Ok(render(&subscription.form, &subscription.fields, &attributes, data, DELIVERY, BODY_BYTES_MAX)?)
}

/// The envelopes of the fixtures of these agencies, bounded.
pub(super) fn samples<'a>(
    files: &Files,
    agencies: impl Iterator<Item = &'a AgencyId>,
) -> BTreeMap<AgencyId, Vec<Arc<str>>> {
    let of = |agency: &AgencyId| {
        let folder = Path::new("connectors").join(agency.as_str()).join("fixtures");
        let envelopes = files.below(&folder).filter(|(path, text)| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.ends_with(".in.json") && text.len() <= SAMPLE_BYTES_MAX
        });
        envelopes.take(SAMPLES_MAX).map(|(_, text)| Arc::from(text)).collect()
    };
    agencies.map(|agency| (agency.clone(), of(agency))).collect()
}

/// Runs all fixtures of a deployment; returns how many there are.
pub(super) fn run(catalog: &Catalog, files: &Files, problems: &mut Problems) -> usize {
    let mut count = 0;
    for agency in catalog.agencies() {
        let folder = Path::new("connectors").join(agency.id.as_str()).join("fixtures");
        let mut outs: Vec<&Path> = Vec::new();
        let mut stems: Vec<&str> = Vec::new();
        for (path, text) in files.below(&folder) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(stem) = name.strip_suffix(".in.json") {
                count += 1;
                stems.push(stem);
                one(catalog, agency, files, path, stem, text, problems);
            } else {
                outs.push(path);
            }
        }
        for path in outs {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !stems.iter().any(|stem| is_out(name, stem)) {
                let hint = "Name the pair <name>.in.json and <name>.out, or remove the file.";
                problems.warn(Problem::new(path, "a fixture's result without the envelope that makes it", hint));
            }
        }
    }
    count
}

fn is_out(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem)
        .and_then(|rest| rest.strip_prefix(".out"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && !rest[1..].contains('.'))
}

fn one(
    catalog: &Catalog,
    agency: &Agency,
    files: &Files,
    path: &Path,
    stem: &str,
    text: &str,
    problems: &mut Problems,
) {
    let folder = path.parent().unwrap_or(path);
    let out = files
        .below(folder)
        .find(|(path, _)| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_out(name, stem)));
    let Some((out, expected)) = out else {
        let hint = "Write the exact bytes of the body that the agency should get into it.";
        problems.error(Problem::new(path, format!("there is no {stem}.out beside it"), hint));
        return;
    };
    match read(catalog, text).and_then(|envelope| preview(catalog, &agency.id, &envelope)) {
        Ok(message) => compare(out, expected.as_bytes(), &message.body, problems),
        Err(PreviewFault::Schema(violations)) => {
            for violation in violations {
                let what = format!("{}: {}", violation.pointer, violation.message.en);
                problems.error(Problem::new(path, what, "Mend the envelope; a sender could not send it either."));
            }
        }
        Err(fault) => problems.error(Problem::new(path, fault.to_string(), "Mend the envelope or the subscription.")),
    }
}

fn compare(path: &Path, expected: &[u8], found: &[u8], problems: &mut Problems) {
    if expected == found {
        return;
    }
    let mut same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    // Two characters may share their first bytes: step back to where the character begins.
    let inside = |bytes: &[u8], at: usize| bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    while same > 0 && (inside(expected, same) || inside(found, same)) {
        same -= 1;
    }
    let line = u32::try_from(expected[..same].iter().filter(|b| **b == b'\n').count() + 1).unwrap_or(u32::MAX);
    let start = expected[..same].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let column = u32::try_from(String::from_utf8_lossy(&expected[start..same]).chars().count() + 1).unwrap_or(u32::MAX);
    let hint = if expected.strip_suffix(b"\n") == Some(found) {
        "The file ends in a newline that the message does not have.".to_owned()
    } else if expected.len() == same {
        format!("The message goes on for {} more bytes.", found.len() - same)
    } else if found.len() == same {
        format!("The message ends here, the file goes on for {} bytes.", expected.len() - same)
    } else {
        format!("The message has {} here.", excerpt(&found[same..]))
    };
    let what = format!("the message differs from this file at byte {same}");
    problems.error(Problem::new(PathBuf::from(path), what, hint).at(line, column));
}

/// The first characters of some bytes, quoted. Fixtures are invented: nothing personal stands in them.
fn excerpt(bytes: &[u8]) -> String {
    const CHARS: usize = 32;
    let text: String = String::from_utf8_lossy(&bytes[..bytes.len().min(CHARS * 4)]).chars().take(CHARS).collect();
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(expected: &str, found: &str) -> Option<(u32, u32, String)> {
        let mut problems = Problems::default();
        compare(Path::new("x.out"), expected.as_bytes(), found.as_bytes(), &mut problems);
        let (mut errors, _) = problems.finish();
        errors.pop().map(|p| (p.line.unwrap(), p.column.unwrap(), p.hint))
    }

    #[test]
    fn a_difference_is_shown_where_it_begins() {
        assert_eq!(difference("a\nb", "a\nb"), None);
        let (line, column, hint) = difference("a\nقطر", "a\nقر").unwrap();
        assert_eq!((line, column), (2, 2));
        assert!(hint.contains("here"), "{hint}");
        assert!(difference("a\n", "a").unwrap().2.contains("newline"));
        assert!(difference("a", "abc").unwrap().2.contains("2 more"));
        assert!(difference("abc", "a").unwrap().2.contains("goes on for 2"));
    }

    #[test]
    fn pairs_have_one_stem() {
        for (name, stem, pair) in [
            ("a.out", "a", true),
            ("a.out.xml", "a", true),
            ("a.b.out", "a", false),
            ("a.out.b.c", "a", false),
            ("ab.out", "a", false),
            ("a.outx", "a", false),
        ] {
            assert_eq!(is_out(name, stem), pair, "{name}");
        }
    }
}

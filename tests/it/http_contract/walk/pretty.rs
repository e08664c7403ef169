//! Samples as they are kept: indented in the order in which they were said, with what differs from run to run replaced.

use std::collections::HashMap;
use std::sync::LazyLock;

use falaj::model::id::AgencyId;
use regex::{Captures, Regex};

use super::super::door::{Answer, Door};

/// Bodies of documents are not kept: they would hold themselves.
const OMITTED: [&str; 2] = ["\"openapi\"", "\"asyncapi\""];
/// Lines of metrics that are shown.
const FIGURES: &str = "falaj_deliveries{agency=\"moi\"";

/// The body of an answer as it is kept.
pub fn body(answer: &Answer, text: &str) -> Option<String> {
    let media_type = answer.headers["content-type"].to_str().unwrap();
    match media_type.split(';').next().unwrap() {
        "text/html" => None,
        "text/plain" => {
            // Series come in no order.
            let mut figures: Vec<&str> = text.lines().filter(|line| line.starts_with(FIGURES)).collect();
            figures.sort_unstable();
            Some(format!("...\n{}\n...", figures.join("\n")))
        }
        "text/event-stream" | "text/csv" => Some(text.trim_start_matches('\u{feff}').replace("\r\n", "\n")),
        _ if OMITTED.iter().any(|member| text.contains(&format!("{member}:"))) => None,
        _ => Some(json(text)),
    }
}

/// JSON with an indent of two, members in their order, empty and short lists on one line.
pub fn json(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    let mut chars = text.chars().filter(|c| !c.is_control()).peekable();
    let mut within = false;
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                within = !within;
                out.push(c);
            }
            '\\' if within => {
                out.push(c);
                out.extend(chars.next());
            }
            _ if within => out.push(c),
            '{' | '[' => {
                out.push(c);
                while chars.peek() == Some(&' ') {
                    chars.next();
                }
                if matches!(chars.peek(), Some('}' | ']')) {
                    out.extend(chars.next());
                } else {
                    depth += 1;
                    newline(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                newline(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' => {}
            other => out.push(other),
        }
    }
    out
}

/// Replaces ids, hashes, cursors and pseudonyms by others of the same form, the same one always by the same.
pub fn redacted(door: &Door, text: &str) -> String {
    static ID: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-([47])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
    static GROUP: LazyLock<Regex> = LazyLock::new(|| Regex::new("\\b[0-9a-f]{16}\\b").unwrap());
    static REVISION: LazyLock<Regex> = LazyLock::new(|| Regex::new("\\b[0-9a-f]{64}\\b").unwrap());
    static CURSOR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("(\"cursor\": |cursor=)\"?[A-Za-z0-9_-]+\"?").unwrap());
    static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?m)^(etag|if-none-match): .*$").unwrap());
    let subject = "28400000001";
    let pseudonym = door.ledger.pseudonym(&AgencyId::parse("utilities").unwrap(), subject);
    let text = text.replace(&pseudonym, "aF3kq9ZxT0mB7uVd1LsYwQ");
    let mut ids: HashMap<String, usize> = HashMap::new();
    let text = ID.replace_all(&text, |found: &Captures<'_>| {
        let next = ids.len() + 1;
        let number = *ids.entry(found[0].to_owned()).or_insert(next);
        format!("018bcfe5-6800-{}c00-a000-{number:012x}", &found[1])
    });
    let mut groups: HashMap<String, usize> = HashMap::new();
    let text = GROUP.replace_all(&text, |found: &Captures<'_>| {
        let next = groups.len() + 1;
        format!("5f0c2a9be1d477{:02x}", *groups.entry(found[0].to_owned()).or_insert(next))
    });
    let text = REVISION.replace_all(&text, "6b1fd35c8e0a4f29".repeat(4));
    let text = CURSOR.replace_all(&text, |found: &Captures<'_>| match &found[1] {
        "cursor=" => "cursor=AQAAAAAAAAAC".to_owned(),
        member => format!("{member}\"AQAAAAAAAAAC\""),
    });
    TAG.replace_all(&text, "$1: \"q2Vv0cM9yXk3bT1h\"").into_owned()
}

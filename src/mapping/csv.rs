//! One CSV field (RFC 4180), safe to open in a spreadsheet.

use crate::model::json::{self, Kind};

/// First characters a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// Appends a field: a leading apostrophe where it would be a formula and is no plain number, quotes where it needs them.
pub fn write_field(text: &str, out: &mut String) {
    let guard = text.starts_with(FORMULA) && !is_number(text);
    let quotes = text.contains(['"', ',', ';', '\r', '\n', '\t']) || text.starts_with(' ') || text.ends_with(' ');
    if quotes {
        out.push('"');
    }
    if guard {
        out.push('\'');
    }
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    if quotes {
        out.push('"');
    }
}

fn is_number(text: &str) -> bool {
    json::kind(text) == Kind::Number && !text.ends_with(char::is_whitespace) && json::check(text, 0).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_guarded() {
        for (text, expected) in [
            ("", ""),
            ("الدوحة", "الدوحة"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            (" padded ", "\" padded \""),
            ("=1+2", "'=1+2"),
            ("+97455500000", "'+97455500000"),
            ("-5.20", "-5.20"),
            ("-5.", "'-5."),
            ("-1-2", "'-1-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
        ] {
            let mut out = String::new();
            write_field(text, &mut out);
            assert_eq!(out, expected);
        }
    }
}

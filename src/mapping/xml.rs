//! What XML 1.0 lets stand in names and text.

/// Appends text with `& < > " '` and carriage returns as references; what XML 1.0 forbids becomes U+FFFD.
pub(super) fn write_text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
}

/// Whether a text is an element name without a prefix: a `Name` of XML 1.0 without `:`, and not one that begins with `xml`.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(starts_name)
        && chars.all(|c| starts_name(c) || continues_name(c))
        && !text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"))
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
        | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_legal() {
        let mut out = String::new();
        write_text("<a href='x'>\"&\"</a>\r\n\t\u{1}\u{ffff} شارع", &mut out);
        assert_eq!(out, "&lt;a href=&apos;x&apos;&gt;&quot;&amp;&quot;&lt;/a&gt;&#13;\n\t\u{fffd}\u{fffd} شارع");
        let mut reader = quick_xml::Reader::from_str("<a>&lt;&#13;</a>");
        assert!(reader.read_event().is_ok());
    }

    #[test]
    fn names_are_names() {
        for name in ["a", "_a-b.c9", "شارع", "élan"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "9a", "-a", "a b", "a:b", "xml", "XMLdata", "a<", "a\u{d7}", "a/"] {
            assert!(!is_name(name), "{name}");
        }
    }
}

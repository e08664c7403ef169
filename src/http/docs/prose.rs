//! Plain sentences as HTML: escaped, with what stands in backticks as code.
//!
//! Code is always written left to right and apart from its sentence, so that an Arabic one keeps its order around it.

/// A sentence as HTML.
pub fn rich(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            out.push_str(&code(part));
        } else {
            escape(part, &mut out);
        }
    }
    out
}

/// Code within a sentence.
pub fn code(text: &str) -> String {
    let mut out = String::from("<code dir=\"ltr\">");
    escape(text, &mut out);
    out.push_str("</code>");
    out
}

/// A link to something that has a name in code.
pub fn link(to: &str, name: &str) -> String {
    let mut out = String::from("<a href=\"");
    escape(to, &mut out);
    out.push_str("\">");
    out.push_str(&code(name));
    out.push_str("</a>");
    out
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(rich("a < b `<c>` & d"), "a &lt; b <code dir=\"ltr\">&lt;c&gt;</code> &amp; d");
        assert_eq!(link("#\"x", "y"), "<a href=\"#&quot;x\"><code dir=\"ltr\">y</code></a>");
    }
}

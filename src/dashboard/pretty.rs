//! JSON as a person reads it: every member on a line of its own. Digits, escapes and order are left as they came.

/// Spaces for each level.
const INDENT: usize = 2;

/// Lays out JSON that was checked before.
pub(super) fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut level, mut within, mut escaped) = (0_usize, false, false);
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', level * INDENT));
    };
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if within {
            out.push(c);
            within = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                within = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        level += 1;
                        line(&mut out, level);
                    }
                }
            }
            '}' | ']' => {
                level = level.saturating_sub(1);
                line(&mut out, level);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, level);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_line_and_nothing_else_changes() {
        let text = r#"{"a":1.10,"b": {"c" :"x, \"y\": {z}\\","d":[ ]},"e":[1,{}]}"#;
        let laid = "{\n  \"a\": 1.10,\n  \"b\": {\n    \"c\": \"x, \\\"y\\\": {z}\\\\\",\n    \"d\": []\n  },\n  \"e\": [\n    1,\n    {}\n  ]\n}";
        assert_eq!(pretty(text), laid);
        assert_eq!(pretty("\"text\""), "\"text\"");
    }
}

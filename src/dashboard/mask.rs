//! An agency's answer without what it may say of persons: the form is left, the words are gone.

use serde_json::Value;

/// Characters of a masked answer.
const CHARS_MAX: usize = 400;
/// Characters of a member's name that is left as it is.
const NAME_CHARS_MAX: usize = 32;
/// What stands for what is hidden.
const HIDDEN: &str = "•••";

/// A JSON answer with the names of its members and without its values; of another one only that there was one.
pub(super) fn mask_answer(answer: &[u8]) -> String {
    if answer.iter().all(u8::is_ascii_whitespace) {
        return String::new();
    }
    match serde_json::from_slice::<Value>(answer) {
        Ok(json) => mask(json).to_string().chars().take(CHARS_MAX).collect(),
        Err(_) => HIDDEN.to_owned(),
    }
}

fn mask(json: Value) -> Value {
    match json {
        Value::Object(members) => {
            // A name with digits may be somebody's number.
            let plain = |name: &str| name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_numeric);
            let name = |name: String| if plain(&name) { name } else { HIDDEN.to_owned() };
            Value::Object(members.into_iter().map(|(own, value)| (name(own), mask(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(mask).collect()),
        Value::Null | Value::Bool(_) => json,
        Value::Number(_) | Value::String(_) => Value::String(HIDDEN.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_left_and_the_words_are_gone() {
        let answer = r#"{"error":"no such person 28400000017","code":17,"28400000017":true,"list":["Fatima",null]}"#;
        let masked = mask_answer(answer.as_bytes());
        assert!(!masked.contains("284") && !masked.contains("Fatima") && !masked.contains("17"), "{masked}");
        assert!(masked.contains(r#""error":"•••""#) && masked.contains("null"), "{masked}");
        assert_eq!((mask_answer(b" \n"), mask_answer(b"<html>Fatima</html>")), (String::new(), HIDDEN.into()));
        assert_eq!(mask_answer("\u{661}".as_bytes()), HIDDEN);
    }
}

//! By which means somebody was known who did something.
//!
//! An actor is a text in the ledger. Whoever came with a key has the key's name; whom an identity provider vouched for is written
//! `<display name> [oidc:<subject>]`, where the subject is what the provider gives to one person and never again, and the name is
//! for the eye alone. M1: the text says the means, whoever chose the names in it: a display name loses its brackets here, and the
//! configuration refuses a key whose name would read as another means. M2: what is logged of a person is neither name nor subject.

use std::borrow::Cow;
use std::fmt::Write as _;

use aws_lc_rs::digest;

use super::id::FALAJ;

/// What stands between the name and the subject.
const MARK: &str = " [oidc:";
/// Characters of a display name.
const NAME_CHARS_MAX: usize = 80;
/// Characters of a subject (OpenID Connect Core, section 2).
pub const SUBJECT_CHARS_MAX: usize = 255;
/// Bytes of the hash that stands for a person in the log.
const LOGGED_BYTES: usize = 8;

/// By which means somebody was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// By a key of the configuration.
    Key,
    /// An identity provider vouched for them (OpenID Connect).
    Provider,
    /// Nobody: the bus did it by itself.
    Falaj,
}

impl Means {
    /// Of an actor, as the ledger has it.
    pub fn of(actor: &str) -> Self {
        match actor {
            FALAJ => Self::Falaj,
            _ if split(actor).is_some() => Self::Provider,
            _ => Self::Key,
        }
    }

    /// `key`, `oidc` or `falaj`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Provider => "oidc",
            Self::Falaj => FALAJ,
        }
    }
}

/// The actor that a person is. `None` where the subject is not one: empty, too long, or of characters that no subject has.
pub fn person(subject: &str, name: &str) -> Option<String> {
    let legal = !subject.is_empty() && subject.len() <= SUBJECT_CHARS_MAX;
    if !legal || !subject.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let name: String = name.chars().filter_map(shown_char).take(NAME_CHARS_MAX).collect();
    let name = name.trim();
    Some(format!("{}{MARK}{subject}]", if name.is_empty() { "-" } else { name }))
}

/// A character of a display name as it is kept. What turns the direction of a text or takes no room could make one name look like
/// another, and brackets would look like a subject.
fn shown_char(c: char) -> Option<char> {
    match c {
        '[' => Some('('),
        ']' => Some(')'),
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// Name and subject of a person.
fn split(actor: &str) -> Option<(&str, &str)> {
    actor.strip_suffix(']')?.split_once(MARK)
}

/// How somebody is called where their means does not matter.
pub fn called(actor: &str) -> &str {
    split(actor).map_or(actor, |(name, _)| name)
}

/// How somebody stands in the log: a key by its name, a person by a hash of the subject (M2), which is
/// `printf %s SUBJECT | sha256sum | cut -c-16`.
pub fn logged(actor: &str) -> Cow<'_, str> {
    let Some((_, subject)) = split(actor) else { return Cow::Borrowed(actor) };
    let hash = digest::digest(&digest::SHA256, subject.as_bytes());
    let mut text = String::from("oidc:");
    for byte in &hash.as_ref()[..LOGGED_BYTES] {
        let _infallible = write!(text, "{byte:02x}");
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_says_its_means() {
        let fatima = person("9f3c|a]b", "فاطمة المري").unwrap();
        assert_eq!(fatima, "فاطمة المري [oidc:9f3c|a]b]");
        assert_eq!((Means::of(&fatima), called(&fatima)), (Means::Provider, "فاطمة المري"));
        for (actor, means) in [("night shift", Means::Key), ("falaj", Means::Falaj), ("a [b]", Means::Key)] {
            assert_eq!((Means::of(actor), called(actor)), (means, actor));
        }
    }

    #[test]
    fn nobody_looks_like_somebody_else() {
        let forged = person("real", "admin [oidc:other]").unwrap();
        assert_eq!(forged, "admin (oidc:other) [oidc:real]");
        assert_eq!(person("real", "\u{202e}nimda\n\u{200b}").unwrap(), "nimda [oidc:real]");
        assert_eq!(person("real", " ").unwrap(), "- [oidc:real]");
        assert_eq!(Means::of(&person("s", "falaj").unwrap()), Means::Provider);
        for wrong in ["", "a b", "a\nb", "é", &"x".repeat(SUBJECT_CHARS_MAX + 1)] {
            assert_eq!(person(wrong, "x"), None, "{wrong}");
        }
    }

    #[test]
    fn the_log_names_no_person() {
        let logged_as = logged("Fatima [oidc:9f3c]").into_owned();
        assert!(logged_as.len() == 21 && !logged_as.contains("Fatima") && !logged_as.contains("9f3c"), "{logged_as}");
        assert_eq!(logged("night shift"), "night shift");
    }
}

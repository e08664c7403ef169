//! Text that people read stands in two languages, always together.

use serde::{Deserialize, Serialize};

/// One text in English and Arabic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// Arabic.
    pub ar: String,
}

impl Bilingual {
    /// Both languages at once.
    pub fn new(en: impl Into<String>, ar: impl Into<String>) -> Self {
        Self { en: en.into(), ar: ar.into() }
    }

    /// The text in one language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Arabic => &self.ar,
        }
    }
}

/// The languages Falaj speaks, as equals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// `en`, written left to right.
    #[default]
    English,
    /// `ar`, written right to left.
    Arabic,
}

impl Language {
    /// The language an `Accept-Language` header (RFC 9110, section 12.5.4) prefers; English where it names neither.
    pub fn accepted(header: Option<&str>) -> Self {
        let Some(header) = header else { return Self::English };
        let mut best = (Self::English, 0.0_f32);
        for part in header.split(',').take(16) {
            let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let language = match tag.trim().split('-').next().map(str::to_ascii_lowercase).as_deref() {
                Some("ar") => Self::Arabic,
                Some("en") => Self::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// The tag as it stands in `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Arabic => "ar",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heavier_language_wins() {
        assert_eq!(Language::accepted(None), Language::English);
        assert_eq!(Language::accepted(Some("ar-QA, en;q=0.8")), Language::Arabic);
        assert_eq!(Language::accepted(Some("ar;q=0.2, en-GB;q=0.8")), Language::English);
        assert_eq!(Language::accepted(Some("fr, ar;q=0.1")), Language::Arabic);
        assert_eq!(Language::accepted(Some("fr;q=x,,;")), Language::English);
    }
}

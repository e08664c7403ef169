//! Texts in both languages, known when compiled.

use crate::model::text::Language;

/// One text in English and Arabic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Arabic.
    pub ar: &'static str,
}

/// A text in both languages.
pub const fn words(en: &'static str, ar: &'static str) -> Words {
    Words { en, ar }
}

impl Words {
    /// The text in one language.
    pub fn get(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Arabic => self.ar,
        }
    }
}

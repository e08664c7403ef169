//! The texts of the dashboard in both languages, as Fluent resources that are built in.
//!
//! T1: a key stands in both files, with the same variables, and no key stands there in vain: a test reads the sources. T2: Arabic
//! has its six plural forms wherever a count is written. T3: numbers are written in the digits of the language.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::number;
use crate::model::text::Language;

const ENGLISH: &str = include_str!("text/en.ftl");
const ARABIC: &str = include_str!("text/ar.ftl");

type Bundle = FluentBundle<FluentResource>;

static IN_ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(ENGLISH, Language::English));
static IN_ARABIC: LazyLock<Bundle> = LazyLock::new(|| bundle(ARABIC, Language::Arabic));

fn bundle(text: &str, language: Language) -> Bundle {
    let tag: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, errors)| {
        tracing::error!(?errors, "a text of the dashboard cannot be read");
        resource
    });
    let mut bundle = Bundle::new_concurrent(vec![tag]);
    // Keeps T3.
    bundle.set_formatter(Some(match language {
        Language::English => |value, _| write_number(value, Language::English),
        Language::Arabic => |value, _| write_number(value, Language::Arabic),
    }));
    if let Err(errors) = bundle.add_resource(resource) {
        tracing::error!(?errors, "texts of the dashboard stand twice");
    }
    bundle
}

fn write_number(value: &FluentValue<'_>, language: Language) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(number::decimal(number.value, 1, language)),
        _ => None,
    }
}

/// The message of a key. A key that is missing is shown as it is, and told in the log.
pub(super) fn message(language: Language, key: &str, args: &FluentArgs<'_>) -> Cow<'static, str> {
    let bundle: &'static Bundle = match language {
        Language::English => &IN_ENGLISH,
        Language::Arabic => &IN_ARABIC,
    };
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        tracing::error!(key, "a text of the dashboard is missing");
        return Cow::Owned(key.to_owned());
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(args), &mut errors).into_owned();
    if !errors.is_empty() {
        tracing::error!(key, ?errors, "a text of the dashboard lacks what it speaks of");
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use regex::Regex;

    use super::*;

    /// Keys with the variables that each uses.
    fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
        let (key, variable) = (Regex::new(r"(?m)^([a-z][a-z0-9-]*) =").unwrap(), Regex::new(r"\$([a-z]+)").unwrap());
        let starts: Vec<_> = key.captures_iter(text).map(|found| found.get(0).unwrap().start()).collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        starts.iter().zip(ends).fold(BTreeMap::new(), |mut keys, (start, end)| {
            let part = &text[*start..end];
            let name = key.captures(part).unwrap()[1].to_owned();
            let used = variable.captures_iter(part).map(|found| found[1].to_owned()).collect();
            assert!(keys.insert(name.clone(), used).is_none(), "{name} stands twice");
            keys
        })
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let (english, arabic) = (keys(ENGLISH), keys(ARABIC));
        let only = |a: &BTreeMap<String, _>, b: &BTreeMap<String, _>| {
            a.keys().filter(|key| !b.contains_key(*key)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(only(&english, &arabic), Vec::<String>::new(), "missing in Arabic");
        assert_eq!(only(&arabic, &english), Vec::<String>::new(), "missing in English");
        for (key, used) in &english {
            assert_eq!(&arabic[key], used, "{key} speaks of other things");
        }
        assert!(FluentResource::try_new(ENGLISH.to_owned()).is_ok());
        assert!(FluentResource::try_new(ARABIC.to_owned()).is_ok());
    }

    #[test]
    fn arabic_counts_have_six_forms() {
        for form in ["zero", "one", "two", "few", "many"] {
            let per_count = ARABIC.matches("{ $n ->").count();
            assert_eq!(ARABIC.matches(&format!("[{form}]")).count(), per_count, "{form}");
        }
    }

    #[test]
    fn every_key_that_is_used_is_there_and_every_key_is_used() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard");
        let (mut sources, mut folders) = (String::new(), vec![folder]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "html") {
                    sources += &std::fs::read_to_string(path).unwrap();
                }
            }
        }
        let known = keys(ENGLISH);
        let said = Regex::new(r#"\b(?:t|tn|ts|tell)\(\s*"([a-z0-9-]+)""#).unwrap();
        for found in said.captures_iter(&sources) {
            assert!(known.contains_key(&found[1]), "{} is not in the texts", &found[1]);
        }
        // A family of keys is named by a pattern: `format!("state-{}", ..)`.
        let pattern = Regex::new(r#""([a-z0-9-]*)\{[a-z_]*\}([a-z0-9-]*)""#).unwrap();
        let families: BTreeSet<(String, String)> =
            pattern.captures_iter(&sources).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
        let of_family = |key: &str| {
            families.iter().any(|(stem, end)| {
                stem.len() + end.len() >= 3
                    && key.len() > stem.len() + end.len()
                    && key.starts_with(stem)
                    && key.ends_with(end)
            })
        };
        for key in known.keys() {
            assert!(sources.contains(&format!("\"{key}\"")) || of_family(key), "{key} is said nowhere");
        }
    }
}

//! `FALAJ_SECTION__KEY`: settings from the environment.

use toml::de::DeValue;

use super::kind::Value;
use super::settings::{SETTINGS, Setting, find};
use crate::catalog::Problem;
use crate::catalog::nearest::nearest;

/// What a problem names as its file.
const PLACE: &str = "environment";

/// The settings that the environment gives, with their values. A `FALAJ_X__Y` that is no setting is a problem; so is a setting's
/// name with one underscore where two belong. Other names that begin with `FALAJ_` are no settings: `FALAJ_LOG`, `FALAJ_URL`,
/// `FALAJ_KEY`, secrets.
pub(super) fn read(
    variables: impl Iterator<Item = (String, String)>,
    problems: &mut Vec<Problem>,
) -> Vec<(&'static Setting, String)> {
    let mut found = Vec::new();
    for (variable, text) in variables {
        let Some(rest) = variable.strip_prefix("FALAJ_") else { continue };
        if !rest.contains("__") {
            let meant = SETTINGS.iter().find(|setting| setting.name.to_uppercase().replace('.', "_") == rest);
            if let Some(setting) = meant {
                let hint = format!("Two underscores stand between section and key: {}.", setting.variable());
                problems.push(Problem::new(PLACE, format!("{variable} is no setting"), hint));
            }
            continue;
        }
        let name = rest.to_lowercase().replace("__", ".");
        match find(&name) {
            Some(setting) if rest.chars().all(|c| !c.is_ascii_lowercase()) => found.push((setting, text)),
            _ => problems.push(Problem::new(PLACE, format!("{variable} is no setting"), hint(&name))),
        }
    }
    found.sort_by_key(|(setting, _)| setting.name);
    found
}

fn hint(name: &str) -> String {
    if name.starts_with("auth.") {
        return "Keys and groups stand in falaj.toml alone, so that deleting one revokes it.".to_owned();
    }
    match nearest(name, SETTINGS.iter().map(|setting| setting.name)).and_then(find) {
        Some(setting) => format!("Did you mean {}?", setting.variable()),
        None => "falaj serve --print-config lists all settings.".to_owned(),
    }
}

/// A text as a TOML scalar or list, and as a plain string where it is neither.
pub(super) fn value(text: &str) -> Value {
    match DeValue::parse(text.trim()) {
        Ok(parsed) => of(parsed.get_ref()),
        Err(_) => Value::Text(text.to_owned()),
    }
}

/// A parsed TOML value as a setting's value.
pub(super) fn of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number too large"), Value::Whole),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Float(number) => number.as_str().parse().map_or(Value::Other("a number too large"), Value::Fraction),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<Vec<String>>>()
            .map_or(Value::Other("a list of other things than strings"), Value::List),
        other => Value::Other(other.type_str()),
    }
}

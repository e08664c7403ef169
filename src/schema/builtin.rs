//! The schemas of Falaj's own types: they ship inside the program, stand in every deployment, and no deployment may replace them.

use super::source::Source;

/// All of them.
pub fn builtin() -> Vec<Source> {
    let source = |name: &str, text: &str| Source { file: format!("schemas/{name}.json").into(), text: text.to_owned() };
    vec![
        source("falaj.delivery.settled/1.0", include_str!("builtin/falaj.delivery.settled-1.0.json")),
        source("falaj.envelope.completed/1.0", include_str!("builtin/falaj.envelope.completed-1.0.json")),
    ]
}

//! The import rules: layers point down, and a foreign crate has one home.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may import of ours. A module that is not listed here may not exist.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &["model"]),
    ("telemetry", &["model"]),
    ("config", &["model", "catalog", "amqp", "identity", "telemetry"]),
    ("amqp", &["model"]),
    ("ledger", &["model"]),
    ("mapping", &["model"]),
    ("schema", &["model"]),
    ("catalog", &["schema", "mapping", "model"]),
    ("connector", &["amqp", "mapping", "telemetry", "model"]),
    ("identity", &["connector", "model"]),
    ("wake", &["amqp", "mapping", "model"]),
    ("intake", &["catalog", "schema", "mapping", "ledger", "wake", "clock", "telemetry", "model"]),
    ("dispatch", &["ledger", "catalog", "connector", "mapping", "wake", "clock", "telemetry", "model"]),
    ("janitor", &["ledger", "catalog", "connector", "mapping", "wake", "clock", "telemetry", "model"]),
    ("alarm", &["dispatch", "ledger", "catalog", "connector", "mapping", "amqp", "clock", "telemetry", "model"]),
    (
        "broker",
        &["intake", "dispatch", "ledger", "catalog", "amqp", "wake", "http", "config", "clock", "telemetry", "model"],
    ),
    ("statistics", &["catalog", "schema", "mapping", "ledger", "model"]),
    ("history", &["dispatch", "ledger", "clock", "telemetry", "model"]),
    ("asyncapi", &["amqp", "catalog", "schema", "mapping", "connector", "model"]),
    (
        "http",
        &[
            "asyncapi",
            "intake",
            "dispatch",
            "catalog",
            "schema",
            "mapping",
            "ledger",
            "wake",
            "amqp",
            "clock",
            "telemetry",
            "config",
            "statistics",
            "model",
        ],
    ),
    (
        "dashboard",
        &[
            "http",
            "identity",
            "intake",
            "statistics",
            "dispatch",
            "catalog",
            "schema",
            "mapping",
            "ledger",
            "wake",
            "amqp",
            "clock",
            "telemetry",
            "config",
            "model",
        ],
    ),
    ("mock", &["connector", "model", "clock"]),
    ("app", &["*"]),
    ("cli", &["*"]),
    ("main", &["*"]),
    ("lib", &["*"]),
];

/// Where a foreign crate may be named: a module, or a folder below one.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["http", "dashboard", "mock", "cli/bench"]),
    ("askama", &["http/docs", "dashboard"]),
    ("hyper", &["http", "mock", "connector"]),
    ("hyper_util", &["http", "mock"]),
    ("tower", &["http", "mock"]),
    ("flate2", &["http", "dashboard"]),
    ("fluent_bundle", &["dashboard"]),
    ("unic_langid", &["dashboard"]),
    ("rusqlite", &["ledger"]),
    ("jsonschema", &["schema"]),
    ("cel", &["mapping"]),
    ("minijinja", &["mapping"]),
    ("quick_xml", &["mapping"]),
    ("reqwest", &["connector", "identity", "cli"]),
    ("jsonwebtoken", &["identity"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("comfy_table", &["cli"]),
    ("anyhow", &["cli", "main"]),
    ("lapin", &["amqp"]),
    ("prometheus_client", &["telemetry", "http", "app"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("toml", &["config", "catalog", "cli"]),
];

#[test]
fn layers_point_down() {
    let allowed: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(may) = allowed.get(source.module.as_str()) else {
            wrong.push(format!("{}: module `{}` has no layer", source.path.display(), source.module));
            continue;
        };
        for (line, target) in source.imports() {
            let own = target == source.module;
            if !own && !may.contains(&"*") && !may.contains(&target.as_str()) {
                wrong.push(format!("{}:{line}: `{}` may not import `{target}`", source.path.display(), source.module));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_foreign_crate_has_one_home() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, homes) in HOMES {
            if homes.iter().any(|home| source.module == *home || source.path.starts_with(home)) {
                continue;
            }
            for (number, line) in source.code().lines().enumerate() {
                let names = |text: &str| text.contains(&format!("{name}::")) && !text.contains(&format!("_{name}::"));
                let ours = line.contains(&format!("crate::{name}::")) || line.contains(&format!("super::{name}::"));
                if names(line) && !ours && !line.trim_start().starts_with("//") {
                    wrong.push(format!("{}:{}: `{name}` is at home in {homes:?}", source.path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_broker_s_door_takes_problems_from_http_and_looks_at_the_board_and_no_more() {
    for source in sources().iter().filter(|source| source.module == "broker") {
        for line in source.code().lines().filter(|line| line.contains("crate::")) {
            let narrow =
                |module: &str, allowed: &str| !line.contains(&format!("crate::{module}")) || line.contains(allowed);
            assert!(narrow("http", "crate::http::error::"), "{}: {line}", source.path.display());
            assert!(narrow("dispatch", "crate::dispatch::Board;"), "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn intake_and_dispatch_never_meet() {
    for source in sources() {
        let forbidden = match source.module.as_str() {
            "intake" => "dispatch",
            "dispatch" => "intake",
            _ => continue,
        };
        assert!(
            source.imports().iter().all(|(_, target)| target != forbidden),
            "{} imports {forbidden}",
            source.path.display()
        );
    }
}

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    /// The text without its unit tests, which may look further.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests").next().unwrap_or(&self.text)
    }

    fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (number, line) in self.code().lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for part in line.split("crate::").skip(1) {
                let name: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if !name.is_empty() {
                    found.push((number + 1, name));
                }
            }
        }
        found
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            // Whole files of tests may look further than what they test.
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "tests") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && path.file_stem().is_some_and(|stem| stem != "tests")
            {
                let relative = path.strip_prefix(&root).expect("below src").to_owned();
                let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
                let module = first.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).expect("source is UTF-8");
                found.push(Source { path: relative, module, text });
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

//! `falaj check`: every problem of a deployment at once.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalog::nearest::hint;
use crate::catalog::{Agency, Catalog, Problem};
use crate::config::{Config, FILE};
use crate::model::agency::TransportKind;

/// Arguments of `falaj check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  falaj check\n  falaj check examples/two-agencies --json\n\n\
                        Exit status 1 if anything is wrong; warnings alone are no reason.")]
pub struct CheckArgs {
    /// Deployment to read
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What a check found.
struct Report {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    summary: String,
}

/// Runs `falaj check`: schemas and their compatibility, connectors, templates, fixtures, and `falaj.toml` where there is one.
pub async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.dir.is_dir(), "{} is not a folder; name the folder of a deployment", args.dir.display());
    let dir = args.dir.clone();
    let report = tokio::task::spawn_blocking(move || check(&dir)).await?;
    let text = if args.json { as_json(&report) } else { as_text(&report, &args.dir) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if report.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(dir: &Path) -> Report {
    let mut examined = Catalog::examine(dir, &|name| std::env::var(name).ok());
    let fixtures = examined.run_fixtures();
    let agencies: Vec<&str> = examined.catalog.agencies().map(|agency| agency.id.as_str()).collect();
    let subscriptions: usize = examined.catalog.agencies().map(|agency| agency.subscriptions.len()).sum();
    let (config, hints) = check_config(dir, &examined.catalog);
    let counts = format!(
        "{}, {}, {}, {}",
        count(agencies.len(), "agency", "agencies"),
        count(examined.types, "type", "types"),
        count(subscriptions, "subscription", "subscriptions"),
        count(fixtures, "fixture", "fixtures"),
    );
    let errors: Vec<Problem> = config.into_iter().chain(examined.errors).collect();
    let warnings: Vec<Problem> = examined.warnings.into_iter().chain(hints).collect();
    let found = format!("{}, {}", count(errors.len(), "error", "errors"), count(warnings.len(), "warning", "warnings"));
    Report { errors, warnings, summary: format!("{counts}: {found}") }
}

/// Checks `falaj.toml` as a file, without environment and flags: its keys and groups are those of known agencies, an identity provider
/// is whole, and there is a broker where agencies speak AMQP. Errors, then hints.
fn check_config(dir: &Path, catalog: &Catalog) -> (Vec<Problem>, Vec<Problem>) {
    let agencies: Vec<&str> = catalog.agencies().map(|agency| agency.id.as_str()).collect();
    let file = dir.join(FILE);
    let config = match file.exists() {
        true => Config::load_with(Some(&file), std::iter::empty(), &[]),
        false => Ok(Config::default()),
    };
    let (mut errors, mut hints) = (Vec::new(), Vec::new());
    if let Ok(config) = &config {
        hints.extend(no_broker(catalog).filter(|_| config.amqp.url.is_none()));
        check_oidc(config, &mut errors, &mut hints);
    }
    errors.extend(check_auth(config, &agencies));
    (errors, hints)
}

/// Checks the identity provider: what is missing here may be in the environment, which is not looked at.
fn check_oidc(config: &Config, errors: &mut Vec<Problem>, hints: &mut Vec<Problem>) {
    let is_there = config.oidc.issuer.is_some();
    if let Err(faults) = config.oidc.settings() {
        errors.extend(faults.wrong);
        hints.extend(faults.missing);
    }
    if is_there && config.auth.groups.is_empty() {
        let what = "an identity provider is named, and no [[auth.groups]] says who of its people may do what: nobody signs in with it";
        hints.push(Problem::new(FILE, what, "Add an entry: group = \"...\", role = \"operator\"."));
    }
    if !is_there && !config.auth.groups.is_empty() {
        let what = "[[auth.groups]] is there, and no identity provider is named: nobody signs in by a group";
        hints.push(Problem::new(FILE, what, "Set [oidc] issuer here, or FALAJ_OIDC__ISSUER where Falaj is started."));
    }
}

/// That agencies speak AMQP where no broker is named. It may be named in the environment, which is not looked at.
fn no_broker(catalog: &Catalog) -> Option<Problem> {
    let speaks =
        |agency: &&Arc<Agency>| agency.delivery.as_ref().is_some_and(|rules| rules.transport == TransportKind::Amqp);
    let waiting: Vec<&str> = catalog.agencies().filter(speaks).map(|agency| agency.id.as_str()).collect();
    let what =
        format!("no broker is named, and deliveries to {} wait for one (transport = \"amqp\")", waiting.join(", "));
    let hint = "Set [amqp] url here, or FALAJ_AMQP__URL where Falaj is started.";
    (!waiting.is_empty()).then(|| Problem::new(FILE, what, hint))
}

fn check_auth(config: Result<Config, Vec<Problem>>, agencies: &[&str]) -> Vec<Problem> {
    let mut problems = match config {
        Err(problems) => problems,
        Ok(config) => {
            let stranger = |(list, agency): (&str, &str)| {
                let what = format!("{list} of \"{agency}\", which is no agency of the deployment");
                Problem::new(FILE, what, hint(agency, agencies.iter().copied(), "Add its folder, or remove the entry."))
            };
            let keys =
                config.auth.keys.iter().filter_map(|key| Some(("auth.keys: a key", key.agency.as_ref()?.as_str())));
            let groups = config
                .auth
                .groups
                .iter()
                .filter_map(|group| Some(("auth.groups: people", group.agency.as_ref()?.as_str())));
            keys.chain(groups).filter(|(_, agency)| !agencies.contains(agency)).map(stranger).collect()
        }
    };
    problems.iter_mut().for_each(|problem| problem.file = PathBuf::from(FILE));
    problems
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn as_text(report: &Report, dir: &Path) -> String {
    let mut text = String::new();
    let severities = [("error", &report.errors), ("warning", &report.warnings)];
    for (severity, problem) in severities.into_iter().flat_map(|(s, list)| list.iter().map(move |p| (s, p))) {
        // Paths that a terminal can open.
        let file = if dir == Path::new(".") { problem.file.clone() } else { dir.join(&problem.file) };
        text.push_str(&plain(&file.display().to_string()));
        if let Some(line) = problem.line {
            text.push_str(&format!(":{line}"));
        }
        text.push_str(&format!(": {severity}: {}\n  hint: {}\n", plain(&problem.what), plain(&problem.hint)));
    }
    text.push_str(&report.summary);
    text.push('\n');
    text
}

/// A text from a file as one line that cannot steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn as_json(report: &Report) -> String {
    let entry = |severity: &str, problem: &Problem| {
        json!({
            "severity": severity,
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "what": problem.what,
            "hint": problem.hint,
        })
    };
    let errors = report.errors.iter().map(|problem| entry("error", problem));
    let list: Vec<Value> = errors.chain(report.warnings.iter().map(|problem| entry("warning", problem))).collect();
    format!("{:#}\n", Value::Array(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let errors = vec![Problem::new("connectors/moi/connector.toml", "x \u{1b}[31m", "y").at(7, 3)];
        let warnings = vec![Problem::new("schemas/a.b/1.0.json", "w", "z")];
        Report { errors, warnings, summary: "2 agencies".to_owned() }
    }

    #[test]
    fn errors_come_first_and_a_line_can_be_opened() {
        let text = as_text(&report(), Path::new("d"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "d/connectors/moi/connector.toml:7: error: x  [31m",
                "  hint: y",
                "d/schemas/a.b/1.0.json: warning: w",
                "  hint: z",
                "2 agencies"
            ]
        );
    }

    #[test]
    fn the_shipped_deployment_is_right() {
        let report = check(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert!(report.errors.is_empty(), "{}", as_text(&report, Path::new(".")));
        assert!(report.summary.starts_with("21 agencies"), "{}", report.summary);
        assert!(report.warnings.iter().any(|hint| hint.what.contains("mawared, tarasul")), "they wait for a broker");
    }

    #[test]
    fn json_is_a_list() {
        let list: Value = serde_json::from_str(&as_json(&report())).unwrap();
        assert_eq!(list[0]["severity"], "error");
        assert_eq!(list[0]["line"], 7);
        assert_eq!(list[1]["line"], Value::Null);
    }

    #[test]
    fn keys_of_strangers_are_found() {
        let dir = std::env::temp_dir().join(format!("falaj-check-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let errors = |agencies: &[&str]| {
            let file = dir.join(FILE);
            check_auth(Config::load_with(file.exists().then_some(file.as_path()), std::iter::empty(), &[]), agencies)
        };
        assert!(errors(&[]).is_empty());
        let key = format!(
            "[[auth.keys]]\nname = \"x\"\nrole = \"agency\"\nagency = \"moj\"\nsha256 = \"{}\"\n",
            "a".repeat(64)
        );
        std::fs::write(dir.join(FILE), key).unwrap();
        assert!(errors(&["moj"]).is_empty());
        assert!(errors(&["moi"])[0].what.contains("\"moj\""));
        std::fs::write(dir.join(FILE), "[htp]\n").unwrap();
        assert_eq!(errors(&[])[0].file, Path::new(FILE));
        std::fs::remove_dir_all(dir).unwrap();
    }
}

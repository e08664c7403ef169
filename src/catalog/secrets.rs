//! Where a manifest's secrets come from: the text itself, an environment variable, or a file.
//!
//! Nothing here ever shows a secret, not even a wrong one.

use std::path::{Path, PathBuf};

use super::document::{Node, Placed};
use super::manifest::SECRETS_MAX;
use super::problem::{Problem, Problems};
use crate::model::secret::Secret;

/// Most bytes of a secret's file.
const FILE_BYTES_MAX: u64 = 4096;

/// One secret as a manifest names it.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The secret stands in the manifest.
    Literal(Secret),
    /// `{ env = "NAME" }`.
    Env(String),
    /// `{ file = "path" }`, relative to the deployment.
    File(PathBuf),
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(***)"),
            Self::Env(name) => write!(f, "Env({name})"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

impl SecretSource {
    /// Reads `secret = ...`: one of the three, or a list of them, newest first.
    pub fn read(node: &Node<'_>, problems: &mut Problems) -> Vec<Placed<Self>> {
        let items = if node.value().is_array() { node.items(problems) } else { vec![node.clone()] };
        if items.is_empty() || items.len() > SECRETS_MAX {
            let hint = "List the newest first; all of them sign while a secret is being replaced.";
            problems.error(node.fault(format!("a list of secrets has 1 to {SECRETS_MAX} of them"), hint));
        }
        items.iter().take(SECRETS_MAX).filter_map(|item| Self::one(item, problems)).collect()
    }

    fn one(node: &Node<'_>, problems: &mut Problems) -> Option<Placed<Self>> {
        const HOW: &str = "Write \"whsec_...\", { env = \"NAME\" } or { file = \"path\" }.";
        if let Some(text) = node.value().as_str() {
            return match Secret::parse(text) {
                Ok(secret) => Some(node.placed(Self::Literal(secret))),
                Err(fault) => {
                    problems.error(node.fault(fault, MAKE));
                    None
                }
            };
        }
        if !node.value().is_table() {
            problems.error(node.fault("a secret is a string or a table", HOW));
            return None;
        }
        let mut table = node.table(problems)?;
        let mut text = |key| table.take(key).and_then(|n| n.text(problems)).map(str::to_owned);
        let (env, file) = (text("env"), text("file"));
        table.close(problems);
        let source = match (env, file) {
            (Some(env), None) if !env.is_empty() => Self::Env(env),
            (None, Some(file)) if !file.is_empty() => Self::File(PathBuf::from(file)),
            _ => {
                problems.error(node.fault("a secret has either env or file", HOW));
                return None;
            }
        };
        Some(node.placed(source))
    }
}

/// How to make a secret.
const MAKE: &str = "Make one with: echo \"whsec_$(openssl rand -base64 32)\"";

/// Turns sources into secrets. `env` reads an environment variable.
pub fn resolve(
    sources: &[Placed<SecretSource>],
    manifest: &Path,
    root: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for placed in sources {
        let fault = |what: String, hint: &str| {
            Problem::new(manifest, format!("delivery.secret: {what}"), hint).at(placed.line, placed.column)
        };
        let text = match &placed.value {
            SecretSource::Literal(secret) => {
                secrets.push(secret.clone());
                continue;
            }
            SecretSource::Env(name) => env(name).ok_or_else(|| {
                fault(format!("the environment variable {name} is not set"), "Set it where Falaj is started.")
            }),
            SecretSource::File(path) => read(&root.join(path)).map_err(|error| {
                fault(format!("cannot read {}: {error}", path.display()), "Put the secret there, readable for Falaj.")
            }),
        };
        match text.and_then(|text| Secret::parse(&text).map_err(|error| fault(error.to_string(), MAKE))) {
            Ok(secret) => secrets.push(secret),
            Err(problem) => problems.error(problem),
        }
    }
    secrets
}

/// The text of a secret's file, bounded.
pub fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

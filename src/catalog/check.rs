//! What no single file can say: checks across agencies and types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::build::Built;
use super::files::Files;
use super::nearest::hint;
use super::problem::{Problem, Problems};
use super::reach::Types;
use crate::schema::Registry;

/// The manifest's name.
pub const MANIFEST: &str = "connector.toml";

/// Checks owners, publishers and stray files.
pub fn across(agencies: &[Built], registry: &Registry, types: &Types, files: &Files, problems: &mut Problems) {
    let ids: BTreeSet<&str> = agencies.iter().map(|built| built.agency.id.as_str()).collect();
    for schema in registry.all().filter(|schema| !schema.ty.is_own()) {
        let owner = schema.about.owner.as_str();
        if !ids.contains(owner) {
            let what = format!("x-falaj.owner: there is no agency \"{owner}\"");
            let hint = hint(owner, ids.iter().copied(), "Name an agency that has a folder in connectors/.");
            problems.error(Problem::new(schema_file(schema), what, hint));
        }
    }
    for (ty, versions) in types.all().filter(|(ty, _)| !ty.is_own()) {
        if !agencies.iter().any(|built| built.agency.may_send(ty.as_str())) {
            let file = versions.last().map_or_else(|| PathBuf::from("schemas"), |schema| schema_file(schema));
            let hint = format!("Add it to [publishes] of an agency: types = [\"{ty}\"].");
            problems.warn(Problem::new(file, "nobody may publish the type", hint));
        }
    }
    users(agencies, problems);
    strays(agencies, files, problems);
}

/// Two agencies with one user at the broker could not be told apart.
fn users(agencies: &[Built], problems: &mut Problems) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for built in agencies {
        let (id, user) = (built.agency.id.as_str(), built.agency.amqp_user());
        if let Some(other) = seen.insert(user, id) {
            let what = format!("\"{id}\" and \"{other}\" have the same user at the broker, \"{user}\"");
            let file = Path::new("connectors").join(id).join(MANIFEST);
            problems.error(Problem::new(file, what, "Give one of them another amqp_user."));
        }
    }
}

fn schema_file(schema: &crate::schema::Schema) -> PathBuf {
    PathBuf::from(format!("schemas/{}/{}.json", schema.ty, schema.version))
}

/// Files of a connector that nothing uses.
fn strays(agencies: &[Built], files: &Files, problems: &mut Problems) {
    let used: BTreeSet<&Path> = agencies.iter().flat_map(|built| &built.templates).map(PathBuf::as_path).collect();
    for (path, _) in files.below(Path::new("connectors")) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let in_fixtures = path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "fixtures");
        let known = name == MANIFEST || used.contains(path) || in_fixtures || name.ends_with(".md");
        if known {
            continue;
        }
        let (what, hint) = if name.ends_with(".j2") {
            ("no subscription uses the template", "Name it in a subscription, or remove it.")
        } else {
            ("a file that is not read", "Remove it, or put it where it belongs.")
        };
        problems.warn(Problem::new(path, what, hint));
    }
}

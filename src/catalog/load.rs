//! The way from a folder to a snapshot: files, schemas, manifests, then what spans them.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build::{Built, Parts};
use super::check::{MANIFEST, across};
use super::files::{Files, Fingerprint};
use super::problem::{Problem, Problems};
use super::reach::Types;
use super::routing::Routes;
use super::{Agency, Catalog, Loaded};
use super::{fixtures, manifest};
use crate::model::id::{AgencyId, EventType, TypePattern};
use crate::model::notice;
use crate::schema::{FOLDER, Registry, Source, builtin};

/// Most agencies of a deployment; one envelope can go to all of them.
pub const AGENCIES_MAX: usize = 2_000;

impl Catalog {
    /// Loads and checks `schemas/` and `connectors/` below a folder. Every error is reported at once.
    pub fn load(root: &Path) -> Result<Loaded, Vec<Problem>> {
        Self::load_with(root, &|name| std::env::var(name).ok())
    }

    /// As [`Catalog::load`], with another environment for secrets.
    pub fn load_with(root: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Vec<Problem>> {
        let Examined { catalog, errors, warnings, .. } = Self::examine(root, env);
        if errors.is_empty() { Ok(Loaded { catalog, warnings }) } else { Err(errors) }
    }

    /// The snapshot as far as it could be made, with all errors and all warnings.
    pub fn examine(root: &Path, env: &dyn Fn(&str) -> Option<String>) -> Examined {
        let mut problems = Problems::default();
        let files = Files::read(root, &mut problems);
        let fingerprint = Fingerprint::of(&files, &problems);
        let schemas = schemas(&files, &mut problems);
        let types = Types::of(&schemas);
        let built = agencies(root, &files, &types, env, &mut problems);
        across(&built, &schemas, &types, &files, &mut problems);
        let mut secret_files: Vec<PathBuf> = built.iter().flat_map(|built| built.secret_files.clone()).collect();
        secret_files.sort();
        secret_files.dedup();
        let fingerprint = fingerprint.with(root, &secret_files);
        let agencies: BTreeMap<_, _> =
            built.into_iter().map(|built| (built.agency.id.clone(), Arc::new(built.agency))).collect();
        let routes = Routes::new(&agencies, types.names());
        let listeners = listeners(&agencies);
        let (errors, warnings) = problems.finish();
        let revision = files.revision.clone();
        let samples = fixtures::samples(&files, agencies.keys());
        let catalog = Self { schemas, revision, agencies, routes, listeners, samples, fingerprint, secret_files };
        Examined { catalog, errors, warnings, types: types.len(), files }
    }
}

/// A deployment that was looked at, right or wrong.
#[derive(Debug)]
pub struct Examined {
    /// The snapshot as far as it could be made; with errors it must not go into force.
    pub catalog: Catalog,
    /// What must be mended.
    pub errors: Vec<Problem>,
    /// What somebody should look at.
    pub warnings: Vec<Problem>,
    /// Types that an envelope may be of.
    pub types: usize,
    files: Files,
}

impl Examined {
    /// Runs the fixtures too, adds what is wrong with them, and says how many there are. Where the deployment has errors they
    /// are not run: their messages would only repeat them.
    pub fn run_fixtures(&mut self) -> usize {
        if !self.errors.is_empty() {
            return 0;
        }
        let mut problems = Problems::default();
        let count = fixtures::run(&self.catalog, &self.files, &mut problems);
        let (errors, warnings) = problems.finish();
        self.errors.extend(errors);
        self.warnings.extend(warnings);
        count
    }
}

fn schemas(files: &Files, problems: &mut Problems) -> Registry {
    let (own, theirs): (Vec<_>, Vec<_>) = files
        .below(Path::new(FOLDER))
        .filter(|(path, _)| path.extension().is_none_or(|extension| extension != "md"))
        .partition(|(path, _)| is_own(path));
    for (path, _) in own {
        let what = "types that begin with falaj. are Falaj's own, and their schemas ship inside it";
        problems.error(Problem::new(path, what, "Remove the file, or name the type otherwise."));
    }
    let theirs = theirs.into_iter().map(|(path, text)| Source { file: path.to_owned(), text: text.to_owned() });
    let loaded = Registry::build(builtin().into_iter().chain(theirs).collect());
    let problem = |p: crate::schema::SchemaProblem| Problem {
        file: p.file,
        line: p.line,
        column: None,
        what: p.what,
        hint: p.hint,
    };
    loaded.problems.into_iter().map(problem).for_each(|p| problems.error(p));
    loaded.warnings.into_iter().map(problem).for_each(|p| problems.warn(p));
    loaded.registry
}

/// Whether a schema file is of one of Falaj's own types.
fn is_own(path: &Path) -> bool {
    let folder = path.iter().nth(1).and_then(|folder| folder.to_str());
    folder.is_some_and(|folder| EventType::parse(folder).is_ok_and(|ty| ty.is_own()))
}

/// Who subscribes to what Falaj tells senders.
fn listeners(agencies: &BTreeMap<AgencyId, Arc<Agency>>) -> HashSet<AgencyId> {
    let told = |pattern: &TypePattern| [notice::SETTLED, notice::COMPLETED].iter().any(|ty| pattern.matches(ty));
    let listens = |agency: &&Arc<Agency>| agency.subscriptions.iter().any(|subscription| told(&subscription.pattern));
    agencies.values().filter(listens).map(|agency| agency.id.clone()).collect()
}

fn agencies(
    root: &Path,
    files: &Files,
    types: &Types,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Vec<Built> {
    let connectors = Path::new("connectors");
    let names = files.folders(connectors);
    if names.len() > AGENCIES_MAX {
        let what = format!("more than {AGENCIES_MAX} agencies");
        problems.error(Problem::new(connectors, what, "Split the deployment."));
    }
    let mut built = Vec::new();
    for name in names.into_iter().take(AGENCIES_MAX) {
        let folder = connectors.join(name);
        let file = folder.join(MANIFEST);
        let Some(text) = files.get(&file) else {
            problems.error(Problem::new(
                folder,
                "the folder has no readable connector.toml",
                "Add one, or remove the folder.",
            ));
            continue;
        };
        if let Some(manifest) = manifest::read(&file, text, problems) {
            built.push(Parts { file: &file, files, types, root, env }.build(manifest, problems));
        }
    }
    built
}

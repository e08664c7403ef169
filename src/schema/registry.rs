//! The registry: all schemas of a deployment, loaded, proved and compiled once.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io, thread};

use jsonschema::{ValidationError, Validator};

use super::compat::{self, Severity};
use super::document::{Document, FILE_BYTES_MAX, Findings, SchemaProblem, options};
use super::library::{Library, URI_PREFIX};
use super::source::Source;
use super::version::Schema;
use crate::model::id::{EventType, Version};

/// The folder of a deployment that schemas stand in.
pub const FOLDER: &str = "schemas";
/// The most schema files of a deployment.
pub const SCHEMAS_MAX: usize = 20_000;
/// Threads that compile at once.
const THREADS_MAX: usize = 8;

/// Every schema of a deployment, compiled. Immutable.
#[derive(Debug, Default)]
pub struct Registry {
    /// Versions of each type, oldest first, never an empty list.
    types: BTreeMap<EventType, Vec<Arc<Schema>>>,
}

/// What came of loading: a registry of all schemas that are sound, and everything worth saying about the others.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The sound ones. A deployment with problems must not go into force, but the rest of it can be checked against these.
    pub registry: Registry,
    /// What must be mended.
    pub problems: Vec<SchemaProblem>,
    /// What somebody should look at.
    pub warnings: Vec<SchemaProblem>,
}

/// Why no schema applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSchema {
    /// The type has none, or is abstract.
    UnknownType,
    /// `dataschema` names a version that is not registered for the type.
    UnknownVersion,
}

impl Registry {
    /// Loads `schemas/` below the folder of a deployment.
    pub fn load(root: &Path) -> Loaded {
        let (mut problems, mut missing) = (Vec::new(), None);
        let sources = read_folder(&root.join(FOLDER), &mut problems).unwrap_or_else(|error| {
            missing = Some(error);
            Vec::new()
        });
        let mut loaded = Self::build(sources);
        loaded.problems.append(&mut problems);
        if let Some(error) = missing {
            let hint =
                "Make schemas/ beside the configuration, with a folder for each type, and let this process read it.";
            let problem = |what| SchemaProblem { file: FOLDER.into(), line: None, what, hint: hint.to_owned() };
            match error.kind() {
                io::ErrorKind::NotFound => {
                    loaded.warnings.push(problem("there are no schemas, so every envelope is refused".to_owned()));
                }
                _ => loaded.problems.push(problem(format!("the folder cannot be read: {error}"))),
            }
        }
        sort(&mut loaded.problems);
        loaded
    }

    /// Builds a registry from documents in memory.
    pub fn build(sources: Vec<Source>) -> Loaded {
        let mut found = Findings::default();
        let mut documents = BTreeMap::new();
        for source in &sources {
            if let Some(document) = Document::read(source, &mut found.problems) {
                documents.insert(document.uri.clone(), document);
            }
        }
        let shelf = documents.values().map(|document| (document.uri.clone(), document.value.clone())).collect();
        let library = Arc::new(Library::new(shelf));
        for document in documents.values() {
            document.lint(&library, &mut found);
        }
        check_abstract(&documents, &mut found.problems);
        let wrong = spread(&documents, &found);
        let sound: Vec<&Document> = documents.values().filter(|document| !wrong.contains(&document.uri)).collect();
        let mut registry = Self::default();
        for (document, compiled) in sound.iter().zip(compile(&library, &sound, &found.references)) {
            match (compiled, document.about.clone()) {
                (Ok(validator), Some(about)) => {
                    let (ty, version) = (document.ty.clone(), document.version);
                    let schema = Schema::new(ty, version, about, document.value.clone(), library.clone(), validator);
                    registry.types.entry(document.ty.clone()).or_default().push(Arc::new(schema));
                }
                (Err(error), _) => {
                    let pointer = error.schema_path().as_str();
                    let what = format!("{pointer}: {error}");
                    found.problems.push(document.problem(pointer, what, "Write it as JSON Schema 2020-12 asks."));
                }
                (Ok(_), None) => {}
            }
        }
        for versions in registry.types.values_mut() {
            versions.sort_by_key(|schema| schema.version);
            compare(versions, &documents, &mut found);
        }
        sort(&mut found.problems);
        sort(&mut found.warnings);
        Loaded { registry, problems: found.problems, warnings: found.warnings }
    }

    /// The schema that applies to a type: the version `dataschema` names (`<type>/<version>`, also as the full `$id`), else the
    /// newest. Abstract schemas apply to nothing.
    pub fn find(&self, ty: &EventType, dataschema: Option<&str>) -> Result<&Arc<Schema>, NoSchema> {
        let versions = self.types.get(ty).ok_or(NoSchema::UnknownType)?;
        let newest = versions.iter().rfind(|schema| !schema.about.is_abstract).ok_or(NoSchema::UnknownType)?;
        let Some(name) = dataschema else { return Ok(newest) };
        let name = name.strip_prefix(URI_PREFIX).unwrap_or(name);
        let version = name.strip_prefix(ty.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let version = version.and_then(|text| Version::parse(text).ok()).ok_or(NoSchema::UnknownVersion)?;
        let at =
            versions.binary_search_by_key(&version, |schema| schema.version).map_err(|_| NoSchema::UnknownVersion)?;
        Some(&versions[at]).filter(|schema| !schema.about.is_abstract).ok_or(NoSchema::UnknownVersion)
    }

    /// All versions of all types (abstract ones included), sorted by type and version.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Schema>> {
        self.types.values().flatten()
    }
}

/// Reads every file of the folder; what cannot be read becomes a problem of its own.
fn read_folder(folder: &Path, problems: &mut Vec<SchemaProblem>) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut stray = |file: PathBuf, what: String, hint: &str| {
        problems.push(SchemaProblem { file, line: None, what, hint: hint.to_owned() });
    };
    for ty in sorted(folder)? {
        let folder_file = Path::new(FOLDER).join(&ty);
        if !folder.join(&ty).is_dir() {
            if !ty.ends_with(".md") {
                stray(
                    folder_file,
                    "a file stands where only folders of types do".into(),
                    "Move it to schemas/<type>/<version>.json.",
                );
            }
            continue;
        }
        let names = match sorted(&folder.join(&ty)) {
            Ok(names) => names,
            Err(error) => {
                stray(folder_file, format!("the folder cannot be read: {error}"), "Let this process read it.");
                continue;
            }
        };
        for name in names.iter().filter(|name| !name.ends_with(".md")) {
            let (file, path) = (folder_file.join(name), folder.join(&ty).join(name));
            if sources.len() == SCHEMAS_MAX {
                stray(file, format!("more than {SCHEMAS_MAX} schemas"), "Remove the types that nobody sends any more.");
                return Ok(sources);
            }
            match read_text(&path) {
                Ok(text) => sources.push(Source { file, text }),
                Err(error) => stray(
                    file,
                    format!("the file cannot be read: {error}"),
                    "Save it as UTF-8 and let this process read it.",
                ),
            }
        }
    }
    Ok(sources)
}

/// The names in a folder, sorted, without hidden ones.
fn sorted(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A file's text, never more of it than one byte past the limit.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(fs::File::open(path)?, FILE_BYTES_MAX as u64 + 1), &mut text)?;
    Ok(text)
}

/// A type is abstract in all its versions or in none.
fn check_abstract(documents: &BTreeMap<String, Document>, problems: &mut Vec<SchemaProblem>) {
    let mut first: BTreeMap<&EventType, bool> = BTreeMap::new();
    for document in documents.values() {
        let Some(about) = &document.about else { continue };
        if *first.entry(&document.ty).or_insert(about.is_abstract) != about.is_abstract {
            let hint = "Say \"abstract\" in all versions or in none.";
            problems.push(document.problem("/x-falaj", "other versions of the type differ in x-falaj.abstract", hint));
        }
    }
}

/// Documents with a problem, and those that refer to one: compiling these would only say the same again.
fn spread(documents: &BTreeMap<String, Document>, found: &Findings) -> BTreeSet<String> {
    let files: BTreeSet<&Path> = found.problems.iter().map(|problem| problem.file.as_path()).collect();
    let is_wrong = |document: &&Document| files.contains(document.file.as_path());
    let mut wrong: BTreeSet<String> =
        documents.values().filter(is_wrong).map(|document| document.uri.clone()).collect();
    loop {
        let refers = |targets: &BTreeSet<String>| targets.iter().any(|target| wrong.contains(target));
        let more: Vec<String> =
            found.references.iter().filter(|(_, targets)| refers(targets)).map(|(uri, _)| uri.clone()).collect();
        let before = wrong.len();
        wrong.extend(more);
        if wrong.len() == before {
            return wrong;
        }
    }
}

/// Compiles documents on all cores, in order.
fn compile(
    library: &Library,
    documents: &[&Document],
    references: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<Result<Validator, ValidationError<'static>>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let share = documents.len().div_ceil(threads).max(1);
    let one = |document: &&Document| compile_one(library, document, references);
    thread::scope(|scope| {
        let shares: Vec<_> = documents
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(one).collect::<Vec<_>>()))
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("compiling a schema does not panic")).collect()
    })
}

/// Compiles a document beside those it refers to, directly or not. Beside all documents it would be the same, but every compilation
/// copies the index of what stands beside it: thousands of types would take minutes.
fn compile_one(
    library: &Library,
    document: &Document,
    references: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Validator, ValidationError<'static>> {
    let (mut beside, mut open) = (BTreeSet::new(), vec![&document.uri]);
    while let Some(uri) = open.pop() {
        if beside.insert(uri) {
            open.extend(references.get(uri).into_iter().flatten());
        }
    }
    let shelf = beside.into_iter().filter_map(|uri| library.root(uri)).map(|node| (node.base, node.value));
    let registry = jsonschema::Registry::new()
        .draft(jsonschema::Draft::Draft202012)
        .extend(shelf)
        .and_then(|shelf| shelf.prepare())
        .map_err(|error| ValidationError::schema(error.to_string()))?;
    options().with_registry(&registry).with_base_uri(&document.uri).build(&document.value)
}

/// Compares every version with all older ones of its major line: compatibility does not pass on by itself from step to step.
fn compare(versions: &[Arc<Schema>], documents: &BTreeMap<String, Document>, found: &mut Findings) {
    for (index, new) in versions.iter().enumerate().filter(|(_, new)| !new.about.is_abstract) {
        let Some(document) = documents.get(&new.uri()) else { continue };
        let mut seen = BTreeSet::new();
        for old in versions[..index].iter().rev().filter(|old| old.version.major == new.version.major) {
            for change in compat::breaks(old, new) {
                if !seen.insert((change.severity, change.pointer.clone(), change.what.clone())) {
                    continue;
                }
                let place = if change.pointer.is_empty() { "the data" } else { &change.pointer };
                let what = format!("against {}: {place}: {}", old.version, change.what);
                let list = match change.severity {
                    Severity::Error => &mut found.problems,
                    Severity::Warning => &mut found.warnings,
                };
                list.push(document.problem(&change.schema_pointer, what, change.hint));
            }
        }
    }
}

fn sort(problems: &mut Vec<SchemaProblem>) {
    problems.sort_by(|a, b| (&a.file, a.line, &a.what).cmp(&(&b.file, b.line, &b.what)));
    problems.dedup();
}

//! File, environment and flags become one configuration (G2).

use std::io::Read;
use std::path::{Path, PathBuf};

use super::kind::Value;
use super::settings::{SETTINGS, find};
use super::{Config, FILE, OidcFaults, environment, keys};
use crate::catalog::document::{Page, Table};
use crate::catalog::nearest::hint;
use crate::catalog::{Problem, Problems};

/// Most bytes of `falaj.toml`.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A setting from the command line: `section.key` and its value as text.
pub type Override<'a> = (&'a str, String);

impl Config {
    /// Loads the file (`falaj.toml` of the current folder where none is given, if it is there), then the environment, then
    /// overrides. Every problem is told at once, but for what is missing between settings that belong together, which is told last.
    pub fn load(path: Option<&Path>, overrides: &[Override<'_>]) -> Result<Self, Vec<Problem>> {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let config = Self::load_with(path, environment, overrides)?;
        config.oidc.settings().map_err(OidcFaults::all)?;
        Ok(config)
    }

    /// As [`Config::load`], with another environment.
    pub fn load_with(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        overrides: &[Override<'_>],
    ) -> Result<Self, Vec<Problem>> {
        let mut config = Self::default();
        let mut problems = Problems::default();
        match find_file(path) {
            Ok(Some(file)) => match read_file(&file) {
                Ok(text) => config.take_file(file, text, &mut problems),
                Err(problem) => problems.error(problem),
            },
            Ok(None) => {}
            Err(problem) => problems.error(problem),
        }
        let mut wrong = Vec::new();
        for (setting, text) in environment::read(environment, &mut wrong) {
            wrong.extend(config.take_text(setting.name, &text, "environment", &setting.variable()));
        }
        for (name, text) in overrides {
            wrong.extend(config.take_text(name, text, "command line", name));
        }
        if config.amqp.cert.is_some() != config.amqp.key.is_some() {
            let what = "amqp.cert and amqp.key belong together";
            wrong.push(Problem::new(path.unwrap_or(Path::new(FILE)), what, "Give both, or neither."));
        }
        wrong.into_iter().for_each(|problem| problems.error(problem));
        let (errors, _) = problems.finish();
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    fn take_file(&mut self, file: PathBuf, text: String, problems: &mut Problems) {
        let page = Page::new(&file, text);
        let document = page.parse(problems);
        let mut root = Table::of(&page, &document);
        for &(section, _) in super::settings::SECTIONS {
            let Some(mut table) = root.take(section).and_then(|node| node.table(problems)) else { continue };
            for setting in SETTINGS.iter().filter(|setting| setting.name.split('.').next() == Some(section)) {
                let key = &setting.name[section.len() + 1..];
                let Some(node) = table.take(key) else { continue };
                if let Err((what, hint)) = setting.set(self, &environment::of(node.value())) {
                    let problem = node.fault("", hint);
                    problems.error(Problem { what, ..problem });
                }
            }
            table.close(problems);
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.root = folder.to_owned();
        if self.store.path.is_relative() && self.root != Path::new(".") {
            self.store.path = self.root.join(&self.store.path);
        }
        let (amqp, oidc) = (&mut self.amqp, &mut self.oidc);
        let files = [&mut amqp.ca, &mut amqp.cert, &mut amqp.key, &mut oidc.client_secret_file, &mut oidc.ca];
        for file in files.into_iter().flatten() {
            *file = self.root.join(&*file);
        }
        if let Some(table) = root.take("auth").and_then(|node| node.table(problems)) {
            self.auth = keys::read(table, problems);
        }
        root.close(problems);
        self.file = Some(file);
    }

    /// Sets one setting from a text: as TOML, or else as a plain string.
    fn take_text(&mut self, name: &str, text: &str, place: &str, shown: &str) -> Option<Problem> {
        let Some(setting) = find(name) else {
            let hint = hint(name, SETTINGS.iter().map(|setting| setting.name), "falaj serve --print-config lists all.");
            return Some(Problem::new(place, format!("{shown} is no setting"), hint));
        };
        let parsed = environment::value(text);
        let plain = Value::Text(text.to_owned());
        let set = setting.set(self, &parsed).or_else(|fault| match parsed == plain {
            true => Err(fault),
            false => setting.set(self, &plain).map_err(|_| fault),
        });
        // A single item stands for a list of one.
        let set = set.or_else(|fault| setting.set(self, &Value::List(vec![text.to_owned()])).map_err(|_| fault));
        set.err().map(|(what, hint)| Problem::new(place, format!("{shown}: {what}"), hint))
    }
}

/// The file to read: the given one, which must be there, or the current folder's, which need not.
fn find_file(path: Option<&Path>) -> Result<Option<PathBuf>, Problem> {
    match path {
        Some(path) if path.is_dir() => {
            let hint = format!("Name the file: {}.", path.join(FILE).display());
            Err(Problem::new(path, "a folder, not a configuration file", hint))
        }
        Some(path) => Ok(Some(path.to_owned())),
        None => Ok(Some(PathBuf::from(FILE)).filter(|file| file.is_file())),
    }
}

/// The text of a configuration file, bounded.
pub(super) fn read_file(file: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|open| open.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > FILE_BYTES_MAX => {
            Err(Problem::new(file, format!("larger than {FILE_BYTES_MAX} bytes"), "Make it smaller."))
        }
        Ok(_) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let hint = "Name a file that is there, that this user may read, and that is UTF-8.";
            Err(Problem::new(file, format!("cannot be read: {error}"), hint))
        }
    }
}

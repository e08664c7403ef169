//! What is wrong with a deployment, precise enough to go and mend it.
//!
//! Problems are collected, not thrown: whoever mends one file wants to see everything at once. They never repeat a secret.

use std::path::{Path, PathBuf};

/// Problems of one kind that are kept; what comes after them is counted in one last line.
pub const PROBLEMS_MAX: usize = 500;

/// One problem of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// File, relative to the deployment; `environment` or `command line` where a setting came from there.
    pub file: PathBuf,
    /// Line, from 1, where known.
    pub line: Option<u32>,
    /// Column in characters, from 1, where known.
    pub column: Option<u32>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Problem {
    /// A problem of a whole file.
    pub fn new(file: impl Into<PathBuf>, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None, what: what.into(), hint: hint.into() }
    }

    /// The same problem, at a line and a column.
    pub fn at(mut self, line: u32, column: u32) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Problems as they are found. Errors keep a deployment from being taken up, warnings do not.
#[derive(Debug, Default)]
pub struct Problems {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Adds an error.
    pub fn error(&mut self, problem: Problem) {
        if self.errors.len() < PROBLEMS_MAX { self.errors.push(problem) } else { self.more += 1 }
    }

    /// Adds a warning.
    pub fn warn(&mut self, problem: Problem) {
        if self.warnings.len() < PROBLEMS_MAX { self.warnings.push(problem) } else { self.more += 1 }
    }

    /// Errors found so far.
    pub fn errors(&self) -> usize {
        self.errors.len()
    }

    /// Errors and warnings, each by file and line.
    pub fn finish(mut self) -> (Vec<Problem>, Vec<Problem>) {
        let order = |p: &Problem| (p.file.clone(), p.line, p.column);
        self.errors.sort_by_key(order);
        self.warnings.sort_by_key(order);
        if self.more > 0 {
            let what = format!("{} more problems are not shown", self.more);
            let last = Problem::new(Path::new("."), what, "Mend those above first.");
            if self.errors.is_empty() { self.warnings.push(last) } else { self.errors.push(last) }
        }
        (self.errors, self.warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_bounded_and_sorted() {
        let mut problems = Problems::default();
        for line in (1..=600).rev() {
            problems.error(Problem::new("a", "x", "y").at(line, 1));
        }
        let (errors, warnings) = problems.finish();
        assert_eq!(errors.len(), PROBLEMS_MAX + 1);
        assert!(errors[0].line < errors[1].line);
        assert!(errors[PROBLEMS_MAX].what.starts_with("100 more"));
        assert!(warnings.is_empty());
        assert_eq!(errors[0].to_string(), "a:101: x");
    }
}

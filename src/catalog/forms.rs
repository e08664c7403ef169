//! Expressions, maps and templates of a subscription: compiled, and held against the schemas.

use std::collections::BTreeMap;
use std::path::Path;

use super::build::{Parts, Type, at};
use super::document::Placed;
use super::manifest::{MapPart, MapWord, Mode, SubscriptionPart};
use super::problem::{Problem, Problems};
use super::reach::{reach, reach_given};
use crate::mapping::{FieldMap, Fields, Filter, Form, MapForm, Read, Refused, SubjectForm, Template};
use crate::schema::Reach;

/// An expression of a manifest, for what is said about it.
#[derive(Clone, Copy)]
struct Expression<'a> {
    place: &'a Placed<String>,
    name: &'a str,
    plain: bool,
}

impl Parts<'_> {
    fn refused(&self, placed: &Placed<String>, name: &str, refused: Refused) -> Problem {
        // An expression of one line stands right behind its quotation mark.
        let place = match refused.position {
            Some((1, column)) => (placed.line, placed.column + column),
            Some((line, _)) => (placed.line + line - 1, 1),
            None => at(placed),
        };
        self.problem(place, format!("{name}: {}", refused.what), refused.hint)
    }

    pub(super) fn filter(
        &self,
        part: &SubscriptionPart,
        fields: &Fields,
        types: &[Type<'_>],
        problems: &mut Problems,
    ) -> Option<Filter> {
        let when = part.when.as_ref()?;
        match Filter::compile(&when.value, fields) {
            Ok(filter) => {
                let expression = Expression { place: when, name: "when", plain: false };
                self.check_reads(&expression, filter.reads(), &[], types, problems);
                // A filter sees the subject itself: what passes would tell the agency of it.
                self.check_attributes(&expression, filter.attributes(), part, SubjectForm::Pseudonym, problems);
                Some(filter)
            }
            Err(refused) => {
                problems.error(self.refused(when, "when", refused));
                None
            }
        }
    }

    /// Keeps B1 for attributes: nothing is read that the subscription keeps from the agency. `kept` is a form of the subject
    /// that counts as kept, beside that it is omitted.
    fn check_attributes<'a>(
        &self,
        expression: &Expression<'_>,
        read: impl Iterator<Item = &'a str>,
        part: &SubscriptionPart,
        kept: SubjectForm,
        problems: &mut Problems,
    ) {
        let Expression { place, name, .. } = *expression;
        let is_kept = part.subject == SubjectForm::Omit || part.subject == kept;
        for attribute in read {
            let (what, hint) = match attribute {
                "subject" | "partitionkey" if is_kept => (
                    format!("{name}: reads {attribute}, which the subscription keeps from the agency"),
                    "Do without it, or set subject = \"clear\" if the agency may know it.".to_owned(),
                ),
                "authid" | "dataref" if part.attributes.iter().all(|listed| listed.value != attribute) => (
                    format!("{name}: reads ext.{attribute}, which the subscription does not list"),
                    format!("Add attributes = [\"{attribute}\"], or do without it."),
                ),
                _ => continue,
            };
            problems.error(self.problem(at(place), what, hint));
        }
    }

    /// Keeps B2. What `given` and the expression itself ask for with `has()` is there; a plain path, whose absence leaves its
    /// target out, need not ask.
    fn check_reads(
        &self,
        expression: &Expression<'_>,
        reads: &[Read],
        given: &[&str],
        types: &[Type<'_>],
        problems: &mut Problems,
    ) {
        let Expression { place, name, plain } = *expression;
        let asked = reads.iter().filter(|read| read.guarded).map(|read| read.pointer.as_str());
        let given: Vec<&str> = asked.chain(given.iter().copied()).collect();
        for read in reads {
            let pointer = &read.pointer;
            if let Some((ty, versions)) = types.first()
                && types.iter().all(|(_, versions)| reach(versions, pointer) == Reach::Never)
            {
                let what = format!("{name}: data has no place \"{pointer}\" in {ty}");
                problems.error(self.problem(at(place), what, self.types.nearest_pointer(versions, pointer)));
                continue;
            }
            let lacks = |(_, versions): &&Type<'_>| reach_given(versions, pointer, &given) != Reach::Always;
            if let Some((ty, _)) = types.iter().find(lacks).filter(|_| !plain && !read.guarded) {
                let what = format!("{name}: \"{pointer}\" may be absent in {ty}, and then the expression fails");
                let hint = format!("Ask first: has({path}) && ...", path = path(pointer));
                problems.error(self.problem(at(place), what, hint));
            }
        }
    }

    pub(super) fn form(
        &self,
        part: &SubscriptionPart,
        filter: Option<&Filter>,
        mode: Mode,
        fields: &Fields,
        types: &[Type<'_>],
        problems: &mut Problems,
    ) -> Option<Form> {
        let here = at(&part.pattern);
        if let (Some(map), Some(_)) = (&part.map, &part.template) {
            let hint = "Remove one of them.";
            problems.error(self.problem(at(map), "a subscription has either a map or a template", hint));
            return None;
        }
        if let (Some(form), None) = (&part.form, &part.map) {
            let hint = "Add [subscription.map], or remove form.";
            problems.error(self.problem(at(form), "form says how a map is written, and there is no map", hint));
        }
        if let Some(map) = &part.map {
            return self.map(part, filter, map, fields, types, problems);
        }
        match (&part.template, mode) {
            (Some(template), Mode::Template) => self.template(template, problems),
            (Some(template), _) => {
                let hint = "Set mode = \"template\" under [delivery].";
                problems.error(self.problem(at(template), "a template, and the mode is another", hint));
                None
            }
            (None, Mode::Template) => {
                let hint = "Add template = \"....xml.j2\", or a [subscription.map].";
                problems.error(self.problem(here, "mode = \"template\", and the subscription has none", hint));
                None
            }
            (None, Mode::Binary) => Some(Form::Binary),
            (None, Mode::Structured) => Some(Form::Structured),
        }
    }

    fn map(
        &self,
        part: &SubscriptionPart,
        filter: Option<&Filter>,
        map: &Placed<MapPart>,
        fields: &Fields,
        types: &[Type<'_>],
        problems: &mut Problems,
    ) -> Option<Form> {
        // What the filter has made sure of is there when the map runs.
        let given: Vec<&str> = match (filter, &part.when) {
            (Some(filter), Some(when)) if is_conjunction(&when.value) => {
                filter.reads().iter().filter(|read| read.guarded).map(|read| read.pointer.as_str()).collect()
            }
            _ => Vec::new(),
        };
        let word = part.form.as_ref().map_or(MapWord::Json, |form| form.value);
        let form = match (word, &part.xml_root) {
            (MapWord::Xml, Some(root)) => MapForm::Xml { root: root.value.clone() },
            (MapWord::Xml, None) => {
                problems.error(self.problem(at(map), "form = \"xml\" needs xml_root", "Add xml_root = \"Message\"."));
                return None;
            }
            (word, root) => {
                if let Some(root) = root {
                    problems.error(self.problem(at(root), "only form = \"xml\" has an xml_root", "Remove xml_root."));
                }
                if word == MapWord::Csv { MapForm::Csv } else { MapForm::Json }
            }
        };
        for (target, expression) in &map.value {
            let one = BTreeMap::from([(target.clone(), expression.value.clone())]);
            if let Ok(compiled) = FieldMap::compile(&one, form.clone(), fields) {
                let (name, plain) = (format!("map.{target}"), is_plain_path(&expression.value));
                let expression = Expression { place: expression, name: &name, plain };
                self.check_reads(&expression, &compiled.reads(), &given, types, problems);
                // A map sees what the agency may see: a pseudonym is one.
                self.check_attributes(&expression, compiled.attributes(), part, SubjectForm::Omit, problems);
            }
        }
        let all: BTreeMap<String, String> =
            map.value.iter().map(|(target, expression)| (target.clone(), expression.value.clone())).collect();
        match FieldMap::compile(&all, form, fields) {
            Ok(compiled) => Some(Form::Map(compiled)),
            Err(refusals) => {
                for (target, refused) in refusals {
                    let whole = Placed { value: String::new(), line: map.line, column: map.column };
                    let place = map.value.iter().find(|(name, _)| *name == target).map_or(&whole, |(_, place)| place);
                    problems.error(self.refused(place, &format!("map.{target}"), refused));
                }
                None
            }
        }
    }

    fn template(&self, template: &Placed<String>, problems: &mut Problems) -> Option<Form> {
        let name = &template.value;
        let path = self.beside(name);
        let simple = !name.contains(['/', '\\']) && !name.starts_with('.');
        let Some(text) = self.files.get(&path).filter(|_| simple) else {
            let folder = self.file.parent().unwrap_or(Path::new(""));
            let there: Vec<&str> = self
                .files
                .below(folder)
                .filter_map(|(path, _)| path.file_name()?.to_str())
                .filter(|name| name.ends_with(".j2"))
                .collect();
            let hint = super::nearest::hint(name, there.iter().copied(), "Put it beside connector.toml.");
            problems.error(self.problem(at(template), format!("there is no template \"{name}\""), hint));
            return None;
        };
        match Template::compile(name, text) {
            Ok(template) => Some(Form::Template(template)),
            Err(refused) => {
                let problem = Problem::new(path, refused.what, refused.hint);
                problems.error(match refused.position {
                    Some((line, column)) => problem.at(line, column),
                    None => problem,
                });
                None
            }
        }
    }
}

/// A JSON Pointer as it stands in an expression.
fn path(pointer: &str) -> String {
    format!("data{}", pointer.replace('/', "."))
}

/// Whether what a condition asks with `has()` is certainly there once it holds: nothing in it is an alternative or denied.
fn is_conjunction(condition: &str) -> bool {
    !condition.replace("!=", "").contains(['!', '|', '?'])
}

/// Whether an expression is nothing but a path, whose absence leaves the target out.
fn is_plain_path(expression: &str) -> bool {
    expression.trim().chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

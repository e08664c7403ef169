//! A manifest becomes an agency: its expressions and templates are compiled, and what it names is looked up in the schemas.
//!
//! B1: nothing is sent that is not listed, nothing is listed that cannot be there. B2: a filter reads nothing that may be
//! absent without asking first, so that it can always be decided. B3: every problem of a manifest is found in one pass.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use super::agency::{Agency, DeliveryRules, Subscription, WebhookTarget};
use super::document::Placed;
use super::files::{Files, frame};
use super::manifest::{DeliveryPart, Manifest, Mode, SubscriptionPart};
use super::problem::{Problem, Problems};
use super::reach::{Types, reach};
use super::secrets::{self, SecretSource};
use super::url;
use crate::mapping::Fields;
use crate::model::agency::TransportKind;
use crate::model::id::{EventType, FALAJ, TypePattern};
use crate::schema::{Reach, Schema};

/// The attributes that a subscription may list; all others travel or stay as they are.
const LISTABLE: [&str; 2] = ["authid", "dataref"];

/// What an agency is built from.
pub struct Parts<'a> {
    /// The manifest's file.
    pub file: &'a Path,
    /// All files of the deployment.
    pub files: &'a Files,
    /// The registered types.
    pub types: &'a Types,
    /// The deployment's folder.
    pub root: &'a Path,
    /// Reads an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// An agency, and what it was built from.
pub struct Built {
    /// The agency.
    pub agency: Agency,
    /// Templates that a subscription uses.
    pub templates: Vec<PathBuf>,
    /// Files that hold its secrets.
    pub secret_files: Vec<PathBuf>,
}

impl Parts<'_> {
    pub(super) fn problem(&self, place: (u32, u32), what: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem::new(self.file, what, hint).at(place.0, place.1)
    }

    /// Builds the agency of a manifest; what is wrong with it goes into `problems`.
    pub fn build(&self, manifest: Manifest, problems: &mut Problems) -> Built {
        self.check_rights(&manifest, problems);
        self.check_overlaps(&manifest.subscriptions, problems);
        let secret_files = manifest.delivery.iter().flat_map(|d| &d.secrets).filter_map(|s| match &s.value {
            SecretSource::File(path) => Some(path.clone()),
            _ => None,
        });
        let secret_files = secret_files.collect();
        let mode = manifest.delivery.as_ref().map_or(Mode::Structured, |delivery| delivery.mode);
        let mut templates = Vec::new();
        let mut subscriptions = Vec::new();
        for part in manifest.subscriptions {
            let pattern = at(&part.pattern);
            if manifest.delivery.is_none() {
                let hint = "Add [delivery] with transport = \"webhook\" or \"pull\".";
                problems.error(self.problem(pattern, "a subscription, and no [delivery] to reach the agency", hint));
            }
            if let Some(template) = &part.template {
                templates.push(self.beside(&template.value));
            }
            subscriptions.extend(self.subscription(part, mode, problems).map(Arc::new));
        }
        let delivery = manifest.delivery.map(|part| self.delivery(part, subscriptions.is_empty(), problems));
        let agency = Agency {
            id: manifest.id.value,
            name: manifest.name,
            types: manifest.types.into_iter().map(|placed| placed.value).collect(),
            sources: manifest.sources.into_iter().map(|placed| placed.value).collect(),
            sends_as: manifest.sends_as.map(|placed| placed.value),
            delivery,
            subscriptions,
        };
        Built { agency, templates, secret_files }
    }

    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.file.with_file_name(name)
    }

    fn check_rights(&self, manifest: &Manifest, problems: &mut Problems) {
        let folder = self.file.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        if folder != Some(manifest.id.value.as_str()) {
            let what = format!("the agency is \"{}\", its folder is not", manifest.id.value);
            let hint = format!("Rename the folder to connectors/{}.", manifest.id.value);
            problems.error(self.problem(at(&manifest.id), what, hint));
        }
        if manifest.id.value.as_str() == FALAJ {
            let what = format!("\"{FALAJ}\" is Falaj itself, and no agency's id");
            problems.error(self.problem(at(&manifest.id), what, "Take another id, and rename the folder to it."));
        }
        for pattern in &manifest.types {
            if pattern.value.is_own() {
                let what = format!("publishes.types: \"{}\" is Falaj's own, and nobody may send it", pattern.value);
                problems.error(self.problem(at(pattern), what, "Remove it; a [[subscription]] may name it."));
                continue;
            }
            if self.types.matching(&pattern.value).is_empty() {
                let what = format!("publishes.types: no registered type is \"{}\"", pattern.value);
                problems.error(self.problem(at(pattern), what, self.types.nearest(&pattern.value)));
            }
        }
        let told = manifest.subscriptions.iter().find(|subscription| subscription.pattern.value.is_own());
        if let (true, Some(told)) = (manifest.types.is_empty(), told) {
            let what = format!("\"{}\" tells a sender of its envelopes, and the agency sends none", told.pattern.value);
            problems.warn(self.problem(at(&told.pattern), what, "Add [publishes], or remove the subscription."));
        }
        if manifest.types.is_empty() && manifest.subscriptions.is_empty() {
            let hint = "Add [publishes] or a [[subscription]].";
            problems.warn(self.problem(at(&manifest.id), "the agency neither publishes nor receives anything", hint));
        }
    }

    fn check_overlaps(&self, subscriptions: &[SubscriptionPart], problems: &mut Problems) {
        for (index, later) in subscriptions.iter().enumerate() {
            let earlier = subscriptions[..index].iter().find(|s| s.pattern.value.overlaps(&later.pattern.value));
            if let Some(earlier) = earlier {
                let line = earlier.pattern.line;
                let what = format!(
                    "\"{}\" could mean the same type as \"{}\" of line {line}",
                    later.pattern.value, earlier.pattern.value
                );
                let hint = format!("Join lines {line} and {} into one subscription.", later.pattern.line);
                problems.error(self.problem(at(&later.pattern), what, hint));
            }
        }
    }

    fn delivery(&self, part: DeliveryPart, idle: bool, problems: &mut Problems) -> DeliveryRules {
        let place = at(&part.place);
        if idle {
            let hint = "Add a [[subscription]], or remove [delivery].";
            problems.warn(self.problem(place, "[delivery], and no subscription", hint));
        }
        let webhook = part.url.filter(|_| part.transport == TransportKind::Webhook).map(|address| {
            if !url::is_loopback(&address.value) {
                self.check_secrets(&part.secrets, at(&address), problems);
            }
            let secrets = secrets::resolve(&part.secrets, self.file, self.root, self.env, problems);
            WebhookTarget { url: address.value, secrets, timeout: part.limits.timeout }
        });
        let DeliveryPart { transport, limits, lease, amqp_user, window, .. } = part;
        DeliveryRules { transport, webhook, limits, lease, amqp_user, window: window.map(Arc::new) }
    }

    fn check_secrets(&self, sources: &[Placed<SecretSource>], url: (u32, u32), problems: &mut Problems) {
        if sources.is_empty() {
            let hint = "Add secret = { env = \"FALAJ_..._SECRET\" }, so that the agency can tell Falaj from others.";
            problems.warn(self.problem(url, "delivery.secret is missing: nothing is signed", hint));
        }
        for source in sources.iter().filter(|source| matches!(source.value, SecretSource::Literal(_))) {
            let what = "delivery.secret: the secret itself stands in the manifest";
            problems.warn(self.problem(at(source), what, "Write { env = \"NAME\" } or { file = \"path\" } instead."));
        }
    }

    fn subscription(&self, part: SubscriptionPart, mode: Mode, problems: &mut Problems) -> Option<Subscription> {
        let types = self.types.matching(&part.pattern.value);
        if types.is_empty() {
            let what = format!("no registered type is \"{}\"", part.pattern.value);
            problems.error(self.problem(at(&part.pattern), what, self.types.nearest(&part.pattern.value)));
        }
        for attribute in part.attributes.iter().filter(|a| !LISTABLE.contains(&a.value.as_str())) {
            let what = format!("attributes: \"{}\" need not be listed", attribute.value);
            problems.warn(self.problem(at(attribute), what, "Only authid and dataref travel by being listed."));
        }
        let fields = self.fields(&part, &types, problems)?;
        let filter = self.filter(&part, &fields, &types, problems);
        let form = self.form(&part, filter.as_ref(), mode, &fields, &types, problems)?;
        let attributes: Vec<String> = part.attributes.into_iter().map(|placed| placed.value).collect();
        let mut hash = Context::new(&SHA256);
        let subject = serde_json::to_string(&part.subject).unwrap_or_default();
        let told = [&subject, &part.purpose.en, &part.purpose.ar, &part.legal_basis];
        for text in
            told.into_iter().map(String::as_str).chain(fields.pointers()).chain(attributes.iter().map(String::as_str))
        {
            frame(&mut hash, text.as_bytes());
        }
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&hash.finish().as_ref()[..8]);
        Some(Subscription {
            pattern: part.pattern.value,
            filter,
            ordered: part.ordered,
            fields,
            attributes,
            subject: part.subject,
            purpose: part.purpose,
            legal_basis: part.legal_basis,
            on_exhausted: part.on_exhausted,
            form,
            disclosure: u64::from_be_bytes(prefix),
        })
    }

    fn fields(&self, part: &SubscriptionPart, types: &[Type<'_>], problems: &mut Problems) -> Option<Fields> {
        let pointers: Vec<String> = part.fields.value.iter().map(|placed| placed.value.clone()).collect();
        let mut sound = true;
        for placed in &part.fields.value {
            if let Err(refused) = Fields::parse(std::slice::from_ref(&placed.value)) {
                sound = false;
                problems.error(self.problem(at(placed), format!("fields: {}", refused.what), refused.hint));
                continue;
            }
            if placed.value.is_empty() {
                let hint = "List the fields that the purpose needs.";
                problems.warn(self.problem(
                    at(placed),
                    "fields: \"\" discloses everything, now and in later versions",
                    hint,
                ));
                continue;
            }
            self.check_field(placed, &part.pattern.value, types, problems);
        }
        // An empty list was reported when it was read.
        if !sound || pointers.is_empty() {
            return None;
        }
        match Fields::parse(&pointers) {
            Ok(fields) => Some(fields),
            Err(refused) => {
                let place = part.fields.value.first().map_or((part.fields.line, part.fields.column), at);
                problems.error(self.problem(place, format!("fields: {}", refused.what), refused.hint));
                None
            }
        }
    }

    /// Keeps B1: a listed place must be there in the type, and in at least one type of a family.
    fn check_field(&self, field: &Placed<String>, pattern: &TypePattern, types: &[Type<'_>], problems: &mut Problems) {
        let missing: Vec<&Type<'_>> = types.iter().filter(|(_, v)| reach(v, &field.value) == Reach::Never).collect();
        let Some((ty, versions)) = missing.first() else { return };
        let hint = self.types.nearest_pointer(versions, &field.value);
        if missing.len() == types.len() {
            let whose = if types.len() == 1 { ty.to_string() } else { format!("any type of {pattern}") };
            let what = format!("fields: \"{}\" is no place in the data of {whose}", field.value);
            problems.error(self.problem(at(field), what, hint));
        } else {
            let others = match missing.len() {
                1 => String::new(),
                more => format!(" and {} more", more - 1),
            };
            let what = format!("fields: \"{}\" is no place in the data of {ty}{others}", field.value);
            problems.warn(self.problem(at(field), what, hint));
        }
    }
}

/// A type with its versions.
pub(super) type Type<'a> = (&'a EventType, &'a [Arc<Schema>]);

pub(super) fn at<T>(placed: &Placed<T>) -> (u32, u32) {
    (placed.line, placed.column)
}

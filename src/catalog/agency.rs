//! A participant of a deployment, checked and compiled.

use std::sync::Arc;
use std::time::Duration;

use crate::mapping::{Fields, Filter, Form, SubjectForm};
use crate::model::agency::{Exhausted, Limits, TransportKind};
use crate::model::id::{AgencyId, TypePattern};
use crate::model::secret::Secret;
use crate::model::text::Bilingual;
use crate::model::window::Window;

/// One participant.
#[derive(Debug)]
pub struct Agency {
    /// Its id.
    pub id: AgencyId,
    /// Its name.
    pub name: Bilingual,
    /// Types it may send.
    pub types: Vec<TypePattern>,
    /// Sources it may speak for: equal, or ending in `*` for a prefix.
    pub sources: Vec<String>,
    /// The user as which it sends over AMQP, where it does so without receiving over it.
    pub sends_as: Option<String>,
    /// How it is reached; `None` for a publisher.
    pub delivery: Option<DeliveryRules>,
    /// What it wishes to receive.
    pub subscriptions: Vec<Arc<Subscription>>,
}

impl Agency {
    /// Whether it may send a type. Nobody may send Falaj's own: a manifest that says otherwise is not taken up.
    pub fn may_send(&self, ty: &str) -> bool {
        self.types.iter().any(|pattern| pattern.matches(ty))
    }

    /// Its user at the broker.
    pub fn amqp_user(&self) -> &str {
        let own = self.delivery.as_ref().and_then(|rules| rules.amqp_user.as_deref());
        own.or(self.sends_as.as_deref()).unwrap_or(self.id.as_str())
    }

    /// Whether it is meant to have an account at the broker.
    pub fn speaks_amqp(&self) -> bool {
        self.sends_as.is_some() || self.delivery.as_ref().is_some_and(|rules| rules.transport == TransportKind::Amqp)
    }

    /// Whether it may speak for a source.
    pub fn may_speak_for(&self, source: &str) -> bool {
        self.sources.iter().any(|own| match own.strip_suffix('*') {
            Some(prefix) => source.starts_with(prefix),
            None => own == source,
        })
    }
}

/// `[delivery]` of a manifest.
#[derive(Debug)]
pub struct DeliveryRules {
    /// Which way.
    pub transport: TransportKind,
    /// Where to, for webhooks.
    pub webhook: Option<WebhookTarget>,
    /// Limits.
    pub limits: Limits,
    /// How long the agency may work on what it has fetched (pull). 60 s, at most 1 h.
    pub lease: Duration,
    /// The agency's user at the broker, where it differs from its id (AMQP).
    pub amqp_user: Option<String>,
    /// When it can be reached; always, where it does not say.
    pub window: Option<Arc<Window>>,
}

/// What a webhook needs to know of its agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Where to post: http or https, without credentials or fragment.
    pub url: String,
    /// Newest first; all of them sign. Empty: unsigned.
    pub secrets: Vec<Secret>,
    /// The whole exchange.
    pub timeout: Duration,
}

/// One `[[subscription]]`.
#[derive(Debug)]
pub struct Subscription {
    /// What it asks for.
    pub pattern: TypePattern,
    /// Which of them.
    pub filter: Option<Filter>,
    /// Whether order is kept per subject.
    pub ordered: bool,
    /// The allow-list.
    pub fields: Fields,
    /// Attributes it lists beyond the ordinary ones.
    pub attributes: Vec<String>,
    /// How the subject travels.
    pub subject: SubjectForm,
    /// Why the agency needs it.
    pub purpose: Bilingual,
    /// On which legal basis.
    pub legal_basis: String,
    /// What happens when tries are exhausted.
    pub on_exhausted: Exhausted,
    /// The form in which it is sent.
    pub form: Form,
    /// SHA-256 prefix over fields, attributes, subject form, purpose and legal basis: names this disclosure in the record.
    pub disclosure: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_what_the_manifest_lists_and_no_more() {
        let agency = Agency {
            id: AgencyId::parse("moi").unwrap(),
            name: Bilingual::new("a", "b"),
            types: vec![TypePattern::parse("qa.gov.residency.*").unwrap(), TypePattern::parse("qa.gov.a.b").unwrap()],
            sources: vec!["urn:qa:gov:moi".into(), "urn:qa:gov:moi:*".into()],
            sends_as: None,
            delivery: None,
            subscriptions: Vec::new(),
        };
        assert!(agency.may_send("qa.gov.residency.renewed") && agency.may_send("qa.gov.a.b"));
        assert!(!agency.may_send("qa.gov.a.bc") && !agency.may_send("qa.gov.residency"));
        assert!(agency.may_speak_for("urn:qa:gov:moi") && agency.may_speak_for("urn:qa:gov:moi:x"));
        assert!(!agency.may_speak_for("urn:qa:gov:mo") && !agency.may_speak_for("urn:qa:gov:moix"));
        assert_eq!((agency.amqp_user(), agency.speaks_amqp()), ("moi", false));
        let sender = Agency { sends_as: Some("portal".into()), ..agency };
        assert_eq!((sender.amqp_user(), sender.speaks_amqp()), ("portal", true));
    }
}

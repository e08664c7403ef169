//! Who gets an envelope: an index from type to subscriptions, made once per snapshot.
//!
//! R1: every subscription whose pattern means the type is asked, no other. R2: a filter that cannot be decided never withholds
//! silently: the agency stays a recipient, marked undecided, and is asked again before sending. R3: the order is that of the
//! agencies' ids, so that slots of an envelope do not depend on chance.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Agency, Catalog, Subscription};
use crate::model::envelope::Envelope;
use crate::model::id::{AgencyId, EventType, TypePattern};
use crate::model::text::Bilingual;

/// Who must get an envelope, and why.
#[derive(Debug, Clone)]
pub struct Match<'a> {
    /// The agency.
    pub agency: &'a Arc<Agency>,
    /// Its subscription.
    pub subscription: &'a Arc<Subscription>,
    /// Whether the filter could not be decided; it is asked again before sending.
    pub undecided: bool,
}

/// An agency that subscribes to the type but does not get this envelope.
#[derive(Debug, Clone)]
pub struct Passed<'a> {
    /// The agency.
    pub agency: &'a Arc<Agency>,
    /// Why, one bilingual sentence without values.
    pub reason: Bilingual,
}

/// One subscription to one type.
type Route = (Arc<Agency>, Arc<Subscription>);

/// The index.
#[derive(Debug, Default)]
pub struct Routes {
    by_type: HashMap<EventType, Vec<Route>>,
    /// Families, for types that were not registered when the index was made.
    families: Vec<Route>,
}

impl Routes {
    /// Makes the index over the registered types.
    pub fn new<'a>(agencies: &BTreeMap<AgencyId, Arc<Agency>>, types: impl Iterator<Item = &'a EventType>) -> Self {
        let mut routes = Self::default();
        let mut exact: HashMap<EventType, Vec<Route>> = HashMap::new();
        for agency in agencies.values() {
            for subscription in &agency.subscriptions {
                let route = (Arc::clone(agency), Arc::clone(subscription));
                match &subscription.pattern {
                    TypePattern::Exact(ty) => exact.entry(ty.clone()).or_default().push(route),
                    TypePattern::Prefix(_) => routes.families.push(route),
                }
            }
        }
        for ty in types {
            exact.entry(ty.clone()).or_default();
        }
        for (ty, mut found) in exact {
            found.extend(routes.families.iter().filter(|(_, s)| s.pattern.matches(ty.as_str())).cloned());
            // Keeps R3.
            found.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
            routes.by_type.insert(ty, found);
        }
        routes
    }

    /// The subscriptions that mean a type, by agency (R1).
    fn of(&self, ty: &EventType) -> Vec<&Route> {
        match self.by_type.get(ty) {
            Some(routes) => routes.iter().collect(),
            None => self.families.iter().filter(|(_, s)| s.pattern.matches(ty.as_str())).collect(),
        }
    }
}

impl Catalog {
    /// Who must get an envelope, in order of agency id.
    pub fn recipients(&self, envelope: &Envelope) -> Vec<Match<'_>> {
        self.asked(envelope)
            .filter_map(|(route, passes)| {
                let undecided = passes.is_none();
                let (agency, subscription) = route;
                (passes != Some(false)).then_some(Match { agency, subscription, undecided })
            })
            .collect()
    }

    /// Whether one agency must get an envelope.
    pub fn recipient(&self, envelope: &Envelope, agency: &AgencyId) -> Option<Match<'_>> {
        let agency = self.agency(agency)?;
        let means = |subscription: &&Arc<Subscription>| subscription.pattern.matches(envelope.attributes.ty.as_str());
        let subscription = agency.subscriptions.iter().find(means)?;
        let passes = subscription.filter.as_ref().map_or(Ok(true), |filter| filter.passes(envelope)).ok();
        (passes != Some(false)).then_some(Match { agency, subscription, undecided: passes.is_none() })
    }

    /// Who subscribes to the type and yet does not get the envelope.
    pub fn passed_over(&self, envelope: &Envelope) -> Vec<Passed<'_>> {
        let reason = || {
            Bilingual::new(
                "The condition of the agency's subscription does not hold for this envelope.",
                "لا ينطبق شرط اشتراك الجهة على هذا المظروف.",
            )
        };
        self.asked(envelope)
            .filter(|(_, passes)| *passes == Some(false))
            .map(|((agency, _), _)| Passed { agency, reason: reason() })
            .collect()
    }

    /// Every subscription to the type with what its filter says; `None` where it cannot be decided (R2).
    fn asked<'a>(&'a self, envelope: &Envelope) -> impl Iterator<Item = (&'a Route, Option<bool>)> {
        self.routes.of(&envelope.attributes.ty).into_iter().map(|route| {
            let passes = route.1.filter.as_ref().map_or(Ok(true), |filter| filter.passes(envelope));
            (route, passes.ok())
        })
    }
}

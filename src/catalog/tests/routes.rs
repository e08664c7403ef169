use std::sync::Arc;
use std::time::Duration;

use super::deployment::{Deployment, MOVED, moved, schema};
use crate::model::agency::{Exhausted, TransportKind};
use crate::model::id::{AgencyId, EventType};

fn ids(matches: &[crate::catalog::Match<'_>]) -> Vec<String> {
    matches.iter().map(|found| found.agency.id.to_string()).collect()
}

#[test]
fn a_manifest_becomes_an_agency() {
    let catalog = Deployment::plain().load();
    let moi = catalog.agency(&AgencyId::parse("moi").unwrap()).unwrap();
    let rules = moi.delivery.as_ref().unwrap();
    assert_eq!(rules.transport, TransportKind::Webhook);
    let webhook = rules.webhook.as_ref().unwrap();
    assert_eq!((webhook.url.as_str(), webhook.timeout), ("http://127.0.0.1:9103/falaj", Duration::from_secs(5)));
    assert!(webhook.secrets.is_empty());
    assert_eq!(rules.limits.in_flight, 4);
    assert_eq!(rules.limits.age_max, Duration::from_secs(2 * 86_400));
    let subscription = &moi.subscriptions[0];
    assert!(subscription.ordered);
    assert_eq!(subscription.on_exhausted, Exhausted::Park);
    assert_eq!(subscription.fields.pointers().collect::<Vec<_>>(), ["/qid", "/zone"]);
    assert_eq!(catalog.agencies().count(), 2);
    assert_eq!(catalog.revision.len(), 64);
    let portal = catalog.agency(&AgencyId::parse("portal").unwrap()).unwrap();
    assert!(portal.delivery.is_none() && portal.may_send(MOVED) && portal.may_speak_for("urn:qa:gov:portal"));
    assert!(!moi.may_send(MOVED) && !moi.may_speak_for("urn:qa:gov:moi"));
}

#[test]
fn a_filter_decides_who_gets_an_envelope_and_who_is_told_why_not() {
    let catalog = Deployment::plain().load();
    let found = catalog.recipients(&moved(10));
    assert_eq!(ids(&found), ["moi"]);
    assert!(!found[0].undecided);
    assert!(catalog.passed_over(&moved(10)).is_empty());
    assert!(catalog.recipients(&moved(60)).is_empty());
    let passed = catalog.passed_over(&moved(60));
    assert_eq!(passed[0].agency.id.as_str(), "moi");
    assert!(!passed[0].reason.en.is_empty() && !passed[0].reason.ar.is_empty());
}

#[test]
fn recipients_come_by_agency_and_families_are_meant() {
    let deployment = Deployment::plain();
    let left = "qa.gov.person.left";
    deployment.write(&format!("schemas/{left}/1.0.json"), &schema(left, "portal"));
    let moi = std::fs::read_to_string(deployment.root.join("connectors/moi/connector.toml")).unwrap();
    for (id, pattern) in [("zoo", "qa.gov.person.*"), ("aqua", "*"), ("left", left)] {
        let text = moi
            .replace("\"moi\"", &format!("\"{id}\""))
            .replace(MOVED, pattern)
            .replace("when = \"data.zone < 50\"\n", "");
        deployment.write(&format!("connectors/{id}/connector.toml"), &text);
    }
    let catalog = deployment.load();
    assert_eq!(ids(&catalog.recipients(&moved(10))), ["aqua", "moi", "zoo"]);
    assert_eq!(ids(&catalog.recipients(&moved(90))), ["aqua", "zoo"]);
    let ty = |text: &str| EventType::parse(text).unwrap();
    let id = |text: &str| AgencyId::parse(text).unwrap();
    assert!(catalog.subscription(&id("zoo"), &ty(left)).is_some());
    assert!(catalog.subscription(&id("moi"), &ty(left)).is_none());
    assert!(catalog.subscription(&id("none"), &ty(left)).is_none());
    // A type that was registered once and is no more still finds the families that mean it.
    let mut gone = moved(10);
    gone.attributes.ty = ty("qa.gov.person.gone");
    assert_eq!(ids(&catalog.recipients(&gone)), ["aqua", "zoo"]);
}

/// An envelope can break what the filter was promised: it was accepted under an older schema, or the schema changed. Then the
/// filter fails, and the agency must not be left out silently.
#[test]
fn a_filter_that_cannot_be_decided_keeps_the_agency() {
    let catalog = Deployment::plain().load();
    let mut envelope = moved(10);
    envelope.data = bytes::Bytes::from_static(b"{\"zone\":\"ten\"}");
    let found = catalog.recipients(&envelope);
    assert_eq!(ids(&found), ["moi"]);
    assert!(found[0].undecided);
    assert!(catalog.passed_over(&envelope).is_empty());
}

#[test]
fn a_disclosure_is_named_by_what_it_discloses_and_why() {
    let deployment = Deployment::plain();
    let name = |deployment: &Deployment| {
        let catalog = deployment.load();
        let moi = Arc::clone(catalog.agency(&AgencyId::parse("moi").unwrap()).unwrap());
        moi.subscriptions[0].disclosure
    };
    let first = name(&deployment);
    deployment.moi("data.zone < 50", "data.zone < 40");
    assert_eq!(name(&deployment), first);
    deployment.moi("Law 21/2015", "Law 22/2015");
    let second = name(&deployment);
    assert_ne!(second, first);
    deployment.moi("[\"/qid\", \"/zone\"]", "[\"/qid\", \"/zone\", \"/unit\"]");
    assert_ne!(name(&deployment), second);
}

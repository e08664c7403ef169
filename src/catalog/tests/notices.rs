//! What a deployment may and may not do with Falaj's own types.

use super::deployment::{Deployment, assert_problem, moved, schema};
use crate::model::delivery::{DeliveryKey, DeliveryView, Finished, LastError, Standing};
use crate::model::envelope::Envelope;
use crate::model::id::{AgencyId, DeliveryId, EnvelopeId, Seq, Slot};
use crate::model::notice::{self, About, Change};
use crate::model::outcome::{BusinessOutcome, Class, Report};
use crate::model::time::At;

const PORTAL: &str = "connectors/portal/connector.toml";

fn agency(id: &str) -> AgencyId {
    AgencyId::parse(id).unwrap()
}

/// A deployment whose portal receives as well as publishes.
fn with(subscription: &str) -> Deployment {
    let deployment = Deployment::plain();
    let portal = std::fs::read_to_string(deployment.root.join(PORTAL)).unwrap();
    let delivery = "[delivery]\ntransport = \"webhook\"\nurl = \"http://127.0.0.1:9101/falaj\"\n";
    let basis = "purpose = { en = \"Follow-up\", ar = \"متابعة\" }\nlegal_basis = \"Law 16/2010\"";
    deployment.write(PORTAL, &format!("{portal}\n{delivery}\n[[subscription]]\n{subscription}\n{basis}\n"));
    deployment
}

fn delivery() -> DeliveryView {
    let agency = agency("moi");
    DeliveryView {
        id: DeliveryId::from_uuid(uuid::Uuid::from_u128(1)),
        standing: Standing::Finished {
            state: Finished::Dead,
            at: At(9),
            by: "falaj".into(),
            why: Some("given up".into()),
        },
        key: DeliveryKey { agency, seq: Seq(1), slot: Slot(1) },
        since: At(9),
        report: Report {
            outcome: Some(BusinessOutcome::NeedsAction),
            reason: Some("سبب".into()),
            reference: Some("F".into()),
        },
        attempts: 3,
        last_error: Some(LastError { class: Class::MessageFault, status: Some(422), note: "x".into(), at: At(8) }),
    }
}

fn notices() -> [Envelope; 3] {
    let (original, delivery) = (moved(10).attributes, delivery());
    let about =
        About { id: EnvelopeId::from_uuid(uuid::Uuid::from_u128(2)), accepted_at: At(1), attributes: &original };
    let deliveries = vec![delivery.clone(); 300];
    let completed = Change::Completed { failed: true, deliveries: &deliveries, count: 300, reopened: 0 };
    let changes = [Change::Ended(&delivery), Change::Outcome(&delivery), completed];
    changes.map(|change| notice::notice(notice::SOURCE, about, change, At(9)))
}

#[test]
fn what_is_told_satisfies_its_schema() {
    let catalog = Deployment::plain().load();
    for notice in notices() {
        let found = catalog.schemas.find(&notice.attributes.ty, None).unwrap();
        assert_eq!(notice::schema(&notice.attributes.ty), format!("{}/{}", found.ty, found.version));
        assert_eq!(found.check(&notice), []);
    }
}

#[test]
fn whoever_asks_for_notices_listens_and_everything_does_not_mean_them() {
    let fields = "fields = [\"/agency\", \"/state\"]";
    let by_name = with(&format!("type = \"falaj.delivery.settled\"\nwhen = 'data.state == \"dead\"'\n{fields}")).load();
    assert!(by_name.has_listeners() && by_name.listens(&agency("portal")) && !by_name.listens(&agency("moi")));
    let [settled, _, completed] = notices();
    let found = by_name.recipient(&settled, &agency("portal")).unwrap();
    assert_eq!((found.agency.id.as_str(), found.subscription.ordered, found.undecided), ("portal", true, false));
    assert!(by_name.recipient(&completed, &agency("portal")).is_none(), "it is no type of the subscription");
    assert!(by_name.recipient(&settled, &agency("moi")).is_none());
    let refused =
        with(&format!("type = \"falaj.delivery.settled\"\nwhen = 'data.state == \"expired\"'\n{fields}")).load();
    assert!(refused.recipient(&settled, &agency("portal")).is_none(), "the filter says no");
    let by_family = with("type = \"falaj.*\"\nfields = [\"/state\"]").load();
    assert!(by_family.listens(&agency("portal")) && by_family.recipient(&completed, &agency("portal")).is_some());
    let all = with("type = \"*\"\nfields = [\"/qid\"]").load();
    assert!(!all.has_listeners() && all.recipient(&settled, &agency("portal")).is_none());
    // Nor is it the same type twice.
    let both = "type = \"*\"\nfields = [\"/qid\"]\npurpose = { en = \"All\", ar = \"الكل\" }\nlegal_basis = \"Law\"\n\
                [[subscription]]\ntype = \"falaj.*\"\nfields = [\"/state\"]";
    assert!(with(both).load().listens(&agency("portal")));
}

#[test]
fn nobody_publishes_defines_or_is_what_is_falajs_own() {
    for pattern in ["falaj.delivery.settled", "falaj.*", "falaj.invented"] {
        let deployment = Deployment::plain();
        deployment.edit(PORTAL, "types = [", &format!("types = [\"{pattern}\", "));
        assert_problem(&deployment.error(), PORTAL, Some(6), "is Falaj's own", "[[subscription]]");
    }
    for ty in ["falaj.delivery.settled", "falaj.invented"] {
        let deployment = Deployment::plain();
        let file = format!("schemas/{ty}/1.0.json");
        deployment.write(&file, &schema(ty, "portal"));
        assert_problem(&deployment.error(), &file, None, "ship inside", "Remove");
    }
    let deployment = Deployment::plain();
    let moi = std::fs::read_to_string(deployment.root.join("connectors/moi/connector.toml")).unwrap();
    deployment.write("connectors/falaj/connector.toml", &moi.replace("\"moi\"", "\"falaj\""));
    assert_problem(&deployment.error(), "connectors/falaj/connector.toml", Some(2), "Falaj itself", "another id");
}

#[test]
fn whoever_sends_nothing_is_told_that_it_will_hear_nothing() {
    let deployment = Deployment::plain();
    let subscription = "\n[[subscription]]\ntype = \"falaj.*\"\nfields = [\"/state\"]\n\
                        purpose = { en = \"x\", ar = \"س\" }\nlegal_basis = \"Law\"\n";
    let moi = std::fs::read_to_string(deployment.root.join("connectors/moi/connector.toml")).unwrap();
    deployment.write("connectors/moi/connector.toml", &(moi + subscription));
    assert_problem(&deployment.warning(), "connectors/moi/connector.toml", Some(21), "sends none", "[publishes]");
}

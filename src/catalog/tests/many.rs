use super::deployment::{Deployment, envelope_text, schema};
use crate::model::cloudevents::{Bounds, structured};

/// Qatar's directory has 400 agencies and more than 2,000 services.
#[test]
fn four_hundred_agencies_and_two_thousand_types_are_one_catalogue() {
    const AGENCIES: usize = 400;
    const TYPES: usize = 2_000;
    let deployment = Deployment::empty();
    let ty = |number: usize| format!("qa.gov.service{}.event-{number}", number % 50);
    for number in 0..TYPES {
        let owner = format!("agency-{:03}", number % AGENCIES);
        deployment.write(&format!("schemas/{}/1.0.json", ty(number)), &schema(&ty(number), &owner));
    }
    for number in 0..AGENCIES {
        let mut text = format!(
            "[agency]\nid = \"agency-{number:03}\"\nname = {{ en = \"A\", ar = \"ج\" }}\n\
             [publishes]\ntypes = [\"qa.gov.*\"]\nsources = [\"urn:qa:gov:{number}\"]\n\
             [delivery]\ntransport = \"webhook\"\nurl = \"http://127.0.0.1:{}/falaj\"\n",
            10_000 + number
        );
        // Five types each, so that each type has one recipient; every fortieth agency also has a whole family of forty types.
        for step in 0..5 {
            let number = (number * 5 + step) % TYPES;
            text.push_str(&subscription(&ty(number), "when = \"data.zone < 50\"\n"));
        }
        if number % 40 == 7 {
            let family = (number * 5 + 25) % 50;
            text.push_str(&subscription(&format!("qa.gov.service{family}.*"), ""));
        }
        deployment.write(&format!("connectors/agency-{number:03}/connector.toml"), &text);
    }

    let start = std::time::Instant::now();
    let catalog = deployment.load();
    let loaded = start.elapsed();
    assert_eq!(catalog.agencies().count(), AGENCIES);
    assert_eq!(catalog.schemas.all().filter(|schema| !schema.ty.is_own()).count(), TYPES);

    let envelope = |number: usize, zone: u32| {
        structured(&bytes::Bytes::from(envelope_text(&ty(number), zone)), &Bounds::default()).unwrap()
    };
    let first = envelope(0, 10);
    let agency = |number: usize| format!("agency-{number:03}");
    // agency-000 subscribes to type 0 by name; the family of service 10 belongs to agencies 7, 47, 87 ...
    let ids = |number: usize, zone: u32| -> Vec<String> {
        catalog.recipients(&envelope(number, zone)).iter().map(|found| found.agency.id.to_string()).collect()
    };
    assert_eq!(ids(0, 10), [agency(0)]);
    assert!(ids(0, 90).is_empty());
    let family = ids(10, 10);
    assert!(family.contains(&agency(2)) && family.contains(&agency(7)), "{family:?}");
    assert!(family.is_sorted());
    assert!(!ids(10, 90).contains(&agency(2)) && ids(10, 90).contains(&agency(7)));

    let start = std::time::Instant::now();
    for _ in 0..1_000 {
        std::hint::black_box(catalog.recipients(&first));
    }
    eprintln!("loaded in {loaded:?}, routed in {:?} each", start.elapsed() / 1_000);
}

fn subscription(ty: &str, more: &str) -> String {
    format!(
        "[[subscription]]\ntype = \"{ty}\"\nfields = [\"/qid\", \"/zone\"]\npurpose = {{ en = \"A\", ar = \"ج\" }}\n\
         legal_basis = \"Law 21/2015\"\n{more}"
    )
}

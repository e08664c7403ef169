//! The deployment that is benched: one portal, one type, and five agencies that all want it.
//!
//! An envelope has 1.5 KB with names in Arabic; its schema holds some sixty keywords; every agency gets all but two fields of it,
//! signed. Nothing in it is easier than in a real deployment, and nothing of it is known to the bus.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Agencies that receive each envelope.
pub const FAN_OUT: usize = 5;
/// Deliveries that one agency may have in flight: a quarter of what a bus has by default, the most that one agency gets.
const IN_FLIGHT: usize = 256;
/// Who sends.
pub const SENDER: &str = "portal";
/// What is sent.
pub const TYPE: &str = "bench.gov.person.address-changed";
/// An envelope, with marks where its digits go.
pub const ENVELOPE: &str = include_str!("envelope.json");

const SCHEMA: &str = include_str!("schema.json");
const FIELDS: &str = r#"["/qid", "/name", "/address", "/previous_address", "/effective_from", "/electricity_number", "/mobile", "/language", "/share_with", "/dependants"]"#;

/// How the agencies take their deliveries.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    /// They do not: everything waits until they fetch it.
    Waiting,
    /// They are posted to, here.
    Posted(&'a [SocketAddr]),
}

/// The id of an agency, from 1.
pub fn agency(number: usize) -> String {
    format!("agency-{number}")
}

/// Writes the deployment below a folder, over an earlier one.
pub fn write(root: &Path, reach: Reach<'_>) -> io::Result<()> {
    let schemas = root.join("schemas").join(TYPE);
    fs::create_dir_all(&schemas)?;
    fs::write(schemas.join("1.0.json"), SCHEMA)?;
    manifest(root, SENDER, &sender())?;
    for number in 1..=FAN_OUT {
        manifest(root, &agency(number), &receiver(number, reach))?;
    }
    Ok(())
}

fn manifest(root: &Path, agency: &str, text: &str) -> io::Result<()> {
    let folder = root.join("connectors").join(agency);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("connector.toml"), text)
}

fn sender() -> String {
    format!(
        "[agency]\nid = \"{SENDER}\"\nname = {{ en = \"Portal\", ar = \"البوابة\" }}\n\n\
         [publishes]\ntypes = [\"{TYPE}\"]\nsources = [\"urn:bench:portal\"]\n"
    )
}

fn receiver(number: usize, reach: Reach<'_>) -> String {
    let id = agency(number);
    let delivery = match reach {
        Reach::Waiting => "transport = \"pull\"\n".to_owned(),
        Reach::Posted(addrs) => {
            let addr = addrs[(number - 1) % addrs.len()];
            let secret = STANDARD.encode([u8::try_from(number).unwrap_or(0); 32]);
            format!(
                "transport = \"webhook\"\nurl = \"http://{addr}/falaj\"\nmode = \"structured\"\n\
                 secret = \"whsec_{secret}\"\nin_flight = {IN_FLIGHT}\n"
            )
        }
    };
    format!(
        "[agency]\nid = \"{id}\"\nname = {{ en = \"Agency {number}\", ar = \"الجهة {number}\" }}\n\n[delivery]\n{delivery}\n\
         [[subscription]]\ntype = \"{TYPE}\"\nfields = {FIELDS}\n\
         purpose = {{ en = \"Measure this machine\", ar = \"قياس أداء هذا الجهاز\" }}\nlegal_basis = \"None: nobody in it exists\"\n"
    )
}

/// The envelope as it is posted, without marks.
pub fn sample() -> String {
    use super::peer::{NUMBER_MARK, SUBJECT_MARK};
    ENVELOPE.trim_end().replace(NUMBER_MARK, "000000000000").replace(SUBJECT_MARK, "00017")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_a_kilobyte_and_a_half() {
        let sample = sample();
        assert!((1450..=1600).contains(&sample.len()), "{} bytes", sample.len());
        let event: serde_json::Value = serde_json::from_str(&sample).unwrap();
        assert_eq!(event["type"], TYPE);
        assert_eq!(event["subject"], event["data"]["qid"]);
    }

    #[test]
    fn the_deployment_is_sound_and_everybody_receives() {
        use crate::catalog::Catalog;
        use crate::model::cloudevents::{self, Bounds};

        let root = std::env::temp_dir().join(format!("falaj-bench-deployment-{}", std::process::id()));
        let envelope = cloudevents::structured(&sample().into(), &Bounds::default()).unwrap();
        for reach in [Reach::Waiting, Reach::Posted(&[([127, 0, 0, 1], 9).into()])] {
            write(&root, reach).unwrap();
            let loaded = Catalog::load(&root).unwrap();
            assert_eq!(loaded.catalog.recipients(&envelope).len(), FAN_OUT);
            let schema = loaded.catalog.schemas.find(&envelope.attributes.ty, None).unwrap();
            assert_eq!(schema.check(&envelope), []);
        }
        fs::remove_dir_all(root).unwrap();
    }
}

//! The deployment that is benched: one portal, and agencies that want what it sends.
//!
//! An envelope has 1.5 KB with names in Arabic; its schema holds some sixty keywords; every agency gets all but two fields of it,
//! signed. Nothing in it is easier than in a real deployment, and nothing of it is known to the bus. Where there are more agencies
//! than one envelope goes to, they stand in groups, each with a type of its own.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::peer::{GROUP_MARK, NUMBER_MARK, SUBJECT_MARK};

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
    /// They have queues at a broker.
    Queued,
}

/// One agency that receives.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Its id.
    pub id: String,
    /// What it receives.
    pub ty: String,
    /// Where it is posted to; it fetches where there is no address, unless it has a queue.
    pub addr: Option<SocketAddr>,
    /// Whether it has a queue at a broker.
    pub queued: bool,
    /// Deliveries that it may have in flight; the default where there is none.
    pub in_flight: Option<usize>,
    /// Deliveries a second; as many as it takes, where there is none.
    pub per_second: Option<u32>,
}

impl Receiver {
    /// An agency with the defaults of a manifest.
    pub fn plain(id: String, ty: String, addr: Option<SocketAddr>) -> Self {
        Self { id, ty, addr, queued: false, in_flight: None, per_second: None }
    }
}

/// The id of an agency, from 1.
pub fn agency(number: usize) -> String {
    format!("agency-{number}")
}

/// The type of a group of agencies, as its digits stand in an envelope.
pub fn group_type(group: usize) -> String {
    format!("bench.gov.group-{group:03}.address-changed")
}

/// The envelope as a template whose type is that of the group that its number falls into.
pub fn grouped() -> String {
    ENVELOPE.trim_end().replace(TYPE, &format!("bench.gov.group-{GROUP_MARK}.address-changed"))
}

/// Writes the plain deployment below a folder, over an earlier one: one type, and [`FAN_OUT`] agencies.
pub fn write(root: &Path, reach: Reach<'_>) -> io::Result<()> {
    let receiver = |number: usize| {
        let addr = match reach {
            Reach::Waiting | Reach::Queued => None,
            Reach::Posted(addrs) => Some(addrs[(number - 1) % addrs.len()]),
        };
        let queued = matches!(reach, Reach::Queued);
        let in_flight = (queued || addr.is_some()).then_some(IN_FLIGHT);
        Receiver { queued, in_flight, ..Receiver::plain(agency(number), TYPE.to_owned(), addr) }
    };
    write_town(root, &(1..=FAN_OUT).map(receiver).collect::<Vec<_>>())
}

/// Writes a deployment of any agencies below a folder, over an earlier one. The types are those that they receive.
pub fn write_town(root: &Path, receivers: &[Receiver]) -> io::Result<()> {
    let mut types: Vec<&str> = receivers.iter().map(|receiver| receiver.ty.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    for ty in types {
        let schemas = root.join("schemas").join(ty);
        fs::create_dir_all(&schemas)?;
        fs::write(schemas.join("1.0.json"), SCHEMA.replace(TYPE, ty))?;
    }
    manifest(root, SENDER, &sender())?;
    receivers.iter().enumerate().try_for_each(|(n, receiver)| manifest(root, &receiver.id, &receiver.manifest(n + 1)))
}

fn manifest(root: &Path, agency: &str, text: &str) -> io::Result<()> {
    let folder = root.join("connectors").join(agency);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("connector.toml"), text)
}

fn sender() -> String {
    format!(
        "[agency]\nid = \"{SENDER}\"\nname = {{ en = \"Portal\", ar = \"البوابة\" }}\n\n\
         [publishes]\ntypes = [\"bench.gov.*\"]\nsources = [\"urn:bench:portal\"]\n"
    )
}

impl Receiver {
    fn manifest(&self, number: usize) -> String {
        let Self { id, ty, addr, queued, in_flight, per_second } = self;
        let mut delivery = match addr {
            None if *queued => "transport = \"amqp\"\nmode = \"structured\"\n".to_owned(),
            None => "transport = \"pull\"\n".to_owned(),
            Some(addr) => {
                let secret = STANDARD.encode([u8::try_from(number % 256).unwrap_or(0); 32]);
                format!(
                    "transport = \"webhook\"\nurl = \"http://{addr}/falaj\"\nmode = \"structured\"\nsecret = \"whsec_{secret}\"\n"
                )
            }
        };
        if let Some(in_flight) = in_flight {
            delivery += &format!("in_flight = {in_flight}\n");
        }
        if let Some(per_second) = per_second {
            delivery += &format!("rate = {{ per_second = {per_second}, burst = {} }}\n", (per_second / 10).max(1));
        }
        format!(
            "[agency]\nid = \"{id}\"\nname = {{ en = \"Agency {number}\", ar = \"الجهة {number}\" }}\n\n[delivery]\n{delivery}\n\
             [[subscription]]\ntype = \"{ty}\"\nfields = {FIELDS}\n\
             purpose = {{ en = \"Measure this machine\", ar = \"قياس أداء هذا الجهاز\" }}\nlegal_basis = \"None: nobody in it exists\"\n"
        )
    }
}

/// The envelope as it is posted, without marks.
pub fn sample() -> String {
    numbered(ENVELOPE.trim_end(), 0, 17)
}

/// A template as the envelope of a number, about one of the subjects.
pub fn numbered(template: &str, number: u64, subject: u64) -> String {
    template.replace(NUMBER_MARK, &format!("{number:012}")).replace(SUBJECT_MARK, &format!("{:05}", subject % 100_000))
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
        // Agencies in groups: an envelope goes to those of its group.
        let receivers = [(1, 0), (2, 1), (3, 1)].map(|(n, group)| Receiver {
            per_second: Some(50),
            ..Receiver::plain(agency(n), group_type(group), Some(([127, 0, 0, 1], 9).into()))
        });
        write_town(&root, &receivers).unwrap();
        let loaded = Catalog::load(&root).unwrap();
        let text = numbered(&grouped().replace(GROUP_MARK, "001"), 7, 100_017);
        let envelope = cloudevents::structured(&text.into(), &Bounds::default()).unwrap();
        assert_eq!(
            (envelope.attributes.subject.as_deref(), envelope.attributes.id.as_str()),
            (Some("28400000017"), "bench-000000000007")
        );
        let found = loaded.catalog.recipients(&envelope);
        assert_eq!(found.iter().map(|found| found.agency.id.as_str()).collect::<Vec<_>>(), ["agency-2", "agency-3"]);
        fs::remove_dir_all(root).unwrap();
    }
}

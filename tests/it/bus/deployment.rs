//! The files of a small deployment: one publisher, one type, and agencies that are test receivers.

use std::fmt::Write as _;
use std::path::PathBuf;

use aws_lc_rs::digest;
use serde_json::json;

use super::client::{SOURCE, TYPE};
use super::folder::Folder;

/// The publisher's key.
pub const PUBLISHER_KEY: &str = "test-key-of-the-publisher-0001";
/// The administrator's key.
pub const ADMIN_KEY: &str = "test-key-of-the-administrator-1";
/// The secret every test receiver shares with the bus.
pub const SECRET: &str = "whsec_dGVzdC1zZWNyZXQtb2YtdGhlLWZhbGFqLXByb29mcw==";

/// One receiving agency, as its manifest says it.
#[derive(Debug, Clone)]
pub struct AgencyFiles {
    /// Its id.
    pub id: String,
    /// Where to post.
    pub url: String,
    /// `in_flight`.
    pub in_flight: u32,
    /// `timeout`.
    pub timeout: String,
}

/// A deployment on disk.
#[derive(Debug)]
pub struct Deployment {
    folder: Folder,
}

impl Deployment {
    /// Writes a deployment without receivers.
    pub fn new() -> Self {
        let deployment = Self { folder: Folder::new("deployment") };
        deployment.write_schema();
        deployment.folder.write(
            "connectors/pub/connector.toml",
            &format!(
                "[agency]\nid = \"pub\"\nname = {{ en = \"Publisher\", ar = \"الجهة الناشرة\" }}\n\n\
                 [publishes]\ntypes = [\"{TYPE}\"]\nsources = [\"{SOURCE}\"]\n"
            ),
        );
        deployment.write_keys(true);
        deployment
    }

    /// Where it stands.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The config file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("falaj.toml")
    }

    /// The default place of the ledger.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes any file of it.
    pub fn write(&self, relative: &str, text: &str) {
        self.folder.write(relative, text);
    }

    /// Removes a folder of it.
    pub fn remove(&self, relative: &str) {
        std::fs::remove_dir_all(self.folder.path().join(relative)).expect("the folder is there");
    }

    /// Writes an agency's manifest.
    pub fn write_agency(&self, agency: &AgencyFiles) {
        let AgencyFiles { id, url, in_flight, timeout } = agency;
        self.folder.write(
            &format!("connectors/{id}/connector.toml"),
            &format!(
                "[agency]\nid = \"{id}\"\nname = {{ en = \"Agency {id}\", ar = \"الجهة {id}\" }}\n\n\
                 [delivery]\ntransport = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n\
                 timeout = \"{timeout}\"\nin_flight = {in_flight}\n\n\
                 [[subscription]]\ntype = \"{TYPE}\"\nfields = [\"/n\", \"/note\"]\n\
                 purpose = {{ en = \"Proofs\", ar = \"إثباتات\" }}\nlegal_basis = \"Law 1/2001\"\n"
            ),
        );
    }

    /// Writes `falaj.toml` with the administrator's key, and the publisher's if it is to have one.
    pub fn write_keys(&self, publisher: bool) {
        let mut text = String::new();
        let mut key = |name: &str, role: &str, key: &str| {
            let hash = digest::digest(&digest::SHA256, key.as_bytes());
            let hex = hash.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            write!(text, "[[auth.keys]]\nname = \"{name}\"\n{role}\nsha256 = \"{hex}\"\n\n").expect("a string grows");
        };
        key("administrator", "role = \"admin\"", ADMIN_KEY);
        if publisher {
            key("publisher", "role = \"agency\"\nagency = \"pub\"", PUBLISHER_KEY);
        }
        self.folder.write("falaj.toml", &text);
    }

    fn write_schema(&self) {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": format!("falaj:/schemas/{TYPE}/1.0"),
            "title": "Thing changed",
            "x-falaj": {
                "owner": "pub",
                "name": { "en": "Thing changed", "ar": "تغيّر الشيء" },
                "maturity": 4,
                "subject": "required",
            },
            "type": "object",
            "properties": {
                "n": { "type": "integer", "minimum": 0 },
                "note": { "type": "string", "maxLength": 100_000 },
            },
            "required": ["n"],
            "additionalProperties": false,
        });
        let text = serde_json::to_string_pretty(&schema).expect("JSON");
        self.folder.write(&format!("schemas/{TYPE}/1.0.json"), &text);
    }
}

//! The files of the deployment under test: a portal that sends, agencies that receive in different forms, one that has no part in it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A folder that goes when its test is over.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder with the deployment in it.
    pub fn with_deployment() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("falaj-http-{}-{number}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        let folder = Self(path);
        folder.write("schemas/qa.gov.person.address-changed/1.0.json", ADDRESS_CHANGED);
        folder.write("schemas/qa.gov.person.noticed/1.0.json", NOTICED);
        folder.write("schemas/qa.gov.elsewhere.moved/1.0.json", MOVED);
        for (agency, manifest) in MANIFESTS {
            folder.write(&format!("connectors/{agency}/connector.toml"), manifest);
        }
        folder.write("connectors/municipality/address.txt.j2", "{{ data.zone }}\n");
        folder
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file below it.
    pub fn write(&self, relative: &str, text: &str) {
        let path = self.0.join(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

pub const ADDRESS_CHANGED: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "x-falaj": { "owner": "moi", "name": { "en": "Address changed", "ar": "تغيير العنوان" }, "maturity": 4, "subject": "required" },
  "type": "object",
  "properties": {
    "qid": { "type": "string", "pattern": "^[23][0-9]{10}$", "maxLength": 11 },
    "zone": { "type": "integer", "minimum": 1, "maximum": 99 },
    "street": { "type": "string", "maxLength": 80 }
  },
  "required": ["qid", "zone"],
  "additionalProperties": false
}"#;

const NOTICED: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "x-falaj": { "owner": "portal", "name": { "en": "Notice", "ar": "إشعار" } },
  "type": "object"
}"#;

const MOVED: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "x-falaj": { "owner": "stranger", "name": { "en": "Moved", "ar": "انتقال" } },
  "type": "object"
}"#;

const MANIFESTS: [(&str, &str); 5] = [
    (
        "portal",
        r#"
[agency]
id = "portal"
name = { en = "Portal", ar = "البوابة" }

[publishes]
types = ["qa.gov.person.*"]
sources = ["urn:qa:gov:portal"]
"#,
    ),
    (
        "moi",
        r#"
[agency]
id = "moi"
name = { en = "Ministry of Interior", ar = "وزارة الداخلية" }

[delivery]
transport = "webhook"
url = "http://127.0.0.1:9/falaj"
secret = "whsec_OpR11NUBOxzX4ndf1BfVJpZPbgxn2vVzS0pqfhlSdmw="
rate = { per_second = 50, burst = 100 }

[[subscription]]
type = "qa.gov.person.address-changed"
order = "subject"
fields = ["/qid", "/zone"]
purpose = { en = "Residence register", ar = "سجل الإقامة" }
legal_basis = "Law 21/2015"
"#,
    ),
    (
        "municipality",
        r#"
[agency]
id = "municipality"
name = { en = "Municipality", ar = "البلدية" }

[delivery]
transport = "webhook"
url = "http://127.0.0.1:9/falaj"
mode = "template"
secret = "whsec_OpR11NUBOxzX4ndf1BfVJpZPbgxn2vVzS0pqfhlSdmw="

[[subscription]]
type = "qa.gov.person.address-changed"
when = "data.zone < 50"
fields = ["/zone"]
subject = "omit"
purpose = { en = "City planning", ar = "تخطيط المدينة" }
legal_basis = "Law 8/2014"
template = "address.txt.j2"
"#,
    ),
    (
        "utilities",
        r#"
[agency]
id = "utilities"
name = { en = "Utilities", ar = "كهرماء" }

[delivery]
transport = "webhook"
url = "http://127.0.0.1:9/falaj"
mode = "binary"
secret = "whsec_OpR11NUBOxzX4ndf1BfVJpZPbgxn2vVzS0pqfhlSdmw="

[[subscription]]
type = "qa.gov.person.address-changed"
order = "none"
fields = ["/zone", "/street"]
subject = "pseudonym"
purpose = { en = "Network planning", ar = "تخطيط الشبكة" }
legal_basis = "Law 10/2000"
"#,
    ),
    (
        "stranger",
        r#"
[agency]
id = "stranger"
name = { en = "Stranger", ar = "جهة أخرى" }

[publishes]
types = ["qa.gov.elsewhere.*"]
sources = ["urn:qa:gov:elsewhere"]
"#,
    ),
];

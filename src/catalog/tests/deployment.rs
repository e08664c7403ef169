//! A deployment in a temporary folder, sound until a test breaks it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::catalog::{Catalog, Examined, Problem};
use crate::model::cloudevents::{Bounds, structured};
use crate::model::envelope::Envelope;

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// The type that the two agencies of the plain deployment exchange.
pub const MOVED: &str = "qa.gov.person.moved";

/// A folder that goes when it is dropped.
pub struct Deployment {
    pub root: PathBuf,
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let _best_effort = std::fs::remove_dir_all(&self.root);
    }
}

impl Deployment {
    /// A folder with nothing in it.
    pub fn empty() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("falaj-catalog-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        Self { root }
    }

    /// `portal` publishes [`MOVED`], `moi` receives it.
    pub fn plain() -> Self {
        let deployment = Self::empty();
        deployment
            .write(&format!("schemas/{MOVED}/1.0.json"), &schema(MOVED, "portal"))
            .write("connectors/portal/connector.toml", PORTAL)
            .write("connectors/moi/connector.toml", MOI);
        deployment
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Replaces a text that must be there in moi's manifest.
    pub fn moi(&self, from: &str, to: &str) -> &Self {
        self.edit("connectors/moi/connector.toml", from, to)
    }

    /// Replaces a text that must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) -> &Self {
        let text = std::fs::read_to_string(self.root.join(path)).unwrap();
        assert!(text.contains(from), "{from}");
        self.write(path, &text.replacen(from, to, 1))
    }

    /// Looks at it, without any environment.
    pub fn examine(&self) -> Examined {
        let mut examined = Catalog::examine(&self.root, &|_| None);
        examined.run_fixtures();
        examined
    }

    /// The snapshot of a deployment that must be right.
    pub fn load(&self) -> Catalog {
        let examined = self.examine();
        assert!(examined.errors.is_empty(), "{:#?}", examined.errors);
        examined.catalog
    }

    /// The one error of a deployment that must have exactly one.
    pub fn error(&self) -> Problem {
        let mut errors = self.examine().errors;
        assert_eq!(errors.len(), 1, "{errors:#?}");
        errors.remove(0)
    }

    /// The one warning of a deployment that must have exactly one, and no error.
    pub fn warning(&self) -> Problem {
        let examined = self.examine();
        assert!(examined.errors.is_empty(), "{:#?}", examined.errors);
        let mut warnings = examined.warnings;
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        warnings.remove(0)
    }
}

/// Whether a problem stands where it should and says what it should.
#[track_caller]
pub fn assert_problem(problem: &Problem, file: &str, line: Option<u32>, what: &str, hint: &str) {
    assert_eq!(problem.file, Path::new(file), "{problem:?}");
    assert_eq!(problem.line, line, "{problem:?}");
    assert!(problem.what.contains(what), "{problem:?}");
    assert!(problem.hint.contains(hint), "{problem:?}");
}

/// A schema of a person who moved.
pub fn schema(ty: &str, owner: &str) -> String {
    format!(
        r#"{{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "falaj:/schemas/{ty}/1.0",
  "title": "Moved",
  "x-falaj": {{
    "owner": "{owner}",
    "name": {{ "en": "Moved", "ar": "انتقال" }},
    "maturity": 4,
    "subject": "required"
  }},
  "type": "object",
  "properties": {{
    "qid": {{ "type": "string", "pattern": "^[0-9]{{11}}$" }},
    "zone": {{ "type": "integer", "minimum": 1, "maximum": 99 }},
    "unit": {{ "type": "integer", "minimum": 1, "maximum": 999 }},
    "name": {{
      "type": "object",
      "properties": {{ "en": {{ "type": "string", "maxLength": 80 }}, "ar": {{ "type": "string", "maxLength": 80 }} }},
      "required": ["en"],
      "additionalProperties": false
    }}
  }},
  "required": ["qid", "zone"],
  "additionalProperties": false
}}
"#
    )
}

/// An envelope of [`MOVED`].
pub fn moved(zone: u32) -> Envelope {
    let text = envelope_text(MOVED, zone);
    structured(&Bytes::from(text), &Bounds::default()).unwrap()
}

/// The text of an envelope.
pub fn envelope_text(ty: &str, zone: u32) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"1","source":"urn:qa:gov:portal","type":"{ty}","subject":"28400000017",
        "data":{{"qid":"28400000017","zone":{zone},"name":{{"en":"A","ar":"ا"}}}}}}"#
    )
}

const PORTAL: &str = r#"[agency]
id = "portal"
name = { en = "Portal", ar = "البوابة" }

[publishes]
types = ["qa.gov.person.*"]
sources = ["urn:qa:gov:portal"]
"#;

/// Lines are counted by the tests.
const MOI: &str = r#"[agency]
id = "moi"
name = { en = "Ministry of Interior", ar = "وزارة الداخلية" }

[delivery]
transport = "webhook"
url = "http://127.0.0.1:9103/falaj"
timeout = "5s"
in_flight = 4
rate = { per_second = 50, burst = 100 }
retry = { max_age = "2d" }

[[subscription]]
type = "qa.gov.person.moved"
when = "data.zone < 50"
fields = ["/qid", "/zone"]
purpose = { en = "Residence register", ar = "سجل الإقامة" }
legal_basis = "Law 21/2015"
"#;

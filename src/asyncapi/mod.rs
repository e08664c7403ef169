//! What each agency receives, as an AsyncAPI 3.0 document: written from the deployment in force, by the rules that sending goes by.
//!
//! In reading order: [`write()`] makes the document, `channel` the way to one agency, `message` what comes that way, `example` the
//! messages that fixtures make.
//!
//! D1: an agency is told its own channel and no other. D2: a payload is described as it is after projection: what a subscription does
//! not list is not named. D3: no secret stands in it: neither keys nor the query of an address, and its path only for those who know it
//! (the agency itself, and whoever has the deployment's folder). D4: it is bounded, and says where it ends early.
//!
//! Nothing here reads the clock, asks the ledger or opens a connection.

use serde_json::{Map, Value, json};

use crate::catalog::{Agency, Catalog};
use crate::model::agency::TransportKind;
use crate::model::id::AgencyId;

mod channel;
mod example;
mod message;

/// Messages that one document describes at most.
pub const MESSAGES_MAX: usize = 5_000;
/// What the document says of itself.
const ABOUT: &str = "What each agency receives from this Falaj: a channel for each, a message for each type that it subscribes to, with \
                     the fields that its subscription lists and no others. Every message of an agency has an unchanging `webhook-id`: \
                     whoever has seen it has applied it. How to post envelopes and to report outcomes is described at /docs.";
const ABOUT_AR: &str = "ما تستلمه كل جهة من هذا النظام: قناة لكل جهة، ورسالة لكل نوع اشتركت فيه بالحقول التي يحددها اشتراكها دون غيرها. \
                        ولكل رسالة قيمة `webhook-id` لا تتغير: إذا سبقت رؤيتها فقد سبق تطبيقها. أما إرسال المظاريف والإبلاغ عن النتائج \
                        فموصوف في /docs.";

/// Whose channels a document describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// One agency's, for itself.
    Own(&'a AgencyId),
    /// One agency's or all, for those who oversee them.
    Overseen(Option<&'a AgencyId>),
    /// One agency's or all, for those who have the deployment's folder.
    Folder(Option<&'a AgencyId>),
}

impl<'a> Of<'a> {
    fn agency(self) -> Option<&'a AgencyId> {
        match self {
            Self::Own(agency) => Some(agency),
            Self::Overseen(agency) | Self::Folder(agency) => agency,
        }
    }

    /// Keeps D3.
    fn shows_paths(self) -> bool {
        !matches!(self, Self::Overseen(_))
    }
}

/// Writes the document.
pub fn write(catalog: &Catalog, of: Of<'_>) -> Value {
    let mut document = Document { catalog, of, left: MESSAGES_MAX, parts: Parts::default() };
    let wanted = |agency: &Agency| of.agency().is_none_or(|only| *only == agency.id);
    for agency in catalog.agencies().filter(|agency| wanted(agency)) {
        document.agency(agency);
    }
    document.finish()
}

/// A document while it is written.
struct Document<'a> {
    catalog: &'a Catalog,
    of: Of<'a>,
    /// Messages that may still be described.
    left: usize,
    parts: Parts,
}

#[derive(Default)]
struct Parts {
    servers: Map<String, Value>,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    /// Whether somebody is reached over HTTP: then the answer is told.
    answered: bool,
    truncated: bool,
}

impl Document<'_> {
    fn agency(&mut self, agency: &Agency) {
        // A publisher receives nothing.
        let Some(rules) = &agency.delivery else { return };
        let server = channel::server(agency, rules);
        let messages = self.messages(agency, rules.transport);
        let channel = channel::channel(agency, rules, &server.name, &messages, self.of.shows_paths());
        self.parts.operations.insert(format!("send-{}", agency.id), channel::operation(agency, rules, &messages));
        self.parts.channels.insert(agency.id.to_string(), channel);
        self.parts.servers.insert(server.name, server.document);
        self.parts.answered |= rules.transport == TransportKind::Webhook;
    }

    /// The messages of an agency by type.
    fn messages(&mut self, agency: &Agency, transport: TransportKind) -> Map<String, Value> {
        let mut messages = Map::new();
        for (ty, versions) in message::types(self.catalog) {
            let Some(subscription) = self.catalog.subscription(&agency.id, ty) else { continue };
            if self.left == 0 {
                // Keeps D4.
                self.parts.truncated = true;
                break;
            }
            self.left -= 1;
            let about =
                message::About { catalog: self.catalog, agency, subscription, transport, ty, versions: &versions };
            messages.insert(ty.to_string(), about.write());
        }
        messages
    }

    fn finish(self) -> Value {
        let Parts { servers, mut channels, operations, answered, truncated } = self.parts;
        if answered {
            channels.insert(channel::ANSWER.to_owned(), channel::answer());
        }
        let mut document = json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Falaj",
                "x-title-ar": "فلج",
                "version": env!("CARGO_PKG_VERSION"),
                "description": ABOUT,
                "x-description-ar": ABOUT_AR,
                "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
                "x-falaj-catalogue": self.catalog.revision,
            },
            "defaultContentType": "application/json",
            "servers": servers,
            "channels": channels,
            "operations": operations,
            "components": { "securitySchemes": channel::security() },
        });
        if truncated {
            document["x-falaj-truncated"] = format!(
                "Only the first {MESSAGES_MAX} messages are described; ask for one agency to see all of its own."
            )
            .into();
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn shipped() -> Catalog {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Catalog::load(root).unwrap_or_else(|problems| panic!("{problems:#?}")).catalog
    }

    #[test]
    fn an_agency_is_told_its_own_channel_and_overseers_no_path() {
        let catalog = shipped();
        let moi = AgencyId::parse("moi").unwrap();
        let own = write(&catalog, Of::Own(&moi));
        let channels: BTreeSet<&str> = own["channels"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(channels, ["answer", "moi"].into());
        assert_eq!(own["channels"]["moi"]["address"], "/falaj");
        assert!(!own.to_string().contains("whsec_OpR11NUBOxzX4ndf1BfVJpZPbgxn2vVzS0pqfhlSdmw"));
        let all = write(&catalog, Of::Overseen(None));
        assert!(all["channels"].as_object().unwrap().len() > 10);
        assert_eq!(all["channels"]["moi"]["address"], Value::Null);
        assert_eq!(all["servers"]["moi"]["host"], "127.0.0.1:9103");
        let stranger = AgencyId::parse("nobody").unwrap();
        assert_eq!(write(&catalog, Of::Own(&stranger))["channels"], json!({}));
    }

    #[test]
    fn every_example_of_the_shipped_deployment_is_one_that_its_payload_allows() {
        let catalog = shipped();
        let document = write(&catalog, Of::Folder(None));
        let mut tried = 0;
        for (agency, channel) in document["channels"].as_object().unwrap() {
            for (ty, message) in channel["messages"].as_object().unwrap() {
                let payload = jsonschema::draft7::new(&message["payload"]).unwrap();
                let headers = message.get("headers").map(|headers| jsonschema::draft7::new(headers).unwrap());
                let examples = message["examples"].as_array().map_or(&[][..], Vec::as_slice);
                for example in examples {
                    let faults: Vec<_> = payload.iter_errors(&example["payload"]).map(|e| e.to_string()).collect();
                    assert!(faults.is_empty(), "{agency} {ty}: {faults:?}");
                    if let Some(headers) = &headers {
                        let faults: Vec<_> = headers.iter_errors(&example["headers"]).map(|e| e.to_string()).collect();
                        assert!(faults.is_empty(), "{agency} {ty}: {faults:?}");
                    }
                    tried += 1;
                }
            }
        }
        assert!(tried > 50, "{tried}");
    }
}

//! What one agency gets of one type: headers and payload, as its subscription and its form make them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::channel::is_signed;
use super::example;
use crate::amqp::names;
use crate::catalog::{Agency, Catalog, Subscription};
use crate::mapping::{Form, SubjectForm};
use crate::model::agency::TransportKind;
use crate::model::id::{AgencyId, EventType};
use crate::schema::{Schema, SubjectRule};

/// The types that an envelope may have, each with its versions, the oldest first.
pub(super) fn types(catalog: &Catalog) -> BTreeMap<&EventType, Vec<&Schema>> {
    let mut types: BTreeMap<&EventType, Vec<&Schema>> = BTreeMap::new();
    for schema in catalog.schemas.all().filter(|schema| !schema.about.is_abstract) {
        types.entry(&schema.ty).or_default().push(schema);
    }
    types
}

/// One message while it is written.
pub(super) struct About<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) agency: &'a Agency,
    pub(super) subscription: &'a Subscription,
    pub(super) transport: TransportKind,
    pub(super) ty: &'a EventType,
    pub(super) versions: &'a [&'a Schema],
}

impl About<'_> {
    pub(super) fn write(&self) -> Value {
        let newest = self.versions.last().map(|schema| &schema.about);
        let subscription = self.subscription;
        let (name, name_ar) =
            newest.map_or((self.ty.as_str(), self.ty.as_str()), |about| (&about.name.en, &about.name.ar));
        let versions: Vec<String> = self.versions.iter().map(|schema| schema.version.to_string()).collect();
        let mut message = json!({
            "name": self.ty,
            "title": name,
            "x-title-ar": name_ar,
            "summary": subscription.purpose.en,
            "x-summary-ar": subscription.purpose.ar,
            "contentType": self.content_type(),
            "payload": self.payload(),
            "x-falaj": {
                "legal_basis": subscription.legal_basis,
                "fields": subscription.fields.pointers().collect::<Vec<_>>(),
                "subject": subscription.subject,
                "order": if subscription.ordered { "subject" } else { "none" },
                "filtered": subscription.filter.is_some(),
                "versions": versions,
            },
        });
        if self.transport != TransportKind::Pull {
            message["headers"] = self.headers();
        }
        let examples = example::write(self);
        if !examples.is_empty() {
            message["examples"] = examples.into();
        }
        message
    }

    pub(super) fn id(&self) -> &AgencyId {
        &self.agency.id
    }

    pub(super) fn is_signed(&self) -> bool {
        self.agency.delivery.as_ref().is_some_and(is_signed)
    }

    /// Whoever fetches gets JSON, and an event in it has all its attributes.
    pub(super) fn form(&self) -> &Form {
        match (&self.subscription.form, self.transport) {
            (Form::Binary, TransportKind::Pull) => &Form::Structured,
            (form, _) => form,
        }
    }

    fn content_type(&self) -> &'static str {
        match self.transport {
            TransportKind::Pull => "application/json",
            TransportKind::Webhook | TransportKind::Amqp => self.form().content_type().unwrap_or("application/json"),
        }
    }

    fn payload(&self) -> Value {
        let body = self.body();
        if self.transport != TransportKind::Pull {
            return body;
        }
        let (member, more) = match self.form() {
            Form::Structured | Form::Binary => ("envelope", None),
            Form::Map(_) | Form::Template(_) => ("body", self.form().content_type()),
        };
        // A map in JSON is handed out as text, like every other.
        let body = if more.is_some() { json!({ "type": "string" }) } else { body };
        let mut properties = json!({
            "id": uuid(),
            "webhook_id": uuid(),
            "lease": uuid(),
            "lease_until": { "type": "string", "format": "date-time" },
            "attempt": { "type": "integer", "minimum": 1 },
            "sequence": { "type": "integer", "minimum": 1 },
            "gap": uuid(),
            "redrive": { "const": true },
            "traceparent": { "type": "string" },
            "tracestate": { "type": "string" },
            member: body,
        });
        let mut required = vec!["id", "webhook_id", "lease", "lease_until", "attempt", "sequence", member];
        if let Some(media_type) = more {
            properties["content_type"] = json!({ "const": media_type });
            required.push("content_type");
        }
        json!({ "type": "object", "properties": properties, "required": required })
    }

    fn body(&self) -> Value {
        match self.form() {
            Form::Structured => self.event(),
            Form::Binary => self.data(),
            Form::Map(map) => {
                let (targets, is_json) = map.targets();
                if is_json {
                    let properties: Map<String, Value> = targets.map(|name| (name.to_owned(), json!({}))).collect();
                    json!({ "type": "object", "properties": properties, "additionalProperties": false })
                } else {
                    let names: Vec<&str> = targets.collect();
                    json!({ "type": "string", "x-falaj-fields": names })
                }
            }
            Form::Template(_) => json!({ "type": "string" }),
        }
    }

    /// Data cut to the listed fields; a sender may name any registered version.
    fn data(&self) -> Value {
        let pointers: Vec<&str> = self.subscription.fields.pointers().collect();
        let mut each: Vec<Value> = Vec::new();
        for schema in self.versions {
            let excerpt = schema.excerpt(&pointers);
            if !each.contains(&excerpt) {
                each.push(excerpt);
            }
        }
        if each.len() == 1 { each.remove(0) } else { json!({ "anyOf": each }) }
    }

    fn event(&self) -> Value {
        let text = || json!({ "type": "string", "minLength": 1 });
        let mut properties = json!({
            "specversion": { "const": "1.0" },
            "id": text(),
            "source": { "type": "string", "format": "uri-reference" },
            "type": { "const": self.ty },
            "time": { "type": "string", "format": "date-time" },
            "datacontenttype": text(),
            "dataschema": text(),
            "data": self.data(),
        });
        let mut required = vec!["specversion", "id", "source", "type", "data"];
        if self.tells_subject() {
            properties["subject"] = self.subject();
            if self.always_has_subject() {
                required.push("subject");
            }
        }
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            // Extensions travel as they come.
            "additionalProperties": { "type": ["string", "integer", "boolean"] },
        })
    }

    fn tells_subject(&self) -> bool {
        self.subscription.subject != SubjectForm::Omit
    }

    fn always_has_subject(&self) -> bool {
        self.versions.iter().all(|schema| schema.about.subject == SubjectRule::Required)
    }

    fn subject(&self) -> Value {
        match self.subscription.subject {
            SubjectForm::Pseudonym => json!({
                "type": "string",
                "description": "A pseudonym, the same for every message about this subject to this agency.",
                "x-description-ar": "اسم مستعار لا يتغير في كل رسائل هذه الجهة عن الموضوع نفسه.",
            }),
            SubjectForm::Clear | SubjectForm::Omit => json!({ "type": "string", "minLength": 1 }),
        }
    }

    fn headers(&self) -> Value {
        let whole = || json!({ "type": "integer", "minimum": 1 });
        let mut properties = json!({
            "falaj-attempt": described(whole(), "Which attempt this is.", "رقم هذه المحاولة."),
            "falaj-sequence": described(
                whole(),
                "Accept order: of two messages about one subject the greater is the later.",
                "ترتيب القبول: من بين رسالتين للموضوع نفسه الأكبر هي الأحدث.",
            ),
            "falaj-gap": described(
                uuid(),
                "A delivery of this subject was passed over before this one.",
                "عملية تسليم سابقة للموضوع نفسه جرى تخطيها.",
            ),
            "traceparent": described(json!({ "type": "string" }), "W3C Trace Context.", "سياق التتبّع وفق W3C."),
            "tracestate": described(json!({ "type": "string" }), "Goes with traceparent.", "ما يرافق traceparent."),
        });
        let mut required = vec!["falaj-attempt".to_owned(), "falaj-sequence".to_owned()];
        let mut add = |name: &str, schema: Value, about: (&str, &str), is_required: bool| {
            properties[name] = described(schema, about.0, about.1);
            if is_required {
                required.push(name.to_owned());
            }
        };
        let asked_again = ("A person asked for it again.", "أعاد المشغّل تسليمه.");
        if self.transport == TransportKind::Amqp {
            add("falaj-redrive", json!({ "const": true }), asked_again, false);
            let generation = (
                "This very delivery, by which a rejection finds it again.",
                "عملية التسليم هذه بعينها، وبها يُعرف ما تُعيده الجهة.",
            );
            add(names::DELIVERY, uuid(), generation, true);
        } else {
            add("falaj-redrive", json!({ "const": "true" }), asked_again, false);
            let same = ("The same on every attempt and every redrive.", "لا يتغير في أي محاولة ولا عند إعادة التسليم.");
            add("webhook-id", uuid(), same, true);
            let at = ("Seconds since 1970, of this attempt.", "وقت هذه المحاولة بالثواني منذ 1970.");
            add("webhook-timestamp", json!({ "type": "integer" }), at, true);
        }
        if self.is_signed() {
            let signature = json!({ "type": "string", "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$" });
            add("webhook-signature", signature, ("See `signature`.", "انظر `signature`."), true);
        }
        if !matches!(self.form(), Form::Structured) {
            let prefix = if self.transport == TransportKind::Amqp { "cloudEvents:" } else { "ce-" };
            let text = || json!({ "type": "string", "minLength": 1 });
            let mut attribute = |name: &str, schema: Value, is_required: bool| {
                properties[format!("{prefix}{name}")] = schema;
                if is_required {
                    required.push(format!("{prefix}{name}"));
                }
            };
            attribute("specversion", json!({ "const": "1.0" }), true);
            attribute("id", text(), true);
            attribute("source", text(), true);
            attribute("type", json!({ "const": self.ty }), true);
            attribute("time", text(), false);
            if self.tells_subject() {
                attribute("subject", self.subject(), self.always_has_subject());
            }
        }
        json!({ "type": "object", "properties": properties, "required": required })
    }
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn described(mut schema: Value, about: &str, about_ar: &str) -> Value {
    schema["description"] = about.into();
    schema["x-description-ar"] = about_ar.into();
    schema
}

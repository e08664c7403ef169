mod expressions;
mod forms;
mod projection;

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;
use crate::model::envelope::{AttributeValue, Attributes, Envelope};
use crate::model::id::EventType;

fn fields(pointers: &[&str]) -> Fields {
    let pointers: Vec<_> = pointers.iter().map(ToString::to_string).collect();
    Fields::parse(&pointers).unwrap()
}

fn everything() -> Fields {
    fields(&[""])
}

fn attributes() -> Attributes {
    Attributes {
        id: "e-1".to_owned(),
        source: "urn:qa:gov:moi".to_owned(),
        ty: EventType::parse("qa.gov.person.address-changed").unwrap(),
        subject: Some("28412345678".to_owned()),
        time: Some("2026-01-02T03:04:05Z".to_owned()),
        datacontenttype: None,
        dataschema: None,
        extensions: BTreeMap::from([
            ("authid".to_owned(), AttributeValue::Text("clerk-7".to_owned())),
            ("correlationid".to_owned(), AttributeValue::Text("نقل 5%".to_owned())),
            ("partitionkey".to_owned(), AttributeValue::Text("28412345678".to_owned())),
            ("sequence".to_owned(), AttributeValue::Integer(7)),
            ("urgent".to_owned(), AttributeValue::Boolean(true)),
        ]),
    }
}

fn envelope(data: &str) -> Envelope {
    Envelope { attributes: attributes(), data: Bytes::from(data.to_owned()) }
}

/// An address change as a portal sends it, in Arabic.
const SAMPLE: &str = r#"{ "qid": "28412345678", "name": {"ar": "فاطمة بنت محمد", "en": "Fatima"},
  "address": {"zone": 51, "street": "شارع \"الكورنيش\"", "unit": null, "country": "QA"},
  "fees": [{"code": "A", "amount": 1.10, "paid": true}, {"code": "B", "amount": 20.00, "paid": false}],
  "account": 123456789012345678901234567890, "medical": {"diagnosis": "confidential"} }"#;

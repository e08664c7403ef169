//! Envelopes as they are posted, and deliveries as they are fetched.

use serde_json::json;

use super::super::schema::{Named, Schema, anything, list, object, of, only, text, whole};
use super::super::words::words;
use super::scalar::{event_type, id, instant};
use crate::model::cloudevents::Bounds;

/// An event in structured mode.
pub fn cloud_event() -> Named {
    let bounds = Bounds::default();
    let string = || text().with("minLength", 1).chars_max(bounds.value_bytes_max);
    let schema = object()
        .has("specversion", only("1.0"), words("Always `1.0`.", "دائمًا `1.0`."))
        .has(
            "id",
            string(),
            words(
                "Your own id. With `source` it is the envelope's identity: repeat it, and you get the first receipt again.",
                "معرّفك الخاص. يشكّل مع `source` هوية المظروف: إن أعدت إرساله حصلت على الإيصال الأول نفسه.",
            ),
        )
        .has(
            "source",
            string().with("format", "uri-reference"),
            words("Who speaks; one of the sources of your agency.", "المصدر، وهو أحد المصادر المسجّلة لجهتك."),
        )
        .has("type", event_type(), words("What happened; see `GET /v1/services`.", "ما حدث؛ انظر `GET /v1/services`."))
        .may(
            "subject",
            string(),
            words(
                "Whom or what it is about. Deliveries of one subject keep their order. Some types require it.",
                "من أو ما يتعلق به الحدث. تحافظ عمليات تسليم الموضوع الواحد على ترتيبها. وهو إلزامي في بعض الأنواع.",
            ),
        )
        .may("time", instant(), words("When it happened, RFC 3339 with an offset.", "وقت الحدث وفق RFC 3339 مع فرق التوقيت."))
        .may(
            "datacontenttype",
            string().default("application/json"),
            words("JSON in UTF-8, or a media type that ends in `+json`.", "JSON بترميز UTF-8، أو نوع ينتهي بـ `+json`."),
        )
        .may(
            "dataschema",
            string(),
            words(
                "The version of the schema, `<type>/<version>`; the newest where absent.",
                "إصدار المخطط `<type>/<version>`، والأحدث إن لم يُذكر.",
            ),
        )
        .may(
            "partitionkey",
            string(),
            words("Orders deliveries in place of `subject`.", "يحدد الترتيب بدلًا من `subject`."),
        )
        .may(
            "correlationid",
            string(),
            words("Ties the envelopes of one procedure together.", "يربط مظاريف المعاملة الواحدة بعضها ببعض."),
        )
        .may("causationid", string(), words("What led to it.", "ما أدى إليه."))
        .may(
            "expirytime",
            instant(),
            words("After this nobody gets it any more.", "لا تستلمه أي جهة بعد هذا الوقت."),
        )
        .may(
            "traceparent",
            text().with("pattern", TRACEPARENT),
            words("W3C Trace Context; passed on.", "سياق التتبّع وفق W3C، ويُمرَّر كما هو."),
        )
        .has("data", anything(), words("As the schema of the type says.", "وفق مخطط النوع."))
        .with("maxProperties", bounds.attributes_max + 1)
        .with("propertyNames", json!({ "pattern": "^[a-z0-9]+$", "maxLength": bounds.name_chars_max }))
        .with("additionalProperties", json!({ "type": ["string", "integer", "boolean"] }));
    let about = words(
        "A CloudEvents 1.0 event in structured mode. Other extensions may be added: names of a-z and 0-9, values that are strings, \
         integers of 32 bits or booleans.",
        "حدث CloudEvents 1.0 بالصيغة المهيكلة. يجوز إضافة امتدادات أخرى بأسماء من a-z و0-9 وقيم نصية أو أعداد صحيحة (32 بت) أو منطقية.",
    );
    Named { name: "CloudEvent", about, schema }
}

/// A `traceparent` of W3C Trace Context.
const TRACEPARENT: &str = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$";

/// A batch of events.
pub fn events() -> Schema {
    list(of(cloud_event)).items_max(Bounds::default().batch_max)
}

/// What an agency fetched.
pub fn fetched() -> Named {
    let schema = object()
        .has("id", id(), words("The delivery.", "عملية التسليم."))
        .has(
            "webhook_id",
            id(),
            words(
                "The same on every attempt and every redrive: whoever has seen it has applied it.",
                "لا يتغير في أي محاولة ولا عند إعادة التسليم: إذا سبقت رؤيته فقد سبق تطبيقه.",
            ),
        )
        .has("lease", id(), words("Report under it.", "أرسل النتيجة مع هذه القيمة."))
        .has("lease_until", instant(), words("Until when it is yours.", "نهاية مهلة الاستلام."))
        .has("attempt", whole().with("minimum", 1), words("Which attempt this is.", "رقم هذه المحاولة."))
        .has("sequence", whole(), words("Accept order.", "ترتيب القبول."))
        .may(
            "gap",
            id(),
            words(
                "A delivery of this subject was passed over before this one.",
                "عملية تسليم سابقة للموضوع نفسه جرى تخطيها.",
            ),
        )
        .may("redrive", only(true), words("A person asked for it again.", "أعاد المشغّل تسليمه."))
        .may(
            "traceparent",
            text().with("pattern", TRACEPARENT),
            words(
                "W3C Trace Context: the trace that your work on it belongs to.",
                "سياق التتبّع وفق W3C الذي يتبعه عملك على هذه العملية.",
            ),
        )
        .may("tracestate", text(), words("What goes with `traceparent`.", "ما يرافق `traceparent`."))
        .may(
            "envelope",
            anything().with("type", "object"),
            words(
                "The event with the fields that the subscription lists. Absent where the agency's form is another.",
                "الحدث بالحقول التي يحددها الاشتراك. لا يظهر إذا كانت صيغة الجهة مختلفة.",
            ),
        )
        .may("content_type", text(), words("Media type of `body`.", "نوع وسائط `body`."))
        .may(
            "body",
            text(),
            words(
                "What a field map or template made of it, in place of `envelope`.",
                "ما أعدّه القالب أو مخطط الحقول منه، بدلًا من `envelope`.",
            ),
        );
    Named {
        name: "Fetched", about: words("A delivery under a lease.", "عملية تسليم ضمن مهلة استلام."), schema
    }
}

//! The way to one agency: its server, its channel, and the operation by which Falaj sends there.

use serde_json::{Map, Value, json};

use crate::amqp::names;
use crate::catalog::{Agency, DeliveryRules};
use crate::model::agency::TransportKind;
use crate::model::time::Span;

/// The channel on which an agency's answer to a webhook comes back.
pub(super) const ANSWER: &str = "answer";
/// The server of what agencies fetch.
const FALAJ: &str = "falaj";
/// The server of what agencies consume.
const BROKER: &str = "broker";

/// A server under its name.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) document: Value,
}

/// Where an agency's messages come from.
pub(super) fn server(agency: &Agency, rules: &DeliveryRules) -> Server {
    match (rules.transport, &rules.webhook) {
        (TransportKind::Webhook, Some(target)) => {
            let (protocol, host, _) = split(&target.url);
            let document = json!({
                "host": host,
                "protocol": protocol,
                "description": format!("The receiver of {}.", agency.name.en),
                "x-description-ar": format!("مستقبِل الرسائل لدى {}.", agency.name.ar),
            });
            Server { name: agency.id.to_string(), document }
        }
        (TransportKind::Amqp, _) => Server {
            name: BROKER.to_owned(),
            document: json!({
                "host": "{broker}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "The broker at the edge.",
                "x-description-ar": "وسيط الرسائل عند الحافة.",
                "variables": { "broker": { "default": "127.0.0.1:5672", "description": "Where the broker is." } },
            }),
        },
        _ => Server {
            name: FALAJ.to_owned(),
            document: json!({
                "host": "{falaj}",
                "protocol": "http",
                "description": "This Falaj.",
                "x-description-ar": "هذا النظام.",
                "variables": { "falaj": { "default": "127.0.0.1:8080", "description": "Where this Falaj is." } },
            }),
        },
    }
}

/// Scheme, authority and path of an address that the catalogue has checked; the query is never told.
fn split(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    (scheme, host, if path.is_empty() { "/" } else { path })
}

/// The channel of an agency.
pub(super) fn channel(
    agency: &Agency,
    rules: &DeliveryRules,
    server: &str,
    messages: &Map<String, Value>,
    shows_path: bool,
) -> Value {
    let address = match (rules.transport, &rules.webhook) {
        (TransportKind::Webhook, Some(target)) if shows_path => Some(split(&target.url).2.to_owned()),
        (TransportKind::Webhook, _) => None,
        (TransportKind::Pull, _) => Some(format!("/v1/agencies/{}/deliveries", agency.id)),
        (TransportKind::Amqp, _) => Some(names::out_queue(&agency.id)),
    };
    let mut channel = json!({
        "address": address,
        "title": agency.name.en,
        "x-title-ar": agency.name.ar,
        "servers": [{ "$ref": format!("#/servers/{server}") }],
        "messages": messages,
    });
    if rules.transport == TransportKind::Amqp {
        let queue = json!({
            "name": names::out_queue(&agency.id),
            "durable": true,
            "exclusive": false,
            "autoDelete": false,
        });
        channel["bindings"] = json!({ "amqp": { "is": "queue", "queue": queue, "bindingVersion": "0.3.0" } });
    }
    channel
}

/// How Falaj sends to an agency.
pub(super) fn operation(agency: &Agency, rules: &DeliveryRules, messages: &Map<String, Value>) -> Value {
    let of = |channel: &str, message: &str| json!({ "$ref": format!("#/channels/{channel}/messages/{message}") });
    let limits = &rules.limits;
    let (about, about_ar) = match rules.transport {
        TransportKind::Webhook => (
            "Falaj posts each message, signed after Standard Webhooks. 2xx means that you have it; with 202 the outcome follows by POST \
             /v1/deliveries/{webhook-id}/outcome. What fails comes again under the same webhook-id.",
            "يرسل النظام كل رسالة بطلب POST موقّع وفق Standard Webhooks. الرد 2xx يعني الاستلام، ومع 202 تتبعه النتيجة عبر POST \
             /v1/deliveries/{webhook-id}/outcome. وما يخفق يُعاد إرساله بقيمة webhook-id نفسها.",
        ),
        TransportKind::Pull => (
            "You fetch, each delivery under a lease, and report by POST /v1/deliveries/{id}/outcome before the lease runs out.",
            "تجلب الجهة عمليات التسليم، ولكل عملية مهلة استلام، وتبلغ بالنتيجة عبر POST /v1/deliveries/{id}/outcome قبل انقضاء المهلة.",
        ),
        TransportKind::Amqp => (
            "Falaj publishes to your queue; a delivery counts as delivered when the broker has confirmed it. message_id is the same on \
             every attempt and every redrive. Outcomes go to the exchange falaj.outcome; what you reject comes back as refused.",
            "ينشر النظام في قائمة الانتظار الخاصة بالجهة، ويُعدّ التسليم تامًّا حين يؤكده الوسيط. قيمة message_id لا تتغير في أي محاولة ولا عند \
             إعادة التسليم. تُرسل النتائج إلى falaj.outcome، وما ترفضه الجهة يعود بنتيجة refused.",
        ),
    };
    let mut out = json!({
        "action": "send",
        "channel": { "$ref": format!("#/channels/{}", agency.id) },
        "title": format!("What {} receives", agency.name.en),
        "x-title-ar": format!("ما تستلمه {}", agency.name.ar),
        "description": about,
        "x-description-ar": about_ar,
        "messages": messages.keys().map(|ty| of(agency.id.as_str(), ty)).collect::<Vec<_>>(),
        "x-falaj": {
            "transport": rules.transport,
            "timeout": Span(limits.timeout),
            "in_flight": limits.in_flight,
            "rate": limits.rate,
            "max_age": Span(limits.age_max),
        },
    });
    let (scheme, method) = match rules.transport {
        TransportKind::Webhook => {
            out["reply"] = json!({
                "channel": { "$ref": format!("#/channels/{ANSWER}") },
                "messages": [of(ANSWER, ANSWER)],
            });
            (is_signed(rules).then_some("signature"), Some("POST"))
        }
        TransportKind::Pull => (Some("key"), Some("GET")),
        TransportKind::Amqp => (Some("broker"), None),
    };
    if let Some(scheme) = scheme {
        out["security"] = json!([{ "$ref": format!("#/components/securitySchemes/{scheme}") }]);
    }
    if let Some(method) = method {
        out["bindings"] = json!({ "http": { "method": method, "bindingVersion": "0.3.0" } });
    }
    out
}

/// Whether an agency has a secret that its messages are signed with.
pub(super) fn is_signed(rules: &DeliveryRules) -> bool {
    rules.webhook.as_ref().is_some_and(|target| !target.secrets.is_empty())
}

/// How it is known who speaks.
pub(super) fn security() -> Value {
    json!({
        "signature": {
            "type": "httpApiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "Standard Webhooks: v1 and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}` with the \
                            agency's secret; several, apart by spaces, while a secret rotates. Refuse a timestamp more than five minutes \
                            away.",
            "x-description-ar": "وفق Standard Webhooks: القيمة v1 وترميز base64 لخوارزمية HMAC-SHA256 على \
                                 `{webhook-id}.{webhook-timestamp}.{body}` بسرّ الجهة، وتتعدد القيم مفصولة بمسافات أثناء تبديل السر. \
                                 وينبغي رفض ما يبعد طابعه الزمني أكثر من خمس دقائق.",
        },
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of the agency, as `falaj keys new` prints it.",
            "x-description-ar": "مفتاح الجهة كما يطبعه الأمر `falaj keys new`.",
        },
        "broker": {
            "type": "userPassword",
            "description": "The agency's own user at the broker.",
            "x-description-ar": "حساب الجهة لدى وسيط الرسائل.",
        },
    })
}

/// What an agency may say in its answer to a webhook.
pub(super) fn answer() -> Value {
    let payload = json!({
        "type": "object",
        "properties": {
            "outcome": {
                "type": "string",
                "enum": ["applied", "refused", "needs_action", "pending", "retry"],
                "description": "What was done; nothing said counts as done.",
                "x-description-ar": "ما جرى تنفيذه، وعدم ذكره يعني أنه نُفِّذ.",
            },
            "reason": { "type": "string", "description": "Why; the sender reads it.", "x-description-ar": "السبب، ويقرؤه المرسل." },
            "reference": {
                "type": "string",
                "description": "Your own file or case number; the sender reads it.",
                "x-description-ar": "رقم الملف أو المعاملة لديكم، ويقرؤه المرسل.",
            },
        },
    });
    let message = json!({
        "name": ANSWER,
        "title": "The answer to a webhook",
        "x-title-ar": "الرد على الرسالة",
        "summary": "Optional. A body that is not JSON is not read.",
        "x-summary-ar": "اختياري. ولا يُقرأ ما ليس بصيغة JSON.",
        "contentType": "application/json",
        "payload": payload,
        "examples": [{ "name": "applied", "payload": { "outcome": "applied", "reference": "MOI-2026-77" } }],
    });
    json!({
        "address": null,
        "title": "Answers to webhooks",
        "x-title-ar": "الردود على الرسائل",
        "description": "The body of the HTTP answer.",
        "x-description-ar": "متن رد HTTP.",
        "messages": { ANSWER: message },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_without_its_query() {
        assert_eq!(split("https://a.example:8443/x/y?token=1"), ("https", "a.example:8443", "/x/y"));
        assert_eq!(split("http://[::1]?token=1"), ("http", "[::1]", "/"));
        assert_eq!(split("http://a.example"), ("http", "a.example", "/"));
    }
}

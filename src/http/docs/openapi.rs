//! The descriptions as an OpenAPI 3.1 document.
//!
//! Texts stand in English where the standard has a place for them, and in Arabic beside it: `x-summary-ar`, `x-description-ar`,
//! `x-title-ar`. `x-falaj-right` is the right that a call asks for, `x-falaj-roles` the roles that have it.

use serde_json::{Map, Value, json};

use super::operation::{Answer, Chapter, Content, Described, Parameter, Place};
use super::problems::{meaning, remedy, title};
use super::samples::{Call, Sample, samples};
use super::schema::{Shelf, describe};
use super::shapes::problem::problem;
use super::words::{Words, words};
use crate::http::auth::Right;
use crate::http::error::{Kind, PAGES};
use crate::model::text::Language;

const ABOUT: Words = words(
    "A government data-exchange bus: one accepted envelope, led durably to every agency that must act on it.\n\n\
     Keys go into `Authorization: Bearer <key>`. Errors are RFC 9457 problems in the language that `Accept-Language` prefers; each `type` \
     has a page at `/docs/problems/`. Instants are RFC 3339 in UTC, durations are `250ms 15s 5m 2h 7d`, ids are UUIDs, lists page by an \
     opaque `cursor`. A field may be added to an answer at any time: ignore what you do not know.",
    "ناقل حكومي لتبادل البيانات: مظروف واحد يُقبل فيُسلَّم بصورة موثوقة إلى كل جهة عليها أن تتصرف بناءً عليه.\n\n\
     يُرسل المفتاح في `Authorization: Bearer <key>`. والأخطاء مشكلات وفق RFC 9457 باللغة المفضّلة في `Accept-Language`، ولكل `type` صفحة \
     في `/docs/problems/`. الأوقات وفق RFC 3339 بالتوقيت العالمي، والمدد بالصيغة `250ms 15s 5m 2h 7d`، والمعرّفات UUID، وتُقسَّم القوائم \
     إلى صفحات بمؤشر `cursor`. وقد تُضاف حقول إلى الردود في أي وقت: تجاهل ما لا تعرفه.",
);

/// Writes the document.
pub fn write(calls: &[Described]) -> Value {
    let mut shelf = Shelf::default();
    let _reference = super::schema::of(problem).write(&mut shelf);
    let mut paths = Map::new();
    for call in calls {
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method.as_str().to_ascii_lowercase()] = operation(call, &mut shelf);
    }
    let mut info = json!({
        "title": "Falaj",
        "x-title-ar": "فلج",
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    describe(&mut info, ABOUT);
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": info,
        "servers": [{ "url": "/", "description": "This Falaj.", "x-description-ar": "هذا النظام." }],
        "externalDocs": { "url": "/docs", "description": "The same, to read.", "x-description-ar": "الوصف نفسه للقراءة." },
        "tags": Chapter::ALL.map(tag),
        "paths": paths,
        "components": {
            "schemas": shelf.into_schemas(),
            "securitySchemes": { "key": security() },
            "headers": headers(),
            "responses": shared(calls),
            "examples": examples(calls),
        },
    })
}

/// What goes wrong everywhere, once.
fn shared(calls: &[Described]) -> Map<String, Value> {
    let reasons = calls.iter().flat_map(Described::problems);
    let alone = reasons.filter(|(_, reasons)| matches!(reasons.as_slice(), [(_, None)]));
    alone.map(|(status, reasons)| (reasons[0].0.slug().to_owned(), refused(status, &reasons))).collect()
}

/// The problems that a call can have, each told once.
fn examples(calls: &[Described]) -> Map<String, Value> {
    let reasons = calls.iter().flat_map(Described::problems).flat_map(|(_, reasons)| reasons);
    reasons.map(|(kind, _)| (kind.slug().to_owned(), problem_example(kind))).collect()
}

fn tag(chapter: Chapter) -> Value {
    let mut tag = json!({ "name": chapter.slug(), "x-title": chapter.title().en, "x-title-ar": chapter.title().ar });
    describe(&mut tag, chapter.about());
    tag
}

fn security() -> Value {
    let mut scheme = json!({ "type": "http", "scheme": "bearer" });
    describe(&mut scheme, words("A key, as `falaj keys new` prints it.", "مفتاح كما يطبعه الأمر `falaj keys new`."));
    scheme
}

fn headers() -> Value {
    let header = |schema: Value, about: Words| {
        let mut header = json!({ "schema": schema });
        describe(&mut header, about);
        header
    };
    json!({
        "Content-Language": header(
            json!({ "type": "string", "enum": [Language::English.tag(), Language::Arabic.tag()] }),
            words("The language of the answer.", "لغة الرد."),
        ),
        "Link": header(
            json!({ "type": "string" }),
            words("Where this kind of problem is explained (`rel=\"help\"`).", "صفحة شرح هذا النوع من المشكلات (`rel=\"help\"`)."),
        ),
        "Retry-After": header(
            json!({ "type": "integer", "minimum": 1 }),
            words("Try again after so many seconds.", "أعد المحاولة بعد هذا العدد من الثواني."),
        ),
        "WWW-Authenticate": header(
            json!({ "type": "string" }),
            words("The scheme, and whether a key was presented.", "نظام المصادقة، وهل قُدّم مفتاح."),
        ),
    })
}

fn operation(call: &Described, shelf: &mut Shelf) -> Value {
    let operation = &call.operation;
    let samples = samples(operation.id);
    let mut out = json!({
        "operationId": operation.id,
        "tags": [operation.chapter.slug()],
        "summary": operation.summary.en,
        "x-summary-ar": operation.summary.ar,
        "x-falaj-right": call.right.word(),
        "x-falaj-roles": call.right.roles(),
        "security": match call.right {
            Right::Anyone => json!([]),
            right if right.can_be_open() => json!([{ "key": [] }, {}]),
            _ => json!([{ "key": [] }]),
        },
    });
    let right = call.right.says();
    let paragraphs = |language: Language| {
        let all = operation.about.iter().map(|about| about.get(language));
        all.chain([right.get(language)]).collect::<Vec<_>>().join("\n\n")
    };
    out["description"] = paragraphs(Language::English).into();
    out["x-description-ar"] = paragraphs(Language::Arabic).into();
    if !operation.parameters.is_empty() {
        let written: Vec<Value> = operation.parameters.iter().map(|one| parameter(one, samples, shelf)).collect();
        out["parameters"] = written.into();
    }
    if !operation.bodies.is_empty() {
        let content = operation.bodies.iter().map(|body| {
            let examples = samples.iter().filter(|sample| sample.call.media_type() == Some(body.media_type));
            let examples =
                examples.map(|sample| (name(&sample.name), json!({ "value": read(sample.call.body.as_deref()) })));
            (body.media_type.to_owned(), media(body, examples.collect(), shelf))
        });
        out["requestBody"] = json!({ "required": true, "content": content.collect::<Map<_, _>>() });
    }
    let mut responses = Map::new();
    for answer in &operation.answers {
        responses.insert(answer.status.to_string(), response(answer, samples, shelf));
    }
    for (status, reasons) in call.problems() {
        let key = status.to_string();
        match (responses.get_mut(&key), reasons.as_slice()) {
            // A status that also says something else.
            (Some(known), _) => {
                let media_type = "application/problem+json";
                known["content"][media_type] = refused(status, &reasons)["content"][media_type].clone();
            }
            (None, [(kind, None)]) => {
                let shared = json!({ "$ref": format!("#/components/responses/{}", kind.slug()) });
                drop(responses.insert(key, shared));
            }
            (None, _) => drop(responses.insert(key, refused(status, &reasons))),
        }
    }
    out["responses"] = responses.into();
    out
}

fn parameter(parameter: &Parameter, samples: &[Sample], shelf: &mut Shelf) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let mut out = json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "schema": parameter.schema.write(shelf),
    });
    describe(&mut out, parameter.about);
    let said = samples.iter().find_map(|sample| match parameter.place {
        Place::Path => None,
        Place::Query => sample.call.query(parameter.name),
        Place::Header => sample.call.headers.get(parameter.name).cloned(),
    });
    if let Some(said) = said {
        // As the schema has it: a number is written as one.
        let ty = out["schema"]["type"].as_str().unwrap_or_default();
        let parsed = matches!(ty, "integer" | "boolean").then(|| serde_json::from_str(&said).ok()).flatten();
        out["example"] = parsed.unwrap_or(Value::String(said));
    }
    out
}

fn response(answer: &Answer, samples: &[Sample], shelf: &mut Shelf) -> Value {
    let mut out = json!({});
    describe(&mut out, answer.about);
    if !answer.headers.is_empty() {
        let headers = answer.headers.iter().map(|(name, schema, about)| {
            let mut header = json!({ "schema": schema.write(shelf) });
            describe(&mut header, *about);
            ((*name).to_owned(), header)
        });
        out["headers"] = Value::Object(headers.collect());
    }
    for content in &answer.contents {
        let fitting = samples
            .iter()
            .filter(|sample| sample.answer.status == answer.status && sample.answer.is_of(content.media_type));
        let examples = fitting.filter_map(|sample| {
            let body = sample.answer.body.as_deref()?;
            let value = if content.media_type.contains("json") { read(Some(body)) } else { body.into() };
            Some((name(&sample.name), json!({ "value": value })))
        });
        let mut written = media(content, examples.collect(), shelf);
        if let Some(event) = &answer.event {
            written["x-falaj-event"] = event.write(shelf);
        }
        out["content"][content.media_type] = written;
    }
    out
}

fn media(content: &Content, examples: Map<String, Value>, shelf: &mut Shelf) -> Value {
    let mut out = json!({ "schema": content.schema.write(shelf) });
    if !examples.is_empty() {
        out["examples"] = examples.into();
    }
    out
}

/// The answer of a status that tells a problem.
fn refused(status: u16, reasons: &[(Kind, Option<Words>)]) -> Value {
    let told = |language: Language| {
        let each = reasons.iter().map(|(kind, why)| {
            let why = why.unwrap_or_else(|| meaning(*kind)).get(language);
            format!("`{}`: {why}", kind.urn())
        });
        each.collect::<Vec<_>>().join("\n\n")
    };
    let urns: Vec<String> = reasons.iter().map(|(kind, _)| kind.urn()).collect();
    let mut headers = json!({
        "Content-Language": { "$ref": "#/components/headers/Content-Language" },
        "Link": { "$ref": "#/components/headers/Link" },
    });
    let mut carry = |name: &str, kind: Kind| {
        if reasons.iter().any(|(own, _)| *own == kind) {
            headers[name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    };
    carry("Retry-After", Kind::Unavailable);
    carry("WWW-Authenticate", Kind::NoKey);
    let examples = reasons
        .iter()
        .map(|(kind, _)| (kind.slug().to_owned(), json!({ "$ref": format!("#/components/examples/{}", kind.slug()) })));
    json!({
        "description": told(Language::English),
        "x-description-ar": told(Language::Arabic),
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": {
                "$ref": "#/components/schemas/Problem",
                "properties": { "type": { "enum": urns }, "status": { "const": status } },
            },
            "examples": examples.collect::<Map<_, _>>(),
        } },
    })
}

fn problem_example(kind: Kind) -> Value {
    let (title, meaning, remedy) = (title(kind), meaning(kind), remedy(kind));
    let mut out = json!({ "summary": title.en, "x-summary-ar": title.ar });
    out["description"] = format!("{} {}\n\n{PAGES}{}", meaning.en, remedy.en, kind.slug()).into();
    out["x-description-ar"] = format!("{} {}\n\n{PAGES}{}", meaning.ar, remedy.ar, kind.slug()).into();
    if let Some(sample) = samples(kind.slug()).first() {
        out["value"] = read(sample.answer.body.as_deref());
    }
    out
}

/// The name of an example: that of its sample, or `first`.
fn name(sample: &str) -> String {
    if sample.is_empty() { "first".to_owned() } else { sample.to_owned() }
}

fn read(body: Option<&str>) -> Value {
    body.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

impl Call {
    /// A parameter of the query, decoded.
    fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.replace("%20", " "))
    }
}

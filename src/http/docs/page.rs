//! The descriptions as a page: one language at a time, one file, no script.
//!
//! Every operation, schema and problem has an anchor of its own. Tables fall apart into blocks on a narrow screen; examples that are
//! closed on the screen are open on paper.

use askama::Template;

use super::operation::{Answer, Chapter, Described, Parameter, Place};
use super::problems::{meaning, remedy, title};
use super::prose::{code, link, rich};
use super::samples::{Call, Sample, samples};
use super::schema::{Field, Form, Named, Schema};
use super::words::{Words, words};
use crate::http::auth::Right;
use crate::http::error::Kind;
use crate::model::text::Language;

/// The style, which stands within every page.
pub const STYLE: &str = include_str!("templates/docs.css");

/// The whole page.
#[derive(Template)]
#[template(path = "docs.html", config = "src/http/docs/templates/askama.toml")]
struct Page {
    say: Say,
    style: &'static str,
    chapters: Vec<ChapterView>,
    schemas: Vec<SchemaView>,
    problems: Vec<ProblemView>,
}

/// The page of one kind of problem.
#[derive(Template)]
#[template(path = "problem.html", config = "src/http/docs/templates/askama.toml")]
struct ProblemPage {
    say: Say,
    style: &'static str,
    problem: ProblemView,
    others: Vec<ProblemView>,
}

struct ChapterView {
    slug: &'static str,
    title: &'static str,
    about: String,
    calls: Vec<CallView>,
}

struct CallView {
    id: &'static str,
    summary: &'static str,
    method: String,
    /// The path with its names marked, as HTML.
    marked: String,
    right: String,
    about: Vec<String>,
    parameters: Vec<ParameterView>,
    bodies: Vec<(String, String)>,
    answers: Vec<AnswerView>,
    refusals: Vec<RefusalView>,
    samples: Vec<SampleView>,
}

struct ParameterView {
    name: &'static str,
    place: &'static str,
    required: bool,
    ty: String,
    about: String,
}

struct AnswerView {
    status: u16,
    about: String,
    body: String,
    headers: Vec<(&'static str, String)>,
}

struct RefusalView {
    status: u16,
    slug: &'static str,
    about: String,
}

struct SampleView {
    title: String,
    open: bool,
    curl: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

struct SchemaView {
    name: &'static str,
    about: String,
    fields: Vec<FieldView>,
    closed: bool,
}

struct FieldView {
    name: &'static str,
    required: bool,
    ty: String,
    about: String,
}

struct ProblemView {
    slug: &'static str,
    urn: String,
    status: u16,
    title: &'static str,
    meaning: String,
    remedy: String,
    example: Option<String>,
}

/// The words of the page itself.
struct Say {
    language: Language,
}

macro_rules! say {
    ($($(#[$doc:meta])* $name:ident: $en:literal, $ar:literal;)*) => {
        impl Say {
            $($(#[$doc])* fn $name(&self) -> &'static str {
                words($en, $ar).get(self.language)
            })*
        }
    };
}

say! {
    brand: "Falaj", "فلج";
    title: "Falaj: the interface", "فلج: واجهة النظام";
    lead: "One accepted envelope, led durably to every agency that must act on it.", "مظروف واحد يُقبل فيُسلَّم بصورة موثوقة إلى كل جهة عليها أن تتصرف بناءً عليه.";
    skip: "To the content", "إلى المحتوى";
    contents: "Contents", "المحتويات";
    other_language: "العربية", "English";
    begin: "Before you begin", "قبل أن تبدأ";
    shapes: "Shapes", "أشكال البيانات";
    shapes_about: "What requests and answers are made of. A field may be added to an answer at any time: ignore what you do not know.", "مكوّنات الطلبات والردود. قد تُضاف حقول إلى الردود في أي وقت: تجاهل ما لا تعرفه.";
    problems: "Problems", "المشكلات";
    problems_about: "Every answer that is not success is a problem of RFC 9457. Programs decide by its type, people read its detail.", "كل رد غير ناجح هو مشكلة وفق RFC 9457. تعتمد البرامج على نوعها ويقرأ الأشخاص تفصيلها.";
    parameters: "Parameters", "المعاملات";
    body: "Body", "متن الطلب";
    answers: "Answers", "الردود";
    wrong: "What can go wrong", "ما قد يمنع التنفيذ";
    name: "Name", "الاسم";
    ty: "Type", "النوع";
    meaning: "Meaning", "المعنى";
    status: "Status", "الحالة";
    problem: "Problem", "المشكلة";
    media_type: "Media type", "نوع الوسائط";
    shape: "Shape", "الشكل";
    required: "required", "إلزامي";
    comma: ",", "،";
    optional: "may be absent", "قد لا يظهر";
    optional_asked: "optional", "اختياري";
    what_to_do: "What to do", "ما ينبغي فعله";
    for_example: "Example", "مثال";
    all_problems: "All problems", "جميع المشكلات";
    back: "The whole interface", "الواجهة كاملة";
    for_programs: "For programs", "للبرامج";
}

impl Say {
    fn tag(&self) -> &'static str {
        self.language.tag()
    }

    fn other_tag(&self) -> &'static str {
        match self.language {
            Language::English => Language::Arabic.tag(),
            Language::Arabic => Language::English.tag(),
        }
    }

    fn dir(&self) -> &'static str {
        match self.language {
            Language::English => "ltr",
            Language::Arabic => "rtl",
        }
    }

    /// What a caller knows before the first call.
    fn beginning(&self) -> Vec<String> {
        BEGINNING.iter().map(|about| rich(about.get(self.language))).collect()
    }
}

const BEGINNING: [Words; 5] = [
    words(
        "A key goes into the header `Authorization: Bearer <key>`. The examples take it from `FALAJ_KEY`, and the address from `FALAJ_URL`.",
        "يُرسل المفتاح في الترويسة `Authorization: Bearer <key>`. تأخذ الأمثلة المفتاح من `FALAJ_KEY` والعنوان من `FALAJ_URL`.",
    ),
    words(
        "Problems and pages speak the language that `Accept-Language` prefers; sentences within data stand in both: `text` and `text_ar`.",
        "تُكتب المشكلات والصفحات باللغة المفضّلة في `Accept-Language`، أما الجمل داخل البيانات فباللغتين معًا: `text` و`text_ar`.",
    ),
    words(
        "Instants are RFC 3339 in UTC with milliseconds. Durations have a unit: `250ms` `15s` `5m` `2h` `7d`. Ids are UUIDs in lower case.",
        "الأوقات وفق RFC 3339 بالتوقيت العالمي وبأجزاء الألف من الثانية. وللمدد وحدة: `250ms` `15s` `5m` `2h` `7d`. والمعرّفات UUID بأحرف صغيرة.",
    ),
    words(
        "Lists page: an answer with `cursor` has more; send the cursor back with the same query. An unknown or doubled parameter is refused.",
        "القوائم مقسّمة إلى صفحات: إذا تضمّن الرد `cursor` فهناك المزيد، فأعد إرساله مع الاستعلام نفسه. ويُرفض كل معامل غير معروف أو مكرر.",
    ),
    words(
        "After any doubt, repeat: the same envelope gets the same receipt, the same outcome is recorded once.",
        "عند أي شك أعد الإرسال: المظروف نفسه يحصل على الإيصال نفسه، والنتيجة نفسها لا تُسجَّل إلا مرة واحدة.",
    ),
];

/// Writes the page in one language.
pub fn write(calls: &[Described], language: Language) -> String {
    let mut named = Vec::new();
    gather(&super::schema::of(super::shapes::problem::problem), &mut named);
    let chapters = Chapter::ALL.into_iter().map(|chapter| {
        let own = calls.iter().filter(|call| call.operation.chapter == chapter);
        ChapterView {
            slug: chapter.slug(),
            title: chapter.title().get(language),
            about: rich(chapter.about().get(language)),
            calls: own.map(|call| call_view(call, language)).collect(),
        }
    });
    let chapters = chapters.filter(|chapter| !chapter.calls.is_empty()).collect();
    for call in calls {
        let operation = &call.operation;
        let bodies = operation.bodies.iter().map(|body| &body.schema);
        let answers = operation.answers.iter().flat_map(|answer| &answer.contents).map(|content| &content.schema);
        let events = operation.answers.iter().filter_map(|answer| answer.event.as_ref());
        bodies.chain(answers).chain(events).for_each(|schema| gather(schema, &mut named));
    }
    let page = Page {
        say: Say { language },
        style: STYLE,
        chapters,
        schemas: named.iter().map(|named| schema_view(named, language)).collect(),
        problems: Kind::ALL.into_iter().map(|kind| problem_view(kind, language)).collect(),
    };
    page.render().expect("writing to a text cannot fail")
}

/// Writes the page of one kind of problem.
pub fn write_problem(kind: Kind, language: Language) -> String {
    let others = Kind::ALL.into_iter().filter(|other| *other != kind);
    let page = ProblemPage {
        say: Say { language },
        style: STYLE,
        problem: problem_view(kind, language),
        others: others.map(|other| problem_view(other, language)).collect(),
    };
    page.render().expect("writing to a text cannot fail")
}

/// All named schemas below one, each once, in the order in which they are met.
fn gather(schema: &Schema, found: &mut Vec<Named>) {
    match &schema.form {
        Form::Plain => {}
        Form::List(of) => gather(of, found),
        Form::Either(of) => of.iter().for_each(|one| gather(one, found)),
        Form::Object { fields, .. } => fields.iter().for_each(|field| gather(&field.schema, found)),
        Form::Named(named) => {
            let named = named();
            if found.iter().all(|known| known.name != named.name) {
                found.push(named.clone());
                gather(&named.schema, found);
            }
        }
    }
}

fn call_view(call: &Described, language: Language) -> CallView {
    let operation = &call.operation;
    let refusals = call.problems().into_iter().flat_map(|(status, reasons)| {
        reasons.into_iter().map(move |(kind, why)| RefusalView {
            status,
            slug: kind.slug(),
            about: rich(why.unwrap_or_else(|| meaning(kind)).get(language)),
        })
    });
    CallView {
        id: operation.id,
        summary: operation.summary.get(language),
        method: call.method.to_string(),
        marked: call.path.replace('{', "<var>").replace('}', "</var>"),
        right: rich(call.right.says().get(language)),
        about: operation.about.iter().map(|about| rich(about.get(language))).collect(),
        parameters: operation.parameters.iter().map(|one| parameter_view(one, language)).collect(),
        bodies: operation.bodies.iter().map(|body| (code(body.media_type), brief(&body.schema, language))).collect(),
        answers: operation.answers.iter().map(|answer| answer_view(answer, language)).collect(),
        refusals: refusals.collect(),
        samples: samples(operation.id).iter().map(|sample| sample_view(call, sample, language)).collect(),
    }
}

fn parameter_view(parameter: &Parameter, language: Language) -> ParameterView {
    let place = match parameter.place {
        Place::Path => words("path", "المسار"),
        Place::Query => words("query", "الاستعلام"),
        Place::Header => words("header", "ترويسة"),
    };
    ParameterView {
        name: parameter.name,
        place: place.get(language),
        required: parameter.required,
        ty: brief(&parameter.schema, language),
        about: rich(parameter.about.get(language)),
    }
}

fn answer_view(answer: &Answer, language: Language) -> AnswerView {
    let body = answer.contents.iter().map(|content| match &answer.event {
        Some(event) => format!("{} {}", code(content.media_type), brief(event, language)),
        None if content.media_type == "application/json" => brief(&content.schema, language),
        None => code(content.media_type),
    });
    let body = body.collect::<Vec<_>>().join("<br>");
    let headers = answer.headers.iter().map(|(name, _, about)| (*name, rich(about.get(language))));
    AnswerView { status: answer.status, about: rich(answer.about.get(language)), body, headers: headers.collect() }
}

fn sample_view(call: &Described, sample: &Sample, language: Language) -> SampleView {
    let shows =
        call.operation.samples.iter().find(|(name, _)| *name == sample.name).map(|(_, shows)| shows.get(language));
    let shown = sample.answer.headers.iter().filter(|(name, _)| *name != "content-type");
    SampleView {
        title: shows.unwrap_or_else(|| call.operation.summary.get(language)).to_owned(),
        open: sample.name.is_empty(),
        curl: sample.call.curl(call.right != Right::Anyone),
        status: sample.answer.status,
        headers: shown.map(|(name, value)| (name.clone(), value.clone())).collect(),
        body: sample.answer.body.clone(),
    }
}

fn schema_view(named: &Named, language: Language) -> SchemaView {
    let (fields, closed) = match &named.schema.form {
        Form::Object { fields, closed } => (fields.as_slice(), *closed),
        _ => (&[][..], false),
    };
    let view = |field: &Field| FieldView {
        name: field.name,
        required: field.required,
        ty: brief(&field.schema, language),
        about: rich(field.about.get(language)),
    };
    SchemaView {
        name: named.name,
        about: rich(named.about.get(language)),
        fields: fields.iter().map(view).collect(),
        closed,
    }
}

fn problem_view(kind: Kind, language: Language) -> ProblemView {
    ProblemView {
        slug: kind.slug(),
        urn: kind.urn(),
        status: kind.status().as_u16(),
        title: title(kind).get(language),
        meaning: rich(meaning(kind).get(language)),
        remedy: rich(remedy(kind).get(language)),
        example: samples(kind.slug()).first().and_then(|sample| sample.answer.body.clone()),
    }
}

/// A schema in a few words, as HTML.
fn brief(schema: &Schema, language: Language) -> String {
    let mut out = match &schema.form {
        Form::Named(named) => {
            let name = named().name;
            link(&format!("#schema-{name}"), name)
        }
        Form::List(of) => format!("{} {}", words("list of", "قائمة من").get(language), brief(of, language)),
        Form::Either(of) => {
            let or = format!(" {} ", words("or", "أو").get(language));
            of.iter().map(|one| brief(one, language)).collect::<Vec<_>>().join(&or)
        }
        Form::Object { fields, .. } => {
            let names: Vec<String> = fields
                .iter()
                .map(|field| format!("{}: {}", code(field.name), brief(&field.schema, language)))
                .collect();
            format!("{{ {} }}", names.join(", "))
        }
        Form::Plain => plain(schema, language),
    };
    let mut bound = |keyword: &str, said: Words| {
        if let Some(value) = schema.keywords.get(keyword) {
            out.push_str(&format!(" <span class=\"bound\">{} {}</span>", said.get(language), code(&value.to_string())));
        }
    };
    bound("maxLength", words("characters, at most:", "أقصى عدد للمحارف:"));
    bound("maxItems", words("items, at most:", "أقصى عدد للعناصر:"));
    bound("default", words("default:", "القيمة الافتراضية:"));
    out
}

fn plain(schema: &Schema, language: Language) -> String {
    let get = |keyword: &str| schema.keywords.get(keyword);
    if let Some(value) = get("const") {
        return code(&value.to_string());
    }
    if let Some(values) = get("enum").and_then(|values| values.as_array()) {
        let values = values.iter().map(|value| code(value.as_str().unwrap_or_default()));
        return values.collect::<Vec<_>>().join(" ");
    }
    let Some(ty) = get("type").and_then(|ty| ty.as_str()) else {
        return words("any JSON", "أي قيمة JSON").get(language).to_owned();
    };
    let mut out = code(ty);
    for keyword in ["format", "pattern"] {
        if let Some(value) = get(keyword).and_then(|value| value.as_str()) {
            out.push(' ');
            out.push_str(&code(value));
        }
    }
    if ty == "integer" {
        match (get("minimum"), get("maximum")) {
            (Some(min), Some(max)) => out.push_str(&format!(" <bdi dir=\"ltr\">{min}–{max}</bdi>")),
            (Some(min), None) if min != 0 => out.push_str(&format!(" <bdi dir=\"ltr\">≥ {min}</bdi>")),
            _ => {}
        }
    }
    out
}

impl Call {
    /// The call as a line for a shell.
    fn curl(&self, with_key: bool) -> String {
        let mut parts = vec!["curl".to_owned()];
        if self.headers.get("accept").is_some_and(|accept| accept == "text/event-stream") {
            parts[0].push_str(" -N");
        }
        if !matches!(self.method.as_str(), "GET" | "POST") {
            parts[0].push_str(&format!(" -X {}", self.method));
        }
        parts[0].push_str(&format!(" \"$FALAJ_URL{}\"", self.target));
        if with_key {
            parts.push("-H \"Authorization: Bearer $FALAJ_KEY\"".to_owned());
        }
        parts.extend(self.headers.iter().map(|(name, value)| format!("-H \"{name}: {}\"", value.replace('"', "\\\""))));
        if let Some(body) = &self.body {
            parts.push(format!("--data-binary '{}'", body.replace('\'', "'\\''")));
        }
        parts.join(" \\\n  ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::{list, text, whole};
    use super::*;

    #[test]
    fn a_call_can_be_pasted_into_a_shell() {
        let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
        let call = Call {
            method: "POST".to_owned(),
            target: "/v1/x?y=1".to_owned(),
            headers,
            body: Some("{\"it\": \"isn't\"}".to_owned()),
        };
        let expected = "curl \"$FALAJ_URL/v1/x?y=1\" \\\n  -H \"Authorization: Bearer $FALAJ_KEY\" \\\n  \
                        -H \"content-type: application/json\" \\\n  --data-binary '{\"it\": \"isn'\\''t\"}'";
        assert_eq!(call.curl(true), expected);
    }

    #[test]
    fn a_schema_is_told_in_a_few_words() {
        let told = |schema: &Schema| brief(schema, Language::English);
        assert!(told(&whole().between(1, 9)).contains("1–9"));
        assert!(told(&list(text()).items_max(3)).starts_with("list of <code"));
        assert!(told(&text().with("pattern", "<x>")).contains("&lt;x&gt;"));
        assert!(told(&super::super::schema::of(super::super::shapes::problem::problem)).contains("#schema-Problem"));
    }
}

//! Every answer that is not success: RFC 9457 problems, in the reader's language.
//!
//! P1: a status stands in one table, [`Kind::row`]. P2: no internal detail: causes go to the log. P3: no value of an envelope:
//! names, pointers, limits and what the caller itself may know. P4: a problem is written once, by [`super::observe`], which knows
//! the language and the path; handlers only say what went wrong.

use axum::body::Body;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, LINK, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::model::text::{Bilingual, Language};

mod refusal;

/// Where the pages that explain problems stand.
pub const PAGES: &str = "/docs/problems/";

/// The kinds of problem, one per row of the status table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request itself is wrong: its query, its body's shape.
    BadRequest,
    /// The body is no CloudEvent as Falaj takes it.
    BadEvent,
    /// No key, or one that is not known.
    NoKey,
    /// The key's holder may not do this.
    NotAllowed,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The path is right and the method is not.
    Method,
    /// The body did not arrive in time.
    Timeout,
    /// Another content has the envelope's identity.
    Clash,
    /// The state of a thing does not allow it.
    Conflict,
    /// A delivery is being sent or is under a lease.
    InFlight,
    /// The body is over a limit.
    TooLarge,
    /// The body has a media type that is not taken here.
    MediaType,
    /// The event does not satisfy its schema, or has none.
    Schema,
    /// Something failed here.
    Internal,
    /// Not now; try again.
    Unavailable,
}

/// A row of the status table.
struct Row {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    title_ar: &'static str,
}

impl Kind {
    /// Every kind, for tests and documents.
    pub const ALL: [Self; 15] = [
        Self::BadRequest,
        Self::BadEvent,
        Self::NoKey,
        Self::NotAllowed,
        Self::NotFound,
        Self::Method,
        Self::Timeout,
        Self::Clash,
        Self::Conflict,
        Self::InFlight,
        Self::TooLarge,
        Self::MediaType,
        Self::Schema,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The status table (P1).
    fn row(self) -> Row {
        let (status, slug, title, title_ar) = match self {
            Self::BadRequest => (400, "bad-request", "The request is not valid", "الطلب غير صالح"),
            Self::BadEvent => (400, "bad-event", "Not a valid CloudEvent", "ليس حدث CloudEvents صالحًا"),
            Self::NoKey => (401, "no-key", "A valid key is required", "يلزم مفتاح صالح"),
            Self::NotAllowed => (403, "not-allowed", "Not allowed", "غير مسموح"),
            Self::NotFound => (404, "not-found", "Not found", "غير موجود"),
            Self::Method => (405, "method-not-allowed", "Method not allowed", "طريقة الطلب غير مسموحة"),
            Self::Timeout => (408, "timeout", "The request took too long", "استغرق الطلب وقتًا أطول من المسموح"),
            Self::Clash => (409, "clash", "The identity has another content", "المعرّف مستخدم لمحتوى آخر"),
            Self::Conflict => (409, "conflict", "Not possible in this state", "غير ممكن في الحالة الراهنة"),
            Self::InFlight => (409, "in-flight", "The delivery is under way", "عملية التسليم جارية"),
            Self::TooLarge => (413, "too-large", "Too large", "الحجم أكبر من المسموح"),
            Self::MediaType => (415, "media-type", "Unsupported media type", "نوع الوسائط غير مدعوم"),
            Self::Schema => (422, "schema", "The data does not satisfy its schema", "البيانات لا تطابق المخطط"),
            Self::Internal => (500, "internal", "Something failed here", "حدث خطأ داخلي"),
            Self::Unavailable => (503, "unavailable", "Not available now", "غير متاح حاليًا"),
        };
        Row { status: StatusCode::from_u16(status).expect("the table has legal statuses"), slug, title, title_ar }
    }

    /// Its HTTP status.
    pub fn status(self) -> StatusCode {
        self.row().status
    }

    /// Its name: the end of its `type` and of the path of its page.
    pub fn slug(self) -> &'static str {
        self.row().slug
    }

    /// What it is, in one language.
    pub fn title(self, language: Language) -> &'static str {
        let row = self.row();
        match language {
            Language::English => row.title,
            Language::Arabic => row.title_ar,
        }
    }

    /// Its `type`.
    pub fn urn(self) -> String {
        format!("urn:falaj:problem:{}", self.slug())
    }
}

/// One thing that is wrong, of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON Pointer relative to the envelope in structured form; `?name` for a query parameter.
    pub pointer: String,
    /// A stable word: the keyword of JSON Schema, or one of ours.
    pub keyword: String,
    /// One English sentence.
    pub message: String,
    /// The same in Arabic.
    pub message_ar: String,
}

impl Fault {
    /// A fault in both languages.
    pub fn new(pointer: &str, keyword: &str, message: impl Into<String>, message_ar: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            keyword: keyword.to_owned(),
            message: message.into(),
            message_ar: message_ar.into(),
        }
    }
}

/// What went wrong, before it is known in which language it is told.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Bilingual,
    errors: Vec<Fault>,
    retry_after_s: Option<u32>,
    key_presented: bool,
}

/// What a body or a query should have looked like: one sentence in English, one in Arabic.
#[derive(Debug, Clone, Copy)]
pub struct Shape(pub &'static str, pub &'static str);

/// A problem as it stands in an answer.
#[derive(Debug, Serialize)]
pub struct Written<'a> {
    #[serde(rename = "type")]
    ty: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
}

impl Problem {
    /// A problem of a kind, with one sentence in both languages.
    pub fn new(kind: Kind, detail: impl Into<String>, detail_ar: impl Into<String>) -> Self {
        let detail = Bilingual::new(detail, detail_ar);
        Self { kind, detail, errors: Vec::new(), retry_after_s: None, key_presented: false }
    }

    /// Adds what is wrong in detail.
    pub fn errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    /// Says when to try again, in seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// No key, or one that is not known.
    pub fn no_key(key_presented: bool) -> Self {
        let problem = Self::new(
            Kind::NoKey,
            "Send a key of this Falaj as `Authorization: Bearer <key>`.",
            "أرسل مفتاحًا معتمدًا لدى هذا النظام في الترويسة `Authorization: Bearer <key>`.",
        );
        Self { key_presented, ..problem }
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "There is nothing here that you may see.", "لا يوجد هنا ما يمكنك الاطلاع عليه.")
    }

    /// Something failed here; the log knows what.
    pub fn internal() -> Self {
        Self::new(Kind::Internal, "The failure was recorded.", "سُجّل الخطأ.")
    }

    /// A body over the limit.
    pub fn too_large(bytes_max: usize) -> Self {
        Self::new(
            Kind::TooLarge,
            format!("The body may have at most {bytes_max} bytes."),
            format!("يجب ألّا يزيد متن الطلب على {bytes_max} بايت."),
        )
    }

    /// A body or a query of another shape; `expected` says the right one.
    pub fn shape(expected: Shape) -> Self {
        Self::new(Kind::BadRequest, expected.0, expected.1)
    }

    /// Fields of a command's body that are wrong.
    pub fn fields(faults: Vec<Fault>) -> Self {
        Self::new(
            Kind::BadRequest,
            "Fields of the body are wrong; every one is listed.",
            "بعض حقول الطلب غير صحيحة، وجميعها مذكورة أدناه.",
        )
        .errors(faults)
    }

    /// The state of a thing does not allow it.
    pub fn conflict(detail: impl Into<String>, detail_ar: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail, detail_ar)
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What went wrong, in one language.
    pub fn detail(&self, language: Language) -> &str {
        self.detail.get(language)
    }

    /// What is wrong in detail.
    pub fn faults(&self) -> &[Fault] {
        &self.errors
    }

    /// When to try again, in seconds.
    pub fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }

    /// Where the wrong fields are.
    pub fn pointers(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().map(|fault| fault.pointer.as_str())
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The problem in one language.
    pub fn written<'a>(&'a self, language: Language, instance: Option<&'a str>) -> Written<'a> {
        Written {
            ty: self.kind.urn(),
            title: self.kind.title(language),
            status: self.status().as_u16(),
            detail: self.detail.get(language),
            instance,
            errors: &self.errors,
        }
    }

    /// Writes the problem into the response that carries it (P4).
    pub(super) fn write(&self, response: &mut Response, language: Language, instance: &str) {
        let body = serde_json::to_vec(&self.written(language, Some(instance))).expect("a problem is plain JSON");
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        self.add_headers(headers);
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        // The `type` names and leads nowhere, so that it is the same on every Falaj; the way to its explanation stands beside it.
        let page = format!("<{PAGES}{}>; rel=\"help\"", self.kind.slug());
        headers.insert(LINK, HeaderValue::try_from(page).expect("a path of plain words is a legal header value"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::NoKey {
            let challenge = match self.key_presented {
                true => r#"Bearer realm="falaj", error="invalid_token""#,
                false => r#"Bearer realm="falaj""#,
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_row_of_its_own_in_both_languages() {
        let mut urns: Vec<_> = Kind::ALL.iter().map(|kind| kind.urn()).collect();
        urns.sort();
        urns.dedup();
        assert_eq!(urns.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let row = kind.row();
            assert!(row.status.is_client_error() || row.status.is_server_error());
            assert!(row.title.is_ascii() && !row.title_ar.is_ascii());
        }
    }

    #[test]
    fn a_problem_is_told_in_the_readers_language() {
        let problem = Problem::new(Kind::Unavailable, "Later.", "لاحقًا.").retry_after(7);
        let mut response = problem.clone().into_response();
        problem.write(&mut response, Language::Arabic, "/v1/x");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
        assert_eq!(response.headers()[CONTENT_LANGUAGE], "ar");
        let written = serde_json::to_value(problem.written(Language::Arabic, None)).unwrap();
        assert_eq!(written["detail"], "لاحقًا.");
        assert_eq!(written["title"], "غير متاح حاليًا");
    }
}

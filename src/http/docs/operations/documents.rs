//! The documents themselves.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{Schema, anything, text, word};
use super::super::shapes::scalar;
use super::super::words::{Words, words};
use crate::http::error::Kind;

fn tag() -> (Schema, Words) {
    (text(), words("Names this version of the document.", "يعرّف هذه النسخة من الوثيقة."))
}

fn cached(operation: Operation) -> Operation {
    let (schema, about) = tag();
    operation
        .carries("ETag", schema.clone(), about)
        .answers_nothing(304, words("You have it already (`If-None-Match`).", "لديك النسخة نفسها (`If-None-Match`)."))
        .carries("ETag", schema, about)
        .header("if-none-match", text(), words("The `ETag` that you have.", "قيمة `ETag` التي لديك."))
}

fn in_a_language(operation: Operation) -> Operation {
    operation.query(
        "lang",
        word(["en", "ar"]),
        words("The language; else `Accept-Language` decides.", "اللغة، وإلا فيحددها `Accept-Language`."),
    )
}

/// `GET /openapi.json`
pub fn openapi() -> Operation {
    cached(
        Operation::new("getOpenApi", Chapter::Documents, words("This description for programs", "هذا الوصف للبرامج"))
            .about(words("OpenAPI 3.1.", "OpenAPI 3.1."))
            .answers(200, words("The document.", "الوثيقة."), anything().with("type", "object")),
    )
}

/// `GET /docs`
pub fn page() -> Operation {
    cached(
        in_a_language(Operation::new(
            "readDocs",
            Chapter::Documents,
            words("This description for people", "هذا الوصف للأشخاص"),
        ))
        .answers_as("text/html; charset=utf-8", 200, words("The page.", "الصفحة."), text()),
    )
}

/// `GET /docs/problems/{name}`
pub fn problem() -> Operation {
    cached(
        in_a_language(Operation::new(
            "readProblem",
            Chapter::Documents,
            words("What a problem means and what to do", "معنى المشكلة وما ينبغي فعله"),
        ))
        .path(
            "name",
            word(Kind::ALL.iter().map(|kind| kind.slug())),
            words("The last part of the problem's `type`.", "الجزء الأخير من `type` الخاص بالمشكلة."),
        )
        .answers_as("text/html; charset=utf-8", 200, words("The page.", "الصفحة."), text()),
    )
}

/// `GET /asyncapi.json`
pub fn asyncapi() -> Operation {
    cached(
        Operation::new("getAsyncApi", Chapter::Documents, words("What each agency receives", "ما تستلمه كل جهة"))
            .about(words(
                "AsyncAPI 3.0, written from the deployment in force: a channel for each agency, a message for each type that it \
                 subscribes to, with the fields that it sees and no others. An agency sees its own.",
                "AsyncAPI 3.0 مُعدّة من الإعدادات السارية: قناة لكل جهة، ورسالة لكل نوع اشتركت فيه بالحقول التي يحق لها رؤيتها دون غيرها. \
                 ولا ترى الجهة إلا ما يخصها.",
            ))
            .query("agency", scalar::agency(), words("This agency alone.", "هذه الجهة وحدها."))
            .answers(200, words("The document.", "الوثيقة."), anything().with("type", "object")),
    )
    .fails(Kind::NotFound, words("There is no such agency, or it is not yours.", "لا توجد هذه الجهة أو أنها ليست جهتك."))
}

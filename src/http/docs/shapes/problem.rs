//! What is answered where something is wrong.

use super::super::schema::{Named, list, object, of, text, word};
use super::super::words::words;
use crate::http::error::Kind;

/// A problem of RFC 9457.
pub fn problem() -> Named {
    let urns: Vec<String> = Kind::ALL.iter().map(|kind| kind.urn()).collect();
    let statuses: Vec<u16> = Kind::ALL.iter().map(|kind| kind.status().as_u16()).collect();
    let (least, greatest) = (statuses.iter().min().copied(), statuses.iter().max().copied());
    let schema = object()
        .has(
            "type",
            word(urns.iter().map(String::as_str)),
            words("Which kind; programs decide by it.", "نوع المشكلة، وعليه تعتمد البرامج."),
        )
        .has("title", text(), words("The kind in a few words.", "النوع في كلمات قليلة."))
        .has(
            "status",
            super::super::schema::whole()
                .between(u64::from(least.unwrap_or_default()), u64::from(greatest.unwrap_or_default())),
            words("The HTTP status.", "حالة HTTP."),
        )
        .has("detail", text(), words("What happened, in one or two sentences.", "ما حدث في جملة أو جملتين."))
        .may(
            "instance",
            text(),
            words("The path that was asked; absent within a batch.", "المسار المطلوب، ولا يظهر ضمن الدفعة."),
        )
        .may("errors", list(of(fault)), words("Everything that is wrong, at once.", "جميع الأخطاء دفعة واحدة."));
    let about = words(
        "A problem of RFC 9457. `title` and `detail` are in the language that `Accept-Language` prefers.",
        "مشكلة وفق RFC 9457. يُكتب `title` و`detail` باللغة المفضّلة في `Accept-Language`.",
    );
    Named { name: "Problem", about, schema }
}

fn fault() -> Named {
    let schema = object()
        .has(
            "pointer",
            text(),
            words(
                "JSON Pointer into the envelope in structured form or into the body; `?name` for a parameter of the query.",
                "مؤشر JSON داخل المظروف بصيغته المهيكلة أو داخل متن الطلب؛ و`?name` لمعامل استعلام.",
            ),
        )
        .has(
            "keyword",
            text(),
            words("A word that never changes: a keyword of JSON Schema, or one of ours.", "كلمة ثابتة: من كلمات JSON Schema أو من كلماتنا."),
        )
        .has("message", text(), words("One English sentence.", "جملة بالإنجليزية."))
        .has("message_ar", text(), words("The same in Arabic.", "الجملة نفسها بالعربية."));
    let about = words(
        "One thing that is wrong. It names the place and never repeats a value.",
        "خطأ واحد. يذكر الموضع ولا يكرر القيمة أبدًا.",
    );
    Named { name: "Fault", about, schema }
}

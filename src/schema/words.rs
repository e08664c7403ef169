//! The words of JSON in both languages.

use jsonschema::JsonType;

use crate::model::text::Bilingual;

/// A type with its article.
pub(super) fn json_type(ty: JsonType) -> (&'static str, &'static str) {
    match ty {
        JsonType::Array => ("a list", "قائمة"),
        JsonType::Boolean => ("true or false", "true أو false"),
        JsonType::Integer => ("a whole number", "عددًا صحيحًا"),
        JsonType::Null => ("null", "فارغة (null)"),
        JsonType::Number => ("a number", "عددًا"),
        JsonType::Object => ("an object", "كائنًا"),
        JsonType::String => ("text", "نصًّا"),
    }
}

/// A count with its noun.
pub(super) fn count(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What a format asks for, with an example.
pub(super) fn format(format: &str) -> Bilingual {
    let (en, ar) = match format {
        "date" => ("a date such as 2000-09-03", "تاريخًا مثل 2000-09-03"),
        "time" => ("a time with its offset, such as 07:30:00+03:00", "وقتًا مع فرق التوقيت مثل 07:30:00+03:00"),
        "date-time" => (
            "a date and time with its offset, such as 2000-09-03T07:30:00+03:00",
            "تاريخًا ووقتًا مع فرق التوقيت مثل 2000-09-03T07:30:00+03:00",
        ),
        "duration" => ("a duration such as P1M or PT2H", "مدة مثل P1M أو PT2H"),
        "email" | "idn-email" => ("an e-mail address", "عنوان بريد إلكتروني"),
        "hostname" | "idn-hostname" => ("a host name", "اسم مضيف"),
        "ipv4" => ("an IPv4 address", "عنوان IPv4"),
        "ipv6" => ("an IPv6 address", "عنوان IPv6"),
        "uri" | "iri" => ("a full web address (URI) with its scheme", "عنوانًا كاملًا (URI) مع المخطط"),
        "uri-reference" | "iri-reference" => ("a URI or a relative reference", "عنوانًا (URI) أو مرجعًا نسبيًّا"),
        "uri-template" => ("a URI template", "قالب عنوان (URI)"),
        "uuid" => ("a UUID with its hyphens", "معرّفًا فريدًا (UUID) بشرطاته"),
        "json-pointer" | "relative-json-pointer" => ("a JSON Pointer", "مؤشر JSON"),
        "regex" => ("a regular expression", "تعبيرًا نمطيًّا"),
        other => {
            return Bilingual::new(
                format!("Must have the format {other}."),
                format!("يجب أن يكون النص بصيغة {other}."),
            );
        }
    };
    Bilingual::new(format!("Must be {en}."), format!("يجب أن تكون القيمة {ar}."))
}

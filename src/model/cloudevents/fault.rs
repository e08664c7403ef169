//! What can be wrong with an event, said in both languages and without a value of it.

use crate::model::json::JsonFault;

/// Why bytes are no envelope. Never repeats a value of the envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// The body is not JSON as Falaj takes it.
    #[error("the body is not acceptable JSON: {0}")]
    Json(#[from] JsonFault),
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Attributes that are missing, of the wrong type or shape; all of them at once.
    #[error("{} of the event's attributes are wrong", .0.len())]
    Attributes(Vec<AttributeFault>),
    /// More attributes than allowed.
    #[error("the event has more than {max} attributes")]
    TooManyAttributes {
        /// The limit.
        max: usize,
    },
    /// The event is no JSON object.
    #[error("an event is a JSON object")]
    NotAnObject,
    /// A batch is no JSON array.
    #[error("a batch is a JSON array of events")]
    NotAnArray,
    /// More events than a batch may have.
    #[error("the batch has more than {max} envelopes")]
    BatchTooLong {
        /// The limit.
        max: usize,
    },
    /// `data` is missing.
    #[error("the event has no data")]
    NoData,
    /// The data of a binary-mode event came with a media type that is not JSON.
    #[error("data must be JSON")]
    DataNotJson,
}

/// One wrong attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeFault {
    /// JSON Pointer relative to the envelope in structured form: `/subject`.
    pub pointer: String,
    /// What is wrong, as a stable word: `required`, `type`, `format`, `name`, `maxLength`, `minLength`, `const`.
    pub keyword: &'static str,
    /// One English sentence without the value.
    pub message: String,
    /// The same in Arabic.
    pub message_ar: String,
}

/// Characters of an illegal name that a pointer shows.
const NAME_SHOWN_CHARS: usize = 40;

impl AttributeFault {
    fn new(name: &str, keyword: &'static str, message: String, message_ar: String) -> Self {
        Self { pointer: pointer(name), keyword, message, message_ar }
    }

    /// A required attribute is not there.
    pub(super) fn required(name: &str) -> Self {
        Self::new(name, "required", format!("`{name}` is required."), format!("السمة «{name}» مطلوبة."))
    }

    /// Something else than a string.
    pub(super) fn not_text(name: &str) -> Self {
        Self::new(name, "type", format!("`{name}` must be a string."), format!("يجب أن تكون السمة «{name}» نصًا."))
    }

    /// A number with a fraction or beyond 32 bits, an array or an object.
    pub(super) fn not_simple(name: &str) -> Self {
        Self::new(
            name,
            "type",
            format!("`{name}` must be a string, a boolean or an integer of 32 bits."),
            format!("يجب أن تكون السمة «{name}» نصًا أو قيمة منطقية أو عددًا صحيحًا لا يتجاوز 32 بت."),
        )
    }

    /// Another `specversion`.
    pub(super) fn specversion() -> Self {
        Self::new(
            "specversion",
            "const",
            "`specversion` must be the string \"1.0\".".to_owned(),
            "يجب أن تكون السمة «specversion» النص \"1.0\".".to_owned(),
        )
    }

    /// An empty value.
    pub(super) fn empty(name: &str) -> Self {
        Self::new(
            name,
            "minLength",
            format!("`{name}` must not be empty."),
            format!("يجب ألّا تكون السمة «{name}» فارغة."),
        )
    }

    /// A value over the limit.
    pub(super) fn too_long(name: &str, bytes_max: usize) -> Self {
        Self::new(
            name,
            "maxLength",
            format!("`{name}` must have at most {bytes_max} bytes."),
            format!("يجب ألّا تزيد السمة «{name}» على {bytes_max} بايت."),
        )
    }

    /// A control character or a code point that is no character.
    pub(super) fn characters(name: &str) -> Self {
        Self::new(
            name,
            "format",
            format!("`{name}` must not contain control characters or noncharacters."),
            format!("يجب ألّا تحتوي السمة «{name}» على محارف تحكم أو رموز ليست محارف."),
        )
    }

    /// A value of another shape; `what` completes "must be".
    pub(super) fn format(name: &str, what: &str, what_ar: &str) -> Self {
        Self::new(name, "format", format!("`{name}` must be {what}."), format!("يجب أن تكون السمة «{name}» {what_ar}."))
    }

    /// A header value that cannot be decoded.
    pub(super) fn encoding(name: &str) -> Self {
        Self::new(
            name,
            "format",
            format!("The header `ce-{name}` must be percent-encoded UTF-8."),
            format!("يجب أن تكون قيمة الترويسة «ce-{name}» بترميز UTF-8 مع ترميز النسبة المئوية."),
        )
    }

    /// An illegal attribute name. The name stands in the pointer alone, shortened.
    pub(super) fn name(name: &str, chars_max: usize) -> Self {
        Self::new(
            name,
            "name",
            format!("An attribute's name is 1 to {chars_max} of a-z and 0-9."),
            format!("يتكوّن اسم السمة من 1 إلى {chars_max} من الحروف a-z والأرقام 0-9."),
        )
    }

    /// An attribute that came twice.
    pub(super) fn doubled(name: &str) -> Self {
        Self::new(name, "name", format!("`{name}` is given twice."), format!("وردت السمة «{name}» مرتين."))
    }

    /// `data_base64`.
    pub(super) fn base64() -> Self {
        Self::new(
            "data_base64",
            "name",
            "Data must be JSON in `data`; `data_base64` is not taken.".to_owned(),
            "يجب أن تكون البيانات بصيغة JSON في «data»، ولا يُقبل «data_base64».".to_owned(),
        )
    }

    /// `ce-datacontenttype`, or `ce-data`.
    pub(super) fn not_a_header(name: &str) -> Self {
        Self::new(
            name,
            "name",
            format!("In binary mode `{name}` is no header of its own: it travels as `Content-Type` and body."),
            format!("في النمط الثنائي لا تُرسل «{name}» في ترويسة مستقلة، بل عبر «Content-Type» ومتن الطلب."),
        )
    }
}

fn pointer(name: &str) -> String {
    let mut pointer = String::with_capacity(name.len().min(NAME_SHOWN_CHARS) + 1);
    pointer.push('/');
    for (count, c) in name.chars().enumerate() {
        match c {
            _ if count == NAME_SHOWN_CHARS => {
                pointer.push('…');
                break;
            }
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c if c.is_control() => pointer.push('\u{fffd}'),
            c => pointer.push(c),
        }
    }
    pointer
}

//! What is wrong with an envelope, said to its sender in both languages.
//!
//! R1: no value of the envelope is repeated, and no name of a member either unless it is a plain word or the schema's own. R2: a
//! sentence says what is expected; limits and allowed names come from the schema. R3: a pointer leads to the place that must be
//! mended: for a missing member, to where it should be.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::library::{Library, Node, is_plain, split};
use super::source::push_token;
use super::words;
use crate::model::text::Bilingual;

/// The most violations reported for one envelope; one more says that there are more.
pub const VIOLATIONS_MAX: usize = 100;
/// The most names or choices listed in one sentence.
const LISTED_MAX: usize = 20;
/// The longest list of choices, in characters.
const LISTED_CHARS_MAX: usize = 400;

/// One thing that is wrong with an envelope; never repeats a value of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON Pointer relative to the envelope in structured form: `/data/address/zone`, `/subject`.
    pub pointer: String,
    /// The JSON Schema keyword, or a stable word of ours.
    pub keyword: String,
    /// In both languages.
    pub message: Bilingual,
}

/// Gathers violations up to the bound.
pub(super) struct Report<'a> {
    library: &'a Library,
    found: Vec<Violation>,
}

impl<'a> Report<'a> {
    pub(super) fn new(library: &'a Library) -> Self {
        Self { library, found: Vec::new() }
    }

    /// The list, with a last entry where it was cut.
    pub(super) fn finish(mut self) -> Vec<Violation> {
        if self.found.len() > VIOLATIONS_MAX {
            self.found.truncate(VIOLATIONS_MAX);
            self.found.push(Violation {
                pointer: String::new(),
                keyword: "more".to_owned(),
                message: Bilingual::new(
                    format!("There are more errors; the first {VIOLATIONS_MAX} are listed."),
                    format!("هناك أخطاء أخرى، والمذكور هنا أول {VIOLATIONS_MAX} خطأ."),
                ),
            });
        }
        self.found
    }

    fn push(&mut self, pointer: String, keyword: &str, message: Bilingual) {
        self.found.push(Violation { pointer, keyword: keyword.to_owned(), message });
    }

    pub(super) fn subject_missing(&mut self) {
        let message = Bilingual::new(
            "An envelope of this type must have a subject.",
            "يجب أن يحمل المظروف من هذا النوع السمة «subject».",
        );
        self.push("/subject".to_owned(), "required", message);
    }

    pub(super) fn extension_not_allowed(&mut self, name: &str, allowed: &[String]) {
        let (en, ar) = match names(allowed.iter().map(String::as_str)) {
            list if list.is_empty() => ("none is allowed".to_owned(), "ولا يُسمح بأي سمة إضافية".to_owned()),
            list => (format!("allowed are: {list}"), format!("والمسموح به: {list}")),
        };
        let message = Bilingual::new(
            format!("Envelopes of this type do not carry this extension; {en}."),
            format!("لا يحمل المظروف من هذا النوع هذه السمة الإضافية، {ar}."),
        );
        self.push(format!("/{name}"), "extensions", message);
    }

    pub(super) fn data_cannot_be_checked(&mut self) {
        let message = Bilingual::new(
            "The data cannot be checked: a number is beyond 1.8e308, or it is nested deeper than 127 levels.",
            "تعذر التحقق من البيانات: فيها عدد يتجاوز 1.8e308 أو تداخل يتجاوز 127 مستوى.",
        );
        self.push("/data".to_owned(), "data", message);
    }

    /// Translates what the validator found in the data.
    pub(super) fn data<'i>(&mut self, data: &Value, errors: impl Iterator<Item = ValidationError<'i>>) {
        for error in errors {
            if self.found.len() > VIOLATIONS_MAX {
                return;
            }
            let violation = self.violation(data, &error);
            if !self.found.contains(&violation) {
                self.found.push(violation);
            }
        }
    }

    fn violation(&self, data: &Value, error: &ValidationError<'_>) -> Violation {
        let path = error.instance_path().as_str();
        let mut pointer = self.pointer(data, path);
        let mut keyword = error.kind().keyword();
        let mut message = None;
        match error.kind() {
            ValidationErrorKind::Required { property: Value::String(name) } => push_token(&mut pointer, name),
            ValidationErrorKind::AdditionalItems { .. } => keyword = "items",
            // `false` has no keyword of its own: the one it stands under says what it means.
            ValidationErrorKind::FalseSchema => match error.schema_path().as_str().rsplit('/').next() {
                Some(under @ ("additionalProperties" | "unevaluatedProperties" | "patternProperties")) => {
                    let (parent, token) = path.rsplit_once('/').unwrap_or(("", path));
                    (pointer, keyword) = (self.pointer(data, parent), under);
                    message = Some(self.unexpected(error, &[unescape(token)]));
                }
                Some(under @ ("items" | "unevaluatedItems")) => {
                    keyword = under;
                    let ar = "لا يُسمح بمزيد من العناصر في القائمة.";
                    message = Some(Bilingual::new("No further item may stand in this list.", ar));
                }
                _ => keyword = "false",
            },
            _ => {}
        }
        let message = message.unwrap_or_else(|| self.message(error));
        Violation { pointer, keyword: keyword.to_owned(), message }
    }

    /// The place in the envelope; it ends early at a name that nobody but the sender wrote (R1).
    fn pointer(&self, data: &Value, path: &str) -> String {
        let mut pointer = "/data".to_owned();
        let mut here = Some(data);
        for token in path.split('/').skip(1) {
            let name = unescape(token);
            here = match here {
                Some(Value::Array(items)) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
                Some(Value::Object(members)) if is_plain(&name) || self.library.odd_names.contains(&name) => {
                    members.get(&name)
                }
                _ => return pointer,
            };
            pointer.push('/');
            pointer.push_str(token);
        }
        pointer
    }

    fn message(&self, error: &ValidationError<'_>) -> Bilingual {
        use ValidationErrorKind as Kind;
        match error.kind() {
            Kind::Required { .. } => Bilingual::new("This field is required.", "هذا الحقل مطلوب."),
            Kind::Type { kind } => expected_type(kind),
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                self.unexpected(error, unexpected)
            }
            Kind::Enum { options } => {
                let list = choices(options.as_array().map_or(&[][..], Vec::as_slice));
                Bilingual::new(
                    format!("Must be one of: {list}."),
                    format!("يجب أن تكون القيمة إحدى القيم الآتية: {list}."),
                )
            }
            Kind::Constant { expected_value } => {
                let value = choices(std::slice::from_ref(expected_value));
                Bilingual::new(format!("Must be {value}."), format!("يجب أن تكون القيمة {value}."))
            }
            Kind::Format { format } => words::format(format),
            Kind::Pattern { pattern } => Bilingual::new(
                format!("Must match the pattern {pattern}"),
                format!("يجب أن يطابق النص النمط {pattern}"),
            ),
            Kind::MaxLength { limit } => Bilingual::new(
                format!("At most {} may stand here.", words::count(*limit, "character")),
                format!("الحد الأقصى لعدد الأحرف: {limit}."),
            ),
            Kind::MinLength { limit } => Bilingual::new(
                format!("At least {} must stand here.", words::count(*limit, "character")),
                format!("الحد الأدنى لعدد الأحرف: {limit}."),
            ),
            Kind::Maximum { limit } => {
                Bilingual::new(format!("Must be {limit} or less."), format!("يجب ألا يزيد العدد على {limit}."))
            }
            Kind::Minimum { limit } => {
                Bilingual::new(format!("Must be {limit} or more."), format!("يجب ألا يقل العدد عن {limit}."))
            }
            Kind::ExclusiveMaximum { limit } => {
                Bilingual::new(format!("Must be less than {limit}."), format!("يجب أن يكون العدد أقل من {limit}."))
            }
            Kind::ExclusiveMinimum { limit } => {
                Bilingual::new(format!("Must be more than {limit}."), format!("يجب أن يكون العدد أكبر من {limit}."))
            }
            Kind::MultipleOf { multiple_of } => Bilingual::new(
                format!("Must be a multiple of {multiple_of}."),
                format!("يجب أن يكون العدد من مضاعفات {multiple_of}."),
            ),
            Kind::MaxItems { limit } => Bilingual::new(
                format!("At most {} may stand in this list.", words::count(*limit, "item")),
                format!("الحد الأقصى لعدد عناصر القائمة: {limit}."),
            ),
            Kind::MinItems { limit } => Bilingual::new(
                format!("At least {} must stand in this list.", words::count(*limit, "item")),
                format!("الحد الأدنى لعدد عناصر القائمة: {limit}."),
            ),
            Kind::AdditionalItems { limit } => Bilingual::new(
                format!("At most {} may stand in this list.", words::count(*limit as u64, "item")),
                format!("الحد الأقصى لعدد عناصر القائمة: {limit}."),
            ),
            Kind::UnevaluatedItems { unexpected } => Bilingual::new(
                format!("{} too many in this list.", words::count(unexpected.len() as u64, "item")),
                format!("عدد العناصر غير المتوقعة في القائمة: {}.", unexpected.len()),
            ),
            Kind::UniqueItems => {
                Bilingual::new("No two items of this list may be equal.", "يجب ألا يتكرر أي عنصر في القائمة.")
            }
            Kind::Contains => Bilingual::new(
                "The list does not have the items it must have, or has too many of them.",
                "لا تحتوي القائمة على العناصر المطلوبة أو تحتوي على أكثر من المسموح به منها.",
            ),
            Kind::MaxProperties { limit } => Bilingual::new(
                format!("At most {} may stand in this object.", words::count(*limit, "field")),
                format!("الحد الأقصى لعدد الحقول: {limit}."),
            ),
            Kind::MinProperties { limit } => Bilingual::new(
                format!("At least {} must stand in this object.", words::count(*limit, "field")),
                format!("الحد الأدنى لعدد الحقول: {limit}."),
            ),
            Kind::PropertyNames { .. } => Bilingual::new(
                "A field of this object has a name that is not allowed.",
                "يحتوي هذا الكائن على حقل اسمه غير مسموح به.",
            ),
            Kind::FalseSchema => Bilingual::new("This field may not be given here.", "لا يُسمح بهذا الحقل هنا."),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => Bilingual::new(
                format!("None of the {} forms allowed here fits.", context.len()),
                format!("لا تطابق القيمة أيًّا من الصيغ المسموح بها هنا (عددها {}).", context.len()),
            ),
            Kind::OneOfMultipleValid { .. } => Bilingual::new(
                "More than one of the forms allowed here fits; exactly one must.",
                "تطابق القيمة أكثر من صيغة واحدة من الصيغ المسموح بها، ويجب أن تطابق صيغة واحدة فقط.",
            ),
            Kind::Not { .. } => {
                Bilingual::new("The value has a form that is not allowed here.", "القيمة على صيغة غير مسموح بها هنا.")
            }
            Kind::ContentEncoding { content_encoding } => Bilingual::new(
                format!("Must be text encoded as {content_encoding}."),
                format!("يجب أن يكون النص مرمَّزًا بترميز {content_encoding}."),
            ),
            Kind::FromUtf8 { .. } => {
                Bilingual::new("The encoded text must be UTF-8.", "يجب أن يكون النص المرمَّز بترميز UTF-8.")
            }
            Kind::ContentMediaType { content_media_type } => Bilingual::new(
                format!("Must be content of the type {content_media_type}."),
                format!("يجب أن يكون المحتوى من نوع {content_media_type}."),
            ),
            Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => Bilingual::new(
                "The text could not be checked against its pattern, so it is refused.",
                "تعذر التحقق من مطابقة النص للنمط المطلوب فرُفض.",
            ),
            Kind::Custom { .. } | Kind::Referencing(_) => {
                Bilingual::new("The value could not be checked, so it is refused.", "تعذر التحقق من القيمة فرُفضت.")
            }
        }
    }

    fn unexpected(&self, error: &ValidationError<'_>, unexpected: &[String]) -> Bilingual {
        let plain = names(unexpected.iter().map(String::as_str).filter(|name| is_plain(name)));
        let (en, ar) = if plain.is_empty() {
            (String::new(), String::new())
        } else {
            (format!(": {plain}"), format!(": {plain}"))
        };
        let (allowed_en, allowed_ar) = match self.allowed(error) {
            list if list.is_empty() => (String::new(), String::new()),
            list => (format!(" Known here are: {list}."), format!(" الحقول المعروفة هنا: {list}.")),
        };
        let count = unexpected.len();
        let is = if count == 1 { "is" } else { "are" };
        Bilingual::new(
            format!("{} of this object {is} not expected{en}.{allowed_en}", words::count(count as u64, "field")),
            format!("عدد الحقول غير المتوقعة في هذا الكائن: {count}{ar}.{allowed_ar}"),
        )
    }

    /// The names that `properties` beside the failing keyword lists.
    fn allowed(&self, error: &ValidationError<'_>) -> String {
        let node = || -> Option<Node<'_>> {
            let location = error.absolute_keyword_location()?.as_str();
            let (uri, pointer) = split(location)?;
            let (beside, _) = pointer.rsplit_once('/')?;
            let root = self.library.root(uri)?;
            Some(root.at(root.value.pointer(beside)?))
        };
        let known = node().and_then(|node| node.named("properties"));
        let mut known: Vec<&str> = known.into_iter().flat_map(serde_json::Map::keys).map(String::as_str).collect();
        // Whether an object keeps its order is for other crates to decide.
        known.sort_unstable();
        names(known.into_iter())
    }
}

fn expected_type(kind: &TypeKind) -> Bilingual {
    let types: Vec<JsonType> = match kind {
        TypeKind::Single(ty) => vec![*ty],
        TypeKind::Multiple(set) => set.iter().collect(),
    };
    let both: Vec<(&str, &str)> = types.into_iter().map(words::json_type).collect();
    let en: Vec<&str> = both.iter().map(|(en, _)| *en).collect();
    let ar: Vec<&str> = both.iter().map(|(_, ar)| *ar).collect();
    Bilingual::new(format!("Must be {}.", en.join(" or ")), format!("يجب أن تكون القيمة {}.", ar.join(" أو ")))
}

/// A reference token as the name it stands for (RFC 6901).
fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Names in one line, so many as fit.
fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let all: Vec<&str> = names.collect();
    line(all.iter().map(|name| (*name).to_owned()), all.len())
}

/// Values of the schema in one line, so many as fit.
fn choices(values: &[Value]) -> String {
    line(values.iter().map(Value::to_string), values.len())
}

fn line(items: impl Iterator<Item = String>, count: usize) -> String {
    let mut line = String::new();
    for (index, item) in items.enumerate() {
        if index == LISTED_MAX || line.chars().count() + item.chars().count() > LISTED_CHARS_MAX {
            line.push_str(&format!(", … (+{})", count - index));
            return line;
        }
        if index > 0 {
            line.push_str(", ");
        }
        line.push_str(&item);
    }
    line
}

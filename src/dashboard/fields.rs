//! The fields of a form and of a query, read and written.
//!
//! Both have the same form (`application/x-www-form-urlencoded`). A field that is empty is not there; of two with one name the last
//! counts, unless all are asked for; names that nobody asks for are passed over.

use std::fmt::Write as _;

/// Fields that are read.
const FIELDS_MAX: usize = 256;
/// Bytes of a value.
const VALUE_BYTES_MAX: usize = 4096;

/// Named texts, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads them; what is no text or is too long is left out.
    pub(super) fn read(text: &str) -> Self {
        let mut fields = Vec::new();
        for part in text.split('&').take(FIELDS_MAX) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else { continue };
            let value = value.trim();
            if !value.is_empty() && value.len() <= VALUE_BYTES_MAX {
                fields.push((name, value.to_owned()));
            }
        }
        Self::in_order(fields)
    }

    fn in_order(mut fields: Vec<(String, String)>) -> Self {
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self(fields)
    }

    /// A field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// All fields of a name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(own, _)| *own == name).map(|(_, value)| value)
    }

    /// A field, or nothing, as text for a form.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The same with one field set; without a value it is taken out.
    pub(super) fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut fields: Vec<_> = self.0.iter().filter(|(own, _)| own != name).cloned().collect();
        fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Self::in_order(fields)
    }

    /// Only those of these names.
    pub(super) fn only(&self, names: &[&str]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| names.contains(&name.as_str()))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect(),
        )
    }

    /// Names and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A link to a path with them as its query.
    pub(super) fn link(&self, path: &str) -> String {
        let mut link = path.to_owned();
        for (at, (name, value)) in self.iter().enumerate() {
            let _infallible = write!(link, "{}{}={}", if at == 0 { '?' } else { '&' }, encode(name), encode(value));
        }
        link
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(fields: I) -> Self {
        let owned = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::in_order(owned.filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// Text as it stands in a query.
pub(super) fn encode(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                safe.push(char::from(byte))
            }
            byte => {
                let _infallible = write!(safe, "%{byte:02X}");
            }
        }
    }
    safe
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(rest.next())? << 4 | digit(rest.next())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let fields =
            Fields::read("agency=moi&reason=the+line%20is%0D%0Adown+%26+out&q=%D9%85%D8%B3%D8%A7%D8%B1&empty=&x=1&x=2");
        assert_eq!(fields.get("reason"), Some("the line is\r\ndown & out"));
        assert_eq!((fields.get("q"), fields.get("empty"), fields.get("x")), (Some("مسار"), None, Some("2")));
        assert_eq!(fields.only(&["agency"]).link("/dashboard"), "/dashboard?agency=moi");
        assert_eq!(fields.all("x").collect::<Vec<_>>(), ["1", "2"]);
        for broken in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00"] {
            assert_eq!(Fields::read(broken).get("a"), None, "{broken}");
        }
        assert_eq!(Fields::read(&format!("a={}", "x".repeat(VALUE_BYTES_MAX + 1))).get("a"), None);
    }

    #[test]
    fn a_link_is_read_back() {
        let fields: Fields = [("q", "a&b=c d%+\"<مسار>"), ("none", "")].into_iter().collect();
        let link = fields.link("/dashboard");
        assert!(link.is_ascii() && !link.contains(['"', '<', ' ']));
        assert_eq!(Fields::read(link.strip_prefix("/dashboard?").unwrap()), fields);
        assert_eq!(fields.with("q", None).link("/dashboard"), "/dashboard");
    }
}

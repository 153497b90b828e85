//! Canonical JSON: the form of quorum records, key records and log lines.
//!
//! A subset of RFC 8259 in the one spelling of RFC 8785 (JCS): no white space; object keys of
//! `a-z 0-9 _ -` in ascending order, each once; whole numbers 0 to 2^53 - 1; strings in UTF-8 with
//! the shortest escapes; no `null`, no fractions. The reader refuses every other spelling, so a
//! hash or a signature of the bytes is one of the meaning too.
//!
//! The reader borrows: a string without escapes stays where it was, so that secret material in a
//! record isn't copied. The writer measures first and writes once. Values have no printable form.

use crate::secret::SecretWriter;
use crate::wire::text;
use core::fmt;
use std::borrow::Cow;

mod fields;
mod read;

pub use fields::{Fields, object};
pub use read::read;

/// The deepest nesting that is read.
pub const DEEPEST: usize = 8;
/// The largest number: 2^53 - 1, exact in every JSON reader.
pub const LARGEST: u64 = (1 << 53) - 1;

/// A JSON value; borrowed from the bytes it was read from where it can be.
#[derive(Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// 0 to [`LARGEST`].
    Number(u64),
    /// A string.
    Text(Cow<'a, str>),
    /// Secret bytes, written as a string of base64; never read.
    Secret(&'a [u8]),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object, its keys in ascending order.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why bytes are not the record they should be. Names the record and the place, quotes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON in its canonical spelling.
    #[error("{artefact} is not canonical JSON at byte {at}")]
    Syntax {
        /// What was read.
        artefact: &'static str,
        /// Offset of the first byte that doesn't fit.
        at: usize,
    },
    /// A field that must be there isn't.
    #[error("{artefact} has no field `{field}`")]
    Missing {
        /// What was read.
        artefact: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field of another type, or a value outside its range.
    #[error("{artefact} has a field `{field}` whose value is not allowed")]
    Value {
        /// What was read.
        artefact: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field that this version doesn't know.
    #[error("{artefact} has a field that this version doesn't know: {field:?}")]
    Unknown {
        /// What was read.
        artefact: &'static str,
        /// The field's name, cut to 40 characters.
        field: String,
    },
}

/// Where canonical bytes go.
pub trait Sink {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);
    /// Takes the base64 of secret bytes, without an unwiped copy in between.
    fn put_secret(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn put_secret(&mut self, bytes: &[u8]) {
        self.extend_from_slice(text::base64(bytes).as_bytes());
    }
}

/// Counts bytes.
struct Measure(usize);

impl Sink for Measure {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    fn put_secret(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(text::base64_length(bytes.len()));
    }
}

impl Sink for SecretWriter {
    // The writer was made at the measured size, so nothing is ever refused.
    fn put(&mut self, bytes: &[u8]) {
        let _ = Self::put(self, bytes);
    }

    fn put_secret(&mut self, bytes: &[u8]) {
        let _ = self.put_with(text::base64_length(bytes.len()), |to| text::base64_into(bytes, to));
    }
}

impl<'a> Json<'a> {
    /// A string.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// The same value, borrowed from nothing. Not for values that hold secrets.
    #[must_use]
    pub fn into_owned(self) -> Json<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Bool(truth) => Json::Bool(truth),
            Self::Number(number) => Json::Number(number),
            Self::Text(text) => Json::Text(owned(text)),
            Self::Secret(bytes) => Json::Text(Cow::Owned(text::base64(bytes))),
            Self::List(items) => Json::List(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(fields) => Json::Object(
                fields.into_iter().map(|(name, value)| (owned(name), value.into_owned())).collect(),
            ),
        }
    }

    /// The same value, borrowed from this one: no string is copied.
    #[must_use]
    pub fn by_ref(&self) -> Json<'_> {
        match self {
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Number(number) => Json::Number(*number),
            Self::Text(text) => Json::Text(Cow::Borrowed(text)),
            Self::Secret(bytes) => Json::Secret(bytes),
            Self::List(items) => Json::List(items.iter().map(Json::by_ref).collect()),
            Self::Object(fields) => Json::Object(
                fields.iter().map(|(name, value)| (Cow::Borrowed(&**name), value.by_ref())).collect(),
            ),
        }
    }

    /// The canonical bytes of a public value.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    /// The canonical bytes of a value that holds secrets.
    #[must_use]
    pub fn secret_bytes(&self) -> crate::secret::SecretBytes {
        let mut size = Measure(0);
        self.write(&mut size);
        let mut writer = SecretWriter::new(size.0);
        self.write(&mut writer);
        writer.finish()
    }

    fn write(&self, to: &mut impl Sink) {
        match self {
            Self::Bool(true) => to.put(b"true"),
            Self::Bool(false) => to.put(b"false"),
            Self::Number(number) => to.put(number.to_string().as_bytes()),
            Self::Text(text) => write_text(text, to),
            Self::Secret(bytes) => {
                to.put(b"\"");
                to.put_secret(bytes);
                to.put(b"\"");
            }
            Self::List(items) => {
                to.put(b"[");
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        to.put(b",");
                    }
                    item.write(to);
                }
                to.put(b"]");
            }
            Self::Object(fields) => {
                to.put(b"{");
                for (place, (name, value)) in fields.iter().enumerate() {
                    if place > 0 {
                        to.put(b",");
                    }
                    write_text(name, to);
                    to.put(b":");
                    value.write(to);
                }
                to.put(b"}");
            }
        }
    }
}

fn write_text(text: &str, to: &mut impl Sink) {
    to.put(b"\"");
    let mut plain = text;
    // What is escaped is one byte long.
    while let Some(at) = plain.bytes().position(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        let (before, after) = plain.split_at_checked(at).unwrap_or_default();
        to.put(before.as_bytes());
        if let Some(spelling) = after.chars().next().and_then(escape) {
            to.put(spelling.as_bytes());
        }
        plain = after.get(1..).unwrap_or_default();
    }
    to.put(plain.as_bytes());
    to.put(b"\"");
}

/// The escape of a character that needs one (RFC 8785 section 3.2.2.2).
fn escape(c: char) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        c if c < ' ' => return Some(Cow::Owned(format!("\\u{:04x}", u32::from(c)))),
        _ => return None,
    }))
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Json<'static>> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Json::Bool),
            (0..=LARGEST).prop_map(Json::Number),
            any::<String>().prop_map(Json::text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::List),
                prop::collection::btree_map("[a-z][a-z0-9_-]{0,8}", inner, 0..6)
                    .prop_map(|map| Json::Object(map.into_iter().map(|(k, v)| (k.into(), v)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in value()) {
            let bytes = value.bytes();
            prop_assert!(read("a test", &bytes) == Ok(value.clone()));
            prop_assert!(value.by_ref() == value);
            let secret = value.secret_bytes();
            prop_assert_eq!(secret.expose(), &bytes[..]);
        }

        #[test]
        fn what_is_read_has_one_spelling(bytes in prop::collection::vec(prop::sample::select(&b"{}[]\",:\\un0019abtrue false.-e\n"[..]), 0..24)) {
            if let Ok(value) = read("a test", &bytes) { prop_assert_eq!(value.bytes(), bytes); }
        }

        #[test]
        fn a_changed_record_is_another_record(value in value(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut bytes = value.bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert!(read("a test", &bytes) != Ok(value));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for wrong in [
            "",
            " 1",
            "1 ",
            "01",
            "-1",
            "1.0",
            "1e3",
            "9007199254740992",
            "18446744073709551616",
            "null",
            "tru",
            "[1,]",
            "[,1]",
            "[1 ,2]",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":2}",
            "{\"A\":1}",
            "{\"\":1}",
            "{a:1}",
            "\"\\u0041\"",
            "\"\\/\"",
            "\"\\u001F\"",
            "\"\n\"",
            "\"a",
            "\"\\ud800\"",
            "[[[[[[[[[1]]]]]]]]]",
            "1 1",
            "\u{feff}1",
        ] {
            assert!(read("a test", wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(read("a test", b"\"\xff\"").is_err());
        assert!(read("a test", "\"\\u001f\\n\\\"€\"".as_bytes()) == Ok(Json::text("\u{1f}\n\"€")));
        assert_eq!(Json::Secret(b"\xfb\xff").secret_bytes().expose(), b"\"+/8=\"");
    }
}

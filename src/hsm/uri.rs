//! The names of tokens and of what is in them: PKCS#11 URIs (RFC 7512).
//!
//! In: text that people type and scripts keep. Out: [`TokenUri`], percent-decoded. Strict and total: an
//! attribute that isn't known, comes twice or is empty is refused by its name, because one that is passed
//! over would choose another token than its writer meant. `pin-value` is refused: a PIN in a URI ends in
//! the shell's history and in the list of processes. Written without the query part, which may name
//! files that are nobody's business.

use core::fmt;
use core::str::FromStr;

const SCHEME: &str = "pkcs11:";
/// The longest URI that is read.
const LONGEST: usize = 4096;

/// What a URI names: a token, perhaps an object in it, and how to reach them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenUri {
    /// The label of the token (`token`).
    pub token: Option<String>,
    /// Its serial number (`serial`).
    pub serial: Option<String>,
    /// Its maker (`manufacturer`).
    pub manufacturer: Option<String>,
    /// Its model (`model`).
    pub model: Option<String>,
    /// Its slot (`slot-id`): the last resort, because slots are numbered anew.
    pub slot: Option<u64>,
    /// The label of an object (`object`).
    pub object: Option<String>,
    /// The id of an object (`id`), in bytes.
    pub id: Option<Vec<u8>>,
    /// The class of an object (`type`).
    pub class: Option<ObjectType>,
    /// The file of the maker's module (`module-path`).
    pub module: Option<String>,
    /// The file that holds the PIN (`pin-source`).
    pub pin_source: Option<String>,
}

/// The class of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectType {
    /// A public key.
    Public,
    /// A private key.
    Private,
    /// A secret key.
    Secret,
}

/// Why text is no URI of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Another scheme, or none.
    #[error("a token is named as in pkcs11:token=LABEL")]
    Scheme,
    /// Longer than any.
    #[error("the URI is longer than {LONGEST} bytes")]
    TooLong,
    /// An attribute without a name or a value.
    #[error("{part:?} is no attribute: write NAME=VALUE, with ; between them")]
    Attribute {
        /// The part, cut to 40 characters.
        part: String,
    },
    /// An attribute that isn't known there.
    #[error(
        "{name:?} is no attribute of a token's URI there: known are token, serial, manufacturer, model, slot-id, object, id, type; behind ? module-path and pin-source"
    )]
    Unknown {
        /// Its name, cut to 40 characters.
        name: String,
    },
    /// An attribute twice.
    #[error("{name} is given twice")]
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// A PIN in the URI.
    #[error(
        "pin-value is refused: a PIN in a URI is kept by the shell and seen in the list of processes; use --pin-file, or pin-source=FILE"
    )]
    PinValue,
    /// A value that isn't one.
    #[error("the value of {name} is not one: {why}")]
    Value {
        /// The attribute.
        name: &'static str,
        /// What is wrong.
        why: &'static str,
    },
}

impl FromStr for TokenUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > LONGEST {
            return Err(UriError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(UriError::Scheme)?;
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let mut uri = Self::default();
        for part in path.split(';').filter(|_| !path.is_empty()) {
            let (name, value) = attribute(part)?;
            match name {
                "token" => text_once(&mut uri.token, "token", value)?,
                "serial" => text_once(&mut uri.serial, "serial", value)?,
                "manufacturer" => text_once(&mut uri.manufacturer, "manufacturer", value)?,
                "model" => text_once(&mut uri.model, "model", value)?,
                "object" => text_once(&mut uri.object, "object", value)?,
                "id" => once(&mut uri.id, "id", decoded("id", value)?)?,
                "slot-id" => {
                    let slot = value.parse();
                    let slot =
                        slot.map_err(|_| UriError::Value { name: "slot-id", why: "it is a number" })?;
                    once(&mut uri.slot, "slot-id", slot)?;
                }
                "type" => {
                    let class = match value {
                        "public" => ObjectType::Public,
                        "private" => ObjectType::Private,
                        "secret-key" => ObjectType::Secret,
                        _ => {
                            let why = "an object here is public, private or secret-key";
                            return Err(UriError::Value { name: "type", why });
                        }
                    };
                    once(&mut uri.class, "type", class)?;
                }
                "pin-value" => return Err(UriError::PinValue),
                other => return Err(UriError::Unknown { name: short(other) }),
            }
        }
        for part in query.into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = attribute(part)?;
            match name {
                "module-path" => text_once(&mut uri.module, "module-path", value)?,
                "pin-source" => text_once(&mut uri.pin_source, "pin-source", value)?,
                "pin-value" => return Err(UriError::PinValue),
                other => return Err(UriError::Unknown { name: short(other) }),
            }
        }
        Ok(uri)
    }
}

impl TokenUri {
    /// The file that `pin-source` names: a path, or a `file:` URI (RFC 8089) of this machine.
    #[must_use]
    pub fn pin_file(&self) -> Option<&str> {
        let source = self.pin_source.as_deref()?;
        let path = source.strip_prefix("file:").unwrap_or(source);
        Some(path.strip_prefix("//localhost").or_else(|| path.strip_prefix("//")).unwrap_or(path))
    }

    /// The same without what names an object.
    #[must_use]
    pub fn without_object(&self) -> Self {
        Self { object: None, id: None, class: None, ..self.clone() }
    }
}

/// The URI without its query part.
impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |text: &str| text.bytes().map(encoded).collect::<String>();
        let class = self.class.map(|class| match class {
            ObjectType::Public => "public",
            ObjectType::Private => "private",
            ObjectType::Secret => "secret-key",
        });
        let parts = [
            ("token", self.token.as_deref().map(encode)),
            ("serial", self.serial.as_deref().map(encode)),
            ("manufacturer", self.manufacturer.as_deref().map(encode)),
            ("model", self.model.as_deref().map(encode)),
            ("slot-id", self.slot.map(|slot| slot.to_string())),
            ("object", self.object.as_deref().map(encode)),
            ("id", self.id.as_deref().map(|id| id.iter().map(|byte| format!("%{byte:02X}")).collect())),
            ("type", class.map(str::to_owned)),
        ];
        f.write_str(SCHEME)?;
        let mut between = "";
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, "{between}{name}={value}")?;
                between = ";";
            }
        }
        Ok(())
    }
}

fn attribute(part: &str) -> Result<(&str, &str), UriError> {
    match part.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(UriError::Attribute { part: short(part) }),
    }
}

fn once<T>(to: &mut Option<T>, name: &'static str, value: T) -> Result<(), UriError> {
    match to.replace(value) {
        None => Ok(()),
        Some(_) => Err(UriError::Twice { name }),
    }
}

fn text_once(to: &mut Option<String>, name: &'static str, value: &str) -> Result<(), UriError> {
    let text = String::from_utf8(decoded(name, value)?);
    let text = text.map_err(|_| UriError::Value { name, why: "it is no UTF-8" })?;
    if text.chars().any(char::is_control) {
        return Err(UriError::Value { name, why: "it holds control characters" });
    }
    once(to, name, text)
}

/// The bytes of a value; what RFC 7512 reserves must be encoded.
fn decoded(name: &'static str, value: &str) -> Result<Vec<u8>, UriError> {
    let wrong = |why| UriError::Value { name, why };
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) =
                    digit().zip(digit()).ok_or_else(|| wrong("% is followed by two hex digits"))?;
                bytes.push(high << 4 | low);
            }
            b' ' | b'#' | b'"' | b'<' | b'>' => return Err(wrong("a space is written %20, and # as %23")),
            _ => bytes.push(byte),
        }
    }
    if bytes.is_empty() { Err(wrong("it is empty")) } else { Ok(bytes) }
}

fn encoded(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<TokenUri, UriError> {
        text.parse()
    }

    #[test]
    fn the_parts_are_read_and_written() {
        let uri = parse("pkcs11:token=my%20HSM;serial=00ff;object=a%3bb;id=%01%ff;type=secret-key?module-path=/a/b.so&pin-source=file:/run/pin").unwrap();
        assert_eq!(uri.token.as_deref(), Some("my HSM"));
        assert_eq!(uri.object.as_deref(), Some("a;b"));
        assert_eq!(uri.id.as_deref(), Some(&[1, 0xff][..]));
        assert_eq!(uri.module.as_deref(), Some("/a/b.so"));
        assert_eq!(uri.pin_file(), Some("/run/pin"));
        let shown = uri.to_string();
        assert_eq!(shown, "pkcs11:token=my%20HSM;serial=00ff;object=a%3Bb;id=%01%FF;type=secret-key");
        let again = parse(&shown).unwrap();
        assert_eq!(again, TokenUri { module: None, pin_source: None, ..uri });
        assert_eq!(parse("pkcs11:").unwrap(), TokenUri::default());
        let remote = parse("pkcs11:?pin-source=file:///etc/pin").unwrap();
        assert_eq!(remote.pin_file(), Some("/etc/pin"));
    }

    #[test]
    fn each_refusal_has_its_reason() {
        assert_eq!(parse("token=a"), Err(UriError::Scheme));
        assert_eq!(parse(&format!("pkcs11:token={}", "a".repeat(LONGEST))), Err(UriError::TooLong));
        assert_eq!(parse("pkcs11:token"), Err(UriError::Attribute { part: "token".into() }));
        assert_eq!(parse("pkcs11:token=a;"), Err(UriError::Attribute { part: String::new() }));
        assert_eq!(parse("pkcs11:tokan=a"), Err(UriError::Unknown { name: "tokan".into() }));
        assert_eq!(parse("pkcs11:token=a;token=b"), Err(UriError::Twice { name: "token" }));
        for pin in ["pkcs11:token=a?pin-value=1234", "pkcs11:token=a;pin-value=1234"] {
            assert_eq!(parse(pin), Err(UriError::PinValue));
        }
        for wrong in
            ["token=", "token=%4", "token=%zz", "token=%ff", "token=a b", "id=", "slot-id=x", "type=cert"]
        {
            assert!(matches!(parse(&format!("pkcs11:{wrong}")), Err(UriError::Value { .. })), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_read_comes_back(text in "(pkcs11:)?[ -~]{0,80}") {
            if let Ok(uri) = parse(&text) {
                let path = TokenUri { module: None, pin_source: None, ..uri };
                prop_assert_eq!(parse(&path.to_string()), Ok(path));
            }
        }
    }
}

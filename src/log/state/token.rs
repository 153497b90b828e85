//! What records say of tokens: where a key version was born or went, and that it can't leave any more.

use super::lifecycle::is_reason;
use super::{Fields, Json, JsonError, Label, object};
use core::num::NonZeroU32;

/// The most bytes of a label and of a serial number.
const LONGEST: usize = 64;
/// The most checks that a record names.
const MOST_CHECKS: usize = 16;

/// A token, by what doesn't change when slots are numbered anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InToken {
    label: String,
    serial: String,
}

/// A key version that was made to stay in its token, or whose token is lost, broken or wiped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The key.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// The token.
    pub token: InToken,
    /// Why the key can't be closed in: the token is gone, says a person.
    pub lost: Option<String>,
}

impl InToken {
    /// The token of a label and a serial number, which a token limits to 32 and 16 bytes; longer ones are cut.
    #[must_use]
    pub fn new(label: &str, serial: &str) -> Self {
        let cut = |text: &str| {
            let mut kept = String::new();
            for c in text.chars().filter(|c| !c.is_control()) {
                if kept.len().saturating_add(c.len_utf8()) > LONGEST {
                    break;
                }
                kept.push(c);
            }
            kept
        };
        Self { label: cut(label), serial: cut(serial) }
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its serial number.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// As details carry it.
    #[must_use]
    pub fn json(&self) -> Json<'static> {
        object([
            ("label", Some(Json::text(self.label.clone()))),
            ("serial", Some(Json::text(self.serial.clone()))),
        ])
    }

    /// Reads the field `token`, when it is there.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Option<Self>, JsonError> {
        let refused = fields.refuse("token");
        let Some(value) = fields.optional("token") else { return Ok(None) };
        let mut inside = Fields::of("the record", value.into_owned())?;
        let fits = |text: &str| text.len() <= LONGEST && !text.chars().any(char::is_control);
        let text = |text: &str| fits(text).then(|| text.to_owned());
        let found = Self { label: inside.parsed("label", text)?, serial: inside.parsed("serial", text)? };
        inside.finish().map_err(|_| refused)?;
        Ok(Some(found))
    }
}

impl core::fmt::Display for InToken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} (serial {})", self.label, self.serial)
    }
}

impl Closed {
    /// The details of the record.
    #[must_use]
    pub fn done(&self) -> Json<'static> {
        object([
            ("lost", self.lost.clone().map(Json::text)),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("token", Some(self.token.json())),
            ("version", Some(Json::Number(self.version.get().into()))),
        ])
    }

    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let refused = fields.refuse("token");
        let lost = match fields.optional_text("lost")? {
            Some(text) if is_reason(&text) => Some(text.into_owned()),
            Some(_) => return Err(fields.refuse("lost")),
            None => None,
        };
        let closed = Self {
            name: fields.parsed("name", |text| text.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            token: InToken::take(&mut fields)?.ok_or(refused)?,
            lost,
        };
        fields.finish()?;
        Ok(closed)
    }
}

/// The names of the checks that a key passed in its token; nothing when the field isn't there.
pub(super) fn checks(fields: &mut Fields<'_>) -> Result<Vec<String>, JsonError> {
    let refused = fields.refuse("checks");
    let Some(value) = fields.optional("checks") else { return Ok(Vec::new()) };
    let Json::List(items) = value else { return Err(refused) };
    let plain =
        |text: &str| !text.is_empty() && text.len() <= 32 && text.bytes().all(|c| c.is_ascii_lowercase());
    let name = |item: Json<'_>| match item {
        Json::Text(text) if plain(&text) => Some(text.into_owned()),
        _ => None,
    };
    let names: Option<Vec<String>> = items.into_iter().map(name).collect();
    names.filter(|names| (1..=MOST_CHECKS).contains(&names.len())).ok_or(refused)
}

/// As details carry them: nothing when there are none.
pub(super) fn checks_json(names: &[String]) -> Option<Json<'static>> {
    let list = || Json::List(names.iter().map(|name| Json::text(name.clone())).collect());
    (!names.is_empty()).then(list)
}

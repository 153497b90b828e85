//! The key record: one version of a key with what must be known about it, the plaintext of a backup.
//!
//! Canonical JSON, so one record has one byte string. The reader trusts nothing: it refuses unknown
//! fields, checks every limit before it decodes, and proves the material to be a key in canonical
//! form, exactly as at its import. Salt and material are secret; the rest is [`KeyFacts`].
//! It says nothing about who may open it: that is `backup`. Normative: `docs/format.md`, Key record.

use super::{Fingerprint, ImportError, KeyId, KeyKind, KeyMaterial, Label, SALT};
use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::SecretBytes;
use crate::wire::json::{self, Fields, Json, JsonError, object};
use crate::wire::text;
use crate::wire::time::Timestamp;
use core::num::NonZeroU32;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The most bytes of a key record: 256 KiB.
pub const RECORD_LIMIT: usize = 256 * 1024;

const ARTEFACT: &str = "the key record";
const FORMAT: &str = "quorate/v1/key";
/// The most usages and attributes, and the most characters of their names and bytes of values.
const MOST_USAGES: usize = 16;
const MOST_ATTRIBUTES: usize = 64;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 1024;

/// What is known about a key version, beside the key: nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// The key's random name, the same for all versions.
    pub key: KeyId,
    /// The key's name for people.
    pub label: Label,
    /// The version, from 1.
    pub version: NonZeroU32,
    /// When this version was made or added.
    pub created: Timestamp,
    /// What the key is for (`encrypt`, `sign`, `wrap`…): at most 16 names of 1 to 64 `a-z 0-9 _ -`.
    pub usage: BTreeSet<String>,
    /// What a token or a provider needs to take the key back: at most 64 names as above, with values
    /// of up to 1024 bytes without control characters.
    pub attributes: BTreeMap<String, String>,
}

/// A key version and all that is kept with it.
#[derive(Debug)]
pub struct KeyRecord {
    facts: KeyFacts,
    material: KeyMaterial,
    salt: SecretBytes,
}

/// Why bytes are no key record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Longer than any key record.
    #[error("{ARTEFACT} is longer than {RECORD_LIMIT} bytes")]
    TooLong,
    /// Not the JSON of a key record.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Made by a later version, or another thing altogether.
    #[error("{ARTEFACT} has a format that this version doesn't know: {found:?}")]
    Format {
        /// The format it names, cut to 40 characters.
        found: String,
    },
    /// The material is no key, or not in its canonical form.
    #[error("{ARTEFACT} holds no sound key: {0}")]
    Material(#[from] ImportError),
    /// A fact outside its limits.
    #[error("{ARTEFACT} would have a {field} that is not allowed")]
    Fact {
        /// The field.
        field: &'static str,
    },
    /// The operating system gave no randomness for the salt.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl KeyRecord {
    /// A new record, with a new salt.
    ///
    /// # Errors
    /// [`RecordError::Fact`] for usages or attributes outside their limits; [`RecordError::NoEntropy`].
    pub fn new(facts: KeyFacts, material: KeyMaterial, entropy: &mut Entropy) -> Result<Self, RecordError> {
        facts.check().map_err(|field| RecordError::Fact { field })?;
        Ok(Self { facts, material, salt: entropy.secret(SALT)? })
    }

    /// What is known beside the key.
    #[must_use]
    pub const fn facts(&self) -> &KeyFacts {
        &self.facts
    }

    /// The key.
    #[must_use]
    pub const fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// The key, for good.
    #[must_use]
    pub fn into_material(self) -> KeyMaterial {
        self.material
    }

    /// The key's fingerprint under the salt of this record.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.salt, &self.material)
    }

    /// The canonical bytes, at most [`RECORD_LIMIT`].
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let facts = &self.facts;
        let kind = self.material.kind();
        let attribute =
            |(name, value): (&'_ String, &'_ String)| (Cow::Owned(name.clone()), Json::text(value.clone()));
        object([
            ("attributes", Some(Json::Object(facts.attributes.iter().map(attribute).collect()))),
            ("created", Some(Json::text(facts.created.to_string()))),
            ("encoding", Some(Json::text(kind.encoding().name()))),
            ("format", Some(Json::text(FORMAT))),
            ("key", Some(Json::text(facts.key.to_string()))),
            ("kind", Some(Json::text(kind.name()))),
            ("label", Some(Json::text(facts.label.as_str()))),
            ("material", Some(Json::Secret(self.material.bytes().expose()))),
            ("salt", Some(Json::Secret(self.salt.expose()))),
            ("usage", Some(Json::List(facts.usage.iter().map(|usage| Json::text(usage.as_str())).collect()))),
            ("version", Some(Json::Number(facts.version.get().into()))),
        ])
        .secret_bytes()
    }

    /// The record that `bytes` are.
    ///
    /// # Errors
    /// [`RecordError`], which holds nothing secret.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_LIMIT {
            return Err(RecordError::TooLong);
        }
        let mut fields = Fields::of(ARTEFACT, json::read(ARTEFACT, bytes)?)?;
        let format = fields.text("format")?;
        if format != FORMAT {
            return Err(RecordError::Format { found: format.chars().take(40).collect() });
        }
        let kind: KeyKind = fields.parsed("kind", |name| name.parse().ok())?;
        fields.parsed("encoding", |name| (name == kind.encoding().name()).then_some(()))?;
        let facts = KeyFacts {
            key: fields.parsed("key", KeyId::parse)?,
            label: fields.parsed("label", |label| label.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            created: fields.parsed("created", |time| time.parse().ok())?,
            usage: usages(&mut fields)?,
            attributes: attributes(&mut fields)?,
        };
        facts.check().map_err(|field| fields.refuse(field))?;
        let salt =
            fields.parsed("salt", |salt| text::secret_from_base64(salt).filter(|salt| salt.len() == SALT))?;
        let material = fields.parsed("material", text::secret_from_base64)?;
        fields.finish()?;
        Ok(Self { facts, material: KeyMaterial::stored(kind, material)?, salt })
    }
}

impl KeyFacts {
    /// The field that is outside its limits, if one is.
    fn check(&self) -> Result<(), &'static str> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let name = |name: &String| (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain);
        let value = |value: &String| value.len() <= LONGEST_VALUE && !value.chars().any(char::is_control);
        if self.usage.len() > MOST_USAGES || !self.usage.iter().all(name) {
            return Err("usage");
        }
        let all = self.attributes.keys().all(name) && self.attributes.values().all(value);
        if self.attributes.len() > MOST_ATTRIBUTES || !all { Err("attributes") } else { Ok(()) }
    }
}

/// The usages, which must be sorted and different.
fn usages(fields: &mut Fields<'_>) -> Result<BTreeSet<String>, JsonError> {
    let refused = fields.refuse("usage");
    let mut usages = BTreeSet::<String>::new();
    for item in fields.list("usage")? {
        match item {
            Json::Text(usage) if usages.last().is_none_or(|last| **last < *usage) => {
                usages.insert(usage.into_owned());
            }
            _ => return Err(refused),
        }
    }
    Ok(usages)
}

/// The attributes; that their names ascend is the reader of JSON's to see to.
fn attributes(fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, JsonError> {
    let refused = fields.refuse("attributes");
    let Json::Object(pairs) = fields.value("attributes")? else { return Err(refused) };
    let pair = |(name, value): (Cow<'_, str>, Json<'_>)| match value {
        Json::Text(value) => Some((name.into_owned(), value.into_owned())),
        _ => None,
    };
    pairs.into_iter().map(pair).collect::<Option<_>>().ok_or(refused)
}

#[cfg(test)]
mod tests;

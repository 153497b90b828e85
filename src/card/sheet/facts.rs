//! What a backup sheet says of its key version: the same as the log, in canonical JSON.
//!
//! Claims, not proofs: they name the sheet to people and to the program before any card is there. After
//! the backup was opened they are compared with the key record inside.

use super::{ARTEFACT, SheetError};
use crate::key::{Fingerprint, KeyFacts, KeyId, KeyKind, KeyRecord, Label};
use crate::wire::json::{Fields, Json, JsonError, object, read};
use crate::wire::text;
use crate::wire::time::Timestamp;
use core::num::NonZeroU32;

const FORMAT: &str = "quorate/v1/sheet";

/// What a backup sheet says of its key version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The key's name.
    pub name: Label,
    /// The key's id.
    pub key: KeyId,
    /// The version.
    pub version: NonZeroU32,
    /// What kind of key.
    pub kind: KeyKind,
    /// When the key version was created.
    pub created: Timestamp,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// SHA-256 of the public key (SPKI, DER), for a kind that has one.
    pub spki: Option<[u8; 32]>,
    /// The log's last record when the sheet was made, as checkpoints are printed.
    pub checkpoint: String,
    /// The time of that record.
    pub time: Timestamp,
}

impl Facts {
    pub(super) fn bytes(&self) -> Result<Vec<u8>, SheetError> {
        if !is_checkpoint(&self.checkpoint) {
            return Err(JsonError::Value { artefact: ARTEFACT, field: "checkpoint" }.into());
        }
        let value = object([
            ("checkpoint", Some(Json::text(self.checkpoint.clone()))),
            ("created", Some(Json::text(self.created.to_string()))),
            ("fingerprint", Some(Json::text(self.fingerprint.to_string()))),
            ("format", Some(Json::text(FORMAT))),
            ("key", Some(Json::text(self.key.to_string()))),
            ("kind", Some(Json::text(self.kind.name()))),
            ("name", Some(Json::text(self.name.to_string()))),
            ("spki", self.spki.map(|digest| Json::text(text::hex(&digest)))),
            ("time", Some(Json::text(self.time.to_string()))),
            ("version", Some(Json::Number(self.version.get().into()))),
        ]);
        Ok(value.bytes())
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, SheetError> {
        let mut fields = Fields::of(ARTEFACT, read(ARTEFACT, bytes)?)?;
        if fields.text("format")? != FORMAT {
            return Err(SheetError::Version);
        }
        let kind: KeyKind = fields.parsed("kind", |text| text.parse().ok())?;
        let spki = match fields.optional_text("spki")? {
            None => None,
            Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("spki"))?),
        };
        if spki.is_some() != kind.is_asymmetric() {
            return Err(fields.refuse("spki").into());
        }
        let facts = Self {
            name: fields.parsed("name", |text| text.parse().ok())?,
            key: fields.parsed("key", KeyId::parse)?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            kind,
            created: fields.parsed("created", |text| text.parse().ok())?,
            fingerprint: fields.parsed("fingerprint", Fingerprint::parse)?,
            spki,
            checkpoint: fields.parsed("checkpoint", |text| is_checkpoint(text).then(|| text.to_owned()))?,
            time: fields.parsed("time", |text| text.parse().ok())?,
        };
        fields.finish()?;
        Ok(facts)
    }

    /// Whether these are the facts of a key record, its fingerprint included; else what differs.
    ///
    /// # Errors
    /// The name of the first field that differs.
    pub fn are_of(&self, record: &KeyRecord) -> Result<(), &'static str> {
        let KeyFacts { key, label, version, created, .. } = record.facts();
        let material = record.material();
        let same = [
            ("name", self.name == *label),
            ("version", self.version == *version),
            ("key id", self.key == *key),
            ("kind", self.kind == material.kind()),
            ("date", self.created == *created),
            ("fingerprint", self.fingerprint == record.fingerprint()),
            ("public key", self.spki == material.spki_sha256()),
        ];
        same.into_iter().find(|(_, same)| !same).map_or(Ok(()), |(field, _)| Err(field))
    }
}

/// `12:` and eight groups of four base32 characters: the form of the log's checkpoints.
fn is_checkpoint(text: &str) -> bool {
    let Some((seq, hash)) = text.split_once(':') else { return false };
    let digits = seq.bytes().all(|digit| digit.is_ascii_digit()) && !seq.starts_with('0');
    let base32 = |c: u8| matches!(c, b'A'..=b'Z' | b'2'..=b'7');
    let groups = hash.split('-').filter(|group| group.len() == 4 && group.bytes().all(base32)).count();
    digits && (1..=16).contains(&seq.len()) && groups == 8 && hash.len() == 39
}

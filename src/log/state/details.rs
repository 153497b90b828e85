//! The details of records, written and read in one place.

use super::token::{InToken, checks, checks_json};
use super::{
    Entry, Fields, Fingerprint, Json, JsonError, KeyId, Label, Op, Phase, QuorumId, Record, Salvaged,
    Timestamp, object, text,
};
use crate::key::{KeyKind, Mark};
use core::num::NonZeroU32;

/// The key version that an intent reserves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// The key's name.
    pub name: Label,
    /// The key's id.
    pub key: KeyId,
    /// The version.
    pub version: NonZeroU32,
    /// The quorum that it is backed up to.
    pub quorum: QuorumId,
    /// The token that the key lives in, when it comes from one.
    pub token: Option<InToken>,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backed {
    /// Of which key version.
    pub deposit: Deposit,
    /// What kind of key.
    pub kind: KeyKind,
    /// When the key version was created.
    pub created: Timestamp,
    /// The fingerprint that recovery must match.
    pub fingerprint: Fingerprint,
    /// SHA-256 of the backup.
    pub backup: [u8; 32],
    /// Length of the backup in bytes.
    pub size: u64,
    /// SHA-256 of the public key (SPKI, DER), for a key that has one.
    pub spki: Option<[u8; 32]>,
    /// The mark of a secret key that a token made at random.
    pub mark: Option<Mark>,
}

/// A quorum that was founded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founded {
    /// Its id.
    pub quorum: QuorumId,
    /// The generation of its cards.
    pub generation: u16,
    /// SHA-256 of its record.
    pub record: [u8; 32],
}

/// A recovery that was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The intent that it ends.
    pub intent: u64,
    /// The key.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// Where it went, without names that are nobody's business.
    pub to: &'static str,
    /// The shares that were present.
    pub cards: Vec<u8>,
    /// The quorum that met.
    pub quorum: QuorumId,
    /// The fingerprint that matched.
    pub fingerprint: Fingerprint,
    /// The token that it went to, when it went to one.
    pub token: Option<InToken>,
    /// The checks by which it was proven to be the right key there.
    pub checks: Vec<String>,
}

impl Deposit {
    /// The key version that a record reserves, when it is the intent of a generation or an addition.
    #[must_use]
    pub fn reserved_by(record: &Record) -> Option<Self> {
        let Entry { op, phase, details, .. } = &record.entry;
        let reserves = matches!((op, phase), (Op::Generate | Op::Add, Phase::Intent));
        Self::read(Fields::of("the record", details.clone()).ok().filter(|_| reserves)?).ok()
    }

    /// The details of the intent.
    #[must_use]
    pub fn intent(&self) -> Json<'static> {
        object(self.fields())
    }

    fn fields(&self) -> [(&'static str, Option<Json<'static>>); 5] {
        [
            ("key", Some(Json::text(self.key.to_string()))),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("quorum", Some(Json::text(self.quorum.text()))),
            ("token", self.token.as_ref().map(InToken::json)),
            ("version", Some(Json::Number(self.version.get().into()))),
        ]
    }

    fn take(fields: &mut Fields<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            name: fields.parsed("name", |text| text.parse().ok())?,
            key: fields.parsed("key", KeyId::parse)?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
            token: InToken::take(fields)?,
        })
    }

    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let deposit = Self::take(&mut fields)?;
        fields.finish()?;
        Ok(deposit)
    }
}

impl Backed {
    /// The details of the record that ends `intent`.
    #[must_use]
    pub fn done(&self, intent: u64) -> Json<'static> {
        let [key, name, quorum, token, version] = self.deposit.fields();
        object([
            ("backup", Some(Json::text(text::hex(&self.backup)))),
            ("created", Some(Json::text(self.created.to_string()))),
            ("fingerprint", Some(Json::text(self.fingerprint.to_string()))),
            ("intent", Some(Json::Number(intent))),
            key,
            ("kind", Some(Json::text(self.kind.name()))),
            ("mark", self.mark.map(|mark| Json::text(text::hex(mark.bytes())))),
            name,
            quorum,
            ("size", Some(Json::Number(self.size))),
            ("spki", self.spki.map(|spki| Json::text(text::hex(&spki)))),
            token,
            version,
        ])
    }

    /// Reads what is left of the details behind `intent`.
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let spki = match fields.optional_text("spki")? {
            None => None,
            Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("spki"))?),
        };
        let mark = match fields.optional_text("mark")? {
            None => None,
            Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("mark"))?),
        };
        let backed = Self {
            deposit: Deposit::take(&mut fields)?,
            kind: fields.parsed("kind", |text| text.parse().ok())?,
            created: fields.parsed("created", |text| text.parse::<Timestamp>().ok())?,
            fingerprint: fields.parsed("fingerprint", Fingerprint::parse)?,
            backup: fields.parsed("backup", text::array_from_hex)?,
            size: fields.number("size")?,
            spki,
            mark: mark.map(Mark::from_bytes),
        };
        if backed.mark.is_some() && (backed.deposit.token.is_none() || backed.kind.is_asymmetric()) {
            return Err(fields.refuse("mark"));
        }
        fields.finish()?;
        Ok(backed)
    }
}

impl Founded {
    /// The quorum that a record brings along: that it founds, or that met in its salvage; `None` for any other.
    pub(in crate::log) fn of(record: &Record) -> Option<Self> {
        let mut fields = Fields::of("the record", record.entry.details.by_ref()).ok()?;
        fields.number::<u64>("intent").ok()?;
        match record.entry.op {
            Op::Found => Self::read(fields).ok(),
            Op::Salvage => Some(Salvaged::read(fields).ok()?.quorum),
            _ => None,
        }
    }

    /// The details of the record that ends `intent`, without the quorum's signature.
    #[must_use]
    pub fn done(&self, intent: u64) -> Json<'static> {
        object([
            ("generation", Some(Json::Number(self.generation.into()))),
            ("intent", Some(Json::Number(intent))),
            ("quorum", Some(Json::text(self.quorum.text()))),
            ("record", Some(Json::text(text::hex(&self.record)))),
        ])
    }

    /// Reads what is left of the details behind `intent`.
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        signature(&mut fields)?;
        let founded = Self {
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
            generation: match fields.number("generation")? {
                0 => return Err(fields.refuse("generation")),
                generation => generation,
            },
            record: fields.parsed("record", text::array_from_hex)?,
        };
        fields.finish()?;
        Ok(founded)
    }
}

impl Proof {
    /// The key version that an intent is about.
    pub(super) fn read_intent(fields: &mut Fields<'_>) -> Result<(Label, NonZeroU32), JsonError> {
        let name = fields.parsed("name", |text| text.parse().ok())?;
        let version = NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?;
        Ok((name, version))
    }

    /// The details of the record that ends the intent, without the quorum's signature.
    #[must_use]
    pub fn done(&self) -> Json<'static> {
        let cards = self.cards.iter().map(|index| Json::Number((*index).into())).collect();
        object([
            ("cards", Some(Json::List(cards))),
            ("checks", checks_json(&self.checks)),
            ("fingerprint", Some(Json::text(self.fingerprint.to_string()))),
            ("intent", Some(Json::Number(self.intent))),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("quorum", Some(Json::text(self.quorum.text()))),
            ("to", Some(Json::text(self.to))),
            ("token", self.token.as_ref().map(InToken::json)),
            ("version", Some(Json::Number(self.version.get().into()))),
        ])
    }

    /// Reads what is left of the details behind `intent`.
    pub(super) fn read(intent: u64, mut fields: Fields<'_>) -> Result<Self, JsonError> {
        signature(&mut fields)?;
        let index = |item: Json<'_>| match item {
            Json::Number(index) => u8::try_from(index).ok(),
            _ => None,
        };
        let cards = fields.list("cards")?.into_iter().map(index).collect::<Option<_>>();
        let cards = cards.ok_or_else(|| fields.refuse("cards"))?;
        let proof = Self {
            intent,
            cards,
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
            name: fields.parsed("name", |text| text.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            to: fields.parsed("to", |text| {
                ["file", "age", "token", "package"].into_iter().find(|known| *known == text)
            })?,
            fingerprint: fields.parsed("fingerprint", Fingerprint::parse)?,
            token: InToken::take(&mut fields)?,
            checks: checks(&mut fields)?,
        };
        // Where it went to a token, which one and how it was proven is said; elsewhere not.
        if (proof.to == "token") != (proof.token.is_some() && !proof.checks.is_empty()) {
            return Err(fields.refuse("token"));
        }
        fields.finish()?;
        Ok(proof)
    }
}

/// That there is a signature; whether it is the quorum's, only the quorum's record tells.
pub(super) fn signature(fields: &mut Fields<'_>) -> Result<[u8; 64], JsonError> {
    fields.parsed("signature", |text| text::from_base64(text)?.try_into().ok())
}

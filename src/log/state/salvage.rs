//! The details of a salvage: a key brought back from a backup sheet where no escrow was left.
//!
//! Such a recovery fits in any log, an empty one too: it speaks of a key that this log need not know,
//! and changes nothing of what the log says of its own keys.

use super::details::signature;
use super::{Fields, Fingerprint, Founded, Json, JsonError, Label, QuorumId, object, text};
use core::num::NonZeroU32;

/// Which key version is salvaged, as its backup sheet names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// SHA-256 of the backup on the sheet.
    pub backup: [u8; 32],
    /// The key's name.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// The quorum that the sheet names.
    pub quorum: QuorumId,
}

/// A salvage that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Which key version.
    pub salvage: Salvage,
    /// The quorum that met, and the record on the sheet that says who it is.
    pub quorum: Founded,
    /// Where the key went, without names that are nobody's business.
    pub to: &'static str,
    /// The shares that were present.
    pub cards: Vec<u8>,
    /// The fingerprint of the key, confirmed from another record than the sheet.
    pub fingerprint: Fingerprint,
}

impl Salvage {
    fn fields(&self) -> [(&'static str, Option<Json<'static>>); 4] {
        [
            ("backup", Some(Json::text(text::hex(&self.backup)))),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("quorum", Some(Json::text(self.quorum.text()))),
            ("version", Some(Json::Number(self.version.get().into()))),
        ]
    }

    /// The details of the intent.
    #[must_use]
    pub fn intent(&self, to: &'static str) -> Json<'static> {
        let [backup, name, quorum, version] = self.fields();
        object([backup, name, quorum, ("to", Some(Json::text(to))), version])
    }

    /// Reads what an intent must say; more is free.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            backup: fields.parsed("backup", text::array_from_hex)?,
            name: fields.parsed("name", |text| text.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
        })
    }
}

impl Salvaged {
    /// The details of the record that ends `intent`, without the quorum's signature.
    #[must_use]
    pub fn done(&self, intent: u64) -> Json<'static> {
        let [backup, name, quorum, version] = self.salvage.fields();
        let cards = self.cards.iter().map(|index| Json::Number((*index).into())).collect();
        object([
            backup,
            ("cards", Some(Json::List(cards))),
            ("fingerprint", Some(Json::text(self.fingerprint.to_string()))),
            ("generation", Some(Json::Number(self.quorum.generation.into()))),
            ("intent", Some(Json::Number(intent))),
            name,
            quorum,
            ("record", Some(Json::text(text::hex(&self.quorum.record)))),
            ("to", Some(Json::text(self.to))),
            version,
        ])
    }

    /// Reads what is left of the details behind `intent`.
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        signature(&mut fields)?;
        let salvage = Salvage::read(&mut fields)?;
        let index = |item: Json<'_>| match item {
            Json::Number(index) => u8::try_from(index).ok(),
            _ => None,
        };
        let cards = fields.list("cards")?.into_iter().map(index).collect::<Option<_>>();
        let quorum = Founded {
            quorum: salvage.quorum,
            generation: match fields.number("generation")? {
                0 => return Err(fields.refuse("generation")),
                generation => generation,
            },
            record: fields.parsed("record", text::array_from_hex)?,
        };
        let salvaged = Self {
            quorum,
            cards: cards.ok_or_else(|| fields.refuse("cards"))?,
            to: fields.parsed("to", |text| ["file", "age"].into_iter().find(|known| *known == text))?,
            fingerprint: fields.parsed("fingerprint", Fingerprint::parse)?,
            salvage,
        };
        fields.finish()?;
        Ok(salvaged)
    }
}

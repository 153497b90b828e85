//! The details of a `card` record: a card was lost, or found again.
//!
//! Whoever hears of a loss may say so: it opens nothing, and the count of cards to spare is the better for
//! it. A card that was destroyed has a certificate instead (`certificate.rs`) and is never found again.

use super::super::operator::Role;
use super::super::record::Record;
use super::lifecycle::is_reason;
use super::{Fields, Json, JsonError, QuorumEntry, QuorumId, State, StateError, Timestamp, object};

/// Which card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CardId {
    /// Its quorum.
    pub quorum: QuorumId,
    /// Its generation.
    pub generation: u16,
    /// Its share.
    pub index: u8,
}

/// What became of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nobody knows where it is.
    Lost,
    /// Somebody else may have it.
    Stolen,
    /// Nobody can read it any more, or open its seal.
    Unreadable,
    /// It is where it should be, after all.
    Found,
}

/// What somebody says of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardChange {
    /// Which card.
    pub card: CardId,
    /// What became of it.
    pub fate: Fate,
    /// Why that is known: 1 to 500 bytes, one line.
    pub reason: String,
}

const FATES: [(Fate, &str); 4] = [
    (Fate::Lost, "lost"),
    (Fate::Stolen, "stolen"),
    (Fate::Unreadable, "unreadable"),
    (Fate::Found, "found"),
];

impl Fate {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        FATES.iter().find(|(fate, _)| *fate == self).map_or("", |(_, word)| *word)
    }

    /// The fate that a word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        FATES.iter().find(|(_, known)| *known == word).map(|(fate, _)| *fate)
    }
}

impl CardId {
    pub(super) fn fields(&self) -> [(&'static str, Option<Json<'static>>); 3] {
        [
            ("generation", Some(Json::Number(self.generation.into()))),
            ("index", Some(Json::Number(self.index.into()))),
            ("quorum", Some(Json::text(self.quorum.text()))),
        ]
    }

    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
            generation: fields.number("generation")?,
            index: match fields.number("index")? {
                0 => return Err(fields.refuse("index")),
                index => index,
            },
        })
    }
}

impl CardChange {
    /// The details of the record.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        let [generation, index, quorum] = self.card.fields();
        object([
            ("change", Some(Json::text(self.fate.name()))),
            generation,
            index,
            quorum,
            ("reason", Some(Json::text(self.reason.clone()))),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let change = Self {
            card: CardId::take(&mut fields)?,
            fate: fields.parsed("change", Fate::parse)?,
            reason: fields.parsed("reason", |text| is_reason(text).then(|| text.to_owned()))?,
        };
        fields.finish()?;
        Ok(change)
    }
}

impl State {
    /// The quorum that a card is of.
    pub(super) fn quorum_of_mut(&mut self, card: CardId) -> Result<&mut QuorumEntry, StateError> {
        let ours = |entry: &&mut QuorumEntry| {
            (entry.founded.quorum, entry.founded.generation) == (card.quorum, card.generation)
        };
        self.quorums.iter_mut().find(ours).ok_or(StateError::Quorum { quorum: card.quorum })
    }

    /// Whether a founder signs a record; where nobody signs, everybody stands for one.
    pub(super) fn is_by_founder(&self, record: &Record) -> bool {
        let signer = record.signed_by.as_ref().and_then(|signed| self.operators.get(&signed.key));
        self.operators.is_empty() || signer.is_some_and(|one| one.roles.contains(&Role::Founder))
    }

    /// Takes what somebody says of a card. A loss is for everybody to tell; that it was none, for a founder.
    pub(super) fn change_card(
        &mut self,
        fields: Fields<'_>,
        time: Timestamp,
        by_founder: bool,
    ) -> Result<(), StateError> {
        let CardChange { card, fate, .. } = CardChange::read(fields)?;
        let cards = &mut self.quorum_of_mut(card)?.cards;
        let mut history = cards.get(&card.index).copied().unwrap_or_default();
        // What is found must have been missing, and nothing is missing twice in one way.
        let before = history.gone.map_or(Fate::Found, |(_, fate)| fate);
        if history.destroyed.is_some() || before == fate {
            return Err(StateError::Card { index: card.index, fate });
        }
        if !by_founder && (fate == Fate::Found || before == Fate::Stolen) {
            return Err(StateError::Founder { index: card.index, fate });
        }
        history.gone = (fate != Fate::Found).then_some((time, fate));
        cards.insert(card.index, history);
        Ok(())
    }

    /// Remembers that cards were opened at a meeting of their quorum: their shares were good.
    pub(super) fn used(&mut self, quorum: QuorumId, cards: &[u8], time: Timestamp) {
        if let Some(entry) = self.quorums.iter_mut().rev().find(|entry| entry.founded.quorum == quorum) {
            for index in cards {
                entry.cards.entry(*index).or_default().used = Some(time);
            }
        }
    }
}

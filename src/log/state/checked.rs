//! The details of a `check` record: which cards were good, how they were read, which were left out.
//!
//! A check changes nothing, so nothing stands or falls with its record: details of another form (an
//! earlier program's, or another occasion's) are whole, and say nothing of any card. A record of this
//! form about a quorum that the log has founded says when a card was last known good.

use super::card::Fate;
use super::{Fields, Json, JsonError, QuorumId, Timestamp, object};

/// Cards that were looked at together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Their quorum.
    pub quorum: QuorumId,
    /// Their generation.
    pub generation: u16,
    /// Why they were looked at.
    pub occasion: Occasion,
    /// The cards that were good.
    pub cards: Vec<CheckedCard>,
    /// The shares whose cards the operator left out, by name; of a scan-back only.
    pub skipped: Vec<u8>,
}

/// A card that was good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedCard {
    /// Its share.
    pub index: u8,
    /// How far it was looked at.
    pub depth: Depth,
    /// What it was read from.
    pub medium: Medium,
}

/// Why cards were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// They were read back from their print, before they were handed out.
    ScanBack,
    /// Somebody wanted to know.
    Check,
}

/// How far a card was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// It is intact, and the one that was issued.
    Card,
    /// Its share lies on the quorum's polynomials, too.
    Share,
}

/// What a card was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// The codes in a picture.
    Picture,
    /// The codes in a PDF.
    Pdf,
    /// Text: its typed lines, or the text of its codes.
    Text,
}

/// What the log knows of one card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CardHistory {
    /// When it was last intact and the one that was issued.
    pub good: Option<Timestamp>,
    /// When its share was last looked at, too.
    pub share: Option<Timestamp>,
    /// Whether the scan-back of its founding left it out.
    pub skipped: bool,
    /// When its share last met others, in a recovery or a drill; what it was read from then, the log doesn't
    /// say, so it is no check of the paper.
    pub used: Option<Timestamp>,
    /// Since when it is lost, stolen or unreadable.
    pub gone: Option<(Timestamp, Fate)>,
    /// When it was destroyed, and by which certificate.
    pub destroyed: Option<(Timestamp, u64)>,
}

impl CardHistory {
    /// Whether nobody can bring it any more.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.gone.is_some() || self.destroyed.is_some()
    }

    /// Whether the scan-back of its founding is over for this card.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.good.is_some() || self.skipped
    }
}

const OCCASIONS: [(Occasion, &str); 2] = [(Occasion::ScanBack, "scan-back"), (Occasion::Check, "check")];
const DEPTHS: [(Depth, &str); 2] = [(Depth::Card, "card"), (Depth::Share, "share")];
const MEDIA: [(Medium, &str); 3] =
    [(Medium::Picture, "picture"), (Medium::Pdf, "pdf"), (Medium::Text, "text")];

fn word<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> Json<'static> {
    Json::text(table.iter().find(|(known, _)| known == value).map_or("", |(_, word)| *word))
}

fn value<T: Copy>(table: &[(T, &'static str)], word: &str) -> Option<T> {
    table.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
}

impl Checked {
    /// The details of the record.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        let card = |card: &CheckedCard| {
            object([
                ("depth", Some(word(&DEPTHS, &card.depth))),
                ("index", Some(Json::Number(card.index.into()))),
                ("read", Some(word(&MEDIA, &card.medium))),
            ])
        };
        let skipped = || self.skipped.iter().map(|index| Json::Number((*index).into())).collect();
        object([
            ("cards", Some(Json::List(self.cards.iter().map(card).collect()))),
            ("generation", Some(Json::Number(self.generation.into()))),
            ("occasion", Some(word(&OCCASIONS, &self.occasion))),
            ("quorum", Some(Json::text(self.quorum.text()))),
            ("skipped", (self.occasion == Occasion::ScanBack).then(|| Json::List(skipped()))),
        ])
    }

    /// What details say; `None` when they are of another form.
    pub(super) fn read(details: &Json<'_>) -> Option<Self> {
        Self::strict(Fields::of("the record", details.by_ref()).ok()?).ok()
    }

    fn strict(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let cards = fields.list("cards")?.into_iter().map(read_card).collect::<Result<_, _>>()?;
        let occasion = fields.parsed("occasion", |text| value(&OCCASIONS, text))?;
        let index = |item: Json<'_>| match item {
            Json::Number(index) => u8::try_from(index).ok(),
            _ => None,
        };
        let skipped = match occasion {
            Occasion::Check => Some(Vec::new()),
            Occasion::ScanBack => fields.list("skipped")?.into_iter().map(index).collect(),
        };
        let checked = Self {
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
            generation: fields.number("generation")?,
            occasion,
            cards,
            skipped: skipped.ok_or_else(|| fields.refuse("skipped"))?,
        };
        fields.finish()?;
        Ok(checked)
    }
}

fn read_card(item: Json<'_>) -> Result<CheckedCard, JsonError> {
    let mut fields = Fields::of("a card of the record", item)?;
    let card = CheckedCard {
        index: fields.number("index")?,
        depth: fields.parsed("depth", |text| value(&DEPTHS, text))?,
        medium: fields.parsed("read", |text| value(&MEDIA, text))?,
    };
    fields.finish()?;
    Ok(card)
}
